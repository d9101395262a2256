//! What a record of questions and answers proves about other questions: of a field, what it held before the operation wrote it;
//! of a query, what it gave, as long as the same was written to what it looks at.

use std::hash::{DefaultHasher, Hash, Hasher};

use rustc_hash::FxHashMap;
use serde::Serialize;

use super::StoreError;
use super::record::{Answer, Asked, Values, id_of, values};
use super::replay::version;
use crate::schema::select::Selection;
use crate::schema::{FieldSet, PRIMARY_KEY, Row, Schema};
use crate::value::{EntityId, Slot, Uuid, Value};

/// A record of an entity.
type Key = (EntityId, Uuid);

/// What was written so far, and could still be undone.
#[derive(Debug, Default)]
pub(super) struct State {
    records: FxHashMap<Key, Written>,
    /// What was written to a field of an entity, in a number; without a field, which records came and went.
    prints: FxHashMap<(EntityId, Option<Slot>), u64>,
    undo: Vec<Undo>,
    marks: Vec<usize>,
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq)]
enum Written {
    /// It is new; what isn't in the row is empty.
    New(Row),
    /// These fields were written. What the store counts by itself may not be known.
    Changed(Row, FieldSet),
    /// It is gone.
    Gone,
}

#[derive(Debug)]
enum Undo {
    Record(Key, Option<Written>),
    Print((EntityId, Option<Slot>), Option<u64>),
}

/// What is known of the state before the operation, and what was asked in it.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Fields of records; none where there was no such record.
    records: FxHashMap<Key, Option<Row>>,
    /// Answers, by the question and by what had been written to what it is about.
    answers: FxHashMap<(Vec<u8>, u64), Answer>,
}

impl State {
    /// Takes in what was done.
    pub fn take(&mut self, asked: &Asked, answer: &Answer, schema: &Schema) {
        if matches!(answer, Answer::Refused(_)) {
            return;
        }
        match asked {
            Asked::Begin | Asked::Commit => {
                self.undo.clear();
                self.marks.clear();
            }
            Asked::Savepoint => self.marks.push(self.undo.len()),
            Asked::Release => drop(self.marks.pop()),
            Asked::BackToSavepoint => {
                let mark = self.marks.pop().unwrap_or(0);
                self.back_to(mark);
            }
            Asked::Rollback => {
                self.marks.clear();
                self.back_to(0);
            }
            Asked::Insert(entity, rows) => rows.iter().for_each(|row| self.inserted(*entity, row)),
            Asked::Update(entity, rows) => rows.iter().for_each(|row| self.updated(*entity, row, version(*entity, schema))),
            Asked::Delete(entity, ids) => {
                for id in ids {
                    self.write((*entity, *id), Written::Gone);
                    self.print((*entity, None), &("gone", id));
                }
            }
            _ => {}
        }
    }

    fn inserted(&mut self, entity: EntityId, row: &Values) {
        let Some(id) = id_of(row) else { return };
        self.write((entity, id), Written::New(row.iter().cloned().collect()));
        self.print((entity, None), &("new", id));
        row.iter().for_each(|(slot, value)| self.print((entity, Some(*slot)), &(id, value)));
    }

    fn updated(&mut self, entity: EntityId, row: &Values, version: Option<Slot>) {
        let Some(id) = id_of(row) else { return };
        let counted = version.filter(|version| row.iter().all(|(slot, _)| slot != version));
        let mut written = match self.records.get(&(entity, id)).cloned() {
            None | Some(Written::Gone) => Written::Changed(Row::default(), FieldSet::default()),
            Some(written) => written,
        };
        let (Written::New(fields) | Written::Changed(fields, _)) = &mut written else { return };
        row.iter().for_each(|(slot, value)| fields.set(*slot, value.clone()));
        if let Some(version) = counted {
            match fields.get(version) {
                Some(Value::Integer(number)) => fields.set(version, Value::Integer(number.saturating_add(1))),
                _ => {
                    if let Written::Changed(_, unknown) = &mut written {
                        unknown.insert(version);
                    }
                }
            }
            self.print((entity, Some(version)), &id);
        }
        self.write((entity, id), written);
        row.iter().filter(|(slot, _)| *slot != PRIMARY_KEY).for_each(|(slot, value)| self.print((entity, Some(*slot)), &(id, value)));
    }

