//! Cuts the body of a declaration into its clauses, members and statements, and blanks out those that can't be read.
//!
//! A statement with blocks is cut again inside them, so that an error in a block costs one statement of it.

use std::ops::Range;

use super::{Body, MAX_ERRORS, Reader, blank};
use crate::diagnostic::{Diagnostic, nearest};
use crate::syntax::build::{self, Entry};
use crate::syntax::keywords::{CLAUSES, STATEMENTS};
use crate::syntax::report;
use crate::syntax::shape::{Flaw, FlawKind};
use crate::syntax::token::{Bad, Token};

impl Reader<'_> {
    /// Cuts a body and holds each piece against the grammar.
    pub(super) fn pieces(&mut self, body: Range<usize>, kind: Body, flaws: &[Flaw]) {
        let (mut first, mut index) = (body.start, body.start);
        self.statements = kind != Body::Clauses;
        while index < body.end && !self.full() {
            if self.lost {
                return self.blank(first..body.end);
            }
            index = self.view.after(index).min(body.end);
            let cut = match kind {
                Body::Privileges => self.view.word(index) == "privilege",
                _ => self.view.starts_piece(first, index, kind == Body::Members),
            };
            if index < body.end && !cut {
                continue;
            }
            let entry = match kind {
                Body::Members => Entry::Member,
                Body::Privileges => Entry::Privilege,
                _ if self.is_clause(first) => Entry::Clause,
                _ => Entry::Statement,
            };
            let event =
                kind == Body::Clauses && !self.statements && entry == Entry::Statement && self.is_bare_event(&(first..index), &body);
            if event {
                self.report(report::bare_event(&self.view, first));
                self.unread.push(("trigger".into(), self.view.span(first)));
                self.blank(first..index);
            } else if entry == Entry::Clause && self.statements {
                self.report(report::misplaced_clause(&self.view, first, kind == Body::Clauses));
                self.blank(first..index);
            } else {
                self.statements |= entry == Entry::Statement && STATEMENTS.contains(&self.view.word(first));
                self.piece(first..index, entry, flaws);
            }
            first = index;
        }
    }

    /// Whether the events of a flow stand here without their `trigger`.
    fn is_bare_event(&self, piece: &Range<usize>, body: &Range<usize>) -> bool {
        let trigger = |mut range: Range<usize>| range.any(|index| self.view.word(index) == "trigger");
        let event = report::is_event(self.view.word(piece.start)) && build::check(Entry::Statement, self.slice(piece)).is_err();
        let line = piece.clone().take_while(|index| *index == piece.start || !self.view.get(*index).is_some_and(|token| token.line_first));
        event && (!trigger(body.clone()) || line.count() == piece.len() && trigger(piece.clone()))
    }

    fn is_clause(&self, index: usize) -> bool {
        let word = self.view.word(index);
        match word {
            "run" => self.view.word(index + 1) == "as",
            "log" => self.view.word(index + 1) == "errors",
            _ => CLAUSES.contains(&word),
        }
    }

    fn piece(&mut self, piece: Range<usize>, entry: Entry, flaws: &[Flaw]) {
        let from = flaws.partition_point(|flaw| flaw.token < piece.start);
        let until = flaws.partition_point(|flaw| flaw.token < piece.end);
        let flaws = flaws.get(from..until).unwrap_or_default();
        if flaws.is_empty() && build::check(entry, self.slice(&piece)).is_ok() {
            return;
        }
        let blocks = if entry == Entry::Statement { self.blocks(&piece) } else { Vec::new() };
        for block in &blocks {
            self.pieces(block.clone(), Body::Statements, flaws);
        }
        if self.full() {
            return;
        }
        let mut missing = 0;
        for flaw in flaws {
            if blocks.get(blocks.partition_point(|block| block.end <= flaw.token)).is_some_and(|block| block.contains(&flaw.token)) {
                continue;
            }
            self.report(report::flaw(&self.view, flaw, piece.clone()));
            self.lost |= flaw.kind == FlawKind::Bad(Bad::OpenText) && self.view.word(flaw.token).starts_with("\"\"\"");
            let opens_block = blocks.iter().any(|block| block.start == flaw.token + 1);
            if flaw.kind != FlawKind::Unclosed || !opens_block {
                // A sign that is wrong by itself is one more mistake; what else is wrong may follow from the first.
                let alone = |other: &&Flaw| {
                    other.token > flaw.token
                        && matches!(other.kind, FlawKind::Bad(bad) if !matches!(bad, Bad::OpenText | Bad::Character | Bad::Backtick))
                };
                let inside = |other: &&Flaw| blocks.iter().any(|block| block.contains(&other.token));
                let others = flaws.iter().filter(alone).filter(|other| !inside(other));
                let others: Vec<Diagnostic> = others.map(|other| report::flaw(&self.view, other, piece.clone())).collect();
                self.builder.problems.extend(others.into_iter().filter(|_| !self.lost));
                return self.give_up(piece, entry);
            }
            missing += 1;
        }
        let mut header = self.slice(&piece).as_bytes().to_vec();
        let start = self.view.span(piece.start).start as usize;
        for block in &blocks {
            blank(&mut header, self.inside(block), start);
        }
        header.extend(std::iter::repeat_n(b'}', missing));
        let header = String::from_utf8(header).unwrap_or_default();
        if let Err(failure) = build::check(entry, &header) {
            self.failure(&failure, piece.clone(), &blocks, entry);
            self.give_up(piece, entry);
        }
    }

    /// Blanks a piece out, and remembers what it was about: what misses it has no error of its own.
    fn give_up(&mut self, piece: Range<usize>, entry: Entry) {
        let (word, next) = (self.view.word(piece.start), self.view.word(piece.start + 1));
        let span = self.view.span(piece.start);
        match entry {
            Entry::Clause if report::is_event(next) => self.unread.push(("trigger".into(), span)),
            Entry::Member | Entry::Clause => self.unread.push((word.into(), span)),
            Entry::Statement if report::names_a_value(word) => self.miss(piece.start + 1),
            // The names in the header of a table.
            Entry::Statement if piece.clone().any(|index| self.view.kind(index) == Some(Token::Bar)) => {
                piece.clone().take(MAX_ERRORS).for_each(|index| self.miss(index));
            }
            // Before the first statement it may have been any clause.
            Entry::Statement if !STATEMENTS.contains(&word) && !self.statements => self.unread.push(("trigger".into(), span)),
            _ => {}
        }
        self.blank(piece);
    }

    /// The insides of the blocks of statements of a statement.
    fn blocks(&self, piece: &Range<usize>) -> Vec<Range<usize>> {
        let compound = ["if", "for", "step", "as", "in", "match", "wait"];
        let word = self.view.word(piece.start);
        let word = if STATEMENTS.contains(&word) { Some(word) } else { nearest(word, STATEMENTS.iter().copied()) };
        let Some(word) = word.filter(|word| compound.contains(word)) else { return Vec::new() };
        let outer = self.braces(piece.clone());
        if matches!(word, "match" | "wait") { outer.into_iter().take(1).flat_map(|arms| self.braces(arms)).collect() } else { outer }
    }

    fn braces(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut index = range.start;
        while index < range.end {
            let after = self.view.after(index).min(range.end);
            if self.view.kind(index) == Some(Token::BraceOpen) {
                let closed = self.view.get(after - 1).is_some_and(|token| token.token == Token::BraceClose) && after > index + 1;
                let partner = self.view.get(index).and_then(|token| token.partner).map_or(after, |partner| partner as usize);
                found.push(index + 1..if closed { partner.min(range.end) } else { range.end });
            }
            index = after;
        }
        found
    }

    /// The bytes between the braces of a block.
    fn inside(&self, block: &Range<usize>) -> Range<usize> {
        let start = self.view.span(block.start.saturating_sub(1)).end as usize;
        let end = self
            .view
            .get(block.end)
            .filter(|token| token.token == Token::BraceClose)
            .map_or_else(|| self.view.span(block.end.saturating_sub(1)).end as usize, |token| token.start as usize);
        start..end.max(start)
    }
}
