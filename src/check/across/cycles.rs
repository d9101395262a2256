//! Flows that set themselves off again, straight or through others.
//!
//! A step is an operation of a flow and a flow that it starts. The graph of all steps that there may be is looked at first;
//! only for those on a circle is asked what is known of the record when the next flow begins, and whether it does its own
//! step then. So a constant that is written against a `when` or `if` breaks a circle, and so does `changed`.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::bytecode::{Event, FlowHead, Mode, Stage};
use crate::check::effects;
use crate::check::ir::Flow;
use crate::check::may::{self, Found, May, Operation, Site, Stages, State, World};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{FieldSet, Level};
use crate::value::{EntityId, Slot};

use super::graph::{self, Edges};

/// The most steps on one circle that are looked at one by one.
const MOST_STEPS: usize = 20_000;

/// How a flow comes to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Entry {
    BeforeCreate,
    BeforeUpdate,
    BeforeDelete,
    Late,
}

/// A flow that comes to run in a certain way.
type Node = (usize, Entry);

/// An operation of a flow, by its position, where the flow comes to run in a certain way.
type Point = (Node, usize);

/// A flow that comes to run, whether the fields written are all that have changed, whether the record is new, and which fields.
type Arrival = (Node, bool, Option<(bool, Vec<Slot>)>);

/// An operation of a flow that starts another.
#[derive(Clone, Debug)]
struct Step {
    from: Node,
    /// Position among the operations of the flow.
    site: usize,
    to: Node,
    /// Whether the fields that the operation writes are those of the record of the next flow, and no others have changed.
    update: bool,
}

pub(super) struct Cycles<'a> {
    world: &'a World<'a>,
    flows: &'a [Flow],
    found: &'a [Found],
    on: FxHashMap<EntityId, Vec<usize>>,
    names: FxHashMap<&'a str, usize>,
    /// Flows that start each other in a circle, which has been said.
    recursive: FxHashSet<usize>,
}

