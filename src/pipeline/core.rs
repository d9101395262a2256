//! Stage 30: what create and update do to a record, and what may enter a Target at all.

use crate::diagnostic::Code;
use crate::schema::{Default, Entity, Field, PRIMARY_KEY, Row, Schema};
use crate::store::StoreError;
use crate::value::{EntityId, Slot, Value};
use crate::vm::Interrupt;

use super::engine::Engine;
use super::fault::{self, fault};
use super::layout::Layout;
use super::operation::Message;
use super::plan::Plan;
use super::target::Scene;

impl Engine {
    /// Holds submitted values against their fields.
    pub(super) fn admit_all(&self, message: Message, entity: EntityId, values: &mut Row) -> Result<(), Interrupt> {
        for slot in values.present().clone().iter().filter(|slot| *slot != PRIMARY_KEY) {
            if let Some(place) = values.get_mut(slot) {
                *place = self.admit(message, entity, slot, std::mem::take(place))?;
            }
        }
        Ok(())
    }

    /// Holds a value against the field that it is about to be written to.
    pub(super) fn admit(&self, message: Message, entity: EntityId, slot: Slot, value: Value) -> Result<Value, Interrupt> {
        let Some(entity) = self.schema.entity(entity) else { return Err(fault(Code::F06, "there is no such entity")) };
        let Some(field) = entity.field(slot) else {
            return Err(fault(Code::F16, format!("`{}` has no field with the number {}", entity.name, slot.0)));
        };
        if field.read_only {
            return Err(fault::read_only(entity, field));
        }
        if message != Message::Create && entity.identity().contains(&slot) {
            return Err(fault(Code::F16, format!("`{}.{}` can't be changed: it says which row the record is", entity.name, field.name)));
        }
        if value.is_empty() && message == Message::Create {
            // Whether a new record is complete is for its core operation to say: a flow may still fill the field.
            return Ok(value);
        }
        admitted(&self.schema, entity, field, value)
    }

    /// Holds a value against a field that it is to be compared with; emptiness can be compared with any.
    pub(super) fn comparable(&self, entity: EntityId, slot: Slot, value: Value) -> Result<Value, Interrupt> {
        match self.entity_and_field(entity, slot) {
            Some((entity, field)) if !value.is_empty() => admitted(&self.schema, entity, field, value),
            _ => Ok(value),
        }
    }

    /// Completes a new record: defaults, status, what the platform keeps. Afterwards every required field has a value.
    pub(super) fn complete(&self, scene: &mut Scene, layout: &Layout) -> Result<(), Interrupt> {
        for (slot, default) in &layout.defaults {
            if scene.target.get(*slot).is_none() {
                scene.target.set(*slot, self.default_value(default));
            }
        }
        self.settle_status(scene, layout)?;
        let now = Value::DateTime(self.now);
        let user = Value::Reference(scene.acting);
        let mut stamp = |slot: Option<Slot>, value: &Value| {
            if let Some(slot) = slot {
                scene.target.set(slot, value.clone());
            }
        };
        stamp(layout.created_on, &now);
        stamp(layout.modified_on, &now);
        stamp(layout.created_by, &user);
        stamp(layout.modified_by, &user);
        stamp(layout.version, &Value::Integer(1));
        if let Some(owner) = layout.owner.filter(|owner| scene.target.get(*owner).is_none_or(Value::is_empty)) {
            scene.target.set(owner, user);
        }
        let unset = layout.required.iter().find(|slot| scene.target.get(*slot).is_none_or(Value::is_empty));
        match unset.and_then(|slot| self.entity_and_field(scene.record.entity, slot)) {
            Some((entity, field)) => Err(fault::empty(entity, field)),
            None => Ok(()),
        }
    }

    /// Gives a new row of somebody's own table the id that goes with its key, now that the key is known.
    pub(super) fn identify(&mut self, scene: &mut Scene) -> Result<(), Interrupt> {
        self.store.identify(scene.record.entity, &mut scene.target).map_err(|error| self.store_fault(error))?;
        if let Some(Value::Uuid(id)) = scene.target.get(PRIMARY_KEY) {
            scene.is_known_as(*id);
        }
        Ok(())
    }

    /// The core operation of create. `last`: nothing can fail after it.
    pub(super) fn core_create(&mut self, scene: &mut Scene, last: bool) -> Result<(), Interrupt> {
        let goes_out = self.goes_out(scene)?;
        self.before_write(last && !self.is_audited(scene.record.entity) && !goes_out)?;
        self.tell_core("insert", scene);
        let written = self.store.insert(scene.record.entity, std::slice::from_ref(&scene.target));
        self.wrote(scene.record.entity, written)?;
        self.audit(scene)?;
        if goes_out {
            self.queue_mail(scene.record, scene.acting, scene.depth)?;
        }
        scene.written(self.epoch);
        Ok(())
    }

