//! Operations from outside: JSON lines and CSV become operations of the pipeline, and outcomes become JSON lines.
//!
//! Reads as a stream: never more than one line (or one record of a CSV) is in memory, and that is bounded. What can't be
//! read is a [`Problem`] of its line, and the next line is read all the same. Nothing in here runs anything.

mod csv;
mod decode;
pub mod html;
mod jobs;
mod json;
mod lines;
mod object;
mod order;
mod outcome;
pub mod pull;
mod replay;
mod trace;

use std::io::BufRead;

use smol_str::SmolStr;

pub use decode::Find;
pub use jobs::{job_awaited, job_line, job_lines, job_progress, job_record, job_serial, job_standing};
pub use lines::{Mark, furthest};
pub use order::{order_mermaid, order_svg, order_text, verb as order_verb};
pub use outcome::{Tally, fault_told, refused, told, told_with_outputs};
pub use replay::{AsTest, Change, Difference, Reason, difference_lines, ending_line, operation_title, replayed_json, unread_json};
pub use trace::{About, Wrote, left_out, not_considered, trace_about, trace_lines, trace_writes, with_trace, wrap};

use crate::bytecode::Program;
use crate::diagnostic::{Code, Severity, render};
use crate::pipeline::Operation;
use crate::schema::Schema;
use crate::schema::system::{GIVEN, KEPT};

/// How the operations are written.
#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    /// An object a line.
    JsonLines,
    /// A table with one line of column names.
    Csv {
        /// The entity of its records.
        entity: SmolStr,
        /// What is done with each.
        message: RowMessage,
    },
}

/// What is done with each row of a CSV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowMessage {
    /// A new record.
    Create,
    /// A change of the record that the id column names, or the columns of a key.
    Update,
    /// The end of the record that the id column names, or the columns of a key.
    Delete,
    /// A change of the record that has the id, or the values of a key whose columns are there; else a new one.
    Upsert,
}

/// An operation with its place in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The line on which it starts, from 1.
    pub line: u64,
    /// What is to be done.
    pub operation: Operation,
    /// The full name of the user who does it, where one is named.
    pub user: Option<SmolStr>,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The line, from 1.
    pub line: u64,
    /// Which kind.
    pub code: Code,
    /// What is wrong, in one line.
    pub message: String,
    /// Whether nothing more can be read after it.
    pub last: bool,
    /// Whether it is the file that failed and not what is in it.
    pub io: bool,
}

impl Problem {
    /// With its line, code and words.
    pub fn new(line: u64, code: Code, message: impl Into<String>) -> Self {
        Problem { line, code, message: message.into(), last: false, io: false }
    }

    fn last(self) -> Self {
        Problem { last: true, ..self }
    }

    /// As a line of text: `ops.csv:3: error[O0107]: …`.
    pub fn at(&self, file: &str) -> String {
        let severity = if self.code.severity() == Severity::Warning { "warning" } else { "error" };
        format!("{file}:{}: {severity}[{}]: {}", self.line, self.code.name(), render::visible(&self.message))
    }
}

/// Operations from a text, one after the other.
pub struct Reader<'a, R> {
    source: Source<'a, R>,
    ended: bool,
}

enum Source<'a, R> {
    Json(json::Reader<'a, R>),
    Csv(csv::Reader<'a, R>),
}

impl<'a, R: BufRead> Reader<'a, R> {
    /// Starts to read; of a CSV, its column names. The problems that come with it are warnings.
    pub fn new(input: R, format: &Format, schema: &'a Schema, program: &'a Program) -> Result<(Self, Vec<Problem>), Problem> {
        let (source, warnings) = match format {
            Format::JsonLines => (Source::Json(json::Reader::new(input, schema, program)), Vec::new()),
            Format::Csv { entity, message } => {
                let (reader, warnings) = csv::Reader::new(input, entity, *message, schema)?;
                (Source::Csv(reader), warnings)
            }
        };
        Ok((Reader { source, ended: false }, warnings))
    }

    /// The next operation; records that it names by keys are asked for. None after the last, and after what nothing can be read behind.
    pub fn next(&mut self, find: &Find<'_>) -> Option<Result<Request, Problem>> {
        if self.ended {
            return None;
        }
        self.lines().begin_row();
        let next = match &mut self.source {
            Source::Json(reader) => reader.next(find),
            Source::Csv(reader) => reader.next(find),
        };
        self.ended = next.as_ref().is_none_or(|item| item.as_ref().is_err_and(|problem| problem.last));
        next
    }

    /// How many bytes have been read.
    pub fn bytes(&mut self) -> u64 {
        self.lines().bytes
    }

    /// How far the text has been read.
    pub fn mark(&mut self) -> Mark {
        self.lines().mark()
    }

    /// How far it had been read before what was read last.
    pub fn mark_before(&mut self) -> Mark {
        self.lines().mark_before()
    }

    /// Whether what was read last has no line break behind it: whoever writes the text may be in the middle of a line.
    pub fn is_cut(&mut self) -> bool {
        self.lines().is_cut()
    }

    /// Reads on to a mark and runs nothing of it; says whether the text agrees with it.
    pub fn skip_to(&mut self, mark: &Mark) -> Result<bool, Problem> {
        self.lines().skip_to(mark)
    }

    /// What was read last, with the reason why it was rejected, so that it can be read again once it is mended.
    pub fn rejected(&self, reason: &str) -> Vec<u8> {
        match &self.source {
            Source::Json(reader) => reader.rejected(reason),
            Source::Csv(reader) => reader.rejected(reason),
        }
    }

    /// What a file of rejected operations begins with.
    pub fn rejected_head(&self) -> Vec<u8> {
        match &self.source {
            Source::Json(_) => Vec::new(),
            Source::Csv(reader) => reader.rejected_names(),
        }
    }

    fn lines(&mut self) -> &mut lines::Lines<R> {
        match &mut self.source {
            Source::Json(reader) => reader.lines(),
            Source::Csv(reader) => reader.lines(),
        }
    }
}

#[cfg(test)]
mod tests;