impl<'a> Cycles<'a> {
    pub fn new(world: &'a World<'a>, flows: &'a [Flow], found: &'a [Found], recursive: FxHashSet<usize>) -> Cycles<'a> {
        let mut on: FxHashMap<EntityId, Vec<usize>> = FxHashMap::default();
        for (at, flow) in flows.iter().enumerate().filter(|(_, flow)| takes_part(&flow.head)) {
            on.entry(flow.head.entity).or_default().push(at);
        }
        let names = flows.iter().enumerate().map(|(at, flow)| (flow.head.name.as_str(), at)).collect();
        Cycles { world, flows, found, on, names, recursive }
    }

    /// Says what circles there are.
    pub fn report(&self) -> Vec<Diagnostic> {
        let steps = self.steps();
        let mut said = Vec::new();
        for group in self.groups(&steps) {
            let group: Vec<Step> = group.into_iter().filter_map(|at| steps.get(at).cloned()).collect();
            self.circles(&group, &steps, &mut said);
        }
        said
    }

    /// Every step that there may be.
    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (at, flow) in self.flows.iter().enumerate().filter(|(_, flow)| takes_part(&flow.head)) {
            for entry in entries(effects::stages_of(&flow.head), flow.head.child) {
                for (site, operation) in self.found.get(at).map_or(&[][..], |found| &found.sites).iter().enumerate() {
                    for (to, update) in self.started((at, entry), operation) {
                        steps.push(Step { from: (at, entry), site, to, update });
                    }
                }
            }
        }
        steps
    }

    /// The flows that an operation starts.
    fn started(&self, (flow, entry): Node, site: &Site) -> Vec<(Node, bool)> {
        let (at, Some(flow)) = (flow, self.flows.get(flow)) else { return Vec::new() };
        let fields: FieldSet = site.writes.iter().map(|(slot, _)| *slot).collect();
        let own = flow.head.entity;
        match &site.operation {
            Operation::Set if entry == Entry::BeforeUpdate => self.updated(own, &fields, true),
            Operation::Set if entry == Entry::Late => self.updated(own, &fields, false),
            Operation::Set => Vec::new(),
            Operation::Update(entity) => self.updated(*entity, &fields, false),
            Operation::Create(entity) => self.on(*entity, |event| *event == Event::Create, Entry::BeforeCreate),
            Operation::Delete(entity) => {
                let gone = may::cascade(self.world.schema, *entity);
                gone.into_iter().flat_map(|entity| self.on(entity, |event| *event == Event::Delete, Entry::BeforeDelete)).collect()
            }
            Operation::Start(name) | Operation::Perform(name) => {
                let child =
                    self.names.get(name.as_str()).filter(|child| self.flows.get(**child).is_some_and(|flow| takes_part(&flow.head)));
                let child = child.filter(|child| !(self.recursive.contains(child) && self.recursive.contains(&at)));
                let inline = |child: &usize| self.flows.get(*child).is_some_and(|flow| flow.head.mode == Mode::RealTime);
                let entry = |child: &usize| if site.on_this && inline(child) { entry } else { Entry::Late };
                child.map(|child| ((*child, entry(child)), false)).into_iter().collect()
            }
        }
    }

    fn updated(&self, entity: EntityId, fields: &FieldSet, early: bool) -> Vec<(Node, bool)> {
        let touches = |event: &Event| match event {
            Event::Update(submitted) => submitted.as_ref().is_none_or(|submitted| submitted.intersects(fields)),
            _ => false,
        };
        let mut started = self.on(entity, touches, Entry::BeforeUpdate);
        if early {
            started.retain(|((_, entry), _)| *entry == Entry::Late);
        }
        started.into_iter().map(|(node, _)| (node, !early)).collect()
    }

    /// The flows on an event of an entity.
    fn on(&self, entity: EntityId, happens: impl Fn(&Event) -> bool, early: Entry) -> Vec<(Node, bool)> {
        let mut started = Vec::new();
        for at in self.on.get(&entity).into_iter().flatten() {
            let triggers = self.flows.get(*at).map_or(&[][..], |flow| &flow.head.triggers);
            for trigger in triggers.iter().filter(|trigger| happens(&trigger.event)) {
                let entry = if trigger.stage == Stage::PostOperation { Entry::Late } else { early };
                started.push(((*at, entry), false));
            }
        }
        started.sort_unstable();
        started.dedup();
        started
    }

    /// The steps that lie on circles together.
    fn groups(&self, steps: &[Step]) -> Vec<Vec<usize>> {
        let mut ids: BTreeMap<Node, usize> = BTreeMap::new();
        for step in steps {
            for node in [step.from, step.to] {
                let next = ids.len();
                ids.entry(node).or_insert(next);
            }
        }
        let id = |node: &Node| ids.get(node).copied().unwrap_or(0);
        let mut edges: Edges = vec![Vec::new(); ids.len()];
        for step in steps {
            if let Some(next) = edges.get_mut(id(&step.from)) {
                next.push(id(&step.to));
            }
        }
        let mut group_of = vec![usize::MAX; ids.len()];
        let circles = graph::circles(&edges);
        for (number, nodes) in circles.iter().enumerate() {
            for node in nodes {
                if let Some(group) = group_of.get_mut(*node) {
                    *group = number;
                }
            }
        }
        let mut groups = vec![Vec::new(); circles.len()];
        for (at, step) in steps.iter().enumerate() {
            let group = |node: &Node| group_of.get(id(node)).copied().unwrap_or(usize::MAX);
            if group(&step.from) == group(&step.to)
                && let Some(steps) = groups.get_mut(group(&step.from))
            {
                steps.push(at);
            }
        }
        groups
    }

    /// Looks at the steps of a group one by one, and reports the circles that are left.
    fn circles(&self, group: &[Step], all: &[Step], said: &mut Vec<Diagnostic>) {
        let written = if group.len() <= MOST_STEPS { self.written(group, all) } else { FxHashMap::default() };
        let mut points: Vec<Point> = group.iter().map(|step| (step.from, step.site)).collect();
        points.sort_unstable();
        points.dedup();
        // What a flow does then depends on the fields that are written, not on who writes them.
        let mut known: FxHashMap<Arrival, Vec<Site>> = FxHashMap::default();
        let (mut sure, mut possible): (Edges, Edges) = (vec![Vec::new(); points.len()], vec![Vec::new(); points.len()]);
        for step in group {
            let Ok(from) = points.binary_search(&(step.from, step.site)) else { continue };
            let sites = known.entry(self.arrival(step)).or_insert_with(|| self.does(step, &written));
            for site in &*sites {
                let Some(to) = self.position(step.to.0, site).and_then(|at| points.binary_search(&(step.to, at)).ok()) else { continue };
                possible.get_mut(from).into_iter().for_each(|next| next.push(to));
                if site.sure && site.on_this && self.whole(step.to.0) {
                    sure.get_mut(from).into_iter().for_each(|next| next.push(to));
                }
            }
        }
        let mut told: FxHashSet<usize> = FxHashSet::default();
        for (edges, code) in [(sure, Code::E1001), (possible, Code::W1001)] {
            for circle in graph::circles(&edges) {
                self.tell(&points, &edges, &circle, code, &mut told, said);
            }
        }
    }

    /// What the flow at the end of a step may know when it begins.
    fn arrival(&self, step: &Step) -> Arrival {
        let site = self.found.get(step.from.0).and_then(|found| found.sites.get(step.site));
        let site = site.filter(|site| writes(site));
        let known = site.map(|site| {
            let slots = site.writes.iter().map(|(slot, _)| *slot).collect();
            (matches!(site.operation, Operation::Create(_)), slots)
        });
        (step.to, step.update, known)
    }

    /// Where an operation stands among those of its flow.
    fn position(&self, flow: usize, site: &Site) -> Option<usize> {
        self.found.get(flow)?.sites.iter().position(|other| other.span == site.span)
    }

    /// Whether a flow is started by every record of its entity.
    fn whole(&self, flow: usize) -> bool {
        self.flows.get(flow).is_some_and(|flow| flow.head.scope == Level::Organization)
    }

    /// What the flows that a group can lead to write to each field, all together.
    fn written(&self, group: &[Step], all: &[Step]) -> FxHashMap<(EntityId, Slot), May> {
        let mut edges: Edges = vec![Vec::new(); self.flows.len()];
        for step in all {
            if let Some(next) = edges.get_mut(step.from.0) {
                next.push(step.to.0);
            }
        }
        let from: Vec<usize> = group.iter().flat_map(|step| [step.from.0, step.to.0]).collect();
        let mut written: FxHashMap<(EntityId, Slot), May> = FxHashMap::default();
        for flow in graph::reached(&edges, &from) {
            let Some((head, found)) = self.flows.get(flow).map(|flow| &flow.head).zip(self.found.get(flow)) else { continue };
            for site in &found.sites {
                let entity = match &site.operation {
                    Operation::Set => head.entity,
                    Operation::Update(entity) | Operation::Create(entity) => *entity,
                    Operation::Delete(_) | Operation::Start(_) | Operation::Perform(_) => continue,
                };
                for (slot, may) in &site.writes {
                    written.entry((entity, *slot)).and_modify(|other| *other = other.join(may)).or_insert_with(|| may.clone());
                }
            }
        }
        written
    }

    /// What the flow at the end of a step does, with what is known of its record then.
    fn does(&self, step: &Step, written: &FxHashMap<(EntityId, Slot), May>) -> Vec<Site> {
        let (Some(flow), Some(before)) = (self.flows.get(step.to.0), self.found.get(step.from.0)) else { return Vec::new() };
        let Some(site) = before.sites.get(step.site) else { return Vec::new() };
        let entity = flow.head.entity;
        let mut state = State::default();
        let creates = matches!(site.operation, Operation::Create(_));
        if writes(site) {
            for (slot, _) in &site.writes {
                let Some(may) = written.get(&(entity, *slot)) else { continue };
                state.know_field(*slot, may.clone());
                // Once the same constant has been written all round, it changes nothing any more.
                if may.only().is_some() && !creates {
                    state.learn_change(*slot, false);
                }
            }
            if step.update && !written.is_empty() {
                let fields = self.world.schema.entity(entity).into_iter().flat_map(|entity| entity.fields());
                let untouched = fields.map(|(slot, _)| slot).filter(|slot| !written.contains_key(&(entity, *slot)));
                untouched.for_each(|slot| state.learn_change(slot, false));
            }
        }
        let found = may::walk(self.world, effects::view(flow, stages(step.to.1, &flow.head)), state);
        if found.runs { found.sites } else { Vec::new() }
    }

    /// Reports the shortest circle through each flow that is on one and has not been told of.
    fn tell(&self, points: &[Point], edges: &Edges, circle: &[usize], code: Code, told: &mut FxHashSet<usize>, said: &mut Vec<Diagnostic>) {
        let on_circle: FxHashSet<usize> = circle.iter().copied().collect();
        let inside: Edges =
            edges
                .iter()
                .enumerate()
                .map(|(at, next)| {
                    if on_circle.contains(&at) {
                        next.iter().filter(|next| on_circle.contains(next)).copied().collect()
                    } else {
                        Vec::new()
                    }
                })
                .collect();
        let mut flows: Vec<usize> = circle.iter().filter_map(|at| points.get(*at)).map(|point| point.0.0).collect();
        flows.sort_unstable_by_key(|flow| self.flows.get(*flow).map(|flow| flow.span));
        flows.dedup();
        for flow in flows {
            if told.contains(&flow) {
                continue;
            }
            let starts = |at: &usize| points.get(*at).is_some_and(|point| point.0.0 == flow);
            let from: Vec<usize> = circle.iter().filter(|at| starts(at)).copied().collect();
            let ways = from.iter().filter_map(|first| {
                let next = inside.get(*first)?;
                let back = if next.contains(first) { vec![*first] } else { graph::shortest(&inside, next, |at| at == *first)? };
                Some(back)
            });
            let Some(way) = ways.min_by_key(Vec::len) else { continue };
            // The way ends where it began; told from there.
            let mut path: Vec<Point> = way.iter().filter_map(|at| points.get(*at)).copied().collect();
            path.rotate_right(1);
            told.extend(path.iter().map(|point| point.0.0));
            said.extend(self.diagnostic(&path, code));
        }
    }

    fn diagnostic(&self, path: &[Point], code: Code) -> Option<Diagnostic> {
        let name = |flow: usize| self.flows.get(flow).map_or("", |flow| flow.head.name.as_str());
        let ((first, _), _) = *path.first()?;
        let mut labels = path.iter().zip(path.iter().cycle().skip(1)).filter_map(|(((flow, _), site), ((next, _), _))| {
            let site = self.found.get(*flow)?.sites.get(*site)?;
            Some((site.span, format!("`{}` {}, which starts `{}`", name(*flow), self.words(site), name(*next))))
        });
        let around = if path.len() == 1 { "itself".to_owned() } else { format!("itself through {}", others(path, &name)) };
        let message = match code {
            Code::E1001 => format!("`{}` starts {around} again, without an end", name(first)),
            _ => format!("`{}` can start {around} again", name(first)),
        };
        let (span, text) = labels.next()?;
        let mut diagnostic = Diagnostic::new(code, span, message).label(text);
        for (span, text) in labels {
            diagnostic = diagnostic.also(span, text);
        }
        Some(diagnostic.help(match code {
            Code::E1001 => "test in a `when` or `if` whether there is still something to do, so that it ends",
            _ => "make sure that it ends: test with `changed(…)` or a constant that is written; or say `allow cycle` in one of the flows",
        }))
    }

    fn words(&self, site: &Site) -> String {
        let entity = |id: &EntityId| self.world.schema.entity(*id).map_or("record", |entity| entity.name.as_str()).to_owned();
        match &site.operation {
            Operation::Set => "sets fields".to_owned(),
            Operation::Update(id) => format!("updates a record of `{}`", entity(id)),
            Operation::Create(id) => format!("creates a record of `{}`", entity(id)),
            Operation::Delete(id) => format!("deletes a record of `{}`", entity(id)),
            Operation::Start(_) => "goes on to a child".to_owned(),
            Operation::Perform(action) => format!("performs `{action}`"),
        }
    }
}

