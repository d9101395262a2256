//! `weir jobs`: the system jobs of a store, and what an operator does with them.

mod log;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::exit::Exit;
use super::output::Output;
use super::{Format, follow, life, load};
use crate::diagnostic::render;
use crate::jobs::{self, Refused, Verb};
use crate::pipeline::{Job, JobStage, Pipeline, Settings, WantedJobs};
use crate::project::Compiled;
use crate::schema::jobs::Status;
use crate::store::StoreError;
use crate::value::{Uuid, time};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The store, `sqlite:FILE`, with a deployed project
    #[arg(long, value_name = "URL", env = "WEIR_STORE", global = true)]
    store: Option<String>,
    /// The full name of the user who does it; by default the system administrator
    #[arg(long = "as", value_name = "USER", env = "WEIR_AS", global = true)]
    user: Option<String>,
    /// What is written
    #[arg(long, value_enum, default_value_t, env = "WEIR_FORMAT", global = true)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The jobs that go on, in the order in which they were queued
    List(List),
    /// All that is known of a job
    Show(Show),
    /// End a job; what it did stays
    Cancel(Which),
    /// Put a job aside until it is resumed
    Pause(Which),
    /// Let a job go on: at a wait, what that waits for is looked at again
    Resume(Which),
    /// Put a job off until a moment
    Postpone(Postpone),
}

