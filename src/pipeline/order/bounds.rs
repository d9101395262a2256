//! How far an operation can go at most: how deep, how many operations, how much work of its flows.
//!
//! Operations nest no deeper than the limit, and no chain of steps is longer than [`MAX_CHAIN`], so this has an end even where
//! flows set each other off in circles. A loop, a cascade and code outside the language have no bound that a program knows.

use rustc_hash::FxHashMap;
use serde::Serialize;
use smol_str::SmolStr;

use super::{Act, Event, Kind, Part, What};
use crate::bytecode::{self, Program};
use crate::pipeline::engine::MAX_CHAIN;

/// What an outermost operation comes to at most, everything that it causes counted in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bounds {
    /// How deep it nests, from 1.
    pub depth: u32,
    /// How deep it may nest; deeper is a fault.
    pub max_depth: u32,
    /// How many operations are nested in it; none where nobody knows.
    pub operations: Option<u64>,
    /// How many instructions its flows run; none where nobody knows.
    pub instructions: Option<u64>,
    /// How many statements its flows ask of the store; none where nobody knows.
    pub statements: Option<u64>,
    /// Why there is something that nobody knows: a `loop`, a `query`, a `cascade`, code `outside`, the `size` of the project.
    pub unknown: Vec<&'static str>,
}

/// What a node comes to; a number that nobody knows is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Most {
    depth: u32,
    operations: Option<u64>,
    instructions: Option<u64>,
    statements: Option<u64>,
}

const NOTHING: Most = Most { depth: 0, operations: Some(0), instructions: Some(0), statements: Some(0) };

/// What cannot be counted.
const UNKNOWN: Most = Most { depth: 0, operations: None, instructions: None, statements: None };

/// What flows and actions cost by themselves; of those that aren't in here nobody knows.
type Own = FxHashMap<SmolStr, Most>;

/// What each event and each part comes to.
#[derive(Clone, PartialEq, Eq)]
struct Values {
    events: Vec<Most>,
    parts: Vec<Most>,
}

/// The bounds of what is done.
pub(super) fn of(acts: &[Act], events: &[Event], parts: &[Part], program: &Program, max_depth: u32) -> Bounds {
    let own = own_costs(program);
    let nothing = Values { events: vec![NOTHING; events.len()], parts: vec![NOTHING; parts.len()] };
    let mut values: Option<Values> = None;
    for _ in 0..max_depth {
        values = Some(level(events, parts, &own, (values.as_ref(), &nothing)));
    }
    let values = values.unwrap_or(nothing);
    let most = acts.iter().map(|act| of_asked(act, &values, &own)).reduce(Most::either).unwrap_or(NOTHING);
    let unknown = reasons(&most, acts, events, parts, max_depth);
    let Most { depth, operations, instructions, statements } = most;
    Bounds { depth, max_depth, operations, instructions, statements, unknown }
}

/// What everything comes to with one level of nesting more than `inner`, which isn't there at the innermost one.
fn level(events: &[Event], parts: &[Part], own: &Own, (inner, nothing): (Option<&Values>, &Values)) -> Values {
    let mut values = nothing.clone();
    // Children and cascades are at the level of what starts them; each round lets their chains be longer by one.
    for _ in 0..MAX_CHAIN {
        let of_parts: Vec<Most> = parts.iter().map(|part| of_part(part, inner, &values)).collect();
        let of_events: Vec<Most> = events.iter().map(|event| of_event(event, own, &of_parts, &values.events)).collect();
        let next = Values { events: of_events, parts: of_parts };
        if next == values {
            break;
        }
        values = next;
    }
    values
}

impl Most {
    fn at_depth(self, depth: u32) -> Most {
        Most { depth, ..self }
    }

    /// One and then the other.
    fn and(self, other: Most) -> Most {
        let sum = |one: Option<u64>, other: Option<u64>| Some(one?.saturating_add(other?));
        self.with(other, sum)
    }

    /// One of the two.
    fn either(self, other: Most) -> Most {
        self.with(other, |one, other| Some(one?.max(other?)))
    }

    fn with(self, other: Most, together: fn(Option<u64>, Option<u64>) -> Option<u64>) -> Most {
        Most {
            depth: self.depth.max(other.depth),
            operations: together(self.operations, other.operations),
            instructions: together(self.instructions, other.instructions),
            statements: together(self.statements, other.statements),
        }
    }

