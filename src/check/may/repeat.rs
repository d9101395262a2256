//! Statements that run any number of times, or later: what is known where they begin holds each time.

use crate::bytecode::Cause;
use crate::check::ir::{Block, Expr, LocalId, Query, StmtKind, Until, WaitBranch};
use crate::check::walk::{self, Part};
use crate::schema::select::MAX_VISITED;
use crate::value::Decimal;

use super::value::{Full, May};
use super::{Run, State};

impl Run<'_> {
    /// The records that a query takes are looked at, each with its filter.
    pub(super) fn query(&mut self, query: &Query) {
        query.conditions.iter().for_each(|condition| drop(self.value(&condition.value)));
        self.reads(query.entity);
        if let Some(filter) = &query.filter {
            let before = self.state.clone();
            self.state.forget_rows();
            self.split(filter);
            self.state = before;
        }
    }

    /// The statements for each record. What is known at the head of the loop is what no turn changes, and that is
    /// what is known behind it: a loop is left by its head alone.
    pub(super) fn for_each(&mut self, query: &Query, limit: Option<&Expr>, local: LocalId, body: &Block) {
        self.query(query);
        self.most_records(query, limit);
        if self.state.dead {
            return;
        }
        let sure = std::mem::replace(&mut self.sure, false);
        if changes(body) {
            self.state.reread();
            if self.flow.stages.early() {
                self.state.forget_changes();
            }
        }
        let head = self.state.clone();
        self.locals.insert(local, (May::ANYTHING.needed(), false));
        self.block(body);
        self.state = head;
        self.sure = sure && !ends(body);
    }

    /// Whether a loop may find more records than one may visit.
    fn most_records(&mut self, query: &Query, limit: Option<&Expr>) {
        let Some(limit) = limit else {
            return self.cause(Cause::Records(query.entity));
        };
        let most = match self.value(limit).full {
            Full::Number { high, .. } => u64::try_from(high.max(Decimal::ZERO)).unwrap_or(u64::MAX),
            _ => u64::MAX,
        };
        // Where records are filtered and put in order, more of them are held than are visited.
        if most > MAX_VISITED / 4 {
            self.cause(Cause::Records(query.entity));
        }
    }

    /// A wait: everything may have changed when it goes on with one of its branches.
    pub(super) fn wait(&mut self, branches: &[WaitBranch]) {
        for branch in branches {
            match &branch.until {
                Until::Moment(moment) => drop(self.value(moment)),
                Until::After(length) => {
                    self.value(length);
                    self.cause(Cause::OutOfTime);
                }
                Until::Condition(_) => {}
            }
        }
        self.state.reread();
        let before = self.state.clone();
        let mut joined: Option<State> = None;
        self.sure = false;
        for branch in branches {
            self.state = before.clone();
            if let Until::Condition(condition) = &branch.until {
                self.state = self.split(condition).0;
            }
            self.branch(&branch.body, &mut joined);
        }
        self.come_together(joined, false);
    }
}

/// Whether statements may change what was read before them.
fn changes(block: &Block) -> bool {
    any(block, &|kind| {
        use StmtKind as S;
        let quiet = matches!(kind, S::Stop(_) | S::Finish(_) | S::Let { .. } | S::Log(_) | S::SetOutput(_));
        !quiet && !matches!(kind, S::If { .. } | S::Match { .. } | S::ForEach { .. } | S::Step { .. })
    })
}

/// Whether statements may end the flow.
fn ends(block: &Block) -> bool {
    any(block, &|kind| matches!(kind, StmtKind::Stop(_) | StmtKind::Finish(_)))
}

fn any(block: &Block, wanted: &impl Fn(&StmtKind) -> bool) -> bool {
    block.iter().any(|statement| {
        let mut found = wanted(&statement.kind);
        walk::each_of(&statement.kind, &mut |part| {
            if let Part::Body(body) = part {
                found = found || any(body, wanted);
            }
        });
        found
    })
}
