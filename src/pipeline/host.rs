//! The VM's door to a running operation: what each thing that a flow asks for means at its stage.

use smol_str::SmolStr;

use crate::bytecode;
use crate::diagnostic::Code;
use crate::schema::{FieldSet, PRIMARY_KEY, Row};
use crate::source::Span;
use crate::value::{EntityId, Reference, Slot, Type, Value, text};
use crate::vm::{self, Exit, Host, Interrupt};

use super::context::one_line;
use super::engine::Engine;
use super::fault::{self, fault};
use super::operation::Operation;
use super::target::Scene;

/// A running flow's view of its operation.
pub(super) struct FlowHost<'a> {
    pub engine: &'a mut Engine,
    pub scene: &'a mut Scene,
    /// As whom the flow runs.
    pub acting: Reference,
}

impl Engine {
    /// Runs a flow on the record of a scene: as a step of an event, or as a child with its parent's identity.
    pub(super) fn run_flow(
        &mut self,
        index: usize,
        scene: &mut Scene,
        parent: Option<Reference>,
        inputs: &[Value],
    ) -> Result<(), Interrupt> {
        let program = std::sync::Arc::clone(&self.program);
        let Some(flow) = program.flows.get(index) else { return Ok(()) };
        let name = &flow.head.name;
        let acting = match parent {
            Some(acting) => acting,
            None => self.identity(&flow.head, scene)?,
        };
        self.enter_chain(name)?;
        let level = self.trace.level();
        let place = if parent.is_some() { Place::Child } else { Place::Stage(scene.stage) };
        let result = self.run_flow_as(flow, place, scene, acting, inputs);
        self.leave_chain(result, level)
    }

    fn run_flow_as(
        &mut self,
        flow: &bytecode::FlowCode,
        place: Place,
        scene: &mut Scene,
        acting: Reference,
        inputs: &[Value],
    ) -> Result<(), Interrupt> {
        let name = &flow.head.name;
        if let Some(when) = &flow.when
            && self.run_code(when, scene, acting, inputs)? != Some(Value::Boolean(true))
        {
            self.trace.line(|| format!("{place} flow `{name}` does not run: its `when` does not hold"));
            return Ok(());
        }
        self.trace.ran(name);
        self.trace.enter(|| format!("{place} flow `{name}`"));
        self.run_code(&flow.body, scene, acting, inputs).map(drop)
    }

    /// Runs code on the record of a scene, in a frame that is used again.
    pub(super) fn run_code(
        &mut self,
        code: &bytecode::Code,
        scene: &mut Scene,
        acting: Reference,
        inputs: &[Value],
    ) -> Result<Option<Value>, Interrupt> {
        let mut frame = self.frames.pop().unwrap_or_default();
        let exit = vm::run(code, &mut frame, inputs, &mut FlowHost { engine: &mut *self, scene, acting });
        self.frames.push(frame);
        match exit? {
            Exit::Value(value) => Ok(Some(value)),
            Exit::Done => Ok(None),
            Exit::Finished(note) => {
                self.trace.line(|| note.map_or_else(|| "finished".to_owned(), |note| format!("finished: {note}")));
                Ok(None)
            }
            Exit::Stopped(reason) => {
                self.trace.line(|| format!("stopped: {reason}"));
                Err(Interrupt::Stop { flow: self.chain.last().cloned().unwrap_or_default(), reason: one_line(reason) })
            }
        }
    }

    /// As whom a flow runs that an event starts.
    fn identity(&mut self, head: &bytecode::FlowHead, scene: &Scene) -> Result<Reference, Interrupt> {
        let owner = match (head.run_as, &head.owner) {
            (bytecode::RunAs::Caller, _) => return Ok(scene.acting),
            (bytecode::RunAs::Owner, None) => return Ok(self.administrator),
            (bytecode::RunAs::Owner, Some(owner)) => owner,
        };
        if let Some(user) = self.owners.get(owner) {
            return Ok(*user);
        }
        let user =
            self.find_user(owner)?.ok_or_else(|| fault(Code::F06, format!("the owner of `{}`, `{owner}`, is no user", head.name)))?;
        self.owners.insert(owner.clone(), user);
        Ok(user)
    }

    /// The user with a full name.
    pub(super) fn find_user(&mut self, full_name: &str) -> Result<Option<Reference>, Interrupt> {
        let users = self.administrator.entity;
        let Some(slot) = self.schema.entity(users).and_then(|entity| entity.slot("fullname")) else { return Ok(None) };
        let mut row = Row::default();
        row.set(slot, Value::Text(full_name.into()));
        let found = self.store.find(users, &row, 1).map_err(|error| self.store_fault(error))?;
        Ok(found.first().map(|id| Reference { entity: users, id: *id }))
    }

    /// A field of any record.
    pub(super) fn related(&mut self, record: Reference, slot: Slot) -> Result<Value, Interrupt> {
        if slot == PRIMARY_KEY {
            return Ok(Value::Uuid(record.id));
        }
        let fields: FieldSet = [slot].into_iter().collect();
        let mut row = self.read(record, &fields)?;
        Ok(row.get_mut(slot).map(std::mem::take).unwrap_or_default())
    }

