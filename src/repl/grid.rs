//! A table of texts in columns that fit the terminal. Knows no record and no colour.
//!
//! Invariants: no line is wider than was asked, as far as one column fits; a cell takes one line and nothing in it moves the cursor; what is
//! cut ends in `…`; a column without a value takes no room.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::diagnostic::render::visible;

/// How wide a column may be, from the widest that is tried to the narrowest: rather narrow columns than few.
const WIDEST: [usize; 5] = [60, 40, 28, 20, 14];

/// What stands between two columns.
const GAP: &str = "  ";

/// A column.
pub(super) struct Column {
    /// What stands above it.
    pub name: String,
    /// Whether its cells stand at its right edge, as numbers do.
    pub to_the_right: bool,
}

/// A table that is laid out.
pub(super) struct Table {
    /// Its head, and a line for each row; none where there is no row.
    pub lines: Vec<String>,
    /// The columns that there was no room for.
    pub left_out: Vec<String>,
}

/// Lays out rows, each of which has a cell for every column, in lines of so many columns of the terminal.
pub(super) fn laid_out(columns: &[Column], rows: &[Vec<String>], width: usize) -> Table {
    let cell = |row: &[String], at: usize| row.get(at).map_or(String::new(), |cell| one_line(cell).into_owned());
    // Each column that holds something, with how wide it would be.
    let wanted: Vec<(usize, &Column, usize)> = columns
        .iter()
        .enumerate()
        .filter(|(at, _)| rows.iter().any(|row| row.get(*at).is_some_and(|cell| !cell.is_empty())))
        .map(|(at, column)| {
            let widest = rows.iter().map(|row| cell(row, at).width()).max().unwrap_or(0);
            (at, column, widest.max(column.name.width()))
        })
        .collect();
    let taken = |most: usize, count: usize| {
        let widths = wanted.iter().take(count).map(|(.., wide)| (*wide).min(most));
        widths.sum::<usize>() + GAP.len() * count.saturating_sub(1)
    };
    let narrowest = WIDEST.last().copied().unwrap_or(0);
    let most = WIDEST.into_iter().find(|most| taken(*most, wanted.len()) <= width).unwrap_or(narrowest);
    let count = (1..=wanted.len()).rev().find(|count| taken(most, *count) <= width).unwrap_or(wanted.len().min(1));
    let (kept, left_out) = wanted.split_at_checked(count).unwrap_or((&wanted, &[]));
    let line = |cell: &dyn Fn(usize, &Column) -> String| {
        let cells = kept.iter().map(|(at, column, wide)| padded(&cell(*at, column), (*wide).min(most).min(width), column.to_the_right));
        cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
    };
    let head = (!rows.is_empty()).then(|| line(&|_, column| column.name.clone()));
    let lines = head.into_iter().chain(rows.iter().map(|row| line(&|at, _| cell(row, at)))).collect();
    Table { lines, left_out: left_out.iter().map(|(_, column, _)| column.name.clone()).collect() }
}

/// A text on one line, with everything that moves the cursor made visible.
fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\t']) {
        visible(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned().into()
    } else {
        visible(text)
    }
}

fn padded(text: &str, width: usize, to_the_right: bool) -> String {
    let mut shown = Cow::Borrowed(text);
    if text.width() > width {
        let (mut room, mut cut) = (width.saturating_sub(1), String::new());
        for letter in text.chars() {
            let Some(left) = room.checked_sub(letter.width().unwrap_or(0)) else { break };
            room = left;
            cut.push(letter);
        }
        cut.push('…');
        shown = cut.into();
    }
    let blanks = " ".repeat(width.saturating_sub(shown.width()));
    if to_the_right { blanks + &shown } else { shown.into_owned() + &blanks }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[&[&str]], width: usize) -> (Vec<String>, Vec<String>) {
        let column = |(name, to_the_right): (&str, bool)| Column { name: name.to_owned(), to_the_right };
        let columns = [("name", false), ("revenue", true), ("notes", false)].map(column);
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
        let Table { lines, left_out } = laid_out(&columns, &rows, width);
        (lines, left_out)
    }

    #[test]
    fn columns_are_as_wide_as_their_cells_and_numbers_stand_right() {
        let (lines, left_out) = table(&[&["Acme", "5", ""], &["日本", "1000000000", ""]], 80);
        assert_eq!(lines, ["name     revenue", "Acme           5", "日本  1000000000"]);
        assert_eq!(left_out, [""; 0], "what holds nothing takes no room and isn't missed");
    }

    #[test]
    fn what_is_too_wide_is_cut_and_what_has_no_room_is_told() {
        let long = "a very long text that goes on and on, and on";
        let (lines, left_out) = table(&[&["Acme", "5", long]], 40);
        assert_eq!(lines, ["name  revenue  notes", "Acme        5  a very long text th…"]);
        assert!(left_out.is_empty());
        let (lines, left_out) = table(&[&["Acme\u{1b}[2J\nline", "5", long]], 20);
        assert_eq!((lines[1].width(), lines[1].contains('\u{1b}'), left_out.len()), (13, false, 2), "{lines:?}");
    }

    #[test]
    fn no_width_is_too_narrow() {
        for width in 0..60 {
            let (lines, _) = table(&[&["日本日本日本日本日本", "5", "x"], &["", "", ""]], width);
            assert!(lines.iter().all(|line| line.width() <= width.max(2)), "{width}: {lines:?}");
        }
        assert_eq!(table(&[], 80).0, [""; 0]);
    }
}
