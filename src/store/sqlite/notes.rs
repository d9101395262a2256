//! Texts by name that are kept beside the records (`weir_note`). The table is there once something was kept.

use rusqlite::Connection;

use super::failure::failure;
use crate::store::{Note, StoreError};

/// Keeps a text under a name.
pub(super) fn keep(connection: &Connection, note: &Note) -> Result<(), StoreError> {
    if !is_there(connection)? {
        connection
            .execute_batch("CREATE TABLE weir_note (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID")
            .map_err(failure)?;
    }
    let statement = connection.prepare_cached(
        "INSERT INTO weir_note VALUES (?1, ?2) ON CONFLICT DO UPDATE SET text = excluded.text \
         WHERE ?3 IS NULL OR weir_note.text IS ?4 OR instr(weir_note.text, ?3)",
    );
    let holder = note.holder.as_deref();
    let (key, found) = (holder.map(|holder| &holder.key), holder.and_then(|holder| holder.found.as_ref()));
    let kept = statement.map_err(failure)?.execute((&note.name, &note.text, key, found)).map_err(failure)?;
    if kept == 0 {
        return Err(StoreError::lost_note());
    }
    Ok(())
}

/// What is kept under names that begin so.
pub(super) fn all(connection: &Connection, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
    if !is_there(connection)? {
        return Ok(Vec::new());
    }
    let statement = connection.prepare("SELECT name, text FROM weir_note WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name");
    let mut statement = statement.map_err(failure)?;
    let rows = statement.query_map([prefix], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failure)?;
    rows.collect::<Result<_, _>>().map_err(failure)
}

fn is_there(connection: &Connection) -> Result<bool, StoreError> {
    let statement = connection.prepare_cached("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'weir_note'");
    statement.map_err(failure)?.exists([]).map_err(failure)
}
