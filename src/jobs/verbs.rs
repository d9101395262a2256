//! What people do with jobs: end them, put them aside, let them go on, put them off. What can be done in which state is the platform's
//! table (`pipeline/jobs/states.rs`).

use jiff::Timestamp;
use smol_str::SmolStr;
use thiserror::Error;

use crate::pipeline::{Job, Pipeline, Turn};
use crate::store::StoreError;
use crate::value::{Reference, Uuid};

/// What somebody does with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Ends it. A job that a worker has ends after its step.
    Cancel,
    /// Puts it aside until somebody lets it go on. A job that a worker has pauses after its step.
    Pause,
    /// Lets it go on: at a wait, what that waits for is looked at again.
    Resume,
    /// Puts it off until a moment.
    Postpone(Timestamp),
}

/// Why nothing was done with a job.
#[derive(Debug, Error)]
pub enum Refused {
    /// There is no such job.
    #[error("there is no job {0}")]
    Unknown(Uuid),
    /// It is in a state in which this can't be done.
    #[error("a job that is {state} can't be {1}", state = .0.status.label().to_lowercase())]
    State(Box<Job>, &'static str),
    /// Only its owner and the system administrator may do that.
    #[error("the job belongs to somebody else")]
    Owner,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A job, for a user who may see it: those that run as them, and the system administrator all.
pub fn look(pipeline: &mut Pipeline, id: Uuid, user: Option<Reference>) -> Result<Job, Refused> {
    let job = pipeline.job(id).map_err(|fault| StoreError::Failed(fault.message))?.ok_or(Refused::Unknown(id))?;
    match user {
        Some(user) if user != pipeline.administrator() && user != job.owner => Err(Refused::Owner),
        _ => Ok(job),
    }
}

/// Does something with a job, as a user; gives the job as it is then.
pub fn turn(pipeline: &mut Pipeline, id: Uuid, verb: Verb, user: Option<(Reference, &str)>) -> Result<Job, Refused> {
    look(pipeline, id, user.map(|(user, _)| user))?;
    let by = user.map_or(crate::pipeline::ADMINISTRATOR_NAME, |(_, name)| name);
    let (turn, until, done) = match verb {
        Verb::Cancel => (Turn::Cancel, None, "canceled"),
        Verb::Pause => (Turn::Pause, None, "paused"),
        Verb::Resume => (Turn::Resume, None, "resumed"),
        Verb::Postpone(until) => (Turn::Postpone, Some(until), "postponed"),
    };
    let message: SmolStr = format!("{done} by {by}").into();
    match pipeline.turn_job(id, turn, until, Some(message))? {
        Some(Ok(job)) => Ok(job),
        Some(Err(job)) => Err(Refused::State(Box::new(job), done)),
        None => Err(Refused::Unknown(id)),
    }
}
