//! A sketch with a value for everything, and what becomes of it: it is run in a store of its own, in the same pipeline as a test.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use smol_str::SmolStr;

use crate::bytecode::{ActionHead, Code, Effects, FlowHead, Input};
use crate::check::ir::{Action, Fake};
use crate::compile;
use crate::jobs;
use crate::pipeline::{ADMINISTRATOR_NAME, Ending, Operation, Outcome, Pipeline, Settings};
use crate::project::{Compiled, Project};
use crate::schema::jobs::Status;
use crate::schema::{Default, PRIMARY_KEY, Row, Schema, system};
use crate::source::Span;
use crate::value::{Duration, EntityId, Reference, Slot, Type, Value, time};

use super::super::coverage::Collector;
use super::domain::{Domain, Need};
use super::sketch::{Entry, Place, Sketch, Time};
use super::solve::{Solved, Why};

/// What is tried.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trial {
    /// The records that are created beforehand, in order, each with its number in the sketch.
    pub records: Vec<(usize, Made)>,
    /// How it is begun.
    pub entry: Entry,
    /// The flow or action.
    pub name: SmolStr,
    /// What the operation is about: a record that is there, or the entity of a new one. A global action has none.
    pub entity: Option<EntityId>,
    /// What it submits.
    pub cells: Cells,
    /// The inputs.
    pub inputs: Vec<(u16, Cell)>,
    /// Whether jobs are to run afterwards.
    pub background: bool,
    /// How long is waited then, one after the other.
    pub waits: Vec<Duration>,
}

/// A record with its fields.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Made {
    pub entity: EntityId,
    pub cells: Cells,
}

/// Fields with their values.
pub(super) type Cells = Vec<(Slot, Cell)>;

/// A value, or a record of the trial by its number.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Value(Value),
    Record(usize),
}

/// What became of it.
pub(super) struct Ran {
    /// What was counted.
    pub collector: Collector,
    /// The last operation that was begun.
    pub outcome: Outcome,
    /// The number of the record whose create it was, where that is not the operation that counts.
    pub beforehand: Option<usize>,
    /// The first record as it was before the operation.
    pub before: Option<Row>,
    /// The same as it is then.
    pub row: Option<Row>,
    /// How the job of the flow stands.
    pub job: Option<Status>,
}

/// What a trial is made for.
pub(super) struct Aim<'a> {
    pub schema: &'a Schema,
    pub entry: &'a Entry,
    pub name: &'a SmolStr,
    pub entity: Option<EntityId>,
    pub inputs: &'a [Input],
    pub background: bool,
}