    /// Any number of times.
    fn often(self) -> Most {
        let often = |most: Option<u64>| most.filter(|most| *most == 0);
        Most {
            depth: self.depth,
            operations: often(self.operations),
            instructions: often(self.instructions),
            statements: often(self.statements),
        }
    }
}

/// What flows and actions cost by themselves, by name; what runs inline in them is counted in.
fn own_costs(program: &Program) -> Own {
    let most = |cost: bytecode::Cost| Most {
        instructions: Some(cost.instructions).filter(|_| cost.rows.is_empty()),
        statements: Some(cost.reads.saturating_add(cost.writes)).filter(|_| cost.rows.is_empty()),
        ..NOTHING
    };
    bytecode::costs(program).into_iter().map(|(name, cost)| (name, most(cost))).collect()
}

/// The cost of something by itself, which is no operation.
fn cost_of(name: &SmolStr, own: &Own) -> Most {
    own.get(name).copied().unwrap_or(Most { operations: Some(0), ..UNKNOWN })
}

fn of_event(event: &Event, own: &Own, parts: &[Most], same: &[Most]) -> Most {
    if !event.followed {
        return UNKNOWN;
    }
    let mut most = NOTHING;
    for step in &event.steps {
        let Some(part) = step.part.and_then(|part| parts.get(part)) else { continue };
        // What an action costs counts where it is performed.
        let cost = match step.place.kind {
            Kind::Action => NOTHING,
            _ => cost_of(&step.place.name, own),
        };
        most = most.and(*part).and(cost);
    }
    // Nobody knows how many records go along, or how many go along with those.
    let cascades = event.cascades.iter().filter_map(|cascade| same.get(cascade.event)).map(|along| UNKNOWN.at_depth(along.depth));
    let most = cascades.fold(most, Most::and);
    most.at_depth(most.depth.max(1))
}

fn of_part(part: &Part, inner: Option<&Values>, same: &Values) -> Most {
    let most = part.acts.iter().map(|act| {
        let most = match act.what {
            What::Anything => UNKNOWN,
            What::Start => act.part.and_then(|part| same.parts.get(part)).copied().unwrap_or(NOTHING),
            // At the innermost level an operation more is a fault.
            _ => inner.map_or(NOTHING, |inner| nested(act, inner)),
        };
        if act.repeats.is_some() || !part.in_order { most.often() } else { most }
    });
    most.fold(NOTHING, Most::and)
}

/// A nested operation: itself, and what its events come to with the levels that are left.
fn nested(act: &Act, inner: &Values) -> Most {
    let one = Most { operations: Some(u64::from(!act.events.is_empty())), ..NOTHING };
    let events = act.events.iter().filter_map(|event| inner.events.get(*event)).copied();
    let most = events.fold(one, Most::and);
    most.at_depth(if act.events.is_empty() { 0 } else { most.depth + 1 })
}

/// What is asked about: an outermost operation.
fn of_asked(act: &Act, values: &Values, own: &Own) -> Most {
    let events = act.events.iter().filter_map(|event| values.events.get(*event));
    let part = act.part.and_then(|part| values.parts.get(part));
    let cost = if matches!(act.what, What::Run | What::Perform) { cost_of(&act.of, own) } else { NOTHING };
    let most = events.chain(part).copied().fold(cost, Most::and);
    let most = if act.repeats.is_some() { most.often() } else { most };
    most.at_depth(most.depth.max(1))
}

/// Why a number isn't known.
fn reasons(most: &Most, acts: &[Act], events: &[Event], parts: &[Part], max_depth: u32) -> Vec<&'static str> {
    if most.operations.is_some() && most.instructions.is_some() && most.statements.is_some() {
        return Vec::new();
    }
    let all = || parts.iter().flat_map(|part| &part.acts).chain(acts);
    let outside = parts.iter().any(|part| !part.in_order) || all().any(|act| act.what == What::Anything);
    let reasons = [
        (all().any(|act| act.repeats.is_some()), "loop"),
        (events.iter().any(|event| !event.cascades.is_empty()), "cascade"),
        (outside, "outside"),
        (events.iter().any(|event| !event.followed && event.depth <= max_depth), "size"),
    ];
    let found: Vec<&'static str> = reasons.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
    // A query in an expression goes through records too, and is no act.
    if found.is_empty() { vec!["query"] } else { found }
}
