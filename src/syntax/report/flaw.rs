//! What the tokens show: texts that don't end, numbers and dates that are none, brackets, signs of other languages.

use std::ops::Range;

use super::missing::{loop_abroad, named};
use super::short;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::build::too_long;
use crate::syntax::misleading::lookalike;
use crate::syntax::shape::{Flaw, FlawKind};
use crate::syntax::token::{Bad, Token};
use crate::syntax::view::View;

/// What is wrong at a token. `within` is the piece that it is in.
pub(in crate::syntax) fn flaw(view: &View, flaw: &Flaw, within: Range<usize>) -> Diagnostic {
    let span = view.span(flaw.token);
    if view.word(within.start) == "for" && view.word(within.start + 1) != "each" && flaw.kind == FlawKind::Bad(Bad::Foreign) {
        return loop_abroad(view.span(within.start));
    }
    match flaw.kind {
        FlawKind::Bad(bad) => bad_token(view, bad, flaw.token),
        FlawKind::Unclosed => unclosed(view, flaw.token, within),
        FlawKind::OpenText => open_text(view, flaw.token),
        FlawKind::Unopened => {
            let message = format!("this `{}` closes nothing", view.word(flaw.token));
            Diagnostic::new(Code::E0105, span, message).help("take it out, or open a bracket before it")
        }
        FlawKind::TooDeep => {
            let message = "brackets nest deeper than 64 here";
            Diagnostic::new(Code::E0110, span, message).help("give the inner parts names, or move them into flows of their own")
        }
        FlawKind::TooLong => too_long(span),
    }
}

fn bad_token(view: &View, bad: Bad, index: usize) -> Diagnostic {
    let (text, span) = (view.word(index), view.span(index));
    let shown = short(text);
    match bad {
        Bad::Number if text.matches('.').count() == 2 && text.ends_with('.') && view.kind(index + 1) == Some(Token::Number) => {
            let whole = span.to(view.span(index + 1));
            Diagnostic::new(Code::E0104, whole, "a date isn't written with points").help("write year, month and day: `2026-11-20`")
        }
        Bad::Number => number(text, span),
        Bad::DateForm => {
            let problem = Diagnostic::new(Code::E0104, span, format!("`{shown}` is no date"));
            let parts: Vec<u32> = text.split('-').filter_map(|part| part.parse().ok()).collect();
            match parts.as_slice() {
                [year, month, day] if text.matches('-').count() == 2 => {
                    let good = format!("{year:04}-{month:02}-{day:02}");
                    problem.help(format!("write `{good}`; for a subtraction put blanks around `-`")).fix(span, good)
                }
                _ => problem.help("write a date as `2026-11-20` and a time as `2026-11-20T09:30:00Z`"),
            }
        }
        Bad::DateValue => {
            let help = if text.starts_with("9999-12-3") {
                "datetimes end at 9999-12-30T22:00:00Z, a moment that every time zone of the world still has a date for"
            } else {
                "look at the days of the month, the hours and the minutes"
            };
            Diagnostic::new(Code::E0104, span, format!("there is no `{shown}` in the calendar")).help(help)
        }
        Bad::OpenText => open_text(view, index),
        Bad::BlockStart => {
            let message = "a text of several lines starts on the line after its `\"\"\"`";
            Diagnostic::new(Code::E0102, span, message).help("break the line after `\"\"\"`")
        }
        Bad::Escape => {
            let problem = Diagnostic::new(Code::E0108, span, format!("`{shown}` means nothing in a text"));
            problem.help("the escapes are `\\\"`, `\\\\`, `\\n`, `\\t`, `\\{`, `\\}` and `\\u{…}` with the number of a character")
        }
        Bad::SingleQuote => {
            let inner = text.trim_matches('\'');
            let problem = Diagnostic::new(Code::E0106, span, "a text stands in double quotes");
            problem.help(format!("write `\"{}\"`", short(inner))).fix(span, format!("\"{inner}\""))
        }
        Bad::Foreign if text == ";" && is_field(view, index + 1) => {
            let problem = Diagnostic::new(Code::E0106, span, "between fields stands `,`, not `;`");
            problem.help("write `,`").fix(span, ",")
        }
        Bad::Foreign => foreign(text, span),
        Bad::Backtick => {
            let problem = Diagnostic::new(Code::E0115, span, "this backtick has no word and partner behind it");
            problem.help("a word that is used as a name stands between two backticks, such as `` `set` ``")
        }
        Bad::Character => character(text, span),
    }
}

/// Whether a field with its value goes on in this line.
fn is_field(view: &View, index: usize) -> bool {
    let same_line = view.get(index).is_some_and(|token| token.token == Token::Word && !token.line_first);
    same_line && view.kind(index + 1) == Some(Token::Assign)
}

fn number(text: &str, span: Span) -> Diagnostic {
    let problem = Diagnostic::new(Code::E0103, span, format!("`{}` is no number", short(text)));
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let letters = text.get(digits.len()..).unwrap_or_default();
    if text.starts_with('.') {
        let good = format!("0{text}");
        return problem.help(format!("write `{good}`")).fix(span, good);
    }
    if let Some(whole) = text.strip_suffix('.') {
        return problem.help(format!("write `{whole}`, or digits behind the point"));
    }
    if let ("h" | "d" | "m" | "y", true) = (letters, digits.bytes().all(|byte| byte.is_ascii_digit())) {
        return problem.help(format!("write the unit of a duration in full: `{digits} days`, `{digits} hours`"));
    }
    if letters.len() > 1 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let good = format!("{digits} {letters}");
        return problem.help(format!("put a blank between them: `{good}`")).fix(span, good);
    }
    if text.contains('_') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_' || byte == b'.') {
        return problem.help("a `_` stands between two digits, such as `1_000`");
    }
    problem.help("write it with digits, one point at most, and `_` between digits: `1_000.50`")
}

