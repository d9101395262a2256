//! What has to be so of a value, turned into what has to be so of the fields and inputs that it is worked out of.

use std::ops::Neg;

use crate::check::ir::{Expr, ExprKind, Operator, Query};
use crate::schema::select::{Aggregate, Test};
use crate::value::{Decimal, EntityId, Type, Value, decimal};

use super::domain::{Bound, Need, scaled, unscaled};
use super::sketch::{Entry, Place, Time};
use super::solve::{Solved, Solver, Why, looked_through};
use super::tasks::{At, condition_ways};

/// How many records a query gets at most.
const MOST_ROWS: usize = 5;

impl Solver<'_> {
    /// Sees to it that a value is like this.
    pub fn need(&mut self, e: &Expr, need: Need, at: &At<'_>) -> Solved {
        if let Some(value) = self.known(e, at) {
            return if need.admits(&value) { Ok(()) } else { Err(self.because(e)) };
        }
        self.deeper(|solver| {
            if let Some((inner, scope)) = looked_through(e, at) {
                return solver.need(inner, need, &scope);
            }
            solver.need_of(e, need, at)
        })
    }

    fn need_of(&mut self, e: &Expr, need: Need, at: &At<'_>) -> Solved {
        match &e.kind {
            ExprKind::Old(_) if at.about.record == 0 && !at.about.before && *self.entry == Entry::Create => {
                if need.admits(&Value::Empty) {
                    Ok(())
                } else {
                    Err(self.because(e))
                }
            }
            ExprKind::Related { record, entity, slot } if need == Need::Is(Value::Empty) => {
                // Over an empty lookup everything is empty.
                let required = self.schema.field(*entity, *slot).is_some_and(|field| field.required);
                if required { self.need(record, need, at) } else { self.place(e, at).and_then(|place| self.put(place, need)) }
            }
            ExprKind::Field(_) | ExprKind::Old(_) | ExprKind::Related { .. } | ExprKind::Row { .. } | ExprKind::Input(_) => {
                let place = self.place(e, at)?;
                self.put(place, need)
            }
            ExprKind::Require(inner) | ExprKind::Convert(inner) => self.need(inner, need, at),
            ExprKind::Coalesce(left, _) => self.need(left, need, at),
            ExprKind::WithOption { operator, set, option } => self.with_option(e, (*operator, set, option), need, at),
            ExprKind::Negate(inner) => {
                self.need(inner, turned(need, |number| Some(number.neg()), true).ok_or_else(|| self.because(e))?, at)
            }
            ExprKind::Arithmetic { operator, left, right } => self.arithmetic(e, (*operator, left, right), need, at),
            ExprKind::Shift { operator, left, right } => self.shift(e, (*operator, left, right), need, at),
            ExprKind::Elapsed { later, earlier } => {
                let earlier = self.known_or_settled(earlier, at)?;
                let from = scaled(&earlier).ok_or_else(|| self.because(e))?;
                let need = turned(need, |length| length.checked_add(from), false).ok_or_else(|| self.because(e))?;
                self.need(later, need, at)
            }
            ExprKind::Call { arguments, .. } => self.call(e, arguments, &need, at),
            ExprKind::Query { aggregate, query, .. } => self.query(e, *aggregate, query, need, at),
            _ if e.ty == Type::Boolean => self.truth(e, &need, at),
            _ => Err(self.because(e)),
        }
    }

    /// A condition as a value.
    fn truth(&mut self, e: &Expr, need: &Need, at: &At<'_>) -> Solved {
        let holds = need.admits(&Value::Boolean(true));
        match condition_ways(e, holds, at).first() {
            Some(tasks) if !matches!(e.kind, ExprKind::Local(_) | ExprKind::Caller) => self.all(tasks),
            _ => Err(self.because(e)),
        }
    }

    fn arithmetic(&mut self, e: &Expr, (operator, left, right): (Operator, &Expr, &Expr), need: Need, at: &At<'_>) -> Solved {
        if self.known(left, at).is_none() && self.known(right, at).is_none() && self.settle(right, at).is_err() {
            self.settle(left, at)?;
        }
        let number = |value: Option<Value>| value.and_then(|value| scaled(&value));
        let (before, after) = (number(self.known(left, at)), number(self.known(right, at)));
        let (other, need) = match (operator, before, after) {
            (Operator::Add, _, Some(known)) => (left, turned(need, |number| decimal::subtract(number, known).ok(), false)),
            (Operator::Add, Some(known), _) => (right, turned(need, |number| decimal::subtract(number, known).ok(), false)),
            (Operator::Subtract, _, Some(known)) => (left, turned(need, |number| decimal::add(number, known).ok(), false)),
            (Operator::Subtract, Some(known), _) => (right, turned(need, |number| decimal::subtract(known, number).ok(), true)),
            (Operator::Multiply, _, Some(known)) => (left, turned(need, |number| number.checked_div(known), known.is_sign_negative())),
            (Operator::Multiply, Some(known), _) => (right, turned(need, |number| number.checked_div(known), known.is_sign_negative())),
            (Operator::Divide, _, Some(known)) => (left, turned(need, |number| number.checked_mul(known), known.is_sign_negative())),
            (Operator::Remainder, _, Some(known)) => (left, turned(need, |number| (number < known).then_some(number), false)),
            _ => (left, None),
        };
        let need = need.ok_or_else(|| self.because(e))?;
        self.need(other, need, at)
    }

    /// A date or time that is moved: what it is moved by goes to the other side.
    fn shift(&mut self, e: &Expr, (operator, left, right): (Operator, &Expr, &Expr), need: Need, at: &At<'_>) -> Solved {
        let back = match operator {
            Operator::Add => Operator::Subtract,
            Operator::Subtract => Operator::Add,
            _ => return Err(self.because(e)),
        };
        let by = self.known_or_settled(right, at)?;
        let constant = |value: Value, of: &Expr| Box::new(Expr { kind: ExprKind::Constant(value), optional: false, ..of.clone() });
        let need = turned(
            need,
            |number| {
                let value = unscaled(number, &e.ty)?;
                let moved = ExprKind::Shift { operator: back, left: constant(value, left), right: constant(by.clone(), right) };
                scaled(&self.known(&Expr { kind: moved, ..e.clone() }, at)?)
            },
            false,
        );
        self.need(left, need.ok_or_else(|| self.because(e))?, at)
    }

    /// A set with an option put in or taken out.
    fn with_option(&mut self, e: &Expr, (operator, set, option): (Operator, &Expr, &Expr), need: Need, at: &At<'_>) -> Solved {
        let Value::Choice(own) = self.known_or_settled(option, at)? else { return Err(self.because(e)) };
        let there = operator == Operator::Add;
        match need {
            Need::Has(code) if code == own => {
                if there {
                    Ok(())
                } else {
                    Err(self.because(e))
                }
            }
            Need::Lacks(code) if code == own => {
                if there {
                    Err(self.because(e))
                } else {
                    Ok(())
                }
            }
            Need::Has(_) | Need::Lacks(_) => self.need(set, need, at),
            _ => Err(self.because(e)),
        }
    }

    /// A function: of some values for the argument that isn't known, one that gives what is needed.
    fn call(&mut self, e: &Expr, arguments: &[Expr], need: &Need, at: &At<'_>) -> Solved {
        let open: Vec<usize> =
            (0..arguments.len()).filter(|place| arguments.get(*place).is_some_and(|part| self.known(part, at).is_none())).collect();
        let Some((first, rest)) = open.split_first() else { return Err(self.because(e)) };
        for place in rest {
            arguments.get(*place).map_or(Ok(()), |part| self.settle(part, at))?;
        }
        let Some(argument) = arguments.get(*first) else { return Err(self.because(e)) };
        for value in tried(&argument.ty, need) {
            let mut parts = arguments.to_vec();
            if let Some(part) = parts.get_mut(*first) {
                part.kind = ExprKind::Constant(value.clone());
                part.optional = false;
            }
            let called = with_parts(e, parts).and_then(|called| self.known(&called, at));
            if called.is_some_and(|given| need.admits(&given)) {
                let is = Need::Is(value);
                let before = self.sketch.clone();
                if self.need(argument, is, at).is_ok() {
                    return Ok(());
                }
                self.sketch = before;
            }
        }
        Err(self.because(e))
    }

    /// A query: as many records as it takes.
    fn query(&mut self, e: &Expr, aggregate: Aggregate, query: &Query, need: Need, at: &At<'_>) -> Solved {
        let rows = match aggregate {
            Aggregate::Exists => usize::from(need.admits(&Value::Boolean(true))),
            Aggregate::Count => {
                let mut counts = 0..=MOST_ROWS;
                counts.find(|count| need.admits(&Value::Integer(*count as i64))).ok_or_else(|| self.because(e))?
            }
            _ if need.admits(&Value::Empty) => 0,
            Aggregate::Sum(_) if need.admits(&Value::Decimal(Decimal::ZERO)) => 0,
            _ => 1,
        };
        for _ in 0..rows {
            let row = self.row_of(query, at)?;
            if let Some(slot) = aggregate.slot() {
                self.put(Place::Field(row, Time::Before, slot), need.clone())?;
            }
        }
        Ok(())
    }

    /// A record that a query takes.
    pub fn row_of(&mut self, query: &Query, at: &At<'_>) -> Solved<usize> {
        let row = self.new_record(query.entity)?;
        for condition in &query.conditions {
            let place = Place::Field(row, Time::Before, condition.slot);
            if matches!(condition.value.ty, Type::Lookup(_)) && self.known(&condition.value, at).is_none() {
                let record = self.record(&condition.value, at)?;
                if condition.test == Test::Equal {
                    self.put(place, Need::Record(record))?;
                }
                continue;
            }
            let value = self.known_or_settled(&condition.value, at)?;
            let bound = scaled(&value).ok_or_else(|| self.because(&condition.value));
            let need = match condition.test {
                Test::Equal => Need::Is(value),
                Test::NotEqual => Need::Not(value),
                Test::Less => Need::Below(bound?, Bound::Excluded),
                Test::AtMost => Need::Below(bound?, Bound::Included),
                Test::Greater => Need::Above(bound?, Bound::Excluded),
                Test::AtLeast => Need::Above(bound?, Bound::Included),
            };
            self.put(place, need)?;
        }
        if let Some(filter) = &query.filter {
            let outer = self.row.replace(row);
            let done = condition_ways(filter, true, at).first().map_or(Ok(()), |tasks| self.all(tasks));
            self.row = outer;
            done?;
        }
        Ok(row)
    }

    fn new_record(&mut self, entity: EntityId) -> Solved<usize> {
        self.sketch.record(entity).ok_or_else(|| Why::Said("it takes too many records".to_owned()))
    }

    /// The record that a lookup refers to, which comes to be where nobody has asked for it before.
    pub fn record(&mut self, e: &Expr, at: &At<'_>) -> Solved<usize> {
        if let Some((inner, scope)) = looked_through(e, at) {
            return self.deeper(|solver| solver.record(inner, &scope));
        }
        match &e.kind {
            ExprKind::This => Ok(at.about.record),
            ExprKind::Require(inner) | ExprKind::Convert(inner) | ExprKind::Coalesce(inner, _) => self.record(inner, at),
            ExprKind::Local(local) => self.rows.get(local).copied().ok_or_else(|| self.because(e)),
            ExprKind::ByKey { entity, values } => {
                let record = self.new_record(*entity)?;
                for (slot, value) in values {
                    let value = self.known_or_settled(value, at)?;
                    self.put(Place::Field(record, Time::Before, *slot), Need::Is(value))?;
                }
                Ok(record)
            }
            _ => {
                let place = self.place(e, at)?;
                self.filled(place)
            }
        }
    }

    /// The record in a lookup's place.
    pub fn filled(&mut self, place: Place) -> Solved<usize> {
        if let Some(record) = self.sketch.domain(place).and_then(|domain| domain.record()) {
            return Ok(record);
        }
        let entity = match self.field(place).map(|field| field.ty) {
            Some(Type::Lookup(targets)) => targets.first().copied(),
            _ => None,
        };
        let record = self.new_record(entity.ok_or_else(|| Why::Said("there is no such lookup".to_owned()))?)?;
        self.put(place, Need::Record(record))?;
        Ok(record)
    }

    /// Where a value stands; the records on the way come to be.
    pub fn place(&mut self, e: &Expr, at: &At<'_>) -> Solved<Place> {
        if let ExprKind::Related { record, slot, .. } = &e.kind {
            if matches!(record.kind, ExprKind::Caller) {
                return Err(self.because(e));
            }
            let record = self.record(record, at)?;
            return Ok(Place::Field(record, Time::Before, *slot));
        }
        self.seen(e, at).ok_or_else(|| self.because(e))
    }

    /// Where a value stands, where all records on the way are there.
    pub fn seen(&self, e: &Expr, at: &At<'_>) -> Option<Place> {
        let own = at.about.record;
        match &e.kind {
            ExprKind::Input(input) => Some(Place::Input(*input)),
            ExprKind::Row { slot, .. } => self.row.map(|row| Place::Field(row, Time::Before, *slot)),
            ExprKind::Related { record, slot, .. } => Some(Place::Field(self.seen_record(record, at)?, Time::Before, *slot)),
            ExprKind::Old(slot) if own == 0 && !at.about.before && *self.entry != Entry::Create => {
                Some(Place::Field(0, Time::Before, *slot))
            }
            ExprKind::Field(slot) => {
                let submits = match (&self.entry, &self.submitted) {
                    (Entry::Create, _) | (Entry::Update(_), None) => true,
                    (Entry::Update(_), Some(fields)) => fields.contains(*slot),
                    _ => false,
                };
                let time = if own == 0 && !at.about.before && submits { Time::Now } else { Time::Before };
                Some(Place::Field(own, time, *slot))
            }
            _ => None,
        }
    }

    fn seen_record(&self, e: &Expr, at: &At<'_>) -> Option<usize> {
        match &e.kind {
            ExprKind::This => Some(at.about.record),
            ExprKind::Require(inner) | ExprKind::Convert(inner) | ExprKind::Coalesce(inner, _) => self.seen_record(inner, at),
            ExprKind::Local(local) if at.goes_on() => match looked_through(e, at) {
                Some((value, scope)) => self.seen_record(value, &scope),
                None => self.rows.get(local).copied(),
            },
            _ => self.sketch.domain(self.seen(e, at)?)?.record(),
        }
    }
}

