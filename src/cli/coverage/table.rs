//! The table: a line a flow, with what of it was reached, and the lines where something is missing.

use std::fmt::Write as _;

use super::lines::{View, ranges, shares};
use crate::diagnostic::render::visible;
use crate::scenario::coverage::{Share, Shares, Unit};

/// How wide a name may be before it shifts its line.
const WIDEST: usize = 40;

/// How many characters of line numbers are shown.
const LONGEST: usize = 32;

/// The table, with its total.
pub(super) fn table(views: &[View<'_>], colours: bool) -> String {
    let names = views.iter().flat_map(|view| view.units.iter().map(|unit| unit.name.chars().count() + 2));
    let files = views.iter().map(|view| view.file.name.chars().count());
    let width = names.chain(files).max().unwrap_or(0).clamp(8, WIDEST);
    let paint = |text: &str, code: &str| if colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() };
    let mut text = String::from("\n");
    let head = format!(
        "{:width$}  {:>8}  {:>8}  {:>10}  {:>8}  {:>10}  {:>7}  missing in lines",
        "coverage", "ran", "triggers", "statements", "branches", "conditions", ""
    );
    let _ = writeln!(text, "{}", paint(head.trim_end(), "1"));
    for view in views {
        let _ = writeln!(text, "{}", visible(&view.file.name));
        for unit in &view.units {
            let ran = if unit.runs == 0 { "never".to_owned() } else { format!("{} ×", unit.runs) };
            let line = line(&format!("  {}", unit.name), &ran, unit.shares(), width);
            let code = if unit.shares().total().is_whole() {
                "32"
            } else if unit.runs == 0 {
                "31"
            } else {
                "33"
            };
            let _ = writeln!(text, "{}", paint(format!("{line}  {}", missing(view, unit)).trim_end(), code));
        }
    }
    let all = shares(views);
    let _ = writeln!(text, "{}", paint(&line("in all", &shown(all.units), all, width), "1"));
    text
}

fn line(name: &str, ran: &str, shares: Shares, width: usize) -> String {
    let Shares { starts, statements, branches, conditions, .. } = shares;
    format!(
        "{name:width$}  {ran:>8}  {:>8}  {:>10}  {:>8}  {:>10}  {:>5.1} %",
        shown(starts),
        shown(statements),
        shown(branches),
        shown(conditions),
        shares.total().percent()
    )
}

fn shown(share: Share) -> String {
    if share.all == 0 { "-".to_owned() } else { format!("{}/{}", share.reached, share.all) }
}

/// The lines of a flow where something is missing.
fn missing(view: &View<'_>, unit: &Unit) -> String {
    let first = view.file.position(unit.span.start).line;
    let next = view.units.iter().map(|other| view.file.position(other.span.start).line).find(|line| *line > first);
    let lines = view.lines.range(first..next.unwrap_or(usize::MAX)).filter(|(_, line)| line.is_missing()).map(|(number, _)| *number);
    let mut written = ranges(lines);
    if let Some((cut, _)) = written.char_indices().nth(LONGEST) {
        let kept = written.get(..cut).and_then(|kept| kept.rfind(',')).unwrap_or(cut);
        written.truncate(kept);
        written.push_str(", …");
    }
    written
}
