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
    let problem = Diagnostic::new(Code::E0109, view.span(index), format!("no {what} starts with `{}`", short(word)));
    match nearest(word, candidates.iter().copied()) {
        Some(meant) => problem.help(format!("did you mean `{meant}`?")).fix(view.span(index), meant),
        None if what == "declaration" => problem.help(format!("a declaration starts with {}", list(&candidates))),
        None => problem.help(format!("a {what} starts with a word such as {}", list(candidates.get(..3).unwrap_or_default()))),
    }
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
