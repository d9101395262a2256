//! Tests and scenarios: run step by step in the same pipeline as production.
//!
//! A test gets a pipeline over a fresh store from whoever runs it, with [`Settings::fixed`](crate::pipeline::Settings::fixed);
//! a scenario runs against any store. What a run says is data ([`Report`]); nothing in here prints.

mod case;
pub mod coverage;
mod diagram;
mod line;
mod report;
mod run;
pub mod suggest;
mod trial;

pub use case::{Case, cases, skipped};
pub use diagram::diagram;
pub use line::Line;
pub use report::{Event, EventKind, Failure, FieldState, Part, RecordState, Report, Verdict};
pub use run::run;
pub use trial::tried;
