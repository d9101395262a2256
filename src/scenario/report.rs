//! What running a test or a scenario gives, for whoever prints it.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::check::ir::Scenario;
use crate::pipeline::{Ending, Job, Outcome};
use crate::source::Span;
use crate::value::EntityId;
use crate::vm::Fault;

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
    /// The names of the entities that it worked on, and of the flows, actions and plug-ins that were considered or ran; only where its operations were traced.
    pub touched: BTreeSet<SmolStr>,
    /// Why it wasn't run, where it says so itself.
    pub skipped: Option<SmolStr>,
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
    /// More about it, a line each: what was expected and what there was, the flow that stopped.
    pub notes: Vec<String>,
    /// The fault that it is, if it is one: the message begins with its code then.
    pub fault: Option<Box<Fault>>,
    /// Of a condition: the whole of it, and what its parts came to, those that were looked at.
    pub condition: Option<Box<(Span, Vec<Part>)>>,
    /// The records that it is about, as they are where it failed.
    pub records: Vec<RecordState>,
}

/// A part of a condition with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Where its value belongs: in here, behind blanks, dots and brackets, stands its operator or the name of what was read.
    pub at: Span,
    /// The value as the language writes it, or the fault that it ended in.
    pub value: String,
}

/// A record as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordState {
    /// Its entity and what it is called.
    pub title: String,
    /// Whether there is no such record any more.
    pub gone: bool,
    /// Its fields: those that hold a value, that the condition reads, or that the last operation changed.
    pub fields: Vec<FieldState>,
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldState {
    /// Its name.
    pub name: SmolStr,
    /// Its value before the last operation, where that changed it.
    pub old: Option<String>,
    /// Its value.
    pub value: String,
}

/// The whole run in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All well: exit code 0.
    Passed,
    /// It says itself that it isn't to be run, and nothing was.
    Skipped,
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

    /// Of a test that isn't to be run.
    pub(super) fn skipped(scenario: &Scenario, reason: SmolStr) -> Self {
        let Scenario { name, test, span, .. } = scenario;
        Report {
            name: name.clone(),
            test: *test,
            span: *span,
            skipped: Some(reason),
            touched: BTreeSet::new(),
            events: Vec::new(),
            failure: None,
        }
    }

    /// The whole run in one word, the worst that happened.
    pub fn verdict(&self) -> Verdict {
        if self.skipped.is_some() {
            return Verdict::Skipped;
        }
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
