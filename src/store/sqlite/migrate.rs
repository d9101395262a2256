//! Bringing the tables up to a schema. The database remembers the fields it was made for (`weir_field`) and the keys
//! (`weir_key`); what differs is added, widened or refused, all in one transaction. Nothing that holds data is dropped: a
//! field or entity that the schema no longer has keeps its column, unused.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::failure::{duplicate, failure};
use super::key::LONG_KEYS;
use super::open::{APPLICATION_ID, FORMAT, Owner, owner};
use super::table::{Column, Table, identifier, key_name};
use crate::schema::{Field, Schema};
use crate::store::StoreError;
use crate::store::shape::{Change, Retired, Shape, change, type_name};
use crate::value::EntityId;

/// Brings the tables up to a schema; gives the statements that empty lookups which it no longer has.
pub(super) fn migrate(connection: &Connection, tables: &[Table], schema: &Schema) -> Result<Vec<(EntityId, String)>, StoreError> {
    let wanted = Shape::wanted(schema);
    let mapped = tables.iter().any(|table| table.mapped.is_some());
    if let Some(stored) = stored(connection)?
        && stored.covers(&wanted)
        && (!mapped || has_long_keys(connection)?)
    {
        return unlinks(&stored.retired(&wanted, schema));
    }
    // Within the caller's transaction, or one for the purpose, which an error undoes.
    let own = connection.is_autocommit().then(|| Transaction::new_unchecked(connection, TransactionBehavior::Immediate));
    let own = own.transpose().map_err(failure)?;
    let stored = match stored(connection)? {
        Some(stored) => stored,
        None => {
            connection.execute_batch(&own_tables(connection)?).map_err(failure)?;
            Shape::default()
        }
    };
    for ((_, entity), table) in schema.entities().zip(tables).filter(|(_, table)| table.mapped.is_none()) {
        if stored.has(&entity.name) {
            for (field, column) in entity.fields.values().zip(&table.columns) {
                let before = stored.fields.get(&(entity.name.clone(), field.name.clone()));
                bring_up(connection, tables, table, column, field, before.map(|(ty, required)| (ty.as_str(), *required)), schema)?;
            }
        } else {
            refuse_strangers(connection, &table.name)?;
            for statement in table.create(tables) {
                connection.execute(&statement, []).map_err(failure)?;
            }
        }
    }
    if mapped {
        connection.execute_batch(LONG_KEYS).map_err(failure)?;
    }
    bring_up_keys(connection, tables, &stored, &wanted)?;
    remember(connection, &stored, &wanted)?;
    own.map_or(Ok(()), Transaction::commit).map_err(failure)?;
    unlinks(&stored.retired(&wanted, schema))
}

fn has_long_keys(connection: &Connection) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = 'weir_row'").map_err(failure)?;
    statement.exists([]).map_err(failure)
}

/// Adds the tables and columns of a schema that a database of ours doesn't have, in the transaction that is open, and changes nothing
/// else. Says no where the database is new or none of ours.
pub(super) fn complete(connection: &Connection, tables: &[Table], schema: &Schema) -> Result<bool, StoreError> {
    let Some(stored) = stored(connection)? else { return Ok(false) };
    let Some(completed) = stored.completed(schema) else { return Ok(true) };
    for (entity, table) in schema.entities.values().zip(tables).filter(|(_, table)| table.mapped.is_none()) {
        let statements = if stored.has(&entity.name) {
            let fields = entity.fields.keys().zip(&table.columns);
            let new = fields.filter(|(field, _)| !stored.fields.contains_key(&(entity.name.clone(), (*field).clone())));
            new.flat_map(|(_, column)| table.add(column, tables)).collect()
        } else {
            refuse_strangers(connection, &table.name)?;
            table.create(tables)
        };
        for statement in statements {
            connection.execute(&statement, []).map_err(failure)?;
        }
    }
    remember(connection, &stored, &completed)?;
    Ok(true)
}

/// The shape that the database remembers; none where it is new.
fn stored(connection: &Connection) -> Result<Option<Shape>, StoreError> {
    if !matches!(owner(connection)?, Owner::Us | Owner::Shared) {
        return Ok(None);
    }
    let mut statement = connection.prepare("SELECT entity, field, type, required FROM weir_field").map_err(failure)?;
    let fields = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
    let fields = fields.and_then(Iterator::collect).map_err(failure)?;
    let mut statement = connection.prepare("SELECT entity, fields FROM weir_key").map_err(failure)?;
    let keys = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).and_then(Iterator::collect).map_err(failure)?;
    Ok(Some(Shape::remembered(fields, keys)))
}

/// Our tables of tables. Where the database is another program's, its header stays as it is: that program may keep numbers of its own there.
fn own_tables(connection: &Connection) -> Result<String, StoreError> {
    let header = if owner(connection)? == Owner::Stranger {
        format!("CREATE TABLE weir_format (format INTEGER NOT NULL) STRICT; INSERT INTO weir_format VALUES ({FORMAT});")
    } else {
        format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT};")
    };
    Ok(format!(
        "CREATE TABLE weir_field (entity TEXT NOT NULL, field TEXT NOT NULL, type TEXT NOT NULL, required INTEGER NOT NULL, PRIMARY KEY (entity, field)) STRICT, WITHOUT ROWID;
         CREATE TABLE weir_key (entity TEXT NOT NULL, fields TEXT NOT NULL, PRIMARY KEY (entity, fields)) STRICT, WITHOUT ROWID;
         {header}"
    ))
}

