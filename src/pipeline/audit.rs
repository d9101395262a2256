//! The audit: what became of which field, by whom and by which step, as records of the built-in entity `audit`.
//!
//! The rows of a write are written right behind it, in its transaction, so that both are kept or neither is. They are no
//! operations: no flow runs on them, and no limit counts them. Rows of one outermost operation share its correlation id and are numbered
//! in the order of the writes. Within one write the fields that were submitted come first, then those that steps set, in the
//! order in which they did.
//!
//! Invariant: an entity without audited fields costs a look at an empty set, and nothing else.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::diagnostic::Code;
use crate::schema::select::Selection;
use crate::schema::{FieldSet, PRIMARY_KEY, Row, audit, json, system};
use crate::value::{EntityId, Reference, Slot, Uuid, Value, text};
use crate::vm::{Fault, Interrupt};

use super::Pipeline;
use super::engine::{Engine, Savepoint, layout_of};
use super::fault::{self, fault};
use super::layout::{Layout, Relationship};
use super::operation::{Message, Operation};
use super::passes::Pass;
use super::target::Scene;

/// The steps that set fields of a Target, in the order in which each field was last set.
#[derive(Debug, Default)]
pub(super) struct Setters(Vec<(Slot, SmolStr)>);

impl Setters {
    fn note(&mut self, slot: Slot, step: SmolStr) {
        self.0.retain(|(other, _)| *other != slot);
        self.0.push((slot, step));
    }

    fn of(&self, slot: Slot) -> Option<&SmolStr> {
        self.0.iter().find(|(other, _)| *other == slot).map(|(_, step)| step)
    }
}

/// What a row tells beside who acted and how deep.
struct Change {
    record: Reference,
    message: &'static str,
    /// None where a record came or went that has no audited value.
    field: Option<Slot>,
    old: Value,
    new: Value,
    step: Option<SmolStr>,
}

impl Engine {
    /// Refuses an operation on a record that only the platform writes.
    pub(super) fn is_writable(&self, operation: &Operation) -> Result<(), Interrupt> {
        let (Operation::Create { entity, .. }
        | Operation::Update { record: Reference { entity, .. }, .. }
        | Operation::Delete { record: Reference { entity, .. } }) = operation
        else {
            return Ok(());
        };
        match self.schema.entity(*entity).filter(|entity| entity.read_only) {
            Some(entity) => Err(fault(Code::F16, format!("a record of `{}` can't be written: the platform keeps it", entity.name))),
            None => Ok(()),
        }
    }

    /// Whether writes to an entity are followed by others, of the audit.
    pub(super) fn is_audited(&self, entity: EntityId) -> bool {
        self.layouts.get(usize::from(entity.0)).is_some_and(|layout| !layout.audited.is_empty())
    }

    /// Notes which step sets a field of a Target. The state that goes with a status reason comes of the same step.
    pub(super) fn note_setter(&self, scene: &mut Scene, slot: Slot) {
        let Some(layout) = self.layouts.get(usize::from(scene.record.entity.0)).filter(|layout| !layout.audited.is_empty()) else { return };
        let Some(step) = self.chain.last().map(|link| link.name.clone()) else { return };
        let pair = match Some(slot) {
            written if written == layout.status => layout.state,
            written if written == layout.state => layout.status,
            _ => None,
        };
        if let Some(pair) = pair.filter(|pair| scene.target.get(*pair).is_none() || scene.setters.of(*pair).is_some()) {
            scene.setters.note(pair, step.clone());
        }
        scene.setters.note(slot, step);
    }

    /// Writes down what the core operation of a scene has just done.
    pub(super) fn audit(&mut self, scene: &Scene) -> Result<(), Interrupt> {
        if !self.is_audited(scene.record.entity) {
            return Ok(());
        }
        let changes = match layout_of(&self.layouts, scene.record.entity) {
            Ok(layout) => self.changes(scene, layout),
            Err(interrupt) => return Err(interrupt),
        };
        self.write_audit(changes, scene)
    }

    /// Writes down that the lookups of records to a deleted one, that of a scene, were emptied.
    pub(super) fn audit_unlinked(&mut self, relationship: &Relationship, ids: &[Uuid], deleted: &Scene) -> Result<(), Interrupt> {
        let Relationship { entity, slot, .. } = *relationship;
        if !layout_of(&self.layouts, entity)?.audited.contains(slot) {
            return Ok(());
        }
        let change = |id: &Uuid| Change {
            record: Reference { entity, id: *id },
            message: Pass::Others.words(),
            field: Some(slot),
            old: Value::Reference(deleted.record),
            new: Value::Empty,
            step: self.chain.last().map(|link| link.name.clone()),
        };
        self.write_audit(ids.iter().map(change).collect(), deleted)
    }

