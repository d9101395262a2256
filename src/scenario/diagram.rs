//! A condition with the values of its parts beneath it, each under its operator or name.
//!
//! Values stand as far up as they fit; one that is too long for its place is a number there, and stands below at full length. A condition of
//! several lines is told line by line, each with the values that belong to it.

use unicode_width::UnicodeWidthStr;

use super::Part;
use crate::diagnostic::render::visible;
use crate::source::{SourceFile, Sources, Span};

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
        let text = shown(file.line(line).unwrap_or(""));
        lines.push(text.chars().skip(indent).collect());
        let mut values: Vec<Value> = Vec::new();
        for part in parts {
            let offset = anchor(file, part.at);
            if file.position(offset).line == line {
                let before: String = text.chars().take(file.position(offset).column - 1).skip(indent).collect();
                values.push(Value { column: before.width(), text: visible(&part.value).into_owned() });
            }
        }
        values.sort_by_key(|value| value.column);
        values.iter_mut().for_each(|value| put_aside(value, width, &mut long));
        lines.extend(beneath(values));
    }
    lines.extend(long);
    lines
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
