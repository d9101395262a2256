//! What waiting jobs wait for: rows that say which field of which record, written where a job comes to rest and looked for where
//! such a field is written. Which fields are worth looking for is known from the waits of all flows, so that a write of others
//! asks nothing.

use super::Job;
use super::damaged::passed_over;
use super::states::{Turn, next};
use crate::pipeline::engine::Engine;
use crate::pipeline::fault;
use crate::pipeline::operation::Message;
use crate::pipeline::target::Scene;
use crate::schema::jobs::{self, Status, columns};
use crate::schema::{FieldSet, PRIMARY_KEY, Row, system};
use crate::store::StoreError;
use crate::value::{EntityId, Reference, Slot, Uuid, Value};
use crate::vm::Interrupt;

impl Engine {
    /// Notes what a job waits for.
    pub(super) fn subscribe(&mut self, job: &Job, read: &[(Reference, Slot)]) -> Result<(), StoreError> {
        let entity = self.subscriptions()?;
        let mut read = read.to_vec();
        read.sort_unstable();
        read.dedup();
        let owner = Value::Reference(Reference { entity: self.jobs_entity()?, id: job.id });
        let mut rows = Vec::with_capacity(read.len());
        for (record, slot) in read {
            let Some(field) = self.field_name(record.entity, slot) else { continue };
            let own = Reference { entity, id: (self.settings.ids)() };
            let values = [(columns::JOB, owner.clone()), (columns::RECORD_ID, Value::Uuid(record.id)), (columns::FIELD, field)];
            let mut row = self.row_of(entity, &values);
            row.set(PRIMARY_KEY, Value::Uuid(own.id));
            let mut scene = Scene::new(Message::Create, own, row, 1, job.caller);
            self.complete_built_in(&mut scene)?;
            rows.push(scene.target);
        }
        self.store.insert(entity, &rows)
    }

    /// Forgets what a job waited for.
    pub(super) fn unsubscribe(&mut self, job: Uuid) -> Result<(), StoreError> {
        let (entity, jobs) = (self.subscriptions()?, self.jobs_entity()?);
        let Some(slot) = self.schema.entity(entity).and_then(|entity| entity.slot(columns::JOB)) else { return Ok(()) };
        let found = self.store.referring(entity, slot, jobs, &[job])?;
        if found.is_empty() { Ok(()) } else { self.store.delete(entity, &found) }
    }

    /// Lets the jobs go on that wait for one of these fields of a record, or for anything of it where it is gone.
    pub(in crate::pipeline) fn wake(&mut self, record: Reference, written: Option<&FieldSet>) -> Result<(), Interrupt> {
        if !self.plans.awaits(record.entity, written) {
            return Ok(());
        }
        self.before_write(false)?;
        self.wake_those(record, written).map_err(|error| self.store_fault(error))
    }

    fn wake_those(&mut self, record: Reference, written: Option<&FieldSet>) -> Result<(), StoreError> {
        let entity = self.subscriptions()?;
        let found = self.store.find(entity, &self.row_of(entity, &[(columns::RECORD_ID, Value::Uuid(record.id))]), u32::MAX);
        let found = passed_over(found)?.unwrap_or_default();
        let slot = |name: &str| self.schema.entity(entity).and_then(|entity| entity.slot(name));
        let (Some(job), Some(field)) = (slot(columns::JOB), slot(columns::FIELD)) else { return Ok(()) };
        let names: Option<Vec<Value>> =
            written.map(|written| written.iter().filter_map(|slot| self.field_name(record.entity, slot)).collect());
        let mut woken: Vec<Uuid> = Vec::new();
        for row in self.readable(entity, &found, &[job, field].into_iter().collect())? {
            let meant = names.as_ref().is_none_or(|names| row.get(field).is_some_and(|field| names.contains(field)));
            if let (true, Some(Value::Reference(job))) = (meant, row.get(job)) {
                woken.push(job.id);
            }
        }
        woken.sort_unstable();
        woken.dedup();
        // Whoever writes the record has no part in what is wrong with a job that waits for it.
        woken.into_iter().try_for_each(|job| passed_over(self.wake_one(job)).map(drop))
    }

    /// Those of some rows that can be read.
    fn readable(&mut self, entity: EntityId, ids: &[Uuid], fields: &FieldSet) -> Result<Vec<Row>, StoreError> {
        if let Some(rows) = passed_over(self.store.read(entity, ids, fields))? {
            return Ok(rows.into_iter().flatten().collect());
        }
        let mut found = Vec::new();
        for id in ids {
            found.extend(passed_over(self.store.read(entity, &[*id], fields))?.into_iter().flatten().flatten());
        }
        Ok(found)
    }

    fn wake_one(&mut self, job: Uuid) -> Result<(), StoreError> {
        let entity = self.jobs_entity()?;
        let Some(status) = self.schema.entity(entity).and_then(|entity| entity.slot(system::STATUS)) else { return Ok(()) };
        let row = self.store.read(entity, &[job], &[status].into_iter().collect())?.into_iter().next().flatten().unwrap_or_default();
        let then = match row.get(status) {
            Some(Value::Choice(code)) => Status::of(*code).and_then(|status| next(status, Turn::Wake)),
            _ => None,
        };
        let Some(then) = then else { return Ok(()) };
        let values = [
            (system::STATE, Value::Choice(then.state() as i32)),
            (system::STATUS, Value::Choice(then as i32)),
            (columns::DUE, Value::DateTime(self.now)),
        ];
        let mut row: Row = self.row_of(entity, &values);
        row.set(PRIMARY_KEY, Value::Uuid(job));
        self.store.update(entity, std::slice::from_ref(&row))
    }

    fn subscriptions(&self) -> Result<EntityId, StoreError> {
        let found = self.schema.entity_id(jobs::SUBSCRIPTIONS);
        found.ok_or_else(|| StoreError::Unusable(format!("the schema has no entity `{}`", jobs::SUBSCRIPTIONS)))
    }

    /// A field as subscriptions name it.
    fn field_name(&self, entity: EntityId, slot: Slot) -> Option<Value> {
        let field = self.schema.field(entity, slot)?;
        Some(Value::Text(format!("{}.{}", fault::name(&self.schema, entity), field.name).into()))
    }
}
