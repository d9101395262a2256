//! The schema: entities with their fields in dense slots, choices, keys, relationships, roles. It knows no flow.
//!
//! Built by the checker (`check/declare`), read by everything after it. Invariants of a [`Schema`] without
//! errors: names are unique within their list; every [`EntityId`], [`ChoiceId`] and [`Slot`] in it is in range;
//! every entity has its system fields (see [`system`]), in the slots that [`Entity`] names.

mod admit;
mod fields;
pub mod jobs;
pub mod json;
mod limits;
mod roles;
mod row;
pub mod select;
mod written;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub use admit::{Breach, Violation, type_in_words};
pub use fields::FieldSet;
pub use limits::{
    DECIMAL_SCALE, MAX_CHOICES, MAX_DECIMAL_SCALE, MAX_ENTITIES, MAX_FIELDS, MAX_MEMO, MAX_MONEY_SCALE, MAX_NAME, MAX_TEXT, natural_range,
};
pub use roles::{Level, Power, Right, Role};
pub use row::{Row, UnknownField};

use crate::value::{ChoiceId, Decimal, EntityId, Slot, Type, Value};

/// The built-in entities, written in the language itself; the checker declares them before a project's own.
pub const BUILT_IN: &str = include_str!("builtin.flow");

/// Names of the fields that every entity has beside its own; the primary key is the entity's name with `id` after it.
pub mod system {
    /// When the record was created: a `datetime`, read-only.
    pub const CREATED_ON: &str = "createdon";
    /// Who created it: a lookup to a user, read-only.
    pub const CREATED_BY: &str = "createdby";
    /// When the record was last written: a `datetime`, read-only.
    pub const MODIFIED_ON: &str = "modifiedon";
    /// Who wrote it last: a lookup to a user, read-only.
    pub const MODIFIED_BY: &str = "modifiedby";
    /// The user or team that owns it; absent where the organization does.
    pub const OWNER: &str = "ownerid";
    /// The state: 0 active, 1 inactive.
    pub const STATE: &str = "statecode";
    /// The status reason: an option of the entity's status.
    pub const STATUS: &str = "statuscode";
    /// Counts the writes of the record, from 1: a `bigint`, read-only.
    pub const VERSION: &str = "versionnumber";

    /// What the platform keeps of every record, which goes without saying.
    pub const KEPT: [&str; 5] = [CREATED_ON, CREATED_BY, MODIFIED_ON, MODIFIED_BY, VERSION];
    /// What every new record is given, where nobody says otherwise.
    pub const GIVEN: [&str; 3] = [OWNER, STATE, STATUS];

    /// All of them.
    pub const ALL: [&str; 8] = [CREATED_ON, CREATED_BY, MODIFIED_ON, MODIFIED_BY, OWNER, STATE, STATUS, VERSION];
}

/// The definitions of flows, actions and plug-ins that a store holds, and their activations.
pub mod definitions {
    /// The entity of definitions and activations.
    pub const ENTITY: &str = "workflow";
    /// The entity of the parts of their compiled form.
    pub const PARTS: &str = "workflowbinary";

    /// Whether only the platform writes the records of an entity.
    pub fn are_in(entity: &str) -> bool {
        [ENTITY, PARTS].contains(&entity)
    }
}

/// E-mails that wait to be sent.
pub mod outbox {
    use super::{Schema, system};
    use crate::value::Type;

    /// The entity of e-mails.
    pub const ENTITY: &str = "email";
    /// The status reason of one that waits.
    pub const PENDING: &str = "pendingsend";
    /// That of one that a mail server has taken.
    pub const SENT: &str = "sent";
    /// That of one that can't be sent.
    pub const FAILED: &str = "failed";
    /// That of one that isn't to be sent any more.
    pub const CANCELED: &str = "canceled";
    /// From whom it is: a user or a team.
    pub const FROM: &str = "from";
    /// To whom it goes: a record with an address.
    pub const TO: &str = "to";
    /// The subject.
    pub const SUBJECT: &str = "subject";
    /// The text.
    pub const BODY: &str = "body";
    /// When a mail server took it.
    pub const SENT_ON: &str = "senton";

    /// The fields that hold the address of a record; the first that its entity has is meant.
    pub const ADDRESSES: [&str; 4] = ["internalemailaddress", "emailaddress1", "emailaddress", "email"];

