//! Messages that come down to others: Upsert to a create or an update, the multiple ones to their targets one by one, and
//! an operation on a record that a key names to the same on its id. Each of them is all or nothing, and what it comes down to is
//! within its transaction from stage 10 on: a record that a key names is the same at the end as when it was looked up.
//!
//! Assign and SetState are not in here: they are updates of the columns that they are about.

use crate::diagnostic::Code;
use crate::schema::{PRIMARY_KEY, Row};
use crate::value::{EntityId, Reference, Uuid, Value};
use crate::vm::Interrupt;

use super::engine::Engine;
use super::fault::{self, fault};
use super::operation::{Message, Operation};

impl Engine {
    /// An update where a record has this key, without the key's own columns; else a create with them. The event is the create or update.
    pub(super) fn upsert(
        &mut self,
        entity: EntityId,
        key: Row,
        mut values: Row,
        depth: u32,
        acting: Reference,
    ) -> Result<Reference, Interrupt> {
        values.overlay(&key);
        self.enter_operation("Upsert", (entity, None), &values, (depth, acting));
        self.in_transaction(|engine| match engine.with_key(entity, &key)? {
            Some(id) => {
                key.present().iter().for_each(|slot| values.unset(slot));
                engine.operate(Operation::Update { record: Reference { entity, id }, values }, depth, acting)
            }
            None => engine.operate(Operation::Create { entity, values }, depth, acting),
        })
    }

    /// New records, or changes of those that the primary keys of the targets name, one by one and each through all stages.
    pub(super) fn multiple(
        &mut self,
        message: Message,
        entity: EntityId,
        targets: Vec<Row>,
        depth: u32,
        acting: Reference,
    ) -> Result<Reference, Interrupt> {
        let words = if message == Message::Create { "CreateMultiple" } else { "UpdateMultiple" };
        self.enter_operation(words, (entity, None), &Row::default(), (depth, acting));
        self.in_transaction(|engine| {
            // Whatever fails later takes back the targets before it.
            engine.before_write(false)?;
            let level = engine.trace.level();
            let mut records = Vec::with_capacity(targets.len());
            for values in targets {
                engine.leave_to(level);
                let operation = match (message, values.get(PRIMARY_KEY)) {
                    (Message::Create, _) => Operation::Create { entity, values },
                    (_, Some(Value::Uuid(id))) => Operation::Update { record: Reference { entity, id: *id }, values },
                    _ => return Err(engine.unnamed_target(entity)),
                };
                records.push(engine.operate(operation, depth, acting)?);
            }
            engine.targets = records;
            Ok(acting)
        })
    }

    fn unnamed_target(&self, entity: EntityId) -> Interrupt {
        fault(Code::F06, format!("a target of `{}` doesn't say which record is meant", fault::name(&self.schema, entity)))
    }

    /// An operation on the record that a key names.
    pub(super) fn keyed(&mut self, key: &Row, mut operation: Operation, depth: u32, acting: Reference) -> Result<Reference, Interrupt> {
        self.in_transaction(|engine| {
            let Some(record) = operation.record_mut() else {
                return Err(fault(Code::F17, "a key names a record, and this operation is on none"));
            };
            record.id = engine.with_this_key(record.entity, key)?;
            engine.operate(operation, depth, acting)
        })
    }

    /// The record that a key names.
    pub(super) fn with_this_key(&mut self, entity: EntityId, key: &Row) -> Result<Uuid, Interrupt> {
        self.with_key(entity, key)?.ok_or_else(|| self.wrong_key("there is no", "with", entity, key))
    }

    /// The record that has this key: its primary key, or exactly the fields of one of its alternate keys.
    fn with_key(&mut self, entity: EntityId, key: &Row) -> Result<Option<Uuid>, Interrupt> {
        let keys = self.schema.entity(entity).map_or(&[][..], |entity| &entity.keys);
        let by_id = key.present().iter().eq([PRIMARY_KEY]);
        let is_key = by_id || keys.iter().any(|declared| key.present() == &declared.fields.iter().copied().collect());
        if !is_key || key.iter().any(|(_, value)| value.is_empty()) {
            return Err(self.wrong_key(
                "records of",
                "are named by their ids or by the fields of a key, none of them empty, and not by",
                entity,
                key,
            ));
        }
        let found = self.store.find(entity, key, 1).map_err(|error| self.store_fault(error))?;
        Ok(found.first().copied())
    }

    fn wrong_key(&mut self, before: &str, after: &str, entity: EntityId, key: &Row) -> Interrupt {
        match self.told_key(entity, key.iter(), self.administrator) {
            Ok(told) => fault(Code::F17, format!("{before} `{}` {after} {told}", fault::name(&self.schema, entity))),
            Err(interrupt) => interrupt,
        }
    }
}
