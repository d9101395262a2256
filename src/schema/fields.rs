//! A set of fields of one entity, as bits by slot.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::value::Slot;

/// A set of slots. Two sets with the same slots are equal and hash alike, however they were built.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Vec<u64>")]
pub struct FieldSet {
    /// 64 slots a word; the last word is never zero.
    words: SmallVec<[u64; 2]>,
}

/// A row of bits that is no [`FieldSet`]: too long, or not as short as it can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a set of fields")]
pub struct NoFieldSet;

impl TryFrom<Vec<u64>> for FieldSet {
    type Error = NoFieldSet;

    fn try_from(words: Vec<u64>) -> Result<Self, NoFieldSet> {
        let fits = words.len() <= 1 + u16::MAX as usize / 64 && words.last() != Some(&0);
        if fits { Ok(FieldSet { words: SmallVec::from_vec(words) }) } else { Err(NoFieldSet) }
    }
}

impl FieldSet {
    /// Whether no slot is in it.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// How many slots are in it.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether a slot is in it.
    pub fn contains(&self, slot: Slot) -> bool {
        self.words.get(slot.0 as usize / 64).is_some_and(|word| word >> (slot.0 % 64) & 1 == 1)
    }

    /// Puts a slot in.
    pub fn insert(&mut self, slot: Slot) {
        let index = slot.0 as usize / 64;
        if self.words.len() <= index {
            self.words.resize(index + 1, 0);
        }
        if let Some(word) = self.words.get_mut(index) {
            *word |= 1 << (slot.0 % 64);
        }
    }

    /// Takes a slot out.
    pub fn remove(&mut self, slot: Slot) {
        if let Some(word) = self.words.get_mut(slot.0 as usize / 64) {
            *word &= !(1 << (slot.0 % 64));
        }
        while self.words.last() == Some(&0) {
            self.words.pop();
        }
    }

    /// Puts in every slot of another set.
    pub fn extend(&mut self, other: &FieldSet) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
    }

    /// Whether a slot is in both.
    pub fn intersects(&self, other: &FieldSet) -> bool {
        self.words.iter().zip(&other.words).any(|(one, two)| one & two != 0)
    }

    /// Takes out every slot of another set.
    pub fn remove_all(&mut self, other: &FieldSet) {
        for (word, less) in self.words.iter_mut().zip(&other.words) {
            *word &= !less;
        }
        while self.words.last() == Some(&0) {
            self.words.pop();
        }
    }

    /// The slots, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Slot> + '_ {
        self.words.iter().enumerate().flat_map(|(index, word)| bits(*word).map(move |bit| Slot(index as u16 * 64 + bit)))
    }
}

/// The places of the ones in a word, ascending.
fn bits(word: u64) -> impl Iterator<Item = u16> {
    let first = (word != 0).then_some(word);
    std::iter::successors(first, |rest| Some(rest & (rest - 1)).filter(|rest| *rest != 0)).map(|rest| rest.trailing_zeros() as u16)
}

impl FromIterator<Slot> for FieldSet {
    fn from_iter<I: IntoIterator<Item = Slot>>(slots: I) -> Self {
        let mut set = FieldSet::default();
        slots.into_iter().for_each(|slot| set.insert(slot));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_what_is_in_it() {
        let slots = [0, 1, 63, 64, 200].map(Slot);
        let mut set: FieldSet = slots.into_iter().rev().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), slots);
        set.remove_all(&[1, 64, 200, 300].map(Slot).into_iter().collect());
        assert_eq!(set, [0, 63].map(Slot).into_iter().collect());
        set.remove_all(&[0, 63].map(Slot).into_iter().collect());
        assert_eq!((set.is_empty(), set.iter().count()), (true, 0));
    }
}