    /// The fields whose values a core operation changed, in the order of their rows.
    fn changes(&self, scene: &Scene, layout: &Layout) -> Vec<Change> {
        let message = match scene.message.unwrap_or(Message::Update) {
            Message::Update => scene.pass.words(),
            other => other.name(),
        };
        let asker = self.chain.last().map(|link| &link.name);
        let change =
            |field, old, new, step: Option<&SmolStr>| Change { record: scene.record, message, field, old, new, step: step.cloned() };
        let of = |slot: Slot, step| {
            let old = scene.known_before(slot).cloned().unwrap_or_default();
            let new = match scene.message {
                Some(Message::Delete) => Value::Empty,
                _ => scene.target.get(slot)?.clone(),
            };
            (old != new).then(|| change(Some(slot), old, new, step))
        };
        let set = if scene.message == Some(Message::Delete) { &[][..] } else { &scene.setters.0 };
        let submitted = layout.audited.iter().filter(|slot| set.iter().all(|(other, _)| other != slot));
        let set = set.iter().filter(|(slot, _)| layout.audited.contains(*slot));
        let mut changes: Vec<Change> = submitted.filter_map(|slot| of(slot, asker)).collect();
        changes.extend(set.filter_map(|(slot, step)| of(*slot, Some(step))));
        if changes.is_empty() && scene.message != Some(Message::Update) {
            changes.push(change(None, Value::Empty, Value::Empty, asker));
        }
        changes
    }

    fn write_audit(&mut self, changes: Vec<Change>, scene: &Scene) -> Result<(), Interrupt> {
        if changes.is_empty() {
            return Ok(());
        }
        let entity = self.built_in(audit::ENTITY)?;
        let operation = self.correlation();
        let mut rows = Vec::with_capacity(changes.len());
        for change in changes {
            let own = Reference { entity, id: (self.settings.ids)() };
            self.audited += 1;
            let text = |text: &str| Value::Text(text.into());
            let field = change.field.and_then(|slot| self.schema.field(change.record.entity, slot));
            let written = |value: &Value| {
                let text = field.and_then(|field| json::as_text(value, &field.ty, &self.schema));
                text.map_or(Value::Empty, Value::Text)
            };
            let mut row = self.row_of(
                entity,
                &[
                    (audit::OPERATION, Value::Uuid(operation)),
                    (audit::SEQUENCE, Value::Integer(self.audited)),
                    (audit::MESSAGE, text(change.message)),
                    (audit::RECORD_ENTITY, text(fault::name(&self.schema, change.record.entity))),
                    (audit::RECORD_ID, Value::Uuid(change.record.id)),
                    (audit::FIELD, field.map_or(Value::Empty, |field| text(&field.name))),
                    (audit::OLD_VALUE, written(&change.old)),
                    (audit::NEW_VALUE, written(&change.new)),
                    (audit::STEP, change.step.map_or(Value::Empty, Value::Text)),
                    (audit::DEPTH, Value::Integer(scene.depth.into())),
                    (audit::CALLED_BY, Value::Reference(self.caller)),
                ],
            );
            row.set(PRIMARY_KEY, Value::Uuid(own.id));
            let mut row = Scene::new(Message::Create, own, row, scene.depth, scene.acting);
            self.complete(&mut row, layout_of(&self.layouts, entity)?)?;
            rows.push(row.target);
        }
        let written = self.store.insert(entity, &rows);
        self.wrote(entity, written)
    }
}

impl Pipeline {
    /// What the audit has of a record, as somebody may see it: a line for each change, the oldest first. Of a record that is gone, too.
    pub fn history(&mut self, record: Reference, acting: Option<Reference>) -> Result<Vec<String>, Fault> {
        let acting = acting.unwrap_or(self.engine.administrator);
        self.engine.start_anew(acting, Savepoint::None);
        self.reading(|engine| {
            let entity = engine.built_in(audit::ENTITY)?;
            let row = engine.row_of(
                entity,
                &[
                    (audit::RECORD_ENTITY, Value::Text(fault::name(&engine.schema, record.entity).into())),
                    (audit::RECORD_ID, Value::Uuid(record.id)),
                ],
            );
            let selection = row.iter().fold(Selection::all(entity), |all, (slot, value)| all.with(slot, value.clone()));
            let fields = layout_of(&engine.layouts, entity)?.all.clone();
            let rows = engine.select(&selection, &fields, acting)?;
            rows.iter().map(|(_, row)| engine.told(entity, row)).collect()
        })
    }
}

impl Engine {
    /// A row of the audit in words: `Update revenue: 1 → 2, by Discount, Anna Miller`.
    fn told(&mut self, audit: EntityId, row: &Row) -> Result<String, Interrupt> {
        let schema = Arc::clone(&self.schema);
        let value = |field: &str| schema.entity(audit).and_then(|entity| row.get(entity.slot(field)?)).filter(|value| !value.is_empty());
        let text = |field| value(field).map(text::display);
        let side = |field| text(field).unwrap_or_else(|| "empty".into());
        let change = match text(audit::FIELD) {
            Some(field) => format!(" {field}: {} → {}", side(audit::OLD_VALUE), side(audit::NEW_VALUE)),
            None => String::new(),
        };
        let step = text(audit::STEP).map(|step| format!("{step}, ")).unwrap_or_default();
        let who = match value(system::CREATED_BY) {
            Some(Value::Reference(user)) => self.record_text(*user)?,
            _ => SmolStr::default(),
        };
        Ok(format!("{}{change}, by {step}{who}", side(audit::MESSAGE)))
    }
}

/// The fields of a record whose values an operation has to keep, so that it can tell afterwards what they were before.
pub(super) fn kept(audited: &FieldSet, message: Message, present: &FieldSet) -> FieldSet {
    match message {
        Message::Create => FieldSet::default(),
        Message::Update => audited.iter().filter(|slot| present.contains(*slot)).collect(),
        Message::Delete => audited.clone(),
    }
}
