//! The typed steps of a test or scenario; the rest of the tree is in [`ir`](super).

#![expect(missing_docs, reason = "the fields of a variant are told by the form in the variant's own words")]

use smol_str::SmolStr;

use super::{Action, Expr, Flow, Local, LocalId, Record, StmtKind, Write};
use crate::diagnostic::Code;
use crate::schema::FieldSet;
use crate::schema::jobs::Status;
use crate::source::Span;
use crate::value::EntityId;

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
    /// The words by which a test can be chosen.
    pub tags: Vec<SmolStr>,
    /// Why a test isn't run.
    pub skip: Option<SmolStr>,
}

/// What a test puts in the place of code outside the language.
#[derive(Clone, Debug, PartialEq)]
pub enum Fake {
    /// Of a plug-in: a flow at its place.
    Plugin(Flow),
    /// Of an action.
    Action(Action),
}

impl Fake {
    /// The name of the plug-in or action.
    pub fn name(&self) -> &SmolStr {
        match self {
            Fake::Plugin(flow) => &flow.head.name,
            Fake::Action(action) => &action.head.name,
        }
    }
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
    /// From here on this runs in the place of code outside the language.
    Fake(Box<Fake>),
}
