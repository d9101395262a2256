//! The question: an entity, a message and perhaps fields, by name.

use smol_str::SmolStr;
use thiserror::Error;

use crate::bytecode::{Mode, Program};
use crate::diagnostic::nearest;
use crate::schema::{Entity, FieldSet, PRIMARY_KEY, Schema, system};
use crate::value::text::quoted;
use crate::value::{EntityId, Slot};

/// What stands for the entity of a global action.
const NONE: &str = "-";

/// What is asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// The entity; `-` for a global action.
    pub entity: String,
    /// `Create`, `Update`, `Delete`, `Upsert`, `Assign`, `SetState`, `CreateMultiple`, `UpdateMultiple`, all in any case, or the name of
    /// an action or of a flow that runs on demand or as a child.
    pub message: String,
    /// The submitted fields; any where there is no list.
    pub fields: Option<Vec<String>>,
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what}{}", .meant.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default())]
pub struct AskError {
    /// What is wrong.
    what: String,
    /// What may be meant.
    meant: Option<SmolStr>,
}

/// A question that was understood.
#[derive(Debug)]
pub(super) struct Question {
    pub entity: Option<EntityId>,
    pub asked: Asked,
}

#[derive(Debug)]
pub(super) enum Asked {
    /// A new record, or several, each by itself.
    Create {
        multiple: bool,
    },
    /// A change of the submitted fields, or of any; of a record, or of several, each by itself.
    Update {
        fields: Option<FieldSet>,
        multiple: bool,
    },
    Delete,
    /// Either of the two.
    Upsert(Option<FieldSet>),
    /// An action, by its position.
    Action(usize),
    /// A flow that no event starts, by its position.
    Flow(usize),
}

/// The messages of every entity.
pub const MESSAGES: [&str; 8] = ["Create", "Update", "Delete", "Upsert", "Assign", "SetState", "CreateMultiple", "UpdateMultiple"];

/// Reads a question.
pub(super) fn read(program: &Program, schema: &Schema, ask: &Ask) -> Result<Question, AskError> {
    let id = match ask.entity.as_str() {
        NONE => None,
        name => Some(schema.entity_id(name).ok_or_else(|| {
            let near = nearest(name, schema.entities.keys().map(SmolStr::as_str));
            wrong(format!("there is no entity {}", quoted(name)), near)
        })?),
    };
    let entity = id.and_then(|id| schema.entity(id));
    let known = MESSAGES.iter().find(|message| message.eq_ignore_ascii_case(&ask.message));
    let asked = match (known, entity) {
        (Some(message), Some(entity)) => of_record(message, entity, ask)?,
        (Some(message), None) => return Err(wrong(format!("`{message}` is about the records of an entity, so name one for `-`"), None)),
        (None, _) => by_name(program, schema, id, ask)?,
    };
    if ask.fields.is_some() && !matches!(asked, Asked::Create { .. } | Asked::Update { .. } | Asked::Upsert(_)) {
        return Err(wrong(format!("{} submits no fields, so `--fields` says nothing here", quoted(&ask.message)), None));
    }
    Ok(Question { entity: id, asked })
}

fn wrong(what: impl Into<String>, meant: Option<&str>) -> AskError {
    AskError { what: what.into(), meant: meant.map(SmolStr::new) }
}

fn of_record(message: &str, entity: &Entity, ask: &Ask) -> Result<Asked, AskError> {
    let own = |names: &[&str]| {
        let slots: FieldSet = names.iter().filter_map(|name| entity.slot(name)).collect();
        let nobody = || wrong(format!("`{}` is owned by the organization, so its records aren't assigned", entity.name), None);
        if slots.is_empty() {
            return Err(nobody());
        }
        match &ask.fields {
            Some(_) => Err(wrong(format!("`{message}` says itself which fields it submits, so leave `--fields` out"), None)),
            None => Ok(Asked::Update { fields: Some(slots), multiple: false }),
        }
    };
    let fields = fields(entity, ask)?;
    Ok(match message {
        "Create" => Asked::Create { multiple: false },
        "CreateMultiple" => Asked::Create { multiple: true },
        "Update" => Asked::Update { fields, multiple: false },
        "UpdateMultiple" => Asked::Update { fields, multiple: true },
        "Upsert" => Asked::Upsert(fields),
        "Assign" => own(&[system::OWNER])?,
        "SetState" => own(&[system::STATE, system::STATUS])?,
        _ => Asked::Delete,
    })
}

fn fields(entity: &Entity, ask: &Ask) -> Result<Option<FieldSet>, AskError> {
    let Some(names) = &ask.fields else { return Ok(None) };
    names.iter().filter(|name| !name.is_empty()).map(|name| field(entity, name)).collect::<Result<_, _>>().map(Some)
}

fn field(entity: &Entity, name: &str) -> Result<Slot, AskError> {
    let Some(slot) = entity.slot(name) else {
        let near = nearest(name, entity.fields.keys().map(SmolStr::as_str));
        return Err(wrong(format!("`{}` has no field {}", entity.name, quoted(name)), near));
    };
    let kept = slot == PRIMARY_KEY || entity.field(slot).is_some_and(|field| field.read_only);
    if kept {
        Err(wrong(format!("`{}.{name}` is written by the platform alone, so nobody submits it", entity.name), None))
    } else {
        Ok(slot)
    }
}

/// An action, or a flow that runs on demand or as a child.
fn by_name(program: &Program, schema: &Schema, entity: Option<EntityId>, ask: &Ask) -> Result<Asked, AskError> {
    let name = ask.message.as_str();
    let on = |entity: Option<EntityId>| match entity.and_then(|id| schema.entity(id)) {
        Some(entity) => format!("is on `{}`", entity.name),
        None => "is on no entity: write `-` for it".to_owned(),
    };
    if let Some(index) = program.action_index(name) {
        let of = program.action(name).and_then(|action| action.head.entity);
        return if of == entity { Ok(Asked::Action(index)) } else { Err(wrong(format!("the action `{name}` {}", on(of)), None)) };
    }
    if let Some(index) = program.flow_index(name) {
        let head = program.flows.get(index).map(|flow| &flow.head);
        let of = head.map(|head| head.entity);
        let why = match head {
            _ if of != entity => on(of),
            Some(head) if head.draft => "is a draft, so nothing runs it".to_owned(),
            Some(head) if !head.on_demand && !head.child => {
                "runs on events alone: ask for the event, and its place is in the answer".to_owned()
            }
            Some(head) if head.mode == Mode::Background => {
                "runs in the background, which has no order among the steps of an event".to_owned()
            }
            _ => return Ok(Asked::Flow(index)),
        };
        return Err(wrong(format!("the flow `{name}` {why}"), None));
    }
    let actions = program.actions.iter().map(|action| &action.head.name);
    let flows = program.flows.iter().filter(|flow| flow.head.on_demand || flow.head.child).map(|flow| &flow.head.name);
    let near = nearest(name, MESSAGES.into_iter().chain(actions.chain(flows).map(SmolStr::as_str)));
    Err(wrong(format!("there is no message, action or flow on demand {}", quoted(name)), near))
}
