//! `weir run`: a scenario, or operations from a file, against a store.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::allow::Allow;
use super::exit::Exit;
use super::output::Output;
use super::record::Record;
use super::{Format, compiled, files, load, ops, story};
use crate::check::ir::Scenario;
use crate::exchange::{self, RowMessage};
use crate::pipeline::{Pipeline, Settings};
use crate::project::{Compiled, Project};
use crate::scenario::{self, EventKind, Report, Verdict};

/// The store where none is named.
pub(super) const MEMORY: &str = "sqlite::memory:";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file or a folder, `-` for standard input; for --ops also a compiled `.flowc` file, or the URL of a store, whose active flows run
    #[arg(default_value = ".", env = "WEIR_PATH")]
    pub path: PathBuf,
    /// The scenario; may be left out where there is only one
    #[arg(conflicts_with = "ops")]
    scenario: Option<String>,
    /// Operations instead of a scenario: a file of JSON lines or CSV, `-` for standard input
    #[arg(long, value_name = "FILE", env = "WEIR_OPS")]
    pub ops: Option<PathBuf>,
    /// The operations are a CSV of records of this entity
    #[arg(long, value_name = "NAME", env = "WEIR_ENTITY", requires = "ops")]
    pub entity: Option<String>,
    /// What is done with each record of a CSV
    #[arg(long, value_enum, ignore_case = true, default_value_t, env = "WEIR_MESSAGE")]
    pub message: MessageName,
    /// The store, `sqlite::memory:` or `sqlite:FILE`; by default PATH where that is one, else the one that `weir.toml` names, else one in memory
    #[arg(long, value_name = "URL", env = "WEIR_STORE")]
    pub store: Option<String>,
    /// The full name of the user who does the operations; by default the system administrator
    #[arg(long = "as", value_name = "USER", env = "WEIR_AS", requires = "ops")]
    pub user: Option<String>,
    /// Tell what happened, line by line
    #[arg(long, env = "WEIR_TRACE")]
    pub trace: bool,
    /// How many operations go into one transaction; by default 1, and 20 with --background
    #[arg(long, value_name = "N", env = "WEIR_BATCH", requires = "ops", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub batch: Option<u32>,
    /// Hand the operations in as one background operation, which a worker (`weir work`) does later
    #[arg(long, env = "WEIR_BACKGROUND", requires = "ops", conflicts_with_all = ["dry_run", "resume", "rejects", "trace", "file"])]
    pub background: bool,
    /// The address that is told when the background operation has ended, at a host that `weir.toml` allows
    #[arg(long, value_name = "URL", env = "WEIR_CALLBACK", requires = "background")]
    pub callback: Option<String>,
    /// Do all operations and roll them back: what would happen, with nothing kept
    #[arg(long, env = "WEIR_DRY_RUN", requires = "ops", conflicts_with_all = ["resume", "file"])]
    pub dry_run: bool,
    /// Go on after an operation that was stopped or failed; this is what happens anyway
    #[arg(long = "continue", env = "WEIR_CONTINUE", requires = "ops", overrides_with = "stop_on_error")]
    pub go_on: bool,
    /// End at the first operation that is stopped or fails; those before it are kept
    #[arg(long, env = "WEIR_STOP_ON_ERROR", requires = "ops", overrides_with = "go_on")]
    pub stop_on_error: bool,
    /// Where operations go that were stopped or failed, each with its reason, to be mended and given to --ops again
    #[arg(long, value_name = "FILE", env = "WEIR_REJECTS", requires = "ops")]
    pub rejects: Option<PathBuf>,
    /// Go on behind what an earlier run over the same operations has done in this store
    #[arg(long, env = "WEIR_RESUME", requires = "ops")]
    pub resume: bool,
    /// What is written
    #[arg(long, value_enum, default_value_t, env = "WEIR_FORMAT")]
    pub format: Format,
    #[command(flatten)]
    allow: Allow,
    #[command(flatten)]
    record: Record,
}

