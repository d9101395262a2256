//! The event pipeline: messages, stages, images, nested operations, plug-ins; it owns the transaction.
//!
//! An operation goes through stage 10 (plug-ins that look at it first), 20 (steps that may still change the Target), 30 (the core
//! operation) and 40 (steps that see it done), from 20 on in one transaction: `stages.rs` is that list. What a step does to other
//! records goes through the same stages, one level deeper. A `stop` or a fault anywhere ends the outermost operation, and nothing
//! that ran in it is kept, except for what a plug-in wrote at stage 10 of the outermost operation.
//!
//! Invariant: between two calls of [`Pipeline`]'s methods the store is either outside any transaction, or inside the one that
//! [`Pipeline::begin`] opened, with no savepoint of ours but the marks that the caller asked for.

mod action;
mod audit;
mod calls;
mod context;
mod core;
mod count;
pub(crate) mod definitions;
mod delete;
mod engine;
mod external;
mod fault;
mod flows;
mod happening;
mod host;
mod jobs;
mod layout;
mod longer;
mod mail;
mod messages;
mod operation;
pub mod order;
mod passes;
mod plan;
mod plugin;
mod queries;
mod reading;
mod rights;
mod sessions;
mod settings;
mod stages;
mod target;
mod trace;
mod users;

use std::sync::Arc;

use jiff::Timestamp;
use smol_str::SmolStr;

pub use context::PluginContext;
pub use count::{Began, Counted, Counter, Part};
pub use external::{CallError, Callbacks, Limits, Notice, Outside, Permission, is_public};
pub use happening::{Actor, Border, Happening, Named, StepKind, StepVerdict, TraceEntry};
pub use jobs::{
    Around, Background, Batch, DEFAULT_CHUNK, Intake, Job, JobStage, Keep, LONGEST_OPERATION, LoggedStep, OperationResult, Share, Sweep,
    Unqueued, WantedJobs,
};
pub(crate) use jobs::{Progress, Seen, Text as JobText, Turn, Unfinished, Work};
pub use mail::{Letter, Mailbox, Mailer, Undelivered};
pub use operation::{Ending, Message, Operation, Outcome};
pub use plugin::{BindError, Plugin, Refusal, RegisterError};
pub use settings::{Clock, Deployment, Ids, NESTED_COST, Recorder, Settings};
pub use users::{ADMINISTRATOR, ADMINISTRATOR_NAME, ROOT_UNIT, ROOT_UNIT_NAME};

use crate::bytecode::{self, Program, Via};
use crate::diagnostic::{Code, nearest};
use crate::schema::{FieldSet, Row, Schema};
use crate::store::{Note, Store, StoreError};
use crate::value::{EntityId, Reference, Type, Uuid, Value};
use crate::vm::{Fault, Interrupt};

use engine::{Engine, Savepoint};
use plugin::Registered;
use target::Scene;

/// The entity of users.
const USERS: &str = "systemuser";

/// Takes operations through their stages, in transactions of a store.
pub struct Pipeline {
    engine: Engine,
    /// The transaction that the caller opened, if one is open.
    longer: Longer,
    /// How many times an operation was run again.
    conflicts: u64,
}

/// A transaction of several outermost operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Longer {
    None,
    Open,
    /// The store failed in it: it can only be rolled back.
    Broken,
}

impl Pipeline {
    /// A pipeline over a store, whose tables are brought up to the schema; the system administrator is there afterwards.
    pub fn new(schema: Arc<Schema>, program: Arc<Program>, mut store: Box<dyn Store>, settings: Settings) -> Result<Self, StoreError> {
        store.migrate(&schema)?;
        let mut pipeline = Pipeline::assembled(schema, program, store, settings)?;
        // Most often they are there, and who only reads waits for no writer.
        if !pipeline.look(Engine::has_built_in)? {
            pipeline.transaction(Engine::ensure_built_in)?;
        }
        Ok(pipeline)
    }

