//! A store that is none: it answers from what another store was asked and answered, and never guesses.
//!
//! As long as it is asked what the other was asked, it answers the same, one after the other. Once it is asked something else it
//! answers only what the record proves (`known.rs`); anything else is [`StoreError::Unrecorded`]. A write that the record doesn't have is
//! taken to succeed.

use std::sync::{Arc, Mutex, PoisonError};

use super::known::{Known, State, same};
use super::record::{Answer, Asked, Values, values};
use super::{Store, StoreError};
use crate::schema::select::{Aggregate, Selection};
use crate::schema::{FieldSet, Row, Schema, system};
use crate::value::{EntityId, Slot, Type, Uuid, Value, time};

/// What was recorded of an operation, and how far it has been replayed.
#[derive(Debug, Default)]
pub struct Tape {
    calls: Vec<(Asked, Answer)>,
    at: usize,
    /// Whether something else was asked than what was recorded.
    strayed: bool,
    /// What the calls tell, once something else was asked.
    known: Option<Known>,
    now: State,
    writes: Vec<Asked>,
    /// Whether a write was taken to succeed.
    assumed: bool,
}

impl Tape {
    /// A tape of what was recorded.
    pub fn new(calls: Vec<(Asked, Answer)>) -> Self {
        Tape { calls, ..Tape::default() }
    }

    /// Whether exactly what was recorded was asked, and nothing less.
    pub fn is_whole(&self) -> bool {
        !self.strayed && self.at == self.calls.len()
    }

    /// Whether a write that wasn't recorded was taken to succeed.
    pub fn is_assumed(&self) -> bool {
        self.assumed
    }

    /// What was written and not undone, in order.
    pub fn writes(&self) -> &[Asked] {
        &self.writes
    }

    fn answer(&mut self, asked: Asked, schema: &Schema) -> Result<Answer, StoreError> {
        let recorded = self.calls.get(self.at).filter(|(recorded, _)| !self.strayed && same(recorded, &asked));
        let answer = match recorded {
            Some((_, answer)) => {
                self.at += 1;
                Ok(answer.clone())
            }
            None => {
                self.strayed = true;
                self.proven(&asked, schema)
            }
        };
        if let Ok(answer) = &answer {
            self.now.take(&asked, answer, schema);
            match &asked {
                Asked::Insert(..) | Asked::Update(..) | Asked::Delete(..) if *answer == Answer::Done => self.writes.push(asked),
                _ => {}
            }
        }
        match answer {
            Ok(Answer::Refused(error)) => Err(error),
            answer => answer,
        }
    }

    /// What the record proves the answer to be.
    fn proven(&mut self, asked: &Asked, schema: &Schema) -> Result<Answer, StoreError> {
        let known = self.known.get_or_insert_with(|| Known::of(&self.calls, schema));
        match asked {
            Asked::Begin | Asked::Commit | Asked::Rollback | Asked::Savepoint | Asked::Release | Asked::BackToSavepoint => Ok(Answer::Done),
            Asked::Work => Ok(Answer::Number(0)),
            Asked::Read(entity, ids, fields) => {
                let read = |id: &Uuid| known.read(&self.now, *entity, *id, fields, schema);
                ids.iter().map(read).collect::<Result<_, _>>().map(Answer::Rows)
            }
            Asked::Insert(..) | Asked::Update(..) | Asked::Delete(..) => Ok(known.answer(&self.now, asked).unwrap_or_else(|| {
                self.assumed = true;
                Answer::Done
            })),
            _ => known.answer(&self.now, asked).ok_or_else(|| StoreError::Unrecorded(question(asked, schema))),
        }
    }
}

/// What was asked, in words.
fn question(asked: &Asked, schema: &Schema) -> String {
    let name = |entity: &EntityId| schema.entity(*entity).map_or("records", |entity| entity.name.as_str());
    match asked {
        Asked::Referring(entity, field, ..) => {
            let field = schema.field(*entity, *field).map_or("", |field| field.name.as_str());
            format!("which `{}` refer to it by `{field}`", name(entity))
        }
        Asked::Find(entity, values, _) => {
            let fields = values.iter().filter_map(|(slot, _)| schema.field(*entity, *slot)).map(|field| format!("`{}`", field.name));
            format!("which `{}` has a certain {}", name(entity), fields.collect::<Vec<_>>().join(" and "))
        }
        Asked::Select(selection, _) => format!("a query of `{}`", name(&selection.entity)),
        Asked::Aggregate(selection, _) => format!("a count or sum of `{}`", name(&selection.entity)),
        Asked::Identify(entity, _) => format!("the key of a new `{}`", name(entity)),
        Asked::Count(entity) => format!("the number of `{}`", name(entity)),
        _ => "a question".to_owned(),
    }
}

