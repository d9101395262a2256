//! `weir test`: every test in a fresh store of its own, in the same pipeline as production.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use super::allow::Allow;
use super::exit::Exit;
use super::output::Output;
use super::{Format, load, story};
use crate::pipeline::Settings;
use crate::project::{OpenError, Project};
use crate::scenario::{self, Report, Verdict};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file or a folder; `-` is standard input
    #[arg(default_value = ".", env = "WEIR_PATH")]
    path: PathBuf,
    /// Only tests with this in their name
    #[arg(long, value_name = "TEXT", env = "WEIR_FILTER")]
    filter: Option<String>,
    /// What is written
    #[arg(long, value_enum, default_value_t, env = "WEIR_FORMAT")]
    format: Format,
    #[command(flatten)]
    allow: Allow,
}

/// How many tests ended in which way.
#[derive(Debug, Default, Serialize)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
    coverage: Option<f64>,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    let (project, compiled) = match load::sound(&arguments.path, output) {
        Ok(sound) => sound,
        Err(exit) => return exit,
    };
    let wanted = |name: &str| arguments.filter.as_ref().is_none_or(|part| name.contains(part.as_str()));
    let mut tally = Tally::default();
    let tests = project.checked.scenarios.iter().filter(|scenario| scenario.test && wanted(&scenario.name));
    for test in tests.flat_map(scenario::cases) {
        let began = Instant::now();
        let mut pipeline = match compiled.open("sqlite::memory:", arguments.allow.apply(compiled.config.apply(Settings::fixed()))) {
            Ok(pipeline) => pipeline,
            Err(error) => return store_exit(&error, output),
        };
        let report = scenario::run(test, &mut pipeline);
        let passed = report.verdict() == Verdict::Passed;
        if passed {
            tally.passed += 1
        } else {
            tally.failed += 1
        }
        match arguments.format {
            Format::Human => tell(&report, passed, &project, output),
            Format::Json => output.line(json(&report, passed, &project, began.elapsed())),
        }
    }
    match arguments.format {
        Format::Human => output.line(format!("{} passed, {} failed", tally.passed, tally.failed)),
        Format::Json => output.line(serde_json::to_string(&tally).unwrap_or_default()),
    }
    if tally.failed > 0 { Exit::Problems } else { Exit::Well }
}

fn store_exit(error: &OpenError, output: &mut Output) -> Exit {
    load::unopened("sqlite::memory:", error, output)
}

fn tell(report: &Report, passed: bool, project: &Project, output: &mut Output) {
    let colour = |text: &str, code: u8| if output.colours() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() };
    let word = if passed { colour("passed", 32) } else { colour("failed", 31) };
    output.line(format!("{word}  {}", report.name));
    if passed {
        return;
    }
    for line in story::events(report, project, output.colours()) {
        output.line(format!("  {line}"));
    }
    if let Some(failure) = &report.failure {
        story::failure(failure, &project.sources).iter().for_each(|line| output.line(format!("        {line}")));
    }
}

fn json(report: &Report, passed: bool, project: &Project, took: Duration) -> String {
    #[derive(Serialize)]
    struct Test<'a> {
        name: &'a str,
        file: &'a str,
        line: usize,
        outcome: &'static str,
        message: Option<String>,
        micros: u64,
    }
    let object = Test {
        name: &report.name,
        file: project.sources.get(report.span.file).map_or("", |file| &file.name),
        line: project.sources.position(report.span).line,
        outcome: if passed { "passed" } else { "failed" },
        message: (!passed).then(|| message(report, project)),
        micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    };
    serde_json::to_string(&object).unwrap_or_default()
}

/// Why it failed, in a line.
fn message(report: &Report, project: &Project) -> String {
    match &report.failure {
        Some(failure) => one_line(&story::failure(failure, &project.sources)),
        None => one_line(&story::events(report, project, false)),
    }
}

fn one_line(lines: &[String]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("; ")
}