/// A need of a number, as one of the number that it is worked out of; the bounds change places where that falls as it grows.
fn turned(need: Need, mut turn: impl FnMut(Decimal) -> Option<Decimal>, falls: bool) -> Option<Need> {
    Some(match need {
        Need::Is(value) => Need::Is(Value::Decimal(turn(scaled(&value)?)?)),
        Need::Not(value) => Need::Not(Value::Decimal(turn(scaled(&value)?)?)),
        Need::Below(bound, how) if falls => Need::Above(turn(bound)?, how),
        Need::Above(bound, how) if falls => Need::Below(turn(bound)?, how),
        Need::Below(bound, how) => Need::Below(turn(bound)?, how),
        Need::Above(bound, how) => Need::Above(turn(bound)?, how),
        Need::Filled => Need::Filled,
        _ => return None,
    })
}

/// Values for the argument of a function.
fn tried(ty: &Type, need: &Need) -> Vec<Value> {
    let asked = match need {
        Need::Is(value) | Need::Not(value) => scaled(value),
        Need::Below(bound, _) | Need::Above(bound, _) => Some(*bound),
        _ => None,
    };
    let near = asked.into_iter().flat_map(|number| [Some(number), number.checked_add(Decimal::ONE), number.checked_sub(Decimal::ONE)]);
    let mut numbers: Vec<Decimal> = near.flatten().collect();
    match ty {
        Type::Text => {
            let own = match need {
                Need::Is(Value::Text(text)) | Need::Within(text) | Need::Starts(text) | Need::Ends(text) => Some(text.clone()),
                _ => None,
            };
            let long = numbers.iter().filter_map(|number| usize::try_from(*number).ok()).filter(|length| *length <= 4_000);
            let long = long.map(|length| "x".repeat(length).into());
            return own.into_iter().chain(["x", "other"].map(Into::into)).chain(long).map(Value::Text).collect();
        }
        Type::Date | Type::DateTime | Type::LocalDateTime => {
            let first = |year: i64, month: i8, day: i8| {
                let date = jiff::civil::Date::new(i16::try_from(year).ok()?, month, day).ok()?;
                let days = scaled(&Value::Date(date))?;
                if *ty == Type::Date { Some(days) } else { days.checked_mul(Decimal::from(86_400_000_000_i64)) }
            };
            let year = asked.and_then(|year| i64::try_from(year).ok()).filter(|year| (1_900..2_200).contains(year));
            let hours = (0..24).filter_map(|hour| first(2026, 1, 1)?.checked_add(Decimal::from(hour * 3_600_000_000_i64)));
            let months = (1..=12).filter_map(|month| first(2026, month, 1));
            let days = (1..=31).filter_map(|day| first(2026, 1, day));
            let years = year.into_iter().flat_map(|year| [year, year + 1, year - 1]).filter_map(|year| first(year, 1, 1));
            let hours: Vec<Decimal> = if *ty == Type::Date { Vec::new() } else { hours.collect() };
            numbers = years.chain(months).chain(days).chain(hours).collect();
        }
        _ => numbers.push(Decimal::ONE),
    }
    numbers.into_iter().filter_map(|number| unscaled(number, ty)).collect()
}

