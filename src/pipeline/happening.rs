//! What a trace consists of: one entry for everything that an operation considered, read, wrote and asked for.
//!
//! A trace is a tree, kept as a list in the order of time in which every entry says its level: a cascade is as deep as the
//! data is, and a list is walked, written and dropped without the program's own stack. Names and texts of places aren't in here: spans are, and
//! whoever shows a trace has the sources.

use std::time::Duration;

use smol_str::SmolStr;

use crate::bytecode::{Asks, Stage};
use crate::diagnostic::Code;
use crate::source::Span;
use crate::value::{Reference, Type, Value};
use crate::vm::FactName;

/// An entry of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceEntry {
    /// How deep it stands, from 0: it is part of the entry before it that stands one level higher.
    pub level: u32,
    /// What happened.
    pub what: Happening,
    /// How long it took with all its parts; nothing where it has none, or where the stopwatch stands still.
    pub took: Duration,
}

/// A value with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// The name of a field, an input or a `let`, or the text that it was worked out of.
    pub name: FactName,
    /// The value; of a write, the new one.
    pub value: Value,
    /// Of a write: the value before it, where that is known.
    pub old: Option<Value>,
    /// Its type, where that is known.
    pub ty: Option<Type>,
}

/// The things that happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// An operation. What it consists of are its parts.
    Operation {
        /// What it is called: `Create`, `Update`, `Assign`, `SetState`, `Delete`, `Upsert`, `Send`, `CreateMultiple`, `UpdateMultiple`, `Run`,
        /// `Start`, `Perform`.
        message: &'static str,
        /// The flow or action, where it is about one.
        name: Option<SmolStr>,
        /// The entity of its records, where it is about some.
        entity: Option<SmolStr>,
        /// Its record, where it is about one that is known.
        record: Option<Reference>,
        /// As whom.
        acting: Actor,
        /// How deep it is nested, from 1.
        depth: u32,
        /// What was submitted.
        values: Vec<Named>,
    },
    /// A step that was considered. What it did are its parts; where its `when` doesn't hold, the conditions that say why.
    Step {
        /// What it is.
        kind: StepKind,
        /// Its name.
        name: SmolStr,
        /// Its stage; a child, and a flow on demand, have none.
        stage: Option<Stage>,
        /// Its place among the steps of its stage.
        rank: Option<i32>,
        /// Where the name of a flow or action stands.
        span: Option<Span>,
        /// The entity and record that it is on, where it isn't a step of its operation.
        record: Option<(SmolStr, Reference)>,
        /// What became of it.
        verdict: StepVerdict,
    },
    /// A condition was decided, or one part of it that decided for the whole; or the value of a `match`.
    Condition {
        /// Where it stands; of a `match`, its value.
        span: Span,
        /// Which of the two it is.
        is_match: bool,
        /// Whether it is true; of a `match`, whether one of its values is the one.
        holds: bool,
        /// What it was decided by.
        because: Vec<Named>,
    },
    /// Fields were read, one after the other.
    Read(Vec<Named>),
    /// A query gave a value, or a key a record.
    Query(Named),
    /// A loop begins.
    Loop {
        /// Its query.
        span: Span,
        /// How many records it visits.
        records: usize,
    },
    /// A loop goes on with a record; what it does with it are its parts.
    Turn {
        /// The entity.
        entity: SmolStr,
        /// The record.
        record: Reference,
    },
    /// Fields of the record were set by a step.
    Set(Vec<Named>),
    /// A plug-in gave an input of the action another value.
    Input(Named),
    /// The running action, or a plug-in after it, gave an output a value.
    Output(Named),
    /// A plug-in shared a value with the steps after it: its name, and the value as JSON.
    Shared(SmolStr, String),
    /// The core operation: what is written to the store.
    Core {
        /// `insert`, `update`, `delete`, `remove links`.
        what: &'static str,
        /// The entity.
        entity: SmolStr,
        /// How many records.
        records: usize,
        /// What is written.
        values: Vec<Named>,
    },
    /// A line of a flow or plug-in.
    Log(SmolStr),
    /// A named `step`; what it did are its parts.
    Group(SmolStr),
    /// A statement was left out, because its record is empty.
    Skipped(Span),
    /// Code outside is called.
    Call {
        /// `command` or `webhook`.
        via: &'static str,
        /// The command line or the address.
        to: SmolStr,
    },
    /// A flow ended before its last statement, with its note.
    Finished(SmolStr),
    /// A flow or plug-in stopped the operation.
    Stopped {
        /// Which.
        by: SmolStr,
        /// Its reason.
        reason: SmolStr,
    },
    /// The operation failed.
    Failed {
        /// Which kind.
        code: Code,
        /// What happened.
        message: String,
        /// Where in the source.
        span: Option<Span>,
    },
    /// The transaction.
    Transaction(Border),
    /// Something about the trace or the operation in words.
    Note(String),
}

