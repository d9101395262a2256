//! Plug-ins written in Rust: steps of an embedding program that are ordered with the flows.
//!
//! A plug-in sees what a flow at its place sees, by name, and can do what a flow can do. A reason that it gives stops the
//! operation like a flow's `stop`; a panic in it is a fault of the operation and leaves the pipeline as it was.

use std::sync::Arc;

use smol_str::SmolStr;
use thiserror::Error;

use crate::bytecode::{Effects, Event, Mode, PluginCode, Program, Stage, Trigger, Via};
use crate::diagnostic::nearest;
use crate::schema::{Entity, FieldSet, Schema};
use crate::value::{EntityId, Slot};
use crate::vm::Interrupt;

use super::context::PluginContext;
use super::operation::Message;

/// A Rust function that runs at a stage of some events of an entity.
///
/// ```
/// # use weir::pipeline::{Plugin, Refusal};
/// # use weir::bytecode::Stage;
/// let plugin = Plugin::new("CreditBureau", "account").on_update(["revenue"]).stage(Stage::PreOperation).rank(1).run(|context| {
///     if context.field("name")?.is_empty() { Err(Refusal::new("Who is it?")) } else { Ok(()) }
/// });
/// ```
#[must_use]
pub struct Plugin {
    name: SmolStr,
    /// None of one that is around global actions.
    entity: Option<SmolStr>,
    events: Vec<On>,
    stage: Option<Stage>,
    rank: i32,
    reads: Option<Vec<SmolStr>>,
    handler: Option<Handler>,
}

/// What starts a plug-in.
enum On {
    Record(Message, Vec<SmolStr>),
    Action(SmolStr),
}

