//! The layout of expressions: chains of operators break before each of their operators, lists at their commas.

use super::sheet::{Minus, Sheet};
use crate::source::Span;
use crate::syntax::ast::{BinaryOperator, Expr, ExprKind, RecordExpr, TextLiteral, TextPart, UnaryOperator, Write};
use crate::syntax::token::Token;

/// How much further a chain of operators is indented than what it stands in.
pub(super) const CHAIN: usize = 4;

impl Sheet<'_> {
    pub(super) fn expr(&mut self, expr: &Expr) {
        self.chain(expr, CHAIN);
    }

    /// An expression whose operators, if it is a chain of them, are indented so much when they are broken.
    pub(super) fn chain(&mut self, expr: &Expr, indent: usize) {
        match &expr.kind {
            ExprKind::Binary { operator, left, right, .. } => match looseness(*operator) {
                Some(looseness) => {
                    let first = self.at(left.span.start);
                    self.group(first, self.last(right.span), indent);
                    self.links(expr, looseness);
                }
                None => self.each([&**left, right]),
            },
            ExprKind::Unary { operator, operand } => {
                if *operator == UnaryOperator::Negate {
                    let sign = self.at(operand.span.start).saturating_sub(1);
                    self.place(sign, |place| place.minus = Minus::Sign);
                }
                self.expr(operand);
            }
            ExprKind::Text(text) => self.text(text),
            ExprKind::Field { base, .. } => self.expr(base),
            ExprKind::Call { function, arguments } => {
                self.arguments(self.last(function.span) + 1);
                self.each(arguments);
            }
            ExprKind::Query { function, entity, filter, .. } => {
                let open = self.last(function.span) + 1;
                self.arguments(open);
                self.place(open, |place| place.list = false);
                let condition = self.at(filter.span.start);
                self.group(self.at(entity.span.start), self.last(filter.span), CHAIN);
                self.breaks(condition.saturating_sub(1));
                self.expr(filter);
            }
            ExprKind::Key { keys, .. } => self.each(keys),
            ExprKind::In { value, list } => {
                if let Some(first) = list.first() {
                    let open = self.at(first.span.start).saturating_sub(1);
                    self.place(open, |place| place.list = true);
                }
                self.expr(value);
                self.each(list);
            }
            ExprKind::IsEmpty { value, .. } => self.expr(value),
            ExprKind::Between { value, low, high } => self.each([&**value, low, high]),
            ExprKind::Number(_)
            | ExprKind::Boolean(_)
            | ExprKind::Empty
            | ExprKind::Date(_)
            | ExprKind::DateTime(_)
            | ExprKind::LocalDateTime(_)
            | ExprKind::Duration(..)
            | ExprKind::Name(_)
            | ExprKind::This
            | ExprKind::Old
            | ExprKind::Now
            | ExprKind::Today
            | ExprKind::Caller => {}
        }
    }

    /// The operators of a chain, and what stands between them.
    fn links(&mut self, chain: &Expr, looseness: u8) {
        let ExprKind::Binary { operator_span, left, right, .. } = &chain.kind else { return };
        let sign = self.at(operator_span.start);
        self.breaks(sign);
        self.place(sign, |place| place.minus = Minus::Operator);
        self.expr(right);
        match &left.kind {
            ExprKind::Binary { operator, left: inner, .. }
                if self::looseness(*operator) == Some(looseness) && !is_bracketed(left, inner) =>
            {
                self.links(left, looseness);
            }
            _ => self.expr(left),
        }
    }

    fn each<'e>(&mut self, list: impl IntoIterator<Item = &'e Expr>) {
        list.into_iter().for_each(|expr| self.expr(expr));
    }

    pub(super) fn text(&mut self, text: &TextLiteral) {
        for part in &text.parts {
            if let TextPart::Expr(expr) = part {
                self.expr(expr);
            }
        }
    }

    pub(super) fn record(&mut self, record: &RecordExpr) {
        self.expr(&record.expr);
    }

    pub(super) fn writes(&mut self, writes: &[Write]) {
        writes.iter().for_each(|write| self.expr(&write.value));
    }

    /// A number of a declaration: a `-` before it is its sign.
    pub(super) fn number(&mut self, span: Span) {
        let first = self.at(span.start);
        if self.kind(first) == Some(Token::Operator) {
            self.place(first, |place| place.minus = Minus::Sign);
        }
    }
}

/// Whether a chain is broken at an operator, and how loosely it binds: operators of one number are one chain.
fn looseness(operator: BinaryOperator) -> Option<u8> {
    use BinaryOperator::{Add, And, Coalesce, Divide, Multiply, Or, Remainder, Subtract};
    match operator {
        Or => Some(1),
        And => Some(2),
        Coalesce => Some(3),
        Add | Subtract => Some(4),
        Multiply | Divide | Remainder => Some(5),
        _ => None,
    }
}

/// Whether an expression that begins with another has parentheses of its own.
fn is_bracketed(expr: &Expr, first: &Expr) -> bool {
    expr.span.start < first.span.start
}
