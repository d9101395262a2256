//! What a value has to be like, added up, and a plain value that is so.
//!
//! Numbers, dates and times are told by a number: whole days, whole microseconds. What was added need not go together: then there is no value.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use smol_str::SmolStr;

use crate::schema::{Field, Schema};
use crate::value::{Decimal, Type, Value, time};

/// Something that has to be so of a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Need {
    /// It is this one; `Value::Empty` for none.
    Is(Value),
    /// It isn't this one.
    Not(Value),
    /// It is there.
    Filled,
    /// It is less, or at most this.
    Below(Decimal, Bound),
    /// It is greater, or at least this.
    Above(Decimal, Bound),
    /// A text comes before this one, or behind it, by code point.
    Beside(Ordering, SmolStr),
    /// A text has this in it.
    Within(SmolStr),
    /// A text begins with this.
    Starts(SmolStr),
    /// A text ends with this.
    Ends(SmolStr),
    /// A text has none of these in it.
    Without(SmolStr),
    /// A set has an option.
    Has(i32),
    /// It doesn't.
    Lacks(i32),
    /// It refers to the record with this number in a sketch.
    Record(usize),
}

/// Whether a bound is one of the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Included,
    Excluded,
}

/// What a value has to be like.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Domain(Vec<Need>);

impl Domain {
    /// One more that has to be so.
    pub fn add(&mut self, need: Need) {
        if !self.0.contains(&need) {
            self.0.push(need);
        }
    }

    /// Whether nothing is asked.
    pub fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// The value, where only one will do.
    pub fn fixed(&self) -> Option<&Value> {
        self.0.iter().find_map(|need| if let Need::Is(value) = need { Some(value) } else { None })
    }

    /// The record that it refers to.
    pub fn record(&self) -> Option<usize> {
        self.0.iter().find_map(|need| if let Need::Record(record) = need { Some(*record) } else { None })
    }

    /// A value for a field; `number` makes a plain text another one. None where there is none that was found.
    pub fn value(&self, field: &Field, schema: &Schema, number: usize) -> Option<Value> {
        let is = self.fixed().map(|is| scaled(is).and_then(|number| unscaled(number, &field.ty)).unwrap_or_else(|| is.clone()));
        let fits = |value: &Value| self.admits(value) && (value.is_empty() || field.admit(value.clone(), schema).is_ok());
        match is {
            Some(is) => Some(is).filter(fits),
            None => self.candidates(field, schema, number).into_iter().chain([Value::Empty]).find(fits),
        }
    }

    /// Whether a value is like that.
    pub fn admits(&self, value: &Value) -> bool {
        self.0.iter().all(|need| need.admits(value))
    }

    /// Values among which one that fits is looked for, plain ones first.
    fn candidates(&self, field: &Field, schema: &Schema, number: usize) -> Vec<Value> {
        match &field.ty {
            Type::Boolean => vec![Value::Boolean(true), Value::Boolean(false)],
            Type::Choice(id) => {
                schema.choice(*id).iter().flat_map(|choice| &choice.options).map(|option| Value::Choice(option.code)).collect()
            }
            Type::Choices(id) => {
                let has = |code: i32| self.0.contains(&Need::Has(code));
                let lacks = |code: i32| self.0.contains(&Need::Lacks(code));
                let codes: Vec<i32> = schema.choice(*id).iter().flat_map(|choice| &choice.options).map(|option| option.code).collect();
                let mut least: Vec<i32> = codes.iter().copied().filter(|code| has(*code)).collect();
                least.sort_unstable();
                let one = codes.iter().copied().filter(|code| !lacks(*code)).map(|code| Value::Choices([code].into()));
                [Value::Choices(least.into())].into_iter().filter(|set| *set != Value::Choices([].into())).chain(one).collect()
            }
            Type::Text => self.texts(field, number),
            ty => self.numbers(field).into_iter().filter_map(|number| unscaled(number, ty)).collect(),
        }
    }

    fn texts(&self, field: &Field, number: usize) -> Vec<Value> {
        let part = |of: fn(&Need) -> Option<&SmolStr>| self.0.iter().filter_map(of).map(SmolStr::as_str).collect::<Vec<_>>().join("");
        let starts = part(|need| if let Need::Starts(text) = need { Some(text) } else { None });
        let within = part(|need| if let Need::Within(text) = need { Some(text) } else { None });
        let ends = part(|need| if let Need::Ends(text) = need { Some(text) } else { None });
        let longest = field.max_length.unwrap_or(100) as usize;
        let plain = |number: usize| match format!("{} {number}", field.name) {
            long if long.chars().count() > longest => number.to_string().chars().take(longest).collect(),
            plain => plain,
        };
        let asked = format!("{starts}{within}{ends}");
        let behind = self.0.iter().filter_map(|need| if let Need::Beside(_, other) = need { Some(format!("{other}x")) } else { None });
        let own = if asked.is_empty() { Vec::new() } else { vec![asked] };
        let texts = own.into_iter().chain((number..number + 4).map(plain)).chain(behind).chain(["x", "y", "0"].map(str::to_owned));
        texts.map(|text| Value::Text(text.into())).collect()
    }

