//! Operations of a background operation as they are kept, one a line, and what came of them. Entities and fields stand there by their
//! names, as in what a job remembers; an operation that names what the schema no longer has is a fault, and never done in part.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use smol_str::SmolStr;

use super::recall::{all, fields, kept, row};
use crate::diagnostic::Code;
use crate::pipeline::fault::one_line;
use crate::pipeline::{Ending, Operation, Outcome};
use crate::schema::{Row, Schema, json};
use crate::value::{EntityId, Reference, Uuid, Value};

/// An operation, where it comes from and who does it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Its line in what was handed in, from 1.
    pub line: u64,
    /// The user who does it, where that isn't the one as whom the job runs.
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Uuid>,
    #[serde(rename = "do")]
    what: What,
}

type Record = (SmolStr, Uuid);

#[derive(Debug, Serialize, Deserialize)]
enum What {
    Create(SmolStr, Json),
    Update(Record, Json),
    Delete(Record),
    Upsert(SmolStr, Json, Json),
    CreateMultiple(SmolStr, Vec<Json>),
    UpdateMultiple(SmolStr, Vec<Json>),
    Keyed(SmolStr, Json, Box<What>),
    Run(SmolStr, Record, Json),
    Perform(SmolStr, Option<Record>, Json),
    Start(SmolStr, Record, Json),
}

impl Kept {
    /// Of an operation.
    pub fn of(line: u64, user: Option<Uuid>, operation: &Operation, schema: &Schema) -> Self {
        Kept { line, user, what: What::of(operation, schema) }
    }

    /// As a line of text.
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From a line of text.
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The operation, where the schema has all that it names.
    pub fn operation(&self, schema: &Schema) -> Option<Operation> {
        self.what.operation(schema)
    }
}

impl What {
    fn of(operation: &Operation, schema: &Schema) -> Self {
        let entity = |id: EntityId| schema.entity(id).map_or_else(SmolStr::default, |entity| entity.name.clone());
        let record = |record: &Reference| (entity(record.entity), record.id);
        let targets = |id, rows: &[Row]| rows.iter().map(|row| fields(row, id, schema)).collect();
        let inputs = |values: &[Value]| Json::Array(values.iter().map(|value| kept(value, schema)).collect());
        match operation {
            Operation::Create { entity: id, values } => What::Create(entity(*id), fields(values, *id, schema)),
            Operation::Update { record: on, values } => What::Update(record(on), fields(values, on.entity, schema)),
            Operation::Delete { record: on } => What::Delete(record(on)),
            Operation::Upsert { entity: id, key, values } => {
                What::Upsert(entity(*id), fields(key, *id, schema), fields(values, *id, schema))
            }
            Operation::CreateMultiple { entity: id, targets: rows } => What::CreateMultiple(entity(*id), targets(*id, rows)),
            Operation::UpdateMultiple { entity: id, targets: rows } => What::UpdateMultiple(entity(*id), targets(*id, rows)),
            Operation::Keyed { key, operation } => {
                let mut operation = (**operation).clone();
                let id = operation.record_mut().map_or(EntityId(u16::MAX), |record| record.entity);
                What::Keyed(entity(id), fields(key, id, schema), Box::new(What::of(&operation, schema)))
            }
            Operation::Run { flow, record: on, inputs: values } => What::Run(flow.clone(), record(on), inputs(values)),
            Operation::Perform { action, record: on, inputs: values } => {
                What::Perform(action.clone(), on.as_ref().map(record), inputs(values))
            }
            Operation::Start { flow, record: on, inputs: values } => What::Start(flow.clone(), record(on), inputs(values)),
        }
    }

