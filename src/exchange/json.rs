//! JSON lines: an object a line, of which every part is known.

use std::fmt;
use std::io::BufRead;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use smol_str::SmolStr;

use super::decode::{Wrong, decode};
use super::lines::Lines;
use super::{Problem, Request};
use crate::bytecode::{ActionHead, Program};
use crate::diagnostic::Code;
use crate::pipeline::Operation;
use crate::schema::json::{self, Raw, nearest_to, uuid};
use crate::schema::{Entity, Row, Schema};
use crate::value::{EntityId, Reference, Value, text::quoted};

/// The parts of an object that this release knows.
const PARTS: [&str; 6] = ["message", "entity", "id", "attributes", "as", "flow"];
/// The parts that a later release will know.
const LATER: [&str; 1] = ["targets"];
/// The messages that this release knows.
const MESSAGES: [&str; 4] = ["Create", "Update", "Delete", "Run"];
/// The messages that a later release will know.
const MESSAGES_LATER: [&str; 5] = ["Upsert", "Assign", "SetState", "CreateMultiple", "UpdateMultiple"];

/// Reads operations.
pub(super) struct Reader<'a, R> {
    lines: Lines<R>,
    schema: &'a Schema,
    program: &'a Program,
}

impl<'a, R: BufRead> Reader<'a, R> {
    pub fn new(input: R, schema: &'a Schema, program: &'a Program) -> Self {
        Reader { lines: Lines::new(input), schema, program }
    }

    pub fn bytes(&self) -> u64 {
        self.lines.bytes
    }

    /// The next operation; empty lines are passed over.
    pub fn next(&mut self) -> Option<Result<Request, Problem>> {
        loop {
            let number = self.lines.number + 1;
            match self.lines.next()? {
                Err(problem) => return Some(Err(problem)),
                Ok(text) if text.trim().is_empty() => {}
                Ok(text) => {
                    let read = request(text, self.schema, self.program);
                    return Some(
                        read.map(|(operation, user)| Request { line: number, operation, user })
                            .map_err(|(code, message)| Problem::new(number, code, message)),
                    );
                }
            }
        }
    }
}

/// The operation of a line, and the user who is named in it.
fn request(line: &str, schema: &Schema, program: &Program) -> Result<(Operation, Option<SmolStr>), Wrong> {
    if !line.trim_start().starts_with('{') {
        return Err((Code::O0101, "the line isn't a JSON object".to_owned()));
    }
    let parts = object(line)?;
    for (name, _) in &parts.0 {
        known(name, &PARTS, &LATER, Code::O0101, "part")?;
    }
    let message = parts.text("message")?;
    if let Some(action) = program.action(&message) {
        let user = parts.get("as").map(|_| parts.text("as")).transpose()?;
        return Ok((perform(&parts, &action.head, schema)?, user));
    }
    known(&message, &MESSAGES, &MESSAGES_LATER, Code::O0104, "message")?;
    let (id, entity) = entity(&parts.text("entity")?, schema)?;
    let user = parts.get("as").map(|_| parts.text("as")).transpose()?;
    let attributes = parts.get("attributes").map(attributes).transpose()?;
    if message != "Run" && parts.get("flow").is_some() {
        return Err((Code::O0101, format!("a `{message}` takes no `flow`")));
    }
    let operation = match message.as_str() {
        "Create" => {
            let mut values = row(&attributes.unwrap_or_default(), entity, schema)?;
            if parts.get("id").is_some() {
                values.set(crate::schema::PRIMARY_KEY, crate::value::Value::Uuid(parts.id()?));
            }
            Operation::Create { entity: id, values }
        }
        "Update" => {
            let record = Reference { entity: id, id: parts.id()? };
            Operation::Update { record, values: row(&attributes.unwrap_or_default(), entity, schema)? }
        }
        "Run" => {
            let (flow, record) = (parts.text("flow")?, Reference { entity: id, id: parts.id()? });
            let inputs = inputs(&flow, &attributes.unwrap_or_default(), schema, program)?;
            Operation::Run { flow, record, inputs }
        }
        _ if attributes.is_some_and(|attributes| !attributes.0.is_empty()) => {
            return Err((Code::O0101, "a `Delete` takes no `attributes`".to_owned()));
        }
        _ => Operation::Delete { record: Reference { entity: id, id: parts.id()? } },
    };
    Ok((operation, user))
}

/// An action: its record, if it has one, is in `id`, its inputs are the attributes.
fn perform(parts: &Object<'_>, head: &ActionHead, schema: &Schema) -> Result<Operation, Wrong> {
    if let Some(named) = parts.get("entity").map(|_| parts.text("entity")).transpose()? {
        let (id, _) = entity(&named, schema)?;
        if head.entity != Some(id) {
            return Err((Code::O0105, format!("the action `{}` is not on `{named}`", head.name)));
        }
    }
    let record = match head.entity {
        Some(entity) => Some(Reference { entity, id: parts.id()? }),
        None if parts.get("id").is_some() => return Err((Code::O0101, format!("the action `{}` is on no record", head.name))),
        None => None,
    };
    let mut inputs = vec![Value::Empty; head.inputs.len()];
    for (name, raw) in &parts.get("attributes").map(attributes).transpose()?.unwrap_or_default().0 {
        let found = head.inputs.iter().zip(&mut inputs).find(|(input, _)| input.name == *name);
        let Some((input, place)) = found else {
            let near = nearest_to(name, head.inputs.iter().map(|input| input.name.as_str()));
            return Err((Code::O0106, format!("`{}` has no input {}{}", head.name, quoted(name), meant(near))));
        };
        let read = Raw::json(raw).and_then(|raw| json::read(&raw, &input.ty, schema));
        *place = read.map_err(|wrong| (Code::O0107, format!("`{}`: {wrong}", input.name)))?;
    }
    Ok(Operation::Perform { action: head.name.clone(), record, inputs })
}

