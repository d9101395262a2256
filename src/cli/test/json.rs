//! The outcome of tests for programs: an object a test, and the counts last. The form is a contract.

use serde::Serialize;

use super::Tally;
use super::runner::{Done, Ending};
use super::why;
use crate::project::Project;

#[derive(Serialize)]
struct Test<'a> {
    name: &'a str,
    file: &'a str,
    line: usize,
    outcome: &'static str,
    message: Option<String>,
    micros: u64,
}

pub(super) fn test(done: &Done, project: &Project) -> String {
    let report = &done.report;
    let message = match done.ending {
        Ending::Passed => None,
        Ending::Skipped => report.skipped.as_ref().map(ToString::to_string),
        Ending::Failed => Some(why::message(report, project)),
    };
    let object = Test {
        name: &report.name,
        file: project.sources.get(report.span.file).map_or("", |file| &file.name),
        line: project.sources.position(report.span).line,
        outcome: done.ending.name(),
        message,
        micros: u64::try_from(done.took.as_micros()).unwrap_or(u64::MAX),
    };
    serde_json::to_string(&object).unwrap_or_default()
}

pub(super) fn end(tally: &Tally) -> String {
    serde_json::to_string(tally).unwrap_or_default()
}
