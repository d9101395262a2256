//! Selections as SQL. Values are bound, never written into the text, and each parameter says its type.

use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::Row as Cells;
use tokio_postgres::types::ToSql;

use super::cell::{self, Cell, Units};
use super::link::Link;
use super::table::{Column, Kind, Table};
use super::{Postgres, table};
use crate::schema::select::{Accumulator, Aggregate, Condition, Numbers, Selection, Test};
use crate::schema::{FieldSet, PRIMARY_KEY, Row};
use crate::store::StoreError;
use crate::value::{Uuid, Value};

/// A `WHERE` and what is bound in it, in order.
#[derive(Default)]
pub(super) struct Filter<'s> {
    parts: Vec<String>,
    bound: Vec<Cell<'s>>,
}

impl Postgres {
    /// The records of a selection, with an ending of its statement.
    pub(super) fn selected(&mut self, selection: &Selection, fields: &FieldSet, ending: &str) -> Result<Vec<(Uuid, Row)>, StoreError> {
        let table = table(&self.tables, selection.entity)?;
        let mut filter = Filter::of(table, selection)?;
        let mut text = format!("SELECT {} FROM {}{} ORDER BY ", table.selected(fields.iter())?, table.quoted, filter.text());
        for order in &selection.order {
            let (column, way) = (table.column(order.slot)?, if order.descending { "DESC NULLS LAST" } else { "ASC NULLS FIRST" });
            text.push_str(&format!("{} {way}, ", column.quoted));
        }
        text.push_str(&table.key);
        if let Some(limit) = selection.limit {
            let place = filter.bind(Cell::BigInt(i64::try_from(limit).unwrap_or(i64::MAX)));
            text.push_str(&format!(" LIMIT ${place}::bigint"));
        }
        text.push_str(ending);
        let (room, mut size, mut found) = (self.room, 0, Vec::new());
        self.link.each(&text, &filter.bound, |cells| {
            let (id, row) = record(table, fields, cells)?;
            size += row.size();
            if size > room {
                return Err(StoreError::TooLarge(room));
            }
            found.push((id, row));
            Ok(())
        })?;
        Ok(found)
    }

    pub(super) fn aggregated(&mut self, selection: &Selection, aggregate: Aggregate) -> Result<Value, StoreError> {
        let table = table(&self.tables, selection.entity)?;
        let mut filter = Filter::of(table, selection)?;
        let Some(slot) = aggregate.slot() else {
            let (from, filter_text) = (&table.quoted, filter.text());
            if aggregate == Aggregate::Exists {
                let text = format!("SELECT EXISTS (SELECT 1 FROM {from}{filter_text})");
                return self.link.one(&text, &filter, |row| row.try_get(0).map(Value::Boolean));
            }
            return self.link.one(&format!("SELECT count(*) FROM {from}{filter_text}"), &filter, |row| row.try_get(0).map(Value::Integer));
        };
        let column = table.column(slot)?;
        filter.parts.push(format!("{} IS NOT NULL", column.quoted));
        let (numbers, from, filter_text) = (numbers(&column.kind), &table.quoted, filter.text());
        if let (Aggregate::Sum(_) | Aggregate::Average(_), Numbers::Whole | Numbers::Scaled(_)) = (aggregate, numbers) {
            let text = format!("SELECT count({0}), coalesce(sum({0}), 0)::numeric FROM {from}{filter_text}", column.quoted);
            let (count, sum) = self.link.one(&text, &filter, |row| Ok((row.try_get::<_, i64>(0)?, row.try_get::<_, Units>(1)?)))?;
            let scale = if let Numbers::Scaled(scale) = numbers { scale } else { 0 };
            let units = sum.at(scale.into()).ok_or(StoreError::Number(crate::value::Failure::Overflow))?;
            return Accumulator::of_sum(aggregate, numbers, count.unsigned_abs(), units).finish().map_err(StoreError::Number);
        }
        let end = match aggregate {
            Aggregate::Min(_) => format!(" ORDER BY {} LIMIT 1", column.quoted),
            Aggregate::Max(_) => format!(" ORDER BY {} DESC LIMIT 1", column.quoted),
            // Floats are added in one order, so that their sum is always the same.
            _ => format!(" ORDER BY {}", table.key),
        };
        let text = format!("SELECT {}, {} FROM {from}{filter_text}{end}", table.key, column.quoted);
        let mut accumulator = Accumulator::new(aggregate, numbers);
        self.link.each(&text, &filter.bound, |cells| {
            let value = cell::value(table, column, cells, 1, cell::uuid(cells, 0)?)?;
            accumulator.add(&value).map_err(StoreError::Number)
        })?;
        accumulator.finish().map_err(StoreError::Number)
    }
}

