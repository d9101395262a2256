//! What is told of a job beyond its row: what its record is called, for which fields it waits, and behind which job. Asked of many jobs
//! at once, so that a list of them takes a few questions to the store.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::Job;
use crate::pipeline::Pipeline;
use crate::pipeline::engine::Engine;
use crate::schema::jobs::{SUBSCRIPTIONS, State, columns};
use crate::schema::select::{Aggregate, Order, Selection};
use crate::schema::{FieldSet, PRIMARY_KEY, system};
use crate::store::StoreError;
use crate::value::{Uuid, Value};
use crate::vm::Fault;

/// What is told of a job beyond its row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// What its record is called; nothing where that is gone, or has no name.
    pub record: Option<SmolStr>,
    /// The fields for whose change it waits, such as `account.due`, in the order of their names.
    pub fields: Vec<SmolStr>,
    /// The job that has to end before it.
    pub behind: Option<Uuid>,
}

impl Pipeline {
    /// What is told of jobs beyond their rows, in their order.
    pub fn around(&mut self, jobs: &[Job]) -> Result<Vec<Around>, Fault> {
        self.reading(|engine| engine.around(jobs).map_err(|error| engine.store_fault(error)))
    }

    /// How many jobs wait for a worker, and how many for their moment, for a change or for somebody.
    pub fn count_jobs(&mut self) -> Result<(u64, u64), Fault> {
        self.reading(|engine| {
            let mut count = |state| engine.count_state(state).map_err(|error| engine.store_fault(error));
            Ok((count(State::Ready)?, count(State::Suspended)?))
        })
    }
}

impl Engine {
    fn around(&mut self, jobs: &[Job]) -> Result<Vec<Around>, StoreError> {
        let (names, mut fields) = (self.record_names(jobs)?, self.awaited_fields(jobs)?);
        let around = jobs.iter().map(|job| {
            let record = names.get(&(&job.record.0, job.record.1)).cloned();
            Ok(Around { record, fields: fields.remove(&job.id).unwrap_or_default(), behind: self.before(job)? })
        });
        around.collect()
    }

    fn count_state(&mut self, state: State) -> Result<u64, StoreError> {
        let entity = self.jobs_entity()?;
        let Some(slot) = self.schema.entity(entity).and_then(|entity| entity.slot(system::STATE)) else { return Ok(0) };
        let of_state = Selection::all(entity).with(slot, Value::Choice(state as i32));
        let count = self.store.aggregate(&of_state, Aggregate::Count)?;
        Ok(if let Value::Integer(count) = count { u64::try_from(count).unwrap_or(0) } else { 0 })
    }

    /// What the records of jobs are called.
    fn record_names<'a>(&mut self, jobs: &'a [Job]) -> Result<BTreeMap<(&'a SmolStr, Uuid), SmolStr>, StoreError> {
        let mut ids: BTreeMap<&SmolStr, Vec<Uuid>> = BTreeMap::new();
        jobs.iter().for_each(|job| ids.entry(&job.record.0).or_default().push(job.record.1));
        let mut names = BTreeMap::new();
        for (entity, mut ids) in ids {
            let Some(id) = self.schema.entity_id(entity) else { continue };
            let Some(slot) = self.schema.entity(id).and_then(|entity| entity.primary_name) else { continue };
            ids.sort_unstable();
            ids.dedup();
            let rows = self.store.read(id, &ids, &[slot].into_iter().collect())?;
            let named = |row: Option<_>| row.and_then(|row: crate::schema::Row| row.get(slot).and_then(Value::as_text).map(SmolStr::new));
            names.extend(ids.into_iter().zip(rows).filter_map(|(id, row)| Some(((entity, id), named(row)?))));
        }
        Ok(names)
    }

    /// The fields for whose change jobs wait.
    fn awaited_fields(&mut self, jobs: &[Job]) -> Result<BTreeMap<Uuid, Vec<SmolStr>>, StoreError> {
        let mut found: BTreeMap<Uuid, Vec<SmolStr>> = BTreeMap::new();
        let waiting: Vec<Uuid> = jobs.iter().filter(|job| job.status.state() == State::Suspended).map(|job| job.id).collect();
        let Some(entity) = self.schema.entity_id(SUBSCRIPTIONS).filter(|_| !waiting.is_empty()) else { return Ok(found) };
        let slot = |name: &str| self.schema.entity(entity).and_then(|entity| entity.slot(name));
        let (Some(job), Some(field)) = (slot(columns::JOB), slot(columns::FIELD)) else { return Ok(found) };
        let ids = self.store.referring(entity, job, self.jobs_entity()?, &waiting)?;
        for row in self.store.read(entity, &ids, &[job, field].into_iter().collect())?.into_iter().flatten() {
            if let (Some(Value::Reference(job)), Some(Value::Text(field))) = (row.get(job), row.get(field)) {
                found.entry(job.id).or_default().push(field.clone());
            }
        }
        for fields in found.values_mut() {
            fields.sort_unstable();
            fields.dedup();
        }
        Ok(found)
    }

    /// The first job of its token that hasn't ended, where a job is ready behind it.
    fn before(&mut self, job: &Job) -> Result<Option<Uuid>, StoreError> {
        let entity = self.jobs_entity()?;
        let slot = self.schema.entity(entity).and_then(|entity| entity.slot(columns::TOKEN));
        let (Some(slot), Some(token)) = (slot, &job.token) else { return Ok(None) };
        if job.status.state() != State::Ready || job.due.is_some() {
            return Ok(None);
        }
        let mut selection = Selection::all(entity).with(slot, Value::Text(token.clone())).limited(1);
        selection.order = vec![Order { slot: PRIMARY_KEY, descending: false }];
        let first = self.store.select(&selection, &FieldSet::default())?;
        Ok(first.first().map(|(id, _)| *id).filter(|id| *id != job.id))
    }
}