    /// A pipeline on trial: the same in one longer transaction, which is open already and is there to be rolled back, so that not even
    /// the tables remain that the schema needed.
    pub fn trial(schema: Arc<Schema>, program: Arc<Program>, mut store: Box<dyn Store>, settings: Settings) -> Result<Self, StoreError> {
        store.begin()?;
        store.migrate(&schema)?;
        let mut pipeline = Pipeline::assembled(schema, program, store, settings)?;
        pipeline.engine.ensure_built_in()?;
        pipeline.longer = Longer::Open;
        Ok(pipeline)
    }

    /// A pipeline over a store with the tables of the schema, in which the system administrator is.
    pub(crate) fn assembled(
        schema: Arc<Schema>,
        program: Arc<Program>,
        mut store: Box<dyn Store>,
        settings: Settings,
    ) -> Result<Self, StoreError> {
        store.limit_answers(settings.max_memory);
        let users = schema.entity_id(USERS).ok_or_else(|| StoreError::Unusable(format!("the schema has no entity `{USERS}`")))?;
        let administrator = Reference { entity: users, id: ADMINISTRATOR };
        let engine = Engine::new(schema, Arc::clone(&program), store, settings, administrator);
        let mut pipeline = Pipeline { engine, longer: Longer::None, conflicts: 0 };
        program.plugins.iter().for_each(|plugin| pipeline.take_in(plugin.into()));
        Ok(pipeline)
    }

    /// Takes in a plug-in; it is ordered with the flows.
    pub fn register(&mut self, plugin: Plugin) -> Result<(), RegisterError> {
        let plugin = plugin.link(&self.engine.schema, &self.engine.program, self.engine.administrator.entity)?;
        let (engine, name) = (&self.engine, &plugin.name);
        let declared = engine.program.flow(name).is_some() || engine.program.action(name).is_some();
        if declared || engine.plugins.iter().any(|other| other.name == *name) {
            return Err(RegisterError::NameTaken { name: name.clone() });
        }
        self.take_in(plugin);
        Ok(())
    }

