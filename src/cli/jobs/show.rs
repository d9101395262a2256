//! `weir jobs show`: all that is known of a job.

use serde_json::Value;

use super::super::exit::Exit;
use super::super::output::Output;
use super::super::{Format, follow};
use super::{around, failed, log, object_of};
use crate::diagnostic::render;
use crate::exchange;
use crate::jobs::Refused;
use crate::pipeline::{Around, Job, Pipeline};
use crate::schema::jobs::{Kind, State};
use crate::value::{self, Type};

pub(super) fn show(job: &Job, format: Format, pipeline: &mut Pipeline, output: &mut Output) -> Result<Exit, Refused> {
    let log = pipeline.job_log(job.id).map_err(failed)?;
    let callback = pipeline.callback_of(job.id).map_err(failed)?;
    let around = around(std::slice::from_ref(job), pipeline)?.pop().unwrap_or_default();
    if format == Format::Json {
        let mut object = object_of(job, &around);
        if let Some(members) = object.as_object_mut() {
            let callback = job.batch.as_ref().map_or(Value::Null, |batch| follow::callback_object(batch, callback.as_ref()));
            members.insert("callback".to_owned(), callback);
            members.insert("log".to_owned(), log.iter().map(log::object).collect());
        }
        output.line(object.to_string());
        return Ok(Exit::Well);
    }
    let owner = pipeline.text(&value::Value::Reference(job.owner), &Type::Uuid, None).ok().map(|owner| owner.to_string());
    let callback = job.batch.as_ref().and_then(|batch| follow::callback(batch, callback.as_ref()));
    let steps = log::counted(job.steps, log.len());
    let (what, when) = (what(job, &around), when(job));
    let whose = [
        ("callback", callback),
        ("runs as", owner),
        ("activation", job.activation.map(|activation| activation.to_string())),
        ("correlation", Some(job.correlation.to_string())),
        ("serial", exchange::job_serial(job, pipeline.schema())),
        ("depth", Some(job.depth.to_string())),
        ("retries", Some(job.retries.to_string())),
    ];
    let screen = output.screen();
    let facts = what.into_iter().chain(whose).chain(when).chain([("steps", Some(steps))]);
    for (name, value) in facts.filter_map(|(name, value)| Some((name, value?))) {
        screen.titled(&format!("{name:<12} "), &render::visible(&value)).iter().for_each(|line| output.line(line));
    }
    log.iter().flat_map(|step| log::lines(step, screen)).for_each(|line| output.line(line));
    Ok(Exit::Well)
}

type Fact = (&'static str, Option<String>);

/// What a job does, on what, and how it stands.
fn what(job: &Job, around: &Around) -> Vec<Fact> {
    let (entity, id) = &job.record;
    let record = match &around.record {
        Some(_) => format!("{} ({id})", exchange::job_record(job, Some(around))),
        None => format!("{entity} {id}"),
    };
    let status = format!("{} ({}), {} ({})", job.status.state().name(), job.status.state() as i32, job.status.label(), job.status as i32);
    vec![
        (job.kind.label(), Some(job.name.to_string())),
        ("job", Some(job.id.to_string())),
        // A background operation is on no record but its own.
        ("record", Some(record).filter(|_| job.kind != Kind::BackgroundOperation)),
        ("state", Some(status)),
        ("waits", (job.status.state() == State::Suspended).then(|| exchange::job_awaited(job, Some(around)))),
        ("behind", around.behind.map(|first| first.to_string())),
        ("message", job.message.as_ref().map(|message| message.to_string())),
        ("error", job.error_code.as_ref().map(|code| code.to_string())),
        ("operations", job.batch.as_ref().map(exchange::job_progress)),
        ("transactions", job.batch.as_ref().map(|batch| batch.chunks.to_string())),
    ]
}

/// When a job did what, and who has it.
fn when(job: &Job) -> Vec<Fact> {
    // Of a job that a worker has, it is until when that may be silent.
    let due = if job.status.state() == State::Locked { "lease" } else { "due" };
    vec![
        ("queued", Some(job.created.to_string())),
        ("started", job.started.map(|moment| moment.to_string())),
        (due, job.due.map(|moment| moment.to_string())),
        ("postponed", job.postponed.map(|moment| moment.to_string())),
        ("worker", job.worker.as_ref().map(|worker| worker.to_string())),
        ("ended", job.completed.map(|moment| moment.to_string())),
    ]
}
