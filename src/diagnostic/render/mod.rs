//! Diagnostics as text: for people, for editors and for programs. Pure functions over facts; nothing in here prints,
//! and what a terminal can show is the caller's to say.

mod colour;
mod excerpt;
mod github;
mod human;
mod json;
mod page;
mod sarif;
mod short;

use std::collections::BTreeSet;

pub use colour::{Colour, painted};
pub use github::github;
pub use human::human;
pub use json::json;
pub use page::page;
pub use sarif::sarif;
pub use short::short;

use super::{Diagnostic, Severity};
use crate::source::Sources;

/// Puts diagnostics in the order in which people read them: by file, place and code, those without a place first; each only once.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|one, two| key(one).cmp(&key(two)));
    let mut seen = BTreeSet::new();
    diagnostics.retain(|one| seen.insert((one.code, one.span(), one.message.clone())));
}

fn key(diagnostic: &Diagnostic) -> (Option<(crate::source::FileId, u32, u32)>, super::Code, &str) {
    let place = diagnostic.span().map(|span| (span.file, span.start, span.end));
    (place, diagnostic.code, &diagnostic.message)
}

/// The closing line: `2 errors, 1 warning in 3 files`.
pub fn summary(diagnostics: &[Diagnostic], files: usize) -> String {
    let warnings = diagnostics.iter().filter(|one| one.severity() == Severity::Warning).count();
    let errors = diagnostics.len() - warnings;
    let mut parts = Vec::new();
    if errors > 0 {
        parts.push(counted(errors, "error"));
    }
    if warnings > 0 {
        parts.push(counted(warnings, "warning"));
    }
    let found = if parts.is_empty() { "no problems".to_owned() } else { parts.join(", ") };
    format!("{found} in {}", counted(files, "file"))
}

/// A count with its noun, in the plural where it is one.
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// How a severity is called in output; a fault is an error to whoever reads about it.
fn severity(diagnostic: &Diagnostic) -> &'static str {
    match diagnostic.severity() {
        Severity::Fault | Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// `file:line:column`, where there is a place.
fn place(diagnostic: &Diagnostic, sources: &Sources) -> Option<String> {
    let span = diagnostic.span()?;
    let file = sources.get(span.file)?;
    let at = file.position(span.start);
    Some(format!("{}:{}:{}", visible(&file.name), at.line, at.column))
}

/// Text that can't steer a terminal: control and bidirectional characters become pictures, line breaks spaces.
pub fn visible(text: &str) -> std::borrow::Cow<'_, str> {
    if text.chars().all(|c| picture(c) == c) {
        return text.into();
    }
    text.chars().map(|c| if c == '\n' { ' ' } else { picture(c) }).collect::<String>().into()
}

/// The first of some names, and how many more there are.
pub fn several<S: AsRef<str>>(names: &[S], most: usize) -> String {
    let shown = names.iter().take(most).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    if names.len() > most { format!("{shown} and {} more", names.len() - most) } else { shown }
}

/// A character as it may be shown.
fn picture(c: char) -> char {
    match c {
        '\t' => '\t',
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        '\u{2028}' | '\u{2029}' => '\u{2424}',
        _ => c,
    }
}

#[cfg(test)]
mod tests;
