//! One chunk of a background operation in a transaction of its own: its operations one after the other, each with all its stages and each
//! whole or not at all, what came of them, and how far the job is. So whatever ends a worker, none is repeated and none left out.
//!
//! Where the store fails, or code outside that may answer later, the operation that met with it is tried again later, with those
//! before it kept where that can be.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Map;
use smol_str::SmolStr;

use super::background::{Batch, Chunk, LONGEST_OPERATION};
use super::log::Step;
use super::states::{MAX_RETRIES, Turn};
use super::step::{Failed, Progress};
use super::wire::{GONE, Kept, OperationResult, outputs};
use super::{Calls, Job};
use crate::diagnostic::Code;
use crate::pipeline::{Ending, Longer, Operation, Outcome, Pipeline};
use crate::schema::jobs::State;
use crate::store::StoreError;
use crate::value::{Reference, Uuid};
use crate::vm::{Fault, Interrupt};

/// How long the operations of a chunk may hold the store together. What is left of it is another transaction then, and so it is behind an
/// operation that called code outside, which may be slow.
const LONG: Duration = Duration::from_millis(100);

/// What became of a chunk.
enum Came {
    /// All of it was done, or so much that the job ends or the store is to be left to others.
    Done,
    /// It met with something that may pass.
    Passing(Fault),
}

impl Pipeline {
    /// Does the next chunk of a job that a worker holds.
    pub(super) fn advance_operations(&mut self, job: &mut Job, lease: SignedDuration) -> Result<Progress, StoreError> {
        if let Some(progress) = self.engine.hold(job)? {
            return Ok(progress);
        }
        let Some(mut batch) = job.batch.clone() else { return self.engine.clear_away(job, lease) };
        let Some(mut chunk) = self.engine.read_chunk(job.id, batch.done)? else {
            let words = "not all of its operations are there: hand them in again";
            return self.give_up(job, &fault_of(Code::F15, words));
        };
        let mut retries = job.retries;
        self.longer = Longer::Open;
        let came = self.do_chunk(job, &mut batch, &mut chunk, &mut retries);
        let broken = std::mem::replace(&mut self.longer, Longer::None) == Longer::Broken;
        match came {
            Came::Passing(fault) if broken || fault.code == Code::F11 => {
                self.engine.epoch += 1;
                self.engine.store.rollback()?;
                match self.engine.hold(job)? {
                    Some(progress) => return Ok(progress),
                    None => return self.give_up(job, &fault),
                }
            }
            Came::Passing(fault) => {
                self.engine.write_results(&chunk)?;
                (job.batch, job.retries) = (Some(batch), retries);
                return self.give_up(job, &fault);
            }
            Came::Done => self.engine.write_results(&chunk)?,
        }
        job.retries = retries;
        let ended = batch.done >= batch.chunks || batch.stop_on_error && batch.first.is_some();
        if ended {
            self.end(job, &batch);
        } else {
            job.message = None;
            (job.modified, job.due) = (self.engine.now, self.engine.leased(lease));
        }
        job.batch = Some(batch);
        self.engine.write_job(job, None)?;
        self.engine.commit()?;
        Ok(if ended { Progress::Ended } else { Progress::GoesOn })
    }

    /// Lets a job that met with a fault be tried again, or fail where that doesn't help.
    fn give_up(&mut self, job: &mut Job, fault: &Fault) -> Result<Progress, StoreError> {
        let interrupt = Interrupt::Fault(Box::new(fault.clone()));
        let step = Step { activity: Some(job.name.clone()), ..Step::begun(self.engine.now) };
        self.engine.settle_failure(job, &Failed { interrupt, refused: false }, None);
        self.engine.log_step(job, &step, job.message.clone().as_ref())?;
        self.engine.write_job(job, None)?;
        self.engine.commit()?;
        Ok(if job.status.state() == State::Completed { Progress::Ended } else { Progress::Rests })
    }

