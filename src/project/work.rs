//! A worker: takes up the jobs of a store, several at a time, until it is told to stop. Several workers share one store: who has a
//! job is a row of it, and a worker that isn't heard of for a while has none.
//!
//! The definitions are those of the store as it is: after a deploy, each thread opens it anew before its next job. A file that is
//! moved away or put in the place of another is noticed before the next job, too: SQLite would go on with the one that is gone.

use std::cell::Cell;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::SignedDuration;

use super::deployed::Activations;
use super::files::place;
use super::{Compiled, Config, LifeError, OpenError};
use crate::jobs::Runner;
use crate::pipeline::{Callbacks, Job, Keep, Pipeline, Seen, Settings, Share, Sweep};
use crate::schema::jobs::Kind;
use crate::store::StoreError;
use crate::value::{Uuid, text::quoted};

/// How long a worker rests that found nothing due.
const PAUSE: Duration = Duration::from_millis(200);

/// How long the thread that calls back does: to find callbacks it looks past what else is ready, which may be much.
const CALLS: Duration = Duration::from_secs(1);

/// How long a worker leaves the store to others between two transactions of its own.
const BREATH: Duration = Duration::from_millis(1);

/// How long it does so at most. Between two chunks of a background operation it is as long as the last one took, so that half of the time
/// is for others however many operations are in one; between two steps of other jobs a quarter of that.
const LONGEST_BREATH: Duration = Duration::from_millis(100);

/// How often a worker looks for jobs that have been kept for long enough.
const SWEEP: Duration = Duration::from_secs(10);

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
    /// Is told what happens.
    pub told: &'a (dyn Fn(News<'_>) + Sync),
}

/// What a worker tells.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// A job as it was left.
    Left(&'a Job),
    /// The store fails, and is tried again.
    Failing(&'a LifeError),
    /// So many e-mails wait to be sent, and no mail server is named that would take them.
    Outbox(usize),
}

impl std::fmt::Debug for Work<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Work").field("url", &self.url).field("concurrency", &self.concurrency).finish_non_exhaustive()
    }
}

/// One thread of a worker, as the store knows it.
struct Hand {
    /// Another one after a panic, so that nobody says that the job of before is still worked on.
    name: Mutex<String>,
    /// Whether it does nothing but calling back. Whoever is called may take his time, and others aren't to wait for him.
    calls_back: bool,
    busy: AtomicBool,
}

impl Hand {
    fn name(&self) -> String {
        self.name.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn rename(&self) {
        self.name.lock().unwrap_or_else(PoisonError::into_inner).push('+');
    }
}

/// While it is there, a thread is at work; it ends with that, however that ends.
struct Busy<'a>(&'a AtomicBool);