/// The kinds of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// A flow that an event starts.
    Flow,
    /// A plug-in.
    Plugin,
    /// The body of an action.
    Action,
    /// A flow that another one starts.
    Child,
    /// A flow that a user runs.
    OnDemand,
}

impl StepKind {
    /// In a word or two.
    pub fn name(self) -> &'static str {
        match self {
            StepKind::Flow => "flow",
            StepKind::Plugin => "plug-in",
            StepKind::Action => "action",
            StepKind::Child => "child flow",
            StepKind::OnDemand => "flow on demand",
        }
    }
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepVerdict {
    /// It ran.
    Ran,
    /// It runs in the background, once the transaction is kept.
    Queued,
    /// None of the fields that it is about is in the Target.
    NotSubmitted(Vec<SmolStr>),
    /// None of the fields that it is about was in the Target when its stage began; these were set by a step of the stage itself.
    SameStage(Vec<SmolStr>),
    /// Its `when` doesn't hold.
    When,
    /// Its record is out of its scope: how far that reaches, seen from whom, and whose the record is.
    Scope {
        /// The name of the level: `user`, `business unit`, `parent and child business units`.
        level: &'static str,
        /// The owner of the flow.
        of: Actor,
        /// The owner of the record.
        owner: Actor,
    },
}

/// A user or team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub record: Reference,
    /// The name, where there is one.
    pub name: SmolStr,
}

/// The borders of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// The operation's own begins.
    Begin,
    /// It is kept.
    Commit,
    /// It is undone.
    Rollback,
    /// Within a longer one: from here on it can be undone by itself.
    Savepoint,
    /// Within a longer one: it was undone by itself.
    BackToSavepoint,
}

impl Border {
    /// In a few words.
    pub fn name(self) -> &'static str {
        match self {
            Border::Begin => "begin",
            Border::Commit => "commit",
            Border::Rollback => "rollback",
            Border::Savepoint => "savepoint",
            Border::BackToSavepoint => "back to the savepoint",
        }
    }
}

impl Happening {
    /// About how many bytes of texts it holds.
    pub(super) fn size(&self) -> usize {
        let text = |value: &Value| if let Value::Text(text) = value { text.len() } else { 0 };
        let named = |named: &Named| text(&named.value) + named.old.as_ref().map_or(0, text);
        match self {
            Happening::Operation { values, .. }
            | Happening::Condition { because: values, .. }
            | Happening::Read(values)
            | Happening::Set(values)
            | Happening::Core { values, .. } => values.iter().map(named).sum(),
            Happening::Query(value) | Happening::Input(value) | Happening::Output(value) => named(value),
            Happening::Shared(_, value) => value.len(),
            Happening::Log(text) | Happening::Group(text) | Happening::Finished(text) => text.len(),
            _ => 0,
        }
    }

    /// Whether several tests of one condition (`in`, `between`, the values of a `match`) are this one, of which the last decides.
    pub(super) fn goes_on(&mut self, asks: Asks, at: Span, now: bool, more: &mut Vec<Named>) -> bool {
        let Happening::Condition { span, is_match, holds, because } = self else { return false };
        if *span != at || *is_match != (asks == Asks::Match) {
            return false;
        }
        *holds = now;
        more.drain(..).filter(|value| !because.contains(value)).collect::<Vec<_>>().into_iter().for_each(|value| because.push(value));
        true
    }
}
