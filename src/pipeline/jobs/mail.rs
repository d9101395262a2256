//! The sending of an e-mail as a system job: queued with what made it ready to be sent, tried again as other jobs are, and ended
//! together with its e-mail, which is marked in the transaction that ends the job.
//!
//! A mail server isn't part of any transaction: a worker that is gone between the server's answer and ours sends the letter again. It
//! has the same `Message-ID` then.

use super::log::Step;
use super::states::{LOOK_AGAIN, MAX_RETRIES, Turn, pause_before};
use super::{Asked, Job, Progress, Recall};
use crate::pipeline::engine::Engine;
use crate::pipeline::fault::one_line;
use crate::pipeline::mail::Undelivered;
use crate::pipeline::{Pipeline, into_fault};
use crate::schema::jobs::{Kind, State, Status, columns};
use crate::schema::select::Selection;
use crate::schema::{FieldSet, PRIMARY_KEY, outbox, system};
use crate::store::StoreError;
use crate::value::{Reference, Uuid, Value};
use crate::vm::Interrupt;

/// What such a job is called.
const NAME: &str = "send email";

/// How many e-mails of the outbox are queued in one transaction.
const QUEUED_AT_ONCE: usize = 500;

impl Pipeline {
    /// How many e-mails wait in the outbox.
    pub(crate) fn outbox(&mut self) -> Result<usize, StoreError> {
        self.look(|engine| Ok(engine.waiting_mail()?.len()))
    }

    /// Queues e-mails that wait in the outbox without a job: written before there was a mail server, or by a program that knows of none. Gives
    /// how many; they are so many at most that nobody waits long for the transaction, and whoever wants all asks until there are none.
    pub(crate) fn queue_outbox(&mut self) -> Result<usize, StoreError> {
        self.transaction(|engine| {
            let mut waiting = engine.waiting_mail()?;
            if waiting.is_empty() {
                return Ok(0);
            }
            let queued = engine.queued_mail()?;
            waiting.retain(|mail| !queued.contains(&mail.id));
            waiting.truncate(QUEUED_AT_ONCE);
            for mail in &waiting {
                let fault = |interrupt| StoreError::Failed(into_fault(interrupt).message);
                engine.queue_mail(*mail, engine.administrator, 1).map_err(fault)?;
            }
            Ok(waiting.len())
        })
    }
}

impl Engine {
    /// Queues the sending of an e-mail.
    pub(in crate::pipeline) fn queue_mail(&mut self, record: Reference, owner: Reference, depth: u32) -> Result<(), Interrupt> {
        let name = NAME.into();
        self.put_in_queue(&Asked { name: &name, kind: Kind::Mail, record, owner, depth, token: None }, &Recall::default())
    }

    /// Sends the e-mail of a job, in whose transaction we are; while the server is asked none is open.
    pub(super) fn send_mail(&mut self, job: &mut Job) -> Result<Progress, StoreError> {
        let step = Step { activity: Some(NAME.into()), ..Step::begun(self.now) };
        let letter = self.letter(job.record.1)?;
        self.commit()?;
        self.open = false;
        let limit = self.settings.limits.time;
        let sent = letter.and_then(|letter| match &mut self.settings.mailer {
            Some(mailer) => mailer.send(&letter, limit).map(|()| letter),
            None => {
                Err(Undelivered::NotHere("no mail server is configured here: `[smtp]` in weir.toml names one, for `weir work`".to_owned()))
            }
        });
        if !self.holds(job)? {
            return Ok(Progress::Lost);
        }
        let wanted = job.status;
        let failed = sent.is_err();
        match sent {
            Ok(letter) => {
                self.turn(job, Turn::Succeed);
                job.message = letter.to.address.map(|address| one_line(format!("sent to {address}").into()));
            }
            Err(undelivered) => self.settle_unsent(job, undelivered),
        }
        if wanted != Status::InProgress && job.status.state() == State::Suspended {
            job.due = None;
        }
        self.log_step(job, &step, job.message.clone().filter(|_| failed).as_ref())?;
        self.write_job(job, None)?;
        self.commit()?;
        Ok(if job.status.state() == State::Completed { Progress::Ended } else { Progress::Rests })
    }

