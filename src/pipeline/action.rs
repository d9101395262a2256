//! Actions: messages of their own, whose body is their core operation.
//!
//! An action runs in the transaction of what performs it. With `rollback off`, and only where it is the outermost operation, every
//! statement of its body that writes is kept as soon as it has succeeded: in a transaction of its own, or, inside a longer
//! transaction, behind a savepoint to which nothing returns any more.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::bytecode::{ActionCode, Input};
use crate::diagnostic::Code;
use crate::schema::{PRIMARY_KEY, Right};
use crate::value::{Reference, Value, text::quoted};
use crate::vm::Interrupt;

use super::engine::{Engine, Savepoint};
use super::fault::{self, fault};
use super::target::Scene;

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
        let inputs = self.inputs(&action.head.inputs, inputs)?;
        self.is_for(action, record)?;
        if let Some(record) = record {
            self.may(acting, Right::Read, record)?;
        }
        let mut scene = Scene::child(record.unwrap_or(acting), depth, acting, self.epoch);
        scene.columns.clone_from(&action.effects.reads);
        scene.outputs.resize(action.head.outputs.len(), Value::Empty);
        scene.alone = depth == 1 && !action.head.rollback;
        self.enter_chain(name, scene.record)?;
        self.trace.ran(name);
        let level = self.trace.level();
        let result = self.body_of(action, &mut scene, acting, &inputs);
        self.outputs = self.leave_chain(result, level)?;
        Ok(scene.record)
    }

    /// Whether an action can be on this record, or on none.
    fn is_for(&mut self, action: &ActionCode, record: Option<Reference>) -> Result<(), Interrupt> {
        let name = &action.head.name;
        match (action.head.entity, record) {
            (None, None) => {
                self.trace.enter(|| format!("Perform {name}"));
                Ok(())
            }
            (Some(entity), Some(record)) if entity == record.entity => {
                self.trace.enter(|| format!("Perform {name} {} {}", fault::name(&self.schema, entity), record.id));
                self.read(record, &[PRIMARY_KEY].into_iter().collect()).map(drop)
            }
            (None, Some(_)) => Err(fault(Code::F13, format!("the action `{name}` is on no record"))),
            (Some(entity), _) => {
                Err(fault(Code::F13, format!("the action `{name}` needs a record of `{}`", fault::name(&self.schema, entity))))
            }
        }
    }

    /// The core operation: the statements, or the code that is elsewhere. Gives the outputs.
    fn body_of(&mut self, action: &ActionCode, scene: &mut Scene, acting: Reference, inputs: &[Value]) -> Result<Vec<Value>, Interrupt> {
        self.trace.enter(|| format!("30 action `{}`", action.head.name));
        match (&action.body, &action.head.via) {
            (Some(body), _) => self.run_code(body, scene, acting, inputs).map(drop)?,
            (None, Some(via)) => super::context::run_action(self, scene, action, via, inputs)?,
            (None, None) => return Err(fault(Code::F15, "an action has neither statements nor code elsewhere")),
        }
        self.inputs(&action.head.outputs, std::mem::take(&mut scene.outputs))
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
            Savepoint::None => self.store.commit().and_then(|()| self.store.begin()),
            Savepoint::Set => {
                self.savepoint = Savepoint::Due;
                self.store.release()
            }
            Savepoint::Due => Ok(()),
        };
        self.epoch += 1;
        self.count_kept();
        kept.map_err(|error| self.store_fault(error))
    }
}
