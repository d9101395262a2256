//! The record after `delete this`: what still reads or writes it fails whenever it runs.

use crate::check::context::Context;
use crate::check::ir::{Expr, ExprKind, Stmt, StmtKind};
use crate::check::walk::{self, Part};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

impl Context<'_> {
    /// Looks for the first use of the record behind a statement of the block that always deletes it.
    pub(super) fn uses_of_what_is_gone(&mut self, block: &[Stmt]) {
        let Some(at) = block.iter().position(deletes_this) else { return };
        let (before, after) = block.split_at(at + 1);
        let (Some(delete), Some(used)) = (before.last(), after.iter().find_map(use_of_this)) else { return };
        self.report(
            Diagnostic::new(Code::W0640, used, "the record is gone by now")
                .also(delete.span, "it is deleted here")
                .help("give what is still needed of it a name with `let` before the delete, or delete it last"),
        );
    }
}

fn deletes_this(statement: &Stmt) -> bool {
    match &statement.kind {
        StmtKind::Delete { record } => record.reference.kind == ExprKind::This,
        StmtKind::Step { body, .. } => body.iter().any(deletes_this),
        _ => false,
    }
}

fn use_of_this(statement: &Stmt) -> Option<Span> {
    if let StmtKind::Set(_) = statement.kind {
        return Some(statement.span);
    }
    let mut found = None;
    walk::each_of(&statement.kind, &mut |part| {
        found = found.or_else(|| match part {
            Part::Value(value) => read_of_this(value),
            Part::Body(body) => body.iter().find_map(use_of_this),
        });
    });
    found
}

fn read_of_this(e: &Expr) -> Option<Span> {
    if let ExprKind::This | ExprKind::Field(_) = e.kind {
        return Some(e.span);
    }
    let mut found = None;
    walk::each_part(e, &mut |part| found = found.or_else(|| read_of_this(part)));
    found
}
