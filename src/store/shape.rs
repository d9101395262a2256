//! What a database was made for: the fields and keys that it remembers, whatever kind of database it is; and what becomes of
//! them under another schema. Pure data, no SQL.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use crate::schema::Schema;
use crate::value::{EntityId, Type};

/// What a database was made for.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    /// By entity and field: the type as [`type_name`] writes it, and whether it is required.
    pub fields: BTreeMap<(SmolStr, SmolStr), (String, bool)>,
    /// Entity, and the fields of a key.
    pub keys: BTreeSet<(SmolStr, Vec<SmolStr>)>,
}

impl Shape {
    /// What a schema asks for. Entities that are mapped to somebody's own tables have none of ours.
    pub fn wanted(schema: &Schema) -> Self {
        let mut shape = Shape::default();
        for (_, entity) in schema.entities().filter(|(_, entity)| entity.table.is_none()) {
            for (_, field) in entity.fields() {
                let name = (entity.name.clone(), field.name.clone());
                shape.fields.insert(name, (type_name(schema, &field.ty), field.required));
            }
            for key in &entity.keys {
                let fields = key.fields.iter().filter_map(|slot| entity.field(*slot)).map(|field| field.name.clone()).collect();
                shape.keys.insert((entity.name.clone(), fields));
            }
        }
        shape
    }

    /// The shape as a database remembers it: rows of `(entity, field, type, required)` and of `(entity, fields with spaces between)`.
    pub fn remembered(fields: Vec<(String, String, String, bool)>, keys: Vec<(String, String)>) -> Self {
        let fields = fields.into_iter().map(|(entity, field, ty, required)| ((entity.into(), field.into()), (ty, required)));
        let keys = keys.into_iter().map(|(entity, fields)| (entity.into(), fields.split(' ').map(SmolStr::new).collect()));
        Shape { fields: fields.collect(), keys: keys.collect() }
    }

    /// Whether there is a table of an entity.
    pub fn has(&self, entity: &SmolStr) -> bool {
        self.fields.range((entity.clone(), SmolStr::default())..).next().is_some_and(|((name, _), _)| name == entity)
    }

    /// The shape with what a schema has and it hasn't, as it is where another release made the database; nothing where it has all of it.
    /// Whether the records of a known table have a value in a new field is looked at when that becomes required.
    pub fn completed(&self, schema: &Schema) -> Option<Shape> {
        let mut completed = self.clone();
        for (name, (ty, required)) in Shape::wanted(schema).fields {
            let required = required && !self.has(&name.0);
            completed.fields.entry(name).or_insert((ty, required));
        }
        (completed.fields.len() > self.fields.len()).then_some(completed)
    }

    /// What a database remembers once it was brought up to `wanted`, by entity and field: its own, and fields that are gone,
    /// which may be empty from now on.
    pub fn brought_up<'s>(&'s self, wanted: &'s Shape) -> impl Iterator<Item = (&'s str, &'s str, &'s str, bool)> {
        let gone = self.fields.iter().filter(|(name, _)| !wanted.fields.contains_key(*name)).map(|(name, (ty, _))| (name, ty, false));
        let now = wanted.fields.iter().map(|(name, (ty, required))| (name, ty, *required));
        now.chain(gone).map(|((entity, field), ty, required)| (entity.as_str(), field.as_str(), ty.as_str(), required))
    }

    /// The lookups that the schema no longer has, by the entity that they refer to.
    pub fn retired(&self, wanted: &Shape, schema: &Schema) -> Vec<Retired> {
        let gone = self.fields.iter().filter(|(name, _)| !wanted.fields.contains_key(*name));
        let retired = gone.filter_map(|((entity, field), (ty, _))| {
            let targets: Vec<&str> = ty.strip_prefix("lookup ")?.split(" | ").collect();
            let several = targets.len() > 1;
            let known = targets.into_iter().filter_map(|target| Some((schema.entity_id(target)?, SmolStr::new(target))));
            let retired = known.map(move |(target, name)| Retired {
                target,
                entity: entity.clone(),
                field: field.clone(),
                named: several.then_some(name),
            });
            Some(retired.collect::<Vec<_>>())
        });
        retired.flatten().collect()
    }

    /// Whether nothing is to be done.
    pub fn covers(&self, wanted: &Shape) -> bool {
        let required_elsewhere = self.fields.iter().any(|(name, (_, required))| *required && !wanted.fields.contains_key(name));
        self.keys == wanted.keys && !required_elsewhere && wanted.fields.iter().all(|(name, field)| self.fields.get(name) == Some(field))
    }
}

/// A lookup that the schema no longer has.
#[derive(Debug)]
pub(super) struct Retired {
    /// The entity that it refers to.
    pub target: EntityId,
    /// The entity that had it.
    pub entity: SmolStr,
    /// Its name.
    pub field: SmolStr,
    /// The target's name, where the lookup was to several entities.
    pub named: Option<SmolStr>,
}

/// What becomes of a column whose field has another type now.
#[derive(Debug, PartialEq)]
pub(super) enum Change {
    None,
    /// Its numbers get more room: so many more decimals, or only more digits before them.
    Widen(u8),
    /// It can't refer to these entities any more, which are gone.
    Without(Vec<String>),
    Refused,
}

/// What becomes of a column that was made for the type of this name.
pub(super) fn change(old: &str, new: &Type, schema: &Schema) -> Change {
    let new_name = &type_name(schema, new);
    if old == new_name {
        return Change::None;
    }
    match new {
        Type::BigInt if old == "integer" => Change::Widen(0),
        Type::Decimal(scale @ 0..=7) | Type::Money(scale @ 0..=7) => {
            match scale_before(old, new).and_then(|before| scale.checked_sub(before)) {
                Some(more) => Change::Widen(more),
                None => Change::Refused,
            }
        }
        Type::Lookup(_) => {
            let split = |name: &str| name.trim_start_matches("lookup ").split(" | ").map(str::to_owned).collect::<BTreeSet<_>>();
            let (before, now) = (split(old), split(new_name));
            let lost: Vec<String> = before.difference(&now).cloned().collect();
            match before.len() > 1 && now.len() > 1 {
                true if lost.is_empty() => Change::None,
                true if lost.iter().all(|entity| schema.entity_id(entity).is_none()) => Change::Without(lost),
                _ => Change::Refused,
            }
        }
        _ => Change::Refused,
    }
}

/// How many decimals a number had, where every such number is also one of the new type.
fn scale_before(old: &str, new: &Type) -> Option<u8> {
    let scale = |name: &str| old.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')?.parse::<u8>().ok();
    match new {
        _ if old == "integer" => Some(0),
        Type::Money(_) => scale("money").or_else(|| scale("decimal")),
        _ => scale("decimal"),
    }
}

/// A type as it is remembered.
pub(super) fn type_name(schema: &Schema, ty: &Type) -> String {
    match ty {
        Type::Lookup(targets) => {
            let names: BTreeSet<_> =
                targets.iter().filter_map(|target| schema.entity(*target)).map(|entity| entity.name.as_str()).collect();
            // A row of somebody's own table is named as one of several is.
            let row = names.len() == 1 && targets.iter().filter_map(|target| schema.entity(*target)).any(|entity| entity.table.is_some());
            format!("lookup {}{}", if row { "row of " } else { "" }, names.into_iter().collect::<Vec<_>>().join(" | "))
        }
        other => other.to_string(),
    }
}
