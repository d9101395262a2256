//! The store on SQLite: one file, or memory. Nothing here knows what a record means.
//!
//! Invariants: text reaches SQL only as a bound value or as a checked, quoted identifier; the SQL of a shape (what is done
//! to which fields of which entity) is written once; what the file holds is not trusted: every value is held against its
//! field when it is read.

mod decode;
mod encode;
mod failure;
mod fit;
pub mod inspect;
mod key;
mod kind;
mod migrate;
mod notes;
mod open;
mod select;
mod table;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rustc_hash::FxHashSet;

use self::failure::failure;
use self::kind::Kind;
use self::table::{Table, Verb};
use super::{Note, Store, StoreError};
use crate::schema::select::{Aggregate, Selection};
use crate::schema::{FieldSet, PRIMARY_KEY, Row, Schema};
use crate::value::{EntityId, Reference, Slot, Uuid, Value};

/// A store in a SQLite database.
#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
    /// By entity.
    tables: Vec<Table>,
    /// Statements that empty columns of fields which the schema no longer has, by the entity that they refer to: see [`Store::delete`].
    retired: Vec<(EntityId, String)>,
    /// Records that a lookup to several entities refers to, and that are known to be there; forgotten when anything is deleted or undone.
    known: FxHashSet<Reference>,
    /// The steps of queries that nobody has asked for yet.
    work: u64,
    /// How many bytes an answer may hold.
    room: u64,
    /// Where entities are mapped: the long keys that the open transaction has met.
    met: Option<key::Met>,
    /// Whether it is a new one that holds nobody else's tables: those that entities are mapped to are made.
    is_fresh: bool,
    /// What SQLite counts up where others write, as it was when it was last looked at.
    version: Option<i64>,
}

impl Store for Sqlite {
    fn migrate(&mut self, schema: &Schema) -> Result<(), StoreError> {
        self.take_in(schema)?;
        self.retired = migrate::migrate(&self.connection, &self.tables, schema)?;
        Ok(())
    }

    fn take_up(&mut self, schema: &Schema) -> Result<bool, StoreError> {
        self.take_in(schema)?;
        migrate::complete(&self.connection, &self.tables, schema)
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.rollback()?;
        self.run("BEGIN IMMEDIATE")
    }

    fn begin_reading(&mut self) -> Result<(), StoreError> {
        // Whoever reads a long key of somebody's own table may be the first to meet it, and writes it down.
        if self.met.is_some() {
            return self.begin();
        }
        self.rollback()?;
        self.run("BEGIN DEFERRED")
    }

    fn changed_elsewhere(&mut self) -> Result<bool, StoreError> {
        if self.is_fresh {
            return Ok(false);
        }
        let mut statement = self.connection.prepare_cached("PRAGMA data_version").map_err(failure)?;
        let version = statement.query_row([], |row| row.get(0)).map_err(failure)?;
        Ok(self.version.replace(version) != Some(version))
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.writing()?;
        self.run("COMMIT")?;
        self.met.iter().for_each(key::Met::forget);
        Ok(())
    }

    fn rollback(&mut self) -> Result<(), StoreError> {
        self.known.clear();
        if !self.connection.is_autocommit() {
            self.run("ROLLBACK")?;
        }
        self.met.iter().try_for_each(|met| met.keep(&self.connection, true))
    }

    // Savepoints may share a name: the innermost is meant.
    fn savepoint(&mut self) -> Result<(), StoreError> {
        self.writing()?;
        self.run("SAVEPOINT weir")
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.run("RELEASE weir")
    }

    fn rollback_to_savepoint(&mut self) -> Result<(), StoreError> {
        self.known.clear();
        self.run("ROLLBACK TO weir")?;
        self.run("RELEASE weir")?;
        self.met.iter().try_for_each(|met| met.keep(&self.connection, false))
    }

    fn abandon(&mut self) {
        // At its end SQLite writes the journal to the file and deletes it by its name, which may be another file's by then.
        let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }

    fn read(&mut self, entity: EntityId, ids: &[Uuid], fields: &FieldSet) -> Result<Vec<Option<Row>>, StoreError> {
        let text = self.text(Verb::Read, entity, fields)?;
        let table = table(&self.tables, entity)?;
        let mut statement = self.connection.prepare_cached(&text).map_err(failure)?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            encode::bind_id(&self.connection, &mut statement, &mut 1, table, *id)?;
            let mut rows = statement.raw_query();
            found.push(match rows.next().map_err(failure)? {
                Some(row) => Some(decode::row(&self.connection, table, *id, fields, row, 0)?),
                None => None,
            });
        }
        Ok(found)
    }

    fn identify(&mut self, entity: EntityId, row: &mut Row) -> Result<(), StoreError> {
        self.writing()?;
        fit::identify(&self.connection, table(&self.tables, entity)?, row)
    }

    fn insert(&mut self, entity: EntityId, rows: &[Row]) -> Result<(), StoreError> {
        self.writing()?;
        for run in rows.chunk_by(|one, next| one.present() == next.present()) {
            let Some(shape) = run.first().map(Row::present) else { continue };
            let text = self.text(Verb::Insert, entity, shape)?;
            let table = table(&self.tables, entity)?;
            let mut statement = self.connection.prepare_cached(&text).map_err(failure)?;
            for row in run {
                let id = primary_key(table, row)?;
                check_references(&self.connection, &self.tables, &mut self.known, entity, row)?;
                let mut next = 1;
                for (slot, value) in row.iter().filter(|(slot, _)| *slot != PRIMARY_KEY || table.mapped.is_none()) {
                    encode::bind(&self.connection, &mut statement, &mut next, table, slot, value)?;
                }
                statement.raw_execute().map_err(|error| self.refused(error, entity, id, row))?;
            }
        }
        Ok(())
    }

    fn update(&mut self, entity: EntityId, rows: &[Row]) -> Result<(), StoreError> {
        self.writing()?;
        for run in rows.chunk_by(|one, next| one.present() == next.present()) {
            let Some(shape) = run.first().map(Row::present) else { continue };
            let text = self.text(Verb::Update, entity, shape)?;
            let table = table(&self.tables, entity)?;
            let mut statement = self.connection.prepare_cached(&text).map_err(failure)?;
            for row in run {
                let id = primary_key(table, row)?;
                check_references(&self.connection, &self.tables, &mut self.known, entity, row)?;
                let mut next = 1;
                for (slot, value) in row.iter().filter(|(slot, _)| *slot != PRIMARY_KEY) {
                    encode::bind(&self.connection, &mut statement, &mut next, table, slot, value)?;
                }
                encode::bind_id(&self.connection, &mut statement, &mut next, table, id)?;
                if statement.raw_execute().map_err(|error| self.refused(error, entity, id, row))? == 0 {
                    return Err(StoreError::Missing { entity, id });
                }
            }
        }
        Ok(())
    }

    fn delete(&mut self, entity: EntityId, ids: &[Uuid]) -> Result<(), StoreError> {
        self.writing()?;
        self.known.clear();
        let table = table(&self.tables, entity)?;
        // A lookup that was taken out of the schema must not hold its old target for ever: its link goes, as by default.
        for (_, text) in self.retired.iter().filter(|(target, _)| *target == entity) {
            let mut statement = self.connection.prepare_cached(text).map_err(failure)?;
            for id in ids {
                statement.execute([id.as_bytes()]).map_err(failure)?;
            }
        }
        let mut statement = self.connection.prepare_cached(&table.delete).map_err(failure)?;
        for id in ids {
            encode::bind_id(&self.connection, &mut statement, &mut 1, table, *id)?;
            match statement.raw_execute() {
                Ok(0) => return Err(StoreError::Missing { entity, id: *id }),
                Ok(_) => {}
                Err(error) if failure::is_foreign_key(&error) => return Err(self.still_referred(entity, *id)),
                Err(error) => return Err(self.refusal(table, error, entity)),
            }
        }
        Ok(())
    }

    fn referring(&mut self, entity: EntityId, field: Slot, target: EntityId, ids: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
        let table = table(&self.tables, entity)?;
        let column = table.column(field)?;
        let text = table.referring(column);
        let name = &self::table(&self.tables, target)?.name;
        let mut statement = self.connection.prepare_cached(&text).map_err(failure)?;
        let mut found = Vec::new();
        for id in ids {
            encode::bind_link(&self.connection, &mut statement, column, *id)?;
            if column.entity.is_some() {
                statement.raw_bind_parameter(2, name.as_str()).map_err(failure)?;
            }
            decode::ids(&self.connection, table, statement.raw_query(), &mut found)?;
        }
        found.sort_unstable();
        Ok(found)
    }

    fn find(&mut self, entity: EntityId, values: &Row, limit: u32) -> Result<Vec<Uuid>, StoreError> {
        let text = self.text(Verb::Find, entity, values.present())?;
        let table = table(&self.tables, entity)?;
        let mut statement = self.connection.prepare_cached(&text).map_err(failure)?;
        let mut next = 1;
        for (slot, value) in values.iter() {
            encode::bind(&self.connection, &mut statement, &mut next, table, slot, value)?;
        }
        statement.raw_bind_parameter(next, limit).map_err(failure)?;
        let mut found = Vec::new();
        decode::ids(&self.connection, table, statement.raw_query(), &mut found)?;
        Ok(found)
    }

    fn select(&mut self, selection: &Selection, fields: &FieldSet) -> Result<Vec<(Uuid, Row)>, StoreError> {
        self.selected(selection, fields)
    }

    fn limit_answers(&mut self, bytes: u64) {
        self.room = bytes;
    }

    fn work(&mut self) -> u64 {
        std::mem::take(&mut self.work)
    }

    fn aggregate(&mut self, selection: &Selection, aggregate: Aggregate) -> Result<Value, StoreError> {
        self.aggregated(selection, aggregate)
    }

    fn note(&mut self, note: &Note) -> Result<(), StoreError> {
        self.writing()?;
        notes::keep(&self.connection, note)
    }

    fn notes(&mut self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        notes::all(&self.connection, prefix)
    }

    fn count(&mut self, entity: EntityId) -> Result<u64, StoreError> {
        let text = format!("SELECT count(*) FROM {}", table(&self.tables, entity)?.quoted);
        let count: i64 = self.connection.query_row(&text, [], |row| row.get(0)).map_err(failure)?;
        Ok(count.unsigned_abs())
    }
}

