//! The operations of a flow on records: what each may write, and how it can fail.

use smol_str::SmolStr;

use crate::bytecode::{Cause, Input};
use crate::check::ir::{Expr, ExprKind, Record, Write};
use crate::check::narrow::Place;
use crate::schema::{Default, DeleteBehaviour, Entity, FieldSet, Right, system};
use crate::source::Span;
use crate::value::{EntityId, Slot, Type, Value};

use super::value::{Full, May};
use super::{Run, is_this};

/// An operation on a record, as far as others can be set off by it.
#[derive(Clone, Debug)]
pub(in crate::check) struct Site {
    /// Which.
    pub operation: Operation,
    /// The statement.
    pub span: Span,
    /// Whether every run of the flow does it.
    pub sure: bool,
    /// Whether it is about the triggering record.
    pub on_this: bool,
    /// The fields that it writes, with what each may become.
    pub writes: Vec<(Slot, May)>,
}

/// The operations.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::check) enum Operation {
    /// A change of what is about to be written, or a nested update: that depends on the stage.
    Set,
    /// A nested create.
    Create(EntityId),
    /// A nested update.
    Update(EntityId),
    /// A nested delete.
    Delete(EntityId),
    /// A child flow.
    Start(SmolStr),
    /// An action.
    Perform(SmolStr),
}