impl Aim<'_> {
    /// Chooses a value for everything that a sketch asks for, and for what has to be there anyway.
    pub fn trial(&self, mut sketch: Sketch) -> Solved<Trial> {
        self.submit(&mut sketch)?;
        self.require(&mut sketch)?;
        let new = *self.entry == Entry::Create;
        let mut order = Vec::new();
        (0..sketch.records.len()).try_for_each(|record| ordered(record, &sketch, new, &mut order, 0))?;
        let made = |number: usize| {
            let entity = sketch.records.get(number).map(|draft| draft.entity).ok_or_else(|| said("there is no such record"))?;
            Ok((number, Made { entity, cells: self.cells(&sketch, number, Time::Before)? }))
        };
        let records = order.into_iter().filter(|number| !new || *number != 0).map(made).collect::<Solved<Vec<_>>>()?;
        let inputs = sketch.inputs.iter().map(|(input, domain)| {
            let field = self.inputs.get(usize::from(*input)).map(Input::field).ok_or_else(|| said("there is no such input"))?;
            Ok((*input, self.cell(domain, &field, 1)?))
        });
        Ok(Trial {
            records,
            entry: self.entry.clone(),
            name: self.name.clone(),
            entity: self.entity,
            cells: self.cells(&sketch, 0, Time::Now)?,
            inputs: inputs.collect::<Solved<Vec<_>>>()?,
            background: self.background,
            waits: sketch.waits.clone(),
        })
    }

    /// An update submits a field that begins the flow, and gives other values where one has to change.
    fn submit(&self, sketch: &mut Sketch) -> Solved {
        let (Entry::Update(fields), Some(entity)) = (self.entry, self.entity) else { return Ok(()) };
        let Some(entity) = self.schema.entity(entity) else { return Ok(()) };
        let begins = |slot: Slot| fields.as_ref().is_none_or(|fields| fields.contains(slot));
        let asked = sketch.records.first().is_some_and(|draft| draft.fields.keys().any(|(time, slot)| *time == Time::Now && begins(*slot)));
        if !asked {
            let writable = |(slot, field): &(Slot, &crate::schema::Field)| *slot != PRIMARY_KEY && !field.read_only && begins(*slot);
            let fields: Vec<_> = entity.fields().filter(writable).collect();
            let first = fields.iter().find(|(_, field)| !matches!(field.ty, Type::Lookup(_))).or_else(|| fields.first());
            let (slot, _) = *first.ok_or_else(|| said("no field that begins it can be written"))?;
            self.fill(sketch, Place::Field(0, Time::Now, slot))?;
        }
        let changed = sketch.changed.clone().into_iter().map(|slot| (slot, true));
        let kept = sketch.kept.clone().into_iter().map(|slot| (slot, false));
        for (slot, changes) in changed.chain(kept) {
            let (Some(field), Some(now)) = (entity.field(slot), sketch.domain(Place::Field(0, Time::Now, slot))) else { continue };
            if let Some(value) = now.value(field, self.schema, 2)
                && let Some(domain) = sketch.domain_mut(Place::Field(0, Time::Before, slot))
            {
                domain.add(if changes { Need::Not(value) } else { Need::Is(value) });
            }
        }
        Ok(())
    }

    /// What may not be empty is filled, in the records that this takes too.
    fn require(&self, sketch: &mut Sketch) -> Solved {
        let mut number = 0;
        while let Some(draft) = sketch.records.get(number) {
            let time = if number == 0 && *self.entry == Entry::Create { Time::Now } else { Time::Before };
            let (asked, entity) = (draft.fields.clone(), self.schema.entity(draft.entity));
            for (slot, field) in entity.iter().flat_map(|entity| entity.fields()) {
                let place = Place::Field(number, time, slot);
                let given = asked.get(&(time, slot)).is_some_and(|domain| domain.record().is_some() || domain.fixed().is_some());
                let filled = field.default != Default::None || system::ALL.contains(&field.name.as_str()) || slot == PRIMARY_KEY;
                let missing = field.required && !given && !field.read_only && !filled;
                if missing {
                    self.fill(sketch, place)?;
                }
            }
            number += 1;
        }
        for (number, _) in (0u16..).zip(self.inputs).filter(|(_, input)| input.required) {
            self.fill(sketch, Place::Input(number))?;
        }
        Ok(())
    }

    fn fill(&self, sketch: &mut Sketch, place: Place) -> Solved {
        let ty = match place {
            Place::Field(record, _, slot) => {
                let entity = sketch.records.get(record).map(|draft| draft.entity);
                entity.and_then(|entity| self.schema.field(entity, slot)).map(|field| field.ty.clone())
            }
            Place::Input(input) => self.inputs.get(usize::from(input)).map(|input| input.ty.clone()),
        };
        let need = match ty {
            Some(Type::Lookup(targets)) => {
                let target = targets.first().and_then(|target| sketch.record(*target));
                Need::Record(target.ok_or_else(|| said("it takes too many records"))?)
            }
            _ => Need::Filled,
        };
        if let Some(domain) = sketch.domain_mut(place) {
            domain.add(need);
        }
        Ok(())
    }

    /// The fields of a record that get a value at a time.
    fn cells(&self, sketch: &Sketch, number: usize, time: Time) -> Solved<Cells> {
        let Some(draft) = sketch.records.get(number) else { return Ok(Vec::new()) };
        let new = time == Time::Before || *self.entry == Entry::Create;
        let mut cells = Vec::new();
        for ((_, slot), domain) in draft.fields.iter().filter(|((at, _), domain)| *at == time && !domain.is_open()) {
            let Some(field) = self.schema.field(draft.entity, *slot) else { continue };
            let plain = if new { number + 1 } else { number + 2 };
            let cell = self.cell(domain, field, plain)?;
            // What a new record leaves open is empty, but for a default.
            if !(new && cell == Cell::Value(Value::Empty) && field.default == Default::None) {
                cells.push((*slot, cell));
            }
        }
        Ok(cells)
    }

    fn cell(&self, domain: &Domain, field: &crate::schema::Field, number: usize) -> Solved<Cell> {
        if let Some(record) = domain.record() {
            return Ok(Cell::Record(record));
        }
        let value = domain.value(field, self.schema, number);
        value.map(Cell::Value).ok_or_else(|| said(format!("no value of `{}` is all that it has to be", field.name)))
    }
}

