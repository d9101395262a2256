//! What flows read and do at most: first each by itself, then with the children that run inline within it.
//!
//! The parts of statements and expressions are told in `walk.rs`; here stands what each of them means by itself.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::bytecode::{Effects, Event, FlowHead, Mode, RunAs, Stage};
use crate::schema::{FieldSet, Level, Schema};
use crate::value::{EntityId, Type};

use super::ir::{Action, Block, Expr, ExprKind, Flow, Query, StmtKind};
use super::may::{self, Found, Stages, State, View, World};
use super::walk::{self, Part};

/// Gives every flow and action its effects, those of the real-time children that it starts, of the actions that it performs,
/// and of theirs, counted in; tells what the walk through each of the flows found.
pub(super) fn fill(schema: &Schema, flows: &mut Vec<Flow>, actions: &mut [Action]) -> (Vec<Found>, Vec<Stages>) {
    let count = flows.len();
    flows.extend(actions.iter_mut().map(as_flow));
    let (mut found, mut stages) = fill_all(schema, flows);
    found.truncate(count);
    stages.truncate(count);
    for (action, flow) in actions.iter_mut().zip(flows.drain(count..)) {
        (action.body, action.effects) = (flow.body, flow.effects);
    }
    (found, stages)
}

/// An action as what it is for whoever looks at statements: a flow that nothing but other flows start, on the record as it is.
fn as_flow(action: &mut Action) -> Flow {
    let head = FlowHead {
        name: action.head.name.clone(),
        // Nothing in a global action is about a record of its own.
        entity: action.head.entity.unwrap_or(EntityId(0)),
        mode: Mode::RealTime,
        triggers: Vec::new(),
        on_demand: false,
        child: true,
        rank: 0,
        run_as: RunAs::Caller,
        owner: None,
        inputs: action.head.inputs.clone(),
        scope: Level::Organization,
        log_errors: false,
        allow_cycle: false,
        draft: false,
    };
    // Code elsewhere does what it declares; what statements do is worked out from them.
    let effects = if action.head.via.is_some() { std::mem::take(&mut action.effects) } else { Effects::default() };
    let (body, locals) = (std::mem::take(&mut action.body), action.locals.clone());
    Flow { head, span: action.span, when: None, body, locals, effects }
}

/// The entities whose records effects may end, straight or by a cascade.
pub(super) fn deletable(schema: &Schema, effects: &Effects) -> Vec<EntityId> {
    effects.deletes.iter().flat_map(|entity| may::cascade(schema, *entity)).collect()
}

fn fill_all(schema: &Schema, flows: &mut [Flow]) -> (Vec<Found>, Vec<Stages>) {
    let children: Vec<Vec<Child>> = flows.iter().map(|flow| children(&flow.body)).collect();
    for flow in flows.iter_mut().filter(|flow| flow.effects == Effects::default()) {
        flow.effects = own(flow);
    }
    queue(flows);
    let starts = Starts::new(flows, &children);
    starts.close(flows);
    let stages = starts.stages(flows);
    let world = world(schema, flows, &stages);
    let found: Vec<Found> =
        flows.iter().zip(&stages).map(|(flow, stages)| may::walk(&world, view(flow, *stages), State::default())).collect();
    for (flow, found) in flows.iter_mut().zip(&found) {
        flow.effects.causes.clone_from(&found.causes);
    }
    starts.close(flows);
    (found, stages)
}

/// A flow as a walk through it needs it.
pub(super) fn view(flow: &Flow, stages: Stages) -> View<'_> {
    View { head: &flow.head, stages, when: flow.when.as_ref(), body: &flow.body }
}

/// What all flows together say about the records that any of them meets.
pub(super) fn world<'a>(schema: &'a Schema, flows: &'a [Flow], stages: &[Stages]) -> World<'a> {
    let mut world = World {
        schema,
        deletable: BTreeSet::new(),
        completed: BTreeMap::new(),
        heads: flows.iter().map(|flow| (flow.head.name.as_str(), &flow.head)).collect(),
    };
    for (flow, stages) in flows.iter().zip(stages) {
        world.deletable.extend(deletable(schema, &flow.effects));
        if stages.before_create && !flow.head.draft {
            world.completed.entry(flow.head.entity).or_default().extend(&flow.effects.sets);
        }
    }
    world
}