/// What a plug-in does.
pub(super) type Handler = Arc<dyn Fn(&mut PluginContext<'_>) -> Result<(), Refusal> + Send + Sync>;

impl Plugin {
    /// A plug-in on the records of an entity; it needs at least one event and something to do.
    pub fn new(name: impl Into<SmolStr>, entity: impl Into<SmolStr>) -> Self {
        Plugin { entity: Some(entity.into()), ..Plugin::global(name) }
    }

    /// A plug-in around global actions, which have no record.
    pub fn global(name: impl Into<SmolStr>) -> Self {
        Plugin { name: name.into(), entity: None, events: Vec::new(), stage: None, rank: 1, reads: None, handler: None }
    }

    /// Runs where a record is created.
    pub fn on_create(self) -> Self {
        self.on(On::Record(Message::Create, Vec::new()))
    }

    /// Runs where one of these fields is submitted, whatever its value; any field where none is named.
    pub fn on_update<F: Into<SmolStr>>(self, fields: impl IntoIterator<Item = F>) -> Self {
        self.on(On::Record(Message::Update, fields.into_iter().map(Into::into).collect()))
    }

    /// Runs where a record is deleted.
    pub fn on_delete(self) -> Self {
        self.on(On::Record(Message::Delete, Vec::new()))
    }

    /// Runs where an action of its entity is performed, or a global one. Before the action's body it may change the inputs, after it the outputs.
    pub fn on_perform(self, action: impl Into<SmolStr>) -> Self {
        self.on(On::Action(action.into()))
    }

    /// When; after the operation by default, and before it on delete.
    pub fn stage(self, stage: Stage) -> Self {
        Plugin { stage: Some(stage), ..self }
    }

    /// Its place among the steps of its stage, ascending; 1 by default. Before a flow of the same rank.
    pub fn rank(self, rank: i32) -> Self {
        Plugin { rank, ..self }
    }

    /// The fields of the record that it reads: only these are fetched for it ahead. Without this, all are where it runs after the operation.
    pub fn reads<F: Into<SmolStr>>(self, fields: impl IntoIterator<Item = F>) -> Self {
        Plugin { reads: Some(fields.into_iter().map(Into::into).collect()), ..self }
    }

    /// What it does. (A plug-in that a project declares `via host` gets its function by [`Pipeline::bind`](super::Pipeline::bind).)
    pub fn run(self, handler: impl Fn(&mut PluginContext<'_>) -> Result<(), Refusal> + Send + Sync + 'static) -> Self {
        Plugin { handler: Some(Arc::new(handler)), ..self }
    }

    fn on(mut self, event: On) -> Self {
        self.events.push(event);
        self
    }

    /// The plug-in with its names looked up. `nobody` is the entity of those who perform global actions.
    pub(super) fn link(self, schema: &Schema, program: &Program, nobody: EntityId) -> Result<Registered, RegisterError> {
        let unknown = |name: &SmolStr| RegisterError::UnknownEntity {
            name: self.name.clone(),
            entity: name.clone(),
            meant: nearest(name, schema.entities.keys().map(SmolStr::as_str)).map(SmolStr::new),
        };
        let own = self.entity.as_ref().map(|name| schema.entity_id(name).ok_or_else(|| unknown(name))).transpose()?;
        let id = own.unwrap_or(nobody);
        let entity = schema.entity(id).ok_or_else(|| unknown(&self.name))?;
        if self.events.is_empty() {
            return Err(RegisterError::NoEvent { name: self.name });
        }
        let Some(handler) = self.handler.clone() else { return Err(RegisterError::NothingToDo { name: self.name }) };
        let trigger = |event: &On| match event {
            On::Record(message, fields) if own.is_some() => self.trigger(entity, *message, fields),
            On::Record(..) => Err(RegisterError::NoEvent { name: self.name.clone() }),
            On::Action(action) => self.around(action, own, program),
        };
        let triggers = self.events.iter().map(trigger).collect::<Result<_, _>>()?;
        let reads = self.reads.as_ref().map(|fields| self.slots(entity, fields)).transpose()?;
        Ok(Registered {
            name: self.name,
            entity: id,
            global: own.is_none(),
            background: false,
            triggers,
            rank: self.rank,
            reads,
            effects: None,
            work: Work::Rust(handler),
        })
    }

    fn around(&self, action: &SmolStr, own: Option<EntityId>, program: &Program) -> Result<Trigger, RegisterError> {
        if program.action(action).is_none_or(|found| found.head.entity != own) {
            let possible = program.actions.iter().map(|action| &action.head).filter(|head| head.entity == own);
            let meant = nearest(action, possible.map(|head| head.name.as_str())).map(SmolStr::new);
            return Err(RegisterError::UnknownAction { name: self.name.clone(), action: action.clone(), meant });
        }
        Ok(Trigger { event: Event::Perform(action.clone()), stage: self.stage.unwrap_or(Stage::PostOperation) })
    }

    fn trigger(&self, entity: &Entity, message: Message, fields: &[SmolStr]) -> Result<Trigger, RegisterError> {
        let event = match message {
            Message::Create => Event::Create,
            Message::Update if fields.is_empty() => Event::Update(None),
            Message::Update => Event::Update(Some(self.slots(entity, fields)?)),
            Message::Delete => Event::Delete,
        };
        let usual = if message == Message::Delete { Stage::PreOperation } else { Stage::PostOperation };
        Ok(Trigger { event, stage: self.stage.unwrap_or(usual) })
    }

    fn slots(&self, entity: &Entity, fields: &[SmolStr]) -> Result<FieldSet, RegisterError> {
        fields.iter().map(|field| self.slot(entity, field)).collect()
    }

    fn slot(&self, entity: &Entity, field: &SmolStr) -> Result<Slot, RegisterError> {
        entity.slot(field).ok_or_else(|| RegisterError::UnknownField {
            name: self.name.clone(),
            entity: entity.name.clone(),
            field: field.clone(),
            meant: nearest(field, entity.fields.keys().map(SmolStr::as_str)).map(SmolStr::new),
        })
    }
}

/// A plug-in that a pipeline has taken in.
pub(super) struct Registered {
    pub name: SmolStr,
    pub entity: EntityId,
    /// Whether it is around global actions, and has no record.
    pub global: bool,
    /// Whether it runs after the transaction.
    pub background: bool,
    pub triggers: Vec<Trigger>,
    pub rank: i32,
    /// The columns that are fetched for it ahead; all where there is no set.
    pub reads: Option<FieldSet>,
    /// What it is held to; everything is allowed where there is nothing.
    pub effects: Option<Effects>,
    pub work: Work,
}

/// Where the code of a plug-in is.
pub(super) enum Work {
    Rust(Handler),
    Via(Via),
}

impl From<&PluginCode> for Registered {
    /// A plug-in that the project declares.
    fn from(plugin: &PluginCode) -> Self {
        let PluginCode { head, effects, .. } = plugin.clone();
        let known = (!effects.unknown).then_some(effects);
        let reads = known.as_ref().map(|effects| effects.reads.clone());
        Registered {
            name: head.name,
            entity: head.entity,
            global: false,
            background: head.mode == Mode::Background,
            triggers: head.triggers,
            rank: head.rank,
            reads,
            effects: known,
            work: Work::Via(head.via),
        }
    }
}

/// Why a function can't be bound to a name.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum BindError {
    /// The project declares no such plug-in or action.
    #[error("the project declares no plug-in and no action `{name}`{}", did_you_mean(.meant))]
    Unknown {
        /// The name.
        name: SmolStr,
        /// What may be meant.
        meant: Option<SmolStr>,
    },
    /// Its code is elsewhere.
    #[error("the code of `{name}` is not `via host`")]
    Elsewhere {
        /// The name.
        name: SmolStr,
    },
    /// It has a function already.
    #[error("`{name}` has a function already")]
    Taken {
        /// The name.
        name: SmolStr,
    },
}

/// Why a plug-in can't be registered.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum RegisterError {
    /// Its entity isn't in the schema.
    #[error("the plug-in `{name}` is on `{entity}`, which is no entity{}", did_you_mean(.meant))]
    UnknownEntity {
        /// The plug-in.
        name: SmolStr,
        /// The entity it names.
        entity: SmolStr,
        /// What may be meant.
        meant: Option<SmolStr>,
    },
    /// A field of it isn't in its entity.
    #[error("the plug-in `{name}` names `{field}`, which `{entity}` doesn't have{}", did_you_mean(.meant))]
    UnknownField {
        /// The plug-in.
        name: SmolStr,
        /// Its entity.
        entity: SmolStr,
        /// The field it names.
        field: SmolStr,
        /// What may be meant.
        meant: Option<SmolStr>,
    },
    /// It is around an action that isn't there, or not on its entity.
    #[error("the plug-in `{name}` is around `{action}`, which is no action of its entity{}", did_you_mean(.meant))]
    UnknownAction {
        /// The plug-in.
        name: SmolStr,
        /// The action it names.
        action: SmolStr,
        /// What may be meant.
        meant: Option<SmolStr>,
    },
    /// A flow or another plug-in has its name.
    #[error("there is already a flow or plug-in `{name}`")]
    NameTaken {
        /// The name.
        name: SmolStr,
    },
    /// No event starts it.
    #[error("no event starts the plug-in `{name}`: say `on_create`, `on_update`, `on_delete` or `on_perform`")]
    NoEvent {
        /// The plug-in.
        name: SmolStr,
    },
    /// It has no handler.
    #[error("the plug-in `{name}` does nothing: say what with `run`")]
    NothingToDo {
        /// The plug-in.
        name: SmolStr,
    },
}

fn did_you_mean(meant: &Option<SmolStr>) -> String {
    meant.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// Why a plug-in ends the operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal(pub(super) RefusalKind);

#[derive(Clone, Debug, PartialEq)]
pub(super) enum RefusalKind {
    /// Its own reason.
    Reason(SmolStr),
    /// What something that it asked for ended in.
    Passed(Box<Interrupt>),
}

impl Refusal {
    /// Stops the operation: it is rolled back, and the caller gets the reason (one line).
    pub fn new(reason: impl Into<SmolStr>) -> Self {
        Refusal(RefusalKind::Reason(reason.into()))
    }
}

impl From<Interrupt> for Refusal {
    fn from(interrupt: Interrupt) -> Self {
        Refusal(RefusalKind::Passed(Box::new(interrupt)))
    }
}
