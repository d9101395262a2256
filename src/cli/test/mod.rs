//! `weir test`: every test in a fresh store of its own, in the same pipeline as production.
//!
//! `runner.rs` runs them, several at once; what became of each is written by one of `human.rs`, `json.rs` and `junit.rs`.
//! `watch.rs` runs them again where something changes.

mod human;
mod json;
mod junit;
mod runner;
mod suggest;
mod watch;
mod why;

use std::collections::BTreeSet;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde::Serialize;
use smol_str::SmolStr;

use super::allow::Allow;
use super::exit::Exit;
use super::output::Output;
use super::run::MEMORY;
use super::{coverage, load};
use crate::check::ir::Scenario;
use crate::diagnostic::render::counted;
use crate::project::{Compiled, Project};
use crate::scenario::coverage::Collector;
use crate::scenario::{self, Case};
use runner::{Done, Ending, Runner};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file or a folder; `-` is standard input
    #[arg(default_value = ".", env = "WEIR_PATH")]
    path: PathBuf,
    /// The store beside which each test has a new one of its own: `sqlite::memory:`, `sqlite:FILE` or `postgres://…`, which itself is left alone
    #[arg(long, value_name = "URL", default_value = MEMORY, env = "WEIR_STORE")]
    store: String,
    /// Only tests with this in their name
    #[arg(long, value_name = "TEXT", env = "WEIR_FILTER")]
    filter: Option<String>,
    /// Only tests with one of these tags
    #[arg(long = "tag", value_name = "TAG", env = "WEIR_TAG", value_delimiter = ',')]
    tags: Vec<String>,
    /// End at the first test that fails
    #[arg(long, env = "WEIR_FAIL_FAST")]
    fail_fast: bool,
    /// Run again what a change affects, until Ctrl-C
    #[arg(long, env = "WEIR_WATCH")]
    watch: bool,
    /// How many tests run at once; by default as many as there are processors
    #[arg(long, value_name = "N", env = "WEIR_THREADS")]
    threads: Option<NonZero<usize>>,
    /// What is written
    #[arg(long, value_enum, default_value_t, env = "WEIR_FORMAT")]
    format: Format,
    /// Write tests for what no test reaches, to be pasted into the project; what else is told goes to standard error
    #[arg(long, env = "WEIR_SUGGEST", conflicts_with_all = ["watch", "fail_fast"])]
    suggest: bool,
    #[command(flatten)]
    coverage: coverage::Arguments,
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
            Ending::Skipped => self.skipped += 1,
        }
    }
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    if arguments.watch {
        return watch::watch(arguments, output);
    }
    let done = load::sound_with_places(&arguments.path, output).and_then(|(project, compiled)| {
        let tests = wanted(arguments, &project).map_err(|words| {
            output.error_line(format!("error: {words}"));
            Exit::Usage
        })?;
        let job = Job { arguments, project: &project, compiled: &compiled, stop: &AtomicBool::new(false) };
        job.run(&tests, &mut |_, _, _, _| {}, output)
    });
    done.unwrap_or_else(|exit| exit)
}

/// The tests that are asked for; where there are none of them that is wrong usage.
fn wanted<'a>(arguments: &Arguments, project: &'a Project) -> Result<Vec<&'a Scenario>, String> {
    let tests: Vec<&Scenario> = project.checked.scenarios.iter().filter(|scenario| scenario.test).collect();
    let of = counted(tests.len(), "test");
    let named = |test: &&Scenario| arguments.filter.as_ref().is_none_or(|part| test.name.contains(part.as_str()));
    let tagged = |test: &&Scenario| arguments.tags.is_empty() || test.tags.iter().any(|tag| arguments.tags.iter().any(|it| *it == *tag));
    let found: Vec<&Scenario> = tests.iter().filter(|test| tagged(test) && named(test)).copied().collect();
    match (&arguments.filter, arguments.tags.is_empty()) {
        _ if !found.is_empty() => Ok(found),
        (None, true) => Ok(found),
        (Some(part), true) => Err(format!("no test has `{}` in its name, of {of}", part.escape_debug())),
        (part, false) => {
            let named = part.as_ref().map(|part| format!(" and `{}` in its name", part.escape_debug())).unwrap_or_default();
            let tags = arguments.tags.iter().map(|tag| format!("`{}`", tag.escape_debug())).collect::<Vec<_>>().join(" or ");
            let known: BTreeSet<&str> = tests.iter().flat_map(|test| &test.tags).map(|tag| tag.as_str()).collect();
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "no test has any".to_owned() } else { format!("there are: {known}") };
            Err(format!("no test has the tag {tags}{named}, of {of}; {known}"))
        }
    }
}

/// Tests of a project to be run and told.
struct Job<'a> {
    arguments: &'a Arguments,
    project: &'a Project,
    compiled: &'a Compiled,
    /// Becomes true where no other test is to be begun.
    stop: &'a AtomicBool,
}

/// Hears of each test that ended: its name, that name with its row, how it ended, and what had a part in it.
type Note<'a> = dyn FnMut(SmolStr, SmolStr, Ending, BTreeSet<SmolStr>) + 'a;

impl Job<'_> {
    /// Runs tests and writes what became of them.
    fn run(&self, tests: &[&Scenario], note: &mut Note<'_>, output: &mut Output) -> Result<Exit, Exit> {
        let Job { arguments, project, compiled, stop } = *self;
        let cases: Vec<Case> = tests.iter().flat_map(|test| scenario::cases(test)).collect();
        let threads = arguments.threads.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZero::<usize>::MIN);
        let collector = (arguments.coverage.is_asked() || arguments.suggest).then(Collector::default);
        // What is suggested is for a file, so nothing else is on its way; a document for programs stays where it is.
        output.aside(arguments.suggest && arguments.format == Format::Human);
        let runner = Runner {
            compiled,
            store: &arguments.store,
            allow: &arguments.allow,
            threads,
            fail_fast: arguments.fail_fast,
            collector: collector.as_ref(),
            stop,
        };
        let (mut tally, mut document, began) = (Tally::default(), Vec::new(), Instant::now());
        let told = runner.run(&cases, |mut done: Done| {
            tally.count(done.ending);
            let touched = std::mem::take(&mut done.report.touched);
            note(done.test.clone(), done.report.name.clone(), done.ending, touched);
            match arguments.format {
                Format::Human => human::test(&done, project, output),
                Format::Json => output.line(json::test(&done, project)),
                Format::Junit => document.push(done),
            }
        });
        let told = told.map_err(|error| load::unopened(&arguments.store, &error, output))?;
        let mut exit = if tally.failed > 0 { Exit::Problems } else { Exit::Well };
        if let Some(collector) = collector.as_ref().filter(|_| arguments.coverage.is_asked()) {
            let tested = coverage::Tested { project, compiled, collector };
            let (percent, ended) = arguments.coverage.tell(&tested, arguments.format != Format::Human, output);
            tally.coverage = Some(percent);
            exit = exit.and(ended);
        }
        if let (Some(collector), true, Format::Json) = (&collector, arguments.suggest, arguments.format) {
            suggest::tell((project, compiled), collector, true, output);
        }
        match arguments.format {
            Format::Human => human::end(&tally, cases.len() - told, began.elapsed(), output),
            Format::Json => output.line(json::end(&tally)),
            Format::Junit => output.line(junit::document(&document, project, began.elapsed())),
        }
        if let (Some(collector), true) = (&collector, arguments.suggest && arguments.format != Format::Json) {
            output.aside(arguments.format == Format::Junit);
            suggest::tell((project, compiled), collector, false, output);
        }
        Ok(exit)
    }
}