fn others<'n>(path: &[Point], name: &impl Fn(usize) -> &'n str) -> String {
    let mut names: Vec<String> = Vec::new();
    for ((flow, _), _) in path.iter().skip(1) {
        let name = format!("`{}`", name(*flow));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

/// Whether an operation gives fields of the record that the next flow runs on.
fn writes(site: &Site) -> bool {
    matches!(site.operation, Operation::Set | Operation::Update(_) | Operation::Create(_))
}

/// Whether a flow counts: a draft never runs, and one that allows cycles has thought of it.
fn takes_part(head: &FlowHead) -> bool {
    !head.draft && !head.allow_cycle
}

/// The ways in which a flow can come to run.
fn entries(stages: Stages, child: bool) -> Vec<Entry> {
    let mut entries = Vec::new();
    // A child of a flow before its operation shares the place of that.
    entries.extend((stages.before_create).then_some(Entry::BeforeCreate));
    entries.extend((stages.before || child).then_some(Entry::BeforeUpdate));
    entries.extend((stages.before || child).then_some(Entry::BeforeDelete));
    entries.extend((stages.late()).then_some(Entry::Late));
    entries
}

fn stages(entry: Entry, head: &FlowHead) -> Stages {
    let late = entry == Entry::Late;
    Stages {
        before_create: entry == Entry::BeforeCreate,
        before: matches!(entry, Entry::BeforeUpdate | Entry::BeforeDelete),
        after: late && head.mode == Mode::RealTime,
        apart: late && head.mode == Mode::Background,
    }
}
