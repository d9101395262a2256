//! The pass of an operation through its stages, and the state of the outermost operation that it is part of.
//!
//! Invariants: every write goes through [`Engine::before_write`] and is counted in `epoch`; an error on the way out of
//! here undoes the whole outermost operation, so nothing in here cleans up after one.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::bytecode::Program;
use crate::diagnostic::Code;
use crate::schema::{FieldSet, PRIMARY_KEY, Row, Schema};
use crate::store::{Store, StoreError};
use crate::value::{EntityId, Reference, Slot, Uuid, Value};
use crate::vm::{Frame, Interrupt};

use super::errors::Kept;
use super::fault::{self, fault};
use super::host::Begin;
use super::layout::{Layout, layouts};
use super::operation::{Message, Operation};
use super::passes;
use super::plan::{Plan, Plans, Step};
use super::plugin::{Handler, Registered};
use super::rights::Rights;
use super::settings::{NESTED_COST, Settings};
use super::target::Scene;
use super::trace::Trace;

/// The longest chain of steps that run inside one another. Operations are limited by their depth; this limits children that
/// start children, so that a chain fits the stack of a thread of 2 MiB in a build without optimisation.
const MAX_CHAIN: usize = 24;

/// Everything that an operation needs on its way.
pub(super) struct Engine {
    pub schema: Arc<Schema>,
    pub program: Arc<Program>,
    pub store: Box<dyn Store>,
    pub settings: Settings,
    pub layouts: Arc<[Layout]>,
    pub plans: Plans,
    pub plugins: Vec<Arc<Registered>>,
    /// The functions of what the project declares `via host`.
    pub bound: FxHashMap<SmolStr, Handler>,
    pub administrator: Reference,
    /// The users who own flows, by name, as far as this operation had to find them.
    pub owners: FxHashMap<SmolStr, Reference>,
    /// Who may do what, as far as this operation had to ask.
    pub rights: Rights,
    /// Errors of flows that keep theirs.
    pub errors: Vec<Kept>,
    /// Frames that no run uses now.
    pub frames: Vec<Frame>,
    /// Counts the writes: what was read in an earlier state may have changed.
    pub epoch: u64,
    /// How far the time of operations is ahead of the clock.
    pub ahead: SignedDuration,
    /// The start of the outermost operation.
    pub now: Timestamp,
    /// Who started it.
    pub caller: Reference,
    /// How many instructions its flows may still run.
    pub budget: u64,
    /// What it tells.
    pub trace: Trace,
    /// The steps that are running, outermost first.
    pub chain: Vec<SmolStr>,
    /// The records that are being deleted.
    pub deleting: FxHashSet<Reference>,
    /// The background flows that it would queue.
    pub queued: Vec<SmolStr>,
    /// The savepoint to which the outermost operation returns.
    pub savepoint: Savepoint,
    /// What the action gave that ended last.
    pub outputs: Vec<Value>,
    /// How many steps of the outermost operation were kept by themselves.
    pub kept: u32,
    /// How many of the queued are kept whatever comes.
    pub queued_kept: usize,
    /// What code outside knows the outermost operation by; made when it is first asked for.
    pub correlation: Option<Uuid>,
}

/// The savepoint of an outermost operation inside a longer transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Savepoint {
    /// Not needed: the operation has a transaction of its own.
    None,
    /// To be set before the first write after which something may fail.
    Due,
    /// Set.
    Set,
}

impl Engine {
    /// An engine at rest.
    pub fn new(schema: Arc<Schema>, program: Arc<Program>, store: Box<dyn Store>, settings: Settings, administrator: Reference) -> Self {
        Engine {
            layouts: layouts(&schema).into(),
            plans: Plans::new(&schema, &program),
            plugins: Vec::new(),
            bound: FxHashMap::default(),
            correlation: None,
            queued_kept: 0,
            administrator,
            owners: FxHashMap::default(),
            rights: Rights::new(&schema),
            errors: Vec::new(),
            frames: Vec::new(),
            epoch: 0,
            ahead: SignedDuration::ZERO,
            now: Timestamp::UNIX_EPOCH,
            caller: administrator,
            budget: 0,
            trace: Trace::default(),
            chain: Vec::new(),
            deleting: FxHashSet::default(),
            queued: Vec::new(),
            savepoint: Savepoint::None,
            outputs: Vec::new(),
            kept: 0,
            schema,
            program,
            store,
            settings,
        }
    }