    fn operation(&self, schema: &Schema) -> Option<Operation> {
        let record = |(entity, id): &Record| Some(Reference { entity: schema.entity_id(entity)?, id: *id });
        let targets = |entity, rows: &[Json]| rows.iter().map(|values| whole(values, entity, schema)).collect::<Option<Vec<Row>>>();
        Some(match self {
            What::Create(entity, values) => {
                let entity = schema.entity_id(entity)?;
                Operation::Create { entity, values: whole(values, entity, schema)? }
            }
            What::Update(on, values) => {
                let record = record(on)?;
                Operation::Update { record, values: whole(values, record.entity, schema)? }
            }
            What::Delete(on) => Operation::Delete { record: record(on)? },
            What::Upsert(entity, key, values) => {
                let entity = schema.entity_id(entity)?;
                Operation::Upsert { entity, key: whole(key, entity, schema)?, values: whole(values, entity, schema)? }
            }
            What::CreateMultiple(entity, rows) => {
                let entity = schema.entity_id(entity)?;
                Operation::CreateMultiple { entity, targets: targets(entity, rows)? }
            }
            What::UpdateMultiple(entity, rows) => {
                let entity = schema.entity_id(entity)?;
                Operation::UpdateMultiple { entity, targets: targets(entity, rows)? }
            }
            What::Keyed(entity, key, what) => {
                let key = whole(key, schema.entity_id(entity)?, schema)?;
                Operation::Keyed { key, operation: Box::new(what.operation(schema)?) }
            }
            What::Run(flow, on, inputs) => Operation::Run { flow: flow.clone(), record: record(on)?, inputs: all(inputs, schema)? },
            What::Perform(action, on, inputs) => {
                let on = if let Some(on) = on { Some(record(on)?) } else { None };
                Operation::Perform { action: action.clone(), record: on, inputs: all(inputs, schema)? }
            }
            What::Start(flow, on, inputs) => Operation::Start { flow: flow.clone(), record: record(on)?, inputs: all(inputs, schema)? },
        })
    }
}

/// The values of fields, where the entity has all of them.
fn whole(values: &Json, entity: EntityId, schema: &Schema) -> Option<Row> {
    let declared = schema.entity(entity)?;
    values.as_object()?.keys().all(|name| declared.slot(name).is_some()).then(|| row(values, entity, schema))?
}

/// What came of one of the operations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperationResult {
    /// Its line in what was handed in, from 1.
    pub line: u64,
    /// `committed`, `stopped` or `fault`.
    pub outcome: SmolStr,
    /// Its record, where it has one and was committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Those of a multiple operation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<Uuid>,
    /// Why it wasn't committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<SmolStr>,
    /// The code of its fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<SmolStr>,
    /// The flow that stopped it or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<SmolStr>,
    /// What an action gave, by the names of its outputs.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub outputs: Map<String, Json>,
}

impl OperationResult {
    /// Of an outcome; of an action also what it gave.
    pub(super) fn of(line: u64, outcome: &Outcome, outputs: Map<String, Json>) -> Self {
        let (word, reason, code, flow) = match &outcome.ending {
            Ending::Committed => ("committed", None, None, None),
            Ending::Stopped { flow, reason } => ("stopped", Some(reason.clone()), None, Some(flow.clone())),
            Ending::Fault(fault) => {
                ("fault", Some(fault.message.clone().into()), Some(fault.code.name().into()), fault.chain.last().cloned())
            }
        };
        let shortened = |reason: SmolStr| one_line(reason).chars().take(LONGEST_REASON).collect();
        OperationResult {
            line,
            outcome: word.into(),
            id: outcome.record.map(|record| record.id),
            ids: outcome.records.iter().map(|record| record.id).collect(),
            reason: reason.map(shortened),
            code,
            flow,
            outputs,
        }
    }
}

/// How many characters of a reason are kept.
const LONGEST_REASON: usize = 1_000;

/// The outputs of an action by their names.
pub(super) fn outputs(head: &crate::bytecode::ActionHead, values: &[Value], schema: &Schema) -> Map<String, Json> {
    let written = head.outputs.iter().zip(values);
    written.map(|(output, value)| (output.name.to_string(), json::write(value, &output.ty, schema))).collect()
}

/// An operation that names what the schema doesn't have.
pub(super) const GONE: (Code, &str) =
    (Code::F06, "it names an entity or a field that isn't there any more, or what is kept of it is damaged");
