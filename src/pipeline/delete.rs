//! Delete: a record and what refers to it.
//!
//! A cascade may be as deep as the data is, so it walks an explicit stack and not the program's own: the steps before a
//! record's delete run, then its referring records go one by one, each with its own events, then the record itself.
//! The deletes of a cascade are at the depth of the delete that began it: what deepens is what flows and plug-ins nest.

use std::sync::Arc;

use crate::diagnostic::Code;
use crate::schema::{DeleteBehaviour, FieldSet, PRIMARY_KEY, Right, Row};
use crate::store::StoreError;
use crate::value::{Reference, Uuid, Value};
use crate::vm::Interrupt;

use super::engine::{Engine, layout_of};
use super::fault::{self, fault};
use super::happening::Happening;
use super::layout::Relationship;
use super::operation::Message;
use super::plan::Plan;
use super::target::Scene;
use super::users::{ROOT_UNIT, names};

/// A delete that has begun and waits for its cascade.
struct Pending {
    scene: Scene,
    plan: Arc<Plan>,
    /// The records that go before it, the next one last.
    cascade: Vec<Reference>,
    /// At which level the trace tells it.
    level: usize,
}

impl Engine {
    /// A delete through all its stages, with everything that goes along.
    pub(super) fn delete(&mut self, record: Reference, depth: u32, acting: Reference) -> Result<Reference, Interrupt> {
        let first = self.consider_delete(record, depth, acting)?;
        self.in_transaction(|engine| engine.cascade(first))?;
        Ok(record)
    }

