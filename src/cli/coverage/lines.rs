//! What was covered line by line, and what is missing in words: what every form of it is written from.

use std::collections::BTreeMap;

use crate::scenario::coverage::{Branch, Condition, Coverage, Decides, Shares, Unit};
use crate::source::{FileId, SourceFile, Sources, Span};

/// A file with flows or actions.
pub(super) struct View<'a> {
    pub file: &'a SourceFile,
    /// Its flows and actions, in their order.
    pub units: Vec<&'a Unit>,
    /// The lines with something to cover, by their numbers from 1.
    pub lines: BTreeMap<usize, Line>,
}

/// A line with something to cover.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// How often what stands there was begun.
    pub count: u64,
    /// What was never seen there.
    pub notes: Vec<String>,
}

impl Line {
    /// Whether something on it was never seen.
    pub fn is_missing(&self) -> bool {
        self.count == 0 || !self.notes.is_empty()
    }
}

/// The files, by name.
pub(super) fn views<'a>(covered: &'a Coverage, sources: &'a Sources) -> Vec<View<'a>> {
    let mut files: BTreeMap<FileId, Vec<&Unit>> = BTreeMap::new();
    covered.units.iter().for_each(|unit| files.entry(unit.span.file).or_default().push(unit));
    let view = |(id, units): (FileId, Vec<&'a Unit>)| {
        let mut lines = BTreeMap::new();
        units.iter().for_each(|unit| take(unit, sources, &mut lines));
        Some(View { file: sources.get(id)?, units, lines })
    };
    let mut views: Vec<View<'a>> = files.into_iter().filter_map(view).collect();
    views.sort_by(|one, other| one.file.name.cmp(&other.file.name));
    views
}

/// The shares of everything in files.
pub(super) fn shares(views: &[View<'_>]) -> Shares {
    let units = views.iter().flat_map(|view| &view.units).map(|unit| (*unit).clone()).collect();
    Coverage { units }.shares()
}

/// The branches of a flow or action, those that are decided at one place together.
pub(super) fn decisions(unit: &Unit) -> Vec<&[Branch]> {
    unit.branches.chunk_by(|one, other| one.by == other.by).collect()
}

/// The lines with something missing, as people write them: `3, 7-9`.
pub(super) fn ranges(lines: impl Iterator<Item = usize>) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for line in lines {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == line => *last = line,
            _ => ranges.push((line, line)),
        }
    }
    let written = ranges.iter().map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") });
    written.collect::<Vec<_>>().join(", ")
}

fn take(unit: &Unit, sources: &Sources, lines: &mut BTreeMap<usize, Line>) {
    let mut at = |span: Span, count: u64| {
        let line: &mut Line = lines.entry(sources.position(span).line).or_default();
        line.count = line.count.max(count);
    };
    at(unit.span, unit.runs);
    unit.statements.iter().for_each(|statement| at(statement.span, statement.count));
    decisions(unit).iter().for_each(|ways| {
        let asked = ways.iter().fold(0u64, |sum, way| sum.saturating_add(way.count));
        ways.iter().take(1).for_each(|way| at(way.by, asked));
        // What a wait waits for may have a line of its own.
        ways.iter().filter(|way| way.kind == Decides::Wait).for_each(|way| at(way.span, way.count));
    });
    unit.conditions.iter().for_each(|condition| at(condition.span, condition.holds.saturating_add(condition.fails)));
    for (span, note) in notes(unit, sources) {
        lines.entry(sources.position(span).line).or_default().notes.push(note);
    }
}

/// What was never seen, in source order. What stands in a statement that was never begun has no note of its own.
fn notes(unit: &Unit, sources: &Sources) -> Vec<(Span, String)> {
    let mut notes: Vec<(Span, String)> = Vec::new();
    if unit.runs > 0 {
        let never = unit.starts.iter().filter(|start| start.count == 0);
        notes.extend(never.map(|start| (unit.span, format!("never begun: `{}`", start.words))));
    }
    // A wait that was begun may still wait.
    let asked = |way: &Branch| way.count > 0 || way.kind == Decides::Wait;
    for ways in decisions(unit).into_iter().filter(|ways| ways.iter().any(asked)) {
        notes.extend(ways.iter().filter(|way| way.count == 0).map(|way| (way.span, never(way, sources))));
    }
    // That a condition was never true is told by what waits for it, too; that it was never false isn't.
    let tells = |way: &Branch, condition: &Condition| way.span == condition.span && (way.kind != Decides::Wait || condition.holds == 0);
    let told = |condition: &Condition| unit.branches.iter().any(|way| tells(way, condition));
    for condition in unit.conditions.iter().filter(|condition| !told(condition)) {
        let words = match (condition.holds, condition.fails) {
            (0, 0) => "was never asked",
            (0, _) => "was never true",
            (_, 0) => "was never false",
            _ => continue,
        };
        notes.push((condition.span, format!("`{}` {words}", sources.brief(condition.span))));
    }
    if unit.runs == 0 {
        // Everything in it is missing: that is told once, by its name.
        notes.retain(|(span, _)| unit.statements.first().is_none_or(|first| span.start < first.span.start));
        notes.push((unit.span, "never ran".to_owned()));
    }
    let begun = |span: Span| unit.statements.iter().filter(|statement| holds(statement.span, span)).all(|statement| statement.count > 0);
    notes.retain(|(span, _)| begun(*span));
    notes.sort_by_key(|(span, _)| *span);
    notes
}

fn holds(outer: Span, inner: Span) -> bool {
    outer.file == inner.file && outer.start <= inner.start && inner.end <= outer.end
}

fn never(way: &Branch, sources: &Sources) -> String {
    let of = sources.brief(way.span);
    let words = way.words.as_str();
    match way.kind {
        Decides::Condition => format!("`{of}` was never {words}"),
        Decides::Record if words == "record" => "its record was never there".to_owned(),
        Decides::Record => "its record was always there".to_owned(),
        Decides::Match => format!("`{of}` was never `{words}`"),
        Decides::Wait => format!("`{words} {of}` never came"),
    }
}
