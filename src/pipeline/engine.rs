//! The state of an outermost operation: its transaction, its limits, the chain of its running steps.
//!
//! Invariants: every write goes through [`Engine::before_write`] and is counted in `epoch`; an error on the way out of
//! here undoes the whole outermost operation, so nothing in here cleans up after one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::bytecode::Program;
use crate::diagnostic::Code;
use crate::schema::{FieldSet, Row, Schema};
use crate::store::{Note, Store, StoreError};
use crate::value::{EntityId, Reference, Slot, Uuid, Value};
use crate::vm::{Frame, Interrupt};

use super::fault::{self, fault};
use super::happening::Border;
use super::jobs::Calls;
use super::layout::{Layout, layouts};
use super::operation::{Message, Operation};
use super::plan::Plans;
use super::plugin::{Handler, Registered};
use super::rights::Rights;
use super::sessions::Sessions;
use super::settings::{NESTED_COST, Settings};
use super::target::Scene;
use super::trace::Trace;

/// The longest chain of steps that run inside one another. Operations are limited by their depth; this limits children that
/// start children, so that a chain fits the stack of a thread of 2 MiB in a build without optimisation.
pub(super) const MAX_CHAIN: usize = 24;

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
    /// What is kept of flows that fail.
    pub sessions: Sessions,
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
    pub chain: Vec<Link>,
    /// Whether a transaction is open: the caller's longer one, or the operation's own.
    pub open: bool,
    /// What the stopwatch showed when it began.
    pub began: Duration,
    /// What steps have shared with later ones, for each operation that is running, outermost first.
    pub shared: Vec<Shared>,
    /// The records of a multiple operation.
    pub targets: Vec<Reference>,
    /// The records that are being deleted.
    pub deleting: FxHashSet<Reference>,
    /// The background flows and plug-ins that it queued.
    pub queued: Vec<SmolStr>,
    /// A text to be kept under a name in the transaction of the outermost operation, if that has one of its own.
    pub note: Option<Note>,
    /// The savepoint to which the outermost operation returns.
    pub savepoint: Savepoint,
    /// What the action gave that ended last.
    pub outputs: Vec<Value>,
    /// How many steps of the outermost operation were kept by themselves.
    pub kept: u32,
    /// Whether code outside was called: what it did can't be undone.
    pub called_out: bool,
    /// How many of the queued are kept whatever comes.
    pub queued_kept: usize,
    /// What code outside knows the outermost operation by; made when it is first asked for.
    pub correlation: Option<Uuid>,
    /// What code outside is to know the next outermost operation by, where that is settled already.
    pub next_correlation: Option<Uuid>,
    /// The calls of code outside that it may make, where it is one of a job's.
    pub next_calls: Option<Calls>,
    /// When anything was last done with the definitions of the store, as far as that was noticed.
    pub deployed: Option<Timestamp>,
    /// The job whose plug-in runs, and the worker that had it when it began: only while it still has it, something is written.
    pub held: Option<(Uuid, SmolStr)>,
    /// What the job calls that runs, if one does.
    pub calls: Option<Calls>,
    /// How many rows of the audit the outermost operation has written.
    pub audited: i64,
}

/// Shared variables: values that can be written as JSON, by name.
pub(super) type Shared = IndexMap<SmolStr, serde_json::Value>;

