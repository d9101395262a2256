//! Definitions in a store: rows of the built-in `workflow`, and their activations, which are rows of it as well. Only the platform
//! writes them, here; no flow runs on them. What they hold is bytes to this room: who may do what with which definition, and what the
//! bytes mean, is decided above it.
//!
//! Nothing that the database holds is trusted: what can't be is an error.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use smol_str::SmolStr;

use crate::bytecode::{MAX_FILE, Program};
use crate::schema::definitions::{ENTITY, PARTS};
use crate::schema::select::{Condition, Selection, Test};
use crate::schema::{FieldSet, MAX_MEMO, PRIMARY_KEY, Power, Row, Schema, system};
use crate::store::{Store, StoreError};
use crate::value::text::quoted;
use crate::value::{EntityId, Reference, Slot, Uuid, Value};
use crate::vm::Fault;

use super::engine::Savepoint;
use super::operation::Message;
use super::target::Scene;
use super::users::names;
use super::{ADMINISTRATOR, Longer, Pipeline, Settings, USERS, into_fault};

/// Bytes of a part: as many as a memo holds in letters of base 64, three bytes in four of them.
const PART: usize = MAX_MEMO as usize / 4 * 3;

/// The most parts that something can have.
const MAX_PARTS: usize = MAX_FILE.div_ceil(PART);

/// Codes of `type`.
const DEFINITION: i32 = 1;
const ACTIVATION: i32 = 2;

/// State and status of what is active and of what is not.
const ACTIVATED: (i32, i32) = (1, 2);
const DRAFT: (i32, i32) = (0, 1);

/// What a definition is of, with its code in `category`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Category {
    /// A flow.
    Flow = 0,
    /// An action.
    Action = 3,
    /// A plug-in.
    Plugin = 100,
    /// The entities, choices and roles of the project.
    Schema = 101,
}

/// A definition as it is in a store.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    /// Its row.
    pub id: Uuid,
    pub name: SmolStr,
    pub category: Category,
    /// The file that it stood in when it was deployed.
    pub file: SmolStr,
    /// The line in it, from 1.
    pub line: u32,
    /// The SHA-256 of its compiled form, in hexadecimal digits.
    pub hash: SmolStr,
    /// Who owns it.
    pub owner: Reference,
    /// What its owner is called.
    pub owner_name: SmolStr,
    /// Its activation, if it is active.
    pub activation: Option<Uuid>,
}

/// What a definition is to be.
#[derive(Debug)]
pub(crate) struct Written<'a> {
    pub name: &'a str,
    pub category: Category,
    /// Columns that are there to be read by people, with their values.
    pub columns: &'a [(&'static str, Value)],
    pub file: &'a str,
    pub line: u32,
    pub bytes: &'a [u8],
    pub owner: Reference,
}