/// A message by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum MessageName {
    /// New records
    #[default]
    Create,
    /// Changes of the records that the id column names, or the columns of a key
    Update,
    /// The end of the records that the id column names, or the columns of a key
    Delete,
    /// Changes of the records that the id column names, or the columns of a key; new records where there are none
    Upsert,
}

impl From<MessageName> for RowMessage {
    fn from(name: MessageName) -> RowMessage {
        match name {
            MessageName::Create => RowMessage::Create,
            MessageName::Update => RowMessage::Update,
            MessageName::Delete => RowMessage::Delete,
            MessageName::Upsert => RowMessage::Upsert,
        }
    }
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    let exit = match &arguments.ops {
        Some(file) => operations(arguments, file, output),
        None => one_scenario(arguments, output),
    };
    exit.unwrap_or_else(|exit| exit).and(arguments.record.finish(output))
}

/// Opens the store, with the settings that the project and the arguments ask for.
pub(super) fn open(compiled: &Compiled, arguments: &Arguments, output: &mut Output) -> Result<Pipeline, Exit> {
    if let Some(words) = overwritten(compiled, arguments) {
        output.error_line(format!("error: {words}"));
        return Err(Exit::Usage);
    }
    let settings = compiled.config.apply(if arguments.trace { Settings::system().traced() } else { Settings::system() });
    let url = store_url(compiled, arguments);
    let settings = arguments.allow.apply(settings);
    let opened = if arguments.dry_run { compiled.open_trial(url, settings) } else { arguments.record.open(compiled, url, settings) };
    opened.map_err(|error| load::unopened(url, &error, output))
}

/// The store of the command line, else the project's, else one in memory.
pub(super) fn store_url<'a>(compiled: &'a Compiled, arguments: &'a Arguments) -> &'a str {
    arguments.store.as_ref().or(compiled.config.store.as_ref()).map_or(MEMORY, String::as_str)
}

/// What the names of the files of a store have behind the name of the store: itself, and what SQLite puts beside it.
const STORE: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// What the run would write over of what it reads, or writes twice.
fn overwritten(compiled: &Compiled, arguments: &Arguments) -> Option<String> {
    let store = |url: &str, beside: &str| url.strip_prefix("sqlite:").map(|file| PathBuf::from(format!("{file}{beside}")));
    let url = store_url(compiled, arguments);
    let project = store(&arguments.path.to_string_lossy(), "").unwrap_or_else(|| arguments.path.clone());
    let files = STORE.iter().map(|beside| (store(url, beside), "the store"));
    let read: Vec<_> = files.chain([(arguments.ops.clone(), "the operations that are read"), (Some(project), "the project")]).collect();
    let written = [(arguments.rejects.as_deref(), "--rejects"), (arguments.record.path(), "--record")];
    for (target, option) in written {
        let Some(target) = target else { continue };
        if let Some((_, what)) = read.iter().find(|(path, _)| path.as_deref().is_some_and(|path| files::are_one(path, target))) {
            return Some(format!("{option} would write over {what}: name another file"));
        }
    }
    match written {
        [(Some(one), _), (Some(other), _)] if files::are_one(one, other) => Some("--rejects and --record can't be one file".to_owned()),
        _ => None,
    }
}

fn operations(arguments: &Arguments, file: &Path, output: &mut Output) -> Result<Exit, Exit> {
    if arguments.path.as_os_str() == "-" && file.as_os_str() == "-" {
        output.error_line("error: the project and --ops can't both be standard input");
        return Err(Exit::Usage);
    }
    let compiled = compiled::load_or_compile(&arguments.path, output)?;
    if arguments.background {
        return ops::hand_in(store_url(&compiled, arguments), file, arguments, output);
    }
    ops::run(&compiled, file, arguments, output)
}

