//! Which types meet: integer → decimal → money, and nothing else by itself. Constants are converted here and now.
//!
//! Numbers of one kind but another scale or width need no conversion: they are held alike.

use crate::check::context::Context;
use crate::check::ir::{Expr, ExprKind};
use crate::syntax::ast;
use crate::value::{Decimal, Type, Value};

use super::{constant, constant_of, typed};

/// The kinds of numbers, in the order in which they mix. A float mixes with none of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Number {
    Whole,
    Decimal,
    Money,
}

/// Which kind of number a type is.
pub(super) fn number(ty: &Type) -> Option<Number> {
    match ty {
        Type::Integer | Type::BigInt => Some(Number::Whole),
        Type::Decimal(_) => Some(Number::Decimal),
        Type::Money(_) => Some(Number::Money),
        _ => None,
    }
}

/// How many decimals a number's type has.
pub(super) fn scale(ty: &Type) -> u8 {
    match ty {
        Type::Decimal(scale) | Type::Money(scale) => *scale,
        _ => 0,
    }
}

/// The type of a number of a kind and scale that holds both of two.
pub(super) fn common(one: &Type, other: &Type) -> Option<Type> {
    let scale = scale(one).max(scale(other));
    Some(match number(one)?.max(number(other)?) {
        Number::Whole if *one == Type::Integer && *other == Type::Integer => Type::Integer,
        Number::Whole => Type::BigInt,
        Number::Decimal => Type::Decimal(scale),
        Number::Money => Type::Money(scale),
    })
}

/// A number as one of a kind that is further up; the scale stays its own.
pub(super) fn convert(expr: Expr, to: Number) -> Expr {
    let (Some(from), own) = (number(&expr.ty), scale(&expr.ty)) else { return expr };
    if from >= to {
        return expr;
    }
    let ty = if to == Number::Money { Type::Money(own) } else { Type::Decimal(own) };
    let span = expr.span;
    match constant_of(&expr) {
        Some(Value::Integer(whole)) => constant(Value::Decimal(Decimal::from(*whole)), ty, span),
        Some(value) => constant(value.clone(), ty, span),
        None => {
            let optional = expr.optional;
            Expr { optional, ..typed(ExprKind::Convert(Box::new(expr)), ty, span) }
        }
    }
}

/// A constant number as a float, which is the only way in which a number becomes one.
pub(super) fn float_constant(expr: Expr) -> Expr {
    let float = match constant_of(&expr) {
        Some(Value::Integer(whole)) => Some(*whole as f64),
        Some(Value::Decimal(number)) => f64::try_from(*number).ok(),
        _ => None,
    };
    match float {
        Some(float) => constant(Value::Float(float), Type::Float, expr.span),
        None => expr,
    }
}

/// A constant number beside a float becomes one.
pub(super) fn with_floats((left, right): (Expr, Expr)) -> (Expr, Expr) {
    match (&left.ty, &right.ty) {
        (Type::Float, _) => (left, float_constant(right)),
        (_, Type::Float) => (float_constant(left), right),
        _ => (left, right),
    }
}

/// Two values as values of one type, or back as they are where there is none.
pub(super) fn unify(left: Expr, right: Expr) -> Result<(Expr, Expr), Box<(Expr, Expr)>> {
    if let (Some(one), Some(other)) = (number(&left.ty), number(&right.ty)) {
        let kind = one.max(other);
        return Ok((convert(left, kind), convert(right, kind)));
    }
    let (left, right) = with_floats((left, right));
    if same(&left.ty, &right.ty) { Ok((left, right)) } else { Err(Box::new((left, right))) }
}

/// Whether values of two types can be equal without a conversion.
fn same(one: &Type, other: &Type) -> bool {
    match (one, other) {
        (Type::Lookup(one), Type::Lookup(other)) => one.iter().any(|entity| other.contains(entity)),
        _ => one == other,
    }
}

impl Context<'_> {
    /// Two expressions of which each may fix the type of the other: `industry == banking`, `banking == industry`.
    pub(super) fn pair(&mut self, left: &ast::Expr, right: &ast::Expr, expected: Option<&Type>) -> Option<(Expr, Expr)> {
        let from_left = self.natural(left);
        let from_right = self.natural(right);
        if from_left.is_none() && from_right.is_some() {
            let left = self.expression(left, from_right.as_ref());
            let right = self.expression(right, expected);
            return left.zip(right);
        }
        let left_expected = match (&from_right, &from_left) {
            // Of two fields, an option of the other's choice wins over a field of that name.
            (Some(Type::Choice(_) | Type::Choices(_)), _) => from_right.as_ref(),
            _ => expected,
        };
        match self.expression(left, left_expected) {
            Some(left) => {
                let right = self.expression(right, Some(&left.ty))?;
                Some((left, right))
            }
            None => {
                // Of a name that the left side would have explained, nothing more is said.
                if from_right.is_some() || !matches!(right.kind, ast::ExprKind::Name(_) | ast::ExprKind::Empty) {
                    self.expression(right, None);
                }
                None
            }
        }
    }

    /// What a list of expressions says about the type of the value before it.
    pub(super) fn first_natural(&self, list: &[&ast::Expr]) -> Option<Type> {
        list.iter().find_map(|e| self.natural(e))
    }
}
