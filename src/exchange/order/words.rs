//! The words that every form of an order is made of.

use crate::diagnostic::render::{counted, several};
use crate::pipeline::order::{Bounds, Event, Kind, OnlyIf, What};

/// How many names a list has before it is cut.
pub(super) const MOST_NAMES: usize = 6;

/// The stages as they are headed.
pub(super) const STAGES: [(Option<u8>, &str); 5] = [
    (Some(10), "pre-validation"),
    (Some(20), "pre-operation"),
    (Some(30), "core operation"),
    (Some(40), "post-operation"),
    (None, "queued, to run after the transaction"),
];

/// The numbers of the events of which there is something to tell.
pub(super) fn numbers(events: &[Event]) -> Vec<Option<usize>> {
    let mut count = 0;
    let number = |event: &Event| {
        let beside = [event.cascades.len(), event.restricted_by.len(), event.empties.len()];
        let told = !event.steps.is_empty() || beside.iter().any(|count| *count > 0);
        count += usize::from(told);
        told.then_some(count)
    };
    events.iter().map(number).collect()
}

/// What an event is: `Update account (name, size)`.
pub(super) fn title(event: &Event) -> String {
    let entity = event.entity.as_ref().map(|entity| format!(" {entity}")).unwrap_or_default();
    let fields = match (&event.fields[..], &event.more_fields) {
        ([], Some(more)) if more.is_empty() || event.message != "Update" => String::new(),
        (fields, Some(more)) if more.is_empty() => format!(" ({})", several(fields, MOST_NAMES)),
        (_, Some(more)) => format!(" (some of {})", several(more, MOST_NAMES)),
        (_, None) => " (any fields)".to_owned(),
    };
    format!("{}{entity}{fields}", event.message)
}

/// What the core operation does with the record.
pub(super) fn done(event: &Event) -> &'static str {
    match event.message.as_str() {
        "Create" => "created",
        "Delete" => "deleted",
        _ => "updated",
    }
}

/// What is not an event because it is deeper than operations may nest, or because there is too much to list.
pub(super) fn not_followed(event: &Event, bounds: &Bounds) -> &'static str {
    if event.depth > bounds.max_depth { "refused there: too deep" } else { "not followed" }
}

pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Flow => "flow",
        Kind::Plugin => "plug-in",
        Kind::Action => "action",
    }
}

/// The verb: `creates`.
pub fn verb(what: What) -> &'static str {
    match what {
        What::Set => "sets",
        What::Create => "creates",
        What::Update => "updates",
        What::Delete => "deletes",
        What::Start => "starts",
        What::Queue => "queues",
        What::Run => "runs",
        What::Perform => "performs",
        What::Anything => "may do anything",
    }
}

/// Where something runs: `only if name or size is submitted, or Adds sets size`.
pub(super) fn only_if(only_if: &OnlyIf) -> String {
    let submits = (!only_if.submits.is_empty()).then(|| {
        let one_of = if only_if.submits.len() == 1 { "" } else { "one of " };
        format!("{one_of}{} is submitted", several(&only_if.submits, MOST_NAMES))
    });
    let sets = only_if.sets.iter().map(|sets| format!("`{}` sets {}", sets.step, several(&sets.fields, MOST_NAMES)));
    let all: Vec<String> = submits.into_iter().chain(sets).collect();
    format!("only if {}", all.join(" or "))
}

/// Bounds in a line: `depth 3 of 8, 4 nested operations, 60 instructions, 9 statements`; what isn't known in two more.
pub(super) fn bounds(bounds: &Bounds) -> String {
    let numbers = [(bounds.operations, "nested operation"), (bounds.instructions, "instruction"), (bounds.statements, "statement")];
    let known = numbers.iter().filter_map(|(number, of)| number.map(|number| counted(usize::try_from(number).unwrap_or(usize::MAX), of)));
    let depth = format!("depth {} of {}", bounds.depth, bounds.max_depth);
    let first = std::iter::once(depth).chain(known).collect::<Vec<_>>().join(", ");
    let why = |reason: &&str| match *reason {
        "loop" => "loops go through records",
        "query" => "queries go through records",
        "cascade" => "deletes take others along",
        "outside" => "code is outside the language",
        _ => "there is more than is listed",
    };
    let unknown: Vec<String> = numbers.iter().filter(|(number, _)| number.is_none()).map(|(_, of)| format!("{of}s")).collect();
    if unknown.is_empty() {
        return first;
    }
    let why: Vec<&str> = bounds.unknown.iter().map(why).collect();
    format!("{first}\n  not known: {}\n  because {}", unknown.join(", "), why.join(", and "))
}

/// No more than so many characters of a text.
pub(super) fn cut(text: &str, longest: usize) -> String {
    let cut: String = text.chars().take(longest).collect();
    if cut.len() < text.len() { format!("{cut} …") } else { cut }
}