impl Link {
    /// What the only row of an answer holds.
    fn one<T>(
        &mut self,
        text: &str,
        filter: &Filter<'_>,
        take: impl Fn(&Cells) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, StoreError> {
        let rows = self.query(text, &parameters(&filter.bound))?;
        let taken = rows.first().map(take).and_then(Result::ok);
        taken.ok_or_else(|| StoreError::Unusable("the database holds a number that none of its fields can have".to_owned()))
    }

    /// Gives the rows of an answer one by one, until one is refused; they are never all in memory.
    fn each(&mut self, text: &str, bound: &[Cell<'_>], mut take: impl FnMut(&Cells) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.ask(text, async |client, statement| {
            let mut rows = pin!(client.query_raw(statement, parameters(bound)).await?);
            while let Some(row) = rows.try_next().await? {
                if let Err(refused) = take(&row) {
                    return Ok(Err(refused));
                }
            }
            Ok(Ok(()))
        })?
    }
}

/// The record that a row holds: its id, and behind it these fields.
pub(super) fn record(table: &Table, fields: &FieldSet, cells: &Cells) -> Result<(Uuid, Row), StoreError> {
    let id = cell::uuid(cells, 0)?;
    if fields.is_empty() {
        return Ok((id, Row::default()));
    }
    let mut values = Vec::with_capacity(table.columns.len());
    let mut next = 1;
    for slot in fields.iter() {
        values.resize(usize::from(slot.0), Value::Empty);
        if slot == PRIMARY_KEY {
            values.push(Value::Uuid(id));
            continue;
        }
        let column = table.column(slot)?;
        values.push(cell::value(table, column, cells, next, id)?);
        next += 1 + usize::from(column.entity.is_some());
    }
    values.resize(table.columns.len(), Value::Empty);
    Ok((id, Row::from_parts(values, fields.clone())))
}

