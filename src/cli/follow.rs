//! `weir jobs show ID --follow`, how a job goes on until it has ended, and `--results`, what came of its operations.

use std::io::{self, IsTerminal};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use super::exit::Exit;
use super::output::Output;
use super::{Format, jobs};
use crate::diagnostic::render;
use crate::exchange;
use crate::jobs::Refused;
use crate::pipeline::{Batch, Job, Keep, OperationResult, Pipeline};
use crate::schema::jobs::{State, Status};
use crate::value::Uuid;

/// How long the id of a job is, with what divides it from what follows.
const ID: usize = 38;

/// How often a job is looked at.
const OFTEN: Duration = Duration::from_millis(250);

/// Tells how a job goes on until it has ended. On a terminal there is one line that is brought up to date, else a line for each change.
pub(super) fn follow(job: Job, format: Format, keep: &Keep, pipeline: &mut Pipeline, output: &mut Output) -> Result<Exit, Refused> {
    let bar = (format == Format::Human && io::stdout().is_terminal()).then(bar);
    let (id, mut last, mut next) = (job.id, String::new(), Some(job));
    loop {
        let Some(job) = next else {
            bar.iter().for_each(ProgressBar::finish_and_clear);
            return Ok(gone(keep, output));
        };
        let line = if format == Format::Json { jobs::json(&job) } else { jobs::line_of(&job, pipeline)? };
        let ended = job.status.state() == State::Completed;
        match &bar {
            Some(bar) if ended => bar.finish_and_clear(),
            Some(bar) if line != last => bar.set_message(line.get(ID..).unwrap_or(&line).to_owned()),
            Some(_) | None => {}
        }
        if ended || bar.is_none() && line != last {
            output.line(&line);
            output.flush();
        }
        if ended {
            return Ok(outcome(&job));
        }
        last = line;
        thread::sleep(OFTEN);
        next = pipeline.job(id).map_err(jobs::failed)?;
    }
}

/// One line of the terminal, cut to its width.
fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
    match ProgressStyle::with_template("{wide_msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Tells what came of each operation of a background operation, as far as it is.
pub(super) fn results(job: &Job, format: Format, pipeline: &mut Pipeline, output: &mut Output) -> Result<Exit, Refused> {
    let chunks = job.batch.as_ref().map_or(0, |batch| batch.chunks);
    for chunk in 0..chunks {
        for result in pipeline.results(job.id, chunk)? {
            match format {
                Format::Json => output.line(serde_json::to_string(&result).unwrap_or_default()),
                Format::Human => output.line(render::visible(&in_words(&result))),
            }
        }
    }
    Ok(Exit::Well)
}

/// Who is told of the end of a background operation, and what came of that. What may be secret in the address is left out.
pub(super) fn callback(batch: &Batch, callback: Option<&Job>) -> Option<String> {
    let url = shown(batch.callback.as_deref()?);
    let Some(job) = callback else { return Some(format!("{url}, once it has ended")) };
    Some(format!("{url} {}", exchange::job_standing(job, None)))
}

/// The same for programs; nothing where nobody is told.
pub(super) fn callback_object(batch: &Batch, callback: Option<&Job>) -> Value {
    let Some(url) = batch.callback.as_deref().map(shown) else { return Value::Null };
    let Some(job) = callback else { return json!({ "url": url, "job": null }) };
    json!({
        "url": url, "job": job.id.to_string(), "state": job.status.state() as i32, "status": job.status as i32,
        "statusName": job.status.name(), "retries": job.retries, "errorCode": job.error_code, "message": job.message,
    })
}

/// An address without what follows its path.
fn shown(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    if path.len() == url.len() { path.to_owned() } else { format!("{path}?…") }
}

/// How a command ends that followed a job which has ended meanwhile and isn't kept.
fn gone(keep: &Keep, output: &mut Output) -> Exit {
    if keep.failed.is_some() {
        output.error_line("error: the job has ended and isn't kept, so that nobody can tell how (`[jobs]` in weir.toml)");
        return Exit::Problems;
    }
    output.error_line("the job has ended and isn't kept: it didn't fail, for those that do are");
    Exit::Well
}

/// How a command ends that followed a job to its end.
fn outcome(job: &Job) -> Exit {
    match job.status {
        Status::Succeeded => Exit::Well,
        Status::Canceled => Exit::Stopped,
        _ if job.error_code.as_deref() == Some("stopped") => Exit::Stopped,
        _ => Exit::Problems,
    }
}

fn in_words(result: &OperationResult) -> String {
    let about = match (&result.id, result.ids.as_slice()) {
        (Some(id), _) => format!(" {id}"),
        (None, []) => String::new(),
        (None, ids) => format!(" {}", ids.iter().map(Uuid::to_string).collect::<Vec<_>>().join(" ")),
    };
    let outputs = if result.outputs.is_empty() { String::new() } else { format!(" {}", json!(result.outputs)) };
    let code = result.code.as_ref().map_or(String::new(), |code| format!(" {code}"));
    let by = result.flow.as_ref().map_or(String::new(), |flow| format!(" by {flow}"));
    let reason = result.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    format!("{}: {}{code}{by}{about}{outputs}{reason}", result.line, result.outcome)
}