/// Who starts whom: for each flow, by position, those that start it, and whether on their own record.
struct Starts {
    parents: FxHashMap<usize, Vec<(usize, bool)>>,
}

impl Starts {
    fn new(flows: &[Flow], children: &[Vec<Child>]) -> Starts {
        let mut index: FxHashMap<&str, usize> = FxHashMap::default();
        for (at, flow) in flows.iter().enumerate() {
            index.entry(flow.head.name.as_str()).or_insert(at);
        }
        let mut parents: FxHashMap<usize, Vec<(usize, bool)>> = FxHashMap::default();
        for (parent, children) in children.iter().enumerate() {
            for (name, same_record) in children {
                if let Some(child) = index.get(name.as_str()) {
                    parents.entry(*child).or_default().push((parent, *same_record));
                }
            }
        }
        Starts { parents }
    }

    /// Counts in the effects of real-time children. A child that grew has its parents looked at again, until nothing grows.
    fn close(&self, flows: &mut [Flow]) {
        let mut work: Vec<usize> = (0..flows.len()).collect();
        while let Some(at) = work.pop() {
            let Some(child) = flows.get(at).filter(|flow| flow.head.mode == Mode::RealTime) else { continue };
            let (effects, entity) = (child.effects.clone(), child.head.entity);
            for (parent, same_record) in self.parents.get(&at).into_iter().flatten() {
                let Some(flow) = flows.get_mut(*parent) else { continue };
                let before = flow.effects.clone();
                flow.effects.include(&effects, entity, *same_record);
                if flow.effects != before {
                    work.push(*parent);
                }
            }
        }
    }

    /// Where each flow may run: at the stages of its events, and where the flows run that start it.
    fn stages(&self, flows: &[Flow]) -> Vec<Stages> {
        let mut stages: Vec<Stages> = flows.iter().map(|flow| stages_of(&flow.head)).collect();
        loop {
            let before = stages.clone();
            for (child, parents) in &self.parents {
                for (parent, same_record) in parents {
                    let Some(above) = stages.get(*parent).copied() else { continue };
                    let Some(here) = stages.get_mut(*child) else { continue };
                    here.before |= above.before && *same_record;
                    here.before_create |= above.before_create && *same_record;
                    here.after |= above.after || !same_record;
                    // Nobody has looked whether a record is there that a caller has named.
                    let named =
                        || flows.get(*parent).is_some_and(|flow| flow.head.inputs.iter().any(|input| matches!(input.ty, Type::Lookup(_))));
                    here.apart |= above.apart || (!same_record && (above.early() || named()));
                }
            }
            if stages == before {
                return stages;
            }
        }
    }
}

/// Where a flow may run because of its own clauses.
pub(super) fn stages_of(head: &FlowHead) -> Stages {
    let mut stages = Stages { after: head.child || head.on_demand, apart: head.mode == Mode::Background, ..Stages::default() };
    for trigger in head.triggers.iter().filter(|_| head.mode == Mode::RealTime) {
        match (trigger.stage, &trigger.event) {
            (Stage::PostOperation, _) => stages.after = true,
            (Stage::PreOperation, Event::Create) => stages.before_create = true,
            (Stage::PreValidation | Stage::PreOperation, _) => stages.before = true,
        }
    }
    stages
}

/// A background flow that is started waits in the queue.
fn queue(flows: &mut [Flow]) {
    let background: FxHashSet<SmolStr> =
        flows.iter().filter(|flow| flow.head.mode == Mode::Background).map(|flow| flow.head.name.clone()).collect();
    for Flow { effects, .. } in flows {
        let (queues, starts) = std::mem::take(&mut effects.starts).into_iter().partition(|name| background.contains(name));
        (effects.queues, effects.starts) = (queues, starts);
    }
}

/// A flow's own effects, without its children's.
fn own(flow: &Flow) -> Effects {
    let mut effects = Effects::default();
    if let Some(when) = &flow.when {
        effects.expression(when);
    }
    effects.block(&flow.body);
    effects
}

/// A flow that is started, and whether on the record of the flow that starts it.
type Child = (SmolStr, bool);

fn children(body: &Block) -> Vec<Child> {
    let mut found = Vec::new();
    starts(body, &mut found);
    found.sort();
    found.dedup();
    found
}

