//! A choice of records of one entity: which of them, in which order, how many; and what is counted of them. Pure data, with
//! its meaning beside it. Made by flows and by the pipeline, answered by stores.
//!
//! The meaning is the language's: empty equals empty only and is in no order, text compares by code point, numbers by
//! their values. The order is total: what was asked, an empty value before all others, and last the id.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::schema::Row;
use crate::value::{Decimal, EntityId, Failure, Slot, Type, Uuid, Value, decimal};

/// Records of an entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// The entity.
    pub entity: EntityId,
    /// What holds of each of them.
    pub conditions: Vec<Condition>,
    /// Of these at least one holds, where there are any.
    pub any: Vec<Condition>,
    /// What they are ordered by, the most important first; by their ids where that says nothing.
    pub order: Vec<Order>,
    /// Only those behind this id (a `Value::Uuid`) in the order of ids, which is the way to read many of them page by page.
    pub after: Option<Value>,
    /// At most so many.
    pub limit: Option<u64>,
}

/// What has to hold of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// The field.
    pub slot: Slot,
    /// How it is compared.
    pub test: Test,
    /// With what, of the field's type; empty with `Equal` and `NotEqual` asks for emptiness.
    pub value: Value,
}

/// How a field is compared with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Test {
    /// The same, or both empty.
    Equal,
    /// Not the same.
    NotEqual,
    /// Less; false with an empty side.
    Less,
    /// Less or the same; false with an empty side.
    AtMost,
    /// Greater; false with an empty side.
    Greater,
    /// Greater or the same; false with an empty side.
    AtLeast,
}

/// A field that records are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Order {
    /// The field.
    pub slot: Slot,
    /// Whether the greatest comes first, and the empty ones last.
    pub descending: bool,
}

/// What is worked out of records. Empty values are left out of all but `Count` and `Exists`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Aggregate {
    /// How many there are.
    Count,
    /// Whether there is any.
    Exists,
    /// The sum of a field, exact; of nothing it is 0.
    Sum(Slot),
    /// The least value of a field; of nothing it is empty.
    Min(Slot),
    /// The greatest value of a field; of nothing it is empty.
    Max(Slot),
    /// The sum of a field by how many values there are, rounded half to even at 10 decimals; of nothing it is empty.
    Average(Slot),
}

impl Selection {
    /// Every record of an entity.
    pub fn all(entity: EntityId) -> Self {
        Selection { entity, conditions: Vec::new(), any: Vec::new(), order: Vec::new(), after: None, limit: None }
    }

    /// Those of them that also have a value.
    pub fn with(mut self, slot: Slot, value: Value) -> Self {
        self.conditions.push(Condition { slot, test: Test::Equal, value });
        self
    }

    /// At most so many of them.
    pub fn limited(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }
}

impl Condition {
    /// Whether it holds of a field's value.
    pub fn holds(&self, value: &Value) -> bool {
        let order = || compare(value, &self.value);
        match self.test {
            Test::Equal => value == &self.value,
            Test::NotEqual => value != &self.value,
            Test::Less => order().is_some_and(Ordering::is_lt),
            Test::AtMost => order().is_some_and(Ordering::is_le),
            Test::Greater => order().is_some_and(Ordering::is_gt),
            Test::AtLeast => order().is_some_and(Ordering::is_ge),
        }
    }
}

impl Aggregate {
    /// The field that it is about.
    pub fn slot(self) -> Option<Slot> {
        match self {
            Aggregate::Count | Aggregate::Exists => None,
            Aggregate::Sum(slot) | Aggregate::Min(slot) | Aggregate::Max(slot) | Aggregate::Average(slot) => Some(slot),
        }
    }

    /// The same about another field.
    pub fn over(self, slot: Slot) -> Self {
        match self {
            Aggregate::Count | Aggregate::Exists => self,
            Aggregate::Sum(_) => Aggregate::Sum(slot),
            Aggregate::Min(_) => Aggregate::Min(slot),
            Aggregate::Max(_) => Aggregate::Max(slot),
            Aggregate::Average(_) => Aggregate::Average(slot),
        }
    }

