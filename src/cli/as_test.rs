//! `weir replay --as-test`: a record as a test. Only a test that passes is printed: it is run first, in a store of its own.

use std::path::Path;

use super::exit::Exit;
use super::output::Output;
use super::{load, record, story};
use crate::diagnostic::render::visible;
use crate::exchange::AsTest;
use crate::pipeline::Settings;
use crate::project::Project;
use crate::scenario::{self, Verdict};

/// How many operations a test may have.
const MOST: u64 = 500;

/// The name of the text that holds the test while it is tried.
const NAME: &str = "<test>";

/// Prints a record, or one operation of it, as a test.
pub(super) fn print(file: &Path, operation: Option<u64>, output: &mut Output) -> Result<Exit, Exit> {
    let mut record = record::open(file, output)?;
    let compiled = record.compiled.clone();
    let mut player = record.player().map_err(|error| load::unopened("", &error, output))?;
    let refuse = |words: &str, output: &mut Output| {
        output.error_line(format!("error: this can't be told as a test: {}", visible(words)));
        Exit::Problems
    };
    let (mut test, mut count) = (AsTest::new(&compiled), 0);
    while let Some(taken) = record.next_operation() {
        let taken = taken.map_err(|error| record::unread(file, &error, output))?;
        if operation.is_some_and(|wanted| wanted != taken.number) {
            continue;
        }
        count += 1;
        if count > MOST {
            return Err(refuse(&format!("there are more than {MOST} operations; choose one with --operation"), output));
        }
        let played = player.play(&taken);
        test.add(&taken, &played).map_err(|words| refuse(&words, output))?;
    }
    if count == 0 {
        return Err(refuse("there is no such operation", output));
    }
    let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let text = test.finish(&operation.map_or_else(|| format!("as recorded in {name}"), |number| format!("operation {number} of {name}")));
    let settings = record.settings(Settings::fixed()).ok_or_else(|| refuse("this machine doesn't know its time zone", output))?;
    let project = Project::of_sources(&compiled.sources, NAME, text.as_str());
    match passes(&project, settings) {
        Ok(()) => {
            output.write(&text);
            Ok(Exit::Well)
        }
        Err(words) => {
            output.error_line(text);
            Err(refuse(&format!("it would be the one above, which doesn't pass: {words}"), output))
        }
    }
}

/// Whether the test of a project's last text passes; if not, why not.
fn passes(project: &Project, settings: Settings) -> Result<(), String> {
    let report = scenario::tried(project, NAME, settings)?;
    match (&report.failure, report.verdict()) {
        (None, Verdict::Passed) => Ok(()),
        (Some(failure), _) => Err(story::failure(failure, &project.sources).iter().map(|line| line.trim()).collect::<Vec<_>>().join("; ")),
        (None, _) => Err("an operation ends in another way".to_owned()),
    }
}
