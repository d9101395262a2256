//! Jobs in a test or scenario: run by the same code as a worker's, at a time that is moved by hand.

use crate::check::ir;
use crate::jobs;
use crate::pipeline::Job;
use crate::schema::jobs::Status;
use crate::source::Span;
use crate::store::StoreError;
use crate::value::Value;

use super::{Event, EventKind, Failure, Run, failure, faulted};

impl Run<'_> {
    pub(super) fn run_jobs(&mut self, span: Span) -> Result<(), Failure> {
        self.settle()?;
        if self.pipeline.is_open() {
            return Err(failure(span, "jobs run once the transaction is kept: `:commit` or `:rollback` comes first"));
        }
        let ran = jobs::run_due(self.pipeline).map_err(|error| broken(span, &error))?;
        self.tell_jobs(ran, span);
        Ok(())
    }

    /// Moves the clock on, from due time to due time.
    pub(super) fn advance(&mut self, moment: &ir::Expr) -> Result<(), Failure> {
        self.settle()?;
        let Value::DateTime(then) = self.known(moment)? else { return Err(failure(moment.span, "the clock goes only forward")) };
        if self.pipeline.is_open() {
            // At a prompt: what the transaction has queued can't run before it is kept, but time passes.
            return if self.pipeline.advance_to(then) { Ok(()) } else { Err(failure(moment.span, "the clock goes only forward")) };
        }
        match jobs::advance(self.pipeline, then).map_err(|error| broken(moment.span, &error))? {
            Some(ran) => {
                self.tell_jobs(ran, moment.span);
                Ok(())
            }
            None => Err(failure(moment.span, "the clock goes only forward")),
        }
    }

    pub(super) fn expect_job(&mut self, name: &str, status: Status, message: Option<&ir::Expr>, span: Span) -> Result<(), Failure> {
        let expected = message.map(|message| self.known(message)).transpose()?;
        let jobs = self.pipeline.jobs_of(name).map_err(|fault| faulted(span, &fault))?;
        let Some(job) = jobs.last() else { return Err(failure(span, format!("`{name}` has no job"))) };
        let said = job.message.clone().unwrap_or_default();
        if job.status != status {
            let found = match job.status {
                Status::WaitingForResources => failure(span, format!("the job of `{name}` is ready, and hasn't run"))
                    .note("`run jobs` runs what is due, and `advance 3 days` what becomes due on the way".to_owned()),
                status => failure(span, format!("the job of `{name}` is {}", status.label().to_lowercase())),
            };
            return Err(if said.is_empty() { found } else { found.note(format!("message: `{said}`")) });
        }
        match expected {
            Some(Value::Text(expected)) if expected != said => Err(failure(span, format!("the job of `{name}` says something else"))
                .note(format!("expected: `{expected}`"))
                .note(format!("message:  `{said}`"))),
            _ => Ok(()),
        }
    }

    fn tell_jobs(&mut self, ran: Vec<Job>, span: Span) {
        self.events.extend(ran.into_iter().map(|job| Event { kind: EventKind::Job(Box::new(job)), span }));
    }
}

fn broken(span: Span, error: &StoreError) -> Failure {
    failure(span, format!("{}: {error}", crate::diagnostic::Code::F11.name()))
}
