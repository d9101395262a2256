//! Comparisons: `==` and its like, `in`, `between`, `is empty`, and `??`.

use crate::check::context::Context;
use crate::check::ir::{Comparison, Expr, ExprKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOperator as Binary, ExprKind as Kind};
use crate::value::Type;

use super::conversion::{convert, number, unify};
use super::{boolean, typed};

impl Context<'_> {
    /// `a == b`, `a < b` and the like.
    pub(super) fn compare(&mut self, operator: Binary, left: &ast::Expr, right: &ast::Expr, span: Span) -> Option<Expr> {
        let comparison = comparison(operator)?;
        for (one, other) in [(left, right), (right, left)] {
            if matches!(one.kind, Kind::Empty) {
                return self.compare_with_empty(comparison, other, one.span, span);
            }
        }
        let (left, right) = self.pair(left, right, None)?;
        let (left, right) = self.comparable(left, right, comparison)?;
        Some(boolean(ExprKind::Compare { comparison, left: Box::new(left), right: Box::new(right) }, span))
    }

    fn compare_with_empty(&mut self, comparison: Comparison, value: &ast::Expr, empty: Span, span: Span) -> Option<Expr> {
        if matches!(value.kind, Kind::Empty) {
            return self.expression(value, None);
        }
        match comparison {
            Comparison::Equal => self.is_empty(value, false, span),
            Comparison::NotEqual => self.is_empty(value, true, span),
            _ => {
                self.expression(value, None)?;
                let help = "`empty` is neither small nor large: write `is empty` or `is not empty`";
                self.report(Diagnostic::new(Code::E0411, empty, "`empty` has no order").help(help));
                None
            }
        }
    }

    /// Both sides as values of one type that the comparison is made for.
    fn comparable(&mut self, left: Expr, right: Expr, comparison: Comparison) -> Option<(Expr, Expr)> {
        let (left, right) = match unify(left, right) {
            Ok(sides) => sides,
            Err(sides) => {
                let (left, right) = *sides;
                return self.incomparable(&left, &right);
            }
        };
        if !matches!(comparison, Comparison::Equal | Comparison::NotEqual) && !has_order(&left.ty) {
            let what = self.describe(&left.ty);
            let help = "`<`, `>` and the like are for numbers, dates, times, durations and text; write `==`, `!=` or `in (…)`";
            self.report(Diagnostic::new(Code::E0411, left.span.to(right.span), format!("{what} has no order")).help(help));
            return None;
        }
        Some((left, right))
    }

    pub(super) fn incomparable<T>(&mut self, left: &Expr, right: &Expr) -> Option<T> {
        let (one, other) = (self.describe(&left.ty), self.describe(&right.ty));
        let message = if one == other { "these can't be compared".to_owned() } else { format!("{one} can't be compared with {other}") };
        let diagnostic = Diagnostic::new(Code::E0410, left.span, message).label(one).also(right.span, other);
        let diagnostic = match hint(&left.ty, &right.ty).or_else(|| hint(&right.ty, &left.ty)) {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        };
        self.report(diagnostic);
        None
    }

    /// `e in (a, b)`.
    pub(super) fn in_list(&mut self, value: &ast::Expr, list: &[ast::Expr], span: Span) -> Option<Expr> {
        let natural = self.first_natural(&list.iter().collect::<Vec<_>>());
        let mut value = self.expression(value, natural.as_ref())?;
        let ty = value.ty.clone();
        let items: Vec<Option<Expr>> = list.iter().map(|item| self.expression(item, Some(&ty))).collect();
        let items = items.into_iter().collect::<Option<Vec<Expr>>>()?;
        for item in &items {
            match unify(value, item.clone()) {
                Ok((unified, _)) => value = unified,
                Err(sides) => return self.incomparable(&sides.0, &sides.1),
            }
        }
        let kind = number(&value.ty);
        let list = items.into_iter().map(|item| match (kind, &value.ty) {
            (Some(kind), _) => convert(item, kind),
            (None, Type::Float) => super::conversion::float_constant(item),
            (None, _) => item,
        });
        let list = list.collect();
        Some(boolean(ExprKind::In { value: Box::new(value), list }, span))
    }

    /// `e between a and b`.
    pub(super) fn between(&mut self, value: &ast::Expr, low: &ast::Expr, high: &ast::Expr, span: Span) -> Option<Expr> {
        let natural = self.first_natural(&[low, high]);
        let value = self.expression(value, natural.as_ref())?;
        let low = self.expression(low, Some(&value.ty));
        let high = self.expression(high, Some(&value.ty));
        let (low, high) = low.zip(high)?;
        let (value, low) = self.comparable(value, low, Comparison::LessOrEqual)?;
        let (value, high) = self.comparable(value, high, Comparison::LessOrEqual)?;
        let low = match number(&value.ty) {
            Some(kind) => convert(low, kind),
            None => low,
        };
        Some(boolean(ExprKind::Between { value: Box::new(value), low: Box::new(low), high: Box::new(high) }, span))
    }

    /// `e is empty`, `e is not empty`.
    pub(super) fn is_empty(&mut self, value: &ast::Expr, negated: bool, span: Span) -> Option<Expr> {
        let value = self.expression(value, None)?;
        if !value.optional && !self.in_scenario() {
            let answer = if negated { "always" } else { "never" };
            let message = format!("this is {answer} true");
            self.report(Diagnostic::new(Code::W0503, span, message).also(value.span, "this is never empty here").help("take the test out"));
        }
        let test = boolean(ExprKind::IsEmpty(Box::new(value)), span);
        Some(if negated { boolean(ExprKind::Not(Box::new(test)), span) } else { test })
    }

    /// `a ?? b`.
    pub(super) fn coalesce(
        &mut self,
        left: &ast::Expr,
        right: &ast::Expr,
        operator: Span,
        span: Span,
        expected: Option<&Type>,
    ) -> Option<Expr> {
        let (left, right) = self.pair(left, right, expected)?;
        if !left.optional && !self.in_scenario() {
            let unused = operator.to(right.span);
            let gap = Span { start: left.span.end, ..unused };
            self.report(
                Diagnostic::new(Code::W0501, unused, "what stands after `??` is never used")
                    .also(left.span, "this is never empty here")
                    .help("take it out")
                    .fix(gap, ""),
            );
        }
        let (left, right) = match unify(left, right) {
            Ok(sides) => sides,
            Err(sides) => return self.mismatched_alternative(&sides.0, &sides.1),
        };
        let optional = left.optional && right.optional;
        let ty = together(&left.ty, &right.ty);
        Some(Expr { optional, ..typed(ExprKind::Coalesce(Box::new(left), Box::new(right)), ty, span) })
    }

    fn mismatched_alternative<T>(&mut self, left: &Expr, right: &Expr) -> Option<T> {
        let (one, other) = (self.describe(&left.ty), self.describe(&right.ty));
        let message = format!("{other} can't stand for {one}");
        self.report(
            Diagnostic::new(Code::E0410, right.span, message).also(left.span, one).help("both sides of `??` are values of one type"),
        );
        None
    }
}