fn one_scenario(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    if compiled::is_compiled(&arguments.path) || compiled::store_of(&arguments.path).is_some() {
        let what = if compiled::is_compiled(&arguments.path) { "compiled file" } else { "store" };
        output.error_line(format!("error: a {what} holds no scenarios: give it operations with --ops, or name the project"));
        return Err(Exit::Usage);
    }
    let (project, compiled) = load::sound(&arguments.path, output)?;
    let scenario = chosen(&project, arguments.scenario.as_deref()).map_err(|words| {
        output.error_line(format!("error: {words}"));
        Exit::Usage
    })?;
    let mut pipeline = open(&compiled, arguments, output)?;
    let mut report = scenario::run(scenario.into(), &mut pipeline);
    let jobs = report.events.iter().filter(|event| matches!(event.kind, EventKind::Job(_))).count();
    arguments.record.without_jobs(jobs, output);
    if !arguments.trace {
        // A recorded run is a traced one, whether anybody wants to see that or not.
        report.forget_traces();
    }
    match arguments.format {
        Format::Human => tell(&report, &project, output),
        Format::Json => tell_json(&report, &project, arguments.trace, output),
    }
    Ok(match report.verdict() {
        Verdict::Passed | Verdict::Skipped => Exit::Well,
        Verdict::Stopped => Exit::Stopped,
        Verdict::Failed => Exit::Problems,
    })
}

/// The scenario of a name, or the only one.
fn chosen<'a>(project: &'a Project, name: Option<&str>) -> Result<&'a Scenario, String> {
    let scenarios: Vec<&Scenario> = project.checked.scenarios.iter().filter(|scenario| !scenario.test).collect();
    let names = || scenarios.iter().map(|scenario| format!("`{}`", scenario.name)).collect::<Vec<_>>().join(", ");
    match (name, scenarios.as_slice()) {
        (_, []) => Err("there is no scenario here: write one (`scenario NAME { … }`), or give operations with --ops".to_owned()),
        (None, [only]) => Ok(only),
        (None, _) => Err(format!("there are several scenarios, name one: {}", names())),
        (Some(name), _) => scenarios
            .iter()
            .find(|scenario| scenario.name == name)
            .copied()
            .ok_or_else(|| format!("there is no scenario `{}`; there is {}", name.escape_debug(), names())),
    }
}

fn tell(report: &Report, project: &Project, output: &mut Output) {
    output.line(format!("scenario {}\n", report.name));
    for line in story::events(report, project, output.screen()) {
        output.line(line);
    }
    if let Some(failure) = &report.failure {
        output.line("");
        story::failure(failure, &project.sources).iter().for_each(|line| output.line(line));
    }
}

fn tell_json(report: &Report, project: &Project, trace: bool, output: &mut Output) {
    let mut tally = exchange::Tally::default();
    for event in &report.events {
        let line = project.sources.position(event.span).line as u64;
        match &event.kind {
            EventKind::Operation { outcome, .. } => {
                tally.count(outcome);
                let told = exchange::told(line, outcome, None);
                let traced = || exchange::with_trace(&told, outcome, &project.checked.schema, &project.sources, false);
                output.line(if trace { traced() } else { told.clone() });
            }
            EventKind::Job(job) => {
                output.line(
                    serde_json::json!({ "line": line, "job": job.name, "status": job.status.name(), "message": job.message }).to_string(),
                );
            }
            EventKind::History(changes) => {
                output
                    .line(serde_json::json!({ "line": line, "audit": project.sources.slice(event.span), "changes": changes }).to_string());
            }
            EventKind::Show(value) => {
                output.line(serde_json::json!({ "line": line, "show": project.sources.slice(event.span), "value": value }).to_string());
            }
        }
    }
    if let Some(failure) = &report.failure {
        let line = project.sources.position(failure.span).line;
        output.line(serde_json::json!({ "line": line, "failure": failure.message, "notes": failure.notes }).to_string());
    }
    output.line(tally.json(None));
}