    /// A delete from stage 20 on, with everything that goes along.
    fn cascade(&mut self, first: Pending) -> Result<(), Interrupt> {
        let (depth, acting) = (first.scene.depth, first.scene.acting);
        let mut open = vec![self.begin_delete(first)?];
        while let Some(top) = open.last_mut() {
            match top.cascade.pop() {
                Some(child) if self.deleting.contains(&child) || !self.exists(child)? => {}
                Some(child) => {
                    let child = self.consider_delete(child, depth, acting)?;
                    open.push(self.begin_delete(child)?);
                }
                None => {
                    if let Some(done) = open.pop() {
                        self.finish_delete(done)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// What may not be deleted at all, and stage 10.
    fn consider_delete(&mut self, record: Reference, depth: u32, acting: Reference) -> Result<Pending, Interrupt> {
        if record == self.administrator {
            return Err(fault(Code::F08, "the system administrator can't be deleted: other records refer to it"));
        }
        if record.id == ROOT_UNIT && self.schema.entity_id(names::UNITS) == Some(record.entity) {
            return Err(fault(Code::F08, "the root business unit can't be deleted: all others are below it"));
        }
        let level = self.trace.level();
        self.enter_operation("Delete", (record.entity, Some(record)), &Row::default(), (depth, acting));
        let mut scene = Scene::new(Message::Delete, record, Row::default(), depth, acting);
        let plan = self.pre_validation(&mut scene)?;
        Ok(Pending { scene, plan, cascade: Vec::new(), level })
    }

    /// The stage before the operation; then finds the records that go first.
    fn begin_delete(&mut self, mut pending: Pending) -> Result<Pending, Interrupt> {
        let Pending { scene, plan, cascade, .. } = &mut pending;
        let record = scene.record;
        self.may(scene.acting, Right::Delete, record)?;
        self.deleting.insert(record);
        self.run_steps(plan, scene)?;
        let layouts = Arc::clone(&self.layouts);
        let layout = layout_of(&layouts, record.entity)?;
        for relationship in layout.referring.iter().filter(|relationship| relationship.behaviour == DeleteBehaviour::Cascade) {
            let entity = relationship.entity;
            cascade.extend(self.referring(relationship, record)?.into_iter().map(|id| Reference { entity, id }));
        }
        cascade.sort_unstable_by(|one, two| two.cmp(one));
        cascade.dedup();
        Ok(pending)
    }

    /// The core operation and the stage after it.
    fn finish_delete(&mut self, pending: Pending) -> Result<(), Interrupt> {
        let Pending { mut scene, plan, level, .. } = pending;
        let record = scene.record;
        let layouts = Arc::clone(&self.layouts);
        for relationship in &layout_of(&layouts, record.entity)?.referring {
            self.release_links(relationship, &scene)?;
        }
        if !plan.kept.is_empty() {
            scene.keep(self, &plan.kept)?;
        }
        self.before_write(false)?;
        self.tell_core("delete", &scene);
        let deleted = self.store.delete(record.entity, &[record.id]);
        if let Err(StoreError::Reference { entity, field, .. }) = deleted {
            let relationship = Relationship { entity, slot: field, behaviour: DeleteBehaviour::Restrict, required: false };
            return Err(self.restricted(&relationship, record, 1));
        }
        self.wrote(record.entity, deleted)?;
        self.audit(&scene)?;
        self.wake(record, None)?;
        scene.written(self.epoch);
        self.post_operation(&plan, &mut scene)?;
        self.deleting.remove(&record);
        self.leave_to(level);
        Ok(())
    }

    /// Empties the lookups to a record that is about to go, or refuses where one of them restricts.
    fn release_links(&mut self, relationship: &Relationship, scene: &Scene) -> Result<(), Interrupt> {
        let record = scene.record;
        let mut ids = self.referring(relationship, record)?;
        if relationship.entity == record.entity {
            ids.retain(|id| *id != record.id);
        }
        let entity = relationship.entity;
        let staying = ids.iter().filter(|id| !self.deleting.contains(&Reference { entity, id: **id })).count();
        // What goes along is gone by now, except for what a step of the delete itself has made to refer to the record.
        if staying > 0 && (relationship.required || relationship.behaviour == DeleteBehaviour::Restrict) {
            return Err(self.restricted(relationship, record, staying));
        }
        if ids.is_empty() {
            return Ok(());
        }
        let rows: Vec<Row> = ids.iter().map(|id| unlinked(relationship, *id)).collect();
        self.before_write(false)?;
        self.tell(|engine| Happening::Core {
            what: "remove links",
            entity: fault::name(&engine.schema, entity).into(),
            records: rows.len(),
            values: engine.named(entity, [(relationship.slot, &Value::Empty)]),
        });
        let written = self.store.update(entity, &rows);
        self.wrote(entity, written)?;
        self.audit_unlinked(relationship, &ids, scene)?;
        let emptied = [relationship.slot].into_iter().collect();
        ids.into_iter().try_for_each(|id| self.wake(Reference { entity, id }, Some(&emptied)))
    }

    fn restricted(&self, relationship: &Relationship, record: Reference, count: usize) -> Interrupt {
        let field = self.schema.field(relationship.entity, relationship.slot).map_or("", |field| field.name.as_str());
        let (entity, target) = (fault::name(&self.schema, relationship.entity), fault::name(&self.schema, record.entity));
        let records = if count == 1 { "1 record refers".to_owned() } else { format!("{count} records refer") };
        let why = if relationship.behaviour == DeleteBehaviour::Restrict { "restricts its delete" } else { "may not be empty" };
        fault(Code::F08, format!("{records} to this `{target}` by `{entity}.{field}`, which {why}"))
    }

    fn referring(&mut self, relationship: &Relationship, record: Reference) -> Result<Vec<Uuid>, Interrupt> {
        let found = self.store.referring(relationship.entity, relationship.slot, record.entity, &[record.id]);
        found.map_err(|error| self.store_fault(error))
    }

    /// Whether a record is there.
    pub(super) fn exists(&mut self, record: Reference) -> Result<bool, Interrupt> {
        let key: FieldSet = [PRIMARY_KEY].into_iter().collect();
        let rows = self.store.read(record.entity, &[record.id], &key).map_err(|error| self.store_fault(error))?;
        Ok(matches!(rows.as_slice(), [Some(_)]))
    }
}

fn unlinked(relationship: &Relationship, id: Uuid) -> Row {
    let mut row = Row::default();
    row.set(PRIMARY_KEY, Value::Uuid(id));
    row.set(relationship.slot, Value::Empty);
    row
}
