//! What text for people is written on: how many columns a line has, and whether there are colours. The one place that knows.
//!
//! At a terminal a line is as wide as that; elsewhere as wide as `COLUMNS` says, or else 100 columns, so that what goes into a file is the
//! same everywhere.

use std::env;
use std::io;

use terminal_size::{Height, Width, terminal_size_of};
use unicode_width::UnicodeWidthStr;

use crate::exchange::wrap;

/// How many columns a line has where nobody says.
const COLUMNS: usize = 100;

/// Nothing is made to fit into less, and nobody follows a line that is longer.
const NARROWEST: usize = 40;
const WIDEST: usize = 200;

/// What text for people is written on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Screen {
    /// How many columns a line takes at most, where its words allow it.
    pub width: usize,
    /// Whether it takes colours.
    pub colours: bool,
}

impl Screen {
    /// What is kept in a file, whoever writes it.
    pub const FILE: Screen = Screen { width: COLUMNS, colours: false };

    /// The same for what is indented by some columns.
    pub fn within(self, indent: usize) -> Screen {
        Screen { width: self.width.saturating_sub(indent), ..self }
    }

    /// Words behind a title, the lines after the first beneath them.
    pub fn titled(self, title: &str, words: &str) -> Vec<String> {
        let mut lines = Vec::new();
        wrap(words, title.width(), self.width, &mut lines);
        if let Some(first) = lines.first_mut() {
            *first = format!("{title}{}", first.trim_start());
        }
        lines
    }
}

/// How many columns a line of standard output has. A terminal may become wider or narrower: whoever writes asks anew.
pub(super) fn width() -> usize {
    columns(terminal_size_of(io::stdout()))
}

/// The same of standard error.
pub(super) fn error_width() -> usize {
    columns(terminal_size_of(io::stderr()))
}

fn columns(terminal: Option<(Width, Height)>) -> usize {
    let terminal = terminal.map(|(Width(columns), _)| usize::from(columns)).filter(|columns| *columns > 0);
    let said = || env::var("COLUMNS").ok()?.parse().ok().filter(|columns| *columns > 0);
    terminal.or_else(said).unwrap_or(COLUMNS).clamp(NARROWEST, WIDEST)
}
