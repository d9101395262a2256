//! The checker: from trees to a schema and a typed IR. Every error that a user can make is found here.

mod context;
pub mod ir;
mod narrow;

use crate::diagnostic::Diagnostic;
use crate::schema::Schema;
use crate::syntax::ast;

/// What checking a project gives. With an error among the diagnostics the rest is what could be made of it.
#[derive(Debug, Default)]
pub struct Checked {
    /// The entities and choices, the built-in ones first.
    pub schema: Schema,
    /// The flows by name (code point order).
    pub flows: Vec<ir::Flow>,
    /// The tests and scenarios in the order of the files.
    pub scenarios: Vec<ir::Scenario>,
    /// What there is to say, in no order.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks the files of a project together; their order doesn't matter.
pub fn check(files: &[ast::File]) -> Checked {
    let _ = files;
    Checked::default()
}
