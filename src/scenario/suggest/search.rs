//! Looks for a test that reaches a goal: what has to be so is made into records, those are run, and where something else came in between, that is
//! asked for too, a few times.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use smol_str::SmolStr;

use crate::bytecode::{Event, Input, Mode};
use crate::check::ir::StmtKind;
use crate::pipeline::{Ending, Pipeline};
use crate::project::{Compiled, Project};
use crate::schema::FieldSet;
use crate::value::{EntityId, Slot};

use super::super::coverage::{Unit, unit_of};
use super::goals::{Goal, Kind};
use super::paths::{About, Ask, OPERATION, Ways};
use super::sketch::{Draft, Entry, Sketch};
use super::solve::{Solver, Why};
use super::tasks::{Task, of_all};
use super::trial::{Aim, Ran, Trial};

/// How many trials are run for one goal.
const TRIALS: usize = 40;

/// How often something more is asked for because of what a trial came to.
const DEEPEST: u32 = 4;

/// How many things are asked for because of one trial.
const REPAIRS: usize = 12;

/// A flow or action, with all that a search wants of it.
pub(super) struct Part<'a> {
    pub name: &'a SmolStr,
    pub action: bool,
    pub entity: Option<EntityId>,
    pub inputs: &'a [Input],
    pub background: bool,
    /// In the order in which coverage has what begins it.
    pub entries: Vec<Entry>,
    pub ways: Ways<'a>,
}

/// The flows that run and the actions whose statements are here.
pub(super) fn parts(project: &Project) -> Vec<Part<'_>> {
    let flows = project.checked.flows.iter().filter(|flow| !flow.head.draft).map(|flow| {
        let head = &flow.head;
        let by = head.triggers.iter().filter_map(|trigger| match &trigger.event {
            Event::Create => Some(Entry::Create),
            Event::Update(fields) => Some(Entry::Update(fields.clone())),
            Event::Delete => Some(Entry::Delete),
            Event::Perform(_) => None,
        });
        Part {
            name: &head.name,
            action: false,
            entity: Some(head.entity),
            inputs: &head.inputs,
            background: head.mode == Mode::Background,
            entries: by.chain(head.on_demand.then_some(Entry::Run)).chain(head.child.then_some(Entry::Start)).collect(),
            ways: Ways::new(flow.when.as_ref(), &flow.body),
        }
    });
    let actions = project.checked.actions.iter().filter(|action| action.head.via.is_none()).map(|action| Part {
        name: &action.head.name,
        action: true,
        entity: action.head.entity,
        inputs: &action.head.inputs,
        background: false,
        entries: vec![Entry::Perform],
        ways: Ways::new(None, &action.body),
    });
    flows.chain(actions).collect()
}

/// Looks for tests.
pub(super) struct Search<'a> {
    pub project: &'a Project,
    pub compiled: &'a Compiled,
    pub parts: &'a [Part<'a>],
    /// Works out constants.
    pub folder: Pipeline,
    /// How many trials may still be run.
    pub left: usize,
}

/// What is to be tried: what is asked, and how it is begun.
#[derive(Clone)]
struct State<'a> {
    asks: Vec<Ask<'a>>,
    entry: Entry,
    /// Whether an update submits all that is asked, or only what it has to.
    eager: bool,
    depth: u32,
}

impl<'a> Search<'a> {
    /// A trial that reaches a goal, or why there is none.
    pub fn reach(&mut self, goal: &Goal, unit: &Unit) -> Result<(Trial, Ran), String> {
        let Some(part) = self.parts.iter().find(|part| *part.name == goal.unit && part.action == goal.action) else {
            return Err("nothing is known of it".to_owned());
        };
        let Some(asks) = goal.asks(unit, &part.ways) else { return Err("no way to it is known".to_owned()) };
        let mut states: VecDeque<State<'a>> = starts(part, goal, &asks).into();
        let (mut tried, mut why): (Vec<Trial>, Option<String>) = (Vec::new(), None);
        while let Some(state) = states.pop_front() {
            for tasks in of_all(&state.asks) {
                let trial = match self.sketch(part, &state, &tasks) {
                    Ok(trial) => trial,
                    Err(Why::Said(words)) => {
                        why.get_or_insert(words);
                        continue;
                    }
                    Err(Why::Later) => continue,
                };
                if tried.contains(&trial) {
                    continue;
                }
                if tried.len() >= TRIALS || self.left == 0 {
                    return Err(why.unwrap_or_default());
                }
                self.left -= 1;
                tried.push(trial.clone());
                let Some(ran) = trial.run(self.project, self.compiled) else { return Err("no store can be opened".to_owned()) };
                let reached = unit_of(self.project, self.compiled, &ran.collector, part.name, part.action);
                if reached.is_some_and(|unit| goal.is_reached(&unit)) {
                    return Ok((trial, ran));
                }
                why = Some(ended(&ran));
                if state.depth < DEEPEST {
                    states.extend(self.repairs(&state, &trial, &ran, part));
                }
            }
        }
        Err(why.unwrap_or_else(|| "what it takes can't be true at once".to_owned()))
    }

