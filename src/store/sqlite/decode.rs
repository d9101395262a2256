//! Values on their way out of SQLite. The file is not trusted: a value of the wrong class, out of its type's range, or
//! an option that isn't there is an error that names entity, field and record.

use jiff::civil;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use smol_str::SmolStr;

use super::encode;
use super::failure::failure;
use super::key::{Cell, Key};
use super::kind::Kind;
use super::table::{Column, Table};
use crate::schema::{FieldSet, PRIMARY_KEY, Row};
use crate::store::{StoreError, count};
use crate::value::{Decimal, EntityId, Reference, Uuid, Value, decimal, time};

/// The record that a row of `fields` holds, from this cell on.
pub(super) fn row(
    connection: &Connection,
    table: &Table,
    id: Uuid,
    fields: &FieldSet,
    row: &rusqlite::Row<'_>,
    first: usize,
) -> Result<Row, StoreError> {
    if fields.is_empty() {
        return Ok(Row::default());
    }
    let mut values = Vec::with_capacity(table.columns.len());
    let mut next = first;
    for slot in fields.iter() {
        let column = table.column(slot)?;
        values.resize(usize::from(slot.0), Value::Empty);
        if slot == PRIMARY_KEY && table.mapped.is_some() {
            values.push(Value::Uuid(id));
            continue;
        }
        let cell = row.get_ref(next).map_err(failure)?;
        next += 1;
        let entity = if column.entity.is_some() {
            next += 1;
            row.get_ref(next - 1).map_err(failure)?
        } else {
            ValueRef::Null
        };
        values.push(value(connection, &column.kind, cell, entity)?.ok_or_else(|| damaged(connection, table, column, id))?);
    }
    values.resize(table.columns.len(), Value::Empty);
    Ok(Row::from_parts(values, fields.clone()))
}

/// The ids that a query gives.
pub(super) fn ids(connection: &Connection, table: &Table, mut rows: rusqlite::Rows<'_>, found: &mut Vec<Uuid>) -> Result<(), StoreError> {
    while let Some(row) = rows.next().map_err(failure)? {
        found.push(id(connection, table, row)?);
    }
    Ok(())
}

/// The id in the first cells of a row.
pub(super) fn id(connection: &Connection, table: &Table, row: &rusqlite::Row<'_>) -> Result<Uuid, StoreError> {
    let Some(key) = &table.mapped else {
        let id = uuid(row.get_ref(0).map_err(failure)?);
        return id.ok_or_else(|| StoreError::Unusable(format!("a record of `{}` has an id that is none", table.name)));
    };
    let mut cells = Vec::with_capacity(key.classes.len());
    for (index, class) in key.classes.iter().enumerate() {
        let cell = Cell::read(*class, row.get_ref(index).map_err(failure)?);
        cells.push(cell.ok_or_else(|| {
            StoreError::Unusable(format!(
                "the table {} has a row whose key ({}) is empty or of another type than declared",
                table.quoted, table.key
            ))
        })?);
    }
    key.id(connection, &cells)
}

/// The value of a column of one cell, behind the id.
pub(super) fn single(connection: &Connection, table: &Table, column: &Column, row: &rusqlite::Row<'_>) -> Result<Value, StoreError> {
    let found = value(connection, &column.kind, row.get_ref(table.identity.len()).map_err(failure)?, ValueRef::Null)?;
    match found {
        Some(found) => Ok(found),
        None => Err(damaged(connection, table, column, id(connection, table, row)?)),
    }
}

fn value(connection: &Connection, kind: &Kind, cell: ValueRef<'_>, entity: ValueRef<'_>) -> Result<Option<Value>, StoreError> {
    match (kind, cell) {
        (Kind::Row(..), ValueRef::Null) => Ok(Some(Value::Empty)),
        (Kind::Row(target, key), cell) => link(connection, *target, key, cell),
        _ => Ok(plain(kind, cell, entity)),
    }
}

/// A lookup in a column of somebody's own.
fn link(connection: &Connection, entity: EntityId, key: &Key, cell: ValueRef<'_>) -> Result<Option<Value>, StoreError> {
    let cell = key.classes.first().and_then(|class| Cell::read(*class, cell));
    let id = cell.map(|cell| key.id(connection, &[cell])).transpose()?;
    Ok(id.map(|id| Value::Reference(Reference { entity, id })))
}

