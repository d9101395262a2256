//! What the benches share: competitors run in turn, round by round, so that a machine that drifts drifts for all of them;
//! figures are medians, and only the ratios are meant to be quoted.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::time::{Duration, Instant};

/// One competitor: a name and one measured run, which says how long its timed part took.
pub struct Competitor<'a> {
    /// As it is printed.
    pub name: &'static str,
    /// One run.
    pub run: Box<dyn FnMut() -> Duration + 'a>,
}

/// A competitor whose whole run is timed.
pub fn timed<'a>(name: &'static str, mut run: impl FnMut() + 'a) -> Competitor<'a> {
    let run = move || {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    Competitor { name, run: Box::new(run) }
}

/// A competitor that times a part of its run by itself.
pub fn clocked<'a>(name: &'static str, run: impl FnMut() -> Duration + 'a) -> Competitor<'a> {
    Competitor { name, run: Box::new(run) }
}

/// Runs the competitors in turn, `rounds` times after one warm-up, and prints the median of each for one of `units` and its ratio to the first.
pub fn compare(title: &str, units: usize, rounds: usize, mut competitors: Vec<Competitor<'_>>) -> Vec<f64> {
    let mut times = vec![Vec::new(); competitors.len()];
    for round in 0..=rounds {
        for (competitor, times) in competitors.iter_mut().zip(&mut times) {
            let time = (competitor.run)();
            if round > 0 {
                times.push(time.as_secs_f64() * 1e9 / units as f64);
            }
        }
    }
    let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
    println!("\n{title} (median of {rounds} rounds)");
    for (competitor, median) in competitors.iter().zip(&medians) {
        println!("  {:<44} {:>12.1} ns   {:>6.2} x", competitor.name, median, median / medians.first().copied().unwrap_or(1.0));
    }
    medians
}

/// Prints a ratio beside its target.
pub fn target(what: &str, ratio: f64, target: f64, at_most: bool) {
    let met = if at_most { ratio <= target } else { ratio >= target };
    let bound = if at_most { "at most" } else { "at least" };
    println!("  {} {what}: {ratio:.2} ({bound} {target})", if met { "met   " } else { "MISSED" });
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
