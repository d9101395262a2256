//! What flows read and do at most: first each by itself, then with the children that run inline within it.
//!
//! The parts of statements and expressions are told in `walk.rs`; here stands what each of them means by itself.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::bytecode::{Effects, Event, FlowHead, Mode, PluginCode, PluginHead, RunAs, Serial, Stage};
use crate::schema::{FieldSet, Level, Schema};
use crate::value::{EntityId, Type};

use super::ir::{Action, Block, Expr, ExprKind, Flow, Query, StmtKind};
use super::may::{self, Found, Outside, Stages, State, View, World};
use super::walk::{self, Part};

/// Gives every flow and action its effects, those of the real-time children that it starts, of the actions that it performs,
/// and of theirs, counted in; tells what the walk through each of them found. Behind the flows stand the actions and then the
/// plug-ins from here on, as flows, until [`give_back`].
pub(super) fn fill(
    schema: &Schema,
    flows: &mut Vec<Flow>,
    actions: &mut [Action],
    plugins: &mut [PluginCode],
) -> (Vec<Found>, Vec<Stages>) {
    flows.extend(actions.iter_mut().map(action_as_flow));
    flows.extend(plugins.iter_mut().map(plugin_as_flow));
    fill_all(schema, flows, actions, plugins)
}

/// Gives the actions and plug-ins back what is theirs.
pub(super) fn give_back(flows: &mut Vec<Flow>, actions: &mut [Action], plugins: &mut [PluginCode]) {
    let count = flows.len().saturating_sub(actions.len() + plugins.len());
    let mut others = flows.drain(count..);
    for (action, flow) in actions.iter_mut().zip(others.by_ref()) {
        // What code elsewhere declares is held against what it does; what those do whom it calls is theirs.
        let declared = std::mem::take(&mut action.effects);
        action.effects = if action.head.via.is_some() { Effects { causes: flow.effects.causes, ..declared } } else { flow.effects };
        action.body = flow.body;
    }
    for (plugin, flow) in plugins.iter_mut().zip(others) {
        plugin.effects.causes = flow.effects.causes;
    }
}

/// An action as what it is for whoever looks at statements: a flow that nothing but other flows start, on the record as it is.
fn action_as_flow(action: &mut Action) -> Flow {
    // Nothing in a global action is about a record of its own.
    let entity = action.head.entity.unwrap_or(EntityId(0));
    let head = FlowHead { child: true, inputs: action.head.inputs.clone(), ..head(action.head.name.clone(), entity) };
    let (body, locals) = (std::mem::take(&mut action.body), action.locals.clone());
    Flow { head, span: action.span, when: None, body, locals, effects: action.effects.clone() }
}

/// The head of a flow at the place of a plug-in.
pub(super) fn as_flow(plugin: &PluginHead) -> FlowHead {
    let PluginHead { name, entity, triggers, rank, .. } = plugin;
    FlowHead { triggers: triggers.clone(), rank: *rank, ..head(name.clone(), *entity) }
}

/// A plug-in as a flow without statements.
fn plugin_as_flow(plugin: &mut PluginCode) -> Flow {
    let head = as_flow(&plugin.head);
    Flow { head, span: plugin.span, when: None, body: Vec::new(), locals: Vec::new(), effects: plugin.effects.clone() }
}

fn head(name: SmolStr, entity: EntityId) -> FlowHead {
    FlowHead {
        name,
        entity,
        mode: Mode::RealTime,
        triggers: Vec::new(),
        on_demand: false,
        child: false,
        rank: 0,
        run_as: RunAs::Caller,
        owner: None,
        inputs: Vec::new(),
        scope: Level::Organization,
        serial: None,
        log_errors: false,
        allow_cycle: false,
        draft: false,
    }
}

/// The entities whose records effects may end, straight or by a cascade.
pub(super) fn deletable(schema: &Schema, effects: &Effects) -> Vec<EntityId> {
    effects.deletes.iter().flat_map(|entity| may::cascade(schema, *entity)).collect()
}

