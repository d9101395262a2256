//! Values as text and text as values, by the rules of the language and without a locale. Knows no schema: a choice is its
//! code and a record its id here; labels and names come from those who know the schema.

use std::fmt;

use smol_str::{SmolStr, ToSmolStr};

use super::decimal::{self, LIMIT};
use super::{Decimal, Malformed, Reference, Type, Uuid, Value, time};

/// The most bytes that one text on the way may have: room for the longest memo, whatever its letters.
pub const MAX_TEXT: usize = 4 * 1_048_576;

/// A value as a person reads it: a number without grouping or trailing zeros, dates in ISO form, empty as nothing.
pub fn display(value: &Value) -> SmolStr {
    match value {
        Value::Empty => SmolStr::default(),
        Value::Boolean(truth) => truth.to_smolstr(),
        Value::Integer(number) => number.to_smolstr(),
        Value::Decimal(number) => number.normalize().to_smolstr(),
        Value::Float(number) => number.to_smolstr(),
        Value::Text(text) => text.clone(),
        Value::Choice(code) => code.to_smolstr(),
        Value::Choices(codes) => SmolStr::from(codes.iter().map(i32::to_string).collect::<Vec<_>>().join(", ")),
        Value::Date(date) => date.to_smolstr(),
        Value::DateTime(instant) => time::whole_micros(*instant).to_smolstr(),
        Value::LocalDateTime(local) => local.to_smolstr(),
        Value::Duration(duration) => SmolStr::from(time::duration_text(*duration)),
        Value::Reference(reference) => reference.id.to_smolstr(),
        Value::Uuid(id) => id.to_smolstr(),
    }
}

/// A value of a type from the text that a file or a person gives for it. Ranges, lengths and options belong to the field.
pub fn parse(text: &str, ty: &Type) -> Result<Value, Malformed> {
    match ty {
        Type::Boolean if text.eq_ignore_ascii_case("true") => Ok(Value::Boolean(true)),
        Type::Boolean if text.eq_ignore_ascii_case("false") => Ok(Value::Boolean(false)),
        Type::Boolean => Err(Malformed::new(format!("{} is neither `true` nor `false`", quoted(text)))),
        Type::Integer => whole(text).and_then(|number| narrow(text, i32::try_from(number))).map(|number| Value::Integer(number.into())),
        Type::BigInt => whole(text).and_then(|number| narrow(text, i64::try_from(number))).map(Value::Integer),
        Type::Decimal(scale) | Type::Money(scale) => scaled(text, *scale).map(Value::Decimal),
        Type::Float => float(text).map(Value::Float),
        Type::Text => Ok(Value::Text(SmolStr::new(text))),
        Type::Choice(_) => code(text).map(Value::Choice),
        Type::Choices(_) => codes(text),
        Type::Date => time::parse_date(text).map(Value::Date),
        Type::DateTime => time::parse_datetime(text).map(Value::DateTime),
        Type::LocalDateTime => time::parse_local(text).map(Value::LocalDateTime),
        Type::Duration | Type::Period => time::parse_duration(text).map(Value::Duration),
        Type::Lookup(targets) => match targets.as_ref() {
            [entity] => uuid(text).map(|id| Value::Reference(Reference { entity: *entity, id })),
            _ => Err(Malformed::new(format!("{} needs the entity that it belongs to", quoted(text)))),
        },
        Type::Uuid => uuid(text).map(Value::Uuid),
    }
}

/// A number, exactly: `12.50`, `-3`, `1.2e9`. No grouping, no spaces.
pub fn parse_number(text: &str) -> Result<Decimal, Malformed> {
    let malformed = || Malformed::new(format!("{} is not a number", quoted(text)));
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(mantissa, exponent)| (mantissa, Some(exponent)));
    let (negative, unsigned) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (before, after) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = || before.bytes().chain(after.bytes());
    if digits().next().is_none() || !digits().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed());
    }
    let exponent = exponent.map_or(Some(0), power).ok_or_else(malformed)?;
    // The digits as one whole number, without the zeros at its end.
    let (mut number, mut zeros) = (0_u128, 0_u32);
    for digit in digits().map(|byte| u128::from(byte - b'0')) {
        if digit == 0 {
            zeros = zeros.saturating_add(1);
            continue;
        }
        let shift = if number == 0 { 1 } else { 10_u128.saturating_pow(zeros.saturating_add(1)) };
        number = number.saturating_mul(shift).saturating_add(digit);
        if number >= LIMIT {
            return Err(too_long(text));
        }
        zeros = 0;
    }
    let places = after.len() as i64 - i64::from(zeros) - exponent;
    let built = match u32::try_from(places) {
        _ if number == 0 => Some(Decimal::ZERO),
        Ok(places) => decimal::from_scaled(number as i128, places),
        Err(_) => u32::try_from(-places)
            .ok()
            .and_then(|zeros| number.checked_mul(10_u128.checked_pow(zeros)?))
            .and_then(|number| decimal::from_scaled(i128::try_from(number).ok()?, 0)),
    };
    built.map(|number| if negative && !number.is_zero() { -number } else { number }).ok_or_else(|| too_long(text))
}

