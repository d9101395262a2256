//! The store in a schema of a PostgreSQL database. Nothing here knows what a record means.
//!
//! Only what the databases that speak this protocol share is used: no procedure, trigger or extension, and nothing of the session but
//! prepared statements. A batch is one statement. Collation, time zones, rounding and the place of empty values are ours: texts compare
//! by code point (`COLLATE "C"`), instants are UTC, numbers are exact `numeric`s, empty values come first.
//!
//! Invariants: text reaches SQL only as a bound value or as a checked, quoted identifier; every value is held against its field when
//! it is read, for other programs may write, too; after an error in a transaction nothing is sent before it, or a savepoint, is undone.

mod cell;
mod failure;
mod identifier;
mod link;
mod migrate;
mod select;
mod table;
mod url;
mod write;

use rustc_hash::{FxHashMap, FxHashSet};
use tokio_postgres::Error;

use self::cell::Cell;
use self::identifier::quoted;
use self::link::{Link, Trouble};
use self::select::{Filter, parameters, record};
use self::table::{Constraints, Table};
use self::url::Target;
pub use self::url::without_password;
use self::write::{Verb, every_key, primary_key, still_referred};
use super::{Note, Store, StoreError};
use crate::schema::select::{Aggregate, Selection};
use crate::schema::{FieldSet, Row, Schema};
use crate::value::{EntityId, Reference, Slot, Uuid, Value};

/// How many rows one statement writes at most.
const PAGE: usize = 10_000;

/// A store in a PostgreSQL database.
#[derive(Debug)]
pub struct Postgres {
    link: Link,
    /// By entity.
    tables: Vec<Table>,
    /// What keys and links of the tables hold together, by their names.
    constraints: Constraints,
    /// Statements that empty columns of fields which the schema no longer has, by the entity that they refer to.
    retired: Vec<(EntityId, String)>,
    /// Records that a lookup to several entities refers to, and that are known to be there; forgotten when a transaction ends.
    known: FxHashSet<Reference>,
    /// How many bytes an answer may hold.
    room: u64,
}

