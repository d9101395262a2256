//! System jobs as they are stored: the names of their columns, and the platform's one table of states and status reasons.

/// The entity of system jobs.
pub const ENTITY: &str = "asyncoperation";

/// The entity of what waiting jobs wait for: that a field of a record changes.
pub const SUBSCRIPTIONS: &str = "asyncoperationsubscription";

/// The entity of what the steps of jobs did.
pub const LOG: &str = "workflowlog";

/// The entity of what background operations do: some operations a record.
pub const CHUNKS: &str = "asyncoperationchunk";

/// Whether only the platform writes the records of an entity.
pub fn are_in(entity: &str) -> bool {
    [ENTITY, SUBSCRIPTIONS, LOG, CHUNKS].contains(&entity)
}

/// Names of the columns of a job, of a subscription and of the log of a step.
pub mod columns {
    /// The flow or plug-in.
    pub const NAME: &str = "name";
    /// What it is: a [`super::Kind`].
    pub const KIND: &str = "operationtype";
    /// The activation that it started with, where its flow is deployed.
    pub const ACTIVATION: &str = "workflowactivationid";
    /// The name of its record's entity.
    pub const RECORD_ENTITY: &str = "recordentity";
    /// The id of its record.
    pub const RECORD_ID: &str = "recordid";
    /// How deep the operation was nested that queued it.
    pub const DEPTH: &str = "depth";
    /// What it has in common with all that led to it.
    pub const CORRELATION: &str = "correlationid";
    /// Jobs with the same one run one after the other, in the order of their ids. Empty where a job is by itself, and once it has ended.
    pub const TOKEN: &str = "dependencytoken";
    /// How often it was tried again.
    pub const RETRIES: &str = "retrycount";
    /// How many steps it has taken so far, as far as they are worth a row of the log.
    pub const STEPS: &str = "stepcount";
    /// Until when somebody has put it off.
    pub const POSTPONED: &str = "postponeuntil";
    /// From when on it can be taken up: a ready job since it became so, a waiting one at its moment, a locked one once its
    /// worker has been silent for too long. Empty where no time alone brings it on.
    pub const DUE: &str = "dueon";
    /// The worker that has it.
    pub const WORKER: &str = "hostid";
    /// When it ran for the first time.
    pub const STARTED: &str = "startedon";
    /// When it ended.
    pub const COMPLETED: &str = "completedon";
    /// What came of it, in a line.
    pub const MESSAGE: &str = "message";
    /// The event and the inputs that it started with.
    pub const DATA: &str = "data";
    /// The code of what it failed with.
    pub const ERROR_CODE: &str = "errorcode";
    /// Of a background operation, how far it is, and who is to be told of its end.
    pub const PROGRESS: &str = "progress";
    /// Where it stands in its flow, with its values.
    pub const POSITION: &str = "position";
    /// The records that its loops go through.
    pub const RECORDS: &str = "loops";
    /// Of a subscription, of a step and of a chunk: its job.
    pub const JOB: &str = "asyncoperationid";
    /// Of a subscription: the field, with its entity before it.
    pub const FIELD: &str = "field";
    /// Of a step: which of its job it is, from 1; of a chunk, from 0.
    pub const NUMBER: &str = "number";
    /// Of a step: the titles of the groups of statements that it is in, outermost first.
    pub const STEP: &str = "stepname";
    /// Of a step: what its statement does, such as `create note`.
    pub const ACTIVITY: &str = "activityname";
    /// Of a step: where its statement stands, where the text is at hand.
    pub const LOCATION: &str = "location";
    /// Of a step: what came of it, an [`super::Outcome`].
    pub const RESULT: &str = "result";
    /// Of a chunk: its operations, one a line.
    pub const OPERATIONS: &str = "operations";
    /// Of a chunk: what came of them, one a line.
    pub const RESULTS: &str = "results";
}

/// What came of a step, with the platform's code. A step is logged when it is over, so that none is in progress (1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it says.
    Succeeded = 2,
    /// It failed, and nothing of it was kept; its message says why.
    Failed = 3,
    /// The job was stopped there.
    Canceled = 4,
    /// The job waits there.
    Waiting = 5,
}

