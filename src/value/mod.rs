//! Values and their types: what a field holds, what an expression gives, and the rules of arithmetic,
//! time and text that go with them. Knows no schema: entities and choices are dense numbers here.
//!
//! Invariant: a `Value` of a type `T` is never [`Value::Empty`]; only a `T?` may be. Numbers are exact:
//! an operation that would lose a digit fails instead.

pub mod decimal;
mod from;
mod functions;
pub mod options;
pub mod text;
pub mod time;
mod wide;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub use functions::{Environment, Evaluation, Function, Parameter, Returns, Takes};
pub use rust_decimal::Decimal;
pub use uuid::Uuid;

/// An entity's dense number in its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntityId(pub u16);

/// A choice's dense number in its schema; one that is written inline in a field has a number as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChoiceId(pub u16);

/// A field's dense number in its entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot(pub u16);

/// The type of a value. Whether it may be empty stands beside it, not in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Type {
    /// `true`, `false`.
    Boolean,
    /// 32 bits, signed.
    Integer,
    /// 64 bits, signed.
    BigInt,
    /// Exact, with so many decimals (0 to 10 in a field; up to 28 on the way).
    Decimal(u8),
    /// IEEE double, for interchange.
    Float,
    /// An exact amount of money, with so many decimals (0 to 4 in a field; up to 28 on the way).
    Money(u8),
    /// Text of any length; the field knows its limit.
    Text,
    /// One option of a choice.
    Choice(ChoiceId),
    /// A set of options of a choice.
    Choices(ChoiceId),
    /// A calendar date.
    Date,
    /// An instant, in microseconds.
    DateTime,
    /// A wall-clock time without a zone.
    LocalDateTime,
    /// A length of time in weeks, days, hours and minutes.
    Duration,
    /// A length of time in months and years, which have no fixed length.
    Period,
    /// A reference to a record of one of these entities, in ascending order.
    Lookup(Arc<[EntityId]>),
    /// A 128-bit id.
    Uuid,
}

/// A reference to one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reference {
    /// The entity it is a record of.
    pub entity: EntityId,
    /// Its primary key.
    pub id: Uuid,
}

/// A length of time. Days step in the organisation's time zone; microseconds are exact.
/// A [`Type::Duration`] has no months, a [`Type::Period`] nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Duration {
    /// Months and years.
    pub months: i32,
    /// Days and weeks.
    pub days: i32,
    /// Hours, minutes and less, in microseconds.
    pub micros: i64,
}

/// One value, or none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// No value.
    #[default]
    Empty,
    /// Of [`Type::Boolean`].
    Boolean(bool),
    /// Of [`Type::Integer`] or [`Type::BigInt`].
    Integer(i64),
    /// Of [`Type::Decimal`] or [`Type::Money`].
    Decimal(Decimal),
    /// Of [`Type::Float`].
    Float(f64),
    /// Of [`Type::Text`].
    Text(SmolStr),
    /// Of [`Type::Choice`]: the option's code.
    Choice(i32),
    /// Of [`Type::Choices`]: the options' codes, ascending.
    Choices(Arc<[i32]>),
    /// Of [`Type::Date`].
    Date(jiff::civil::Date),
    /// Of [`Type::DateTime`].
    DateTime(jiff::Timestamp),
    /// Of [`Type::LocalDateTime`].
    LocalDateTime(jiff::civil::DateTime),
    /// Of [`Type::Duration`] or [`Type::Period`].
    Duration(Duration),
    /// Of [`Type::Lookup`].
    Reference(Reference),
    /// Of [`Type::Uuid`].
    Uuid(Uuid),
}

impl Value {
    /// `*self = other.clone()`, written over what is there: where the forms agree only the few bytes that differ are
    /// written. A clone of the whole is put together elsewhere and moved, which costs more than most of what is done with it.
    #[inline]
    pub fn assign(&mut self, other: &Value) {
        match (&mut *self, other) {
            (Value::Decimal(place), Value::Decimal(number)) => *place = *number,
            (Value::Integer(place), Value::Integer(number)) => *place = *number,
            (Value::Choice(place), Value::Choice(code)) => *place = *code,
            (Value::Boolean(place), Value::Boolean(truth)) => *place = *truth,
            (Value::Reference(place), Value::Reference(reference)) => *place = *reference,
            (Value::Text(place), Value::Text(text)) => place.clone_from(text),
            (Value::Empty, Value::Empty) => {}
            _ => *self = other.clone(),
        }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        matches!(self, Value::Empty)
    }

    /// The text, where it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }
}

/// Why a computation has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// A division or remainder by zero.
    DivisionByZero,
    /// The exact result has more digits than a value can hold.
    Inexact,
    /// The result is larger than its type.
    Overflow,
    /// A date, time or duration outside the years that can be written.
    OutOfRange,
    /// A text that is longer than any field takes.
    TooLong,
}

/// A text that is no value of the type it was read as. The message says why, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Malformed {
    /// What is wrong with it.
    pub message: String,
}

impl Malformed {
    /// With its message.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Malformed { message: message.into() }
    }
}
