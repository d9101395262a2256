//! What a run tells where it is traced: its tests with what they were decided by, the fields that it read, its queries and loops.
//!
//! The machine itself knows values, not where they come from, so here each register is followed: by the facts (a field, a
//! `let`, a query's result) that its value was worked out of. Nothing in here is on the way of a run that isn't traced.

use smol_str::{SmolStr, format_smolstr};

use crate::bytecode::{Asks, Code, FieldIx, In, Op, Operand, Out, Target, When};
use crate::source::Span;
use crate::value::{EntityId, Reference, Slot, Value};

use super::host::Host;
use super::machine::Machine;

/// How many facts a value is told by at most.
const MAX_FACTS: usize = 8;

/// Something that a traced run came by.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// A condition, or the value of a `match`, was decided; one of several tests may be only a part of it.
    Test {
        /// The condition; of a `match`, its value.
        span: Span,
        /// Which of the two it is.
        asks: Asks,
        /// Whether the condition is true, or the value is the one that was asked for.
        holds: bool,
        /// What it was decided by.
        because: Vec<Fact>,
        /// The field that was asked about, where it is whether the operation changes one.
        changed: Option<Slot>,
    },
    /// A field was read.
    Read(Fact),
    /// A query gave a value.
    Result(Fact),
    /// The records that a loop visits were fixed.
    Loop {
        /// The query.
        span: Span,
        /// How many there are.
        records: usize,
    },
    /// A loop goes on with a record.
    Turn(Reference),
    /// A loop ended.
    LoopEnd,
}

/// A value with the name that a person knows it by.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// Its name.
    pub name: FactName,
    /// The value.
    pub value: Value,
    /// The field that it was read from, where that is known.
    pub field: Option<(EntityId, Slot)>,
}

/// The name of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactName {
    /// Of a field, an input or a `let`.
    Words(SmolStr),
    /// Of what has none: the text that it was worked out of.
    Source(Span),
}

/// Follows the registers of one run.
pub(super) struct Tracer {
    facts: Vec<Vec<Fact>>,
}

impl Tracer {
    /// At the beginning of a run.
    pub fn new(code: &Code) -> Self {
        Tracer { facts: vec![Vec::new(); code.registers as usize] }
    }

    /// Tells of an operation that was done, and where it jumped.
    #[cold]
    #[inline(never)]
    pub fn step<H: Host + ?Sized>(&mut self, op: Op, at: usize, jump: Option<Target>, machine: &Machine<'_>, host: &mut H) {
        match out(op) {
            None => self.tested(op, at, jump, machine, host),
            Some(out) => self.written(op, at, out, machine, host),
        }
        match op {
            Op::Visit {} => {
                let (span, records) = (machine.code.span(at).unwrap_or_default(), machine.visits());
                host.tell(Told::Loop { span, records });
            }
            Op::NextRecord { .. } if jump.is_some() => host.tell(Told::LoopEnd),
            Op::NextRecord { out, .. } => {
                if let Ok(Value::Reference(record)) = machine.get(out.into()) {
                    host.tell(Told::Turn(*record));
                }
            }
            _ => {}
        }
    }

    /// Tells of a test, where the operation is one.
    fn tested<H: Host + ?Sized>(&self, op: Op, at: usize, jump: Option<Target>, machine: &Machine<'_>, host: &mut H) {
        let Some((asks, span)) = machine.code.asks(at).zip(machine.code.span(at)) else { return };
        let (mut because, mut jumps_where_true, mut changed) = (Vec::new(), true, None);
        op.visit(|_, operand| match operand {
            Operand::In(register, _) => add(&mut because, self.of(register, machine)),
            Operand::When(When(when)) => jumps_where_true = when,
            Operand::Field(field) => changed = machine.code.fields.get(field.0 as usize).map(|field| field.slot),
            _ => {}
        });
        let holds = jump.is_some() == jumps_where_true;
        host.tell(Told::Test { span, asks, holds: holds == (asks != Asks::IsNot), because, changed });
    }

