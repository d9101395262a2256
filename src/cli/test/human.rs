//! The outcome of tests for people: a line each, more where one fails, and the counts last.

use std::time::Duration;

use super::Tally;
use super::runner::{Done, Ending};
use super::why;
use crate::cli::output::Output;
use crate::diagnostic::render::{Colour, counted, visible};
use crate::project::Project;

pub(super) fn test(done: &Done, project: &Project, output: &mut Output) {
    let colours = output.colours();
    let name = visible(&done.report.name);
    let took = Colour::Dim.paint(&format!("({})", duration(done.took)), colours);
    match done.ending {
        Ending::Passed => output.line(format!("{}  {name}  {took}", Colour::Good.paint("passed", colours))),
        Ending::Skipped => {
            let reason = visible(done.report.skipped.as_deref().unwrap_or_default());
            output.line(format!("{} {name}: {reason}", Colour::Warning.paint("skipped", colours)));
        }
        Ending::Failed => {
            output.line(format!("{}  {name}  {took}", Colour::Bad.paint("failed", colours)));
            for line in why::lines(&done.report, project, output.screen().within(8)) {
                output.line(if line.is_empty() { line } else { format!("        {line}") });
            }
            output.line("");
        }
    }
}

/// The counts; what wasn't run any more is told where something wasn't.
pub(super) fn end(tally: &Tally, not_run: usize, took: Duration, output: &mut Output) {
    if not_run > 0 {
        output.line(format!("ended early: {} not run", counted(not_run, "test")));
    }
    if tally.skipped > 0 {
        output.line(format!("{} skipped", counted(tally.skipped, "test")));
    }
    output.line(format!("in {}", duration(took)));
    output.line(format!("{} passed, {} failed", tally.passed, tally.failed));
}

/// A time in few digits.
fn duration(time: Duration) -> String {
    let micros = time.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{}.{:02} ms", micros / 1_000, micros % 1_000 / 10),
        _ => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
    }
}
