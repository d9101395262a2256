//! One step of a job in a transaction of its own: from the place where it stands to behind its next statement that writes, to a
//! wait, or to its end. What it did and where it stands then are kept together, or not at all.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use smol_str::SmolStr;

use super::damaged::is_damage;
use super::host::{JobHost, Looked};
use super::log::Step;
use super::recall::{Position, Recall};
use super::states::{LOOK_AGAIN, MAX_CONFLICTS, MAX_RETRIES, Turn, next, pause_before};
use super::{Calls, IDLE, Job};
use crate::bytecode::{FlowCode, Op};
use crate::diagnostic::Code;
use crate::pipeline::engine::{Engine, Savepoint};
use crate::pipeline::fault::{fault, one_line};
use crate::pipeline::host::FlowHost;
use crate::pipeline::target::Scene;
use crate::pipeline::{Longer, Pipeline};
use crate::schema::jobs::{State, Status, columns};
use crate::schema::system;
use crate::source::Span;
use crate::store::StoreError;
use crate::value::{Reference, Slot, Value};
use crate::vm::{self, Exit, Interrupt, Place};

/// What a job runs.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// These statements. Where they are those of an earlier activation, nobody has their text.
    Flow(Arc<FlowCode>, Text),
    /// The plug-in of its name.
    Plugin,
    /// The operations that were handed in with it.
    Operations,
    /// What tells of the end of a background operation.
    Callback,
    /// The sending of the e-mail that is its record.
    Mail,
    /// Nothing: why there is nothing to run.
    Gone(String),
}

/// Whether the places of some code are places of a text that is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    AtHand,
    Elsewhere,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The job goes on, with the same worker.
    GoesOn,
    /// It waits, and no worker has it.
    Rests,
    /// It has ended.
    Ended,
    /// Another worker has it by now; nothing was done.
    Lost,
}

/// Where a step led.
pub(super) enum Reached {
    Stepped(Position),
    Waits { position: Position, due: Option<Timestamp>, read: Vec<(Reference, Slot)> },
    Ended(Option<SmolStr>),
}

/// Why a step led nowhere.
pub(super) struct Failed {
    pub interrupt: Interrupt,
    /// Whether a flow stopped an operation of the job, and not the job.
    pub refused: bool,
}

impl Failed {
    fn is_conflict(&self) -> bool {
        matches!(&self.interrupt, Interrupt::Fault(fault) if fault.code == Code::F25)
    }
}

impl Pipeline {
    /// Takes a job that a worker holds one step further. An error is one of the store: then the job stays as it was, until somebody
    /// takes it up again.
    pub(crate) fn advance_job(&mut self, job: &mut Job, work: &Work, lease: SignedDuration) -> Result<Progress, StoreError> {
        if self.longer != Longer::None {
            return Err(StoreError::Failed("a transaction is open already".to_owned()));
        }
        // What a plug-in did can't be undone; its job is taken up again.
        let (before, mut conflicts) = (matches!(work, Work::Flow(..)).then(|| job.clone()).filter(|_| self.engine.store.is_shared()), 0);
        let result = loop {
            let result = match work {
                Work::Operations => self.advance_operations(job, lease),
                work => self.engine.advance_job(job, work, lease),
            };
            (self.longer, self.engine.open) = (Longer::None, false);
            if result.is_err() {
                self.engine.epoch += 1;
                // The error to report is the first one.
                let _ = self.engine.store.rollback();
            }
            // Nothing of the step was kept: it is done once more.
            match (&result, &before) {
                (Err(StoreError::Conflict), Some(before)) if !self.engine.called_out && conflicts < MAX_CONFLICTS => job.clone_from(before),
                _ => break result,
            }
            self.engine.store.give_way(conflicts);
            conflicts += 1;
        };
        match result {
            Err(error) if is_damage(&error) => {
                self.transaction(|engine| engine.set_aside(job.id, &error.to_string()))?;
                if let Some(found) = self.transaction(|engine| engine.salvaged(job.id))? {
                    *job = found;
                }
                Ok(Progress::Ended)
            }
            result => result,
        }
    }
}

