//! What a record consists of, as it is written: plain values, of which nothing is taken for granted when they are read.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::diagnostic::Code;
use crate::pipeline::{CallError, Ending, Limits, Operation, Outcome, Permission, Settings};
use crate::schema::{Row, Schema};
use crate::source::Span;
use crate::store::record::{Answer, Asked, Values, values};
use crate::value::{EntityId, Reference, Uuid, Value};
use crate::vm::Fault;

/// A frame.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Frame {
    /// The first: what ran, and how.
    Head { program: Vec<u8>, settings: Recorded },
    /// An operation begins. What follows is part of it until `End`.
    Begin { operation: Wire, acting: Reference, now: Timestamp, began: Duration, within: bool },
    /// The store was asked something.
    Store(Asked, Answer),
    /// A new id.
    Id(Uuid),
    /// What the stopwatch showed.
    Time(Duration),
    /// Code outside was called.
    Outside { called: String, request: String, answer: Result<String, CallError> },
    /// The operation has ended.
    End(Ended),
}

/// The settings that an outcome depends on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Recorded {
    zone: String,
    url: String,
    max_depth: u32,
    max_runs: u32,
    max_time: Duration,
    max_memory: u64,
    max_instructions: u64,
    max_loop_records: u64,
    commands: Vec<String>,
    hosts: Vec<String>,
    call_time: Duration,
    call_bytes: u64,
    queues_mail: bool,
}

impl Recorded {
    /// Those of a run; none where its time zone has no name.
    pub fn of(settings: &Settings) -> Option<Self> {
        Some(Recorded {
            zone: settings.zone.iana_name()?.to_owned(),
            url: settings.url.clone(),
            max_depth: settings.max_depth,
            max_runs: settings.max_runs,
            max_time: settings.max_time,
            max_memory: settings.max_memory,
            max_instructions: settings.max_instructions,
            max_loop_records: settings.max_loop_records,
            commands: settings.permission.commands.clone(),
            hosts: settings.permission.hosts.clone(),
            call_time: settings.limits.time,
            call_bytes: settings.limits.bytes as u64,
            queues_mail: settings.queues_mail,
        })
    }

    /// Settings with these; none where this machine doesn't know the time zone.
    pub fn apply(&self, settings: Settings) -> Option<Settings> {
        Some(Settings {
            zone: TimeZone::get(&self.zone).ok()?,
            url: self.url.clone(),
            // A chain of operations has to fit the stack, whatever a file says.
            max_depth: self.max_depth.min(settings.max_depth),
            max_runs: self.max_runs,
            max_time: self.max_time,
            max_memory: self.max_memory,
            max_instructions: self.max_instructions,
            max_loop_records: self.max_loop_records,
            permission: Permission { commands: self.commands.clone(), hosts: self.hosts.clone() },
            limits: Limits { time: self.call_time, bytes: usize::try_from(self.call_bytes).unwrap_or(usize::MAX) },
            queues_mail: self.queues_mail,
            ..settings
        })
    }
}

/// An operation, with the key that names its record where one does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Wire {
    key: Option<Values>,
    what: What,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum What {
    Create(EntityId, Values),
    Update(Reference, Values),
    Delete(Reference),
    Upsert(EntityId, Values, Values),
    CreateMultiple(EntityId, Vec<Values>),
    UpdateMultiple(EntityId, Vec<Values>),
    Run(SmolStr, Reference, Vec<Value>),
    Perform(SmolStr, Option<Reference>, Vec<Value>),
    Start(SmolStr, Reference, Vec<Value>),
}

impl Wire {
    /// Of an operation; none where a key names a record by a key.
    pub fn of(operation: &Operation) -> Option<Self> {
        let all = |rows: &[Row]| rows.iter().map(values).collect();
        let what = match operation {
            Operation::Keyed { key, operation } => {
                let inner = Wire::of(operation).filter(|inner| inner.key.is_none())?;
                return Some(Wire { key: Some(values(key)), ..inner });
            }
            Operation::Create { entity, values: row } => What::Create(*entity, values(row)),
            Operation::Update { record, values: row } => What::Update(*record, values(row)),
            Operation::Delete { record } => What::Delete(*record),
            Operation::Upsert { entity, key, values: row } => What::Upsert(*entity, values(key), values(row)),
            Operation::CreateMultiple { entity, targets } => What::CreateMultiple(*entity, all(targets)),
            Operation::UpdateMultiple { entity, targets } => What::UpdateMultiple(*entity, all(targets)),
            Operation::Run { flow, record, inputs } => What::Run(flow.clone(), *record, inputs.clone()),
            Operation::Perform { action, record, inputs } => What::Perform(action.clone(), *record, inputs.clone()),
            Operation::Start { flow, record, inputs } => What::Start(flow.clone(), *record, inputs.clone()),
        };
        Some(Wire { key: None, what })
    }

