//! Values on their way into SQLite. A value that doesn't fit its column is refused, never rounded or cut.

use std::cmp::Ordering;

use rusqlite::types::Null;
use rusqlite::{Connection, Statement};

use super::failure::failure;
use super::key::Key;
use super::kind::Kind;
use super::table::{Column, Table};
use crate::schema::PRIMARY_KEY;
use crate::store::{StoreError, count};
use crate::value::{Decimal, Slot, Uuid, Value, decimal};

/// Binds a field's value to the next parameter, or the next two.
pub(super) fn bind(
    connection: &Connection,
    statement: &mut Statement<'_>,
    next: &mut usize,
    table: &Table,
    slot: Slot,
    value: &Value,
) -> Result<(), StoreError> {
    if let (Value::Uuid(id), PRIMARY_KEY) = (value, slot) {
        return bind_id(connection, statement, next, table, *id);
    }
    let column = table.column(slot)?;
    let place = *next;
    *next += 1 + usize::from(column.entity.is_some());
    match (&column.kind, value) {
        (_, Value::Empty) => {
            if column.entity.is_some() {
                statement.raw_bind_parameter(place + 1, Null).map_err(failure)?;
            }
            statement.raw_bind_parameter(place, Null)
        }
        (Kind::Boolean, Value::Boolean(truth)) => statement.raw_bind_parameter(place, i64::from(*truth)),
        (Kind::Integer | Kind::BigInt, Value::Integer(number)) => statement.raw_bind_parameter(place, number),
        (Kind::Scaled(scale), Value::Decimal(number)) => {
            let units = decimal::to_scaled(*number, u32::from(*scale)).and_then(|units| i64::try_from(units).ok());
            statement.raw_bind_parameter(place, units.ok_or_else(|| unfit(table, column, value))?)
        }
        (Kind::Long(scale), Value::Decimal(number)) => {
            let units = decimal::to_scaled(*number, u32::from(*scale)).ok_or_else(|| unfit(table, column, value))?;
            statement.raw_bind_parameter(place, in_order(units))
        }
        (Kind::Float, Value::Float(number)) if !number.is_nan() => statement.raw_bind_parameter(place, number),
        (Kind::Text, Value::Text(text)) => statement.raw_bind_parameter(place, text.as_str()),
        (Kind::Choice(_), Value::Choice(code)) => statement.raw_bind_parameter(place, code),
        (Kind::Choices(_), Value::Choices(codes)) => statement.raw_bind_parameter(place, list(codes)),
        (Kind::Date, Value::Date(date)) => statement.raw_bind_parameter(place, count::days(*date)),
        (Kind::DateTime, Value::DateTime(instant)) => statement.raw_bind_parameter(place, instant.as_microsecond()),
        (Kind::LocalDateTime, Value::LocalDateTime(local)) => {
            statement.raw_bind_parameter(place, count::micros(*local).ok_or_else(|| unfit(table, column, value))?)
        }
        (Kind::Reference(target), Value::Reference(reference)) if reference.entity == *target => {
            statement.raw_bind_parameter(place, reference.id.as_bytes())
        }
        (Kind::AnyReference(targets), Value::Reference(reference)) => {
            let target = targets.iter().find(|(entity, _)| *entity == reference.entity);
            let (_, name) = target.ok_or_else(|| unfit(table, column, value))?;
            statement.raw_bind_parameter(place + 1, name.as_str()).map_err(failure)?;
            statement.raw_bind_parameter(place, reference.id.as_bytes())
        }
        (Kind::Number(_), Value::Decimal(number)) => match whole(*number) {
            Some(whole) => statement.raw_bind_parameter(place, whole),
            None => {
                let float = float(*number).filter(|(_, same)| same.is_eq()).ok_or_else(|| unfit(table, column, value))?;
                statement.raw_bind_parameter(place, float.0)
            }
        },
        (Kind::IsoDate, Value::Date(date)) => statement.raw_bind_parameter(place, date.to_string()),
        (Kind::IsoDateTime, Value::DateTime(instant)) => {
            statement.raw_bind_parameter(place, iso(instant.to_zoned(jiff::tz::TimeZone::UTC).datetime()))
        }
        (Kind::IsoLocal, Value::LocalDateTime(local)) => statement.raw_bind_parameter(place, iso(*local)),
        (Kind::Label(options), Value::Choice(code)) => {
            let option = options.iter().find(|(known, _)| known == code);
            statement.raw_bind_parameter(place, option.ok_or_else(|| unfit(table, column, value))?.1.as_str())
        }
        (Kind::Row(target, key), Value::Reference(reference)) if reference.entity == *target => {
            return bind_cells(connection, statement, place, key, reference.id);
        }
        (Kind::Uuid, Value::Uuid(id)) => statement.raw_bind_parameter(place, id.as_bytes()),
        _ => return Err(unfit(table, column, value)),
    }
    .map_err(failure)
}

