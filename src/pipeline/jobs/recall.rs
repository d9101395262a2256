//! What a job remembers, as JSON in its row: the event that it started with, and the place where it stands. Fields and entities
//! stand there by their names, so that a schema that has grown since disturbs nothing; what it no longer has is left out.
//!
//! Nothing that the database holds is trusted: what can't be read is nothing, and its job fails.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use smol_str::SmolStr;

use crate::pipeline::Message;
use crate::schema::{Row, Schema};
use crate::value::{EntityId, Reference, Uuid, Value};
use crate::vm::{LoopPlace, Place};

/// The event that a job started with, as far as its flow or plug-in asks for it, and what it was given.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Recall {
    /// None of one that was started by hand, by another flow or by an action.
    pub message: Option<Message>,
    /// The action that a plug-in is around.
    pub action: Option<SmolStr>,
    /// Fields of the record before the operation.
    pub before: Row,
    /// Fields that the operation gave values.
    pub target: Row,
    pub inputs: Vec<Value>,
    pub outputs: Vec<Value>,
}

/// Where a job stands in its flow.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Position {
    pub place: Place,
    /// The titles of the groups of statements that it is in, outermost first.
    pub titles: Vec<SmolStr>,
    /// When its wait began, if it stands at one.
    pub since: Option<Timestamp>,
}

impl Recall {
    pub fn write(&self, entity: EntityId, schema: &Schema) -> SmolStr {
        let values = |values: &[Value]| values.iter().map(|value| kept(value, schema)).collect::<Vec<_>>();
        let mut data = Map::new();
        let mut put = |key: &str, value: Json, there: bool| {
            if there {
                data.insert(key.to_owned(), value);
            }
        };
        put("message", json!(self.message.map(Message::name)), self.message.is_some());
        put("action", json!(self.action.as_deref()), self.action.is_some());
        put("old", fields(&self.before, entity, schema), !self.before.present().is_empty());
        put("new", fields(&self.target, entity, schema), !self.target.present().is_empty());
        put("inputs", json!(values(&self.inputs)), !self.inputs.is_empty());
        put("outputs", json!(values(&self.outputs)), !self.outputs.is_empty());
        Json::Object(data).to_string().into()
    }

    pub fn read(text: &str, entity: EntityId, schema: &Schema) -> Option<Self> {
        let data: Map<String, Json> = serde_json::from_str(text).ok()?;
        let message = match data.get("message").map(Json::as_str) {
            None => None,
            Some(name) => {
                Some([Message::Create, Message::Update, Message::Delete].into_iter().find(|message| Some(message.name()) == name)?)
            }
        };
        let row = |key| data.get(key).map_or(Some(Row::default()), |fields| row(fields, entity, schema));
        let values = |key| data.get(key).map_or(Some(Vec::new()), |values| all(values, schema));
        let action = data.get("action").and_then(Json::as_str).map(SmolStr::new);
        Some(Recall { message, action, before: row("old")?, target: row("new")?, inputs: values("inputs")?, outputs: values("outputs")? })
    }
}

impl Position {
    /// The position, and the records of its loops, which stay the same from turn to turn.
    pub fn write(&self, schema: &Schema) -> (SmolStr, Option<SmolStr>) {
        let loops = &self.place.loops;
        let position = json!({
            "step": self.place.step,
            "values": self.place.values.iter().map(|value| kept(value, schema)).collect::<Vec<_>>(),
            "loops": loops.iter().map(|place| (place.query, place.done)).collect::<Vec<_>>(),
            "groups": self.titles.iter().map(SmolStr::as_str).collect::<Vec<_>>(),
            "since": self.since.map(|since| since.as_microsecond()),
        });
        let ids = |place: &LoopPlace| STANDARD_NO_PAD.encode(place.records.iter().flat_map(|id| *id.as_bytes()).collect::<Vec<u8>>());
        let records = (!loops.is_empty()).then(|| json!(loops.iter().map(ids).collect::<Vec<_>>()).to_string().into());
        (position.to_string().into(), records)
    }

    pub fn read(text: &str, records: Option<&str>, schema: &Schema) -> Option<Self> {
        let data: Json = serde_json::from_str(text).ok()?;
        let loops: Vec<(u16, usize)> = serde_json::from_value(data.get("loops")?.clone()).ok()?;
        let records: Vec<String> = records.map_or(Some(Vec::new()), |records| serde_json::from_str(records).ok())?;
        if loops.len() != records.len() {
            return None;
        }
        let ids = |text: &String| {
            let bytes = STANDARD_NO_PAD.decode(text).ok()?;
            let (ids, rest) = bytes.as_chunks::<16>();
            rest.is_empty().then(|| ids.iter().map(|id| Uuid::from_bytes(*id)).collect::<Arc<[Uuid]>>())
        };
        let place = |((query, done), text): (&(u16, usize), &String)| Some(LoopPlace { query: *query, records: ids(text)?, done: *done });
        let since = match data.get("since")? {
            Json::Null => None,
            since => Some(Timestamp::from_microsecond(since.as_i64()?).ok()?),
        };
        Some(Position {
            place: Place {
                step: u16::try_from(data.get("step")?.as_u64()?).ok()?,
                values: all(data.get("values")?, schema)?,
                loops: loops.iter().zip(&records).map(place).collect::<Option<_>>()?,
            },
            titles: serde_json::from_value::<Vec<String>>(data.get("groups")?.clone()).ok()?.into_iter().map(SmolStr::from).collect(),
            since,
        })
    }

    /// Whether the records of its loops are those of another place.
    pub fn has_loops_of(&self, other: &Position) -> bool {
        let (own, others) = (&self.place.loops, &other.place.loops);
        own.len() == others.len() && own.iter().zip(others).all(|(one, two)| Arc::ptr_eq(&one.records, &two.records))
    }
}

/// A value with its form beside it, which nothing else tells here.
pub(super) fn kept(value: &Value, schema: &Schema) -> Json {
    match value {
        Value::Reference(record) => {
            let entity = schema.entity(record.entity).map_or("", |entity| entity.name.as_str());
            json!({ "Record": [entity, record.id.to_string()] })
        }
        other => serde_json::to_value(other).unwrap_or_default(),
    }
}

fn value(json: &Json, schema: &Schema) -> Option<Value> {
    if let Some(record) = json.get("Record") {
        let (entity, id): (String, String) = serde_json::from_value(record.clone()).ok()?;
        return Some(Value::Reference(Reference { entity: schema.entity_id(&entity)?, id: Uuid::try_parse(&id).ok()? }));
    }
    // A record by the number of its entity is none that was written here.
    serde_json::from_value(json.clone()).ok().filter(|value| !matches!(value, Value::Reference(_)))
}

pub(super) fn all(values: &Json, schema: &Schema) -> Option<Vec<Value>> {
    values.as_array()?.iter().map(|json| value(json, schema)).collect()
}

pub(super) fn fields(row: &Row, entity: EntityId, schema: &Schema) -> Json {
    let named = |(slot, value)| Some((schema.field(entity, slot)?.name.to_string(), kept(value, schema)));
    Json::Object(row.iter().filter_map(named).collect())
}

pub(super) fn row(fields: &Json, entity: EntityId, schema: &Schema) -> Option<Row> {
    let declared = schema.entity(entity)?;
    let known = fields.as_object()?.iter().filter_map(|(name, json)| Some((declared.slot(name)?, json)));
    known.map(|(slot, json)| Some((slot, value(json, schema)?))).collect()
}
