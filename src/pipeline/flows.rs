//! How a flow runs: as a step of an event, on demand, or begun by another flow; as whom, and on which records.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::bytecode::{self, Mode};
use crate::diagnostic::Code;
use crate::schema::jobs::Kind;
use crate::schema::{FieldSet, Level, PRIMARY_KEY, Power, Right};
use crate::value::{Reference, Slot, Type, Value, text};
use crate::vm::{self, Exit, Interrupt};

use super::engine::Engine;
use super::fault::{self, fault, one_line};
use super::happening::{Happening, StepKind, StepVerdict};
use super::host::FlowHost;
use super::jobs::{Asked, Recall};
use super::operation::Message;
use super::target::Scene;
use super::trace::{Place, named_inputs};

impl Engine {
    /// Runs a flow on the record of a scene: as a step of an event, or begun by hand or by another flow, whose identity it has.
    pub(super) fn run_flow(
        &mut self,
        index: usize,
        scene: &mut Scene,
        begun: Option<(Begin, Reference)>,
        inputs: &[Value],
    ) -> Result<(), Interrupt> {
        let program = Arc::clone(&self.program);
        let Some(flow) = program.flows.get(index) else { return Ok(()) };
        let (kind, acting) = match begun {
            Some((begin, acting)) => (begin.kind(), acting),
            None if !self.in_scope(&flow.head, scene)? => return Ok(()),
            None => (StepKind::Flow, self.identity(&flow.head, scene)?),
        };
        self.enter_chain(&flow.head.name, scene.record)?;
        let level = self.trace.level();
        let result = self.run_flow_as(flow, kind, scene, acting, inputs);
        if let (true, Err(interrupt)) = (flow.head.log_errors, &result) {
            self.sessions.keep(&flow.head.name, scene.record, acting, interrupt);
        }
        self.leave_chain(result, level)
    }

    /// A flow on a record by itself: an outermost operation that is no event.
    pub(super) fn run_alone(
        &mut self,
        begin: Begin,
        flow: &str,
        (record, inputs): (Reference, Vec<Value>),
        depth: u32,
        acting: Reference,
    ) -> Result<Reference, Interrupt> {
        let index = self.begins(begin, flow, record)?;
        self.enter(|engine| Happening::Operation {
            message: begin.verb(),
            name: Some(flow.into()),
            entity: Some(fault::name(&engine.schema, record.entity).into()),
            record: Some(record),
            acting: engine.actor(acting),
            depth,
            values: engine.program.flows.get(index).map(|flow| named_inputs(&flow.head.inputs, &inputs)).unwrap_or_default(),
        });
        self.in_transaction(|engine| {
            if begin == Begin::OnDemand {
                engine.may_use(acting, Power::ExecuteFlow, (flow, Some(record.entity)))?;
            }
            engine.read(record, &[PRIMARY_KEY].into_iter().collect())?;
            engine.run_begun(index, (begin, acting), record, depth, inputs)?;
            Ok(record)
        })
    }

    /// The flow of a name, where it may be begun in this way on this record.
    pub(super) fn begins(&self, begin: Begin, flow: &str, record: Reference) -> Result<usize, Interrupt> {
        let may = |head: &bytecode::FlowHead| {
            head.entity == record.entity && !head.draft && if begin == Begin::OnDemand { head.on_demand } else { head.child }
        };
        let found = self.program.flow_index(flow);
        found.filter(|index| self.program.flows.get(*index).is_some_and(|flow| may(&flow.head))).ok_or_else(|| {
            let (entity, way) = (fault::name(&self.schema, record.entity), begin.possible());
            fault(Code::F13, format!("there is no active flow {} that can be {way} on a `{entity}`", text::quoted(flow)))
        })
    }

    /// Runs a flow on a record that no operation is about; puts it in the queue where it runs in the background.
    pub(super) fn run_begun(
        &mut self,
        index: usize,
        begun: (Begin, Reference),
        record: Reference,
        depth: u32,
        inputs: Vec<Value>,
    ) -> Result<(), Interrupt> {
        self.may(begun.1, Right::Read, record)?;
        let inputs = self.flow_inputs(index, inputs)?;
        if self.is_background(index) {
            self.pay_for_nested()?;
            if let Some(flow) = Arc::clone(&self.program).flows.get(index) {
                let place = Place { span: Some(flow.span), record: Some(record), ..Place::default() };
                self.tell_step(begun.0.kind(), &flow.head.name, place, StepVerdict::Queued);
                let recall = Recall { inputs, ..Recall::default() };
                let token = self.token_of(flow, record, &recall)?;
                let asked = Asked { name: &flow.head.name, kind: Kind::Flow, record, owner: begun.1, depth, token };
                self.put_in_queue(&asked, &recall)?;
            }
            return Ok(());
        }
        let mut scene = Scene::child(record, depth, begun.1, self.epoch);
        if let Some(needs) = self.plans.needs_of(index).cloned() {
            scene.columns = needs.now;
            if !needs.old.is_empty() {
                scene.keep(self, &needs.old)?;
            }
        }
        self.run_flow(index, &mut scene, Some(begun), &inputs)
    }

    pub(super) fn is_background(&self, index: usize) -> bool {
        self.program.flows.get(index).is_some_and(|flow| flow.head.mode == Mode::Background)
    }

    /// The values that a flow is given, each held against its input.
    pub(super) fn flow_inputs(&self, index: usize, values: Vec<Value>) -> Result<Vec<Value>, Interrupt> {
        let program = Arc::clone(&self.program);
        self.inputs(program.flows.get(index).map_or(&[][..], |flow| &flow.head.inputs), values)
    }

