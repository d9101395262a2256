//! What an operation wrote beyond what it was told to, by its trace.

use smol_str::SmolStr;

use crate::pipeline::{Ending, Happening, Named, Outcome};
use crate::schema::{Default, Schema};
use crate::value::{Reference, Value};
use crate::vm::FactName;

/// A field of a record that holds another value than somebody gave it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrote {
    /// The record.
    pub record: Reference,
    /// The name of the field.
    pub field: SmolStr,
    /// What it holds.
    pub value: Value,
}

/// What an operation wrote and kept in fields of records that are wanted, in the order of first writes: without what was submitted with the
/// outermost operation, and without defaults.
pub fn trace_writes(outcome: &Outcome, schema: &Schema, wanted: &dyn Fn(Reference) -> bool) -> Vec<Wrote> {
    let mut found: Vec<(Wrote, bool)> = Vec::new();
    // The operations that are open, by their levels.
    let mut open: Vec<(u32, Option<Reference>, &[Named])> = Vec::new();
    for entry in outcome.trace.iter().filter(|_| outcome.ending == Ending::Committed) {
        open.retain(|(level, ..)| *level < entry.level);
        match &entry.what {
            Happening::Operation { record, depth, values, .. } => {
                open.push((entry.level, *record, if *depth <= 1 { values.as_slice() } else { &[] }));
            }
            Happening::Core { what, values, .. } => {
                let Some((_, Some(record), submitted)) = open.last() else { continue };
                for named in values.iter().filter(|_| wanted(*record)) {
                    let FactName::Words(field) = &named.name else { continue };
                    let told = submitted.iter().any(|other| other.name == named.name && other.value == named.value);
                    let said = told || *what == "insert" && is_default(schema, *record, named, field);
                    let wrote = Wrote { record: *record, field: field.clone(), value: named.value.clone() };
                    match found.iter_mut().find(|(other, _)| other.record == *record && other.field == *field) {
                        Some(known) => *known = (wrote, said),
                        None => found.push((wrote, said)),
                    }
                }
            }
            _ => {}
        }
    }
    found.into_iter().filter(|(_, said)| !said).map(|(wrote, _)| wrote).collect()
}

/// Whether a field of a new record holds what every new record begins with.
fn is_default(schema: &Schema, record: Reference, named: &Named, field: &str) -> bool {
    let entity = schema.entity(record.entity);
    let declared = entity.and_then(|entity| entity.fields.get(field)).map(|field| &field.default);
    match declared {
        Some(Default::Value(value)) => *value == named.value,
        Some(Default::None) | None => named.value.is_empty(),
        Some(Default::Now | Default::Today | Default::Next) => true,
    }
}
