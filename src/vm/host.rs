//! The VM's only door to the world.

use smol_str::SmolStr;

use crate::bytecode::{self, WaitList};
use crate::diagnostic::Code;
use crate::schema::select::{Aggregate, Selection};
use crate::schema::{FieldSet, Row};
use crate::source::Span;
use crate::value::{EntityId, Reference, Slot, Type, Uuid, Value};

use super::trace::Told;
use super::watch::Hits;

/// What a running flow reads and does. The pipeline decides what each of it means at its stage; the VM only asks.
pub trait Host {
    /// The triggering record.
    fn this(&self) -> Reference;

    /// A field of the triggering record, as its stage sees it.
    fn field(&mut self, slot: Slot) -> Result<&Value, Interrupt>;

    /// A field's value before the operation; empty where the record is being created.
    fn old(&mut self, slot: Slot) -> Result<&Value, Interrupt>;

    /// Whether this operation gives the field a different value.
    fn changed(&mut self, slot: Slot) -> Result<bool, Interrupt>;

    /// A field of any record, as this transaction sees it.
    fn related(&mut self, record: Reference, slot: Slot) -> Result<Value, Interrupt>;

    /// Records of an entity as this transaction sees it, with fields of each. Before an operation its record is still as it
    /// was: the changes that are about to be written are not in the store yet.
    fn select(&mut self, selection: &Selection, fields: &FieldSet) -> Result<Vec<(Uuid, Row)>, Interrupt>;

    /// What is worked out of the records that a selection takes, as this transaction sees them.
    fn aggregate(&mut self, selection: &Selection, aggregate: Aggregate) -> Result<Value, Interrupt>;

    /// The one record whose fields have these values; fault F17 where there is none, or more than one.
    fn find(&mut self, entity: EntityId, fields: &[Slot], values: &[Value]) -> Result<Reference, Interrupt>;

    /// How many records a loop without a limit may go through.
    fn max_visited(&self) -> u64 {
        5_000
    }

    /// How many bytes of texts and of a query's records a run may hold.
    fn max_memory(&self) -> u64 {
        64 << 20
    }

    /// The start of the outermost operation.
    fn now(&self) -> jiff::Timestamp;

    /// The organisation's time zone.
    fn zone(&self) -> &jiff::tz::TimeZone;

    /// The address of a record, for people.
    fn address(&self, record: Reference) -> SmolStr {
        format!("/{}", record.id).into()
    }

    /// The user who started it.
    fn caller(&self) -> Reference;

    /// A value as text: a choice by its label, a record by its primary name, the rest by the rules of the value.
    fn text(&mut self, value: &Value, ty: &Type) -> Result<SmolStr, Interrupt>;

    /// One write of several fields of the triggering record.
    fn set(&mut self, slots: &[Slot], values: &[Value]) -> Result<(), Interrupt>;

    /// A nested create.
    fn create(&mut self, entity: EntityId, values: Row) -> Result<Reference, Interrupt>;

    /// A nested update.
    fn update(&mut self, record: Reference, values: Row) -> Result<(), Interrupt>;

    /// A nested delete.
    fn delete(&mut self, record: Reference) -> Result<(), Interrupt>;

    /// A child flow on a record, by name; an input that wasn't given is empty.
    fn start(&mut self, flow: &str, record: Reference, inputs: Vec<Value>) -> Result<(), Interrupt>;

    /// A wait with the moments and lengths of time that it names, in order, and what its conditions take as inputs: all that a job has to
    /// remember in order to go on. Only a background flow waits; a host that runs none has no answer.
    fn wait(&mut self, wait: &WaitList, values: &[Value], inputs: &[Value]) -> Result<Waited, Interrupt> {
        let _ = (wait, values, inputs);
        Ok(Waited::Suspended)
    }
    /// An action, on a record where it has one; an input that wasn't given is empty. Gives its outputs.
    fn perform(&mut self, action: &str, record: Option<Reference>, inputs: Vec<Value>) -> Result<Vec<Value>, Interrupt>;

    /// Gives an output of the running action a value, by its position.
    fn set_output(&mut self, output: u16, value: Value);

    /// Whether a run ends at each of its steps, with the place from which it goes on.
    fn by_steps(&self) -> bool {
        false
    }

    /// Whether a run is told, operation by operation. Asked once at its beginning.
    fn traced(&self) -> bool {
        false
    }

    /// Something that a run came by that is told.
    fn tell(&mut self, told: Told) {
        let _ = told;
    }

    /// Whether it is counted what a run does. Asked at its beginning.
    fn counts(&self) -> bool {
        false
    }

    /// What a run did, counted for each operation of its code, and behind them for each branch of its waits ([`Hits::of_branch`]); told once,
    /// when it has ended. A wait that is looked at again counts once.
    fn counted(&mut self, code: &bytecode::Code, hits: &[Hits]) {
        let _ = (code, hits);
    }

    /// A line for the trace.
    fn log(&mut self, text: SmolStr);

    /// A named group begins.
    fn enter_step(&mut self, title: SmolStr);

    /// The innermost named group ends.
    fn leave_step(&mut self);

    /// An activity was left out because its record is empty.
    fn skipped(&mut self, span: Span);

    /// Counts executed instructions against what the outermost operation may use; says no where it has used more. All flows
    /// of an operation share one budget: a flow always ends, but flows that start flows multiply.
    fn spend(&mut self, instructions: u64) -> Result<(), Interrupt> {
        let _ = instructions;
        Ok(())
    }
}

/// What came of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// This branch has won, counted from 0.
    Branch(u16),
    /// None has yet: the run ends here, and whoever keeps the job goes on with it later.
    Suspended,
}

/// Why a run ends before its end: what it did is undone.
#[derive(Clone, Debug, PartialEq)]
pub enum Interrupt {
    /// A flow stopped the operation.
    Stop {
        /// Which flow.
        flow: SmolStr,
        /// Its reason.
        reason: SmolStr,
    },
    /// Something failed.
    Fault(Box<Fault>),
}

/// A failure at run time.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Which kind.
    pub code: Code,
    /// What happened, in one line.
    pub message: String,
    /// Where in the source it happened.
    pub span: Option<Span>,
    /// The flows that led there, outermost first.
    pub chain: Vec<SmolStr>,
}
