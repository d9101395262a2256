//! Selections as SQL. Values are bound, never written into the text; where a column can't hold a value that it is
//! compared with (more decimals, a number beyond 64 bits), the comparison is turned into one that gives the same answer.

use std::cmp::Ordering;
use std::fmt::Write;

use rusqlite::{CachedStatement, Connection, StatementStatus};

use super::encode::{self, in_order};
use super::failure::failure;
use super::kind::Kind;
use super::table::{Column, Table};
use super::{Sqlite, decode, table};
use crate::schema::select::{Accumulator, Aggregate, Condition, Numbers, Selection, Test};
use crate::schema::{FieldSet, PRIMARY_KEY, Row};
use crate::store::StoreError;
use crate::value::{Decimal, Slot, Uuid, Value};

/// A `WHERE` and what is bound in it, in order.
#[derive(Default)]
struct Filter<'s> {
    parts: Vec<String>,
    bound: Vec<Bound<'s>>,
}

/// A parameter of the statement, or the two of a lookup to several entities.
enum Bound<'s> {
    /// As the field's column holds the value.
    Field(Slot, &'s Value),
    /// In units of a decimal's last digit.
    Units(i64),
    /// The same, in bytes.
    LongUnits(i128),
    /// A number of somebody's own column.
    Real(f64),
    /// How many records at most.
    Limit(i64),
}

impl Sqlite {
    pub(super) fn selected(&mut self, selection: &Selection, fields: &FieldSet) -> Result<Vec<(Uuid, Row)>, StoreError> {
        let table = table(&self.tables, selection.entity)?;
        let mut columns = String::new();
        for slot in fields.iter().filter(|slot| *slot != PRIMARY_KEY || table.mapped.is_none()) {
            let column = table.column(slot)?;
            let _ = write!(columns, ", {}", column.quoted);
            column.entity.iter().for_each(|entity| columns.push_str(&format!(", {entity}")));
        }
        let mut filter = Filter::of(table, selection)?;
        let key = &table.key;
        let mut text = format!("SELECT {key}{columns} FROM {}{} ORDER BY ", table.quoted, filter.text());
        for order in &selection.order {
            let _ = write!(text, "{}{}, ", table.column(order.slot)?.compared, if order.descending { " DESC" } else { "" });
        }
        text.push_str(key);
        if let Some(limit) = selection.limit {
            text.push_str(" LIMIT ?");
            filter.bound.push(Bound::Limit(i64::try_from(limit).unwrap_or(i64::MAX)));
        }
        let mut statement = filter.prepare(&self.connection, table, &text)?;
        let mut rows = statement.raw_query();
        let mut found = Vec::new();
        let mut size = 0;
        while let Some(row) = rows.next().map_err(failure)? {
            let id = decode::id(&self.connection, table, row)?;
            let row = decode::row(&self.connection, table, id, fields, row, table.identity.len())?;
            size += row.size();
            if size > self.room {
                return Err(StoreError::TooLarge(self.room));
            }
            found.push((id, row));
        }
        drop(rows);
        self.work += steps(&statement);
        Ok(found)
    }

    pub(super) fn aggregated(&mut self, selection: &Selection, aggregate: Aggregate) -> Result<Value, StoreError> {
        let table = table(&self.tables, selection.entity)?;
        let mut filter = Filter::of(table, selection)?;
        let Some(slot) = aggregate.slot() else {
            let text = match aggregate {
                Aggregate::Exists => format!("SELECT EXISTS (SELECT 1 FROM {}{})", table.quoted, filter.text()),
                _ => format!("SELECT count(*) FROM {}{}", table.quoted, filter.text()),
            };
            let mut statement = filter.prepare(&self.connection, table, &text)?;
            let mut rows = statement.raw_query();
            let number: i64 = match rows.next().map_err(failure)? {
                Some(row) => row.get(0).map_err(failure)?,
                None => 0,
            };
            drop(rows);
            self.work += steps(&statement);
            return Ok(if aggregate == Aggregate::Exists { Value::Boolean(number != 0) } else { Value::Integer(number) });
        };
        let column = table.column(slot)?;
        filter.parts.push(format!("{} IS NOT NULL", column.quoted));
        let end = match aggregate {
            Aggregate::Min(_) => format!(" ORDER BY {} LIMIT 1", column.compared),
            Aggregate::Max(_) => format!(" ORDER BY {} DESC LIMIT 1", column.compared),
            // Floats are added in one order, so that their sum is always the same.
            _ if matches!(column.kind, Kind::Float) => format!(" ORDER BY {}", table.key),
            _ => String::new(),
        };
        let text = format!("SELECT {}, {} FROM {}{}{end}", table.key, column.quoted, table.quoted, filter.text());
        let mut statement = filter.prepare(&self.connection, table, &text)?;
        let mut rows = statement.raw_query();
        let mut accumulator = Accumulator::new(aggregate, numbers(&column.kind));
        while let Some(row) = rows.next().map_err(failure)? {
            let value = decode::single(&self.connection, table, column, row)?;
            accumulator.add(&value).map_err(StoreError::Number)?;
        }
        drop(rows);
        self.work += steps(&statement);
        accumulator.finish().map_err(StoreError::Number)
    }
}