/// The hash of a compiled form, as it stands in the column.
pub(crate) fn hash(bytes: &[u8]) -> SmolStr {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

/// The definitions of a store by their names, in an open transaction; none where it is new. `schema` is that of the built-in entities;
/// what an older release didn't know of them is there afterwards, if the transaction is made to last.
pub(crate) fn stored(store: &mut dyn Store, schema: &Schema) -> Result<Vec<Definition>, StoreError> {
    if !store.take_up(schema)? {
        return Ok(Vec::new());
    }
    let reader = Reader::new(schema)?;
    let wanted: Row = [(reader.slot("type")?, Value::Choice(DEFINITION))].into_iter().collect();
    let ids = store.find(reader.rows, &wanted, u32::MAX)?;
    let mut found = ids.into_iter().map(|id| reader.definition(store, id)).collect::<Result<Vec<_>, _>>()?;
    let key = |definition: &Definition| (definition.category == Category::Schema, definition.name.clone());
    found.sort_by_key(key);
    if found.windows(2).any(|pair| matches!(pair, [one, other] if key(one) == key(other))) {
        return Err(StoreError::Unusable("the database holds two definitions of one name".to_owned()));
    }
    Ok(found)
}

/// The compiled form of a definition: of its activation where it is active, which may not differ.
pub(crate) fn bytes(store: &mut dyn Store, schema: &Schema, definition: &Definition) -> Result<Vec<u8>, StoreError> {
    let reader = Reader::new(schema)?;
    let id = definition.activation.unwrap_or(definition.id);
    if definition.activation.is_some() {
        let row = reader.row(store, id, &["type", "parentworkflowid", "hash"])?;
        let parent = Value::Reference(Reference { entity: reader.rows, id: definition.id });
        let expected = [Value::Choice(ACTIVATION), parent, Value::Text(definition.hash.clone())];
        if ["type", "parentworkflowid", "hash"].map(|column| reader.value(&row, column)) != expected {
            return Err(damaged(&definition.name));
        }
    }
    let parts = schema.entity_id(PARTS).unwrap_or(reader.rows);
    let bytes = content(store, schema, parts, Reference { entity: reader.rows, id })?;
    if hash(&bytes) == definition.hash { Ok(bytes) } else { Err(damaged(&definition.name)) }
}

/// The compiled form of an activation, whether or not it is the one that runs now, with the id of its definition.
pub(crate) fn activation(store: &mut dyn Store, schema: &Schema, id: Uuid) -> Result<(Uuid, Vec<u8>), StoreError> {
    let reader = Reader::new(schema)?;
    let row = reader.row(store, id, &["type", "parentworkflowid", "hash"])?;
    let [ty, parent, hashed] = ["type", "parentworkflowid", "hash"].map(|column| reader.value(&row, column));
    let (Value::Choice(ACTIVATION), Value::Reference(parent), Value::Text(hashed)) = (ty, parent, hashed) else {
        return Err(damaged(&id.to_string()));
    };
    let parts = schema.entity_id(PARTS).unwrap_or(reader.rows);
    let bytes = content(store, schema, parts, Reference { entity: reader.rows, id })?;
    if hash(&bytes) == hashed { Ok((parent.id, bytes)) } else { Err(damaged(&id.to_string())) }
}

/// The activations of flows, each with its definition.
pub(crate) fn activations(store: &mut dyn Store, schema: &Schema) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    let reader = Reader::new(schema)?;
    let [ty, category, parent] = ["type", "category", "parentworkflowid"].map(|column| reader.slot(column));
    let (ty, category, parent) = (ty?, category?, parent?);
    let selection = Selection::all(reader.rows).with(ty, Value::Choice(ACTIVATION)).with(category, Value::Choice(Category::Flow as i32));
    let rows = store.select(&selection, &[parent].into_iter().collect())?;
    Ok(rows
        .iter()
        .filter_map(|(id, row)| if let Value::Reference(parent) = row.get(parent)? { Some((*id, parent.id)) } else { None })
        .collect())
}

/// What all activations say of the fields that their waits look at.
pub(crate) fn awaited(store: &mut dyn Store, schema: &Schema) -> Result<Vec<String>, StoreError> {
    let reader = Reader::new(schema)?;
    let (ty, awaited) = (reader.slot("type")?, reader.slot("waitson")?);
    let mut selection = Selection::all(reader.rows).with(ty, Value::Choice(ACTIVATION));
    selection.conditions.push(Condition { slot: awaited, test: Test::NotEqual, value: Value::Empty });
    let rows = store.select(&selection, &[awaited].into_iter().collect())?;
    Ok(rows.iter().filter_map(|(_, row)| row.get(awaited)?.as_text().map(str::to_owned)).collect())
}

/// What the database holds of a definition can't be.
fn damaged(name: &str) -> StoreError {
    StoreError::Unusable(format!("what the database holds of the definition {} is damaged", quoted(name)))
}

/// Reads definitions.
struct Reader<'a> {
    schema: &'a Schema,
    rows: EntityId,
    users: EntityId,
}

impl<'a> Reader<'a> {
    fn new(schema: &'a Schema) -> Result<Self, StoreError> {
        let entity = |name| schema.entity_id(name).ok_or_else(|| StoreError::Unusable(format!("the schema has no entity `{name}`")));
        Ok(Reader { schema, rows: entity(ENTITY)?, users: entity(USERS)? })
    }

