//! The graph of events and parts, level by level of nesting.
//!
//! An event is known by its entity, message and fields, a part by what it is of and whether it runs before the core operation;
//! each is looked into once, at the least depth at which it may come. What is deeper than operations may nest is named and not looked into.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::acts::{self, Deed, Doing, Extent};
use super::{Act, Before, Cascade, Event, Kind, Part, Place, What};
use crate::bytecode::{Mode, Program};
use crate::pipeline::layout::{Layout, layouts};
use crate::pipeline::passes::{self, Pass};
use crate::pipeline::plan::{Plans, Step as Planned};
use crate::schema::{DeleteBehaviour, FieldSet, Schema};
use crate::source::{Sources, Span};
use crate::value::EntityId;

/// How many steps of events are listed at most. A project that comes here has hundreds of flows that set each other off.
const MAX_STEPS: usize = 20_000;

/// What an event is known by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Create(EntityId),
    /// A pass of an update: the fields that it submits, and those that it may submit beside them.
    Update(EntityId, FieldSet, FieldSet),
    Delete(EntityId),
    /// The message of an action, by its position.
    Action(usize),
}

/// What a part is of, by its position among its kind.
type PartKey = (Kind, usize, Before);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Event(usize),
    Part(usize),
}

pub(super) struct Graph<'a> {
    pub program: &'a Program,
    pub schema: &'a Schema,
    pub sources: &'a Sources,
    pub plans: Plans,
    pub layouts: Vec<Layout>,
    pub max_depth: u32,
    pub events: Vec<Event>,
    pub parts: Vec<Part>,
    keys: FxHashMap<Key, usize>,
    part_keys: FxHashMap<PartKey, usize>,
    /// The keys of `events` and `parts`, by position.
    event_of: Vec<Key>,
    part_of: Vec<PartKey>,
    /// What was looked into.
    done: (Vec<bool>, Vec<bool>),
    /// What is to be looked into at this depth, and at the next.
    now: VecDeque<Node>,
    next: VecDeque<Node>,
    depth: u32,
    steps: usize,
    pub complete: bool,
}

impl<'a> Graph<'a> {
    pub fn new(program: &'a Program, schema: &'a Schema, sources: &'a Sources, max_depth: u32) -> Self {
        let layouts = layouts(schema);
        let mut plans = Plans::new(schema, program, &std::collections::BTreeSet::new());
        for (index, plugin) in program.plugins.iter().enumerate() {
            if let Some(layout) = layouts.get(plugin.head.entity.0 as usize) {
                plans.register(&plugin.into(), index, layout);
            }
        }
        Graph {
            program,
            schema,
            sources,
            plans,
            layouts,
            max_depth,
            events: Vec::new(),
            parts: Vec::new(),
            keys: FxHashMap::default(),
            part_keys: FxHashMap::default(),
            event_of: Vec::new(),
            part_of: Vec::new(),
            done: (Vec::new(), Vec::new()),
            now: VecDeque::new(),
            next: VecDeque::new(),
            depth: 0,
            steps: 0,
            complete: true,
        }
    }

    /// Looks into everything that there is, from the outermost events inwards.
    pub fn grow(&mut self) {
        while self.depth < self.max_depth {
            self.depth += 1;
            self.now = std::mem::take(&mut self.next);
            while let Some(node) = self.now.pop_front() {
                match node {
                    Node::Event(event) => self.look_into_event(event),
                    Node::Part(part) => self.look_into_part(part),
                }
            }
        }
    }

    /// The passes of an update.
    pub fn update(&mut self, entity: EntityId, fields: &FieldSet, extent: Extent, depth: u32) -> Vec<usize> {
        let Some(layout) = self.layouts.get(entity.0 as usize) else { return Vec::new() };
        // The key is no field that an update submits.
        let fields: FieldSet = fields.iter().filter(|slot| layout.all.contains(*slot)).collect();
        let nothing = FieldSet::default();
        let (certain, more) = if extent == Extent::All { (&fields, &nothing) } else { (&nothing, &fields) };
        let passes = passes::possible(certain, more, layout);
        passes.into_iter().map(|(_, certain, more)| self.event(Key::Update(entity, certain, more), depth)).collect()
    }

    /// The position of an event that may come at a depth.
    pub fn event(&mut self, key: Key, depth: u32) -> usize {
        let event = match self.keys.get(&key) {
            Some(event) => *event,
            None => {
                let event = self.events.len();
                self.events.push(self.empty_event(&key));
                self.event_of.push(key.clone());
                self.done.0.push(false);
                self.keys.insert(key, event);
                event
            }
        };
        if let (Some(found), Some(false)) = (self.events.get_mut(event), self.done.0.get(event))
            && depth < found.depth
        {
            found.depth = depth;
            self.plan_for(Node::Event(event), depth);
        }
        event
    }