impl Outcome {
    /// The outcome of a code.
    pub fn of(code: i32) -> Option<Outcome> {
        use Outcome::{Canceled, Failed, Succeeded, Waiting};
        [Succeeded, Failed, Canceled, Waiting].into_iter().find(|outcome| *outcome as i32 == code)
    }

    /// As it is written in a flow.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Succeeded => "succeeded",
            Outcome::Failed => "failed",
            Outcome::Canceled => "canceled",
            Outcome::Waiting => "waiting",
        }
    }
}

/// What a job runs, with the platform's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A plug-in.
    Plugin = 1,
    /// A flow.
    Flow = 10,
    /// The sending of an e-mail, which is its record.
    Mail = 50,
    /// A background operation: operations that somebody has handed in. The platform keeps these in a table of their own, where they
    /// need no code; this is its code for a request that runs as a system job.
    BackgroundOperation = 54,
    /// What tells somebody that a background operation has ended. The platform has no job for it; its own codes end below this one.
    Callback = 100_000_000,
}

impl Kind {
    /// As people see it.
    pub fn label(self) -> &'static str {
        match self {
            Kind::Plugin => "plug-in",
            Kind::Flow => "flow",
            Kind::Mail => "job of",
            Kind::BackgroundOperation => "background",
            Kind::Callback => "callback",
        }
    }

    /// The kind of a code.
    pub fn of(code: i32) -> Option<Kind> {
        let all = [Kind::Plugin, Kind::Flow, Kind::Mail, Kind::BackgroundOperation, Kind::Callback];
        all.into_iter().find(|kind| *kind as i32 == code)
    }
}

/// A state, with the platform's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for a worker.
    Ready = 0,
    /// It waits for time or for a change, and no worker has it.
    Suspended = 1,
    /// A worker has it.
    Locked = 2,
    /// It has ended.
    Completed = 3,
}

impl State {
    /// All of them.
    pub const ALL: [State; 4] = [State::Ready, State::Suspended, State::Locked, State::Completed];

    /// As it is written in a flow, which is also how people see it but for its capital.
    pub fn name(self) -> &'static str {
        match self {
            State::Ready => "ready",
            State::Suspended => "suspended",
            State::Locked => "locked",
            State::Completed => "completed",
        }
    }
}

macro_rules! statuses {
    ($($(#[doc = $doc:literal])+ $status:ident = $code:literal $state:ident $name:ident $label:literal)*) => {
        /// A status reason, with the platform's code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Status { $($(#[doc = $doc])+ $status = $code,)* }

        impl Status {
            /// All of them.
            pub const ALL: &[Status] = &[$(Status::$status),*];

            /// The state that it belongs to.
            pub fn state(self) -> State {
                match self { $(Status::$status => State::$state,)* }
            }

            /// As it is written in a flow.
            pub fn name(self) -> &'static str {
                match self { $(Status::$status => stringify!($name),)* }
            }

            /// As people see it.
            pub fn label(self) -> &'static str {
                match self { $(Status::$status => $label,)* }
            }

            /// The status reason of a code.
            pub fn of(code: i32) -> Option<Status> {
                match code { $($code => Some(Status::$status),)* _ => None }
            }
        }
    };
}

/// The words in which a test says how a job stands. Those for what a worker does with it just now can't be met: no worker is at work while a
/// test looks.
pub const EXPECTED: [(&str, Status); 5] = [
    ("succeeded", Status::Succeeded),
    ("failed", Status::Failed),
    ("canceled", Status::Canceled),
    ("waiting", Status::Waiting),
    ("ready", Status::WaitingForResources),
];

statuses! {
    /// A worker can take it up.
    WaitingForResources = 0 Ready waitingforresources "Waiting for resources"
    /// It waits for its moment, for a change, or for somebody to let it go on.
    Waiting = 10 Suspended waiting "Waiting"
    /// A worker runs it.
    InProgress = 20 Locked inprogress "In progress"
    /// Its worker is to put it aside after its step.
    Pausing = 21 Locked pausing "Pausing"
    /// Its worker is to end it after its step.
    Canceling = 22 Locked canceling "Canceling"
    /// It came to its end.
    Succeeded = 30 Completed succeeded "Succeeded"
    /// It failed; its message says why.
    Failed = 31 Completed failed "Failed"
    /// Its flow stopped it, or somebody did.
    Canceled = 32 Completed canceled "Canceled"
}