    fn slot(&self, name: &str) -> Result<Slot, StoreError> {
        slot(self.schema, self.rows, name)
    }

    fn definition(&self, store: &mut dyn Store, id: Uuid) -> Result<Definition, StoreError> {
        let columns = ["name", "category", "file", "line", "hash", system::OWNER, system::STATE, "activeworkflowid"];
        let row = self.row(store, id, &columns)?;
        let [name, category, file, line, hash, owner, state, active] = columns.map(|column| self.value(&row, column));
        let damaged = || damaged(&id.to_string());
        let category = match category {
            Value::Choice(code) => {
                [Category::Flow, Category::Action, Category::Plugin, Category::Schema].into_iter().find(|one| *one as i32 == code)
            }
            _ => None,
        };
        let activation = match (state, active) {
            (Value::Choice(0), Value::Empty) => None,
            (Value::Choice(1), Value::Reference(active)) if active.entity == self.rows => Some(active.id),
            _ => return Err(damaged()),
        };
        let (Value::Text(name), Some(category), Value::Text(hash)) = (name, category, hash) else { return Err(damaged()) };
        // Whose owner was deleted belongs to the system administrator.
        let owner = match owner {
            Value::Reference(owner) => owner,
            _ => Reference { entity: self.users, id: ADMINISTRATOR },
        };
        let line = if let Value::Integer(line) = line { u32::try_from(line).unwrap_or(1) } else { 1 };
        let owner_name = self.full_name(store, owner)?;
        Ok(Definition { id, name, category, file: text(file), line, hash, owner, owner_name, activation })
    }

    fn row(&self, store: &mut dyn Store, id: Uuid, columns: &[&str]) -> Result<Row, StoreError> {
        let fields = columns.iter().map(|column| self.slot(column)).collect::<Result<FieldSet, _>>()?;
        read(store, Reference { entity: self.rows, id }, &fields)
    }

    fn value(&self, row: &Row, column: &str) -> Value {
        self.slot(column).ok().and_then(|slot| row.get(slot)).cloned().unwrap_or_default()
    }

    /// What a user is called; a team by its own name.
    fn full_name(&self, store: &mut dyn Store, user: Reference) -> Result<SmolStr, StoreError> {
        let Ok(slot) = slot(self.schema, user.entity, names::FULL_NAME) else { return Ok(SmolStr::default()) };
        let row = read(store, user, &[slot].into_iter().collect())?;
        Ok(text(row.get(slot).cloned().unwrap_or_default()))
    }
}

impl Pipeline {
    /// A pipeline inside the transaction that is open in a store; its tables are brought up to the schema as part of it.
    /// [`commit`](Pipeline::commit) makes all of it last; without that, nothing was done.
    pub(crate) fn within(schema: Arc<Schema>, mut store: Box<dyn Store>, settings: Settings) -> Result<Self, StoreError> {
        store.migrate(&schema)?;
        let mut pipeline = Pipeline::assembled(schema, Arc::new(Program::default()), store, settings)?;
        pipeline.engine.ensure_built_in()?;
        pipeline.engine.start_anew(pipeline.engine.administrator, Savepoint::None);
        pipeline.longer = Longer::Open;
        Ok(pipeline)
    }

    /// The user with a full name, if there is one.
    pub(crate) fn find_user(&mut self, full_name: &str) -> Result<Option<Reference>, Fault> {
        self.reading(|engine| engine.find_user(full_name))
    }

    /// Whether a user may activate what runs inside the transaction: a definition by name, on the records of an entity or on none.
    pub(crate) fn may_activate(&mut self, acting: Reference, name: &str, entity: Option<&str>) -> Result<(), Fault> {
        let entity = entity.and_then(|entity| self.engine.schema.entity_id(entity));
        self.engine.may_use(acting, Power::ActivateRealTime, (name, entity)).map_err(into_fault)
    }

