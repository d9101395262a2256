//! Values on their way into SQLite. A value that doesn't fit its column is refused, never rounded or cut.

use rusqlite::Statement;
use rusqlite::types::Null;

use super::failure::failure;
use super::table::{Column, Kind, Table};
use crate::store::StoreError;
use crate::value::{Slot, Value, decimal};

/// Binds a field's value to the next parameter, or the next two.
pub(super) fn bind(statement: &mut Statement<'_>, next: &mut usize, table: &Table, slot: Slot, value: &Value) -> Result<(), StoreError> {
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
        (Kind::Date, Value::Date(date)) => {
            let days = date.duration_since(jiff::civil::Date::constant(1970, 1, 1)).as_hours() / 24;
            statement.raw_bind_parameter(place, days)
        }
        (Kind::DateTime, Value::DateTime(instant)) => statement.raw_bind_parameter(place, instant.as_microsecond()),
        (Kind::LocalDateTime, Value::LocalDateTime(local)) => {
            let since = local.duration_since(jiff::civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0)).as_micros();
            statement.raw_bind_parameter(place, i64::try_from(since).map_err(|_| unfit(table, column, value))?)
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
        (Kind::Uuid, Value::Uuid(id)) => statement.raw_bind_parameter(place, id.as_bytes()),
        _ => return Err(unfit(table, column, value)),
    }
    .map_err(failure)
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