    /// Gives a plug-in or an action that the project declares `via host` its function. Without one, whatever it is part of is a fault.
    pub fn bind(
        &mut self,
        name: &str,
        function: impl Fn(&mut PluginContext<'_>) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> Result<(), BindError> {
        let program = Arc::clone(&self.engine.program);
        let plugins = program.plugins.iter().map(|plugin| (&plugin.head.name, Some(&plugin.head.via)));
        let declared = || plugins.clone().chain(program.actions.iter().map(|action| (&action.head.name, action.head.via.as_ref())));
        match declared().find(|(other, _)| *other == name) {
            None => {
                let meant = nearest(name, declared().map(|(name, _)| name.as_str())).map(SmolStr::new);
                Err(BindError::Unknown { name: name.into(), meant })
            }
            Some((_, Some(Via::Host))) if self.engine.bound.contains_key(name) => Err(BindError::Taken { name: name.into() }),
            Some((_, Some(Via::Host))) => {
                self.engine.bound.insert(name.into(), Arc::new(function));
                Ok(())
            }
            Some(_) => Err(BindError::Elsewhere { name: name.into() }),
        }
    }

    /// In a test: runs these statements, compiled for the plug-in or the action of this name, in the place of its code outside the language.
    pub fn fake(&mut self, name: &SmolStr, code: bytecode::Code) {
        self.engine.bound.insert(name.clone(), Arc::new(move |context: &mut PluginContext<'_>| context.run(&code)));
    }

    /// Calls the code outside again that a fake stood for.
    pub fn unfake(&mut self, name: &str) {
        self.engine.bound.remove(name);
    }

    fn take_in(&mut self, plugin: Registered) {
        let (engine, plugin) = (&mut self.engine, Arc::new(plugin));
        if let Some(layout) = engine.layouts.get(plugin.entity.0 as usize) {
            engine.plans.register(&plugin, engine.plugins.len(), layout);
        }
        engine.plugins.push(plugin);
    }

    /// Takes an operation through its stages, as a user or as the system administrator. It is kept whole or not at all:
    /// in a transaction of its own, or, inside a longer one, back to where it began.
    pub fn execute(&mut self, operation: Operation, acting: Option<Reference>) -> Outcome {
        let acting = acting.unwrap_or(self.engine.administrator);
        let savepoint = if self.longer == Longer::None { Savepoint::None } else { Savepoint::Due };
        self.engine.start_anew(acting, savepoint);
        let about_a_record = operation.is_about_a_record();
        self.tell_begin(&operation, acting);
        let result = match self.longer == Longer::None && self.engine.store.is_shared() {
            true => self.attempt_again(operation, acting),
            false => self.attempt(operation, acting),
        };
        self.engine.note = None;
        if result.is_err() && !self.engine.sessions.is_empty() {
            self.keep_sessions();
        }
        self.engine.leave_to(0);
        let (ran, depth, trace) = self.engine.trace.finish();
        let mut queued = std::mem::take(&mut self.engine.queued);
        if result.is_err() {
            queued.truncate(self.engine.queued_kept);
        }
        let outputs = std::mem::take(&mut self.engine.outputs);
        let records = std::mem::take(&mut self.engine.targets);
        let (ending, record, records, outputs) = match result {
            Ok(record) => (Ending::Committed, about_a_record.then_some(record), records, outputs),
            Err(Interrupt::Stop { flow, reason }) => (Ending::Stopped { flow, reason }, None, Vec::new(), Vec::new()),
            Err(Interrupt::Fault(fault)) => (Ending::Fault(*fault), None, Vec::new(), Vec::new()),
        };
        let outcome = Outcome { ending, record, records, outputs, kept: self.engine.kept, ran, queued, depth, trace };
        if let Some(recorder) = &mut self.engine.settings.recorder {
            recorder.ended(&outcome);
        }
        outcome
    }

    fn tell_begin(&mut self, operation: &Operation, acting: Reference) {
        let (times, within) = ((self.engine.now, self.engine.began), self.longer != Longer::None);
        if let Some(recorder) = &mut self.engine.settings.recorder {
            recorder.begins(operation, acting, times, within);
        }
    }

    /// Opens a longer transaction: the operations that follow are kept together, or not at all.
    pub fn begin(&mut self) -> Result<(), StoreError> {
        if self.longer != Longer::None {
            return Err(StoreError::Failed("a transaction is open already".to_owned()));
        }
        self.engine.store.begin()?;
        if let Err(interrupt) = self.engine.notice_deploy() {
            // The error to report is the first one.
            let _ = self.engine.store.rollback();
            return Err(StoreError::Failed(into_fault(interrupt).message));
        }
        self.longer = Longer::Open;
        Ok(())
    }

    /// Makes the longer transaction last. Where the store failed in it, it is rolled back instead, and that is said.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        match std::mem::replace(&mut self.longer, Longer::None) {
            Longer::None => Err(StoreError::Failed("no transaction is open".to_owned())),
            Longer::Open => self.engine.commit(),
            Longer::Broken => {
                self.engine.store.rollback()?;
                Err(StoreError::Failed("the store failed within the transaction or undid it, and nothing of it was kept".to_owned()))
            }
        }
    }

    /// Undoes the longer transaction. Harmless where none is open.
    pub fn rollback(&mut self) -> Result<(), StoreError> {
        self.longer = Longer::None;
        self.engine.epoch += 1;
        self.engine.store.rollback()
    }

    /// Keeps a text under a name beside the records, as part of the longer transaction that is open.
    pub fn note(&mut self, note: &Note) -> Result<(), StoreError> {
        self.engine.store.note(note)
    }

    /// Keeps a text under a name in the transaction of the next operation, if that is kept. Not for a longer transaction, which has
    /// [`Pipeline::note`].
    pub fn note_with_next(&mut self, note: Note) {
        self.engine.note = Some(note).filter(|_| self.longer == Longer::None);
    }

    /// The texts that are kept under names that begin so, by name.
    pub fn notes(&mut self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        self.engine.store.notes(prefix)
    }

    /// The value of an expression as a user sees it, inside the longer transaction if one is open.
    pub fn evaluate(&mut self, code: &bytecode::Code, inputs: &[Value], acting: Option<Reference>) -> Result<Value, Fault> {
        let acting = acting.unwrap_or(self.engine.administrator);
        self.engine.start_anew(acting, Savepoint::None);
        // Nobody asks how a question of theirs was worked out.
        self.engine.trace = trace::Trace::default();
        self.reading(|engine| {
            let mut scene = Scene::child(acting, 1, acting, engine.epoch);
            engine.run_code(code, &mut scene, acting, inputs).map(Option::unwrap_or_default)
        })
    }

    /// The records that loops go through, in their order, as a user sees them; inside the longer transaction if one is open.
    pub fn visited(&mut self, code: &bytecode::Code, inputs: &[Value], acting: Option<Reference>) -> Result<Vec<Reference>, Fault> {
        let acting = acting.unwrap_or(self.engine.administrator);
        self.engine.start_anew(acting, Savepoint::None);
        self.engine.trace = trace::Trace::new(true);
        self.reading(|engine| {
            let mut scene = Scene::child(acting, 1, acting, engine.epoch);
            engine.run_code(code, &mut scene, acting, inputs)?;
            let (_, _, entries) = std::mem::take(&mut engine.trace).finish();
            let turn = |entry: TraceEntry| if let Happening::Turn { record, .. } = entry.what { Some(record) } else { None };
            Ok(entries.into_iter().filter_map(turn).collect())
        })
    }

    /// A value as a user reads it, by the rules of the language: a choice by its label, a record by its primary name.
    pub fn text(&mut self, value: &Value, ty: &Type, acting: Option<Reference>) -> Result<SmolStr, Fault> {
        let acting = acting.unwrap_or(self.engine.administrator);
        self.reading(|engine| engine.text(value, ty, acting))
    }

    /// Fields of a record, where there is such a record.
    pub fn read(&mut self, record: Reference, fields: &FieldSet) -> Result<Option<Row>, Fault> {
        self.reading(|engine| {
            let rows = engine.store.read(record.entity, &[record.id], fields).map_err(|error| engine.store_fault(error))?;
            Ok(rows.into_iter().next().flatten())
        })
    }

    /// The ids of the records whose fields have exactly these values (all records for an empty row), ascending, at most `limit`.
    pub fn find(&mut self, entity: EntityId, values: &Row, limit: u32) -> Result<Vec<Uuid>, Fault> {
        self.reading(|engine| engine.store.find(entity, values, limit).map_err(|error| engine.store_fault(error)))
    }

    /// The record that a key names: its primary key, or exactly the fields of an alternate key, none of them empty. F17 where there is none, or
    /// this is no key.
    pub fn with_key(&mut self, entity: EntityId, key: &Row) -> Result<Uuid, Fault> {
        self.reading(|engine| engine.with_this_key(entity, key))
    }

    /// Moves the time of all later operations on to a moment; says no where that lies in the past.
    pub fn advance_to(&mut self, moment: Timestamp) -> bool {
        let ahead = moment.duration_since(self.engine.time());
        if !ahead.is_negative() {
            self.engine.ahead = self.engine.ahead.saturating_add(ahead);
        }
        !ahead.is_negative()
    }

    /// The schema of the records.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.engine.schema
    }

