//! Who has a job: a worker takes up what is due, one at a time, says that it is still there, and gives back what it can't finish;
//! people pause, put off, let go on and end it. Each of these is a transaction.

use jiff::{SignedDuration, Timestamp};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::Job;
use super::damaged::{is_damage, passed_over};
use super::log::Step;
use super::states::{MAX_CONFLICTS, MAX_RETRIES, Turn, next};
use crate::diagnostic::Code;
use crate::pipeline::Pipeline;
use crate::pipeline::engine::{Engine, Savepoint};
use crate::pipeline::fault::fault;
use crate::schema::jobs::{Kind, State, Status, columns};
use crate::schema::select::{Aggregate, Condition, Order, Selection, Test};
use crate::schema::{FieldSet, Row, definitions, system};
use crate::store::StoreError;
use crate::value::{Reference, Slot, Uuid, Value};
use crate::vm::Interrupt;

/// Which of the jobs that are due somebody takes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Whatever is due first.
    All,
    /// What is no callback.
    NoCallbacks,
    /// Callbacks alone.
    Callbacks,
    /// What the pipeline itself knows: what was queued under no activation, or under one that is active in it. For whoever has no others at
    /// hand, such as a prompt or a test over a deployed store.
    Known,
}

/// When jobs were last written, by their ids, as somebody has seen it.
pub(crate) type Seen = FxHashMap<Uuid, Value>;

impl Pipeline {
    /// The time of the pipeline, by which jobs are due.
    pub(crate) fn time(&mut self) -> Timestamp {
        self.engine.time()
    }

    /// Takes up the job of a share that is due first, for a worker that has to be heard of again before the lease is over; nothing where
    /// none is due. One that can't be taken up for what the store holds is put out of the way of the others.
    pub(crate) fn claim_job(&mut self, worker: &str, lease: SignedDuration, share: Share) -> Result<Option<Job>, StoreError> {
        loop {
            let mut hand = None;
            match (self.claim_first(worker, lease, share, &mut hand), hand) {
                (Err(error), Some(id)) if is_damage(&error) => self.transaction(|engine| engine.set_aside(id, &error.to_string()))?,
                (claimed, _) => return claimed,
            }
        }
    }

    /// The same; says which job it had in hand at last.
    fn claim_first(
        &mut self,
        worker: &str,
        lease: SignedDuration,
        share: Share,
        hand: &mut Option<Uuid>,
    ) -> Result<Option<Job>, StoreError> {
        self.transaction(|engine| {
            let now = engine.now;
            let states = [State::Ready, State::Suspended, State::Locked];
            while let Some((_, id)) = engine.first_due(&states, Some(now), share)? {
                *hand = Some(id);
                let Some(mut job) = engine.job(id)? else { return Ok(None) };
                engine.surface(&mut job);
                let position = job.position.clone();
                // What a worker has, or had, has begun.
                if job.status.state() != State::Locked && engine.is_behind(&job)? {
                    // Somebody let it go on, or its moment has come, and others are still before it.
                    engine.turn(&mut job, Turn::Wake);
                    job.due = None;
                    engine.write_job(&job, position.as_ref())?;
                    continue;
                }
                let taken = engine.take_up(&mut job, worker, lease)?;
                engine.write_job(&job, position.as_ref())?;
                if taken {
                    return Ok(Some(job));
                }
                engine.unsubscribe(job.id)?;
            }
            Ok(None)
        })
    }

    /// The file of the store is no longer where it was, and this pipeline is at its end.
    pub(crate) fn abandon(&mut self) {
        self.engine.store.abandon();
    }

    /// Whether there is a plug-in of a name.
    pub(crate) fn has_plugin(&self, name: &str) -> bool {
        self.engine.plugins.iter().any(|plugin| plugin.name == name)
    }

    /// When a definition in the store was last written; never where it holds none.
    pub(crate) fn last_deployed(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.look(Engine::last_deployed)
    }

    /// When the next job of a share is due that no worker has.
    pub(crate) fn next_due(&mut self, share: Share) -> Result<Option<Timestamp>, StoreError> {
        self.look(|engine| Ok(engine.first_due(&[State::Ready, State::Suspended], None, share)?.map(|(due, _)| due)))
    }

    /// Says that a worker is still there: its jobs stay its own until another lease is over. Gives how many they are.
    pub(crate) fn renew_leases(&mut self, worker: &str, lease: SignedDuration) -> Result<usize, StoreError> {
        self.transaction(|engine| engine.each_held(worker, |engine, mut job| engine.renew(&mut job, lease)))
    }

