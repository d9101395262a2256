//! All diagnostics of a run as one SARIF 2.1.0 document: the form that code scanning and many editors read.
//!
//! Columns count Unicode scalar values, as `columnKind` says. A rule stands for each code that occurs, with its page as the help.

use serde_json::{Value, json};

use super::severity;
use crate::diagnostic::{Code, Diagnostic, Edit, Severity};
use crate::source::{Sources, Span};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The document, with a line break at its end.
pub fn sarif(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut codes: Vec<Code> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let results: Vec<Value> = diagnostics.iter().map(|diagnostic| result(diagnostic, &codes, sources)).collect();
    let driver = json!({
        "name": "weir",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": codes.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
    });
    let run = json!({ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results });
    let document = json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [run] });
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

fn rule(code: Code) -> Value {
    let level = if code.severity() == Severity::Warning { "warning" } else { "error" };
    let page = code.explanation();
    let text = page.split("```").next().unwrap_or(page).trim();
    json!({
        "id": code.name(),
        "shortDescription": { "text": code.title() },
        "help": { "text": text, "markdown": page },
        "defaultConfiguration": { "level": level },
    })
}

fn result(diagnostic: &Diagnostic, codes: &[Code], sources: &Sources) -> Value {
    let mut text = diagnostic.message.clone();
    for help in &diagnostic.help {
        text += &format!("\nhelp: {help}");
    }
    let places: Vec<Value> = diagnostic.labels.iter().take(1).filter_map(|label| physical(label.span, sources)).collect();
    let others = diagnostic.labels.iter().skip(1).filter_map(|label| {
        let place = physical(label.span, sources)?;
        let text = if label.text.is_empty() { diagnostic.code.title() } else { &label.text };
        Some(json!({ "physicalLocation": place, "message": { "text": text } }))
    });
    let others: Vec<Value> = others.enumerate().map(|(index, place)| numbered(index, place)).collect();
    json!({
        "ruleId": diagnostic.code.name(),
        "ruleIndex": codes.binary_search(&diagnostic.code).unwrap_or_default(),
        "level": severity(diagnostic),
        "message": { "text": text },
        "locations": places.into_iter().map(|place| json!({ "physicalLocation": place })).collect::<Vec<_>>(),
        "relatedLocations": others,
        "fixes": fixes(diagnostic, sources),
    })
}

fn numbered(index: usize, mut place: Value) -> Value {
    if let Value::Object(fields) = &mut place {
        fields.insert("id".to_owned(), json!(index + 1));
    }
    place
}

/// The fix, if there is one; its edits may be in several files.
fn fixes(diagnostic: &Diagnostic, sources: &Sources) -> Vec<Value> {
    let mut files: Vec<_> = diagnostic.fix.iter().map(|edit| edit.span.file).collect();
    files.sort_unstable();
    files.dedup();
    let changes = files.into_iter().filter_map(|id| {
        let mut edits: Vec<&Edit> = diagnostic.fix.iter().filter(|edit| edit.span.file == id).collect();
        edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
        let replacements: Vec<Value> = edits
            .into_iter()
            .filter_map(|edit| Some(json!({ "deletedRegion": region(edit.span, sources)?, "insertedContent": { "text": edit.text } })))
            .collect();
        Some(json!({ "artifactLocation": { "uri": uri(&sources.get(id)?.name) }, "replacements": replacements }))
    });
    let changes: Vec<Value> = changes.collect();
    let what = diagnostic.help.first().map_or(diagnostic.code.title(), String::as_str);
    if changes.is_empty() { Vec::new() } else { vec![json!({ "description": { "text": what }, "artifactChanges": changes })] }
}

fn physical(span: Span, sources: &Sources) -> Option<Value> {
    let file = sources.get(span.file)?;
    Some(json!({ "artifactLocation": { "uri": uri(&file.name) }, "region": region(span, sources)? }))
}

fn region(span: Span, sources: &Sources) -> Option<Value> {
    let file = sources.get(span.file)?;
    let (start, end) = (file.position(span.start), file.position(span.end));
    Some(json!({ "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column }))
}

/// A relative path as a URI reference.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(byte as char),
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}
