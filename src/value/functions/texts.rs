//! Functions of text. Characters are Unicode scalar values; case is Unicode's, of no language.

use smol_str::SmolStr;

use super::Environment;
use crate::value::{Failure, Value};

type Computed = Result<Value, Failure>;

/// The longest text that a function makes, in bytes.
const LONGEST: usize = 16 << 20;

pub(super) fn upper(arguments: &[Value], _: &Environment<'_>) -> Computed {
    one(arguments).map(|text| made(text.to_uppercase()))
}

pub(super) fn lower(arguments: &[Value], _: &Environment<'_>) -> Computed {
    one(arguments).map(|text| made(text.to_lowercase()))
}

pub(super) fn trim(arguments: &[Value], _: &Environment<'_>) -> Computed {
    one(arguments).map(|text| made(text.trim()))
}

pub(super) fn length(arguments: &[Value], _: &Environment<'_>) -> Computed {
    let count = one(arguments)?.chars().count();
    i64::try_from(count).map(Value::Integer).map_err(|_| Failure::Overflow)
}

pub(super) fn left(arguments: &[Value], _: &Environment<'_>) -> Computed {
    let (text, count) = part(arguments)?;
    let end = text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
    Ok(made(text.get(..end).unwrap_or(text)))
}

pub(super) fn right(arguments: &[Value], _: &Environment<'_>) -> Computed {
    let (text, count) = part(arguments)?;
    let start = match count.checked_sub(1) {
        Some(before) => text.char_indices().rev().nth(before).map_or(0, |(at, _)| at),
        None => text.len(),
    };
    Ok(made(text.get(start..).unwrap_or(text)))
}

/// An `old` that is empty is nowhere in the text.
pub(super) fn replace(arguments: &[Value], _: &Environment<'_>) -> Computed {
    let [Value::Text(text), Value::Text(old), Value::Text(new)] = arguments else { return Err(Failure::OutOfRange) };
    if old.is_empty() {
        return Ok(Value::Text(text.clone()));
    }
    let found = text.matches(old.as_str()).count();
    let longer = found.saturating_mul(new.len().saturating_sub(old.len()));
    if text.len().saturating_add(longer) > LONGEST {
        return Err(Failure::TooLong);
    }
    Ok(made(text.replace(old.as_str(), new)))
}

pub(super) fn same_text(arguments: &[Value], _: &Environment<'_>) -> Computed {
    let [Value::Text(one), Value::Text(other)] = arguments else { return Err(Failure::OutOfRange) };
    let folded = |text: &SmolStr| text.to_uppercase().to_lowercase();
    Ok(Value::Boolean(one == other || folded(one) == folded(other)))
}

pub(super) fn url(arguments: &[Value], environment: &Environment<'_>) -> Computed {
    match arguments {
        [Value::Reference(record)] => Ok(Value::Text((environment.address)(*record))),
        _ => Err(Failure::OutOfRange),
    }
}

fn one(arguments: &[Value]) -> Result<&str, Failure> {
    match arguments {
        [Value::Text(text)] => Ok(text),
        _ => Err(Failure::OutOfRange),
    }
}

/// A text, and how many characters of it; fewer than none are none.
fn part(arguments: &[Value]) -> Result<(&str, usize), Failure> {
    match arguments {
        [Value::Text(text), Value::Integer(count)] => Ok((text, usize::try_from((*count).max(0)).unwrap_or(usize::MAX))),
        _ => Err(Failure::OutOfRange),
    }
}

fn made(text: impl AsRef<str>) -> Value {
    Value::Text(SmolStr::new(text))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn of(compute: fn(&[Value], &Environment<'_>) -> Computed, arguments: &[Value]) -> Computed {
        compute(arguments, &Environment::in_zone(&TimeZone::UTC))
    }

    #[test]
    fn parts_count_characters() {
        for (count, first, last) in [(0, "", ""), (2, "Gr", "ße"), (9, "Größe", "Größe"), (-1, "", "")] {
            assert_eq!(of(left, &[text("Größe"), Value::Integer(count)]), Ok(text(first)), "{count}");
            assert_eq!(of(right, &[text("Größe"), Value::Integer(count)]), Ok(text(last)), "{count}");
        }
        assert_eq!(of(length, &[text("Größe")]), Ok(Value::Integer(5)));
    }

    #[test]
    fn case_is_ignored_in_every_script() {
        assert_eq!(of(same_text, &[text("STRASSE"), text("straße")]), Ok(Value::Boolean(true)));
        assert_eq!(of(same_text, &[text("ΣΑΣ"), text("σας")]), Ok(Value::Boolean(true)));
        assert_eq!(of(same_text, &[text("a"), text("b")]), Ok(Value::Boolean(false)));
    }

    #[test]
    fn replacing_is_bounded() {
        assert_eq!(of(replace, &[text("a-b-c"), text("-"), text("")]), Ok(text("abc")));
        assert_eq!(of(replace, &[text("abc"), text(""), text("x")]), Ok(text("abc")));
        let long = text(&"a".repeat(1 << 13));
        assert_eq!(of(replace, &[long.clone(), text("a"), long]), Err(Failure::TooLong));
    }
}
