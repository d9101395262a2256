//! Runs tests, several at once, and hands on what became of them in the order in which they are declared.
//!
//! Each test has a store and a pipeline of its own, so none sees another; how many run at once changes nothing but the time that it takes.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use smol_str::SmolStr;

use crate::cli::allow::Allow;
use crate::pipeline::Settings;
use crate::project::{Compiled, OpenError};
use crate::scenario::coverage::Collector;
use crate::scenario::{self, Case, Report, Verdict};

/// How much a thread may nest: as much as the program's own.
const STACK: usize = 8 << 20;

/// Runs tests of a project.
pub(super) struct Runner<'a> {
    pub compiled: &'a Compiled,
    /// The store beside which each has its own.
    pub store: &'a str,
    pub allow: &'a Allow,
    /// How many run at once.
    pub threads: NonZero<usize>,
    /// Whether nothing is handed on behind the first that fails.
    pub fail_fast: bool,
    /// Counts what they do.
    pub collector: Option<&'a Collector>,
    /// Becomes true where no other is to be begun.
    pub stop: &'a AtomicBool,
}

/// What became of a test.
pub(super) struct Done {
    /// The name of the test, without that of a row.
    pub test: SmolStr,
    pub report: Report,
    pub ending: Ending,
    pub took: Duration,
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Passed,
    Failed,
    Skipped,
}

impl Ending {
    /// As output calls it.
    pub fn name(self) -> &'static str {
        match self {
            Ending::Passed => "passed",
            Ending::Failed => "failed",
            Ending::Skipped => "skipped",
        }
    }
}

impl Runner<'_> {
    /// Runs the cases. Each is told as soon as all before it are; how many were told is the answer.
    pub fn run(&self, cases: &[Case<'_>], mut tell: impl FnMut(Done)) -> Result<usize, OpenError> {
        // Nobody begins a case from here on: the first one that failed, where that ends the run.
        let (next, end) = (AtomicUsize::new(0), AtomicUsize::new(cases.len()));
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            let mut at_work = 0;
            for _ in 0..self.threads.get().min(cases.len()) {
                let (sender, next, end) = (sender.clone(), &next, &end);
                let worker = move || self.work(cases, next, end, &sender);
                at_work += usize::from(thread::Builder::new().stack_size(STACK).spawn_scoped(scope, worker).is_ok());
            }
            // Where there is no thread to be had, this one does the work.
            if at_work == 0 {
                self.work(cases, &next, &end, &sender);
            }
            drop(sender);
            let (mut waiting, mut told) = (BTreeMap::new(), 0);
            for (place, done) in receiver {
                waiting.insert(place, done);
                while let Some(done) = waiting.remove(&told).filter(|_| told <= end.load(Ordering::Relaxed)) {
                    tell(done?);
                    told += 1;
                }
            }
            Ok(told)
        })
    }

    fn work(&self, cases: &[Case<'_>], next: &AtomicUsize, end: &AtomicUsize, sender: &Sender<(usize, Result<Done, OpenError>)>) {
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = cases.get(place).filter(|_| place <= end.load(Ordering::Relaxed)) else { return };
            let done = self.one(*case);
            let ends = match &done {
                Ok(done) => self.fail_fast && done.ending == Ending::Failed,
                Err(_) => true,
            };
            if ends {
                end.fetch_min(place, Ordering::Relaxed);
            }
            if sender.send((place, done)).is_err() {
                return;
            }
        }
    }

    fn one(&self, case: Case<'_>) -> Result<Done, OpenError> {
        let began = Instant::now();
        if let Some(report) = scenario::skipped(case) {
            return Ok(Done { test: case.scenario().name.clone(), report, ending: Ending::Skipped, took: Duration::ZERO });
        }
        // What a failure tells of the last operation is its trace.
        // Nothing is sent in tests, whatever mail server the project has.
        let settings = Settings { queues_mail: false, ..self.compiled.config.apply(Settings::fixed().traced()) };
        let settings = Settings { counter: self.collector.map(Collector::counter), ..self.allow.apply(settings) };
        let (apart, mut pipeline) = self.compiled.open_apart(self.store, settings)?;
        let report = scenario::run(case, &mut pipeline);
        let ending = if report.verdict() == Verdict::Passed { Ending::Passed } else { Ending::Failed };
        drop(pipeline);
        drop(apart);
        Ok(Done { test: case.scenario().name.clone(), report, ending, took: began.elapsed() })
    }
}
