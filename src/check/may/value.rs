//! What a value may be, seen over all runs at once: empty or not, a range of numbers, one of a few constants, a text of
//! some length. Always at least what it can be in truth; where nothing is known, anything.

use std::cmp::Ordering;

use crate::schema::{Field, Schema, natural_range};
use crate::value::{Decimal, Type, Value};

/// How many constants are told apart.
const MOST: usize = 64;

/// What a value may be.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::check) struct May {
    /// Whether it may be empty.
    pub empty: bool,
    /// What it may be where it isn't.
    pub full: Full,
}

/// What a value that isn't empty may be.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::check) enum Full {
    /// It is never full.
    Never,
    /// A number between two, both included; it may be known not to be zero.
    Number { low: Decimal, high: Decimal, not_zero: bool },
    /// One of these.
    Among(Vec<Value>),
    /// A text of at most so many characters.
    Text { most: u64 },
    /// Anything.
    Any,
}

impl May {
    /// What nothing is known of.
    pub const ANYTHING: May = May { empty: true, full: Full::Any };
    /// No value at all: what is here is never reached.
    pub const NOTHING: May = May { empty: false, full: Full::Never };
    /// Empty, and nothing else.
    pub const EMPTY: May = May { empty: true, full: Full::Never };

    pub fn constant(value: &Value) -> May {
        let full = match value {
            Value::Empty => return May::EMPTY,
            Value::Integer(whole) => Full::exactly(Decimal::from(*whole)),
            Value::Decimal(number) => Full::exactly(*number),
            Value::Boolean(_) | Value::Text(_) | Value::Choice(_) => Full::Among(vec![value.clone()]),
            Value::Date(_) | Value::DateTime(_) | Value::LocalDateTime(_) => Full::Among(vec![value.clone()]),
            _ => Full::Any,
        };
        May { empty: false, full }
    }

    pub fn truth(yes: bool, no: bool) -> May {
        let both = [(yes, true), (no, false)];
        let values = both.into_iter().filter(|(may, _)| *may).map(|(_, truth)| Value::Boolean(truth)).collect();
        May { empty: false, full: Full::Among(values) }
    }

    /// A value of a type. A decimal on the way has as many digits as there can be.
    pub fn typed(ty: &Type, empty: bool, schema: &Schema) -> May {
        let full = match ty {
            Type::Integer | Type::BigInt => natural_range(ty).map_or(Full::Any, |(low, high)| Full::between(low, high)),
            Type::Decimal(_) | Type::Money(_) => Full::between(-most_digits(), most_digits()),
            Type::Boolean => May::truth(true, true).full,
            Type::Text => Full::Text { most: u64::MAX },
            Type::Choice(choice) => match schema.choice(*choice) {
                Some(choice) if choice.options.len() <= MOST => {
                    Full::Among(choice.options.iter().map(|option| Value::Choice(option.code)).collect())
                }
                _ => Full::Any,
            },
            _ => Full::Any,
        };
        May { empty, full }
    }

    /// A value of a field.
    pub fn of_field(field: &Field, empty: bool, schema: &Schema) -> May {
        let full = match (&field.ty, field.range, field.max_length) {
            (Type::Text, _, Some(most)) => Full::Text { most: most.into() },
            (Type::Integer | Type::BigInt | Type::Decimal(_) | Type::Money(_), Some((low, high)), _) => Full::between(low, high),
            (ty, ..) => return May::typed(ty, empty, schema),
        };
        May { empty, full }
    }

    /// Whether no value is left.
    pub fn is_nothing(&self) -> bool {
        !self.empty && self.full == Full::Never
    }

    /// Never empty.
    pub fn needed(mut self) -> May {
        self.empty = false;
        self
    }

