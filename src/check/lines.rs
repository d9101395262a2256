//! Statements of a scenario that come one by one, as they are typed: each is checked in the sight of those before it.
//!
//! It costs what the statement costs, however large the project is and however many came before. A statement with an error
//! leaves nothing behind; a name may be given again, and then means the newer value.

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::context::{Context, Site};
use super::scenario::{Checker, Givens, Kind};
use super::{Checked, ir};
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::Type;

/// What the statements so far have named.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    locals: Vec<ir::Local>,
    visible: Vec<(SmolStr, ir::LocalId, Span)>,
    results: FxHashMap<ir::LocalId, SmolStr>,
    users: FxHashMap<SmolStr, Span>,
    operation: bool,
    /// The `let`s that the last statement names and reads, with the places that begin with their names.
    used: Vec<(Span, ir::LocalId)>,
}

impl Lines {
    /// Checks the next statement. Where it has an error it isn't there, and the next one is checked as if it had not been written.
    pub fn next(&mut self, checked: &Checked, statement: &ast::Stmt) -> (Option<ir::Step>, Vec<Diagnostic>) {
        let before = self.clone();
        if let ast::StmtKind::User { name, .. } = &statement.kind {
            self.users.remove(&name.text);
        }
        let mut givens = Givens::new(&[]);
        let (users, operation) = (std::mem::take(&mut self.users), self.operation);
        let used = Vec::new();
        let mut checker =
            Checker { cx: self.context(checked), kind: Kind::Scenario, givens: &mut givens, used, users, operation, transaction: None };
        let kind = checker.step(statement);
        let Checker { cx, users, operation, .. } = checker;
        let Context { locals, mut visible, results, mut diagnostics, reads: mut used, .. } = cx;
        let new = |id: &ir::LocalId| usize::from(id.0) >= before.locals.len();
        used.extend(visible.iter().filter(|(_, id, _)| new(id)).map(|(_, id, span)| (*span, *id)));
        let named: Vec<(SmolStr, ir::LocalId)> =
            visible.iter().filter(|(_, id, _)| new(id)).map(|(name, id, _)| (name.clone(), *id)).collect();
        visible.retain(|(name, id, _)| named.iter().all(|(newer, by)| newer != name || by <= id));
        *self = Lines { locals, visible, results, users, operation, used };
        diagnostics.sort_by_key(|diagnostic| (diagnostic.span(), diagnostic.severity(), diagnostic.code));
        diagnostics.dedup();
        let failed = diagnostics.iter().any(|diagnostic| diagnostic.severity() == Severity::Error);
        let step = kind.filter(|_| !failed).map(|kind| ir::Step { kind, span: statement.span });
        if step.is_none() {
            *self = before;
        }
        (step, diagnostics)
    }

    /// A value as it would be checked next, which leaves nothing behind.
    pub fn value(&self, checked: &Checked, value: &ast::Expr) -> (Option<ir::Expr>, Vec<Diagnostic>) {
        let mut lines = self.clone();
        let shown = ast::Stmt { kind: ast::StmtKind::Show(value.clone()), span: value.span };
        match lines.next(checked, &shown) {
            (Some(ir::Step { kind: ir::StepKind::Show(value), .. }), said) => (Some(value), said),
            (_, said) => (None, said),
        }
    }

    /// What a `for each` would go through as it would be checked next, which leaves nothing behind; with the `let`s that it sees, its own last.
    pub fn records(&self, checked: &Checked, statement: &ast::Stmt) -> (Option<(ir::Stmt, Vec<ir::Local>)>, Vec<Diagnostic>) {
        let mut cx = self.context(checked);
        let kind = cx.alone(statement);
        let failed = cx.diagnostics.iter().any(|diagnostic| diagnostic.severity() == Severity::Error);
        (kind.filter(|_| !failed).map(|kind| (ir::Stmt { kind, span: statement.span }, cx.locals)), cx.diagnostics)
    }

    /// Every `let` that there was, by its id.
    pub fn locals(&self) -> &[ir::Local] {
        &self.locals
    }

    /// The `let`s in sight, by name.
    pub fn named(&self) -> impl Iterator<Item = (&SmolStr, ir::LocalId, &ir::Local)> {
        self.visible.iter().filter_map(|(name, id, _)| Some((name, *id, self.locals.get(id.0 as usize)?)))
    }

    /// The `let`s that the last statement names, and those that it reads, each with a place that begins with the name.
    pub fn used(&self) -> &[(Span, ir::LocalId)] {
        &self.used
    }

    /// The users by name.
    pub fn users(&self) -> impl Iterator<Item = &SmolStr> {
        self.users.keys()
    }

    /// Gives each `let` in sight another type, or takes it out of sight where it has none any more; says which went.
    pub fn retype(&mut self, retyped: impl Fn(&Type) -> Option<Type>) -> Vec<SmolStr> {
        let mut gone = Vec::new();
        let types: Vec<Option<Type>> = self.locals.iter().map(|local| retyped(&local.ty)).collect();
        self.visible.retain(|(name, id, _)| {
            let stays = types.get(id.0 as usize).is_some_and(Option::is_some);
            if !stays {
                gone.push(name.clone());
            }
            stays
        });
        for (local, ty) in self.locals.iter_mut().zip(types) {
            // What is out of sight keeps its place, and is read by nothing any more.
            local.ty = ty.unwrap_or(Type::Boolean);
        }
        gone
    }

    fn context<'a>(&self, checked: &'a Checked) -> Context<'a> {
        let names = &checked.names;
        let mut cx = Context::new(&checked.schema, &names.heads, &names.named, &names.undeclared, Site::Scenario);
        cx.locals.clone_from(&self.locals);
        cx.visible.clone_from(&self.visible);
        cx.results.clone_from(&self.results);
        cx.anew = true;
        cx
    }
}