#[derive(Debug, Default, Args)]
struct List {
    /// Those that have ended, too
    #[arg(long, env = "WEIR_ALL")]
    all: bool,
    /// Only those of a status: `waiting`, `failed` and so on
    #[arg(long, value_name = "STATUS", env = "WEIR_STATUS")]
    status: Option<String>,
    /// Only those of a flow or plug-in
    #[arg(long, value_name = "NAME", env = "WEIR_FLOW")]
    name: Option<String>,
    /// Only those on a record, by its id
    #[arg(long, value_name = "ID", env = "WEIR_RECORD_ID")]
    record: Option<Uuid>,
    /// At most so many
    #[arg(long, value_name = "N", env = "WEIR_LIMIT", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

/// How many jobs are read at a time.
const PAGE: u64 = 500;

#[derive(Debug, Args)]
struct Which {
    /// The id of the job
    id: Uuid,
}

#[derive(Debug, Args)]
struct Show {
    /// The id of the job
    id: Uuid,
    /// Tell how it goes on until it has ended; how it ended is the exit code
    #[arg(long, env = "WEIR_FOLLOW", conflicts_with = "results")]
    follow: bool,
    /// What came of each operation of a background operation
    #[arg(long, env = "WEIR_RESULTS")]
    results: bool,
}

#[derive(Debug, Args)]
struct Postpone {
    /// The id of the job
    id: Uuid,
    /// A moment such as `2026-03-01T08:00:00Z`
    #[arg(long, value_name = "MOMENT", value_parser = moment, env = "WEIR_UNTIL")]
    until: Timestamp,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    time::parse_datetime(text).map_err(|malformed| malformed.message)
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    ran(arguments, output).unwrap_or_else(|exit| exit)
}

fn ran(arguments: &Arguments, output: &mut Output) -> Result<Exit, Exit> {
    let Some(url) = &arguments.store else {
        output.error_line("error: which store? name it with --store sqlite:FILE");
        return Err(Exit::Usage);
    };
    let compiled = Compiled::from_store(url).map_err(|error| life::refused(url, &error, output))?;
    let opened = compiled.open(url, compiled.config.apply(Settings::system()));
    let mut pipeline = opened.map_err(|error| load::unopened(url, &error, output))?;
    let done = match &arguments.command {
        None => list(&List::default(), arguments, &mut pipeline, output),
        Some(Command::List(which)) => list(which, arguments, &mut pipeline, output),
        Some(Command::Show(which)) if which.follow => follow::follow(which.id, arguments.format, &mut pipeline, output),
        Some(Command::Show(which)) if which.results => follow::results(which.id, arguments.format, &mut pipeline, output),
        Some(Command::Show(which)) => show(which.id, arguments, &mut pipeline, output),
        Some(Command::Cancel(which)) => turn(which.id, Verb::Cancel, arguments, &mut pipeline, output),
        Some(Command::Pause(which)) => turn(which.id, Verb::Pause, arguments, &mut pipeline, output),
        Some(Command::Resume(which)) => turn(which.id, Verb::Resume, arguments, &mut pipeline, output),
        Some(Command::Postpone(Postpone { id, until })) => turn(*id, Verb::Postpone(*until), arguments, &mut pipeline, output),
    };
    done.map_err(|refused| match refused {
        Refused::Store(error) => load::store_failed(url, &error.to_string(), output),
        refused => {
            output.error_line(format!("error: {refused}"));
            Exit::Problems
        }
    })
}

fn list(which: &List, arguments: &Arguments, pipeline: &mut Pipeline, output: &mut Output) -> Result<Exit, Refused> {
    let status = which.status.as_ref().map(|name| Status::ALL.iter().find(|status| status.name() == name).ok_or(name));
    let wanted = match status.transpose() {
        Ok(wanted) => wanted,
        Err(name) => {
            let names: Vec<&str> = Status::ALL.iter().map(|status| status.name()).collect();
            output.error_line(format!("error: there is no status `{}`; there is {}", name.escape_debug(), names.join(", ")));
            return Ok(Exit::Usage);
        }
    };
    let stage = match wanted {
        Some(status) => JobStage::Status(*status),
        None if which.all => JobStage::Any,
        None => JobStage::GoesOn,
    };
    let wanted = WantedJobs { stage, name: which.name.as_deref(), record: which.record };
    let written = if arguments.format == Format::Json { json } else { line };
    let limit = which.limit.unwrap_or(u64::MAX);
    let (mut count, mut after, mut more) = (0, None, true);
    while more && count < limit {
        // One more than is written says whether there are more.
        let page = PAGE.min(limit - count);
        let mut jobs = pipeline.jobs(&wanted, after, page + 1).map_err(|fault| StoreError::Failed(fault.message))?;
        more = jobs.len() as u64 > page;
        jobs.truncate(usize::try_from(page).unwrap_or(usize::MAX));
        jobs.iter().for_each(|job| output.line(written(job)));
        count += jobs.len() as u64;
        after = jobs.last().map(|job| job.id);
    }
    if arguments.format == Format::Human {
        let what = if count == 1 { "1 job".to_owned() } else { format!("{count} jobs") };
        output.line(if more { format!("{what}, and there are more") } else { what });
    }
    Ok(Exit::Well)
}

fn show(id: Uuid, arguments: &Arguments, pipeline: &mut Pipeline, output: &mut Output) -> Result<Exit, Refused> {
    let job = pipeline.job(id).map_err(|fault| StoreError::Failed(fault.message))?.ok_or(Refused::Unknown(id))?;
    let log = pipeline.job_log(id).map_err(|fault| StoreError::Failed(fault.message))?;
    let moment = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
    let what = job.kind.label();
    let callback = pipeline.callback_of(id).map_err(|fault| StoreError::Failed(fault.message))?;
    if arguments.format == Format::Json {
        let mut object = object(&job);
        if let Some(members) = object.as_object_mut() {
            let callback = job.batch.as_ref().map_or(Value::Null, |batch| follow::callback_object(batch, callback.as_ref()));
            members.insert("callback".to_owned(), callback);
            members.insert("log".to_owned(), log.iter().map(log::object).collect());
        }
        output.line(object.to_string());
        return Ok(Exit::Well);
    }
    let owner = pipeline.text(&crate::value::Value::Reference(job.owner), &crate::value::Type::Uuid, None);
    let lines = [
        (what, Some(job.name.to_string())),
        ("job", Some(job.id.to_string())),
        ("record", Some(format!("{} {}", job.record.0, job.record.1))),
        (
            "state",
            Some(format!("{} ({}), {} ({})", job.status.state().name(), job.status.state() as i32, job.status.label(), job.status as i32)),
        ),
        ("message", job.message.as_ref().map(|message| message.to_string())),
        ("error", job.error_code.as_ref().map(|code| code.to_string())),
        ("operations", job.batch.as_ref().map(follow::progress)),
        ("callback", job.batch.as_ref().and_then(|batch| follow::callback(batch, callback.as_ref()))),
        ("transactions", job.batch.as_ref().map(|batch| batch.chunks.to_string())),
        ("runs as", owner.ok().map(|owner| owner.to_string())),
        ("activation", job.activation.map(|activation| activation.to_string())),
        ("correlation", Some(job.correlation.to_string())),
        ("serial", job.token.as_ref().map(|token| token.to_string())),
        ("depth", Some(job.depth.to_string())),
        ("retries", Some(job.retries.to_string())),
        ("queued", Some(job.created.to_string())),
        ("started", moment(job.started)),
        ("due", moment(job.due)),
        ("postponed", moment(job.postponed)),
        ("worker", job.worker.as_ref().map(|worker| worker.to_string())),
        ("ended", moment(job.completed)),
        ("steps", Some(log::counted(job.steps, log.len()))),
    ];
    let screen = output.screen();
    for (name, value) in lines.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        screen.titled(&format!("{name:<12} "), &render::visible(&value)).iter().for_each(|line| output.line(line));
    }
    log.iter().flat_map(|step| log::lines(step, screen)).for_each(|line| output.line(line));
    Ok(Exit::Well)
}

