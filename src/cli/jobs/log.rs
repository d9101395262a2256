//! The step log of a job, for people and for programs.

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use serde_json::{Value, json};

use crate::cli::screen::Screen;
use crate::diagnostic::render;
use crate::pipeline::LoggedStep;
use crate::schema::jobs::Outcome;

/// How many steps there were, and how many of them are here.
pub(super) fn counted(steps: u32, here: usize) -> String {
    if steps as usize > here { format!("{steps}, the last {here} of them here") } else { steps.to_string() }
}

/// A step for people: when it began, how long it took and what came of it; beneath that what it did, and why it failed.
pub(super) fn lines(step: &LoggedStep, screen: Screen) -> Vec<String> {
    let outcome = match (step.outcome, step.due) {
        (Outcome::Succeeded, _) => "done".to_owned(),
        (Outcome::Waiting, Some(due)) => format!("waits until {} at most", seconds(due)),
        (Outcome::Waiting, None) => "waits for a change".to_owned(),
        (Outcome::Failed, Some(due)) => format!("failed, again at {}", seconds(due)),
        (Outcome::Failed, None) => "failed".to_owned(),
        (Outcome::Canceled, _) => "canceled".to_owned(),
    };
    let mut lines = vec![format!("{:>5}  {}  {:>7}  {outcome}", step.number, seconds(step.started), took(step))];
    let words: Vec<&str> = step.step.iter().chain(&step.activity).map(|words| words.as_str()).collect();
    let place = step.location.as_ref().map_or(String::new(), |place| format!(" ({place})"));
    let what = if words.is_empty() { place } else { format!("{}{place}", words.join(" / ")) };
    for text in [what.trim(), step.message.as_deref().unwrap_or_default()].into_iter().filter(|text| !text.is_empty()) {
        lines.extend(screen.titled("       ", &render::visible(text)));
    }
    lines
}

/// A step as an object.
pub(super) fn object(step: &LoggedStep) -> Value {
    json!({
        "number": step.number,
        "step": step.step,
        "activity": step.activity,
        "location": step.location,
        "status": step.outcome as i32,
        "statusName": step.outcome.name(),
        "started": step.started.to_string(),
        "completed": step.completed.to_string(),
        "due": step.due.map(|due| due.to_string()),
        "message": step.message,
    })
}

/// The second in which a moment lies.
fn seconds(moment: Timestamp) -> String {
    moment.round(TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Floor)).unwrap_or(moment).to_string()
}

fn took(step: &LoggedStep) -> String {
    let micros = step.completed.duration_since(step.started).as_micros();
    match micros {
        ..10_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        10_000..10_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{} s", micros / 1_000_000),
    }
}
