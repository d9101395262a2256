//! What waiting jobs wait for: rows that say which field of which record, written where a job comes to rest and looked for where
//! such a field is written. Which fields are worth looking for is known from the waits of all flows, so that a write of others
//! asks nothing.

use super::Job;
use super::damaged::passed_over;
use super::states::{Turn, next};
use crate::pipeline::definitions;
use crate::pipeline::engine::Engine;
use crate::pipeline::fault;
use crate::schema::jobs::{self, Status, columns};
use crate::schema::{FieldSet, PRIMARY_KEY, Row, system};
use crate::store::StoreError;
use crate::value::{EntityId, Reference, Slot, Uuid, Value};
use crate::vm::Interrupt;

impl Engine {
    /// Learns what jobs wait for where something was deployed since the definitions were last looked at: others may have queued jobs of flows
    /// that nobody here knows, and what is written here has to wake them. In the transaction that has begun.
    pub(in crate::pipeline) fn notice_deploy(&mut self) -> Result<(), Interrupt> {
        self.look_for_a_deploy().map_err(|error| self.store_fault(error))
    }

    /// The same for who has no operation.
    pub(super) fn look_for_a_deploy(&mut self) -> Result<(), StoreError> {
        if !self.store.changed_elsewhere()? {
            return Ok(());
        }
        let last = self.last_deployed()?;
        if last == self.deployed {
            return Ok(());
        }
        let columns = definitions::awaited(&mut *self.store, &self.schema)?;
        let fields = columns.iter().flat_map(|fields| fields.split_whitespace()).filter_map(|field| field.split_once('.'));
        let deployed = std::sync::Arc::make_mut(&mut self.settings.deployed);
        deployed.awaited.extend(fields.map(|(entity, field)| (entity.into(), field.into())));
        self.plans.await_also(&self.schema, &deployed.awaited);
        self.deployed = last;
        Ok(())
    }

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
            rows.push(self.new_row(own, &values, job.caller)?);
        }
        self.store.insert(entity, &rows)
    }

    /// Forgets what a job waited for.
    pub(super) fn unsubscribe(&mut self, job: Uuid) -> Result<(), StoreError> {
        let (entity, jobs) = (self.subscriptions()?, self.jobs_entity()?);
        let Some(slot) = self.column(entity, columns::JOB) else { return Ok(()) };
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
        let Some(job) = self.column(entity, columns::JOB) else { return Ok(()) };
        let mut wanted = vec![(columns::RECORD_ID, Value::Uuid(record.id))];
        let mut found = Vec::new();
        let mut find = |engine: &mut Self, wanted: &[(&str, Value)]| -> Result<(), StoreError> {
            let row = engine.row_of(entity, wanted);
            found.extend(passed_over(engine.store.find(entity, &row, u32::MAX))?.unwrap_or_default());
            Ok(())
        };
        match written {
            None => find(self, &wanted)?,
            Some(written) => {
                for slot in
                    written.iter().filter(|slot| self.plans.awaits(record.entity, Some(&[*slot].into_iter().collect()))).collect::<Vec<_>>()
                {
                    let Some(field) = self.field_name(record.entity, slot) else { continue };
                    wanted.truncate(1);
                    wanted.push((columns::FIELD, field));
                    find(self, &wanted)?;
                }
            }
        }
        let rows = self.readable(entity, &found, &[job].into_iter().collect())?;
        let of = |row: Row| if let Some(Value::Reference(job)) = row.get(job) { Some(job.id) } else { None };
        let mut woken: Vec<Uuid> = rows.into_iter().filter_map(of).collect();
        woken.sort_unstable();
        woken.dedup();
        // Whoever writes the record has no part in what is wrong with a job that waits for it.
        match passed_over(self.wake_all(&woken))? {
            Some(()) => Ok(()),
            None => woken.iter().try_for_each(|job| passed_over(self.wake_all(std::slice::from_ref(job))).map(drop)),
        }
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

    /// Lets all of these jobs go on that wait.
    fn wake_all(&mut self, jobs: &[Uuid]) -> Result<(), StoreError> {
        let entity = self.jobs_entity()?;
        let Some(status) = self.column(entity, system::STATUS) else { return Ok(()) };
        let then = |row: &Row| match row.get(status) {
            Some(Value::Choice(code)) => Status::of(*code).and_then(|status| next(status, Turn::Wake)),
            _ => None,
        };
        let found = self.store.read(entity, jobs, &[status].into_iter().collect())?;
        let mut rows = Vec::new();
        for (id, then) in jobs.iter().zip(found).filter_map(|(id, row)| Some((*id, then(&row?)?))) {
            let values = [
                (system::STATE, Value::Choice(then.state() as i32)),
                (system::STATUS, Value::Choice(then as i32)),
                (columns::DUE, Value::DateTime(self.now)),
            ];
            let mut row = self.row_of(entity, &values);
            row.set(PRIMARY_KEY, Value::Uuid(id));
            rows.push(row);
        }
        self.store.update(entity, &rows)
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
