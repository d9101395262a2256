//! A compiled project: flows, actions and plug-ins with their code, tables and effects. Ids in here are those of the schema it was compiled with.
//!
//! Invariant of a [`Program`] that went through [`verify`](super::verify()): `flows`, `actions` and `plugins` ascend by name, and the VM can run
//! every code in it without looking at types, table bounds or jump targets again.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::op::Op;
use super::operand::{In, Kind, Run};
use super::{ActionHead, CallRef, Effects, FlowHead, PluginHead};
use crate::schema::FieldSet;
use crate::schema::select::{Aggregate, Order, Test};
use crate::source::Span;
use crate::value::{EntityId, Slot, Type, Value};

/// Every flow, action and plug-in of a project, each by name in code point order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// The flows.
    pub flows: Vec<FlowCode>,
    /// The actions.
    pub actions: Vec<ActionCode>,
    /// The declared plug-ins.
    pub plugins: Vec<PluginCode>,
}

impl Program {
    /// A flow by name.
    pub fn flow(&self, name: &str) -> Option<&FlowCode> {
        self.flows.get(self.flow_index(name)?)
    }

    /// The position of a flow by name.
    pub fn flow_index(&self, name: &str) -> Option<usize> {
        self.flows.binary_search_by(|flow| flow.head.name.as_str().cmp(name)).ok()
    }

    /// An action by name.
    pub fn action(&self, name: &str) -> Option<&ActionCode> {
        self.actions.get(self.action_index(name)?)
    }

    /// The position of an action by name.
    pub fn action_index(&self, name: &str) -> Option<usize> {
        self.actions.binary_search_by(|action| action.head.name.as_str().cmp(name)).ok()
    }
}

/// A compiled flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowCode {
    /// Its clauses.
    pub head: FlowHead,
    /// Where its name stands.
    pub span: Span,
    /// Gives a boolean; the flow runs only where that is true.
    pub when: Option<Code>,
    /// Its statements.
    pub body: Code,
    /// The conditions that its waits wait for. They give a boolean; their inputs are the first registers of the statements.
    pub conditions: Vec<Code>,
    /// What it does, its inline children included.
    pub effects: Effects,
}

/// A compiled action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionCode {
    /// Its clauses.
    pub head: ActionHead,
    /// Where its name stands.
    pub span: Span,
    /// Its statements; those of an action whose code is elsewhere are none.
    pub body: Option<Code>,
    /// What it does; of an action whose code is elsewhere, what it declares to do.
    pub effects: Effects,
}

/// A declared plug-in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PluginCode {
    /// Its clauses.
    pub head: PluginHead,
    /// Where its name stands.
    pub span: Span,
    /// What it declares to do.
    pub effects: Effects,
}

/// The operations of a flow, a condition or an expression, with what they work on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Code {
    /// The operations.
    pub ops: Vec<Op>,
    /// Where each of them comes from, one for one.
    pub spans: Vec<Span>,
    /// The constants, read as registers.
    pub constants: Vec<Value>,
    /// How many registers the frame needs: the inputs, then the `let`s, then what is on the way.
    pub registers: u16,
    /// How many of them are inputs.
    pub inputs: u16,
    /// Names of the first registers: of the inputs and the `let`s.
    pub names: Vec<SmolStr>,
    /// The fields that are read.
    pub fields: Vec<FieldRef>,
    /// The writes.
    pub writes: Vec<WriteList>,
    /// The starts of child flows.
    pub starts: Vec<StartRef>,
    /// The actions that are performed.
    pub performs: Vec<PerformRef>,
    /// The names of the outputs that the action has whose body this is.
    pub outputs: Vec<SmolStr>,
    /// The calls of functions.
    pub calls: Vec<CallRef>,
    /// The types of values that become text.
    pub types: Vec<Type>,
    /// The waits, each for one operation, in the order of those.
    pub waits: Vec<WaitList>,
    /// The queries.
    pub queries: Vec<QueryRef>,
    /// What the tests ask that decide a condition of the text, ascending by their places: what a trace tells of them.
    pub tests: Vec<TestRef>,
}

/// A test that decides a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRef {
    /// Which operation it is.
    pub at: u16,
    /// How it stands to its condition.
    pub asks: Asks,
}

/// How a test stands to the condition that it decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asks {
    /// The condition is true where the test holds.
    Is,
    /// It is true where the test doesn't: `!=`, `is not empty`.
    IsNot,
    /// It is no condition but a value of a `match`, which has this one where the test holds.
    Match,
}

/// A field that is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FieldRef {
    /// The entity.
    pub entity: EntityId,
    /// The field.
    pub slot: Slot,
    /// Its name, for whoever reads a fault; empty where nobody can ask for it (over a lookup, in a scenario).
    pub name: SmolStr,
}

/// Fields of an entity that are written together, in the order of the values.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WriteList {
    /// The entity.
    pub entity: EntityId,
    /// The fields.
    pub slots: Vec<Slot>,
}

/// A child flow and the inputs that it is given, in the order of the values.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StartRef {
    /// Its name.
    pub flow: SmolStr,
    /// Positions of its inputs.
    pub inputs: Vec<u16>,
}

