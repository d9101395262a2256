//! What the compiler makes and the VM runs: opcodes, programs, the verifier, the listing and the file format.
//! Knows neither syntax nor VM.
//!
//! `op.rs` is the one table of operations and `operand.rs` what they work on; `program.rs` holds them together, `effects.rs` says
//! what they do at most, `verify/`
//! proves them safe to run, `listing.rs` shows them to people and `codec.rs` turns them into bytes and back.

mod calls;
mod codec;
mod consistency;
mod effects;
mod head;
mod link;
mod listing;
mod op;
mod operand;
mod program;
mod signature;
mod verify;

pub use calls::CallRef;
pub use codec::{Bundle, LoadError, MAGIC, MAX_FILE, VERSION, decode, encode};
pub use effects::{Cause, Effects};
pub use head::{Event, FlowHead, Input, Mode, RunAs, Stage, Trigger};
pub use link::{LinkError, link};
pub use listing::{flow_listing, listing};
pub use op::Op;
pub use operand::{
    CONSTANT, CallIx, Count, FieldIx, In, Kind, MAX_REGISTERS, Operand, Out, Rule, Run, Sign, StartIx, Target, TypeIx, WaitIx, When,
    WriteIx,
};
pub use program::{Awaited, Code, FieldRef, FlowCode, Program, StartRef, WaitList, WriteList};
pub use signature::{FaultLine, Signature, all_causes, signatures};
pub use verify::{MAX_CELLS, Part, Problem, VerifyError, verify, verify_expression};