impl Engine {
    fn advance_job(&mut self, job: &mut Job, work: &Work, lease: SignedDuration) -> Result<Progress, StoreError> {
        if let Some(progress) = self.hold(job)? {
            return Ok(progress);
        }
        let was = job.position.clone();
        let mut step = Step::begun(self.now);
        let result = match work {
            Work::Flow(flow, text) => self.step_of(job, flow, *text, &mut step),
            Work::Plugin | Work::Callback => {
                step.activity = Some(job.name.clone());
                match self.outside(job, work)? {
                    Some(result) => result,
                    None => return Ok(Progress::Lost),
                }
            }
            Work::Mail => return self.send_mail(job),
            Work::Gone(why) => return self.put_off(job, why),
            Work::Operations => Ok(Reached::Ended(None)),
        };
        let progress = match result {
            Ok(reached) => {
                let progress = self.settle(job, was.as_ref(), reached, lease)?;
                // The end of a flow does nothing that its job doesn't tell.
                if step.activity.is_some() {
                    self.log_step(job, &step, None)?;
                }
                progress
            }
            Err(failed) if failed.is_conflict() && !self.called_out => return Err(StoreError::Conflict),
            Err(failed) => {
                self.epoch += 1;
                self.store.rollback()?;
                // A step of a flow was undone; of a plug-in nobody can undo what it did.
                let other = match work {
                    Work::Flow(..) => self.hold(job)?,
                    _ => (!self.holds(job)?).then_some(Progress::Lost),
                };
                if let Some(progress) = other {
                    return Ok(progress);
                }
                job.position.clone_from(&was);
                self.settle_failure(job, &failed, step.place);
                self.log_step(job, &step, job.message.clone().as_ref())?;
                self.unsubscribe(job.id)?;
                if job.status.state() == State::Completed { Progress::Ended } else { Progress::Rests }
            }
        };
        self.write_job(job, was.as_ref())?;
        self.commit()?;
        Ok(progress)
    }

    /// Begins a transaction in which the worker still holds the job. Where it doesn't, or somebody wants the job to pause or to end, that
    /// is done instead.
    pub(super) fn hold(&mut self, job: &mut Job) -> Result<Option<Progress>, StoreError> {
        if !self.holds(job)? {
            return Ok(Some(Progress::Lost));
        }
        let found = job.status;
        if found == Status::InProgress {
            return Ok(None);
        }
        // Somebody asked for it while a step ran.
        self.turn(job, Turn::Rest);
        job.due = None;
        if found == Status::Canceling {
            job.message.get_or_insert_with(|| "canceled by hand".into());
        }
        self.unsubscribe(job.id)?;
        let position = job.position.clone();
        self.write_job(job, position.as_ref())?;
        self.commit()?;
        Ok(Some(if job.status.state() == State::Completed { Progress::Ended } else { Progress::Rests }))
    }

    /// Begins a transaction and looks whether the worker still holds the job, and what somebody wants of it; where it doesn't hold it, no
    /// transaction is open.
    pub(super) fn holds(&mut self, job: &mut Job) -> Result<bool, StoreError> {
        self.store.begin()?;
        self.start_anew(job.caller, Savepoint::None);
        (self.open, self.correlation) = (true, Some(job.correlation));
        self.calls = Some(Calls::of(job));
        self.look_for_a_deploy()?;
        self.epoch += 1;
        let entity = self.jobs_entity()?;
        let slot = |name| self.column(entity, name);
        let (Some(status), Some(worker), Some(message)) = (slot(system::STATUS), slot(columns::WORKER), slot(columns::MESSAGE)) else {
            return Ok(false);
        };
        let rows = self.store.read(entity, &[job.id], &[status, worker, message].into_iter().collect())?;
        let row = rows.into_iter().next().flatten().unwrap_or_default();
        let held = row.get(worker).and_then(Value::as_text) == job.worker.as_deref() && job.worker.is_some();
        let found = match row.get(status) {
            Some(Value::Choice(code)) => Status::of(*code).filter(|status| held && status.state() == State::Locked),
            _ => None,
        };
        let Some(found) = found else {
            self.store.rollback()?;
            return Ok(false);
        };
        if found != Status::InProgress {
            // Who wants it to pause or to end is said there.
            job.message = row.get(message).and_then(Value::as_text).map(SmolStr::new);
        }
        job.status = found;
        Ok(true)
    }