/// Cells as the client library takes them.
pub(super) fn parameters<'p>(cells: &'p [Cell<'_>]) -> Vec<&'p (dyn ToSql + Sync)> {
    cells.iter().map(|cell| cell as &(dyn ToSql + Sync)).collect()
}

fn numbers(kind: &Kind) -> Numbers {
    match kind {
        Kind::Integer | Kind::BigInt => Numbers::Whole,
        Kind::Number(scale) => Numbers::Scaled(*scale),
        Kind::Float => Numbers::Float,
        _ => Numbers::None,
    }
}

impl<'s> Filter<'s> {
    fn of(table: &'s Table, selection: &'s Selection) -> Result<Self, StoreError> {
        let mut filter = Filter::default();
        if let Some(Value::Uuid(after)) = &selection.after {
            let place = filter.bind(Cell::Uuid(*after));
            filter.parts.push(format!("{} > ${place}::uuid", table.key));
        }
        selection.conditions.iter().try_for_each(|condition| filter.condition(table, condition))?;
        if !selection.any.is_empty() {
            let before = filter.parts.len();
            selection.any.iter().try_for_each(|condition| filter.condition(table, condition))?;
            let any = filter.parts.split_off(before);
            filter.parts.push(format!("({})", any.join(" OR ")));
        }
        Ok(filter)
    }

    /// The records whose fields have exactly these values.
    pub(super) fn equal(table: &'s Table, values: &'s Row) -> Result<Self, StoreError> {
        let mut filter = Filter::default();
        for (slot, value) in values.iter() {
            filter.equality(table, table.column(slot)?, Test::Equal, value)?;
        }
        Ok(filter)
    }

    pub(super) fn text(&self) -> String {
        if self.parts.is_empty() { String::new() } else { format!(" WHERE {}", self.parts.join(" AND ")) }
    }

    pub(super) fn bound(&self) -> &[Cell<'s>] {
        &self.bound
    }

    /// Binds a value; gives the number of its parameter.
    pub(super) fn bind(&mut self, cell: Cell<'s>) -> usize {
        self.bound.push(cell);
        self.bound.len()
    }

    fn condition(&mut self, table: &'s Table, condition: &'s Condition) -> Result<(), StoreError> {
        let column = table.column(condition.slot)?;
        let operator = match condition.test {
            Test::Equal | Test::NotEqual => return self.equality(table, column, condition.test, &condition.value),
            Test::Less => "<",
            Test::AtMost => "<=",
            Test::Greater => ">",
            Test::AtLeast => ">=",
        };
        let (cell, ty) = match (&column.kind, &condition.value) {
            (_, Value::Empty) => return self.known(false),
            // Compared as it is, whatever the column could hold.
            (Kind::Number(_), Value::Decimal(number)) => (Cell::Number(number.mantissa(), number.scale()), "numeric"),
            (Kind::Integer | Kind::BigInt, Value::Integer(number)) => (Cell::BigInt(*number), "bigint"),
            (Kind::Text | Kind::Float | Kind::Date | Kind::DateTime | Kind::LocalDateTime, value) => {
                (cell::cells(table, column, value)?.0, column.kind.parameter())
            }
            (_, value) => return Err(cell::unfit(table, column, value)),
        };
        let place = self.bind(cell);
        self.parts.push(format!("{} {operator} ${place}::{ty}", column.quoted));
        Ok(())
    }

    fn equality(&mut self, table: &'s Table, column: &'s Column, test: Test, value: &'s Value) -> Result<(), StoreError> {
        let (name, same) = (column.quoted.as_str(), test == Test::Equal);
        let (operator, ty) = (if same { "=" } else { "IS DISTINCT FROM" }, column.kind.parameter());
        let (cell, entity) = match (&column.kind, value) {
            (_, Value::Empty) => {
                self.parts.push(format!("{name} IS {}NULL", if same { "" } else { "NOT " }));
                return Ok(());
            }
            (Kind::Number(_), Value::Decimal(number)) => (Cell::Number(number.mantissa(), number.scale()), None),
            (Kind::Integer, Value::Integer(number)) if i32::try_from(*number).is_err() => return self.known(!same),
            // A record of an entity that the lookup can't refer to.
            (Kind::Reference(target), Value::Reference(other)) if other.entity != *target => return self.known(!same),
            (Kind::AnyReference(targets), Value::Reference(other)) if targets.iter().all(|(entity, _)| *entity != other.entity) => {
                return self.known(!same);
            }
            _ => cell::cells(table, column, value)?,
        };
        let list = if matches!(column.kind, Kind::Choices(_)) { "::integer[]" } else { "" };
        let place = self.bind(cell);
        let part = format!("{name} {operator} ${place}::{ty}{list}");
        match (&column.entity, entity) {
            (Some(column), Some(entity)) => {
                let (place, either) = (self.bind(entity), if same { "AND" } else { "OR" });
                self.parts.push(format!("({part} {either} {column} {operator} ${place}::text)"));
            }
            _ => self.parts.push(part),
        }
        Ok(())
    }

    /// A condition that holds of every record, or of none.
    fn known(&mut self, holds: bool) -> Result<(), StoreError> {
        self.parts.push(if holds { "true" } else { "false" }.to_owned());
        Ok(())
    }
}
