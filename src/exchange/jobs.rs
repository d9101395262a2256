//! A system job in words for people, at the command line and at the prompt alike. Times are to the second.

use jiff::Timestamp;
use serde_json::Value as Json;
use unicode_width::UnicodeWidthStr;

use crate::diagnostic::render;
use crate::pipeline::{Around, Batch, Job};
use crate::schema::Schema;
use crate::schema::jobs::{Kind, State};
use crate::value::Type;

/// How wide a column is at most.
const WIDEST: usize = 40;

/// What became of a job, in a line.
pub fn job_line(job: &Job) -> String {
    format!("job        {} {}", render::visible(&job.name), job_standing(job, None))
}

/// Jobs, a line each, with what is known around each: its name, its record and how it stands, one beneath the other.
pub fn job_lines(jobs: &[Job], around: &[Around]) -> Vec<String> {
    let cells: Vec<_> = jobs
        .iter()
        .zip(around)
        .map(|(job, around)| [render::visible(&job.name).into_owned(), job_record(job, Some(around)), job_standing(job, Some(around))])
        .collect();
    let width = |column: fn(&[String; 3]) -> &String| cells.iter().map(|cells| column(cells).width()).max().unwrap_or(0).min(WIDEST);
    let (name, record) = (width(|[name, _, _]| name), width(|[_, record, _]| record));
    cells.iter().map(|[first, second, third]| format!("{}  {}  {third}", padded(first, name), padded(second, record))).collect()
}

/// What a job is about: its record by name where that is known, else by its id; of a background operation how far it is.
pub fn job_record(job: &Job, around: Option<&Around>) -> String {
    if job.kind == Kind::BackgroundOperation {
        return job.batch.as_ref().map_or("not handed in yet".to_owned(), job_progress);
    }
    let (entity, id) = &job.record;
    let name = around.and_then(|around| around.record.as_deref());
    render::visible(&name.map_or_else(|| format!("{entity} {id}"), |name| format!("{entity} \"{name}\""))).into_owned()
}

/// How far a background operation is.
pub fn job_progress(batch: &Batch) -> String {
    let refused = [(batch.stopped, "stopped"), (batch.faults, "failed")].map(|(count, word)| match count {
        0 => String::new(),
        count => format!(", {count} {word}"),
    });
    format!("{} of {} done{}", batch.done(), batch.operations, refused.concat())
}

/// How a job stands, and what it waits for: `waiting for account.due or until 2026-03-01T08:00:00Z`. With its message.
pub fn job_standing(job: &Job, around: Option<&Around>) -> String {
    let waits = match job.status.state() {
        State::Ready => around.and_then(|around| around.behind).map_or(String::new(), |first| format!(", behind {first}")),
        State::Suspended => format!(" {}", job_awaited(job, around)),
        State::Locked | State::Completed => String::new(),
    };
    let message = job.message.as_ref().map_or(String::new(), |message| format!(": {message}"));
    render::visible(&format!("{}{waits}{message}", job.status.label().to_lowercase())).into_owned()
}

/// What a waiting job waits for.
pub fn job_awaited(job: &Job, around: Option<&Around>) -> String {
    let until = job.due.map(|due| format!("until {}", second(due)));
    let fields = around.map(|around| around.fields.join(", ")).filter(|fields| !fields.is_empty());
    match (fields, until) {
        (Some(fields), Some(until)) => format!("for {fields} or {until}"),
        (Some(fields), None) => format!("for {fields}"),
        (None, Some(until)) => until,
        (None, None) if job.kind == Kind::BackgroundOperation && job.batch.is_none() => "until all of it is handed in".to_owned(),
        // Nothing is known of its fields.
        (None, None) if around.is_none() && job.message.is_none() => "for a change".to_owned(),
        (None, None) => "until it is resumed".to_owned(),
    }
}

/// With which jobs a job runs one after the other, where it does.
pub fn job_serial(job: &Job, schema: &Schema) -> Option<String> {
    let token = job.token.as_ref()?;
    let behind = token.strip_prefix(job.name.as_str()).map(str::trim_start);
    Some(match behind.and_then(|behind| behind.split_once(' ')) {
        Some(("on", _)) => "with those on the same record".to_owned(),
        Some(("by", behind)) => format!("with those of the same {}", value_of(behind, schema)),
        _ => "with those of one long value".to_owned(),
    })
}

/// A field and its value as a dependency token has them: `account.region {"Text":"West"}`.
fn value_of(text: &str, schema: &Schema) -> String {
    let known = || {
        let (field, value) = text.split_once(' ')?;
        let value: Json = serde_json::from_str(value).ok()?;
        let (kind, value) = value.as_object()?.iter().next()?;
        let (entity, name) = field.split_once('.')?;
        let ty = schema.entity_id(entity).and_then(|id| schema.field(id, schema.entity(id)?.slot(name)?)).map(|field| &field.ty);
        let option = |code: i64| match ty {
            Some(Type::Choice(choice)) => schema.choice(*choice)?.by_code(i32::try_from(code).ok()?).map(|option| option.name.to_string()),
            _ => None,
        };
        let words = match (kind.as_str(), value) {
            ("Text", Json::String(text)) => format!("\"{text}\""),
            (_, Json::String(text)) => text.clone(),
            ("Choice", Json::Number(code)) => code.as_i64().and_then(option).unwrap_or_else(|| code.to_string()),
            (_, Json::Array(parts)) => parts.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(" "),
            (_, other) => other.to_string(),
        };
        Some(format!("{field}: {words}"))
    };
    known().unwrap_or_else(|| text.to_owned())
}

/// A moment to the second.
fn second(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{:missing$}", "", missing = width.saturating_sub(text.width()))
}
