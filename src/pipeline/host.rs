//! The VM's door to a running operation: what each thing that a flow asks for means at its stage.

use smol_str::SmolStr;

use crate::bytecode;
use crate::schema::select::{Aggregate, Selection};
use crate::schema::{FieldSet, Row};
use crate::source::Span;
use crate::value::{EntityId, Reference, Slot, Type, Uuid, Value};
use crate::vm::{self, Host, Interrupt};

use super::engine::Engine;
use super::flows::Begin;
use super::happening::Happening;
use super::operation::Operation;
use super::target::Scene;

/// A running flow's view of its operation.
pub(super) struct FlowHost<'a> {
    pub engine: &'a mut Engine,
    pub scene: &'a mut Scene,
    /// As whom the flow runs.
    pub acting: Reference,
}

impl FlowHost<'_> {
    /// An operation within this one.
    fn nested(&mut self, operation: Operation) -> Result<Reference, Interrupt> {
        self.step(|host| host.engine.operate(operation, host.scene.depth + 1, host.acting))
    }

    /// A statement that may write. In an action with `rollback off` it is kept as soon as it has succeeded, with all that runs within it.
    fn step<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, Interrupt>) -> Result<T, Interrupt> {
        let alone = std::mem::take(&mut self.scene.alone);
        let result = run(self)?;
        self.scene.alone = alone;
        if alone {
            self.engine.keep_step()?;
        }
        Ok(result)
    }
}

impl Host for FlowHost<'_> {
    fn this(&self) -> Reference {
        self.scene.record
    }

    fn field(&mut self, slot: Slot) -> Result<&Value, Interrupt> {
        self.scene.field(self.engine, slot)
    }

    fn old(&mut self, slot: Slot) -> Result<&Value, Interrupt> {
        self.scene.old(self.engine, slot)
    }

    fn changed(&mut self, slot: Slot) -> Result<bool, Interrupt> {
        self.scene.changed(self.engine, slot)
    }

    fn related(&mut self, record: Reference, slot: Slot) -> Result<Value, Interrupt> {
        // The record that a flow runs on may be seen: whoever began it had a right to it.
        if record == self.scene.record { self.engine.related(record, slot) } else { self.engine.seen(record, slot, self.acting) }
    }

    fn select(&mut self, selection: &Selection, fields: &FieldSet) -> Result<Vec<(Uuid, Row)>, Interrupt> {
        self.engine.select(selection, fields, self.acting)
    }

    fn aggregate(&mut self, selection: &Selection, aggregate: Aggregate) -> Result<Value, Interrupt> {
        self.engine.aggregate(selection, aggregate, self.acting)
    }

    fn find(&mut self, entity: EntityId, fields: &[Slot], values: &[Value]) -> Result<Reference, Interrupt> {
        self.engine.by_key(entity, fields, values, self.acting)
    }

    fn max_visited(&self) -> u64 {
        self.engine.settings.max_loop_records
    }

    fn max_memory(&self) -> u64 {
        self.engine.settings.max_memory
    }

    fn now(&self) -> jiff::Timestamp {
        self.engine.now
    }

    fn zone(&self) -> &jiff::tz::TimeZone {
        &self.engine.settings.zone
    }

    fn address(&self, record: Reference) -> SmolStr {
        let entity = self.engine.schema.entity(record.entity).map_or("", |entity| entity.name.as_str());
        format!("{}/{entity}/{}", self.engine.settings.url, record.id).into()
    }

    fn caller(&self) -> Reference {
        self.engine.caller
    }

    fn text(&mut self, value: &Value, ty: &Type) -> Result<SmolStr, Interrupt> {
        let acting = if *value == Value::Reference(self.scene.record) { self.engine.administrator } else { self.acting };
        self.engine.text(value, ty, acting)
    }

    fn set(&mut self, slots: &[Slot], values: &[Value]) -> Result<(), Interrupt> {
        self.step(|host| host.engine.set(host.scene, host.acting, slots, values))
    }

    fn create(&mut self, entity: EntityId, values: Row) -> Result<Reference, Interrupt> {
        self.nested(Operation::Create { entity, values })
    }

    fn update(&mut self, record: Reference, values: Row) -> Result<(), Interrupt> {
        self.nested(Operation::Update { record, values }).map(drop)
    }

    fn delete(&mut self, record: Reference) -> Result<(), Interrupt> {
        self.nested(Operation::Delete { record }).map(drop)
    }

    fn start(&mut self, flow: &str, record: Reference, inputs: Vec<Value>) -> Result<(), Interrupt> {
        self.step(|FlowHost { engine, scene, acting }| {
            let index = engine.begins(Begin::Child, flow, record)?;
            let begun = (Begin::Child, *acting);
            if record == scene.record && !engine.is_background(index) {
                let inputs = engine.flow_inputs(index, inputs)?;
                return engine.run_flow(index, scene, Some(begun), &inputs);
            }
            engine.run_begun(index, begun, record, scene.depth, inputs)
        })
    }

    fn perform(&mut self, action: &str, record: Option<Reference>, inputs: Vec<Value>) -> Result<Vec<Value>, Interrupt> {
        self.nested(Operation::Perform { action: action.into(), record, inputs })?;
        Ok(std::mem::take(&mut self.engine.outputs))
    }

    fn set_output(&mut self, output: u16, value: Value) {
        self.engine.tell_output(self.scene, output, &value);
        if let Some(place) = self.scene.outputs.get_mut(output as usize) {
            *place = value;
        }
    }

    fn spend(&mut self, instructions: u64) -> Result<(), Interrupt> {
        self.engine.spend(instructions)
    }

    fn traced(&self) -> bool {
        self.engine.trace.is_on()
    }

    fn tell(&mut self, told: vm::Told) {
        self.engine.tell_run(told, self.scene);
    }

    fn counts(&self) -> bool {
        self.engine.counts()
    }

    fn counted(&mut self, code: &bytecode::Code, hits: &[vm::Hits]) {
        self.engine.count_run(code, hits);
    }

    fn log(&mut self, text: SmolStr) {
        self.engine.tell(|_| Happening::Log(text));
    }

    fn enter_step(&mut self, title: SmolStr) {
        self.engine.enter(|_| Happening::Group(title.clone()));
        self.engine.sessions.steps.push(title);
    }

    fn leave_step(&mut self) {
        self.engine.leave_to(self.engine.trace.level().saturating_sub(1));
        self.engine.sessions.steps.pop();
    }

    fn skipped(&mut self, span: Span) {
        self.engine.tell(|_| Happening::Skipped(span));
    }
}