/// Adds, widens or refuses one field of an entity that is there already.
fn bring_up(
    connection: &Connection,
    tables: &[Table],
    table: &Table,
    column: &Column,
    field: &Field,
    before: Option<(&str, bool)>,
    schema: &Schema,
) -> Result<(), StoreError> {
    let statements = match before {
        None => table.add(column, tables),
        Some((old, _)) => match change(old, &field.ty, schema) {
            Change::None => Vec::new(),
            Change::Without(entities) => {
                refuse_lost(connection, table, field, &entities)?;
                Vec::new()
            }
            Change::Widen(0) => Vec::new(),
            Change::Widen(more) => {
                let factor = 10_u64.pow(more.into());
                vec![format!("UPDATE {} SET {name} = {name} * {factor}", table.quoted, name = column.quoted)]
            }
            Change::Refused => {
                let (entity, name, new) = (&table.name, &field.name, type_name(schema, &field.ty));
                return unusable(format!(
                    "`{entity}.{name}` was `{old}` in this database and is `{new}` now, which its values can't follow"
                ));
            }
        },
    };
    for statement in statements {
        connection.execute(&statement, []).map_err(failure)?;
    }
    if field.required && !before.is_some_and(|(_, required)| required) {
        let text = format!("SELECT count(*) FROM {} WHERE {} IS NULL", table.quoted, column.quoted);
        let empty: i64 = connection.query_row(&text, [], |row| row.get(0)).map_err(failure)?;
        if empty > 0 {
            let records = if empty == 1 { "1 record is".to_owned() } else { format!("{empty} records are") };
            return unusable(format!("`{}.{}` can't become required while {records} empty there", table.name, field.name));
        }
    }
    Ok(())
}

/// A lookup that can't refer to these entities any more, since the schema doesn't have them; no record may do so.
fn refuse_lost(connection: &Connection, table: &Table, field: &Field, entities: &[String]) -> Result<(), StoreError> {
    let column = identifier(&field.name, "$entity")?;
    let mut statement = connection.prepare(&format!("SELECT count(*) FROM {} WHERE {column} = ?1", table.quoted)).map_err(failure)?;
    for entity in entities {
        let count: i64 = statement.query_row([entity], |row| row.get(0)).map_err(failure)?;
        if count > 0 {
            let records = if count == 1 { "1 record of".to_owned() } else { format!("{count} records of") };
            return unusable(format!(
                "{records} `{}` refer to a `{entity}` by `{}`, and the schema has no `{entity}` any more: delete them or empty the field, or keep the entity",
                table.name, field.name
            ));
        }
    }
    Ok(())
}

/// A table that was there before ours.
fn refuse_strangers(connection: &Connection, name: &str) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE").map_err(failure)?;
    if statement.exists([name]).map_err(failure)? {
        return unusable(format!("the database has something else that is called `{name}`"));
    }
    Ok(())
}

fn bring_up_keys(connection: &Connection, tables: &[Table], stored: &Shape, wanted: &Shape) -> Result<(), StoreError> {
    for (entity, fields) in stored.keys.difference(&wanted.keys) {
        for name in std::iter::once(entity).chain(fields) {
            identifier(name, "")?;
        }
        connection.execute(&format!("DROP INDEX IF EXISTS {}", key_name(entity, fields)), []).map_err(failure)?;
    }
    for (entity, fields) in wanted.keys.difference(&stored.keys) {
        let Some(table) = tables.iter().find(|table| table.name == *entity) else { continue };
        connection.execute(&table.create_key(fields), []).map_err(|error| match duplicate(&error) {
            Some(_) => StoreError::Unusable(format!("two records of `{entity}` agree in the new key ({})", fields.join(", "))),
            None => failure(error),
        })?;
    }
    Ok(())
}

fn remember(connection: &Connection, stored: &Shape, wanted: &Shape) -> Result<(), StoreError> {
    let mut statement = connection.prepare("INSERT OR REPLACE INTO weir_field VALUES (?1, ?2, ?3, ?4)").map_err(failure)?;
    for field in stored.brought_up(wanted) {
        statement.execute(field).map_err(failure)?;
    }
    connection.execute("DELETE FROM weir_key", []).map_err(failure)?;
    let mut statement = connection.prepare("INSERT INTO weir_key VALUES (?1, ?2)").map_err(failure)?;
    for (entity, fields) in &wanted.keys {
        statement.execute((entity.as_str(), fields.join(" "))).map_err(failure)?;
    }
    Ok(())
}

/// The statements that empty lookups which the schema no longer has, by the entity that they refer to.
fn unlinks(retired: &[Retired]) -> Result<Vec<(EntityId, String)>, StoreError> {
    retired.iter().map(|lookup| Ok((lookup.target, unlink(&lookup.entity, &lookup.field, lookup.named.as_deref())?))).collect()
}

/// The statement that empties a lookup to a record; of one to several entities, where it is to a record of this one.
fn unlink(entity: &str, field: &str, target: Option<&str>) -> Result<String, StoreError> {
    let (table, column, of) = (identifier(entity, "")?, identifier(field, "")?, identifier(field, "$entity")?);
    Ok(match target {
        None => format!("UPDATE {table} SET {column} = NULL WHERE {column} = ?1"),
        Some(target) => format!("UPDATE {table} SET {column} = NULL, {of} = NULL WHERE {column} = ?1 AND {of} = '{target}'"),
    })
}

fn unusable<T>(message: String) -> Result<T, StoreError> {
    Err(StoreError::Unusable(message))
}
