//! Names, texts and values as the language reads them again: for whoever writes a test. What people read is told by `schema/written.rs`.

use std::fmt::Write;

use smol_str::SmolStr;

use crate::pipeline::Ending;
use crate::schema::jobs::{EXPECTED, Status};
use crate::schema::{Field, Schema, system};
use crate::syntax::keywords::is_reserved;
use crate::value::{EntityId, Reference, Type, Value, text};

/// The name of a field or an option, in backticks where it is a word of the language.
pub fn name(name: &str) -> String {
    if is_reserved(name) { format!("`{name}`") } else { name.to_owned() }
}

/// The name of a flow, an action or a plug-in, in quotes where it is more than a word.
pub fn title(name: &str) -> String {
    let starts = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    let plain = starts && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if plain && !is_reserved(name) { name.to_owned() } else { literal(name) }
}

/// A text in quotes, on one line.
pub fn literal(text: &str) -> String {
    let mut written = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' | '{' | '}' => written.extend(['\\', letter]),
            '\n' => written.push_str("\\n"),
            '\t' => written.push_str("\\t"),
            _ if letter.is_control() => {
                let _ = write!(written, "\\u{{{:X}}}", u32::from(letter));
            }
            _ => written.push(letter),
        }
    }
    written.push('"');
    written
}

/// A value of a type, and of a field where it is one's; `record` says how a record is called. An error names what has no form in the language.
pub fn value(
    schema: &Schema,
    value: &Value,
    ty: &Type,
    of: Option<(EntityId, &Field)>,
    record: &dyn Fn(Reference) -> Result<String, String>,
) -> Result<String, String> {
    let option = |choice, code: &i32| {
        let option = schema.choice(choice).and_then(|choice| choice.by_code(*code));
        option.map(|option| name(&option.name)).ok_or_else(|| format!("there is no option {code}"))
    };
    Ok(match (value, ty, of) {
        (Value::Empty, ..) => "empty".to_owned(),
        (Value::Text(text), ..) => literal(text),
        (Value::Choice(code), Type::Choice(choice), _) => option(*choice, code)?,
        (Value::Choices(codes), Type::Choices(choice), None) if codes.len() == 1 => {
            codes.first().map_or(Err(String::new()), |code| option(*choice, code))?
        }
        (Value::Choices(codes), Type::Choices(choice), Some((entity, field))) => {
            let entity = schema.entity(entity).map_or("record", |entity| entity.name.as_str());
            let option = |code| Ok(format!("{entity}.{}.{}", name(&field.name), option(*choice, code)?));
            codes.iter().map(option).collect::<Result<Vec<_>, String>>()?.join(" + ")
        }
        (Value::Reference(reference), ..) => record(*reference)?,
        (Value::Boolean(_) | Value::Integer(_) | Value::Decimal(_) | Value::Date(_) | Value::DateTime(_) | Value::LocalDateTime(_), ..) => {
            text::display(value).to_string()
        }
        _ => return Err(format!("`{}` can't be written in a test", text::display(value))),
    })
}

/// What is expected of an operation that was stopped, or failed; nothing of one that was committed, which goes without saying.
pub fn ended(ending: &Ending) -> Option<String> {
    match ending {
        Ending::Stopped { reason, .. } => Some(format!("expect stopped {}", literal(reason))),
        Ending::Fault(fault) => Some(format!("expect fault {}", fault.code.name())),
        Ending::Committed => None,
    }
}

/// What is expected to have run in an operation, in this order; nothing where nothing ran.
pub fn ran(names: &[SmolStr]) -> Option<String> {
    (!names.is_empty()).then(|| format!("expect ran {}", titles(names)))
}

/// What is expected not to have run in an operation; nothing where there is nothing to name.
pub fn not_ran(names: &[SmolStr]) -> Option<String> {
    (!names.is_empty()).then(|| format!("expect not ran {}", titles(names)))
}

fn titles(names: &[SmolStr]) -> String {
    names.iter().map(|name| title(name)).collect::<Vec<_>>().join(", ")
}

/// How the last job of a flow or plug-in is expected to stand; nothing where no test can say so.
pub fn job(name: &str, status: Status) -> Option<String> {
    let (word, _) = EXPECTED.iter().find(|(_, known)| *known == status)?;
    Some(format!("expect job {} {word}", title(name)))
}

/// Whether a field is the platform's, which keeps it or gives it a value: nothing that a test would expect by itself.
pub fn is_own(field: &Field) -> bool {
    system::ALL.contains(&field.name.as_str())
}

/// Whether a field holds a moment, which is another one in each run unless the clock stands.
pub fn is_moment(field: &Field) -> bool {
    matches!(field.ty, Type::DateTime | Type::LocalDateTime)
}

/// What is expected of a field that holds a value; nothing where that can't be said.
pub fn expected(
    schema: &Schema,
    record: &str,
    field: (EntityId, &Field),
    held: &Value,
    called: &dyn Fn(Reference) -> Result<String, String>,
) -> Option<String> {
    let told = value(schema, held, &field.1.ty, Some(field), called).ok()?;
    let place = format!("{record}.{}", name(&field.1.name));
    Some(match held {
        Value::Empty => format!("expect {place} is empty"),
        // One option alone is no set there.
        Value::Choices(codes) if codes.len() == 1 => format!("expect {place} contains {told}"),
        _ => format!("expect {place} == {told}"),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_can_be_typed_again() {
        assert_eq!(super::literal("a \"b\" {c} \\ \n\u{1b}"), "\"a \\\"b\\\" \\{c\\} \\\\ \\n\\u{1B}\"");
    }
}