impl Run<'_> {
    pub(super) fn set(&mut self, writes: &[Write], span: Span) {
        let entity = self.flow.head.entity;
        let values = self.writes(entity, writes);
        let fields: FieldSet = writes.iter().map(|write| write.slot).collect();
        let stages = self.flow.stages;
        if stages.late() {
            self.cause(Cause::Depth);
            self.writing(entity, writes);
            if stages.apart || self.world.deletable.contains(&entity) {
                self.cause(Cause::Gone(entity));
            }
        }
        self.unique(entity, &fields, false);
        if stages.early() && is_status(self.world.schema.entity(entity), &fields) {
            self.status(entity);
        }
        self.site(Operation::Set, span, true, values.clone());
        if stages.late() {
            self.state.reread();
        }
        for (slot, may) in values {
            self.state.assigned(slot);
            if !stages.late() {
                self.state.learn(Place::of_this(slot), may);
            }
        }
    }

    pub(super) fn create(&mut self, entity: EntityId, writes: &[Write], span: Span) {
        let values = self.writes(entity, writes);
        let fields: FieldSet = writes.iter().map(|write| write.slot).collect();
        self.cause(Cause::Depth);
        self.right(Right::Create, entity);
        self.linking(entity, writes);
        self.unique(entity, &fields, true);
        self.complete(entity, &fields);
        self.site(Operation::Create(entity), span, false, values);
        self.state.reread();
    }

    pub(super) fn update(&mut self, record: &Record, writes: &[Write], span: Span) {
        if !self.names(record) {
            return;
        }
        let values = self.writes(record.entity, writes);
        let fields: FieldSet = writes.iter().map(|write| write.slot).collect();
        self.cause(Cause::Depth);
        self.writing(record.entity, writes);
        self.unique(record.entity, &fields, false);
        self.activity(Operation::Update(record.entity), record, span, values);
    }

    pub(super) fn delete(&mut self, record: &Record, span: Span) {
        if !self.names(record) {
            return;
        }
        self.cause(Cause::Depth);
        self.right(Right::Delete, record.entity);
        let schema = self.world.schema;
        cascade(schema, record.entity)
            .into_iter()
            .filter(|gone| restricted(schema, *gone))
            .for_each(|gone| self.cause(Cause::Restricted(gone)));
        self.activity(Operation::Delete(record.entity), record, span, Vec::new());
    }

    pub(super) fn start(&mut self, flow: &SmolStr, arguments: &[(u16, Expr)], record: &Record, span: Span) {
        if !self.names(record) {
            return;
        }
        let inputs: &[Input] = self.world.heads.get(flow.as_str()).map_or(&[], |head| &head.inputs);
        self.given(inputs, arguments, |input| Cause::Input(flow.clone(), input.clone()));
        self.cause(Cause::Depth);
        self.right(Right::Read, record.entity);
        self.activity(Operation::Start(flow.clone()), record, span, Vec::new());
        if self.flow.stages.early() {
            // An inline child on the record changes what is about to be written.
            self.state.forget_changes();
        }
    }

    pub(super) fn perform(&mut self, action: &SmolStr, arguments: &[(u16, Expr)], record: Option<&Record>, span: Span) {
        if let Some(record) = record {
            if !self.names(record) {
                return;
            }
            self.right(Right::Read, record.entity);
        }
        let inputs: &[Input] = self.world.actions.get(action.as_str()).map_or(&[], |head| &head.inputs);
        self.given(inputs, arguments, |input| Cause::Input(action.clone(), input.clone()));
        self.cause(Cause::Depth);
        let sure = self.sure;
        self.sure &= !record.is_some_and(|record| record.skip_if_empty);
        self.site(Operation::Perform(action.clone()), span, record.is_some_and(is_this), Vec::new());
        self.sure = sure;
        self.state.reread();
    }

    pub(super) fn set_output(&mut self, values: &[(u16, Expr)]) {
        let name = &self.flow.head.name;
        let outputs: &[Input] = self.world.actions.get(name.as_str()).map_or(&[], |head| &head.outputs);
        self.given(outputs, values, |output| Cause::Output(name.clone(), output.clone()));
    }

    /// Values for inputs or outputs, each held against its own.
    fn given(&mut self, declared: &[Input], values: &[(u16, Expr)], outside: impl Fn(&SmolStr) -> Cause) {
        for (position, value) in values {
            let may = self.value(value);
            if let Some(input) = declared.get(*position as usize)
                && !fits(&may, &May::of_field(&input.field(), true, self.world.schema), &input.ty)
            {
                self.cause(outside(&input.name));
            }
        }
    }

    /// What a change of a record needs.
    fn writing(&mut self, entity: EntityId, writes: &[Write]) {
        let owner = self.owner(entity);
        if writes.iter().any(|write| Some(write.slot) != owner) {
            self.right(Right::Write, entity);
        }
        if writes.iter().any(|write| Some(write.slot) == owner) {
            self.right(Right::Assign, entity);
        }
        self.linking(entity, writes);
    }

    /// What lookups need that refer to other records.
    fn linking(&mut self, entity: EntityId, writes: &[Write]) {
        let owner = self.owner(entity);
        for write in writes.iter().filter(|write| Some(write.slot) != owner && write.value.kind != ExprKind::Constant(Value::Empty)) {
            if let Type::Lookup(targets) = &write.value.ty {
                self.right(Right::Append, entity);
                targets.iter().for_each(|target| self.right(Right::AppendTo, *target));
            }
        }
    }

    fn owner(&self, entity: EntityId) -> Option<Slot> {
        self.world.schema.entity(entity).and_then(|entity| entity.slot(system::OWNER))
    }

    /// The record of an activity; false where it is always left out.
    fn names(&mut self, record: &Record) -> bool {
        let may = self.value(&record.reference);
        if self.may_be_gone(&record.reference) && may.full != Full::Never {
            self.cause(Cause::Gone(record.entity));
        }
        may.full != Full::Never
    }

    fn activity(&mut self, operation: Operation, record: &Record, span: Span, writes: Vec<(Slot, May)>) {
        let sure = self.sure;
        self.sure &= !record.skip_if_empty;
        self.site(operation, span, is_this(record), writes);
        self.sure = sure;
        self.state.reread();
    }

    fn site(&mut self, operation: Operation, span: Span, on_this: bool, writes: Vec<(Slot, May)>) {
        if !self.state.dead {
            let sure = self.sure;
            self.found.sites.push(Site { operation, span, sure, on_this, writes });
        }
    }

    /// Values on their way into fields.
    fn writes(&mut self, entity: EntityId, writes: &[Write]) -> Vec<(Slot, May)> {
        let values: Vec<(Slot, May)> = writes.iter().map(|write| (write.slot, self.value(&write.value))).collect();
        for (write, (slot, may)) in writes.iter().zip(&values) {
            let Some(field) = self.world.schema.field(entity, *slot) else { continue };
            if !fits(may, &May::of_field(field, true, self.world.schema), &field.ty) {
                self.cause(Cause::Column(entity, *slot));
            }
            if let Type::Lookup(targets) = &write.value.ty
                && may.full != Full::Never
                && self.may_be_gone(&write.value)
            {
                targets.iter().for_each(|target| self.cause(Cause::Gone(*target)));
            }
        }
        let fields: FieldSet = writes.iter().map(|write| write.slot).collect();
        let entity_of = self.world.schema.entity(entity);
        let both = [system::STATE, system::STATUS]
            .iter()
            .all(|name| entity_of.and_then(|entity| entity.slot(name)).is_some_and(|slot| fields.contains(slot)));
        if both {
            self.status(entity);
        }
        values
    }

    /// State and status reason may not belong together.
    fn status(&mut self, entity: EntityId) {
        if let Some(slot) = self.world.schema.entity(entity).and_then(|entity| entity.slot(system::STATUS)) {
            self.cause(Cause::Column(entity, slot));
        }
    }

    /// A write may give a record the key of another: on create where every field of the key gets a value, else where one does.
    fn unique(&mut self, id: EntityId, fields: &FieldSet, create: bool) {
        let Some(entity) = self.world.schema.entity(id) else { return };
        let filled = |slot: &Slot| {
            let field = entity.field(*slot);
            let by_itself = field.is_some_and(|field| field.required || field.read_only || field.default != Default::None);
            fields.contains(*slot) || by_itself || self.world.completed.get(&id).is_some_and(|set| set.contains(*slot))
        };
        let touched = |slot: &Slot| fields.contains(*slot);
        if entity.keys.iter().any(|key| if create { key.fields.iter().all(filled) } else { key.fields.iter().any(touched) }) {
            self.cause(Cause::Duplicate(id));
        }
    }

    /// Required fields that only flows before the create may fill.
    fn complete(&mut self, id: EntityId, given: &FieldSet) {
        let Some(entity) = self.world.schema.entity(id) else { return };
        unfilled(entity, given).for_each(|slot| self.cause(Cause::Empty(id, slot)));
    }
}

