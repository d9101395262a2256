//! Why a test failed, for people: the condition with its values, the records that it is about, what the last operation did, and what was before it.

use crate::cli::screen::Screen;
use crate::cli::story;
use crate::diagnostic::render::visible;
use crate::project::Project;
use crate::scenario::{self, Event, EventKind, Failure, RecordState, Report};

/// How far the parts of a paragraph are indented.
const INDENT: usize = 4;

/// How many things that happened before the last operation are told.
const EARLIER: usize = 12;

/// How many lines the last operation takes at most: so many of its beginning, and so many of its end.
const HEAD: usize = 60;
const TAIL: usize = 20;

/// What there is to tell, a line each.
pub(super) fn lines(report: &Report, project: &Project, screen: Screen) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(failure) = &report.failure {
        lines.extend(failed(failure, project, screen.within(INDENT).width));
        failure.records.iter().for_each(|record| lines.extend(state(record)));
    }
    let last = report.events.iter().rposition(|event| matches!(event.kind, EventKind::Operation { .. }));
    if let Some((last, event)) = last.and_then(|last| Some((last, report.events.get(last)?))) {
        lines.extend([String::new(), "the last operation:".to_owned()]);
        lines.extend(cut(story::told(event, project, screen.within(INDENT))).into_iter().map(indented));
        let others: Vec<&Event> = report.events.iter().enumerate().filter(|(place, _)| *place != last).map(|(_, event)| event).collect();
        lines.extend(earlier(&others, project, screen));
    }
    lines
}

/// The same in one text, without colours.
pub(super) fn message(report: &Report, project: &Project) -> String {
    lines(report, project, Screen::FILE).join("\n")
}

fn failed(failure: &Failure, project: &Project, width: usize) -> Vec<String> {
    let Some(condition) = &failure.condition else { return story::failure(failure, &project.sources) };
    let (span, parts) = &**condition;
    let place = project.sources.place(failure.span).unwrap_or_default();
    let mut lines = vec![format!("{place}: {}", visible(&failure.message)), String::new()];
    lines.extend(scenario::diagram(*span, parts, &project.sources, width).into_iter().map(indented));
    lines.extend(failure.notes.iter().map(|note| indented(visible(note))));
    lines
}

/// A record with its fields in two columns.
fn state(record: &RecordState) -> Vec<String> {
    let gone = if record.gone { " is no longer there" } else { "" };
    let mut lines = vec![String::new(), format!("{}{gone}", visible(&record.title))];
    let width = record.fields.iter().map(|field| field.name.len()).max().unwrap_or(0);
    lines.extend(record.fields.iter().map(|field| {
        let old = field.old.as_ref().map(|old| format!("{old} → ")).unwrap_or_default();
        indented(visible(&format!("{:width$}  {old}{}", field.name, field.value)))
    }));
    lines
}

/// Lines without those in the middle, where there are too many.
fn cut(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > HEAD + TAIL + 1 {
        let tail = lines.len() - TAIL;
        let left_out = format!("       … {} lines …", tail - HEAD);
        lines.splice(HEAD..tail, [left_out]);
    }
    lines
}

fn earlier(events: &[&Event], project: &Project, screen: Screen) -> Vec<String> {
    if events.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "what else happened:".to_owned()];
    let left_out = events.len().saturating_sub(EARLIER);
    lines.extend((left_out > 0).then(|| format!("    {left_out} more before that")));
    for event in events.iter().skip(left_out) {
        lines.extend(story::brief(event, project, screen.within(INDENT)).into_iter().map(indented));
    }
    lines
}

fn indented(line: impl AsRef<str>) -> String {
    let line = line.as_ref();
    if line.is_empty() { String::new() } else { format!("{:INDENT$}{line}", "") }
}
