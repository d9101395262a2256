//! What is otherwise, as an object a line for programs.

use serde_json::{Value as Json, json};

use super::Difference;
use crate::exchange::outcome::told;
use crate::pipeline::Outcome;
use crate::project::record::RecordError;

/// An operation that was replayed: how it ended before and now, and what else is otherwise.
pub fn replayed_json(number: u64, title: &str, was: &Outcome, now: &Outcome, difference: &Difference) -> String {
    let outcome = |outcome: &Outcome| serde_json::from_str::<Json>(&told(number, outcome, None)).unwrap_or_default();
    let written: Vec<Json> = difference
        .written
        .iter()
        .map(|change| json!({ "record": change.record, "field": change.field, "was": change.was, "now": change.now }))
        .collect();
    let reasons: Vec<Json> =
        difference.reasons.iter().map(|reason| json!({ "flow": reason.flow.as_str(), "was": reason.was, "now": reason.now })).collect();
    json!({
        "operation": number, "title": title, "same": difference.is_none(), "was": outcome(was), "now": outcome(now),
        "written": written, "reasons": reasons, "unrecorded": difference.unrecorded, "assumed": difference.assumed,
    })
    .to_string()
}

/// A record that can't be read on.
pub fn unread_json(error: &RecordError) -> String {
    json!({ "operation": error.operation, "code": error.code().name(), "message": error.to_string(), "byte": error.at }).to_string()
}
