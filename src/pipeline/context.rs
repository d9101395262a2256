//! What a plug-in sees and does while it runs.

use std::panic::{AssertUnwindSafe, catch_unwind};

use smol_str::SmolStr;

use crate::bytecode::Stage;
use crate::diagnostic::{Code, nearest};
use crate::schema::{Row, Schema};
use crate::value::{EntityId, Reference, Slot, Value};
use crate::vm::Interrupt;

use super::engine::Engine;
use super::fault::fault;
use super::operation::{Message, Operation};
use super::plugin::{Refusal, RefusalKind, Registered};
use super::target::Scene;

/// A running plug-in's view of its operation.
pub struct PluginContext<'a> {
    engine: &'a mut Engine,
    scene: &'a mut Scene,
    name: &'a SmolStr,
    /// What a nested operation ended in: the transaction holds half of it, so nothing that the plug-in does can make it good.
    failed: Option<Interrupt>,
}

/// Runs a plug-in on the record of an operation.
pub(super) fn run(engine: &mut Engine, scene: &mut Scene, plugin: &Registered) -> Result<(), Interrupt> {
    let name = &plugin.name;
    let mut context = PluginContext { engine, scene, name, failed: None };
    let result = catch_unwind(AssertUnwindSafe(|| (plugin.handler)(&mut context)));
    match result {
        Ok(Ok(())) => context.failed.map_or(Ok(()), Err),
        Ok(Err(Refusal(RefusalKind::Reason(reason)))) => Err(Interrupt::Stop { flow: name.clone(), reason: one_line(reason) }),
        Ok(Err(Refusal(RefusalKind::Passed(interrupt)))) => Err(*interrupt),
        Err(panic) => Err(fault(Code::F10, format!("the plug-in `{name}` panicked: {}", panic_message(&*panic)))),
    }
}

impl PluginContext<'_> {
    /// What is done with the record.
    pub fn message(&self) -> Message {
        self.scene.message.unwrap_or(Message::Update)
    }

    /// Where the operation is.
    pub fn stage(&self) -> Stage {
        self.scene.stage
    }

    /// How deep it is nested, from 1.
    pub fn depth(&self) -> u32 {
        self.scene.depth
    }

    /// The record.
    pub fn record(&self) -> Reference {
        self.scene.record
    }

    /// As whom the operation was asked for.
    pub fn acting(&self) -> Reference {
        self.scene.acting
    }

    /// The start of the outermost operation.
    pub fn now(&self) -> jiff::Timestamp {
        self.engine.now
    }

    /// The schema of the records.
    pub fn schema(&self) -> &Schema {
        &self.engine.schema
    }

    /// A field of the Target: nothing where it was not submitted, [`Value::Empty`] where it is being cleared.
    pub fn target(&self, field: &str) -> Result<Option<&Value>, Refusal> {
        let slot = self.slot(self.scene.record.entity, field)?;
        Ok(self.scene.target.get(slot))
    }

    /// A field as a flow at this place reads it: before the operation with the Target over it, after it as it is now.
    pub fn field(&mut self, field: &str) -> Result<&Value, Refusal> {
        let slot = self.slot(self.scene.record.entity, field)?;
        Ok(self.scene.field(self.engine, slot)?)
    }

    /// A field of the pre-image: its value before the operation, empty on create.
    pub fn pre_image(&mut self, field: &str) -> Result<&Value, Refusal> {
        let slot = self.slot(self.scene.record.entity, field)?;
        Ok(self.scene.old(self.engine, slot)?)
    }

    /// A field of the post-image, which there is after the operation and not on delete.
    pub fn post_image(&mut self, field: &str) -> Result<&Value, Refusal> {
        if self.scene.stage == Stage::PreOperation || self.scene.message == Some(Message::Delete) {
            return Err(self.failed("asks for a post-image where there is none"));
        }
        self.field(field)
    }

    /// Writes a field: into the Target before the operation, as a nested update after it.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) -> Result<(), Refusal> {
        let slot = self.slot(self.scene.record.entity, field)?;
        let written = self.engine.set(self.scene, self.scene.acting, &[slot], &[value.into()]);
        self.kept(written)
    }

    /// A nested create.
    pub fn create(&mut self, entity: &str, values: &[(&str, Value)]) -> Result<Reference, Refusal> {
        let Some(entity) = self.engine.schema.entity_id(entity) else {
            let meant = nearest(entity, self.engine.schema.entities.keys().map(SmolStr::as_str));
            return Err(self.failed(&unknown(&format!("names `{entity}`, which is no entity"), meant)));
        };
        let values = self.row(entity, values)?;
        self.nested(Operation::Create { entity, values })
    }

    /// A nested update.
    pub fn update(&mut self, record: Reference, values: &[(&str, Value)]) -> Result<(), Refusal> {
        let values = self.row(record.entity, values)?;
        self.nested(Operation::Update { record, values }).map(drop)
    }

    /// A nested delete.
    pub fn delete(&mut self, record: Reference) -> Result<(), Refusal> {
        self.nested(Operation::Delete { record }).map(drop)
    }

    /// A line for the trace.
    pub fn log(&mut self, text: &str) {
        self.engine.trace.line(|| format!("log: {text}"));
    }

    fn nested(&mut self, operation: Operation) -> Result<Reference, Refusal> {
        let result = self.engine.operate(operation, self.scene.depth + 1, self.scene.acting);
        self.kept(result)
    }

    /// Remembers a failure, which ends the operation whether the plug-in passes it on or not.
    fn kept<T>(&mut self, result: Result<T, Interrupt>) -> Result<T, Refusal> {
        result.map_err(|interrupt| {
            self.failed.get_or_insert_with(|| interrupt.clone());
            interrupt.into()
        })
    }

    fn row(&self, entity: EntityId, values: &[(&str, Value)]) -> Result<Row, Refusal> {
        values.iter().map(|(field, value)| Ok((self.slot(entity, field)?, value.clone()))).collect()
    }

    fn slot(&self, entity: EntityId, field: &str) -> Result<Slot, Refusal> {
        let Some(entity) = self.engine.schema.entity(entity) else { return Err(self.failed("names a record of no entity")) };
        entity.slot(field).ok_or_else(|| {
            let meant = nearest(field, entity.fields.keys().map(SmolStr::as_str));
            self.failed(&unknown(&format!("names `{field}`, which `{}` doesn't have", entity.name), meant))
        })
    }

    fn failed(&self, what: &str) -> Refusal {
        fault(Code::F10, format!("the plug-in `{}` {what}", self.name)).into()
    }
}

fn unknown(what: &str, meant: Option<&str>) -> String {
    match meant {
        Some(name) => format!("{what}; did you mean `{name}`?"),
        None => what.to_owned(),
    }
}

/// A reason without line breaks: it is shown in one line.
pub(super) fn one_line(reason: SmolStr) -> SmolStr {
    if reason.contains(['\n', '\r']) { reason.split(['\n', '\r']).collect::<Vec<_>>().join(" ").into() } else { reason }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
