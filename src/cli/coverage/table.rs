//! The table: a line a flow, with what of it was reached, and the lines where something is missing.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::lines::{View, ranges, shares};
use crate::cli::screen::Screen;
use crate::diagnostic::render::{Colour, visible};
use crate::scenario::coverage::{Share, Shares, Unit};

/// How wide a name may be beside its counts.
const WIDEST: usize = 40;

/// The columns behind the name, and how wide they are.
const HEADS: [(&str, usize); 6] = [("ran", 6), ("triggers", 8), ("statements", 10), ("branches", 8), ("conditions", 10), ("", 7)];

/// What stands over the last column.
const MISSING: &str = "missing in lines";

/// How the table fits on its screen.
#[derive(Clone, Copy)]
struct Layout {
    /// How wide names are.
    name: usize,
    /// How many blanks are between columns.
    gap: usize,
    /// How wide what is missing is beside the counts; where there is no room for it, it stands beneath them.
    missing: Option<usize>,
}

impl Layout {
    fn new(views: &[View<'_>], width: usize) -> Self {
        let units = || views.iter().flat_map(|view| view.units.iter().map(move |unit| (view, unit)));
        let names = units().map(|(_, unit)| unit.name.width() + 2).chain(views.iter().map(|view| view.file.name.width()));
        let counts = |gap: usize| HEADS.iter().map(|(_, width)| gap + width).sum::<usize>();
        let room = width.saturating_sub(counts(1)).min(WIDEST);
        let name = names.max().unwrap_or(0).min(room).max("coverage".len());
        let missing = width.checked_sub(name + counts(2) + 2).filter(|room| *room >= MISSING.len());
        let gap = if name + counts(2) <= width { 2 } else { 1 };
        Layout { name, gap, missing }
    }

    /// A line of the table; a name that is too wide has one for itself.
    fn line(self, name: &str, cells: [&str; HEADS.len()]) -> String {
        let mut line = match self.name.checked_sub(name.width()) {
            Some(blanks) => format!("{name}{:blanks$}", ""),
            None => format!("{name}\n{:1$}", "", self.name),
        };
        for ((_, width), cell) in HEADS.iter().zip(cells) {
            let _ = write!(line, "{:gap$}{cell:>width$}", "", gap = self.gap);
        }
        line
    }

    /// A line with what was reached of something.
    fn counts(self, name: &str, ran: &str, shares: Shares) -> String {
        let Shares { starts, statements, branches, conditions, .. } = shares;
        let [starts, statements, branches, conditions] = [starts, statements, branches, conditions].map(shown);
        let percent = format!("{:.1} %", shares.total().percent());
        self.line(name, [ran, &starts, &statements, &branches, &conditions, &percent])
    }
}

/// The table, with its total.
pub(super) fn table(views: &[View<'_>], screen: Screen) -> String {
    let layout = Layout::new(views, screen.width);
    let mut text = String::from("\n");
    let mut head = layout.line("coverage", HEADS.map(|(head, _)| head)).trim_end().to_owned();
    if layout.missing.is_some() {
        let _ = write!(head, "{:9}  {MISSING}", "");
    }
    let _ = writeln!(text, "{}", Colour::Strong.paint(&head, screen.colours));
    for view in views {
        let _ = writeln!(text, "{}", visible(&view.file.name));
        for unit in &view.units {
            let ran = if unit.runs == 0 { "never".to_owned() } else { format!("{} ×", unit.runs) };
            let line = layout.counts(&format!("  {}", unit.name), &ran, unit.shares());
            let colour = if unit.shares().total().is_whole() {
                Colour::Good
            } else if unit.runs == 0 {
                Colour::Bad
            } else {
                Colour::Warning
            };
            let missing = missing(view, unit);
            let paint = |line: String| colour.paint(&line, screen.colours) + "\n";
            match layout.missing {
                _ if missing.is_empty() => text += &paint(line),
                Some(room) => text += &paint(format!("{line}  {}", cut(&missing, room))),
                None => {
                    let missing = cut(&missing, screen.width.saturating_sub(4 + MISSING.len() + 1));
                    text += &(paint(line) + &paint(format!("    {MISSING} {missing}")));
                }
            }
        }
    }
    let all = shares(views);
    let _ = writeln!(text, "{}", Colour::Strong.paint(&layout.counts("in all", &shown(all.units), all), screen.colours));
    text
}

fn shown(share: Share) -> String {
    if share.all == 0 { "-".to_owned() } else { format!("{}/{}", share.reached, share.all) }
}

/// The lines of a flow where something is missing.
fn missing(view: &View<'_>, unit: &Unit) -> String {
    let first = view.file.position(unit.span.start).line;
    let next = view.units.iter().map(|other| view.file.position(other.span.start).line).find(|line| *line > first);
    let lines = view.lines.range(first..next.unwrap_or(usize::MAX)).filter(|(_, line)| line.is_missing()).map(|(number, _)| *number);
    ranges(lines)
}

/// As many of the line numbers as there is room for.
fn cut(numbers: &str, room: usize) -> String {
    if numbers.len() <= room {
        return numbers.to_owned();
    }
    let kept = numbers.get(..room.saturating_sub(", …".len() - 2)).and_then(|kept| kept.get(..kept.rfind(',')?));
    format!("{}, …", kept.unwrap_or_default())
}
