//! Values as JSON, and as cells of a table: read by the type of a field or input, and written. Ranges and lengths are for
//! whoever takes a value in.
//!
//! What is written can be read again: numbers with decimals are texts, so that no reader rounds them; dates are ISO texts, options
//! names, records their ids, with the entity before it where the lookup may refer to several.

use std::borrow::Cow;

use serde_json::json;
use serde_json::value::RawValue;
use smol_str::SmolStr;

use super::{Choice, Schema};
use crate::diagnostic::nearest;
use crate::value::{ChoiceId, EntityId, Reference, Type, Uuid, Value, text};

/// A value as it was written.
#[derive(Debug)]
pub enum Raw<'a> {
    /// Nothing.
    Empty,
    /// `true`, `false`.
    Boolean(bool),
    /// A number in its own digits.
    Number(&'a str),
    /// A text; of JSON.
    Text(Cow<'a, str>),
    /// A cell of a table, whose type is not written.
    Cell(&'a str),
    /// A list.
    List(Vec<&'a RawValue>),
    /// An object, as it is written.
    Object(&'a RawValue),
}

impl<'a> Raw<'a> {
    /// A value of JSON. Nothing but a list is looked into, and a list one level deep.
    pub fn json(raw: &'a RawValue) -> Result<Self, String> {
        let text = raw.get();
        // Its own place would be one in the value, which looks like one in the file.
        let unreadable = |error: serde_json::Error| {
            let words = error.to_string();
            words.split(" at line ").next().unwrap_or("it can't be read").to_owned()
        };
        Ok(match text.bytes().next() {
            Some(b'n') | None => Raw::Empty,
            Some(b't') => Raw::Boolean(true),
            Some(b'f') => Raw::Boolean(false),
            Some(b'"') => Raw::Text(serde_json::from_str::<String>(text).map_err(unreadable)?.into()),
            Some(b'[') => Raw::List(serde_json::from_str(text).map_err(unreadable)?),
            Some(b'{') => Raw::Object(raw),
            Some(_) => Raw::Number(text),
        })
    }

    /// What it is, in a word.
    fn kind(&self) -> &'static str {
        match self {
            Raw::Empty => "empty",
            Raw::Boolean(_) => "a boolean",
            Raw::Number(_) => "a number",
            Raw::Text(_) | Raw::Cell(_) => "text",
            Raw::List(_) => "a list",
            Raw::Object(_) => "an object",
        }
    }
}

/// A value of a type.
pub fn read(raw: &Raw<'_>, ty: &Type, schema: &Schema) -> Result<Value, String> {
    let mismatch = || Err(format!("{} is wanted, not {}", kind(ty), raw.kind()));
    let written: &str = match (raw, ty) {
        (Raw::Empty, _) => return Ok(Value::Empty),
        (Raw::Boolean(truth), Type::Boolean) => return Ok(Value::Boolean(*truth)),
        (Raw::List(items), Type::Choices(choice)) => return options(items, *choice, schema),
        (Raw::Boolean(_) | Raw::List(_) | Raw::Object(_), _) => return mismatch(),
        (Raw::Number(number), Type::Integer | Type::BigInt | Type::Decimal(_) | Type::Money(_) | Type::Float | Type::Choice(_)) => number,
        (Raw::Number(_), _) => return mismatch(),
        (Raw::Text(_), Type::Boolean | Type::Integer | Type::Float) => return mismatch(),
        (Raw::Text(text), _) => text,
        (Raw::Cell(text), _) => text,
    };
    if written.contains('\0') {
        return Err("text can't hold a NUL".to_owned());
    }
    match ty {
        Type::Choice(id) => option(written, *id, schema).map(Value::Choice),
        Type::Choices(id) => {
            let codes: Result<Vec<i32>, String> = written.split([',', ';']).map(|part| option(part.trim(), *id, schema)).collect();
            codes.map(set)
        }
        Type::Lookup(targets) => reference(written, targets, schema),
        _ => text::parse(written, ty).map_err(|malformed| malformed.message),
    }
}

/// A value of a type as JSON.
pub fn write(value: &Value, ty: &Type, schema: &Schema) -> serde_json::Value {
    let option = |choice: &ChoiceId, code: i32| {
        let option = schema.choice(*choice).and_then(|choice| choice.by_code(code));
        option.map_or_else(|| json!(code), |option| json!(option.name.as_str()))
    };
    match (value, ty) {
        (Value::Empty, _) => serde_json::Value::Null,
        (Value::Boolean(truth), _) => json!(truth),
        (Value::Integer(number), _) => json!(number),
        (Value::Float(number), _) => json!(number),
        (Value::Choice(code), Type::Choice(choice)) => option(choice, *code),
        (Value::Choices(codes), Type::Choices(choice)) => codes.iter().map(|code| option(choice, *code)).collect(),
        (Value::Reference(record), Type::Lookup(targets)) if targets.len() > 1 => {
            let entity = schema.entity(record.entity).map_or("", |entity| entity.name.as_str());
            json!(format!("{entity}:{}", record.id))
        }
        (Value::Reference(record), _) => json!(record.id.to_string()),
        _ => json!(text::display(value).as_str()),
    }
}

/// A value of a type as text that reads the same everywhere: as [`write()`] writes it, a text without its quotes; nothing where it is empty.
pub fn as_text(value: &Value, ty: &Type, schema: &Schema) -> Option<SmolStr> {
    match write(value, ty, schema) {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.into()),
        other => Some(other.to_string().into()),
    }
}

/// The options of a list of names and codes.
fn options(items: &[&RawValue], choice: ChoiceId, schema: &Schema) -> Result<Value, String> {
    let code = |raw: &&RawValue| match Raw::json(raw)? {
        Raw::Text(name) => option(&name, choice, schema),
        Raw::Number(code) => option(code, choice, schema),
        other => Err(format!("an option is wanted, not {}", other.kind())),
    };
    items.iter().map(code).collect::<Result<Vec<i32>, String>>().map(set)
}

/// A set of options as a value: ascending, each once; the empty set is no value.
fn set(mut codes: Vec<i32>) -> Value {
    codes.sort_unstable();
    codes.dedup();
    if codes.is_empty() { Value::Empty } else { Value::Choices(codes.into()) }
}

/// The code of an option by its name, its code or its label.
fn option(written: &str, choice: ChoiceId, schema: &Schema) -> Result<i32, String> {
    let unknown = || format!("there is no option {}", text::quoted(written));
    let choice: &Choice = schema.choice(choice).ok_or_else(unknown)?;
    let by_code = || written.parse().ok().and_then(|code| choice.by_code(code));
    let by_label = || choice.options.iter().find(|option| option.label.to_lowercase() == written.to_lowercase());
    if let Some(option) = choice.option(written).or_else(by_code).or_else(by_label) {
        return Ok(option.code);
    }
    let near = nearest_to(written, choice.options.iter().map(|option| option.name.as_str()));
    Err(unknown() + &near.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default())
}

/// A record by its id; where the lookup may refer to several entities, with the entity before it: `contact:` and the id.
fn reference(written: &str, targets: &[EntityId], schema: &Schema) -> Result<Value, String> {
    let names =
        || targets.iter().filter_map(|id| schema.entity(*id)).map(|entity| format!("`{}`", entity.name)).collect::<Vec<_>>().join(" or ");
    let (entity, id) = match (written.split_once(':'), targets) {
        (Some((name, id)), _) => (schema.entity_id(name.trim()).filter(|id| targets.contains(id)), id),
        (None, [only]) => (Some(*only), written),
        (None, _) => return Err(format!("{} needs its entity before it, as in `entity:id`: {}", text::quoted(written), names())),
    };
    let entity = entity.ok_or_else(|| format!("{} doesn't refer to {}", text::quoted(written), names()))?;
    Ok(Value::Reference(Reference { entity, id: uuid(id.trim())? }))
}

/// An id.
pub fn uuid(written: &str) -> Result<Uuid, String> {
    Uuid::try_parse(written).map_err(|_| format!("{} is not an id (a uuid is wanted)", text::quoted(written)))
}

/// The nearest of some names, asked only where the word could be one at all.
pub fn nearest_to<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if written.len() > 200 { None } else { nearest(written, names) }
}

/// What a type wants, in words.
fn kind(ty: &Type) -> &'static str {
    match ty {
        Type::Boolean => "`true` or `false`",
        Type::Integer | Type::BigInt => "a whole number",
        Type::Decimal(_) | Type::Money(_) | Type::Float => "a number",
        Type::Text => "text",
        Type::Choice(_) => "the name or code of an option",
        Type::Choices(_) => "a list of options",
        Type::Date => "a date",
        Type::DateTime | Type::LocalDateTime => "a date with a time",
        Type::Duration | Type::Period => "a length of time",
        Type::Lookup(_) | Type::Uuid => "an id",
    }
}