    /// Has the leases of jobs begin now that were last written at a time which is yet to come: the clock was put back, and nobody can tell
    /// whether their workers are still there. Where `seen` is given, only of those that nobody has written since it was noted there: whose
    /// worker has another clock and is there writes them again and again. Gives how many they are.
    pub(crate) fn renew_leases_of_the_future(&mut self, lease: SignedDuration, seen: Option<&mut Seen>) -> Result<usize, StoreError> {
        let before = seen.as_deref();
        let (renewed, now) = self.transaction(|engine| {
            let entity = engine.jobs_entity()?;
            let slot = |name| engine.column(entity, name);
            let columns = (slot(system::STATE), slot(system::MODIFIED_ON));
            let (Some(state), Some(modified)) = columns else { return Ok((0, Seen::default())) };
            let mut selection = Selection::all(entity).with(state, Value::Choice(State::Locked as i32));
            selection.conditions.push(Condition { slot: modified, test: Test::Greater, value: Value::DateTime(engine.now) });
            let mut found = engine.store.select(&selection, &[modified].into_iter().collect())?;
            let now: Seen = found.iter().filter_map(|(id, row)| Some((*id, row.get(modified)?.clone()))).collect();
            if let Some(before) = before {
                found.retain(|(id, row)| row.get(modified).is_some_and(|written| before.get(id) == Some(written)));
            }
            for (id, _) in &found {
                let Some(mut job) = passed_over(engine.job(*id))?.flatten() else { continue };
                engine.renew(&mut job, lease)?;
            }
            Ok((found.len(), now))
        })?;
        if let Some(seen) = seen {
            *seen = now;
        }
        Ok(renewed)
    }

    /// Gives back what a worker has, which others can take up at once. Gives how many jobs that were.
    pub(crate) fn hand_back(&mut self, worker: &str) -> Result<usize, StoreError> {
        self.transaction(|engine| {
            engine.each_held(worker, |engine, mut job| {
                let position = job.position.clone();
                engine.turn(&mut job, Turn::HandBack);
                engine.write_job(&job, position.as_ref())
            })
        })
    }

    /// Somebody does something with a job. Gives the job as it is then; nothing where it isn't there, and the job as it was where that
    /// can't be done with it.
    pub(crate) fn turn_job(
        &mut self,
        id: Uuid,
        turn: Turn,
        until: Option<Timestamp>,
        message: Option<SmolStr>,
    ) -> Result<Option<Result<Job, Job>>, StoreError> {
        self.transaction(|engine| {
            let mut job = match engine.job(id) {
                Err(StoreError::Unusable(_)) if turn == Turn::Cancel => return engine.cancel_damaged(id, message.clone()),
                found => match found? {
                    Some(job) => job,
                    None => return Ok(None),
                },
            };
            // What isn't whole yet can only be ended: whoever hands it in lets it go on.
            let half = job.kind == Kind::BackgroundOperation && job.batch.is_none() && turn != Turn::Cancel;
            if half || next(job.status, turn).is_none() {
                return Ok(Some(Err(job)));
            }
            let position = job.position.clone();
            engine.turn(&mut job, turn);
            if let (Turn::Postpone, Some(until)) = (turn, until) {
                (job.due, job.postponed) = (Some(until), Some(until));
            }
            job.message = message.clone().or(job.message);
            if job.status.state() != State::Locked {
                engine.unsubscribe(id)?;
            }
            engine.write_job(&job, position.as_ref())?;
            Ok(Some(Ok(job)))
        })
    }

    /// Does something in a transaction of its own, and again where that met the transactions of others.
    pub(in crate::pipeline) fn transaction<T>(
        &mut self,
        mut run: impl FnMut(&mut Engine) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut conflicts = 0;
        loop {
            match self.transaction_once(&mut run) {
                Err(StoreError::Conflict) if conflicts < MAX_CONFLICTS => self.engine.store.give_way(conflicts),
                result => return result,
            }
            conflicts += 1;
        }
    }

    fn transaction_once<T>(&mut self, run: impl FnOnce(&mut Engine) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let engine = &mut self.engine;
        if self.longer != crate::pipeline::Longer::None {
            return Err(StoreError::Failed("a transaction is open already".to_owned()));
        }
        engine.start_anew(engine.administrator, Savepoint::None);
        engine.store.begin()?;
        match run(engine) {
            Ok(done) => engine.commit().map(|()| done),
            Err(error) => {
                // The error to report is the first one.
                let _ = engine.store.rollback();
                Err(error)
            }
        }
    }
}

impl Engine {
    /// When anything was last deployed, in the transaction that is open.
    pub(super) fn last_deployed(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let Some(entity) = self.schema.entity_id(definitions::ENTITY) else { return Ok(None) };
        let Some(slot) = self.column(entity, system::MODIFIED_ON) else { return Ok(None) };
        let last = self.store.aggregate(&Selection::all(entity), Aggregate::Max(slot))?;
        Ok(if let Value::DateTime(last) = last { Some(last) } else { None })
    }

    /// Whether the worker still has the job whose plug-in runs, in the transaction that has begun; fine where none does.
    pub(in crate::pipeline) fn still_held(&mut self) -> Result<(), Interrupt> {
        let Some((id, worker)) = self.held.clone() else { return Ok(()) };
        let job = self.job(id).map_err(|error| self.store_fault(error))?;
        match job.is_some_and(|job| job.status.state() == State::Locked && job.worker == Some(worker)) {
            true => Ok(()),
            false => Err(fault(Code::F30, "another worker has the job by now, or it has ended")),
        }
    }

