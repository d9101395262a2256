//! Event plans: which steps run on an event, in which order, and the columns that they need.
//!
//! A plan depends on the entity, the message and which fields are present in the Target, and on nothing else, so it is made
//! once and kept. The effect signatures of the flows say which columns they read; a flow's children on the same record count as part of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use crate::bytecode::{Event, FlowCode, Mode, Program, Stage, Trigger};
use crate::schema::{Entity, FieldSet, Level, Schema, system};
use crate::value::{EntityId, Slot};

use super::audit;
use super::layout::Layout;
use super::operation::Message;
use super::plugin::Registered;

/// How many plans are kept; a caller that submits ever different fields makes them anew.
const MAX_PLANS: usize = 4_096;

/// A step of a stage; the numbers are positions among the program's flows and the registered plug-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Plugin(usize),
    Flow(usize),
}

/// What runs on an event.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The steps at stage 10, in order.
    pub early: Vec<Step>,
    /// The steps before the core operation, in order.
    pub before: Vec<Step>,
    /// The steps after it.
    pub after: Vec<Step>,
    /// The steps in the background that are queued after it, in order.
    pub queued: Vec<Step>,
    /// The columns of the record to fetch together, if any is asked for at all.
    pub columns: FieldSet,
    /// The columns that have to be there from before the operation.
    pub kept: FieldSet,
    /// The columns to fetch together once something was written after the operation.
    pub again: FieldSet,
    /// The fields that were present.
    present: FieldSet,
}

/// The columns of its record that a step reads.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    /// As the record is at its stage.
    pub now: FieldSet,
    /// As it was before the operation.
    pub old: FieldSet,
}

/// All steps there are, and the plans made so far.
#[derive(Debug, Default)]
pub(super) struct Plans {
    candidates: Vec<Vec<Candidate>>,
    /// The plug-ins around actions.
    around: FxHashMap<SmolStr, Vec<Candidate>>,
    /// The audited fields of each entity.
    audited: Vec<FieldSet>,
    /// The fields of each entity that jobs may wait for.
    awaited: Vec<FieldSet>,
    flow_needs: Vec<Needs>,
    made: FxHashMap<(EntityId, Message), FxHashMap<FieldSet, Arc<Plan>>>,
    count: usize,
}

/// What may be a step of the events of an entity.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// Rank, then plug-ins before flows, then name by code point.
    pub order: (i32, bool, SmolStr),
    pub step: Step,
    pub triggers: Vec<Trigger>,
    needs: Needs,
    /// Whether it runs after the transaction.
    pub background: bool,
}

impl Plan {
    /// The steps of a stage, in order.
    pub fn steps(&self, stage: Stage) -> &[Step] {
        match stage {
            Stage::PreValidation => &self.early,
            Stage::PreOperation => &self.before,
            Stage::PostOperation => &self.after,
        }
    }

    /// Whether nothing that can fail comes after the core operation: no step, and nothing to queue.
    pub fn ends_with_core(&self) -> bool {
        self.after.is_empty() && self.queued.is_empty()
    }

    /// Whether this is still the plan, with these fields present now.
    pub fn fits(&self, message: Message, present: &FieldSet) -> bool {
        message != Message::Update || self.present == *present
    }
}

impl Plans {
    /// With the flows of a program that are active.
    pub fn new(schema: &Schema, program: &Program, awaited: &BTreeSet<(SmolStr, SmolStr)>) -> Self {
        let candidates = schema.entities.iter().map(|_| Vec::new()).collect();
        let audited = schema.entities.values().map(Entity::audited).collect();
        let awaited = awaited_fields(schema, program, awaited);
        let mut plans = Plans { candidates, audited, awaited, ..Plans::default() };
        for ((index, flow), needs) in program.flows.iter().enumerate().zip(flow_needs(schema, program)) {
            if !flow.head.draft {
                let order = (flow.head.rank, true, flow.head.name.clone());
                let background = flow.head.mode == Mode::Background;
                let triggers = flow.head.triggers.clone();
                // A background flow reads when it runs, but what was before the operation goes along with its job.
                let candidate = Candidate { order, step: Step::Flow(index), triggers, needs: needs.clone(), background };
                plans.add(flow.head.entity, candidate);
            }
            plans.flow_needs.push(needs);
        }
        plans
    }

    /// Takes in a plug-in, the one at this position among those registered.
    pub fn register(&mut self, plugin: &Registered, index: usize, layout: &Layout) {
        let fields = plugin.reads.as_ref().unwrap_or(&layout.all);
        let background = plugin.background;
        let needs = Needs { now: fields.clone(), old: fields.clone() };
        let order = (plugin.rank, false, plugin.name.clone());
        let candidate = Candidate { order, step: Step::Plugin(index), triggers: plugin.triggers.clone(), needs, background };
        let actions =
            plugin.triggers.iter().filter_map(|trigger| if let Event::Perform(action) = &trigger.event { Some(action) } else { None });
        actions.for_each(|action| put(self.around.entry(action.clone()).or_default(), candidate.clone()));
        self.add(plugin.entity, candidate);
        self.made.clear();
        self.count = 0;
    }