    /// What a job is after its step.
    fn settle(&mut self, job: &mut Job, was: Option<&Position>, reached: Reached, lease: SignedDuration) -> Result<Progress, StoreError> {
        if was.is_some_and(|was| was.since.is_some()) {
            self.unsubscribe(job.id)?;
        }
        (job.retries, job.modified) = (0, self.now);
        Ok(match reached {
            Reached::Stepped(position) => {
                (job.position, job.message) = (Some(position), None);
                job.due = self.leased(lease);
                Progress::GoesOn
            }
            Reached::Waits { position, due, read } => {
                (job.position, job.message) = (Some(position), None);
                self.turn(job, Turn::Rest);
                job.due = due;
                self.subscribe(job, &read)?;
                Progress::Rests
            }
            Reached::Ended(note) => {
                self.turn(job, Turn::Succeed);
                job.message = note.map(one_line);
                Progress::Ended
            }
        })
    }

    /// What a job is after a step that failed, which was undone.
    pub(super) fn settle_failure(&mut self, job: &mut Job, failed: &Failed, place: Option<Span>) {
        let (turn, message) = match &failed.interrupt {
            Interrupt::Stop { reason, .. } if !failed.refused => (Turn::Stop, reason.clone()),
            Interrupt::Stop { flow, reason } if *flow == job.name => (Turn::Fail, reason.clone()),
            Interrupt::Stop { flow, reason } => (Turn::Fail, format!("`{flow}` stopped an operation of it: {reason}").into()),
            Interrupt::Fault(fault) => {
                let place = fault.span.or(place).and_then(|place| self.settings.sources.place(place));
                let place = place.map_or(String::new(), |place| format!(" ({place})"));
                let turn = match fault.code {
                    // Nothing is wrong with the job where it is the store that fails, or its worker that may not: that counts for nothing.
                    Code::F11 | Code::F20 | Code::F25 => Turn::Rest,
                    Code::F21 if job.retries < MAX_RETRIES => {
                        job.retries += 1;
                        Turn::Rest
                    }
                    _ => Turn::Fail,
                };
                job.error_code = (turn == Turn::Fail).then(|| fault.code.name().into());
                (turn, format!("{}: {}{place}", fault.code.name(), fault.message).into())
            }
        };
        let goes_on = job.status == Status::InProgress;
        self.turn(job, turn);
        job.message = Some(one_line(message));
        if turn == Turn::Rest && goes_on {
            let not_allowed = matches!(&failed.interrupt, Interrupt::Fault(fault) if fault.code == Code::F20);
            job.due = self.now.checked_add(if not_allowed { LOOK_AGAIN } else { pause_before(job.retries) }).ok();
        }
    }

    /// Puts a job off that has nothing to run: what it needs may come again.
    fn put_off(&mut self, job: &mut Job, why: &str) -> Result<Progress, StoreError> {
        self.turn(job, Turn::Rest);
        job.due = self.now.checked_add(LOOK_AGAIN).ok();
        job.message = Some(one_line(format!("{why}: deploy it again, or cancel the job").into()));
        let position = job.position.clone();
        self.write_job(job, position.as_ref())?;
        self.commit()?;
        Ok(Progress::Rests)
    }

    /// When a lease is over that begins now, at the end of a step and not at its beginning.
    pub(super) fn leased(&mut self, lease: SignedDuration) -> Option<Timestamp> {
        Some(self.time().saturating_add(lease).unwrap_or(Timestamp::MAX))
    }

    /// Something happens to a job: what follows from its state alone.
    pub(super) fn turn(&mut self, job: &mut Job, turn: Turn) {
        let Some(then) = next(job.status, turn) else { return };
        // What is handed back keeps its place before those that became due since.
        let ready = if turn == Turn::HandBack { job.modified } else { self.now };
        (job.status, job.modified) = (then, self.now);
        match then.state() {
            State::Ready => (job.due, job.worker, job.postponed) = (Some(ready), None, None),
            State::Suspended => (job.due, job.worker) = (None, None),
            State::Locked => {}
            State::Completed => {
                (job.due, job.worker, job.postponed) = (None, None, None);
                (job.completed, job.position) = (Some(self.now), None);
            }
        }
    }

    /// The record of a job, and the event that it started with.
    pub(super) fn begun(&self, job: &Job) -> Result<(Reference, Recall), Interrupt> {
        let entity = self.schema.entity_id(&job.record.0);
        let entity = entity.ok_or_else(|| fault(Code::F06, format!("there is no entity `{}` any more", job.record.0)))?;
        let recall = Recall::read(&job.data, entity, &self.schema);
        let recall = recall.ok_or_else(|| fault(Code::F15, "what the database holds of the job is damaged"))?;
        Ok((Reference { entity, id: job.record.1 }, recall))
    }

