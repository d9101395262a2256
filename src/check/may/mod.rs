//! What may happen in a flow: a walk along every path at once, with what each value may be. It tells how the flow can
//! fail, which branches no run takes, and what each operation on records may write.
//!
//! Always at least what can happen in truth: where nothing is known, anything may. Ranges of fields are those of the
//! schema, which every value is held against when it enters a record.

mod condition;
mod expr;
mod number;
mod outside;
mod repeat;
mod site;
mod state;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use crate::bytecode::{ActionHead, Cause, FlowHead};
use crate::schema::{FieldSet, Schema};
use crate::source::Span;
use crate::value::EntityId;

use super::ir::{Arm, Block, Expr, LocalId, Record, Stmt, StmtKind};
pub(super) use outside::{Outside, outside};
pub(super) use site::{Operation, Site, cascade, unfilled};
pub(super) use state::State;
pub(super) use value::May;

/// What is known of the whole project.
pub(super) struct World<'a> {
    /// Its entities.
    pub schema: &'a Schema,
    /// Entities whose records some flow deletes, straight or by a cascade.
    pub deletable: BTreeSet<EntityId>,
    /// Fields that some flow sets before its record is created.
    pub completed: BTreeMap<EntityId, FieldSet>,
    /// The flows by name.
    pub heads: FxHashMap<&'a str, &'a FlowHead>,
    /// The actions by name.
    pub actions: FxHashMap<&'a str, &'a ActionHead>,
}

/// Where a flow may run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stages {
    /// Before its record is created.
    pub before_create: bool,
    /// Before its record is updated or deleted.
    pub before: bool,
    /// After the operation.
    pub after: bool,
    /// By itself: in the background.
    pub apart: bool,
}

impl Stages {
    /// Whether what it reads is what the store holds.
    fn fresh(self) -> bool {
        !self.before && !self.before_create
    }

    /// Whether it may run before its operation.
    pub fn early(self) -> bool {
        self.before || self.before_create
    }

    /// Whether it may run elsewhere.
    pub fn late(self) -> bool {
        self.after || self.apart
    }
}

/// A flow as the walk needs it.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    /// Its clauses.
    pub head: &'a FlowHead,
    /// Where it may run.
    pub stages: Stages,
    /// Its condition.
    pub when: Option<&'a Expr>,
    /// Its statements.
    pub body: &'a Block,
}

/// What the walk finds.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// How the flow can fail.
    pub causes: BTreeSet<Cause>,
    /// Whether its condition can hold.
    pub runs: bool,
    /// Conditions that always turn out the same.
    pub decided: Vec<Decided>,
    /// Its operations on records.
    pub sites: Vec<Site>,
}

/// A condition that always turns out the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decided {
    /// Where it stands.
    pub span: Span,
    /// How.
    pub holds: bool,
    /// Whether something stands in the branch that is never taken.
    pub matters: bool,
}

/// A walk on its way.
struct Run<'a> {
    world: &'a World<'a>,
    flow: View<'a>,
    state: State,
    /// What the `let`s may hold, and whether a record in one may be gone.
    locals: FxHashMap<LocalId, (May, bool)>,
    /// Whether every run of the flow comes to this point.
    sure: bool,
    found: Found,
}

/// Walks a flow that begins with what is known of its record.
pub(super) fn walk<'a>(world: &'a World<'a>, flow: View<'a>, known: State) -> Found {
    let found = Found { runs: true, ..Found::default() };
    let mut run = Run { world, flow, state: known, locals: FxHashMap::default(), sure: true, found };
    run.cause(Cause::Instructions);
    if let Some(when) = flow.when {
        let (yes, no) = run.split(when);
        run.found.runs = !yes.dead;
        run.sure = no.dead;
        run.state = yes;
    }
    run.block(flow.body);
    run.found
}

/// What is known of a record where the condition of a flow holds; dead where it can't.
pub(super) fn known_after_when<'a>(world: &'a World<'a>, flow: View<'a>, known: State) -> State {
    let found = Found::default();
    let mut run = Run { world, flow, state: known, locals: FxHashMap::default(), sure: true, found };
    match flow.when {
        Some(when) => run.split(when).0,
        None => run.state,
    }
}