    /// A worker takes up a job that is due; says no where it comes to an end instead, or is put aside.
    fn take_up(&mut self, job: &mut Job, worker: &str, lease: SignedDuration) -> Result<bool, StoreError> {
        match job.status.state() {
            State::Suspended => self.turn(job, Turn::Wake),
            State::Locked => {
                let step = Step::begun(job.modified);
                let canceled = job.status == Status::Canceling;
                job.retries += 1;
                if job.retries > MAX_RETRIES {
                    self.turn(job, Turn::Fail);
                    let code = Code::F30.name();
                    job.error_code = Some(code.into());
                    job.message = Some(
                        format!("{code}: its worker was gone in the middle of it, and it was tried again {MAX_RETRIES} times before")
                            .into(),
                    );
                } else {
                    self.turn(job, Turn::HandBack);
                }
                if canceled {
                    job.message.get_or_insert_with(|| "canceled by hand".into());
                }
                self.log_step(job, &step, Some(&"its worker was gone in the middle of it".into()))?;
            }
            State::Ready | State::Completed => {}
        }
        if job.status != Status::WaitingForResources {
            return Ok(false);
        }
        self.turn(job, Turn::TakeUp);
        job.worker = Some(worker.into());
        job.due = self.leased(lease);
        job.started = job.started.or(Some(self.now));
        Ok(true)
    }

    /// Has a lease begin now.
    fn renew(&mut self, job: &mut Job, lease: SignedDuration) -> Result<(), StoreError> {
        job.due = self.leased(lease);
        job.modified = self.now;
        let position = job.position.clone();
        self.write_job(job, position.as_ref())
    }

    /// The job of a share in one of these states that is due first, up to a moment.
    fn first_due(&mut self, states: &[State], by: Option<Timestamp>, share: Share) -> Result<Option<(Timestamp, Uuid)>, StoreError> {
        let entity = self.jobs_entity()?;
        let slot = |name| self.column(entity, name);
        let (Some(state), Some(due)) = (slot(system::STATE), slot(columns::DUE)) else { return Ok(None) };
        let called = |test| slot(columns::KIND).map(|slot| Condition { slot, test, value: Value::Choice(Kind::Callback as i32) });
        let (all, any) = match share {
            Share::All => (None, Vec::new()),
            Share::NoCallbacks => (called(Test::NotEqual), Vec::new()),
            Share::Callbacks => (called(Test::Equal), Vec::new()),
            Share::Known => (None, slot(columns::ACTIVATION).map(|slot| self.known_activations(slot)).unwrap_or_default()),
        };
        let fields: FieldSet = [due].into_iter().collect();
        let mut first = None;
        for one in states {
            let mut selection = Selection::all(entity).with(state, Value::Choice(*one as i32)).limited(1);
            selection.conditions.push(match by {
                // What is ready is so whatever the clock says: it may have been put back since.
                Some(by) if *one != State::Ready => Condition { slot: due, test: Test::AtMost, value: Value::DateTime(by) },
                _ => Condition { slot: due, test: Test::NotEqual, value: Value::Empty },
            });
            selection.conditions.extend(all.clone());
            selection.any.clone_from(&any);
            selection.order = vec![Order { slot: due, descending: false }];
            let mut select = |fields| match by {
                Some(_) => self.store.select_free(&selection, fields),
                None => self.store.select(&selection, fields),
            };
            let found = match select(&fields) {
                // Whatever its moment is, it is to be put out of the way before others.
                Err(StoreError::Unusable(_)) => select(&FieldSet::default())?,
                found => found?,
            };
            let moment = |row: &Row| if let Some(Value::DateTime(due)) = row.get(due) { *due } else { Timestamp::MIN };
            let found = found.first().map(|(id, row)| (moment(row), *id));
            first = first.into_iter().chain(found).min();
        }
        Ok(first)
    }

    /// That a job has none of the activations that are elsewhere.
    fn known_activations(&self, slot: Slot) -> Vec<Condition> {
        let entity = self.schema.entity_id(definitions::ENTITY);
        let active = self.settings.deployed.activations.values().filter_map(|id| Some(Reference { entity: entity?, id: *id }));
        let values = std::iter::once(Value::Empty).chain(active.map(Value::Reference));
        values.map(|value| Condition { slot, test: Test::Equal, value }).collect()
    }

    /// Does something with each job that a worker has.
    fn each_held(&mut self, worker: &str, mut run: impl FnMut(&mut Self, Job) -> Result<(), StoreError>) -> Result<usize, StoreError> {
        let entity = self.jobs_entity()?;
        let slot = |name| self.column(entity, name);
        let (Some(state), Some(host)): (Option<Slot>, Option<Slot>) = (slot(system::STATE), slot(columns::WORKER)) else { return Ok(0) };
        let locked = Selection::all(entity).with(state, Value::Choice(State::Locked as i32)).with(host, Value::Text(worker.into()));
        let held = self.store.select(&locked, &FieldSet::default())?;
        for (id, _) in &held {
            // What can't be read is put aside when its lease is over.
            if let Some(job) = passed_over(self.job(*id))?.flatten() {
                run(self, job)?;
            }
        }
        Ok(held.len())
    }
}