fn said(words: impl Into<String>) -> Why {
    Why::Said(words.into())
}

/// Puts a record behind those that it refers to.
fn ordered(number: usize, sketch: &Sketch, new: bool, order: &mut Vec<usize>, depth: usize) -> Solved {
    if order.contains(&number) {
        return Ok(());
    }
    let Some(draft) = sketch.records.get(number).filter(|_| depth <= sketch.records.len()) else {
        return Err(said("records refer to each other"));
    };
    let before = |time: Time| time == Time::Before || (new && number == 0);
    for (_, domain) in draft.fields.iter().filter(|((time, _), _)| before(*time)) {
        match domain.record() {
            Some(0) if new => return Err(said("a record that refers to it would have to be there before it")),
            Some(other) => ordered(other, sketch, new, order, depth + 1)?,
            None => {}
        }
    }
    if !order.contains(&number) {
        order.push(number);
    }
    Ok(())
}

/// A pipeline in which a trial runs: as a test's, and with code outside the language replaced by code that does nothing.
pub(super) fn open(project: &Project, compiled: &Compiled, collector: Option<&Collector>) -> Option<Pipeline> {
    let settings = project.config.apply(Settings::fixed());
    let settings = Settings { counter: collector.map(Collector::counter), ..settings };
    let mut pipeline = compiled.open("sqlite::memory:", settings).ok()?;
    for name in outside(compiled) {
        let code = nothing(compiled, name);
        pipeline.fake(name, code);
    }
    Some(pipeline)
}

/// The plug-ins and actions whose code is outside the language.
pub(super) fn outside(compiled: &Compiled) -> impl Iterator<Item = &SmolStr> {
    let plugins = compiled.program.plugins.iter().map(|plugin| &plugin.head.name);
    plugins.chain(compiled.program.actions.iter().filter(|action| action.head.via.is_some()).map(|action| &action.head.name))
}

/// The users whom flows belong to, who have to be there for those to run.
fn owners(compiled: &Compiled) -> BTreeSet<&SmolStr> {
    compiled.program.flows.iter().filter_map(|flow| owner(&flow.head)).collect()
}

/// The user whom a flow belongs to, where that isn't the system administrator.
pub(super) fn owner(head: &FlowHead) -> Option<&SmolStr> {
    head.owner.as_ref().filter(|owner| *owner != ADMINISTRATOR_NAME)
}

/// Code that does nothing.
fn nothing(compiled: &Compiled, name: &SmolStr) -> Code {
    let head = ActionHead { name: name.clone(), entity: None, inputs: Vec::new(), outputs: Vec::new(), rollback: true, via: None };
    let action = Action { head, span: Span::default(), body: Vec::new(), locals: Vec::new(), effects: Effects::default() };
    compile::fake(&compiled.schema, &Fake::Action(action))
}

