//! What is known where a condition is true, and where it isn't; a state is dead where it can't be so.

use std::cmp::Ordering;

use crate::check::ir::{Comparison, Expr, ExprKind};
use crate::check::narrow::Place;
use crate::value::{Decimal, Type, Value};

use super::Run;
use super::state::State;
use super::value::{Full, May};

impl Run<'_> {
    /// What is known where a condition is true, and where it is false or empty. The parts of the condition are computed
    /// only where they come to their turn.
    pub(super) fn split(&mut self, e: &Expr) -> (State, State) {
        let before = self.state.clone();
        let (mut yes, mut no) = self.decide(e);
        self.state = before;
        yes.dead |= self.state.dead;
        no.dead |= self.state.dead;
        (yes, no)
    }

    fn decide(&mut self, e: &Expr) -> (State, State) {
        match &e.kind {
            ExprKind::Not(inner) => {
                let (yes, no) = self.split(inner);
                (no, yes)
            }
            ExprKind::And(left, right) => {
                let (yes, no) = self.split(left);
                self.state = yes;
                let (both, not_right) = self.split(right);
                (both, no.join(&not_right))
            }
            ExprKind::Or(left, right) => {
                let (yes, no) = self.split(left);
                self.state = no;
                let (only_right, neither) = self.split(right);
                (yes.join(&only_right), neither)
            }
            ExprKind::Compare { comparison, left, right } => {
                let (one, other) = (self.value(left), self.value(right));
                self.compare(*comparison, (left, &one), (right, &other))
            }
            ExprKind::In { value, list } => self.among(value, list),
            ExprKind::Between { value, low, high } => {
                let (may, least, most) = (self.value(value), self.value(low), self.value(high));
                let (above, below) = self.compare(Comparison::GreaterOrEqual, (value, &may), (low, &least));
                self.state = above;
                let may = self.value(value);
                let (yes, beyond) = self.compare(Comparison::LessOrEqual, (value, &may), (high, &most));
                (yes, below.join(&beyond))
            }
            ExprKind::IsEmpty(inner) => {
                let may = self.value(inner);
                let yes = self.with(inner, if may.empty { May::EMPTY } else { May::NOTHING });
                (yes, self.with(inner, may.needed()))
            }
            ExprKind::Changed(slot) => {
                let (mut yes, mut no) = (self.state.clone(), self.state.clone());
                yes.learn_change(*slot, true);
                no.learn_change(*slot, false);
                (yes, no)
            }
            ExprKind::Contains { left, right, .. } => {
                let (one, other) = (self.value(left), self.value(right));
                let mut yes = self.with(left, one.needed());
                yes.dead |= other.full == Full::Never;
                (yes, self.state.clone())
            }
            _ => {
                let may = self.value(e);
                let yes = self.with(e, may.meet(&May::constant(&Value::Boolean(true))));
                (yes, self.with(e, may.without(&May::constant(&Value::Boolean(true)))))
            }
        }
    }

    /// The state with what an expression may be.
    fn with(&self, e: &Expr, may: May) -> State {
        let mut state = self.state.clone();
        state.dead |= may.is_nothing();
        if let Some(place) = Place::of(e).filter(|_| !state.dead) {
            state.learn(place, may);
        }
        state
    }

    fn with_both(&self, left: &Expr, one: May, right: &Expr, other: May) -> State {
        let mut state = self.with(left, one);
        state.dead |= other.is_nothing();
        if let Some(place) = Place::of(right).filter(|_| !state.dead) {
            state.learn(place, other);
        }
        state
    }

    fn compare(&mut self, comparison: Comparison, left: (&Expr, &May), right: (&Expr, &May)) -> (State, State) {
        let (order, or_equal) = match comparison {
            Comparison::Equal => return self.equal(left, right),
            Comparison::NotEqual => {
                let (yes, no) = self.equal(left, right);
                return (no, yes);
            }
            Comparison::Less => (Ordering::Less, false),
            Comparison::LessOrEqual => (Ordering::Less, true),
            Comparison::Greater => (Ordering::Greater, false),
            Comparison::GreaterOrEqual => (Ordering::Greater, true),
        };
        let ((left, one), (right, other)) = (left, right);
        let yes = if one.may_be(order, or_equal, other) {
            let (less, more) = (one.clone().needed(), other.clone().needed());
            let (clipped, counter) = clip(&less, &more, order, or_equal, step(left, right));
            self.with_both(left, clipped, right, counter)
        } else {
            State::unreached()
        };
        let no = if one.empty && other.empty {
            self.state.clone()
        } else {
            // With an empty side the test is false; else the two stand the other way round.
            let (mut clipped, mut counter) = (May { empty: one.empty, full: Full::Never }, May { empty: other.empty, full: Full::Never });
            if one.may_be(order.reverse(), !or_equal, other) {
                (clipped, counter) = clip(one, other, order.reverse(), !or_equal, step(left, right));
            }
            // What stands beside an empty side may be anything that it was.
            let clipped = if other.empty { one.clone() } else { clipped };
            let counter = if one.empty { other.clone() } else { counter };
            self.with_both(left, clipped, right, counter)
        };
        (yes, no)
    }

    fn equal(&mut self, (left, one): (&Expr, &May), (right, other): (&Expr, &May)) -> (State, State) {
        let both = one.meet(other);
        let mut yes = self.with_both(left, both.clone(), right, both);
        yes.dead |= !one.may_equal(other);
        let mut no = self.with_both(left, one.clone().without(other), right, other.clone().without(one));
        no.dead |= !one.may_differ(other);
        (yes, no)
    }

    fn among(&mut self, value: &Expr, list: &[Expr]) -> (State, State) {
        let may = self.value(value);
        let items: Vec<May> = list.iter().map(|item| self.value(item)).collect();
        let any = items.iter().fold(May::NOTHING, |any, item| any.join(item));
        let yes = self.with(value, may.meet(&any));
        let rest = items.iter().fold(may, May::without);
        (yes, self.with(value, rest))
    }
}

/// Two values of which the first stands in this order to the second.
fn clip(one: &May, other: &May, order: Ordering, or_equal: bool, step: Option<Decimal>) -> (May, May) {
    let (Some((low, high)), Some((other_low, other_high))) = (one.full.bounds(), other.full.bounds()) else {
        return (one.clone(), other.clone());
    };
    let apart = if or_equal { Decimal::ZERO } else { step.unwrap_or_default() };
    let (up, down) =
        (|number: Decimal| number.checked_add(apart).unwrap_or(number), |number: Decimal| number.checked_sub(apart).unwrap_or(number));
    let (mine, yours) = match order {
        Ordering::Less => (Full::between(low, high.min(down(other_high))), Full::between(other_low.max(up(low)), other_high)),
        _ => (Full::between(low.max(up(other_low)), high), Full::between(other_low, other_high.min(down(high)))),
    };
    let keep = |may: &May, full: Full| May { empty: may.empty, full }.meet(may);
    (keep(one, mine), keep(other, yours))
}

/// The distance between two numbers that differ, where both have the same.
fn step(left: &Expr, right: &Expr) -> Option<Decimal> {
    let scale = |e: &Expr| match e.ty {
        Type::Integer | Type::BigInt => Some(0),
        Type::Decimal(scale) | Type::Money(scale) => Some(u32::from(scale)),
        _ => None,
    };
    Some(Decimal::new(1, scale(left)?.max(scale(right)?).min(28)))
}
