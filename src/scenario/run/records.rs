//! The records that a failed `expect` is about: as they are, and as they were before the last operation.
//!
//! What they were is told by the trace of that operation; of one that was rolled back nothing has changed.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};

use crate::pipeline::{Ending, Happening, Outcome};
use crate::schema::system::{GIVEN, KEPT};
use crate::schema::{PRIMARY_KEY, Row};
use crate::value::{Reference, Slot, Value};
use crate::vm::FactName;

use super::super::report::{EventKind, Failure, FieldState, RecordState};
use super::Run;

/// How many records, and how many fields of each, are told at most.
const MOST: usize = 24;

/// How much of a text is told.
const LONGEST: usize = 60;

/// The values that fields had before an operation, by record and name.
type Before = FxHashMap<(Reference, SmolStr), Value>;

impl Run<'_> {
    /// A failure with the records that it reads, and the one of the last operation.
    pub(super) fn with_records(&mut self, mut failure: Failure, read: Vec<(Reference, Slot)>) -> Failure {
        let (own, before) = self.last_outcome().map_or_else(Default::default, |outcome| (record_of(outcome), before(outcome)));
        let mut records: Vec<Reference> = Vec::new();
        for record in read.iter().map(|(record, _)| *record).chain(own) {
            if records.len() < MOST && !records.contains(&record) {
                records.push(record);
            }
        }
        failure.records = records.into_iter().filter_map(|record| self.state(record, &read, &before)).collect();
        failure
    }

    fn last_outcome(&self) -> Option<&Outcome> {
        match &self.events.get(self.last?)?.kind {
            EventKind::Operation { outcome, .. } => Some(outcome),
            _ => None,
        }
    }

    /// A record as it is; nothing of one that never was.
    fn state(&mut self, record: Reference, read: &[(Reference, Slot)], before: &Before) -> Option<RecordState> {
        let title = self.called(record);
        let schema = std::sync::Arc::clone(self.pipeline.schema());
        let entity = schema.entity(record.entity)?;
        let row = self.pipeline.read(record, &entity.fields().map(|(slot, _)| slot).collect()).ok()?;
        let Some(row) = row else {
            let was = read.iter().any(|(other, _)| *other == record) || before.keys().any(|(other, _)| *other == record);
            return was.then(|| RecordState { title, gone: true, fields: Vec::new() });
        };
        let value = |row: &Row, slot: Slot| row.get(slot).cloned().unwrap_or_default();
        let mut fields = Vec::new();
        for (slot, field) in entity.fields().filter(|(slot, _)| *slot != PRIMARY_KEY) {
            let now = value(&row, slot);
            let old = before.get(&(record, field.name.clone())).filter(|old| **old != now);
            // The latter are told where they changed, too.
            let (kept, given) = (KEPT.contains(&field.name.as_str()), GIVEN.contains(&field.name.as_str()));
            let changed = old.is_some() && !kept;
            let wanted = read.contains(&(record, slot)) || changed || !(kept || given || now.is_empty());
            if wanted && fields.len() < MOST {
                let old = old.filter(|_| changed).map(|old| self.brief(old, &field.ty));
                fields.push(FieldState { name: field.name.clone(), old, value: self.brief(&now, &field.ty) });
            }
        }
        Some(RecordState { title, gone: false, fields })
    }

    fn brief(&mut self, value: &Value, ty: &crate::value::Type) -> String {
        match value {
            Value::Text(_) => self.pipeline.schema().written(value, Some(ty), LONGEST),
            _ => self.spelled(value, ty),
        }
    }

    /// What a record is called: its entity and its primary name, or its id where there is none.
    pub(super) fn called(&mut self, record: Reference) -> String {
        let entity = self.pipeline.schema().entity(record.entity).map(|entity| entity.name.clone()).unwrap_or_default();
        let ty = crate::value::Type::Lookup([record.entity].into());
        let name = self.pipeline.text(&Value::Reference(record), &ty, None).unwrap_or_default();
        if name.is_empty() || name == format_smolstr!("{}", record.id) {
            format!("{entity} {}", record.id)
        } else {
            format!("{entity} \"{name}\"")
        }
    }
}

/// The record of an operation, whether it was kept or not.
fn record_of(outcome: &Outcome) -> Option<Reference> {
    let begun = outcome.trace.iter().find_map(|entry| if let Happening::Operation { record, .. } = &entry.what { *record } else { None });
    outcome.record.or(begun)
}

/// Adds the names of what had a part in an operation.
pub(super) fn touched(outcome: &Outcome, names: &mut BTreeSet<SmolStr>) {
    let mut add = |name: &SmolStr| {
        if !names.contains(name) {
            names.insert(name.clone());
        }
    };
    outcome.ran.iter().chain(&outcome.queued).for_each(&mut add);
    for entry in &outcome.trace {
        match &entry.what {
            Happening::Operation { name, entity, .. } => name.iter().chain(entity).for_each(&mut add),
            Happening::Step { name, .. } => add(name),
            _ => {}
        }
    }
}

/// What fields held before an operation, where it was kept.
fn before(outcome: &Outcome) -> Before {
    let mut before = Before::default();
    let mut open: Vec<(u32, Option<Reference>)> = Vec::new();
    let kept = outcome.ending == Ending::Committed;
    for entry in outcome.trace.iter().filter(|_| kept) {
        open.retain(|(level, _)| *level < entry.level);
        match &entry.what {
            Happening::Operation { record, .. } => open.push((entry.level, *record)),
            Happening::Core { values, .. } => {
                let Some(record) = open.last().and_then(|(_, record)| *record) else { continue };
                for named in values {
                    if let (FactName::Words(name), Some(old)) = (&named.name, &named.old) {
                        before.entry((record, name.clone())).or_insert_with(|| old.clone());
                    }
                }
            }
            _ => {}
        }
    }
    before
}
