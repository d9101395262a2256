//! Declarations: entities, choices, flows with their clauses, actions, plug-ins, roles, tests and scenarios.

#![expect(missing_docs, reason = "the fields of a variant are told by the form in the variant's own words")]

use smol_str::SmolStr;

use super::{Block, Expr, Name};
use crate::source::Span;
use crate::value::Decimal;

/// `entity NAME "label" { member… }`
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    /// Its `///` lines.
    pub doc: Option<SmolStr>,
    /// Its logical name.
    pub name: Name,
    /// Its label.
    pub label: Option<Name>,
    /// The table of a database that its records are the rows of: `table "Orders"`.
    pub table: Option<Name>,
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
    /// `audit on`
    Audit(Span),
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
    /// `required`, `primary`, `audited`, `unaudited`, in the order written.
    pub modifiers: Vec<Name>,
    /// The column that holds it: `column "Unit Price"`.
    pub column: Option<Name>,
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
    /// `serial`, `serial by field`
    Serial(Option<Name>),
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

/// A test, a scenario, or what several of them have in common.
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
