//! Values on their way into PostgreSQL and out of it, in its binary format. A value that doesn't fit its column is refused, never
//! rounded or cut; one that comes out is held against its field, for other programs may write, too.

use std::borrow::Cow;
use std::error::Error;

use smol_str::SmolStr;
use tokio_postgres::Row;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::table::{Column, Kind, Table};
use crate::store::{StoreError, WIDEST_SCALED, count};
use crate::value::{Decimal, Reference, Uuid, Value, decimal};

/// A value as a column or a parameter holds it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell<'v> {
    Null,
    Boolean(bool),
    Integer(i32),
    BigInt(i64),
    /// Units of the last of so many decimals.
    Number(i128, u32),
    Float(f64),
    Text(Cow<'v, str>),
    /// Days since 1970.
    Days(i64),
    /// Microseconds since 1970, of an instant or on the clock.
    Micros(i64),
    Uuid(Uuid),
}

/// The value of a column, and of the second one that a lookup to several entities has.
pub(super) fn cells<'v>(table: &Table, column: &'v Column, value: &'v Value) -> Result<(Cell<'v>, Option<Cell<'v>>), StoreError> {
    let unfit = || unfit(table, column, value);
    let cell = match (&column.kind, value) {
        (_, Value::Empty) => return Ok((Cell::Null, column.entity.is_some().then_some(Cell::Null))),
        (Kind::Boolean, Value::Boolean(truth)) => Cell::Boolean(*truth),
        (Kind::Integer, Value::Integer(number)) => Cell::Integer(i32::try_from(*number).map_err(|_| unfit())?),
        (Kind::BigInt, Value::Integer(number)) => Cell::BigInt(*number),
        (Kind::Number(scale), Value::Decimal(number)) => {
            let units = decimal::to_scaled(*number, u32::from(*scale)).ok_or_else(unfit)?;
            // As much as every store can hold.
            if *scale <= WIDEST_SCALED && i64::try_from(units).is_err() {
                return Err(unfit());
            }
            Cell::Number(units, u32::from(*scale))
        }
        // One zero only, as everywhere else.
        (Kind::Float, Value::Float(number)) if !number.is_nan() => Cell::Float(number + 0.0),
        (Kind::Text, Value::Text(text)) => Cell::Text(written(text)),
        (Kind::Choice(_), Value::Choice(code)) => Cell::Integer(*code),
        (Kind::Choices(_), Value::Choices(codes)) => Cell::Text(Cow::Owned(list(codes))),
        (Kind::Date, Value::Date(date)) => Cell::Days(count::days(*date)),
        (Kind::DateTime, Value::DateTime(instant)) => Cell::Micros(instant.as_microsecond()),
        (Kind::LocalDateTime, Value::LocalDateTime(local)) => Cell::Micros(count::micros(*local).ok_or_else(unfit)?),
        (Kind::Reference(target), Value::Reference(reference)) if reference.entity == *target => Cell::Uuid(reference.id),
        (Kind::AnyReference(targets), Value::Reference(reference)) => {
            let (_, name) = targets.iter().find(|(entity, _)| *entity == reference.entity).ok_or_else(unfit)?;
            return Ok((Cell::Uuid(reference.id), Some(Cell::Text(Cow::Borrowed(name)))));
        }
        (Kind::Uuid, Value::Uuid(id)) => Cell::Uuid(*id),
        _ => return Err(unfit()),
    };
    Ok((cell, None))
}

/// The value of a column in the cell of this number and, of a lookup to several entities, the one behind it.
pub(super) fn value(table: &Table, column: &Column, row: &Row, index: usize, id: Uuid) -> Result<Value, StoreError> {
    let found = found(&column.kind, row, index).ok().flatten();
    found.ok_or_else(|| {
        let (entity, field) = (&table.name, &column.field);
        StoreError::Unusable(format!("the database holds something in `{entity}.{field}` of the record {id} that this field can't have"))
    })
}

/// A uuid in a cell that has one.
pub(super) fn uuid(row: &Row, index: usize) -> Result<Uuid, StoreError> {
    row.try_get(index).map_err(|_| StoreError::Unusable("the database holds an id that is none".to_owned()))
}