    fn sketch(&mut self, part: &Part<'_>, state: &State<'_>, tasks: &[Task<'_>]) -> Result<Trial, Why> {
        let first = part.entity.map(|entity| Draft { entity, fields: BTreeMap::new() });
        let submitted = match &state.entry {
            Entry::Update(_) if state.eager => None,
            Entry::Update(fields) => Some(fields.clone().unwrap_or_default()),
            _ => Some(FieldSet::default()),
        };
        let mut solver = Solver {
            schema: &self.compiled.schema,
            sources: &self.project.sources,
            folder: &mut self.folder,
            entry: &state.entry,
            inputs: part.inputs,
            submitted,
            sketch: Sketch { records: first.into_iter().collect(), ..Sketch::default() },
            rows: BTreeMap::new(),
            row: None,
            depth: 0,
        };
        solver.all(tasks)?;
        let sketch = solver.sketch;
        let aim = Aim {
            schema: &self.compiled.schema,
            entry: &state.entry,
            name: part.name,
            entity: part.entity,
            inputs: part.inputs,
            background: part.background,
        };
        aim.trial(sketch)
    }

    /// What else may be asked for, after a trial that went elsewhere: that what stopped it doesn't, and that other flows leave a field as it was
    /// given, or give it that value themselves.
    fn repairs(&self, state: &State<'a>, trial: &Trial, ran: &Ran, own: &Part<'a>) -> Vec<State<'a>> {
        let mut more: Vec<Vec<Ask<'a>>> = Vec::new();
        if let Ending::Stopped { flow, .. } = &ran.outcome.ending {
            let about = ran.beforehand.map_or(OPERATION, |record| About { record, before: true });
            let entity = match ran.beforehand {
                Some(number) => trial.records.iter().find(|(other, _)| *other == number).map(|(_, made)| made.entity),
                None => trial.entity,
            };
            let stopped = self.parts.iter().filter(|part| part.name == flow && part.entity == entity);
            stopped.for_each(|part| more.extend(self.avoided(part, ran, about, &|kind| matches!(kind, StmtKind::Stop(_)))));
        } else {
            let before = trial.records.iter().find(|(number, _)| *number == 0).map(|(_, made)| &made.cells);
            let now = trial.cells.iter().map(|(slot, _)| (*slot, OPERATION));
            let before = before.into_iter().flatten().map(|(slot, _)| (*slot, About { record: 0, before: true }));
            let asked: BTreeSet<(Slot, bool)> = now.chain(before).map(|(slot, about)| (slot, about.before)).collect();
            for (slot, before) in asked {
                let (about, sets) = (About { record: 0, before }, |kind: &StmtKind| sets(kind, slot));
                for part in self.parts.iter().filter(|part| part.entity == trial.entity && part.name != own.name) {
                    more.extend(self.avoided(part, ran, about, &sets));
                    more.extend(self.wanted(part, ran, about, &sets));
                }
            }
        }
        let with = |asks: Vec<Ask<'a>>| State { asks: [state.asks.clone(), asks].concat(), depth: state.depth + 1, ..state.clone() };
        more.into_iter().take(REPAIRS).map(with).collect()
    }

    /// What keeps statements from running that did, each by itself.
    fn avoided(&self, part: &Part<'a>, ran: &Ran, about: About, wanted: &dyn Fn(&StmtKind) -> bool) -> Vec<Vec<Ask<'a>>> {
        let paths = self.statements(part, ran, true, wanted);
        let nearest = paths.iter().flat_map(|path| path.iter().rev());
        nearest.flat_map(Ask::otherwise).map(|ask| vec![ask.of(about)]).collect()
    }

    /// What makes statements run that didn't.
    fn wanted(&self, part: &Part<'a>, ran: &Ran, about: About, wanted: &dyn Fn(&StmtKind) -> bool) -> Vec<Vec<Ask<'a>>> {
        let paths = self.statements(part, ran, false, wanted);
        paths.into_iter().map(|path| path.iter().map(|ask| ask.of(about)).collect()).collect()
    }

    /// The ways to statements of a kind that ran, or didn't.
    fn statements(&self, part: &Part<'a>, ran: &Ran, did: bool, wanted: &dyn Fn(&StmtKind) -> bool) -> Vec<Vec<Ask<'a>>> {
        let Some(unit) = unit_of(self.project, self.compiled, &ran.collector, part.name, part.action) else { return Vec::new() };
        let count = |span| unit.statements.iter().find(|statement| statement.span == span).map_or(0, |statement| statement.count);
        let found = part.ways.statements.iter().filter(|(statement, _)| wanted(&statement.kind) && (count(statement.span) > 0) == did);
        found.take(REPAIRS).map(|(_, spot)| spot.asks()).collect()
    }
}

fn sets(kind: &StmtKind, slot: Slot) -> bool {
    matches!(kind, StmtKind::Set(writes) if writes.iter().any(|write| write.slot == slot))
}

/// Each way to begin it; an update in both forms.
fn starts<'a>(part: &Part<'a>, goal: &Goal, asks: &[Ask<'a>]) -> Vec<State<'a>> {
    let entries = part.entries.iter().enumerate();
    let entries = entries.filter(|(at, _)| !matches!(goal.kind, Kind::Start(wanted) if wanted != *at)).map(|(_, entry)| entry);
    let states = entries.flat_map(|entry| {
        let twice = matches!(entry, Entry::Update(_));
        [true, false].into_iter().filter(move |eager| *eager || twice).map(move |eager| (entry.clone(), eager))
    });
    states.map(|(entry, eager)| State { asks: asks.to_vec(), entry, eager, depth: 0 }).collect()
}

/// Why a trial that goes elsewhere does.
fn ended(ran: &Ran) -> String {
    match &ran.outcome.ending {
        Ending::Stopped { flow, reason } => format!("what was tried is stopped by `{flow}`: {reason}"),
        Ending::Fault(fault) => format!("what was tried ends in {}: {}", fault.code.name(), fault.message),
        Ending::Committed => "what was tried goes another way".to_owned(),
    }
}
