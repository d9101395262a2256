//! The statements of a flow or an action: from trees to typed statements, and what may not stand in a flow.
//!
//! Each family of statements has a file here; expressions are checked elsewhere (`check/expr`). Every statement of
//! a block is checked, also behind one that has an error. Invariants: names made in a block are out of sight behind
//! it; `Context::facts` after a statement holds for everything that can come after it; statements that can never run
//! (behind a `stop`) are checked and then left out.

mod activity;
mod branch;
mod gone;
mod loops;
mod matching;
mod names;
mod perform;
mod refused;
mod shorthand;
mod wait;
mod write;

use super::context::Context;
use super::ir;
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::ast;

pub(super) use names::unknown;

/// Checks a flow's `when` and its statements; gives the condition, the statements, the `let`s and what there is to say.
pub(super) fn flow_body(mut cx: Context, flow: &ast::Flow) -> (Option<ir::Expr>, ir::Block, Vec<ir::Local>, Vec<Diagnostic>) {
    let condition = flow.clauses.iter().find_map(|clause| match &clause.kind {
        ast::ClauseKind::When(condition) => Some(condition),
        _ => None,
    });
    let mut when = None;
    if let Some((condition, facts, _)) = condition.and_then(|condition| cx.condition(condition)) {
        when = Some(condition);
        cx.facts = facts;
    }
    cx.waits_in_loops(&flow.body, false);
    let (body, _) = cx.block(&flow.body);
    (when, body, cx.locals, cx.diagnostics)
}

/// Checks an action's statements; gives them, the `let`s and what there is to say.
pub(super) fn action_body(mut cx: Context, action: &ast::Action) -> (ir::Block, Vec<ir::Local>, Vec<Diagnostic>) {
    let (body, _) = cx.block(&action.body);
    (body, cx.locals, cx.diagnostics)
}

/// A checked statement (none where it has an error), and whether the flow always ends in it.
struct Outcome {
    kind: Option<ir::StmtKind>,
    ends: bool,
}

impl Outcome {
    /// A statement that the next one follows.
    fn goes_on(kind: Option<ir::StmtKind>) -> Self {
        Outcome { kind, ends: false }
    }

    /// A statement that nothing follows.
    fn ends(kind: Option<ir::StmtKind>) -> Self {
        Outcome { kind, ends: true }
    }
}

impl Context<'_> {
    /// Checks the statements of a block in a scope of their own; the flag says whether the flow always ends in it.
    pub(super) fn block(&mut self, block: &ast::Block) -> (ir::Block, bool) {
        let in_sight = self.visible.len();
        let mut statements = Vec::with_capacity(block.statements.len());
        let mut ended = false;
        let mut told = false;
        for statement in &block.statements {
            if ended && !told {
                told = true;
                self.report(
                    Diagnostic::new(Code::W0601, statement.span, "this never runs")
                        .help("the flow has already ended here; take it out, or move it up"),
                );
            }
            let outcome = self.statement(statement);
            if let (Some(kind), false) = (outcome.kind, ended) {
                statements.push(ir::Stmt { kind, span: statement.span });
            }
            ended |= outcome.ends;
        }
        self.visible.truncate(in_sight);
        self.uses_of_what_is_gone(&statements);
        (statements, ended)
    }

    /// Checks a statement that stands by itself.
    pub(in crate::check) fn alone(&mut self, statement: &ast::Stmt) -> Option<ir::StmtKind> {
        self.statement(statement).kind
    }

    fn statement(&mut self, statement: &ast::Stmt) -> Outcome {
        use ast::StmtKind as S;
        match &statement.kind {
            S::Set { output: false, writes } => Outcome::goes_on(self.set(writes, statement.span)),
            S::Set { output: true, writes } => Outcome::goes_on(self.set_output(writes, statement.span)),
            S::Perform { action, arguments, record } => Outcome::goes_on(self.perform(action, arguments, record.as_ref(), None)),
            S::Stop(reason) => Outcome::ends(self.stop(reason)),
            S::Finish(note) => {
                let note = note.as_ref().map(|note| self.text(note));
                Outcome::ends(Some(ir::StmtKind::Finish(note)))
            }
            S::Let { name, value } => Outcome::goes_on(self.let_value(name, value)),
            S::LetResult { name, activity } => Outcome::goes_on(self.let_result(name, activity)),
            S::Create { entity, values } => Outcome::goes_on(self.create(entity, values, None)),
            S::Update { record, values } => Outcome::goes_on(self.update(record, values)),
            S::Delete { record } => Outcome::goes_on(self.delete(record)),
            S::Assign { record, owner } => Outcome::goes_on(self.assign(record, owner)),
            S::ChangeStatus { record, status } => Outcome::goes_on(self.change_status(record, status)),
            S::SendEmail { values } => Outcome::goes_on(self.send_email(values, statement.span)),
            S::Start { flow, arguments, record } => Outcome::goes_on(self.start(flow, arguments, record)),
            S::If { arms, otherwise } => self.branches(arms, otherwise.as_ref()),
            S::Match { subject, arms } => self.matching(statement, subject, arms),
            S::WaitFor(_) | S::WaitUntil(_) | S::WaitBranches(_) => self.wait(statement),
            S::ForEach { entity, alias, filter, order, limit, body } => self.for_each(&loops::ForEach {
                entity,
                alias: alias.as_ref(),
                filter: filter.as_ref(),
                order,
                limit: limit.as_ref(),
                body,
            }),
            S::Log(text) => {
                let text = self.text(text);
                Outcome::goes_on(Some(ir::StmtKind::Log(text)))
            }
            S::Step { title, body } => {
                let title = self.text(title);
                let (body, ends) = self.block(body);
                Outcome { kind: Some(ir::StmtKind::Step { title, body }), ends }
            }
            _ => {
                self.refuse(statement);
                Outcome::goes_on(None)
            }
        }
    }

    fn stop(&mut self, reason: &ast::TextLiteral) -> Option<ir::StmtKind> {
        let broken = |part: &ast::TextPart| matches!(part, ast::TextPart::Text(text) if text.contains(['\n', '\r']));
        if reason.parts.iter().any(broken) {
            self.report(
                Diagnostic::new(Code::E0605, reason.span, "the reason of a `stop` is one line")
                    .help("whoever made the change sees it in one line; take the line break out"),
            );
            return None;
        }
        Some(ir::StmtKind::Stop(self.text(reason)))
    }
}