/// The expression made of other parts, in the order in which it shows its own; none of a kind that isn't made of values.
pub(super) fn with_parts(e: &Expr, parts: Vec<Expr>) -> Option<Expr> {
    let mut parts = parts.into_iter();
    let mut part = || parts.next().map(Box::new);
    let kind = match &e.kind {
        ExprKind::Constant(value) => ExprKind::Constant(value.clone()),
        ExprKind::Now => ExprKind::Now,
        ExprKind::Today => ExprKind::Today,
        ExprKind::Require(_) => ExprKind::Require(part()?),
        ExprKind::Convert(_) => ExprKind::Convert(part()?),
        ExprKind::Not(_) => ExprKind::Not(part()?),
        ExprKind::IsEmpty(_) => ExprKind::IsEmpty(part()?),
        ExprKind::Negate(_) => ExprKind::Negate(part()?),
        ExprKind::ToText(_) => ExprKind::ToText(part()?),
        ExprKind::And(..) => ExprKind::And(part()?, part()?),
        ExprKind::Or(..) => ExprKind::Or(part()?, part()?),
        ExprKind::Coalesce(..) => ExprKind::Coalesce(part()?, part()?),
        ExprKind::Compare { comparison, .. } => ExprKind::Compare { comparison: *comparison, left: part()?, right: part()? },
        ExprKind::Contains { test, .. } => ExprKind::Contains { test: *test, left: part()?, right: part()? },
        ExprKind::Arithmetic { operator, .. } => ExprKind::Arithmetic { operator: *operator, left: part()?, right: part()? },
        ExprKind::Shift { operator, .. } => ExprKind::Shift { operator: *operator, left: part()?, right: part()? },
        ExprKind::WithOption { operator, .. } => ExprKind::WithOption { operator: *operator, set: part()?, option: part()? },
        ExprKind::Elapsed { .. } => ExprKind::Elapsed { later: part()?, earlier: part()? },
        ExprKind::Between { .. } => ExprKind::Between { value: part()?, low: part()?, high: part()? },
        ExprKind::In { .. } => ExprKind::In { value: part()?, list: parts.collect() },
        ExprKind::Call { function, .. } => ExprKind::Call { function, arguments: parts.collect() },
        ExprKind::Concat(_) => ExprKind::Concat(parts.collect()),
        _ => return None,
    };
    Some(Expr { kind, ..e.clone() })
}
