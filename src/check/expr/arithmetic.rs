//! Arithmetic: which kinds of numbers mix, how many decimals the result has, and constants computed here and now.

use crate::check::context::Context;
use crate::check::ir::{Expr, ExprKind, Operator};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOperator as Binary};
use crate::value::{Decimal, Failure, Type, Value, decimal};

use super::conversion::{Number, common, convert, number, scale, with_floats};
use super::literals::whole_constant;
use super::{constant, constant_of, typed};

/// The most decimals that a value on the way has.
const MOST_DECIMALS: u8 = 28;
/// The decimals of a quotient.
const QUOTIENT_DECIMALS: u8 = 10;

impl Context<'_> {
    /// `a + b` and the like, of numbers and of times.
    pub(super) fn arithmetic(
        &mut self,
        operator: Binary,
        operator_span: Span,
        left_written: &ast::Expr,
        right_written: &ast::Expr,
        span: Span,
    ) -> Option<Expr> {
        let operator = match operator {
            Binary::Add => Operator::Add,
            Binary::Subtract => Operator::Subtract,
            Binary::Multiply => Operator::Multiply,
            Binary::Divide => Operator::Divide,
            _ => Operator::Remainder,
        };
        let left = self.expression(left_written, None);
        let right = self.expression(right_written, None);
        let (left, right) = with_floats(left.zip(right)?);
        let Some(plan) = plan(operator, &left.ty, &right.ty) else {
            return self.refuse_arithmetic(operator, operator_span, &left, &right);
        };
        let left = self.needed(left, left_written, true);
        let right = self.needed(right, right_written, true);
        let (left, right) = left.zip(right)?;
        let (Plan::Numbers(ty) | Plan::Shift(ty) | Plan::Scaled(ty)) = &plan else {
            let kind = ExprKind::Elapsed { later: Box::new(left), earlier: Box::new(right) };
            return Some(typed(kind, Type::Duration, span));
        };
        match &plan {
            Plan::Numbers(_) => self.numbers(operator, operator_span, left, right, ty.clone(), span),
            Plan::Scaled(_) if number(&left.ty).is_some() => self.shift(operator, right, left, ty.clone(), span),
            _ => self.shift(operator, left, right, ty.clone(), span),
        }
    }

    fn numbers(&mut self, operator: Operator, operator_span: Span, left: Expr, right: Expr, ty: Type, span: Span) -> Option<Expr> {
        if scale(&ty) > MOST_DECIMALS {
            let message = format!("this would have {} decimals; there are {MOST_DECIMALS} at most", scale(&ty));
            self.report(Diagnostic::new(Code::E0415, span, message).help("round a part of it first: `round(…, 2)`"));
            return None;
        }
        let kind = number(&left.ty).max(number(&right.ty)).unwrap_or(Number::Whole);
        let (left, right) = (convert(left, kind), convert(right, kind));
        if matches!(operator, Operator::Divide | Operator::Remainder) && is_zero(&right) {
            self.report(Diagnostic::new(Code::E0419, operator_span.to(right.span), "this divides by zero").help("no number is the result"));
            return None;
        }
        if ty != Type::Float
            && let (Some(one), Some(other)) = (constant_of(&left), constant_of(&right))
        {
            return match fold(operator, one, other, &ty, span) {
                Ok(folded) => Some(folded),
                Err(_) => self.too_large(span),
            };
        }
        Some(typed(ExprKind::Arithmetic { operator, left: Box::new(left), right: Box::new(right) }, ty, span))
    }

    /// `-e`, of numbers and durations.
    pub(super) fn negate(&mut self, written: &ast::Expr, span: Span) -> Option<Expr> {
        let operand = self.expression(written, None)?;
        if matches!(operand.ty, Type::Duration | Type::Period) {
            let operand = self.needed(operand, written, true)?;
            let ty = operand.ty.clone();
            return self.shift(Operator::Multiply, operand, whole_constant(-1, span), ty, span);
        }
        if number(&operand.ty).is_none() && operand.ty != Type::Float {
            let what = self.describe(&operand.ty);
            self.report(
                Diagnostic::new(Code::E0412, span, format!("{what} has no opposite")).help("`-` stands before numbers and durations"),
            );
            return None;
        }
        let operand = self.needed(operand, written, true)?;
        if let ast::ExprKind::Number(number) = written.kind
            && let Ok(least) = i64::try_from(-number)
            && number.scale() == 0
        {
            return Some(whole_constant(least, span));
        }
        match constant_of(&operand) {
            Some(Value::Integer(whole)) => match whole.checked_neg() {
                Some(whole) => Some(whole_constant(whole, span)),
                None => self.too_large(span),
            },
            Some(Value::Decimal(number)) => Some(least(-*number, &operand.ty, span)),
            Some(Value::Float(float)) => Some(constant(Value::Float(-float), Type::Float, span)),
            _ => {
                let ty = operand.ty.clone();
                Some(typed(ExprKind::Negate(Box::new(operand)), ty, span))
            }
        }
    }

    fn too_large<T>(&mut self, span: Span) -> Option<T> {
        self.report(Diagnostic::new(Code::E0418, span, "the result is larger than a number can be").help("use smaller numbers"));
        None
    }

    fn refuse_arithmetic<T>(&mut self, operator: Operator, operator_span: Span, left: &Expr, right: &Expr) -> Option<T> {
        let (one, other) = (self.describe(&left.ty), self.describe(&right.ty));
        let sign = sign(operator);
        let code = if is_time(&left.ty) || is_time(&right.ty) {
            Code::E0414
        } else if left.ty == Type::Text || right.ty == Type::Text {
            Code::E0413
        } else {
            Code::E0412
        };
        let message = format!("`{sign}` has no meaning between {one} and {other}");
        let mut diagnostic = Diagnostic::new(code, operator_span, message).also(left.span, one).also(right.span, other);
        if let Some(help) = hint(operator, &left.ty, &right.ty) {
            diagnostic = diagnostic.help(help);
        }
        self.report(diagnostic);
        None
    }
}

