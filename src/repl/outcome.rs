//! An operation in one line: how it ended, and which flows ran, in their order.

use super::answer::Colour;
use super::define::openable;
use super::session::Session;
use crate::diagnostic::render;
use crate::exchange;
use crate::pipeline::{Ending, Outcome};

/// How many names of flows are told.
const MOST: usize = 20;

/// How much of a statement is shown.
const LONGEST: usize = 70;

/// What became of an operation. A fault takes more than a line: it has a place.
pub(super) fn told(session: &mut Session, outcome: &Outcome, user: Option<&str>) -> String {
    let colours = session.setup.colours;
    let by = user.map(|user| format!(" as {user}")).unwrap_or_default();
    let ran = ran(outcome);
    match &outcome.ending {
        Ending::Committed => {
            let record = match (outcome.record, outcome.records.as_slice()) {
                (Some(record), _) => session.record_name(record).map(|name| format!("{name} · ")),
                (None, [_, ..]) => Some(format!("{} records · ", outcome.records.len())),
                (None, []) => None,
            };
            let record = record.unwrap_or_default();
            format!("{}{by}  {record}{ran}{}", Colour::Good.paint("committed", colours), queued(outcome))
        }
        Ending::Stopped { flow, reason } => {
            let words = render::visible(reason);
            format!("{}{by}    by {flow}: {words} · {ran} · {}", Colour::Warning.paint("stopped", colours), undone(outcome.kept))
        }
        Ending::Fault(fault) => {
            let sources = openable(session);
            let place = render::human(&exchange::fault_told(fault, &sources), &sources, colours);
            format!("{}\n{}{by}     {ran} · {}", place.trim_end(), Colour::Bad.paint("failed", colours), undone(outcome.kept))
        }
    }
}

fn ran(outcome: &Outcome) -> String {
    if outcome.ran.is_empty() { "no flow ran".to_owned() } else { format!("ran {}", render::several(&outcome.ran, MOST)) }
}

fn queued(outcome: &Outcome) -> String {
    if outcome.queued.is_empty() { String::new() } else { format!(" · queued {}", render::several(&outcome.queued, MOST)) }
}

fn undone(kept: u32) -> String {
    match kept {
        0 => "nothing kept".to_owned(),
        1 => "one step kept by itself".to_owned(),
        _ => format!("{kept} steps kept by themselves"),
    }
}

/// The first line of a statement, not too much of it.
pub(super) fn statement(text: &str) -> String {
    let first = text.lines().next().unwrap_or("");
    let mut shown: String = first.chars().take(LONGEST).collect();
    if shown.len() < text.trim_end().len() {
        shown.push_str(" …");
    }
    render::visible(&shown).into_owned()
}
