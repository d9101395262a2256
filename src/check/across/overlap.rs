//! Writes of several flows on one event that meet in one field: at the same place in the order, or in vain.

use std::collections::BTreeMap;

use crate::bytecode::{Event, Mode, Stage, Trigger};
use crate::check::effects;
use crate::check::ir::Flow;
use crate::check::may::{self, Found, Operation, Stages, World};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{FieldSet, Level};
use crate::value::{EntityId, Slot};

/// A place in the order: entity, message, stage, rank.
type Place = (EntityId, Message, Stage, i32);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Message {
    Create,
    Update,
    Delete,
    Perform,
}

pub(super) fn report(world: &World<'_>, flows: &[Flow], found: &[Found]) -> Vec<Diagnostic> {
    let active = || flows.iter().zip(found).filter(|(flow, _)| flow.head.mode == Mode::RealTime && !flow.head.draft);
    let mut places: BTreeMap<Place, Vec<(&Flow, &Found)>> = BTreeMap::new();
    let mut early: BTreeMap<(EntityId, Message), Vec<(&Flow, &Found)>> = BTreeMap::new();
    for (flow, found) in active() {
        let head = &flow.head;
        for trigger in &head.triggers {
            let message = message(&trigger.event);
            let place = places.entry((head.entity, message, trigger.stage, head.rank)).or_default();
            if place.last().is_none_or(|(last, _)| !std::ptr::eq(*last, flow)) {
                place.push((flow, found));
            }
            let stage = early.entry((head.entity, message)).or_default();
            if trigger.stage == Stage::PreOperation && stage.last().is_none_or(|(last, _)| !std::ptr::eq(*last, flow)) {
                stage.push((flow, found));
            }
        }
    }
    let mut said: Vec<Diagnostic> = places.values().flat_map(|flows| rivals(world, flows)).collect();
    for flows in early.values_mut() {
        flows.sort_by(|(one, _), (other, _)| (one.head.rank, &one.head.name).cmp(&(other.head.rank, &other.head.name)));
        said.extend(overwritten(world, flows));
    }
    // What is true of several messages is said once.
    said.sort_by(|one, other| (one.span(), &one.message).cmp(&(other.span(), &other.message)));
    said.dedup();
    said
}

fn message(event: &Event) -> Message {
    match event {
        Event::Create => Message::Create,
        Event::Update(_) => Message::Update,
        Event::Delete => Message::Delete,
        // No flow has it.
        Event::Perform(_) => Message::Perform,
    }
}

/// Flows at one place that write one field: which of them is the last is decided by their names alone.
fn rivals(world: &World<'_>, flows: &[(&Flow, &Found)]) -> Vec<Diagnostic> {
    let mut first: BTreeMap<Slot, (&Flow, &Found)> = BTreeMap::new();
    let mut said = Vec::new();
    for (flow, found) in flows.iter().filter(|(flow, _)| !flow.head.triggers.iter().all(|trigger| trigger.event == Event::Delete)) {
        let mut met: BTreeMap<&str, (&Flow, Vec<String>)> = BTreeMap::new();
        for slot in flow.effects.sets.iter() {
            let Some((other, others)) = first.get(&slot) else {
                first.insert(slot, (flow, found));
                continue;
            };
            let field = world.schema.field(flow.head.entity, slot).map_or("", |field| field.name.as_str());
            if meet(flow, other) && !same_constant(slot, found, others) && !exclusive(world, other, flow) {
                met.entry(other.head.name.as_str()).or_insert_with(|| (other, Vec::new())).1.push(format!("`{field}`"));
            }
        }
        for (name, (other, fields)) in met {
            let message = format!("`{name}` and `{}` write {} at the same place in the order", flow.head.name, fields.join(", "));
            said.push(
                Diagnostic::new(Code::W1002, flow.span, message)
                    .label(format!("this one runs last, because of its name; both have rank {}", flow.head.rank))
                    .also(other.span, "and this one before it")
                    .help("give them different ranks, or conditions that exclude each other"),
            );
        }
    }
    said
}

