//! What has to be true on the way to each place of a flow or action, read off its tree. Knows no counts and no values.
//!
//! A way is a list of asks in the order of the source. It is what the text says and not a proof: what other flows do, and a field that is set
//! in a branch on the way, is left out. Whoever makes records of it has to run them.

use crate::check::ir::{Block, Expr, ExprKind, LocalId, Query, Stmt, StmtKind, Until};
use crate::check::walk::{Part, each_of, each_part};
use crate::source::Span;
use crate::value::{Slot, Type, Value};

use super::chain::Chain;

/// Something that has to be so.
#[derive(Clone, Debug)]
pub(super) struct Ask<'a> {
    pub what: What<'a>,
    pub scope: Scope<'a>,
    pub about: About,
}

/// What it is.
#[derive(Clone, Debug)]
pub(super) enum What<'a> {
    /// A condition is true, or isn't.
    Holds(&'a Expr, bool),
    /// A value is this one.
    Is(&'a Expr, &'a Value),
    /// A value is none of these.
    NoneOf(&'a Expr, Vec<&'a Value>),
    /// A record is there, or is empty.
    There(&'a Expr, bool),
    /// A query takes a record, and a loop has it in a local.
    Row(&'a Query, LocalId),
    /// The time of a wait has come.
    Waited(&'a Until),
}

/// The record that a flow runs on, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct About {
    /// Its number among the records of a sketch; the first is the one that the operation is about.
    pub record: usize,
    /// Whether it is while that is created beforehand, and not in the operation.
    pub before: bool,
}

/// The operation on the first record.
pub(super) const OPERATION: About = About { record: 0, before: false };

/// What names and fields hold at a place, where the same text says so.
pub(super) type Scope<'a> = Chain<Known<'a>>;

/// What something holds, and what was known where that was worked out.
#[derive(Clone, Debug)]
pub(super) struct Known<'a> {
    named: Named,
    pub value: &'a Expr,
    pub scope: Scope<'a>,
}

/// Something with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Local(LocalId),
    Field(Slot),
}

/// How far back a value is looked for, and how many asks make up a way: those nearest to its end.
const MOST: usize = 400;

/// What is known of something.
pub(super) fn known<'s, 'a>(named: Named, scope: &'s Scope<'a>) -> Option<&'s Known<'a>> {
    scope.back().take(MOST).find(|known| known.named == named)
}

/// A place in a flow: what was asked on the way to it, and what is known there.
#[derive(Clone, Debug, Default)]
pub(super) struct Spot<'a> {
    path: Chain<Ask<'a>>,
    scope: Scope<'a>,
}

impl<'a> Spot<'a> {
    /// What has to be so on the way there, in order.
    pub fn asks(&self) -> Vec<Ask<'a>> {
        let mut asks: Vec<Ask<'a>> = self.path.back().take(MOST).cloned().collect();
        asks.reverse();
        asks
    }

    /// The same, and one more there.
    pub fn asks_with(&self, what: What<'a>) -> Vec<Ask<'a>> {
        let ask = Ask { what, scope: self.scope.clone(), about: OPERATION };
        self.asks().into_iter().chain([ask]).collect()
    }
}

/// The places of a flow or action.
#[derive(Debug, Default)]
pub(super) struct Ways<'a> {
    /// What decides between ways, each with what leads on, in the order in which coverage tells them.
    pub decisions: Vec<(Span, Spot<'a>, Vec<What<'a>>)>,
    /// Conditions that are not made of others.
    pub conditions: Vec<(&'a Expr, Spot<'a>)>,
    /// The statements.
    pub statements: Vec<(&'a Stmt, Spot<'a>)>,
    /// First statements that no decision leads to, but a record of a loop.
    pub bodies: Vec<(Span, Spot<'a>)>,
    /// Before the first statement.
    pub start: Spot<'a>,
    here: Spot<'a>,
}

