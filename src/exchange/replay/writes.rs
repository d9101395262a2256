//! What operations wrote to fields, held against each other.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::Change;
use crate::exchange::KEPT;
use crate::pipeline::Ending;
use crate::project::Compiled;
use crate::project::record::Played;
use crate::schema::{PRIMARY_KEY, Row};
use crate::store::record::{Asked, Values, id_of};
use crate::value::{EntityId, Reference, Type, Uuid, Value, text};

/// The history of changes, which follows from the rest.
const HISTORY: &str = "audit";

/// How many changes are told.
const MOST: usize = 200;

/// Fields by record: what they hold in the end.
type Fields = BTreeMap<(String, String), Content>;

/// What a field holds: a text as it is, anything else in words that no other value has.
#[derive(PartialEq)]
enum Content {
    Text(SmolStr),
    Words(String),
}

/// How much of a text is told, in characters, and how much of that may stand before the first difference.
const SHOWN: usize = 60;
const BEFORE: usize = 20;

/// What is written otherwise.
pub(super) fn written((was, before): (&Played, &Compiled), (now, after): (&Played, &Compiled)) -> Vec<Change> {
    let (old, new) = (fields(was, before), fields(now, after));
    let keys: BTreeSet<&(String, String)> = old.keys().chain(new.keys()).collect();
    let changed = keys.into_iter().filter(|key| old.get(*key) != new.get(*key)).map(|key| {
        let (record, field) = key.clone();
        let (was, now) = (old.get(key), new.get(key));
        let same = match (was, now) {
            (Some(Content::Text(was)), Some(Content::Text(now))) => {
                was.chars().zip(now.chars()).take_while(|(was, now)| was == now).count()
            }
            _ => 0,
        };
        Change { record, field, was: was.map(|was| shown(was, same)), now: now.map(|now| shown(now, same)) }
    });
    changed.take(MOST).collect()
}

/// A content as people read it: of a long text, the part at which it differs, behind so many characters that are the same.
fn shown(content: &Content, same: usize) -> String {
    let text = match content {
        Content::Words(words) => return words.clone(),
        Content::Text(text) => text,
    };
    let skipped = if text.chars().count() > SHOWN { same.saturating_sub(BEFORE) } else { 0 };
    let mut letters = text.chars().skip(skipped);
    let mut part = String::from(if skipped > 0 { "`…" } else { "`" });
    for letter in letters.by_ref().take(SHOWN) {
        if letter.is_control() { part.extend(letter.escape_default()) } else { part.push(letter) }
    }
    part.push_str(if letters.next().is_some() { "…`" } else { "`" });
    part
}

/// What was written and kept, by record in the order of their first writes; of none that is gone.
pub(super) fn written_by(played: &Played) -> Vec<(Reference, Row)> {
    let mut found: Vec<(Reference, Row)> = Vec::new();
    let is_kept = played.outcome.ending == Ending::Committed;
    for write in played.writes.iter().filter(|_| is_kept) {
        match write {
            Asked::Insert(entity, rows) | Asked::Update(entity, rows) => {
                for (id, row) in rows.iter().filter_map(|row| Some((id_of(row)?, row))) {
                    let record = Reference { entity: *entity, id };
                    let row: Row = row.iter().cloned().collect();
                    match found.iter_mut().find(|(other, _)| *other == record) {
                        Some((_, fields)) => fields.overlay(&row),
                        None => found.push((record, row)),
                    }
                }
            }
            Asked::Delete(entity, ids) => found.retain(|(record, _)| record.entity != *entity || !ids.contains(&record.id)),
            _ => {}
        }
    }
    found
}

fn fields(played: &Played, compiled: &Compiled) -> Fields {
    let mut names = Names { compiled, new: FxHashMap::default(), counts: FxHashMap::default() };
    let mut fields = Fields::new();
    if played.outcome.ending != Ending::Committed {
        return fields;
    }
    for write in &played.writes {
        match write {
            Asked::Insert(entity, rows) => {
                rows.iter().for_each(|row| names.count(*entity, row));
                rows.iter().for_each(|row| names.write(*entity, row, &mut fields));
            }
            Asked::Update(entity, rows) => rows.iter().for_each(|row| names.write(*entity, row, &mut fields)),
            Asked::Delete(entity, ids) => {
                for record in ids.iter().map(|id| names.record(*entity, *id)) {
                    fields.retain(|(other, _), _| *other != record);
                    fields.insert((record, "the record".to_owned()), Content::Words("is deleted".to_owned()));
                }
            }
            _ => {}
        }
    }
    fields
}

struct Names<'a> {
    compiled: &'a Compiled,
    new: FxHashMap<Uuid, usize>,
    counts: FxHashMap<EntityId, usize>,
}

impl Names<'_> {
    fn count(&mut self, entity: EntityId, row: &Values) {
        if let Some(id) = id_of(row) {
            let count = self.counts.entry(entity).or_default();
            *count += 1;
            self.new.insert(id, *count);
        }
    }

    fn record(&self, entity: EntityId, id: Uuid) -> String {
        let name = self.entity(entity);
        self.new.get(&id).map_or_else(|| format!("{name} {id}"), |number| format!("new {name} {number}"))
    }

    fn entity(&self, entity: EntityId) -> &str {
        self.compiled.schema.entity(entity).map_or("record", |entity| entity.name.as_str())
    }

    fn write(&self, entity: EntityId, row: &Values, fields: &mut Fields) {
        let Some(id) = id_of(row).filter(|_| self.entity(entity) != HISTORY) else { return };
        let record = self.record(entity, id);
        for (slot, value) in row.iter().filter(|(slot, _)| *slot != PRIMARY_KEY) {
            let Some(field) = self.compiled.schema.field(entity, *slot) else { continue };
            if !KEPT.contains(&field.name.as_str()) {
                fields.insert((record.clone(), field.name.to_string()), self.value(value, &field.ty));
            }
        }
    }

    fn value(&self, value: &Value, ty: &Type) -> Content {
        let option = |code: &i32| match ty {
            Type::Choice(choice) | Type::Choices(choice) => {
                let option = self.compiled.schema.choice(*choice).and_then(|choice| choice.by_code(*code));
                option.map_or_else(|| code.to_string(), |option| option.name.to_string())
            }
            _ => code.to_string(),
        };
        Content::Words(match value {
            Value::Text(text) => return Content::Text(text.clone()),
            Value::Empty => "empty".to_owned(),
            Value::Reference(record) => self.record(record.entity, record.id),
            Value::Choice(code) => option(code),
            Value::Choices(codes) => format!("[{}]", codes.iter().map(option).collect::<Vec<_>>().join(", ")),
            _ => text::display(value).to_string(),
        })
    }
}