fn turn(id: Uuid, verb: Verb, arguments: &Arguments, pipeline: &mut Pipeline, output: &mut Output) -> Result<Exit, Refused> {
    let user = match &arguments.user {
        None => None,
        Some(name) => match pipeline.find_user(name).map_err(|fault| StoreError::Failed(fault.message))? {
            Some(user) => Some((user, name.as_str())),
            None => {
                output.error_line(format!("error: there is no user `{}`", name.escape_debug()));
                return Ok(Exit::Problems);
            }
        },
    };
    let job = jobs::turn(pipeline, id, verb, user)?;
    output.line(if arguments.format == Format::Json { json(&job) } else { line(&job) });
    Ok(Exit::Well)
}

/// A job in a line, for people.
pub(super) fn line(job: &Job) -> String {
    format!("{}  {}", job.id, words(job))
}

/// The same without its id.
pub(super) fn words(job: &Job) -> String {
    let due = match job.status {
        Status::Waiting => job.due.map_or(" for a change".to_owned(), |due| format!(" until {due}")),
        _ => String::new(),
    };
    let message = job.message.as_ref().map_or(String::new(), |message| format!(": {message}"));
    // A background operation is on no record but its own.
    let on = job.batch.as_ref().map_or_else(|| job.record.0.to_string(), follow::progress);
    let text = format!("{}  {on} {}{due}{message}", job.name, job.status.label().to_lowercase());
    render::visible(&text).into_owned()
}

/// A job as an object, for programs.
pub(super) fn json(job: &Job) -> String {
    object(job).to_string()
}

fn object(job: &Job) -> Value {
    let moment = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
    json!({
        "id": job.id.to_string(),
        "name": job.name,
        "type": job.kind as i32,
        "entity": job.record.0,
        "record": job.record.1.to_string(),
        "state": job.status.state() as i32,
        "status": job.status as i32,
        "statusName": job.status.name(),
        "message": job.message,
        "errorCode": job.error_code,
        "operations": job.batch.as_ref().map(|batch| json!({
            "all": batch.operations, "committed": batch.committed, "stopped": batch.stopped, "faults": batch.faults,
        })),
        "owner": job.owner.id.to_string(),
        "activation": job.activation.map(|activation| activation.to_string()),
        "correlation": job.correlation.to_string(),
        "dependencyToken": job.token,
        "depth": job.depth,
        "retries": job.retries,
        "steps": job.steps,
        "queued": job.created.to_string(),
        "started": moment(job.started),
        "due": moment(job.due),
        "postponed": moment(job.postponed),
        "worker": job.worker,
        "ended": moment(job.completed),
    })
}
