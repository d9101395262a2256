//! A sketch of a test: how one begins a flow, and what the records have to be like that are there before it, or come to be by it.

use std::collections::BTreeMap;

use crate::schema::FieldSet;
use crate::value::{Duration, EntityId, Slot};

use super::domain::Domain;

/// How a flow or action is begun.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry {
    /// By the create of a record.
    Create,
    /// By an update that submits one of these fields, any where there is no set.
    Update(Option<FieldSet>),
    /// By the delete of a record.
    Delete,
    /// On demand.
    Run,
    /// As a child.
    Start,
    /// An action, on a record or on none.
    Perform,
}

/// The fields of a record: those that it is created with, and those that the operation submits.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Draft {
    pub entity: EntityId,
    pub fields: BTreeMap<(Time, Slot), Domain>,
}

/// When a field gets its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Time {
    /// By the create that is there beforehand.
    Before,
    /// By the operation.
    Now,
}

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a field of a record.
    Field(usize, Time, Slot),
    /// In an input.
    Input(u16),
}

/// What there has to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sketch {
    /// The records; the operation is about the first, where it is about one.
    pub records: Vec<Draft>,
    /// The inputs.
    pub inputs: BTreeMap<u16, Domain>,
    /// Fields of the first record that the operation has to change.
    pub changed: Vec<Slot>,
    /// Fields of it that the operation has to leave as they are.
    pub kept: Vec<Slot>,
    /// How long is waited after it, one after the other.
    pub waits: Vec<Duration>,
}

/// How many records a test may have.
const MOST: usize = 12;

impl Sketch {
    /// One more record; none where there are too many.
    pub fn record(&mut self, entity: EntityId) -> Option<usize> {
        let number = self.records.len();
        (number < MOST).then(|| {
            self.records.push(Draft { entity, fields: BTreeMap::new() });
            number
        })
    }

    /// What is asked of a place.
    pub fn domain(&self, place: Place) -> Option<&Domain> {
        match place {
            Place::Field(record, time, slot) => self.records.get(record)?.fields.get(&(time, slot)),
            Place::Input(input) => self.inputs.get(&input),
        }
    }

    /// The same, to ask more; none of a record that isn't there.
    pub fn domain_mut(&mut self, place: Place) -> Option<&mut Domain> {
        match place {
            Place::Field(record, time, slot) => Some(self.records.get_mut(record)?.fields.entry((time, slot)).or_default()),
            Place::Input(input) => Some(self.inputs.entry(input).or_default()),
        }
    }
}
