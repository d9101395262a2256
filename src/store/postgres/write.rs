//! Rows on their way into tables: as many as there are in one statement, or in their order where that counts, and why they could not be
//! written, in terms of entities and fields.

use rustc_hash::{FxHashMap, FxHashSet};
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use super::cell::{self, Cell};
use super::link::Trouble;
use super::select::parameters;
use super::table::{Constraints, Table};
use super::{Postgres, failure, table};
use crate::schema::{FieldSet, PRIMARY_KEY, Row};
use crate::store::{Store, StoreError};
use crate::value::{EntityId, Reference, Slot, Uuid, Value};

impl Postgres {
    /// Writes rows with the same fields, which are the columns of `text`, in one statement; gives how many it changed.
    pub(super) fn write(&mut self, entity: EntityId, rows: &[Row], verb: Verb) -> Result<u64, StoreError> {
        let table = table(&self.tables, entity)?;
        let Some(shape) = rows.first().map(Row::present) else { return Ok(0) };
        let others = shape.iter().filter(|slot| *slot != PRIMARY_KEY);
        let columns = table.written(std::iter::once(PRIMARY_KEY).chain(others))?;
        let many = rows.len() > 1;
        let text = match verb {
            Verb::Insert => table.insert(&columns, many),
            Verb::Update => table.update(&columns, many),
        };
        let written = if many {
            let mut arrays: Vec<Vec<Cell<'_>>> = (0..columns.len()).map(|_| Vec::with_capacity(rows.len())).collect();
            for row in rows {
                arrays.iter_mut().zip(row_of(table, row)?).for_each(|(array, cell)| array.push(cell));
            }
            let arrays: Vec<&(dyn ToSql + Sync)> = arrays.iter().map(|array| array as _).collect();
            self.link.execute(&text, &arrays)
        } else {
            let single = rows.first().map(|row| row_of(table, row)).transpose()?.unwrap_or_default();
            self.link.execute(&text, &parameters(&single))
        };
        written.map_err(|trouble| match trouble {
            Trouble::Server(error) => self.refused(&error, entity, rows),
            other => other.into(),
        })
    }

    /// Updates rows with the same fields one after the other; gives how many there were.
    pub(super) fn write_in_order(&mut self, entity: EntityId, rows: &[Row]) -> Result<u64, StoreError> {
        let table = table(&self.tables, entity)?;
        let Some(shape) = rows.first().map(Row::present) else { return Ok(0) };
        let columns = table.written(std::iter::once(PRIMARY_KEY).chain(shape.iter().filter(|slot| *slot != PRIMARY_KEY)))?;
        let cells = rows.iter().map(|row| row_of(table, row)).collect::<Result<Vec<_>, StoreError>>()?;
        let counts = self.link.execute_each(&table.update(&columns, false), &cells);
        counts.map(|counts| counts.iter().sum()).map_err(|(failed, trouble)| match trouble {
            Trouble::Server(error) => self.refused(&error, entity, rows.get(failed..=failed).unwrap_or_default()),
            other => other.into(),
        })
    }

    /// Whether one of these records refers to another of them, so that the order in which they go counts.
    pub(super) fn hold_each_other(&mut self, entity: EntityId, ids: &[Uuid]) -> Result<bool, StoreError> {
        let table = table(&self.tables, entity)?;
        if ids.len() < 2 || table.self_lookups.is_empty() {
            return Ok(false);
        }
        let held = table.self_lookups.iter().map(|slot| {
            let name = &table.column(*slot)?.quoted;
            Ok(format!("{name} = ANY($1::uuid[]) AND {name} <> {}", table.key))
        });
        let held = held.collect::<Result<Vec<_>, StoreError>>()?.join(" OR ");
        let text = format!("SELECT EXISTS (SELECT 1 FROM {} WHERE {} = ANY($1::uuid[]) AND ({held}))", table.quoted, table.key);
        Ok(self.link.query(&text, &[&ids])?.first().is_some_and(|row| row.try_get(0).unwrap_or(true)))
    }

    /// Why rows could not be written.
    fn refused(&self, error: &Error, entity: EntityId, rows: &[Row]) -> StoreError {
        let Some(about) = error.as_db_error() else { return failure::failure(error) };
        let Some((of, fields)) = about.constraint().and_then(|name| self.constraints.get(name)) else { return failure::failure(error) };
        match (about.code(), fields.as_slice()) {
            (&SqlState::UNIQUE_VIOLATION, fields) => StoreError::Duplicate { entity: *of, fields: fields.to_vec() },
            (&SqlState::FOREIGN_KEY_VIOLATION, [field]) => {
                let only = if let [row] = rows { row.get(*field) } else { None };
                let id = match only {
                    Some(Value::Reference(reference)) => Some(reference.id),
                    _ => about.detail().and_then(first_uuid),
                };
                StoreError::Reference { entity, field: *field, id: id.unwrap_or_default() }
            }
            _ => failure::failure(error),
        }
    }

