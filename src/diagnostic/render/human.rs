//! A diagnostic for people: code and message, the lines it is about with words beneath them, the help, and how the
//! text would read after the fix.

use codespan_reporting::diagnostic as codespan;
use codespan_reporting::term::{self, termcolor::Buffer};

use super::excerpt::Excerpt;
use super::visible;
use crate::diagnostic::{Diagnostic, Edit, Severity};
use crate::source::{FileId, Sources};

/// How long a mended line may be and still be shown.
const MAX_FIX: usize = 160;

/// The diagnostic with a blank line after it, in colours where they are wanted.
pub fn human(diagnostic: &Diagnostic, sources: &Sources, colours: bool) -> String {
    let (excerpt, places) = Excerpt::new(diagnostic, sources);
    let labels = diagnostic.labels.iter().zip(places).enumerate().filter_map(|(number, (label, place))| {
        let style = if number == 0 { codespan::LabelStyle::Primary } else { codespan::LabelStyle::Secondary };
        Some(codespan::Label::new(style, label.span.file, place?).with_message(visible(&label.text)))
    });
    let severity = match diagnostic.severity() {
        Severity::Fault | Severity::Error => codespan::Severity::Error,
        Severity::Warning => codespan::Severity::Warning,
    };
    let drawn = codespan::Diagnostic::new(severity)
        .with_code(diagnostic.code.name())
        .with_message(visible(&diagnostic.message))
        .with_labels(labels.collect())
        .with_notes(notes(diagnostic, sources));
    let mut buffer = if colours { Buffer::ansi() } else { Buffer::no_color() };
    match term::emit_to_write_style(&mut buffer, &term::Config::default(), &excerpt, &drawn) {
        Ok(()) => trimmed(&String::from_utf8_lossy(buffer.as_slice())),
        // A diagnostic whose places don't fit its files still gets its words out.
        Err(_) => format!("{}\n\n", super::short(diagnostic, sources)),
    }
}

/// The help, a note each, and the fix.
fn notes(diagnostic: &Diagnostic, sources: &Sources) -> Vec<String> {
    let mut notes: Vec<String> = diagnostic.help.iter().map(|help| format!("help: {}", visible(help))).collect();
    notes.extend(fix(&diagnostic.fix, sources));
    notes
}

/// The lines as they read after the fix. Nothing where that can't be shown on a few short lines of one file.
fn fix(edits: &[Edit], sources: &Sources) -> Option<String> {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let (first, last) = (edits.first()?, edits.last()?);
    let id: FileId = first.span.file;
    if edits.iter().any(|edit| edit.span.file != id) {
        return None;
    }
    let file = sources.get(id)?;
    let (from, to) = (file.position(first.span.start).line, file.position(last.span.end).line);
    let start = file.line_start(from);
    let end = file.line_start(to) + file.line(to)?.len();
    if end - start > 6 * MAX_FIX {
        return None;
    }
    let mut mended = String::new();
    let mut at = start;
    for edit in edits {
        let range = edit.span.range();
        mended.push_str(file.text.get(at..range.start)?);
        mended.push_str(&edit.text);
        at = range.end;
    }
    mended.push_str(file.text.get(at..end)?);
    let place = if from == to { format!("line {from}") } else { format!("lines {from} to {to}") };
    if mended.trim().is_empty() {
        return Some(format!("fix: delete {place}"));
    }
    let indent = mended.lines().filter(|line| !line.trim().is_empty()).map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let lines: Vec<String> = mended.lines().map(|line| format!("    {}", visible(line.get(indent..).unwrap_or("")))).collect();
    (lines.len() <= 6 && lines.iter().all(|line| line.chars().count() <= MAX_FIX))
        .then(|| format!("fix: {place} would read\n{}", lines.join("\n")))
}

/// Without white space at the ends of lines, which some borders leave behind.
fn trimmed(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    lines.join("\n") + "\n\n"
}
