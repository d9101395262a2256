//! The tokens of a file with what the layout says about each: how it stands to the one before it, and which groups begin
//! and end with it. `declarations.rs`, `statements.rs` and `expressions.rs` fill it from the tree; brackets say the rest.

use smallvec::SmallVec;

use super::gap::Gap;
use crate::source::Span;
use crate::syntax::shape::Lexed;
use crate::syntax::token::Token;

/// How a token stands to the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Before {
    /// As such tokens always do.
    #[default]
    Usual,
    /// Nothing is between them.
    Touching,
    /// As many blanks as its column wants.
    Column(usize),
    /// A blank, and the line it is on is no deeper where a comment is between them.
    Joined,
    /// A break of their group; the number is added to the indentation.
    Break { blank: bool, shift: isize },
    /// A line of its own; an empty line before it is kept.
    Line,
    /// A line of its own with an empty one before it.
    Apart,
    /// The closing brace of a block: a line of its own without an empty one before it.
    End,
}

/// What a `-` is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Minus {
    /// A part of a word: `real-time`.
    #[default]
    Hyphen,
    /// The sign of a number or value.
    Sign,
    /// An operator.
    Operator,
}

/// What the layout says about a token.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) before: Before,
    pub(super) minus: Minus,
    /// The indentations of the groups that begin with it, the outermost first.
    pub(super) opens: SmallVec<[usize; 2]>,
    /// How many groups end with it.
    pub(super) closes: usize,
    /// A group that begins behind it, because it is a bracket: how much it is indented.
    pub(super) opens_behind: Option<usize>,
    /// Whether its bracket takes a comma behind its last element when it is broken.
    pub(super) comma: bool,
    /// Whether it is left out.
    pub(super) dropped: bool,
    /// Whether it is a parenthesis around a list.
    pub(super) list: bool,
}

