//! A part of a trace: what is about one flow, or about one record, with the entries that it stands in.

use smol_str::SmolStr;

use crate::bytecode::Program;
use crate::diagnostic::render::{several, visible};
use crate::pipeline::{Happening, StepVerdict, TraceEntry};
use crate::schema::Schema;
use crate::value::Uuid;

/// How many operations are named where a flow wasn't considered.
const MOST: usize = 8;

/// What a part of a trace is about; of both where both are there.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// The steps of this name.
    pub flow: Option<&'a str>,
    /// What is done on this record.
    pub record: Option<Uuid>,
}

/// The entries that are about something, all that is part of them, and what they are part of.
pub fn trace_about(trace: &[TraceEntry], about: About<'_>) -> Vec<TraceEntry> {
    let mut found = Vec::new();
    // The entries that the one in hand is part of: each with the record that it is on, and whether it was taken.
    let mut above: Vec<(usize, Option<Uuid>, bool)> = Vec::new();
    let mut inside: Option<u32> = None;
    for (index, entry) in trace.iter().enumerate() {
        above.truncate(entry.level as usize);
        inside = inside.filter(|level| entry.level > *level);
        let record = record_of(&entry.what).or_else(|| above.last().and_then(|(_, record, _)| *record));
        let is_taken = inside.is_some() || matches(&entry.what, record, about);
        if is_taken {
            for (above, _, taken) in &mut above {
                if !std::mem::replace(taken, true) {
                    found.extend(trace.get(*above).cloned());
                }
            }
            found.push(entry.clone());
            inside = inside.or(Some(entry.level));
        }
        above.push((index, record, is_taken));
    }
    found
}

fn record_of(what: &Happening) -> Option<Uuid> {
    match what {
        Happening::Operation { record, .. } => record.map(|record| record.id),
        Happening::Step { record, .. } => record.as_ref().map(|(_, record)| record.id),
        Happening::Turn { record, .. } => Some(record.id),
        _ => None,
    }
}

fn matches(what: &Happening, on: Option<Uuid>, about: About<'_>) -> bool {
    let on_record = about.record.is_none_or(|record| on == Some(record));
    match about.flow {
        Some(flow) => matches!(what, Happening::Step { name, .. } if name == flow) && on_record,
        None => on_record && matches!(what, Happening::Operation { .. } | Happening::Step { .. } | Happening::Turn { .. }),
    }
}

/// Why a flow isn't in a trace, in a line: it is a draft, or nothing happened that it is for.
pub fn not_considered(flow: &str, trace: &[TraceEntry], program: &Program, schema: &Schema) -> String {
    let flow_words = format!("`{}`", visible(flow));
    if program.action(flow).is_some() {
        return format!("{flow_words} is an action, and nothing performed it");
    }
    let Some(found) = program.flow(flow) else {
        return format!("{flow_words} is for other events than what happened");
    };
    if found.head.draft {
        return format!("{flow_words} is a draft, so nothing sets it off");
    }
    let mut operations = Vec::new();
    for entry in trace {
        if let Happening::Operation { message, entity, name, .. } = &entry.what {
            let words = [Some(*message), name.as_deref(), entity.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
            if !operations.contains(&words) {
                operations.push(words);
            }
        }
    }
    let entity = schema.entity(found.head.entity).map_or("", |entity| entity.name.as_str());
    let happened = several(&operations, MOST);
    match found.head.triggers.is_empty() {
        true => format!("{flow_words} was not considered: nothing starts it, or runs it, on a `{entity}` here (what happened: {happened})"),
        false => format!("{flow_words} was not considered: it is for other events of `{entity}` than what happened ({happened})"),
    }
}

/// The names of steps that were considered and didn't run, no more than so many.
pub fn left_out(trace: &[TraceEntry], most: usize) -> Vec<SmolStr> {
    let mut names: Vec<SmolStr> = Vec::new();
    for entry in trace {
        let Happening::Step { name, verdict, .. } = &entry.what else { continue };
        if !matches!(verdict, StepVerdict::Ran | StepVerdict::Queued) && names.len() < most && !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// A step of a trace.
pub(in crate::exchange) struct Step<'a> {
    pub name: &'a str,
    pub ran: bool,
    pub entry: &'a TraceEntry,
    /// What it did itself, in order: of the steps and operations that it set off only that it did.
    pub own: Vec<&'a TraceEntry>,
}

/// The steps of a trace, in order.
pub(in crate::exchange) fn steps(trace: &[TraceEntry]) -> Vec<Step<'_>> {
    let mut found = Vec::new();
    for (index, entry) in trace.iter().enumerate() {
        let Happening::Step { name, verdict, .. } = &entry.what else { continue };
        let parts = trace.iter().skip(index + 1).take_while(|part| part.level > entry.level);
        let (mut own, mut beneath) = (Vec::new(), None::<u32>);
        for part in parts {
            if beneath.is_some_and(|level| part.level > level) {
                continue;
            }
            beneath = matches!(part.what, Happening::Operation { .. } | Happening::Step { .. }).then_some(part.level);
            own.push(part);
        }
        found.push(Step { name, ran: *verdict == StepVerdict::Ran, entry, own });
    }
    found
}
