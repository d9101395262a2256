//! What the session answers: lines for whoever shows them, as they come, and how bad the worst of it was. Nothing in here prints.

pub(super) use crate::diagnostic::render::Colour;
use crate::diagnostic::{Diagnostic, render};
use crate::source::Sources;

/// How a session went, from the best to the worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worst {
    /// All well.
    #[default]
    Well,
    /// A flow stopped an operation, and no `expect` was about it.
    Stopped,
    /// Something was typed that can't be read or isn't sound, an `expect` was false, or an operation failed.
    Problems,
    /// A command was used in a wrong way.
    Usage,
    /// A file or the store failed.
    Failed,
}

/// A line of an answer, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// For standard output.
    Line(String),
    /// For standard error, where there is no terminal.
    Error(String),
}

/// The answer to something typed.
pub struct Answer<'a> {
    tell: &'a mut dyn FnMut(&Told),
    /// How bad the worst of it is.
    pub worst: Worst,
    /// Whether the session is over.
    pub over: bool,
}

impl<'a> Answer<'a> {
    /// An answer that goes line by line to whoever shows it.
    pub fn new(tell: &'a mut dyn FnMut(&Told)) -> Self {
        Answer { tell, worst: Worst::Well, over: false }
    }

    /// The answer to a part of what was typed, which goes the same way.
    pub(super) fn part(&mut self) -> Answer<'_> {
        Answer::new(self.tell)
    }

    /// Tells a line, or several.
    pub(super) fn line(&mut self, text: impl Into<String>) {
        (self.tell)(&Told::Line(text.into()));
    }

    /// Tells what is wrong.
    pub(super) fn error(&mut self, worst: Worst, text: impl Into<String>) {
        (self.tell)(&Told::Error(text.into()));
        self.worst = self.worst.max(worst);
    }

    /// Tells diagnostics, with carets into what they are about.
    pub(super) fn diagnostics(&mut self, said: &[Diagnostic], sources: &Sources, colours: bool) {
        for diagnostic in said {
            (self.tell)(&Told::Error(render::human(diagnostic, sources, colours).trim_end().to_owned()));
            if diagnostic.severity() != crate::diagnostic::Severity::Warning {
                self.worst = self.worst.max(Worst::Problems);
            }
        }
    }
}
