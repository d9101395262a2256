//! A record in flight: values by slot, and which of them were submitted.
//!
//! *Not submitted*, *empty* and *a value* are three different things: a slot outside `present` was not
//! submitted, whatever its value; a present [`Value::Empty`] clears the field.

use smol_str::SmolStr;
use thiserror::Error;

use crate::schema::{Entity, FieldSet};
use crate::value::{Slot, Value};

/// The values of some fields of one record. Two rows are equal that submit the same fields with the same values.
#[derive(Clone, Debug, Default)]
pub struct Row {
    values: Vec<Value>,
    present: FieldSet,
}

impl Row {
    /// A row with no field submitted and room for so many slots.
    pub fn new(slots: usize) -> Self {
        Row { values: vec![Value::Empty; slots], present: FieldSet::default() }
    }

    /// A row of values by slot, of which these are submitted.
    pub fn from_parts(values: Vec<Value>, present: FieldSet) -> Self {
        Row { values, present }
    }

    /// Fields of an entity by name.
    pub fn of<'a>(entity: &Entity, values: impl IntoIterator<Item = (&'a str, Value)>) -> Result<Self, UnknownField> {
        let unknown = |name: &str| UnknownField { entity: entity.name.clone(), field: name.into() };
        values.into_iter().map(|(name, value)| Ok((entity.slot(name).ok_or_else(|| unknown(name))?, value))).collect()
    }

    /// Makes room for so many slots, so that setting them allocates nothing more.
    pub fn widen(&mut self, slots: usize) {
        if self.values.len() < slots {
            self.values.resize(slots, Value::Empty);
        }
    }

    /// The value of a submitted field.
    pub fn get(&self, slot: Slot) -> Option<&Value> {
        if self.present.contains(slot) { self.values.get(slot.0 as usize) } else { None }
    }

    /// Submits a field.
    pub fn set(&mut self, slot: Slot, value: Value) {
        let index = slot.0 as usize;
        if self.values.len() <= index {
            self.values.resize(index + 1, Value::Empty);
        }
        if let Some(place) = self.values.get_mut(index) {
            *place = value;
        }
        self.present.insert(slot);
    }

    /// Submits a field with a copy of a value.
    pub fn assign(&mut self, slot: Slot, value: &Value) {
        match self.values.get_mut(slot.0 as usize) {
            Some(place) => place.assign(value),
            None => return self.set(slot, value.clone()),
        }
        self.present.insert(slot);
    }

    /// The value of a submitted field, to be changed in place.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut Value> {
        if self.present.contains(slot) { self.values.get_mut(slot.0 as usize) } else { None }
    }

    /// Takes a field out again.
    pub fn unset(&mut self, slot: Slot) {
        self.present.remove(slot);
    }

    /// Takes these fields out, into a row of their own.
    pub fn split(&mut self, fields: &FieldSet) -> Row {
        let taken = self.iter().filter(|(slot, _)| fields.contains(*slot)).map(|(slot, value)| (slot, value.clone())).collect();
        self.present.remove_all(fields);
        taken
    }

    /// Which fields are submitted.
    pub fn present(&self) -> &FieldSet {
        &self.present
    }

    /// About how many bytes of memory it takes.
    pub fn size(&self) -> u64 {
        let texts: usize = self.values.iter().map(|value| if let Value::Text(text) = value { text.len() } else { 0 }).sum();
        (texts + self.values.len() * size_of::<Value>()) as u64
    }

    /// The submitted fields in order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &Value)> {
        self.present.iter().filter_map(|slot| self.values.get(slot.0 as usize).map(|value| (slot, value)))
    }

    /// Submits every field that is submitted in another row, with its value.
    pub fn overlay(&mut self, other: &Row) {
        for (slot, value) in other.iter() {
            self.set(slot, value.clone());
        }
    }
}

impl PartialEq for Row {
    fn eq(&self, other: &Row) -> bool {
        self.present == other.present && self.iter().eq(other.iter())
    }
}

impl FromIterator<(Slot, Value)> for Row {
    fn from_iter<I: IntoIterator<Item = (Slot, Value)>>(values: I) -> Self {
        let mut row = Row::default();
        values.into_iter().for_each(|(slot, value)| row.set(slot, value));
        row
    }
}

/// A name that no field of the entity has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{entity}` has no field `{field}`")]
pub struct UnknownField {
    /// The entity.
    pub entity: SmolStr,
    /// The name.
    pub field: SmolStr,
}