impl Sqlite {
    /// Has the tables of a schema; those that are somebody's own have to fit.
    fn take_in(&mut self, schema: &Schema) -> Result<(), StoreError> {
        self.known.clear();
        self.tables = table::tables(schema)?;
        if self.tables.iter().any(|table| table.mapped.is_some()) {
            let met = self.met.get_or_insert_default();
            self.tables.iter_mut().for_each(|table| table.meets(met));
            fit::fit(&self.connection, &mut self.tables, schema, self.is_fresh)?;
            // The rules that somebody's tables bring with them hold for what Weir writes there, too.
            for setting in [DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW] {
                self.connection.set_db_config(setting, true).map_err(failure)?;
            }
        }
        Ok(())
    }

    fn run(&self, text: &str) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(text).map_err(failure)?;
        statement.raw_execute().map(drop).map_err(failure)
    }

    /// Whether a transaction is open. After some errors (a full disk) SQLite undoes it by itself; nothing may be written alone then.
    fn writing(&self) -> Result<(), StoreError> {
        if self.connection.is_autocommit() { Err(StoreError::Failed("no transaction is open".to_owned())) } else { Ok(()) }
    }

    fn text(&mut self, verb: Verb, entity: EntityId, fields: &FieldSet) -> Result<std::sync::Arc<str>, StoreError> {
        self.tables.get_mut(usize::from(entity.0)).ok_or_else(no_schema)?.text(verb, fields)
    }

    /// Why a row could not be written.
    fn refused(&self, error: rusqlite::Error, entity: EntityId, own: Uuid, row: &Row) -> StoreError {
        let Ok(table) = table(&self.tables, entity) else { return failure(error) };
        if self.connection.is_autocommit() {
            return self.refusal(table, error, entity);
        }
        if failure::is_foreign_key(&error) {
            for (slot, value) in row.iter() {
                if let (Ok(Kind::Reference(target) | Kind::Row(target, _)), Value::Reference(reference)) =
                    (table.column(slot).map(|column| &column.kind), value)
                    && (reference.id != own || *target != entity)
                    && matches!(exists(&self.connection, &self.tables, *target, reference.id), Ok(false))
                {
                    return StoreError::Reference { entity, field: slot, id: reference.id };
                }
            }
        }
        match failure::duplicate(&error) {
            Some(columns) => StoreError::Duplicate { entity, fields: table.slots(columns) },
            None => self.refusal(table, error, entity),
        }
    }

    /// What a table of somebody's own says against a record is a rule of its own; ours have none but keys. `RAISE(ROLLBACK)` and
    /// `ON CONFLICT ROLLBACK` leave no transaction behind.
    fn refusal(&self, table: &Table, error: rusqlite::Error, entity: EntityId) -> StoreError {
        match failure::constraint(&error).filter(|_| table.mapped.is_some()) {
            Some(why) if self.connection.is_autocommit() => StoreError::Undone { entity, why },
            Some(why) => StoreError::Refused { entity, why },
            None => failure(error),
        }
    }

    /// Which lookup holds a record that should be deleted.
    fn still_referred(&self, target: EntityId, id: Uuid) -> StoreError {
        for (index, table) in self.tables.iter().enumerate() {
            for (slot, column) in table.columns.iter().enumerate() {
                if matches!(column.kind, Kind::Reference(entity) | Kind::Row(entity, _) if entity == target)
                    && let Ok(mut statement) = self.connection.prepare_cached(&table.referring(column))
                    && encode::bind_link(&self.connection, &mut statement, column, id).is_ok()
                    && statement.raw_query().next().is_ok_and(|row| row.is_some())
                {
                    return StoreError::Reference { entity: EntityId(index as u16), field: Slot(slot as u16), id };
                }
            }
        }
        StoreError::Failed(format!("the record {id} is still referred to"))
    }
}

