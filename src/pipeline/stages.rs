//! An operation through its stages, in their order:
//!
//! | stage | | transaction |
//! |---|---|---|
//! | 10 | pre-validation: plug-ins | outside it for the outermost operation, inside for one within another, and within `messages.rs` |
//! | | privileges | inside |
//! | 20 | pre-operation: plug-ins and flows that may still change the Target | inside |
//! | 30 | the core operation (`core.rs`, `delete.rs`; of an action, its body: `action.rs`) | inside |
//! | 40 | post-operation: plug-ins and flows that see it done | inside |
//! | | what runs in the background is queued | inside |
//!
//! Which steps a stage has is decided by the Target as it stands when the stage begins: what an earlier stage added counts,
//! what the same stage adds doesn't.

use std::sync::Arc;

use crate::bytecode::Stage;
use crate::diagnostic::Code;
use crate::schema::jobs::Kind;
use crate::schema::{FieldSet, PRIMARY_KEY, Row};
use crate::value::{EntityId, Reference, Value};
use crate::vm::Interrupt;

use super::engine::{Engine, Shared, layout_of};
use super::fault::{self, fault};
use super::flows::Begin;
use super::happening::{StepKind, StepVerdict};
use super::jobs::Asked;
use super::layout::Layout;
use super::operation::{Message, Operation};
use super::passes;
use super::plan::{Plan, Step};
use super::target::Scene;
use super::trace::Place;

impl Engine {
    /// An operation through all its stages. The answer is its record; of a global action, the acting user.
    pub fn operate(&mut self, operation: Operation, depth: u32, acting: Reference) -> Result<Reference, Interrupt> {
        if depth > self.settings.max_depth {
            return Err(fault::too_deep(self.settings.max_depth, &self.chain));
        }
        if depth > 1 {
            self.pay_for_nested()?;
        }
        self.is_writable(&operation)?;
        self.trace.reached(depth);
        self.shared.push(Shared::default());
        let level = self.trace.level();
        let record = match operation {
            Operation::Create { entity, values } => self.create(entity, values, depth, acting),
            Operation::Update { record, values } => self.update(record, values, depth, acting),
            Operation::Delete { record } => self.delete(record, depth, acting),
            Operation::Upsert { entity, key, values } => self.upsert(entity, key, values, depth, acting),
            Operation::CreateMultiple { entity, targets } => self.multiple(Message::Create, entity, targets, depth, acting),
            Operation::UpdateMultiple { entity, targets } => self.multiple(Message::Update, entity, targets, depth, acting),
            Operation::Keyed { key, operation } => self.keyed(&key, *operation, depth, acting),
            Operation::Run { flow, record, inputs } => self.run_alone(Begin::OnDemand, &flow, (record, inputs), depth, acting),
            Operation::Perform { action, record, inputs } => self.act(&action, record, inputs, depth, acting),
            Operation::Start { flow, record, inputs } => self.run_alone(Begin::Child, &flow, (record, inputs), depth, acting),
        };
        let record = record.inspect_err(|interrupt| self.tell_end(interrupt))?;
        self.shared.pop();
        self.leave_to(level);
        Ok(record)
    }

