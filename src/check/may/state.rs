//! What is known at one point of a body: of the places that keep their value, of `changed`, and whether any run gets here.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::check::narrow::Place;
use crate::value::Slot;

use super::value::May;

/// How many places are kept in mind at once. One more, and all but the new one are forgotten.
const MOST: usize = 256;

/// What is known at one point. A clone costs nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::check) struct State {
    /// Whether no run gets here.
    pub dead: bool,
    /// Ascending by place.
    known: Arc<Vec<(Place, May)>>,
    changed: SmallVec<[(Slot, bool); 2]>,
}

impl State {
    /// Where no run gets.
    pub fn unreached() -> State {
        State { dead: true, ..State::default() }
    }

    /// What a place may hold, as far as more is known than its type says.
    pub fn known(&self, place: &Place) -> Option<&May> {
        let at = self.known.binary_search_by(|(other, _)| other.cmp(place)).ok()?;
        self.known.get(at).map(|(_, may)| may)
    }

    /// From here on a place holds one of these.
    pub fn learn(&mut self, place: Place, may: May) {
        self.dead |= may.is_nothing();
        match self.known.binary_search_by(|(other, _)| other.cmp(&place)) {
            Ok(at) => {
                if let Some(entry) = Arc::make_mut(&mut self.known).get_mut(at) {
                    entry.1 = may;
                }
            }
            Err(_) if self.known.len() >= MOST => self.known = Arc::new(vec![(place, may)]),
            Err(at) => Arc::make_mut(&mut self.known).insert(at, (place, may)),
        }
    }

    /// From here on a field of the triggering record holds one of these.
    pub fn know_field(&mut self, slot: Slot, may: May) {
        self.learn(Place::of_this(slot), may);
    }

    /// Whether this operation gives a field a different value, where that is known.
    pub fn changes(&self, slot: Slot) -> Option<bool> {
        self.changed.iter().find(|(other, _)| *other == slot).map(|(_, changes)| *changes)
    }

    /// From here on it is known whether this operation gives a field a different value.
    pub fn learn_change(&mut self, slot: Slot, changes: bool) {
        match self.changes(slot) {
            Some(known) => self.dead |= known != changes,
            None => self.changed.push((slot, changes)),
        }
    }

    /// A field of the triggering record was written before the operation.
    pub fn assigned(&mut self, slot: Slot) {
        self.forget(|place| place.is_of_this(slot));
        self.changed.retain(|(other, _)| *other != slot);
    }

    /// Nothing is known any more of what this operation changes.
    pub fn forget_changes(&mut self) {
        self.changed.clear();
    }

    /// Another query looks at records.
    pub fn forget_rows(&mut self) {
        self.forget(Place::is_of_row);
    }

    /// The record may have changed since it was read.
    pub fn reread(&mut self) {
        self.forget(|place| !place.is_fixed());
    }

    /// What is known whichever of two ways was taken.
    pub fn join(&self, other: &State) -> State {
        if self.dead || other.dead {
            return if self.dead { other.clone() } else { self.clone() };
        }
        if Arc::ptr_eq(&self.known, &other.known) && self.changed == other.changed {
            return self.clone();
        }
        let both = self.known.iter().filter_map(|(place, may)| other.known(place).map(|more| (place.clone(), may.join(more))));
        let changed = self.changed.iter().filter(|(slot, changes)| other.changes(*slot) == Some(*changes)).copied().collect();
        State { dead: false, known: Arc::new(both.collect()), changed }
    }

    fn forget(&mut self, gone: impl Fn(&Place) -> bool) {
        if self.known.iter().any(|(place, _)| gone(place)) {
            Arc::make_mut(&mut self.known).retain(|(place, _)| !gone(place));
        }
    }
}