fn fill_all(schema: &Schema, flows: &mut [Flow], actions: &[Action], plugins: &[PluginCode]) -> (Vec<Found>, Vec<Stages>) {
    let mut outside = outside(actions, plugins);
    let children: Vec<Vec<Child>> = flows.iter().map(children).collect();
    for flow in flows.iter_mut().filter(|flow| !outside.contains_key(&flow.head.name)) {
        flow.effects = own(flow);
    }
    queue(flows);
    let starts = Starts::new(flows, &children);
    starts.close(flows);
    let stages = starts.stages(flows);
    let world = world(schema, flows, actions, &stages);
    let walk = |(flow, stages): (&Flow, &Stages)| match outside.remove(&flow.head.name) {
        Some(part) => may::outside(&world, part),
        None => may::walk(&world, view(flow, *stages), State::default()),
    };
    let found: Vec<Found> = flows.iter().zip(&stages).map(walk).collect();
    for (flow, found) in flows.iter_mut().zip(&found) {
        flow.effects.causes.clone_from(&found.causes);
    }
    starts.close(flows);
    (found, stages)
}

/// The actions and plug-ins whose code is elsewhere, by name.
fn outside<'a>(actions: &'a [Action], plugins: &'a [PluginCode]) -> FxHashMap<&'a SmolStr, Outside<'a>> {
    let actions = actions.iter().filter_map(|Action { head, span, effects, .. }| {
        Some(Outside { name: &head.name, span: *span, entity: head.entity, via: head.via.as_ref()?, outputs: &head.outputs, effects })
    });
    let plugins = plugins.iter().map(|PluginCode { head, span, effects }| Outside {
        name: &head.name,
        span: *span,
        entity: Some(head.entity),
        via: &head.via,
        outputs: &[],
        effects,
    });
    actions.chain(plugins).map(|part| (part.name, part)).collect()
}

/// A flow as a walk through it needs it.
pub(super) fn view(flow: &Flow, stages: Stages) -> View<'_> {
    View { head: &flow.head, stages, when: flow.when.as_ref(), body: &flow.body }
}

/// What all flows together say about the records that any of them meets.
pub(super) fn world<'a>(schema: &'a Schema, flows: &'a [Flow], actions: &'a [Action], stages: &[Stages]) -> World<'a> {
    let mut world = World {
        schema,
        deletable: BTreeSet::new(),
        completed: BTreeMap::new(),
        heads: flows.iter().map(|flow| (flow.head.name.as_str(), &flow.head)).collect(),
        actions: actions.iter().map(|action| (action.head.name.as_str(), &action.head)).collect(),
    };
    for (flow, stages) in flows.iter().zip(stages) {
        world.deletable.extend(deletable(schema, &flow.effects));
        if flow.effects.unknown {
            world.deletable.extend(schema.entities().map(|(id, _)| id));
        }
        if stages.before_create && !flow.head.draft {
            let completed = world.completed.entry(flow.head.entity).or_default();
            completed.extend(&flow.effects.sets);
            if flow.effects.unknown {
                let fields = schema.entity(flow.head.entity).into_iter().flat_map(|entity| entity.fields());
                completed.extend(&fields.map(|(slot, _)| slot).collect());
            }
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
            (Stage::PostOperation, _) | (_, Event::Perform(_)) => stages.after = true,
            (Stage::PreValidation | Stage::PreOperation, Event::Create) => stages.before_create = true,
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
    if let Some(Serial::Field(slot)) = flow.head.serial {
        effects.reads.insert(slot);
    }
    effects.block(&flow.body);
    effects
}

/// A flow that is started, and whether on the record of the flow that starts it.
type Child = (SmolStr, bool);

fn children(flow: &Flow) -> Vec<Child> {
    // Code elsewhere has no statements; it says whom it calls.
    let mut found: Vec<Child> = flow.effects.performs.iter().map(|action| (action.clone(), false)).collect();
    starts(&flow.body, &mut found);
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