    /// The type of the result for a field of a type, and whether it may be empty; none where the field has no such result.
    /// What `/` gives for a sum and a number is what an average is.
    pub fn result(self, field: Option<&Type>) -> Option<(Type, bool)> {
        Some(match (self, field) {
            (Aggregate::Count, _) => (Type::BigInt, false),
            (Aggregate::Exists, _) => (Type::Boolean, false),
            (Aggregate::Min(_) | Aggregate::Max(_), Some(ty)) if has_order(ty) => (ty.clone(), true),
            (Aggregate::Sum(_), Some(Type::Integer | Type::BigInt)) => (Type::BigInt, false),
            (Aggregate::Sum(_), Some(ty @ (Type::Decimal(_) | Type::Money(_) | Type::Float))) => (ty.clone(), false),
            (Aggregate::Average(_), Some(Type::Integer | Type::BigInt | Type::Decimal(_))) => (Type::Decimal(AVERAGE_SCALE), true),
            (Aggregate::Average(_), Some(Type::Money(_))) => (Type::Money(AVERAGE_SCALE), true),
            (Aggregate::Average(_), Some(Type::Float)) => (Type::Float, true),
            _ => return None,
        })
    }
}

const AVERAGE_SCALE: u8 = decimal::DIVISION_SCALE as u8;

/// Whether the values of a type have an order.
pub fn has_order(ty: &Type) -> bool {
    !matches!(ty, Type::Boolean | Type::Choice(_) | Type::Choices(_) | Type::Lookup(_) | Type::Uuid | Type::Duration | Type::Period)
}

/// The order of two values of one type; none where a side is empty or the type has no order.
pub fn compare(one: &Value, two: &Value) -> Option<Ordering> {
    match (one, two) {
        (Value::Integer(one), Value::Integer(two)) => Some(one.cmp(two)),
        (Value::Decimal(one), Value::Decimal(two)) => Some(one.cmp(two)),
        (Value::Float(one), Value::Float(two)) => one.partial_cmp(two),
        (Value::Text(one), Value::Text(two)) => Some(one.as_str().cmp(two.as_str())),
        (Value::Date(one), Value::Date(two)) => Some(one.cmp(two)),
        (Value::DateTime(one), Value::DateTime(two)) => Some(one.cmp(two)),
        (Value::LocalDateTime(one), Value::LocalDateTime(two)) => Some(one.cmp(two)),
        _ => None,
    }
}

/// Which of two records comes first. The rows hold the fields of the order.
pub fn compare_records(order: &[Order], (one, row): (Uuid, &Row), (two, other): (Uuid, &Row)) -> Ordering {
    for Order { slot, descending } in order {
        let (left, right) = (row.get(*slot).unwrap_or(&Value::Empty), other.get(*slot).unwrap_or(&Value::Empty));
        let ascending = match (left.is_empty(), right.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => compare(left, right).unwrap_or(Ordering::Equal),
        };
        match if *descending { ascending.reverse() } else { ascending } {
            Ordering::Equal => {}
            decided => return decided,
        }
    }
    one.cmp(&two)
}

/// Keeps the first so many records, in their order. The rows hold the fields of the order.
pub fn first(records: &mut Vec<(Uuid, Row)>, order: &[Order], limit: usize) {
    records.sort_by(|(one, row), (two, other)| compare_records(order, (*one, row), (*two, other)));
    records.truncate(limit);
}

/// The numbers of a field, as sums take them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Whole ones.
    Whole,
    /// Exact ones, with so many decimals.
    Scaled(u8),
    /// Floats.
    Float,
    /// None at all.
    None,
}

