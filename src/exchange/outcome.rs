//! Outcomes as JSON lines, and the count of them.

use std::time::Duration;

use serde::Serialize;

use super::Problem;
use crate::bytecode::Program;
use crate::pipeline::{Ending, Outcome};
use crate::schema::{Schema, json};
use crate::value::Uuid;

/// How many operations ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Kept.
    pub committed: u64,
    /// Stopped by a flow.
    pub stopped: u64,
    /// Failed, those that could not be read included.
    pub faults: u64,
}

impl Tally {
    /// Counts an outcome.
    pub fn count(&mut self, outcome: &Outcome) {
        match outcome.ending {
            Ending::Committed => self.committed += 1,
            Ending::Stopped { .. } => self.stopped += 1,
            Ending::Fault(_) => self.faults += 1,
        }
    }

    /// How many there were.
    pub fn total(&self) -> u64 {
        self.committed + self.stopped + self.faults
    }

    /// The closing object, on one line without its line break; without a time where none was taken.
    pub fn json(&self, took: Option<Duration>) -> String {
        #[derive(Serialize)]
        struct Summary {
            committed: u64,
            stopped: u64,
            faults: u64,
            micros: Option<u64>,
        }
        let Tally { committed, stopped, faults } = *self;
        line(&Summary { committed, stopped, faults, micros: took.map(micros) })
    }
}

/// An outcome as an object, on one line without its line break; without a time where none was taken.
pub fn told(at: u64, outcome: &Outcome, took: Option<Duration>) -> String {
    let (word, reason, code, flow) = match &outcome.ending {
        Ending::Committed => ("committed", None, None, None),
        Ending::Stopped { flow, reason } => ("stopped", Some(reason.as_str()), None, Some(flow.as_str())),
        Ending::Fault(fault) => {
            ("fault", Some(fault.message.as_str()), Some(fault.code.name()), fault.chain.last().map(|flow| flow.as_str()))
        }
    };
    line(&Object {
        line: at,
        outcome: word,
        id: outcome.record.map(|record| record.id),
        ids: outcome.records.iter().map(|record| record.id).collect(),
        reason,
        code,
        flow,
        ran: outcome.ran.iter().map(|name| name.as_str()).collect(),
        depth: outcome.depth,
        micros: took.map(micros),
    })
}

/// The same, with what an action gave by the names of its outputs.
pub fn told_with_outputs(at: u64, outcome: &Outcome, took: Option<Duration>, program: &Program, schema: &Schema) -> String {
    let told = told(at, outcome, took);
    // The outermost operation's action is the first that ran.
    let Some(action) = outcome.ran.first().and_then(|name| program.action(name)).filter(|_| !outcome.outputs.is_empty()) else {
        return told;
    };
    let outputs: serde_json::Map<String, serde_json::Value> = action
        .head
        .outputs
        .iter()
        .zip(&outcome.outputs)
        .map(|(output, value)| (output.name.to_string(), json::write(value, &output.ty, schema)))
        .collect();
    extended(&told, "outputs", &serde_json::Value::Object(outputs))
}

/// An object with one more member, the last.
pub(super) fn extended(object: &str, name: &str, value: &serde_json::Value) -> String {
    let head = object.strip_suffix('}').unwrap_or(object);
    format!("{head},\"{name}\":{value}}}")
}

/// A line that could not be read as an outcome.
pub fn refused(problem: &Problem) -> String {
    line(&Object {
        line: problem.line,
        outcome: "fault",
        id: None,
        ids: Vec::new(),
        reason: Some(&problem.message),
        code: Some(problem.code.name()),
        flow: None,
        ran: Vec::new(),
        depth: 0,
        micros: Some(0),
    })
}

#[derive(Serialize)]
struct Object<'a> {
    line: u64,
    outcome: &'static str,
    id: Option<Uuid>,
    /// Of a multiple operation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ids: Vec<Uuid>,
    reason: Option<&'a str>,
    code: Option<&'static str>,
    flow: Option<&'a str>,
    ran: Vec<&'a str>,
    depth: u32,
    micros: Option<u64>,
}

pub(super) fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

fn line(object: &impl Serialize) -> String {
    serde_json::to_string(object).unwrap_or_default()
}
