//! The effect signature: what a flow reads and does at most, and how it can fail. The checker computes it, the pipeline
//! plans by it, people read it.
//!
//! Counted in is what the flows do that it starts inline; `starts`, `queues` and `performs` aside, which name others. What
//! its nested operations set off is not in here: that follows from these signatures and the heads, for a whole program at once.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::diagnostic::Code;
use crate::schema::{FieldSet, Right};
use crate::value::{EntityId, Slot};

/// What a flow reads and does at most, and how it can fail.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Effects {
    /// Fields of the triggering record that it reads.
    pub reads: FieldSet,
    /// Fields whose value before the operation it looks at, by `old` or `changed`.
    pub old: FieldSet,
    /// Fields of other records that it reads, over lookups.
    pub related: BTreeMap<EntityId, FieldSet>,
    /// Fields by which it looks for records, and that it reads of those it found.
    pub queries: BTreeMap<EntityId, FieldSet>,
    /// Fields of the triggering record that it sets.
    pub sets: FieldSet,
    /// Entities it creates records of.
    pub creates: BTreeSet<EntityId>,
    /// Fields that it updates by naming the record.
    pub updates: BTreeMap<EntityId, FieldSet>,
    /// Entities it deletes records of.
    pub deletes: BTreeSet<EntityId>,
    /// Flows that it starts inline.
    pub starts: BTreeSet<SmolStr>,
    /// Flows that it puts in the queue.
    pub queues: BTreeSet<SmolStr>,
    /// Actions that it performs.
    pub performs: BTreeSet<SmolStr>,
    /// Whether it may stop the operation.
    pub may_stop: bool,
    /// Whether it may wait.
    pub may_wait: bool,
    /// Whether code that says `effects unknown` is on the way: it may do anything.
    pub unknown: bool,
    /// How it can fail by itself: each with its code.
    pub causes: BTreeSet<Cause>,
}

/// A way in which a flow can end in a fault.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// Division or remainder by zero.
    DivisionByZero,
    /// A result with more digits than a number has.
    Inexact,
    /// A number larger than its type.
    TooLarge,
    /// A date, time or duration outside the years 1 to 9999.
    OutOfTime,
    /// A value that the field can't have.
    Column(EntityId, Slot),
    /// A value that the input of a flow can't have: the flow and the input.
    Input(SmolStr, SmolStr),
    /// A required field that is left empty.
    Empty(EntityId, Slot),
    /// A record that isn't there.
    Gone(EntityId),
    /// A delete that a record restricts.
    Restricted(EntityId),
    /// A record with the same key.
    Duplicate(EntityId),
    /// A key that no record has, or several.
    Key(EntityId),
    /// Too many records for a loop without a limit.
    Records(EntityId),
    /// Operations or flows nested too deep.
    Depth,
    /// The instructions of the operation are used up.
    Instructions,
    /// A text grew too long.
    Text,
    /// A value that the output of an action can't have: the action and the output.
    Output(SmolStr, SmolStr),
    /// A required input that code outside leaves empty: the action and the input.
    Missing(SmolStr, SmolStr),
    /// Code outside that does what it doesn't declare.
    Undeclared(SmolStr),
    /// Code outside that the operator hasn't allowed.
    NotAllowed(SmolStr),
    /// Code outside that failed, or answered what can't be read.
    Outside(SmolStr),
    /// A function of the host that failed, or code outside that asked for what isn't there.
    Broken(SmolStr),
    /// An action that code outside performs on what it isn't for.
    Misused(SmolStr),
    /// A field that only the platform writes, written by code outside.
    Kept(EntityId),
    /// A privilege that its user lacks.
    Privilege(Right, EntityId),
}

impl Cause {
    /// The code of the fault.
    pub fn code(&self) -> Code {
        match self {
            Cause::DivisionByZero => Code::F01,
            Cause::Inexact => Code::F02,
            Cause::TooLarge | Cause::OutOfTime => Code::F03,
            Cause::Column(..) | Cause::Input(..) => Code::F04,
            Cause::Empty(..) => Code::F05,
            Cause::Gone(_) => Code::F06,
            Cause::Depth => Code::F07,
            Cause::Restricted(_) => Code::F08,
            Cause::Duplicate(_) => Code::F09,
            Cause::Instructions => Code::F12,
            Cause::Text => Code::F14,
            Cause::Key(_) => Code::F17,
            Cause::Records(_) => Code::F18,
            Cause::Output(..) => Code::F04,
            Cause::Missing(..) => Code::F05,
            Cause::Broken(_) => Code::F10,
            Cause::Misused(_) => Code::F13,
            Cause::Kept(_) => Code::F16,
            Cause::Undeclared(_) => Code::F19,
            Cause::NotAllowed(_) => Code::F20,
            Cause::Outside(_) => Code::F21,
            Cause::Privilege(..) => Code::F22,
        }
    }

    /// What it is, in a few words.
    pub fn words(&self) -> &'static str {
        match self {
            Cause::DivisionByZero => "division by zero",
            Cause::Inexact => "an inexact result",
            Cause::TooLarge => "a number that is too large",
            Cause::OutOfTime => "a time or rounding out of range",
            Cause::Column(..) => "a value outside its field",
            Cause::Input(..) => "a value outside an input",
            Cause::Empty(..) => "a required field left empty",
            Cause::Gone(_) => "a record that isn't there",
            Cause::Key(_) => "a key of no record, or of several",
            Cause::Records(_) => "too many records for a loop",
            Cause::Depth => "nested too deep",
            Cause::Restricted(_) => "a record that others refer to",
            Cause::Duplicate(_) => "a value that must be unique",
            Cause::Instructions => "a budget that is used up",
            Cause::Text => "a text that is too long",
            Cause::Output(..) => "a value outside an output",
            Cause::Missing(..) => "a required input left empty",
            Cause::Undeclared(_) => "an effect that isn't declared",
            Cause::NotAllowed(_) => "code outside that isn't allowed",
            Cause::Outside(_) => "code outside that failed",
            Cause::Broken(_) => "a plug-in that failed",
            Cause::Misused(_) => "an action on the wrong record",
            Cause::Kept(_) => "a field that only the platform writes",
            Cause::Privilege(..) => "a privilege that is missing",
        }
    }
}
