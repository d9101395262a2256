//! `wait` in its three forms, in background flows: for a length of time, until a moment, until a condition.

use smol_str::SmolStr;

use crate::check::context::Context;
use crate::check::ir::{self, Expr, ExprKind, Until};
use crate::check::narrow::Facts;
use crate::check::walk;
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{jobs, system};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::{Duration, Type, Value};

use super::Outcome;

impl Context<'_> {
    /// A wait in any of its forms. While a flow waits the record may change: nothing is known of it afterwards but what the
    /// branch says that won.
    pub(super) fn wait(&mut self, statement: &ast::Stmt) -> Outcome {
        use ast::StmtKind as S;
        if !self.in_background() {
            self.refuse(statement);
            return Outcome::goes_on(None);
        }
        if self.loops > 0 {
            // That has been said where the loops are: see `waits_in_loops`.
            return Outcome::goes_on(None);
        }
        let number = self.waits;
        self.waits = self.waits.saturating_add(1);
        let single = |context: &mut Self, after, value| {
            let until = context.awaited(after, value);
            context.facts.reread();
            let (until, facts) = until?;
            context.facts = facts;
            Some(ir::StmtKind::Wait { number, branches: vec![ir::WaitBranch { until, body: Vec::new() }] })
        };
        match &statement.kind {
            S::WaitFor(value) => Outcome::goes_on(single(self, true, value)),
            S::WaitUntil(value) => Outcome::goes_on(single(self, false, value)),
            S::WaitBranches(branches) => self.wait_branches(number, branches),
            _ => Outcome::goes_on(None),
        }
    }

    /// Says where a wait stands in a loop: what goes from record to record stays within one step of the job.
    pub(super) fn waits_in_loops(&mut self, block: &ast::Block, in_loop: bool) {
        use ast::StmtKind as S;
        for statement in &block.statements {
            match &statement.kind {
                S::WaitFor(_) | S::WaitUntil(_) | S::WaitBranches(_) if in_loop && self.in_background() => {
                    let word = Span { end: statement.span.start + "wait".len() as u32, ..statement.span };
                    self.report(
                        Diagnostic::new(Code::E0640, word, "a `for each` can't wait")
                            .label("the records were found when it began, and would be others afterwards")
                            .help("let a background flow wait, and `start` it on each record: each then waits by itself"),
                    );
                }
                S::WaitBranches(branches) => branches.iter().for_each(|branch| self.waits_in_loops(&branch.body, in_loop)),
                S::ForEach { body, .. } => self.waits_in_loops(body, true),
                S::Step { body, .. } => self.waits_in_loops(body, in_loop),
                S::Match { arms, .. } => arms.iter().for_each(|arm| self.waits_in_loops(&arm.body, in_loop)),
                S::If { arms, otherwise } => {
                    arms.iter().for_each(|(_, body)| self.waits_in_loops(body, in_loop));
                    otherwise.iter().for_each(|body| self.waits_in_loops(body, in_loop));
                }
                _ => {}
            }
        }
    }

    fn wait_branches(&mut self, number: u16, branches: &[ast::WaitBranch]) -> Outcome {
        // All of them are looked at when the wait begins, before any of their statements.
        let awaited: Vec<_> = branches.iter().map(|branch| self.awaited(branch.after, &branch.value)).collect();
        self.facts.reread();
        let before = self.facts.clone();
        let (mut checked, mut known, mut ends) = (Some(Vec::with_capacity(branches.len())), None, true);
        for (branch, awaited) in branches.iter().zip(awaited) {
            let (until, facts) = awaited.map_or((None, None), |(until, facts)| (Some(until), Some(facts)));
            self.facts = facts.unwrap_or_else(|| before.clone());
            let (body, ended) = self.block(&branch.body);
            checked = checked.zip(until).map(|(mut all, until)| {
                all.push(ir::WaitBranch { until, body });
                all
            });
            ends &= ended;
            if !ended {
                known = Some(known.map_or_else(|| self.facts.clone(), |known: Facts| known.join(&self.facts)));
            }
        }
        self.facts = known.unwrap_or(before);
        Outcome { kind: checked.map(|branches| ir::StmtKind::Wait { number, branches }), ends }
    }

    /// What a branch waits for, and what is known once it has come.
    fn awaited(&mut self, after: bool, e: &ast::Expr) -> Option<(Until, Facts)> {
        if after {
            let length = self.expression(e, None)?;
            let length = self.length_of_time(e, length)?;
            return Some((Until::After(length), self.reread_facts()));
        }
        if is_condition(e) {
            return self.awaited_condition(e);
        }
        let said = self.diagnostics.len();
        let value = self.expression(e, Some(&Type::Boolean))?;
        match value.ty {
            Type::Boolean => {
                // Once more as a condition, for what it teaches; what it says has been said.
                self.diagnostics.truncate(said);
                self.awaited_condition(e)
            }
            Type::DateTime => Some((Until::Moment(self.needed(value, e, true)?), self.reread_facts())),
            _ => self.awaits_nothing(&value),
        }
    }

    fn awaited_condition(&mut self, e: &ast::Expr) -> Option<(Until, Facts)> {
        // A condition is looked at again and again: what is known now need not be so then.
        let lasting = self.reread_facts();
        let outside = std::mem::replace(&mut self.facts, lasting);
        let checked = self.condition(e);
        self.facts = outside;
        let (condition, facts, _) = checked?;
        if let Some((word, span)) = clock(&condition) {
            self.report(
                Diagnostic::new(Code::E0445, span, format!("the condition of a wait can't ask for `{word}`"))
                    .label("it is looked at when a record changes, and time changes none")
                    .help("let time stand in a branch of its own: `wait { until … { … } after 3 days { … } }`, or `until` a moment"),
            );
            return None;
        }
        if let Some((name, span)) = self.unheard(&condition) {
            self.report(
                Diagnostic::new(Code::E0447, span, format!("the condition of a wait can't ask for `{name}`"))
                    .label("only the platform writes it, and wakes nobody")
                    .help("wait for a field that operations write"),
            );
            return None;
        }
        if walk::mentions(&condition, &|kind| matches!(kind, ExprKind::Query { .. } | ExprKind::ByKey { .. })) {
            self.report(
                Diagnostic::new(Code::E0622, condition.span, "the condition of a wait can't look for records")
                    .label("it is looked at when this record changes, or one that it reaches over a lookup")
                    .help("keep what it asks for in a field of the record, and wait for that"),
            );
            return None;
        }
        Some((Until::Condition(condition), facts))
    }

    /// A field that a condition reads and that changes without anybody being told: the version of a record, and what the platform keeps of jobs.
    fn unheard(&self, e: &Expr) -> Option<(SmolStr, Span)> {
        let read = match &e.kind {
            ExprKind::Field(slot) => self.entity().map(|(entity, _)| (entity, *slot)),
            ExprKind::Related { entity, slot, .. } => Some((*entity, *slot)),
            _ => None,
        };
        let field = read.and_then(|(entity, slot)| Some((self.schema.entity(entity)?, self.schema.field(entity, slot)?)));
        if let Some((entity, field)) = field
            && (field.name == system::VERSION || jobs::are_in(&entity.name))
        {
            return Some((field.name.clone(), e.span));
        }
        let mut found = None;
        walk::each_part(e, &mut |part| found = found.take().or_else(|| self.unheard(part)));
        found
    }

    fn length_of_time(&mut self, e: &ast::Expr, length: Expr) -> Option<Expr> {
        if !matches!(length.ty, Type::Duration | Type::Period) {
            let what = self.describe(&length.ty);
            let help = match length.ty {
                Type::DateTime | Type::Boolean => "write `until` before it",
                Type::Integer | Type::BigInt => "say of what: `3 days`, or `n * 1 day` where the number is computed",
                _ => "write a length of time, such as `3 days`",
            };
            self.report(Diagnostic::new(Code::E0446, length.span, format!("this is {what}, not a length of time")).help(help));
            return None;
        }
        if constant(&length).is_some_and(|length| (i64::from(length.months), i64::from(length.days), length.micros) < (0, 0, 0)) {
            let help = "time goes only forward; write a positive one";
            self.report(Diagnostic::new(Code::E0444, length.span, "a wait can't be shorter than nothing").help(help));
            return None;
        }
        self.needed(length, e, true)
    }

    fn awaits_nothing<T>(&mut self, value: &Expr) -> Option<T> {
        let what = self.describe(&value.ty);
        let help = match value.ty {
            Type::Duration | Type::Period => "leave `until` out: `wait 3 days`; in a list of branches write `after 3 days`",
            Type::Date => "say at which time of the day: a datetime such as `2026-01-31T09:30:00Z`",
            _ => "wait until a datetime, or until a condition",
        };
        self.report(Diagnostic::new(Code::E0446, value.span, format!("this is {what}, and no wait ends with it")).help(help));
        None
    }

    fn reread_facts(&self) -> Facts {
        let mut facts = self.facts.clone();
        facts.reread();
        facts
    }
}