    fn write(&mut self, key: Key, written: Written) {
        let before = self.records.insert(key, written);
        self.undo.push(Undo::Record(key, before));
    }

    fn print(&mut self, key: (EntityId, Option<Slot>), what: &impl Serialize) {
        let before = self.prints.get(&key).copied();
        self.prints.insert(key, hashed(&(before, encoded(what))));
        self.undo.push(Undo::Print(key, before));
    }

    fn back_to(&mut self, mark: usize) {
        while self.undo.len() > mark {
            match self.undo.pop() {
                Some(Undo::Record(key, Some(before))) => drop(self.records.insert(key, before)),
                Some(Undo::Record(key, None)) => drop(self.records.remove(&key)),
                Some(Undo::Print(key, Some(before))) => drop(self.prints.insert(key, before)),
                Some(Undo::Print(key, None)) => drop(self.prints.remove(&key)),
                None => return,
            }
        }
    }

    /// What was written to what a question is about.
    fn print_of(&self, asked: &Asked) -> u64 {
        let (entity, mut slots) = subject(asked);
        slots.sort_unstable();
        slots.dedup();
        let keys = std::iter::once(None).chain(slots.into_iter().map(Some));
        let prints: Vec<Option<u64>> = keys.map(|slot| self.prints.get(&(entity, slot)).copied()).collect();
        hashed(&prints)
    }
}

impl Known {
    /// What calls tell.
    pub fn of(calls: &[(Asked, Answer)], schema: &Schema) -> Self {
        let (mut known, mut then) = (Known::default(), State::default());
        for (asked, answer) in calls {
            match (asked, answer) {
                (Asked::Read(entity, ids, _), Answer::Rows(rows)) => {
                    ids.iter().zip(rows).for_each(|(id, row)| known.learn(&then, (*entity, *id), row.as_ref()));
                }
                (Asked::Select(selection, _), Answer::Records(records)) => {
                    records.iter().for_each(|(id, row)| known.learn(&then, (selection.entity, *id), Some(row)));
                }
                _ => {}
            }
            if !matches!(asked, Asked::Read(..)) {
                known.answers.entry((encoded(asked), then.print_of(asked))).or_insert_with(|| answer.clone());
            }
            then.take(asked, answer, schema);
        }
        known
    }

    /// What was read of a record is what it held before, but for what had been written to it.
    fn learn(&mut self, then: &State, key: Key, row: Option<&Values>) {
        let own = |slot: &Slot| match then.records.get(&key) {
            None => false,
            Some(Written::Changed(fields, unknown)) => fields.present().contains(*slot) || unknown.contains(*slot),
            Some(Written::New(_) | Written::Gone) => true,
        };
        match (row, then.records.get(&key)) {
            (None, None) => drop(self.records.entry(key).or_insert(None)),
            (Some(row), None | Some(Written::Changed(..))) => {
                if let Some(known) = self.records.entry(key).or_insert_with(|| Some(Row::default())) {
                    row.iter().filter(|(slot, _)| !own(slot)).for_each(|(slot, value)| known.set(*slot, value.clone()));
                }
            }
            _ => {}
        }
    }

    /// What records held before, where there were such records, by entity and id.
    pub fn before(self) -> Vec<(EntityId, Uuid, Values)> {
        let found = self.records.into_iter().filter_map(|((entity, id), row)| Some((entity, id, values(&row?))));
        let mut found: Vec<_> = found.collect();
        found.sort_unstable_by_key(|(entity, id, _)| (*entity, *id));
        found
    }

