//! What is asked, taken apart: the ways in which conditions can come true, each a list of comparisons that hold together.

use std::cell::Cell;
use std::rc::Rc;

use crate::check::ir::{Comparison, Expr, ExprKind, LocalId, Query, Until};
use crate::value::Value;

use super::domain::Need;
use super::paths::{About, Ask, Known, Named, Scope, What, known};

/// One thing to be seen to.
#[derive(Clone, Debug)]
pub(super) struct Task<'a> {
    pub kind: Kind<'a>,
    pub at: At<'a>,
}

/// Where something is asked: what names mean there, and what the record is.
#[derive(Clone, Debug)]
pub(super) struct At<'a> {
    pub scope: Scope<'a>,
    pub about: About,
    fuel: Rc<Cell<u32>>,
    /// How many names were looked through on the way.
    depth: u32,
}

/// How many expressions are looked at for one list of asks: a name may stand for two that stand for two others.
const FUEL: u32 = 50_000;

/// How many names are looked through, one behind the other.
const DEEPEST: u32 = 32;

impl<'a> At<'a> {
    /// The same where other names hold.
    pub fn within(&self, scope: &Scope<'a>) -> At<'a> {
        At { scope: scope.clone(), depth: self.depth + 1, ..self.clone() }
    }

    /// Whether one more expression may be looked at.
    pub fn goes_on(&self) -> bool {
        let left = self.fuel.get();
        self.fuel.set(left.saturating_sub(1));
        left > 0 && self.depth < DEEPEST
    }

    /// What a name or a field holds where the same text says so.
    pub fn known(&self, e: &Expr) -> Option<&Known<'a>> {
        match &e.kind {
            ExprKind::Local(local) => known(Named::Local(*local), &self.scope),
            ExprKind::Field(slot) => known(Named::Field(*slot), &self.scope),
            _ => None,
        }
    }
}

/// The kinds.
#[derive(Clone, Debug)]
pub(super) enum Kind<'a> {
    /// A condition without `and`, `or` and `not`.
    Holds(&'a Expr, bool),
    /// Two values stand in a relation.
    Compare(&'a Expr, Comparison, &'a Expr),
    /// A value is like this.
    Need(&'a Expr, Need),
    /// An activity's record is there or is empty.
    There(&'a Expr, bool),
    /// A query takes a record.
    Row(&'a Query, LocalId),
    /// The time of a wait comes.
    Waited(&'a Until),
}

/// The ways, each a list of tasks.
pub(super) type Ways<'a> = Vec<Vec<Task<'a>>>;

/// How many ways are followed.
pub(super) const MOST: usize = 12;

/// The ways in which everything asked comes true.
pub(super) fn of_all<'a>(asks: &[Ask<'a>]) -> Ways<'a> {
    let fuel = Rc::new(Cell::new(FUEL));
    asks.iter().fold(vec![Vec::new()], |ways, ask| both(ways, &of(ask, &fuel)))
}

fn of<'a>(ask: &Ask<'a>, fuel: &Rc<Cell<u32>>) -> Ways<'a> {
    let at = At { scope: ask.scope.clone(), about: ask.about, fuel: Rc::clone(fuel), depth: 0 };
    let one = |kind| vec![vec![Task { kind, at: at.clone() }]];
    match &ask.what {
        What::Holds(condition, holds) => condition_ways(condition, *holds, &at),
        What::Is(subject, Value::Boolean(truth)) => condition_ways(subject, *truth, &at),
        What::Is(subject, value) => one(Kind::Need(subject, Need::Is((*value).clone()))),
        What::NoneOf(subject, values) => {
            let task = |value: &&Value| Task { kind: Kind::Need(subject, Need::Not((*value).clone())), at: at.clone() };
            vec![values.iter().map(task).collect()]
        }
        What::There(record, there) => one(Kind::There(record, *there)),
        What::Row(query, local) => one(Kind::Row(query, *local)),
        What::Waited(Until::Condition(condition)) => condition_ways(condition, true, &at),
        What::Waited(until) => one(Kind::Waited(until)),
    }
}

/// The ways in which a condition is true, or isn't.
pub(super) fn condition_ways<'a>(condition: &'a Expr, holds: bool, at: &At<'a>) -> Ways<'a> {
    let task = |kind| vec![Task { kind, at: at.clone() }];
    let compare = |left, comparison, right| task(Kind::Compare(left, comparison, right));
    if !at.goes_on() {
        return Vec::new();
    }
    match &condition.kind {
        ExprKind::Not(inner) => condition_ways(inner, !holds, at),
        ExprKind::And(left, right) if holds => both(condition_ways(left, true, at), &condition_ways(right, true, at)),
        ExprKind::Or(left, right) if !holds => both(condition_ways(left, false, at), &condition_ways(right, false, at)),
        ExprKind::And(left, right) | ExprKind::Or(left, right) => {
            either(vec![condition_ways(left, holds, at), condition_ways(right, holds, at)])
        }
        ExprKind::In { value, list } if holds => list.iter().map(|one| compare(value, Comparison::Equal, one)).take(MOST).collect(),
        ExprKind::In { value, list } => vec![list.iter().flat_map(|one| compare(value, Comparison::NotEqual, one)).collect()],
        ExprKind::Between { value, low, high } if holds => {
            vec![[compare(value, Comparison::GreaterOrEqual, low), compare(value, Comparison::LessOrEqual, high)].concat()]
        }
        ExprKind::Between { value, low, high } => {
            vec![compare(value, Comparison::Less, low), compare(value, Comparison::Greater, high)]
        }
        ExprKind::Compare { comparison, left, right } => {
            let comparison = if holds { *comparison } else { opposite(*comparison) };
            vec![compare(left, comparison, right)]
        }
        // What is known of a name or a field is looked through.
        _ => match at.known(condition) {
            Some(known) => condition_ways(known.value, holds, &at.within(&known.scope)),
            None => vec![task(Kind::Holds(condition, holds))],
        },
    }
}

fn both<'a>(one: Ways<'a>, other: &Ways<'a>) -> Ways<'a> {
    let pairs = one.iter().flat_map(|first| other.iter().map(move |second| [first.as_slice(), second.as_slice()].concat()));
    pairs.take(MOST).collect()
}

/// The ways of several conditions of which one will do, taking turns.
fn either(all: Vec<Ways<'_>>) -> Ways<'_> {
    let longest = all.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest).flat_map(|place| all.iter().filter_map(move |ways| ways.get(place).cloned())).take(MOST).collect()
}

fn opposite(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
        Comparison::Less => Comparison::GreaterOrEqual,
        Comparison::LessOrEqual => Comparison::Greater,
        Comparison::Greater => Comparison::LessOrEqual,
        Comparison::GreaterOrEqual => Comparison::Less,
    }
}