fn found(kind: &Kind, row: &Row, index: usize) -> Result<Option<Value>, tokio_postgres::Error> {
    macro_rules! cell {
        ($as:ty) => {
            match row.try_get::<_, Option<$as>>(index)? {
                Some(cell) => cell,
                None => return Ok(Some(Value::Empty)),
            }
        };
    }
    Ok(match kind {
        Kind::Boolean => Some(Value::Boolean(cell!(bool))),
        Kind::Integer => Some(Value::Integer(cell!(i32).into())),
        Kind::BigInt => Some(Value::Integer(cell!(i64))),
        Kind::Number(scale) => cell!(Units).decimal(u32::from(*scale)).map(Value::Decimal),
        Kind::Float => Some(cell!(f64)).filter(|number| number.is_finite()).map(Value::Float),
        Kind::Text => read(cell!(&str)).map(Value::Text),
        Kind::Choice(known) => Some(cell!(i32)).filter(|code| known.contains(code)).map(Value::Choice),
        Kind::Choices(known) => {
            let codes = cell!(Vec<i32>);
            let fine = codes.is_sorted_by(|one, next| one < next) && codes.iter().all(|code| known.contains(code));
            fine.then(|| Value::Choices(codes.into()))
        }
        Kind::Date => cell!(Since).days().and_then(count::date).map(Value::Date),
        Kind::DateTime => cell!(Since).micros().and_then(count::instant).map(Value::DateTime),
        Kind::LocalDateTime => cell!(Since).micros().and_then(count::local).map(Value::LocalDateTime),
        Kind::Uuid => Some(Value::Uuid(cell!(Uuid))),
        Kind::Reference(entity) => Some(Value::Reference(Reference { entity: *entity, id: cell!(Uuid) })),
        Kind::AnyReference(targets) => {
            let name: Option<&str> = row.try_get(index + 1)?;
            let id: Option<Uuid> = row.try_get(index)?;
            match (id, name) {
                (None, None) => Some(Value::Empty),
                (Some(id), Some(name)) => {
                    let target = targets.iter().find(|(_, target)| target == name);
                    target.map(|(entity, _)| Value::Reference(Reference { entity: *entity, id }))
                }
                _ => None,
            }
        }
    })
}

/// PostgreSQL's texts hold every character but U+0000. It is written as U+0001 twice, and U+0001 itself as U+0001 and U+0002: so texts
/// stay what they are, and in their order.
fn written(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte > 1) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('\u{1}', "\u{1}\u{2}").replace('\0', "\u{1}\u{1}"))
}

/// The text that was written so; none where it wasn't.
fn read(text: &str) -> Option<SmolStr> {
    let mut parts = text.split('\u{1}');
    let first = parts.next()?;
    if first.len() == text.len() {
        return Some(SmolStr::new(text));
    }
    let mut whole = first.to_owned();
    while let Some(part) = parts.next() {
        // Between the two of U+0000 there is nothing.
        match part.strip_prefix('\u{2}') {
            Some(rest) => whole.extend(["\u{1}", rest]),
            None if part.is_empty() => whole.extend(["\0", parts.next()?]),
            None => return None,
        }
    }
    Some(whole.into())
}

/// A value that its column can't hold.
pub(super) fn unfit(table: &Table, column: &Column, value: &Value) -> StoreError {
    let shown = crate::value::text::quoted(&crate::value::text::display(value));
    StoreError::Failed(format!("`{}.{}` can't hold {shown}", table.name, column.field))
}

/// An array of integers, as PostgreSQL reads one from a text.
fn list(codes: &[i32]) -> String {
    let codes: Vec<_> = codes.iter().map(i32::to_string).collect();
    format!("{{{}}}", codes.join(","))
}

impl ToSql for Cell<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Cell::Null => Ok(IsNull::Yes),
            Cell::Boolean(truth) => truth.to_sql(ty, out),
            Cell::Integer(number) => number.to_sql(ty, out),
            Cell::BigInt(number) => number.to_sql(ty, out),
            Cell::Number(units, scale) => {
                numeric(*units, *scale, out);
                Ok(IsNull::No)
            }
            Cell::Float(number) => number.to_sql(ty, out),
            Cell::Text(text) => text.to_sql(ty, out),
            Cell::Days(days) => {
                out.extend_from_slice(&i32::try_from(days - DAYS_TO_2000)?.to_be_bytes());
                Ok(IsNull::No)
            }
            Cell::Micros(micros) => {
                let since = micros.checked_sub(MICROS_TO_2000).ok_or("a time that is too early")?;
                out.extend_from_slice(&since.to_be_bytes());
                Ok(IsNull::No)
            }
            Cell::Uuid(id) => id.to_sql(ty, out),
        }
    }

    // Every parameter says its type in the statement, which is made from the same column.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// PostgreSQL counts from the beginning of 2000.
const DAYS_TO_2000: i64 = 10_957;
const MICROS_TO_2000: i64 = DAYS_TO_2000 * 86_400_000_000;

/// Days or microseconds since 2000. PostgreSQL's infinities are as far off as can be, in years that are none of ours.
struct Since(i64);

impl Since {
    fn days(&self) -> Option<i64> {
        self.0.checked_add(DAYS_TO_2000)
    }

    fn micros(&self) -> Option<i64> {
        self.0.checked_add(MICROS_TO_2000)
    }
}

impl<'a> FromSql<'a> for Since {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Since(if *ty == Type::DATE { i32::from_be_bytes(raw.try_into()?).into() } else { i64::from_be_bytes(raw.try_into()?) }))
    }

    fn accepts(ty: &Type) -> bool {
        [Type::DATE, Type::TIMESTAMP, Type::TIMESTAMPTZ].contains(ty)
    }
}

