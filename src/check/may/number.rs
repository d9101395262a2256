//! Ranges of numbers: what arithmetic and functions make of them, and where a result doesn't fit.

use crate::bytecode::Cause;
use crate::check::ir::{Expr, Operator};
use crate::schema::natural_range;
use crate::value::text::MAX_TEXT;
use crate::value::{Decimal, Type, Value};

use super::Run;
use super::value::{Full, May, most_digits};

/// How many digits a quotient has after the point.
const QUOTIENT_DIGITS: u32 = crate::value::decimal::DIVISION_SCALE;

type Bounds = (Decimal, Decimal);

impl Run<'_> {
    pub(super) fn arithmetic(&mut self, operator: Operator, left: (&Expr, &May), right: (&Expr, &May), ty: &Type) -> May {
        if matches!(operator, Operator::Divide | Operator::Remainder) && may_be_zero(right.0, right.1) {
            self.cause(Cause::DivisionByZero);
        }
        let (Some(one), Some(other)) = (left.1.full.bounds(), right.1.full.bounds()) else {
            if *ty == Type::Float {
                self.cause(Cause::TooLarge);
            }
            return May::typed(ty, false, self.world.schema);
        };
        let least = least_divisor(right.0, right.1);
        let bounds = match operator {
            Operator::Add => (add(one.0, other.0), add(one.1, other.1)),
            Operator::Subtract => (add(one.0, -other.1), add(one.1, -other.0)),
            Operator::Multiply => products(one, other),
            Operator::Divide => quotients(one, other, least),
            Operator::Remainder => remainders(one, other),
        };
        self.fitted(bounds, if operator == Operator::Divide { QUOTIENT_DIGITS } else { scale(ty) }, ty)
    }

    pub(super) fn negated(&mut self, may: &May, ty: &Type) -> May {
        match may.full.bounds() {
            Some((low, high)) => self.fitted((-high, -low), scale(ty), ty),
            None => May::typed(ty, false, self.world.schema),
        }
    }

    /// A result within its type; what lies outside is a fault.
    fn fitted(&mut self, (low, high): Bounds, scale: u32, ty: &Type) -> May {
        let (least, most) = match natural_range(ty).filter(|_| matches!(ty, Type::Integer | Type::BigInt)) {
            Some(range) => range,
            None => (-most_digits(), most_digits()),
        };
        let exact = most_digits().checked_div(power(scale)).unwrap_or_default();
        let whole = matches!(ty, Type::Integer | Type::BigInt);
        let edge = |outside: bool, at: bool| if whole { outside } else { outside || at };
        if edge(low < least || high > most, low == least || high == most) {
            self.cause(Cause::TooLarge);
        }
        if !whole && (low <= -exact || high >= exact) {
            self.cause(Cause::Inexact);
        }
        May { empty: false, full: Full::between(low.max(least), high.min(most)) }
    }

    /// What a function gives; none where its type says it all.
    pub(super) fn called(&mut self, name: &str, arguments: &[Expr], given: &[May]) -> Option<May> {
        let number = |at: usize| given.get(at).and_then(|may| may.full.bounds());
        let text = |at: usize| given.get(at).map_or(u64::MAX, |may| may.full.length());
        let full = match name {
            "abs" => {
                let (low, high) = number(0)?;
                let least = if low > Decimal::ZERO { low } else { (-high).max(Decimal::ZERO) };
                return Some(self.fitted((least, high.max(-low)), 0, &whole_or(arguments.first()?)));
            }
            "ceil" | "floor" => return Some(self.whole(number(0)?)),
            "round" => match given.get(1).map(|decimals| (decimals, decimals.full.bounds())) {
                None => return Some(self.whole(number(0)?)),
                Some((_, bounds)) => {
                    if bounds.is_none_or(|(low, _)| low < Decimal::ZERO) {
                        self.cause(Cause::OutOfTime);
                    }
                    // Rounding moves a number by less than one, and not past a whole one.
                    let (low, high) = number(0)?;
                    Full::between(low.floor(), high.ceil())
                }
            },
            "min" | "max" => extreme(name == "min", given)?,
            "length" => Full::between(Decimal::ZERO, Decimal::from(text(0).min(i64::MAX as u64))),
            "year" => within(1, 9_999),
            "month" => within(1, 12),
            "day" => within(1, 31),
            "hour" => within(0, 23),
            "weekday" => within(1, 7),
            "days_between" => within(-3_652_059, 3_652_059),
            "trim" => Full::Text { most: text(0) },
            // A letter becomes three at most.
            "upper" | "lower" => Full::Text { most: text(0).saturating_mul(3) },
            "left" | "right" => {
                let count = number(1).and_then(|(_, high)| u64::try_from(high.max(Decimal::ZERO)).ok()).unwrap_or(u64::MAX);
                Full::Text { most: text(0).min(count) }
            }
            "replace" => {
                let most = text(0).saturating_mul(text(2).max(1));
                if too_long(most) {
                    self.cause(Cause::TooLarge);
                }
                Full::Text { most }
            }
            _ => return None,
        };
        Some(May { empty: false, full })
    }

    fn whole(&mut self, (low, high): Bounds) -> May {
        self.fitted((low.floor(), high.ceil()), 0, &Type::BigInt)
    }

    /// A text that is built.
    pub(super) fn built(&mut self, may: &May, ty: &Type) {
        if *ty == Type::Text && !self.state.dead && too_long(may.full.length()) {
            self.cause(Cause::Text);
        }
    }
}

