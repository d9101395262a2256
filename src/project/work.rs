//! A worker: takes up the jobs of a store, several at a time, until it is told to stop. Several workers share one store: who has a
//! job is a row of it, and a worker that isn't heard of for a while has none.
//!
//! The definitions are those of the store as it is: after a deploy, each thread opens it anew before its next job.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use jiff::SignedDuration;

use super::deployed::Activations;
use super::{Compiled, LifeError};
use crate::jobs::Runner;
use crate::pipeline::{Job, Pipeline, Settings};
use crate::store::StoreError;
use crate::value::Uuid;

/// How long a worker rests that found nothing due.
const PAUSE: Duration = Duration::from_millis(200);

/// How long a worker leaves the store to others between two transactions of its own.
const BREATH: Duration = Duration::from_millis(1);

/// How often in a row a worker that isn't to stay may find its store failing.
const FAILURES: u32 = 5;

/// How a worker works.
pub struct Work<'a> {
    /// The store.
    pub url: &'a str,
    /// How many jobs at a time.
    pub concurrency: usize,
    /// How long it may be silent before others take up its jobs.
    pub lease: SignedDuration,
    /// Whether it ends when nothing is due.
    pub once: bool,
    /// The settings for what the store holds.
    pub settings: &'a (dyn Fn(&Compiled) -> Settings + Sync),
    /// Becomes true when it is to stop: after the steps that run, what is left is handed back.
    pub stop: &'a AtomicBool,
    /// Is told of each job as it was left, and of a store that fails.
    pub told: &'a (dyn Fn(Result<&Job, &StoreError>) + Sync),
}

impl std::fmt::Debug for Work<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Work").field("url", &self.url).field("concurrency", &self.concurrency).finish_non_exhaustive()
    }
}

/// One thread of a worker, as the store knows it.
struct Hand {
    name: String,
    busy: AtomicBool,
}

impl Work<'_> {
    /// Works until it is told to stop or, where it isn't to stay, until nothing is due.
    pub fn run(&self) -> Result<(), LifeError> {
        // What is wrong with the store is said before anything runs.
        let _ = self.open()?;
        let name = |number| format!("{}-{number}-{}", std::process::id(), Uuid::now_v7().simple());
        let hands: Vec<Hand> =
            (1..=self.concurrency.max(1)).map(|number| Hand { name: name(number), busy: AtomicBool::new(false) }).collect();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let pulse = scope.spawn(|| self.pulse(&hands, &done));
            let threads: Vec<_> = hands.iter().map(|hand| scope.spawn(|| self.hand(hand))).collect();
            let results: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap_or(Ok(()))).collect();
            done.store(true, Ordering::Relaxed);
            let _ = pulse.join();
            results.into_iter().collect()
        })
    }

    fn open(&self) -> Result<(Compiled, Pipeline), LifeError> {
        let compiled = Compiled::from_store(self.url)?;
        let pipeline = compiled.open(self.url, (self.settings)(&compiled))?;
        Ok((compiled, pipeline))
    }

    /// One job after the other.
    fn hand(&self, hand: &Hand) -> Result<(), LifeError> {
        let mut failures = 0;
        while !self.stop.load(Ordering::Relaxed) {
            match self.until_deployed_anew(hand, &mut failures) {
                Ok(false) => {}
                Ok(true) => return Ok(()),
                Err(error) => {
                    failures += 1;
                    if self.once && failures >= FAILURES {
                        return Err(error);
                    }
                    if let LifeError::Store(super::OpenError::Store(error)) = &error {
                        (self.told)(Err(error));
                    }
                    self.rest(PAUSE * failures.min(50));
                }
            }
        }
        Ok(())
    }

    /// Works with the definitions as they are; says whether there is nothing more to do.
    fn until_deployed_anew(&self, hand: &Hand, failures: &mut u32) -> Result<bool, LifeError> {
        let (compiled, mut pipeline) = self.open()?;
        let mut library = Activations::new(self.url, compiled.schema);
        let mut runner = Runner::new(&mut pipeline, &mut library, hand.name.as_str(), self.lease);
        let deployed = runner.deployed()?;
        let stop = || {
            thread::sleep(BREATH);
            self.stop.load(Ordering::Relaxed)
        };
        while !stop() {
            if runner.deployed()? != deployed {
                return Ok(false);
            }
            hand.busy.store(true, Ordering::Relaxed);
            let ran = runner.run_one(&stop);
            hand.busy.store(false, Ordering::Relaxed);
            let ran = ran?;
            *failures = 0;
            match &ran {
                Some(job) => (self.told)(Ok(job)),
                None if self.once => return Ok(true),
                None => self.rest(PAUSE),
            }
        }
        Ok(true)
    }

    /// Says again and again that the threads which are at work still are. A step of a flow holds the store, so that nobody can take its
    /// job in the meantime; this is for plug-ins, whose code may take its time.
    fn pulse(&self, hands: &[Hand], done: &AtomicBool) {
        let mut pipeline = None;
        let mut silent = Duration::ZERO;
        let often = Duration::try_from(self.lease).unwrap_or(PAUSE) / 3;
        while !done.load(Ordering::Relaxed) {
            thread::sleep(PAUSE);
            silent += PAUSE;
            if silent < often {
                continue;
            }
            silent = Duration::ZERO;
            for hand in hands.iter().filter(|hand| hand.busy.load(Ordering::Relaxed)) {
                if pipeline.is_none() {
                    pipeline = self.open().ok();
                }
                let renewed = pipeline.as_mut().map(|(_, pipeline)| pipeline.renew_leases(&hand.name, self.lease));
                if matches!(renewed, Some(Err(_))) {
                    pipeline = None;
                }
            }
        }
    }

    /// Rests, but not beyond the word to stop.
    fn rest(&self, length: Duration) {
        let mut left = length;
        while !left.is_zero() && !self.stop.load(Ordering::Relaxed) {
            let part = left.min(PAUSE);
            thread::sleep(part);
            left -= part;
        }
    }
}
