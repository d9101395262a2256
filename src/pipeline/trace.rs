//! How an outermost operation is told: which steps ran, how deep it went and, where that is asked for, entry by entry what happened.
//!
//! Entries are made where tracing is on and nowhere else: what makes one is a closure. What is read from the store for an entry goes
//! past the images of the operation and can't fail it, so a traced operation ends as it would have untraced.

use std::time::Duration;

use smol_str::{SmolStr, format_smolstr};

use crate::bytecode::{Asks, FlowCode, FlowHead, Input, Stage};
use crate::schema::{FieldSet, PRIMARY_KEY, Row};
use crate::source::Span;
use crate::value::{EntityId, Reference, Slot, Value};
use crate::vm::{Fact, FactName, Interrupt, Told};

use super::engine::Engine;
use super::fault;
use super::happening::{Actor, Border, Happening, Named, StepKind, StepVerdict, TraceEntry};
use super::operation::Message;
use super::target::Scene;

/// How many entries are kept; how many there were beyond them is told at the end.
const MAX_ENTRIES: usize = 100_000;

/// How many bytes of texts the entries hold at most, all together.
const MAX_BYTES: usize = 64 << 20;

/// How many fields that were read one after the other are told at most in one entry.
const MAX_READ: usize = 100;

/// The record of one outermost operation.
#[derive(Debug, Default)]
pub(super) struct Trace {
    on: bool,
    entries: Vec<TraceEntry>,
    open: Vec<Open>,
    /// What was read since the last entry.
    read: Vec<Named>,
    /// The bytes of the texts in the entries.
    bytes: usize,
    left_out: usize,
    /// Whether the end was told that all that is around it comes to as well.
    ended: bool,
    ran: Vec<SmolStr>,
    deepest: u32,
}

/// An entry that is open.
#[derive(Debug)]
struct Open {
    /// Where it is among the entries; beyond them where it was left out.
    at: usize,
    /// What the stopwatch showed when it began.
    began: Duration,
    /// Whether it is the turn of a loop.
    is_turn: bool,
}

impl Trace {
    /// A new one; `on` says whether entries are wanted.
    pub fn new(on: bool) -> Self {
        Trace { on, ..Trace::default() }
    }

    /// Whether entries are wanted.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// How deep the next entry will stand.
    pub fn level(&self) -> usize {
        self.open.len()
    }

    /// A step began to run.
    pub fn ran(&mut self, name: &SmolStr) {
        self.ran.push(name.clone());
    }

    /// An operation began at a depth.
    pub fn reached(&mut self, depth: u32) {
        self.deepest = self.deepest.max(depth);
    }

    /// What there is to tell: the steps that ran, the deepest level, the entries.
    pub fn finish(&mut self) -> (Vec<SmolStr>, u32, Vec<TraceEntry>) {
        self.tell_reads();
        if self.left_out > 0 {
            let what = Happening::Note(format!("{} more entries are left out", self.left_out));
            self.entries.push(TraceEntry { level: 0, what, took: Duration::ZERO });
        }
        (std::mem::take(&mut self.ran), self.deepest, std::mem::take(&mut self.entries))
    }

    fn push(&mut self, what: Happening) {
        self.tell_reads();
        self.add(what);
    }

    fn add(&mut self, what: Happening) {
        let bytes = self.bytes.saturating_add(what.size());
        // What was left out once stays out: a trace has no holes but its end.
        if self.left_out > 0 || self.entries.len() >= MAX_ENTRIES || bytes > MAX_BYTES {
            self.left_out += 1;
            return;
        }
        self.bytes = bytes;
        let level = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
        self.entries.push(TraceEntry { level, what, took: Duration::ZERO });
    }

    fn tell_reads(&mut self) {
        if !self.read.is_empty() {
            let read = std::mem::take(&mut self.read);
            self.add(Happening::Read(read));
        }
    }

    fn open(&mut self, what: Happening, began: Duration) {
        let is_turn = matches!(what, Happening::Turn { .. });
        self.push(what);
        let at = if self.left_out > 0 { usize::MAX } else { self.entries.len().saturating_sub(1) };
        self.open.push(Open { at, began, is_turn });
    }

    fn close_to(&mut self, level: usize, now: Duration) {
        self.tell_reads();
        while self.open.len() > level {
            let Some(Open { at, began, .. }) = self.open.pop() else { return };
            if let Some(entry) = self.entries.get_mut(at) {
                entry.took = now.saturating_sub(began);
            }
        }
    }

    /// A condition: what was read for it and nothing else needs no entry of its own.
    fn tested(&mut self, asks: Asks, span: Span, holds: bool, mut because: Vec<Named>) {
        self.read.retain(|read| !because.contains(read));
        if self.read.is_empty() && self.entries.last_mut().is_some_and(|last| last.what.goes_on(asks, span, holds, &mut because)) {
            return;
        }
        self.push(Happening::Condition { span, is_match: asks == Asks::Match, holds, because });
    }

