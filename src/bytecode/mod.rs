//! What the compiler makes and the VM runs: opcodes, programs, the verifier, the listing and the file format.
//! Knows neither syntax nor VM.
//!
//! `op.rs` is the one table of operations and `operand.rs` what they work on; `program.rs` holds them together.

mod calls;
mod head;
mod op;
mod operand;
mod program;

pub use calls::CallRef;
pub use head::{Event, FlowHead, Input, Mode, RunAs, Scope, Stage, Trigger};
pub use op::Op;
pub use operand::{
    CONSTANT, CallIx, Count, FieldIx, In, Kind, MAX_REGISTERS, Operand, Out, Rule, Run, Sign, StartIx, Target, TypeIx, When, WriteIx,
};
pub use program::{Code, Effects, FieldRef, FlowCode, Program, StartRef, WriteList};
