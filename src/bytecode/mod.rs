//! What the compiler makes and the VM runs: opcodes, programs, the verifier, the listing and the file format.
//! Knows neither syntax nor VM.
//!
//! `op.rs` is the one table of operations and `operand.rs` what they work on; `program.rs` holds them together, `effects.rs` says
//! what they do at most, `verify/`
//! proves them safe to run, `listing.rs` shows them to people and `codec.rs` turns them into bytes and back.

mod calls;
mod codec;
mod consistency;
mod cost;
mod effects;
mod excerpt;
mod head;
mod link;
mod listing;
mod op;
mod operand;
mod outside;
mod program;
mod signature;
mod steps;
mod verify;

pub use calls::CallRef;
pub use codec::{Bundle, LoadError, MAGIC, MAX_FILE, VERSION, decode, decode_part, encode};
pub use cost::{Cost, costs};
pub use effects::{Cause, Effects};
pub use excerpt::{excerpt, missing, place};
pub use head::{ActionHead, Event, FlowHead, Input, Mode, PluginHead, RunAs, Serial, Stage, Trigger, Via};
pub use link::{LinkError, link};
pub use listing::{action_listing, flow_listing, listing, plugin_listing};
pub use op::Op;
pub use operand::{
    Back, CONSTANT, CallIx, Count, FieldIx, In, Kind, MAX_REGISTERS, Operand, Out, OutputIx, PerformIx, QueryIx, Rule, Run, Sign, StartIx,
    Target, TypeIx, WaitIx, When, WriteIx,
};
pub use outside::{WebAddress, WrongAddress, command_words};
pub use program::{
    ActionCode, Asks, Awaited, Code, FieldRef, FlowCode, PerformRef, PluginCode, Program, QueryRef, StartRef, TestRef, WaitList, WriteList,
};
pub use signature::{CostLine, FaultLine, Signature, all_causes, signatures};
pub use verify::{MAX_CELLS, Part, Problem, VerifyError, verify, verify_expression};