fn attributes(raw: &RawValue) -> Result<Object<'_>, Wrong> {
    if raw.get().starts_with('{') { object(raw.get()) } else { Err((Code::O0101, "`attributes` isn't an object".to_owned())) }
}

/// An entity by name.
pub(super) fn entity<'a>(name: &str, schema: &'a Schema) -> Result<(EntityId, &'a Entity), Wrong> {
    schema.entity_id(name).and_then(|id| schema.entity(id).map(|entity| (id, entity))).ok_or_else(|| {
        let near = nearest_to(name, schema.entities().map(|(_, entity)| entity.name.as_str()));
        (Code::O0105, format!("there is no entity {}{}", quoted(name), meant(near)))
    })
}

/// The values of attributes.
fn row(attributes: &Object<'_>, entity: &Entity, schema: &Schema) -> Result<Row, Wrong> {
    let mut row = Row::new(entity.fields.len());
    for (name, raw) in &attributes.0 {
        let Some((slot, field)) = entity.slot(name).and_then(|slot| entity.field(slot).map(|field| (slot, field))) else {
            let near = nearest_to(name, entity.fields().map(|(_, field)| field.name.as_str()));
            return Err((Code::O0106, format!("`{}` has no field {}{}", entity.name, quoted(name), meant(near))));
        };
        let raw = Raw::json(raw).map_err(|wrong| (Code::O0107, format!("`{}`: {wrong}", field.name)))?;
        row.set(slot, decode(&raw, field, schema)?);
    }
    Ok(row)
}

/// The values of a flow's inputs, by their positions.
fn inputs(flow: &str, attributes: &Object<'_>, schema: &Schema, program: &Program) -> Result<Vec<Value>, Wrong> {
    let Some(head) = program.flow(flow).map(|flow| &flow.head) else {
        let on_demand = program.flows.iter().filter(|flow| flow.head.on_demand).map(|flow| flow.head.name.as_str());
        return Err((Code::O0114, format!("there is no flow {}{}", quoted(flow), meant(nearest_to(flow, on_demand)))));
    };
    let mut values = vec![Value::Empty; head.inputs.len()];
    for (name, raw) in &attributes.0 {
        let found = values.iter_mut().zip(&head.inputs).find(|(_, input)| input.name == *name);
        let Some((value, input)) = found else {
            let near = nearest_to(name, head.inputs.iter().map(|input| input.name.as_str()));
            return Err((Code::O0106, format!("`{flow}` has no input {}{}", quoted(name), meant(near))));
        };
        let raw = Raw::json(raw).map_err(|wrong| (Code::O0107, format!("`{}`: {wrong}", input.name)))?;
        *value = decode(&raw, &input.field(), schema)?;
    }
    Ok(values)
}

/// Whether a word is one of those that are known.
fn known(word: &str, now: &[&str], later: &[&str], code: Code, what: &str) -> Result<(), Wrong> {
    if now.contains(&word) {
        return Ok(());
    }
    if later.contains(&word) {
        return Err((code, format!("the {what} {} is not yet supported", quoted(word))));
    }
    Err((code, format!("there is no {what} {}{}", quoted(word), meant(nearest_to(word, now.iter().copied())))))
}

fn meant(near: Option<&str>) -> String {
    near.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// The parts of an object in order, each name once.
#[derive(Default)]
struct Object<'a>(Vec<(String, &'a RawValue)>);

/// A text that holds an object.
fn object(text: &str) -> Result<Object<'_>, Wrong> {
    serde_json::from_str(text).map_err(|error| {
        // The line is the file's, not the one line that was parsed; of the place, the column is left.
        let words = error.to_string();
        let words = words.split(" at line ").next().unwrap_or("it can't be read").to_owned();
        (Code::O0101, format!("{words} (column {})", error.column()))
    })
}

impl<'a> Object<'a> {
    fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(part, _)| part == name).map(|(_, raw)| *raw)
    }

    /// A part that has to be there and a text.
    fn text(&self, name: &str) -> Result<SmolStr, Wrong> {
        let raw = self.get(name).ok_or_else(|| (Code::O0101, format!("`{name}` is missing")))?;
        serde_json::from_str(raw.get()).map_err(|_| (Code::O0101, format!("`{name}` has to be a text")))
    }

    fn id(&self) -> Result<crate::value::Uuid, Wrong> {
        let raw = self.get("id").ok_or_else(|| (Code::O0108, "`id` is missing".to_owned()))?;
        match Raw::json(raw) {
            Ok(Raw::Text(id)) => uuid(&id).map_err(|wrong| (Code::O0108, wrong)),
            Ok(Raw::Object) => Err((Code::O0108, "an `id` by key is not yet supported".to_owned())),
            _ => Err((Code::O0108, "`id` has to be a uuid, as text".to_owned())),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Object<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object<'de>, M::Error> {
                let mut parts: indexmap::IndexMap<String, &'de RawValue> = indexmap::IndexMap::new();
                while let Some((name, raw)) = map.next_entry::<String, &'de RawValue>()? {
                    if parts.contains_key(&name) {
                        return Err(M::Error::custom(format!("{} is there twice", quoted(&name))));
                    }
                    parts.insert(name, raw);
                }
                Ok(Object(parts.into_iter().collect()))
            }
        }
        deserializer.deserialize_map(Parts)
    }
}
