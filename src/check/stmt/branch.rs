//! `if`, and what is known where branches come together again.

use crate::check::context::Context;
use crate::check::ir;
use crate::check::narrow::{Facts, Place};
use crate::syntax::ast;

use super::Outcome;

/// What is known behind several branches: what all of those know that come out.
#[derive(Default)]
pub(super) struct Joined {
    facts: Option<Facts>,
}

impl Joined {
    /// Adds the end of a branch that comes out.
    pub fn add(&mut self, facts: Facts) {
        self.facts = Some(match self.facts.take() {
            Some(others) => others.join(&facts),
            None => facts,
        });
    }

    /// What is known behind them, if any comes out.
    pub fn facts(self) -> Option<Facts> {
        self.facts
    }
}

impl Context<'_> {
    pub(super) fn branches(&mut self, arms: &[(ast::Expr, ast::Block)], otherwise: Option<&ast::Block>) -> Outcome {
        let mut joined = Joined::default();
        let mut checked = Vec::with_capacity(arms.len());
        let mut sound = true;
        for (condition, block) in arms {
            let condition = self.condition(condition);
            let otherwise = condition.as_ref().map_or_else(|| self.facts.clone(), |(_, _, no)| no.clone());
            let condition = condition.map(|(condition, yes, _)| {
                self.facts = yes;
                condition
            });
            let body = self.branch(block, &mut joined);
            self.facts = otherwise;
            match condition {
                Some(condition) => checked.push((condition, body)),
                None => sound = false,
            }
        }
        let otherwise = match otherwise {
            Some(block) => self.branch(block, &mut joined),
            None => {
                joined.add(std::mem::take(&mut self.facts));
                ir::Block::new()
            }
        };
        let kind = sound.then_some(ir::StmtKind::If { arms: checked, otherwise });
        self.come_together(joined, kind)
    }

    /// From here on, what an expression reads is known not to be empty.
    pub(super) fn learn(&mut self, expr: &ir::Expr) {
        if let Some(place) = Place::of(expr) {
            self.facts.learn(place);
        }
    }

    /// Checks a branch with the facts as they are, and adds what is known at its end.
    pub(super) fn branch(&mut self, block: &ast::Block, joined: &mut Joined) -> ir::Block {
        let (body, ends) = self.block(block);
        let facts = std::mem::take(&mut self.facts);
        if !ends {
            joined.add(facts);
        }
        body
    }

    /// Goes on behind branches; where none of them comes out, the flow has ended.
    pub(super) fn come_together(&mut self, joined: Joined, kind: Option<ir::StmtKind>) -> Outcome {
        match joined.facts() {
            Some(facts) => {
                self.facts = facts;
                Outcome::goes_on(kind)
            }
            None => Outcome::ends(kind),
        }
    }
}