impl<'a> Busy<'a> {
    fn at(hand: &'a Hand) -> Self {
        hand.busy.store(true, Ordering::Relaxed);
        Busy(&hand.busy)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// What the threads of a worker share.
struct Crew {
    /// The last of them is the one that calls back.
    hands: Vec<Hand>,
    /// What was deployed last.
    deployed: Mutex<Deployed>,
    /// Whether all but that last one have ended, so that no more is queued for it.
    queued: AtomicBool,
    done: AtomicBool,
}

/// What the threads want to know of a deployed project while none of them has it open.
#[derive(Clone, Copy)]
struct Deployed {
    /// How long jobs are kept that have ended.
    keep: Keep,
    /// Whether anybody may be called back. Where nobody may, a callback fails at once and needs no thread of its own.
    calls_back: bool,
}

impl Deployed {
    fn of(config: &Config) -> Self {
        Deployed { keep: config.keep, calls_back: config.callbacks != Callbacks::default() }
    }
}

impl Crew {
    fn new(concurrency: usize, config: &Config) -> Self {
        let all = concurrency.max(1) + 1;
        let hand = |number| Hand {
            name: Mutex::new(format!("{}-{number}-{}", std::process::id(), Uuid::now_v7().simple())),
            calls_back: number == all,
            busy: AtomicBool::new(false),
        };
        let deployed = Mutex::new(Deployed::of(config));
        Crew { hands: (1..=all).map(hand).collect(), deployed, queued: AtomicBool::new(false), done: AtomicBool::new(false) }
    }

    fn deployed(&self) -> Deployed {
        *self.deployed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work<'_> {
    /// Works until it is told to stop or, where it isn't to stay, until nothing is due.
    pub fn run(&self) -> Result<(), LifeError> {
        // What is wrong with the store is said before anything runs.
        let Some((compiled, mut pipeline)) = self.open_first()? else { return Ok(()) };
        match pipeline.outbox()? {
            waiting if waiting > 0 && compiled.config.smtp.is_none() => (self.told)(News::Outbox(waiting)),
            _ => {}
        }
        drop(pipeline);
        let crew = Crew::new(self.concurrency, &compiled.config);
        thread::scope(|scope| {
            let pulse = scope.spawn(|| self.pulse(&crew));
            let mut threads: Vec<_> = crew.hands.iter().map(|hand| scope.spawn(|| self.hand(hand, &crew))).collect();
            let caller = threads.pop();
            let broken = |_| Err(StoreError::Failed("a thread of the worker has ended in the middle of its work".to_owned()).into());
            let mut results: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap_or_else(broken)).collect();
            crew.queued.store(true, Ordering::Relaxed);
            results.extend(caller.map(|thread| thread.join().unwrap_or_else(broken)));
            crew.done.store(true, Ordering::Relaxed);
            pulse.thread().unpark();
            let _ = pulse.join();
            results.into_iter().collect::<Result<(), LifeError>>()
        })?;
        if self.once { self.sweep_all(&crew) } else { Ok(()) }
    }

    /// Deletes every job that has been kept for long enough.
    fn sweep_all(&self, crew: &Crew) -> Result<(), LifeError> {
        let keep = crew.deployed().keep;
        if keep == Keep::default() {
            return Ok(());
        }
        let ((_, mut pipeline), mut sweep) = (self.open()?, Sweep::default());
        while !self.stop.load(Ordering::Relaxed) && sweep.batch(&mut pipeline, &keep)? {
            thread::sleep(BREATH);
        }
        Ok(())
    }

    fn open(&self) -> Result<(Compiled, Pipeline), LifeError> {
        let compiled = Compiled::from_store(self.url)?;
        let pipeline = compiled.open(self.url, (self.settings)(&compiled))?;
        Ok((compiled, pipeline))
    }

    /// Opens the store for the first time. A worker that is to stay waits for one that fails, as it does later; nothing where it is told to
    /// stop before.
    fn open_first(&self) -> Result<Option<(Compiled, Pipeline)>, LifeError> {
        while !self.stop.load(Ordering::Relaxed) {
            match self.open() {
                Err(error @ LifeError::Store(OpenError::Store(StoreError::Failed(_)))) if !self.once => {
                    (self.told)(News::Failing(&error));
                    self.rest(PAUSE * 5);
                }
                opened => return opened.map(Some),
            }
        }
        Ok(None)
    }

    /// One job after the other.
    fn hand(&self, hand: &Hand, crew: &Crew) -> Result<(), LifeError> {
        let mut failures = 0;
        while !self.stop.load(Ordering::Relaxed) {
            if hand.calls_back && !crew.deployed().calls_back {
                if self.once {
                    return Ok(());
                }
                self.rest(PAUSE);
                continue;
            }
            // Whoever panicked has lost its job, which is taken up again once the lease is over, and counts a retry.
            let worked = catch_unwind(AssertUnwindSafe(|| self.until_deployed_anew(hand, crew, &mut failures)));
            let worked = worked.unwrap_or_else(|_| {
                hand.rename();
                Err(StoreError::Failed("the worker panicked in the middle of a job".to_owned()).into())
            });
            match worked {
                Ok(false) => {}
                Ok(true) => return Ok(()),
                // Others were at it at the same time: that is no failure.
                Err(LifeError::Store(OpenError::Store(StoreError::Conflict))) => self.rest(PAUSE),
                Err(error) => {
                    failures += 1;
                    if self.once && failures >= FAILURES {
                        return Err(error);
                    }
                    (self.told)(News::Failing(&error));
                    self.rest(PAUSE * failures.min(50));
                }
            }
        }
        Ok(())
    }

    /// Works with the definitions as they are; says whether there is nothing more to do.
    fn until_deployed_anew(&self, hand: &Hand, crew: &Crew, failures: &mut u32) -> Result<bool, LifeError> {
        let file = self.file()?;
        let (compiled, mut pipeline) = self.open()?;
        let config = Deployed::of(&compiled.config);
        *crew.deployed.lock().unwrap_or_else(PoisonError::into_inner) = config;
        let mails = compiled.config.smtp.is_some();
        let mut library = Activations::new(self.url, compiled.schema);
        let share = match (hand.calls_back, config.calls_back) {
            (true, _) => Share::Callbacks,
            (false, true) => Share::NoCallbacks,
            (false, false) => Share::All,
        };
        let mut runner = Runner::new(&mut pipeline, &mut library, hand.name(), self.lease).sharing(share);
        let deployed = runner.deployed()?;
        // What it had when the store failed.
        runner.hand_back()?;
        if self.once {
            runner.mend_leases()?;
        }
        while mails && runner.queue_outbox()? > 0 && !self.stop.load(Ordering::Relaxed) {
            thread::sleep(BREATH);
        }
        runner.look_again()?;
        let began = Cell::new(Instant::now());
        let stop = |within: Option<&Job>| {
            let worked = began.get().elapsed();
            if within.is_some_and(|job| job.kind == Kind::BackgroundOperation) {
                thread::sleep(worked.clamp(BREATH, LONGEST_BREATH));
            } else if worked / 4 >= BREATH {
                // Steps that are short leave others room enough between them; to rest after each would take longer than they do.
                thread::sleep((worked / 4).min(LONGEST_BREATH));
            }
            began.set(Instant::now());
            self.stop.load(Ordering::Relaxed)
        };
        while !stop(None) {
            if let Err(error) = self.same(file) {
                runner.abandon();
                return Err(error);
            }
            if runner.deployed()? != deployed {
                return Ok(false);
            }
            let last = !hand.calls_back || crew.queued.load(Ordering::Relaxed);
            let busy = Busy::at(hand);
            let ran = runner.run_one(&|job| stop(Some(job)));
            drop(busy);
            let ran = ran?;
            *failures = 0;
            match &ran {
                Some(job) => (self.told)(News::Left(job)),
                None if self.once && last => return Ok(true),
                None if hand.calls_back && !self.once => self.rest(CALLS),
                None => self.rest(PAUSE),
            }
        }
        Ok(true)
    }

    /// Says again and again that the threads which are at work still are, and deletes what has been kept for long enough. A step of a flow
    /// holds the store, so that nobody can take its job in the meantime; the leases are for plug-ins, whose code may take its time.
    fn pulse(&self, crew: &Crew) {
        let mut pipeline = None;
        let (mut silent, mut unswept, mut sweep) = (Duration::ZERO, SWEEP, Sweep::default());
        let (mut unseen, mut seen) = (Duration::ZERO, Seen::default());
        let lease = Duration::try_from(self.lease).unwrap_or(PAUSE);
        let often = lease / 3;
        while !crew.done.load(Ordering::Relaxed) {
            let began = Instant::now();
            thread::park_timeout(PAUSE);
            let rested = began.elapsed();
            silent += rested;
            unswept += rested;
            unseen += rested;
            let keep = crew.deployed().keep;
            let (beats, sweeps) = (silent >= often, unswept >= SWEEP && keep != Keep::default() && !self.once);
            if !beats && !sweeps {
                continue;
            }
            if beats {
                silent = Duration::ZERO;
            }
            if pipeline.is_none() {
                pipeline = self.file().and_then(|file| Ok((file, self.open()?.1))).ok();
            }
            let Some((file, store)) = &mut pipeline else { continue };
            if self.same(*file).is_err() {
                store.abandon();
                pipeline = None;
                continue;
            }
            let mut renewed = if beats { self.beat(store, &crew.hands) } else { Ok(()) };
            if unseen >= lease && renewed.is_ok() {
                unseen = Duration::ZERO;
                renewed = store.renew_leases_of_the_future(self.lease, Some(&mut seen)).map(drop);
            }
            let more = if sweeps { sweep.batch(store, &keep) } else { Ok(true) };
            if more == Ok(false) {
                unswept = Duration::ZERO;
            }
            if renewed.is_err() || more.is_err() {
                pipeline = None;
            }
        }
    }

    /// Says that the threads which are at work still are.
    fn beat(&self, pipeline: &mut Pipeline, hands: &[Hand]) -> Result<(), StoreError> {
        for hand in hands.iter().filter(|hand| hand.busy.load(Ordering::Relaxed)) {
            pipeline.renew_leases(&hand.name(), self.lease)?;
        }
        Ok(())
    }

    /// The file of the store as the file system knows it, whatever it is called; nothing where the store is in no file, and where an open
    /// file can't be moved away.
    fn file(&self) -> Result<Option<(u64, u64)>, LifeError> {
        let Some(path) = self.url.strip_prefix("sqlite:").filter(|path| *path != ":memory:") else { return Ok(None) };
        let gone = |_| StoreError::Failed(format!("the file {} isn't there: put it back", quoted(path)));
        Ok(place(&fs::metadata(path).map_err(gone)?))
    }

    /// Whether the store still is in this file.
    fn same(&self, file: Option<(u64, u64)>) -> Result<(), LifeError> {
        match self.file()? == file {
            true => Ok(()),
            false => Err(StoreError::Failed("another file is in the place of the store; it is opened anew".to_owned()).into()),
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