    /// The codes of a status reason of e-mails and of its state.
    pub fn status(schema: &Schema, name: &str) -> Option<(i32, i32)> {
        let entity = schema.entities.get(ENTITY)?;
        let Type::Choice(statuses) = entity.fields.get(system::STATUS)?.ty else { return None };
        let code = schema.choice(statuses)?.option(name)?.code;
        let status = entity.statuses.iter().find(|status| status.code == code)?;
        Some((code, status.state))
    }
}

/// What the platform writes of every change of an audited field.
pub mod audit {
    /// The entity of changes.
    pub const ENTITY: &str = "audit";
    /// What the rows of one outermost operation have in common, and code outside knows it by: a `uuid`.
    pub const OPERATION: &str = "operation";
    /// Which row of its operation it is, from 1: an `integer`.
    pub const SEQUENCE: &str = "sequence";
    /// What was done with the record: `Create`, `Update`, `Assign`, `SetState`, `Delete`.
    pub const MESSAGE: &str = "message";
    /// The name of the record's entity.
    pub const RECORD_ENTITY: &str = "recordentity";
    /// The id of the record: a `uuid`.
    pub const RECORD_ID: &str = "recordid";
    /// The name of the field.
    pub const FIELD: &str = "field";
    /// The value before, as [`super::json::as_text`] writes it.
    pub const OLD_VALUE: &str = "oldvalue";
    /// The value after.
    pub const NEW_VALUE: &str = "newvalue";
    /// The flow, plug-in or action that wrote it; empty where whoever began the operation did.
    pub const STEP: &str = "step";
    /// How deep the operation on the record was nested, from 1: an `integer`.
    pub const DEPTH: &str = "depth";
    /// Who began the outermost operation; who acted is its `createdby`.
    pub const CALLED_BY: &str = "calledby";
}

/// Every entity, choice and role of a project.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// The entities by name; the position is the [`EntityId`].
    pub entities: IndexMap<SmolStr, Entity>,
    /// The choices by name (`account.industry` for one written inline); the position is the [`ChoiceId`].
    pub choices: IndexMap<SmolStr, Choice>,
    /// The roles by name. Without one, everybody may do everything.
    pub roles: IndexMap<SmolStr, Role>,
}

/// One kind of record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    /// The logical name.
    pub name: SmolStr,
    /// What people call it; the name where nothing else was declared.
    pub label: SmolStr,
    /// Its fields by name; the position is the [`Slot`]. The primary key is slot 0, then the declared fields in order, then the system fields.
    pub fields: IndexMap<SmolStr, Field>,
    /// The field that stands for a record in text: the one marked `primary`, else the first `text` field.
    pub primary_name: Option<Slot>,
    /// Alternate keys.
    pub keys: Vec<Key>,
    /// Who owns its records.
    pub owned_by: Ownership,
    /// The status reasons with the state that each belongs to, in declared order; the first active one is what a new record gets.
    pub statuses: Vec<Status>,
    /// Whether only the platform writes its records: no operation may, and no flow runs on one.
    pub read_only: bool,
    /// The table of somebody's own that its records are the rows of. Such an entity has no system fields beside its primary key,
    /// which stands for the values of its first key (see [`Entity::identity`]).
    pub table: Option<SmolStr>,
}

/// The slot of every entity's primary key.
pub const PRIMARY_KEY: Slot = Slot(0);

/// One field of an entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// The logical name.
    pub name: SmolStr,
    /// What people call it; the name where nothing else was declared.
    pub label: SmolStr,
    /// The type of its values.
    pub ty: Type,
    /// Bounds of a number, both included; the type's own where nothing else was declared.
    pub range: Option<(Decimal, Decimal)>,
    /// The longest text, in Unicode scalar values.
    pub max_length: Option<u32>,
    /// Whether it may not be empty.
    pub required: bool,
    /// Whether only the platform writes it. The primary key is, though a create may bring one.
    pub read_only: bool,
    /// What the core operation of create gives it where it is still unset.
    pub default: Default,
    /// For a lookup: what becomes of this record when the one that it refers to is deleted.
    pub on_delete: DeleteBehaviour,
    /// Whether its changes are kept as records of [`audit`].
    pub audited: bool,
    /// The column that holds it, where that has another name.
    pub column: Option<SmolStr>,
}

/// A field's default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Default {
    /// None: the field stays empty.
    #[default]
    None,
    /// A constant.
    Value(Value),
    /// The start of the outermost operation.
    Now,
    /// Its date in the organisation's time zone.
    Today,
    /// The number after the largest in the table: the key of a new row, where it is a lone integer.
    Next,
}

