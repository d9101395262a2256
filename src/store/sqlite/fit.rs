//! A mapped entity and the table that it stands for: whether the two fit, which is asked before anything is written, and
//! the keys of new rows. Such a table is never made, changed or dropped here; only a store in memory, which has nobody's
//! tables, makes one, so that tests can run.

use rusqlite::{Connection, OptionalExtension};

use super::failure::failure;
use super::key::{Cell, Class};
use super::kind::Kind;
use super::table::{Column, Table};
use crate::schema::{Entity, PRIMARY_KEY, Row, Schema, type_in_words};
use crate::store::StoreError;
use crate::value::{Type, Value};

/// What SQLite makes of the values that are written to a column, by its declared type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Affinity {
    /// Numbers; a text that looks like one becomes one.
    Integer,
    /// Texts; a number becomes one.
    Text,
    /// None: values stay as they are.
    Blob,
    /// Floats; a text that looks like a number becomes one.
    Real,
    /// Whole numbers or floats; a text that looks like a number becomes one.
    Numeric,
}

/// A column of somebody's own table.
struct Found {
    name: String,
    declared: String,
    generated: bool,
    primary: bool,
}

/// Holds the mapped entities of a schema against the tables that are there, and takes from these how options are stored.
pub(super) fn fit(connection: &Connection, tables: &mut [Table], schema: &Schema, is_fresh: bool) -> Result<(), StoreError> {
    for ((_, entity), table) in schema.entities().zip(tables) {
        let Some(name) = &entity.table else { continue };
        let columns = columns(connection, name)?;
        if columns.is_empty() && is_fresh {
            connection.execute_batch(&table.create_as_declared(entity)).map_err(failure)?;
            continue;
        }
        if columns.is_empty() {
            return unfit(entity.name.to_string(), format!("the database has no table {}", table.quoted));
        }
        for ((_, field), column) in entity.fields().zip(&mut table.columns).skip(1) {
            let found = columns.iter().find(|found| found.name.eq_ignore_ascii_case(&column.name));
            let place = || format!("{}.{}", entity.name, field.name);
            let Some(found) = found else {
                return unfit(place(), format!("the table {} has no column {}", table.quoted, column.quoted));
            };
            if found.generated {
                return unfit(place(), format!("the column {} of the table {} is worked out by the database", column.quoted, table.quoted));
            }
            let affinity = affinity(&found.declared);
            if affinity == Affinity::Text
                && let Type::Choice(choice) = field.ty
                && let Some(choice) = schema.choice(choice)
            {
                column.kind = Kind::Label(choice.options.iter().map(|option| (option.code, option.label.clone())).collect());
                column.compared = format!("{} COLLATE BINARY", column.quoted);
            }
            if !holds(&column.kind, affinity) {
                let declared = if found.declared.is_empty() { "without a type" } else { &found.declared };
                let words = format!(
                    "the column {} of the table {} is {declared}, which can't hold {}",
                    column.quoted,
                    table.quoted,
                    type_in_words(&field.ty)
                );
                return unfit(place(), words);
            }
        }
        unique(connection, entity, table, name, &columns)?;
    }
    Ok(())
}

/// Gives a new row the id of its key; a lone number that it lacks is the one after the largest there ever was.
pub(super) fn identify(connection: &Connection, table: &Table, row: &mut Row) -> Result<(), StoreError> {
    let Some(key) = &table.mapped else { return Ok(()) };
    let mut cells = Vec::with_capacity(key.classes.len());
    for slot in &table.identity {
        let column = table.column(*slot)?;
        cells.push(match (&column.kind, row.get(*slot)) {
            (_, Some(Value::Integer(number))) => Cell::Integer(*number),
            (_, Some(Value::Text(text))) => Cell::Text(text.clone()),
            (_, Some(Value::Uuid(id))) => Cell::Uuid(*id.as_bytes()),
            (Kind::Row(_, target), Some(Value::Reference(reference))) => {
                let cell = target.cells(connection, reference.id)?.and_then(|cells| cells.into_iter().next());
                cell.ok_or(StoreError::Missing { entity: reference.entity, id: reference.id })?
            }
            (Kind::Integer | Kind::BigInt, _) if key.classes.len() == 1 => {
                let number = next_number(connection, table, column)?;
                row.set(*slot, Value::Integer(number));
                Cell::Integer(number)
            }
            _ => return Err(StoreError::Failed(format!("a new record of `{}` has no `{}`", table.name, column.field))),
        });
    }
    row.set(PRIMARY_KEY, Value::Uuid(key.id(connection, &cells)?));
    Ok(())
}

