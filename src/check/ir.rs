//! The typed tree of a flow: names resolved to slots and locals, types and emptiness settled, every
//! conversion written out. What compiles a flow reads this and nothing above it.
//!
//! Invariants (the checker's promise): operands have the type that their operator needs; where an operator does
//! not take empty operands (`Arithmetic`, `Negate`, `Shift`, `Call` unless its table row says otherwise), their
//! `optional` is false; an expression whose `optional` is false never gives an empty value, it faults instead
//! (`Field`, `Related`, `Old`, `Input`, `Local`, `Require`).

#![expect(missing_docs, reason = "the fields of a variant are told by the form in the variant's own words")]

use smol_str::SmolStr;

use crate::bytecode::{ActionHead, Effects, FlowHead};
use crate::diagnostic::Code;
use crate::schema::FieldSet;
use crate::schema::jobs::Status;
use crate::schema::select::{Aggregate, Order, Test};
use crate::source::Span;
use crate::value::{EntityId, Function, Slot, Type, Value};

/// A checked flow.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Its clauses.
    pub head: FlowHead,
    /// Where its name stands.
    pub span: Span,
    /// Runs only where this is true.
    pub when: Option<Expr>,
    /// Its statements.
    pub body: Block,
    /// Its `let` names; a [`LocalId`] is a position in here.
    pub locals: Vec<Local>,
    /// What it does at most, its inline children included.
    pub effects: Effects,
}

/// A checked action.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Its clauses.
    pub head: ActionHead,
    /// Where its name stands.
    pub span: Span,
    /// Its statements; none where its code is elsewhere.
    pub body: Block,
    /// Its `let` names.
    pub locals: Vec<Local>,
    /// What it does at most; where its code is elsewhere, what it declares to do.
    pub effects: Effects,
}

/// A `let`'s number in its flow or scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalId(pub u16);

/// A `let`.
#[derive(Clone, Debug, PartialEq)]
pub struct Local {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: Type,
    /// Whether it may be empty.
    pub optional: bool,
}

/// Statements in order.
pub type Block = Vec<Stmt>;

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Stmt {
    /// Which.
    pub kind: StmtKind,
    /// The whole statement in the source.
    pub span: Span,
}

/// The statements.
#[derive(Clone, Debug, PartialEq)]
pub enum StmtKind {
    /// One write of fields of the triggering record; every value is computed before the first is written.
    Set(Vec<Write>),
    /// Cancels with a reason (text).
    Stop(Expr),
    /// Ends the flow as succeeded, with a note (text).
    Finish(Option<Expr>),
    /// Names a value.
    Let { local: LocalId, value: Expr },
    /// Nested create; its reference goes into the local.
    Create { entity: EntityId, values: Vec<Write>, into: Option<LocalId> },
    /// Nested update.
    Update { record: Record, values: Vec<Write> },
    /// Nested delete.
    Delete { record: Record },
    /// Child flow; the arguments are by position of the input, each at most once.
    Start { flow: SmolStr, arguments: Vec<(u16, Expr)>, record: Record },
    /// An action; the arguments are by position of the input. Its outputs come into the `let`s from `into` on, one for each.
    Perform { action: SmolStr, arguments: Vec<(u16, Expr)>, record: Option<Record>, into: Option<LocalId> },
    /// Outputs of the action itself, by position, with their new values.
    SetOutput(Vec<(u16, Expr)>),
    /// The first arm whose condition is true.
    If { arms: Vec<(Expr, Block)>, otherwise: Block },
    /// The first arm that holds the subject's value.
    Match { subject: Expr, arms: Vec<Arm>, otherwise: Block },
    /// In the background: goes on with the first branch that holds. Its number is that among the waits of the flow, in source order.
    Wait { number: u16, branches: Vec<WaitBranch> },
    /// The statements for each record that a query takes: which ones is fixed before the first, each is in the local when its
    /// turn comes, and one that is gone by then is left out. The limit is a whole number.
    ForEach { query: Query, order: Vec<Order>, limit: Option<Expr>, local: LocalId, body: Block },
    /// A line in the trace (text).
    Log(Expr),
    /// A named group (the title is text).
    Step { title: Expr, body: Block },
}

/// A field and its new value, converted to the field's kind of type and with constants already held against its range.
/// In a test or scenario it may be empty where the field may not: the operation refuses it.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// The field.
    pub slot: Slot,
    /// The value.
    pub value: Expr,
}