/// Whether an expression is a condition by its form, and teaches more as one than as a value.
fn is_condition(e: &ast::Expr) -> bool {
    use ast::{BinaryOperator as Binary, ExprKind as Kind, UnaryOperator as Unary};
    matches!(
        e.kind,
        Kind::Unary { operator: Unary::Not, .. } | Kind::Binary { operator: Binary::And | Binary::Or, .. } | Kind::IsEmpty { .. }
    )
}

/// The first place where a condition asks for the time.
fn clock(e: &Expr) -> Option<(&'static str, Span)> {
    match e.kind {
        ExprKind::Now => return Some(("now", e.span)),
        ExprKind::Today => return Some(("today", e.span)),
        _ => {}
    }
    let mut found = None;
    walk::each_part(e, &mut |part| found = found.or_else(|| clock(part)));
    found
}

/// A length of time that is written down, with the minus before it.
fn constant(e: &Expr) -> Option<Duration> {
    match &e.kind {
        ExprKind::Constant(Value::Duration(length)) => Some(*length),
        ExprKind::Shift { left, right, .. } => match (&left.kind, &right.kind) {
            (ExprKind::Constant(Value::Duration(length)), ExprKind::Constant(Value::Integer(times))) => {
                crate::value::time::multiply(*length, *times).ok()
            }
            _ => None,
        },
        _ => None,
    }
}
