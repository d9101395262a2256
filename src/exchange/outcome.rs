//! Outcomes as JSON lines, and the count of them.

use std::collections::BTreeMap;
use std::time::Duration;

use indexmap::IndexMap;
use serde::Serialize;
use smol_str::SmolStr;

use super::Problem;
use crate::bytecode::Program;
use crate::diagnostic::{Code, Diagnostic};
use crate::pipeline::{Ending, Outcome};
use crate::schema::{Schema, json};
use crate::source::Sources;
use crate::value::Uuid;
use crate::vm::Fault;

/// How many different reasons are counted by themselves.
const MOST_REASONS: usize = 1_000;

/// How many characters of a reason are held against others.
const LONGEST_REASON: usize = 300;

/// How many operations ended in which way. Takes a bounded amount of memory, however many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Kept, or on trial: would have been.
    pub committed: u64,
    /// Stopped by a flow.
    pub stopped: u64,
    /// Failed, those that could not be read included.
    pub faults: u64,
    /// The stopped ones by flow and reason; what is beyond a thousand different reasons is counted by the flow alone.
    pub stopped_by: IndexMap<(SmolStr, Option<String>), u64>,
    /// The failed ones by code.
    pub faults_by: BTreeMap<&'static str, u64>,
    /// Whether nothing was kept, for it was a trial.
    pub dry_run: bool,
    /// The line up to which an earlier run had come, where this one went on from there.
    pub resumed_after: Option<u64>,
}

impl Tally {
    /// Counts an outcome.
    pub fn count(&mut self, outcome: &Outcome) {
        match &outcome.ending {
            Ending::Committed => self.committed += 1,
            Ending::Stopped { flow, reason } => {
                self.stopped += 1;
                let known = (flow.clone(), Some(shortened(reason)));
                let key =
                    if self.stopped_by.len() < MOST_REASONS || self.stopped_by.contains_key(&known) { known } else { (known.0, None) };
                *self.stopped_by.entry(key).or_default() += 1;
            }
            Ending::Fault(fault) => self.fault(fault.code, 1),
        }
    }

    /// Counts some that failed.
    pub fn fault(&mut self, code: Code, count: u64) {
        self.faults += count;
        *self.faults_by.entry(code.name()).or_default() += count;
    }

    /// How many there were.
    pub fn total(&self) -> u64 {
        self.committed + self.stopped + self.faults
    }

    /// The closing object, on one line without its line break; without a time where none was taken.
    pub fn json(&self, took: Option<Duration>) -> String {
        line(&Summary {
            committed: self.committed,
            stopped: self.stopped,
            faults: self.faults,
            stopped_by: self
                .stopped_by
                .iter()
                .map(|((flow, reason), count)| Reason { flow, reason: reason.as_deref(), count: *count })
                .collect(),
            faults_by: &self.faults_by,
            dry_run: self.dry_run,
            resumed_after: self.resumed_after,
            micros: took.map(micros),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    committed: u64,
    stopped: u64,
    faults: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stopped_by: Vec<Reason<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    faults_by: &'a BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    resumed_after: Option<u64>,
    micros: Option<u64>,
}

#[derive(Serialize)]
struct Reason<'a> {
    flow: &'a str,
    reason: Option<&'a str>,
    count: u64,
}

/// A reason, and of one that is very long its beginning.
fn shortened(reason: &str) -> String {
    let mut letters = reason.chars();
    let mut text: String = letters.by_ref().take(LONGEST_REASON).collect();
    if letters.next().is_some() {
        text.push('…');
    }
    text
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

/// A fault with its place, where the source is at hand, and the flows that led there.
pub fn fault_told(fault: &Fault, sources: &Sources) -> Diagnostic {
    let diagnostic = match fault.span.filter(|span| sources.get(span.file).is_some()) {
        Some(span) => Diagnostic::new(fault.code, span, fault.message.clone()),
        None => Diagnostic::unplaced(fault.code, fault.message.clone()),
    };
    if fault.chain.is_empty() { diagnostic } else { diagnostic.help(format!("it happened in {}", fault.chain.join(", in "))) }
}
