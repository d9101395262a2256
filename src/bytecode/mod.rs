//! What the compiler makes and the VM runs: opcodes, programs, the verifier, the listing and the file format.
//! Knows neither syntax nor VM.

mod head;

pub use head::{Event, FlowHead, Input, Mode, RunAs, Scope, Stage, Trigger};