/// What an operator does with operands of two types.
enum Plan {
    /// Numbers, with the type of the result.
    Numbers(Type),
    /// A moment or a length of time, moved by the right side.
    Shift(Type),
    /// A length of time, as often as a number says.
    Scaled(Type),
    /// The time from one moment to another.
    Elapsed,
}

fn plan(operator: Operator, left: &Type, right: &Type) -> Option<Plan> {
    if let (Some(one), Some(other)) = (number(left), number(right)) {
        return result(operator, (one, left), (other, right)).map(Plan::Numbers);
    }
    if (left, right) == (&Type::Float, &Type::Float) && operator != Operator::Remainder {
        return Some(Plan::Numbers(Type::Float));
    }
    let is_length = |ty: &Type| matches!(ty, Type::Duration | Type::Period);
    match (operator, left, right) {
        (Operator::Add | Operator::Subtract, Type::Date | Type::DateTime | Type::LocalDateTime, length) if is_length(length) => {
            Some(Plan::Shift(left.clone()))
        }
        (Operator::Add | Operator::Subtract, Type::Duration, Type::Duration)
        | (Operator::Add | Operator::Subtract, Type::Period, Type::Period) => Some(Plan::Shift(left.clone())),
        (Operator::Subtract, Type::DateTime, Type::DateTime) => Some(Plan::Elapsed),
        (Operator::Multiply, length, Type::Integer | Type::BigInt) if is_length(length) => Some(Plan::Scaled(length.clone())),
        (Operator::Multiply, Type::Integer | Type::BigInt, length) if is_length(length) => Some(Plan::Scaled(length.clone())),
        _ => None,
    }
}

/// The type of a result of numbers: `+` has the larger scale, `*` the sum, `/` ten decimals.
fn result(operator: Operator, (one, left): (Number, &Type), (other, right): (Number, &Type)) -> Option<Type> {
    let with_scale = |scale| match one.max(other) {
        Number::Money => Type::Money(scale),
        _ => Type::Decimal(scale),
    };
    match operator {
        Operator::Add | Operator::Subtract => common(left, right),
        Operator::Multiply if (one, other) == (Number::Money, Number::Money) => None,
        Operator::Multiply if (one, other) == (Number::Whole, Number::Whole) => common(left, right),
        Operator::Multiply => Some(with_scale(scale(left).saturating_add(scale(right)))),
        Operator::Divide if (one, other) == (Number::Money, Number::Money) => Some(Type::Decimal(QUOTIENT_DECIMALS)),
        Operator::Divide if other == Number::Money => None,
        Operator::Divide => Some(with_scale(QUOTIENT_DECIMALS)),
        Operator::Remainder if (one, other) == (Number::Whole, Number::Whole) => common(left, right),
        Operator::Remainder => None,
    }
}