impl Numbers {
    /// Those of a type.
    pub fn of(ty: &Type) -> Self {
        match ty {
            Type::Integer | Type::BigInt => Numbers::Whole,
            Type::Decimal(scale) | Type::Money(scale) => Numbers::Scaled(*scale),
            Type::Float => Numbers::Float,
            _ => Numbers::None,
        }
    }
}

/// How many records a loop visits at most, whatever limit it gives itself.
pub const MAX_VISITED: u64 = 1_000_000;

/// An aggregate in the making: takes the records one by one. Sums are kept in 128 bits, so the order of the records
/// changes nothing (a sum of floats, which are not exact, aside).
#[derive(Clone, Debug)]
pub struct Accumulator {
    aggregate: Aggregate,
    numbers: Numbers,
    count: u64,
    units: i128,
    float: f64,
    extreme: Value,
}

impl Accumulator {
    /// Of no records yet.
    pub fn new(aggregate: Aggregate, numbers: Numbers) -> Self {
        Accumulator { aggregate, numbers, count: 0, units: 0, float: 0.0, extreme: Value::Empty }
    }

    /// Of so many values, whose sum is known in units of their last digit.
    pub fn of_sum(aggregate: Aggregate, numbers: Numbers, count: u64, units: i128) -> Self {
        Accumulator { count, units, ..Accumulator::new(aggregate, numbers) }
    }

    /// Takes a record, with the value of the field that the aggregate is about.
    pub fn add(&mut self, value: &Value) -> Result<(), Failure> {
        if self.aggregate.slot().is_some() && value.is_empty() {
            return Ok(());
        }
        self.count += 1;
        match self.aggregate {
            Aggregate::Count | Aggregate::Exists => {}
            Aggregate::Min(_) => self.keep(value, Ordering::Less),
            Aggregate::Max(_) => self.keep(value, Ordering::Greater),
            Aggregate::Sum(_) | Aggregate::Average(_) => self.sum(value)?,
        }
        Ok(())
    }

    /// Whether no further record can change the result.
    pub fn is_decided(&self) -> bool {
        self.aggregate == Aggregate::Exists && self.count > 0
    }

    /// The result.
    pub fn finish(self) -> Result<Value, Failure> {
        let count = i64::try_from(self.count).map_err(|_| Failure::Overflow)?;
        match self.aggregate {
            Aggregate::Count => Ok(Value::Integer(count)),
            Aggregate::Exists => Ok(Value::Boolean(count > 0)),
            Aggregate::Min(_) | Aggregate::Max(_) => Ok(self.extreme),
            Aggregate::Average(_) if count == 0 => Ok(Value::Empty),
            Aggregate::Average(_) => self.average(count),
            Aggregate::Sum(_) => match self.numbers {
                Numbers::Whole | Numbers::None => i64::try_from(self.units).map(Value::Integer).map_err(|_| Failure::Overflow),
                Numbers::Scaled(scale) => self.exact(scale).map(Value::Decimal),
                Numbers::Float => finite(self.float),
            },
        }
    }

    fn keep(&mut self, value: &Value, wanted: Ordering) {
        if self.extreme.is_empty() || compare(value, &self.extreme) == Some(wanted) {
            self.extreme = value.clone();
        }
    }

    fn sum(&mut self, value: &Value) -> Result<(), Failure> {
        let units = match (value, self.numbers) {
            (Value::Integer(number), _) => i128::from(*number),
            (Value::Decimal(number), Numbers::Scaled(scale)) => decimal::to_scaled(*number, u32::from(scale)).ok_or(Failure::Inexact)?,
            (Value::Float(number), _) => {
                self.float += number;
                return Ok(());
            }
            _ => return Err(Failure::OutOfRange),
        };
        self.units = self.units.checked_add(units).ok_or(Failure::Overflow)?;
        Ok(())
    }

    fn exact(&self, scale: u8) -> Result<Decimal, Failure> {
        decimal::from_scaled(self.units, u32::from(scale)).ok_or(Failure::Overflow)
    }

