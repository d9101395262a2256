//! What goes into the pipeline and what comes out.

use smol_str::SmolStr;

use crate::schema::Row;
use crate::value::{EntityId, Reference, Value};
use crate::vm::Fault;

use super::happening::TraceEntry;

/// A message to the pipeline.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// A new record; the row may hold its primary key.
    Create {
        /// Its entity.
        entity: EntityId,
        /// The submitted fields.
        values: Row,
    },
    /// A change of a record.
    Update {
        /// Which.
        record: Reference,
        /// The submitted fields.
        values: Row,
    },
    /// The end of a record.
    Delete {
        /// Which.
        record: Reference,
    },
    /// A change of the record that has a key, or a new one where none has it.
    Upsert {
        /// Its entity.
        entity: EntityId,
        /// The primary key, or exactly the fields of an alternate key; none of them empty.
        key: Row,
        /// The submitted fields.
        values: Row,
    },
    /// New records, one by one and each through all stages, all or nothing.
    CreateMultiple {
        /// Their entity.
        entity: EntityId,
        /// The submitted fields of each.
        targets: Vec<Row>,
    },
    /// Changes of records, one by one and each through all stages, all or nothing.
    UpdateMultiple {
        /// Their entity.
        entity: EntityId,
        /// The submitted fields of each; its primary key says which record is meant.
        targets: Vec<Row>,
    },
    /// An operation on the record that a key names; fault F17 where there is none.
    Keyed {
        /// The primary key, or exactly the fields of an alternate key; none of them empty.
        key: Row,
        /// What is done. Of its record the entity counts; the id comes from the key.
        operation: Box<Operation>,
    },
    /// A flow on demand.
    Run {
        /// Its name.
        flow: SmolStr,
        /// The record that it runs on.
        record: Reference,
        /// What it is given, by position of its inputs; those that are left out are empty.
        inputs: Vec<Value>,
    },
    /// An action.
    Perform {
        /// Its name.
        action: SmolStr,
        /// The record that it is on; a global action has none.
        record: Option<Reference>,
        /// What it is given, by position of its inputs; those that are left out are empty.
        inputs: Vec<Value>,
    },
    /// A child flow, begun by hand.
    Start {
        /// Its name.
        flow: SmolStr,
        /// The record that it runs on.
        record: Reference,
        /// What it is given, by position of its inputs; those that are left out are empty.
        inputs: Vec<Value>,
    },
}

impl Operation {
    /// The one record that it is on, where that is there before it.
    pub fn record_mut(&mut self) -> Option<&mut Reference> {
        match self {
            Operation::Update { record, .. }
            | Operation::Delete { record }
            | Operation::Run { record, .. }
            | Operation::Start { record, .. } => Some(record),
            Operation::Perform { record, .. } => record.as_mut(),
            Operation::Keyed { operation, .. } => operation.record_mut(),
            Operation::Create { .. } | Operation::Upsert { .. } | Operation::CreateMultiple { .. } | Operation::UpdateMultiple { .. } => {
                None
            }
        }
    }

    /// Whether what it ends in is one record: not that of a global action, and not that of a multiple operation.
    pub(super) fn is_about_a_record(&self) -> bool {
        !matches!(self, Operation::Perform { record: None, .. } | Operation::CreateMultiple { .. } | Operation::UpdateMultiple { .. })
    }
}

/// The kinds of operations that are events of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Message {
    /// A new record.
    Create,
    /// A change of a record.
    Update,
    /// The end of a record.
    Delete,
}

impl Message {
    /// As people write it: `Create`.
    pub fn name(self) -> &'static str {
        match self {
            Message::Create => "Create",
            Message::Update => "Update",
            Message::Delete => "Delete",
        }
    }
}

/// What became of an outermost operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// The record, where it was committed (of a delete: the one that was).
    pub record: Option<Reference>,
    /// The records of a multiple operation, in order, where it was committed.
    pub records: Vec<Reference>,
    /// What an action gave, by position of its outputs; nothing where it wasn't committed.
    pub outputs: Vec<Value>,
    /// How many steps of an action with `rollback off`, and writes of plug-ins at stage 10, were kept by themselves, whatever came after them.
    pub kept: u32,
    /// The names of the flows, actions and plug-ins that ran, in the order in which they began, nested ones included.
    pub ran: Vec<SmolStr>,
    /// The names of the flows and plug-ins in the background that it queued, in order; none where it was not committed.
    pub queued: Vec<SmolStr>,
    /// The deepest level of nesting, from 1.
    pub depth: u32,
    /// What happened, entry by entry; nothing where that isn't asked for.
    pub trace: Vec<TraceEntry>,
}

impl Outcome {
    /// Of an operation that failed before it began.
    pub fn failed(fault: Fault) -> Self {
        Outcome {
            ending: Ending::Fault(fault),
            record: None,
            records: Vec::new(),
            outputs: Vec::new(),
            kept: 0,
            ran: Vec::new(),
            queued: Vec::new(),
            depth: 0,
            trace: Vec::new(),
        }
    }
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// Everything was kept (within a longer transaction: as far as that one is).
    Committed,
    /// A flow stopped it; nothing was kept.
    Stopped {
        /// Which flow.
        flow: SmolStr,
        /// Its reason.
        reason: SmolStr,
    },
    /// It failed; nothing was kept.
    Fault(Fault),
}
