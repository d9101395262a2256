//! What the compiler has to say to people: facts here, drawing in the renderers.
//!
//! A [`Diagnostic`] is one problem with its place, a help and, where one exists, a fix that can be applied
//! as it stands. Every diagnostic has a [`Code`] from the one code table (`codes.rs`); `explain/CODE.md`
//! holds the page that `weir explain` prints. Nothing in here prints.
//!
//! Style of messages: lower case, no full stop, the user's own text in backticks, no term of the compiler's own.

mod codes;
pub mod render;

pub use codes::{Code, Severity};

use crate::source::Span;

/// One problem, and what can be done about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// Which problem it is; gives the severity.
    pub code: Code,
    /// What is wrong, in one line.
    pub message: String,
    /// The places, the first of them the primary one. Empty only where a problem has no place (an unreadable file).
    pub labels: Vec<Label>,
    /// What to do about it, a line each.
    pub help: Vec<String>,
    /// Edits that mend it, all of them together.
    pub fix: Vec<Edit>,
}

/// A place in a text, with what is to be said about it (which may be nothing).
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// The words beneath it.
    pub text: String,
}

/// A replacement of the text of a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// What is replaced; empty for an insertion.
    pub span: Span,
    /// What comes in its place.
    pub text: String,
}

impl Diagnostic {
    /// A problem at a place.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        let label = Label { span, text: String::new() };
        Diagnostic { code, message: message.into(), labels: vec![label], help: Vec::new(), fix: Vec::new() }
    }

    /// A problem without a place, such as a file that can't be read.
    pub fn unplaced(code: Code, message: impl Into<String>) -> Self {
        Diagnostic { code, message: message.into(), labels: Vec::new(), help: Vec::new(), fix: Vec::new() }
    }

    /// Says something beneath the primary place.
    pub fn label(mut self, text: impl Into<String>) -> Self {
        if let Some(first) = self.labels.first_mut() {
            first.text = text.into();
        }
        self
    }

    /// Points at another place.
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds a line of help.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Adds an edit to the fix.
    pub fn fix(mut self, span: Span, text: impl Into<String>) -> Self {
        self.fix.push(Edit { span, text: text.into() });
        self
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// Where it is, if it has a place.
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }
}

/// The candidate nearest to a misspelt word, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            let longer = candidate.chars().count().max(word.chars().count());
            // Of two letters, one that differs is no slip.
            *distance <= 1 + longer / 4 && 2 * *distance < longer.max(1)
        })
        .min_by_key(|(distance, candidate)| (*distance, *candidate))
        .map(|(_, candidate)| candidate)
}