    /// The one constant that it is, where it is one.
    pub fn only(&self) -> Option<Value> {
        match &self.full {
            Full::Never if self.empty => Some(Value::Empty),
            Full::Number { low, high, .. } if low == high && !self.empty => Some(Value::Decimal(*low)),
            Full::Among(values) if !self.empty => match values.as_slice() {
                [only] => Some(only.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    /// Either of two.
    pub fn join(&self, other: &May) -> May {
        May { empty: self.empty || other.empty, full: self.full.join(&other.full) }
    }

    /// What both may be.
    pub fn meet(&self, other: &May) -> May {
        May { empty: self.empty && other.empty, full: self.full.meet(&other.full) }
    }

    /// Without what is surely that one constant.
    pub fn without(mut self, other: &May) -> May {
        match (other.only(), &mut self.full) {
            (Some(Value::Empty), _) => self.empty = false,
            (Some(Value::Decimal(number)), Full::Number { not_zero, .. }) if number.is_zero() => *not_zero = true,
            (Some(Value::Decimal(number)), Full::Number { low, high, .. }) if *low == *high && number == *low => self.full = Full::Never,
            (Some(value), Full::Among(values)) => values.retain(|other| *other != value),
            _ => {}
        }
        self.full = self.full.settled();
        self
    }

    /// Whether both may hold the same; empty is the same as empty.
    pub fn may_equal(&self, other: &May) -> bool {
        !self.meet(other).is_nothing()
    }

    /// Whether the two may differ.
    pub fn may_differ(&self, other: &May) -> bool {
        match (self.only(), other.only()) {
            (Some(one), Some(two)) => one != two,
            _ => true,
        }
    }

    /// Whether one may stand in this order to the other; neither is empty then.
    pub fn may_be(&self, order: Ordering, or_equal: bool, other: &May) -> bool {
        let wanted = |found: Ordering| found == order || (or_equal && found == Ordering::Equal);
        match (&self.full, &other.full) {
            (Full::Never, _) | (_, Full::Never) => false,
            (Full::Number { low, high, .. }, Full::Number { low: other_low, high: other_high, .. }) => match order {
                Ordering::Less => low < other_high || (or_equal && low == other_high),
                _ => high > other_low || (or_equal && high == other_low),
            },
            (Full::Among(one), Full::Among(two)) => one.iter().any(|left| two.iter().any(|right| compare(left, right).is_none_or(wanted))),
            _ => true,
        }
    }
}

impl Full {
    pub fn exactly(number: Decimal) -> Full {
        Full::between(number, number)
    }

    pub fn between(low: Decimal, high: Decimal) -> Full {
        Full::Number { low, high, not_zero: low > Decimal::ZERO || high < Decimal::ZERO }
    }

    /// The least and the greatest number, where it is one.
    pub fn bounds(&self) -> Option<(Decimal, Decimal)> {
        if let Full::Number { low, high, .. } = self { Some((*low, *high)) } else { None }
    }

    /// How many characters it has at most, as a text.
    pub fn length(&self) -> u64 {
        match self {
            Full::Never => 0,
            Full::Text { most } => *most,
            Full::Among(values) => {
                values.iter().map(|value| value.as_text().map_or(u64::MAX, |text| text.chars().count() as u64)).max().unwrap_or(0)
            }
            _ => u64::MAX,
        }
    }

    fn join(&self, other: &Full) -> Full {
        match (self, other) {
            (Full::Never, one) | (one, Full::Never) => one.clone(),
            (Full::Number { low, high, not_zero }, Full::Number { low: low2, high: high2, not_zero: not_zero2 }) => {
                Full::Number { low: *low.min(low2), high: *high.max(high2), not_zero: *not_zero && *not_zero2 }
            }
            (Full::Among(one), Full::Among(two)) => {
                let mut all = one.clone();
                all.extend(two.iter().filter(|value| !one.contains(value)).cloned());
                if all.len() <= MOST { Full::Among(all) } else { Full::Among(all).blurred() }
            }
            (Full::Text { .. } | Full::Among(_), Full::Text { .. } | Full::Among(_)) => {
                Full::Text { most: self.length().max(other.length()) }.blurred()
            }
            _ => Full::Any,
        }
    }

    fn meet(&self, other: &Full) -> Full {
        match (self, other) {
            (Full::Any, one) | (one, Full::Any) => one.clone(),
            (Full::Number { low, high, not_zero }, Full::Number { low: low2, high: high2, not_zero: not_zero2 }) => {
                Full::Number { low: *low.max(low2), high: *high.min(high2), not_zero: *not_zero || *not_zero2 }.settled()
            }
            (Full::Among(one), Full::Among(two)) => {
                Full::Among(one.iter().filter(|value| two.contains(value)).cloned().collect()).settled()
            }
            (Full::Text { most }, Full::Text { most: other }) => Full::Text { most: *most.min(other) },
            (Full::Among(values), Full::Text { most }) | (Full::Text { most }, Full::Among(values)) => {
                let fits = |value: &&Value| value.as_text().is_none_or(|text| text.chars().count() as u64 <= *most);
                Full::Among(values.iter().filter(fits).cloned().collect()).settled()
            }
            (Full::Never, _) | (_, Full::Never) => Full::Never,
            // Of two kinds: one side says nothing that the other could use.
            (one, _) => one.clone(),
        }
    }

    /// Never, where nothing is left.
    fn settled(&self) -> Full {
        match self {
            Full::Number { low, high, not_zero } if low > high || (*not_zero && low.is_zero() && high.is_zero()) => Full::Never,
            Full::Among(values) if values.is_empty() => Full::Never,
            other => other.clone(),
        }
    }

    /// Texts by their lengths alone; anything where they are no texts.
    fn blurred(self) -> Full {
        match self.length() {
            u64::MAX if !matches!(self, Full::Text { .. }) => Full::Any,
            most => Full::Text { most },
        }
    }
}

/// The first number with more digits than there can be: 10²⁸.
pub(super) fn most_digits() -> Decimal {
    Decimal::from_i128_with_scale(10_i128.pow(28), 0)
}

fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Text(one), Value::Text(other)) => Some(one.cmp(other)),
        (Value::Date(one), Value::Date(other)) => Some(one.cmp(other)),
        (Value::DateTime(one), Value::DateTime(other)) => Some(one.cmp(other)),
        (Value::LocalDateTime(one), Value::LocalDateTime(other)) => Some(one.cmp(other)),
        _ => None,
    }
}