fn table(tables: &[Table], entity: EntityId) -> Result<&Table, StoreError> {
    tables.get(usize::from(entity.0)).ok_or_else(no_schema)
}

fn no_schema() -> StoreError {
    StoreError::Failed("the store has no tables of this schema yet".to_owned())
}

fn primary_key(table: &Table, row: &Row) -> Result<Uuid, StoreError> {
    match row.get(PRIMARY_KEY) {
        Some(Value::Uuid(id)) => Ok(*id),
        _ => Err(StoreError::Failed(format!("a record of `{}` without its id", table.name))),
    }
}

/// SQLite holds lookups to one entity by itself; the others are looked up here, each record once in a while.
fn check_references(
    connection: &Connection,
    tables: &[Table],
    known: &mut FxHashSet<Reference>,
    entity: EntityId,
    row: &Row,
) -> Result<(), StoreError> {
    const MOST: usize = 4096;
    for field in &table(tables, entity)?.wide_lookups {
        let Some(Value::Reference(reference)) = row.get(*field) else { continue };
        let own = reference.entity == entity && row.get(PRIMARY_KEY) == Some(&Value::Uuid(reference.id));
        if own || known.contains(reference) {
            continue;
        }
        if !exists(connection, tables, reference.entity, reference.id)? {
            return Err(StoreError::Reference { entity, field: *field, id: reference.id });
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(*reference);
    }
    Ok(())
}

fn exists(connection: &Connection, tables: &[Table], entity: EntityId, id: Uuid) -> Result<bool, StoreError> {
    let table = table(tables, entity)?;
    let mut statement = connection.prepare_cached(&table.exists).map_err(failure)?;
    encode::bind_id(connection, &mut statement, &mut 1, table, id)?;
    let found = statement.raw_query().next().map_err(failure)?.is_some();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Entity, Ownership};

    fn store_in(path: &std::path::Path) -> Sqlite {
        let field = |name: &str, ty| crate::schema::Field {
            name: name.into(),
            label: name.into(),
            ty,
            range: None,
            max_length: None,
            required: false,
            read_only: false,
            default: crate::schema::Default::None,
            on_delete: crate::schema::DeleteBehaviour::RemoveLink,
            audited: false,
            column: None,
        };
        let entity = Entity {
            name: "thing".into(),
            label: "thing".into(),
            fields: [field("thingid", crate::value::Type::Uuid), field("name", crate::value::Type::Text)]
                .map(|field| (field.name.clone(), field))
                .into(),
            primary_name: None,
            keys: Vec::new(),
            owned_by: Ownership::Organization,
            statuses: Vec::new(),
            read_only: false,
            table: None,
        };
        let mut store = Sqlite::open(path).unwrap();
        store.migrate(&Schema { entities: [("thing".into(), entity)].into(), ..Schema::default() }).unwrap();
        store
    }

    fn thing(number: u128, length: usize) -> Row {
        let mut row = Row::new(2);
        row.set(PRIMARY_KEY, Value::Uuid(Uuid::from_u128(number)));
        row.set(Slot(1), Value::Text("x".repeat(length).into()));
        row
    }

    #[test]
    fn a_full_disk_undoes_the_transaction_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store_in(&folder.path().join("data.db"));
        let pages: i64 = store.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        store.connection.query_row(&format!("PRAGMA max_page_count = {}", pages + 4), [], |_| Ok(())).unwrap();
        store.begin().unwrap();
        store.insert(EntityId(0), &[thing(1, 10)]).unwrap();
        let full = store.insert(EntityId(0), &[thing(2, 100_000)]);
        assert!(matches!(&full, Err(StoreError::Failed(words)) if words == "the disk is full"), "{full:?}");
        store.rollback().unwrap();
        assert_eq!(store.count(EntityId(0)).unwrap(), 0);
        // Also where SQLite has undone everything by itself: nothing is written alone, and the end of it fails.
        store.begin().unwrap();
        store.connection.execute_batch("ROLLBACK").unwrap();
        assert!(store.insert(EntityId(0), &[thing(3, 1)]).is_err());
        assert!(store.commit().is_err());
        store.rollback().unwrap();
    }

    #[test]
    fn a_shape_is_written_once_and_shapes_do_not_pile_up() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store_in(&folder.path().join("data.db"));
        let fields: FieldSet = [Slot(1)].into_iter().collect();
        let first = store.text(Verb::Read, EntityId(0), &fields).unwrap();
        assert!(std::sync::Arc::ptr_eq(&first, &store.text(Verb::Read, EntityId(0), &fields).unwrap()));
        assert_eq!(&*first, r#"SELECT "name" FROM "thing" WHERE "thingid" = ?"#);
        assert!(store.text(Verb::Read, EntityId(0), &[Slot(2)].into_iter().collect()).is_err());
    }
}