    /// Writes a definition: a new one, or over the one that is there. It stays as active or inactive as it was.
    pub(crate) fn define(&mut self, written: &Written<'_>, there: Option<Uuid>, acting: Reference) -> Result<Uuid, StoreError> {
        let rows = self.entity(ENTITY)?;
        let mut values = vec![
            ("name", Value::Text(written.name.into())),
            ("category", Value::Choice(written.category as i32)),
            ("file", Value::Text(written.file.chars().take(4_000).collect())),
            ("line", Value::Integer(written.line.max(1).into())),
            ("hash", Value::Text(hash(written.bytes))),
            (system::OWNER, Value::Reference(written.owner)),
        ];
        values.extend(written.columns.iter().cloned());
        let id = match there {
            Some(id) => {
                self.change(rows, id, &values, acting)?;
                self.forget_content(id)?;
                id
            }
            None => {
                values.push(("type", Value::Choice(DEFINITION)));
                let row = self.engine.row_of(rows, &values);
                self.insert(rows, row, acting)?
            }
        };
        self.write_content(id, written.bytes, acting)?;
        Ok(id)
    }

    /// Activates a definition: what it is now is copied into an activation of its own, which runs from then on. The one that ran before stays,
    /// for whatever still goes on in it.
    pub(crate) fn activate(&mut self, id: Uuid, acting: Reference) -> Result<Uuid, StoreError> {
        let (rows, parts) = (self.entity(ENTITY)?, self.entity(PARTS)?);
        self.deactivate(id, acting)?;
        let all = self.engine.layouts.get(usize::from(rows.0)).map(|layout| layout.all.clone()).unwrap_or_default();
        let mut copy = read(&mut *self.engine.store, Reference { entity: rows, id }, &all)?;
        let schema = Arc::clone(&self.engine.schema);
        let own = [("type", Value::Choice(ACTIVATION)), ("parentworkflowid", Value::Reference(Reference { entity: rows, id }))];
        let own = own.into_iter().chain(state(ACTIVATED)).collect::<Vec<_>>();
        copy.overlay(&self.engine.row_of(rows, &own));
        let activation = self.insert(rows, copy, acting)?;
        let bytes = content(&mut *self.engine.store, &schema, parts, Reference { entity: rows, id })?;
        self.write_content(activation, &bytes, acting)?;
        let active = ("activeworkflowid", Value::Reference(Reference { entity: rows, id: activation }));
        self.change(rows, id, &[active].into_iter().chain(state(ACTIVATED)).collect::<Vec<_>>(), acting)?;
        Ok(activation)
    }

    /// Makes a definition a draft, and its activation one that no longer runs; harmless where it is one.
    pub(crate) fn deactivate(&mut self, id: Uuid, acting: Reference) -> Result<(), StoreError> {
        let rows = self.entity(ENTITY)?;
        let active = slot(&self.engine.schema, rows, "activeworkflowid")?;
        let row = read(&mut *self.engine.store, Reference { entity: rows, id }, &[active].into_iter().collect())?;
        let Some(Value::Reference(activation)) = row.get(active).cloned() else { return Ok(()) };
        self.change(rows, activation.id, &state(DRAFT), acting)?;
        let none = ("activeworkflowid", Value::Empty);
        self.change(rows, id, &[none].into_iter().chain(state(DRAFT)).collect::<Vec<_>>(), acting)
    }

    fn entity(&self, name: &str) -> Result<EntityId, StoreError> {
        self.engine.schema.entity_id(name).ok_or_else(|| StoreError::Unusable(format!("the schema has no entity `{name}`")))
    }

    /// A new row, completed as any other.
    fn insert(&mut self, entity: EntityId, mut row: Row, acting: Reference) -> Result<Uuid, StoreError> {
        let id = (self.engine.settings.ids)();
        row.set(PRIMARY_KEY, Value::Uuid(id));
        let mut scene = Scene::new(Message::Create, Reference { entity, id }, row, 1, acting);
        self.engine.complete_built_in(&mut scene)?;
        self.engine.epoch += 1;
        self.engine.store.insert(entity, std::slice::from_ref(&scene.target))?;
        Ok(id)
    }

