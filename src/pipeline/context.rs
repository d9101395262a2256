//! What a plug-in, or an action whose code is outside the language, sees and does while it runs.

use std::cell::OnceCell;
use std::sync::Arc;

use serde_json::Value as Json;
use smol_str::SmolStr;

use crate::bytecode::{self, Effects, Input, Stage};
use crate::diagnostic::{Code, nearest};
use crate::schema::select::Selection;
use crate::schema::{FieldSet, Row, Schema};
use crate::value::{EntityId, Reference, Slot, Value};
use crate::vm::Interrupt;

use super::engine::Engine;
use super::fault::fault;
use super::happening::{Happening, Named};
use super::operation::{Message, Operation};
use super::plugin::Refusal;
use super::target::Scene;
use super::trace::named_inputs;

/// The view that code outside the language has of its operation.
pub struct PluginContext<'a> {
    pub(super) engine: &'a mut Engine,
    pub(super) scene: &'a mut Scene,
    pub(super) part: Part<'a>,
    /// The first thing that was asked for and failed: nothing that the code does can make it good, and nothing more is done for it.
    pub(super) failed: OnceCell<Interrupt>,
}

/// What runs: a plug-in or an action.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub name: &'a SmolStr,
    /// `plug-in` or `action`.
    pub what: &'static str,
    /// Whether it has no record of its own.
    pub global: bool,
    /// What it is held to; everything is allowed where there is nothing.
    pub effects: Option<&'a Effects>,
    pub inputs: &'a [Input],
    pub outputs: &'a [Input],
}