    /// The operation, where every field that it names is there.
    pub fn operation(self, schema: &Schema) -> Option<Operation> {
        let row = |entity: EntityId, values: Values| -> Option<Row> {
            let entity = schema.entity(entity)?;
            values.iter().all(|(slot, _)| entity.field(*slot).is_some()).then(|| values.into_iter().collect())
        };
        let all = |entity, rows: Vec<Values>| rows.into_iter().map(|values| row(entity, values)).collect::<Option<Vec<Row>>>();
        let (operation, entity) = match self.what {
            What::Create(entity, values) => (Operation::Create { entity, values: row(entity, values)? }, Some(entity)),
            What::Update(record, values) => (Operation::Update { record, values: row(record.entity, values)? }, Some(record.entity)),
            What::Delete(record) => (Operation::Delete { record }, Some(record.entity)),
            What::Upsert(entity, key, values) => {
                (Operation::Upsert { entity, key: row(entity, key)?, values: row(entity, values)? }, Some(entity))
            }
            What::CreateMultiple(entity, targets) => (Operation::CreateMultiple { entity, targets: all(entity, targets)? }, None),
            What::UpdateMultiple(entity, targets) => (Operation::UpdateMultiple { entity, targets: all(entity, targets)? }, None),
            What::Run(flow, record, inputs) => (Operation::Run { flow, record, inputs }, Some(record.entity)),
            What::Perform(action, record, inputs) => (Operation::Perform { action, record, inputs }, record.map(|record| record.entity)),
            What::Start(flow, record, inputs) => (Operation::Start { flow, record, inputs }, Some(record.entity)),
        };
        match self.key {
            None => Some(operation),
            Some(key) => Some(Operation::Keyed { key: row(entity?, key)?, operation: Box::new(operation) }),
        }
    }
}

/// An outcome without its trace, which a replay gives again.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ended {
    ending: HowEnded,
    record: Option<Reference>,
    records: Vec<Reference>,
    outputs: Vec<Value>,
    kept: u32,
    ran: Vec<SmolStr>,
    queued: Vec<SmolStr>,
    depth: u32,
}

#[derive(Debug, Serialize, Deserialize)]
enum HowEnded {
    Committed,
    Stopped(SmolStr, SmolStr),
    Fault(String, String, Option<Span>, Vec<SmolStr>),
}

impl Ended {
    /// Of an outcome.
    pub fn of(outcome: &Outcome) -> Self {
        let ending = match &outcome.ending {
            Ending::Committed => HowEnded::Committed,
            Ending::Stopped { flow, reason } => HowEnded::Stopped(flow.clone(), reason.clone()),
            Ending::Fault(Fault { code, message, span, chain }) => {
                HowEnded::Fault(code.name().to_owned(), message.clone(), *span, chain.clone())
            }
        };
        let Outcome { record, records, outputs, kept, ran, queued, depth, .. } = outcome.clone();
        Ended { ending, record, records, outputs, kept, ran, queued, depth }
    }

    /// The outcome; none where its fault has a code that there isn't.
    pub fn outcome(self) -> Option<Outcome> {
        let ending = match self.ending {
            HowEnded::Committed => Ending::Committed,
            HowEnded::Stopped(flow, reason) => Ending::Stopped { flow, reason },
            HowEnded::Fault(code, message, span, chain) => Ending::Fault(Fault { code: Code::find(&code)?, message, span, chain }),
        };
        let Ended { record, records, outputs, kept, ran, queued, depth, .. } = self;
        Some(Outcome { ending, record, records, outputs, kept, ran, queued, depth, trace: Vec::new() })
    }
}
