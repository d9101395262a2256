//! A store that tells what it was asked and what it answered, and is otherwise the store that it stands before.
//!
//! Nothing is copied while nobody listens.

use serde::{Deserialize, Serialize};

use super::{Note, Store, StoreError};
use crate::schema::select::{Aggregate, Selection};
use crate::schema::{FieldSet, PRIMARY_KEY, Row, Schema};
use crate::value::{EntityId, Slot, Uuid, Value};

/// The values of some fields of a record.
pub type Values = Vec<(Slot, Value)>;

/// What a store was asked, or told to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Asked {
    /// To begin a transaction.
    Begin,
    /// To make it last.
    Commit,
    /// To undo it.
    Rollback,
    /// To set a savepoint.
    Savepoint,
    /// To forget the innermost savepoint.
    Release,
    /// To go back to it.
    BackToSavepoint,
    /// For fields of records.
    Read(EntityId, Vec<Uuid>, FieldSet),
    /// To insert records.
    Insert(EntityId, Vec<Values>),
    /// To update records.
    Update(EntityId, Vec<Values>),
    /// To delete records.
    Delete(EntityId, Vec<Uuid>),
    /// For the records of an entity that refer by a field to records of another.
    Referring(EntityId, Slot, EntityId, Vec<Uuid>),
    /// For records with these values, at most so many.
    Find(EntityId, Values, u32),
    /// For the records of a selection, and fields of each.
    Select(Selection, FieldSet),
    /// For what is worked out of the records of a selection.
    Aggregate(Selection, Aggregate),
    /// For the number of an entity's records.
    Count(EntityId),
    /// For the steps that queries took.
    Work,
    /// For the id that goes with the key of a new row in somebody's own table.
    Identify(EntityId, Values),
}

/// What a store answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// It is done.
    Done,
    /// The records that were asked for, `None` where there is no such record.
    Rows(Vec<Option<Values>>),
    /// Ids.
    Ids(Vec<Uuid>),
    /// Records with their ids.
    Records(Vec<(Uuid, Values)>),
    /// A value.
    Value(Value),
    /// A number.
    Number(u64),
    /// It refused.
    Refused(StoreError),
}

/// Who wants to know.
pub trait Listener: Send {
    /// Whether anything is wanted now.
    fn listens(&self) -> bool;

    /// The store was asked something, and answered.
    fn heard(&mut self, asked: Asked, answer: Answer);
}

/// A store with a listener.
pub struct Recording {
    store: Box<dyn Store>,
    listener: Box<dyn Listener>,
}

impl Recording {
    /// Before a store.
    pub fn new(store: Box<dyn Store>, listener: Box<dyn Listener>) -> Self {
        Recording { store, listener }
    }

    fn tell<T>(
        &mut self,
        asked: impl FnOnce() -> Asked,
        answer: Result<T, StoreError>,
        as_answer: impl FnOnce(&T) -> Answer,
    ) -> Result<T, StoreError> {
        if self.listener.listens() {
            let told = match &answer {
                Ok(answer) => as_answer(answer),
                Err(error) => Answer::Refused(error.clone()),
            };
            self.listener.heard(asked(), told);
        }
        answer
    }
}

/// The id among the values of a record.
pub fn id_of(values: &Values) -> Option<Uuid> {
    values.iter().find_map(|(slot, value)| if let (true, Value::Uuid(id)) = (*slot == PRIMARY_KEY, value) { Some(*id) } else { None })
}

/// What is submitted in a row.
pub fn values(row: &Row) -> Values {
    row.iter().map(|(slot, value)| (slot, value.clone())).collect()
}

fn done(_: &()) -> Answer {
    Answer::Done
}

impl Store for Recording {
    fn migrate(&mut self, schema: &Schema) -> Result<(), StoreError> {
        self.store.migrate(schema)
    }

    fn take_up(&mut self, schema: &Schema) -> Result<bool, StoreError> {
        self.store.take_up(schema)
    }

    fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    fn give_way(&mut self, conflicts: u32) {
        self.store.give_way(conflicts);
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        let answer = self.store.begin();
        self.tell(|| Asked::Begin, answer, done)
    }

    fn begin_reading(&mut self) -> Result<(), StoreError> {
        let answer = self.store.begin_reading();
        self.tell(|| Asked::Begin, answer, done)
    }