/// The record of an activity: a lookup, on an entity that the checker has settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The reference.
    pub reference: Expr,
    /// Its entity.
    pub entity: EntityId,
    /// Whether an empty one skips the activity; the reference is never optional otherwise.
    pub skip_if_empty: bool,
}

/// Records of an entity.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The entity.
    pub entity: EntityId,
    /// What a store can tell: a field against a value of its type, which doesn't depend on the record. The values are computed
    /// before the first record is looked at, in this order.
    pub conditions: Vec<Condition>,
    /// What else has to be true; asked of each record that the conditions take. Only in here there is a [`ExprKind::Row`].
    pub filter: Option<Expr>,
}

/// What a store can tell of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The field.
    pub slot: Slot,
    /// How it is compared.
    pub test: Test,
    /// With what.
    pub value: Expr,
}

/// An arm of a `match`.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// The constants it takes; [`Value::Empty`] for `empty`.
    pub values: Vec<Value>,
    /// Its statements.
    pub body: Block,
}

/// A branch of a wait.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitBranch {
    /// What it waits for.
    pub until: Until,
    /// What it goes on with.
    pub body: Block,
}

/// What a branch waits for. Moment and length are computed when the wait begins, and are never empty.
#[derive(Clone, Debug, PartialEq)]
pub enum Until {
    /// A moment (datetime).
    Moment(Expr),
    /// A length of time (duration or period) from the beginning of the wait.
    After(Expr),
    /// A condition, looked at when the wait begins and whenever what it reads may have changed. It reads no clock.
    Condition(Expr),
}

impl Until {
    /// The moment, the length or the condition.
    pub fn value(&self) -> &Expr {
        match self {
            Until::Moment(value) | Until::After(value) | Until::Condition(value) => value,
        }
    }
}

/// A typed expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Which.
    pub kind: ExprKind,
    /// The type of its value.
    pub ty: Type,
    /// Whether it may be empty: `T?`.
    pub optional: bool,
    /// Where it stands.
    pub span: Span,
}

/// The expressions. A condition is an expression of type boolean; an empty one counts as false.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A constant; [`Value::Empty`] for `empty`.
    Constant(Value),
    /// The triggering record's reference.
    This,
    /// A field of the triggering record.
    Field(Slot),
    /// Its value before the operation.
    Old(Slot),
    /// Whether this operation gives it a different value.
    Changed(Slot),
    /// A field of the record that a lookup refers to; empty where the lookup is.
    Related { record: Box<Expr>, entity: EntityId, slot: Slot },
    /// A field of the record that a query looks at.
    Row { entity: EntityId, slot: Slot },
    /// What is worked out of the records that a query takes; the type is that of the field that it is about.
    Query { aggregate: Aggregate, field: Option<Type>, query: Box<Query> },
    /// The one record of an entity whose fields have these values; a fault where there is none, or more than one.
    ByKey { entity: EntityId, values: Vec<(Slot, Expr)> },
    /// A `let`.
    Local(LocalId),
    /// An input of the flow, by position.
    Input(u16),
    /// The start of the outermost operation.
    Now,
    /// Its date in the organisation's time zone.
    Today,
    /// The user who started it.
    Caller,
    /// The value, or a fault where it is empty.
    Require(Box<Expr>),
    /// A whole number as a decimal or money; decimal as money. An empty one stays empty. Numbers of one kind but
    /// another width or scale are held alike and stand beside each other without it.
    Convert(Box<Expr>),
    /// `not`; of an empty value, true.
    Not(Box<Expr>),
    /// `and`, the right side only where the left is true.
    And(Box<Expr>, Box<Expr>),
    /// `or`, the right side only where the left isn't true.
    Or(Box<Expr>, Box<Expr>),
    /// Both sides of one type. `==` and `!=` compare empty as a value; the others are false with an empty side.
    Compare { comparison: Comparison, left: Box<Expr>, right: Box<Expr> },
    /// Text in text, or an option in a set of options; false with an empty side.
    Contains { test: Containment, left: Box<Expr>, right: Box<Expr> },
    /// Whether the value equals one of the list.
    In { value: Box<Expr>, list: Vec<Expr> },
    /// `low <= value and value <= high`, false with an empty part.
    Between { value: Box<Expr>, low: Box<Expr>, high: Box<Expr> },
    /// Whether there is no value.
    IsEmpty(Box<Expr>),
    /// The left side, or the right where it is empty.
    Coalesce(Box<Expr>, Box<Expr>),
    /// Both sides of the result's type, except that `/` of two integers, or of two moneys, gives a decimal.
    Arithmetic { operator: Operator, left: Box<Expr>, right: Box<Expr> },
    /// A set of options with one put in (`Add`) or taken out (`Subtract`); no option changes nothing. A set without options is empty.
    WithOption { operator: Operator, set: Box<Expr>, option: Box<Expr> },
    /// `-e`.
    Negate(Box<Expr>),
    /// A date, datetime or duration plus or minus a duration or period (`Add`, `Subtract`), or a duration times a whole number (`Multiply`).
    Shift { operator: Operator, left: Box<Expr>, right: Box<Expr> },
    /// `datetime - datetime`: a duration.
    Elapsed { later: Box<Expr>, earlier: Box<Expr> },
    /// A built-in function.
    Call { function: &'static Function, arguments: Vec<Expr> },
    /// The parts as text, one after the other.
    Concat(Vec<Expr>),
    /// A value as text, by the rules of *As text*; empty gives an empty text.
    ToText(Box<Expr>),
}

