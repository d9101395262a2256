//! Outcomes told to people: which flows ran in which order, how it ended, and where a test or scenario failed.

use super::screen::Screen;
use crate::diagnostic::render;
use crate::exchange;
use crate::pipeline::{Ending, Outcome};
use crate::project::Project;
use crate::scenario::{Event, EventKind, Failure, Report};
use crate::source::{Sources, Span};
use crate::vm::Fault;

/// How far what happened is indented beneath its statement.
const INDENT: usize = 7;

/// How much of a statement is shown where something is wrong with it.
const LONGEST: usize = 102;

/// How many flows of an operation are told; programs get them all.
const MOST: usize = 100;

/// The same where an operation is told briefly.
const FEW: usize = 8;

/// What happened in a scenario or test, a line each.
pub(super) fn events(report: &Report, project: &Project, screen: Screen) -> Vec<String> {
    report.events.iter().flat_map(|event| told(event, project, screen)).collect()
}

/// One thing that happened in one line, where that can be: of an operation its end and what ran.
pub(super) fn brief(event: &Event, project: &Project, screen: Screen) -> Vec<String> {
    let EventKind::Operation { outcome, user, .. } = &event.kind else { return told(event, project, screen) };
    let by = user.as_ref().map(|user| format!(" (as {user})")).unwrap_or_default();
    let ran = if outcome.ran.is_empty() { String::new() } else { format!(", ran {}", render::several(&outcome.ran, FEW)) };
    let end = match &outcome.ending {
        Ending::Committed => "committed".to_owned(),
        Ending::Stopped { flow, reason } => format!("stopped by {flow}: {}", render::visible(reason)),
        Ending::Fault(fault) => format!("{}: {}", fault.code.name(), render::visible(&fault.message)),
    };
    let at = project.sources.position(event.span).line;
    vec![
        format!("{at:>5}  {}{by}", statement(event.span, &project.sources, screen.width.saturating_sub(INDENT))),
        format!("       {end}{ran}"),
    ]
}

/// One thing that happened, with all that is known of it.
pub(super) fn told(event: &Event, project: &Project, screen: Screen) -> Vec<String> {
    let sources = &project.sources;
    let screen = screen.within(INDENT);
    let statement = statement(event.span, sources, screen.width);
    let at = sources.position(event.span).line;
    match &event.kind {
        EventKind::Show(value) => vec![format!("{at:>5}  show {statement}"), format!("       {}", render::visible(value))],
        EventKind::Job(job) => vec![format!("       {}", exchange::job_line(job))],
        EventKind::History(changes) => {
            let mut lines = vec![format!("{at:>5}  show audit of {statement}")];
            lines.extend(changes.iter().map(|change| format!("       {}", render::visible(change))));
            lines
        }
        EventKind::Operation { outcome, user, .. } => {
            let by = user.as_ref().map(|user| format!("   (as {user})")).unwrap_or_default();
            let mut lines = vec![format!("{at:>5}  {statement}{by}")];
            lines.extend(ending(outcome, project, screen).into_iter().map(|line| format!("{:INDENT$}{line}", "")));
            lines
        }
    }
}

/// What became of an operation, a line each.
fn ending(outcome: &Outcome, project: &Project, screen: Screen) -> Vec<String> {
    let sources = &project.sources;
    let mut lines = exchange::trace_lines(outcome, &project.checked.schema, sources, screen.width);
    if !outcome.ran.is_empty() {
        lines.extend(screen.titled("ran        ", &render::several(&outcome.ran, MOST)));
    }
    if !outcome.queued.is_empty() {
        lines.extend(screen.titled("queued     ", &render::several(&outcome.queued, MOST)));
    }
    match &outcome.ending {
        Ending::Committed => lines.push("committed".to_owned()),
        Ending::Stopped { flow, reason } => {
            lines.extend(screen.titled("stopped    ", &format!("by {flow}: {}", render::visible(reason))));
            lines.push(undone(outcome.kept));
        }
        Ending::Fault(fault) => {
            lines.extend(self::fault(fault, sources, screen.colours));
            lines.push(undone(outcome.kept));
        }
    }
    lines
}

/// What was undone of an operation that didn't succeed.
fn undone(kept: u32) -> String {
    match kept {
        0 => "           rolled back: nothing of it was kept".to_owned(),
        1 => "           rolled back, but for the first step, which was kept by itself".to_owned(),
        _ => format!("           rolled back, but for the first {kept} steps, which were kept by themselves"),
    }
}

/// A fault with its place and the flows that led there.
fn fault(fault: &Fault, sources: &Sources, colours: bool) -> Vec<String> {
    render::human(&exchange::fault_told(fault, sources), sources, colours).trim_end().lines().map(str::to_owned).collect()
}

/// Why a test or scenario failed, a line each.
pub(super) fn failure(failure: &Failure, sources: &Sources) -> Vec<String> {
    let at = sources.position(failure.span);
    let file = sources.get(failure.span.file).map_or("", |file| &file.name);
    let mut lines = vec![format!("{file}:{}:{}: {}", at.line, at.column, render::visible(&failure.message))];
    lines.push(format!("    {}", statement(failure.span, sources, LONGEST)));
    lines.extend(failure.notes.iter().map(|note| format!("    {}", render::visible(note))));
    lines
}

/// The first line of a statement, so much of it as there is room for.
fn statement(span: Span, sources: &Sources, room: usize) -> String {
    let text = sources.slice(span);
    let first = text.lines().next().unwrap_or("");
    let mut shown: String = first.chars().take(room.saturating_sub(" …".chars().count())).collect();
    if shown.len() < text.trim_end().len() {
        shown.push_str(" …");
    }
    render::visible(&shown).into_owned()
}
