//! Jobs and their rows.

use jiff::Timestamp;
use smol_str::SmolStr;

use super::Job;
use super::background::Batch;
use super::damaged;
use super::recall::Position;
use crate::pipeline::Pipeline;
use crate::pipeline::engine::Engine;
use crate::schema::jobs::{ENTITY, Kind, State, Status, columns};
use crate::schema::select::{Condition, Selection, Test};
use crate::schema::{FieldSet, PRIMARY_KEY, Row, Schema, system};
use crate::store::StoreError;
use crate::value::{EntityId, Reference, Uuid, Value};
use crate::vm::Fault;

/// Where in their life jobs are that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStage {
    /// Those that haven't ended.
    GoesOn,
    /// All of them.
    Any,
    /// Those of a status reason.
    Status(Status),
}

/// Which jobs are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedJobs<'a> {
    /// Where they are in their life.
    pub stage: JobStage,
    /// Of which flow or plug-in, if that matters.
    pub name: Option<&'a str>,
    /// On which record, if that matters.
    pub record: Option<Uuid>,
    /// As whom they run, if that matters.
    pub owner: Option<Reference>,
}

impl Pipeline {
    /// System jobs in the order of their ids, which begin with the time at which they were queued: at most so many, behind one. With
    /// that, any number of them are read page by page.
    pub fn jobs(&mut self, wanted: &WantedJobs<'_>, after: Option<Uuid>, limit: u64) -> Result<Vec<Job>, Fault> {
        self.reading(|engine| engine.page(wanted, after, limit).map_err(|error| engine.store_fault(error)))
    }

    /// A system job by its id.
    pub fn job(&mut self, id: Uuid) -> Result<Option<Job>, Fault> {
        self.reading(|engine| {
            let found = match engine.job(id) {
                Err(StoreError::Unusable(_)) => engine.salvaged(id),
                found => found,
            };
            found.map_err(|error| engine.store_fault(error))
        })
    }

    /// The system jobs of a flow or plug-in, in the order in which they were queued.
    pub fn jobs_of(&mut self, name: &str) -> Result<Vec<Job>, Fault> {
        let name = (columns::NAME, Value::Text(name.into()));
        self.reading(|engine| engine.jobs_where(&[name]).map_err(|error| engine.store_fault(error)))
    }
}

impl Engine {
    pub(super) fn jobs_entity(&self) -> Result<EntityId, StoreError> {
        self.schema.entity_id(ENTITY).ok_or_else(|| StoreError::Unusable(format!("the schema has no entity `{ENTITY}`")))
    }

    fn page(&mut self, wanted: &WantedJobs<'_>, after: Option<Uuid>, limit: u64) -> Result<Vec<Job>, StoreError> {
        let entity = self.jobs_entity()?;
        let mut selection = Selection::all(entity).limited(limit);
        selection.after = after.map(Value::Uuid);
        let slot = |name: &str| self.schema.entity(entity).and_then(|entity| entity.slot(name));
        let (stage, test, code) = match wanted.stage {
            JobStage::Any => (None, Test::Equal, 0),
            JobStage::GoesOn => (slot(system::STATE), Test::NotEqual, State::Completed as i32),
            JobStage::Status(status) => (slot(system::STATUS), Test::Equal, status as i32),
        };
        selection.conditions.extend(stage.map(|slot| Condition { slot, test, value: Value::Choice(code) }));
        let chosen = [
            (columns::NAME, wanted.name.map(|name| Value::Text(name.into()))),
            (columns::RECORD_ID, wanted.record.map(Value::Uuid)),
            (system::OWNER, wanted.owner.map(Value::Reference)),
        ];
        for (name, value) in chosen {
            let asked = slot(name).zip(value);
            selection.conditions.extend(asked.map(|(slot, value)| Condition { slot, test: Test::Equal, value }));
        }
        damaged::select(&mut *self.store, &self.schema, &selection)
    }

    fn jobs_where(&mut self, values: &[(&str, Value)]) -> Result<Vec<Job>, StoreError> {
        let entity = self.jobs_entity()?;
        let mut selection = Selection::all(entity);
        for (slot, value) in self.row_of(entity, values).iter() {
            selection = selection.with(slot, value.clone());
        }
        let fields = self.layouts.get(usize::from(entity.0)).map(|layout| layout.all.clone()).unwrap_or_default();
        let rows = self.store.select(&selection, &fields)?;
        let mut jobs = rows.iter().map(|(id, row)| read(*id, row, entity, &self.schema)).collect::<Result<Vec<Job>, _>>()?;
        jobs.sort_by_key(|job| (job.created, job.id));
        Ok(jobs)
    }

    /// A job, in the transaction that is open.
    pub(super) fn job(&mut self, id: Uuid) -> Result<Option<Job>, StoreError> {
        let entity = self.jobs_entity()?;
        let fields = self.layouts.get(usize::from(entity.0)).map(|layout| layout.all.clone()).unwrap_or_default();
        let row = self.store.read(entity, &[id], &fields)?.into_iter().next().flatten();
        row.map(|row| read(id, &row, entity, &self.schema)).transpose()
    }