impl Trial {
    /// Runs it; nothing where no store can be opened.
    pub fn run(&self, project: &Project, compiled: &Compiled) -> Option<Ran> {
        let collector = Collector::default();
        let mut pipeline = open(project, compiled, Some(&collector))?;
        for owner in owners(compiled) {
            pipeline.user(owner).ok()?;
        }
        let mut known: BTreeMap<usize, Reference> = BTreeMap::new();
        for (number, made) in &self.records {
            let operation = Operation::Create { entity: made.entity, values: row(&made.cells, &known) };
            let outcome = pipeline.execute(operation, None);
            match outcome.record {
                Some(record) => known.insert(*number, record),
                None => return Some(Ran { collector, outcome, beforehand: Some(*number), before: None, row: None, job: None }),
            };
        }
        let operation = self.operation(&known)?;
        let before = self.row(&known, &mut pipeline, compiled);
        let outcome = pipeline.execute(operation, None);
        if let (Entry::Create, Some(record)) = (&self.entry, outcome.record) {
            known.insert(0, record);
        }
        if self.background && outcome.ending == Ending::Committed {
            self.jobs(&mut pipeline);
        }
        let row = self.row(&known, &mut pipeline, compiled);
        let job = pipeline.jobs_of(&self.name).ok().and_then(|jobs| jobs.last().map(|job| job.status));
        Some(Ran { collector, outcome, beforehand: None, before, row, job: job.filter(|_| self.background) })
    }

    /// The first record as it is.
    fn row(&self, known: &BTreeMap<usize, Reference>, pipeline: &mut Pipeline, compiled: &Compiled) -> Option<Row> {
        let record = known.get(&0).filter(|_| self.entity.is_some())?;
        let fields = compiled.schema.entity(record.entity)?.fields().map(|(slot, _)| slot).collect();
        pipeline.read(*record, &fields).ok()?
    }

    fn jobs(&self, pipeline: &mut Pipeline) {
        // What fails in a job is told by how it stands.
        let _ = jobs::run_due(pipeline);
        for wait in &self.waits {
            if let Ok(moment) = time::add_to_datetime(pipeline.now(), *wait, &TimeZone::UTC) {
                let _ = jobs::advance(pipeline, moment);
            }
        }
    }

    fn operation(&self, known: &BTreeMap<usize, Reference>) -> Option<Operation> {
        let record = known.get(&0).copied();
        let values = row(&self.cells, known);
        let mut inputs = Vec::new();
        for (input, cell) in &self.inputs {
            let position = usize::from(*input);
            inputs.resize(inputs.len().max(position + 1), Value::Empty);
            if let Some(place) = inputs.get_mut(position) {
                *place = cell.value(known);
            }
        }
        Some(match &self.entry {
            Entry::Create => Operation::Create { entity: self.entity?, values },
            Entry::Update(_) => Operation::Update { record: record?, values },
            Entry::Delete => Operation::Delete { record: record? },
            Entry::Run => Operation::Run { flow: self.name.clone(), record: record?, inputs },
            Entry::Start => Operation::Start { flow: self.name.clone(), record: record?, inputs },
            Entry::Perform => Operation::Perform { action: self.name.clone(), record: record.filter(|_| self.entity.is_some()), inputs },
        })
    }
}

impl Cell {
    fn value(&self, known: &BTreeMap<usize, Reference>) -> Value {
        match self {
            Cell::Value(value) => value.clone(),
            Cell::Record(number) => known.get(number).copied().map_or(Value::Empty, Value::Reference),
        }
    }
}

fn row(cells: &Cells, known: &BTreeMap<usize, Reference>) -> Row {
    let mut row = Row::default();
    cells.iter().for_each(|(slot, cell)| row.set(*slot, cell.value(known)));
    row
}