fn foreign(text: &str, span: Span) -> Diagnostic {
    let meant = match text {
        "&&" => "and",
        "||" => "or",
        "!" => "not ",
        "<>" | "!==" => "!=",
        "===" => "==",
        ":=" => "=",
        _ => {
            let problem = Diagnostic::new(Code::E0106, span, format!("`{text}` isn't needed: no sign stands between statements"));
            return problem.help("take it out").fix(span, "");
        }
    };
    let problem = Diagnostic::new(Code::E0106, span, format!("`{text}` is written `{}` here", meant.trim()));
    problem.help(format!("write `{}`", meant.trim())).fix(span, meant)
}

fn character(text: &str, span: Span) -> Diagnostic {
    let character = text.chars().next().unwrap_or(' ');
    let number = format!("U+{:04X}", character as u32);
    if let Some(latin) = lookalike(character) {
        let problem = Diagnostic::new(Code::E0115, span, format!("`{character}` ({number}) looks like `{latin}` but is another letter"));
        return problem.help(format!("write the Latin letter `{latin}`")).fix(span, latin.to_string());
    }
    if character == '#' {
        return Diagnostic::new(Code::E0106, span, "a comment starts with `//`").help("write `//`").fix(span, "//");
    }
    if matches!(character, '$' | '€' | '£' | '¥') {
        return Diagnostic::new(Code::E0115, span, format!("`{character}` can't stand here"))
            .help("an amount of money is a plain number: `500`")
            .fix(span, "");
    }
    if character == '&' {
        return Diagnostic::new(Code::E0106, span, "`&` joins nothing here")
            .help("put values into a text with braces: `\"{first} {last}\"`");
    }
    if matches!(character, '“' | '”' | '„' | '‘' | '’' | '«' | '»') {
        return Diagnostic::new(Code::E0106, span, "a text stands in straight double quotes").help("write `\"`");
    }
    let message = if character.is_control() || character.is_whitespace() {
        format!("the character {number} can't stand here")
    } else {
        format!("`{character}` can't stand here")
    };
    Diagnostic::new(Code::E0115, span, message).help("names have the letters a to z, digits and `_`; everything else stands in a text")
}

fn open_text(view: &View, index: usize) -> Diagnostic {
    let open = view.span(index);
    let rest = view.text.get(open.start as usize..).unwrap_or_default();
    let line = rest.lines().next().unwrap_or_default().trim_end();
    if line.starts_with("\"\"\"") {
        let span = Span::new(open.file, open.start, open.start + 3);
        return Diagnostic::new(Code::E0102, span, "this text has no end").help("close it with `\"\"\"` on a line of its own");
    }
    let span = Span::new(open.file, open.start, open.start + line.len() as u32);
    let problem = Diagnostic::new(Code::E0102, span, "this text has no end on its line");
    if line.matches('{').count() > line.matches('}').count() && line.len() > 1 && line.ends_with('"') {
        return problem.help("a `{` in it isn't closed: write `}` behind the value, or `\\{` for the brace itself");
    }
    problem.help("close it with `\"`; a text of several lines stands between `\"\"\"`")
}

fn unclosed(view: &View, open: usize, within: Range<usize>) -> Diagnostic {
    let closing = match view.kind(open) {
        Some(Token::BraceOpen) => return unclosed_brace(view, open, within.end),
        Some(Token::HoleOpen) => "}",
        Some(Token::BracketOpen) => "]",
        _ => ")",
    };
    let last = within.end.saturating_sub(1).max(open);
    let message = format!("`{closing}` is missing after {}", named(view, last));
    Diagnostic::new(Code::E0105, view.span(last).end_point(), message).also(view.span(open), "opened here")
}

/// Lines that are indented less than the line of a brace show which brace was forgotten, and where.
fn unclosed_brace(view: &View, open: usize, end: usize) -> Diagnostic {
    let end = view.get(open).and_then(|token| token.partner).map_or(end, |partner| partner as usize);
    let suspect = (open..end).find(|index| {
        let partner = view.get(*index).and_then(|token| token.partner).map(|partner| partner as usize).filter(|partner| *partner < end);
        view.kind(*index) == Some(Token::BraceOpen)
            && partner
                .is_some_and(|close| view.get(close).is_some_and(|close| close.line_first) && view.indent(close) < view.indent(*index))
    });
    let blamed = suspect.unwrap_or(open);
    let indent = view.indent(blamed);
    let dedented = (blamed + 1..end).find(|index| view.get(*index).is_some_and(|token| token.line_first) && view.indent(*index) <= indent);
    let last = dedented.filter(|_| suspect.is_some()).unwrap_or(end).saturating_sub(1).max(blamed);
    let message = format!("`}}` is missing after {}", named(view, last));
    Diagnostic::new(Code::E0105, view.span(last).end_point(), message).also(view.span(blamed), "opened here")
}
