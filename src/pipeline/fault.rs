//! Faults of operations: the words for what a store, a field or a limit refuses.

use smol_str::SmolStr;

use crate::diagnostic::Code;
use crate::schema::{Entity, Field, Schema};
use crate::store::StoreError;
use crate::value::{EntityId, Failure, Reference};
use crate::vm::{Fault, Interrupt};

use super::engine::Link;

/// A fault with a code and words.
pub(super) fn fault(code: Code, message: impl Into<String>) -> Interrupt {
    Interrupt::Fault(Box::new(Fault { code, message: message.into(), span: None, chain: Vec::new() }))
}

/// A record that an operation or a read needs isn't there.
pub(super) fn missing(schema: &Schema, record: Reference) -> Interrupt {
    fault(Code::F06, format!("there is no `{}` with the id `{}`", name(schema, record.entity), record.id))
}

/// A field that may not be empty is.
pub(super) fn empty(entity: &Entity, field: &Field) -> Interrupt {
    fault(Code::F05, format!("`{}.{}` is required and empty", entity.name, field.name))
}

/// A field that only the platform writes was submitted.
pub(super) fn read_only(entity: &Entity, field: &Field) -> Interrupt {
    fault(Code::F16, format!("`{}.{}` can't be written: it is kept by the platform", entity.name, field.name))
}

/// Operations are nested deeper than the limit.
pub(super) fn too_deep(limit: u32, chain: &[Link]) -> Interrupt {
    let number = u64::from(limit) + 1;
    fault(Code::F07, format!("operations may nest {limit} deep (the limit `depth`), and this one is number {number}: {}", told(chain)))
}

/// Flows run inside one another without an end in sight.
pub(super) fn endless(limit: usize, flow: &SmolStr, chain: &[Link]) -> Interrupt {
    fault(Code::F07, format!("flows may run {limit} deep inside one another, and `{flow}` would be one more: {}", told(chain)))
}

/// One flow runs on one record, and again and again because of itself.
pub(super) fn again(limit: u32, flow: &SmolStr, chain: &[Link]) -> Interrupt {
    let times = if limit == 1 { "once".to_owned() } else { format!("{limit} times") };
    let words = format!("`{flow}` may run {times} on one record within itself (the limit `runs`), and this would be one more");
    fault(Code::F07, format!("{words}: {}", told(chain)))
}

/// An outermost operation that has used up what it may use.
pub(super) fn used_up(unit: &str, limit: impl std::fmt::Display, setting: &str, chain: &[Link]) -> Interrupt {
    let led = if chain.is_empty() { String::new() } else { format!(": {}", told(chain)) };
    fault(Code::F12, format!("the operation used up its {limit} {unit} (the limit `{setting}`){led}"))
}

/// The steps that led to something; those that come in turns, with how often.
fn told(chain: &[Link]) -> String {
    let names: Vec<&SmolStr> = chain.iter().map(|link| &link.name).collect();
    let listed = |names: &[&SmolStr]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" → ");
    let round = (1..=names.len() / 3).find_map(|length| {
        let (first, rest) = names.split_at_checked(length)?;
        let rounds = 1 + rest.chunks(length).take_while(|chunk| *chunk == first).count();
        (rounds * length + length > names.len()).then_some((first, rounds, names.get(rounds * length..)?))
    });
    match round {
        None => listed(&names),
        Some((first, rounds, [])) => format!("{}, {rounds} times", listed(first)),
        Some((first, rounds, rest)) => format!("{}, {rounds} times → {}", listed(first), listed(rest)),
    }
}

/// What a store refused, in words about entities and fields.
pub(super) fn store(schema: &Schema, error: StoreError) -> Interrupt {
    match error {
        StoreError::Missing { entity, id } => missing(schema, Reference { entity, id }),
        StoreError::Duplicate { entity, fields } => {
            let names: Vec<String> =
                fields.iter().filter_map(|slot| schema.field(entity, *slot)).map(|field| format!("`{}`", field.name)).collect();
            fault(Code::F09, format!("there is already a `{}` with the same {}", name(schema, entity), names.join(" and ")))
        }
        StoreError::Reference { entity, field, id } => {
            let field = schema.field(entity, field).map_or("a lookup", |field| field.name.as_str());
            fault(Code::F06, format!("`{}.{field}` refers to a record that isn't there: {id}", name(schema, entity)))
        }
        StoreError::Refused { entity, why } => {
            fault(Code::F04, format!("the table of `{}` refuses the record: {why}", name(schema, entity)))
        }
        StoreError::Undone { entity, why } => {
            fault(Code::F26, format!("the table of `{}` undoes the whole transaction: {why}", name(schema, entity)))
        }
        StoreError::Number(Failure::Inexact) => fault(Code::F02, "the exact result has more than 28 digits"),
        StoreError::Number(_) => fault(Code::F03, "the result is larger than its type"),
        StoreError::TooLarge(bytes) => {
            fault(Code::F12, format!("the records that a query gives hold more than {bytes} bytes (the limit `memory`)"))
        }
        StoreError::Unusable(message) => fault(Code::F23, message),
        StoreError::Failed(message) => fault(Code::F11, message),
        conflict @ StoreError::Conflict => fault(Code::F25, conflict.to_string()),
        StoreError::Unrecorded(what) => fault(Code::F24, format!("{what} was not recorded")),
    }
}

/// An entity's name, for people.
pub(super) fn name(schema: &Schema, entity: EntityId) -> &str {
    schema.entity(entity).map_or("record", |entity| entity.name.as_str())
}

/// A reason without line breaks: it is shown in one line.
pub(super) fn one_line(reason: SmolStr) -> SmolStr {
    let breaks = ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
    if reason.contains(breaks) { reason.split(breaks).collect::<Vec<_>>().join(" ").into() } else { reason }
}