impl<'a> Ways<'a> {
    /// Of a flow or action.
    pub fn new(when: Option<&'a Expr>, body: &'a Block) -> Self {
        let mut ways = Ways::default();
        if let Some(when) = when {
            ways.decide(when);
            ways.ask(What::Holds(when, true));
        }
        ways.start.clone_from(&ways.here);
        ways.block(body);
        ways
    }

    fn ask(&mut self, what: What<'a>) {
        let ask = Ask { what, scope: self.here.scope.clone(), about: OPERATION };
        self.here.path = self.here.path.with(ask);
    }

    fn know(&mut self, named: Named, value: &'a Expr, scope: &Scope<'a>) {
        self.here.scope = self.here.scope.with(Known { named, value, scope: scope.clone() });
    }

    fn decision(&mut self, span: Span, ways: Vec<What<'a>>) {
        self.decisions.push((span, self.here.clone(), ways));
    }

    fn block(&mut self, block: &'a Block) {
        block.iter().for_each(|statement| self.statement(statement));
    }

    /// Statements that run only where this is so.
    fn branch(&mut self, asks: Vec<What<'a>>, block: &'a Block) {
        let before = self.here.clone();
        asks.into_iter().for_each(|ask| self.ask(ask));
        self.block(block);
        self.here = before;
    }

    /// A condition with its two ways and its parts.
    fn decide(&mut self, condition: &'a Expr) {
        if !matches!(condition.kind, ExprKind::Constant(_)) {
            let ways = vec![What::Holds(condition, true), What::Holds(condition, false)];
            self.decision(condition.span, ways);
        }
        self.parts(condition);
    }

    fn parts(&mut self, condition: &'a Expr) {
        let before = self.here.clone();
        match &condition.kind {
            ExprKind::And(left, right) | ExprKind::Or(left, right) if left.span != condition.span => {
                self.parts(left);
                self.ask(What::Holds(left, matches!(condition.kind, ExprKind::And(..))));
                self.parts(right);
            }
            ExprKind::Not(inner) if inner.span != condition.span => self.parts(inner),
            _ => self.conditions.push((condition, self.here.clone())),
        }
        self.here = before;
    }

    fn statement(&mut self, statement: &'a Stmt) {
        self.statements.push((statement, self.here.clone()));
        if !matches!(statement.kind, StmtKind::If { .. } | StmtKind::Wait { .. } | StmtKind::ForEach { .. }) {
            each_of(&statement.kind, &mut |part| {
                if let Part::Value(value) = part {
                    self.parts_of_value(value);
                }
            });
        }
        match &statement.kind {
            StmtKind::Set(writes) => {
                // All values are worked out before the first is written.
                let before = self.here.scope.clone();
                writes.iter().for_each(|write| self.know(Named::Field(write.slot), &write.value, &before));
            }
            StmtKind::Let { local, value } => {
                let before = self.here.scope.clone();
                self.know(Named::Local(*local), value, &before);
                // Where there is no such record, nothing behind it runs.
                if matches!(value.kind, ExprKind::ByKey { .. }) {
                    self.ask(What::There(value, true));
                }
            }
            StmtKind::If { arms, otherwise } => self.conditional(arms, otherwise),
            StmtKind::Match { .. } => self.choice(&statement.kind),
            StmtKind::Step { body, .. } => self.block(body),
            StmtKind::ForEach { query, local, body, .. } => {
                let before = self.here.clone();
                self.ask(What::Row(query, *local));
                self.enter(body);
                self.here = before;
                self.branch(vec![What::Row(query, *local)], body);
            }
            StmtKind::Wait { branches, .. } => self.wait(branches, statement.span),
            StmtKind::Update { record, .. }
            | StmtKind::Delete { record }
            | StmtKind::Start { record, .. }
            | StmtKind::Perform { record: Some(record), .. }
                if record.skip_if_empty =>
            {
                let ways = vec![What::There(&record.reference, true), What::There(&record.reference, false)];
                self.decision(statement.span, ways);
            }
            _ => {}
        }
    }

