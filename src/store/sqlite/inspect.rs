//! What the tables of a SQLite file are, and what their columns hold. Reads only, and decides nothing about types.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::failure::failure;
pub use super::fit::{Affinity, affinity};
use super::open::is_special;
use super::table::quoted;
use super::{decode, encode};
use crate::store::StoreError;

/// A table.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// The columns of its primary key, then those of each unique index, by their positions.
    pub keys: Vec<Vec<usize>>,
    /// Its foreign keys.
    pub links: Vec<Link>,
    /// The names of its triggers.
    pub triggers: Vec<String>,
    /// The statement that made it.
    pub sql: String,
}

/// A column.
#[derive(Clone, Debug, Default)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type as it was declared; empty where none was.
    pub declared: String,
    /// Whether it may not be empty.
    pub not_null: bool,
    /// Its default as it was written.
    pub default: Option<String>,
    /// Whether the database works it out.
    pub generated: bool,
    /// What its rows hold.
    pub content: Content,
}

/// A foreign key.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its columns, by their positions.
    pub columns: Vec<usize>,
    /// The table that it refers to.
    pub table: String,
    /// The columns there; empty where it is the primary key.
    pub to: Vec<String>,
    /// `CASCADE`, `SET NULL`, `NO ACTION`, …
    pub on_delete: String,
}

/// What the rows of a column hold.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// How many hold each class.
    pub integers: u64,
    /// Floats.
    pub reals: u64,
    /// Texts.
    pub texts: u64,
    /// Bytes.
    pub blobs: u64,
    /// How many of the texts are dates, and times.
    pub dates: u64,
    /// Times in the form of SQLite's own functions.
    pub times: u64,
    /// How many of the bytes are sixteen.
    pub sixteens: u64,
    /// The least and the largest whole number.
    pub range: Option<(i64, i64)>,
    /// The most decimals of a number; more than 10 also stands for one without an end.
    pub decimals: u32,
    /// The longest text, in Unicode scalar values.
    pub longest: usize,
}

/// The tables of a file that are not ours, by name; an error where it can't be read or is no database.
pub fn tables(path: &Path) -> Result<Vec<Found>, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let absolute = std::path::absolute(path).map_err(|_| StoreError::Failed("this is not the name of a file".to_owned()))?;
    if is_special(&absolute) {
        return Err(StoreError::Failed("this is a pipe or a device, not a database file".to_owned()));
    }
    let connection = Connection::open_with_flags(absolute, flags).map_err(failure)?;
    let names = |text: &str| -> Result<Vec<String>, StoreError> {
        let mut statement = connection.prepare(text).map_err(failure)?;
        statement.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(failure)
    };
    let own = match names("SELECT name FROM sqlite_schema WHERE name = 'weir_field'")?.is_empty() {
        true => Vec::new(),
        false => names("SELECT DISTINCT entity FROM weir_field")?,
    };
    let all = names(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'weir\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    all.iter().filter(|name| !own.contains(name)).map(|name| table(&connection, name)).collect()
}

fn table(connection: &Connection, name: &str) -> Result<Found, StoreError> {
    let mut found = Found { name: name.to_owned(), ..Found::default() };
    let mut primary: Vec<(i64, usize)> = Vec::new();
    let mut statement =
        connection.prepare("SELECT name, type, \"notnull\", dflt_value, hidden, pk FROM pragma_table_xinfo(?1)").map_err(failure)?;
    let mut rows = statement.query([name]).map_err(failure)?;
    while let Some(row) = rows.next().map_err(failure)? {
        let key: i64 = row.get(5).map_err(failure)?;
        if key > 0 {
            primary.push((key, found.columns.len()));
        }
        found.columns.push(Column {
            name: row.get(0).map_err(failure)?,
            declared: row.get(1).map_err(failure)?,
            not_null: row.get(2).map_err(failure)?,
            default: row.get(3).map_err(failure)?,
            generated: row.get::<_, i64>(4).map_err(failure)? != 0,
            content: Content::default(),
        });
    }
    primary.sort_unstable();
    found.keys.extend(Some(primary.into_iter().map(|(_, column)| column).collect::<Vec<_>>()).filter(|key| !key.is_empty()));
    indexes(connection, &mut found)?;
    links(connection, &mut found)?;
    let text = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE ORDER BY name";
    let mut statement = connection.prepare(text).map_err(failure)?;
    found.triggers = statement.query_map([name], |row| row.get(0)).and_then(Iterator::collect).map_err(failure)?;
    let made = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    found.sql = connection.query_row(made, [name], |row| row.get(0)).map_err(failure)?;
    contents(connection, &mut found)?;
    Ok(found)
}