/// A wait and its branches.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WaitList {
    /// Its number among the waits of the flow, in source order: what a suspended job remembers, since an operation's place changes
    /// whenever the compiler does.
    pub number: u16,
    /// What it waits for; moments and lengths of time are the values of the operation, in this order.
    pub branches: Vec<Awaited>,
}

/// What a branch of a wait waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Awaited {
    /// A moment, among the values.
    Moment,
    /// A length of time, among the values.
    After,
    /// A condition of the flow, by its position.
    Condition(u16),
}

impl WaitList {
    /// The kinds of its values.
    pub fn values(&self) -> impl Iterator<Item = Kind> {
        self.branches.iter().filter_map(|branch| match branch {
            Awaited::Moment => Some(Kind::DateTime),
            Awaited::After => Some(Kind::Duration),
            Awaited::Condition(_) => None,
        })
    }
}

/// An action that is performed: its record comes first among the values, if it has one, then the inputs that it is given.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PerformRef {
    /// Its name.
    pub action: SmolStr,
    /// Whether it is on a record.
    pub on_record: bool,
    /// Positions of its inputs.
    pub inputs: Vec<u16>,
    /// How many outputs it has; they come into consecutive registers.
    pub outputs: u16,
}

/// A query, whose values stand in registers: one for each condition, and then the limit where it has one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryRef {
    /// The entity.
    pub entity: EntityId,
    /// The fields that are compared, and how.
    pub conditions: Vec<(Slot, Test)>,
    /// What is worked out, with the type of the field that it is about; nothing where the records are visited.
    pub aggregate: Option<(Aggregate, Option<Type>)>,
    /// The order in which they are visited.
    pub order: Vec<Order>,
    /// Whether only so many are.
    pub limited: bool,
    /// The fields that are looked at record by record, those of the order included.
    pub columns: FieldSet,
}

impl QueryRef {
    /// How many values it takes.
    pub fn values(&self) -> usize {
        self.conditions.len() + usize::from(self.limited)
    }

    /// Every field that it asks about.
    pub fn fields(&self) -> FieldSet {
        let aggregate = self.aggregate.iter().filter_map(|(aggregate, _)| aggregate.slot());
        let order = self.order.iter().map(|order| order.slot);
        self.conditions.iter().map(|(slot, _)| *slot).chain(aggregate).chain(order).chain(self.columns.iter()).collect()
    }
}

impl Code {
    /// Where an operation comes from.
    pub fn span(&self, at: usize) -> Option<Span> {
        self.spans.get(at).copied()
    }

    /// What an operation asks, where it is a test that decides a condition.
    pub fn asks(&self, at: usize) -> Option<Asks> {
        let place = self.tests.binary_search_by_key(&at, |test| usize::from(test.at)).ok()?;
        self.tests.get(place).map(|test| test.asks)
    }

    /// How many registers the run of an operation has, and the first of them; none where it has no run or its table no such row.
    pub fn run(&self, op: &Op) -> Option<(Run, usize)> {
        match *op {
            Op::Concat { parts, count, .. } => Some((parts, count.0 as usize)),
            Op::Call { function, arguments, .. } => Some((arguments, self.calls.get(function.0 as usize)?.arguments as usize)),
            Op::Wait { wait, values, .. } => Some((values, self.waits.get(wait.0 as usize)?.values().count())),
            Op::Open { query, values } => Some((values, self.queries.get(query.0 as usize)?.values())),
            Op::Set { fields, values }
            | Op::Create { fields, values, .. }
            | Op::Update { fields, values, .. }
            | Op::Find { fields, values, .. } => Some((values, self.writes.get(fields.0 as usize)?.slots.len())),
            Op::Start { flow, inputs, .. } => Some((inputs, self.starts.get(flow.0 as usize)?.inputs.len())),
            Op::Perform { action, values, .. } => {
                let perform = self.performs.get(action.0 as usize)?;
                Some((values, perform.inputs.len() + usize::from(perform.on_record)))
            }
            _ => None,
        }
    }

    /// How many registers an operation writes, from its `out` on; none where its table has no such row.
    pub fn gives(&self, op: &Op) -> Option<usize> {
        match *op {
            Op::Perform { action, .. } => Some(self.performs.get(action.0 as usize)?.outputs as usize),
            _ => Some(1),
        }
    }

    /// The entity whose records the loop with its head at this operation goes through: that of the last query that was opened and
    /// not ended before it.
    pub fn looked_at(&self, head: usize) -> Option<EntityId> {
        let mut ended = 0;
        for op in self.ops.get(..head)?.iter().rev() {
            match op {
                Op::Gather { .. } => ended += 1,
                Op::Open { query, .. } if ended == 0 => return Some(self.queries.get(query.0 as usize)?.entity),
                Op::Open { .. } => ended -= 1,
                _ => {}
            }
        }
        None
    }

    /// The constant of a register, where it is one.
    pub fn constant(&self, register: In) -> Option<&Value> {
        self.constants.get(register.constant()?)
    }
}