    fn create(&mut self, entity: EntityId, mut values: Row, depth: u32, acting: Reference) -> Result<Reference, Interrupt> {
        let mapped = self.layouts.get(usize::from(entity.0)).is_some_and(|layout| layout.mapped);
        let id = match values.get(PRIMARY_KEY) {
            Some(Value::Uuid(_)) if mapped => {
                let words = format!("a new `{}` has its id by its key, so it can't be given one", fault::name(&self.schema, entity));
                return Err(fault(Code::F16, words));
            }
            Some(Value::Uuid(id)) => *id,
            Some(Value::Empty) | None => (self.settings.ids)(),
            Some(_) => return Err(fault(Code::F04, format!("the key of a `{}` is a uuid", fault::name(&self.schema, entity)))),
        };
        values.set(PRIMARY_KEY, Value::Uuid(id));
        let record = Reference { entity, id };
        let message = if self.trace.is_on() { passes::words_of_create(&self.schema, entity, &values) } else { "" };
        // A new row has no id before its key is known.
        self.enter_operation(message, (entity, Some(record).filter(|_| !mapped)), &values, (depth, acting));
        self.admit_all(Message::Create, entity, &mut values)?;
        let layouts = Arc::clone(&self.layouts);
        let layout = layout_of(&layouts, entity)?;
        values.widen(layout.width);
        let mut scene = Scene::new(Message::Create, record, values, depth, acting);
        let plan = self.pre_validation(&mut scene)?;
        self.in_transaction(|engine| {
            engine.may_create(acting, entity, &scene.target, layout)?;
            engine.run_steps(&plan, &mut scene)?;
            engine.complete(&mut scene, layout)?;
            if layout.mapped {
                engine.identify(&mut scene)?;
            }
            engine.core_create(&mut scene, depth == 1 && plan.ends_with_core())?;
            engine.post_operation(&plan, &mut scene)
        })?;
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
        values.widen(layout.width);
        let level = self.trace.level();
        let scene = |kind, values| {
            let mut scene = Scene::new(Message::Update, record, values, depth, acting);
            scene.pass = kind;
            scene
        };
        let (kind, first, mut rest) = passes::split(values, layout);
        self.enter_operation(kind.words(), (record.entity, Some(record)), &first, (depth, acting));
        let mut first = scene(kind, first);
        let plan = self.pre_validation(&mut first)?;
        self.in_transaction(|engine| {
            engine.may_update(acting, record, [Some(&first.target), rest.as_ref()], layout)?;
            engine.pass(first, plan, layout, depth == 1 && rest.is_none())?;
            while let Some(values) = rest.take() {
                let (kind, values, later) = passes::split(values, layout);
                engine.leave_to(level);
                engine.enter_operation(kind.words(), (record.entity, Some(record)), &values, (depth, acting));
                let mut pass = scene(kind, values);
                let plan = engine.pre_validation(&mut pass)?;
                if !plan.early.is_empty() {
                    engine.may_update(acting, record, [Some(&pass.target), None], layout)?;
                }
                engine.pass(pass, plan, layout, depth == 1 && later.is_none())?;
                rest = later;
            }
            Ok(record)
        })
    }

    /// An update of columns of one kind, from stage 20 on. `last`: no other pass comes after it.
    fn pass(&mut self, mut scene: Scene, plan: Arc<Plan>, layout: &Layout, last: bool) -> Result<(), Interrupt> {
        self.run_steps(&plan, &mut scene)?;
        self.settle_status(&mut scene, layout)?;
        let plan = self.fitting(plan, &scene);
        self.core_update(&mut scene, &plan, layout, last && plan.ends_with_core())?;
        self.post_operation(&plan, &mut scene)
    }

    /// Stage 10. Gives the plan for the stages after it.
    pub(super) fn pre_validation(&mut self, scene: &mut Scene) -> Result<Arc<Plan>, Interrupt> {
        let plan = self.plan(scene);
        scene.columns.clone_from(&plan.columns);
        if plan.early.is_empty() && !self.trace.is_on() {
            return Ok(plan);
        }
        scene.stage = Stage::PreValidation;
        self.run_steps(&plan, scene)?;
        scene.stage = Stage::PreOperation;
        let plan = self.fitting(plan, scene);
        scene.columns.clone_from(&plan.columns);
        Ok(plan)
    }

    /// Stage 40, and the queueing of what runs in the background.
    pub(super) fn post_operation(&mut self, plan: &Plan, scene: &mut Scene) -> Result<(), Interrupt> {
        scene.columns.clone_from(&plan.again);
        self.run_steps(plan, scene)?;
        self.queue(plan, scene)
    }

    /// The plan for an operation as its Target stands.
    fn plan(&mut self, scene: &Scene) -> Arc<Plan> {
        let message = scene.message.unwrap_or(Message::Update);
        self.plans.get(scene.record.entity, message, scene.target.present())
    }

    /// The same plan, or another where the Target has other fields by now.
    fn fitting(&mut self, plan: Arc<Plan>, scene: &Scene) -> Arc<Plan> {
        match scene.message {
            Some(message) if !plan.fits(message, scene.target.present()) => self.plan(scene),
            _ => plan,
        }
    }

    /// The steps of the stage at which the operation is, in order.
    pub(super) fn run_steps(&mut self, plan: &Plan, scene: &mut Scene) -> Result<(), Interrupt> {
        let mut considered = self.considered(plan, scene, false);
        for step in plan.steps(scene.stage) {
            self.tell_up_to(&mut considered, Some(*step), scene);
            self.on_time()?;
            match *step {
                Step::Plugin(index) => self.run_plugin(index, scene)?,
                Step::Flow(index) => self.run_flow(index, scene, None, &[])?,
            }
        }
        self.tell_up_to(&mut considered, None, scene);
        Ok(())
    }

