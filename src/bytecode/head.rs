//! What a flow, an action or a plug-in declares before its statements: everything that decides whether, when and as whom it runs.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::schema::{Default, DeleteBehaviour, Field, FieldSet, Level, Schema, system};
use crate::value::{Decimal, EntityId, Slot, Type};

/// A flow's clauses, checked and with their defaults filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowHead {
    /// Its name, unique among flows and plug-ins.
    pub name: SmolStr,
    /// The entity whose records it is about.
    pub entity: EntityId,
    /// In the transaction or after it.
    pub mode: Mode,
    /// The events that start it, with their stages.
    pub triggers: Vec<Trigger>,
    /// Whether a user may run it on a record.
    pub on_demand: bool,
    /// Whether another flow may start it.
    pub child: bool,
    /// Its place among the steps of a stage, ascending.
    pub rank: i32,
    /// As whom it runs when an event starts it.
    pub run_as: RunAs,
    /// The full name of the user who owns it; whoever deploys it where there is none.
    pub owner: Option<SmolStr>,
    /// What it takes when it runs on demand or as a child.
    pub inputs: Vec<Input>,
    /// Whose records trigger it, seen from its owner.
    pub scope: Level,
    /// Which of its jobs run one after the other; nothing where each is by itself.
    pub serial: Option<Serial>,
    /// Whether its errors are kept.
    pub log_errors: bool,
    /// Whether it may trigger itself.
    pub allow_cycle: bool,
    /// Whether it is checked but not activated.
    pub draft: bool,
}

/// Which jobs of a background flow run one after the other, in the order in which they were queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Serial {
    /// Those on the same record.
    Record,
    /// Those whose records have the same value in a field when they are queued; where it is empty, each is by itself.
    Field(Slot),
}

/// Whether a flow or plug-in runs inside the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Inside it.
    RealTime,
    /// After it, from the queue.
    Background,
}

impl Mode {
    /// As it is written: `real-time`.
    pub fn name(self) -> &'static str {
        match self {
            Mode::RealTime => "real-time",
            Mode::Background => "background",
        }
    }
}

/// An event and the stage at which it starts the flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// The event.
    pub event: Event,
    /// The stage.
    pub stage: Stage,
}

/// An event of a record. `assign` is an update of the owner, `status` one of the state columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The record is created.
    Create,
    /// One of these fields is submitted; any field where there is no set.
    Update(Option<FieldSet>),
    /// The record is deleted.
    Delete,
    /// This action is performed on the record. It starts only plug-ins.
    Perform(SmolStr),
}

impl Event {
    /// As a trigger on the entity writes it: `update(name, revenue)`.
    pub fn written(&self, entity: EntityId, schema: &Schema) -> String {
        let slot = |name: &str| schema.entity(entity)?.slot(name);
        let names = |fields: &FieldSet| {
            fields.iter().filter_map(|slot| schema.field(entity, slot)).map(|field| field.name.as_str()).collect::<Vec<_>>()
        };
        let is = |fields: &FieldSet, names: &[&str]| *fields == names.iter().filter_map(|name| slot(name)).collect();
        match self {
            Event::Create => "create".to_owned(),
            Event::Update(None) => "update".to_owned(),
            Event::Update(Some(fields)) if is(fields, &[system::OWNER]) => "assign".to_owned(),
            Event::Update(Some(fields)) if is(fields, &[system::STATE, system::STATUS]) => "status".to_owned(),
            Event::Update(Some(fields)) => format!("update({})", names(fields).join(", ")),
            Event::Delete => "delete".to_owned(),
            Event::Perform(action) => format!("perform({action})"),
        }
    }
}

/// A stage of the event pipeline, with the platform's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// 10: before everything else; only plug-ins run here.
    PreValidation = 10,
    /// 20: before the core operation, inside the transaction.
    PreOperation = 20,
    /// 40: after the core operation, inside the transaction.
    PostOperation = 40,
}

impl Stage {
    /// As it is written: `pre-operation`.
    pub fn name(self) -> &'static str {
        match self {
            Stage::PreValidation => "pre-validation",
            Stage::PreOperation => "pre-operation",
            Stage::PostOperation => "post-operation",
        }
    }

    /// Whether what is about to be written can still be changed.
    pub fn is_before(self) -> bool {
        self < Stage::PostOperation
    }
}

/// As whom a flow runs when an event starts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunAs {
    /// The owner of the flow.
    Owner,
    /// Whoever caused the event.
    Caller,
}

/// An input of a flow or an action, or an output of an action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: Type,
    /// Bounds of a number, both included.
    pub range: Option<(Decimal, Decimal)>,
    /// The longest text, in Unicode scalar values.
    pub max_length: Option<u32>,
    /// Whether it has to be given.
    pub required: bool,
}

impl Input {
    /// The input as a field, which is held against values in the same way.
    pub fn field(&self) -> Field {
        Field {
            name: self.name.clone(),
            label: self.name.clone(),
            ty: self.ty.clone(),
            range: self.range,
            max_length: self.max_length,
            required: self.required,
            read_only: false,
            default: Default::None,
            on_delete: DeleteBehaviour::RemoveLink,
            audited: false,
            column: None,
        }
    }
}

/// An action's clauses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionHead {
    /// Its name, unique among flows, actions and plug-ins.
    pub name: SmolStr,
    /// The entity whose records it is about; a global action has none.
    pub entity: Option<EntityId>,
    /// What it takes.
    pub inputs: Vec<Input>,
    /// What it gives; an output that nothing sets is empty.
    pub outputs: Vec<Input>,
    /// Whether a stop or fault undoes all of it where it is the outermost operation; else every step commits alone.
    pub rollback: bool,
    /// Where its code is, if not in its statements.
    pub via: Option<Via>,
}

impl ActionHead {
    /// An output by name, with its position.
    pub fn output(&self, name: &str) -> Option<(u16, &Input)> {
        (0u16..).zip(&self.outputs).find(|(_, output)| output.name == name)
    }
}

/// A declared plug-in's clauses: code outside the language that is ordered with the flows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PluginHead {
    /// Its name, unique among flows, actions and plug-ins.
    pub name: SmolStr,
    /// The entity whose records it is about.
    pub entity: EntityId,
    /// In the transaction or after it.
    pub mode: Mode,
    /// The events that start it, with their stages.
    pub triggers: Vec<Trigger>,
    /// Its place among the steps of a stage, ascending.
    pub rank: i32,
    /// Where its code is.
    pub via: Via,
}

/// Where code outside the language is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Via {
    /// A function that the embedding program binds to the name.
    Host,
    /// A process, by its command line.
    Command(SmolStr),
    /// An HTTP endpoint, by its address.
    Webhook(SmolStr),
}