    /// Gets ready for an outermost operation.
    pub fn start_anew(&mut self, caller: Reference, savepoint: Savepoint) {
        let now = self.time();
        // Datetimes keep microseconds; a finer clock would give a `now` that no field can hold.
        self.now = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
        self.caller = caller;
        self.budget = self.settings.max_instructions;
        self.trace = Trace::new(self.settings.trace);
        self.chain.clear();
        self.deleting.clear();
        self.queued.clear();
        self.owners.clear();
        self.rights.forget();
        self.errors.clear();
        self.savepoint = savepoint;
        self.outputs.clear();
        self.kept = 0;
        self.correlation = None;
        self.queued_kept = 0;
    }

    /// What the time is.
    pub fn time(&mut self) -> Timestamp {
        (self.settings.clock)().saturating_add(self.ahead).unwrap_or(Timestamp::MAX)
    }

    /// An operation through all its stages.
    pub fn operate(&mut self, operation: Operation, depth: u32, acting: Reference) -> Result<Reference, Interrupt> {
        if depth > self.settings.max_depth {
            return Err(fault::too_deep(self.settings.max_depth, &self.chain));
        }
        if depth > 1 {
            self.pay_for_nested()?;
        }
        self.trace.reached(depth);
        let level = self.trace.level();
        let record = match operation {
            Operation::Create { entity, values } => self.create(entity, values, depth, acting)?,
            Operation::Update { record, values } => self.update(record, values, depth, acting)?,
            Operation::Delete { record } => self.delete(record, depth, acting)?,
            Operation::Run { flow, record, inputs } => self.run_alone(Begin::OnDemand, &flow, (record, inputs), depth, acting)?,
            Operation::Perform { action, record, inputs } => self.act(&action, record, inputs, depth, acting)?,
            Operation::Start { flow, record, inputs } => self.run_alone(Begin::Child, &flow, (record, inputs), depth, acting)?,
        };
        self.trace.leave_to(level);
        Ok(record)
    }

    /// Counts an operation that a flow asks for against what the outermost operation may use.
    pub fn pay_for_nested(&mut self) -> Result<(), Interrupt> {
        self.spend(NESTED_COST)
    }

    fn create(&mut self, entity: EntityId, mut values: Row, depth: u32, acting: Reference) -> Result<Reference, Interrupt> {
        let id = match values.get(PRIMARY_KEY) {
            Some(Value::Uuid(id)) => *id,
            Some(Value::Empty) | None => (self.settings.ids)(),
            Some(_) => return Err(fault(Code::F04, format!("the key of a `{}` is a uuid", fault::name(&self.schema, entity)))),
        };
        values.set(PRIMARY_KEY, Value::Uuid(id));
        self.trace
            .enter(|| format!("{} {} {id}", passes::words_of_create(&self.schema, entity, &values), fault::name(&self.schema, entity)));
        self.admit_all(Message::Create, entity, &mut values)?;
        let layouts = Arc::clone(&self.layouts);
        let layout = layout_of(&layouts, entity)?;
        self.may_create(acting, entity, &values, layout)?;
        values.widen(layout.width);
        let mut scene = Scene::new(Message::Create, Reference { entity, id }, values, depth, acting);
        let plan = self.plan(&scene);
        self.run_steps(&plan.before, &mut scene)?;
        self.complete(&mut scene, layout)?;
        self.core_create(&mut scene, depth == 1 && plan.after.is_empty())?;
        scene.columns.clone_from(&plan.again);
        self.run_steps(&plan.after, &mut scene)?;
        self.queue(&plan.queued, &mut scene)?;
        Ok(scene.record)
    }

