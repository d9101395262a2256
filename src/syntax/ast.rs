//! The tree of a source file, as it was written: names are text, nothing is resolved.
//!
//! Every node has the span of its own words, without white space or comments behind them. A statement or
//! declaration that could not be read is not in the tree; its diagnostic says where it was. Expression trees
//! are at most [`MAX_HEIGHT`] high, so code that walks them may recurse.

#![expect(missing_docs, reason = "the fields of a variant are told by the form in the variant's own words")]

use smol_str::SmolStr;

use crate::source::{FileId, Span};
use crate::value::Decimal;

/// How high an expression's tree may be; a longer chain or deeper nest is a syntax error.
pub const MAX_HEIGHT: usize = 128;

/// How deep brackets of all kinds may nest.
pub const MAX_NESTING: usize = 64;

/// A name or word with its place. Backticks and quotes are already taken off.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// The text.
    pub text: SmolStr,
    /// Where it stands, quotes included.
    pub span: Span,
}

/// A whole file.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Which one.
    pub id: FileId,
    /// Its `//!` lines, joined by line breaks.
    pub doc: Option<SmolStr>,
    /// Its declarations in order.
    pub items: Vec<Item>,
}

/// A declaration.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// `entity account { … }`
    Entity(Entity),
    /// `choice Rating { … }`
    Choice(Choice),
    /// `flow CreditHold on account { … }`
    Flow(Flow),
    /// `action ApproveDiscount on opportunity { … }`
    Action(Action),
    /// `plugin CreditBureau on account { … }`
    Plugin(Plugin),
    /// `role Sales { … }`
    Role(Role),
    /// `test "…" { … }`
    Test(Scenario),
    /// `scenario NAME { … }`
    Scenario(Scenario),
}

/// `entity NAME "label" { member… }`
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    /// Its `///` lines.
    pub doc: Option<SmolStr>,
    /// Its logical name.
    pub name: Name,
    /// Its label.
    pub label: Option<Name>,
    /// What stands between the braces.
    pub members: Vec<Member>,
    /// The whole declaration.
    pub span: Span,
}

/// A line of an entity.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all members are fields, so a box would save nothing")]
pub enum Member {
    /// A field.
    Field(Field),
    /// `status { active {…} inactive {…} }`
    Status(StatusBlock),
    /// `key (a, b)`
    Key(Vec<Name>, Span),
    /// `on delete of FIELD: cascade`; the behaviour's words are joined by single blanks.
    OnDelete(Name, Name, Span),
    /// `owned by user`
    OwnedBy(Name, Span),
    /// A line that can't be read, by its first word; its error is told already.
    Unread(SmolStr),
}

/// `name "label" type modifiers = default`
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its `///` lines.
    pub doc: Option<SmolStr>,
    /// Its logical name.
    pub name: Name,
    /// Its label.
    pub label: Option<Name>,
    /// Its type.
    pub ty: TypeExpr,
    /// `required`, `primary`, in the order written.
    pub modifiers: Vec<Name>,
    /// What stands after `=`.
    pub default: Option<Expr>,
    /// The whole line.
    pub span: Span,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeExpr {
    /// Which.
    pub kind: TypeKind,
    /// Where.
    pub span: Span,
}

/// The forms of a type. Numbers are as written: the checker holds them against their limits.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeKind {
    /// `boolean`, `float`, `date`, `uuid`, or a word that is no type at all.
    Word(SmolStr),
    /// `integer`, `bigint`, with `(a..b)`.
    Integer { big: bool, low: Option<Number>, high: Option<Number> },
    /// `decimal(s)`.
    Decimal(Option<Number>),
    /// `money(s)`.
    Money(Option<Number>),
    /// `text(n)`.
    Text(Option<Number>),
    /// `memo(n)`.
    Memo(Option<Number>),
    /// `datetime`, or `datetime local`.
    DateTime { local: bool },
    /// `choice Name`, `choices Name`.
    Choice { many: bool, name: Name },
    /// `choice { … }`, `choices { … }`.
    InlineChoice { many: bool, options: Vec<ChoiceOption> },
    /// `lookup a | b`.
    Lookup(Vec<Name>),
}

