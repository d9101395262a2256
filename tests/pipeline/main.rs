//! The pipeline over a real SQLite store, with flows from text.

#![cfg(test)]

mod activities;
mod around;
mod audit;
mod background;
mod company;
mod delete;
mod identity;
mod images;
mod limits;
mod messages;
mod order;
mod plugins;
mod privileges;
mod queries;
mod rollback;
mod sessions;
mod stages;
#[path = "../support/stores.rs"]
mod stores;
mod teams;
mod trace;
mod writes;

use std::collections::BTreeMap;

use weir::diagnostic::Code;
use weir::pipeline::{Ending, Operation, Outcome, Pipeline, Settings};
use weir::project::Project;
use weir::schema::{FieldSet, Row};
use weir::value::{Reference, Slot, Value};

/// Named values of an operation.
type Values<'a> = &'a [(&'a str, Value)];

/// A pipeline over an empty store in memory, with fixed clock and ids.
fn open(text: &str) -> Pipeline {
    open_with(text, Settings::fixed())
}

fn open_with(text: &str, settings: Settings) -> Pipeline {
    let project = Project::from_text("test.flow", text);
    let messages: Vec<_> = project.diagnostics.iter().map(|diagnostic| (diagnostic.code, &diagnostic.message)).collect();
    let compiled = project.compile().unwrap_or_else(|_| panic!("{messages:?}"));
    compiled.open(&stores::empty(), settings).unwrap()
}

fn row(pipeline: &Pipeline, entity: &str, values: Values) -> Row {
    Row::of(&pipeline.schema().entities[entity], values.iter().cloned()).unwrap()
}

fn create(pipeline: &mut Pipeline, entity: &str, values: Values) -> Outcome {
    let values = row(pipeline, entity, values);
    let entity = pipeline.schema().entity_id(entity).unwrap();
    pipeline.execute(Operation::Create { entity, values }, None)
}

/// A record whose creation succeeds.
fn created(pipeline: &mut Pipeline, entity: &str, values: Values) -> Reference {
    let outcome = create(pipeline, entity, values);
    assert_eq!(outcome.ending, Ending::Committed);
    outcome.record.unwrap()
}

fn update(pipeline: &mut Pipeline, record: Reference, values: Values) -> Outcome {
    let entity = pipeline.schema().entity(record.entity).unwrap().name.clone();
    let values = row(pipeline, &entity, values);
    pipeline.execute(Operation::Update { record, values }, None)
}

fn delete(pipeline: &mut Pipeline, record: Reference) -> Outcome {
    pipeline.execute(Operation::Delete { record }, None)
}

/// A field of a record in the store.
fn get(pipeline: &mut Pipeline, record: Reference, field: &str) -> Value {
    let slot = pipeline.schema().entity(record.entity).unwrap().slot(field).unwrap();
    let row = pipeline.read(record, &[slot].into_iter().collect()).unwrap().expect("the record is there");
    row.get(slot).unwrap().clone()
}

fn exists(pipeline: &mut Pipeline, record: Reference) -> bool {
    pipeline.read(record, &[Slot(0)].into_iter().collect()).unwrap().is_some()
}

fn count(pipeline: &mut Pipeline, entity: &str) -> usize {
    let entity = pipeline.schema().entity_id(entity).unwrap();
    pipeline.find(entity, &Row::default(), u32::MAX).unwrap().len()
}

/// Every value of every record.
fn dump(pipeline: &mut Pipeline) -> BTreeMap<Reference, Row> {
    let schema = pipeline.schema().clone();
    let mut records = BTreeMap::new();
    for (id, entity) in schema.entities() {
        let all: FieldSet = entity.fields().map(|(slot, _)| slot).collect();
        for key in pipeline.find(id, &Row::default(), u32::MAX).unwrap() {
            let record = Reference { entity: id, id: key };
            records.insert(record, pipeline.read(record, &all).unwrap().unwrap());
        }
    }
    records
}

fn fault(outcome: &Outcome) -> (Code, &str) {
    match &outcome.ending {
        Ending::Fault(fault) => (fault.code, &fault.message),
        other => panic!("no fault, but {other:?}"),
    }
}

fn stopped(outcome: &Outcome) -> (&str, &str) {
    match &outcome.ending {
        Ending::Stopped { flow, reason } => (flow, reason),
        other => panic!("no stop, but {other:?}"),
    }
}
