//! What runs did, added up over every test that they were part of, on however many threads.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use smol_str::SmolStr;

use crate::pipeline::{Began, Counted, Counter, Part};
use crate::vm::Hits;

/// Adds up what the pipelines count that have a [`Collector::counter`] of it.
#[derive(Clone, Debug, Default)]
pub struct Collector(Arc<Mutex<Counts>>);

/// How often what was done.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    began: BTreeMap<(SmolStr, Began), u64>,
    ran: BTreeMap<(SmolStr, Part), Vec<Hits>>,
}

impl Collector {
    /// What the settings of a pipeline take so that it counts.
    pub fn counter(&self) -> Counter {
        let collector = self.clone();
        Box::new(move |counted| collector.0.lock().unwrap_or_else(PoisonError::into_inner).add(counted))
    }

    /// Adds what another one counted so far.
    pub fn absorb(&self, other: &Collector) {
        let other = other.counts();
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for ((name, by), count) in &other.began {
            *counts.began.entry((name.clone(), *by)).or_default() += count;
        }
        other.ran.iter().for_each(|((name, part), hits)| counts.add(Counted::Ran { name, part: *part, hits }));
    }

    /// What was counted so far.
    pub(super) fn counts(&self) -> Counts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Counts {
    fn add(&mut self, counted: Counted<'_>) {
        match counted {
            Counted::Began { name, by } => *self.began.entry((name.clone(), by)).or_default() += 1,
            Counted::Ran { name, part, hits } => {
                let sums = self.ran.entry((name.clone(), part)).or_default();
                if sums.len() < hits.len() {
                    sums.resize(hits.len(), Hits::default());
                }
                for (sum, hits) in sums.iter_mut().zip(hits) {
                    *sum = Hits { ran: sum.ran.saturating_add(hits.ran), jumped: sum.jumped.saturating_add(hits.jumped) };
                }
            }
        }
    }

    /// How often a flow or action was begun so.
    pub fn began(&self, name: &SmolStr, by: Began) -> u64 {
        self.began.get(&(name.clone(), by)).copied().unwrap_or(0)
    }

    /// For each operation of a code, how often it was done, and behind them for each branch of its waits; nothing where it never ran.
    pub fn ran(&self, name: &SmolStr, part: Part) -> &[Hits] {
        self.ran.get(&(name.clone(), part)).map_or(&[], Vec::as_slice)
    }
}
