//! What the tests leave out, one by one: what begins a flow, the ways of its branches, the outcomes of its conditions, bodies of loops.

use std::cmp::Reverse;

use smol_str::SmolStr;

use crate::source::{Sources, Span};

use super::super::coverage::{Coverage, Decides, Unit};
use super::paths::{Ask, Ways, What};

/// Something that no test reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goal {
    /// The flow or action.
    pub unit: SmolStr,
    /// Where it is decided; what begins a flow is at its name.
    pub span: Span,
    /// What it is, in words: `` `vip` is true ``.
    pub words: String,
    pub(super) kind: Kind,
    pub(super) action: bool,
}

/// Which count it is, by its position among those of the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Start(usize),
    Branch(usize),
    Condition(usize, bool),
    Statement(usize),
}

impl Kind {
    fn count(self, unit: &Unit) -> u64 {
        match self {
            Kind::Start(at) => unit.starts.get(at).map_or(0, |start| start.count),
            Kind::Branch(at) => unit.branches.get(at).map_or(0, |branch| branch.count),
            Kind::Condition(at, holds) => {
                unit.conditions.get(at).map_or(0, |condition| if holds { condition.holds } else { condition.fails })
            }
            Kind::Statement(at) => unit.statements.get(at).map_or(0, |statement| statement.count),
        }
    }
}

impl Goal {
    /// Whether it was reached.
    pub(super) fn is_reached(&self, unit: &Unit) -> bool {
        self.kind.count(unit) > 0
    }

    /// What has to be so on the way to it, with what makes it; none where no way is known.
    pub(super) fn asks<'a>(&self, unit: &Unit, ways: &Ways<'a>) -> Option<Vec<Ask<'a>>> {
        let own = |span: &Span| *span == self.span;
        match self.kind {
            Kind::Start(_) => Some(ways.start.asks()),
            Kind::Branch(at) => {
                let by = unit.branches.get(at)?.by;
                let first = unit.branches.iter().position(|branch| branch.by == by)?;
                let (_, spot, leads) = ways.decisions.iter().find(|(span, ..)| *span == by)?;
                Some(spot.asks_with(leads.get(at - first)?.clone()))
            }
            Kind::Condition(_, holds) => {
                let (condition, spot) = ways.conditions.iter().find(|(condition, _)| own(&condition.span))?;
                Some(spot.asks_with(What::Holds(condition, holds)))
            }
            Kind::Statement(_) => ways.bodies.iter().find(|(span, _)| own(span)).map(|(_, spot)| spot.asks()),
        }
    }
}

/// Everything that wasn't reached, in the order of the source.
pub(super) fn missing(coverage: &Coverage, sources: &Sources, bodies: &dyn Fn(&Unit) -> Vec<Span>) -> Vec<Goal> {
    coverage.units.iter().flat_map(|unit| of(unit, sources, &bodies(unit))).collect()
}

fn of(unit: &Unit, sources: &Sources, bodies: &[Span]) -> Vec<Goal> {
    let goal = |kind, span, words| Goal { unit: unit.name.clone(), span, words, kind, action: unit.action };
    let text = |span| sources.brief(span);
    let starts = unit.starts.iter().enumerate().map(|(at, start)| goal(Kind::Start(at), unit.span, format!("begun by `{}`", start.words)));
    let branches = unit.branches.iter().enumerate().map(|(at, branch)| {
        let words = match (branch.kind, branch.words.as_str()) {
            (Decides::Condition, words) => format!("`{}` is {words}", text(branch.span)),
            (Decides::Record, "record") => "its record is there".to_owned(),
            (Decides::Record, _) => "its record is empty".to_owned(),
            (Decides::Match, "else") => format!("`{}` is anything else", text(branch.span)),
            (Decides::Match, words) => format!("`{}` is `{words}`", text(branch.span)),
            (Decides::Wait, words) => format!("`{words} {}` comes", text(branch.span)),
        };
        goal(Kind::Branch(at), branch.span, words)
    });
    let conditions = unit.conditions.iter().enumerate().flat_map(|(at, condition)| {
        [true, false].map(|holds| goal(Kind::Condition(at, holds), condition.span, format!("`{}` is {holds}", text(condition.span))))
    });
    let statements = unit.statements.iter().enumerate().filter(|(_, statement)| bodies.contains(&statement.span));
    let statements =
        statements.map(|(at, statement)| goal(Kind::Statement(at), statement.span, format!("`{}` is run", text(statement.span))));
    let mut goals: Vec<Goal> = branches.chain(conditions).chain(statements).collect();
    // A condition comes before its parts.
    goals.sort_by_key(|goal| (goal.span.file, goal.span.start, Reverse(goal.span.end)));
    starts.chain(goals).filter(|goal| !goal.is_reached(unit)).collect()
}