    // No operation depends on a note, so a record holds none.
    fn note(&mut self, note: &Note) -> Result<(), StoreError> {
        self.store.note(note)
    }

    fn notes(&mut self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        self.store.notes(prefix)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let answer = self.store.commit();
        self.tell(|| Asked::Commit, answer, done)
    }

    fn rollback(&mut self) -> Result<(), StoreError> {
        let answer = self.store.rollback();
        self.tell(|| Asked::Rollback, answer, done)
    }

    fn savepoint(&mut self) -> Result<(), StoreError> {
        let answer = self.store.savepoint();
        self.tell(|| Asked::Savepoint, answer, done)
    }

    fn release(&mut self) -> Result<(), StoreError> {
        let answer = self.store.release();
        self.tell(|| Asked::Release, answer, done)
    }

    fn rollback_to_savepoint(&mut self) -> Result<(), StoreError> {
        let answer = self.store.rollback_to_savepoint();
        self.tell(|| Asked::BackToSavepoint, answer, done)
    }

    fn read(&mut self, entity: EntityId, ids: &[Uuid], fields: &FieldSet) -> Result<Vec<Option<Row>>, StoreError> {
        let answer = self.store.read(entity, ids, fields);
        let asked = || Asked::Read(entity, ids.to_vec(), fields.clone());
        self.tell(asked, answer, |rows| Answer::Rows(rows.iter().map(|row| row.as_ref().map(values)).collect()))
    }

    fn identify(&mut self, entity: EntityId, row: &mut Row) -> Result<(), StoreError> {
        let before = if self.listener.listens() { values(row) } else { Vec::new() };
        let answer = self.store.identify(entity, row);
        self.tell(|| Asked::Identify(entity, before), answer, |()| Answer::Rows(vec![Some(values(row))]))
    }

    fn insert(&mut self, entity: EntityId, rows: &[Row]) -> Result<(), StoreError> {
        let answer = self.store.insert(entity, rows);
        self.tell(|| Asked::Insert(entity, rows.iter().map(values).collect()), answer, done)
    }

    fn update(&mut self, entity: EntityId, rows: &[Row]) -> Result<(), StoreError> {
        let answer = self.store.update(entity, rows);
        self.tell(|| Asked::Update(entity, rows.iter().map(values).collect()), answer, done)
    }

    fn delete(&mut self, entity: EntityId, ids: &[Uuid]) -> Result<(), StoreError> {
        let answer = self.store.delete(entity, ids);
        self.tell(|| Asked::Delete(entity, ids.to_vec()), answer, done)
    }

    fn referring(&mut self, entity: EntityId, field: Slot, target: EntityId, ids: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
        let answer = self.store.referring(entity, field, target, ids);
        self.tell(|| Asked::Referring(entity, field, target, ids.to_vec()), answer, |ids| Answer::Ids(ids.clone()))
    }

    fn find(&mut self, entity: EntityId, wanted: &Row, limit: u32) -> Result<Vec<Uuid>, StoreError> {
        let answer = self.store.find(entity, wanted, limit);
        self.tell(|| Asked::Find(entity, values(wanted), limit), answer, |ids| Answer::Ids(ids.clone()))
    }

    fn select(&mut self, selection: &Selection, fields: &FieldSet) -> Result<Vec<(Uuid, Row)>, StoreError> {
        let answer = self.store.select(selection, fields);
        let asked = || Asked::Select(selection.clone(), fields.clone());
        self.tell(asked, answer, |found| Answer::Records(found.iter().map(|(id, row)| (*id, values(row))).collect()))
    }

    fn aggregate(&mut self, selection: &Selection, aggregate: Aggregate) -> Result<Value, StoreError> {
        let answer = self.store.aggregate(selection, aggregate);
        self.tell(|| Asked::Aggregate(selection.clone(), aggregate), answer, |value| Answer::Value(value.clone()))
    }

    fn limit_answers(&mut self, bytes: u64) {
        self.store.limit_answers(bytes);
    }

    fn work(&mut self) -> u64 {
        let work = self.store.work();
        if self.listener.listens() {
            self.listener.heard(Asked::Work, Answer::Number(work));
        }
        work
    }

    fn count(&mut self, entity: EntityId) -> Result<u64, StoreError> {
        let answer = self.store.count(entity);
        self.tell(|| Asked::Count(entity), answer, |count| Answer::Number(*count))
    }
}