    /// The core operation of update. `last`: nothing can fail after it.
    pub(super) fn core_update(&mut self, scene: &mut Scene, plan: &Plan, layout: &Layout, last: bool) -> Result<(), Interrupt> {
        scene.keep(self, &plan.kept)?;
        for (slot, value) in [(layout.modified_on, Value::DateTime(self.now)), (layout.modified_by, Value::Reference(scene.acting))] {
            if let Some(slot) = slot {
                scene.target.set(slot, value);
            }
        }
        scene.target.set(PRIMARY_KEY, Value::Uuid(scene.record.id));
        let awaited = self.plans.awaits(scene.record.entity, Some(scene.target.present()));
        let goes_out = self.goes_out(scene)?;
        self.before_write(last && layout.audited.is_empty() && !awaited && !goes_out)?;
        self.tell_core("update", scene);
        let written = self.store.update(scene.record.entity, std::slice::from_ref(&scene.target));
        self.wrote(scene.record.entity, written)?;
        self.audit(scene)?;
        if awaited {
            self.wake(scene.record, Some(scene.target.present()))?;
        }
        if goes_out {
            self.queue_mail(scene.record, scene.acting, scene.depth)?;
        }
        scene.target.unset(PRIMARY_KEY);
        // The store counts the write; where the count from before was read, the new one is known without reading.
        if let Some(slot) = layout.version
            && let Some(Value::Integer(version)) = scene.known_before(slot)
        {
            scene.target.set(slot, Value::Integer(version.saturating_add(1)));
        }
        scene.written(self.epoch);
        Ok(())
    }

    /// Brings state and status reason together: a status belongs to one state, a state alone means its first status.
    pub(super) fn settle_status(&self, scene: &mut Scene, layout: &Layout) -> Result<(), Interrupt> {
        let (Some(state_slot), Some(status_slot)) = (layout.state, layout.status) else { return Ok(()) };
        let Some(entity) = self.schema.entity(scene.record.entity) else { return Ok(()) };
        let status = self.option(scene, entity, status_slot)?;
        let state = self.option(scene, entity, state_slot)?;
        let settled = match (status, state) {
            (None, None) if scene.message != Some(Message::Create) => return Ok(()),
            (None, state) => {
                let state = state.unwrap_or(0);
                entity.statuses.iter().find(|status| status.state == state)
            }
            (Some(code), state) => {
                entity.statuses.iter().find(|status| status.code == code && state.is_none_or(|state| state == status.state))
            }
        };
        let Some(settled) = settled else {
            let why = match (status, state) {
                (Some(_), Some(_)) => "has a status that doesn't belong to its state",
                _ => "has no such status",
            };
            return Err(fault(Code::F04, format!("`{0}.statuscode` and `{0}.statecode` don't agree: the record {why}", entity.name)));
        };
        scene.target.set(status_slot, Value::Choice(settled.code));
        scene.target.set(state_slot, Value::Choice(settled.state));
        Ok(())
    }

    /// Counts a write to an entity, or says what the store refused.
    pub(super) fn wrote(&mut self, entity: EntityId, written: Result<(), StoreError>) -> Result<(), Interrupt> {
        self.epoch += 1;
        if self.rights.are_about(entity) {
            self.rights.forget();
            self.owners.clear();
        }
        written.map_err(|error| self.store_fault(error))
    }

    fn option(&self, scene: &Scene, entity: &Entity, slot: Slot) -> Result<Option<i32>, Interrupt> {
        match (scene.target.get(slot), entity.field(slot)) {
            (Some(Value::Choice(code)), _) => Ok(Some(*code)),
            (Some(Value::Empty), Some(field)) if scene.message == Some(Message::Update) => Err(fault::empty(entity, field)),
            _ => Ok(None),
        }
    }

    fn default_value(&self, default: &Default) -> Value {
        match default {
            Default::None | Default::Next => Value::Empty,
            Default::Value(value) => value.clone(),
            Default::Now => Value::DateTime(self.now),
            Default::Today => Value::Date(self.now.to_zoned(self.settings.zone.clone()).date()),
        }
    }

    fn entity_and_field(&self, entity: EntityId, slot: Slot) -> Option<(&Entity, &Field)> {
        let entity = self.schema.entity(entity)?;
        Some((entity, entity.field(slot)?))
    }
}

fn admitted(schema: &Schema, entity: &Entity, field: &Field, value: Value) -> Result<Value, Interrupt> {
    field.admit(value, schema).map_err(|mut violation| {
        violation.field = format!("{}.{}", entity.name, field.name).into();
        fault(violation.code(), violation.to_string())
    })
}