/// Whether an event starts both at one stage, be it the submission of a single field.
fn meet(one: &Flow, other: &Flow) -> bool {
    let same = |one: &Trigger, other: &Trigger| match (&one.event, &other.event) {
        (Event::Update(Some(one)), Event::Update(Some(other))) => one.intersects(other),
        (one, other) => message(one) == message(other),
    };
    let pairs = one.head.triggers.iter().flat_map(|one| other.head.triggers.iter().map(move |other| (one, other)));
    pairs.into_iter().any(|(one, other)| one.stage == other.stage && same(one, other))
}

/// Whether both write the one same constant.
fn same_constant(slot: Slot, one: &Found, other: &Found) -> bool {
    let writes = one.sites.iter().chain(&other.sites).filter(|site| site.operation == Operation::Set).flat_map(|site| &site.writes);
    let all = writes.filter(|(written, _)| *written == slot).map(|(_, may)| may.clone()).reduce(|one, other| one.join(&other));
    all.is_some_and(|all| all.only().is_some())
}

/// Whether no record meets the conditions of both.
fn exclusive(world: &World<'_>, one: &Flow, other: &Flow) -> bool {
    let stages = Stages { after: true, ..Stages::default() };
    let known = may::known_after_when(world, effects::view(one, stages), may::State::default());
    may::known_after_when(world, effects::view(other, stages), known).dead
}

/// Writes before the operation that a later flow always writes over, without anybody having read them.
fn overwritten(world: &World<'_>, flows: &[(&Flow, &Found)]) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    for (at, (flow, found)) in flows.iter().enumerate() {
        let only_early = flow.head.triggers.iter().all(|trigger| trigger.stage == Stage::PreOperation) && !flow.head.child;
        for site in found.sites.iter().filter(|site| site.operation == Operation::Set && only_early && !flow.head.on_demand) {
            for (slot, _) in &site.writes {
                let later = flows.get(at + 1..).unwrap_or_default();
                if flow.effects.reads.contains(*slot) {
                    continue;
                }
                // Of two with one rank that is said already.
                if let Some((last, over)) = first_over(*slot, flow, later).filter(|(last, _)| last.head.rank != flow.head.rank) {
                    let field = world.schema.field(flow.head.entity, *slot).map_or("", |field| field.name.as_str());
                    said.push(
                        Diagnostic::new(Code::W1003, site.span, format!("`{field}` is always written over by `{}`", last.head.name))
                            .also(over, "here, before anything has read it")
                            .help("take one of the two away, or change their order"),
                    );
                }
            }
        }
    }
    said
}

/// The flow that writes over a field in every run in which an earlier one wrote it, where no flow looks at it between them.
fn first_over<'a>(slot: Slot, earlier: &Flow, later: &[(&'a Flow, &'a Found)]) -> Option<(&'a Flow, crate::source::Span)> {
    for (flow, found) in later {
        if flow.effects.reads.contains(slot) || flow.effects.old.contains(slot) || flow.effects.unknown {
            return None;
        }
        let always = flow.head.scope == Level::Organization && covers(&flow.head.triggers, &earlier.head.triggers);
        let writes = |fields: &[(Slot, may::May)]| fields.iter().any(|(written, _)| *written == slot);
        let over = found.sites.iter().find(|site| site.operation == Operation::Set && site.sure && writes(&site.writes));
        if let Some(over) = over.filter(|_| always) {
            return Some((flow, over.span));
        }
    }
    None
}

/// Whether the first triggers start a flow, before the operation, wherever the others do.
fn covers(triggers: &[Trigger], others: &[Trigger]) -> bool {
    let all = |wider: &Option<FieldSet>, fields: &Option<FieldSet>| match (wider, fields) {
        (None, _) => true,
        (Some(wider), Some(fields)) => fields.iter().all(|slot| wider.contains(slot)),
        (Some(_), None) => false,
    };
    let over = |one: &Trigger, other: &Trigger| {
        one.stage == Stage::PreOperation
            && match (&one.event, &other.event) {
                (Event::Update(wider), Event::Update(fields)) => all(wider, fields),
                (one, other) => one == other,
            }
    };
    others.iter().all(|other| triggers.iter().any(|one| over(one, other)))
}