/// The comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// The tests on text and sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Containment {
    /// `contains`
    Contains,
    /// `starts with`
    StartsWith,
    /// `ends with`
    EndsWith,
}

/// The arithmetic operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`, rounded half to even at 10 decimals
    Divide,
    /// `%`, of whole numbers
    Remainder,
}

/// A checked test or scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its title or name.
    pub name: SmolStr,
    /// Whether it is a test.
    pub test: bool,
    /// Where its name stands.
    pub span: Span,
    /// Its statements.
    pub steps: Vec<Step>,
    /// Its `let` names.
    pub locals: Vec<Local>,
    /// The table that repeats it, at the end of a test.
    pub table: Option<Table>,
}

/// The table of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The names of its header.
    pub names: Vec<LocalId>,
    /// Its rows; each has a cell for every name.
    pub rows: Vec<TableRow>,
}

/// A row of a table: the values of its names, computed before the first statement.
#[derive(Clone, Debug, PartialEq)]
pub struct TableRow {
    /// The values.
    pub cells: Vec<Expr>,
    /// From the first bar to the last.
    pub span: Span,
}

/// A statement of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Which.
    pub kind: StepKind,
    /// The whole statement in the source.
    pub span: Span,
}

/// The statements of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// An operation (`Create`, `Update`, `Delete`, `Start`) or a `Let`, as the acting user.
    Do(StmtKind),
    /// A flow on demand; the arguments are by position of the input, each at most once.
    Run { flow: SmolStr, arguments: Vec<(u16, Expr)>, record: Record },
    /// A change of the record that has this key, or a new one with it; what is written holds the fields of the key.
    Upsert { entity: EntityId, key: FieldSet, values: Vec<Write>, into: Option<LocalId> },
    /// New records, all or none.
    CreateMultiple { entity: EntityId, targets: Vec<Vec<Write>> },
    /// Changes of records of one entity, all or none.
    UpdateMultiple { entity: EntityId, targets: Vec<(Record, Vec<Write>)> },
    /// A user comes to be, with these roles, in this business unit.
    User { name: SmolStr, roles: Vec<SmolStr>, business_unit: Option<SmolStr>, teams: Vec<SmolStr> },
    /// The steps, in one transaction.
    InTransaction(Vec<Step>),
    /// Moves the clock on to this moment (a datetime).
    Advance(Expr),
    /// The steps, done by a user.
    As { user: SmolStr, steps: Vec<Step> },
    /// Prints a value.
    Show(Expr),
    /// Prints what the audit has of a record.
    ShowAudit(Record),
    /// Must be true.
    Expect(Expr),
    /// The last operation was stopped, with this reason (text).
    ExpectStopped(Option<Expr>),
    /// The last operation ended in a fault, with this code.
    ExpectFault(Option<Code>),
    /// Exactly these flows ran in the last operation, in this order.
    ExpectRan(Vec<SmolStr>),
    /// None of these ran in the last operation.
    ExpectNotRan(Vec<SmolStr>),
    /// Runs the jobs that are due.
    RunJobs,
    /// The last job of a flow or plug-in is in this state, with this message (text).
    ExpectJob { name: SmolStr, status: Status, message: Option<Expr> },
}