    /// Does what is left of a chunk.
    fn do_chunk(&mut self, job: &Job, batch: &mut Batch, chunk: &mut Chunk, retries: &mut u32) -> Came {
        let texts = chunk.operations.clone();
        let began = (self.engine.settings.stopwatch)();
        for text in texts.lines().skip(batch.at as usize) {
            let Some(kept) = Kept::read(text) else {
                return Came::Passing(fault_of(Code::F15, "what the database holds of its operations is damaged"));
            };
            let (outcome, outputs) = self.do_one(job, batch.done(), &kept);
            match &outcome.ending {
                Ending::Fault(fault)
                    if [Code::F11, Code::F20, Code::F25, Code::F26].contains(&fault.code)
                        || fault.code == Code::F21 && *retries < MAX_RETRIES =>
                {
                    return Came::Passing(fault.clone());
                }
                Ending::Committed | Ending::Fault(_) | Ending::Stopped { .. } => *retries = 0,
            }
            batch.count(&outcome.ending);
            batch.at += 1;
            let result = OperationResult::of(kept.line, &outcome, outputs);
            chunk.note(&result);
            if outcome.ending != Ending::Committed {
                batch.first.get_or_insert(result);
                if batch.stop_on_error {
                    return Came::Done;
                }
            }
            let long = (self.engine.settings.stopwatch)().saturating_sub(began) > LONG;
            let called = self.engine.calls.as_ref().is_some_and(|calls| !calls.are_none());
            if (long || called) && (batch.at as usize) < texts.lines().count() {
                return Came::Done;
            }
        }
        (batch.done, batch.at) = (batch.done + 1, 0);
        Came::Done
    }

    /// Does one operation, the so many-th of its job from 0. Code outside knows it by the same correlation whenever it is tried.
    fn do_one(&mut self, job: &Job, number: u64, kept: &Kept) -> (Outcome, Map<String, serde_json::Value>) {
        let Some(operation) = kept.operation(&self.engine.schema) else {
            let (code, words) = GONE;
            return (Outcome::failed(fault_of(code, words)), Map::new());
        };
        let action = performed(&operation).cloned();
        let user = kept.user.map_or(job.owner, |id| Reference { id, ..job.owner });
        self.engine.next_correlation = Some(Uuid::from_u128(job.correlation.as_u128().wrapping_add(number.into())));
        self.engine.next_calls = Some(Calls::of_operation(job, number));
        let outcome = self.execute(operation, Some(user));
        let head = action.as_ref().and_then(|action| self.engine.program.action(action)).filter(|_| !outcome.outputs.is_empty());
        let outputs = head.map(|action| outputs(&action.head, &outcome.outputs, &self.engine.schema)).unwrap_or_default();
        (outcome, outputs)
    }

    /// The end of a job: it succeeded where all of it was committed.
    fn end(&mut self, job: &mut Job, batch: &Batch) {
        if batch.first.is_none() && batch.done() != batch.operations {
            let fault = fault_of(Code::F15, "what the database holds of its operations is damaged: some of them are missing");
            self.engine.turn(job, Turn::Fail);
            job.error_code = Some(fault.code.name().into());
            job.message = Some(format!("{}: {}", fault.code.name(), fault.message).into());
            return;
        }
        let Some(first) = &batch.first else {
            self.engine.turn(job, Turn::Succeed);
            job.message = None;
            return;
        };
        self.engine.turn(job, Turn::Fail);
        job.error_code = Some(first.code.clone().unwrap_or_else(|| first.outcome.clone()));
        let reason = first.reason.as_deref().unwrap_or_default();
        let by = match (&first.code, &first.flow) {
            (Some(code), _) => format!("{code}: "),
            (None, Some(flow)) => format!("stopped by {flow}: "),
            (None, None) => String::new(),
        };
        let line = if batch.operations == 1 { String::new() } else { format!("line {}: ", first.line) };
        let others = match batch.stopped.saturating_add(batch.faults) {
            0 | 1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        job.message = Some(format!("{line}{by}{reason}{others}").into());
    }
}

impl Chunk {
    /// Notes what came of an operation, as far as there is room: where there is none for all of it, without what an action gave.
    fn note(&mut self, result: &OperationResult) {
        let written = |result: &OperationResult| serde_json::to_string(result).unwrap_or_default();
        let fits = |text: &String| self.results.len() + text.len() < LONGEST_OPERATION;
        let short = || written(&OperationResult { outputs: Map::new(), ids: Vec::new(), ..result.clone() });
        let text = Some(written(result)).filter(fits).or_else(|| Some(short()).filter(fits));
        if let Some(text) = text {
            self.results.push_str(&text);
            self.results.push('\n');
        }
    }
}

impl Batch {
    fn count(&mut self, ending: &Ending) {
        match ending {
            Ending::Committed => self.committed += 1,
            Ending::Stopped { .. } => self.stopped += 1,
            Ending::Fault(_) => self.faults += 1,
        }
    }
}

/// The action that an operation performs, whatever names its record.
fn performed(operation: &Operation) -> Option<&SmolStr> {
    match operation {
        Operation::Perform { action, .. } => Some(action),
        Operation::Keyed { operation, .. } => performed(operation),
        _ => None,
    }
}

fn fault_of(code: Code, words: &str) -> Fault {
    Fault { code, message: words.to_owned(), span: None, chain: Vec::new() }
}
