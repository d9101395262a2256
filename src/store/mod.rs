//! The door to a database: batches of rows in, batches of rows out, inside one transaction at a time.
//! Knows no flow and no stage, and the trait knows neither SQLite nor PostgreSQL.

mod count;
mod known;
pub mod postgres;
pub mod record;
pub mod replay;
mod shape;
pub mod sqlite;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use postgres::{Postgres, without_password};
pub use sqlite::Sqlite;

use crate::schema::select::{Aggregate, Selection};
use crate::schema::{FieldSet, Row, Schema};
use crate::value::{EntityId, Failure, Slot, Uuid, Value};

/// The scale above which a number needs more than 64 bits; up to it, no store holds more.
const WIDEST_SCALED: u8 = 7;

/// A database with the tables of one schema.
///
/// Reads and writes happen inside a transaction that the caller opens and ends; a store never decides about either.
/// Every value that comes in has been held against its field's type and range, and an instant has no more than microseconds.
/// A lookup is held against the records it may refer to when it is written, so that the error belongs to that write.
/// After an error the rows of the batch before the failing one are written: the caller undoes its transaction or savepoint.
pub trait Store: Send {
    /// Makes the tables of a schema, or brings older ones up to it: new entities and new fields are added, nothing is dropped.
    /// All or nothing; called before anything else, in a transaction of its own or as part of the one that is open.
    fn migrate(&mut self, schema: &Schema) -> Result<(), StoreError>;

    /// Works with the tables of a schema in a database that may hold more, in the transaction that is open: what an older release didn't
    /// know of it is added, and nothing else is touched. Says no, and does nothing, where the database is new or another program's.
    fn take_up(&mut self, schema: &Schema) -> Result<bool, StoreError>;

    /// Whether transactions of other programs run beside one of this store. Then any of its statements may fail with
    /// [`StoreError::Conflict`], and after one that failed nothing goes on before the transaction, or a savepoint of it, is undone.
    fn is_shared(&self) -> bool {
        false
    }

    /// Lets others go first, after so many conflicts in a row; the longer, the more there were.
    fn give_way(&mut self, _conflicts: u32) {}

    /// Begins a transaction that writes, at once, so that no upgrade of a read can fail later. One that is still open, for its
    /// end failed, is undone first.
    fn begin(&mut self) -> Result<(), StoreError>;

    /// Begins a transaction that only reads, which sees the store as it is at its first read; it waits for no writer where the store can do
    /// that, and holds up none. It ends with [`rollback`](Store::rollback).
    fn begin_reading(&mut self) -> Result<(), StoreError> {
        self.begin()
    }

    /// Whether somebody else may have written since this was last asked, in the transaction that has begun. No where nobody else can.
    fn changed_elsewhere(&mut self) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Makes the transaction last.
    fn commit(&mut self) -> Result<(), StoreError>;

    /// Undoes the transaction. Harmless where none is open.
    fn rollback(&mut self) -> Result<(), StoreError>;

    /// Sets a savepoint; savepoints nest.
    fn savepoint(&mut self) -> Result<(), StoreError>;

    /// Forgets the innermost savepoint and keeps what came after it.
    fn release(&mut self) -> Result<(), StoreError>;

    /// Undoes what came after the innermost savepoint, and forgets it.
    fn rollback_to_savepoint(&mut self) -> Result<(), StoreError>;

    /// Reads fields of records, one answer for each id in the order asked: `None` where there is no such record.
    fn read(&mut self, entity: EntityId, ids: &[Uuid], fields: &FieldSet) -> Result<Vec<Option<Row>>, StoreError>;

    /// Gives a new record of an entity with a table of somebody's own the primary key that goes with its key, which is put in where
    /// the table numbers its rows. Others have one already.
    fn identify(&mut self, entity: EntityId, row: &mut Row) -> Result<(), StoreError>;

    /// Inserts records; the primary key is among the fields of each. A field that isn't present is empty.
    fn insert(&mut self, entity: EntityId, rows: &[Row]) -> Result<(), StoreError>;

    /// Writes the present fields of existing records; the primary key says which record. A row of a record that isn't there is an error.
    /// Each is counted in the record's `versionnumber`, unless the row brings one.
    fn update(&mut self, entity: EntityId, rows: &[Row]) -> Result<(), StoreError>;

    /// Deletes records. An id that isn't there is an error.
    fn delete(&mut self, entity: EntityId, ids: &[Uuid]) -> Result<(), StoreError>;

    /// The ids of the records of `entity` whose lookup `field` refers to one of `ids` of `target`, ascending.
    fn referring(&mut self, entity: EntityId, field: Slot, target: EntityId, ids: &[Uuid]) -> Result<Vec<Uuid>, StoreError>;