    fn average(&self, count: i64) -> Result<Value, Failure> {
        let sum = match self.numbers {
            Numbers::Float => return finite(self.float / count as f64),
            Numbers::Scaled(scale) => self.exact(scale)?,
            Numbers::Whole | Numbers::None => self.exact(0)?,
        };
        decimal::divide(sum, Decimal::from(count)).map(Value::Decimal)
    }
}

fn finite(number: f64) -> Result<Value, Failure> {
    if number.is_finite() { Ok(Value::Float(number)) } else { Err(Failure::Overflow) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(aggregate: Aggregate, numbers: Numbers, values: &[Value]) -> Result<Value, Failure> {
        let mut accumulator = Accumulator::new(aggregate, numbers);
        values.iter().try_for_each(|value| accumulator.add(value))?;
        accumulator.finish()
    }

    fn money(units: i64) -> Value {
        Value::Decimal(Decimal::new(units, 4))
    }

    #[test]
    fn a_sum_is_exact_on_the_way_and_held_to_its_type_at_the_end() {
        let sum = Aggregate::Sum(Slot(1));
        let whole = |numbers: &[i64]| of(sum, Numbers::Whole, &numbers.iter().copied().map(Value::Integer).collect::<Vec<_>>());
        assert_eq!(whole(&[]), Ok(Value::Integer(0)));
        assert_eq!(whole(&[i64::MAX, 1, -1]), Ok(Value::Integer(i64::MAX)));
        assert_eq!(whole(&[i64::MAX, 1]), Err(Failure::Overflow));
        assert_eq!(of(sum, Numbers::Scaled(4), &[]), Ok(Value::Decimal(Decimal::ZERO)));
        assert_eq!(of(sum, Numbers::Scaled(4), &[money(1), Value::Empty, money(-3)]), Ok(money(-2)));
        assert_eq!(of(sum, Numbers::Float, &[Value::Float(f64::MAX), Value::Float(f64::MAX)]), Err(Failure::Overflow));
    }

    #[test]
    fn an_average_leaves_out_what_is_empty_and_rounds_as_a_division_does() {
        let average = Aggregate::Average(Slot(1));
        assert_eq!(of(average, Numbers::Whole, &[Value::Empty]), Ok(Value::Empty));
        let third = of(average, Numbers::Whole, &[Value::Integer(1), Value::Empty, Value::Integer(0), Value::Integer(0)]);
        assert_eq!(third, Ok(Value::Decimal(Decimal::from_str_exact("0.3333333333").unwrap())));
    }

    #[test]
    fn extremes_and_counts() {
        let texts = ["é", "Z", "a"].map(|text| Value::Text(text.into()));
        assert_eq!(of(Aggregate::Min(Slot(1)), Numbers::None, &texts), Ok(Value::Text("Z".into())));
        assert_eq!(of(Aggregate::Max(Slot(1)), Numbers::None, &texts), Ok(Value::Text("é".into())));
        assert_eq!(of(Aggregate::Max(Slot(1)), Numbers::None, &[Value::Empty]), Ok(Value::Empty));
        assert_eq!(of(Aggregate::Count, Numbers::None, &[Value::Empty, Value::Empty]), Ok(Value::Integer(2)));
        assert_eq!(of(Aggregate::Exists, Numbers::None, &[]), Ok(Value::Boolean(false)));
    }

    #[test]
    fn an_empty_value_comes_first_and_descending_last() {
        let row = |value: Value| Row::from_iter([(Slot(1), value)]);
        let (nothing, one) = (row(Value::Empty), row(Value::Integer(1)));
        let by = |descending| [Order { slot: Slot(1), descending }];
        let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(compare_records(&by(false), (second, &nothing), (first, &one)), Ordering::Less);
        assert_eq!(compare_records(&by(true), (second, &nothing), (first, &one)), Ordering::Greater);
        assert_eq!(compare_records(&by(true), (second, &one), (first, &one)), Ordering::Greater);
    }
}
