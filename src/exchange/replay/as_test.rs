//! A record as a test: its operations in the language, each with what became of it.
//!
//! Records that were there before are created first, with what the operations read of them. That is all that is known of them, and flows run
//! on those creates too, so whoever prints such a test runs it first.

use std::fmt::Write;

use rustc_hash::FxHashMap;

use super::written_by;
use crate::pipeline::{ADMINISTRATOR, Operation, ROOT_UNIT};
use crate::project::Compiled;
use crate::project::record::{Played, Taken};
use crate::project::written;
use crate::schema::system::{GIVEN, KEPT};
use crate::schema::{Field, PRIMARY_KEY, Row};
use crate::value::{EntityId, Reference, Type, Uuid, Value};

/// Minutes since 1970 at which a test begins.
const BEGIN: i64 = 1_767_225_600 / 60;

/// A test in the making.
pub struct AsTest<'a> {
    compiled: &'a Compiled,
    /// The records that have a name.
    names: FxHashMap<Uuid, String>,
    counts: FxHashMap<EntityId, usize>,
    given: String,
    body: String,
    minutes: i64,
}

impl<'a> AsTest<'a> {
    /// A test without a statement.
    pub fn new(compiled: &'a Compiled) -> Self {
        let (names, counts) = (FxHashMap::default(), FxHashMap::default());
        AsTest { compiled, names, counts, given: String::new(), body: String::new(), minutes: BEGIN }
    }

    /// Adds an operation and what became of it; an error says what the language of tests can't say.
    pub fn add(&mut self, taken: &Taken, played: &Played) -> Result<(), String> {
        if taken.acting.id != ADMINISTRATOR {
            return Err(format!("operation {} is done by a user whose roles the record doesn't hold", taken.number));
        }
        self.give(taken)?;
        let minutes = taken.now.as_second().div_euclid(60);
        if minutes > self.minutes {
            self.line(&format!("advance {} minutes", minutes - self.minutes));
            self.minutes = minutes;
        }
        let statement = self.statement(&taken.operation, played)?;
        self.line(&statement);
        let outcome = &played.outcome;
        written::ended(&outcome.ending).into_iter().chain(written::ran(&outcome.ran)).for_each(|line| self.line(&line));
        self.expect(played);
        self.body.push('\n');
        Ok(())
    }

    /// The test.
    pub fn finish(self, title: &str) -> String {
        let given = if self.given.is_empty() { String::new() } else { format!("{}\n", self.given) };
        format!("test {} {{\n{given}{}\n}}\n", written::literal(title), self.body.trim_end())
    }

    fn line(&mut self, words: &str) {
        let _ = writeln!(self.body, "  {words}");
    }

    /// Records that were there before, and that the operation is about.
    fn give(&mut self, taken: &Taken) -> Result<(), String> {
        let mut wanted = Vec::new();
        let mut operation = taken.operation.clone();
        wanted.extend(operation.record_mut().copied());
        for (entity, row) in rows(&taken.operation) {
            wanted.extend(
                row.get(PRIMARY_KEY).and_then(|id| if let Value::Uuid(id) = id { Some(Reference { entity, id: *id }) } else { None }),
            );
            wanted.extend(row.iter().filter_map(|(_, value)| if let Value::Reference(record) = value { Some(*record) } else { None }));
        }
        let before = taken.before(&self.compiled.schema);
        // What was read of records may refer to others, which have to be there first.
        let mut at = 0;
        while let Some(record) = wanted.get(at).copied() {
            at += 1;
            let fields = before.iter().find(|(entity, id, _)| (*entity, *id) == (record.entity, record.id)).map(|(.., fields)| fields);
            for (_, value) in fields.into_iter().flatten() {
                if let Value::Reference(other) = value
                    && !wanted.contains(other)
                {
                    wanted.push(*other);
                }
            }
        }
        for record in wanted.into_iter().rev() {
            let fields = before.iter().find(|(entity, id, _)| (*entity, *id) == (record.entity, record.id));
            if let (Some((.., fields)), false) = (fields, self.is_named(record)) {
                let values = self.values(record.entity, fields.iter().map(|(slot, value)| (*slot, value)), true)?;
                let name = self.name(record);
                let line = format!("  let {name} = create {} {values}\n", self.entity(record.entity));
                self.given.push_str(&line);
            }
        }
        Ok(())
    }

    fn is_named(&self, record: Reference) -> bool {
        [ADMINISTRATOR, ROOT_UNIT].contains(&record.id) || self.names.contains_key(&record.id)
    }

    fn entity(&self, entity: EntityId) -> &str {
        self.compiled.schema.entity(entity).map_or("record", |entity| entity.name.as_str())
    }

    fn name(&mut self, record: Reference) -> String {
        let count = self.counts.entry(record.entity).or_default();
        *count += 1;
        let count = *count;
        let name = format!("{}{count}", self.entity(record.entity));
        self.names.insert(record.id, name.clone());
        name
    }

    fn record(&self, record: Reference) -> Result<&str, String> {
        let unknown = || format!("the `{}` {} is not known well enough to be created", self.entity(record.entity), record.id);
        self.names.get(&record.id).map(String::as_str).ok_or_else(unknown)
    }

