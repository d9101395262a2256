//! What is said about a piece of text that can't be read: the words of all syntax errors.
//!
//! `flaw` tells what the tokens show, `missing` what the grammar wants. Neither names a rule of the grammar.

mod flaw;
mod missing;

pub(super) use flaw::flaw;
pub(super) use missing::failure;

use std::ops::Range;

use super::keywords::{CLAUSES, DECLARATIONS, STATEMENTS};
use super::token::Token;
use super::view::View;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::Span;

/// A clause that stands where only statements can.
pub(super) fn misplaced_clause(view: &View, index: usize, in_body: bool) -> Diagnostic {
    let message = format!("`{}` is a clause, and clauses stand before the first statement", view.word(index));
    let help = if in_body {
        "move it up, to the other clauses"
    } else {
        "clauses stand right behind the first brace of a flow, an action or a plug-in"
    };
    Diagnostic::new(Code::E0116, view.span(index), message).help(help)
}

/// What stands outside of every declaration.
pub(super) fn stray(view: &View, piece: Range<usize>) -> Diagnostic {
    let word = view.word(piece.start);
    let span = view.span(piece.start);
    if view.kind(piece.start) != Some(Token::Word) {
        let message = format!("`{}` can't stand outside of a declaration", short(word));
        return Diagnostic::new(Code::E0109, span, message).help(format!("a declaration starts with {}", list(DECLARATIONS)));
    }
    if STATEMENTS.contains(&word) || CLAUSES.contains(&word) {
        let message = format!("`{word}` stands outside of every declaration");
        return Diagnostic::new(Code::E0109, span, message)
            .help("put it into a flow, an action, a test or a scenario; is there a `}` too many above?");
    }
    unknown(view, piece.start, "declaration", DECLARATIONS.iter().copied())
}

/// A word that starts nothing, with the one that may be meant.
fn unknown<'a>(view: &View, index: usize, what: &str, candidates: impl Iterator<Item = &'a str>) -> Diagnostic {
    let word = view.word(index);
    let candidates: Vec<&str> = candidates.collect();
    if what == "statement"
        && let Some(problem) = bare_write(view, index)
    {
        return problem;
    }
    let problem = Diagnostic::new(Code::E0109, view.span(index), format!("no {what} starts with `{}`", short(word)));
    if let Some(meant) = habit(word).filter(|meant| candidates.contains(meant)) {
        return problem.help(format!("it is called `{meant}` here"));
    }
    match nearest(word, candidates.iter().copied()) {
        Some(meant) => problem.help(format!("did you mean `{meant}`?")).fix(view.span(index), meant),
        None if what == "declaration" => problem.help(format!("a declaration starts with {}", list(&candidates))),
        None => problem.help(format!("a {what} starts with a word such as {}", list(candidates.get(..3).unwrap_or_default()))),
    }
}

/// `name = value` without the word before it.
fn bare_write(view: &View, index: usize) -> Option<Diagnostic> {
    let word = view.word(index);
    let assign = |index: usize| view.kind(index) == Some(Token::Assign) || matches!(view.word(index), "+=" | "-=" | "*=");
    let span = view.span(index);
    let start = Span { end: span.start, ..span };
    if assign(index + 1) {
        let starter = if view.word(index + 2) == "create" { "let" } else { "set" };
        let message = format!("`{starter}` is missing before `{}`", short(word));
        return Some(
            Diagnostic::new(Code::E0109, span, message)
                .help(format!("write `{starter} {} = …`", short(word)))
                .fix(start, format!("{starter} ")),
        );
    }
    if view.kind(index + 1) == Some(Token::Dot) && assign(index + 3) {
        let message = format!("no statement starts with `{}`", short(word));
        let help = format!("to write another record: `update {} {{ {} = … }}`", short(word), short(view.word(index + 2)));
        return Some(Diagnostic::new(Code::E0109, span, message).help(help));
    }
    None
}

/// What people are used to from elsewhere, and what it is here.
fn habit(word: &str) -> Option<&'static str> {
    Some(match word {
        "throw" | "raise" | "error" | "fail" | "abort" | "reject" | "cancel" | "block" => "stop",
        "var" | "const" | "def" | "dim" | "declare" => "let",
        "print" | "trace" | "echo" => "log",
        "switch" | "case" => "match",
        "exit" | "quit" | "break" | "end" => "finish",
        "insert" | "add" | "new" => "create",
        "foreach" => "for",
        "assert" | "check" | "verify" => "expect",
        "call" | "execute" | "invoke" => "start",
        "put" => "set",
        "rule" | "workflow" | "process" | "function" | "trigger" | "procedure" => "flow",
        "table" | "record" | "class" | "struct" | "type" => "entity",
        "enum" | "optionset" | "picklist" => "choice",
        _ => return None,
    })
}

/// Words in backticks, the last one after an `or`.
fn list(words: &[&str]) -> String {
    either(&words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>())
}

fn either(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [word] => word.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// A user's text, cut where it is long.
pub(super) fn short(text: &str) -> String {
    let text: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    if text.chars().count() <= 30 { text } else { text.chars().take(29).chain(['…']).collect() }
}
