//! Which jobs still go on in an activation: what a deploy asks before it takes anything away. By the store alone, for there is no
//! pipeline yet whose schema would be the store's.

use super::Job;
use super::damaged;
use crate::schema::Schema;
use crate::schema::definitions;
use crate::schema::jobs::{ENTITY, State, columns};
use crate::schema::select::{Aggregate, Condition, Selection, Test};
use crate::schema::system;
use crate::store::{Store, StoreError};
use crate::value::{EntityId, Reference, Slot, Uuid, Value};

/// The jobs of a store that haven't ended.
pub(crate) struct Unfinished<'a> {
    schema: &'a Schema,
    entity: EntityId,
    definitions: EntityId,
    activation: Slot,
    state: Slot,
}

impl<'a> Unfinished<'a> {
    /// Those of the store that is open, in its transaction; nothing where there are none. `schema` is that of the built-in entities.
    pub fn of(store: &mut dyn Store, schema: &'a Schema) -> Result<Option<Self>, StoreError> {
        let entity = |name| schema.entity_id(name).ok_or_else(|| StoreError::Unusable(format!("the schema has no entity `{name}`")));
        let (entity, definitions) = (entity(ENTITY)?, entity(definitions::ENTITY)?);
        let slot = |name: &str| schema.entity(entity).and_then(|entity| entity.slot(name));
        let (Some(activation), Some(state)) = (slot(columns::ACTIVATION), slot(system::STATE)) else { return Ok(None) };
        for one in [State::Ready, State::Suspended, State::Locked] {
            let some = Selection::all(entity).with(state, Value::Choice(one as i32));
            if store.aggregate(&some, Aggregate::Exists)? == Value::Boolean(true) {
                return Ok(Some(Unfinished { schema, entity, definitions, activation, state }));
            }
        }
        Ok(None)
    }

    /// How many of them go on in an activation, and the first so many of these.
    pub fn within(&self, store: &mut dyn Store, activation: Uuid, first: u64) -> Result<(u64, Vec<Job>), StoreError> {
        let activation = Value::Reference(Reference { entity: self.definitions, id: activation });
        let mut selection = Selection::all(self.entity).with(self.activation, activation).limited(first);
        selection.conditions.push(Condition { slot: self.state, test: Test::NotEqual, value: Value::Choice(State::Completed as i32) });
        let jobs = damaged::select(store, self.schema, &selection)?;
        let count = match store.aggregate(&selection, Aggregate::Count)? {
            Value::Integer(count) if jobs.len() as u64 == first => u64::try_from(count).unwrap_or(first),
            _ => jobs.len() as u64,
        };
        Ok((count, jobs))
    }
}
