//! A condition with the values of its parts beneath it, each under its operator or name.
//!
//! Values stand as far up as they fit; one that is too long for its place is a number there, and stands below at full length. A condition of
//! several lines is told line by line, each with the values that belong to it; a line that is too long is broken, before an `and` or `or` where
//! there is one.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Part;
use crate::diagnostic::render::visible;
use crate::source::{SourceFile, Sources, Span};

/// How far what is left of a broken line is indented.
const CONTINUED: usize = 4;

/// How wide a value may be to stand beneath its part, and how wide it may always be.
const WIDEST: usize = 32;
const SHORT: usize = 8;

/// A value and its column.
struct Value {
    column: usize,
    text: String,
}

/// The lines of a condition with the values beneath them, which end by a column.
pub fn diagram(condition: Span, parts: &[Part], sources: &Sources, width: usize) -> Vec<String> {
    let Some(file) = sources.get(condition.file) else { return Vec::new() };
    let (first, last) = (file.position(condition.start).line, file.position(condition.end).line);
    let indent = (first..=last).filter_map(|line| file.line(line)).filter(|line| !line.trim().is_empty()).map(blanks).min().unwrap_or(0);
    let (mut lines, mut long) = (Vec::new(), Vec::new());
    for line in first..=last {
        let text: Vec<char> = shown(file.line(line).unwrap_or("")).chars().skip(indent).collect();
        let places = parts.iter().map(|part| (file.position(anchor(file, part.at)), part));
        let own: Vec<(usize, &Part)> =
            places.filter(|(at, _)| at.line == line).map(|(at, part)| ((at.column - 1).saturating_sub(indent), part)).collect();
        for (first, end) in pieces(&text, width) {
            let deeper = deeper(first);
            let until = |end: usize| text.get(first..end.min(text.len())).unwrap_or_default().iter().collect::<String>();
            lines.push(format!("{:deeper$}{}", "", until(end).trim_end()));
            let inside = own.iter().filter(|(at, _)| (first..end).contains(at) || end == text.len() && *at >= end);
            let mut values: Vec<Value> =
                inside.map(|(at, part)| Value { column: deeper + until(*at).width(), text: visible(&part.value).into_owned() }).collect();
            values.sort_by_key(|value| value.column);
            values.iter_mut().for_each(|value| put_aside(value, width, &mut long));
            lines.extend(beneath(values));
        }
    }
    lines.extend(long);
    lines
}

/// The pieces of a line that take no more columns than these, where its blanks allow it: where each begins and where it ends.
fn pieces(text: &[char], width: usize) -> Vec<(usize, usize)> {
    let (mut pieces, mut first) = (Vec::new(), 0);
    while let Some(length) = text.get(first..).and_then(|rest| cut(rest, width.saturating_sub(deeper(first)))) {
        pieces.push((first, first + length));
        first += length;
    }
    pieces.push((first, text.len()));
    pieces
}

/// How far a piece is indented.
fn deeper(first: usize) -> usize {
    if first == 0 { 0 } else { CONTINUED }
}

/// How much of what is left of a line goes into a piece of its own, with the blank behind it: up to the last `and` or `or`, else to the last
/// blank, that there is room for. None where all of it has room, or nothing can be cut off.
fn cut(rest: &[char], room: usize) -> Option<usize> {
    let widths = rest.iter().scan(0, |sum, letter| {
        *sum += letter.width().unwrap_or(0);
        Some(*sum)
    });
    let fits = widths.take_while(|width| *width <= room).count();
    let begun = rest.iter().position(|letter| *letter != ' ').filter(|_| fits < rest.len())?;
    let blanks = || (begun..=fits).rev().filter(|at| rest.get(*at) == Some(&' '));
    let joins = |at: &usize| {
        let behind = rest.get(at + 1..).unwrap_or_default();
        behind.starts_with(&['a', 'n', 'd', ' ']) || behind.starts_with(&['o', 'r', ' '])
    };
    // A text stays whole where it can.
    let outside = rest.iter().take(fits + 1).scan(false, |quoted, letter| {
        let outside = !*quoted;
        *quoted ^= *letter == '"';
        Some(outside)
    });
    let outside: Vec<bool> = outside.collect();
    let whole = |at: &usize| outside.get(*at) == Some(&true);
    blanks().filter(whole).find(joins).or_else(|| blanks().find(whole)).or_else(|| blanks().next()).map(|at| at + 1)
}

