//! `weir test`: every test in a fresh store of its own, in the same pipeline as production.
//!
//! `runner.rs` runs them, several at once; what became of each is written by one of `human.rs`, `json.rs` and `junit.rs`.

mod diagram;
mod human;
mod json;
mod junit;
mod runner;
mod why;

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::allow::Allow;
use super::exit::Exit;
use super::load;
use super::output::Output;
use crate::check::ir::Scenario;
use crate::project::{Compiled, Project};
use crate::scenario::{self, Case};
use runner::{Done, Ending, Runner};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file or a folder; `-` is standard input
    #[arg(default_value = ".", env = "WEIR_PATH")]
    path: PathBuf,
    /// Only tests with this in their name
    #[arg(long, value_name = "TEXT", env = "WEIR_FILTER")]
    filter: Option<String>,
    /// End at the first test that fails
    #[arg(long, env = "WEIR_FAIL_FAST")]
    fail_fast: bool,
    /// How many tests run at once; by default as many as there are processors
    #[arg(long, value_name = "N", env = "WEIR_THREADS")]
    threads: Option<NonZero<usize>>,
    /// What is written
    #[arg(long, value_enum, default_value_t, env = "WEIR_FORMAT")]
    format: Format,
    #[command(flatten)]
    allow: Allow,
}

/// What is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Human,
    /// An object a line, for programs
    Json,
    /// A JUnit document, for whoever shows the tests of a build
    Junit,
}

/// How many tests ended in which way.
#[derive(Debug, Default, Serialize)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
    coverage: Option<f64>,
}

impl Tally {
    fn count(&mut self, ending: Ending) {
        match ending {
            Ending::Passed => self.passed += 1,
            Ending::Failed => self.failed += 1,
        }
    }
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    let done = load::sound(&arguments.path, output).and_then(|(project, compiled)| {
        let tests = wanted(arguments, &project).map_err(|words| {
            output.error_line(format!("error: {words}"));
            Exit::Usage
        })?;
        all(arguments, &tests, &project, &compiled, output)
    });
    done.unwrap_or_else(|exit| exit)
}

/// The tests that are asked for; where there are none of them, but others, that is wrong usage.
fn wanted<'a>(arguments: &Arguments, project: &'a Project) -> Result<Vec<&'a Scenario>, String> {
    let tests: Vec<&Scenario> = project.checked.scenarios.iter().filter(|scenario| scenario.test).collect();
    let Some(part) = &arguments.filter else { return Ok(tests) };
    let found: Vec<&Scenario> = tests.iter().filter(|test| test.name.contains(part.as_str())).copied().collect();
    if found.is_empty() {
        let count = crate::diagnostic::render::counted(tests.len(), "test");
        return Err(format!("no test has `{}` in its name, of {count}", part.escape_debug()));
    }
    Ok(found)
}

/// Runs tests and writes what became of them.
fn all(arguments: &Arguments, tests: &[&Scenario], project: &Project, compiled: &Compiled, output: &mut Output) -> Result<Exit, Exit> {
    let cases: Vec<Case> = tests.iter().flat_map(|test| scenario::cases(test)).collect();
    let threads = arguments.threads.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZero::<usize>::MIN);
    let runner = Runner { compiled, allow: &arguments.allow, threads, fail_fast: arguments.fail_fast };
    let (mut tally, mut document, began) = (Tally::default(), Vec::new(), Instant::now());
    let told = runner.run(&cases, |done: Done| {
        tally.count(done.ending);
        match arguments.format {
            Format::Human => human::test(&done, project, output),
            Format::Json => output.line(json::test(&done, project)),
            Format::Junit => document.push(done),
        }
    });
    let told = told.map_err(|error| load::unopened("sqlite::memory:", &error, output))?;
    match arguments.format {
        Format::Human => human::end(&tally, cases.len() - told, began.elapsed(), output),
        Format::Json => output.line(json::end(&tally)),
        Format::Junit => output.line(junit::document(&document, project, began.elapsed())),
    }
    Ok(if tally.failed > 0 { Exit::Problems } else { Exit::Well })
}