    fn run_flow_as(
        &mut self,
        flow: &bytecode::FlowCode,
        kind: StepKind,
        scene: &mut Scene,
        acting: Reference,
        inputs: &[Value],
    ) -> Result<(), Interrupt> {
        let name = &flow.head.name;
        let place = match kind {
            StepKind::Flow => Place::of(flow, scene),
            _ => Place { span: Some(flow.span), record: Some(scene.record), ..Place::default() },
        };
        self.enter_step(kind, name, place);
        if let Some(when) = &flow.when
            && self.run_code(when, scene, acting, inputs)? != Some(Value::Boolean(true))
        {
            self.settle_when();
            return Ok(());
        }
        self.trace.ran(name);
        self.count_flow(flow, kind, scene);
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
        let open = self.sessions.steps.len();
        let exit = vm::run(code, &mut frame, inputs, &mut FlowHost { engine: &mut *self, scene, acting });
        if matches!(exit, Ok(Exit::Stopped(_)) | Err(_)) {
            self.sessions.ended_at(open, code.span(frame.ended()));
        }
        self.sessions.steps.truncate(open);
        self.frames.push(frame);
        match exit? {
            Exit::Value(value) => Ok(Some(value)),
            Exit::Done => Ok(None),
            Exit::Suspended(_) | Exit::Stepped(_) => Err(fault(Code::F15, "a flow waits within a transaction")),
            Exit::Finished(note) => {
                self.tell(|_| Happening::Finished(note.unwrap_or_default()));
                Ok(None)
            }
            Exit::Stopped(reason) => {
                Err(Interrupt::Stop { flow: self.chain.last().map(|link| link.name.clone()).unwrap_or_default(), reason: one_line(reason) })
            }
        }
    }

    /// As whom a flow runs that an event starts.
    fn identity(&mut self, head: &bytecode::FlowHead, scene: &Scene) -> Result<Reference, Interrupt> {
        match head.run_as {
            bytecode::RunAs::Caller => Ok(scene.acting),
            bytecode::RunAs::Owner => self.owner_of_flow(head),
        }
    }

    /// Who owns a flow: the system administrator where nobody is named.
    pub(super) fn owner_of_flow(&mut self, head: &bytecode::FlowHead) -> Result<Reference, Interrupt> {
        let Some(owner) = &head.owner else { return Ok(self.administrator) };
        if let Some(user) = self.owners.get(owner) {
            return Ok(*user);
        }
        let user =
            self.find_user(owner)?.ok_or_else(|| fault(Code::F06, format!("the owner of `{}`, `{owner}`, is no user", head.name)))?;
        self.owners.insert(owner.clone(), user);
        Ok(user)
    }

    /// Whether a record is one of those that trigger a flow: by its owner before the operation, on create by its first one.
    pub(super) fn in_scope(&mut self, head: &bytecode::FlowHead, scene: &mut Scene) -> Result<bool, Interrupt> {
        let slot = self.layouts.get(head.entity.0 as usize).and_then(|layout| layout.owner);
        let Some(slot) = slot.filter(|_| head.scope != Level::Organization) else { return Ok(true) };
        let owner = match scene.message {
            Some(Message::Create) => scene.target.get(slot).cloned(),
            _ => Some(scene.old(self, slot)?.clone()),
        };
        let owner = if let Some(Value::Reference(owner)) = owner { owner } else { scene.acting };
        let user = self.owner_of_flow(head)?;
        let reached = self.reaches(head.scope, user, owner)?;
        if !reached && self.trace.is_on() {
            let verdict = self.out_of_scope(head, owner, user);
            let program = Arc::clone(&self.program);
            let place = program.flow(&head.name).map_or(Place::default(), |flow| Place::of(flow, scene));
            self.tell_step(StepKind::Flow, &head.name, place, verdict);
        }
        Ok(reached)
    }

    /// A field of any record, as somebody may see it.
    pub(super) fn seen(&mut self, record: Reference, slot: Slot, acting: Reference) -> Result<Value, Interrupt> {
        self.may(acting, Right::Read, record)?;
        self.related(record, slot)
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
    pub(super) fn text(&mut self, value: &Value, ty: &Type, acting: Reference) -> Result<SmolStr, Interrupt> {
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
            (Value::Reference(record), _) => {
                self.may(acting, Right::Read, *record)?;
                self.record_text(*record)
            }
            _ => Ok(text::display(value)),
        }
    }

    /// A record by its primary name; by its id, where its entity has none.
    pub(super) fn record_text(&mut self, record: Reference) -> Result<SmolStr, Interrupt> {
        match self.schema.entity(record.entity).and_then(|entity| entity.primary_name) {
            Some(slot) => self.related(record, slot).map(|name| text::display(&name)),
            None => Ok(record.id.to_string().into()),
        }
    }
}

/// How a flow begins that no event starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// By a user.
    OnDemand,
    /// By another flow, or by a test that tries what another flow would do.
    Child,
}

impl Begin {
    fn verb(self) -> &'static str {
        match self {
            Begin::OnDemand => "Run",
            Begin::Child => "Start",
        }
    }

    fn kind(self) -> StepKind {
        match self {
            Begin::OnDemand => StepKind::OnDemand,
            Begin::Child => StepKind::Child,
        }
    }

    fn possible(self) -> &'static str {
        match self {
            Begin::OnDemand => "run on demand",
            Begin::Child => "started",
        }
    }
}