    /// The flows.
    pub fn program(&self) -> &Arc<Program> {
        &self.engine.program
    }

    /// The activation in which a flow or plug-in runs, where it is deployed.
    pub(crate) fn activation_of(&self, name: &str) -> Option<Uuid> {
        self.engine.settings.deployed.activations.get(name).copied()
    }

    /// The user who acts where nobody is named.
    pub fn administrator(&self) -> Reference {
        self.engine.administrator
    }

    fn attempt(&mut self, operation: Operation, acting: Reference) -> Result<Reference, Interrupt> {
        self.engine.open = self.longer == Longer::Open;
        match self.longer {
            Longer::Broken => {
                Err(fault::fault(Code::F11, "this transaction is broken: the store failed in it, or undid it; it can only be rolled back"))
            }
            Longer::Open => {
                let result = self.engine.operate(operation, 1, acting);
                self.end_within_longer(result)
            }
            Longer::None => self.engine.operate(operation, 1, acting),
        }
    }

    /// Runs an outermost operation, and again from its beginning where it met the transactions of others, as long as it has time. Not where
    /// code outside was called or something was kept: that can't be undone.
    fn attempt_again(&mut self, operation: Operation, acting: Reference) -> Result<Reference, Interrupt> {
        let (correlation, note, began) = (self.engine.correlation, self.engine.note.clone(), self.engine.began);
        let mut conflicts = 0;
        loop {
            let result = self.attempt(operation.clone(), acting);
            let engine = &mut self.engine;
            let conflict = matches!(&result, Err(Interrupt::Fault(fault)) if fault.code == Code::F25);
            let recorded = engine.settings.recorder.is_some();
            if !conflict || engine.called_out || engine.kept > 0 || recorded || engine.left().is_zero() {
                return result;
            }
            engine.store.give_way(conflicts);
            (conflicts, self.conflicts) = (conflicts + 1, self.conflicts + 1);
            engine.start_anew(acting, Savepoint::None);
            // It is the same operation, and its time began with the first attempt.
            (engine.correlation, engine.began) = (correlation, began);
            engine.note.clone_from(&note);
        }
    }