impl PluginContext<'_> {
    /// What is done with the record. (An action is a message of its own, see [`PluginContext::action`]; this is an update for it.)
    pub fn message(&self) -> Message {
        self.scene.message.unwrap_or(Message::Update)
    }

    /// The action that is performed: the one that runs, or the one that the plug-in is around.
    pub fn action(&self) -> Option<&str> {
        self.scene.action.as_deref()
    }

    /// Where the operation is.
    pub fn stage(&self) -> Stage {
        self.scene.stage
    }

    /// How deep it is nested, from 1.
    pub fn depth(&self) -> u32 {
        self.scene.depth
    }

    /// The record. A global action has none, and gets the acting user, whose fields are no fields of its own.
    pub fn record(&self) -> Reference {
        self.scene.record
    }

    /// As whom the operation was asked for.
    pub fn acting(&self) -> Reference {
        self.scene.acting
    }

    /// The start of the outermost operation.
    pub fn now(&self) -> jiff::Timestamp {
        self.engine.now
    }

    /// The schema of the records.
    pub fn schema(&self) -> &Schema {
        &self.engine.schema
    }

    /// A field of the Target: nothing where it was not submitted, [`Value::Empty`] where it is being cleared.
    pub fn target(&mut self, field: &str) -> Result<Option<&Value>, Refusal> {
        let slot = self.readable(field)?;
        Ok(self.scene.target.get(slot))
    }

    /// A field as a flow at this place reads it: before the operation with the Target over it, after it as it is now.
    pub fn field(&mut self, field: &str) -> Result<&Value, Refusal> {
        let slot = self.readable(field)?;
        kept(&self.failed, self.scene.field(self.engine, slot))
    }

    /// A field of the pre-image: its value before the operation, empty on create.
    pub fn pre_image(&mut self, field: &str) -> Result<&Value, Refusal> {
        let slot = self.readable(field)?;
        kept(&self.failed, self.scene.old(self.engine, slot))
    }

    /// A field of the post-image, which there is after the operation and not on delete.
    pub fn post_image(&mut self, field: &str) -> Result<&Value, Refusal> {
        if self.scene.stage.is_before() || self.scene.message == Some(Message::Delete) {
            return Err(self.misused("asks for a post-image where there is none"));
        }
        self.field(field)
    }

    /// Writes a field: into the Target before the operation, as a nested update after it.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) -> Result<(), Refusal> {
        self.set_all(&[(field, value.into())])
    }

    /// Writes several fields at once.
    pub fn set_all(&mut self, values: &[(&str, Value)]) -> Result<(), Refusal> {
        let mut slots = Vec::with_capacity(values.len());
        for (field, _) in values {
            let slot = self.own("sets", field)?;
            self.held(|effects| effects.sets.contains(slot), "sets", field)?;
            slots.push(slot);
        }
        let values: Vec<Value> = values.iter().map(|(_, value)| value.clone()).collect();
        kept(&self.failed, self.engine.set(self.scene, self.scene.acting, &slots, &values))
    }

    /// An input of the action; empty where it wasn't given.
    pub fn input(&self, name: &str) -> Result<&Value, Refusal> {
        let position = self.part.inputs.iter().position(|input| input.name == name);
        match position.and_then(|position| self.scene.inputs.get(position)) {
            Some(value) => Ok(value),
            None => Err(self.misused(&format!("asks for an input `{name}`, which it doesn't have"))),
        }
    }

    /// Gives an input of the action another value, which its body then takes: for plug-ins before that.
    pub fn set_input(&mut self, name: &str, value: impl Into<Value>) -> Result<(), Refusal> {
        if !self.scene.stage.is_before() {
            return Err(self.misused(&format!("sets the input `{name}`, which the action has taken already")));
        }
        let Some(position) = self.part.inputs.iter().position(|input| input.name == name) else {
            return Err(self.misused(&format!("sets an input `{name}`, which isn't there")));
        };
        let value = self.admitted(self.part.inputs, position, value.into())?;
        if let Some(place) = self.scene.inputs.get_mut(position) {
            let old = std::mem::replace(place, value.clone());
            self.tell_given(self.part.inputs, position, value, old, Happening::Input);
        }
        Ok(())
    }

    /// An output of the action, for plug-ins after its body; empty where it gave none.
    pub fn output(&self, name: &str) -> Result<&Value, Refusal> {
        let position = self.part.outputs.iter().position(|output| output.name == name);
        match position.and_then(|position| self.scene.outputs.get(position)) {
            Some(value) => Ok(value),
            None => Err(self.misused(&format!("asks for an output `{name}`, which isn't there"))),
        }
    }

    /// Gives an output of the action a value: for its code, and for plug-ins after that.
    pub fn set_output(&mut self, name: &str, value: impl Into<Value>) -> Result<(), Refusal> {
        let position = self.part.outputs.iter().position(|output| output.name == name);
        match position.and_then(|position| self.scene.outputs.get_mut(position)) {
            Some(place) => {
                let value = value.into();
                let old = std::mem::replace(place, value.clone());
                self.tell_given(self.part.outputs, position.unwrap_or_default(), value, old, Happening::Output);
                Ok(())
            }
            None => Err(self.misused(&format!("sets an output `{name}`, which it doesn't have"))),
        }
    }

    /// A value that a step of this operation shared, or else one of an operation that this one is within.
    pub fn shared(&self, name: &str) -> Option<&Json> {
        self.engine.shared.iter().rev().find_map(|variables| variables.get(name))
    }

    /// Shares a value with the steps of this operation that come later, and with what they nest.
    pub fn share(&mut self, name: impl Into<SmolStr>, value: impl Into<Json>) {
        let (name, value) = (name.into(), value.into());
        self.engine.tell(|_| Happening::Shared(name.clone(), value.to_string()));
        if let Some(variables) = self.engine.shared.last_mut() {
            variables.insert(name, value);
        }
    }

    /// Tells that an input or output has another value.
    fn tell_given(&mut self, declared: &[Input], position: usize, value: Value, old: Value, what: fn(Named) -> Happening) {
        self.engine.tell(|_| {
            let named = declared.get(position..).map(|declared| named_inputs(declared, &[value])).unwrap_or_default();
            let given = named.into_iter().next().map(|named| what(Named { old: Some(old).filter(|old| !old.is_empty()), ..named }));
            given.unwrap_or_else(|| Happening::Note("a value that nobody declares".to_owned()))
        });
    }

    /// A nested create.
    pub fn create(&mut self, entity: &str, values: &[(&str, Value)]) -> Result<Reference, Refusal> {
        let entity = self.entity(entity)?;
        self.held_of(entity, |effects| effects.creates.contains(&entity), "creates")?;
        let values = self.row(entity, values)?;
        self.nested(Operation::Create { entity, values })
    }

    /// A nested update.
    pub fn update(&mut self, record: Reference, values: &[(&str, Value)]) -> Result<(), Refusal> {
        self.held_of(record.entity, |effects| effects.updates.contains_key(&record.entity), "updates")?;
        let values = self.row(record.entity, values)?;
        self.nested(Operation::Update { record, values }).map(drop)
    }

    /// A nested delete.
    pub fn delete(&mut self, record: Reference) -> Result<(), Refusal> {
        self.held_of(record.entity, |effects| effects.deletes.contains(&record.entity), "deletes")?;
        self.nested(Operation::Delete { record }).map(drop)
    }

    /// A field of any record, as this transaction sees it.
    pub fn read(&mut self, record: Reference, field: &str) -> Result<Value, Refusal> {
        self.held_of(record.entity, |effects| effects.queries.contains_key(&record.entity), "queries")?;
        let slot = self.slot(record.entity, field)?;
        kept(&self.failed, self.engine.seen(record, slot, self.scene.acting))
    }

    /// The records of an entity whose fields have exactly these values, by ascending id, at most `limit`, as a query finds them: as if
    /// there were none that the acting user may not read. A value that its field can't hold is a fault.
    pub fn find(&mut self, entity: &str, values: &[(&str, Value)], limit: u32) -> Result<Vec<Reference>, Refusal> {
        let entity = self.entity(entity)?;
        self.held_of(entity, |effects| effects.queries.contains_key(&entity), "queries")?;
        let mut selection = Selection::all(entity).limited(limit.into());
        for (field, value) in values {
            let slot = self.slot(entity, field)?;
            selection = selection.with(slot, kept(&self.failed, self.engine.comparable(entity, slot, value.clone()))?);
        }
        let found = kept(&self.failed, self.engine.select(&selection, &FieldSet::default(), self.scene.acting))?;
        Ok(found.into_iter().map(|(id, _)| Reference { entity, id }).collect())
    }

    /// An action, on a record where it has one; an input that isn't named is empty. Gives its outputs in their order.
    pub fn perform(&mut self, action: &str, record: Option<Reference>, inputs: &[(&str, Value)]) -> Result<Vec<Value>, Refusal> {
        self.held(|effects| effects.performs.contains(action), "performs", action)?;
        let program = Arc::clone(&self.engine.program);
        let Some(found) = program.action(action) else {
            return Err(self.misused(&format!("performs `{action}`, which is no action")));
        };
        let mut given = vec![Value::Empty; found.head.inputs.len()];
        for (name, value) in inputs {
            let position = found.head.inputs.iter().position(|input| input.name == *name);
            match position.and_then(|position| given.get_mut(position)) {
                Some(place) => place.clone_from(value),
                None => return Err(self.misused(&format!("gives `{action}` an input `{name}`, which it doesn't have"))),
            }
        }
        self.nested(Operation::Perform { action: action.into(), record, inputs: given })?;
        Ok(std::mem::take(&mut self.engine.outputs))
    }

    /// A line for the trace.
    pub fn log(&mut self, text: &str) {
        self.engine.tell(|_| Happening::Log(text.into()));
    }

    /// Runs statements in the place of code outside the language.
    pub(super) fn run(&mut self, code: &bytecode::Code) -> Result<(), Refusal> {
        self.engine.tell(|_| Happening::Note("a fake runs in its place".to_owned()));
        let (inputs, acting) = (std::mem::take(&mut self.scene.inputs), self.scene.acting);
        let given = inputs.get(..usize::from(code.inputs)).unwrap_or_default();
        let result = self.engine.run_code(code, self.scene, acting, given);
        self.scene.inputs = inputs;
        Ok(result.map(drop)?)
    }

    fn nested(&mut self, operation: Operation) -> Result<Reference, Refusal> {
        kept(&self.failed, self.engine.operate(operation, self.scene.depth + 1, self.scene.acting))
    }

    /// A value as an input takes it.
    fn admitted(&mut self, inputs: &[Input], position: usize, value: Value) -> Result<Value, Refusal> {
        let schema = Arc::clone(&self.engine.schema);
        let admitted = inputs.get(position).map(|input| input.field().admit(value, &schema)).unwrap_or(Ok(Value::Empty));
        kept(&self.failed, admitted.map_err(|violation| fault(violation.code(), violation.to_string())))
    }

    fn row(&self, entity: EntityId, values: &[(&str, Value)]) -> Result<Row, Refusal> {
        values.iter().map(|(field, value)| Ok((self.slot(entity, field)?, value.clone()))).collect()
    }

    /// A field of the record that the part may read.
    fn readable(&self, field: &str) -> Result<Slot, Refusal> {
        let slot = self.own("reads", field)?;
        self.held(|effects| effects.reads.contains(slot), "reads", field)?;
        Ok(slot)
    }

    /// A field of the record, where there is one.
    fn own(&self, verb: &str, field: &str) -> Result<Slot, Refusal> {
        if self.part.global {
            return Err(self.misused(&format!("{verb} `{field}`, and a global action has no record")));
        }
        self.slot(self.scene.record.entity, field)
    }

    /// Holds what the code is about to do against what it declares, and against what failed before.
    fn held(&self, declared: impl FnOnce(&Effects) -> bool, verb: &str, name: &str) -> Result<(), Refusal> {
        if let Some(first) = self.failed.get() {
            return Err(first.clone().into());
        }
        if self.part.effects.is_none_or(declared) {
            return Ok(());
        }
        let Part { what, name: part, .. } = self.part;
        let words = format!("the {what} `{part}` {verb} `{name}` and doesn't declare it: write `{verb} {name}` in its declaration");
        Err(first(&self.failed, fault(Code::F19, words)))
    }

    fn held_of(&self, entity: EntityId, declared: impl FnOnce(&Effects) -> bool, verb: &str) -> Result<(), Refusal> {
        self.held(declared, verb, self.engine.schema.entity(entity).map_or("a record of no entity", |entity| &entity.name))
    }

    fn entity(&self, name: &str) -> Result<EntityId, Refusal> {
        self.engine.schema.entity_id(name).ok_or_else(|| {
            let meant = nearest(name, self.engine.schema.entities.keys().map(SmolStr::as_str));
            self.misused(&unknown(&format!("names `{name}`, which is no entity"), meant))
        })
    }

    fn slot(&self, entity: EntityId, field: &str) -> Result<Slot, Refusal> {
        let Some(entity) = self.engine.schema.entity(entity) else { return Err(self.misused("names a record of no entity")) };
        entity.slot(field).ok_or_else(|| {
            let meant = nearest(field, entity.fields.keys().map(SmolStr::as_str));
            self.misused(&unknown(&format!("names `{field}`, which `{}` doesn't have", entity.name), meant))
        })
    }

    /// Code that asks for what there isn't.
    fn misused(&self, what: &str) -> Refusal {
        let interrupt = fault(Code::F10, format!("the {} `{}` {what}", self.part.what, self.part.name));
        first(&self.failed, interrupt)
    }
}

/// Remembers a failure, which ends the operation whether the code passes it on or not.
fn kept<T>(failed: &OnceCell<Interrupt>, result: Result<T, Interrupt>) -> Result<T, Refusal> {
    result.map_err(|interrupt| first(failed, interrupt))
}

/// The first failure, which is this one where there was none.
fn first(failed: &OnceCell<Interrupt>, interrupt: Interrupt) -> Refusal {
    failed.get_or_init(|| interrupt).clone().into()
}

fn unknown(what: &str, meant: Option<&str>) -> String {
    match meant {
        Some(name) => format!("{what}; did you mean `{name}`?"),
        None => what.to_owned(),
    }
}