    /// The ids of the records whose fields have exactly these values, ascending, at most `limit`.
    fn find(&mut self, entity: EntityId, values: &Row, limit: u32) -> Result<Vec<Uuid>, StoreError>;

    /// The ids of the records that a selection takes, in its order, with these fields of each.
    fn select(&mut self, selection: &Selection, fields: &FieldSet) -> Result<Vec<(Uuid, Row)>, StoreError>;

    /// As [`Store::select`], for records that are about to be changed: those that somebody else is changing at the moment are passed over.
    fn select_free(&mut self, selection: &Selection, fields: &FieldSet) -> Result<Vec<(Uuid, Row)>, StoreError> {
        self.select(selection, fields)
    }

    /// What is worked out of the records that a selection takes; its order and its limit say nothing here. Sums are exact.
    fn aggregate(&mut self, selection: &Selection, aggregate: Aggregate) -> Result<Value, StoreError>;

    /// How many bytes one answer of `select` may hold, about; [`StoreError::TooLarge`] where it would be more. No bound where nobody says.
    fn limit_answers(&mut self, bytes: u64);

    /// How many steps `select` and `aggregate` took since this was last asked, a few for each record that they looked at; the
    /// same for the same questions to the same records. Nothing where a store can't tell.
    fn work(&mut self) -> u64 {
        0
    }

    /// The file is no longer where it was: what is left of it is for whoever has it, and nothing is tidied up when this value ends.
    fn abandon(&mut self) {}

    /// Keeps a text under a name, beside the records and in the transaction that is open; one that was kept under it before is gone.
    fn note(&mut self, _note: &Note) -> Result<(), StoreError> {
        Err(StoreError::Unusable("this store keeps no notes".to_owned()))
    }

    /// The texts that are kept under names that begin so, by name.
    fn notes(&mut self, _prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        Ok(Vec::new())
    }

    /// How many records there are.
    fn count(&mut self, entity: EntityId) -> Result<u64, StoreError>;
}

/// A text that is kept under a name, beside the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The name.
    pub name: String,
    /// The text.
    pub text: String,
    /// Who keeps it, where nobody else may have kept one in the meantime: that is an error.
    pub holder: Option<Arc<Holder>>,
}

/// Somebody who keeps one text after the other under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// A part of each of the texts, and of nobody else's.
    pub key: String,
    /// What was kept under the name at first.
    pub found: Option<String>,
}

/// Why a store could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Error, Serialize, Deserialize)]
pub enum StoreError {
    /// The record isn't there.
    #[error("the record {id} is not there")]
    Missing {
        /// Its entity.
        entity: EntityId,
        /// Its id.
        id: Uuid,
    },
    /// Two records agree in the fields of a key.
    #[error("another record has the same key")]
    Duplicate {
        /// The entity of the key.
        entity: EntityId,
        /// The fields of the key.
        fields: Vec<Slot>,
    },
    /// A lookup refers to a record that isn't there, or a deleted record is still referred to.
    #[error("a reference to the record {id}, which is not there or goes away")]
    Reference {
        /// The entity of the record that refers.
        entity: EntityId,
        /// Its lookup.
        field: Slot,
        /// The record that it refers to.
        id: Uuid,
    },
    /// A table of somebody's own has a rule of its own against the record.
    #[error("{why}")]
    Refused {
        /// The entity of the record.
        entity: EntityId,
        /// What its database says.
        why: String,
    },
    /// A rule of the database itself undid the whole transaction, and not just the write that broke it.
    #[error("the transaction was undone: {why}")]
    Undone {
        /// The entity of the record.
        entity: EntityId,
        /// What its database says.
        why: String,
    },
    /// A sum or an average that no value can hold.
    #[error("the result is larger than a number can be")]
    Number(Failure),
    /// The records of an answer hold more than they may.
    #[error("the records that a query gives hold more than {0} bytes")]
    TooLarge(u64),
    /// The file is no database, is of a newer format, doesn't fit the schema, or holds a value that its field can't have.
    #[error("{0}")]
    Unusable(String),
    /// A store that answers from a record is asked what isn't in there.
    #[error("{0} was not recorded")]
    Unrecorded(String),
    /// Transactions got in each other's way, and this one has to be undone; it may well succeed when it is run again.
    #[error("another program changed the same records at the same time")]
    Conflict,
    /// The file or server could not be reached, read or written: full, read-only, locked, broken.
    #[error("{0}")]
    Failed(String),
}

impl StoreError {
    /// Somebody else has kept a note under the name in the meantime.
    fn lost_note() -> Self {
        let words =
            "another run over the same operations has gone on in the meantime: what this one did since its last transaction isn't kept";
        StoreError::Failed(words.to_owned())
    }
}
