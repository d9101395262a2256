//! Tests and scenarios: run step by step in the same pipeline as production.
//!
//! What a run says is data ([`Report`]); nothing in here prints.

mod report;

pub use report::{Event, EventKind, Failure, Message, Report, Verdict};
