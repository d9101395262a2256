//! A trial and what became of it, as a test.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use crate::project::Compiled;
use crate::project::written::{self, expected, literal, name, title, value};
use crate::schema::{Default, PRIMARY_KEY, system};
use crate::value::{EntityId, Type, Value, time};

use super::sketch::Entry;
use super::trial::{Cell, Cells, Ran, Trial, outside, owner};

/// How many fields are expected to hold something.
const MOST: usize = 6;

/// Writes a test with this title; an error says what the language of tests can't say.
pub(super) fn test(called: &str, trial: &Trial, ran: &Ran, compiled: &Compiled) -> Result<String, String> {
    let mut writer = Writer { trial, ran, compiled, names: BTreeMap::new(), lines: Vec::new() };
    writer.owners();
    writer.fakes();
    writer.records()?;
    writer.operation()?;
    writer.ending()?;
    Ok(format!("test {} {{\n{}\n}}\n", literal(called), writer.lines.join("\n")))
}

struct Writer<'a> {
    trial: &'a Trial,
    ran: &'a Ran,
    compiled: &'a Compiled,
    /// The names of the records, by their numbers.
    names: BTreeMap<usize, String>,
    lines: Vec<String>,
}

impl Writer<'_> {
    /// The users whom flows belong to that had a part in it.
    fn owners(&mut self) {
        let outcome = &self.ran.outcome;
        let part = outcome.ran.iter().chain(&outcome.queued).filter_map(|name| self.compiled.program.flow(name));
        let owners: BTreeSet<&str> = part.filter_map(|flow| owner(&flow.head)).map(SmolStr::as_str).collect();
        self.lines.extend(owners.into_iter().map(|owner| format!("user {} {{}}", literal(owner))));
    }

    /// Code outside that had a part in it does nothing in the test.
    fn fakes(&mut self) {
        let ran = outside(self.compiled).filter(|name| self.ran.outcome.ran.contains(name));
        let lines: Vec<String> = ran.map(|called| format!("fake {} {{}}", title(called))).collect();
        self.lines.extend(lines);
    }

    fn records(&mut self) -> Result<(), String> {
        for (number, made) in &self.trial.records {
            let values = self.cells(made.entity, &made.cells)?;
            let called = self.call(*number, made.entity);
            self.lines.push(format!("let {called} = create {} {values}", name(self.entity(made.entity))));
        }
        Ok(())
    }

    fn operation(&mut self) -> Result<(), String> {
        let Trial { entry, entity, cells, inputs, .. } = self.trial;
        let flow = title(&self.trial.name);
        let inputs = self.inputs(inputs)?;
        let own = self.names.get(&0).cloned().unwrap_or_default();
        let line = match (entry, entity) {
            (Entry::Create, Some(entity)) => {
                let values = self.cells(*entity, cells)?;
                let created = format!("create {} {values}", name(self.entity(*entity)));
                if self.ran.row.is_some() { format!("let {} = {created}", self.call(0, *entity)) } else { created }
            }
            (Entry::Update(_), Some(entity)) => format!("update {own} {}", self.cells(*entity, cells)?),
            (Entry::Delete, _) => format!("delete {own}"),
            (Entry::Run, _) => format!("run {flow}{inputs} on {own}"),
            (Entry::Start, _) => format!("start {flow}{inputs} on {own}"),
            (Entry::Perform, Some(_)) => format!("perform {flow}{inputs} on {own}"),
            (Entry::Perform, None) => format!("perform {flow}{inputs}"),
            (_, None) => return Err("there is no record".to_owned()),
        };
        self.lines.push(line);
        Ok(())
    }

    /// What is expected: how it ended, or what it wrote, or else what ran.
    fn ending(&mut self) -> Result<(), String> {
        match written::ended(&self.ran.outcome.ending) {
            Some(line) => self.lines.push(line),
            None => {
                let written = self.written();
                match self.trial.background {
                    true => self.jobs(),
                    false if written.is_empty() => self.lines.push(self.which_ran()),
                    false => {}
                }
                self.lines.extend(written);
            }
        }
        Ok(())
    }

    fn which_ran(&self) -> String {
        written::ran(&self.ran.outcome.ran).unwrap_or_else(|| format!("expect not ran {}", title(&self.trial.name)))
    }

    fn jobs(&mut self) {
        self.lines.push("run jobs".to_owned());
        let waits = self.trial.waits.iter().map(|wait| format!("advance {}", time::duration_text(*wait)));
        self.lines.extend(waits);
        self.lines.extend(self.ran.job.and_then(|status| written::job(&self.trial.name, status)));
    }

    /// The fields of the record that the operation gave another value than it was told to.
    fn written(&self) -> Vec<String> {
        let Trial { cells, entity, .. } = self.trial;
        let Some(((row, entity), own)) = self.ran.row.as_ref().zip(*entity).zip(self.names.get(&0)) else { return Vec::new() };
        let mut written = Vec::new();
        for (slot, field) in self.compiled.schema.entity(entity).iter().flat_map(|entity| entity.fields()) {
            let now = row.get(slot).cloned().unwrap_or_default();
            let plain = match (cells.iter().find(|(other, _)| *other == slot), &self.ran.before, &field.default) {
                (Some((_, Cell::Value(value))), ..) | (None, None, Default::Value(value)) => value.clone(),
                (None, Some(before), _) => before.get(slot).cloned().unwrap_or_default(),
                (None, None, Default::None) => Value::Empty,
                _ => continue,
            };
            let kept = slot == PRIMARY_KEY || field.read_only || system::ALL.contains(&field.name.as_str());
            if kept || now == plain || matches!(field.ty, Type::Lookup(_)) || written.len() >= MOST {
                continue;
            }
            written.extend(expected(&self.compiled.schema, own, (entity, field), &now, &|_| Err(String::new())));
        }
        written
    }

    fn call(&mut self, number: usize, entity: EntityId) -> String {
        let base = self.entity(entity).to_owned();
        let count = self.names.values().filter(|name| name.trim_end_matches(char::is_numeric) == base).count() + 1;
        let called = format!("{base}{count}");
        self.names.insert(number, called.clone());
        called
    }

    fn entity(&self, entity: EntityId) -> &str {
        self.compiled.schema.entity(entity).map_or("record", |entity| entity.name.as_str())
    }

    fn cells(&self, entity: EntityId, cells: &Cells) -> Result<String, String> {
        let mut told = Vec::new();
        for (slot, cell) in cells {
            let Some(field) = self.compiled.schema.field(entity, *slot) else { continue };
            let value = self.cell(cell, &field.ty, Some((entity, field)))?;
            told.push(format!("{} = {value}", name(&field.name)));
        }
        Ok(if told.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", told.join(", ")) })
    }

    fn inputs(&self, inputs: &[(u16, Cell)]) -> Result<String, String> {
        let program = &self.compiled.program;
        let flow = program.flow(&self.trial.name).map(|flow| &flow.head.inputs);
        let declared = flow.or_else(|| program.action(&self.trial.name).map(|action| &action.head.inputs));
        let mut told = Vec::new();
        for (number, cell) in inputs {
            let Some(input) = declared.and_then(|inputs| inputs.get(usize::from(*number))) else { continue };
            told.push(format!("{} = {}", name(&input.name), self.cell(cell, &input.ty, None)?));
        }
        Ok(if told.is_empty() { String::new() } else { format!("({})", told.join(", ")) })
    }

    fn cell(&self, cell: &Cell, ty: &Type, of: Option<(EntityId, &crate::schema::Field)>) -> Result<String, String> {
        match cell {
            Cell::Record(number) => self.names.get(number).cloned().ok_or_else(|| "a record without a name".to_owned()),
            Cell::Value(given) => value(&self.compiled.schema, given, ty, of, &|_| Err("a record".to_owned())),
        }
    }
}