    /// The position of a part that may run at a depth.
    pub fn part(&mut self, key: PartKey, depth: u32) -> usize {
        let part = match self.part_keys.get(&key) {
            Some(part) => *part,
            None => {
                let (kind, index, before) = key;
                let name = self.place(kind, index).map(|place| place.name).unwrap_or_default();
                let part = self.parts.len();
                self.parts.push(Part { name, kind, before, in_order: true, depth: u32::MAX, acts: Vec::new() });
                self.part_of.push(key);
                self.done.1.push(false);
                self.part_keys.insert(key, part);
                part
            }
        };
        if let (Some(found), Some(false)) = (self.parts.get_mut(part), self.done.1.get(part))
            && depth < found.depth
        {
            found.depth = depth;
            self.plan_for(Node::Part(part), depth);
        }
        part
    }

    fn plan_for(&mut self, node: Node, depth: u32) {
        if depth <= self.depth { self.now.push_back(node) } else { self.next.push_back(node) }
    }

    fn empty_event(&self, key: &Key) -> Event {
        let (mut fields, mut more_fields) = (Vec::new(), Some(Vec::new()));
        let (entity, message) = match key {
            Key::Create(entity) => (Some(*entity), "Create".into()),
            Key::Delete(entity) => (Some(*entity), "Delete".into()),
            Key::Action(index) => {
                let head = self.program.actions.get(*index).map(|action| &action.head);
                (head.and_then(|head| head.entity), head.map(|head| head.name.clone()).unwrap_or_default())
            }
            Key::Update(entity, certain, more) => {
                fields = self.fields(*entity, certain);
                more_fields = (!self.is_any(*entity, more)).then(|| self.fields(*entity, more));
                (Some(*entity), self.pass(*entity, certain, more).words().into())
            }
        };
        Event {
            entity: entity.map(|entity| self.entity(entity)),
            message,
            fields,
            more_fields,
            depth: u32::MAX,
            steps: Vec::new(),
            cascades: Vec::new(),
            restricted_by: Vec::new(),
            empties: Vec::new(),
            followed: false,
        }
    }

    /// Whether these are all the fields that are no matter of an owner or state.
    pub fn is_any(&self, entity: EntityId, more: &FieldSet) -> bool {
        let Some(layout) = self.layouts.get(entity.0 as usize) else { return false };
        let mut others = layout.all.clone();
        [layout.owner, layout.state, layout.status].into_iter().flatten().for_each(|slot| others.remove(slot));
        *more == others
    }

    /// What a pass is about: one that may submit fields of one kind alone is of that kind, were it to submit none.
    fn pass(&self, entity: EntityId, certain: &FieldSet, more: &FieldSet) -> Pass {
        let layout = self.layouts.get(entity.0 as usize);
        let fields = [certain, more].into_iter().flat_map(FieldSet::iter).collect();
        let passes = layout.map(|layout| passes::possible(&fields, &FieldSet::default(), layout)).unwrap_or_default();
        passes.first().map_or(Pass::Others, |(pass, ..)| *pass)
    }

    fn look_into_event(&mut self, event: usize) {
        let Some(done) = self.done.0.get_mut(event).filter(|done| !**done) else { return };
        let Some(key) = self.event_of.get(event).cloned() else { return };
        if self.steps > MAX_STEPS {
            self.complete = false;
            return;
        }
        *done = true;
        let steps = self.steps_of(&key, self.depth);
        self.steps += 1 + steps.len();
        let mut cascades = Vec::new();
        let (mut restricted_by, mut empties) = (Vec::new(), Vec::new());
        if let Key::Delete(entity) = key {
            let referring = self.layouts.get(entity.0 as usize).map(|layout| layout.referring.clone()).unwrap_or_default();
            for relationship in referring {
                let field = self.schema.field(relationship.entity, relationship.slot).map_or("?", |field| field.name.as_str());
                let lookup = format!("{}.{field}", self.entity(relationship.entity));
                match relationship.behaviour {
                    DeleteBehaviour::Cascade => {
                        cascades.push(Cascade { lookup, event: self.event(Key::Delete(relationship.entity), self.depth) });
                    }
                    DeleteBehaviour::Restrict => restricted_by.push(lookup),
                    DeleteBehaviour::RemoveLink => empties.push(lookup),
                }
            }
        }
        if let Some(found) = self.events.get_mut(event) {
            *found = Event { steps, cascades, restricted_by, empties, followed: true, ..found.clone() };
        }
    }

