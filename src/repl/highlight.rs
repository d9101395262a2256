//! Colours for what is being typed, by its tokens and the names of the session.

use super::session::Session;
use crate::diagnostic::render;
use crate::syntax::keywords::{BETWEEN, CLAUSES, DECLARATIONS, EXPECTATIONS, MODIFIERS, STATEMENTS, TYPES, is_reserved};
use crate::syntax::{Token, tokens};

const KEYWORD: &str = "1;35";
const ENTITY: &str = "36";
const TEXT: &str = "32";
const NUMBER: &str = "33";
const COMMENT: &str = "2";
const BAD: &str = "31";
const COMMAND: &str = "1;36";

/// A text in colours, which take no room.
pub(super) fn highlighted(session: &Session, text: &str) -> String {
    if text.trim_start().starts_with(':') {
        let end = text.trim_end().find(char::is_whitespace).unwrap_or(text.len());
        let (command, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        return format!("{}{rest}", painted(command, COMMAND));
    }
    let mut shown = String::with_capacity(text.len() * 2);
    let mut line_first = true;
    let mut after_dot = false;
    for (token, range) in tokens(text) {
        let part = text.get(range).unwrap_or_default();
        let colour = match token {
            Token::Word if after_dot => None,
            Token::Word => of_word(session, part, line_first),
            Token::TextOpen | Token::TextPart | Token::TextClose => Some(TEXT),
            Token::Number | Token::Date => Some(NUMBER),
            Token::Comment | Token::Doc | Token::FileDoc => Some(COMMENT),
            Token::Bad(_) => Some(BAD),
            _ => None,
        };
        match colour {
            Some(colour) => shown.push_str(&painted(part, colour)),
            None => shown.push_str(part),
        }
        after_dot = token == Token::Dot;
        line_first =
            matches!(token, Token::BraceOpen | Token::BraceClose) || (token == Token::Space && (line_first || part.contains('\n')));
    }
    shown
}

fn of_word(session: &Session, word: &str, line_first: bool) -> Option<&'static str> {
    let starts = STATEMENTS.contains(&word) || DECLARATIONS.contains(&word) || CLAUSES.contains(&word);
    let inner = [BETWEEN, EXPECTATIONS, MODIFIERS].iter().any(|words| words.contains(&word));
    if is_reserved(word) || (starts && line_first) || inner {
        return Some(KEYWORD);
    }
    (session.compiled.schema.entity_id(word).is_some() || TYPES.contains(&word)).then_some(ENTITY)
}

/// A text in a colour; line breaks stay outside of it.
fn painted(text: &str, colour: &str) -> String {
    text.split('\n').map(|line| if line.is_empty() { String::new() } else { render::painted(line, colour) }).collect::<Vec<_>>().join("\n")
}
