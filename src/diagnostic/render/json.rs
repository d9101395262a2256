//! One JSON object a diagnostic, on one line: the form that programs rely on. Fields are only ever added.

use serde::Serialize;

use super::severity;
use crate::diagnostic::{Code, Diagnostic, Edit, Label};
use crate::source::{Position, Sources, Span};

/// The object, without a line break. A diagnostic without a place has null in the fields of its place.
pub fn json(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let place = diagnostic.span().and_then(|span| Place::of(span, sources));
    let object = Object {
        severity: severity(diagnostic),
        code: diagnostic.code.name(),
        title: Code::title(diagnostic.code),
        message: &diagnostic.message,
        place: place.unwrap_or_default(),
        labels: diagnostic.labels.iter().filter_map(|label| LabelObject::of(label, sources)).collect(),
        help: &diagnostic.help,
        fix: diagnostic.fix.iter().filter_map(|edit| EditObject::of(edit, sources)).collect(),
    };
    serde_json::to_string(&object).unwrap_or_default()
}

#[derive(Serialize)]
struct Object<'a> {
    severity: &'static str,
    code: &'static str,
    title: &'static str,
    message: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
    labels: Vec<LabelObject<'a>>,
    help: &'a [String],
    fix: Vec<EditObject<'a>>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Place<'a> {
    file: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
}

impl<'a> Place<'a> {
    fn of(span: Span, sources: &'a Sources) -> Option<Self> {
        let file = sources.get(span.file)?;
        let Position { line, column } = file.position(span.start);
        let end = file.position(span.end);
        Some(Place {
            file: Some(&file.name),
            line: Some(line),
            column: Some(column),
            end_line: Some(end.line),
            end_column: Some(end.column),
        })
    }
}

#[derive(Serialize)]
struct LabelObject<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    text: &'a str,
}

impl<'a> LabelObject<'a> {
    fn of(label: &'a Label, sources: &'a Sources) -> Option<Self> {
        Some(LabelObject { place: Place::of(label.span, sources)?, text: &label.text })
    }
}

#[derive(Serialize)]
struct EditObject<'a> {
    file: &'a str,
    start: u32,
    end: u32,
    text: &'a str,
}

impl<'a> EditObject<'a> {
    fn of(edit: &'a Edit, sources: &'a Sources) -> Option<Self> {
        let file = sources.get(edit.span.file)?;
        Some(EditObject { file: &file.name, start: edit.span.start, end: edit.span.end, text: &edit.text })
    }
}