/// Somebody's text in backticks, for a message: on one line and not longer than one.
pub fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = text.chars().take(LONGEST).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// As a declaration writes it. What a lookup refers to and which choice it is, only a schema can tell.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Boolean => "boolean",
            Type::Integer => "integer",
            Type::BigInt => "bigint",
            Type::Decimal(scale) => return write!(f, "decimal({scale})"),
            Type::Float => "float",
            Type::Money(scale) => return write!(f, "money({scale})"),
            Type::Text => "text",
            Type::Choice(_) => "choice",
            Type::Choices(_) => "choices",
            Type::Date => "date",
            Type::DateTime => "datetime",
            Type::LocalDateTime => "datetime local",
            Type::Duration => "duration",
            Type::Period => "duration in months",
            Type::Lookup(_) => "lookup",
            Type::Uuid => "uuid",
        })
    }
}

fn too_long(text: &str) -> Malformed {
    Malformed::new(format!("{} has more than 28 digits", quoted(text)))
}

/// The exponent of a number in the form `1.2e9`.
fn power(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let huge = if text.starts_with('-') { -1_000_000_000_000 } else { 1_000_000_000_000 };
    Some(text.parse::<i64>().unwrap_or(huge).clamp(-1_000_000_000_000, 1_000_000_000_000))
}

fn whole(text: &str) -> Result<i128, Malformed> {
    let number = parse_number(text)?;
    decimal::to_scaled(number, 0).ok_or_else(|| Malformed::new(format!("{} is not a whole number", quoted(text))))
}

fn narrow<T, E>(text: &str, number: Result<T, E>) -> Result<T, Malformed> {
    number.map_err(|_| Malformed::new(format!("{} is too large", quoted(text))))
}

fn scaled(text: &str, scale: u8) -> Result<Decimal, Malformed> {
    let number = parse_number(text)?;
    if number.scale() > u32::from(scale) {
        return Err(Malformed::new(format!("{} has more than {scale} decimals", quoted(text))));
    }
    Ok(number)
}

fn float(text: &str) -> Result<f64, Malformed> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| Malformed::new(format!("{} is not a number", quoted(text))))
}

fn code(text: &str) -> Result<i32, Malformed> {
    text.parse().map_err(|_| Malformed::new(format!("{} is not the code of an option", quoted(text))))
}

fn codes(text: &str) -> Result<Value, Malformed> {
    let parts = text.split([',', ';']).map(|part| part.trim_matches(' ')).filter(|part| !part.is_empty());
    let mut codes = parts.map(code).collect::<Result<Vec<_>, _>>()?;
    codes.sort_unstable();
    codes.dedup();
    Ok(Value::Choices(codes.into()))
}

fn uuid(text: &str) -> Result<Uuid, Malformed> {
    Uuid::try_parse(text).map_err(|_| Malformed::new(format!("{} is not an id", quoted(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> String {
        parse_number(text).map_or_else(|error| error.to_string(), |number| number.to_string())
    }

    #[test]
    fn numbers_are_read_exactly_or_not_at_all() {
        assert_eq!(number("12.50"), "12.5");
        assert_eq!(number("1.2e9"), "1200000000");
        assert_eq!(number("12e-3"), "0.012");
        assert_eq!(number("-0.0"), "0");
        assert_eq!(number("0e99999999999999999999"), "0");
        assert_eq!(number(".5"), "0.5");
        assert_eq!(number("100000000000000000000000000000000e-10"), "10000000000000000000000");
        assert_eq!(number("9999999999999999999999999999"), "9999999999999999999999999999");
        for text in ["1e28", "10000000000000000000000000000", "1e-29", "1e9999999999999999999", "0.12345678901234567890123456789"] {
            assert!(number(text).ends_with("has more than 28 digits"), "{text}");
        }
        for text in ["", ".", "-", "e5", "1e", "1e+", "1_000", "1 000", "0x10", "NaN", "١", "1.2.3"] {
            assert!(number(text).ends_with("is not a number"), "{text}");
        }
    }

    #[test]
    fn a_value_is_read_by_its_type() {
        assert_eq!(parse("1e3", &Type::Integer), Ok(Value::Integer(1000)));
        assert_eq!(parse("2147483648", &Type::Integer).unwrap_err().to_string(), "`2147483648` is too large");
        assert_eq!(parse("1.5", &Type::Integer).unwrap_err().to_string(), "`1.5` is not a whole number");
        assert_eq!(parse("1.255", &Type::Money(2)).unwrap_err().to_string(), "`1.255` has more than 2 decimals");
        assert_eq!(parse("1.2500", &Type::Money(2)).map(|value| display(&value)), Ok("1.25".into()));
        assert_eq!(parse("TRUE", &Type::Boolean), Ok(Value::Boolean(true)));
        assert!(parse("inf", &Type::Float).is_err());
        assert_eq!(parse("3, 1;3", &Type::Choices(super::super::ChoiceId(0))), Ok(Value::Choices([1, 3].into())));
    }
}
