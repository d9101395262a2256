//! The virtual machine: a verified program in, an outcome out. Never sees syntax, SQL or a thread.

mod host;

pub use host::{Fault, Host, Interrupt};