    fn update(&mut self, record: Reference, mut values: Row, depth: u32, acting: Reference) -> Result<Reference, Interrupt> {
        match values.get(PRIMARY_KEY) {
            Some(Value::Uuid(id)) if *id != record.id => {
                return Err(fault(Code::F16, format!("the key of a `{}` can't be changed", fault::name(&self.schema, record.entity))));
            }
            _ => values.unset(PRIMARY_KEY),
        }
        self.admit_all(Message::Update, record.entity, &mut values)?;
        let layouts = Arc::clone(&self.layouts);
        let layout = layout_of(&layouts, record.entity)?;
        self.may_update(acting, record, &values, layout)?;
        values.widen(layout.width);
        let level = self.trace.level();
        let mut rest = Some(values);
        while let Some(values) = rest.take() {
            let (kind, values, later) = passes::split(values, layout);
            self.trace.leave_to(level);
            self.trace.enter(|| format!("{} {} {}", kind.words(), fault::name(&self.schema, record.entity), record.id));
            self.pass(Scene::new(Message::Update, record, values, depth, acting), layout, depth == 1 && later.is_none())?;
            rest = later;
        }
        Ok(record)
    }

    /// An update of columns of one kind through all its stages. `last`: no other operation or pass comes after it.
    fn pass(&mut self, mut scene: Scene, layout: &Layout, last: bool) -> Result<(), Interrupt> {
        let plan = self.plan(&scene);
        scene.columns.clone_from(&plan.columns);
        self.run_steps(&plan.before, &mut scene)?;
        self.settle_status(&mut scene, layout)?;
        let plan = if plan.fits(Message::Update, scene.target.present()) { plan } else { self.plan(&scene) };
        self.core_update(&mut scene, &plan, layout, last && plan.after.is_empty())?;
        scene.columns.clone_from(&plan.again);
        self.run_steps(&plan.after, &mut scene)?;
        self.queue(&plan.queued, &mut scene)
    }

    /// Counts instructions, or what counts as some, against what the outermost operation may use.
    pub fn spend(&mut self, instructions: u64) -> Result<(), Interrupt> {
        let left = self.budget.checked_sub(instructions);
        self.budget = left.unwrap_or(0);
        left.map(drop).ok_or_else(|| fault(Code::F12, "the operation used up its instructions"))
    }

    /// The plan for an operation as its Target stands.
    pub fn plan(&mut self, scene: &Scene) -> Arc<Plan> {
        let message = scene.message.unwrap_or(Message::Update);
        self.plans.get(scene.record.entity, message, scene.target.present())
    }

    /// The steps of a stage, in order.
    pub fn run_steps(&mut self, steps: &[Step], scene: &mut Scene) -> Result<(), Interrupt> {
        for step in steps {
            scene.stage = step.stage(scene.stage);
            match *step {
                Step::Early(index) | Step::Plugin(index) => self.run_plugin(index, scene)?,
                Step::Flow(index) => self.run_flow(index, scene, None, &[])?,
            }
        }
        Ok(())
    }

    /// Notes the flows and plug-ins of an event that run in the background.
    pub fn queue(&mut self, steps: &[Step], scene: &mut Scene) -> Result<(), Interrupt> {
        let program = Arc::clone(&self.program);
        for step in steps {
            match *step {
                Step::Flow(index) => {
                    let Some(flow) = program.flows.get(index) else { continue };
                    if self.in_scope(&flow.head, scene)? {
                        self.queue_flow(&flow.head.name, scene.record);
                    } else {
                        self.trace.line(|| format!("flow `{}` is not queued: the record is out of its scope", flow.head.name));
                    }
                }
                Step::Early(index) | Step::Plugin(index) => {
                    if let Some(plugin) = self.plugins.get(index).map(Arc::clone) {
                        self.queue_one("plug-in", &plugin.name, scene.record);
                    }
                }
            }
        }
        Ok(())
    }

    /// Notes a background flow that would run on a record once the transaction is kept.
    pub fn queue_flow(&mut self, flow: &SmolStr, record: Reference) {
        self.queue_one("flow", flow, record);
    }