/// Values at their columns, with bars that lead to those further down.
fn beneath(mut values: Vec<Value>) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    if !values.is_empty() {
        let mut bars: Vec<(usize, &str)> = values.iter().map(|value| (value.column, "|")).collect();
        bars.dedup();
        rows.push(row(&bars));
    }
    while !values.is_empty() {
        let (mut placed, mut later, mut end) = (Vec::new(), Vec::new(), usize::MAX);
        for value in values.into_iter().rev() {
            let fits = value.column.saturating_add(value.text.width()) < end;
            if value.column < end {
                placed.push((value.column, if fits { value.text.clone() } else { "|".to_owned() }));
                end = value.column;
            }
            if !fits {
                later.push(value);
            }
        }
        placed.reverse();
        later.reverse();
        rows.push(row(&placed.iter().map(|(column, text)| (*column, text.as_str())).collect::<Vec<_>>()));
        values = later;
    }
    rows
}

/// Texts at their columns, which ascend.
fn row(texts: &[(usize, &str)]) -> String {
    let mut line = String::new();
    for (column, text) in texts {
        line.push_str(&" ".repeat(column.saturating_sub(line.width())));
        line.push_str(text);
    }
    line
}

/// A value that is too long for its place becomes a number, and stands among those below.
fn put_aside(value: &mut Value, width: usize, long: &mut Vec<String>) {
    let own = value.text.width();
    if own <= WIDEST && value.column + own <= width || own <= SHORT {
        return;
    }
    let number = format!("[{}]", 1 + long.iter().filter(|line| line.starts_with('[')).count());
    let mut letters = value.text.chars().peekable();
    let mut head = format!("{number} ");
    while letters.peek().is_some() {
        let piece: String = letters.by_ref().take(width.saturating_sub(head.len()).max(WIDEST)).collect();
        long.push(format!("{head}{piece}"));
        head = " ".repeat(number.len() + 1);
    }
    value.text = number;
}

/// The offset of the operator or name in a span: behind blanks, dots, brackets that close, and comments.
fn anchor(file: &SourceFile, at: Span) -> u32 {
    let text = file.text.get(at.range()).unwrap_or("");
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '.' || letter == ')');
        match rest.strip_prefix("//") {
            Some(comment) => rest = comment.find('\n').and_then(|end| comment.get(end..)).unwrap_or(""),
            None => break,
        }
    }
    if rest.is_empty() { at.start } else { at.start + (text.len() - rest.len()) as u32 }
}

/// How many blanks a line begins with.
fn blanks(line: &str) -> usize {
    line.chars().take_while(|letter| letter.is_whitespace()).count()
}

/// A line as it may be shown, a column for each of its characters.
fn shown(line: &str) -> String {
    visible(line).replace('\t', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, values: &[(&str, &str)]) -> String {
        let mut sources = Sources::default();
        let file = sources.add("a.flow", text);
        let mut from = 0;
        let parts: Vec<Part> = values
            .iter()
            .map(|(word, value)| {
                let at = from + text.get(from..).unwrap().find(word).unwrap();
                from = at + word.len();
                Part { at: Span::new(file, at as u32, text.len() as u32), value: (*value).to_owned() }
            })
            .collect();
        diagram(Span::new(file, 0, text.len() as u32), &parts, &sources, 100).join("\n")
    }

    #[test]
    fn values_stand_as_far_up_as_they_fit() {
        insta::assert_snapshot!(told("  expect a.total + 5 > b.limit", &[("total", "12"), ("+", "17"), (">", "false"), ("limit", "50")]), @r"
        expect a.total + 5 > b.limit
                 |     |   |   |
                 12    17  |   50
                           false
        ");
    }

    #[test]
    fn a_long_line_is_broken_where_its_parts_are_joined() {
        let text = "  expect a.name == \"a rather long name that takes its room\" and a.total * 2 + 10 < 4_000 or b.name starts with \"another name\"";
        let values = [("name", "\"x\""), ("==", "false"), ("and", "false"), ("or", "false"), ("name", "\"y\""), ("starts", "false")];
        insta::assert_snapshot!(told(text, &values), @r#"
        expect a.name == "a rather long name that takes its room" and a.total * 2 + 10 < 4_000
                 |    |                                           |
                 "x"  false                                       false
            or b.name starts with "another name"
            |    |    |
            |    "y"  false
            false
        "#);
        // Where nothing can be broken, nothing is.
        let word = format!("expect {}", "x".repeat(150));
        assert_eq!(told(&word, &[]), format!("expect\n    {}", "x".repeat(150)));
    }

    #[test]
    fn what_is_long_stands_below() {
        let long = "x".repeat(150);
        insta::assert_snapshot!(told("expect a.name == b.name", &[("name", &long), ("==", "false"), ("name", "\"y\"")]));
    }

    #[test]
    fn a_condition_of_several_lines_has_its_values_beneath_each() {
        let text = "expect a.total > 5 // a comment\n    and b.名前 == \"日本\"\n    and c";
        insta::assert_snapshot!(told(text, &[("total", "12"), (">", "true"), ("and", "false"), ("名前", "\"日\""), ("==", "false")]));
    }
}