/// The type that holds the values of both, which are of one kind.
pub(super) fn together(one: &Type, other: &Type) -> Type {
    match (one, other) {
        (Type::Lookup(left), Type::Lookup(right)) => {
            let mut all: Vec<_> = left.iter().chain(right.iter()).copied().collect();
            all.sort_unstable();
            all.dedup();
            Type::Lookup(all.into())
        }
        _ => super::conversion::common(one, other).unwrap_or_else(|| one.clone()),
    }
}

fn comparison(operator: Binary) -> Option<Comparison> {
    Some(match operator {
        Binary::Equal => Comparison::Equal,
        Binary::NotEqual => Comparison::NotEqual,
        Binary::Less => Comparison::Less,
        Binary::LessOrEqual => Comparison::LessOrEqual,
        Binary::Greater => Comparison::Greater,
        Binary::GreaterOrEqual => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

/// Whether `<` and the like exist for a type.
pub(super) fn has_order(ty: &Type) -> bool {
    !matches!(ty, Type::Boolean | Type::Choice(_) | Type::Choices(_) | Type::Lookup(_) | Type::Uuid)
}

fn hint(one: &Type, other: &Type) -> Option<&'static str> {
    Some(match (one, other) {
        (Type::Choices(_), Type::Choice(_)) => "a set is asked with `contains`: `tags contains option`",
        (Type::Duration, Type::Period) => "a month or a year has no fixed number of days; add it to a date and compare the dates",
        (Type::DateTime, Type::Date) => "compare with a datetime: `2026-01-31T00:00:00Z`, or ask `days_between(…)`",
        (Type::LocalDateTime, Type::DateTime | Type::Date) => "a local datetime is compared with one: `2026-01-31T09:30`",
        (Type::Choice(_), Type::Text) => "name the option without quotes, or compare its label: `label(…) == \"…\"`",
        (Type::Choice(_), Type::Integer) => "name the option: a choice is written by its name, not by its code",
        (Type::Float, _) if number(other).is_some() => "a float is for interchange; it never mixes with exact numbers",
        (Type::Lookup(_), Type::Text) => "compare a field of the record: `….name == \"…\"`",
        (Type::Date, Type::Text) => "write a date without quotes: `2026-01-31`",
        (Type::DateTime, Type::Text) => "write a time without quotes: `2026-01-31T09:30:00Z`",
        (Type::Integer | Type::BigInt | Type::Decimal(_) | Type::Money(_), Type::Text) => "write a number without quotes: `12`",
        (Type::Boolean, _) => "write the condition by itself, or compare it with `true` or `false`",
        _ => return None,
    })
}
