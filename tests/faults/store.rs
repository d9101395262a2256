//! A store over SQLite that fails when it is told to. Nothing else differs from the real one.

use std::sync::{Arc, Mutex};

use weir::schema::select::{Aggregate, Selection};
use weir::schema::{FieldSet, Row, Schema};
use weir::store::{Note, Sqlite, Store, StoreError};
use weir::value::{EntityId, Slot, Uuid, Value};

/// What a call does that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Nothing.
    Refused,
    /// What it should, and then says that it failed: the answer was lost.
    Done,
    /// Undoes the whole transaction, as SQLite does on a full disk.
    Undone,
    /// Nothing, and nor does any call after it until [`Faults::heal`].
    Dead,
}

pub const EVERY_HOW: [How; 4] = [How::Refused, How::Done, How::Undone, How::Dead];

/// When a store fails; shared between the store and its test.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    calls: u64,
    armed: Option<(u64, How)>,
    hit: Option<&'static str>,
}

impl Faults {
    /// The call of this number from now on, from 1, fails.
    pub fn arm(&self, number: u64, how: How) {
        *self.0.lock().unwrap() = State { calls: 0, armed: Some((number, how)), hit: None };
    }

    /// Ends all failing; says which call was the first to fail, if any was.
    pub fn heal(&self) -> Option<&'static str> {
        std::mem::take(&mut *self.0.lock().unwrap()).hit
    }

    fn meets(&self, call: &'static str) -> Option<How> {
        let mut state = self.0.lock().unwrap();
        state.calls += 1;
        let (number, how) = state.armed?;
        let fails = if how == How::Dead { state.calls >= number } else { state.calls == number };
        if fails && state.hit.is_none() {
            state.hit = Some(call);
        }
        fails.then_some(how)
    }
}

/// The store.
pub struct Failing {
    store: Sqlite,
    faults: Faults,
}

impl Failing {
    pub fn new(store: Sqlite, faults: &Faults) -> Box<Self> {
        Box::new(Failing { store, faults: faults.clone() })
    }

    fn call<T>(&mut self, call: &'static str, run: impl FnOnce(&mut Sqlite) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match self.faults.meets(call) {
            None => return run(&mut self.store),
            Some(How::Refused | How::Dead) => {}
            Some(How::Done) => drop(run(&mut self.store)),
            Some(How::Undone) => self.store.rollback().unwrap(),
        }
        Err(StoreError::Failed(INJECTED.to_owned()))
    }
}

/// What an injected failure says.
pub const INJECTED: &str = "the cable was pulled";

impl Store for Failing {
    fn migrate(&mut self, schema: &Schema) -> Result<(), StoreError> {
        self.call("migrate", |store| store.migrate(schema))
    }

    fn take_up(&mut self, schema: &Schema) -> Result<bool, StoreError> {
        self.call("take up", |store| store.take_up(schema))
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.call("begin", Store::begin)
    }

    fn begin_reading(&mut self) -> Result<(), StoreError> {
        self.call("begin", Store::begin_reading)
    }

    fn note(&mut self, note: &Note) -> Result<(), StoreError> {
        self.call("note", |store| store.note(note))
    }

    fn notes(&mut self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        self.call("notes", |store| store.notes(prefix))
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.call("commit", Store::commit)
    }

    fn rollback(&mut self) -> Result<(), StoreError> {
        self.call("rollback", Store::rollback)
    }

    fn savepoint(&mut self) -> Result<(), StoreError> {
        self.call("savepoint", Store::savepoint)
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.call("release", Store::release)
    }

    fn rollback_to_savepoint(&mut self) -> Result<(), StoreError> {
        self.call("rollback_to_savepoint", Store::rollback_to_savepoint)
    }

    fn read(&mut self, entity: EntityId, ids: &[Uuid], fields: &FieldSet) -> Result<Vec<Option<Row>>, StoreError> {
        self.call("read", |store| store.read(entity, ids, fields))
    }

    fn identify(&mut self, entity: EntityId, row: &mut Row) -> Result<(), StoreError> {
        self.call("identify", |store| store.identify(entity, row))
    }

    fn insert(&mut self, entity: EntityId, rows: &[Row]) -> Result<(), StoreError> {
        self.call("insert", |store| store.insert(entity, rows))
    }

    fn update(&mut self, entity: EntityId, rows: &[Row]) -> Result<(), StoreError> {
        self.call("update", |store| store.update(entity, rows))
    }

    fn delete(&mut self, entity: EntityId, ids: &[Uuid]) -> Result<(), StoreError> {
        self.call("delete", |store| store.delete(entity, ids))
    }

    fn referring(&mut self, entity: EntityId, field: Slot, target: EntityId, ids: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
        self.call("referring", |store| store.referring(entity, field, target, ids))
    }

    fn find(&mut self, entity: EntityId, values: &Row, limit: u32) -> Result<Vec<Uuid>, StoreError> {
        self.call("find", |store| store.find(entity, values, limit))
    }

    fn select(&mut self, selection: &Selection, fields: &FieldSet) -> Result<Vec<(Uuid, Row)>, StoreError> {
        self.call("select", |store| store.select(selection, fields))
    }

    fn aggregate(&mut self, selection: &Selection, aggregate: Aggregate) -> Result<Value, StoreError> {
        self.call("aggregate", |store| store.aggregate(selection, aggregate))
    }

    fn limit_answers(&mut self, bytes: u64) {
        self.store.limit_answers(bytes);
    }

    fn work(&mut self) -> u64 {
        self.store.work()
    }

    fn count(&mut self, entity: EntityId) -> Result<u64, StoreError> {
        self.call("count", |store| store.count(entity))
    }
}
