//! What is known not to be empty: the typed emptiness of section 4 of the language.
//!
//! A [`Place`] is something that can be read twice with one result: a field of the record, a path over its lookups, a
//! `let`. [`Facts`] are the places that hold a value at one point of a body. They are about a body's own reads only;
//! whoever runs statements says what ends them ([`Facts::assigned`], [`Facts::reread`]).
//!
//! Invariant: with a path its beginnings are known as well, since a hop over nothing gives nothing.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::value::Slot;

use super::ir::{Comparison, Expr, ExprKind, LocalId};

/// How many places are kept in mind at once. One more, and all but the new one are forgotten, so that checking stays linear.
const MOST: usize = 1_024;

/// Something whose value stays the same between writes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    root: Root,
    hops: SmallVec<[Slot; 4]>,
}

/// Where a path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Root {
    This,
    Old,
    Row,
    Local(LocalId),
    Input(u16),
}

impl Root {
    /// The least number of hops that makes a place of it.
    fn least(self) -> usize {
        match self {
            Root::This | Root::Old | Root::Row => 1,
            Root::Local(_) | Root::Input(_) => 0,
        }
    }
}

impl Place {
    /// The place that an expression reads, if it reads one.
    pub fn of(expr: &Expr) -> Option<Place> {
        let at = |root, slot: Option<Slot>| Some(Place { root, hops: slot.into_iter().collect() });
        match &expr.kind {
            ExprKind::Field(slot) => at(Root::This, Some(*slot)),
            ExprKind::Old(slot) => at(Root::Old, Some(*slot)),
            ExprKind::Row { slot, .. } => at(Root::Row, Some(*slot)),
            ExprKind::Local(local) => at(Root::Local(*local), None),
            ExprKind::Input(input) => at(Root::Input(*input), None),
            ExprKind::This => at(Root::This, None),
            ExprKind::Related { record, slot, .. } => {
                let mut place = Place::of(record)?;
                place.hops.push(*slot);
                Some(place)
            }
            ExprKind::Convert(inner) | ExprKind::Require(inner) => Place::of(inner),
            _ => None,
        }
    }

    /// A field of the triggering record.
    pub fn of_this(slot: Slot) -> Place {
        Place { root: Root::This, hops: std::iter::once(slot).collect() }
    }

    /// Whether it is a field of the triggering record, or lies behind it.
    pub fn is_of_this(&self, slot: Slot) -> bool {
        self.root == Root::This && self.hops.first() == Some(&slot)
    }

    /// Whether it is a field of the record that a query looks at, or lies behind it.
    pub fn is_of_row(&self) -> bool {
        self.root == Root::Row
    }

    /// Whether its value can't be changed by anything that runs.
    pub fn is_fixed(&self) -> bool {
        self.root != Root::This && self.hops.len() == self.root.least()
    }
}

/// The places that are known not to be empty. A clone costs nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Facts {
    /// Ascending.
    known: Arc<Vec<Place>>,
}

impl Facts {
    /// Whether a place is known to hold a value.
    pub fn knows(&self, place: &Place) -> bool {
        self.known.binary_search(place).is_ok()
    }

    /// From here on a place holds a value, and so does the path to it.
    pub fn learn(&mut self, mut place: Place) {
        if self.known.len() + place.hops.len() >= MOST && !self.knows(&place) {
            self.known = Arc::default();
        }
        loop {
            if let Err(at) = self.known.binary_search(&place)
                && place.hops.len() >= place.root.least()
            {
                Arc::make_mut(&mut self.known).insert(at, place.clone());
            }
            if place.hops.pop().is_none() {
                return;
            }
        }
    }

    /// A field of the triggering record was written: nothing is known of it, or of what lies behind it.
    pub fn assigned(&mut self, slot: Slot) {
        self.forget(|place| place.is_of_this(slot));
    }

    /// The record may have changed since it was read: only what is fixed (a `let`, an input, `old`) stays known.
    pub fn reread(&mut self) {
        self.forget(|place| !place.is_fixed());
    }

