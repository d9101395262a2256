//! Actions: messages of their own, whose body is their core operation. Plug-ins may be around it, at stages 10, 20 and 40.
//!
//! An action runs in the transaction of what performs it. With `rollback off`, and only where it is the outermost operation, every
//! statement of its body that writes is kept as soon as it has succeeded: in a transaction of its own, or, inside a longer
//! transaction, behind a savepoint to which nothing returns any more.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::bytecode::{ActionCode, Input, Stage};
use crate::diagnostic::Code;
use crate::schema::{PRIMARY_KEY, Right};
use crate::value::{Reference, Value, text::quoted};
use crate::vm::Interrupt;

use super::engine::{Engine, Savepoint};
use super::fault::{self, fault};
use super::happening::{Border, Happening, StepKind};
use super::target::Scene;
use super::trace::{Place, named_inputs};

impl Engine {
    /// An action; what it gives is in `outputs` afterwards. The answer is its record; of a global action, the acting user.
    pub(super) fn act(
        &mut self,
        name: &SmolStr,
        record: Option<Reference>,
        inputs: Vec<Value>,
        depth: u32,
        acting: Reference,
    ) -> Result<Reference, Interrupt> {
        let program = Arc::clone(&self.program);
        let action = program.action(name).ok_or_else(|| fault(Code::F13, format!("there is no action {}", quoted(name))))?;
        self.enter(|engine| Happening::Operation {
            message: "Perform",
            name: Some(name.clone()),
            entity: record.map(|record| fault::name(&engine.schema, record.entity).into()),
            record,
            acting: engine.actor(acting),
            depth,
            values: named_inputs(&action.head.inputs, &inputs),
        });
        self.is_for(action, record)?;
        let mut scene = Scene::child(record.unwrap_or(acting), depth, acting, self.epoch);
        scene.columns.clone_from(&action.effects.reads);
        scene.action = Some(name.clone());
        scene.inputs = self.inputs(&action.head.inputs, inputs)?;
        let around = self.plans.around(name).unwrap_or_default();
        scene.columns.extend(&around.columns);
        scene.stage = Stage::PreValidation;
        self.run_steps(&around, &mut scene)?;
        self.in_transaction(|engine| {
            scene.go_on(engine.epoch);
            if let Some(record) = record {
                engine.read(record, &[PRIMARY_KEY].into_iter().collect())?;
                engine.may(acting, Right::Read, record)?;
            }
            scene.stage = Stage::PreOperation;
            engine.run_steps(&around, &mut scene)?;
            if record.is_some() {
                scene.keep(engine, &around.kept)?;
            }
            engine.core_action(action, &mut scene)?;
            engine.run_steps(&around, &mut scene)?;
            engine.queue(&around, &mut scene)?;
            engine.outputs = engine.inputs(&action.head.outputs, std::mem::take(&mut scene.outputs))?;
            Ok(scene.record)
        })
    }

    /// The core operation of an action: its body.
    fn core_action(&mut self, action: &ActionCode, scene: &mut Scene) -> Result<(), Interrupt> {
        let name = &action.head.name;
        scene.outputs.resize(action.head.outputs.len(), Value::Empty);
        scene.alone = scene.depth == 1 && !action.head.rollback;
        scene.stage = Stage::PostOperation;
        self.enter_chain(name, scene.record)?;
        self.trace.ran(name);
        self.count_action(name);
        let level = self.trace.level();
        let result = self.body_of(action, scene);
        scene.alone = false;
        self.leave_chain(result, level)
    }

    /// Whether an action can be on this record, or on none.
    fn is_for(&mut self, action: &ActionCode, record: Option<Reference>) -> Result<(), Interrupt> {
        let name = &action.head.name;
        match (action.head.entity, record) {
            (None, None) => Ok(()),
            (Some(entity), Some(record)) if entity == record.entity => Ok(()),
            (None, Some(_)) => Err(fault(Code::F13, format!("the action `{name}` is on no record"))),
            (Some(entity), _) => {
                Err(fault(Code::F13, format!("the action `{name}` needs a record of `{}`", fault::name(&self.schema, entity))))
            }
        }
    }

    /// The statements, or the code that is elsewhere.
    fn body_of(&mut self, action: &ActionCode, scene: &mut Scene) -> Result<(), Interrupt> {
        self.enter_step(StepKind::Action, &action.head.name, Place { span: Some(action.span), ..Place::default() });
        match (&action.body, &action.head.via) {
            (Some(body), _) => {
                let (inputs, acting) = (std::mem::take(&mut scene.inputs), scene.acting);
                self.run_code(body, scene, acting, &inputs)?;
                scene.inputs = inputs;
                Ok(())
            }
            (None, Some(via)) => super::calls::run_action(self, scene, action, via),
            (None, None) => Err(fault(Code::F15, "an action has neither statements nor code elsewhere")),
        }
    }

    /// Values in the order of declared inputs or outputs, each held against its own; what is left out is empty.
    pub(super) fn inputs(&self, declared: &[Input], values: Vec<Value>) -> Result<Vec<Value>, Interrupt> {
        if values.len() > declared.len() {
            return Err(fault(Code::F13, format!("{} values are given, and {} are taken", values.len(), declared.len())));
        }
        let given = values.into_iter().chain(std::iter::repeat(Value::Empty));
        declared
            .iter()
            .zip(given)
            .map(|(input, value)| {
                let admitted = input.field().admit(value, &self.schema);
                admitted.map_err(|violation| fault(violation.code(), violation.to_string()))
            })
            .collect()
    }

    /// A step of an action with `rollback off` has succeeded: nothing that comes after it undoes it.
    pub(super) fn keep_step(&mut self) -> Result<(), Interrupt> {
        let kept = match self.savepoint {
            Savepoint::None => self.store.commit(),
            Savepoint::Set => {
                self.savepoint = Savepoint::Due;
                self.store.release()
            }
            Savepoint::Due => Ok(()),
        };
        kept.map_err(|error| self.store_fault(error))?;
        self.epoch += 1;
        self.count_kept();
        self.tell_border(Border::Commit);
        let goes_on = if self.savepoint == Savepoint::None { self.store.begin() } else { Ok(()) };
        goes_on.map_err(|error| self.store_fault(error))
    }
}