    fn run_plugin(&mut self, index: usize, scene: &mut Scene) -> Result<(), Interrupt> {
        let Some(plugin) = self.plugins.get(index).map(Arc::clone) else { return Ok(()) };
        self.enter_chain(&plugin.name, scene.record)?;
        self.trace.ran(&plugin.name);
        let level = self.trace.level();
        self.enter_step(StepKind::Plugin, &plugin.name, Place::at(scene, plugin.rank));
        let result = super::calls::run(self, scene, &plugin);
        self.leave_chain(result, level)
    }

    /// Puts the flows and plug-ins of an event that run in the background into the queue.
    pub(super) fn queue(&mut self, plan: &Plan, scene: &mut Scene) -> Result<(), Interrupt> {
        let program = Arc::clone(&self.program);
        let mut considered = self.considered(plan, scene, true);
        for step in &plan.queued {
            self.tell_up_to(&mut considered, Some(*step), scene);
            match *step {
                Step::Flow(index) => {
                    let Some(flow) = program.flows.get(index) else { continue };
                    if self.in_scope(&flow.head, scene)? {
                        self.tell_step(StepKind::Flow, &flow.head.name, Place::of(flow, scene), StepVerdict::Queued);
                        let owner = self.owner_of_flow(&flow.head)?;
                        let fields = self.recalled_of(index, scene.message);
                        let recall = self.recall(scene, Some(&fields));
                        let token = self.token_of(flow, scene.record, &recall)?;
                        let (name, record) = (&flow.head.name, scene.record);
                        let asked = Asked { name, kind: Kind::Flow, record, owner, depth: scene.depth, token };
                        self.put_in_queue(&asked, &recall)?;
                    }
                }
                Step::Plugin(index) => {
                    if let Some(plugin) = self.plugins.get(index).map(Arc::clone) {
                        self.tell_step(StepKind::Plugin, &plugin.name, Place::at(scene, plugin.rank), StepVerdict::Queued);
                        let (record, owner) = (scene.record, scene.acting);
                        let asked = Asked { name: &plugin.name, kind: Kind::Plugin, record, owner, depth: scene.depth, token: None };
                        let recall = self.recall(scene, None);
                        self.put_in_queue(&asked, &recall)?;
                    }
                }
            }
        }
        self.tell_up_to(&mut considered, None, scene);
        Ok(())
    }

    /// The fields that go along with a job of a flow: what was before its operation and, where the record is gone, all that it reads.
    fn recalled_of(&self, flow: usize, message: Option<Message>) -> FieldSet {
        let Some(needs) = self.plans.needs_of(flow) else { return FieldSet::default() };
        let mut fields = needs.old.clone();
        if message == Some(Message::Delete) {
            fields.extend(&needs.now);
        }
        fields
    }

    /// What a stage has to consider, for the trace; nothing where none is wanted.
    fn considered(&self, plan: &Plan, scene: &Scene, background: bool) -> std::vec::IntoIter<(Step, FieldSet)> {
        let message = scene.message.filter(|_| self.trace.is_on());
        let considered = message.map(|message| self.plans.considered(scene.record.entity, message, scene.stage, background, plan));
        considered.unwrap_or_default().into_iter()
    }

    /// Tells the steps that don't run before the next one that does.
    fn tell_up_to(&mut self, considered: &mut std::vec::IntoIter<(Step, FieldSet)>, next: Option<Step>, scene: &Scene) {
        for (step, fields) in considered.take_while(|(step, _)| Some(*step) != next) {
            let plugin =
                |index: usize| self.plugins.get(index).map(|plugin| (StepKind::Plugin, plugin.name.clone(), Place::at(scene, plugin.rank)));
            let flow =
                |index: usize| self.program.flows.get(index).map(|flow| (StepKind::Flow, flow.head.name.clone(), Place::of(flow, scene)));
            let found = match step {
                Step::Plugin(index) => plugin(index),
                Step::Flow(index) => flow(index),
            };
            let Some((kind, name, place)) = found else { continue };
            let names = |fields: FieldSet| {
                fields.iter().filter_map(|slot| self.schema.field(scene.record.entity, slot)).map(|field| field.name.clone()).collect()
            };
            let set: FieldSet = fields.iter().filter(|slot| scene.target.present().contains(*slot)).collect();
            let verdict = if set.is_empty() { StepVerdict::NotSubmitted(names(fields)) } else { StepVerdict::SameStage(names(set)) };
            self.tell_step(kind, &name, place, verdict);
        }
    }
}