    /// The statements up to the next step.
    fn step_of(&mut self, job: &mut Job, flow: &FlowCode, text: Text, step: &mut Step) -> Result<Reached, Failed> {
        let plain = |interrupt| Failed { interrupt, refused: false };
        let (record, recall) = self.begun(job).map_err(plain)?;
        self.enter_chain(&flow.head.name, record).map_err(plain)?;
        let inputs = recall.inputs.clone();
        let mut scene = Scene::recalled(record, recall, job.depth, job.owner, self.epoch);
        self.epoch += 1;
        scene.columns.clone_from(&flow.effects.reads);
        if let (None, Some(when)) = (&job.position, &flow.when)
            && self.run_code(when, &mut scene, job.owner, &inputs).map_err(plain)? != Some(Value::Boolean(true))
        {
            return Ok(Reached::Ended(Some("its condition (`when`) didn't hold".into())));
        }
        if job.position.is_none() {
            self.count_job(flow, &scene);
        }
        self.sessions.steps = job.position.as_ref().map(|position| position.titles.clone()).unwrap_or_default();
        let mut frame = self.frames.pop().unwrap_or_default();
        let inner = FlowHost { engine: &mut *self, scene: &mut scene, acting: job.owner };
        let mut host = JobHost { inner, flow, wait: None, refused: false };
        let reached = run(&mut host, &mut frame, flow, job.position.take(), &inputs);
        let (refused, ended) = (host.refused, frame.ended());
        self.frames.push(frame);
        step.titles.clone_from(&self.sessions.steps);
        let stopped = matches!(reached, Err(Interrupt::Stop { .. }) if !refused).then(|| "stop".into());
        step.activity = stopped.or_else(|| flow.body.step_around(ended).and_then(|at| flow.body.activity(at, &self.schema)));
        let place = flow.body.span(ended);
        step.place = flow.body.step_around(ended).map_or(place, |at| flow.body.span(at)).filter(|_| text == Text::AtHand);
        reached.map_err(|mut interrupt| {
            if let Interrupt::Fault(fault) = &mut interrupt
                && text == Text::Elsewhere
                && fault.span == place
            {
                fault.span = None;
            }
            Failed { interrupt, refused }
        })
    }

    /// A job that was idle for long is nested in nothing any more.
    pub(super) fn surface(&self, job: &mut Job) {
        if self.now.duration_since(job.modified) > IDLE {
            job.depth = 1;
        }
    }
}

/// Runs on from a position, through waits whose time has come, until something is to be kept.
fn run(
    host: &mut JobHost<'_>,
    frame: &mut vm::Frame,
    flow: &FlowCode,
    position: Option<Position>,
    inputs: &[Value],
) -> Result<Reached, Interrupt> {
    let is_wait = |place: &Place| {
        let op = flow.body.step_place(place.step).and_then(|at| flow.body.ops.get(at));
        matches!(op, Some(Op::Wait { .. }))
    };
    let mut exit = match position {
        None => vm::run(&flow.body, frame, inputs, host)?,
        Some(position) => {
            host.wait = position.since.filter(|_| is_wait(&position.place)).map(Looked::new);
            vm::resume(&flow.body, frame, &position.place, host)?
        }
    };
    loop {
        let place = match exit {
            Exit::Stepped(place) => place,
            Exit::Done => return Ok(Reached::Ended(None)),
            Exit::Finished(note) => return Ok(Reached::Ended(note)),
            Exit::Stopped(reason) => return Err(Interrupt::Stop { flow: flow.head.name.clone(), reason: one_line(reason) }),
            Exit::Value(_) | Exit::Suspended(_) => return Err(fault(Code::F15, "a flow ended as only an expression can")),
        };
        let titles = host.inner.engine.sessions.steps.clone();
        if !is_wait(&place) {
            return Ok(Reached::Stepped(Position { place, titles, since: None }));
        }
        match host.wait.take() {
            Some(Looked { since, read, goes_on: Some(due) }) => {
                return Ok(Reached::Waits { position: Position { place, titles, since: Some(since) }, due, read });
            }
            _ => host.wait = Some(Looked::new(host.inner.engine.now)),
        }
        exit = vm::resume(&flow.body, frame, &place, host)?;
    }
}