    /// Everything that events of an entity may run, in its order.
    pub fn candidates(&self, entity: EntityId) -> &[Candidate] {
        self.candidates.get(entity.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// The plug-ins around an action, in their order.
    pub fn candidates_around(&self, action: &str) -> &[Candidate] {
        self.around.get(action).map_or(&[], Vec::as_slice)
    }

    /// Jobs may wait for these fields, too.
    pub fn await_also(&mut self, schema: &Schema, awaited: &BTreeSet<(SmolStr, SmolStr)>) {
        for (entity, slot) in named_fields(schema, awaited) {
            if let Some(fields) = self.awaited.get_mut(usize::from(entity.0)) {
                fields.insert(slot);
            }
        }
    }

    /// Whether a job may wait for one of these fields of an entity, or for any of it where none are named.
    pub fn awaits(&self, entity: EntityId, fields: Option<&FieldSet>) -> bool {
        self.awaited.get(entity.0 as usize).is_some_and(|awaited| match fields {
            Some(fields) => awaited.intersects(fields),
            None => !awaited.is_empty(),
        })
    }

    /// The columns that a flow reads.
    pub fn needs_of(&self, flow: usize) -> Option<&Needs> {
        self.flow_needs.get(flow)
    }

    /// Every step that is registered for an event at a stage, in order, with the fields that it is about where none of them is present: it
    /// doesn't run. Those of the background are asked for apart. Only for who wants to be told: a plan has the others ready.
    pub fn considered(&self, entity: EntityId, message: Message, stage: Stage, background: bool, plan: &Plan) -> Vec<(Step, FieldSet)> {
        let candidates =
            self.candidates.get(entity.0 as usize).into_iter().flatten().filter(|candidate| candidate.background == background);
        let considered = candidates
            .filter(|candidate| candidate.triggers.iter().any(|trigger| trigger.stage == stage && sets_off(&trigger.event, message, None)));
        considered
            .map(|candidate| {
                let runs = candidate.runs(message, stage, &plan.present);
                (candidate.step, if runs { FieldSet::default() } else { candidate.fields(stage) })
            })
            .collect()
    }

    /// The plan for an event.
    pub fn get(&mut self, entity: EntityId, message: Message, present: &FieldSet) -> Arc<Plan> {
        let nothing = FieldSet::default();
        let present = if message == Message::Update { present } else { &nothing };
        if let Some(plan) = self.made.get(&(entity, message)).and_then(|plans| plans.get(present)) {
            return Arc::clone(plan);
        }
        if self.count >= MAX_PLANS {
            self.made.clear();
            self.count = 0;
        }
        let plan = Arc::new(self.make(entity, message, present));
        self.made.entry((entity, message)).or_default().insert(present.clone(), Arc::clone(&plan));
        self.count += 1;
        plan
    }

    fn add(&mut self, entity: EntityId, candidate: Candidate) {
        if let Some(candidates) = self.candidates.get_mut(entity.0 as usize) {
            put(candidates, candidate);
        }
    }

    /// The plan for an action's own message; nothing where no plug-in is around it.
    pub fn around(&self, action: &str) -> Option<Plan> {
        let candidates = self.around.get(action)?;
        let mut plan = Plan::default();
        for candidate in candidates.iter().filter(|candidate| !candidate.background) {
            plan.needs_columns(&candidate.needs, &FieldSet::default());
            plan.kept.extend(&candidate.needs.old);
        }
        let steps = |stage: Stage, background: bool| {
            let starts = |candidate: &&Candidate| candidate.background == background && candidate.is_around(action, stage);
            candidates.iter().filter(starts).map(|candidate| candidate.step).collect()
        };
        Some(Plan {
            early: steps(Stage::PreValidation, false),
            before: steps(Stage::PreOperation, false),
            after: steps(Stage::PostOperation, false),
            queued: steps(Stage::PostOperation, true),
            ..plan
        })
    }

    fn make(&self, entity: EntityId, message: Message, present: &FieldSet) -> Plan {
        let mut plan = Plan { present: present.clone(), ..Plan::default() };
        let Some(candidates) = self.candidates.get(entity.0 as usize) else { return plan };
        if let Some(audited) = self.audited.get(entity.0 as usize) {
            plan.kept = audit::kept(audited, message, present);
            plan.columns.clone_from(&plan.kept);
        }
        for candidate in candidates {
            if candidate.background {
                if candidate.runs(message, Stage::PostOperation, present) {
                    plan.queued.push(candidate.step);
                    plan.columns.extend(&candidate.needs.old);
                    plan.kept.extend(&candidate.needs.old);
                    if message == Message::Delete {
                        // When the job runs, there is no record any more.
                        plan.columns.extend(&candidate.needs.now);
                        plan.kept.extend(&candidate.needs.now);
                    }
                }
                continue;
            }
            if candidate.runs(message, Stage::PreValidation, present) {
                plan.early.push(candidate.step);
                plan.needs_columns(&candidate.needs, present);
            }
            if candidate.runs(message, Stage::PreOperation, present) {
                plan.before.push(candidate.step);
                plan.needs_columns(&candidate.needs, present);
            }
            if candidate.runs(message, Stage::PostOperation, present) {
                plan.after.push(candidate.step);
                plan.needs_columns(&candidate.needs, present);
                plan.kept.extend(&candidate.needs.old);
                plan.again.extend(&candidate.needs.now);
            }
        }
        plan
    }
}

impl Plan {
    fn needs_columns(&mut self, needs: &Needs, present: &FieldSet) {
        let mut unset = needs.now.clone();
        unset.remove_all(present);
        self.columns.extend(&unset);
        self.columns.extend(&needs.old);
    }
}

/// Puts a step at its place in the order.
fn put(candidates: &mut Vec<Candidate>, candidate: Candidate) {
    let place = candidates.partition_point(|other| other.order < candidate.order);
    candidates.insert(place, candidate);
}

impl Candidate {
    fn is_around(&self, action: &str, stage: Stage) -> bool {
        self.triggers.iter().any(|trigger| trigger.stage == stage && matches!(&trigger.event, Event::Perform(name) if name == action))
    }

    /// The fields that its updates at a stage are about.
    pub fn fields(&self, stage: Stage) -> FieldSet {
        let mut all = FieldSet::default();
        for trigger in self.triggers.iter().filter(|trigger| trigger.stage == stage) {
            if let Event::Update(Some(fields)) = &trigger.event {
                all.extend(fields);
            }
        }
        all
    }

    /// Whether it is a step of a stage, with these fields present in the Target.
    pub fn runs(&self, message: Message, stage: Stage, present: &FieldSet) -> bool {
        self.triggers.iter().any(|trigger| trigger.stage == stage && sets_off(&trigger.event, message, Some(present)))
    }
}

/// Whether a message is this event, with these fields in the Target; with some fields or other where they aren't known.
pub(super) fn sets_off(event: &Event, message: Message, present: Option<&FieldSet>) -> bool {
    match event {
        Event::Create => message == Message::Create,
        Event::Update(None) => message == Message::Update,
        Event::Update(Some(fields)) => message == Message::Update && present.is_none_or(|present| fields.intersects(present)),
        Event::Delete => message == Message::Delete,
        Event::Perform(_) => false,
    }
}

/// What each flow and the children that it starts on records of its own entity read: such a record may be its own.
fn flow_needs(schema: &Schema, program: &Program) -> Vec<Needs> {
    let mut parents: Vec<Vec<usize>> = program.flows.iter().map(|_| Vec::new()).collect();
    let mut needs = Vec::with_capacity(program.flows.len());
    for (index, flow) in program.flows.iter().enumerate() {
        needs.push(Needs { now: flow.effects.reads.clone(), old: flow.effects.old.clone() });
        for child in flow.effects.starts.iter().filter_map(|name| program.flow_index(name)) {
            let same = program.flows.get(child).is_some_and(|child| child.head.entity == flow.head.entity);
            parents.get_mut(child).into_iter().filter(|_| same).for_each(|parents| parents.push(index));
        }
    }
    // What a child needs goes on to its parents until nobody needs more: each of them at most once for each field.
    let mut open: Vec<usize> = (0..needs.len()).collect();
    while let Some(child) = open.pop() {
        let Some(from) = needs.get(child).cloned() else { continue };
        for parent in parents.get(child).into_iter().flatten() {
            let Some(own) = needs.get_mut(*parent) else { continue };
            let before = own.now.len() + own.old.len();
            own.now.extend(&from.now);
            own.old.extend(&from.old);
            open.extend((own.now.len() + own.old.len() > before).then_some(*parent));
        }
    }
    for (needs, flow) in needs.iter_mut().zip(&program.flows) {
        needs.old.extend(&scope_needs(schema, flow).old);
    }
    needs
}

/// The fields that jobs may wait for: those of the flows there are, and those of earlier activations.
fn awaited_fields(schema: &Schema, program: &Program, earlier: &BTreeSet<(SmolStr, SmolStr)>) -> Vec<FieldSet> {
    let mut awaited = vec![FieldSet::default(); schema.entities.len()];
    let now = program.flows.iter().filter(|flow| flow.effects.may_wait).flat_map(FlowCode::awaited);
    for (entity, slot) in now.chain(named_fields(schema, earlier)) {
        if let Some(fields) = awaited.get_mut(usize::from(entity.0)) {
            fields.insert(slot);
        }
    }
    awaited
}

/// Those of these fields that a schema has.
fn named_fields(schema: &Schema, names: &BTreeSet<(SmolStr, SmolStr)>) -> impl Iterator<Item = (EntityId, Slot)> {
    names.iter().filter_map(|(entity, field)| {
        let entity = schema.entity_id(entity)?;
        Some((entity, schema.entity(entity)?.slot(field)?))
    })
}

/// What tells whether a record is in the scope of a flow: who owned it before the operation.
fn scope_needs(schema: &Schema, flow: &FlowCode) -> Needs {
    let mut needs = Needs::default();
    let owner = schema.entity(flow.head.entity).and_then(|entity| entity.slot(system::OWNER));
    if let Some(owner) = owner.filter(|_| flow.head.scope != Level::Organization) {
        needs.old.insert(owner);
    }
    needs
}
