//! Jobs and their rows.

use jiff::Timestamp;
use smol_str::SmolStr;

use super::Job;
use super::background::Batch;
use super::damaged::passed_over;
use super::recall::Position;
use crate::pipeline::Message;
use crate::pipeline::Pipeline;
use crate::pipeline::engine::Engine;
use crate::pipeline::target::Scene;
use crate::schema::jobs::{ENTITY, Kind, State, Status, columns};
use crate::schema::select::Selection;
use crate::schema::{FieldSet, PRIMARY_KEY, Row, Schema, system};
use crate::store::StoreError;
use crate::value::{EntityId, Reference, Slot, Uuid, Value};
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

/// Something that follows the end of a job.
type Follows = fn(&mut Engine, &Job) -> Result<(), StoreError>;

/// What follows the end of a job, in the transaction of that. Each finds out by itself whether the job is one of its own.
pub(super) const AFTERWARDS: [Follows; 3] = [Engine::let_next_of, Engine::settle_mail, Engine::queue_callback];

/// How many jobs are looked through at a time for those that are wanted.
const LOOKED_THROUGH: u64 = 2_000;

impl WantedJobs<'_> {
    /// The columns that are asked for: their values, and whether they are to be the same or others.
    fn asked(&self) -> [(&'static str, bool, Option<Value>); 4] {
        let (column, same, code) = match self.stage {
            JobStage::Any => (system::STATE, true, None),
            JobStage::GoesOn => (system::STATE, false, Some(State::Completed as i32)),
            JobStage::Status(status) => (system::STATUS, true, Some(status as i32)),
        };
        [
            (column, same, code.map(Value::Choice)),
            (columns::NAME, true, self.name.map(|name| Value::Text(name.into()))),
            (columns::RECORD_ID, true, self.record.map(Value::Uuid)),
            (system::OWNER, true, self.owner.map(Value::Reference)),
        ]
    }

    /// Whether a job is among them.
    fn wants(&self, job: &Job) -> bool {
        let stage = match self.stage {
            JobStage::Any => true,
            JobStage::GoesOn => job.status.state() != State::Completed,
            JobStage::Status(status) => job.status == status,
        };
        stage
            && self.name.is_none_or(|name| job.name == name)
            && self.record.is_none_or(|record| job.record.1 == record)
            && self.owner.is_none_or(|owner| job.owner == owner)
    }
}

impl Pipeline {
    /// System jobs in the order of their ids, which begin with the time at which they were queued: at most so many, behind one. With
    /// that, any number of them are read page by page. However few of many are wanted, they are looked through some at a time, so
    /// that nobody is kept waiting for long.
    pub fn jobs(&mut self, wanted: &WantedJobs<'_>, after: Option<Uuid>, limit: u64) -> Result<Vec<Job>, Fault> {
        let (mut found, mut after, mut most) = (Vec::new(), after, limit.min(LOOKED_THROUGH));
        loop {
            after = self.reading(|engine| {
                let last = engine.look_through(wanted, after, most, &mut found);
                last.map_err(|error| engine.store_fault(error))
            })?;
            if after.is_none() || found.len() as u64 >= limit {
                found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                return Ok(found);
            }
            most = LOOKED_THROUGH;
        }
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

    /// Takes the wanted ones from among the next so many jobs behind one; gives the last that was looked at, and nothing where there are no more.
    fn look_through(
        &mut self,
        wanted: &WantedJobs<'_>,
        after: Option<Uuid>,
        most: u64,
        found: &mut Vec<Job>,
    ) -> Result<Option<Uuid>, StoreError> {
        let entity = self.jobs_entity()?;
        let slot = |name| self.column(entity, name);
        let asked = wanted.asked().map(|(name, same, value)| Some((slot(name)?, same, value?)));
        let asked: Vec<(Slot, bool, Value)> = asked.into_iter().flatten().collect();
        let mut selection = Selection::all(entity).limited(most);
        selection.after = after.map(Value::Uuid);
        let fits = |row: &Row| asked.iter().all(|(slot, same, value)| (row.get(*slot) == Some(value)) == *same);
        let rows = match passed_over(self.store.select(&selection, &asked.iter().map(|(slot, ..)| *slot).collect()))? {
            Some(rows) => {
                let ids: Vec<Uuid> = rows.iter().filter(|(_, row)| fits(row)).map(|(id, _)| *id).collect();
                found.extend(self.told_jobs(&ids)?);
                rows
            }
            None => {
                // One of them is damaged: whether it is wanted is told by what can be read of it.
                let rows = self.store.select(&selection, &FieldSet::default())?;
                for (id, _) in &rows {
                    found.extend(self.salvaged(*id)?.filter(|job| wanted.wants(job)));
                }
                rows
            }
        };
        Ok(rows.last().filter(|_| rows.len() as u64 == most).map(|(id, _)| *id))
    }

    /// These jobs, each as far as it can be read. One that was deleted in between is left out.
    fn told_jobs(&mut self, ids: &[Uuid]) -> Result<Vec<Job>, StoreError> {
        let entity = self.jobs_entity()?;
        let rows = self.store.read(entity, ids, &told(&self.schema, entity));
        let read = |(id, row): (&Uuid, Option<Row>)| row.map(|row| read(*id, &row, entity, &self.schema));
        match passed_over(rows.and_then(|rows| ids.iter().zip(rows).filter_map(read).collect()))? {
            Some(jobs) => Ok(jobs),
            None => ids.iter().filter_map(|id| self.salvaged(*id).transpose()).collect(),
        }
    }

    /// A column of an entity of jobs.
    pub(super) fn column(&self, entity: EntityId, name: &str) -> Option<Slot> {
        self.schema.entity(entity).and_then(|entity| entity.slot(name))
    }

    /// Changes columns of a row.
    pub(super) fn change_row(&mut self, entity: EntityId, id: Uuid, values: &[(&str, Value)]) -> Result<(), StoreError> {
        let mut row = self.row_of(entity, values);
        row.set(PRIMARY_KEY, Value::Uuid(id));
        self.store.update(entity, std::slice::from_ref(&row))
    }

    /// Puts in a row with an id, on which no flow runs.
    pub(super) fn put_row(&mut self, own: Reference, values: &[(&str, Value)], caller: Reference) -> Result<(), StoreError> {
        let row = self.new_row(own, values, caller)?;
        self.store.insert(own.entity, std::slice::from_ref(&row))
    }

    /// Such a row, as it is to be put in.
    pub(super) fn new_row(&self, own: Reference, values: &[(&str, Value)], caller: Reference) -> Result<Row, StoreError> {
        let mut row = self.row_of(own.entity, values);
        row.set(PRIMARY_KEY, Value::Uuid(own.id));
        let mut scene = Scene::new(Message::Create, own, row, 1, caller);
        self.complete_built_in(&mut scene)?;
        Ok(scene.target)
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

    /// Writes what changes of a job while it lives; where it has ended, what follows that happens as well ([`AFTERWARDS`]). The records of
    /// its loops are written only where they are others than in the row.
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
        let ended = job.status.state() == State::Completed;
        values.extend(job.token.as_ref().filter(|_| ended).map(|_| (columns::TOKEN, Value::Empty)));
        self.change_row(entity, job.id, &values)?;
        if ended { AFTERWARDS.iter().try_for_each(|follow| follow(self, job)) } else { Ok(()) }
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
