//! The limits of types and of schemas, each number in this one place.

use crate::value::{Decimal, Type};

/// The most entities a project can have, the built-in ones included.
pub const MAX_ENTITIES: usize = 16_384;

/// The most choices a project can have, with those written inline and two of each entity for its states and status reasons.
pub const MAX_CHOICES: usize = 65_535;

/// The most fields an entity can declare: what the tables of every supported database can hold.
pub const MAX_FIELDS: usize = 1_000;

/// The longest name of an entity or a field: with what is added to it, it names tables and columns.
pub const MAX_NAME: usize = 120;

/// The longest `text`, in Unicode scalar values.
pub const MAX_TEXT: u32 = 4_000;

/// The longest `memo`, in Unicode scalar values.
pub const MAX_MEMO: u32 = 1_048_576;

/// The most decimals of a `decimal` field.
pub const MAX_DECIMAL_SCALE: u8 = 10;

/// The decimals of a `decimal` field that doesn't say how many.
pub const DECIMAL_SCALE: u8 = 2;

/// The most decimals of a `money` field, and what it has where it doesn't say how many.
pub const MAX_MONEY_SCALE: u8 = 4;

/// The smallest and the largest number of a type; `None` for a type without numbers, and for `float`.
pub fn natural_range(ty: &Type) -> Option<(Decimal, Decimal)> {
    let symmetric = |limit: i64| (Decimal::from(-limit), Decimal::from(limit));
    match ty {
        Type::Integer => Some((Decimal::from(i32::MIN), Decimal::from(i32::MAX))),
        Type::BigInt => Some((Decimal::from(i64::MIN), Decimal::from(i64::MAX))),
        Type::Decimal(_) => Some(symmetric(100_000_000_000)),
        Type::Money(_) => Some(symmetric(922_337_203_685_477)),
        _ => None,
    }
}
