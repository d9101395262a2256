//! Bringing the tables up to a schema. The database remembers the fields it was made for (`weir_field`) and the keys (`weir_key`);
//! what differs is added, widened or refused, all in one transaction. Nothing that holds data is dropped: a field or entity that the
//! schema no longer has keeps its column, unused. Programs that start at once take their turns at the row of `weir_format`.

use std::time::Duration;

use smol_str::SmolStr;
use tokio_postgres::error::SqlState;

use super::identifier::{identifier, quoted};
use super::link::{Link, Trouble};
use super::table::{Column, Table, key_name};
use crate::schema::{Field, Schema};
use crate::store::StoreError;
use crate::store::shape::{Change, Retired, Shape, change, type_name};
use crate::value::EntityId;

/// Grows when an older release could no longer use the tables.
const FORMAT: i32 = 1;

/// How often it is tried again where another program does the same.
const TURNS: u32 = 50;

/// How long a turn is waited for.
const TURN: Duration = Duration::from_millis(40);

/// Brings the tables up to a schema; gives the statements that empty lookups which it no longer has.
pub(super) fn migrate(link: &mut Link, tables: &[Table], schema: &Schema) -> Result<Vec<(EntityId, String)>, StoreError> {
    let wanted = Shape::wanted(schema);
    for _ in 0..TURNS {
        let stored = stored(link)?;
        if let Some(stored) = stored.as_ref().filter(|stored| stored.covers(&wanted)) {
            return unlinks(link, &stored.retired(&wanted, schema));
        }
        match in_turn(link, tables, &wanted, schema) {
            Ok(stored) => return unlinks(link, &stored.retired(&wanted, schema)),
            // Another program was faster; in an open transaction the whole of it has to be tried again.
            Err(StoreError::Conflict) if !link.is_open() => std::thread::sleep(TURN),
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Failed("other programs keep changing the tables".to_owned()))
}

/// Adds the tables and columns of a schema that a database of ours doesn't have, in the transaction that is open, and changes nothing
/// else. Says no where the database is new.
pub(super) fn complete(link: &mut Link, tables: &[Table], schema: &Schema) -> Result<bool, StoreError> {
    let Some(stored) = stored(link)? else { return Ok(false) };
    let Some(completed) = stored.completed(schema) else { return Ok(true) };
    let (mut statements, mut links) = (Vec::new(), Vec::new());
    for (entity, table) in schema.entities.values().zip(tables) {
        let known = stored.has(&entity.name);
        if !known {
            refuse_strangers(link, table)?;
            statements.extend(table.create());
        }
        let fields = entity.fields.keys().zip(&table.columns);
        for (_, column) in fields.filter(|(field, _)| !stored.fields.contains_key(&(entity.name.clone(), (*field).clone()))) {
            links.extend(table.link(column, tables));
            if known {
                statements.extend(table.add(column));
            }
        }
    }
    statements.append(&mut links);
    make(link, &statements.join("; "))?;
    remember(link, &stored, &completed)?;
    Ok(true)
}

/// Brings them up within the caller's transaction, or one for the purpose; gives the shape that they had.
fn in_turn(link: &mut Link, tables: &[Table], wanted: &Shape, schema: &Schema) -> Result<Shape, StoreError> {
    let own = !link.is_open();
    if own {
        link.begin()?;
    }
    let brought = bring_all_up(link, tables, wanted, schema);
    match &brought {
        Ok(_) if own => link.commit()?,
        Err(_) if own => link.rollback()?,
        _ => {}
    }
    brought
}

fn bring_all_up(link: &mut Link, tables: &[Table], wanted: &Shape, schema: &Schema) -> Result<Shape, StoreError> {
    let space = quoted(&link.target.schema);
    let stored = match stored(link)? {
        Some(_) => {
            // The place in the queue: whoever comes later waits here, and then sees what was done or has to begin anew.
            let text = format!("UPDATE {space}.weir_format SET format = format");
            link.execute(&text, &[])?;
            stored(link)?.unwrap_or_default()
        }
        None => {
            make(link, &own_tables(&space))?;
            Shape::default()
        }
    };
    let (mut statements, mut links) = (Vec::new(), Vec::new());
    for ((_, entity), table) in schema.entities().zip(tables) {
        let known = stored.fields.keys().any(|(name, _)| *name == entity.name);
        if !known {
            refuse_strangers(link, table)?;
            statements.extend(table.create());
        }
        for (field, column) in entity.fields.values().zip(&table.columns) {
            let before = stored.fields.get(&(entity.name.clone(), field.name.clone()));
            if before.is_none() {
                links.extend(table.link(column, tables));
            }
            if known {
                let before = before.map(|(ty, required)| (ty.as_str(), *required));
                statements.extend(bring_up(link, table, column, field, before, schema)?);
            }
        }
    }
    statements.append(&mut links);
    if !statements.is_empty() {
        make(link, &statements.join("; "))?;
    }
    bring_up_keys(link, tables, &stored, wanted)?;
    remember(link, &stored, wanted)?;
    Ok(stored)
}

/// Changes tables; where another program makes the same at the same time, it has to be looked at again.
fn make(link: &mut Link, text: &str) -> Result<(), StoreError> {
    link.change_tables(text).map_err(|trouble| match trouble {
        Trouble::Server(error) if error.code().is_some_and(is_made_twice) => StoreError::Conflict,
        other => other.into(),
    })
}

fn is_made_twice(code: &SqlState) -> bool {
    [SqlState::DUPLICATE_SCHEMA, SqlState::DUPLICATE_TABLE, SqlState::DUPLICATE_OBJECT, SqlState::UNIQUE_VIOLATION].contains(code)
}

/// The shape that the database remembers; none where it is new.
fn stored(link: &mut Link) -> Result<Option<Shape>, StoreError> {
    let space = quoted(&link.target.schema);
    if !is_there(link, "weir_format")? {
        return Ok(None);
    }
    let damaged = |_| StoreError::Unusable("what the database holds of its own tables is damaged".to_owned());
    let format: Option<i32> =
        link.query(&format!("SELECT max(format) FROM {space}.weir_format"), &[])?.first().and_then(|row| row.try_get(0).ok()).flatten();
    if format.is_none_or(|format| format > FORMAT) {
        let format = format.map_or_else(|| "none".to_owned(), |format| format.to_string());
        return unusable(format!("the database has format {format}, and this release knows only up to {FORMAT}: use a newer release"));
    }
    let rows = link.query(&format!("SELECT entity, field, type, required FROM {space}.weir_field"), &[])?;
    let fields = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?)));
    let fields = fields.collect::<Result<_, tokio_postgres::Error>>().map_err(damaged)?;
    let rows = link.query(&format!("SELECT entity, fields FROM {space}.weir_key"), &[])?;
    let keys = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    let keys = keys.collect::<Result<_, tokio_postgres::Error>>().map_err(damaged)?;
    Ok(Some(Shape::remembered(fields, keys)))
}