fn plain(kind: &Kind, cell: ValueRef<'_>, entity: ValueRef<'_>) -> Option<Value> {
    Some(match (kind, cell) {
        (_, ValueRef::Null) => return (entity == ValueRef::Null).then_some(Value::Empty),
        (Kind::Boolean, ValueRef::Integer(bit @ 0..=1)) => Value::Boolean(bit == 1),
        (Kind::Integer, ValueRef::Integer(number)) => Value::Integer(i32::try_from(number).ok()?.into()),
        (Kind::BigInt, ValueRef::Integer(number)) => Value::Integer(number),
        (Kind::Scaled(scale), ValueRef::Integer(units)) => Value::Decimal(decimal::from_scaled(units.into(), u32::from(*scale))?),
        (Kind::Long(scale), ValueRef::Blob(bytes)) => Value::Decimal(decimal::from_scaled(units(bytes)?, u32::from(*scale))?),
        (Kind::Float, ValueRef::Real(number)) if number.is_finite() => Value::Float(number),
        (Kind::Number(scale), ValueRef::Integer(number)) => exact(number.into(), *scale)?,
        (Kind::Number(scale), ValueRef::Real(number)) => exact(encode::from_float(number)?, *scale)?,
        (Kind::IsoDate, ValueRef::Text(text)) => Value::Date(iso_date(text)?),
        (Kind::IsoDateTime, ValueRef::Text(text)) => {
            Value::DateTime(time::in_years(iso(text)?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()).ok()?)
        }
        (Kind::IsoLocal, ValueRef::Text(text)) => Value::LocalDateTime(iso(text).filter(|_| !text.ends_with(b"Z"))?),
        (Kind::Label(options), ValueRef::Text(text)) => Value::Choice(options.iter().find(|(_, label)| label.as_bytes() == text)?.0),
        (Kind::Text, ValueRef::Text(text)) => Value::Text(SmolStr::new(str::from_utf8(text).ok()?)),
        (Kind::Choice(known), ValueRef::Integer(code)) => Value::Choice(i32::try_from(code).ok().filter(|code| known.contains(code))?),
        (Kind::Choices(known), ValueRef::Text(text)) => Value::Choices(codes(text, known)?.into()),
        (Kind::Date, ValueRef::Integer(days)) => Value::Date(count::date(days)?),
        (Kind::DateTime, ValueRef::Integer(micros)) => Value::DateTime(count::instant(micros)?),
        (Kind::LocalDateTime, ValueRef::Integer(micros)) => Value::LocalDateTime(count::local(micros)?),
        (Kind::Reference(entity), cell) => Value::Reference(Reference { entity: *entity, id: uuid(cell)? }),
        (Kind::AnyReference(targets), cell) => {
            let ValueRef::Text(name) = entity else { return None };
            let (entity, _) = targets.iter().find(|(_, target)| target.as_bytes() == name)?;
            Value::Reference(Reference { entity: *entity, id: uuid(cell)? })
        }
        (Kind::Uuid, cell) => Value::Uuid(uuid(cell)?),
        _ => return None,
    })
}

fn uuid(cell: ValueRef<'_>) -> Option<Uuid> {
    match cell {
        ValueRef::Blob(bytes) => Uuid::from_slice(bytes).ok(),
        _ => None,
    }
}

/// A number that has no more decimals than these.
fn exact(number: Decimal, scale: u8) -> Option<Value> {
    let mut number = number.normalize();
    if number.scale() > u32::from(scale) {
        return None;
    }
    number.rescale(scale.into());
    Some(Value::Decimal(number))
}

/// `2026-11-28`, and nothing else.
pub(super) fn iso_date(text: &[u8]) -> Option<civil::Date> {
    let text = str::from_utf8(text).ok()?;
    text.parse().ok().filter(|date: &civil::Date| date.to_string() == text && date.year() >= 1)
}

/// `2026-11-28 09:30:00` or with a `T`, with or without a fraction, with or without a `Z`. Other zones are none of ours to guess.
pub(super) fn iso(text: &[u8]) -> Option<civil::DateTime> {
    let text = str::from_utf8(text).ok()?;
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, clock) = text.split_at_checked(10)?;
    let clock = clock.strip_prefix([' ', 'T']).filter(|clock| clock.len() >= 8)?;
    let digits = clock.bytes().all(|byte| byte.is_ascii_digit() || byte == b':' || byte == b'.');
    let time: civil::Time = clock.parse().ok().filter(|_| digits)?;
    (time.subsec_nanosecond() % 1000 == 0).then_some(iso_date(date.as_bytes())?.to_datetime(time))
}

/// Units of the last digit from bytes in the order of the numbers.
fn units(bytes: &[u8]) -> Option<i128> {
    Some(i128::from_be_bytes(bytes.try_into().ok()?) ^ i128::MIN)
}

/// Only the form that is written: ascending, without spaces.
fn codes(text: &[u8], known: &[i32]) -> Option<Vec<i32>> {
    let text = str::from_utf8(text).ok()?;
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    if inner.is_empty() {
        return Some(Vec::new());
    }
    let codes = inner.split(',').take(known.len() + 1).map(|code| code.parse().ok()).collect::<Option<Vec<i32>>>()?;
    let fine = codes.is_sorted_by(|one, next| one < next) && codes.iter().all(|code| known.contains(code)) && encode::list(&codes) == text;
    fine.then_some(codes)
}

fn damaged(connection: &Connection, table: &Table, column: &Column, id: Uuid) -> StoreError {
    let (entity, field) = (&table.name, &column.field);
    let Some(key) = &table.mapped else {
        return StoreError::Unusable(format!(
            "the database holds something in `{entity}.{field}` of the record {id} that this field can't have"
        ));
    };
    let cells = key.cells(connection, id).ok().flatten().unwrap_or_default();
    let key = cells.iter().map(Cell::to_string).collect::<Vec<_>>().join(", ");
    let (column, table) = (&column.quoted, &table.quoted);
    StoreError::Unusable(format!(
        "the column {column} of the table {table} holds something in the row ({key}) that `{entity}.{field}` can't have: its declaration doesn't fit"
    ))
}