    /// What became of the step that is open.
    fn settle(&mut self, now: StepVerdict) {
        let at = self.open.last().map_or(usize::MAX, |open| open.at);
        if let Some(TraceEntry { what: Happening::Step { verdict, .. }, .. }) = self.entries.get_mut(at) {
            *verdict = now;
        }
    }
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// Its stage, and its place in there.
    pub stage: Option<(Stage, i32)>,
    /// In the source.
    pub span: Option<Span>,
    /// The record that it is on, where it may be another than that of its operation.
    pub record: Option<Reference>,
}

impl Place {
    /// Of a step of an event.
    pub fn at(scene: &Scene, rank: i32) -> Self {
        Place { stage: Some((scene.stage, rank)), ..Place::default() }
    }

    /// Of a flow that an event starts.
    pub fn of(flow: &FlowCode, scene: &Scene) -> Self {
        Place { span: Some(flow.span), ..Place::at(scene, flow.head.rank) }
    }
}

/// The values that a flow or action is given, by the names of its inputs.
pub(super) fn named_inputs(inputs: &[Input], values: &[Value]) -> Vec<Named> {
    let named = |(input, value): (&Input, &Value)| Named {
        name: FactName::Words(input.name.clone()),
        value: value.clone(),
        old: None,
        ty: Some(input.ty.clone()),
    };
    inputs.iter().zip(values).map(named).collect()
}

impl Engine {
    /// Tells an entry.
    #[inline]
    pub(super) fn tell(&mut self, what: impl FnOnce(&mut Self) -> Happening) {
        if self.trace.on {
            let what = what(self);
            self.trace.push(what);
        }
    }

    /// Tells an entry; what follows is part of it until [`Engine::leave_to`].
    #[inline]
    pub(super) fn enter(&mut self, what: impl FnOnce(&mut Self) -> Happening) {
        if self.trace.on {
            let what = what(self);
            let now = (self.settings.stopwatch)();
            self.trace.open(what, now);
        }
    }

    /// Goes back to a level, whatever was left open.
    #[inline]
    pub(super) fn leave_to(&mut self, level: usize) {
        if self.trace.on {
            let now = (self.settings.stopwatch)();
            self.trace.close_to(level, now);
        }
    }

    /// Tells where the transaction stands.
    pub(super) fn tell_border(&mut self, border: Border) {
        self.tell(|_| Happening::Transaction(border));
    }

    /// Tells an operation that begins; its parts follow.
    pub(super) fn enter_operation(
        &mut self,
        message: &'static str,
        record: (EntityId, Option<Reference>),
        values: &Row,
        by: (u32, Reference),
    ) {
        self.enter(|engine| Happening::Operation {
            message,
            name: None,
            entity: Some(fault::name(&engine.schema, record.0).into()),
            record: record.1,
            depth: by.0,
            acting: engine.actor(by.1),
            values: engine.named(record.0, values.iter().filter(|(slot, _)| *slot != PRIMARY_KEY)),
        });
    }

    /// Tells a step that begins; its parts follow.
    pub(super) fn enter_step(&mut self, kind: StepKind, name: &SmolStr, place: Place) {
        self.enter(|engine| engine.step(kind, name, place, StepVerdict::Ran));
    }

    /// Tells a step that doesn't run, or not now.
    pub(super) fn tell_step(&mut self, kind: StepKind, name: &SmolStr, place: Place, verdict: StepVerdict) {
        self.tell(|engine| engine.step(kind, name, place, verdict));
    }

    fn step(&self, kind: StepKind, name: &SmolStr, place: Place, verdict: StepVerdict) -> Happening {
        let Place { stage, span, record } = place;
        let record = record.map(|record| (fault::name(&self.schema, record.entity).into(), record));
        Happening::Step {
            kind,
            name: name.clone(),
            stage: stage.map(|(stage, _)| stage),
            rank: stage.map(|(_, rank)| rank),
            span,
            record,
            verdict,
        }
    }

    /// The `when` of the step that is open doesn't hold.
    pub(super) fn settle_when(&mut self) {
        if self.trace.on {
            self.trace.settle(StepVerdict::When);
        }
    }

    /// How a record is out of the scope of a flow.
    pub(super) fn out_of_scope(&mut self, head: &FlowHead, owner: Reference, of: Reference) -> StepVerdict {
        StepVerdict::Scope { level: head.scope.name(), of: self.actor(of), owner: self.actor(owner) }
    }

    /// Tells what ends the operation, where it first comes up.
    pub(super) fn tell_end(&mut self, interrupt: &Interrupt) {
        if self.trace.on && !std::mem::replace(&mut self.trace.ended, true) {
            self.trace.push(match interrupt {
                Interrupt::Stop { flow, reason } => Happening::Stopped { by: flow.clone(), reason: reason.clone() },
                Interrupt::Fault(fault) => Happening::Failed { code: fault.code, message: fault.message.clone(), span: fault.span },
            });
        }
    }

