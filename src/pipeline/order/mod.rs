//! The order before anything runs: every step that an event would run, stage by stage, with the reason for its place, and
//! what those steps may cause in turn.
//!
//! It is worked out from the program alone, without a store, so it says what may happen and never what will: a condition may not
//! hold, a record may be out of scope, a `stop` may come before. The other way round it is a promise: what a run does is in here, in
//! this order. (A plug-in that an embedding program registers itself isn't: the project doesn't know it.)
//!
//! What may happen is a graph. An [`Event`] has steps, a step does what its [`Part`] says, and the acts of a part are events
//! again. Each event and each part stands in it once, so it stays small where flows set each other off in circles.
//! `ask.rs` reads the question and `answer.rs` answers it, `graph.rs` makes the graph out of events (`steps.rs`) and parts
//! (`acts.rs`), `bounds.rs` counts. How it is shown is in `exchange`.

mod acts;
mod answer;
mod ask;
mod bounds;
mod graph;
mod steps;

use serde::Serialize;
use smol_str::SmolStr;

pub use ask::{Ask, AskError, MESSAGES};
pub use bounds::Bounds;

use crate::bytecode::Program;
use crate::schema::Schema;
use crate::source::Sources;

/// The order in which steps run, and what they may cause.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The entity that was asked about; none for a global action.
    pub entity: Option<SmolStr>,
    /// The message: `Create`, `Upsert`, the name of an action or flow.
    pub message: SmolStr,
    /// The submitted fields, where they were named.
    pub fields: Option<Vec<SmolStr>>,
    /// What is done: one act, or for an upsert the two of which one is done.
    pub acts: Vec<Act>,
    /// The events that there may be, from the outermost inwards; acts name them by their position.
    pub events: Vec<Event>,
    /// What steps do, children and actions too; steps and acts name them by their position.
    pub parts: Vec<Part>,
    /// What would run if it weren't a draft.
    pub drafts: Vec<Place>,
    /// How far it can go at most.
    pub bounds: Bounds,
    /// Whether everything that may happen is in here: in a project where that would be too much, some events are named and not followed.
    pub complete: bool,
}

/// Something that happens to a record, or an action.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The entity of the record; none for a global action.
    pub entity: Option<SmolStr>,
    /// `Create`, `Update`, `Delete`, the name of an action; an update of the owner alone is `Assign`, one of the state `SetState`.
    pub message: SmolStr,
    /// The fields that an update submits.
    pub fields: Vec<SmolStr>,
    /// Fields that it may submit beside them; all where there is no list.
    pub more_fields: Option<Vec<SmolStr>>,
    /// How deep it is nested where it is least so, from 1.
    pub depth: u32,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// The records that go along with a deleted one, between its stages 20 and 30.
    pub cascades: Vec<Cascade>,
    /// The lookups that forbid a delete, `entity.field`.
    pub restricted_by: Vec<String>,
    /// The lookups that become empty on a delete, without an event.
    pub empties: Vec<String>,
    /// Whether its steps are listed. They aren't where it is deeper than operations may nest, and where there is too much to list.
    pub followed: bool,
}

/// Something that runs on an event.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The number of its stage: 10, 20, 30 (the body of an action) or 40; none for what is queued after it.
    pub stage: Option<u8>,
    /// What it is, and where it is declared.
    #[serde(flatten)]
    pub place: Place,
    /// Its rank among the steps of the stage.
    pub rank: i32,
    /// Why it has this place.
    pub why: String,
    /// The events that start it here, as they are written: `update(name, size)`.
    pub triggers: Vec<String>,
    /// When it doesn't run for sure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_if: Option<OnlyIf>,
    /// Its `when`, as it is written, in one line.
    pub when: Option<String>,
    /// As whom it runs: `caller`, or `owner`.
    pub run_as: &'static str,
    /// Who owns it, where somebody is named.
    pub owner: Option<SmolStr>,
    /// Whose records trigger it.
    pub scope: &'static str,
    /// Where its code is, if it is outside the language: `host`, `command`, `webhook`.
    pub via: Option<&'static str>,
    /// What it does; nothing for what is queued, since it does that later.
    pub part: Option<usize>,
}

/// A flow, plug-in or action, and where it is declared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Place {
    /// Its name.
    pub name: SmolStr,
    /// What it is.
    pub kind: Kind,
    /// Its file.
    pub file: String,
    /// The line of its name, from 1.
    pub line: usize,
}

/// What has a name and code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A flow.
    Flow,
    /// A declared plug-in.
    #[serde(rename = "plug-in")]
    Plugin,
    /// An action.
    Action,
}

/// What has to be so that a step runs: one of these fields is submitted, or a step of an earlier stage sets one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OnlyIf {
    /// The fields of which one is submitted.
    pub submits: Vec<SmolStr>,
    /// The steps of which one sets a field, each with the fields.
    pub sets: Vec<Sets>,
}

/// A step that may set fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sets {
    /// The step.
    pub step: SmolStr,
    /// The fields.
    pub fields: Vec<SmolStr>,
}

/// A lookup whose records are deleted along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cascade {
    /// The lookup, `entity.field`.
    pub lookup: String,
    /// The delete of each of them.
    pub event: usize,
}

/// What a flow, plug-in or action does at a place.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// Its name.
    pub name: SmolStr,
    /// What it is.
    pub kind: Kind,
    /// Whether what it sets goes into the record that is about to be written: `yes`, `no`, or `maybe`, for a child on a record that
    /// may be the same.
    pub before: Before,
    /// Whether it does what it does in this order. Of code outside the language nobody knows the order, or how often.
    pub in_order: bool,
    /// How deep it runs where it is least so.
    pub depth: u32,
    /// What it may do, in order.
    pub acts: Vec<Act>,
}

/// Whether a part runs before the core operation of its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Before {
    /// It does: what it sets is no event.
    Yes,
    /// It doesn't: what it sets is a nested update.
    No,
    /// That depends on the record that it is started on.
    Maybe,
}

/// Something that is done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Act {
    /// What.
    pub what: What,
    /// The entity, flow or action.
    pub of: SmolStr,
    /// The fields that are written.
    pub fields: Vec<SmolStr>,
    /// The line in the file of whoever does it; none for code outside the language, and for what was asked about.
    pub line: Option<usize>,
    /// The loop that it stands in, counted from 1 within the part, the outermost of several: acts of one loop may be repeated, together.
    #[serde(rename = "loop")]
    pub repeats: Option<u32>,
    /// The entity whose records that loop goes through.
    pub for_each: Option<SmolStr>,
    /// The events that it is, in order: one, or for an update one for each pass.
    pub events: Vec<usize>,
    /// What it runs without an event: a child flow, or a flow on demand.
    pub part: Option<usize>,
}

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// Fields of its own record get values.
    Set,
    /// A new record.
    Create,
    /// A change of a record.
    Update,
    /// The end of a record.
    Delete,
    /// A child flow, inline.
    Start,
    /// A flow in the background, for after the transaction.
    Queue,
    /// A flow on demand.
    Run,
    /// An action.
    Perform,
    /// Anything at all: code outside the language that says `effects unknown`.
    Anything,
}

/// The order of what is asked about, in a program. `depth` is how deep operations may nest. Where names are wrong, says which.
pub fn order(program: &Program, schema: &Schema, sources: &Sources, ask: &Ask, depth: u32) -> Result<Order, AskError> {
    let question = ask::read(program, schema, ask)?;
    Ok(graph::Graph::new(program, schema, sources, depth).answer(ask, &question))
}
