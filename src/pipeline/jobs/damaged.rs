//! Jobs whose rows can't be read, whatever happened to the database: they are told as far as they can be, put out of the way of others, and
//! ended where somebody says so. No such row stops the queue, a list, a deploy or the save of a record.

use jiff::Timestamp;
use smol_str::SmolStr;

use super::Job;
use super::row::{AFTERWARDS, read, told};
use crate::diagnostic::Code;
use crate::pipeline::engine::Engine;
use crate::pipeline::{ADMINISTRATOR, USERS};
use crate::schema::jobs::{Kind, State, Status, columns};
use crate::schema::select::Selection;
use crate::schema::{FieldSet, Row, Schema, system};
use crate::store::{Store, StoreError};
use crate::value::{EntityId, Reference, Uuid, Value};

/// Whether an error is about what the store holds, and not about the store: trying again makes nothing better.
pub(super) fn is_damage(error: &StoreError) -> bool {
    use StoreError::{Duplicate, Missing, Number, Reference, Refused, TooLarge, Unusable};
    matches!(error, Missing { .. } | Duplicate { .. } | Reference { .. } | Refused { .. } | Number(_) | TooLarge(_) | Unusable(_))
}

/// Passes over what can't be read.
pub(super) fn passed_over<T>(found: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match found {
        Err(error) if is_damage(&error) => Ok(None),
        found => found.map(Some),
    }
}

/// The jobs that a selection takes, each as far as it can be read.
pub(super) fn select(store: &mut dyn Store, schema: &Schema, selection: &Selection) -> Result<Vec<Job>, StoreError> {
    let entity = selection.entity;
    let whole = store.select(selection, &told(schema, entity));
    let whole = whole.and_then(|rows| rows.iter().map(|(id, row)| read(*id, row, entity, schema)).collect());
    if let Some(jobs) = passed_over(whole)? {
        return Ok(jobs);
    }
    let ids = store.select(selection, &FieldSet::default())?;
    ids.iter().filter_map(|(id, _)| salvage(store, schema, entity, *id).transpose()).collect()
}

/// A job as far as it can be read: a column counts where there is a job with it, and else something stands in its place. Nothing where it
/// isn't there.
pub(super) fn salvage(store: &mut dyn Store, schema: &Schema, entity: EntityId, id: Uuid) -> Result<Option<Job>, StoreError> {
    let Some(declared) = schema.entity(entity) else { return Ok(None) };
    let nobody = Value::Reference(Reference { entity: schema.entity_id(USERS).unwrap_or(entity), id: ADMINISTRATOR });
    let unknown = [
        (columns::NAME, Value::Text("?".into())),
        (columns::KIND, Value::Choice(Kind::Flow as i32)),
        (columns::RECORD_ENTITY, Value::Text("?".into())),
        (columns::RECORD_ID, Value::Uuid(Uuid::nil())),
        (system::OWNER, nobody.clone()),
        (system::CREATED_BY, nobody),
        (columns::DEPTH, Value::Integer(1)),
        (columns::CORRELATION, Value::Uuid(Uuid::nil())),
        (system::STATUS, Value::Choice(Status::Waiting as i32)),
        (columns::RETRIES, Value::Integer(0)),
        (system::CREATED_ON, Value::DateTime(Timestamp::UNIX_EPOCH)),
        (system::MODIFIED_ON, Value::DateTime(Timestamp::UNIX_EPOCH)),
    ];
    let mut row: Row = unknown.into_iter().filter_map(|(name, value)| Some((declared.slot(name)?, value))).collect();
    for slot in told(schema, entity).iter() {
        let Some(found) = passed_over(store.read(entity, &[id], &[slot].into_iter().collect()))? else { continue };
        let Some(column) = found.into_iter().next().flatten() else { return Ok(None) };
        let mut with = row.clone();
        with.overlay(&column);
        if read(id, &with, entity, schema).is_ok() {
            row = with;
        }
    }
    let mut job = read(id, &row, entity, schema)?;
    if job.status.state() != State::Completed {
        job.message = Some(format!("what the database holds of the job {id} is damaged: cancel it").into());
    }
    Ok(Some(job))
}

impl Engine {
    /// A job as far as it can be read.
    pub(super) fn salvaged(&mut self, id: Uuid) -> Result<Option<Job>, StoreError> {
        let entity = self.jobs_entity()?;
        salvage(&mut *self.store, &self.schema, entity, id)
    }

    /// Ends a job that can't be run, for what the store holds of it or of what it needs: so it is out of the way of others.
    pub(super) fn set_aside(&mut self, id: Uuid, why: &str) -> Result<(), StoreError> {
        let code = Code::F23.name();
        self.end_damaged(id, Status::Failed, Some(code), format!("{code}: {why}").into()).map(drop)
    }

    /// Somebody ends a job that can't be read. Nothing where it isn't there, and the job as it is where it has ended.
    pub(super) fn cancel_damaged(&mut self, id: Uuid, message: Option<SmolStr>) -> Result<Option<Result<Job, Job>>, StoreError> {
        match self.salvaged(id)? {
            Some(job) if job.status.state() == State::Completed => Ok(Some(Err(job))),
            Some(_) => Ok(self.end_damaged(id, Status::Canceled, None, message.unwrap_or_else(|| "canceled by hand".into()))?.map(Ok)),
            None => Ok(None),
        }
    }

    /// By the id alone. What may be damaged and is needed no longer is emptied, and what has to follow an end follows as far as it can.
    fn end_damaged(&mut self, id: Uuid, status: Status, code: Option<&str>, message: SmolStr) -> Result<Option<Job>, StoreError> {
        let Some(before) = self.salvaged(id)? else { return Ok(None) };
        let values = [
            (system::STATE, Value::Choice(status.state() as i32)),
            (system::STATUS, Value::Choice(status as i32)),
            (columns::DUE, Value::Empty),
            (columns::POSTPONED, Value::Empty),
            (columns::TOKEN, Value::Empty),
            (columns::WORKER, Value::Empty),
            (columns::DATA, Value::Empty),
            (columns::POSITION, Value::Empty),
            (columns::RECORDS, Value::Empty),
            (columns::COMPLETED, Value::DateTime(self.now)),
            (columns::ERROR_CODE, code.map_or(Value::Empty, |code| Value::Text(code.into()))),
            (columns::MESSAGE, Value::Text(message.chars().take(4_000).collect())),
            (system::MODIFIED_ON, Value::DateTime(self.now)),
            (system::VERSION, Value::Integer(1)),
        ];
        let entity = self.jobs_entity()?;
        self.change_row(entity, id, &values)?;
        let job =
            Job { status, message: Some(message), completed: Some(self.now), error_code: code.map(SmolStr::new), due: None, ..before };
        passed_over(self.unsubscribe(id))?;
        for follow in AFTERWARDS {
            passed_over(follow(self, &job))?;
        }
        Ok(Some(job))
    }
}