/// The store that answers from a tape, which whoever shares it exchanges.
pub struct Replaying {
    tape: Arc<Mutex<Tape>>,
    schema: Arc<Schema>,
    room: u64,
}

impl Replaying {
    /// Answers from this tape, for records of this schema.
    pub fn new(tape: Arc<Mutex<Tape>>, schema: Arc<Schema>) -> Self {
        Replaying { tape, schema, room: u64::MAX }
    }

    fn ask(&mut self, asked: Asked) -> Result<Answer, StoreError> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner).answer(asked, &self.schema)
    }

    fn done(&mut self, asked: Asked) -> Result<(), StoreError> {
        match self.ask(asked)? {
            Answer::Done => Ok(()),
            _ => Err(unfit()),
        }
    }

    /// A row of an answer, where each value is one that its field can have.
    fn row(&self, entity: EntityId, found: Values, fields: &FieldSet, room: &mut u64) -> Result<Row, StoreError> {
        let mut row = Row::default();
        for (slot, value) in found {
            let field = self.schema.field(entity, slot).filter(|_| fields.contains(slot));
            if !field.is_some_and(|field| fits(&value, &field.ty, &self.schema)) {
                return Err(unfit());
            }
            row.set(slot, value);
        }
        *room = room.checked_sub(row.size()).ok_or(StoreError::TooLarge(self.room))?;
        if row.present() == fields { Ok(row) } else { Err(unfit()) }
    }
}

/// An answer that is none to what was asked.
fn unfit() -> StoreError {
    StoreError::Unusable("the record holds an answer that can't be one to what was asked".to_owned())
}

/// Whether a value is one that a field of a type can hold.
fn fits(value: &Value, ty: &Type, schema: &Schema) -> bool {
    let is_option = |choice, code: &i32| schema.choice(choice).is_some_and(|choice| choice.by_code(*code).is_some());
    match (value, ty) {
        (Value::Empty, _) | (Value::Boolean(_), Type::Boolean) | (Value::Integer(_), Type::BigInt) | (Value::Uuid(_), Type::Uuid) => true,
        (Value::Integer(number), Type::Integer) => i32::try_from(*number).is_ok(),
        (Value::Decimal(number), Type::Decimal(scale) | Type::Money(scale)) => number.scale() <= u32::from(*scale),
        (Value::Float(number), Type::Float) => number.is_finite(),
        (Value::Text(text), Type::Text) => !text.contains('\0'),
        (Value::Choice(code), Type::Choice(choice)) => is_option(*choice, code),
        (Value::Choices(codes), Type::Choices(choice)) => {
            codes.is_sorted_by(|one, next| one < next) && codes.iter().all(|code| is_option(*choice, code))
        }
        (Value::Date(date), Type::Date) => date.year() >= 1,
        (Value::DateTime(instant), Type::DateTime) => time::in_years(*instant).is_ok(),
        (Value::LocalDateTime(local), Type::LocalDateTime) => local.year() >= 1,
        (Value::Duration(length), Type::Duration) => length.months == 0,
        (Value::Duration(length), Type::Period) => length.days == 0 && length.micros == 0,
        (Value::Reference(record), Type::Lookup(targets)) => targets.contains(&record.entity),
        _ => false,
    }
}

impl Store for Replaying {
    fn migrate(&mut self, _: &Schema) -> Result<(), StoreError> {
        Ok(())
    }

    fn take_up(&mut self, _: &Schema) -> Result<bool, StoreError> {
        Ok(true)
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.done(Asked::Begin)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.done(Asked::Commit)
    }

    fn rollback(&mut self) -> Result<(), StoreError> {
        self.done(Asked::Rollback)
    }

    fn savepoint(&mut self) -> Result<(), StoreError> {
        self.done(Asked::Savepoint)
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.done(Asked::Release)
    }

