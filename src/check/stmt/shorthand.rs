//! `delete`, and the activities that are a create or an update of certain fields: `assign`, `change status`, `send email`.
//!
//! They become what they are, so that effects, privileges and the pipeline know of creates, updates and deletes only.

use crate::bytecode::{Event, Stage};
use crate::check::context::Context;
use crate::check::ir::{self, ExprKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{outbox, system};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::{EntityId, Slot, Value};

impl Context<'_> {
    pub(in crate::check) fn delete(&mut self, record: &ast::RecordExpr) -> Option<ir::StmtKind> {
        let target = self.written(record)?;
        if target.reference.kind == ExprKind::This {
            if self.needs_unborn(&target.reference) {
                self.report_unborn(record.expr.span, "`this` can't be deleted");
                return None;
            }
            if self.runs_before_its_operation() {
                self.report(
                    Diagnostic::new(Code::E0443, record.expr.span, "`this` can't be deleted before its operation is done")
                        .help("write `stage post-operation`, or `stop` the operation to keep the record as it is"),
                );
                return None;
            }
        }
        self.facts.reread();
        Some(ir::StmtKind::Delete { record: target })
    }

    /// `assign record to owner`: an update of the owner.
    pub(in crate::check) fn assign(&mut self, record: &ast::RecordExpr, owner: &ast::Expr) -> Option<ir::StmtKind> {
        let Some(target) = self.written(record) else {
            // Something may be wrong with the owner as well.
            self.expression(owner, None);
            return None;
        };
        let entity = self.schema.entity(target.entity)?;
        let Some(slot) = entity.slot(system::OWNER) else {
            let message = format!("a `{}` belongs to the organization, so nobody can be its owner", entity.name);
            self.report(Diagnostic::new(Code::E0440, record.expr.span, message).help("declare the entity `owned by user`"));
            return None;
        };
        let value = self.value_for(owner, target.entity, slot)?;
        if self.needs_unborn(&target.reference) || self.needs_unborn(&value) {
            let problem = self.unborn(record.expr.span.to(owner.span), "`this` can't be assigned, or own anything,");
            self.report(problem.help("or write `set ownerid = …`, which is saved with the rest"));
            return None;
        }
        self.facts.reread();
        Some(ir::StmtKind::Update { record: target, values: vec![ir::Write { slot, value }] })
    }

    /// `change status of record to won`: an update of the status reason, which the state follows.
    pub(in crate::check) fn change_status(&mut self, record: &ast::RecordExpr, status: &ast::Expr) -> Option<ir::StmtKind> {
        let target = self.written(record)?;
        let entity = self.schema.entity(target.entity)?;
        let Some(slot) = entity.slot(system::STATUS) else {
            let message = format!("a `{}` has no status: it is a row of a table", entity.name);
            self.report(Diagnostic::new(Code::E0402, record.expr.span, message).help("write its columns: `update … { … }`"));
            return None;
        };
        let value = self.value_for(status, target.entity, slot)?;
        if self.needs_unborn(&target.reference) {
            let problem = self.unborn(record.expr.span, "the status of `this` can't be changed");
            self.report(problem.help("or write `set statuscode = …`, which is saved with the rest"));
            return None;
        }
        self.facts.reread();
        Some(ir::StmtKind::Update { record: target, values: vec![ir::Write { slot, value }] })
    }

    /// `send email { … }`: a create of an e-mail that waits to be sent.
    pub(in crate::check) fn send_email(&mut self, values: &[ast::Write], span: Span) -> Option<ir::StmtKind> {
        let id = self.schema.entity_id(outbox::ENTITY)?;
        let (writes, given) = self.writes(values, id);
        let word = Span { end: span.end.min(span.start + "send email".len() as u32), ..span };
        let mut sound = self.sendable(id, &|slot| given.get(&slot).copied(), word);
        for (write, source) in writes.iter().flatten().zip(values) {
            let place = source.name.span.to(source.value.span);
            if self.needs_unborn(&write.value) {
                self.report_unborn(place, "no e-mail can name `this`");
                sound = false;
            }
        }
        self.facts.reread();
        let mut writes = writes.filter(|_| sound)?;
        let entity = self.schema.entity(id)?;
        for write in &mut writes {
            let needed = NEEDED.iter().find(|name| entity.slot(name) == Some(write.slot));
            sound &= needed.is_none_or(|name| self.never_empty(write, name).is_some());
        }
        if !sound {
            return None;
        }
        let mut fill = |name: &str, kind: ExprKind| {
            let (slot, field) = entity.slot(name).and_then(|slot| Some((slot, entity.field(slot)?)))?;
            if !given.contains_key(&slot) {
                writes.push(ir::Write { slot, value: ir::Expr { kind, ty: field.ty.clone(), optional: false, span: word } });
            }
            Some(())
        };
        fill("from", ExprKind::Caller)?;
        fill(system::STATUS, ExprKind::Constant(Value::Choice(outbox::status(self.schema, outbox::PENDING)?.0)))?;
        Some(ir::StmtKind::Create { entity: id, values: writes, into: None })
    }

    /// Whether an e-mail is given what it needs, and nothing that sending fills.
    fn sendable(&mut self, id: EntityId, given: &dyn Fn(Slot) -> Option<Span>, word: Span) -> bool {
        let Some(entity) = self.schema.entity(id) else { return false };
        let place = |name: &str| entity.slot(name).and_then(given);
        let missing: Vec<String> = NEEDED.iter().filter(|name| place(name).is_none()).map(|name| format!("`{name}`")).collect();
        let filled: Vec<(&str, Span)> = FILLED.iter().filter_map(|name| Some((*name, place(name)?))).collect();
        for (name, span) in &filled {
            self.report(
                Diagnostic::new(Code::E0442, *span, format!("`send email` fills `{name}` by itself"))
                    .help("take it out; to make an e-mail that isn't sent, write `create email { … }`"),
            );
        }
        if !missing.is_empty() {
            let message = format!("an e-mail is sent without {}", missing.join(" and "));
            let help = format!("write `send email {{ {} = … }}`", missing.join(" = …, ").replace('`', ""));
            self.report(Diagnostic::new(Code::E0441, word, message).help(help));
        }
        missing.is_empty() && filled.is_empty()
    }

    /// Makes sure that what an e-mail needs is there: in a flow now, in a test when it runs.
    fn never_empty(&mut self, write: &mut ir::Write, name: &str) -> Option<()> {
        if !write.value.optional {
            return Some(());
        }
        if self.flow().is_none() && !matches!(write.value.kind, ExprKind::Constant(_)) {
            write.value = self.looked_at(write.value.clone());
            return Some(());
        }
        self.report(
            Diagnostic::new(Code::E0502, write.value.span, format!("this may be empty, and an e-mail is not sent without `{name}`"))
                .help("test it first: `if … is not empty { … }`"),
        );
        None
    }

    /// Whether an event starts the flow before what it is about has been done.
    fn runs_before_its_operation(&self) -> bool {
        self.flow()
            .is_some_and(|head| head.triggers.iter().any(|trigger| trigger.stage == Stage::PreOperation || trigger.event == Event::Delete))
    }
}

/// What an e-mail can't be sent without.
const NEEDED: [&str; 2] = ["to", "subject"];

/// What only sending gives it.
const FILLED: [&str; 3] = [system::STATE, system::STATUS, "senton"];