/// How many steps a statement took.
fn steps(statement: &CachedStatement<'_>) -> u64 {
    u64::try_from(statement.reset_status(StatementStatus::VmStep)).unwrap_or_default()
}

fn numbers(kind: &Kind) -> Numbers {
    match kind {
        Kind::Integer | Kind::BigInt => Numbers::Whole,
        Kind::Scaled(scale) | Kind::Long(scale) => Numbers::Scaled(*scale),
        Kind::Number(scale) => Numbers::Scaled(*scale),
        Kind::Float => Numbers::Float,
        _ => Numbers::None,
    }
}

impl<'s> Filter<'s> {
    fn of(table: &Table, selection: &'s Selection) -> Result<Self, StoreError> {
        let mut filter = Filter::default();
        if let Some(after) = &selection.after {
            let places = vec!["?"; table.identity.len()].join(", ");
            filter.add(format!("({}) > ({places})", table.key), Bound::Field(PRIMARY_KEY, after));
        }
        selection.conditions.iter().try_for_each(|condition| filter.condition(table, condition))?;
        if !selection.any.is_empty() {
            let mut any = Filter::default();
            for condition in &selection.any {
                let before = any.parts.len();
                any.condition(table, condition)?;
                // What holds of every record leaves no part behind.
                if any.parts.len() == before {
                    any.parts.push("1".to_owned());
                }
            }
            filter.parts.push(format!("({})", any.parts.join(" OR ")));
            filter.bound.append(&mut any.bound);
        }
        Ok(filter)
    }

    fn text(&self) -> String {
        if self.parts.is_empty() { String::new() } else { format!(" WHERE {}", self.parts.join(" AND ")) }
    }

