//! All or nothing, whatever fails: the store at each of its calls, a step before or after any other, the process at any moment, and
//! other writers. What runs in which order is here too, held against a naive sort of everything that is registered.
//!
//! The campaigns print how many points they tried: `cargo test --test faults -- --nocapture`. Longer ones:
//! `WEIR_FAULTS=1`, `WEIR_KILLS=1000`, `WEIR_ORDERS=5000`, `WEIR_SEQUENCES=5000`; `WEIR_SEED=7` begins the seeded ones elsewhere.

#![cfg(test)]

mod calls;
mod cases;
mod kill;
mod order;
mod savepoints;
mod sequence;
mod steps;
mod store;
#[path = "../support/stores.rs"]
mod stores;
mod threads;
mod world;

/// A small generator of numbers (splitmix64): the same seed gives the same numbers.
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    /// A number below a limit.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }

    /// True once in so many times.
    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of several.
    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

/// A number from the environment, or the usual one.
fn wanted(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Where the seeded campaigns begin.
fn seed() -> u64 {
    wanted("WEIR_SEED", 0)
}