impl Postgres {
    /// The store that a URL names, `postgres://user@host/database`: the host part and what follows the question mark are libpq's (several
    /// hosts, `target_session_attrs`), and these are ours: `schema` (the schema of the tables, `weir` where nothing is said), `timeout`
    /// (seconds that an answer may take, 30), `sslmode` (`verify-full`, or `disable`; a server on another machine has to show a certificate
    /// where nothing is said), `sslrootcert`, `passfile`. A password may come from `PGPASSWORD` or `PGPASSFILE`. Call
    /// [`migrate`](Store::migrate) next.
    ///
    /// # Errors
    /// The URL is none, or the server can't be reached.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let link = Link::to(Target::of(url)?)?;
        Ok(Postgres {
            link,
            tables: Vec::new(),
            constraints: Constraints::default(),
            retired: Vec::new(),
            known: FxHashSet::default(),
            room: u64::MAX,
        })
    }

    /// Takes the schema of its tables away with all that is in it, where that is there: for one that was made to be thrown away.
    ///
    /// # Errors
    /// The server can't be reached, or refuses.
    pub fn discard(mut self) -> Result<(), StoreError> {
        let schema = quoted(&self.link.target.schema);
        Ok(self.link.change_tables(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE"))?)
    }

    /// How many times the server was waited for since this was last asked.
    pub fn round_trips(&mut self) -> u64 {
        self.link.trips()
    }

    fn take_in(&mut self, schema: &Schema) -> Result<(), StoreError> {
        self.known.clear();
        (self.tables, self.constraints) = table::tables(schema, &self.link.target.schema)?;
        Ok(())
    }
}

impl Store for Postgres {
    fn migrate(&mut self, schema: &Schema) -> Result<(), StoreError> {
        self.take_in(schema)?;
        self.retired = migrate::migrate(&mut self.link, &self.tables, schema)?;
        Ok(())
    }

    fn take_up(&mut self, schema: &Schema) -> Result<bool, StoreError> {
        self.take_in(schema)?;
        migrate::complete(&mut self.link, &self.tables, schema)
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn give_way(&mut self, conflicts: u32) {
        self.link.give_way(conflicts);
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.rollback()?;
        self.link.begin()
    }

    fn begin_reading(&mut self) -> Result<(), StoreError> {
        self.rollback()?;
        self.link.begin_reading()
    }

    // A server doesn't say; whoever asks looks for himself.
    fn changed_elsewhere(&mut self) -> Result<bool, StoreError> {
        Ok(true)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.known.clear();
        self.link.commit()
    }

    fn rollback(&mut self) -> Result<(), StoreError> {
        self.known.clear();
        self.link.rollback()
    }

    fn savepoint(&mut self) -> Result<(), StoreError> {
        self.link.savepoint()
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.link.release()
    }

    fn rollback_to_savepoint(&mut self) -> Result<(), StoreError> {
        self.known.clear();
        self.link.rollback_to_savepoint()
    }

    fn read(&mut self, entity: EntityId, ids: &[Uuid], fields: &FieldSet) -> Result<Vec<Option<Row>>, StoreError> {
        let table = table(&self.tables, entity)?;
        let columns = table.selected(fields.iter())?;
        let (from, key) = (&table.quoted, &table.key);
        if let [id] = ids {
            let rows = self.link.query(&format!("SELECT {columns} FROM {from} WHERE {key} = $1::uuid"), &[id])?;
            return Ok(vec![rows.first().map(|row| record(table, fields, row)).transpose()?.map(|(_, row)| row)]);
        }
        let mut found = FxHashMap::default();
        let text = format!("SELECT {columns} FROM {from} WHERE {key} = ANY($1::uuid[])");
        for page in ids.chunks(PAGE) {
            for row in self.link.query(&text, &[&page])? {
                found.extend([record(table, fields, &row)?]);
            }
        }
        // An id may be asked for twice.
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    fn identify(&mut self, _: EntityId, _: &mut Row) -> Result<(), StoreError> {
        self.link.writable()
    }

    fn insert(&mut self, entity: EntityId, rows: &[Row]) -> Result<(), StoreError> {
        self.link.writable()?;
        for run in rows.chunk_by(|one, next| one.present() == next.present()).flat_map(|run| run.chunks(PAGE)) {
            every_key(table(&self.tables, entity)?, run)?;
            self.check_references(entity, run)?;
            self.write(entity, run, Verb::Insert)?;
        }
        Ok(())
    }

    fn update(&mut self, entity: EntityId, rows: &[Row]) -> Result<(), StoreError> {
        self.link.writable()?;
        for run in rows.chunk_by(|one, next| one.present() == next.present()).flat_map(|run| run.chunks(PAGE)) {
            let table = table(&self.tables, entity)?;
            every_key(table, run)?;
            let mut met = FxHashSet::default();
            let ids: Vec<Uuid> = run.iter().filter_map(primary_key).collect();
            // Two rows of one record, or a key that one row leaves and another takes: their order counts.
            let keyed = run.first().is_some_and(|row| row.iter().any(|(slot, _)| table.keyed.contains(&slot)));
            let in_order = keyed || !ids.iter().all(|id| met.insert(*id));
            self.check_references(entity, run)?;
            let written = if in_order { self.write_in_order(entity, run)? } else { self.write(entity, run, Verb::Update)? };
            if written < run.len() as u64 {
                return Err(self.missing(entity, &ids));
            }
        }
        Ok(())
    }

    fn delete(&mut self, entity: EntityId, ids: &[Uuid]) -> Result<(), StoreError> {
        self.link.writable()?;
        self.known.clear();
        // A lookup that was taken out of the schema must not hold its old target for ever: its link goes, as by default.
        for (_, text) in self.retired.iter().filter(|(target, _)| *target == entity) {
            self.link.execute(text, &[&ids])?;
        }
        // One row may hold another only where the entity has lookups to itself.
        let size = if self.hold_each_other(entity, ids)? { 1 } else { PAGE };
        let table = table(&self.tables, entity)?;
        let text = format!("DELETE FROM {0} WHERE {1} = ANY($1::uuid[]) RETURNING {1}", table.quoted, table.key);
        for page in ids.chunks(size) {
            let gone = self.link.query(&text, &[&page]).map_err(|trouble| match trouble {
                Trouble::Server(error) => still_referred(&self.constraints, &error),
                other => other.into(),
            })?;
            let mut gone = gone.iter().map(|row| cell::uuid(row, 0)).collect::<Result<FxHashSet<_>, _>>()?;
            if let Some(id) = page.iter().find(|id| !gone.remove(id)) {
                return Err(StoreError::Missing { entity, id: *id });
            }
        }
        Ok(())
    }

    fn referring(&mut self, entity: EntityId, field: Slot, target: EntityId, ids: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
        let name = table(&self.tables, target)?.name.as_str();
        let table = table(&self.tables, entity)?;
        let column = table.column(field)?;
        let (key, from, of) = (&table.key, &table.quoted, &column.quoted);
        let text = format!("SELECT {key} FROM {from} WHERE {of} = ANY($1::uuid[])");
        let rows = match &column.entity {
            None => self.link.query(&format!("{text} ORDER BY {key}"), &[&ids])?,
            Some(entity) => self.link.query(&format!("{text} AND {entity} = $2::text ORDER BY {key}"), &[&ids, &name])?,
        };
        rows.iter().map(|row| cell::uuid(row, 0)).collect()
    }

    fn find(&mut self, entity: EntityId, values: &Row, limit: u32) -> Result<Vec<Uuid>, StoreError> {
        let table = table(&self.tables, entity)?;
        let mut filter = Filter::equal(table, values)?;
        let place = filter.bind(Cell::BigInt(limit.into()));
        let text = format!("SELECT {0} FROM {1}{2} ORDER BY {0} LIMIT ${place}::bigint", table.key, table.quoted, filter.text());
        self.link.query(&text, &parameters(filter.bound()))?.iter().map(|row| cell::uuid(row, 0)).collect()
    }

    fn select(&mut self, selection: &Selection, fields: &FieldSet) -> Result<Vec<(Uuid, Row)>, StoreError> {
        self.selected(selection, fields, "")
    }

    fn select_free(&mut self, selection: &Selection, fields: &FieldSet) -> Result<Vec<(Uuid, Row)>, StoreError> {
        self.selected(selection, fields, " FOR UPDATE SKIP LOCKED")
    }

    fn aggregate(&mut self, selection: &Selection, aggregate: Aggregate) -> Result<Value, StoreError> {
        self.aggregated(selection, aggregate)
    }

    fn limit_answers(&mut self, bytes: u64) {
        self.room = bytes;
    }

    fn note(&mut self, note: &Note) -> Result<(), StoreError> {
        self.link.writable()?;
        let text = format!(
            "INSERT INTO {0}.weir_note AS n VALUES ($1::text, $2::text) ON CONFLICT (name) DO UPDATE SET text = excluded.text \
             WHERE $3::text IS NULL OR n.text = $4::text OR strpos(n.text, $3::text) > 0",
            quoted(&self.link.target.schema)
        );
        let holder = note.holder.as_deref();
        let (key, found) = (holder.map(|holder| &holder.key), holder.and_then(|holder| holder.found.as_ref()));
        if self.link.execute(&text, &[&note.name, &note.text, &key, &found])? == 0 {
            return Err(StoreError::lost_note());
        }
        Ok(())
    }

    fn notes(&mut self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        let text = format!(
            "SELECT name, text FROM {}.weir_note WHERE left(name, length($1::text)) = $1::text ORDER BY name",
            quoted(&self.link.target.schema)
        );
        let rows = self.link.query(&text, &[&prefix])?;
        let notes = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        notes.collect::<Result<_, Error>>().map_err(|error| failure::failure(&error))
    }

    fn count(&mut self, entity: EntityId) -> Result<u64, StoreError> {
        match self.aggregated(&Selection::all(entity), Aggregate::Count)? {
            Value::Integer(count) => Ok(count.unsigned_abs()),
            _ => Ok(0),
        }
    }
}

fn table(tables: &[Table], entity: EntityId) -> Result<&Table, StoreError> {
    let none = || StoreError::Failed("the store has no tables of this schema yet".to_owned());
    tables.get(usize::from(entity.0)).ok_or_else(none)
}