/// Nobody else writes before the transaction ends, so the number is still free when the row is inserted.
fn next_number(connection: &Connection, table: &Table, column: &Column) -> Result<i64, StoreError> {
    let text = format!("SELECT max({}) FROM {}", column.quoted, table.quoted);
    let largest: Option<i64> =
        connection.prepare_cached(&text).and_then(|mut statement| statement.query_row([], |row| row.get(0))).map_err(failure)?;
    // AUTOINCREMENT promises never to give a number again.
    let counts = "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'";
    let given: Option<i64> = if connection.prepare_cached(counts).and_then(|mut statement| statement.exists([])).map_err(failure)? {
        let text = "SELECT seq FROM sqlite_sequence WHERE name = ?1 COLLATE NOCASE";
        let mut statement = connection.prepare_cached(text).map_err(failure)?;
        statement.query_row([table.table.as_str()], |row| row.get(0)).optional().map_err(failure)?
    } else {
        None
    };
    let next = largest.max(given).unwrap_or(0).max(0).checked_add(1);
    let most = if matches!(column.kind, Kind::Integer) { i64::from(i32::MAX) } else { i64::MAX };
    next.filter(|next| *next <= most).ok_or_else(|| StoreError::Unusable(format!("`{}.{}` has no number left", table.name, column.field)))
}

/// The columns of a table; none where there is no such table.
fn columns(connection: &Connection, table: &str) -> Result<Vec<Found>, StoreError> {
    let text = "SELECT name, type, hidden, pk FROM pragma_table_xinfo(?1)
                WHERE EXISTS (SELECT 1 FROM sqlite_schema AS held WHERE held.type = 'table' AND held.name = ?1 COLLATE NOCASE)";
    let mut statement = connection.prepare(text).map_err(failure)?;
    let found = statement.query_map([table], |row| {
        let (hidden, key): (i64, i64) = (row.get(2)?, row.get(3)?);
        Ok(Found { name: row.get(0)?, declared: row.get(1)?, generated: hidden != 0, primary: key != 0 })
    });
    found.and_then(Iterator::collect).map_err(failure)
}

/// No two rows may agree in the key.
fn unique(connection: &Connection, entity: &Entity, table: &Table, name: &str, columns: &[Found]) -> Result<(), StoreError> {
    let fold = |names: &mut Vec<String>| {
        names.iter_mut().for_each(|name| name.make_ascii_lowercase());
        names.sort();
    };
    let mut wanted: Vec<String> =
        table.identity.iter().filter_map(|slot| table.column(*slot).ok()).map(|column| column.name.to_string()).collect();
    fold(&mut wanted);
    let mut primary: Vec<String> = columns.iter().filter(|column| column.primary).map(|column| column.name.clone()).collect();
    fold(&mut primary);
    let text = "SELECT held.name FROM pragma_index_list(?1) AS held WHERE held.\"unique\" = 1 AND held.partial = 0";
    let mut statement = connection.prepare(text).map_err(failure)?;
    let indexes: Vec<String> = statement.query_map([name], |row| row.get(0)).and_then(Iterator::collect).map_err(failure)?;
    let mut found = primary == wanted;
    for index in indexes {
        let mut statement = connection.prepare_cached("SELECT coalesce(name, '') FROM pragma_index_info(?1)").map_err(failure)?;
        let mut over: Vec<String> = statement.query_map([index], |row| row.get(0)).and_then(Iterator::collect).map_err(failure)?;
        fold(&mut over);
        found |= over == wanted;
    }
    if found {
        return Ok(());
    }
    unfit(entity.name.to_string(), format!("the table {} may have several rows with the same {}", table.quoted, table.key))
}

/// The affinity of a declared type, as SQLite works it out.
pub fn affinity(declared: &str) -> Affinity {
    let upper = declared.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| upper.contains(word));
    if has(&["INT"]) {
        Affinity::Integer
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        Affinity::Text
    } else if has(&["BLOB"]) || upper.trim().is_empty() {
        Affinity::Blob
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        Affinity::Real
    } else {
        Affinity::Numeric
    }
}

/// Whether what is written comes back as it was.
fn holds(kind: &Kind, affinity: Affinity) -> bool {
    let class = match kind {
        Kind::Text | Kind::Label(_) | Kind::Choices(_) => Class::Text,
        Kind::Integer | Kind::BigInt | Kind::Boolean | Kind::Choice(_) => Class::Integer,
        Kind::Number(_) | Kind::Float => return affinity != Affinity::Text,
        Kind::Row(_, key) => key.classes.first().copied().unwrap_or(Class::Uuid),
        _ => return true,
    };
    match class {
        Class::Text => matches!(affinity, Affinity::Text | Affinity::Blob),
        Class::Integer => matches!(affinity, Affinity::Integer | Affinity::Numeric | Affinity::Blob),
        Class::Uuid => true,
    }
}

fn unfit<T>(place: String, why: String) -> Result<T, StoreError> {
    Err(StoreError::Unusable(format!("`{place}` doesn't fit the database: {why}")))
}
