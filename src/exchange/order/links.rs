//! What leads where in the picture of an order: from what a part does to the events that it is, and to the children that it starts.

use super::words::{self, MOST_NAMES, title};
use crate::diagnostic::render::several;
use crate::pipeline::order::{Act, Order, Part, What};

/// What a part does: what stays with it, and what leads elsewhere.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// Acts that are no event and start nothing, in words.
    pub notes: Vec<String>,
    /// The others, in order: in words, and where they lead.
    pub links: Vec<(String, Target)>,
}

/// What an act leads to, by its position in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Target {
    Event(usize),
    Part(usize),
}

/// What a part does.
pub(super) fn of_part(order: &Order, part: &Part) -> Links {
    let mut found = Links::default();
    if !part.in_order && !part.acts.is_empty() {
        found.notes.push("in any order, any number of times:".to_owned());
    }
    for act in &part.acts {
        let said = said(act);
        match (act.events.as_slice(), act.part) {
            ([], Some(part)) if order.parts.get(part).is_some_and(|part| !part.acts.is_empty()) => {
                found.links.push((said, Target::Part(part)));
            }
            ([], _) => found.notes.push(if act.what == What::Set { format!("{said}, before it is written") } else { said }),
            ([only], _) => found.links.push((said, Target::Event(*only))),
            (several, _) => {
                let pass = |event: &usize| order.events.get(*event).map(title).unwrap_or_default();
                found.links.extend(several.iter().map(|event| (format!("{said}: {}", pass(event)), Target::Event(*event))));
            }
        }
    }
    found
}

/// What an act is, in a line.
fn said(act: &Act) -> String {
    let mut said = words::verb(act.what).to_owned();
    if act.what != What::Set && !act.of.is_empty() {
        said = format!("{said} {}", act.of);
    }
    if !act.fields.is_empty() && act.what != What::Create {
        said = format!("{said} ({})", several(&act.fields, MOST_NAMES));
    }
    if let Some(line) = act.line {
        said = format!("{said}, line {line}");
    }
    if let Some(entity) = &act.for_each {
        said = format!("{said}, for each {entity}");
    }
    said
}
