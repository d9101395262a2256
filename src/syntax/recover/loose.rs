//! Statements and values outside of declarations, as they are typed at a prompt, and whether what was typed is whole.
//!
//! A value by itself is read as a `show` of it. What can't be read is told in the words of a statement where it begins like
//! one, else in those of a value.

use std::ops::Range;

use super::{Body, Reader, report};
use crate::syntax::ast::{Stmt, StmtKind};
use crate::syntax::build::{self, Entry, Failure};
use crate::syntax::keywords::{OPERATORS, STATEMENTS};
use crate::syntax::shape::{self, Flaw, FlawKind};
use crate::syntax::token::{Bad, Token};

/// What a value is read behind, so that its errors are told like those of any other.
const SHOW: &str = "show ";

impl Reader<'_> {
    /// Reads what stands outside of declarations.
    pub(super) fn loose(&mut self, range: Range<usize>, flaws: &[Flaw]) {
        if range.is_empty() {
            return;
        }
        let text = self.slice(&range).to_owned();
        let base = self.view.span(range.start).start;
        if flaws.is_empty() {
            if let Ok(read) = self.builder.lines(&text, base) {
                self.loose.iter_mut().for_each(|loose| loose.extend(read.iter().flatten().cloned()));
                return;
            }
            if let Ok(value) = self.builder.value(&text, base) {
                let shown = value.map(|value| Stmt { span: value.span, kind: StmtKind::Show(value) });
                self.loose.iter_mut().for_each(|loose| loose.extend(shown.clone()));
                return;
            }
        }
        if let Some(flaw) = flaws.iter().find(|flaw| is_open_text(flaw)) {
            // What seems to be missing behind it stands in it.
            return self.report(report::flaw(&self.view, flaw, range));
        }
        if let Some(problem) = report::typed_write(&self.view, &range) {
            return self.report(problem);
        }
        self.base = base as usize;
        self.mask = text.clone().into_bytes();
        if self.looks_like_a_statement(&range) {
            return self.pieces(range, Body::Statements, flaws);
        }
        if let Some(flaw) = flaws.first() {
            return self.report(report::flaw(&self.view, flaw, range));
        }
        if let Err(Failure { at, expected }) = build::check(Entry::Statement, &format!("{SHOW}{text}")) {
            let failure = Failure { at: at.saturating_sub(SHOW.len()), expected };
            self.failure(&failure, range, &[], Entry::Statement);
        }
    }

    /// Whether it begins like a statement, spelt well or not: with its word, or with two words in a row.
    fn looks_like_a_statement(&self, range: &Range<usize>) -> bool {
        let (word, next) = (self.view.word(range.start), self.view.word(range.start + 1));
        let is_word = |index| self.view.kind(index) == Some(Token::Word) && range.contains(&index);
        let second = is_word(range.start + 1) && !OPERATORS.contains(&next);
        let opens = matches!(self.view.kind(range.start + 1), Some(Token::Assign | Token::TextOpen | Token::BraceOpen));
        is_word(range.start) && (STATEMENTS.contains(&word) || second || opens)
    }
}

/// How far a text is that is typed line by line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wholeness {
    /// It can be read, or no further line would help.
    Whole,
    /// Its last statement or declaration isn't at its end yet.
    Lacking,
    /// A bracket, or a text of several lines, is open.
    Open,
}

/// How far a text is that is typed line by line.
pub(in crate::syntax) fn wholeness(text: &str) -> Wholeness {
    let shape = shape::scan(text);
    let flaws = shape.segments.iter().flat_map(|segment| &segment.flaws);
    let open_texts = flaws.filter(|flaw| is_open_text(flaw));
    let is_block = |flaw: &Flaw| {
        let at = shape.tokens.get(flaw.token).map_or(0, |token| token.start as usize);
        text.get(at..).is_some_and(|rest| rest.starts_with("\"\"\""))
    };
    let (blocks, lines): (Vec<&Flaw>, Vec<&Flaw>) = open_texts.partition(|flaw| is_block(flaw));
    if blocks.is_empty() && !lines.is_empty() {
        // A text ends on its line: nothing that follows closes it.
        return Wholeness::Whole;
    }
    if !blocks.is_empty() || ends_open(shape.tokens.iter().map(|token| token.token)) {
        return Wholeness::Open;
    }
    let end = shape.tokens.last().map_or(0, |token| token.end);
    if shape.docs.last().is_some_and(|doc| doc.start >= end) {
        // A `///` is about what comes next.
        return Wholeness::Lacking;
    }
    match shape.segments.last() {
        Some(last) if last.flaws.is_empty() && last.declared && last.close.is_none() => Wholeness::Lacking,
        Some(last) if last.flaws.is_empty() => {
            let first = last.close.map_or(last.first, |close| close + 1);
            let start = shape.tokens.get(first).map_or(end, |token| token.start);
            if lacks_its_end(text.get(start as usize..end as usize).unwrap_or_default()) { Wholeness::Lacking } else { Wholeness::Whole }
        }
        _ => Wholeness::Whole,
    }
}

fn is_open_text(flaw: &Flaw) -> bool {
    matches!(flaw.kind, FlawKind::OpenText | FlawKind::Bad(Bad::OpenText))
}

/// Whether a bracket is still open behind the last token. A brace that closes ends what is open inside of it, which is an error then.
fn ends_open(tokens: impl Iterator<Item = Token>) -> bool {
    let mut open = Vec::new();
    for token in tokens {
        match token {
            Token::BraceOpen | Token::ParenOpen | Token::BracketOpen => open.push(token),
            Token::BraceClose => {
                let brace = open.iter().rposition(|one| *one == Token::BraceOpen).unwrap_or(open.len());
                open.truncate(brace);
            }
            Token::ParenClose => drop(open.pop_if(|one| *one == Token::ParenOpen)),
            Token::BracketClose => drop(open.pop_if(|one| *one == Token::BracketOpen)),
            _ => {}
        }
    }
    !open.is_empty()
}

/// Whether statements, or a value, can't be read because they stop too early.
fn lacks_its_end(text: &str) -> bool {
    let stops = |prefix: &str, check: &dyn Fn(&str) -> Result<(), Failure>| {
        let whole = format!("{prefix}{text}");
        check(&whole).is_err_and(|failure| failure.at >= whole.len())
    };
    let statement = |text: &str| build::check(Entry::Statement, text);
    build::check_lines(text).is_err()
        && statement(&format!("{SHOW}{text}")).is_err()
        && (stops("", &build::check_lines) || stops(SHOW, &statement))
}

#[cfg(test)]
mod tests {
    use super::{Wholeness, wholeness};

    #[test]
    fn what_is_whole() {
        for text in [
            "",
            "// a remark",
            "acme.name",
            "let x = 3",
            "create a { b = 1 }",
            "entity a { b text }",
            ")",
            "let = ",
            "show \"x",
            "create a { b = (1 }",
            "create a { b = \"x }",
            "create a {\n  b = \"x\n",
            "log(\"a {b\n",
        ] {
            assert_eq!(wholeness(text), Wholeness::Whole, "{text}");
        }
        for text in ["create a {", "flow F on a {\n  trigger create\n", "count(a where", "\"\"\"\n a", "\"\"\"\n an \"open\n"] {
            assert_eq!(wholeness(text), Wholeness::Open, "{text}");
        }
        for text in ["entity a", "let x =", "let x", "1 +", "create a", "update acme", "/// about it", "entity a {} /// more", "a and"] {
            assert_eq!(wholeness(text), Wholeness::Lacking, "{text}");
        }
    }
}