    /// Writes what changes of a job while it lives; where it has ended, the next of its token becomes due, and who is to be told of the end is queued. The
    /// records of its loops are written only where they are others than in the row.
    pub(super) fn write_job(&mut self, job: &Job, was: Option<&Position>) -> Result<(), StoreError> {
        let entity = self.jobs_entity()?;
        let moment = |moment: Option<Timestamp>| moment.map_or(Value::Empty, Value::DateTime);
        let text = |text: Option<&SmolStr>| text.map_or(Value::Empty, |text| Value::Text(text.chars().take(4_000).collect()));
        let mut values = vec![
            (system::STATE, Value::Choice(job.status.state() as i32)),
            (system::STATUS, Value::Choice(job.status as i32)),
            (columns::RETRIES, Value::Integer(job.retries.into())),
            (columns::DEPTH, Value::Integer(job.depth.into())),
            (columns::STEPS, Value::Integer(job.steps.into())),
            (columns::DUE, moment(job.due)),
            (columns::POSTPONED, moment(job.postponed)),
            (columns::WORKER, text(job.worker.as_ref())),
            (columns::STARTED, moment(job.started)),
            (columns::COMPLETED, moment(job.completed)),
            (columns::MESSAGE, text(job.message.as_ref())),
            (columns::ERROR_CODE, text(job.error_code.as_ref())),
            (system::MODIFIED_ON, Value::DateTime(job.modified)),
        ];
        values.extend(job.batch.as_ref().map(|batch| (columns::PROGRESS, Value::Text(batch.write()))));
        match &job.position {
            Some(position) => {
                let (text, records) = position.write(&self.schema);
                values.push((columns::POSITION, Value::Text(text)));
                if was.is_none_or(|was| !was.has_loops_of(position)) {
                    values.push((columns::RECORDS, records.map_or(Value::Empty, Value::Text)));
                }
            }
            None => values.extend([(columns::POSITION, Value::Empty), (columns::RECORDS, Value::Empty)]),
        }
        let ended = job.token.as_ref().filter(|_| job.status.state() == State::Completed);
        values.extend(ended.map(|_| (columns::TOKEN, Value::Empty)));
        let mut row = self.row_of(entity, &values);
        row.set(PRIMARY_KEY, Value::Uuid(job.id));
        self.store.update(entity, std::slice::from_ref(&row))?;
        if let Some(token) = ended {
            self.let_next(token)?;
        }
        match job.status.state() {
            State::Completed if job.kind == Kind::Mail => self.settle_mail(job),
            State::Completed => self.queue_callback(job),
            _ => Ok(()),
        }
    }
}

/// The columns of what is told of a job: all but those that only a worker needs, which may be long.
pub(super) fn told(schema: &Schema, entity: EntityId) -> FieldSet {
    let Some(declared) = schema.entity(entity) else { return FieldSet::default() };
    let own = [columns::DATA, columns::POSITION, columns::RECORDS];
    declared.fields().filter(|(slot, field)| *slot != PRIMARY_KEY && !own.contains(&field.name.as_str())).map(|(slot, _)| slot).collect()
}

/// A job from its row. What the database holds may be anything.
pub(super) fn read(id: Uuid, row: &Row, entity: EntityId, schema: &Schema) -> Result<Job, StoreError> {
    let damaged = || StoreError::Unusable(format!("what the database holds of the job {id} is damaged"));
    let declared = schema.entity(entity).ok_or_else(damaged)?;
    let value = |name: &str| declared.slot(name).and_then(|slot| row.get(slot)).cloned().unwrap_or_default();
    let text = |name: &str| if let Value::Text(text) = value(name) { Some(text) } else { None };
    let moment = |name: &str| if let Value::DateTime(moment) = value(name) { Some(moment) } else { None };
    let reference = |name: &str| if let Value::Reference(record) = value(name) { Some(record) } else { None };
    let number = |name: &str| if let Value::Integer(number) = value(name) { u32::try_from(number).ok() } else { None };
    let uuid = |name: &str| if let Value::Uuid(id) = value(name) { Some(id) } else { None };
    let code = |name: &str| if let Value::Choice(code) = value(name) { Some(code) } else { None };
    let records = text(columns::RECORDS);
    let position = match text(columns::POSITION) {
        Some(position) => Some(Position::read(&position, records.as_deref(), schema).ok_or_else(damaged)?),
        None => None,
    };
    let batch = match text(columns::PROGRESS) {
        Some(progress) => Some(Batch::read(&progress).ok_or_else(damaged)?),
        None => None,
    };
    let job = || {
        Some(Job {
            id,
            name: text(columns::NAME)?,
            kind: code(columns::KIND).and_then(Kind::of)?,
            activation: reference(columns::ACTIVATION).map(|activation: Reference| activation.id),
            record: (text(columns::RECORD_ENTITY)?, uuid(columns::RECORD_ID)?),
            owner: reference(system::OWNER)?,
            caller: reference(system::CREATED_BY)?,
            depth: number(columns::DEPTH)?,
            correlation: uuid(columns::CORRELATION)?,
            status: code(system::STATUS).and_then(Status::of)?,
            token: text(columns::TOKEN),
            retries: number(columns::RETRIES)?,
            steps: number(columns::STEPS).unwrap_or(0),
            postponed: moment(columns::POSTPONED),
            due: moment(columns::DUE),
            worker: text(columns::WORKER),
            created: moment(system::CREATED_ON)?,
            started: moment(columns::STARTED),
            modified: moment(system::MODIFIED_ON)?,
            completed: moment(columns::COMPLETED),
            message: text(columns::MESSAGE),
            error_code: text(columns::ERROR_CODE),
            batch,
            data: text(columns::DATA).unwrap_or_default(),
            position,
        })
    };
    job().ok_or_else(damaged)
}