    /// Fields of a record as it is now; an error where one of them isn't known.
    pub fn read(&self, now: &State, entity: EntityId, id: Uuid, fields: &FieldSet, schema: &Schema) -> Result<Option<Values>, StoreError> {
        let key = (entity, id);
        let before = self.records.get(&key);
        let (written, unknown) = match (now.records.get(&key), before) {
            (Some(Written::Gone), _) | (None, Some(None)) => return Ok(None),
            (Some(Written::New(row)), _) => {
                let value = |slot| row.get(slot).cloned().unwrap_or_default();
                return Ok(Some(fields.iter().map(|slot| (slot, value(slot))).collect()));
            }
            (Some(Written::Changed(row, unknown)), _) => (Some(row), Some(unknown)),
            (None, Some(Some(_))) => (None, None),
            (None, None) => {
                let name = schema.entity(entity).map_or("record", |entity| entity.name.as_str());
                return Err(StoreError::Unrecorded(format!("the `{name}` {id}")));
            }
        };
        let mut found = Values::new();
        for slot in fields.iter() {
            let held =
                before.and_then(Option::as_ref).and_then(|row| row.get(slot)).filter(|_| !unknown.is_some_and(|all| all.contains(slot)));
            let value = match written.and_then(|row| row.get(slot)).or(held) {
                Some(value) => value.clone(),
                None if slot == PRIMARY_KEY => Value::Uuid(id),
                None => return Err(StoreError::Unrecorded(field(entity, slot, id, schema))),
            };
            found.push((slot, value));
        }
        Ok(Some(found))
    }

    /// The answer to a question that was asked like this, when the same had been written to what it is about.
    pub fn answer(&self, now: &State, asked: &Asked) -> Option<Answer> {
        self.answers.get(&(encoded(asked), now.print_of(asked))).cloned()
    }
}

fn field(entity: EntityId, slot: Slot, id: Uuid, schema: &Schema) -> String {
    let name = schema.entity(entity).map_or("record", |entity| entity.name.as_str());
    let field = schema.field(entity, slot).map_or("a field", |field| field.name.as_str());
    format!("`{field}` of the `{name}` {id}")
}

/// The entity that a question is about, and its fields that matter to the answer.
fn subject(asked: &Asked) -> (EntityId, Vec<Slot>) {
    let of = |selection: &Selection| -> Vec<Slot> {
        let conditions = selection.conditions.iter().chain(&selection.any).map(|condition| condition.slot);
        conditions.chain(selection.order.iter().map(|order| order.slot)).collect()
    };
    let slots = |values: &Values| -> Vec<Slot> { values.iter().map(|(slot, _)| *slot).collect() };
    match asked {
        Asked::Read(entity, _, fields) => (*entity, fields.iter().collect()),
        Asked::Insert(entity, rows) | Asked::Update(entity, rows) => (*entity, rows.iter().flat_map(slots).collect()),
        Asked::Delete(entity, _) | Asked::Count(entity) => (*entity, Vec::new()),
        Asked::Referring(entity, field, ..) => (*entity, vec![*field]),
        Asked::Find(entity, values, _) | Asked::Identify(entity, values) => (*entity, slots(values)),
        Asked::Select(selection, fields) => (selection.entity, of(selection).into_iter().chain(fields.iter()).collect()),
        Asked::Aggregate(selection, aggregate) => (selection.entity, of(selection).into_iter().chain(aggregate.slot()).collect()),
        _ => (EntityId(u16::MAX), Vec::new()),
    }
}

/// Whether two questions are the same to the last digit.
pub(super) fn same(one: &Asked, other: &Asked) -> bool {
    one == other && encoded(one) == encoded(other)
}

fn encoded(what: &impl Serialize) -> Vec<u8> {
    // What is encoded here are plain values in memory, which can't fail; if it did, the question would only be answered by nothing.
    postcard::to_allocvec(what).unwrap_or_default()
}

fn hashed(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}
