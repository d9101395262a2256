//! How a job comes into the queue: as a row in the transaction of what caused it, so that it is there exactly where that is kept.

use smol_str::SmolStr;

use super::recall::Recall;
use crate::pipeline::engine::Engine;
use crate::pipeline::fault;
use crate::pipeline::target::Scene;
use crate::schema::jobs::{ENTITY, Kind, Status, columns};
use crate::schema::{FieldSet, PRIMARY_KEY, system};
use crate::value::{Reference, Uuid, Value};
use crate::vm::Interrupt;

/// A job that is asked for.
pub(in crate::pipeline) struct Asked<'a> {
    pub name: &'a SmolStr,
    pub kind: Kind,
    pub record: Reference,
    /// As whom it is to run.
    pub owner: Reference,
    /// How deep what asks for it is nested.
    pub depth: u32,
    /// What it has in common with the jobs that run one after the other with it.
    pub token: Option<SmolStr>,
}

impl Engine {
    /// Puts a job into the queue.
    pub(in crate::pipeline) fn put_in_queue(&mut self, asked: &Asked<'_>, recall: &Recall) -> Result<(), Interrupt> {
        let id = (self.settings.ids)();
        self.queue_as(id, asked, recall)
    }

    /// The same, with an id for it.
    pub(super) fn queue_as(&mut self, id: Uuid, asked: &Asked<'_>, recall: &Recall) -> Result<(), Interrupt> {
        let entity = self.built_in(ENTITY)?;
        let mut own = Reference { entity, id };
        let mut behind = false;
        if let Some(token) = &asked.token {
            (own.id, behind) = self.behind(token, own.id).map_err(|error| self.store_fault(error))?;
        }
        let activation = self.settings.deployed.activations.get(asked.name).zip(self.schema.entity_id(crate::schema::definitions::ENTITY));
        let activation = activation.map_or(Value::Empty, |(id, entity)| Value::Reference(Reference { entity, id: *id }));
        let correlation = self.correlation();
        let row = self.new_row(
            own,
            &[
                (columns::NAME, Value::Text(asked.name.clone())),
                (columns::KIND, Value::Choice(asked.kind as i32)),
                (columns::ACTIVATION, activation),
                (columns::RECORD_ENTITY, Value::Text(fault::name(&self.schema, asked.record.entity).into())),
                (columns::RECORD_ID, Value::Uuid(asked.record.id)),
                (columns::DEPTH, Value::Integer(asked.depth.max(1).into())),
                (columns::CORRELATION, Value::Uuid(correlation)),
                (columns::RETRIES, Value::Integer(0)),
                (columns::STEPS, Value::Integer(0)),
                (columns::TOKEN, asked.token.clone().map_or(Value::Empty, Value::Text)),
                (columns::DUE, if behind { Value::Empty } else { Value::DateTime(self.now) }),
                (columns::DATA, Value::Text(recall.write(asked.record.entity, &self.schema))),
                (system::OWNER, Value::Reference(asked.owner)),
                (system::STATE, Value::Choice(Status::WaitingForResources.state() as i32)),
                (system::STATUS, Value::Choice(Status::WaitingForResources as i32)),
            ],
            self.caller,
        );
        let row = row.map_err(|error| self.store_fault(error))?;
        self.before_write(false)?;
        self.store.insert(entity, std::slice::from_ref(&row)).map_err(|error| self.store_fault(error))?;
        self.queued.push(asked.name.clone());
        Ok(())
    }

    /// What a job of an operation has to remember: of the pre-image and the Target, the fields that its flow asks for, or all where it
    /// doesn't say.
    pub(in crate::pipeline) fn recall(&self, scene: &Scene, fields: Option<&FieldSet>) -> Recall {
        let wanted = |slot| fields.is_none_or(|fields| fields.contains(slot)) && slot != PRIMARY_KEY;
        let target = scene.target.iter().filter(|(slot, _)| wanted(*slot)).map(|(slot, value)| (slot, value.clone())).collect();
        let before = scene.all_before().filter(|(slot, _)| wanted(*slot)).map(|(slot, value)| (slot, value.clone())).collect();
        Recall {
            message: scene.message,
            action: scene.action.clone(),
            before,
            target,
            inputs: scene.inputs.clone(),
            outputs: scene.outputs.clone(),
        }
    }
}