    fn look_into_part(&mut self, part: usize) {
        let Some(done) = self.done.1.get_mut(part).filter(|done| !**done) else { return };
        *done = true;
        let Some((kind, index, before)) = self.part_of.get(part).copied() else { return };
        let (program, schema) = (self.program, self.schema);
        let (own, in_order, doings) = match kind {
            Kind::Flow => {
                let Some(flow) = program.flows.get(index) else { return };
                let own = Some(flow.head.entity);
                (own, true, acts::of_code(schema, &flow.body, own, &flow.effects))
            }
            Kind::Plugin => {
                let Some(plugin) = program.plugins.get(index) else { return };
                let own = Some(plugin.head.entity);
                (own, false, acts::of_effects(&plugin.effects, own))
            }
            Kind::Action => {
                let Some(action) = program.actions.get(index) else { return };
                let own = action.head.entity;
                match &action.body {
                    Some(body) => (own, true, acts::of_code(schema, body, own, &action.effects)),
                    None => (own, false, acts::of_effects(&action.effects, own)),
                }
            }
        };
        let acts = doings.into_iter().map(|doing| self.act(doing, own, before)).collect();
        if let Some(found) = self.parts.get_mut(part) {
            (found.acts, found.in_order) = (acts, in_order);
        }
    }

    /// What a part does, as an act.
    fn act(&mut self, doing: Doing, own: Option<EntityId>, before: Before) -> Act {
        let deeper = self.depth + 1;
        let (mut written, mut part) = ((own, FieldSet::default()), None);
        let (what, of, events) = match doing.deed {
            Deed::Set(fields, extent) => {
                let events = match own {
                    Some(own) if before != Before::Yes => self.update(own, &fields, extent, deeper),
                    _ => Vec::new(),
                };
                written = (own, fields);
                (What::Set, own.map(|own| self.entity(own)).unwrap_or_default(), events)
            }
            Deed::Create(entity, fields) => {
                written = (Some(entity), fields);
                (What::Create, self.entity(entity), vec![self.event(Key::Create(entity), deeper)])
            }
            Deed::Update(entity, fields, extent) => {
                let events = self.update(entity, &fields, extent, deeper);
                written = (Some(entity), if extent == Extent::All { fields } else { FieldSet::default() });
                (What::Update, self.entity(entity), events)
            }
            Deed::Delete(entity) => (What::Delete, self.entity(entity), vec![self.event(Key::Delete(entity), deeper)]),
            Deed::Perform(name) => {
                let index = self.program.action_index(&name);
                let events = index.map(|index| self.event(Key::Action(index), deeper)).into_iter().collect();
                (What::Perform, name, events)
            }
            Deed::Start(name, this) => {
                let what = self.start(&name, own, (this, before), &mut part);
                (what, name, Vec::new())
            }
            Deed::Anything => (What::Anything, SmolStr::default(), Vec::new()),
        };
        let fields = written.0.map(|entity| self.fields(entity, &written.1)).unwrap_or_default();
        let line = doing.span.map(|span| self.sources.position(span).line);
        let (repeats, for_each) = doing.within.map(|(number, entity)| (number, self.entity(entity))).unzip();
        Act { what, of, fields, line, repeats, for_each, events, part }
    }

    /// A child flow: inline as a part, or queued. One on the record itself runs where its parent does.
    fn start(&mut self, name: &SmolStr, own: Option<EntityId>, (this, before): (bool, Before), part: &mut Option<usize>) -> What {
        let index = self.program.flow_index(name);
        let Some((index, flow)) = index.and_then(|index| Some((index, self.program.flows.get(index)?))) else { return What::Start };
        if flow.head.mode == Mode::Background {
            return What::Queue;
        }
        let before = match before {
            Before::No => Before::No,
            before if this => before,
            _ if own == Some(flow.head.entity) => Before::Maybe,
            _ => Before::No,
        };
        *part = Some(self.part((Kind::Flow, index, before), self.depth));
        What::Start
    }

    /// What and where something is.
    pub fn place(&self, kind: Kind, index: usize) -> Option<Place> {
        let (name, span): (&SmolStr, Span) = match kind {
            Kind::Flow => self.program.flows.get(index).map(|flow| (&flow.head.name, flow.span))?,
            Kind::Plugin => self.program.plugins.get(index).map(|plugin| (&plugin.head.name, plugin.span))?,
            Kind::Action => self.program.actions.get(index).map(|action| (&action.head.name, action.span))?,
        };
        let file = self.sources.get(span.file).map(|file| file.name.to_string()).unwrap_or_default();
        Some(Place { name: name.clone(), kind, file, line: self.sources.position(span).line })
    }

    /// What a plan names.
    pub fn planned(step: Planned) -> (Kind, usize) {
        match step {
            Planned::Flow(index) => (Kind::Flow, index),
            Planned::Plugin(index) => (Kind::Plugin, index),
        }
    }

    pub fn entity(&self, entity: EntityId) -> SmolStr {
        self.schema.entity(entity).map(|entity| entity.name.clone()).unwrap_or_default()
    }

    pub fn fields(&self, entity: EntityId, fields: &FieldSet) -> Vec<SmolStr> {
        fields.iter().filter_map(|slot| self.schema.field(entity, slot)).map(|field| field.name.clone()).collect()
    }
}
