//! The tree of a source file, as it was written: names are text, nothing is resolved.
//!
//! Every node has the span of its own words, without white space or comments behind them. A statement or
//! declaration that could not be read is not in the tree; its diagnostic says where it was. Expression trees
//! are at most [`MAX_HEIGHT`] high, so code that walks them may recurse.

mod declaration;
mod expression;
mod statement;

use smol_str::SmolStr;

pub use declaration::*;
pub use expression::*;
pub use statement::*;

use crate::source::{FileId, Span};

/// How high an expression's tree may be; a longer chain or deeper nest is a syntax error.
pub const MAX_HEIGHT: usize = 128;

/// How deep brackets of all kinds may nest.
pub const MAX_NESTING: usize = 64;

/// A name or word with its place. Backticks and quotes are already taken off.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// The text.
    pub text: SmolStr,
    /// Where it stands, quotes included.
    pub span: Span,
}

/// A whole file.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Which one.
    pub id: FileId,
    /// Its `//!` lines, joined by line breaks.
    pub doc: Option<SmolStr>,
    /// Its declarations in order.
    pub items: Vec<Item>,
    /// The names of declarations and `let`s that could not be read: what misses one has no error of its own.
    pub unread: Vec<SmolStr>,
}

/// What is typed at a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Typed {
    /// Its declarations.
    pub file: File,
    /// Its statements in order; a value by itself is one that shows it.
    pub statements: Vec<Stmt>,
}

/// A declaration.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// `entity account { … }`
    Entity(Entity),
    /// `choice Rating { … }`
    Choice(Choice),
    /// `flow CreditHold on account { … }`
    Flow(Flow),
    /// `action ApproveDiscount on opportunity { … }`
    Action(Action),
    /// `plugin CreditBureau on account { … }`
    Plugin(Plugin),
    /// `role Sales { … }`
    Role(Role),
    /// `test "…" { … }`
    Test(Scenario),
    /// `scenario NAME { … }`
    Scenario(Scenario),
    /// `given NAME { … }`
    Given(Scenario),
}
