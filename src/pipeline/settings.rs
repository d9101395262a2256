//! What a pipeline takes from outside: clock, ids, time zone and limits.
//!
//! Nothing in here asks the machine: a run with the same settings, store and operations gives the same outcome to the
//! last id. The settings of production, with the system's clock, are made where the world is allowed in (`project`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::count::Counter;
use super::external::{Callbacks, Limits, Outside, Permission};
use super::mail::Mailer;
use super::operation::{Operation, Outcome};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use smol_str::SmolStr;

use crate::source::Sources;
use crate::value::{Reference, Uuid};

/// Tells the time; asked once at the start of each outermost operation.
pub type Clock = Box<dyn FnMut() -> Timestamp + Send>;

/// Tells how much time has passed since some moment: it never goes back, whatever the clock does.
pub type Stopwatch = Box<dyn FnMut() -> Duration + Send>;

/// Gives ids to new records (uuid version 7), a new one at every call.
pub type Ids = Box<dyn FnMut() -> Uuid + Send>;

/// How many instructions a nested write or a query counts as: about what it costs, so that the budget bounds time and memory too.
pub const NESTED_COST: u64 = 100;

/// How a pipeline runs.
pub struct Settings {
    /// The organisation's time zone.
    pub zone: TimeZone,
    /// The texts of the flows, which tell where in them a run failed; empty where nobody has them.
    pub sources: Arc<Sources>,
    /// What of the flows is deployed in the store.
    pub deployed: Arc<Deployment>,
    /// Where people see records: what the address of each begins with, without a `/` at its end.
    pub url: String,
    /// Tells the time.
    pub clock: Clock,
    /// Gives ids.
    pub ids: Ids,
    /// Measures how long things take.
    pub stopwatch: Stopwatch,
    /// How deep operations may nest.
    pub max_depth: u32,
    /// How often a flow or plug-in may run on one record because of itself, straight or through others.
    pub max_runs: u32,
    /// How long an outermost operation may take. It is looked at before every step and every write, so it can take as long
    /// longer as one of those does.
    pub max_time: Duration,
    /// How many bytes of texts and of records that a query gave a run may hold.
    pub max_memory: u64,
    /// How many instructions the flows of one outermost operation may run, all together; each write and each query counts as
    /// [`NESTED_COST`] of them.
    pub max_instructions: u64,
    /// How many records a `for each` without a limit may go through.
    pub max_loop_records: u64,
    /// Ends the operation that runs, where somebody sets it: fault F29, and nothing of the operation is kept. Looked at where the time is.
    pub interrupt: Option<Arc<AtomicBool>>,
    /// Whether outcomes tell what happened, entry by entry.
    pub trace: bool,
    /// Takes what flows and actions did, run by run; nothing is counted without one.
    pub counter: Option<Counter>,
    /// Which code outside may be called by commands and webhooks; nothing where nobody says.
    pub permission: Permission,
    /// Who may be told that a background operation has ended.
    pub callbacks: Callbacks,
    /// How long one call of code outside may take, and how much it may answer.
    pub limits: Limits,
    /// Calls code outside; without it nothing can be called, whatever is permitted.
    pub outside: Option<Box<dyn Outside>>,
    /// Whether an e-mail that becomes ready to be sent also becomes a system job, which sends it; else it waits in the outbox.
    pub queues_mail: bool,
    /// Takes the e-mails that jobs send; without it they stay jobs that wait.
    pub mailer: Option<Box<dyn Mailer>>,
    /// Is told of each outermost operation; nobody, as a rule.
    pub recorder: Option<Box<dyn Recorder>>,
}

/// Wants to know which outermost operations there are, and what becomes of them. Everything else that an operation depends on can be
/// heard at the store and at these settings.
pub trait Recorder: Send {
    /// An operation begins, as this user, at this time (and the stopwatch shows that), `within` a longer transaction or by itself.
    fn begins(&mut self, operation: &Operation, acting: Reference, times: (Timestamp, Duration), within: bool);

    /// It has ended.
    fn ended(&mut self, outcome: &Outcome);
}

/// What a store says of the flows that run from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deployment {
    /// The activations of the flows and plug-ins, by name: a job goes on in the one that it started with.
    pub activations: BTreeMap<SmolStr, Uuid>,
    /// The entities and fields, by name, that jobs of earlier activations may wait for.
    pub awaited: BTreeSet<(SmolStr, SmolStr)>,
}

impl Settings {
    /// For tests: the clock stands at 2026-01-01T00:00:00Z, ids count from 1, the zone is UTC.
    pub fn fixed() -> Self {
        let mut last = 0;
        let ids = move || {
            last += 1;
            counted_id(last)
        };
        Settings::with(Box::new(|| START), Box::new(ids))
    }

    /// The usual limits with a clock and a source of ids. No time passes: set a stopwatch for that.
    pub fn with(clock: Clock, ids: Ids) -> Self {
        Settings {
            zone: TimeZone::UTC,
            sources: Arc::default(),
            deployed: Arc::default(),
            url: String::new(),
            clock,
            ids,
            stopwatch: Box::new(|| Duration::ZERO),
            max_depth: 8,
            max_runs: 16,
            max_time: Duration::from_secs(120),
            max_memory: 64 << 20,
            max_instructions: 10_000_000,
            max_loop_records: 5_000,
            interrupt: None,
            trace: false,
            counter: None,
            permission: Permission::default(),
            callbacks: Callbacks::default(),
            limits: Limits::default(),
            outside: None,
            queues_mail: false,
            mailer: None,
            recorder: None,
        }
    }

    /// The same, with a trace.
    pub fn traced(mut self) -> Self {
        self.trace = true;
        self
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("max_depth", &self.max_depth)
            .field("max_runs", &self.max_runs)
            .field("max_time", &self.max_time)
            .field("max_memory", &self.max_memory)
            .field("max_instructions", &self.max_instructions)
            .field("max_loop_records", &self.max_loop_records)
            .field("trace", &self.trace)
            .finish_non_exhaustive()
    }
}

/// 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// The id of version 7 with this number behind the instant at which tests stand.
fn counted_id(number: u64) -> Uuid {
    let mut random = [0; 10];
    if let Some(tail) = random.last_chunk_mut() {
        *tail = number.to_be_bytes();
    }
    uuid::Builder::from_unix_timestamp_millis(START.as_millisecond().unsigned_abs(), &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_settings_repeat() {
        let (mut one, mut two) = (Settings::fixed(), Settings::fixed());
        let ids: Vec<_> = (0..3).map(|_| (one.ids)()).collect();
        assert_eq!(ids, (0..3).map(|_| (two.ids)()).collect::<Vec<_>>());
        assert!(ids.is_sorted());
        assert_eq!(ids[0].get_version_num(), 7);
        assert_eq!((one.clock)().to_string(), "2026-01-01T00:00:00Z");
    }
}