    /// A value as text, for people.
    pub(super) fn text(&mut self, value: &Value, ty: &Type) -> Result<SmolStr, Interrupt> {
        let label = |choice, code| {
            let option = self.schema.choice(choice).and_then(|choice| choice.by_code(code));
            option.map_or_else(|| SmolStr::from(code.to_string()), |option| option.label.clone())
        };
        match (value, ty) {
            (Value::Choice(code), Type::Choice(choice)) => Ok(label(*choice, *code)),
            (Value::Choices(codes), Type::Choices(choice)) => {
                let labels: Vec<SmolStr> = codes.iter().map(|code| label(*choice, *code)).collect();
                Ok(labels.join(", ").into())
            }
            (Value::Reference(record), _) => self.record_text(*record),
            _ => Ok(text::display(value)),
        }
    }

    /// A record by its primary name; by its id, where its entity has none.
    fn record_text(&mut self, record: Reference) -> Result<SmolStr, Interrupt> {
        match self.schema.entity(record.entity).and_then(|entity| entity.primary_name) {
            Some(slot) => self.related(record, slot).map(|name| text::display(&name)),
            None => Ok(record.id.to_string().into()),
        }
    }
}

/// Where a flow runs, as the trace says it.
#[derive(Clone, Copy)]
enum Place {
    Stage(bytecode::Stage),
    Child,
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Stage(stage) => write!(formatter, "{}", *stage as u8),
            Place::Child => formatter.write_str("child"),
        }
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
        self.engine.related(record, slot)
    }

    fn now(&self) -> jiff::Timestamp {
        self.engine.now
    }

    fn zone(&self) -> &jiff::tz::TimeZone {
        &self.engine.settings.zone
    }

    fn caller(&self) -> Reference {
        self.engine.caller
    }

    fn text(&mut self, value: &Value, ty: &Type) -> Result<SmolStr, Interrupt> {
        self.engine.text(value, ty)
    }

    fn set(&mut self, slots: &[Slot], values: &[Value]) -> Result<(), Interrupt> {
        let (engine, entity) = (&mut *self.engine, self.scene.record.entity);
        engine.trace.line(|| {
            let names: Vec<&str> =
                slots.iter().filter_map(|slot| engine.schema.field(entity, *slot)).map(|field| field.name.as_str()).collect();
            format!("set {}", names.join(", "))
        });
        engine.set(self.scene, self.acting, slots, values)
    }

    fn create(&mut self, entity: EntityId, values: Row) -> Result<Reference, Interrupt> {
        self.engine.operate(Operation::Create { entity, values }, self.scene.depth + 1, self.acting)
    }

    fn update(&mut self, record: Reference, values: Row) -> Result<(), Interrupt> {
        self.engine.operate(Operation::Update { record, values }, self.scene.depth + 1, self.acting).map(drop)
    }

    fn delete(&mut self, record: Reference) -> Result<(), Interrupt> {
        self.engine.operate(Operation::Delete { record }, self.scene.depth + 1, self.acting).map(drop)
    }

    fn start(&mut self, flow: &str, record: Reference, inputs: Vec<Value>) -> Result<(), Interrupt> {
        let engine = &mut *self.engine;
        let found = engine.program.flows.binary_search_by(|other| other.head.name.as_str().cmp(flow)).ok();
        let index = found
            .filter(|index| engine.program.flows.get(*index).is_some_and(|child| child.head.entity == record.entity && !child.head.draft));
        let Some(index) = index else {
            let entity = fault::name(&engine.schema, record.entity);
            return Err(fault(Code::F13, format!("there is no active flow `{flow}` that can be started on a `{entity}`")));
        };
        if record == self.scene.record {
            return engine.run_flow(index, self.scene, Some(self.acting), &inputs);
        }
        let mut child = Scene::child(record, self.scene.depth, self.acting, engine.epoch);
        if let Some(needs) = engine.plans.needs_of(index).cloned() {
            child.columns = needs.now;
            if !needs.old.is_empty() {
                child.keep(engine, &needs.old)?;
            }
        }
        engine.run_flow(index, &mut child, Some(self.acting), &inputs)
    }

    fn spend(&mut self, instructions: u64) -> bool {
        let left = self.engine.budget.checked_sub(instructions);
        self.engine.budget = left.unwrap_or(0);
        left.is_some()
    }

    fn log(&mut self, text: SmolStr) {
        self.engine.trace.line(|| format!("log: {text}"));
    }

    fn enter_step(&mut self, title: SmolStr) {
        self.engine.trace.enter(|| format!("step: {title}"));
    }

    fn leave_step(&mut self) {
        self.engine.trace.leave();
    }

    fn skipped(&mut self, _: Span) {
        self.engine.trace.line(|| "left out: its record is empty".to_owned());
    }
}