    /// Follows what an operation wrote, and tells of it where it was read from the data.
    fn written<H: Host + ?Sized>(&mut self, op: Op, at: usize, out: Out, machine: &Machine<'_>, host: &mut H) {
        let facts = self.worked_out(op, at, out, machine);
        match (op, facts.first()) {
            (Op::Field { .. } | Op::RequireField { .. } | Op::Old { .. } | Op::Related { .. }, Some(fact)) => {
                host.tell(Told::Read(fact.clone()));
            }
            (Op::Gather { .. } | Op::Find { .. }, Some(fact)) => host.tell(Told::Result(fact.clone())),
            _ => {}
        }
        if let Some(place) = self.facts.get_mut(out.0 as usize) {
            *place = facts;
        }
    }

    /// What a value was worked out of that an operation has just written.
    fn worked_out(&self, op: Op, at: usize, out: Out, machine: &Machine<'_>) -> Vec<Fact> {
        let code = machine.code;
        let own = |field: FieldIx| code.fields.get(field.0 as usize);
        let value = || machine.get(out.into()).cloned().unwrap_or_default();
        let source = || FactName::Source(code.span(at).unwrap_or_default());
        let read =
            |name: FactName, field: FieldIx| vec![Fact { name, value: value(), field: own(field).map(|field| (field.entity, field.slot)) }];
        match op {
            Op::Field { field, .. } | Op::RequireField { field, .. } => {
                read(own(field).map_or_else(source, |field| FactName::Words(field.name.clone())), field)
            }
            Op::Old { field, .. } => {
                read(own(field).map_or_else(source, |field| FactName::Words(format_smolstr!("old.{}", field.name))), field)
            }
            Op::Related { record, field, .. } => {
                let path = self.of(record, machine).into_iter().next().map(|fact| fact.name);
                let name = match (path, own(field)) {
                    (Some(FactName::Words(path)), Some(field)) if !field.name.is_empty() => {
                        FactName::Words(format_smolstr!("{path}.{}", field.name))
                    }
                    _ => source(),
                };
                read(name, field)
            }
            Op::This { .. } => vec![Fact { name: FactName::Words("this".into()), value: value(), field: None }],
            Op::Caller { .. } | Op::Now { .. } | Op::Today { .. } | Op::Gather { .. } | Op::Find { .. } => {
                vec![Fact { name: source(), value: value(), field: None }]
            }
            _ => self.read_by(op, machine),
        }
    }

    /// The facts behind all that an operation reads.
    fn read_by(&self, op: Op, machine: &Machine<'_>) -> Vec<Fact> {
        let mut facts = Vec::new();
        op.visit(|_, operand| {
            if let Operand::In(register, _) = operand {
                add(&mut facts, self.of(register, machine));
            }
        });
        if let Some((first, count)) = machine.code.run(&op) {
            let registers = (first.0..).take(count).map(In);
            registers.for_each(|register| add(&mut facts, self.of(register, machine)));
        }
        facts
    }

    /// The facts behind a register: an input or a `let` is one itself, a constant is none.
    fn of(&self, register: In, machine: &Machine<'_>) -> Vec<Fact> {
        if register.constant().is_some() {
            return Vec::new();
        }
        let behind = self.facts.get(register.0 as usize).map_or(&[][..], Vec::as_slice);
        let (Some(name), Ok(value)) = (machine.code.names.get(register.0 as usize), machine.get(register)) else {
            return behind.to_vec();
        };
        // What a `let` was copied from tells its type.
        let field = behind.first().filter(|fact| fact.value == *value).and_then(|fact| fact.field);
        vec![Fact { name: FactName::Words(name.clone()), value: value.clone(), field }]
    }
}

/// The register that an operation writes.
fn out(op: Op) -> Option<Out> {
    let mut found = None;
    op.visit(|_, operand| {
        if let Operand::Out(out, _) = operand {
            found = Some(out);
        }
    });
    found
}

fn add(facts: &mut Vec<Fact>, more: Vec<Fact>) {
    for fact in more {
        if facts.len() < MAX_FACTS && !facts.contains(&fact) {
            facts.push(fact);
        }
    }
}
