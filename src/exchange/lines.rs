//! A text as lines, each of bounded length, with their numbers. A byte order mark before the first line is left out.

use std::io::{BufRead, ErrorKind};

use super::Problem;
use crate::diagnostic::Code;

/// How long a line, or a record of a CSV, may be: 16 MiB.
pub(super) const LONGEST: usize = 16 * 1024 * 1024;

/// Reads lines.
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    /// The number of the line that was read last, from 1.
    pub number: u64,
    /// How many bytes have been read.
    pub bytes: u64,
}

impl<R: BufRead> Lines<R> {
    pub fn new(input: R) -> Self {
        Lines { input, buffer: Vec::new(), number: 0, bytes: 0 }
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
            Ok(End::OfText) if self.buffer.is_empty() => return None,
            Ok(End::TooLong) => {
                return Some(Err(Problem::new(number, Code::O0102, "the line is longer than 16 MiB")));
            }
            Ok(_) => {}
        }
        let bytes = self.buffer.strip_suffix(b"\r").unwrap_or(&self.buffer);
        let bytes = if number == 1 { bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes) } else { bytes };
        Some(std::str::from_utf8(bytes).map_err(|error| {
            let at = error.valid_up_to() + 1;
            Problem::new(number, Code::O0103, format!("the line isn't UTF-8 (its byte {at})"))
        }))
    }

    /// Reads to the end of a line into the buffer, and past what doesn't fit in.
    fn fill(&mut self) -> std::io::Result<End> {
        let mut too_long = false;
        loop {
            let chunk = match self.input.fill_buf() {
                Ok([]) => return Ok(if too_long { End::TooLong } else { End::OfText }),
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
            self.bytes += used as u64;
            self.input.consume(used);
            if line_break.is_some() {
                return Ok(if too_long { End::TooLong } else { End::OfLine });
            }
        }
    }
}

/// How reading a line ended.
enum End {
    OfLine,
    OfText,
    TooLong,
}
