//! What an outermost operation tells about itself: which steps ran, how deep it went and, where asked for, line by line what happened.

use smol_str::SmolStr;

use super::operation::TraceLine;

/// The record of one outermost operation. Lines are only made where tracing is on: their words are closures.
#[derive(Debug, Default)]
pub(super) struct Trace {
    on: bool,
    level: u32,
    lines: Vec<TraceLine>,
    ran: Vec<SmolStr>,
    deepest: u32,
}

impl Trace {
    /// A new one; `on` says whether lines are wanted.
    pub fn new(on: bool) -> Self {
        Trace { on, ..Trace::default() }
    }

    /// Tells a line.
    pub fn line(&mut self, words: impl FnOnce() -> String) {
        if self.on {
            let text = words().replace(['\n', '\r'], " ");
            self.lines.push(TraceLine { level: self.level, text });
        }
    }

    /// Tells a line; what follows is part of it until [`Trace::leave`].
    pub fn enter(&mut self, words: impl FnOnce() -> String) {
        self.line(words);
        self.level += 1;
    }

    /// The innermost part ends.
    pub fn leave(&mut self) {
        self.level = self.level.saturating_sub(1);
    }

    /// How deep the lines are indented now.
    pub fn level(&self) -> u32 {
        self.level
    }

    /// Goes back to a level, whatever was left open.
    pub fn leave_to(&mut self, level: u32) {
        self.level = level;
    }

    /// A step began to run.
    pub fn ran(&mut self, name: &SmolStr) {
        self.ran.push(name.clone());
    }

    /// An operation began at a depth.
    pub fn reached(&mut self, depth: u32) {
        self.deepest = self.deepest.max(depth);
    }

    /// What there is to tell: the steps that ran, the deepest level, the lines.
    pub fn finish(&mut self) -> (Vec<SmolStr>, u32, Vec<TraceLine>) {
        (std::mem::take(&mut self.ran), self.deepest, std::mem::take(&mut self.lines))
    }
}