/// What a `numeric` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Units {
    pub units: i128,
    pub scale: u32,
}

impl Units {
    /// As a number with so many decimals, if it is one.
    pub fn decimal(self, scale: u32) -> Option<Decimal> {
        decimal::from_scaled(self.at(scale)?, scale)
    }

    /// In units of the last of so many decimals, if it has no more.
    pub fn at(self, scale: u32) -> Option<i128> {
        match self.scale.checked_sub(scale) {
            Some(more) => {
                let power = 10_i128.checked_pow(more)?;
                (self.units % power == 0).then_some(self.units / power)
            }
            None => self.units.checked_mul(10_i128.checked_pow(scale - self.scale)?),
        }
    }
}

/// Digits of a `numeric` are of base 10,000.
const BASE: u128 = 10_000;

impl<'a> FromSql<'a> for Units {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        units(raw).ok_or_else(|| "a number that is too large, or none".into())
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::NUMERIC
    }
}

/// Reads how many digits there are, the power of the base of the first, the sign, how many decimals, and the digits.
fn units(raw: &[u8]) -> Option<Units> {
    let mut words = raw.chunks_exact(2).filter_map(|pair| Some(u16::from_be_bytes(pair.try_into().ok()?)));
    let (count, weight, sign, scale) = (words.next()?, words.next()?.cast_signed(), words.next()?, words.next()?);
    let negative = match sign {
        0x0000 => false,
        0x4000 => true,
        _ => return None,
    };
    let mut units = 0_i128;
    for (index, digit) in (0_i64..).zip(words.take(count.into())) {
        let power = 4 * (i64::from(weight) - index) + i64::from(scale);
        let digit = i128::from(digit);
        let power_of_ten = 10_i128.checked_pow(u32::try_from(power.abs()).ok()?);
        units = if power >= 0 {
            if digit == 0 { units } else { units.checked_add(digit.checked_mul(power_of_ten?)?)? }
        } else {
            // The last digit has places behind the last decimal, which are zeros.
            units.checked_add(digit.checked_div(power_of_ten?)?)?
        };
    }
    Some(Units { units: if negative { units.checked_neg()? } else { units }, scale: scale.into() })
}

/// Writes what [`units`] reads. A number of ours has 96 bits and at most 28 decimals.
fn numeric(units: i128, scale: u32, out: &mut BytesMut) {
    let padding = (4 - scale % 4) % 4;
    let mut rest = units.unsigned_abs().saturating_mul(10_u128.pow(padding));
    let mut digits = Vec::with_capacity(12);
    while rest > 0 {
        digits.push((rest % BASE) as u16);
        rest /= BASE;
    }
    let weight = digits.len() as i16 - 1 - ((scale + padding) / 4) as i16;
    let head = [digits.len() as u16, weight.cast_unsigned(), if units < 0 { 0x4000 } else { 0 }, scale as u16];
    for word in head.into_iter().chain(digits.into_iter().rev()) {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_keep_what_postgresql_has_no_place_for() {
        let texts = [
            "",
            "\0",
            "\0\0",
            "\0\u{1}",
            "\u{1}",
            "\u{1}\0",
            "\u{1}\u{1}",
            "\u{1}\u{2}",
            "\u{2}",
            "a",
            "a\0",
            "a\0b",
            "a\u{1}",
            "a\u{2}",
            "ä",
        ];
        for pair in texts.windows(2) {
            assert!(written(pair[0]) < written(pair[1]), "{pair:?}");
        }
        for text in texts {
            assert_eq!(read(&written(text)).as_deref(), Some(text));
        }
        for damaged in ["\u{1}", "a\u{1}b", "\u{1}\u{3}"] {
            assert_eq!(read(damaged), None, "{damaged:?}");
        }
    }

    #[test]
    fn numbers_go_there_and_back() {
        let most = 79_228_162_514_264_337_593_543_950_335_i128;
        for number in [0, 1, -1, 9_999, 10_000, -10_001, 123_456_789, most, -most] {
            for scale in [0, 1, 2, 3, 4, 5, 7, 10, 27, 28] {
                let mut out = BytesMut::new();
                numeric(number, scale, &mut out);
                assert_eq!(units(&out), Some(Units { units: number, scale }));
            }
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for raw in [&[][..], &[0, 1, 0, 0], &[0, 0, 0, 0, 0xC0, 0, 0, 0], &[0, 1, 0x7F, 0xFF, 0, 0, 0, 0, 0, 1]] {
            assert_eq!(units(raw), None, "{raw:?}");
        }
    }

    #[test]
    fn decimals_are_held_to_the_field_s() {
        let number = Units { units: 12_500, scale: 3 };
        assert_eq!((number.at(1), number.at(0), number.at(4)), (Some(125), None, Some(125_000)));
    }
}