/// A number in a declaration, with its sign.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// Its value.
    pub value: Decimal,
    /// Where it stands.
    pub span: Span,
}

/// `name = code "label"`
#[derive(Clone, Debug, PartialEq)]
pub struct ChoiceOption {
    /// As written in flows.
    pub name: Name,
    /// As stored.
    pub code: Number,
    /// As people see it.
    pub label: Option<Name>,
}

/// The status reasons of an entity.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusBlock {
    /// Those of the active state.
    pub active: Vec<ChoiceOption>,
    /// Those of the inactive state.
    pub inactive: Vec<ChoiceOption>,
    /// The whole block.
    pub span: Span,
}

/// `choice NAME "label" { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Its `///` lines.
    pub doc: Option<SmolStr>,
    /// Its name.
    pub name: Name,
    /// Its label.
    pub label: Option<Name>,
    /// Its options.
    pub options: Vec<ChoiceOption>,
    /// The whole declaration.
    pub span: Span,
}

/// `flow NAME on ENTITY { clause… statement… }`
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Its `///` lines.
    pub doc: Option<SmolStr>,
    /// Its name.
    pub name: Name,
    /// The entity whose records it is about.
    pub entity: Name,
    /// Its clauses in order.
    pub clauses: Vec<Clause>,
    /// Its statements.
    pub body: Block,
    /// The whole declaration.
    pub span: Span,
}

/// A clause of a flow, an action or a plug-in. Words that the checker has to know are kept as written, hyphens included,
/// several joined by single blanks: `real-time`, `business unit`.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// Which, with its values.
    pub kind: ClauseKind,
    /// The clause with all its words.
    pub span: Span,
}

/// The clauses.
#[derive(Clone, Debug, PartialEq)]
pub enum ClauseKind {
    /// `mode real-time`
    Mode(Name),
    /// `trigger create, update(f) at pre-operation`
    Trigger(Vec<Trigger>),
    /// `stage pre-operation`
    Stage(Name),
    /// `rank -3`
    Rank(Number),
    /// `run as owner`
    RunAs(Name),
    /// `owner "Anna Miller"`
    Owner(Name),
    /// `input amount money required`
    Input(Field),
    /// `output approved boolean`
    Output(Field),
    /// `scope business unit`
    Scope(Name),
    /// `log errors`
    LogErrors,
    /// `when condition`
    When(Expr),
    /// `allow cycle`
    AllowCycle,
    /// `draft`
    Draft,
    /// `rollback on`
    Rollback(Name),
    /// `via host`, `via command "…"`, `via webhook "…"`
    Via(Name, Option<Name>),
    /// `reads`, `sets`, `creates`, `updates`, `deletes`, `queries`, `performs` with names
    Effects(Name, Vec<Name>),
    /// `effects unknown`
    EffectsUnknown,
    /// A clause that can't be read, by its first word; its error is told already.
    Unread(SmolStr),
}

/// One event of a `trigger` clause.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// `create`, `update`, `delete`, `assign`, `status`, `on demand`, `child`, or a word that is none of them.
    pub event: Name,
    /// The fields in parentheses.
    pub fields: Option<Vec<Name>>,
    /// What stands after `at`.
    pub stage: Option<Name>,
    /// The event with all its words.
    pub span: Span,
}

/// `action NAME on ENTITY { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Its `///` lines.
    pub doc: Option<SmolStr>,
    /// Its name.
    pub name: Name,
    /// Its entity; a global action has none.
    pub entity: Option<Name>,
    /// Its clauses in order.
    pub clauses: Vec<Clause>,
    /// Its statements.
    pub body: Block,
    /// The whole declaration.
    pub span: Span,
}

/// `plugin NAME on ENTITY { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Plugin {
    /// Its `///` lines.
    pub doc: Option<SmolStr>,
    /// Its name.
    pub name: Name,
    /// Its entity.
    pub entity: Name,
    /// Its clauses in order.
    pub clauses: Vec<Clause>,
    /// The whole declaration.
    pub span: Span,
}

