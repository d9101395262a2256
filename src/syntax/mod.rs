//! From text to a tree: tokens, the grammar, recovery. Knows no schema.
//!
//! The way of a text: `token` and `number` cut it into tokens; `shape` matches brackets and cuts it into declarations;
//! `build` parses each declaration by the grammar and makes its tree; where that fails, `recover` cuts the declaration into
//! statements, finds those that can't be read, has `report` say why, and reads the declaration without them.

pub mod ast;
mod build;
mod format;
pub mod keywords;
mod misleading;
mod number;
mod recover;
mod report;
mod shape;
mod token;
mod view;

pub use format::format;
pub use recover::Wholeness;
pub use token::{Bad, Token, tokens};

use crate::diagnostic::Diagnostic;
use crate::source::{FileId, Sources};

/// How large a file may be, in bytes.
pub const MAX_FILE: usize = 16 << 20;

/// Reads a file. What could not be read is not in the tree, and there is a diagnostic for it.
pub fn parse(sources: &Sources, file: FileId) -> (ast::File, Vec<Diagnostic>) {
    let text = sources.get(file).map_or("", |source| &source.text);
    recover::read(text, file)
}

/// Reads what is typed at a prompt: like a file, but statements, or one value, may stand outside of declarations.
pub fn parse_typed(sources: &Sources, file: FileId) -> (ast::Typed, Vec<Diagnostic>) {
    let text = sources.get(file).map_or("", |source| &source.text);
    recover::read_typed(text, file)
}

/// How far what is typed is, line by line: whether it can be read, or goes on.
pub fn wholeness(text: &str) -> Wholeness {
    recover::wholeness(text)
}