    fn statement(&mut self, operation: &Operation, played: &Played) -> Result<String, String> {
        let program = &self.compiled.program;
        Ok(match operation {
            Operation::Create { entity, values } => {
                let values = self.values(*entity, values.iter(), false)?;
                let created = format!("create {} {values}", self.entity(*entity));
                match played.outcome.record {
                    Some(record) => format!("let {} = {created}", self.name(record)),
                    None => created,
                }
            }
            Operation::Update { record, values } => {
                format!("update {} {}", self.record(*record)?, self.values(record.entity, values.iter(), false)?)
            }
            Operation::Delete { record } => format!("delete {}", self.record(*record)?),
            Operation::Upsert { entity, key, values } => {
                let mut all = values.clone();
                all.overlay(key);
                let upserted = format!("upsert {} {}", self.entity(*entity), self.values(*entity, all.iter(), false)?);
                match played.outcome.record.filter(|record| !self.is_named(*record)) {
                    Some(record) => format!("let {} = {upserted}", self.name(record)),
                    None => upserted,
                }
            }
            Operation::CreateMultiple { entity, targets } => {
                let targets: Result<Vec<String>, String> = targets.iter().map(|row| self.values(*entity, row.iter(), false)).collect();
                format!("create {} {}", self.entity(*entity), targets?.join(", "))
            }
            Operation::UpdateMultiple { entity, targets } => {
                let target = |row: &Row| {
                    let Some(Value::Uuid(id)) = row.get(PRIMARY_KEY) else { return Err("a target has no id".to_owned()) };
                    let record = self.record(Reference { entity: *entity, id: *id })?;
                    Ok(format!("{record} {}", self.values(*entity, row.iter(), false)?))
                };
                let targets: Result<Vec<String>, String> = targets.iter().map(target).collect();
                format!("update {}", targets?.join(", "))
            }
            Operation::Keyed { .. } => return Err("an operation names its record by a key".to_owned()),
            Operation::Run { flow, record, inputs } | Operation::Start { flow, record, inputs } => {
                let verb = if matches!(operation, Operation::Run { .. }) { "run" } else { "start" };
                let declared = program.flow(flow).map_or(&[][..], |flow| &flow.head.inputs);
                format!("{verb} {}{} on {}", written::title(flow), self.inputs(declared, inputs)?, self.record(*record)?)
            }
            Operation::Perform { action, record, inputs } => {
                let declared = program.action(action).map_or(&[][..], |action| &action.head.inputs);
                let on = record.map(|record| self.record(record).map(|name| format!(" on {name}"))).transpose()?.unwrap_or_default();
                format!("perform {}{}{on}", written::title(action), self.inputs(declared, inputs)?)
            }
        })
    }

    fn inputs(&self, declared: &[crate::bytecode::Input], given: &[Value]) -> Result<String, String> {
        let given = declared.iter().zip(given).filter(|(_, value)| !value.is_empty());
        let told = given.map(|(input, value)| Ok(format!("{} = {}", written::name(&input.name), self.value(value, &input.ty, None)?)));
        let told = told.collect::<Result<Vec<String>, String>>()?;
        Ok(if told.is_empty() { String::new() } else { format!("({})", told.join(", ")) })
    }

    /// Fields with their values, in braces; of a record that was there, only what somebody may have given it.
    fn values<'v>(
        &self,
        entity: EntityId,
        row: impl Iterator<Item = (crate::value::Slot, &'v Value)>,
        was: bool,
    ) -> Result<String, String> {
        let mut told = Vec::new();
        for (slot, value) in row.filter(|(slot, _)| *slot != PRIMARY_KEY) {
            let Some(field) = self.compiled.schema.field(entity, slot) else { continue };
            let name = field.name.as_str();
            if KEPT.contains(&name) || was && (value.is_empty() || GIVEN.contains(&name)) {
                continue;
            }
            told.push(format!("{} = {}", written::name(name), self.value(value, &field.ty, Some((entity, field)))?));
        }
        Ok(if told.is_empty() { "{ }".to_owned() } else { format!("{{ {} }}", told.join(", ")) })
    }

    /// A value as the language writes it.
    fn value(&self, value: &Value, ty: &Type, of: Option<(EntityId, &Field)>) -> Result<String, String> {
        written::value(&self.compiled.schema, value, ty, of, &|record| self.record(record).map(str::to_owned))
    }

    /// What was written to records that have a name.
    fn expect(&mut self, played: &Played) {
        for (record, row) in written_by(played) {
            let Some(name) = self.names.get(&record.id).cloned() else { continue };
            for (slot, value) in row.iter().filter(|(slot, _)| *slot != PRIMARY_KEY) {
                let Some(field) = self.compiled.schema.field(record.entity, slot) else { continue };
                // A test's clock has whole minutes, so what flows worked out of the time is not the same to the last bit.
                if written::is_own(field) || written::is_moment(field) {
                    continue;
                }
                let called = |record| self.record(record).map(str::to_owned);
                if let Some(line) = written::expected(&self.compiled.schema, &name, (record.entity, field), value, &called) {
                    self.line(&line);
                }
            }
        }
    }
}

/// The rows that an operation submits.
fn rows(operation: &Operation) -> Vec<(EntityId, &Row)> {
    match operation {
        Operation::Create { entity, values } => vec![(*entity, values)],
        Operation::Update { record, values } => vec![(record.entity, values)],
        Operation::Upsert { entity, key, values } => vec![(*entity, key), (*entity, values)],
        Operation::CreateMultiple { entity, targets } | Operation::UpdateMultiple { entity, targets } => {
            targets.iter().map(|row| (*entity, row)).collect()
        }
        Operation::Keyed { operation, .. } => rows(operation),
        _ => Vec::new(),
    }
}
