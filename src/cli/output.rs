//! The one way to standard output and standard error.
//!
//! A reader that goes away ends no run and is no error: what is being written goes nowhere, and the work goes on. Any other
//! failure is told at the end, with exit code 4.

use std::env;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Stdout, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::exit::Exit;
use super::screen::{self, Screen};

/// Standard output, buffered, and standard error.
pub(super) struct Output {
    out: BufWriter<Stdout>,
    failure: Option<io::Error>,
    colours: Colours,
    aside: bool,
}

/// Where colours are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Colours {
    out: bool,
    err: bool,
}

impl Output {
    /// The process's own.
    pub fn standard() -> Self {
        let force = env::var_os("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
        let never = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let wanted = |terminal: bool| !never && (force || terminal);
        let colours = Colours { out: wanted(io::stdout().is_terminal()), err: wanted(io::stderr().is_terminal()) };
        Output { out: BufWriter::with_capacity(64 * 1024, io::stdout()), failure: None, colours, aside: false }
    }

    /// Whether what is written from here on goes to standard error, where standard output is for something else.
    pub fn aside(&mut self, aside: bool) {
        self.flush();
        self.aside = aside;
    }

    /// Whether standard output takes colours.
    pub fn colours(&self) -> bool {
        if self.aside { self.colours.err } else { self.colours.out }
    }

    /// What standard output is written on.
    pub fn screen(&self) -> Screen {
        if self.aside { self.error_screen() } else { Screen { width: screen::width(), colours: self.colours.out } }
    }

    /// What standard error is written on.
    pub fn error_screen(&self) -> Screen {
        Screen { width: screen::error_width(), colours: self.colours.err }
    }

    /// Whether standard error takes colours.
    pub fn error_colours(&self) -> bool {
        self.colours.err
    }

    /// Writes to standard output, as it stands.
    pub fn write(&mut self, text: &str) {
        if self.aside {
            // Where standard error is gone there is nobody to tell.
            let _ = io::stderr().lock().write_all(text.as_bytes());
        } else if self.failure.is_none() {
            self.failure = self.out.write_all(text.as_bytes()).err();
        }
    }

    /// Writes a line to standard output.
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.write(text.as_ref());
        self.write("\n");
    }

    /// Writes a line to standard output, at a terminal as much of it as one of its lines has room for.
    pub fn cut_line(&mut self, text: &str) {
        let room = self.screen().width;
        if self.aside || !io::stdout().is_terminal() || text.width() <= room {
            return self.line(text);
        }
        let mut width = 0;
        let cut: String = text
            .chars()
            .take_while(|letter| {
                width += letter.width().unwrap_or(0);
                width < room
            })
            .collect();
        self.line(cut + "…");
    }

    /// Lets what was written so far be seen.
    pub fn flush(&mut self) {
        if self.failure.is_none() {
            self.failure = self.out.flush().err();
        }
    }

    /// Writes a line to standard error, after what was written so far.
    pub fn error_line(&mut self, text: impl AsRef<str>) {
        self.flush();
        // Where standard error is gone there is nobody to tell.
        let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
    }

    /// Ends writing.
    pub fn finish(mut self) -> Exit {
        self.flush();
        match self.failure.take() {
            None => Exit::Well,
            Some(error) if error.kind() == ErrorKind::BrokenPipe => {
                // The buffer would try again when it is dropped.
                let _ = self.out.into_parts();
                Exit::Well
            }
            Some(error) => {
                let _ = writeln!(io::stderr().lock(), "error: standard output can't be written: {error}");
                let _ = self.out.into_parts();
                Exit::Failed
            }
        }
    }
}