    /// The conditions in a value.
    fn parts_of_value(&mut self, value: &'a Expr) {
        if value.ty == Type::Boolean && !matches!(value.kind, ExprKind::Constant(_)) {
            self.parts(value);
        }
        let mut inner = Vec::new();
        each_part(value, &mut |part| inner.push(part));
        let is_condition = matches!(value.kind, ExprKind::And(..) | ExprKind::Or(..) | ExprKind::Not(_));
        inner.into_iter().filter(|_| !is_condition).for_each(|part| self.parts_of_value(part));
    }

    fn enter(&mut self, body: &'a Block) {
        if let Some(first) = body.first() {
            self.bodies.push((first.span, self.here.clone()));
        }
    }

    fn conditional(&mut self, arms: &'a [(Expr, Block)], otherwise: &'a Block) {
        let before = self.here.clone();
        for (condition, body) in arms {
            self.decide(condition);
            self.branch(vec![What::Holds(condition, true)], body);
            self.ask(What::Holds(condition, false));
        }
        self.branch(Vec::new(), otherwise);
        self.here = before;
        // What stands behind is only reached where no arm that ends was taken.
        arms.iter().filter(|(_, body)| ends(body)).for_each(|(condition, _)| self.ask(What::Holds(condition, false)));
        if let ([(condition, _)], true) = (arms, ends(otherwise)) {
            self.ask(What::Holds(condition, true));
        }
    }

    fn choice(&mut self, kind: &'a StmtKind) {
        let StmtKind::Match { subject, arms, otherwise } = kind else { return };
        let all: Vec<&Value> = arms.iter().flat_map(|arm| &arm.values).collect();
        let each = all.iter().map(|value| What::Is(subject, value));
        let ways = each.chain([What::NoneOf(subject, all.clone())]).collect();
        self.decision(subject.span, ways);
        for arm in arms {
            let is = arm.values.first().map(|value| What::Is(subject, value));
            self.branch(is.into_iter().collect(), &arm.body);
        }
        self.branch(vec![What::NoneOf(subject, all)], otherwise);
        let ended: Vec<&Value> = arms.iter().filter(|arm| ends(&arm.body)).flat_map(|arm| &arm.values).collect();
        if !ended.is_empty() {
            self.ask(What::NoneOf(subject, ended));
        }
    }

    fn wait(&mut self, branches: &'a [crate::check::ir::WaitBranch], span: Span) {
        self.decision(span, branches.iter().map(|branch| What::Waited(&branch.until)).collect());
        for branch in branches {
            if let Until::Condition(condition) = &branch.until {
                self.parts(condition);
            }
            self.branch(vec![What::Waited(&branch.until)], &branch.body);
        }
        if let Some(on) = branches.iter().find(|branch| !ends(&branch.body)) {
            self.ask(What::Waited(&on.until));
        }
    }
}

/// Whether statements end the flow, as far as that can be seen.
fn ends(block: &Block) -> bool {
    block.iter().any(|statement| match &statement.kind {
        StmtKind::Stop(_) | StmtKind::Finish(_) => true,
        StmtKind::If { arms, otherwise } => arms.iter().all(|(_, body)| ends(body)) && ends(otherwise),
        StmtKind::Match { arms, otherwise, .. } => !arms.is_empty() && arms.iter().all(|arm| ends(&arm.body)) && ends(otherwise),
        StmtKind::Step { body, .. } => ends(body),
        _ => false,
    })
}

impl<'a> Ask<'a> {
    /// The same about another record, or at another time.
    pub fn of(&self, about: About) -> Ask<'a> {
        Ask { about, ..self.clone() }
    }

    /// What makes it untrue; each alone does.
    pub fn otherwise(&self) -> Vec<Ask<'a>> {
        let with = |what| Ask { what, ..self.clone() };
        match &self.what {
            What::Holds(condition, holds) => vec![with(What::Holds(condition, !holds))],
            What::Is(value, is) => vec![with(What::NoneOf(value, vec![is]))],
            What::NoneOf(value, these) => these.iter().map(|is| with(What::Is(value, is))).collect(),
            What::There(record, there) => vec![with(What::There(record, !there))],
            What::Row(..) | What::Waited(_) => Vec::new(),
        }
    }
}