fn indexes(connection: &Connection, found: &mut Found) -> Result<(), StoreError> {
    let text = "SELECT name FROM pragma_index_list(?1) WHERE \"unique\" = 1 AND partial = 0 ORDER BY seq DESC";
    let mut statement = connection.prepare(text).map_err(failure)?;
    let names: Vec<String> = statement.query_map([&found.name], |row| row.get(0)).and_then(Iterator::collect).map_err(failure)?;
    for name in names {
        let mut statement = connection.prepare("SELECT name FROM pragma_index_info(?1) ORDER BY seqno").map_err(failure)?;
        let columns: Vec<Option<String>> = statement.query_map([name], |row| row.get(0)).and_then(Iterator::collect).map_err(failure)?;
        let key: Option<Vec<usize>> = columns.iter().map(|column| found.position(column.as_deref()?)).collect();
        found.keys.extend(key.filter(|key| !found.keys.contains(key)));
    }
    Ok(())
}

fn links(connection: &Connection, found: &mut Found) -> Result<(), StoreError> {
    let text = "SELECT id, \"table\", \"from\", \"to\", on_delete FROM pragma_foreign_key_list(?1) ORDER BY id DESC, seq";
    let mut statement = connection.prepare(text).map_err(failure)?;
    let mut rows = statement.query([&found.name]).map_err(failure)?;
    let mut last = None;
    while let Some(row) = rows.next().map_err(failure)? {
        let id: i64 = row.get(0).map_err(failure)?;
        let (from, to): (String, Option<String>) = (row.get(2).map_err(failure)?, row.get(3).map_err(failure)?);
        let Some(column) = found.position(&from) else { continue };
        if last.replace(id) != Some(id) {
            let (table, on_delete) = (row.get(1).map_err(failure)?, row.get(4).map_err(failure)?);
            found.links.push(Link { columns: Vec::new(), table, to: Vec::new(), on_delete });
        }
        if let Some(link) = found.links.last_mut() {
            link.columns.push(column);
            link.to.extend(to);
        }
    }
    Ok(())
}

fn contents(connection: &Connection, found: &mut Found) -> Result<(), StoreError> {
    // What has no name that can be asked for can't be used either.
    let names: Vec<String> = found.columns.iter().map(|column| quoted(&column.name).unwrap_or_else(|_| "NULL".to_owned())).collect();
    let Some(table) = quoted(&found.name).ok().filter(|_| !names.is_empty()) else { return Ok(()) };
    let text = format!("SELECT {} FROM {table}", names.join(", "));
    let mut statement = connection.prepare(&text).map_err(failure)?;
    let mut rows = statement.query([]).map_err(failure)?;
    while let Some(row) = rows.next().map_err(failure)? {
        for (index, column) in found.columns.iter_mut().enumerate() {
            column.content.add(row.get_ref(index).map_err(failure)?);
        }
    }
    Ok(())
}

impl Found {
    /// The position of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
    }
}

impl Content {
    fn add(&mut self, cell: ValueRef<'_>) {
        match cell {
            ValueRef::Null => {}
            ValueRef::Integer(number) => {
                self.integers += 1;
                let (least, largest) = self.range.unwrap_or((number, number));
                self.range = Some((least.min(number), largest.max(number)));
            }
            ValueRef::Real(number) => {
                self.reals += 1;
                self.decimals = self.decimals.max(encode::from_float(number).map_or(u32::MAX, |number| number.normalize().scale()));
            }
            ValueRef::Text(text) => {
                self.texts += 1;
                self.longest = self.longest.max(str::from_utf8(text).map_or(usize::MAX, |text| text.chars().count()));
                self.dates += u64::from(decode::iso_date(text).is_some());
                self.times += u64::from(decode::iso(text).is_some());
            }
            ValueRef::Blob(bytes) => {
                self.blobs += 1;
                self.sixteens += u64::from(bytes.len() == 16);
            }
        }
    }

    /// Whether no row holds anything but these: whole numbers, floats, texts, bytes.
    pub fn only(&self, [integers, reals, texts, blobs]: [bool; 4]) -> bool {
        let none = |allowed: bool, count: u64| allowed || count == 0;
        none(integers, self.integers) && none(reals, self.reals) && none(texts, self.texts) && none(blobs, self.blobs)
    }
}
