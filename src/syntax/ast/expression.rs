//! Expressions and texts.

#![expect(missing_docs, reason = "the fields of a variant are told by the form in the variant's own words")]

use smol_str::SmolStr;

use super::Name;
use crate::source::Span;
use crate::value::Decimal;

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
