//! Values of a line, by the types of their fields, each with the code that it is told by.
//!
//! A record is named by its id or by a key: an object of the key's fields, or, where the entity has one key of one field, that field's
//! value alone. What is found by a key is asked of whoever reads; nothing in here knows a store.

use crate::diagnostic::Code;
use crate::schema::json::{self, Raw, nearest_to, uuid};
use crate::schema::{Entity, Field, PRIMARY_KEY, Row, Schema};
use crate::value::text::quoted;
use crate::value::{EntityId, Reference, Slot, Type, Uuid, Value};
use crate::vm::Fault;

use super::json::meant;
use super::object::{Object, object};

/// What is wrong with a part of a line: its code and its words.
pub(super) type Wrong = (Code, String);

/// Finds the record that has exactly these values of a key; a fault where there is none, or they are no key.
pub type Find<'f> = dyn Fn(EntityId, &Row) -> Result<Uuid, Fault> + 'f;

/// How deep keys may refer to records that are named by keys themselves.
const DEEPEST: u8 = 8;

/// What values are read with.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub schema: &'a Schema,
    pub find: &'a Find<'a>,
    /// How many keys the value is a part of.
    pub depth: u8,
}

/// How a record is named.
pub(super) enum Named {
    /// By its id.
    Id(Uuid),
    /// By the values of a key's fields.
    Key(Row),
}

impl<'a> Scope<'a> {
    /// At the beginning of a line.
    pub fn new(schema: &'a Schema, find: &'a Find<'a>) -> Self {
        Scope { schema, find, depth: 0 }
    }

    /// The value for a field.
    pub fn decode(self, raw: &Raw<'_>, field: &Field) -> Result<Value, Wrong> {
        self.value(raw, &field.ty).map_err(|(code, wrong)| (code, format!("`{}`: {wrong}", field.name)))
    }

    /// A value of a type.
    pub fn value(self, raw: &Raw<'_>, ty: &Type) -> Result<Value, Wrong> {
        let malformed = |words| (Code::O0107, words);
        match (raw, ty) {
            (Raw::Object(object), Type::Lookup(targets)) => self.by_object(object.get(), targets),
            (Raw::Number(text), Type::Lookup(targets)) => self.by_value(raw, text, targets),
            (Raw::Text(text), Type::Lookup(targets)) => self.by_value(raw, text, targets),
            (Raw::Cell(text), Type::Lookup(targets)) => self.by_value(raw, text, targets),
            _ => json::read(raw, ty, self.schema).map_err(malformed),
        }
    }

    /// The values of attributes.
    pub fn row(self, attributes: &Object<'_>, entity: &Entity) -> Result<Row, Wrong> {
        let mut row = Row::new(entity.fields.len());
        for (name, raw) in &attributes.0 {
            let Some((slot, field)) = entity.slot(name).and_then(|slot| entity.field(slot).map(|field| (slot, field))) else {
                let near = nearest_to(name, entity.fields().map(|(_, field)| field.name.as_str()));
                return Err((Code::O0106, format!("`{}` has no field {}{}", entity.name, quoted(name), meant(near))));
            };
            let raw = Raw::json(raw).map_err(|wrong| (Code::O0107, format!("`{}`: {wrong}", field.name)))?;
            row.set(slot, self.decode(&raw, field)?);
        }
        Ok(row)
    }

    /// What an `id` says of a record of an entity.
    pub fn named(self, raw: &Raw<'_>, entity: &Entity) -> Result<Named, Wrong> {
        let wrong = |words| Err((Code::O0108, words));
        match raw {
            Raw::Object(text) => self.deeper()?.row(&object(text.get())?, entity).map(Named::Key),
            Raw::Text(text) if Uuid::try_parse(text).is_ok() => uuid(text).map(Named::Id).or_else(wrong),
            Raw::Cell(text) if Uuid::try_parse(text.trim()).is_ok() => uuid(text.trim()).map(Named::Id).or_else(wrong),
            Raw::Text(_) | Raw::Cell(_) | Raw::Number(_) => match only_key(entity) {
                Ok(key) => self.key(raw, entity, key).map(Named::Key),
                Err(why) => wrong(format!("{} is not an id (a uuid is wanted), and {why}", quoted(text(raw)))),
            },
            _ => wrong("`id` has to be a uuid, as text, or an object of the values of a key".to_owned()),
        }
    }

