//! System jobs: which of them runs when, and by whom. What a job is and how a step of it is kept is the pipeline's (`pipeline/jobs`).
//!
//! The same code runs in a worker, whose clock is the machine's, and in tests and scenarios, where it is moved by hand.

mod run;
mod verbs;

pub use run::{LEASE, Library, NoLibrary, Runner, advance, run_due};
pub use verbs::{Refused, Verb, look, turn};