    fn settle_unsent(&mut self, job: &mut Job, undelivered: Undelivered) {
        let (turn, pause, why) = match undelivered {
            Undelivered::NotHere(why) => (Turn::Rest, LOOK_AGAIN, why),
            Undelivered::ForNow(why) if job.retries < MAX_RETRIES => {
                job.retries += 1;
                (Turn::Rest, pause_before(job.retries), why)
            }
            Undelivered::ForNow(why) | Undelivered::Never(why) => (Turn::Fail, LOOK_AGAIN, why),
            Undelivered::Needless(why) => (Turn::Stop, LOOK_AGAIN, why),
        };
        self.turn(job, turn);
        job.message = Some(one_line(why.into()));
        if job.status.state() == State::Suspended {
            job.due = self.now.checked_add(pause).ok();
        }
    }

    /// Marks the e-mail of a job that has ended, if it is one of these and its e-mail still waits. Flows don't run on that; waits see it.
    pub(super) fn settle_mail(&mut self, job: &Job) -> Result<(), StoreError> {
        if job.kind != Kind::Mail {
            return Ok(());
        }
        let name = match job.status {
            Status::Succeeded => outbox::SENT,
            Status::Canceled => outbox::CANCELED,
            _ => outbox::FAILED,
        };
        let (Some(entity), Some((status, state))) = (self.outbox(), outbox::status(&self.schema, name)) else { return Ok(()) };
        let record = Reference { entity, id: job.record.1 };
        if !self.waiting_mail_of(Some(record.id))?.contains(&record) {
            return Ok(());
        }
        let mut values = vec![
            (system::STATUS, Value::Choice(status)),
            (system::STATE, Value::Choice(state)),
            (system::MODIFIED_ON, Value::DateTime(self.now)),
        ];
        if job.status == Status::Succeeded {
            values.push((outbox::SENT_ON, Value::DateTime(self.now)));
        }
        let mut row = self.row_of(entity, &values);
        let written = row.present().clone();
        row.set(PRIMARY_KEY, Value::Uuid(record.id));
        self.store.update(entity, std::slice::from_ref(&row))?;
        self.wake(record, Some(&written)).map_err(|interrupt| StoreError::Failed(into_fault(interrupt).message))
    }

    fn waiting_mail(&mut self) -> Result<Vec<Reference>, StoreError> {
        self.waiting_mail_of(None)
    }

    /// The e-mails that wait to be sent: all, or the one of an id if it does.
    fn waiting_mail_of(&mut self, id: Option<Uuid>) -> Result<Vec<Reference>, StoreError> {
        let pending = outbox::status(&self.schema, outbox::PENDING);
        let (Some(entity), Some((code, _))) = (self.outbox(), pending) else { return Ok(Vec::new()) };
        let Some(status) = self.column(entity, system::STATUS) else { return Ok(Vec::new()) };
        let mut selection = Selection::all(entity).with(status, Value::Choice(code));
        if let Some(id) = id {
            selection = selection.with(PRIMARY_KEY, Value::Uuid(id));
        }
        Ok(self.store.select(&selection, &FieldSet::default())?.into_iter().map(|(id, _)| Reference { entity, id }).collect())
    }

    /// The e-mails that jobs are there to send.
    fn queued_mail(&mut self) -> Result<rustc_hash::FxHashSet<Uuid>, StoreError> {
        let entity = self.jobs_entity()?;
        let slot = |name| self.column(entity, name);
        let (Some(state), Some(kind), Some(record)) = (slot(system::STATE), slot(columns::KIND), slot(columns::RECORD_ID)) else {
            return Ok(Default::default());
        };
        let mut found = rustc_hash::FxHashSet::default();
        for one in [State::Ready, State::Suspended, State::Locked] {
            let selection = Selection::all(entity).with(state, Value::Choice(one as i32)).with(kind, Value::Choice(Kind::Mail as i32));
            let rows = self.store.select(&selection, &[record].into_iter().collect())?;
            found.extend(rows.iter().filter_map(|(_, row)| if let Some(Value::Uuid(id)) = row.get(record) { Some(*id) } else { None }));
        }
        Ok(found)
    }
}
