//! The flows with their counts beside them, and what is missing beneath the line that it is in.

use std::fmt::Write as _;

use super::lines::{Line, View};
use crate::diagnostic::render::{Colour, visible};
use crate::scenario::coverage::Unit;

/// The flows and actions of all files.
pub(super) fn annotated(views: &[View<'_>], colours: bool) -> String {
    let mut text = String::new();
    for view in views {
        for unit in &view.units {
            let title = format!("{}: {}, {:.1} %", visible(&view.file.name), unit.name, unit.shares().total().percent());
            let _ = writeln!(text, "\n{}", Colour::Strong.paint(&title, colours));
            for number in first(view, unit)..=last(view, unit) {
                let source = view.file.line(number).map(visible).unwrap_or_default();
                let (line, none) = (view.lines.get(&number), String::new());
                let count = line.map_or(none, |line| if line.count == 0 { "never".to_owned() } else { format!("{} ×", line.count) });
                let _ = writeln!(text, "{}", colour(line).paint(format!("{number:>5} {count:>8} | {source}").trim_end(), colours));
                for note in line.into_iter().flat_map(|line| &line.notes) {
                    let indent: String = source.chars().take_while(|letter| letter.is_whitespace()).collect();
                    let _ = writeln!(text, "{:>14} | {indent}{}", "", Colour::Warning.paint(&format!("^ {}", visible(note)), colours));
                }
            }
        }
    }
    text
}

fn colour(line: Option<&Line>) -> Colour {
    match line {
        Some(line) if line.count == 0 => Colour::Bad,
        Some(line) if line.is_missing() => Colour::Warning,
        Some(_) => Colour::Good,
        None => Colour::Plain,
    }
}

/// The line that a flow or action begins with.
pub(super) fn first(view: &View<'_>, unit: &Unit) -> usize {
    view.file.position(unit.span.start).line
}

/// The line of its closing brace, or where its last statement ends.
pub(super) fn last(view: &View<'_>, unit: &Unit) -> usize {
    let conditions = unit.conditions.iter().map(|condition| condition.span.end);
    let end = unit.statements.iter().map(|statement| statement.span.end).chain(conditions).max().unwrap_or(unit.span.end);
    let line = view.file.position(end).line;
    let closes = view.file.line(line + 1).is_some_and(|text| text.trim_start().starts_with('}'));
    if closes { line + 1 } else { line }
}
