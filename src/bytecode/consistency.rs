//! Whether a schema that was read from a file is one that the checker could have made: its names, and every number in it.

use rustc_hash::FxHashSet;

use super::Kind;
use super::verify::has_type;
use crate::schema::{Choice, Default, Entity, MAX_CHOICES, MAX_ENTITIES, PRIMARY_KEY, Role, Schema};
use crate::value::Type;

/// Says what is wrong with the schema, if anything is.
pub(super) fn check(schema: &Schema) -> Result<(), &'static str> {
    if schema.entities.len() > MAX_ENTITIES || schema.choices.len() > MAX_CHOICES {
        return Err("it has too many entities or choices");
    }
    for (name, entity) in &schema.entities {
        if *name != entity.name || !is_name(name) {
            return Err("an entity has a wrong name");
        }
        fields(entity, schema)?;
        numbers(entity)?;
    }
    let known = |role: &Role| role.rights.keys().all(|(entity, _)| schema.entity(*entity).is_some());
    if !schema.roles.iter().all(|(name, role)| *name == role.name && known(role)) {
        return Err("a role has a wrong name, or speaks of an entity that isn't there");
    }
    schema.choices.iter().try_for_each(|(name, choice)| options(name, choice))
}

fn fields(entity: &Entity, schema: &Schema) -> Result<(), &'static str> {
    if entity.fields.len() >= u16::MAX as usize || entity.field(PRIMARY_KEY).is_none_or(|key| key.ty != Type::Uuid) {
        return Err("an entity has no primary key, or too many fields");
    }
    for (name, field) in &entity.fields {
        if *name != field.name || !is_name(name) {
            return Err("a field has a wrong name");
        }
        if has_type(schema, &field.ty).is_err() {
            return Err("a field has a type that isn't there");
        }
        if let Default::Value(value) = &field.default
            && Kind::of(value).is_some_and(|kind| kind != Kind::of_type(&field.ty))
        {
            return Err("a default doesn't fit its field");
        }
    }
    Ok(())
}

fn numbers(entity: &Entity) -> Result<(), &'static str> {
    let known = |slot| entity.field(slot).is_some();
    if !entity.primary_name.is_none_or(known) || !entity.keys.iter().flat_map(|key| &key.fields).all(|slot| known(*slot)) {
        return Err("an entity speaks of a field that isn't there");
    }
    Ok(())
}

fn options(name: &str, choice: &Choice) -> Result<(), &'static str> {
    let (mut names, mut codes) = (FxHashSet::default(), FxHashSet::default());
    let unique = choice.options.iter().all(|option| names.insert(&option.name) && codes.insert(option.code));
    if choice.name == name && unique { Ok(()) } else { Err("a choice has a wrong name or an option twice") }
}

fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}