    /// What is known whichever of two ways was taken.
    pub fn join(&self, other: &Facts) -> Facts {
        if Arc::ptr_eq(&self.known, &other.known) {
            return self.clone();
        }
        let known = self.known.iter().filter(|place| other.knows(place)).cloned().collect();
        Facts { known: Arc::new(known) }
    }

    /// What is known where a condition that is no `and`, `or` or `not` is true, and where it is false.
    pub fn split(&self, condition: &Expr) -> (Facts, Facts) {
        let (mut if_true, mut if_false) = (self.clone(), self.clone());
        match &condition.kind {
            ExprKind::Not(inner) => {
                let (yes, no) = self.split(inner);
                return (no, yes);
            }
            ExprKind::IsEmpty(value) => if_false.learn_from(value),
            ExprKind::Compare { comparison: Comparison::Equal, left, right } => if_true.learn_equal(left, right),
            ExprKind::Compare { comparison: Comparison::NotEqual, left, right } => if_false.learn_equal(left, right),
            ExprKind::Compare { left, right, .. } | ExprKind::Contains { left, right, .. } => {
                if_true.learn_from(left);
                if_true.learn_from(right);
            }
            ExprKind::In { value, list } if list.iter().all(|item| !item.optional) => if_true.learn_from(value),
            ExprKind::Between { value, low, high } => [value, low, high].into_iter().for_each(|part| if_true.learn_from(part)),
            _ => if_true.learn_from(condition),
        }
        (if_true, if_false)
    }

    fn learn_from(&mut self, expr: &Expr) {
        if let Some(place) = Place::of(expr) {
            self.learn(place);
        }
    }

    fn learn_equal(&mut self, left: &Expr, right: &Expr) {
        if !left.optional {
            self.learn_from(right);
        }
        if !right.optional {
            self.learn_from(left);
        }
    }

    fn forget(&mut self, mut gone: impl FnMut(&Place) -> bool) {
        if self.known.iter().any(&mut gone) {
            Arc::make_mut(&mut self.known).retain(|place| !gone(place));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(root: Root, hops: &[u16]) -> Place {
        Place { root, hops: hops.iter().map(|hop| Slot(*hop)).collect() }
    }

    #[test]
    fn a_path_is_known_with_its_beginnings_and_forgotten_with_them() {
        let mut facts = Facts::default();
        facts.learn(place(Root::This, &[3, 7]));
        assert!(facts.knows(&place(Root::This, &[3])));
        assert!(!facts.knows(&place(Root::This, &[7])));
        facts.assigned(Slot(7));
        assert!(facts.knows(&place(Root::This, &[3, 7])));
        facts.assigned(Slot(3));
        assert_eq!(facts, Facts::default());
    }

    #[test]
    fn reading_again_keeps_what_is_fixed() {
        let mut facts = Facts::default();
        let local = Root::Local(LocalId(0));
        facts.learn(place(local, &[1]));
        facts.learn(place(Root::Old, &[2]));
        facts.learn(place(Root::This, &[2]));
        facts.reread();
        assert!(facts.knows(&place(local, &[])) && facts.knows(&place(Root::Old, &[2])));
        assert!(!facts.knows(&place(local, &[1])) && !facts.knows(&place(Root::This, &[2])));
    }

    #[test]
    fn the_newest_is_known_however_many_there_are() {
        let mut facts = Facts::default();
        for slot in 0..5_000 {
            facts.learn(place(Root::This, &[slot, 1]));
            assert!(facts.knows(&place(Root::This, &[slot, 1])) && facts.knows(&place(Root::This, &[slot])));
            assert!(facts.known.len() <= MOST);
        }
    }

    #[test]
    fn a_join_knows_what_both_know() {
        let (mut one, mut two) = (Facts::default(), Facts::default());
        one.learn(place(Root::This, &[1]));
        one.learn(place(Root::This, &[2]));
        two.learn(place(Root::This, &[2]));
        assert_eq!(one.join(&two), two);
    }
}