/// A step that is running, and the record that it runs on.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub name: SmolStr,
    pub record: Reference,
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
            plans: Plans::new(&schema, &program, &settings.deployed.awaited),
            plugins: Vec::new(),
            bound: FxHashMap::default(),
            correlation: None,
            next_correlation: None,
            next_calls: None,
            deployed: None,
            held: None,
            calls: None,
            audited: 0,
            queued_kept: 0,
            administrator,
            owners: FxHashMap::default(),
            rights: Rights::new(&schema),
            sessions: Sessions::default(),
            frames: Vec::new(),
            epoch: 0,
            ahead: SignedDuration::ZERO,
            now: Timestamp::UNIX_EPOCH,
            caller: administrator,
            budget: 0,
            trace: Trace::default(),
            chain: Vec::new(),
            open: false,
            began: Duration::ZERO,
            shared: Vec::new(),
            targets: Vec::new(),
            deleting: FxHashSet::default(),
            queued: Vec::new(),
            note: None,
            savepoint: Savepoint::None,
            outputs: Vec::new(),
            kept: 0,
            called_out: false,
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
        self.began = (self.settings.stopwatch)();
        self.shared.clear();
        self.targets.clear();
        self.deleting.clear();
        self.queued.clear();
        self.owners.clear();
        self.rights.forget();
        self.sessions.clear();
        self.savepoint = savepoint;
        self.outputs.clear();
        self.kept = 0;
        self.called_out = false;
        self.correlation = self.next_correlation.take();
        self.calls = self.next_calls.take();
        self.audited = 0;
        self.queued_kept = 0;
    }

    /// What the time is.
    pub fn time(&mut self) -> Timestamp {
        (self.settings.clock)().saturating_add(self.ahead).unwrap_or(Timestamp::MAX)
    }

    /// What the outermost operation is known by.
    pub fn correlation(&mut self) -> Uuid {
        *self.correlation.get_or_insert_with(|| (self.settings.ids)())
    }

    /// Counts an operation that a flow asks for against what the outermost operation may use.
    pub fn pay_for_nested(&mut self) -> Result<(), Interrupt> {
        self.on_time()?;
        self.spend(NESTED_COST)
    }

    /// Counts instructions, or what counts as some, against what the outermost operation may use.
    pub fn spend(&mut self, instructions: u64) -> Result<(), Interrupt> {
        let left = self.budget.checked_sub(instructions);
        self.budget = left.unwrap_or(0);
        match left {
            Some(_) => Ok(()),
            None => Err(fault::used_up("instructions", self.settings.max_instructions, "instructions", &self.chain)),
        }
    }

    /// Whether the outermost operation still has time, and nobody has interrupted it.
    pub fn on_time(&mut self) -> Result<(), Interrupt> {
        if self.settings.interrupt.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            return Err(fault(Code::F29, "the operation was interrupted"));
        }
        let most = self.settings.max_time;
        match self.left() {
            Duration::ZERO => Err(fault::used_up("seconds", most.as_secs_f64(), "time", &self.chain)),
            _ => Ok(()),
        }
    }

    /// How much time the outermost operation still has.
    pub fn left(&mut self) -> Duration {
        let spent = (self.settings.stopwatch)().saturating_sub(self.began);
        self.settings.max_time.saturating_sub(spent)
    }

    /// Runs what is left of an operation inside the transaction: the one that is open or, for an outermost operation and for what a
    /// plug-in does at stage 10 of one, a transaction of its own.
    pub fn in_transaction<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, Interrupt>) -> Result<T, Interrupt> {
        if self.open {
            return run(self);
        }
        self.store.begin().map_err(|error| self.store_fault(error))?;
        self.open = true;
        let level = self.trace.level();
        self.tell_border(Border::Begin);
        // Others may have written since stage 10.
        self.epoch += 1;
        self.rights.forget();
        let result = self.still_held().and_then(|()| self.notice_deploy()).and_then(|()| run(self));
        self.open = false;
        match result {
            Ok(done) => {
                self.keep_note().and_then(|()| self.commit()).map_err(|error| self.store_fault(error))?;
                self.leave_to(level);
                self.tell_border(Border::Commit);
                if !self.chain.is_empty() {
                    // What a plug-in at stage 10 did outlasts the operation that it looks at.
                    self.count_kept();
                }
                Ok(done)
            }
            Err(interrupt) => {
                self.epoch += 1;
                self.tell_end(&interrupt);
                self.leave_to(level);
                self.tell_border(Border::Rollback);
                match self.store.rollback() {
                    Ok(()) => Err(interrupt),
                    Err(error) => Err(self.store_fault(error)),
                }
            }
        }
    }

    /// Keeps the note of the outermost operation, at the end of its transaction; those at its stage 10 aren't its own.
    fn keep_note(&mut self) -> Result<(), StoreError> {
        let Some(note) = self.note.take_if(|_| self.chain.is_empty()) else { return Ok(()) };
        self.store.note(&note).inspect_err(|_| {
            // The error to report is the first one.
            let _ = self.store.rollback();
        })
    }

    /// Something was made to last, whatever comes after it.
    pub fn count_kept(&mut self) {
        self.kept += 1;
        self.queued_kept = self.queued.len();
    }

    /// Makes the transaction last.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        self.store.commit().inspect_err(|_| {
            // A commit that fails leaves the transaction open; the error to report is the commit's.
            let _ = self.store.rollback();
        })
    }

    /// Joins the chain of running steps.
    pub fn enter_chain(&mut self, name: &SmolStr, record: Reference) -> Result<(), Interrupt> {
        if self.chain.len() >= MAX_CHAIN {
            return Err(fault::endless(MAX_CHAIN, name, &self.chain));
        }
        let most = self.settings.max_runs;
        if self.chain.iter().filter(|link| link.name == *name && link.record == record).count() >= most as usize {
            return Err(fault::again(most, name, &self.chain));
        }
        self.chain.push(Link { name: name.clone(), record });
        Ok(())
    }

    /// Leaves the chain of running steps; a fault takes the chain along.
    pub fn leave_chain<T>(&mut self, result: Result<T, Interrupt>, level: usize) -> Result<T, Interrupt> {
        let result = result.map_err(|interrupt| match interrupt {
            Interrupt::Fault(mut fault) => {
                if fault.chain.is_empty() {
                    fault.chain = self.chain.iter().map(|link| link.name.clone()).collect();
                }
                Interrupt::Fault(fault)
            }
            stop @ Interrupt::Stop { .. } => stop,
        });
        self.chain.pop();
        if let Err(interrupt) = &result {
            self.tell_end(interrupt);
        }
        self.leave_to(level);
        result
    }

    /// One write of fields of the record of a scene: into the Target before the operation, a nested update after it.
    pub fn set(&mut self, scene: &mut Scene, acting: Reference, slots: &[Slot], values: &[Value]) -> Result<(), Interrupt> {
        let fields = slots.iter().zip(values);
        if scene.stage.is_before() && scene.message.is_some() {
            self.tell_set(scene, slots, values);
            for (slot, value) in fields {
                let value = self.admit(scene.message.unwrap_or(Message::Update), scene.record.entity, *slot, value.clone())?;
                self.note_setter(scene, *slot);
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
        if self.savepoint == Savepoint::Due && (!last || self.store.is_shared()) {
            self.store.savepoint().map_err(|error| self.store_fault(error))?;
            self.savepoint = Savepoint::Set;
            self.tell_border(Border::Savepoint);
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