    /// The record that has the values of an object.
    fn by_object(self, text: &str, targets: &[EntityId]) -> Result<Value, Wrong> {
        let attributes = object(text)?;
        let fits = |id: &&EntityId| {
            let slots = |entity: &Entity| attributes.0.iter().map(|(name, _)| entity.slot(name)).collect::<Option<Vec<Slot>>>();
            let is_key = |entity: &Entity, slots: &[Slot]| {
                let key = |fields: &[Slot]| fields.len() == slots.len() && fields.iter().all(|field| slots.contains(field));
                key(&[PRIMARY_KEY]) || entity.keys.iter().any(|declared| key(&declared.fields))
            };
            self.schema.entity(**id).is_some_and(|entity| slots(entity).is_some_and(|slots| is_key(entity, &slots)))
        };
        let fitting: Vec<&EntityId> = if targets.len() == 1 { targets.iter().collect() } else { targets.iter().filter(fits).collect() };
        let id = match fitting.as_slice() {
            [only] => **only,
            [] => return Err((Code::O0107, format!("these are the fields of no key of {}", self.names(targets.iter())))),
            several => {
                let several = self.names(several.iter().copied());
                return Err((
                    Code::O0107,
                    format!("{several} each have a key of these fields: name the record by its id, as in `entity:id`"),
                ));
            }
        };
        let Some(entity) = self.schema.entity(id) else { return Ok(Value::Empty) };
        let key = self.deeper()?.row(&attributes, entity)?;
        self.found(id, &key)
    }

    /// The record that a value names alone: its id, or the value of its entity's only key of one field.
    fn by_value(self, raw: &Raw<'_>, text: &str, targets: &[EntityId]) -> Result<Value, Wrong> {
        let read = json::read(raw, &Type::Lookup(targets.into()), self.schema);
        let Err(words) = read else { return read.map_err(|words| (Code::O0107, words)) };
        let prefix = text.split_once(':').and_then(|(name, rest)| {
            let id = self.schema.entity_id(name.trim()).filter(|id| targets.contains(id))?;
            Some((id, rest.trim()))
        });
        let (id, rest) = match (prefix, targets) {
            (Some(found), _) => found,
            (None, [only]) => (*only, text),
            (None, _) => return Err((Code::O0107, words)),
        };
        let Some(entity) = self.schema.entity(id) else { return Err((Code::O0107, words)) };
        let key = only_key(entity).map_err(|why| (Code::O0107, format!("{words}, and {why}")))?;
        // What stands behind the name of an entity has no type of its own.
        let key = if prefix.is_some() { self.key(&Raw::Cell(rest), entity, key)? } else { self.key(raw, entity, key)? };
        self.found(id, &key)
    }

    /// A key of one field.
    fn key(self, raw: &Raw<'_>, entity: &Entity, slot: Slot) -> Result<Row, Wrong> {
        let Some(field) = entity.field(slot) else { return Ok(Row::default()) };
        let value = self.deeper()?.decode(raw, field).map_err(|(code, words)| (code, format!("the key of `{}`: {words}", entity.name)))?;
        Ok([(slot, value)].into_iter().collect())
    }

    fn found(self, entity: EntityId, key: &Row) -> Result<Value, Wrong> {
        let id = (self.find)(entity, key).map_err(|fault| (fault.code, fault.message))?;
        Ok(Value::Reference(Reference { entity, id }))
    }

    fn deeper(self) -> Result<Self, Wrong> {
        if self.depth == DEEPEST {
            return Err((Code::O0107, format!("keys refer to one another more than {DEEPEST} deep")));
        }
        Ok(Scope { depth: self.depth + 1, ..self })
    }

    fn names<'e>(self, entities: impl Iterator<Item = &'e EntityId>) -> String {
        entities.filter_map(|id| self.schema.entity(*id)).map(|entity| format!("`{}`", entity.name)).collect::<Vec<_>>().join(" and ")
    }
}

/// The field by whose value alone a record is named: the key of its table, or the only one of its keys that has one field. Else why there
/// is none.
fn only_key(entity: &Entity) -> Result<Slot, String> {
    if let [slot] = entity.identity() {
        return Ok(*slot);
    }
    let fields: Vec<Slot> =
        entity.keys.iter().filter_map(|key| <[Slot; 1]>::try_from(key.fields.as_slice()).ok()).map(|[slot]| slot).collect();
    match fields.as_slice() {
        [only] => Ok(*only),
        [] => Err(format!("`{}` has no key of one field", entity.name)),
        _ => Err(format!("`{}` has several keys of one field", entity.name)),
    }
}

/// What was written, as far as it is a text.
fn text<'r>(raw: &'r Raw<'_>) -> &'r str {
    match raw {
        Raw::Text(text) => text,
        Raw::Number(text) | Raw::Cell(text) => text,
        _ => "",
    }
}