/// Whether there is a table, or something else of its name.
fn is_there(link: &mut Link, table: &str) -> Result<bool, StoreError> {
    let space = link.target.schema.clone();
    let text = "SELECT 1 FROM information_schema.tables WHERE table_schema = $1::text AND table_name = $2::text";
    Ok(!link.query(text, &[&space, &table])?.is_empty())
}

/// Our tables of tables.
fn own_tables(space: &str) -> String {
    format!(
        "CREATE SCHEMA IF NOT EXISTS {space};
         CREATE TABLE {space}.weir_format (format integer NOT NULL);
         INSERT INTO {space}.weir_format VALUES ({FORMAT});
         CREATE TABLE {space}.weir_field (entity text NOT NULL, field text NOT NULL, type text NOT NULL, required boolean NOT NULL, PRIMARY KEY (entity, field));
         CREATE TABLE {space}.weir_key (entity text NOT NULL, fields text NOT NULL, PRIMARY KEY (entity, fields));
         CREATE TABLE {space}.weir_note (name text COLLATE \"C\" PRIMARY KEY, text text NOT NULL)"
    )
}

/// The statements that add or widen one field of an entity that is there already; an error where that can't be.
fn bring_up(
    link: &mut Link,
    table: &Table,
    column: &Column,
    field: &Field,
    before: Option<(&str, bool)>,
    schema: &Schema,
) -> Result<Vec<String>, StoreError> {
    let statements = match before {
        None => table.add(column),
        Some((old, _)) => match change(old, &field.ty, schema) {
            Change::None => Vec::new(),
            Change::Without(entities) => {
                refuse_lost(link, table, field, &entities)?;
                Vec::new()
            }
            Change::Widen(_) => {
                vec![format!("ALTER TABLE {} ALTER COLUMN {} TYPE {}", table.quoted, column.quoted, column.kind.column())]
            }
            Change::Refused => {
                let (entity, name, new) = (&table.name, &field.name, type_name(schema, &field.ty));
                return unusable(format!(
                    "`{entity}.{name}` was `{old}` in this database and is `{new}` now, which its values can't follow"
                ));
            }
        },
    };
    if field.required && !before.is_some_and(|(_, required)| required) {
        let filter = before.map(|_| format!(" WHERE {} IS NULL", column.quoted)).unwrap_or_default();
        let empty = count(link, &format!("SELECT count(*) FROM {}{filter}", table.quoted), &[])?;
        if empty > 0 {
            let records = if empty == 1 { "1 record is".to_owned() } else { format!("{empty} records are") };
            return unusable(format!("`{}.{}` can't become required while {records} empty there", table.name, field.name));
        }
    }
    Ok(statements)
}

/// A lookup that can't refer to these entities any more, since the schema doesn't have them; no record may do so.
fn refuse_lost(link: &mut Link, table: &Table, field: &Field, entities: &[String]) -> Result<(), StoreError> {
    let column = identifier(&field.name, "$entity")?;
    for entity in entities {
        let found = count(link, &format!("SELECT count(*) FROM {} WHERE {column} = $1::text", table.quoted), &[entity])?;
        if found > 0 {
            let records = if found == 1 { "1 record of".to_owned() } else { format!("{found} records of") };
            return unusable(format!(
                "{records} `{}` refer to a `{entity}` by `{}`, and the schema has no `{entity}` any more: delete them or empty the field, or keep the entity",
                table.name, field.name
            ));
        }
    }
    Ok(())
}

fn count(link: &mut Link, text: &str, parameters: &super::link::Parameters<'_>) -> Result<i64, StoreError> {
    Ok(link.query(text, parameters)?.first().and_then(|row| row.try_get(0).ok()).unwrap_or_default())
}

/// A table that was there before ours.
fn refuse_strangers(link: &mut Link, table: &Table) -> Result<(), StoreError> {
    match is_there(link, &table.table)? {
        true => unusable(format!("the database has something else that is called `{}`", table.name)),
        false => Ok(()),
    }
}

fn bring_up_keys(link: &mut Link, tables: &[Table], stored: &Shape, wanted: &Shape) -> Result<(), StoreError> {
    let space = quoted(&link.target.schema);
    for (entity, fields) in stored.keys.difference(&wanted.keys) {
        make(link, &format!("DROP INDEX IF EXISTS {space}.{}", quoted(&key_name(entity, fields))))?;
    }
    let new = wanted
        .keys
        .difference(&stored.keys)
        .filter_map(|(entity, fields)| Some((tables.iter().find(|table| table.name == *entity)?, fields)));
    let new: Vec<(&Table, &Vec<SmolStr>)> = new.collect();
    if stored.keys.is_empty() && stored.fields.is_empty() && !new.is_empty() {
        let statements: Vec<String> = new.iter().map(|(table, fields)| table.create_key(fields)).collect();
        return make(link, &statements.join("; "));
    }
    for (table, fields) in new {
        link.change_tables(&table.create_key(fields)).map_err(|trouble| match trouble {
            Trouble::Server(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
                StoreError::Unusable(format!("two records of `{}` agree in the new key ({})", table.name, fields.join(", ")))
            }
            other => other.into(),
        })?;
    }
    Ok(())
}

fn remember(link: &mut Link, stored: &Shape, wanted: &Shape) -> Result<(), StoreError> {
    let space = quoted(&link.target.schema);
    let (mut entities, mut names, mut types, mut required) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (entity, field, ty, is_required) in stored.brought_up(wanted) {
        entities.push(entity);
        names.push(field);
        types.push(ty);
        required.push(is_required);
    }
    let text = format!(
        "INSERT INTO {space}.weir_field SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::boolean[]) AS n (entity, field, type, required) \
         ON CONFLICT (entity, field) DO UPDATE SET type = excluded.type, required = excluded.required"
    );
    link.execute(&text, &[&entities, &names, &types, &required])?;
    link.execute(&format!("DELETE FROM {space}.weir_key"), &[])?;
    let (entities, fields): (Vec<&str>, Vec<String>) =
        wanted.keys.iter().map(|(entity, fields)| (entity.as_str(), fields.join(" "))).unzip();
    link.execute(&format!("INSERT INTO {space}.weir_key SELECT * FROM UNNEST($1::text[], $2::text[])"), &[&entities, &fields])?;
    Ok(())
}

/// The statements that empty lookups which the schema no longer has, by the entity that they refer to.
fn unlinks(link: &Link, retired: &[Retired]) -> Result<Vec<(EntityId, String)>, StoreError> {
    let space = quoted(&link.target.schema);
    let statement = |lookup: &Retired| {
        let (table, column, of) = (identifier(&lookup.entity, "")?, identifier(&lookup.field, "")?, identifier(&lookup.field, "$entity")?);
        let text = match &lookup.named {
            None => format!("UPDATE {space}.{table} SET {column} = NULL WHERE {column} = ANY($1::uuid[])"),
            // Names of entities are checked identifiers.
            Some(target) => {
                format!("UPDATE {space}.{table} SET {column} = NULL, {of} = NULL WHERE {column} = ANY($1::uuid[]) AND {of} = '{target}'")
            }
        };
        Ok((lookup.target, text))
    };
    retired.iter().map(statement).collect()
}

fn unusable<T>(message: String) -> Result<T, StoreError> {
    Err(StoreError::Unusable(message))
}