fn too_long(characters: u64) -> bool {
    characters.saturating_mul(4) > MAX_TEXT as u64
}

fn within(low: i64, high: i64) -> Full {
    Full::between(Decimal::from(low), Decimal::from(high))
}

/// The type of the absolute value of a number.
fn whole_or(argument: &Expr) -> Type {
    if matches!(argument.ty, Type::Integer | Type::BigInt) { Type::BigInt } else { argument.ty.clone() }
}

fn extreme(least: bool, given: &[May]) -> Option<Full> {
    let bounds: Vec<Bounds> = given.iter().map(|may| may.full.bounds()).collect::<Option<_>>()?;
    let (low, high) = (bounds.iter().map(|bounds| bounds.0), bounds.iter().map(|bounds| bounds.1));
    Some(if least { Full::between(low.min()?, high.min()?) } else { Full::between(low.max()?, high.max()?) })
}

fn scale(ty: &Type) -> u32 {
    match ty {
        Type::Decimal(scale) | Type::Money(scale) => u32::from(*scale),
        _ => 0,
    }
}

/// 10ⁿ; n is 28 at most.
fn power(exponent: u32) -> Decimal {
    Decimal::from_i128_with_scale(10_i128.pow(exponent.min(28)), 0)
}

fn may_be_zero(e: &Expr, may: &May) -> bool {
    match (&e.kind, &may.full) {
        (crate::check::ir::ExprKind::Constant(Value::Float(float)), _) => *float == 0.0,
        (_, Full::Number { low, high, not_zero }) => !not_zero && *low <= Decimal::ZERO && *high >= Decimal::ZERO,
        _ => true,
    }
}

/// The least magnitude of a divisor that isn't zero.
fn least_divisor(e: &Expr, may: &May) -> Decimal {
    let smallest = Decimal::new(1, scale(&e.ty).min(28));
    match may.full.bounds() {
        Some((low, _)) if low > Decimal::ZERO => low.max(smallest),
        Some((_, high)) if high < Decimal::ZERO => (-high).max(smallest),
        _ => smallest,
    }
}

/// The sum, or as far as numbers go.
fn add(one: Decimal, other: Decimal) -> Decimal {
    one.checked_add(other).unwrap_or(if one.is_sign_negative() { Decimal::MIN } else { Decimal::MAX })
}

/// The product, rounded away from zero where it has too many digits, or as far as numbers go.
fn multiply(one: Decimal, other: Decimal) -> Decimal {
    let far = if one.is_sign_negative() == other.is_sign_negative() { Decimal::MAX } else { Decimal::MIN };
    match one.checked_mul(other) {
        Some(product) if product.scale() == one.scale() + other.scale() => product,
        Some(product) => away(product),
        None => far,
    }
}

/// A little farther from zero.
fn away(number: Decimal) -> Decimal {
    let little = number.abs().checked_mul(Decimal::new(1, 20)).unwrap_or_default() + Decimal::new(1, 10);
    add(number, if number.is_sign_negative() { -little } else { little })
}

fn products(one: Bounds, other: Bounds) -> Bounds {
    hull([multiply(one.0, other.0), multiply(one.0, other.1), multiply(one.1, other.0), multiply(one.1, other.1)])
}

fn quotients(one: Bounds, other: Bounds, least: Decimal) -> Bounds {
    let most = one.0.abs().max(one.1.abs()).checked_div(least).map_or(Decimal::MAX, away);
    match (one.0 >= Decimal::ZERO, other.0 > Decimal::ZERO) {
        (true, true) => (Decimal::ZERO, most),
        _ => (-most, most),
    }
}

fn remainders(one: Bounds, other: Bounds) -> Bounds {
    let most = add(other.0.abs().max(other.1.abs()), Decimal::NEGATIVE_ONE).max(Decimal::ZERO);
    let low = if one.0 < Decimal::ZERO { one.0.max(-most) } else { Decimal::ZERO };
    let high = if one.1 > Decimal::ZERO { one.1.min(most) } else { Decimal::ZERO };
    (low, high)
}

fn hull(numbers: [Decimal; 4]) -> Bounds {
    let [first, ..] = numbers;
    numbers.iter().fold((first, first), |(low, high), number| (low.min(*number), high.max(*number)))
}
