//! Statements, of flows and of tests and scenarios.

#![expect(missing_docs, reason = "the fields of a variant are told by the form in the variant's own words")]

use super::{Expr, Name, TextLiteral};
use crate::source::Span;

/// Statements in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// The statements.
    pub statements: Vec<Stmt>,
    /// From brace to brace.
    pub span: Span,
}

/// A statement of a flow, a test or a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Stmt {
    /// Which.
    pub kind: StmtKind,
    /// The whole statement.
    pub span: Span,
}

/// The statements. All can be written anywhere; the checker knows which may stand where.
#[derive(Clone, Debug, PartialEq)]
pub enum StmtKind {
    /// `set a = e, b += e`; `output` for `set output a = e`.
    Set { output: bool, writes: Vec<Write> },
    /// `stop "reason"`
    Stop(TextLiteral),
    /// `finish`, `finish "note"`
    Finish(Option<TextLiteral>),
    /// `start Flow(a = e) on record`
    Start { flow: Name, arguments: Vec<Write>, record: RecordExpr },
    /// `perform Action(a = e) on record`
    Perform { action: Name, arguments: Vec<Write>, record: Option<RecordExpr> },
    /// `create entity { f = e }`
    Create { entity: Name, values: Vec<Write> },
    /// `update record { f = e }`
    Update { record: RecordExpr, values: Vec<Write> },
    /// `create entity { f = e }, { f = e }`
    CreateMultiple { entity: Name, targets: Vec<Vec<Write>> },
    /// `update record { f = e }, record { f = e }`
    UpdateMultiple { targets: Vec<(RecordExpr, Vec<Write>)> },
    /// `upsert entity { f = e }`
    Upsert { entity: Name, values: Vec<Write> },
    /// `delete record`
    Delete { record: RecordExpr },
    /// `assign record to owner`
    Assign { record: RecordExpr, owner: Expr },
    /// `change status of record to won`
    ChangeStatus { record: RecordExpr, status: Expr },
    /// `send email { to = … }`
    SendEmail { values: Vec<Write> },
    /// `if c {…} else if c {…} else {…}`
    If { arms: Vec<(Expr, Block)>, otherwise: Option<Block> },
    /// `match e { a, b => {…} else => {…} }`
    Match { subject: Expr, arms: Vec<Arm> },
    /// `for each contact c where … order by … limit n {…}`
    ForEach { entity: Name, alias: Option<Name>, filter: Option<Expr>, order: Vec<(Expr, bool)>, limit: Option<Expr>, body: Block },
    /// `let x = e`
    Let { name: Name, value: Expr },
    /// `let x = create …`, `let x = perform …`
    LetResult { name: Name, activity: Box<Stmt> },
    /// `wait 3 days`
    WaitFor(Expr),
    /// `wait until e`
    WaitUntil(Expr),
    /// `wait { until e {…} after 3 days {…} }`
    WaitBranches(Vec<WaitBranch>),
    /// `log "text"`
    Log(TextLiteral),
    /// `step "title" {…}`
    Step { title: TextLiteral, body: Block },
    /// `user "alice" { role Sales, businessunit "North", team "Support" }`
    User { name: Name, roles: Vec<Name>, business_unit: Option<Name>, teams: Vec<Name> },
    /// `as "alice" {…}`
    As { user: Name, body: Block },
    /// `in transaction {…}`
    InTransaction(Block),
    /// `run Flow(a = e) on record`
    Run { flow: Name, arguments: Vec<Write>, record: RecordExpr },
    /// `advance 3 days`
    Advance(Expr),
    /// `run jobs`
    RunJobs,
    /// `show e`
    Show(Expr),
    /// `show audit of record`
    ShowAudit(RecordExpr),
    /// `expect …`
    Expect(Expectation),
    /// `table { | a | b | … }`
    Table { header: Vec<Name>, rows: Vec<TableRow> },
    /// `given NAME`: what stands there, here
    Given(Name),
    /// `tags slow, billing`
    Tags(Vec<Name>),
    /// `skip "reason"`
    Skip(Name),
    /// `fake CreditBureau { set industry = banking }`
    Fake { name: Name, body: Block },
    /// `delay …`, which is not in the language; kept so that the checker can name `wait`.
    Delay,
}

/// The forms of `expect`.
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// `expect condition`
    That(Expr),
    /// `expect stopped "reason"`
    Stopped(Option<TextLiteral>),
    /// `expect fault F12`
    Fault(Option<Name>),
    /// `expect ran A, B`
    Ran(Vec<Name>),
    /// `expect not ran C`
    NotRan(Vec<Name>),
    /// `expect job Flow succeeded`
    Job { flow: Name, outcome: Name, reason: Option<TextLiteral> },
}

/// `field = e`, `field += e`
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// The field, input or argument.
    pub name: Name,
    /// How.
    pub operator: WriteOperator,
    /// What.
    pub value: Expr,
}

/// The operators of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteOperator {
    /// `=`
    Set,
    /// `+=`
    Add,
    /// `-=`
    Subtract,
    /// `*=`
    Multiply,
}

/// The record of an activity; `record?` skips the activity where it is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordExpr {
    /// The record.
    pub expr: Expr,
    /// The `?`, where there is one.
    pub skip_if_empty: Option<Span>,
}

/// An arm of a `match`.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// Its patterns.
    pub patterns: Vec<Pattern>,
    /// Its statements.
    pub body: Block,
    /// The whole arm.
    pub span: Span,
}

/// A pattern of an arm. `empty` is an [`Empty`](super::ExprKind::Empty).
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// `else`
    Else(Span),
    /// An option, a literal, `empty`.
    Value(Expr),
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct TableRow {
    /// What stands between its bars.
    pub cells: Vec<Expr>,
    /// From the first bar to the last.
    pub span: Span,
}

/// A branch of `wait { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitBranch {
    /// `true` for `after duration`, `false` for `until e`.
    pub after: bool,
    /// The condition, moment or duration.
    pub value: Expr,
    /// Its statements.
    pub body: Block,
    /// The whole branch.
    pub span: Span,
}