    fn change(&mut self, entity: EntityId, id: Uuid, values: &[(&str, Value)], acting: Reference) -> Result<(), StoreError> {
        let stamps = [(system::MODIFIED_ON, Value::DateTime(self.engine.now)), (system::MODIFIED_BY, Value::Reference(acting))];
        let mut row = self.engine.row_of(entity, values);
        row.overlay(&self.engine.row_of(entity, &stamps));
        row.set(PRIMARY_KEY, Value::Uuid(id));
        self.engine.epoch += 1;
        self.engine.store.update(entity, std::slice::from_ref(&row))
    }

    fn write_content(&mut self, of: Uuid, bytes: &[u8], acting: Reference) -> Result<(), StoreError> {
        let (rows, parts) = (self.entity(ENTITY)?, self.entity(PARTS)?);
        for (number, part) in (0i64..).zip(bytes.chunks(PART)) {
            let values = [
                ("workflowid", Value::Reference(Reference { entity: rows, id: of })),
                ("part", Value::Integer(number)),
                ("content", Value::Text(STANDARD.encode(part).into())),
            ];
            let row = self.engine.row_of(parts, &values);
            self.insert(parts, row, acting)?;
        }
        Ok(())
    }

    fn forget_content(&mut self, of: Uuid) -> Result<(), StoreError> {
        let (rows, parts) = (self.entity(ENTITY)?, self.entity(PARTS)?);
        let wanted = self.engine.row_of(parts, &[("workflowid", Value::Reference(Reference { entity: rows, id: of }))]);
        let ids = self.engine.store.find(parts, &wanted, u32::MAX)?;
        self.engine.store.delete(parts, &ids)
    }
}

fn state((state, status): (i32, i32)) -> [(&'static str, Value); 2] {
    [(system::STATE, Value::Choice(state)), (system::STATUS, Value::Choice(status))]
}

/// The bytes of a definition or an activation, put together from their parts.
fn content(store: &mut dyn Store, schema: &Schema, parts: EntityId, of: Reference) -> Result<Vec<u8>, StoreError> {
    let damaged = || damaged(&of.id.to_string());
    let (owner, part, content) = (slot(schema, parts, "workflowid")?, slot(schema, parts, "part")?, slot(schema, parts, "content")?);
    let ids = store.find(parts, &[(owner, Value::Reference(of))].into_iter().collect(), MAX_PARTS as u32 + 1)?;
    if ids.len() > MAX_PARTS {
        return Err(damaged());
    }
    let mut found = Vec::with_capacity(ids.len());
    for row in store.read(parts, &ids, &[part, content].into_iter().collect())?.into_iter().flatten() {
        match (row.get(part), row.get(content)) {
            (Some(Value::Integer(number)), Some(Value::Text(text))) => found.push((*number, text.clone())),
            _ => return Err(damaged()),
        }
    }
    found.sort_by_key(|(number, _)| *number);
    let mut bytes = Vec::new();
    for (expected, (number, text)) in (0..).zip(found) {
        if number != expected || STANDARD.decode_vec(text.as_str(), &mut bytes).is_err() {
            return Err(damaged());
        }
    }
    Ok(bytes)
}

fn read(store: &mut dyn Store, record: Reference, fields: &FieldSet) -> Result<Row, StoreError> {
    let rows = store.read(record.entity, &[record.id], fields)?;
    rows.into_iter().next().flatten().ok_or(StoreError::Missing { entity: record.entity, id: record.id })
}

fn slot(schema: &Schema, entity: EntityId, name: &str) -> Result<Slot, StoreError> {
    let found = schema.entity(entity).and_then(|entity| entity.slot(name));
    found.ok_or_else(|| StoreError::Unusable(format!("the schema has no field `{name}`")))
}

fn text(value: Value) -> SmolStr {
    if let Value::Text(text) = value { text } else { SmolStr::default() }
}
