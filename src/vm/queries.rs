//! Queries, and the loops over their records. A query that nothing was filtered of is the store's to answer; one with a
//! filter is read page by page, and what the filter keeps is put together here, by the rules of `schema::select`.

use std::sync::Arc;

use crate::bytecode::{Code, Op, QueryIx, QueryRef, Run, Target};
use crate::schema::select::{Accumulator, Condition, MAX_VISITED, Numbers, Selection, first};
use crate::schema::{FieldSet, PRIMARY_KEY, Row};
use crate::source::Span;
use crate::value::{Reference, Slot, Uuid, Value};

use super::host::{Host, Interrupt};
use super::machine::{Machine, Trap, broken};
use super::place::LoopPlace;

/// How many records are read at a time.
const PAGE: usize = 500;

/// A query that is open.
pub(super) struct Cursor<'a> {
    query: &'a QueryRef,
    selection: Selection,
    /// The records of a page that were not looked at yet.
    page: std::vec::IntoIter<(Uuid, Row)>,
    /// Whether there may be another page.
    more: bool,
    /// The record that is looked at.
    row: Option<(Uuid, Row)>,
    /// What the filter kept, where there is one.
    kept: Option<Kept>,
    /// About how many bytes the page and what was kept take, and how much of that is new.
    page_size: u64,
    kept_size: u64,
    taken: u64,
    /// The records to visit, once they are fixed, and how many of them had their turn.
    visits: Arc<[Uuid]>,
    done: usize,
}

enum Kept {
    Aggregate(Accumulator),
    Records(Vec<(Uuid, Row)>),
}

/// Does an operation on queries; gives the target where it jumps.
pub(super) fn step<H: Host + ?Sized>(op: Op, machine: &mut Machine<'_>, host: &mut H, span: Option<Span>) -> Result<Option<Target>, Trap> {
    asked(op, machine, host).map_err(|trap| placed(trap, span))
}

/// What a host says of a query says where the query stands, if it says nothing of its own.
#[cold]
fn placed(trap: Trap, span: Option<Span>) -> Trap {
    match trap {
        Trap::Host(mut interrupt) => {
            if let Interrupt::Fault(fault) = interrupt.as_mut() {
                fault.span = fault.span.or(span);
            }
            Trap::Host(interrupt)
        }
        other => other,
    }
}

fn asked<H: Host + ?Sized>(op: Op, machine: &mut Machine<'_>, host: &mut H) -> Result<Option<Target>, Trap> {
    match op {
        Op::Find { fields, values, out } => {
            let list = machine.code.writes.get(fields.0 as usize).ok_or_else(broken)?;
            let found = host.find(list.entity, &list.slots, machine.run(values, list.slots.len())?)?;
            machine.put(out, Value::Reference(found))?;
        }
        Op::Open { query, values } => {
            let cursor = open(machine, query, values)?;
            machine.cursors.push(cursor);
        }
        Op::NextRow { to } => {
            let found = top(machine)?.next_row(host)?;
            take_up(machine, host)?;
            return Ok((!found).then_some(to));
        }
        Op::RowField { field, out } => {
            let slot = machine.code.fields.get(field.0 as usize).ok_or_else(broken)?.slot;
            let value = top(machine)?.row.as_ref().and_then(|(_, row)| row.get(slot)).cloned().unwrap_or_default();
            machine.put(out, value)?;
        }
        Op::KeepRow {} => {
            let limit = host.max_visited();
            top(machine)?.keep(limit)?;
            take_up(machine, host)?;
        }
        Op::Loop { to } => return Ok(Some(Target(to.0))),
        Op::Gather { out, .. } => {
            let cursor = machine.cursors.pop().ok_or_else(broken)?;
            let value = cursor.result(host)?;
            machine.put(out, value)?;
        }
        Op::Visit {} => top(machine)?.fix(host)?,
        Op::NextRecord { to, out } => match top(machine)?.next_record(host)? {
            Some(record) => machine.put(out, Value::Reference(record))?,
            None => {
                machine.cursors.pop();
                return Ok(Some(to));
            }
        },
        _ => return Err(Trap::Broken),
    }
    Ok(None)
}