fn starts(block: &Block, found: &mut Vec<Child>) {
    for statement in block {
        match &statement.kind {
            StmtKind::Start { flow, record, .. } => found.push((flow.clone(), record.reference.kind == ExprKind::This)),
            // An action is an operation of its own, whatever its record.
            StmtKind::Perform { action, .. } => found.push((action.clone(), false)),
            _ => {}
        }
        walk::each_of(&statement.kind, &mut |part| {
            if let Part::Body(body) = part {
                starts(body, found);
            }
        });
    }
}

impl Effects {
    /// Counts in what an inline child does, on the same record or on another.
    fn include(&mut self, child: &Effects, entity: EntityId, same_record: bool) {
        if same_record {
            self.reads.extend(&child.reads);
            self.old.extend(&child.old);
            self.sets.extend(&child.sets);
        } else if !child.sets.is_empty() {
            self.updates.entry(entity).or_default().extend(&child.sets);
        }
        for (entity, fields) in &child.related {
            self.related.entry(*entity).or_default().extend(fields);
        }
        for (entity, fields) in &child.queries {
            self.queries.entry(*entity).or_default().extend(fields);
        }
        for (entity, fields) in &child.updates {
            self.updates.entry(*entity).or_default().extend(fields);
        }
        self.creates.extend(&child.creates);
        self.deletes.extend(&child.deletes);
        self.causes.extend(child.causes.iter().cloned());
        self.may_stop |= child.may_stop;
        self.unknown |= child.unknown;
    }

    fn block(&mut self, block: &Block) {
        for statement in block {
            self.statement(&statement.kind);
            walk::each_of(&statement.kind, &mut |part| match part {
                Part::Value(value) => self.expression(value),
                Part::Body(body) => self.block(body),
            });
        }
    }

    /// What a statement does by itself.
    fn statement(&mut self, kind: &StmtKind) {
        match kind {
            StmtKind::Set(writes) => writes.iter().for_each(|write| self.sets.insert(write.slot)),
            StmtKind::Stop(_) => self.may_stop = true,
            StmtKind::Create { entity, .. } => {
                self.creates.insert(*entity);
            }
            StmtKind::Update { record, values } => {
                self.updates.entry(record.entity).or_default().extend(&values.iter().map(|write| write.slot).collect());
            }
            StmtKind::Delete { record } => {
                self.deletes.insert(record.entity);
            }
            StmtKind::Start { flow, .. } => {
                self.starts.insert(flow.clone());
            }
            StmtKind::Perform { action, .. } => {
                self.performs.insert(action.clone());
            }
            StmtKind::SetOutput(_) => {}
            StmtKind::Wait { .. } => self.may_wait = true,
            StmtKind::ForEach { query, order, .. } => {
                let fields = self.query(query);
                order.iter().for_each(|order| fields.insert(order.slot));
            }
            StmtKind::Finish(_) | StmtKind::Let { .. } | StmtKind::Log(_) => {}
            StmtKind::If { .. } | StmtKind::Match { .. } | StmtKind::Step { .. } => {}
        }
    }

    /// What an expression reads, by itself and in its parts.
    fn expression(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::Field(slot) => self.reads.insert(*slot),
            ExprKind::Old(slot) | ExprKind::Changed(slot) => self.old.insert(*slot),
            ExprKind::Related { entity, slot, .. } => self.related.entry(*entity).or_default().insert(*slot),
            ExprKind::Row { entity, slot } => self.queries.entry(*entity).or_default().insert(*slot),
            ExprKind::Query { aggregate, query, .. } => {
                let fields = self.query(query);
                aggregate.slot().into_iter().for_each(|slot| fields.insert(slot));
            }
            ExprKind::ByKey { entity, values } => {
                let fields = self.queries.entry(*entity).or_default();
                values.iter().for_each(|(slot, _)| fields.insert(*slot));
            }
            _ => {}
        }
        walk::each_part(e, &mut |part| self.expression(part));
    }

    /// The fields of the queried entity that are read, with those of the conditions in it.
    fn query(&mut self, query: &Query) -> &mut FieldSet {
        let fields = self.queries.entry(query.entity).or_default();
        query.conditions.iter().for_each(|condition| fields.insert(condition.slot));
        fields
    }
}
