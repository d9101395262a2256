//! Values on their way out of SQLite. The file is not trusted: a value of the wrong class, out of its type's range, or
//! an option that isn't there is an error that names entity, field and record.

use jiff::civil;
use jiff::{SignedDuration, Timestamp};
use rusqlite::types::ValueRef;
use smol_str::SmolStr;

use super::encode;
use super::failure::failure;
use super::table::{Column, Kind, Table};
use crate::schema::{FieldSet, Row};
use crate::store::StoreError;
use crate::value::{Reference, Uuid, Value, decimal, time};

/// The record that a row of `fields` holds, from this cell on.
pub(super) fn row(table: &Table, id: Uuid, fields: &FieldSet, row: &rusqlite::Row<'_>, first: usize) -> Result<Row, StoreError> {
    if fields.is_empty() {
        return Ok(Row::default());
    }
    let mut values = Vec::with_capacity(table.columns.len());
    let mut next = first;
    for slot in fields.iter() {
        let column = table.column(slot)?;
        values.resize(usize::from(slot.0), Value::Empty);
        let cell = row.get_ref(next).map_err(failure)?;
        next += 1;
        let entity = if column.entity.is_some() {
            next += 1;
            row.get_ref(next - 1).map_err(failure)?
        } else {
            ValueRef::Null
        };
        values.push(value(&column.kind, cell, entity).ok_or_else(|| damaged(table, column, id))?);
    }
    values.resize(table.columns.len(), Value::Empty);
    Ok(Row::from_parts(values, fields.clone()))
}

/// The ids that a query gives.
pub(super) fn ids(table: &Table, mut rows: rusqlite::Rows<'_>, found: &mut Vec<Uuid>) -> Result<(), StoreError> {
    while let Some(row) = rows.next().map_err(failure)? {
        found.push(id(table, row)?);
    }
    Ok(())
}

/// The id in the first cell of a row.
pub(super) fn id(table: &Table, row: &rusqlite::Row<'_>) -> Result<Uuid, StoreError> {
    let id = uuid(row.get_ref(0).map_err(failure)?);
    id.ok_or_else(|| StoreError::Unusable(format!("a record of `{}` has an id that is none", table.name)))
}

/// The value of a column of one cell, behind the id.
pub(super) fn single(table: &Table, column: &Column, row: &rusqlite::Row<'_>) -> Result<Value, StoreError> {
    let found = value(&column.kind, row.get_ref(1).map_err(failure)?, ValueRef::Null);
    match found {
        Some(found) => Ok(found),
        None => Err(damaged(table, column, id(table, row)?)),
    }
}

fn value(kind: &Kind, cell: ValueRef<'_>, entity: ValueRef<'_>) -> Option<Value> {
    Some(match (kind, cell) {
        (_, ValueRef::Null) => return (entity == ValueRef::Null).then_some(Value::Empty),
        (Kind::Boolean, ValueRef::Integer(bit @ 0..=1)) => Value::Boolean(bit == 1),
        (Kind::Integer, ValueRef::Integer(number)) => Value::Integer(i32::try_from(number).ok()?.into()),
        (Kind::BigInt, ValueRef::Integer(number)) => Value::Integer(number),
        (Kind::Scaled(scale), ValueRef::Integer(units)) => Value::Decimal(decimal::from_scaled(units.into(), u32::from(*scale))?),
        (Kind::Long(scale), ValueRef::Blob(bytes)) => Value::Decimal(decimal::from_scaled(units(bytes)?, u32::from(*scale))?),
        (Kind::Float, ValueRef::Real(number)) => Value::Float(number),
        (Kind::Text, ValueRef::Text(text)) => Value::Text(SmolStr::new(str::from_utf8(text).ok()?)),
        (Kind::Choice(known), ValueRef::Integer(code)) => Value::Choice(i32::try_from(code).ok().filter(|code| known.contains(code))?),
        (Kind::Choices(known), ValueRef::Text(text)) => Value::Choices(codes(text, known)?.into()),
        (Kind::Date, ValueRef::Integer(days)) => Value::Date(date(days)?),
        (Kind::DateTime, ValueRef::Integer(micros)) => Value::DateTime(instant(micros)?),
        (Kind::LocalDateTime, ValueRef::Integer(micros)) => Value::LocalDateTime(local(micros)?),
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

fn date(days: i64) -> Option<civil::Date> {
    let span = jiff::Span::new().try_days(days).ok()?;
    let date = civil::Date::constant(1970, 1, 1).checked_add(span).ok()?;
    (date.year() >= 1).then_some(date)
}

fn instant(micros: i64) -> Option<Timestamp> {
    time::in_years(Timestamp::from_microsecond(micros).ok()?).ok()
}

fn local(micros: i64) -> Option<civil::DateTime> {
    let epoch = civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
    epoch.checked_add(SignedDuration::from_micros(micros)).ok().filter(|local| local.year() >= 1)
}

fn damaged(table: &Table, column: &Column, id: Uuid) -> StoreError {
    StoreError::Unusable(format!(
        "the database holds something in `{}.{}` of the record {id} that this field can't have",
        table.name, column.field
    ))
}