impl Run<'_> {
    fn cause(&mut self, cause: Cause) {
        if !self.state.dead {
            self.found.causes.insert(cause);
        }
    }

    fn block(&mut self, block: &Block) {
        for statement in block {
            if self.state.dead {
                return;
            }
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        match &statement.kind {
            StmtKind::Set(writes) => self.set(writes, statement.span),
            StmtKind::Stop(text) => {
                self.value(text);
                self.state.dead = true;
            }
            StmtKind::Finish(note) => {
                note.iter().for_each(|note| drop(self.value(note)));
                self.state.dead = true;
            }
            StmtKind::Let { local, value } => {
                let (may, gone) = (self.value(value), self.may_be_gone(value));
                self.locals.insert(*local, (may, gone));
            }
            StmtKind::Create { entity, values, into } => {
                self.create(*entity, values, statement.span);
                if let Some(local) = into {
                    self.locals.insert(*local, (May::ANYTHING.needed(), false));
                }
            }
            StmtKind::Update { record, values } => self.update(record, values, statement.span),
            StmtKind::Delete { record } => self.delete(record, statement.span),
            StmtKind::Start { flow, arguments, record } => self.start(flow, arguments, record, statement.span),
            StmtKind::If { arms, otherwise } => self.branches(arms, otherwise),
            StmtKind::Match { subject, arms, otherwise } => self.matching(subject, arms, otherwise),
            StmtKind::Log(text) => drop(self.value(text)),
            StmtKind::Step { title, body } => {
                self.value(title);
                self.block(body);
            }
            StmtKind::Perform { action, record, arguments, .. } => self.perform(action, arguments, record.as_ref(), statement.span),
            StmtKind::SetOutput(values) => self.set_output(values),
            StmtKind::ForEach { query, limit, local, body, .. } => self.for_each(query, limit.as_ref(), *local, body),
            StmtKind::Wait { branches, .. } => self.wait(branches),
        }
    }

    fn branches(&mut self, arms: &[(Expr, Block)], otherwise: &Block) {
        let sure = self.sure;
        let mut joined: Option<State> = None;
        let mut ended = false;
        for (index, (condition, body)) in arms.iter().enumerate() {
            if self.state.dead {
                break;
            }
            let (yes, no) = self.split(condition);
            let more = index + 1 < arms.len() || !otherwise.is_empty();
            if yes.dead || no.dead {
                let matters = if yes.dead { !body.is_empty() } else { more };
                self.found.decided.push(Decided { span: condition.span, holds: no.dead, matters });
            }
            self.sure &= no.dead;
            self.state = yes;
            ended |= self.branch(body, &mut joined);
            self.sure = sure;
            self.state = no;
        }
        self.sure = false;
        ended |= self.branch(otherwise, &mut joined);
        self.come_together(joined, sure && !ended);
    }

    fn matching(&mut self, subject: &Expr, arms: &[Arm], otherwise: &Block) {
        let sure = std::mem::replace(&mut self.sure, false);
        let mut rest = self.value(subject);
        let before = self.state.clone();
        let mut joined: Option<State> = None;
        let mut ended = false;
        for arm in arms {
            let taken = arm.values.iter().fold(May::NOTHING, |any, value| any.join(&May::constant(value)));
            self.state = self.narrowed(&before, subject, rest.meet(&taken));
            ended |= self.branch(&arm.body, &mut joined);
            rest = arm.values.iter().fold(rest, |rest, value| rest.without(&May::constant(value)));
        }
        self.state = self.narrowed(&before, subject, rest);
        ended |= self.branch(otherwise, &mut joined);
        self.come_together(joined, sure && !ended);
    }

    fn narrowed(&self, before: &State, subject: &Expr, may: May) -> State {
        let mut state = before.clone();
        state.dead |= may.is_nothing();
        if let Some(place) = super::narrow::Place::of(subject).filter(|_| !state.dead) {
            state.learn(place, may);
        }
        state
    }

    /// Walks a branch and takes up what is known at its end; says whether it may end the flow.
    fn branch(&mut self, body: &Block, joined: &mut Option<State>) -> bool {
        if self.state.dead {
            return false;
        }
        let sure = self.sure;
        self.block(body);
        // A branch inside of it that ends the flow has made the rest of it less sure.
        let ended = self.state.dead || (sure && !self.sure);
        let state = std::mem::take(&mut self.state);
        if !state.dead {
            *joined = Some(joined.take().map_or_else(|| state.clone(), |other| other.join(&state)));
        }
        ended
    }

    fn come_together(&mut self, joined: Option<State>, sure: bool) {
        self.sure = sure;
        self.state = joined.unwrap_or_else(State::unreached);
    }
}

/// Whether a record is the triggering one.
fn is_this(record: &Record) -> bool {
    record.reference.kind == super::ir::ExprKind::This
}
