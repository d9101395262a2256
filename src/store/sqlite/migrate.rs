//! Bringing the tables up to a schema. The database remembers the fields it was made for (`weir_field`) and the keys
//! (`weir_key`); what differs is added, widened or refused, all in one transaction. Nothing that holds data is dropped: a
//! field or entity that the schema no longer has keeps its column, unused.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use smol_str::SmolStr;

use super::failure::{duplicate, failure};
use super::key::LONG_KEYS;
use super::open::{APPLICATION_ID, FORMAT, Owner, owner};
use super::table::{Column, Table, identifier, key_name};
use crate::schema::{Field, Schema};
use crate::store::StoreError;
use crate::value::{EntityId, Type};

/// What a database was made for.
#[derive(Default)]
struct Shape {
    /// By entity and field: the type as [`type_name`] writes it, and whether it is required.
    fields: BTreeMap<(SmolStr, SmolStr), (String, bool)>,
    /// Entity, and the fields of a key.
    keys: BTreeSet<(SmolStr, Vec<SmolStr>)>,
}

/// Brings the tables up to a schema; gives the statements that empty lookups which it no longer has.
pub(super) fn migrate(connection: &Connection, tables: &[Table], schema: &Schema) -> Result<Vec<(EntityId, String)>, StoreError> {
    let wanted = wanted(schema);
    let mapped = tables.iter().any(|table| table.mapped.is_some());
    if let Some(stored) = stored(connection)?
        && stored.covers(&wanted)
        && (!mapped || has_long_keys(connection)?)
    {
        return retired(&stored, &wanted, schema);
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
        if stored.fields.keys().any(|(name, _)| *name == entity.name) {
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
    retired(&stored, &wanted, schema)
}

fn has_long_keys(connection: &Connection) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = 'weir_row'").map_err(failure)?;
    statement.exists([]).map_err(failure)
}

/// Whether the database has a table for every entity of a schema. One that lacks a field was made by another release.
pub(super) fn holds(connection: &Connection, schema: &Schema) -> Result<bool, StoreError> {
    let Some(stored) = stored(connection)? else { return Ok(false) };
    let entities: BTreeSet<&SmolStr> = stored.fields.keys().map(|(entity, _)| entity).collect();
    let own = || schema.entities.values().filter(|entity| entity.table.is_none());
    if !own().all(|entity| entities.contains(&entity.name)) {
        return Ok(false);
    }
    let names = own().flat_map(|entity| entity.fields.keys().map(|field| (entity.name.clone(), field.clone())));
    match names.into_iter().find(|name| !stored.fields.contains_key(name)) {
        None => Ok(true),
        Some((entity, field)) => unusable(format!("the database was made by another release: it has no `{entity}.{field}`")),
    }
}

impl Shape {
    /// Whether nothing is to be done.
    fn covers(&self, wanted: &Shape) -> bool {
        let required_elsewhere = self.fields.iter().any(|(name, (_, required))| *required && !wanted.fields.contains_key(name));
        self.keys == wanted.keys && !required_elsewhere && wanted.fields.iter().all(|(name, field)| self.fields.get(name) == Some(field))
    }
}

fn wanted(schema: &Schema) -> Shape {
    let mut shape = Shape::default();
    for (_, entity) in schema.entities().filter(|(_, entity)| entity.table.is_none()) {
        for (_, field) in entity.fields() {
            let name = (entity.name.clone(), field.name.clone());
            shape.fields.insert(name, (type_name(schema, &field.ty), field.required));
        }
        for key in &entity.keys {
            let fields = key.fields.iter().filter_map(|slot| entity.field(*slot)).map(|field| field.name.clone()).collect();
            shape.keys.insert((entity.name.clone(), fields));
        }
    }
    shape
}

/// The shape that the database remembers; none where it is new.
fn stored(connection: &Connection) -> Result<Option<Shape>, StoreError> {
    if !matches!(owner(connection)?, Owner::Us | Owner::Shared) {
        return Ok(None);
    }
    let mut shape = Shape::default();
    let mut statement = connection.prepare("SELECT entity, field, type, required FROM weir_field").map_err(failure)?;
    let mut rows = statement.query([]).map_err(failure)?;
    while let Some(row) = rows.next().map_err(failure)? {
        let name = |index| row.get::<_, String>(index).map(SmolStr::from).map_err(failure);
        shape.fields.insert((name(0)?, name(1)?), (row.get(2).map_err(failure)?, row.get(3).map_err(failure)?));
    }
    let mut statement = connection.prepare("SELECT entity, fields FROM weir_key").map_err(failure)?;
    let mut rows = statement.query([]).map_err(failure)?;
    while let Some(row) = rows.next().map_err(failure)? {
        let name = |index| row.get::<_, String>(index).map_err(failure);
        shape.keys.insert((name(0)?.into(), name(1)?.split(' ').map(SmolStr::new).collect()));
    }
    Ok(Some(shape))
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
            Change::Rescale(factor) => vec![format!("UPDATE {} SET {name} = {name} * {factor}", table.quoted, name = column.quoted)],
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
    for ((entity, field), (ty, required)) in &wanted.fields {
        statement.execute((entity.as_str(), field.as_str(), ty, required)).map_err(failure)?;
    }
    // A field that is gone may be empty from now on.
    for ((entity, field), (ty, _)) in stored.fields.iter().filter(|(name, _)| !wanted.fields.contains_key(*name)) {
        statement.execute((entity.as_str(), field.as_str(), ty, false)).map_err(failure)?;
    }
    connection.execute("DELETE FROM weir_key", []).map_err(failure)?;
    let mut statement = connection.prepare("INSERT INTO weir_key VALUES (?1, ?2)").map_err(failure)?;
    for (entity, fields) in &wanted.keys {
        statement.execute((entity.as_str(), fields.join(" "))).map_err(failure)?;
    }
    Ok(())
}

/// For every lookup that the schema no longer has: the statement that empties it, by the entity that it refers to.
fn retired(stored: &Shape, wanted: &Shape, schema: &Schema) -> Result<Vec<(EntityId, String)>, StoreError> {
    let gone = stored.fields.iter().filter(|(name, _)| !wanted.fields.contains_key(*name));
    gone.filter_map(|((entity, field), (ty, _))| {
        let targets: Vec<&str> = ty.strip_prefix("lookup ")?.split(" | ").collect();
        let several = targets.len() > 1;
        let known = targets.into_iter().filter_map(|target| Some((target.to_owned(), schema.entity_id(target)?)));
        Some(known.map(move |(name, target)| Ok((target, unlink(entity, field, several.then_some(name.as_str()))?))).collect::<Vec<_>>())
    })
    .flatten()
    .collect()
}

/// The statement that empties a lookup to a record; of one to several entities, where it is to a record of this one.
fn unlink(entity: &str, field: &str, target: Option<&str>) -> Result<String, StoreError> {
    let (table, column, of) = (identifier(entity, "")?, identifier(field, "")?, identifier(field, "$entity")?);
    Ok(match target {
        None => format!("UPDATE {table} SET {column} = NULL WHERE {column} = ?1"),
        Some(target) => format!("UPDATE {table} SET {column} = NULL, {of} = NULL WHERE {column} = ?1 AND {of} = '{target}'"),
    })
}

/// What becomes of a column whose field has another type now.
#[derive(Debug, PartialEq)]
enum Change {
    None,
    /// Its numbers get so many more decimals.
    Rescale(u64),
    /// It can't refer to these entities any more, which are gone.
    Without(Vec<String>),
    Refused,
}

fn change(old: &str, new: &Type, schema: &Schema) -> Change {
    let new_name = &type_name(schema, new);
    if old == new_name {
        return Change::None;
    }
    match new {
        Type::BigInt if old == "integer" => Change::None,
        Type::Decimal(scale @ 0..=7) | Type::Money(scale @ 0..=7) => {
            match scale_before(old, new).and_then(|before| scale.checked_sub(before)) {
                Some(0) => Change::None,
                Some(more) => Change::Rescale(10_u64.pow(more.into())),
                None => Change::Refused,
            }
        }
        Type::Lookup(_) => {
            let split = |name: &str| name.trim_start_matches("lookup ").split(" | ").map(str::to_owned).collect::<BTreeSet<_>>();
            let (before, now) = (split(old), split(new_name));
            let lost: Vec<String> = before.difference(&now).cloned().collect();
            match before.len() > 1 && now.len() > 1 {
                true if lost.is_empty() => Change::None,
                true if lost.iter().all(|entity| schema.entity_id(entity).is_none()) => Change::Without(lost),
                _ => Change::Refused,
            }
        }
        _ => Change::Refused,
    }
}

/// How many decimals a number had, where every such number is also one of the new type.
fn scale_before(old: &str, new: &Type) -> Option<u8> {
    let scale = |name: &str| old.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')?.parse::<u8>().ok();
    match new {
        _ if old == "integer" => Some(0),
        Type::Money(_) => scale("money").or_else(|| scale("decimal")),
        _ => scale("decimal"),
    }
}

fn type_name(schema: &Schema, ty: &Type) -> String {
    match ty {
        Type::Lookup(targets) => {
            let names: BTreeSet<_> =
                targets.iter().filter_map(|target| schema.entity(*target)).map(|entity| entity.name.as_str()).collect();
            // A row of somebody's own table is named as one of several is.
            let row = names.len() == 1 && targets.iter().filter_map(|target| schema.entity(*target)).any(|entity| entity.table.is_some());
            format!("lookup {}{}", if row { "row of " } else { "" }, names.into_iter().collect::<Vec<_>>().join(" | "))
        }
        other => other.to_string(),
    }
}

fn unusable<T>(message: String) -> Result<T, StoreError> {
    Err(StoreError::Unusable(message))
}
