//! `weir jobs`: the system jobs of a store, and what an operator does with them.

mod log;
mod show;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::exit::Exit;
use super::output::Output;
use super::{Format, follow, life, load};
use crate::diagnostic::render;
use crate::exchange;
use crate::jobs::{self, Refused, Verb};
use crate::pipeline::{Around, Job, JobStage, Keep, Pipeline, Settings, WantedJobs};
use crate::project::Compiled;
use crate::schema::jobs::{State, Status};
use crate::store::StoreError;
use crate::value::{Reference, Uuid, time};
use crate::vm::Fault;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The store, `sqlite:FILE`, with a deployed project
    #[arg(long, value_name = "URL", env = "WEIR_STORE", global = true)]
    store: Option<String>,
    /// The full name of the user who does it, and sees only the jobs that run as them; by default the system administrator
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

/// A user who acts, by record and full name; nothing for the system administrator.
type Acting<'a> = Option<(Reference, &'a str)>;

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
    let done = acting(arguments, &mut pipeline, output).and_then(|user| match user {
        Some(user) => does(arguments, user, &compiled.config.keep, &mut pipeline, output),
        None => Ok(Exit::Problems),
    });
    done.map_err(|refused| match refused {
        Refused::Store(error) => load::store_failed(url, &error.to_string(), output),
        refused => {
            output.error_line(format!("error: {refused}"));
            Exit::Problems
        }
    })
}

/// Who acts: nobody in particular, or a user; nothing where there is none of that name.
fn acting<'a>(arguments: &'a Arguments, pipeline: &mut Pipeline, output: &mut Output) -> Result<Option<Acting<'a>>, Refused> {
    let Some(name) = &arguments.user else { return Ok(Some(None)) };
    let found = pipeline.find_user(name).map_err(failed)?;
    if found.is_none() {
        output.error_line(format!("error: there is no user `{}`", name.escape_debug()));
    }
    Ok(found.map(|user| Some((user, name.as_str()))))
}

fn does(arguments: &Arguments, user: Acting<'_>, keep: &Keep, pipeline: &mut Pipeline, output: &mut Output) -> Result<Exit, Refused> {
    let who = user.map(|(user, _)| user);
    let (id, verb) = match &arguments.command {
        None => return list(&List::default(), who, arguments.format, pipeline, output),
        Some(Command::List(which)) => return list(which, who, arguments.format, pipeline, output),
        Some(Command::Show(which)) => {
            let job = jobs::look(pipeline, which.id, who)?;
            return match (which.follow, which.results) {
                (true, _) => follow::follow(job, arguments.format, keep, pipeline, output),
                (_, true) => follow::results(&job, arguments.format, pipeline, output),
                _ => show::show(&job, arguments.format, pipeline, output),
            };
        }
        Some(Command::Cancel(which)) => (which.id, Verb::Cancel),
        Some(Command::Pause(which)) => (which.id, Verb::Pause),
        Some(Command::Resume(which)) => (which.id, Verb::Resume),
        Some(Command::Postpone(Postpone { id, until })) => (*id, Verb::Postpone(*until)),
    };
    let job = jobs::turn(pipeline, id, verb, user)?;
    if let Verb::Postpone(until) = verb
        && until <= pipeline.now()
    {
        output.error_line("warning: that moment has passed: the job is due at once");
    }
    match arguments.format {
        Format::Json => {
            around(std::slice::from_ref(&job), pipeline)?.iter().for_each(|around| output.line(object_of(&job, around).to_string()))
        }
        Format::Human => output.line(line_of(&job, pipeline)?),
    }
    Ok(Exit::Well)
}

fn list(which: &List, user: Option<Reference>, format: Format, pipeline: &mut Pipeline, output: &mut Output) -> Result<Exit, Refused> {
    // The system administrator sees all of them.
    let owner = user.filter(|user| *user != pipeline.administrator());
    let stage = match stage(which) {
        Ok(stage) => stage,
        Err(words) => {
            output.error_line(words);
            return Ok(Exit::Usage);
        }
    };
    let wanted = WantedJobs { stage, name: which.name.as_deref(), record: which.record, owner };
    let limit = which.limit.unwrap_or(u64::MAX);
    let (mut count, mut after, mut more) = (0, None, true);
    while more && count < limit {
        // One more than is written says whether there are more.
        let page = PAGE.min(limit - count);
        let mut jobs = pipeline.jobs(&wanted, after, page + 1).map_err(failed)?;
        more = jobs.len() as u64 > page;
        jobs.truncate(usize::try_from(page).unwrap_or(usize::MAX));
        let around = around(&jobs, pipeline)?;
        match format {
            Format::Json => jobs.iter().zip(&around).for_each(|(job, around)| output.line(object_of(job, around).to_string())),
            Format::Human => {
                let lines = exchange::job_lines(&jobs, &around);
                jobs.iter().zip(lines).for_each(|(job, line)| output.cut_line(&format!("{}  {line}", job.id)));
            }
        }
        count += jobs.len() as u64;
        after = jobs.last().map(|job| job.id);
    }
    if format == Format::Human {
        let what = if count == 1 { "1 job".to_owned() } else { format!("{count} jobs") };
        output.line(if more { format!("{what}, and there are more") } else { what });
    }
    Ok(Exit::Well)
}

/// Where in their life jobs are that are listed; else what is said of a status that there isn't.
fn stage(which: &List) -> Result<JobStage, String> {
    let Some(name) = &which.status else { return Ok(if which.all { JobStage::Any } else { JobStage::GoesOn }) };
    let found = Status::ALL.iter().find(|status| status.name() == name);
    found.map(|status| JobStage::Status(*status)).ok_or_else(|| {
        let names: Vec<&str> = Status::ALL.iter().map(|status| status.name()).collect();
        format!("error: there is no status `{}`; there is {}", name.escape_debug(), names.join(", "))
    })
}

/// A job in a line for people, as far as its row tells it.
pub(super) fn line(job: &Job) -> String {
    format!("{}  {}  {}  {}", job.id, render::visible(&job.name), exchange::job_record(job, None), exchange::job_standing(job, None))
}

/// A job in a line for people.
pub(super) fn line_of(job: &Job, pipeline: &mut Pipeline) -> Result<String, Refused> {
    let around = around(std::slice::from_ref(job), pipeline)?;
    let words = exchange::job_lines(std::slice::from_ref(job), &around);
    Ok(format!("{}  {}", job.id, words.concat()))
}

/// What is told of jobs beyond their rows.
pub(super) fn around(jobs: &[Job], pipeline: &mut Pipeline) -> Result<Vec<Around>, StoreError> {
    pipeline.around(jobs).map_err(failed)
}

/// What a failed read means for a command.
pub(super) fn failed(fault: Fault) -> StoreError {
    StoreError::Failed(fault.message)
}

/// A job as an object for programs, as far as its row tells it.
pub(super) fn json(job: &Job) -> String {
    object(job).to_string()
}

/// A job as an object for programs.
pub(super) fn object_of(job: &Job, around: &Around) -> Value {
    let mut object = object(job);
    if let Some(members) = object.as_object_mut() {
        members.insert("waitsFor".to_owned(), json!(around.fields));
        members.insert("behind".to_owned(), json!(around.behind.map(|job| job.to_string())));
    }
    object
}

fn object(job: &Job) -> Value {
    let moment = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
    let is_locked = job.status.state() == State::Locked;
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
        "due": moment(job.due.filter(|_| !is_locked)),
        "lease": moment(job.due.filter(|_| is_locked)),
        "postponed": moment(job.postponed),
        "worker": job.worker,
        "ended": moment(job.completed),
    })
}