    fn prepare<'c>(&self, connection: &'c Connection, table: &Table, text: &str) -> Result<CachedStatement<'c>, StoreError> {
        let mut statement = connection.prepare_cached(text).map_err(failure)?;
        let mut next = 1;
        for bound in &self.bound {
            let place = next;
            next += 1;
            match bound {
                Bound::Field(slot, value) => {
                    next = place;
                    encode::bind(connection, &mut statement, &mut next, table, *slot, value)?;
                }
                Bound::Units(number) | Bound::Limit(number) => statement.raw_bind_parameter(place, number).map_err(failure)?,
                Bound::Real(number) => statement.raw_bind_parameter(place, number).map_err(failure)?,
                Bound::LongUnits(units) => statement.raw_bind_parameter(place, in_order(*units)).map_err(failure)?,
            }
        }
        Ok(statement)
    }

    fn condition(&mut self, table: &Table, condition: &'s Condition) -> Result<(), StoreError> {
        let column = table.column(condition.slot)?;
        if condition.slot == PRIMARY_KEY && table.mapped.is_some() && !condition.value.is_empty() {
            let is = if condition.test == Test::Equal { table.is_key.clone() } else { format!("NOT ({})", table.is_key) };
            self.add(is, Bound::Field(PRIMARY_KEY, &condition.value));
            return Ok(());
        }
        let name = column.compared.as_str();
        match (condition.test, &condition.value) {
            (Test::Equal, Value::Empty) => self.parts.push(format!("{name} IS NULL")),
            (Test::NotEqual, Value::Empty) => self.parts.push(format!("{name} IS NOT NULL")),
            (_, Value::Empty) => self.never(),
            (Test::Equal | Test::NotEqual, _) => self.equality(column, condition),
            (test, value) => match (&column.kind, value) {
                (Kind::Scaled(_) | Kind::Long(_), Value::Decimal(number)) => self.decimal(column, test, *number),
                (Kind::Number(_), Value::Decimal(number)) => self.number(column, test, *number),
                (Kind::Text | Kind::Integer | Kind::BigInt | Kind::Float | Kind::Date | Kind::DateTime | Kind::LocalDateTime, _)
                | (Kind::IsoDate | Kind::IsoDateTime | Kind::IsoLocal, _) => {
                    self.add(format!("{name} {} {}", operator(test), column.operand), Bound::Field(condition.slot, value));
                }
                _ => return Err(encode::unfit(table, column, value)),
            },
        }
        Ok(())
    }

    fn equality(&mut self, column: &Column, condition: &'s Condition) {
        let (name, same) = (column.compared.as_str(), condition.test == Test::Equal);
        match (&column.kind, &condition.value) {
            (Kind::Scaled(_) | Kind::Long(_), Value::Decimal(number)) => self.decimal(column, condition.test, *number),
            // A record of an entity that the lookup can't refer to.
            (Kind::Number(_), Value::Decimal(number)) => self.number(column, condition.test, *number),
            (Kind::Reference(target) | Kind::Row(target, _), Value::Reference(other)) if other.entity != *target => self.known(!same),
            (Kind::AnyReference(targets), Value::Reference(other)) if targets.iter().all(|(entity, _)| *entity != other.entity) => {
                self.known(!same);
            }
            (_, value) => {
                let bound = Bound::Field(condition.slot, value);
                match &column.entity {
                    Some(entity) if same => self.add(format!("({name} = ? AND {entity} = ?)"), bound),
                    Some(entity) => self.add(format!("({name} IS NOT ? OR {entity} IS NOT ?)"), bound),
                    None => self.add(format!("{name} {} {}", operator(condition.test), column.operand), bound),
                }
            }
        }
    }

    /// Compares in units of the column's last digit: with the unit below the number, where the number lies between two.
    fn decimal(&mut self, column: &Column, test: Test, number: Decimal) {
        let (scale, long) = match column.kind {
            Kind::Scaled(scale) => (scale, false),
            Kind::Long(scale) => (scale, true),
            _ => return self.never(),
        };
        let (units, exact) = units(number, u32::from(scale));
        let test = match (test, exact) {
            (Test::Equal, false) => return self.never(),
            (Test::NotEqual, false) => return,
            (Test::Less, false) => Test::AtMost,
            (Test::AtLeast, false) => Test::Greater,
            (test, _) => test,
        };
        let name = column.quoted.as_str();
        let value = match i64::try_from(units) {
            _ if long => Bound::LongUnits(units),
            Ok(units) => Bound::Units(units),
            Err(_) => return self.beyond(name, test, units > 0),
        };
        self.compare(name, operator(test), value);
    }

    /// Compares with a number of somebody's own column, which is a float there: with the float next to the number, and on its
    /// right side where no float says that number.
    fn number(&mut self, column: &Column, test: Test, number: Decimal) {
        let Some((float, same)) = encode::float(number) else { return self.never() };
        let test = match (test, same) {
            (test, Ordering::Equal) => test,
            (Test::Equal, _) => return self.never(),
            (Test::NotEqual, _) => return,
            (Test::Less | Test::AtMost, Ordering::Less) => Test::AtMost,
            (Test::Less | Test::AtMost, Ordering::Greater) => Test::Less,
            (_, Ordering::Less) => Test::Greater,
            (_, Ordering::Greater) => Test::AtLeast,
        };
        self.compare(&column.compared, operator(test), Bound::Real(float));
    }

    /// Every number of the column is on one side of the value.
    fn beyond(&mut self, name: &str, test: Test, above: bool) {
        match test {
            Test::Equal => self.never(),
            Test::NotEqual => {}
            Test::Less | Test::AtMost if above => self.parts.push(format!("{name} IS NOT NULL")),
            Test::Greater | Test::AtLeast if !above => self.parts.push(format!("{name} IS NOT NULL")),
            _ => self.never(),
        }
    }

    fn compare(&mut self, name: &str, operator: &str, bound: Bound<'s>) {
        self.add(format!("{name} {operator} ?"), bound);
    }

    fn add(&mut self, part: String, bound: Bound<'s>) {
        self.parts.push(part);
        self.bound.push(bound);
    }

    fn known(&mut self, holds: bool) {
        if !holds {
            self.never();
        }
    }

    fn never(&mut self) {
        self.parts.push("0".to_owned());
    }
}

fn operator(test: Test) -> &'static str {
    match test {
        Test::Equal => "=",
        Test::NotEqual => "IS NOT",
        Test::Less => "<",
        Test::AtMost => "<=",
        Test::Greater => ">",
        Test::AtLeast => ">=",
    }
}

/// The number in units of so many decimals, rounded down; and whether that is all of it.
fn units(number: Decimal, scale: u32) -> (i128, bool) {
    let power = |exponent: u32| 10_i128.checked_pow(exponent).unwrap_or(i128::MAX);
    match number.scale().checked_sub(scale) {
        None => (number.mantissa().saturating_mul(power(scale - number.scale())), true),
        Some(extra) => (number.mantissa().div_euclid(power(extra)), number.mantissa().rem_euclid(power(extra)) == 0),
    }
}
