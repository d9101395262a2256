//! A file by its tokens: what recovery and reports look at.

use super::keywords::{CLAUSES, OPERATORS, STATEMENTS};
use super::shape::Lexed;
use super::token::Token;
use crate::source::{FileId, Span};

/// A file by its tokens.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) file: FileId,
    pub(super) text: &'a str,
    pub(super) tokens: &'a [Lexed],
}

impl<'a> View<'a> {
    pub(super) fn get(&self, index: usize) -> Option<&'a Lexed> {
        self.tokens.get(index)
    }

    pub(super) fn kind(&self, index: usize) -> Option<Token> {
        self.get(index).map(|token| token.token)
    }

    /// The text of a token.
    pub(super) fn word(&self, index: usize) -> &'a str {
        self.get(index).and_then(|token| self.text.get(token.start as usize..token.end as usize)).unwrap_or_default()
    }

    pub(super) fn span(&self, index: usize) -> Span {
        self.get(index).map_or(Span::new(self.file, 0, 0), |token| Span::new(self.file, token.start, token.end))
    }

    /// From the first of some tokens to the last.
    pub(super) fn range(&self, start: usize, end: usize) -> Span {
        self.span(start).to(self.span(end.saturating_sub(1).max(start)))
    }

    /// The token behind this one, or behind what it opens.
    pub(super) fn after(&self, index: usize) -> usize {
        self.get(index).and_then(|token| token.partner).map_or(index + 1, |partner| (partner as usize + 1).max(index + 1))
    }

    /// How far a token's line is indented, in bytes.
    pub(super) fn indent(&self, index: usize) -> usize {
        let start = self.get(index).map_or(0, |token| token.start as usize);
        let before = self.text.get(..start).unwrap_or_default();
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        let line = self.text.get(line..).unwrap_or_default();
        line.len() - line.trim_start_matches([' ', '\t']).len()
    }

    /// Whether a new clause, statement or member starts at a token of a body, the one before having started at `first`.
    pub(super) fn starts_piece(&self, first: usize, index: usize, members: bool) -> bool {
        let word = self.word(index);
        if self.kind(index) != Some(Token::Word) && !(members && self.kind(index) == Some(Token::Quoted)) {
            return false;
        }
        let line_first = self.get(index).is_some_and(|token| token.line_first);
        if members {
            return line_first && (self.ends(first, index - 1) || self.names_something(index));
        }
        if matches!(word, "else" | "elif" | "elseif" | "elsif") || (word == "in" && self.word(index + 1) != "transaction") {
            return false;
        }
        let known = STATEMENTS.contains(&word) || CLAUSES.contains(&word);
        if !line_first
            && (self.word(first) == "trigger" || (index == first + 1 && !matches!(self.word(first), "finish" | "draft" | "serial")))
        {
            // A clause of events names events, and no piece is a single word that starts none.
            return self.word(first) == "trigger"
                && index > first + 1
                && known
                && !matches!(word, "create" | "update" | "delete" | "assign")
                && self.ends(first, index - 1)
                && !self.names_something(index);
        }
        if line_first && super::keywords::is_reserved(word) && known {
            let result = self.word(index - 1) == "=" && matches!(word, "create" | "perform");
            let listed =
                self.kind(index - 1) == Some(Token::Comma) && (self.names_something(index) || !STATEMENTS.contains(&self.word(first)));
            return !result && !listed;
        }
        let clauses = CLAUSES.contains(&word) && CLAUSES.contains(&self.word(first)) && self.kind(index - 1) != Some(Token::Comma);
        (line_first && known && (self.no_value(index) || clauses))
            || (line_first || known) && self.ends(first, index - 1) && !self.names_something(index)
    }

    /// Whether no value could start with a word and what stands behind it on its line.
    fn no_value(&self, index: usize) -> bool {
        let next = self.get(index + 1).filter(|next| !next.line_first).map(|next| next.token);
        match next {
            Some(Token::TextOpen | Token::Number | Token::Date) => true,
            Some(Token::Word) => !OPERATORS.contains(&self.word(index + 1)),
            _ => false,
        }
    }

    /// Whether a word stands before an `=`, as a field does.
    fn names_something(&self, index: usize) -> bool {
        self.kind(index + 1) == Some(Token::Assign)
    }

    /// Whether a clause, statement or member that started at `first` could end with this token.
    fn ends(&self, first: usize, index: usize) -> bool {
        let word = self.word(index);
        match self.kind(index) {
            Some(Token::Word) if index > 0 && self.kind(index - 1) == Some(Token::Dot) => true,
            Some(Token::Word) => {
                let starter = index == first && !matches!(word, "finish" | "draft" | "serial");
                let joins =
                    matches!(word, "to" | "on" | "of" | "where" | "by" | "until" | "after" | "limit" | "else" | "each" | "at" | "as");
                !(starter && (STATEMENTS.contains(&word) || CLAUSES.contains(&word))) && !OPERATORS.contains(&word) && !joins
            }
            Some(
                Token::Quoted
                | Token::Number
                | Token::Date
                | Token::TextClose
                | Token::ParenClose
                | Token::BracketClose
                | Token::BraceClose
                | Token::Question
                | Token::Bad(_)
                | Token::Bar,
            ) => true,
            _ => false,
        }
    }
}