    fn queue_one(&mut self, what: &str, name: &SmolStr, record: Reference) {
        self.trace.line(|| format!("queued {what} `{name}` on {} {}", fault::name(&self.schema, record.entity), record.id));
        self.queued.push(name.clone());
    }

    fn run_plugin(&mut self, index: usize, scene: &mut Scene) -> Result<(), Interrupt> {
        let Some(plugin) = self.plugins.get(index).map(Arc::clone) else { return Ok(()) };
        self.enter_chain(&plugin.name)?;
        self.trace.ran(&plugin.name);
        let level = self.trace.level();
        self.trace.enter(|| format!("{} plug-in `{}`", scene.stage as u8, plugin.name));
        let result = super::context::run(self, scene, &plugin);
        self.leave_chain(result, level)
    }

    /// Joins the chain of running steps.
    pub fn enter_chain(&mut self, name: &SmolStr) -> Result<(), Interrupt> {
        if self.chain.len() >= MAX_CHAIN {
            return Err(fault::endless(MAX_CHAIN, name));
        }
        self.chain.push(name.clone());
        Ok(())
    }

    /// Leaves the chain of running steps; a fault takes the chain along.
    pub fn leave_chain<T>(&mut self, result: Result<T, Interrupt>, level: u32) -> Result<T, Interrupt> {
        let result = result.map_err(|interrupt| match interrupt {
            Interrupt::Fault(mut fault) => {
                if fault.chain.is_empty() {
                    fault.chain.clone_from(&self.chain);
                }
                Interrupt::Fault(fault)
            }
            stop @ Interrupt::Stop { .. } => stop,
        });
        self.chain.pop();
        self.trace.leave_to(level);
        result
    }

    /// One write of fields of the record of a scene: into the Target before the operation, a nested update after it.
    pub fn set(&mut self, scene: &mut Scene, acting: Reference, slots: &[Slot], values: &[Value]) -> Result<(), Interrupt> {
        let fields = slots.iter().zip(values);
        if scene.stage.is_before() {
            for (slot, value) in fields {
                let value = self.admit(scene.message.unwrap_or(Message::Update), scene.record.entity, *slot, value.clone())?;
                scene.target.set(*slot, value);
            }
            return Ok(());
        }
        let mut row = Row::default();
        fields.for_each(|(slot, value)| row.set(*slot, value.clone()));
        self.operate(Operation::Update { record: scene.record, values: row }, scene.depth + 1, acting).map(drop)
    }

    /// Fields of a record as the transaction sees it; all of them are present in the answer.
    pub fn read(&mut self, record: Reference, fields: &FieldSet) -> Result<Row, Interrupt> {
        let rows = self.store.read(record.entity, &[record.id], fields).map_err(|error| self.store_fault(error))?;
        let Some(mut row) = rows.into_iter().next().flatten() else { return Err(fault::missing(&self.schema, record)) };
        if row.present() != fields {
            for slot in fields.iter().filter(|slot| row.get(*slot).is_none()).collect::<Vec<_>>() {
                row.set(slot, Value::Empty);
            }
        }
        Ok(row)
    }

    /// Sets the savepoint that is due, unless the write that follows is the last thing that can fail.
    ///
    /// An operation inside a longer transaction has to be able to return to where it began. An insert or update of one record is one
    /// statement, which the store does whole or not at all: where nothing was written before it and nothing runs after it, there is
    /// nothing to return from, and two statements are saved. That is every create and update whose flows only set fields or stop before it.
    pub fn before_write(&mut self, last: bool) -> Result<(), Interrupt> {
        if self.savepoint == Savepoint::Due && !last {
            self.store.savepoint().map_err(|error| self.store_fault(error))?;
            self.savepoint = Savepoint::Set;
        }
        Ok(())
    }

    /// What a store refused, as a fault.
    pub fn store_fault(&self, error: StoreError) -> Interrupt {
        fault::store(&self.schema, error)
    }
}

/// The layout of an entity.
pub(super) fn layout_of(layouts: &[Layout], entity: EntityId) -> Result<&Layout, Interrupt> {
    layouts.get(entity.0 as usize).ok_or_else(|| fault(Code::F06, "there is no such entity"))
}
