//! The VM's door to a job: that of a flow within its operation, taken step by step, with the answer to its waits.
//!
//! While the statement of a wait is looked at, `now` is the moment at which the wait began: `until now + 1 day` is one moment, however
//! often it is worked out. What that statement read is what can move it, and nothing else can.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use smol_str::SmolStr;

use crate::bytecode::{self, Awaited, FlowCode, WaitList};
use crate::pipeline::host::FlowHost;
use crate::schema::select::{Aggregate, Selection};
use crate::schema::{FieldSet, PRIMARY_KEY, Row};
use crate::source::Span;
use crate::value::{EntityId, Reference, Slot, Type, Uuid, Value, time};
use crate::vm::{self, Exit, Frame, Host, Interrupt, Told, Waited};

/// A running job's view of the world.
pub(super) struct JobHost<'a> {
    pub inner: FlowHost<'a>,
    pub flow: &'a FlowCode,
    /// The wait that is looked at, if one is.
    pub wait: Option<Looked>,
    /// Whether an operation of the job was stopped by a flow of its own, which is no stop of the job.
    pub refused: bool,
}

/// A wait that is looked at.
#[derive(Debug)]
pub(super) struct Looked {
    /// When it began.
    pub since: Timestamp,
    /// The fields that were read.
    pub read: Vec<(Reference, Slot)>,
    /// That nothing has come yet, and when the first moment is that it waits for.
    pub goes_on: Option<Option<Timestamp>>,
}

impl Looked {
    pub fn new(since: Timestamp) -> Self {
        Looked { since, read: Vec::new(), goes_on: None }
    }
}

impl JobHost<'_> {
    fn note(&mut self, record: Reference, slot: Slot) {
        if let Some(wait) = self.wait.as_mut().filter(|_| slot != PRIMARY_KEY) {
            wait.read.push((record, slot));
        }
    }

    /// What a nested operation gave; one that was stopped failed, as far as the job is concerned.
    fn nested<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, Interrupt>) -> Result<T, Interrupt> {
        let result = run(self);
        self.refused |= matches!(result, Err(Interrupt::Stop { .. }));
        result
    }

    /// The moment of a branch that waits for one.
    fn moment(&self, awaited: Awaited, value: Option<&Value>, since: Timestamp) -> Result<Option<Timestamp>, Interrupt> {
        match (awaited, value) {
            (Awaited::Moment, Some(Value::DateTime(moment))) => Ok(Some(*moment)),
            (Awaited::After, Some(Value::Duration(length))) => {
                let moment = time::add_to_datetime(since, *length, self.zone());
                let far = |_| crate::pipeline::fault::fault(crate::diagnostic::Code::F03, "the wait would end after the year 9999");
                moment.map(Some).map_err(far)
            }
            _ => Ok(None),
        }
    }

    fn holds(&mut self, condition: u16, inputs: &[Value]) -> Result<bool, Interrupt> {
        let flow = self.flow;
        let Some(code) = flow.conditions.get(usize::from(condition)) else { return Ok(false) };
        Ok(vm::run(code, &mut Frame::default(), inputs, self)? == Exit::Value(Value::Boolean(true)))
    }
}

macro_rules! asked {
    ($($name:ident($($argument:ident: $ty:ty),*) -> $answer:ty;)*) => {
        $(fn $name(&self, $($argument: $ty),*) -> $answer {
            self.inner.$name($($argument),*)
        })*
    };
}

macro_rules! passed_on {
    ($($name:ident($($argument:ident: $ty:ty),*) $(-> $answer:ty)?;)*) => {
        $(fn $name(&mut self, $($argument: $ty),*) $(-> $answer)? {
            self.inner.$name($($argument),*)
        })*
    };
}

macro_rules! nested {
    ($($name:ident($($argument:ident: $ty:ty),*) -> $answer:ty;)*) => {
        $(fn $name(&mut self, $($argument: $ty),*) -> Result<$answer, Interrupt> {
            self.nested(|host| host.inner.$name($($argument),*))
        })*
    };
}

impl Host for JobHost<'_> {
    asked! {
        this() -> Reference;
        max_visited() -> u64;
        max_memory() -> u64;
        zone() -> &TimeZone;
        address(record: Reference) -> SmolStr;
        caller() -> Reference;
        traced() -> bool;
        counts() -> bool;
    }

    passed_on! {
        old(slot: Slot) -> Result<&Value, Interrupt>;
        changed(slot: Slot) -> Result<bool, Interrupt>;
        select(selection: &Selection, fields: &FieldSet) -> Result<Vec<(Uuid, Row)>, Interrupt>;
        aggregate(selection: &Selection, aggregate: Aggregate) -> Result<Value, Interrupt>;
        find(entity: EntityId, fields: &[Slot], values: &[Value]) -> Result<Reference, Interrupt>;
        text(value: &Value, ty: &Type) -> Result<SmolStr, Interrupt>;
        start(flow: &str, record: Reference, inputs: Vec<Value>) -> Result<(), Interrupt>;
        set_output(output: u16, value: Value);
        tell(told: Told);
        counted(code: &bytecode::Code, hits: &[vm::Hits]);
        log(text: SmolStr);
        enter_step(title: SmolStr);
        leave_step();
        skipped(span: Span);
        spend(instructions: u64) -> Result<(), Interrupt>;
    }

    nested! {
        set(slots: &[Slot], values: &[Value]) -> ();
        create(entity: EntityId, values: Row) -> Reference;
        update(record: Reference, values: Row) -> ();
        delete(record: Reference) -> ();
        perform(action: &str, record: Option<Reference>, inputs: Vec<Value>) -> Vec<Value>;
    }

    fn by_steps(&self) -> bool {
        true
    }

    fn field(&mut self, slot: Slot) -> Result<&Value, Interrupt> {
        self.note(self.inner.scene.record, slot);
        self.inner.field(slot)
    }

    fn related(&mut self, record: Reference, slot: Slot) -> Result<Value, Interrupt> {
        self.note(record, slot);
        self.inner.related(record, slot)
    }

    fn now(&self) -> Timestamp {
        self.wait.as_ref().map_or_else(|| self.inner.now(), |wait| wait.since)
    }

    /// The first branch that holds. A run that comes to a wait first ends there: then its statement is looked at by itself.
    fn wait(&mut self, wait: &WaitList, values: &[Value], inputs: &[Value]) -> Result<Waited, Interrupt> {
        let Some(since) = self.wait.as_ref().map(|wait| wait.since) else { return Ok(Waited::Suspended) };
        let (mut values, mut first) = (values.iter(), None::<Timestamp>);
        for (number, awaited) in (0u16..).zip(&wait.branches) {
            let holds = match *awaited {
                Awaited::Condition(condition) => self.holds(condition, inputs)?,
                timed => {
                    let moment = self.moment(timed, values.next(), since)?;
                    first = first.into_iter().chain(moment).min();
                    moment.is_some_and(|moment| moment <= self.inner.now())
                }
            };
            if holds {
                self.wait = None;
                return Ok(Waited::Branch(number));
            }
        }
        if let Some(wait) = &mut self.wait {
            wait.goes_on = Some(first);
        }
        Ok(Waited::Suspended)
    }
}