/// What a delete does to the records that refer to the deleted one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeleteBehaviour {
    /// They are deleted, each with its own event.
    Cascade,
    /// The delete is refused.
    Restrict,
    /// Their field becomes empty, without an event.
    #[default]
    RemoveLink,
}

/// Who owns an entity's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ownership {
    /// A user or a team, in `ownerid`.
    #[default]
    User,
    /// The organization: there is no `ownerid`.
    Organization,
}

/// An alternate key: no two records agree in all its fields, unless one of the fields is empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// The fields, in declared order.
    pub fields: Vec<Slot>,
}

/// A status reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The option's code in `statuscode`.
    pub code: i32,
    /// The state it belongs to: 0 active, 1 inactive; of a system job one of [`jobs::State`].
    pub state: i32,
}

/// A list of options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// `Rating`, or `account.industry` for one written inline.
    pub name: SmolStr,
    /// What people call it; the name where nothing else was declared.
    pub label: SmolStr,
    /// The options in declared order; codes and names are unique.
    pub options: Vec<ChoiceOption>,
}

/// One option of a choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChoiceOption {
    /// As it is written in a flow.
    pub name: SmolStr,
    /// As people see it.
    pub label: SmolStr,
    /// As it is stored.
    pub code: i32,
}

impl Schema {
    /// An entity by name.
    pub fn entity_id(&self, name: &str) -> Option<EntityId> {
        self.entities.get_index_of(name).map(|index| EntityId(index as u16))
    }

    /// The entity of an id from this schema.
    pub fn entity(&self, id: EntityId) -> Option<&Entity> {
        self.entities.get_index(id.0 as usize).map(|(_, entity)| entity)
    }

    /// The entities with their ids.
    pub fn entities(&self) -> impl Iterator<Item = (EntityId, &Entity)> {
        self.entities.values().enumerate().map(|(index, entity)| (EntityId(index as u16), entity))
    }

    /// A declared choice by name.
    pub fn choice_id(&self, name: &str) -> Option<ChoiceId> {
        self.choices.get_index_of(name).map(|index| ChoiceId(index as u16))
    }

    /// The choice of an id from this schema.
    pub fn choice(&self, id: ChoiceId) -> Option<&Choice> {
        self.choices.get_index(id.0 as usize).map(|(_, choice)| choice)
    }

    /// The field of an entity and slot.
    pub fn field(&self, entity: EntityId, slot: Slot) -> Option<&Field> {
        self.entity(entity)?.field(slot)
    }
}

impl Entity {
    /// A field's slot by name.
    pub fn slot(&self, name: &str) -> Option<Slot> {
        self.fields.get_index_of(name).map(|index| Slot(index as u16))
    }

    /// The field in a slot.
    pub fn field(&self, slot: Slot) -> Option<&Field> {
        self.fields.get_index(slot.0 as usize).map(|(_, field)| field)
    }

    /// The fields whose changes are kept as records of [`audit`].
    pub fn audited(&self) -> FieldSet {
        self.fields().filter(|(_, field)| field.audited).map(|(slot, _)| slot).collect()
    }

    /// The fields with their slots.
    pub fn fields(&self) -> impl Iterator<Item = (Slot, &Field)> {
        self.fields.values().enumerate().map(|(index, field)| (Slot(index as u16), field))
    }

    /// The fields whose values say which row of its table a record is, and never change; none where the table is Weir's own.
    pub fn identity(&self) -> &[Slot] {
        self.keys.first().filter(|_| self.table.is_some()).map_or(&[], |key| &key.fields)
    }

    /// The first of its keys all of whose fields are given.
    pub fn key_of(&self, given: impl Fn(Slot) -> bool) -> Option<&Key> {
        self.keys.iter().find(|key| key.fields.iter().all(|slot| given(*slot)))
    }

    /// Its keys as messages name them: `` `(code, region)` ``.
    pub fn written_keys(&self) -> Vec<String> {
        let name = |slot: &Slot| self.field(*slot).map_or("", |field| field.name.as_str());
        self.keys.iter().map(|key| format!("`({})`", key.fields.iter().map(name).collect::<Vec<_>>().join(", "))).collect()
    }
}

impl Choice {
    /// An option by its name.
    pub fn option(&self, name: &str) -> Option<&ChoiceOption> {
        self.options.iter().find(|option| option.name == name)
    }

    /// An option by its code.
    pub fn by_code(&self, code: i32) -> Option<&ChoiceOption> {
        self.options.iter().find(|option| option.code == code)
    }
}
