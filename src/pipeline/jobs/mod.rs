//! System jobs as rows of the built-in `asyncoperation`: written in the transaction of what caused them, taken up by a worker, taken one
//! step further in a transaction of their own, and ended. Which job is taken up when, and by whom, is decided above (`jobs`).
//!
//! Invariants: the effect of a step and the job's new position are one transaction; a worker writes nothing of a job that it no
//! longer holds, which is looked at in that same transaction. So a step is done once, whatever ends a worker in the middle.

mod again;
mod around;
mod background;
mod callback;
mod calls;
mod chunk;
mod claim;
mod damaged;
mod forget;
mod host;
mod log;
mod mail;
mod outside;
mod queue;
mod recall;
mod row;
mod serial;
mod states;
mod step;
mod waiting;
mod waits;
mod wire;

use jiff::Timestamp;
use smol_str::SmolStr;

use crate::schema::jobs::{Kind, Status};
use crate::value::{Reference, Uuid};

pub use around::Around;
pub use background::{Background, Batch, DEFAULT_CHUNK, Intake, LONGEST_OPERATION, Unqueued};
pub(super) use calls::Calls;
pub(crate) use claim::Seen;
pub use claim::Share;
pub use forget::{Keep, Sweep};
pub use log::LoggedStep;
pub(super) use queue::Asked;
pub(crate) use recall::Position;
pub(super) use recall::Recall;
pub use row::{JobStage, WantedJobs};
pub(crate) use states::Turn;
pub(crate) use step::{Progress, Text, Work};
pub(crate) use waiting::Unfinished;
pub use wire::OperationResult;

/// A system job as its row tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its row.
    pub id: Uuid,
    /// The flow or plug-in, or what the first operation of a background operation does.
    pub name: SmolStr,
    /// What it runs.
    pub kind: Kind,
    /// The activation that it started with, where its flow is deployed.
    pub activation: Option<Uuid>,
    /// The entity and the id of its record, which may be gone.
    pub record: (SmolStr, Uuid),
    /// As whom it runs.
    pub owner: Reference,
    /// Who caused it.
    pub caller: Reference,
    /// How deep the operation was nested that queued it.
    pub depth: u32,
    /// What it has in common with all that led to it.
    pub correlation: Uuid,
    /// Where it is in its life.
    pub status: Status,
    /// What it has in common with the jobs that run one after the other with it; nothing where it is by itself.
    pub token: Option<SmolStr>,
    /// How often it was tried again.
    pub retries: u32,
    /// How many steps it has taken so far, failed ones included; what came of them is in [`Pipeline::job_log`](super::Pipeline::job_log).
    pub steps: u32,
    /// Until when somebody has put it off.
    pub postponed: Option<Timestamp>,
    /// From when on it can be taken up; nothing where no time alone brings it on.
    pub due: Option<Timestamp>,
    /// The worker that has it.
    pub worker: Option<SmolStr>,
    /// When it was queued.
    pub created: Timestamp,
    /// When it ran for the first time.
    pub started: Option<Timestamp>,
    /// When it was last written.
    pub modified: Timestamp,
    /// When it ended.
    pub completed: Option<Timestamp>,
    /// What came of it, in a line.
    pub message: Option<SmolStr>,
    /// The code of the fault that it failed with; `stopped` where a flow stopped an operation of it.
    pub error_code: Option<SmolStr>,
    /// Of a background operation, how far it is; nothing before all of it was handed in.
    pub batch: Option<Batch>,
    /// The event and the inputs that it started with, as [`Recall`] writes them.
    pub(super) data: SmolStr,
    /// Where it stands; nothing before its first step.
    pub(crate) position: Option<Position>,
}

/// How long a job may sit idle before what it does no longer counts as nested in what led to it.
const IDLE: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);
