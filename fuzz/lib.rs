//! What the targets share: a compiled project as bytes and back, and a run of all that it can do.

use sha2::{Digest, Sha256};
use weir::bytecode::{MAGIC, VERSION};
use weir::pipeline::{Operation, Settings};
use weir::project::{Compiled, Project};
use weir::schema::{Entity, Row};
use weir::value::{Decimal, Type, Value};

/// How many bytes a compiled project has before its payload.
pub const HEADER: usize = MAGIC.len() + 2 + 8 + 32;

/// A project that says much in few lines.
pub const RULES: &str = include_str!("rules.flow");

/// The compiled [`RULES`].
pub fn rules() -> Compiled {
    Project::from_text("rules.flow", RULES).compile().expect("the rules compile")
}

/// A payload behind a header that fits it, so that what is in it is looked at.
pub fn sealed(payload: &[u8]) -> Vec<u8> {
    let (version, length) = (VERSION.to_le_bytes(), (payload.len() as u64).to_le_bytes());
    let sum = Sha256::new().chain_update(version).chain_update(length).chain_update(payload).finalize();
    [MAGIC.as_slice(), &version, &length, &sum, payload].concat()
}

/// Creates, updates and deletes records of every entity, once with values and once without; how it ends doesn't matter.
pub fn run(compiled: &Compiled) {
    let mut settings = Settings::fixed();
    settings.max_instructions = 20_000;
    let Ok(mut pipeline) = compiled.open("sqlite::memory:", settings) else { return };
    for (id, entity) in compiled.schema.entities().take(20) {
        for full in [true, false] {
            let values = row(entity, full);
            let outcome = pipeline.execute(Operation::Create { entity: id, values: values.clone() }, None);
            if let Some(record) = outcome.record {
                pipeline.execute(Operation::Update { record, values }, None);
                for flow in compiled.program.flows.iter().filter(|flow| flow.head.entity == id).take(20) {
                    let inputs = vec![Value::Empty; flow.head.inputs.len()];
                    pipeline.execute(Operation::Start { flow: flow.head.name.clone(), record, inputs }, None);
                }
                pipeline.execute(Operation::Delete { record }, None);
            }
        }
    }
}

/// A value for each field that takes one without other records.
fn row(entity: &Entity, full: bool) -> Row {
    let mut row = Row::new(entity.fields().count());
    for (slot, field) in entity.fields().filter(|(_, field)| !field.read_only) {
        let value = match field.ty {
            _ if !full => Value::Empty,
            Type::Boolean => Value::Boolean(true),
            Type::Integer | Type::BigInt => Value::Integer(7),
            Type::Decimal(_) | Type::Money(_) => Value::Decimal(Decimal::from(1_234)),
            Type::Float => Value::Float(0.5),
            Type::Text => Value::Text("abc".into()),
            _ => continue,
        };
        row.set(slot, value);
    }
    row
}