    /// Numbers within the bounds, and beside what it may not be.
    fn numbers(&self, field: &Field) -> Vec<Decimal> {
        let step = step(&field.ty);
        let (mut low, mut high) = (field.range.map(|(low, _)| low), field.range.map(|(_, high)| high));
        for need in &self.0 {
            match need {
                Need::Above(bound, how) => {
                    let first = least(*bound, step, *how);
                    low = Some(low.map_or(first, |low| low.max(first)));
                }
                Need::Below(bound, how) => {
                    let last = greatest(*bound, step, *how);
                    high = Some(high.map_or(last, |high| high.min(last)));
                }
                _ => {}
            }
        }
        let plain = plain(&field.ty);
        let start = match (low, high) {
            (Some(low), _) if plain < low => low,
            (_, Some(high)) if plain > high => high,
            _ => plain,
        };
        // Whole numbers read better, where there is room for one.
        let whole = [start.ceil(), start.floor()].into_iter().filter(|_| step < Decimal::ONE);
        let up = (0..6).filter_map(|times| start.checked_add(step.checked_mul(Decimal::from(times))?));
        let down = (1..6).filter_map(|times| start.checked_sub(step.checked_mul(Decimal::from(times))?));
        whole.chain(up).chain(down).collect()
    }
}

impl Need {
    /// Whether it is so of a value.
    pub fn admits(&self, value: &Value) -> bool {
        let order = |bound: &Decimal| scaled(value).map(|number| number.cmp(bound));
        let text = || value.as_text();
        match self {
            Need::Is(is) => same(value, is),
            Need::Not(not) => !same(value, not),
            Need::Filled => !value.is_empty(),
            Need::Below(bound, how) => order(bound).is_some_and(|order| within(order, Ordering::Less, *how)),
            Need::Above(bound, how) => order(bound).is_some_and(|order| within(order, Ordering::Greater, *how)),
            Need::Beside(order, other) => text().is_some_and(|text| text.cmp(other.as_str()) == *order),
            Need::Within(part) => text().is_some_and(|text| text.contains(part.as_str())),
            Need::Starts(part) => text().is_some_and(|text| text.starts_with(part.as_str())),
            Need::Ends(part) => text().is_some_and(|text| text.ends_with(part.as_str())),
            Need::Without(part) => text().is_none_or(|text| !text.contains(part.as_str())),
            Need::Has(code) => matches!(value, Value::Choices(codes) if codes.contains(code)),
            Need::Lacks(code) => !matches!(value, Value::Choices(codes) if codes.contains(code)),
            Need::Record(_) => false,
        }
    }
}

fn within(order: Ordering, side: Ordering, how: Bound) -> bool {
    order == side || order == Ordering::Equal && how == Bound::Included
}

/// Numbers of different forms may be the same.
fn same(one: &Value, other: &Value) -> bool {
    one == other || scaled(one).zip(scaled(other)).is_some_and(|(one, other)| one == other)
}

/// The least number on the grid of a type that a bound lets in.
fn least(bound: Decimal, step: Decimal, how: Bound) -> Decimal {
    let on = bound.checked_div(step).and_then(|times| times.ceil().checked_mul(step)).unwrap_or(bound);
    if on == bound && how == Bound::Excluded { on.checked_add(step).unwrap_or(on) } else { on }
}

fn greatest(bound: Decimal, step: Decimal, how: Bound) -> Decimal {
    let on = bound.checked_div(step).and_then(|times| times.floor().checked_mul(step)).unwrap_or(bound);
    if on == bound && how == Bound::Excluded { on.checked_sub(step).unwrap_or(on) } else { on }
}

/// By how much the values of a type go on: its last digit, a day, a minute.
fn step(ty: &Type) -> Decimal {
    match ty {
        Type::Decimal(scale) | Type::Money(scale) => Decimal::new(1, u32::from(*scale)),
        Type::DateTime | Type::LocalDateTime => Decimal::from(MINUTE),
        _ => Decimal::ONE,
    }
}

/// What a value is where nothing is asked: 1, the first of January 2026.
pub(super) fn plain(ty: &Type) -> Decimal {
    match ty {
        Type::Date => Decimal::from(DAYS),
        Type::DateTime | Type::LocalDateTime => Decimal::from(DAYS * DAY),
        _ => Decimal::ONE,
    }
}

/// A minute and a day in microseconds.
const MINUTE: i64 = 60_000_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// From 1970-01-01 to 2026-01-01.
const DAYS: i64 = 20_454;

/// The number by which a value is told.
pub(super) fn scaled(value: &Value) -> Option<Decimal> {
    match value {
        Value::Integer(number) => Some(Decimal::from(*number)),
        Value::Decimal(number) => Some(*number),
        Value::Date(date) => Some(Decimal::from(time::days_between(Date::constant(1970, 1, 1), *date))),
        Value::DateTime(time) => Some(Decimal::from(time.as_microsecond())),
        Value::LocalDateTime(time) => Some(Decimal::from(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_microsecond())),
        Value::Duration(length) if length.months == 0 => {
            Decimal::from(i64::from(length.days).checked_mul(DAY)?).checked_add(Decimal::from(length.micros))
        }
        _ => None,
    }
}

/// The value of a type that a number tells.
pub(super) fn unscaled(number: Decimal, ty: &Type) -> Option<Value> {
    let whole = || i64::try_from(number.round()).ok();
    let time = || Timestamp::from_microsecond(whole()?).ok();
    match ty {
        Type::Integer | Type::BigInt => whole().map(Value::Integer),
        Type::Decimal(_) | Type::Money(_) => Some(Value::Decimal(number.normalize())),
        Type::Date => {
            let midnight = Timestamp::from_second(whole()?.checked_mul(86_400)?).ok()?;
            Some(Value::Date(midnight.to_zoned(TimeZone::UTC).date()))
        }
        Type::DateTime => time().map(Value::DateTime),
        Type::LocalDateTime => Some(Value::LocalDateTime(time()?.to_zoned(TimeZone::UTC).datetime())),
        _ => None,
    }
}