/// Binds what says which record is meant to the next parameters.
pub(super) fn bind_id(
    connection: &Connection,
    statement: &mut Statement<'_>,
    next: &mut usize,
    table: &Table,
    id: Uuid,
) -> Result<(), StoreError> {
    let place = *next;
    *next += table.identity.len();
    match &table.mapped {
        None => statement.raw_bind_parameter(place, id.as_bytes()).map_err(failure),
        Some(key) => bind_cells(connection, statement, place, key, id),
    }
}

/// Binds what a lookup to a record holds to the first parameter.
pub(super) fn bind_link(connection: &Connection, statement: &mut Statement<'_>, column: &Column, id: Uuid) -> Result<(), StoreError> {
    match &column.kind {
        Kind::Row(_, key) => bind_cells(connection, statement, 1, key, id),
        _ => statement.raw_bind_parameter(1, id.as_bytes()).map_err(failure),
    }
}

/// Binds the key of a row; where no row can have that id, what is equal to nothing.
fn bind_cells(connection: &Connection, statement: &mut Statement<'_>, place: usize, key: &Key, id: Uuid) -> Result<(), StoreError> {
    let cells = key.cells(connection, id)?;
    for index in 0..key.classes.len() {
        match cells.as_ref().and_then(|cells| cells.get(index)) {
            Some(cell) => statement.raw_bind_parameter(place + index, cell),
            None => statement.raw_bind_parameter(place + index, Null),
        }
        .map_err(failure)?;
    }
    Ok(())
}

/// The float next to a number, and how what that float says (its shortest digits) compares with the number.
pub(super) fn float(number: Decimal) -> Option<(f64, Ordering)> {
    let float: f64 = number.normalize().to_string().parse().ok()?;
    Some((float, from_float(float)?.cmp(&number)))
}

/// The number that a float says: its shortest digits.
pub(super) fn from_float(float: f64) -> Option<Decimal> {
    Decimal::from_str_exact(&float.to_string()).ok()
}

/// A number without decimals.
fn whole(number: Decimal) -> Option<i64> {
    let number = number.normalize();
    i64::try_from(number.mantissa()).ok().filter(|_| number.scale() == 0)
}

/// As SQLite's own functions write a time.
fn iso(time: jiff::civil::DateTime) -> String {
    format!("{} {}", time.date(), time.time())
}

/// Sixteen bytes that sort as the numbers do.
pub(super) fn in_order(units: i128) -> [u8; 16] {
    (units ^ i128::MIN).to_be_bytes()
}

/// The codes as SQLite's own JSON functions read them.
pub(super) fn list(codes: &[i32]) -> String {
    let codes: Vec<_> = codes.iter().map(i32::to_string).collect();
    format!("[{}]", codes.join(","))
}

/// A value that its column can't hold.
pub(super) fn unfit(table: &Table, column: &Column, value: &Value) -> StoreError {
    let shown = crate::value::text::quoted(&crate::value::text::display(value));
    StoreError::Failed(format!("`{}.{}` can't hold {shown}", table.name, column.field))
}
