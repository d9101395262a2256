//! A bar on standard error, where that is a terminal: how much of the input is read, how fast, how long it will take.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::Input;
use crate::cli::screen;
use crate::exchange::Tally;

/// How often what the bar says is worked out anew.
const OFTEN: Duration = Duration::from_millis(100);

/// How many columns are too few for the bar and its words.
const NARROW: usize = 96;

/// The bar.
pub(super) struct Progress {
    bar: ProgressBar,
    began: Instant,
    /// When the bar was last brought up to date.
    seen: Instant,
    /// How many bytes of the input are known to be done already.
    skipped: u64,
}

impl Progress {
    /// A bar for an input; one of a known size has an end. It is hidden where nobody would see it.
    pub fn new(input: &Input) -> Self {
        let now = Instant::now();
        let (bar, template) = match input.size {
            _ if !io::stderr().is_terminal() => (ProgressBar::hidden(), ""),
            // Where there is no room for both, the words say more than the bar.
            Some(size) if screen::error_width() < NARROW => (ProgressBar::new(size), "{elapsed} {percent:>3}%  {wide_msg}"),
            Some(size) => (ProgressBar::new(size), "{elapsed} [{bar:16}] {percent:>3}%  {wide_msg}"),
            None => (ProgressBar::no_length(), "{elapsed} {spinner} {wide_msg}"),
        };
        let bar = match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style.progress_chars("=> ")),
            Err(_) => bar,
        };
        Progress { bar, began: now, seen: now, skipped: 0 }
    }

    /// Takes the input as done up to here before anything was measured.
    pub fn skip(&mut self, bytes: u64) {
        self.skipped = bytes;
        self.began = Instant::now();
    }

    /// Brings the bar up to date, unless that has just been done.
    pub fn advance(&mut self, bytes: u64, tally: &Tally) {
        if self.bar.is_hidden() || self.seen.elapsed() < OFTEN {
            return;
        }
        self.seen = Instant::now();
        let message = self.message(bytes, tally);
        self.bar.set_message(message);
        self.bar.set_position(bytes);
    }

    /// Writes what would be in the way of the bar.
    pub fn aside(&self, write: impl FnOnce(bool)) {
        // Within `suspend` the bar can't be asked.
        let seen = !self.bar.is_hidden();
        self.bar.suspend(|| write(seen));
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn message(&self, bytes: u64, tally: &Tally) -> String {
        let seconds = self.began.elapsed().as_secs_f64().max(1e-6);
        let mut parts = vec![format!("{} operations", tally.total()), format!("{:.0} a second", tally.total() as f64 / seconds)];
        let (done, size) = (bytes.saturating_sub(self.skipped), self.bar.length());
        if let Some(size) = size.filter(|_| done > 0) {
            let left = size.saturating_sub(bytes) as f64 / done as f64 * seconds;
            parts.push(format!("{} left", span(left)));
        }
        for (count, word) in [(tally.stopped, "stopped"), (tally.faults, "failed")] {
            parts.extend((count > 0).then(|| format!("{count} {word}")));
        }
        parts.join(", ")
    }
}

/// A time as people say it, to the second.
fn span(seconds: f64) -> String {
    let seconds = seconds.ceil() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn times_are_told_as_people_say_them() {
        assert_eq!([0.0, 0.2, 59.0, 61.0, 3_725.0].map(span), ["0 s", "1 s", "59 s", "1 min 01 s", "1 h 02 min"]);
        assert_eq!(span(f64::INFINITY).split(' ').nth(1), Some("h"));
    }
}