/// Counts what the innermost query has come to hold.
fn take_up<H: Host + ?Sized>(machine: &mut Machine<'_>, host: &H) -> Result<(), Trap> {
    match std::mem::take(&mut top(machine)?.taken) {
        0 => Ok(()),
        taken => machine.take_up(taken, host.max_memory()),
    }
}

fn top<'m, 'a>(machine: &'m mut Machine<'a>) -> Result<&'m mut Cursor<'a>, Trap> {
    machine.cursors.last_mut().ok_or_else(broken)
}

fn open<'a>(machine: &Machine<'a>, query: QueryIx, values: Run) -> Result<Cursor<'a>, Trap> {
    let code = machine.code;
    let query = code.queries.get(query.0 as usize).ok_or_else(broken)?;
    let given = machine.run(values, query.values())?;
    let condition = |((slot, test), value): (&(Slot, _), &Value)| Condition { slot: *slot, test: *test, value: value.clone() };
    let limit = match given.get(query.conditions.len()) {
        Some(Value::Integer(limit)) if query.limited => Some(u64::try_from(*limit).unwrap_or(0)),
        _ => None,
    };
    let selection = Selection {
        entity: query.entity,
        conditions: query.conditions.iter().zip(given).map(condition).collect(),
        any: Vec::new(),
        order: Vec::new(),
        after: None,
        limit,
    };
    Ok(Cursor::new(query, selection))
}

impl<'a> Cursor<'a> {
    fn new(query: &'a QueryRef, selection: Selection) -> Self {
        let (page, visits) = (Vec::new().into_iter(), Arc::default());
        Cursor { query, selection, page, more: true, row: None, kept: None, page_size: 0, kept_size: 0, taken: 0, visits, done: 0 }
    }

    /// A loop that goes on; none where the code has no such query.
    pub fn at(code: &'a Code, place: &LoopPlace) -> Option<Self> {
        let query = code.queries.get(usize::from(place.query))?;
        let cursor = Cursor::new(query, Selection::all(query.entity));
        Some(Cursor { visits: Arc::clone(&place.records), done: place.done, ..cursor })
    }

    /// Where it stands; none where its query is not of the code.
    pub fn place(&self, code: &Code) -> Option<LoopPlace> {
        let query = code.queries.iter().position(|query| std::ptr::eq(query, self.query))?;
        Some(LoopPlace { query: u16::try_from(query).ok()?, records: Arc::clone(&self.visits), done: self.done })
    }
}

