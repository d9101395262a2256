//! What the tests of a project covered: its flows and actions, what begins them, statements, branches and conditions.
//!
//! Nothing is put into the code for it. While the tests run, the machine counts its operations ([`Collector`]); what they mean is worked out
//! afterwards ([`measure`]), from the checked tree, which says what there is to cover, and from the places that the operations come from.
//! Nothing in here prints.

mod counts;
mod measure;
mod points;
mod tally;

use smol_str::SmolStr;

use crate::source::Span;

pub use counts::Collector;
pub use measure::{measure, unit_of};

/// What was covered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coverage {
    /// The flows and actions, in source order.
    pub units: Vec<Unit>,
}

/// A flow or action.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// Its name.
    pub name: SmolStr,
    /// Whether it is an action.
    pub action: bool,
    /// Where its name stands.
    pub span: Span,
    /// How often its statements were run.
    pub runs: u64,
    /// What can begin it.
    pub starts: Vec<Start>,
    /// Its statements, in source order.
    pub statements: Vec<Statement>,
    /// The ways that its branches can go, in source order.
    pub branches: Vec<Branch>,
    /// Its conditions that are not made of others, in source order.
    pub conditions: Vec<Condition>,
}

/// Something that can begin a flow or action. Counted where it then ran: its `when` was true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// As it is written: `update(name) at pre-operation`, `on demand`.
    pub words: String,
    /// How often it did.
    pub count: u64,
}

/// A statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Where it stands.
    pub span: Span,
    /// How often it was begun.
    pub count: u64,
}

/// A way that a branch can go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// What decides it; the ways of a branch share it.
    pub by: Span,
    /// What kind of branch it is a way of.
    pub kind: Decides,
    /// Where it stands: what a branch of a wait waits for, else what decides it.
    pub span: Span,
    /// Which way: `true`, `false`, a value that an arm names, `else`, `record`, `no record`, `until`, `after`.
    pub words: String,
    /// How often it was gone.
    pub count: u64,
}

/// What decides which way a branch goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decides {
    /// A condition.
    Condition,
    /// The value of a `match`.
    Match,
    /// Whether the record of an activity is there.
    Record,
    /// What comes first of that which a wait waits for.
    Wait,
}

/// A condition, or a part of one between `and`, `or` and `not`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Where it stands.
    pub span: Span,
    /// How often it was true.
    pub holds: u64,
    /// How often it wasn't.
    pub fails: u64,
}

/// How many there are, and how many of them were reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// The reached ones.
    pub reached: usize,
    /// All.
    pub all: usize,
}

/// The shares by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// Flows and actions that ran.
    pub units: Share,
    /// What begins them.
    pub starts: Share,
    /// Statements.
    pub statements: Share,
    /// Ways of branches.
    pub branches: Share,
    /// Outcomes of conditions: two for each.
    pub conditions: Share,
}

impl Coverage {
    /// The shares of all flows and actions together.
    pub fn shares(&self) -> Shares {
        self.units.iter().fold(Shares::default(), |sum, unit| sum.and(unit.shares()))
    }
}

impl Unit {
    /// Its shares.
    pub fn shares(&self) -> Shares {
        Shares {
            units: Share::of([self.runs]),
            starts: Share::of(self.starts.iter().map(|start| start.count)),
            statements: Share::of(self.statements.iter().map(|statement| statement.count)),
            branches: Share::of(self.branches.iter().map(|branch| branch.count)),
            conditions: Share::of(self.conditions.iter().flat_map(|condition| [condition.holds, condition.fails])),
        }
    }
}

impl Shares {
    /// Of all that there is to cover, whatever its kind.
    pub fn total(&self) -> Share {
        let Shares { units, starts, statements, branches, conditions } = *self;
        [units, starts, statements, branches, conditions].into_iter().fold(Share::default(), Share::and)
    }

    fn and(self, other: Shares) -> Shares {
        Shares {
            units: self.units.and(other.units),
            starts: self.starts.and(other.starts),
            statements: self.statements.and(other.statements),
            branches: self.branches.and(other.branches),
            conditions: self.conditions.and(other.conditions),
        }
    }
}

impl Share {
    fn of(counts: impl IntoIterator<Item = u64>) -> Share {
        counts.into_iter().fold(Share::default(), |sum, count| Share { reached: sum.reached + usize::from(count > 0), all: sum.all + 1 })
    }

    fn and(self, other: Share) -> Share {
        Share { reached: self.reached + other.reached, all: self.all + other.all }
    }

    /// Whether everything was reached.
    pub fn is_whole(self) -> bool {
        self.reached == self.all
    }

    /// In percent, with one decimal, rounded down: 100 says that nothing is missing. Where there is nothing to cover, 100 too.
    pub fn percent(self) -> f64 {
        (self.reached * 1_000).checked_div(self.all).map_or(100.0, |share| share as f64 / 10.0)
    }
}
