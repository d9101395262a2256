//! What running a test or a scenario gives, for whoever prints it.

use smol_str::SmolStr;

use crate::pipeline::{Ending, Job, Outcome};
use crate::source::Span;
use crate::value::EntityId;

/// What happened while a test or scenario ran.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Its title or name.
    pub name: SmolStr,
    /// Whether it is a test.
    pub test: bool,
    /// Where its name stands.
    pub span: Span,
    /// The operations and the shown values, in the order in which they happened.
    pub events: Vec<Event>,
    /// Why it ended before its last statement, if it did.
    pub failure: Option<Failure>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Which.
    pub kind: EventKind,
    /// The statement; of a shown value, the expression.
    pub span: Span,
}

/// The things that happen.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// An outermost operation.
    Operation {
        /// What was done: `Create`, `Update`, `Delete`, `Upsert`, `CreateMultiple`, `UpdateMultiple`, `Run`, `Start`, `Perform`.
        message: &'static str,
        /// The entity of its record; a global action has none.
        entity: Option<EntityId>,
        /// Who did it; the system administrator where there is no name.
        user: Option<SmolStr>,
        /// What became of it.
        outcome: Box<Outcome>,
        /// Whether an `expect` about it followed and held. Says something only where the operation wasn't committed.
        expected: bool,
    },
    /// A `show`: the value as text, `empty` where there is none.
    Show(String),
    /// A job ran, by `advance` or `run jobs`: as it was left.
    Job(Box<Job>),
    /// A `show audit`: what became of a record, a line for each change.
    History(Vec<String>),
}

/// Why a test or scenario failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The statement or expression that failed.
    pub span: Span,
    /// What is wrong, in one line.
    pub message: String,
    /// More about it, a line each: the values of both sides, the flow that stopped.
    pub notes: Vec<String>,
}

/// The whole run in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All well: exit code 0.
    Passed,
    /// A flow stopped an operation, and no `expect` was about it: exit code 3.
    Stopped,
    /// An `expect` was false, or something faulted: exit code 1.
    Failed,
}

impl Report {
    /// Lets what happened inside the operations go.
    pub fn forget_traces(&mut self) {
        for event in &mut self.events {
            if let EventKind::Operation { outcome, .. } = &mut event.kind {
                outcome.trace = Vec::new();
            }
        }
    }

    /// The whole run in one word, the worst that happened.
    pub fn verdict(&self) -> Verdict {
        if self.failure.is_some() {
            return Verdict::Failed;
        }
        let mut verdict = Verdict::Passed;
        for event in &self.events {
            let EventKind::Operation { outcome, expected: false, .. } = &event.kind else { continue };
            match outcome.ending {
                Ending::Committed => {}
                Ending::Stopped { .. } => verdict = Verdict::Stopped,
                Ending::Fault(_) => return Verdict::Failed,
            }
        }
        verdict
    }
}