impl Cursor<'_> {
    /// About how many bytes it holds.
    pub fn size(&self) -> u64 {
        self.page_size.saturating_add(self.kept_size)
    }

    /// How many records are still to visit.
    pub fn visits(&self) -> usize {
        self.visits.len().saturating_sub(self.done)
    }

    /// Goes to the next record that is to be looked at; false where there is none.
    fn next_row<H: Host + ?Sized>(&mut self, host: &mut H) -> Result<bool, Trap> {
        let unordered = self.query.order.is_empty();
        let kept = self.kept.get_or_insert_with(|| match &self.query.aggregate {
            Some((aggregate, ty)) => Kept::Aggregate(Accumulator::new(*aggregate, ty.as_ref().map_or(Numbers::None, Numbers::of))),
            None => Kept::Records(Vec::new()),
        });
        let decided = match kept {
            Kept::Aggregate(accumulator) => accumulator.is_decided(),
            Kept::Records(records) => self.selection.limit.is_some_and(|limit| limit == 0 || unordered && records.len() as u64 >= limit),
        };
        if decided {
            self.row = None;
            return Ok(false);
        }
        self.row = self.page.next();
        if self.row.is_none() && self.more {
            let page = Selection { limit: Some(PAGE as u64), ..self.selection.clone() };
            let rows = host.select(&page, &self.query.columns)?;
            self.more = rows.len() == PAGE;
            self.selection.after = rows.last().map(|(last, _)| Value::Uuid(*last));
            self.page_size = rows.iter().map(|(_, row)| row.size()).sum();
            self.taken += self.page_size;
            self.page = rows.into_iter();
            self.row = self.page.next();
        }
        Ok(self.row.is_some())
    }

    /// The record that is looked at counts, once. A loop without a limit faults where it would have too many to visit.
    fn keep(&mut self, max_visited: u64) -> Result<(), Trap> {
        let Some((id, row)) = self.row.take() else { return Ok(()) };
        match self.kept.as_mut().ok_or_else(broken)? {
            Kept::Aggregate(accumulator) => {
                let about = self.query.aggregate.as_ref().and_then(|(aggregate, _)| aggregate.slot());
                let value = about.and_then(|slot| row.get(slot)).unwrap_or(&Value::Empty);
                accumulator.add(value)?;
            }
            Kept::Records(records) => {
                self.kept_size += row.size();
                self.taken += row.size();
                records.push((id, row));
                let count = records.len() as u64;
                match self.selection.limit {
                    None if count > max_visited => return Err(Trap::TooMany(max_visited)),
                    Some(limit) if count > limit.saturating_mul(2).saturating_add(PAGE as u64) => {
                        first(records, &self.query.order, count_of(limit));
                        self.kept_size = records.iter().map(|(_, row)| row.size()).sum();
                    }
                    _ if count > MAX_VISITED * 2 + PAGE as u64 => return Err(Trap::TooMany(MAX_VISITED)),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// What is worked out of what was kept, or of all records where nothing was filtered.
    fn result<H: Host + ?Sized>(self, host: &mut H) -> Result<Value, Trap> {
        match (self.kept, &self.query.aggregate) {
            (Some(Kept::Aggregate(accumulator)), _) => Ok(accumulator.finish()?),
            (None, Some((aggregate, _))) => Ok(host.aggregate(&self.selection, *aggregate)?),
            _ => Err(Trap::Broken),
        }
    }

    /// Fixes the records that are visited: those that were kept, or all.
    fn fix<H: Host + ?Sized>(&mut self, host: &mut H) -> Result<(), Trap> {
        let ids: Vec<Uuid> = match self.kept.take() {
            Some(Kept::Records(mut records)) => {
                first(&mut records, &self.query.order, count_of(self.selection.limit.unwrap_or(u64::MAX)));
                records.into_iter().map(|(id, _)| id).collect()
            }
            Some(Kept::Aggregate(_)) => return Err(Trap::Broken),
            None => self.all(host)?,
        };
        (self.visits, self.done) = (ids.into(), 0);
        self.kept_size = 0;
        self.row = None;
        Ok(())
    }

    fn all<H: Host + ?Sized>(&mut self, host: &mut H) -> Result<Vec<Uuid>, Trap> {
        let most = if self.query.limited { MAX_VISITED } else { host.max_visited() };
        let wanted = self.selection.limit.unwrap_or(u64::MAX).min(most.saturating_add(1));
        let selection = Selection { order: self.query.order.clone(), limit: Some(wanted), ..self.selection.clone() };
        let rows = host.select(&selection, &FieldSet::default())?;
        if rows.len() as u64 > most { Err(Trap::TooMany(most)) } else { Ok(rows.into_iter().map(|(id, _)| id).collect()) }
    }

    /// The next of the fixed records that is still there.
    fn next_record<H: Host + ?Sized>(&mut self, host: &mut H) -> Result<Option<Reference>, Trap> {
        let entity = self.query.entity;
        while let Some(id) = self.visits.get(self.done).copied() {
            self.done += 1;
            let itself = Selection::all(entity).with(PRIMARY_KEY, Value::Uuid(id)).limited(1);
            if !host.select(&itself, &FieldSet::default())?.is_empty() {
                return Ok(Some(Reference { entity, id }));
            }
        }
        Ok(None)
    }
}

fn count_of(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
