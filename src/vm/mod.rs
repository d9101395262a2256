//! The virtual machine: a verified program in, an outcome out. Never sees syntax, SQL or a thread.
//!
//! `run.rs` has the loop, `machine.rs` the registers; the operations are in a file a family.

mod arithmetic;
mod host;
mod jumps;
mod machine;
mod moves;
mod place;
mod queries;
mod records;
mod run;
#[cfg(test)]
mod tests;
mod trace;
mod watch;

pub use host::{Fault, Host, Interrupt, Waited};
pub use machine::Frame;
pub use place::{LoopPlace, Place};
pub use run::{Exit, resume, run};
pub use trace::{Fact, FactName, Told};
pub use watch::Hits;