/// The tokens of a file with their places in the layout.
pub(super) struct Sheet<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: &'a [Lexed],
    pub(super) places: Vec<Place>,
    /// For each closing bracket, its opening one.
    partners: Vec<Option<u32>>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(text: &'a str, tokens: &'a [Lexed]) -> Self {
        let mut partners = vec![None; tokens.len()];
        for (index, token) in tokens.iter().enumerate() {
            if let Some(slot) = token.partner.and_then(|partner| partners.get_mut(partner as usize)) {
                *slot = Some(index as u32);
            }
        }
        Sheet { text, tokens, places: vec![Place::default(); tokens.len()], partners }
    }

    /// The first token at or behind a byte.
    pub(super) fn at(&self, offset: u32) -> usize {
        self.tokens.partition_point(|token| token.start < offset)
    }

    /// The last token of a span.
    pub(super) fn last(&self, span: Span) -> usize {
        self.at(span.end).saturating_sub(1)
    }

    pub(super) fn kind(&self, index: usize) -> Option<Token> {
        self.tokens.get(index).map(|token| token.token)
    }

    /// The text of a token.
    pub(super) fn word(&self, index: usize) -> &'a str {
        self.tokens.get(index).map_or("", |token| self.slice(token.start, token.end))
    }

    /// A run of the text.
    pub(super) fn slice(&self, start: u32, end: u32) -> &'a str {
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// The closing bracket of an opening one.
    pub(super) fn closing(&self, open: usize) -> Option<usize> {
        self.tokens.get(open)?.partner.map(|partner| partner as usize)
    }

    /// The opening bracket of a closing one.
    pub(super) fn opening(&self, close: usize) -> Option<usize> {
        self.partners.get(close).copied().flatten().map(|open| open as usize)
    }

    /// What stands before a token. Comments before a comma stand behind it.
    pub(super) fn gap(&self, index: usize) -> Gap<'a> {
        if self.kind(index) == Some(Token::Comma) {
            return Gap::default();
        }
        let gap = self.raw_gap(index);
        match index.checked_sub(1) {
            Some(before) if self.kind(before) == Some(Token::Comma) => self.raw_gap(before).and(gap),
            _ => gap,
        }
    }

    fn raw_gap(&self, index: usize) -> Gap<'a> {
        Gap::of(self.between(index), index == 0)
    }

    /// The text before a token, from the one before it.
    pub(super) fn between(&self, index: usize) -> &'a str {
        let start = index.checked_sub(1).and_then(|before| self.tokens.get(before)).map_or(0, |token| token.end);
        let end = self.tokens.get(index).map_or(self.text.len() as u32, |token| token.start);
        self.slice(start, end)
    }

    pub(super) fn place(&mut self, index: usize, set: impl FnOnce(&mut Place)) {
        if let Some(place) = self.places.get_mut(index) {
            set(place);
        }
    }

    pub(super) fn before(&mut self, index: usize, before: Before) {
        self.place(index, |place| place.before = before);
    }

    /// A token at which its group breaks.
    pub(super) fn breaks(&mut self, index: usize) {
        self.before(index, Before::Break { blank: true, shift: 0 });
    }

    /// The tokens from one to another are a group.
    pub(super) fn group(&mut self, first: usize, last: usize, indent: usize) {
        if first <= last && last < self.tokens.len() {
            self.place(first, |place| place.opens.push(indent));
            self.place(last, |place| place.closes += 1);
        }
    }

    /// A parenthesis around a list that touches what is before it.
    pub(super) fn arguments(&mut self, open: usize) {
        if self.kind(open) == Some(Token::ParenOpen) {
            self.place(open, |place| (place.before, place.list) = (Before::Touching, true));
        }
    }

    /// A block: what stands in its braces has lines of its own. Where it is `short`, only when it doesn't fit.
    pub(super) fn block(&mut self, close: usize, short: bool) {
        let Some(open) = self.opening(close) else { return };
        self.place(open, |place| (place.before, place.opens_behind) = (Before::Joined, Some(2)));
        let end = match (close == open + 1 && !self.gap(close).has_comment(), short) {
            (true, _) => Before::Touching,
            (_, true) => Before::Break { blank: true, shift: -2 },
            _ => Before::End,
        };
        self.place(close, |place| {
            place.before = end;
            place.closes += 1;
        });
        if short {
            self.breaks(open + 1);
        }
    }

    /// The brackets that are no blocks: a list in one breaks at all its commas, and at the brackets.
    pub(super) fn brackets(&mut self) {
        let mut open: Vec<(usize, bool)> = Vec::new();
        let mut texts = 0;
        for index in 0..self.tokens.len() {
            match self.kind(index) {
                Some(Token::TextOpen) => texts += 1,
                Some(Token::TextClose) => texts -= 1,
                Some(Token::ParenOpen | Token::BraceOpen | Token::BracketOpen | Token::HoleOpen) => {
                    let list = texts == 0 && self.is_list(index);
                    open.push((index, list));
                    if list {
                        self.list(index);
                    }
                }
                Some(Token::ParenClose | Token::BraceClose | Token::BracketClose | Token::HoleClose) => drop(open.pop()),
                Some(Token::Comma) => self.comma(index, open.last().is_some_and(|(_, list)| *list)),
                _ => {}
            }
        }
    }

    fn is_list(&self, open: usize) -> bool {
        let Some(place) = self.places.get(open) else { return false };
        match self.kind(open) {
            Some(Token::ParenOpen) => place.list,
            Some(Token::BracketOpen) => true,
            Some(Token::BraceOpen) => place.opens_behind.is_none(),
            _ => false,
        }
    }

    fn list(&mut self, open: usize) {
        let Some(close) = self.closing(open) else { return };
        let blank = self.kind(open) == Some(Token::BraceOpen);
        let empty = close == open + 1 && !self.gap(close).has_comment();
        self.place(open, |place| place.opens_behind = Some(2));
        if close > open + 1 {
            self.before(open + 1, Before::Break { blank, shift: 0 });
        }
        self.place(close, |place| {
            place.before = if empty { Before::Touching } else { Before::Break { blank, shift: -2 } };
            place.comma = close > open + 1;
            place.closes += 1;
        });
    }

    /// Whether a token is a comma behind the last element of a list, which the layout decides about.
    pub(super) fn is_spare(&self, index: usize) -> bool {
        self.kind(index) == Some(Token::Comma)
            && matches!(self.kind(index + 1), Some(Token::ParenClose | Token::BraceClose | Token::BracketClose))
    }

    fn comma(&mut self, index: usize, in_list: bool) {
        if self.is_spare(index) {
            self.place(index, |place| place.dropped = true);
        } else if in_list {
            self.breaks(index + 1);
        }
    }
}