fn is_time(ty: &Type) -> bool {
    matches!(ty, Type::Date | Type::DateTime | Type::LocalDateTime | Type::Duration | Type::Period)
}

fn is_zero(expr: &Expr) -> bool {
    match constant_of(expr) {
        Some(Value::Integer(whole)) => *whole == 0,
        Some(Value::Decimal(number)) => number.is_zero(),
        Some(Value::Float(float)) => *float == 0.0,
        _ => false,
    }
}

/// The result of constants.
fn fold(operator: Operator, left: &Value, right: &Value, ty: &Type, span: Span) -> Result<Expr, Failure> {
    match (left, right) {
        (Value::Integer(one), Value::Integer(other)) if operator != Operator::Divide => {
            let whole = match operator {
                Operator::Add => one.checked_add(*other),
                Operator::Subtract => one.checked_sub(*other),
                Operator::Multiply => one.checked_mul(*other),
                _ => one.checked_rem(*other),
            };
            whole.map(|whole| whole_constant(whole, span)).ok_or(Failure::Overflow)
        }
        _ => {
            let (one, other) = (exact(left).ok_or(Failure::Inexact)?, exact(right).ok_or(Failure::Inexact)?);
            let number = match operator {
                Operator::Add => decimal::add(one, other),
                Operator::Subtract => decimal::subtract(one, other),
                Operator::Multiply => decimal::multiply(one, other),
                Operator::Divide => decimal::divide(one, other),
                Operator::Remainder => decimal::remainder(one, other),
            }?;
            Ok(least(number, ty, span))
        }
    }
}

fn exact(value: &Value) -> Option<Decimal> {
    match value {
        Value::Integer(whole) => Some(Decimal::from(*whole)),
        Value::Decimal(number) => Some(*number),
        _ => None,
    }
}

/// A constant of a kind of number, with no more decimals than it has digits for.
fn least(number: Decimal, ty: &Type, span: Span) -> Expr {
    let number = number.normalize();
    let scale = number.scale() as u8;
    let ty = if matches!(ty, Type::Money(_)) { Type::Money(scale) } else { Type::Decimal(scale) };
    constant(Value::Decimal(number), ty, span)
}

fn sign(operator: Operator) -> char {
    match operator {
        Operator::Add => '+',
        Operator::Subtract => '-',
        Operator::Multiply => '*',
        Operator::Divide => '/',
        Operator::Remainder => '%',
    }
}

fn hint(operator: Operator, left: &Type, right: &Type) -> Option<&'static str> {
    let either = |ty: &Type| left == ty || right == ty;
    Some(match (operator, left, right) {
        (Operator::Subtract, Type::Date, Type::Date) => "write `days_between(a, b)`: the days from a to b",
        (Operator::Subtract, Type::DateTime, Type::Date) | (Operator::Subtract, Type::Date, Type::DateTime) => {
            "write `days_between(a, b)`: the days from a to b"
        }
        (Operator::Subtract, Type::LocalDateTime, Type::LocalDateTime) => {
            "without a zone the time between two clocks isn't known; keep them as `datetime`"
        }
        (Operator::Multiply, Type::Money(_), Type::Money(_)) => "one side of `*` is a plain number: `price * quantity`",
        (Operator::Divide, _, Type::Money(_)) => "money is divided by a number, or by money",
        (Operator::Remainder, ..) if number(left).is_some() && number(right).is_some() => "`%` is for whole numbers",
        (Operator::Add | Operator::Subtract, Type::Duration, Type::Period)
        | (Operator::Add | Operator::Subtract, Type::Period, Type::Duration) => {
            "a month or a year has no fixed number of days; add them to a date one after the other"
        }
        (Operator::Add, ..) if either(&Type::Text) => "put values into a text with braces: `\"{first} {last}\"`",
        (Operator::Add | Operator::Subtract, Type::Date | Type::DateTime | Type::LocalDateTime, _) if number(right).is_some() => {
            "say what the number counts: `+ 3 days`, or `+ n * 1 day`"
        }
        (Operator::Add, Type::Duration | Type::Period, Type::Date | Type::DateTime | Type::LocalDateTime) => {
            "the date stands first: `date + 3 days`"
        }
        (Operator::Multiply, ..) if is_time(left) || is_time(right) => "a duration is multiplied by a whole number: `n * 1 day`",
        _ if either(&Type::Float) => "a float is for interchange; it never mixes with exact numbers",
        _ => return None,
    })
}
