//! `fake CreditBureau { … }`: in a test, statements in the place of a plug-in or an action whose code is outside the language.
//!
//! They see what that code would see, run where it would run, and are held against what it declares. They set fields or outputs, log and
//! stop; what would make other operations is refused.

use super::{Checker, Kind, unknown};
use crate::bytecode::Effects;
use crate::check::context::{Context, Elsewhere, Site};
use crate::check::ir::{self, ExprKind, StepKind, StmtKind};
use crate::check::walk::{self, Part};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::{EntityId, Slot};

impl Checker<'_, '_> {
    pub(super) fn fake(&mut self, name: &ast::Name, body: &ast::Block) -> Option<StepKind> {
        // At a prompt somebody tries things out, as in a test.
        if self.kind == Kind::Scenario && !self.cx.anew {
            let problem = Diagnostic::new(Code::E0727, name.span, "a scenario runs what there is, and fakes nothing");
            self.cx.report(problem.help("make a test of it; a scenario may run against any store"));
            return None;
        }
        let named = self.cx.named;
        let Some((code, effects)) = named.elsewhere.get(&name.text) else {
            self.nothing_to_fake(name);
            return None;
        };
        let (site, what) = match code {
            Elsewhere::Plugin(head) => (Site::Flow(head), "plug-in"),
            Elsewhere::Action(head) => (Site::Action(head), "action"),
        };
        let mut inner = Context::new(self.cx.schema, self.cx.heads, named, self.cx.undeclared, site);
        let (statements, _) = inner.block(body);
        let entity = inner.entity().map(|(id, _)| id);
        let (locals, said) = (inner.locals, inner.diagnostics);
        self.cx.diagnostics.extend(said);
        let mut held = Held { effects, entity, beyond: Vec::new() };
        held.block(&statements);
        for (span, words) in held.beyond {
            self.beyond(span, &words, name, what);
        }
        Some(StepKind::Fake(Box::new(match code {
            Elsewhere::Plugin(head) => ir::Fake::Plugin(ir::Flow {
                head: head.clone(),
                span: name.span,
                when: None,
                body: statements,
                locals,
                effects: Effects::default(),
            }),
            Elsewhere::Action(head) => {
                ir::Fake::Action(ir::Action { head: head.clone(), span: name.span, body: statements, locals, effects: Effects::default() })
            }
        })))
    }

    fn nothing_to_fake(&mut self, name: &ast::Name) {
        let (heads, named) = (self.cx.heads, self.cx.named);
        let problem = if heads.contains_key(&name.text) || named.actions.contains_key(&name.text) {
            let message = format!("`{}` is written in the language, and runs as it is", name.text);
            Diagnostic::new(Code::E0727, name.span, message).help("only plug-ins and actions with `via` can be faked")
        } else {
            let message = format!("there is no plug-in and no action `{}`", name.text);
            unknown(Code::E0727, name, message, named.elsewhere.keys().map(|name| name.as_str()))
        };
        self.cx.report_unknown(&name.text, problem);
    }

    fn beyond(&mut self, span: Span, beyond: &Beyond, name: &ast::Name, what: &str) {
        let schema = self.cx.schema;
        let entity = |id: EntityId| schema.entity(id).map_or("", |entity| entity.name.as_str());
        let field = |id: EntityId, slot: Slot| schema.field(id, slot).map_or("", |field| field.name.as_str());
        let (verb, of) = match *beyond {
            Beyond::Sets(id, slot) => ("sets", field(id, slot)),
            Beyond::Reads(id, slot) => ("reads", field(id, slot)),
            Beyond::Queries(id) => ("queries", entity(id)),
            Beyond::Statement => {
                let message = "a fake sets fields or outputs, logs, and stops";
                self.cx.report(Diagnostic::new(Code::E0728, span, message).help("take this out, or do it in the test itself"));
                return;
            }
        };
        let message = format!("the {what} `{}` doesn't declare that it {verb} `{of}`", name.text);
        self.cx.report(
            Diagnostic::new(Code::E0728, span, message).help(format!("write `{verb} {of}` into its declaration, where its code does that")),
        );
    }
}

/// What a fake does and its declaration doesn't.
enum Beyond {
    Sets(EntityId, Slot),
    Reads(EntityId, Slot),
    Queries(EntityId),
    Statement,
}

/// Statements held against what a declaration says.
struct Held<'a> {
    effects: &'a Effects,
    /// The entity of the record; a global action has none.
    entity: Option<EntityId>,
    beyond: Vec<(Span, Beyond)>,
}

impl Held<'_> {
    fn block(&mut self, block: &ir::Block) {
        for statement in block {
            match &statement.kind {
                StmtKind::Set(writes) => {
                    for write in writes.iter().filter(|write| !self.effects.unknown && !self.effects.sets.contains(write.slot)) {
                        self.beyond.extend(self.entity.map(|entity| (statement.span, Beyond::Sets(entity, write.slot))));
                    }
                }
                StmtKind::SetOutput(_) | StmtKind::Stop(_) | StmtKind::Finish(_) | StmtKind::Let { .. } | StmtKind::Log(_) => {}
                StmtKind::If { .. } | StmtKind::Match { .. } | StmtKind::Step { .. } => {}
                _ => {
                    self.beyond.push((statement.span, Beyond::Statement));
                    continue;
                }
            }
            let mut parts = Vec::new();
            walk::each_of(&statement.kind, &mut |part| parts.push(part));
            for part in parts {
                match part {
                    Part::Value(value) => self.value(value),
                    Part::Body(body) => self.block(body),
                }
            }
        }
    }

    fn value(&mut self, expr: &ir::Expr) {
        let (effects, known) = (self.effects, !self.effects.unknown);
        let own = |slot: Slot| !effects.reads.contains(slot) && !effects.sets.contains(slot);
        let beyond = match &expr.kind {
            ExprKind::Field(slot) | ExprKind::Old(slot) | ExprKind::Changed(slot) if own(*slot) => {
                self.entity.map(|entity| Beyond::Reads(entity, *slot))
            }
            ExprKind::Related { entity, .. } | ExprKind::ByKey { entity, .. } if !effects.queries.contains_key(entity) => {
                Some(Beyond::Queries(*entity))
            }
            ExprKind::Query { query, .. } if !effects.queries.contains_key(&query.entity) => Some(Beyond::Queries(query.entity)),
            _ => None,
        };
        self.beyond.extend(beyond.filter(|_| known).map(|beyond| (expr.span, beyond)));
        let mut parts = Vec::new();
        walk::each_part(expr, &mut |part| parts.push(part));
        parts.into_iter().for_each(|part| self.value(part));
    }
}
