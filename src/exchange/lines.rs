//! A text as lines, each of bounded length, with their numbers and a digest of all up to there. A byte order mark before the
//! first line is left out. How far a text was read is its [`Mark`]: it depends on what was read and on nothing else.

use std::io::{self, BufRead, ErrorKind};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Problem;
use crate::diagnostic::Code;

/// How long a line, or a record of a CSV, may be: 16 MiB.
pub(super) const LONGEST: usize = 16 * 1024 * 1024;

/// How far a text was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// How many lines.
    pub line: u64,
    /// The SHA-256 of these lines, each with a line break behind it, in hexadecimal digits.
    pub digest: String,
}

/// Which of some marks a text agrees with and reaches furthest.
pub fn furthest(input: impl BufRead, marks: &[Mark]) -> io::Result<Option<&Mark>> {
    let mut ordered: Vec<&Mark> = marks.iter().collect();
    ordered.sort_by_key(|mark| mark.line);
    let (mut lines, mut found) = (Lines::new(input), None);
    for mark in ordered {
        match lines.skip_to(mark) {
            Ok(true) => found = Some(mark),
            Ok(false) => {}
            Err(problem) => return Err(io::Error::other(problem.message)),
        }
    }
    Ok(found)
}

/// Reads lines.
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    /// The number of the line that was read last, from 1.
    pub number: u64,
    /// How many bytes have been read.
    pub bytes: u64,
    digest: Sha256,
    /// The number and the digest at the line before the row that is read now.
    before: (u64, Sha256),
    /// Whether the line that was read last has no line break behind it.
    cut: bool,
}

impl<R: BufRead> Lines<R> {
    pub fn new(input: R) -> Self {
        Lines { input, buffer: Vec::new(), number: 0, bytes: 0, digest: Sha256::new(), before: (0, Sha256::new()), cut: false }
    }

    /// The next line without its line break, or none after the last. A line that is too long or no UTF-8 is a problem,
    /// and the line after it can be read.
    pub fn next(&mut self) -> Option<Result<&str, Problem>> {
        self.buffer.clear();
        self.number += 1;
        let number = self.number;
        match self.fill() {
            Err(error) => {
                let problem = Problem::new(number, Code::O0101, format!("the operations can't be read: {error}"));
                return Some(Err(Problem { last: true, io: true, ..problem }));
            }
            Ok(End::OfText) if self.buffer.is_empty() => {
                self.number -= 1;
                return None;
            }
            Ok(End::TooLong) => {
                return Some(Err(Problem::new(number, Code::O0102, "the line is longer than 16 MiB")));
            }
            Ok(_) => {}
        }
        Some(std::str::from_utf8(self.line()).map_err(|error| {
            let at = error.valid_up_to() + 1;
            Problem::new(number, Code::O0103, format!("the line isn't UTF-8 (its byte {at})"))
        }))
    }

    /// The line that was read last, as it stands in the text, without its line break. Empty where it was too long.
    pub fn line(&self) -> &[u8] {
        let bytes = self.buffer.strip_suffix(b"\r").unwrap_or(&self.buffer);
        if self.number == 1 { bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes) } else { bytes }
    }

    /// Begins with another row, which may be of several lines.
    pub fn begin_row(&mut self) {
        self.before = (self.number, self.digest.clone());
    }

    /// How far the text was read.
    pub fn mark(&self) -> Mark {
        mark(self.number, &self.digest)
    }

    /// How far it was read before the row that was read last.
    pub fn mark_before(&self) -> Mark {
        mark(self.before.0, &self.before.1)
    }

    /// Whether the line that was read last has no line break behind it: whoever writes it may be in the middle of it.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Reads on to a mark, and says whether the text agrees with it. Only a text that can't be read is a problem.
    pub fn skip_to(&mut self, mark: &Mark) -> Result<bool, Problem> {
        while self.number < mark.line {
            match self.next() {
                None => return Ok(false),
                Some(Err(problem)) if problem.io => return Err(problem),
                Some(_) => {}
            }
        }
        Ok(self.mark() == *mark)
    }

    /// Reads to the end of a line into the buffer, and past what doesn't fit in.
    fn fill(&mut self) -> std::io::Result<End> {
        let mut too_long = false;
        loop {
            let chunk = match self.input.fill_buf() {
                Ok([]) => {
                    self.cut = too_long || !self.buffer.is_empty();
                    if self.cut {
                        self.digest.update(b"\n");
                    }
                    return Ok(if too_long { End::TooLong } else { End::OfText });
                }
                Ok(chunk) => chunk,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let line_break = chunk.iter().position(|byte| *byte == b'\n');
            let piece = chunk.get(..line_break.unwrap_or(chunk.len())).unwrap_or(chunk);
            if self.buffer.len() + piece.len() > LONGEST {
                too_long = true;
                self.buffer = Vec::new();
            }
            if !too_long {
                self.buffer.extend_from_slice(piece);
            }
            let used = piece.len() + usize::from(line_break.is_some());
            self.digest.update(chunk.get(..used).unwrap_or(piece));
            self.bytes += used as u64;
            self.input.consume(used);
            if line_break.is_some() {
                return Ok(if too_long { End::TooLong } else { End::OfLine });
            }
        }
    }
}

fn mark(line: u64, digest: &Sha256) -> Mark {
    Mark { line, digest: digest.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect() }
}

/// How reading a line ended.
enum End {
    OfLine,
    OfText,
    TooLong,
}