/// `role NAME { privilege… }`
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// Its `///` lines.
    pub doc: Option<SmolStr>,
    /// Its name.
    pub name: Name,
    /// Its privileges.
    pub privileges: Vec<Privilege>,
    /// The whole declaration.
    pub span: Span,
}

/// `privilege create, read on account, contact at business unit`
#[derive(Clone, Debug, PartialEq)]
pub struct Privilege {
    /// `create`, `activate real-time`, …
    pub rights: Vec<Name>,
    /// The entities.
    pub entities: Vec<Name>,
    /// The level.
    pub level: Option<Name>,
    /// The whole line.
    pub span: Span,
}

/// A test or a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its `///` lines.
    pub doc: Option<SmolStr>,
    /// Its title or name.
    pub name: Name,
    /// Its statements.
    pub body: Block,
    /// The whole declaration.
    pub span: Span,
}

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
    /// `user "alice" { role Sales, businessunit "North" }`
    User { name: Name, roles: Vec<Name>, business_unit: Option<Name> },
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
    /// `expect …`
    Expect(Expectation),
    /// `table { | a | b | … }`
    Table { header: Vec<Name>, rows: Vec<(Vec<Expr>, Span)> },
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

/// A pattern of an arm. `empty` is an [`ExprKind::Empty`].
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// `else`
    Else(Span),
    /// An option, a literal, `empty`.
    Value(Expr),
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

/// A text with its interpolated expressions.
#[derive(Clone, Debug, PartialEq)]
pub struct TextLiteral {
    /// Its parts in order; escapes are already read.
    pub parts: Vec<TextPart>,
    /// From quote to quote.
    pub span: Span,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq)]
pub enum TextPart {
    /// As it stands.
    Text(SmolStr),
    /// `{expression}`
    Expr(Expr),
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Which.
    pub kind: ExprKind,
    /// The whole expression.
    pub span: Span,
}

/// The expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `1_000.50`; the scale is as written.
    Number(Decimal),
    /// `"Hello {name}"`
    Text(TextLiteral),
    /// `true`, `false`
    Boolean(bool),
    /// `empty`
    Empty,
    /// `2026-11-20`
    Date(jiff::civil::Date),
    /// `2026-11-20T09:30:00Z`
    DateTime(jiff::Timestamp),
    /// `2026-11-20T09:30`
    LocalDateTime(jiff::civil::DateTime),
    /// `3 days`: the number and the unit in the singular.
    Duration(Decimal, SmolStr),
    /// `name`
    Name(SmolStr),
    /// `this`
    This,
    /// `old`
    Old,
    /// `now`
    Now,
    /// `today`
    Today,
    /// `caller`
    Caller,
    /// `base.name`
    Field { base: Box<Expr>, name: Name },
    /// `function(a, b)`
    Call { function: Name, arguments: Vec<Expr> },
    /// `count(contact where …)`, `sum(opportunity.amount where …)`; one without a `where` is a [`ExprKind::Call`].
    Query { function: Name, entity: Name, field: Option<Name>, filter: Box<Expr> },
    /// `team["Sales"]`
    Key { entity: Name, keys: Vec<Expr> },
    /// `not e`, `-e`
    Unary { operator: UnaryOperator, operand: Box<Expr> },
    /// `a + b`
    Binary { operator: BinaryOperator, operator_span: Span, left: Box<Expr>, right: Box<Expr> },
    /// `e in (a, b)`
    In { value: Box<Expr>, list: Vec<Expr> },
    /// `e is empty`, `e is not empty`
    IsEmpty { value: Box<Expr>, negated: bool },
    /// `e between a and b`
    Between { value: Box<Expr>, low: Box<Expr>, high: Box<Expr> },
}

/// The operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `not`
    Not,
    /// `-`
    Negate,
}

/// The operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `or`
    Or,
    /// `and`
    And,
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
    /// `contains`
    Contains,
    /// `starts with`
    StartsWith,
    /// `ends with`
    EndsWith,
    /// `??`
    Coalesce,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}