    fn rollback_to_savepoint(&mut self) -> Result<(), StoreError> {
        self.done(Asked::BackToSavepoint)
    }

    fn read(&mut self, entity: EntityId, ids: &[Uuid], fields: &FieldSet) -> Result<Vec<Option<Row>>, StoreError> {
        let Answer::Rows(rows) = self.ask(Asked::Read(entity, ids.to_vec(), fields.clone()))? else { return Err(unfit()) };
        if rows.len() != ids.len() {
            return Err(unfit());
        }
        let mut room = self.room;
        rows.into_iter().map(|row| row.map(|row| self.row(entity, row, fields, &mut room)).transpose()).collect()
    }

    fn identify(&mut self, entity: EntityId, row: &mut Row) -> Result<(), StoreError> {
        let Answer::Rows(rows) = self.ask(Asked::Identify(entity, values(row)))? else { return Err(unfit()) };
        let known = rows.into_iter().next().flatten().ok_or_else(unfit)?;
        let fields = row.present().iter().chain(known.iter().map(|(slot, _)| *slot)).collect();
        *row = self.row(entity, known, &fields, &mut self.room.clone())?;
        Ok(())
    }

    fn insert(&mut self, entity: EntityId, rows: &[Row]) -> Result<(), StoreError> {
        self.done(Asked::Insert(entity, rows.iter().map(values).collect()))
    }

    fn update(&mut self, entity: EntityId, rows: &[Row]) -> Result<(), StoreError> {
        self.done(Asked::Update(entity, rows.iter().map(values).collect()))
    }

    fn delete(&mut self, entity: EntityId, ids: &[Uuid]) -> Result<(), StoreError> {
        self.done(Asked::Delete(entity, ids.to_vec()))
    }

    fn referring(&mut self, entity: EntityId, field: Slot, target: EntityId, ids: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
        match self.ask(Asked::Referring(entity, field, target, ids.to_vec()))? {
            Answer::Ids(ids) => Ok(ids),
            _ => Err(unfit()),
        }
    }

    fn find(&mut self, entity: EntityId, wanted: &Row, limit: u32) -> Result<Vec<Uuid>, StoreError> {
        match self.ask(Asked::Find(entity, values(wanted), limit))? {
            Answer::Ids(ids) => Ok(ids),
            _ => Err(unfit()),
        }
    }

    fn select(&mut self, selection: &Selection, fields: &FieldSet) -> Result<Vec<(Uuid, Row)>, StoreError> {
        let Answer::Records(found) = self.ask(Asked::Select(selection.clone(), fields.clone()))? else { return Err(unfit()) };
        let mut room = self.room;
        found.into_iter().map(|(id, row)| Ok((id, self.row(selection.entity, row, fields, &mut room)?))).collect()
    }

    fn aggregate(&mut self, selection: &Selection, aggregate: Aggregate) -> Result<Value, StoreError> {
        let Answer::Value(value) = self.ask(Asked::Aggregate(selection.clone(), aggregate))? else { return Err(unfit()) };
        let field = aggregate.slot().and_then(|slot| self.schema.field(selection.entity, slot));
        let result = aggregate.result(field.map(|field| &field.ty));
        let is_one = result.is_some_and(|(ty, empty)| (empty || !value.is_empty()) && fits(&value, &ty, &self.schema));
        if is_one { Ok(value) } else { Err(unfit()) }
    }

    fn limit_answers(&mut self, bytes: u64) {
        self.room = bytes;
    }

    fn work(&mut self) -> u64 {
        match self.ask(Asked::Work) {
            Ok(Answer::Number(work)) => work,
            _ => 0,
        }
    }

    fn count(&mut self, entity: EntityId) -> Result<u64, StoreError> {
        match self.ask(Asked::Count(entity))? {
            Answer::Number(count) => Ok(count),
            _ => Err(unfit()),
        }
    }
}

/// What records held before, as far as questions and answers prove it, by entity and id.
pub fn before(calls: &[(Asked, Answer)], schema: &Schema) -> Vec<(EntityId, Uuid, Values)> {
    Known::of(calls, schema).before()
}

/// The slot in which a store counts the changes of a record by itself.
pub(super) fn version(entity: EntityId, schema: &Schema) -> Option<Slot> {
    schema.entity(entity).and_then(|entity| entity.slot(system::VERSION))
}
