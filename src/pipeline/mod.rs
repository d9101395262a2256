//! The event pipeline: messages, stages, images, nested operations, plug-ins; it owns the transaction.

mod operation;

pub use operation::{Ending, Operation, Outcome, TraceLine};
