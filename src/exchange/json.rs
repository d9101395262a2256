//! JSON lines: an object a line, of which every part is known.

use std::io::BufRead;

use serde_json::value::RawValue;
use smol_str::SmolStr;

use super::decode::{Find, Named, Scope, Wrong};
use super::lines::Lines;
use super::{Problem, Request};
use crate::bytecode::{ActionHead, Program};
use crate::diagnostic::Code;
use crate::pipeline::Operation;
use crate::schema::json::{Raw, nearest_to};
use crate::schema::{Entity, PRIMARY_KEY, Row, Schema, system};
use crate::value::{EntityId, Reference, Uuid, Value, text::quoted};

use super::object::{Object, object, targets};

/// The parts that an object can have.
const PARTS: [&str; 8] = ["message", "entity", "id", "attributes", "targets", "as", "flow", REJECTED];

/// Why an operation was rejected before: told to people, and passed over.
const REJECTED: &str = "rejected";

/// What a line begins with that is passed over.
const COMMENT: &str = "//";

/// The messages, and the parts that each takes beside `message`, `entity` and `as`.
const MESSAGES: [(&str, &[&str]); 9] = [
    ("Create", &["id", "attributes"]),
    ("Update", &["id", "attributes"]),
    ("Delete", &["id"]),
    ("Upsert", &["id", "attributes"]),
    ("Assign", &["id", "attributes"]),
    ("SetState", &["id", "attributes"]),
    ("CreateMultiple", &["targets"]),
    ("UpdateMultiple", &["targets"]),
    ("Run", &["id", "attributes", "flow"]),
];

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

    /// The lines that are read.
    pub fn lines(&mut self) -> &mut Lines<R> {
        &mut self.lines
    }

    /// The operation that was read last, as a line that says why it was rejected and can be read again. What is no object stays as it
    /// is, below a line with the reason.
    pub fn rejected(&self, reason: &str) -> Vec<u8> {
        let line = self.lines.line();
        let parts = std::str::from_utf8(line).ok().and_then(|text| object(text).ok());
        let Some(parts) = parts else {
            let reason = reason.replace(['\n', '\r'], " ");
            return [COMMENT.as_bytes(), b" ", reason.as_bytes(), b"\n", line, b"\n"].concat();
        };
        let kept = parts.0.iter().filter(|(name, _)| name != REJECTED).map(|(name, raw)| format!("{}:{raw}", serde_json::json!(name)));
        let parts: Vec<String> = kept.chain([format!("\"{REJECTED}\":{}", serde_json::json!(reason))]).collect();
        format!("{{{}}}\n", parts.join(",")).into_bytes()
    }

    /// The next operation; empty lines and comments are passed over.
    pub fn next(&mut self, find: &Find<'_>) -> Option<Result<Request, Problem>> {
        loop {
            let number = self.lines.number + 1;
            match self.lines.next()? {
                Err(problem) => return Some(Err(problem)),
                Ok(text) if text.trim().is_empty() || text.starts_with(COMMENT) => {}
                Ok(text) => {
                    let read = request(text, Scope::new(self.schema, find), self.program);
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
fn request(line: &str, scope: Scope<'_>, program: &Program) -> Result<(Operation, Option<SmolStr>), Wrong> {
    if !line.trim_start().starts_with('{') {
        return Err((Code::O0101, "the line isn't a JSON object".to_owned()));
    }
    let parts = object(line)?;
    for (name, _) in &parts.0 {
        known(name, PARTS, Code::O0101, "part")?;
    }
    let message = parts.text("message")?;
    let operation = match program.action(&message) {
        Some(action) => perform(&parts, &action.head, scope)?,
        None => on_records(&message, &parts, scope, program)?,
    };
    let user = parts.get("as").map(|_| parts.text("as")).transpose()?;
    Ok((operation, user))
}

/// A message about records of an entity.
fn on_records(message: &str, parts: &Object<'_>, scope: Scope<'_>, program: &Program) -> Result<Operation, Wrong> {
    known(message, MESSAGES.map(|(name, _)| name), Code::O0104, "message")?;
    takes(message, parts)?;
    let (id, entity) = entity(&parts.text("entity")?, scope.schema)?;
    let attributes = parts.get("attributes").map(attributes).transpose()?.unwrap_or_default();
    let values = || scope.row(&attributes, entity);
    let target = Target { parts, id, entity, scope };
    match message {
        "Create" => {
            let mut values = values()?;
            match parts.get("id").map(|_| target.named()).transpose()? {
                None => {}
                Some(Named::Id(id)) => values.set(PRIMARY_KEY, id.into()),
                Some(Named::Key(_)) => {
                    let words = "a new record's `id` has to be a uuid: the values of a key are `attributes` of it (or write an `Upsert`)";
                    return Err((Code::O0108, words.to_owned()));
                }
            }
            Ok(Operation::Create { entity: id, values })
        }
        "Upsert" => {
            let key = match target.named()? {
                Named::Id(id) => [(PRIMARY_KEY, Value::Uuid(id))].into_iter().collect(),
                Named::Key(key) => key,
            };
            Ok(Operation::Upsert { entity: id, key, values: values()? })
        }
        "CreateMultiple" => Ok(Operation::CreateMultiple { entity: id, targets: target.targets(false)? }),
        "UpdateMultiple" => Ok(Operation::UpdateMultiple { entity: id, targets: target.targets(true)? }),
        "Delete" => target.operation(|record| Operation::Delete { record }),
        "Run" => {
            let flow = parts.text("flow")?;
            let inputs = inputs(&flow, &attributes, scope, program)?;
            target.operation(|record| Operation::Run { flow, record, inputs })
        }
        _ => {
            match message {
                "Assign" => only(message, &attributes, &[system::OWNER])?,
                "SetState" => only(message, &attributes, &[system::STATE, system::STATUS])?,
                _ => {}
            }
            let values = values()?;
            target.operation(|record| Operation::Update { record, values })
        }
    }
}

/// Whether a message takes the parts that are there.
fn takes(message: &str, parts: &Object<'_>) -> Result<(), Wrong> {
    let taken = MESSAGES.iter().find(|(name, _)| *name == message).map_or(&[][..], |(_, taken)| taken);
    for (name, raw) in &parts.0 {
        let empty = name == "attributes" && raw.get().trim_start_matches('{').trim_start() == "}";
        if !["message", "entity", "as", REJECTED].contains(&name.as_str()) && !taken.contains(&name.as_str()) && !empty {
            return Err((Code::O0101, format!("{} `{message}` takes no `{name}`", article(message))));
        }
    }
    Ok(())
}

/// Whether the attributes are some of these fields, and at least one.
fn only(message: &str, attributes: &Object<'_>, fields: &[&str]) -> Result<(), Wrong> {
    if !attributes.0.is_empty() && attributes.0.iter().all(|(name, _)| fields.contains(&name.as_str())) {
        return Ok(());
    }
    let fields: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
    Err((Code::O0101, format!("{} `{message}` has {} in its `attributes`, and nothing else", article(message), fields.join(" or "))))
}

fn article(message: &str) -> &'static str {
    if message.starts_with(['A', 'U']) { "an" } else { "a" }
}

/// The records that a line is about.
#[derive(Clone, Copy)]
struct Target<'a> {
    parts: &'a Object<'a>,
    id: EntityId,
    entity: &'a Entity,
    scope: Scope<'a>,
}

impl Target<'_> {
    /// What `id` says.
    fn named(self) -> Result<Named, Wrong> {
        let raw = self.parts.get("id").ok_or_else(|| (Code::O0108, "`id` is missing".to_owned()))?;
        self.scope.named(&Raw::json(raw).map_err(|wrong| (Code::O0108, wrong))?, self.entity)
    }

    /// An operation on the record that `id` names.
    fn operation(self, make: impl FnOnce(Reference) -> Operation) -> Result<Operation, Wrong> {
        let on = |id| Reference { entity: self.id, id };
        Ok(match self.named()? {
            Named::Id(id) => make(on(id)),
            Named::Key(key) => Operation::Keyed { key, operation: Box::new(make(on(Uuid::nil()))) },
        })
    }

    /// The values of each target; its `id` is its primary key.
    fn targets(self, there: bool) -> Result<Vec<Row>, Wrong> {
        let raw = self.parts.get("targets").ok_or_else(|| (Code::O0101, "`targets` is missing".to_owned()))?;
        let of = |(index, raw)| self.target(raw, there).map_err(|(code, words)| (code, format!("target {}: {words}", index + 1)));
        (0usize..).zip(targets(raw)?).map(of).collect()
    }

    /// The values of one target; the record is one that is there, or a new one.
    fn target(self, raw: &RawValue, there: bool) -> Result<Row, Wrong> {
        if !raw.get().starts_with('{') {
            return Err((Code::O0101, "it has to be an object of attributes".to_owned()));
        }
        let mut attributes = object(raw.get())?;
        let id = attributes.get("id").filter(|_| self.entity.slot("id").is_none());
        attributes.0.retain(|(name, _)| id.is_none() || name != "id");
        let mut values = self.scope.row(&attributes, self.entity)?;
        if let Some(id) = id {
            let id = match self.scope.named(&Raw::json(id).map_err(|wrong| (Code::O0108, wrong))?, self.entity)? {
                Named::Id(id) => id,
                Named::Key(_) if !there => return Err((Code::O0108, "a new record's `id` has to be a uuid".to_owned())),
                Named::Key(key) => (self.scope.find)(self.id, &key).map_err(|fault| (fault.code, fault.message))?,
            };
            values.set(PRIMARY_KEY, id.into());
        }
        if there && !matches!(values.get(PRIMARY_KEY), Some(Value::Uuid(_))) {
            return Err((Code::O0108, "`id` is missing".to_owned()));
        }
        Ok(values)
    }
}

/// An action: its record, if it has one, is in `id`, its inputs are the attributes.
fn perform(parts: &Object<'_>, head: &ActionHead, scope: Scope<'_>) -> Result<Operation, Wrong> {
    if let Some(named) = parts.get("entity").map(|_| parts.text("entity")).transpose()? {
        let (id, _) = entity(&named, scope.schema)?;
        if head.entity != Some(id) {
            return Err((Code::O0105, format!("the action `{}` is not on `{named}`", head.name)));
        }
    }
    for part in ["targets", "flow"] {
        if parts.get(part).is_some() {
            return Err((Code::O0101, format!("the action `{}` takes no `{part}`", head.name)));
        }
    }
    let mut inputs = vec![Value::Empty; head.inputs.len()];
    for (name, raw) in &parts.get("attributes").map(attributes).transpose()?.unwrap_or_default().0 {
        let found = head.inputs.iter().zip(&mut inputs).find(|(input, _)| input.name == *name);
        let Some((input, place)) = found else {
            let near = nearest_to(name, head.inputs.iter().map(|input| input.name.as_str()));
            return Err((Code::O0106, format!("`{}` has no input {}{}", head.name, quoted(name), meant(near))));
        };
        let read = Raw::json(raw).map_err(|wrong| (Code::O0107, wrong)).and_then(|raw| scope.value(&raw, &input.ty));
        *place = read.map_err(|(code, wrong)| (code, format!("`{}`: {wrong}", input.name)))?;
    }
    let action = head.name.clone();
    match head.entity.and_then(|id| scope.schema.entity(id).map(|entity| Target { parts, id, entity, scope })) {
        Some(target) => target.operation(|record| Operation::Perform { action, record: Some(record), inputs }),
        None if parts.get("id").is_some() => Err((Code::O0101, format!("the action `{action}` is on no record"))),
        None => Ok(Operation::Perform { action, record: None, inputs }),
    }
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

/// The values of a flow's inputs, by their positions.
fn inputs(flow: &str, attributes: &Object<'_>, scope: Scope<'_>, program: &Program) -> Result<Vec<Value>, Wrong> {
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
        *value = scope.decode(&raw, &input.field())?;
    }
    Ok(values)
}

/// Whether a word is one of those that are known.
fn known<const N: usize>(word: &str, words: [&str; N], code: Code, what: &str) -> Result<(), Wrong> {
    if words.contains(&word) {
        return Ok(());
    }
    Err((code, format!("there is no {what} {}{}", quoted(word), meant(nearest_to(word, words)))))
}

pub(super) fn meant(near: Option<&str>) -> String {
    near.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}
