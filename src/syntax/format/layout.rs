//! From the sheet to the marks that are printed: token by token, with the comments between them.

use super::gap::Gap;
use super::print::Mark;
use super::sheet::{Before, Minus, Sheet};
use crate::syntax::token::Token;

/// How much further what a comment has torn from its line is indented.
const TORN: isize = 4;

/// The marks of a whole file.
pub(super) fn marks<'a>(sheet: &Sheet<'a>) -> Vec<Mark<'a>> {
    let mut layout = Layout { sheet, marks: Vec::with_capacity(sheet.tokens.len() * 3), texts: Vec::new() };
    for index in 0..sheet.tokens.len() {
        layout.token(index);
    }
    let mut rest = sheet.gap(sheet.tokens.len());
    if sheet.tokens.is_empty() {
        rest.begin(false);
    }
    layout.comments(&rest, 0);
    layout.marks
}

struct Layout<'s, 'a> {
    sheet: &'s Sheet<'a>,
    marks: Vec<Mark<'a>>,
    /// The texts that are open: of one of several lines, the indentation that its lines lose.
    texts: Vec<Option<&'a str>>,
}

impl<'a> Layout<'_, 'a> {
    fn token(&mut self, index: usize) {
        let Some(place) = self.sheet.places.get(index).filter(|place| !place.dropped) else { return };
        if self.texts.is_empty() {
            if place.comma {
                self.marks.push(Mark::Comma);
            }
            self.before(index, place.before);
        } else {
            self.inside_text(index);
        }
        self.marks.extend(place.opens.iter().map(|indent| Mark::Open(*indent)));
        self.word(index);
        self.marks.extend(place.opens_behind.map(Mark::Open));
        self.marks.extend(std::iter::repeat_n(Mark::Close, place.closes));
    }

    fn word(&mut self, index: usize) {
        let text = self.sheet.word(index);
        match self.sheet.kind(index) {
            Some(Token::TextOpen) => self.texts.push(self.indentation(index)),
            Some(Token::TextClose) => drop(self.texts.pop()),
            Some(Token::TextPart) if text.contains('\n') => {
                let indent = self.texts.last().copied().flatten();
                return self.marks.push(Mark::Lines { text, indent });
            }
            _ => {}
        }
        self.marks.push(Mark::Text(text));
    }

    /// What the lines of a text of several lines are indented by, if its closing quotes say it.
    fn indentation(&self, open: usize) -> Option<&'a str> {
        let mut depth = 0_usize;
        let close = (open..self.sheet.tokens.len()).find(|index| {
            match self.sheet.kind(*index) {
                Some(Token::TextOpen) => depth += 1,
                Some(Token::TextClose) => depth -= 1,
                _ => {}
            }
            depth == 0
        })?;
        let (_, last) = self.sheet.word(close - 1).rsplit_once('\n').filter(|_| self.sheet.kind(close - 1) == Some(Token::TextPart))?;
        last.trim().is_empty().then_some(last)
    }

    /// What stands before a token outside of texts.
    fn before(&mut self, index: usize, before: Before) {
        let mut gap = self.sheet.gap(index);
        let opened =
            index.checked_sub(1).is_none_or(|before| self.sheet.places.get(before).is_some_and(|place| place.opens_behind.is_some()));
        match before {
            _ if opened => gap.begin(false),
            Before::Apart => gap.begin(true),
            _ => {}
        }
        let shift = match before {
            Before::Usual | Before::Touching | Before::Column(_) => TORN,
            _ => 0,
        };
        self.comments(&gap, shift);
        self.marks.push(match before {
            Before::Line | Before::Apart => Mark::Line { empty: gap.empty, shift: 0 },
            Before::End => Mark::Line { empty: false, shift: -2 },
            Before::Break { shift, .. } if gap.has_comment() => Mark::Line { empty: gap.empty && shift == 0, shift },
            Before::Break { blank, shift } => Mark::Break { blank, shift },
            _ if gap.has_comment() => Mark::Line { empty: false, shift },
            Before::Joined => Mark::Space(1),
            Before::Column(count) => Mark::Space(count),
            Before::Touching => return,
            Before::Usual => Mark::Space(usize::from(self.sheet.is_apart(index))),
        });
    }

    fn comments(&mut self, gap: &Gap<'a>, shift: isize) {
        self.marks.extend(gap.behind.map(Mark::Comment));
        for (comment, empty) in &gap.own {
            self.marks.push(Mark::Line { empty: *empty, shift });
            self.marks.push(Mark::Text(comment));
        }
    }

    /// In a text nothing is broken: what has line breaks or comments between its tokens stays as it is.
    fn inside_text(&mut self, index: usize) {
        let between = self.sheet.between(index);
        if between.contains('\n') {
            self.marks.push(Mark::Lines { text: between, indent: None });
        } else if self.sheet.is_apart(index) {
            self.marks.push(Mark::Text(" "));
        }
    }
}

impl Sheet<'_> {
    /// Whether a blank stands between a token and the one before it on a line.
    pub(super) fn is_apart(&self, index: usize) -> bool {
        use Token::{
            BracketClose, BracketOpen, Colon, Comma, Dot, HoleClose, HoleOpen, ParenClose, ParenOpen, Question, Range, TextClose, TextOpen,
            TextPart,
        };
        let Some(before) = index.checked_sub(1) else { return false };
        let (Some(one), Some(other)) = (self.kind(before), self.kind(index)) else { return false };
        let ends = !matches!(one, ParenOpen | BracketOpen | HoleOpen | Dot | Range | TextOpen | TextPart);
        let begins = !matches!(
            other,
            ParenClose | BracketClose | HoleClose | BracketOpen | Dot | Range | Comma | Colon | Question | TextPart | TextClose
        );
        let in_text = (one == HoleClose && matches!(other, TextPart | HoleOpen | TextClose)) || (other == HoleOpen);
        let touches = self.places.get(index).is_some_and(|place| place.before == Before::Touching);
        ends && begins && !in_text && !touches && !self.is_glued(before, index)
    }

    /// Whether one of two tokens is a `-` that the other belongs to.
    fn is_glued(&self, one: usize, other: usize) -> bool {
        let minus = |index: usize| (self.word(index) == "-").then(|| self.places.get(index).map(|place| place.minus)).flatten();
        matches!(minus(one), Some(Minus::Hyphen | Minus::Sign)) || minus(other) == Some(Minus::Hyphen)
    }

    /// How wide the tokens from one to another are on one line.
    pub(super) fn width(&self, first: usize, last: usize) -> usize {
        let counted = (first..=last).filter(|index| !self.is_spare(*index));
        counted.map(|index| self.word(index).chars().count() + usize::from(index > first && self.is_apart(index))).sum()
    }
}