/// The required fields of an entity that a create leaves to others: neither given, nor by default or by the platform.
pub(in crate::check) fn unfilled<'a>(entity: &'a Entity, given: &'a FieldSet) -> impl Iterator<Item = Slot> + 'a {
    let by_platform = [system::OWNER, system::STATE, system::STATUS];
    entity.fields().filter_map(move |(slot, field)| {
        let missing = field.required && field.default == Default::None && !field.read_only && slot != crate::schema::PRIMARY_KEY;
        (missing && !given.contains(slot) && !by_platform.contains(&field.name.as_str())).then_some(slot)
    })
}

/// An entity and those whose records go with its own.
pub(in crate::check) fn cascade(schema: &crate::schema::Schema, entity: EntityId) -> Vec<EntityId> {
    let mut gone = vec![entity];
    let mut at = 0;
    while let Some(next) = gone.get(at).copied() {
        for (id, behaviour) in referring(schema, next) {
            if behaviour == DeleteBehaviour::Cascade && !gone.contains(&id) {
                gone.push(id);
            }
        }
        at += 1;
    }
    gone
}

/// Whether a record of an entity may be kept from being deleted: by others, or because the platform needs it.
pub(super) fn restricted(schema: &crate::schema::Schema, entity: EntityId) -> bool {
    let needed = ["systemuser", "businessunit"].iter().any(|name| schema.entity_id(name) == Some(entity));
    needed || referring(schema, entity).any(|(_, behaviour)| behaviour == DeleteBehaviour::Restrict)
}

/// The lookups to an entity: whose they are, and what they do when its record is deleted.
fn referring(schema: &crate::schema::Schema, entity: EntityId) -> impl Iterator<Item = (EntityId, DeleteBehaviour)> {
    schema.entities().flat_map(move |(id, other)| {
        other.fields().filter_map(move |(_, field)| match &field.ty {
            Type::Lookup(targets) if targets.contains(&entity) && !field.read_only => Some((id, field.on_delete)),
            _ => None,
        })
    })
}

fn is_status(entity: Option<&Entity>, fields: &FieldSet) -> bool {
    [system::STATE, system::STATUS].iter().any(|name| entity.and_then(|entity| entity.slot(name)).is_some_and(|slot| fields.contains(slot)))
}

/// Whether a value is sure to be within a field.
fn fits(may: &May, field: &May, ty: &Type) -> bool {
    match (&may.full, &field.full) {
        (Full::Never, _) => true,
        (Full::Number { low, high, .. }, Full::Number { low: least, high: most, .. }) => low >= least && high <= most,
        (full, Full::Text { most }) => full.length() <= *most,
        _ => !matches!(ty, Type::Integer | Type::BigInt | Type::Decimal(_) | Type::Money(_) | Type::Text),
    }
}