    /// How many times an operation was run again since the pipeline was opened, for it met the transactions of others.
    pub fn conflicts(&self) -> u64 {
        self.conflicts
    }

    /// The end of an operation of a longer transaction.
    fn end_within_longer(&mut self, result: Result<Reference, Interrupt>) -> Result<Reference, Interrupt> {
        let set = std::mem::replace(&mut self.engine.savepoint, Savepoint::None) == Savepoint::Set;
        let undone = matches!(&result, Err(Interrupt::Fault(fault)) if fault.code == Code::F26);
        let ended = match (&result, set) {
            (_, false) => Ok(()),
            // There is no savepoint any more to go back to.
            (Err(_), true) if undone => {
                self.engine.leave_to(0);
                Ok(())
            }
            (Ok(_), true) => self.engine.store.release(),
            (Err(_), true) => {
                self.engine.leave_to(0);
                self.engine.tell_border(Border::BackToSavepoint);
                self.engine.store.rollback_to_savepoint()
            }
        };
        self.engine.epoch += 1;
        // A store that failed may have undone more than the savepoint says: then nobody knows what the transaction holds.
        let failed = matches!(&result, Err(Interrupt::Fault(fault)) if matches!(fault.code, Code::F11 | Code::F25));
        if failed || undone || ended.is_err() {
            self.longer = Longer::Broken;
        }
        match ended {
            Ok(()) => result,
            Err(error) => Err(self.engine.store_fault(error)),
        }
    }
}

/// An interrupt where no flow runs that could stop anything.
fn into_fault(interrupt: Interrupt) -> Fault {
    match interrupt {
        Interrupt::Fault(fault) => *fault,
        Interrupt::Stop { flow, reason } => {
            Fault { code: Code::F10, message: format!("`{flow}` stopped it: {reason}"), span: None, chain: vec![flow] }
        }
    }
}
