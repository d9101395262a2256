//! Literals: numbers get the narrowest type that holds them, durations their unit. Text is a family of its own.

use crate::check::context::Context;
use crate::check::ir::Expr;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind as Kind};
use crate::value::{Decimal, Duration, Type, Value};

use super::constant;

impl Context<'_> {
    /// A literal that isn't text.
    pub(super) fn literal(&mut self, e: &ast::Expr, expected: Option<&Type>) -> Option<Expr> {
        let span = e.span;
        let (value, ty) = match &e.kind {
            Kind::Number(number) => return Some(number_literal(*number, span)),
            Kind::Boolean(value) => (Value::Boolean(*value), Type::Boolean),
            Kind::Date(date) => (Value::Date(*date), Type::Date),
            Kind::DateTime(moment) => (Value::DateTime(*moment), Type::DateTime),
            Kind::LocalDateTime(time) => (Value::LocalDateTime(*time), Type::LocalDateTime),
            Kind::Duration(number, unit) => return self.duration(*number, unit, span),
            _ => return self.empty(expected, span),
        };
        Some(constant(value, ty, span))
    }

    fn empty(&mut self, expected: Option<&Type>, span: Span) -> Option<Expr> {
        match expected {
            Some(ty) => Some(constant(Value::Empty, ty.clone(), span)),
            None => {
                let help = "`empty` stands beside a field: `x == empty`, `set x = empty`";
                self.report(Diagnostic::new(Code::E0504, span, "nothing here says what is empty").help(help));
                None
            }
        }
    }

    fn duration(&mut self, number: Decimal, unit: &str, span: Span) -> Option<Expr> {
        match length(number, unit) {
            Ok((duration, ty)) => Some(constant(Value::Duration(duration), ty, span)),
            Err(problem) => {
                self.report(Diagnostic::new(Code::E0427, span, problem.message(unit)).help(problem.help(unit)));
                None
            }
        }
    }
}

/// Why a duration can't be written.
enum Problem {
    Fraction,
    TooLong,
}

impl Problem {
    fn message(&self, unit: &str) -> String {
        match self {
            Problem::Fraction => format!("a {unit} can't be divided"),
            Problem::TooLong => "this is longer than a duration can be".to_owned(),
        }
    }

    fn help(&self, unit: &str) -> &'static str {
        match (self, unit) {
            (Problem::Fraction, "year") => "write it in whole months",
            (Problem::Fraction, "month") => "write it in whole months or days",
            (Problem::Fraction, "minute" | "hour") => "a duration is exact to the microsecond",
            (Problem::Fraction, _) => "write it in hours: `36 hours`",
            (Problem::TooLong, _) => "write a shorter one",
        }
    }
}

fn length(number: Decimal, unit: &str) -> Result<(Duration, Type), Problem> {
    let scaled = |factor: i64| number.checked_mul(Decimal::from(factor)).ok_or(Problem::TooLong);
    let whole = |factor: i64| {
        let scaled = scaled(factor)?;
        if !number.is_integer() && factor != MINUTE && factor != HOUR || !scaled.is_integer() {
            return Err(Problem::Fraction);
        }
        i64::try_from(scaled).map_err(|_| Problem::TooLong)
    };
    let small = |factor: i64| i32::try_from(whole(factor)?).map_err(|_| Problem::TooLong);
    let none = Duration::default();
    Ok(match unit {
        "month" => (Duration { months: small(1)?, ..none }, Type::Period),
        "year" => (Duration { months: small(12)?, ..none }, Type::Period),
        "day" => (Duration { days: small(1)?, ..none }, Type::Duration),
        "week" => (Duration { days: small(7)?, ..none }, Type::Duration),
        "hour" => (Duration { micros: whole(HOUR)?, ..none }, Type::Duration),
        _ => (Duration { micros: whole(MINUTE)?, ..none }, Type::Duration),
    })
}

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;

/// A number as a constant of the narrowest type that holds it.
fn number_literal(number: Decimal, span: Span) -> Expr {
    match i64::try_from(number) {
        Ok(whole) if number.scale() == 0 => whole_constant(whole, span),
        _ => constant(Value::Decimal(number), Type::Decimal(number.scale() as u8), span),
    }
}

/// A whole number as a constant.
pub(super) fn whole_constant(whole: i64, span: Span) -> Expr {
    let ty = if i32::try_from(whole).is_ok() { Type::Integer } else { Type::BigInt };
    constant(Value::Integer(whole), ty, span)
}
