//! From one schema to the next: entities and choices are dense numbers, which another declaration may move.

use smol_str::SmolStr;

use super::session::State;
use crate::schema::Schema;
use crate::value::{EntityId, Reference, Type, Value};

/// Gives the `let`s and users of a state the numbers of another schema; says which `let`s have no meaning any more.
pub(super) fn state(state: &mut State, before: &Schema, after: &Schema) -> Vec<SmolStr> {
    let gone = state.lines.retype(|ty| retyped(ty, before, after));
    state.line.locals.iter_mut().for_each(|value| revalue(value, before, after));
    state.line.users.values_mut().for_each(|user| moved(user, before, after));
    if let Some((_, user)) = &mut state.line.acting {
        moved(user, before, after);
    }
    gone
}

/// A type by the numbers of another schema.
fn retyped(ty: &Type, before: &Schema, after: &Schema) -> Option<Type> {
    let choice = |id: &_| before.choice(*id).and_then(|choice| after.choice_id(&choice.name));
    match ty {
        Type::Choice(id) => choice(id).map(Type::Choice),
        Type::Choices(id) => choice(id).map(Type::Choices),
        Type::Lookup(entities) => {
            let mut moved: Vec<EntityId> = entities.iter().filter_map(|id| entity(*id, before, after)).collect();
            moved.sort_unstable();
            (moved.len() == entities.len()).then(|| Type::Lookup(moved.into()))
        }
        other => Some(other.clone()),
    }
}

fn revalue(value: &mut Value, before: &Schema, after: &Schema) {
    if let Value::Reference(reference) = value {
        match entity(reference.entity, before, after) {
            Some(entity) => reference.entity = entity,
            None => *value = Value::Empty,
        }
    }
}

fn moved(reference: &mut Reference, before: &Schema, after: &Schema) {
    if let Some(entity) = entity(reference.entity, before, after) {
        reference.entity = entity;
    }
}

fn entity(id: EntityId, before: &Schema, after: &Schema) -> Option<EntityId> {
    before.entity(id).and_then(|entity| after.entity_id(&entity.name))
}