    /// Tells what a step sets, with what the fields held as far as that is known.
    pub(super) fn tell_set(&mut self, scene: &Scene, slots: &[Slot], values: &[Value]) {
        self.tell(|engine| {
            let mut named = engine.named(scene.record.entity, slots.iter().copied().zip(values));
            named.iter_mut().zip(slots).for_each(|(named, slot)| named.old = scene.known(*slot).cloned());
            Happening::Set(named)
        });
    }

    /// Tells what the action of a scene gives.
    pub(super) fn tell_output(&mut self, scene: &Scene, output: u16, value: &Value) {
        self.tell(|engine| {
            let action = scene.action.as_ref().and_then(|name| engine.program.action(name));
            let outputs = action.and_then(|action| action.head.outputs.get(usize::from(output)..)).unwrap_or_default();
            let named = named_inputs(outputs, std::slice::from_ref(value)).into_iter().next();
            named.map_or_else(|| Happening::Note("an output that the action doesn't have".to_owned()), Happening::Output)
        });
    }

    /// Tells a write to the store, with what the fields held.
    pub(super) fn tell_core(&mut self, what: &'static str, scene: &Scene) {
        self.tell(|engine| {
            let record = scene.record;
            let kept = |slot: &Slot| *slot != PRIMARY_KEY;
            let values = scene.target.iter().filter(|(slot, _)| kept(slot));
            let mut named = engine.named(record.entity, values);
            if scene.message == Some(Message::Update) {
                let fields: FieldSet = scene.target.present().iter().filter(kept).collect();
                let before =
                    engine.store.read(record.entity, &[record.id], &fields).ok().and_then(|rows| rows.into_iter().next().flatten());
                let before = before.unwrap_or_default();
                named.iter_mut().zip(fields.iter()).for_each(|(named, slot)| named.old = before.get(slot).cloned());
            }
            Happening::Core { what, entity: fault::name(&engine.schema, record.entity).into(), records: 1, values: named }
        });
    }

    /// Tells what a run came by.
    pub(super) fn tell_run(&mut self, told: Told, scene: &Scene) {
        match told {
            Told::Read(fact) => {
                let named = self.named_fact(fact);
                if self.trace.read.len() < MAX_READ && !self.trace.read.contains(&named) {
                    self.trace.read.push(named);
                }
            }
            Told::Test { span, asks, holds, because, changed } => {
                let mut because: Vec<Named> = because.into_iter().map(|fact| self.named_fact(fact)).collect();
                because.extend(changed.into_iter().flat_map(|slot| self.change(scene, slot)));
                self.trace.tested(asks, span, holds, because);
            }
            Told::Result(fact) => self.tell(|engine| Happening::Query(engine.named_fact(fact))),
            Told::Loop { span, records } => self.enter(|_| Happening::Loop { span, records }),
            Told::Turn(record) => {
                self.leave_turn();
                self.enter(|engine| Happening::Turn { entity: fault::name(&engine.schema, record.entity).into(), record });
            }
            Told::LoopEnd => {
                self.leave_turn();
                self.leave_to(self.trace.level().saturating_sub(1));
            }
        }
    }

    /// The turn of the innermost loop ends, where one is open.
    fn leave_turn(&mut self) {
        if self.trace.open.last().is_some_and(|open| open.is_turn) {
            self.leave_to(self.trace.level().saturating_sub(1));
        }
    }

    /// What a field of the record is, and was before the operation: as far as the operation knows.
    fn change(&self, scene: &Scene, slot: Slot) -> Vec<Named> {
        let values = [scene.target.get(slot), scene.known_old(slot)].into_iter().flatten();
        let mut named = self.named(scene.record.entity, values.map(|value| (slot, value)));
        if let [_, Named { name: FactName::Words(name), .. }] = named.as_mut_slice() {
            *name = format_smolstr!("old.{name}");
        }
        named
    }

    fn named_fact(&self, fact: Fact) -> Named {
        let ty = fact.field.and_then(|(entity, slot)| self.schema.field(entity, slot)).map(|field| field.ty.clone());
        Named { name: fact.name, value: fact.value, old: None, ty }
    }

    /// Values of an entity with the names of their fields.
    pub(super) fn named<'a>(&self, entity: EntityId, values: impl IntoIterator<Item = (Slot, &'a Value)>) -> Vec<Named> {
        let field = |(slot, value): (Slot, &Value)| {
            let field = self.schema.field(entity, slot);
            let name = FactName::Words(field.map(|field| field.name.clone()).unwrap_or_default());
            Named { name, value: value.clone(), old: None, ty: field.map(|field| field.ty.clone()) }
        };
        values.into_iter().map(field).collect()
    }

    /// Somebody by name, where that can be read.
    pub(super) fn actor(&mut self, record: Reference) -> Actor {
        let name = self.schema.entity(record.entity).and_then(|entity| entity.primary_name);
        let read = |slot: Slot| {
            let rows = self.store.read(record.entity, &[record.id], &[slot].into_iter().collect()).ok()?;
            rows.into_iter().next().flatten()?.get(slot).and_then(Value::as_text).map(SmolStr::from)
        };
        Actor { record, name: name.and_then(read).unwrap_or_default() }
    }
}
