//! Traces for who reads them: lines for people (`text.rs`), JSON for programs (`json.rs`). A trace has spans and values; the names
//! of places and options come in here, from the sources and the schema.

mod apart;
mod json;
mod part;
mod text;
mod writes;

pub use json::with_trace;
pub use part::{About, left_out, not_considered, trace_about};
pub use text::{trace_lines, wrap};
pub use writes::{Wrote, trace_writes};

pub(super) use apart::apart;
pub(super) use part::{Step, steps};
pub(super) use text::lines_of;

use crate::schema::Schema;
use crate::source::{Sources, Span};
use crate::vm::FactName;

/// How much of a text of the sources is shown.
const LONGEST: usize = 80;

/// What a trace is read with.
struct Reader<'a> {
    schema: &'a Schema,
    sources: &'a Sources,
}

impl Reader<'_> {
    /// A name; of what has none, the text that it was worked out of.
    fn name(&self, name: &FactName) -> String {
        match name {
            FactName::Words(words) => words.to_string(),
            FactName::Source(span) => self.slice(*span),
        }
    }

    /// The text of a span on one line, not too much of it.
    fn slice(&self, span: Span) -> String {
        let words: Vec<&str> = self.sources.slice(span).split_whitespace().collect();
        let text = words.join(" ");
        let mut shown: String = text.chars().take(LONGEST).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        shown
    }

    /// The same of a statement, without the statements in it.
    fn head(&self, span: Span) -> String {
        let text = self.slice(span);
        text.split_once(" {").map_or(text.as_str(), |(head, _)| head).to_owned()
    }

    /// The file and line of a span, where the file is here.
    fn place(&self, span: Span) -> Option<(&str, usize)> {
        let file = self.sources.get(span.file)?;
        Some((&file.name, file.position(span.start).line))
    }
}
