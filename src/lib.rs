//! Weir: a small, total, statically typed language for rules that run inside the data transaction.
//!
//! The way of the data, folder by folder: `source` and `syntax` (text to tree), `check` (tree to typed IR, with
//! `schema` and `value`), `compile` and `bytecode` (IR to verified program), `store`, `vm` and `pipeline` (program to
//! committed transaction), `scenario` and `exchange`, and `cli`. Imports go only down; a test holds that.

pub mod bytecode;
pub mod check;
pub mod cli;
pub mod compile;
pub mod diagnostic;
pub mod exchange;
pub mod jobs;
pub mod pipeline;
pub mod project;
pub mod repl;
pub mod scenario;
pub mod schema;
pub mod source;
pub mod store;
pub mod syntax;
pub mod value;
pub mod vm;