    /// PostgreSQL holds lookups to one entity by itself; the others are looked up here. Of lookups to the entity itself it only sees
    /// whether they hold at the end of the statement, while rows are written one after the other.
    pub(super) fn check_references(&mut self, entity: EntityId, rows: &[Row]) -> Result<(), StoreError> {
        let table = table(&self.tables, entity)?;
        let inserted = rows.len() > 1 && !table.self_lookups.is_empty();
        if inserted {
            let places: FxHashMap<Uuid, usize> =
                rows.iter().enumerate().filter_map(|(place, row)| Some((primary_key(row)?, place))).collect();
            for (place, row) in rows.iter().enumerate() {
                for slot in &table.self_lookups {
                    let Some(Value::Reference(reference)) = row.get(*slot) else { continue };
                    if places.get(&reference.id).is_some_and(|other| *other > place) {
                        return Err(StoreError::Reference { entity, field: *slot, id: reference.id });
                    }
                }
            }
        }
        let mut asked: FxHashMap<EntityId, Vec<Uuid>> = FxHashMap::default();
        let wide = |row: &Row, slot: Slot| match row.get(slot) {
            Some(Value::Reference(reference)) => {
                let own = reference.entity == entity && row.get(PRIMARY_KEY) == Some(&Value::Uuid(reference.id));
                (!own).then_some(*reference)
            }
            _ => None,
        };
        for reference in rows.iter().flat_map(|row| table.wide_lookups.iter().filter_map(move |slot| wide(row, *slot))) {
            if !self.known.contains(&reference) {
                asked.entry(reference.entity).or_default().push(reference.id);
            }
        }
        for (target, ids) in asked {
            let target_table = super::table(&self.tables, target)?;
            let text = format!("SELECT {0} FROM {1} WHERE {0} = ANY($1::uuid[])", target_table.key, target_table.quoted);
            for row in self.link.query(&text, &[&ids])? {
                self.known.insert(Reference { entity: target, id: cell::uuid(&row, 0)? });
            }
        }
        let table = super::table(&self.tables, entity)?;
        let mut before: FxHashSet<Uuid> = FxHashSet::default();
        for row in rows {
            for slot in &table.wide_lookups {
                let Some(reference) = wide(row, *slot) else { continue };
                let beside = reference.entity == entity && before.contains(&reference.id);
                if !beside && !self.known.contains(&reference) {
                    return Err(StoreError::Reference { entity, field: *slot, id: reference.id });
                }
            }
            before.extend(primary_key(row));
        }
        Ok(())
    }

    /// The first of these records that isn't there.
    pub(super) fn missing(&mut self, entity: EntityId, ids: &[Uuid]) -> StoreError {
        match self.read(entity, ids, &FieldSet::default()) {
            Ok(found) => {
                let gone = found.iter().zip(ids).find(|(row, _)| row.is_none());
                gone.map_or_else(
                    || StoreError::Failed("a row was written twice".to_owned()),
                    |(_, id)| StoreError::Missing { entity, id: *id },
                )
            }
            Err(error) => error,
        }
    }
}

/// What is done with rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Insert,
    Update,
}

pub(super) fn primary_key(row: &Row) -> Option<Uuid> {
    match row.get(PRIMARY_KEY) {
        Some(Value::Uuid(id)) => Some(*id),
        _ => None,
    }
}

/// The cells of a row: its id, and then those of its other fields.
fn row_of<'r>(table: &'r Table, row: &'r Row) -> Result<Vec<Cell<'r>>, StoreError> {
    let mut cells: Vec<Cell<'_>> = primary_key(row).map(Cell::Uuid).into_iter().collect();
    for (slot, value) in row.iter().filter(|(slot, _)| *slot != PRIMARY_KEY) {
        let (cell, entity) = cell::cells(table, table.column(slot)?, value)?;
        cells.extend([cell].into_iter().chain(entity));
    }
    Ok(cells)
}

pub(super) fn every_key(table: &Table, rows: &[Row]) -> Result<(), StoreError> {
    let fine = rows.iter().all(|row| primary_key(row).is_some());
    if fine { Ok(()) } else { Err(StoreError::Failed(format!("a record of `{}` without its id", table.name))) }
}

/// Which lookup holds a record that should be deleted.
pub(super) fn still_referred(constraints: &Constraints, error: &Error) -> StoreError {
    let about = error.as_db_error().filter(|about| *about.code() == SqlState::FOREIGN_KEY_VIOLATION);
    let found = about.and_then(|about| Some((constraints.get(about.constraint()?)?, about.detail().and_then(first_uuid)?)));
    match found {
        Some(((entity, fields), id)) => {
            StoreError::Reference { entity: *entity, field: fields.first().copied().unwrap_or(PRIMARY_KEY), id }
        }
        None => failure::failure(error),
    }
}

/// The first id that a text holds.
fn first_uuid(text: &str) -> Option<Uuid> {
    (0..text.len()).filter_map(|from| text.get(from..from + 36)).find_map(|part| Uuid::try_parse(part).ok())
}
