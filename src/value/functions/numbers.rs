//! Functions of numbers, and the smallest and largest of ordered values.

use std::cmp::Ordering;

use super::Environment;
use crate::value::{Decimal, Failure, Value, decimal, time};

type Computed = Result<Value, Failure>;

pub(super) fn abs(arguments: &[Value], _: &Environment<'_>) -> Computed {
    match arguments {
        [Value::Integer(whole)] => whole.checked_abs().map(Value::Integer).ok_or(Failure::Overflow),
        [Value::Decimal(number)] => Ok(Value::Decimal(number.abs())),
        _ => Err(Failure::OutOfRange),
    }
}

pub(super) fn ceil(arguments: &[Value], _: &Environment<'_>) -> Computed {
    to_whole(arguments, |number| number.ceil())
}

pub(super) fn floor(arguments: &[Value], _: &Environment<'_>) -> Computed {
    to_whole(arguments, |number| number.floor())
}

pub(super) fn round(arguments: &[Value], _: &Environment<'_>) -> Computed {
    match arguments {
        [_] => to_whole(arguments, |number| decimal::round(number, 0)),
        [number, Value::Integer(decimals)] => {
            // More decimals than a number can have change nothing; fewer than none can't be.
            let decimals = u32::try_from((*decimals).min(i64::from(Decimal::MAX_SCALE))).map_err(|_| Failure::OutOfRange)?;
            match number {
                Value::Integer(whole) => Ok(Value::Integer(*whole)),
                Value::Decimal(number) => Ok(Value::Decimal(decimal::round(*number, decimals))),
                _ => Err(Failure::OutOfRange),
            }
        }
        _ => Err(Failure::OutOfRange),
    }
}

pub(super) fn min(arguments: &[Value], _: &Environment<'_>) -> Computed {
    extreme(arguments, Ordering::Less)
}

pub(super) fn max(arguments: &[Value], _: &Environment<'_>) -> Computed {
    extreme(arguments, Ordering::Greater)
}

fn to_whole(arguments: &[Value], rounded: impl Fn(Decimal) -> Decimal) -> Computed {
    match arguments {
        [Value::Integer(whole)] => Ok(Value::Integer(*whole)),
        [Value::Decimal(number)] => i64::try_from(rounded(*number)).map(Value::Integer).map_err(|_| Failure::Overflow),
        _ => Err(Failure::OutOfRange),
    }
}

/// The first of the values that is farthest in a direction.
fn extreme(arguments: &[Value], direction: Ordering) -> Computed {
    let [best, rest @ ..] = arguments else { return Err(Failure::OutOfRange) };
    if rest.is_empty() {
        return Err(Failure::OutOfRange);
    }
    let mut best = best;
    for value in rest {
        if compare(value, best).ok_or(Failure::OutOfRange)? == direction {
            best = value;
        }
    }
    Ok(best.clone())
}

fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Integer(one), Value::Integer(other)) => Some(one.cmp(other)),
        (Value::Decimal(one), Value::Decimal(other)) => Some(one.cmp(other)),
        (Value::Float(one), Value::Float(other)) => one.partial_cmp(other),
        (Value::Text(one), Value::Text(other)) => Some(one.cmp(other)),
        (Value::Date(one), Value::Date(other)) => Some(one.cmp(other)),
        (Value::DateTime(one), Value::DateTime(other)) => Some(one.cmp(other)),
        (Value::LocalDateTime(one), Value::LocalDateTime(other)) => Some(one.cmp(other)),
        (Value::Duration(one), Value::Duration(other)) => time::compare(*one, *other),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn number(text: &str) -> Value {
        Value::Decimal(text.parse().unwrap())
    }

    fn of(compute: fn(&[Value], &Environment<'_>) -> Computed, arguments: &[Value]) -> Computed {
        compute(arguments, &Environment::in_zone(&TimeZone::UTC))
    }

    #[test]
    fn a_half_goes_to_the_even_neighbour() {
        for (given, decimals, expected) in [("2.345", 2, "2.34"), ("2.355", 2, "2.36"), ("-2.345", 2, "-2.34"), ("2.5", 4, "2.5")] {
            assert_eq!(of(round, &[number(given), Value::Integer(decimals)]), Ok(number(expected)), "{given}");
        }
        assert_eq!(of(round, &[number("2.345"), Value::Integer(i64::MAX)]), Ok(number("2.345")));
        assert_eq!(of(round, &[number("2.345"), Value::Integer(-1)]), Err(Failure::OutOfRange));
        for (given, expected) in [("0.5", 0), ("1.5", 2), ("-1.5", -2), ("2.51", 3)] {
            assert_eq!(of(round, &[number(given)]), Ok(Value::Integer(expected)), "{given}");
        }
    }

    #[test]
    fn floor_and_ceil_go_down_and_up() {
        assert_eq!(of(floor, &[number("-1.2")]), Ok(Value::Integer(-2)));
        assert_eq!(of(ceil, &[number("-1.2")]), Ok(Value::Integer(-1)));
        assert_eq!(of(ceil, &[number("9223372036854775808.5")]), Err(Failure::Overflow));
        assert_eq!(of(abs, &[Value::Integer(i64::MIN)]), Err(Failure::Overflow));
    }

    #[test]
    fn the_extremes_of_several() {
        let values = [number("2"), number("-1.5"), number("7.0")];
        assert_eq!(of(min, &values), Ok(number("-1.5")));
        assert_eq!(of(max, &values), Ok(number("7")));
        assert_eq!(of(max, &[Value::Text("a".into()), Value::Text("Z".into())]), Ok(Value::Text("a".into())));
    }
}
