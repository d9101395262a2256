//! Reads a file declaration by declaration, and where one can't be read, all of it that can.
//!
//! A declaration with an error is cut by its tokens into clauses and statements; each is held against the grammar by itself;
//! those that fail are reported and blanked out; what is left is read as a whole. So a syntax error costs its own statement
//! and nothing else, and the tree is built in one way only.

mod loose;
mod pieces;

use std::ops::Range;

use super::ast;
use super::build::{self, Builder, Entry, Failure};
use super::keywords::{CLAUSES, STATEMENTS, TYPES, type_meant};
use super::report;
use super::shape::{self, Flaw, FlawKind, Segment};
use super::token::{Bad, Token};
use super::view::View;
use super::{MAX_FILE, misleading};
pub use loose::Wholeness;
pub(super) use loose::wholeness;
use smol_str::SmolStr;

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// How many errors of one file are told.
const MAX_ERRORS: usize = 100;

/// Reads a text.
pub(super) fn read(text: &str, file: FileId) -> (ast::File, Vec<Diagnostic>) {
    let (typed, problems) = read_all(text, file, None);
    (typed.file, problems)
}

/// Reads a text in which statements, or a value, may stand outside of declarations.
pub(super) fn read_typed(text: &str, file: FileId) -> (ast::Typed, Vec<Diagnostic>) {
    read_all(text, file, Some(Vec::new()))
}

fn read_all(text: &str, file: FileId, loose: Option<Vec<ast::Stmt>>) -> (ast::Typed, Vec<Diagnostic>) {
    if text.len() > MAX_FILE {
        let problem = Diagnostic::new(Code::E0111, Span::new(file, 0, 0), "this file is larger than 16 MiB");
        let empty = ast::File { id: file, doc: None, items: Vec::new(), unread: Vec::new() };
        let problem = problem.help("divide it into several files; all files of a project are read together");
        return (ast::Typed { file: empty, statements: Vec::new() }, vec![problem]);
    }
    let shape = shape::scan(text);
    let doc = (!shape.file_docs.is_empty()).then(|| build::doc_text(text, &shape.file_docs));
    let builder = Builder { file, tokens: &shape.tokens, docs: &shape.docs, text, base: 0, limit: 0, problems: Vec::new() };
    let view = View { file, text, tokens: &shape.tokens };
    let mut reader = Reader {
        view,
        builder,
        items: Vec::new(),
        mask: Vec::new(),
        base: 0,
        unread: Vec::new(),
        names: Vec::new(),
        statements: true,
        lost: false,
        loose,
    };
    for segment in &shape.segments {
        if reader.full() {
            break;
        }
        reader.segment(segment);
    }
    let items = std::mem::take(&mut reader.items);
    let unread = std::mem::take(&mut reader.names);
    let statements = reader.loose.take().unwrap_or_default();
    let mut problems = reader.finish();
    let misleading = misleading::characters(text, file);
    problems.extend(misleading.into_iter().filter(|one| !problems.iter().any(|other| other.span() == one.span())).collect::<Vec<_>>());
    (ast::Typed { file: ast::File { id: file, doc, items, unread }, statements }, problems)
}

/// What stands in the body of a declaration that starts with a word; a choice has none.
fn body_of(word: &str) -> Option<Body> {
    match word {
        "entity" => Some(Body::Members),
        "role" => Some(Body::Privileges),
        "test" | "scenario" | "given" => Some(Body::Statements),
        "choice" => None,
        _ => Some(Body::Clauses),
    }
}

/// What the body of a declaration consists of.
#[derive(Clone, Copy, PartialEq)]
enum Body {
    /// Clauses, then statements.
    Clauses,
    Statements,
    Members,
    Privileges,
}

struct Reader<'a> {
    view: View<'a>,
    builder: Builder<'a>,
    items: Vec<ast::Item>,
    /// The text of the declaration being recovered, what can't be read blanked out, and where it starts.
    mask: Vec<u8>,
    base: usize,
    /// The clauses and members that can't be read, by their first words.
    unread: Vec<(SmolStr, Span)>,
    /// The names of declarations and `let`s that can't be read.
    names: Vec<SmolStr>,
    /// Whether a statement stands before, in the body that is being cut.
    statements: bool,
    /// Whether a text of several lines without an end was met: what follows in the declaration may be text.
    lost: bool,
    /// The statements outside of declarations, where they may stand there.
    loose: Option<Vec<ast::Stmt>>,
}

impl Reader<'_> {
    fn full(&self) -> bool {
        self.builder.problems.len() >= MAX_ERRORS
    }

    fn finish(self) -> Vec<Diagnostic> {
        let full = self.full();
        let mut problems = self.builder.problems;
        problems.sort_by_key(|problem| problem.span().map_or(0, |span| span.start));
        if full && let Some(last) = problems.get(MAX_ERRORS - 1).and_then(Diagnostic::span) {
            problems.truncate(MAX_ERRORS);
            problems.push(Diagnostic::new(Code::E0111, last, "this file has more errors than are told here"));
        }
        problems
    }

    fn report(&mut self, problem: Diagnostic) {
        self.builder.problems.push(problem);
    }

    fn slice(&self, range: &Range<usize>) -> &str {
        let span = self.view.range(range.start, range.end);
        self.view.text.get(span.range()).unwrap_or_default()
    }

    fn segment(&mut self, segment: &Segment) {
        let end = segment.close.map_or(segment.end, |close| close + 1);
        if !segment.declared {
            return self.strays(segment.first..segment.end, &segment.flaws);
        }
        let item = segment.first..end;
        let start = self.view.span(item.start).start;
        let whole = self.view.range(item.start, item.end);
        let inside = segment.flaws.iter().take_while(|flaw| flaw.token < end).count();
        let (flaws, outside) = segment.flaws.split_at_checked(inside).unwrap_or_default();
        let text = self.view.text.get(whole.range()).unwrap_or_default();
        let failure = if flaws.is_empty() {
            match self.builder.item(text, start) {
                Ok(Some(ast::Item::Entity(entity))) if self.runs_on(&entity) => Some(None),
                Ok(read) => {
                    self.items.extend(read);
                    None
                }
                Err(failure) => Some(Some(failure)),
            }
        } else {
            Some(None)
        };
        if let Some(failure) = failure {
            if let Some(body) = self.without_brace(segment) {
                return self.unopened(segment.first..segment.end, body, &segment.flaws);
            }
            self.recover(item, flaws, failure);
        }
        if end < segment.end && segment.close.is_some_and(|close| self.closes_too_early(segment.first, close, end)) {
            let close = segment.close.unwrap_or(end);
            self.report(report::early_brace(&self.view, segment.first, close, end));
            return;
        }
        self.strays(end..segment.end, outside);
    }

    /// Whether the brace that closes a declaration is indented more than its head, and statements stand behind it.
    fn closes_too_early(&self, first: usize, close: usize, behind: usize) -> bool {
        let word = self.view.word(behind);
        let new_line = |index: usize| self.view.get(index).is_some_and(|token| token.line_first);
        self.view.indent(close) > self.view.indent(first)
            && new_line(behind)
            && (STATEMENTS.contains(&word) || CLAUSES.contains(&word) || self.view.kind(behind) == Some(Token::BraceClose))
    }

    /// Where the body of a declaration starts whose head is good and whose brace is missing.
    fn without_brace(&self, segment: &Segment) -> Option<usize> {
        let mut behind = segment.first + 1..segment.end;
        let body = behind.find(|index| self.view.get(*index).is_some_and(|token| token.line_first))?;
        let head = segment.first..body;
        let brace =
            head.clone().any(|index| self.view.kind(index) == Some(Token::BraceOpen)) || self.view.kind(body) == Some(Token::BraceOpen);
        (!brace && build::check(Entry::Head, self.slice(&head)).is_ok()).then_some(body)
    }

    /// Reads a declaration as if its brace were there.
    fn unopened(&mut self, item: Range<usize>, body: usize, flaws: &[Flaw]) {
        let last = self.view.span(body - 1).end_point();
        let message = format!("`{{` is missing after `{}`", report::short(self.view.word(body - 1)));
        self.report(Diagnostic::new(Code::E0105, last, message).fix(last, " {"));
        self.base = self.view.span(item.start).start as usize;
        self.mask = self.slice(&item).as_bytes().to_vec();
        if let Some(blank) = self.mask.get_mut(last.start as usize - self.base) {
            *blank = b'{';
        }
        self.unread.clear();
        self.lost = false;
        let closed = flaws.last().is_some_and(|flaw| flaw.kind == FlawKind::Unopened && flaw.token + 1 == item.end);
        let (end, flaws) = match flaws.split_last() {
            Some((_, others)) if closed => (item.end - 1, others),
            _ => (item.end, flaws),
        };
        if !closed {
            self.mask.push(b'}');
        }
        if let Some(kind) = body_of(self.view.word(item.start)) {
            self.pieces(body..end, kind, flaws);
        }
        if self.masked_item(&item, &[]).is_err() {
            self.miss_all(item);
        }
    }

    /// Whether a line of an entity holds the start of another one, which a word that is misspelt makes it look like.
    fn runs_on(&self, entity: &ast::Entity) -> bool {
        let first = |span: Span| {
            let index = self.view.tokens.partition_point(|token| token.start < span.start);
            self.view.get(index).is_some_and(|token| token.line_first)
        };
        entity.members.iter().any(|member| match member {
            ast::Member::Field(ast::Field { name, ty: ast::TypeExpr { kind: ast::TypeKind::Word(word), span, .. }, .. }) => {
                let known = TYPES.contains(&word.as_str()) || (type_meant(word).is_some() && !first(*span));
                !first(name.span) && !known
            }
            _ => false,
        })
    }

    /// Reads what can be read of a declaration.
    fn recover(&mut self, item: Range<usize>, flaws: &[Flaw], failure: Option<Failure>) {
        if let Some(flaw) = flaws.iter().find(|flaw| flaw.kind == FlawKind::TooDeep) {
            return self.report(report::flaw(&self.view, flaw, item));
        }
        let before = self.builder.problems.len();
        let Some(open) = item.clone().find(|index| self.view.kind(*index) == Some(Token::BraceOpen)) else {
            return self.head_alone(item, flaws);
        };
        self.base = self.view.span(item.start).start as usize;
        self.mask = self.slice(&item).as_bytes().to_vec();
        self.unread.clear();
        self.lost = false;
        let good_head = self.head(item.start..open, flaws);
        if let Some(flaw) = flaws.iter().find(|flaw| flaw.token == open).filter(|_| !self.swallowed(flaws)) {
            self.report(report::flaw(&self.view, flaw, item.clone()));
        }
        let end = self.view.get(open).and_then(|token| token.partner).map_or(item.end, |partner| partner as usize);
        match body_of(self.view.word(item.start)) {
            Some(body) => self.pieces(open + 1..end, body, flaws),
            None => {
                if let Some(flaw) = flaws.iter().find(|flaw| flaw.token > open) {
                    self.report(report::flaw(&self.view, flaw, item.clone()));
                    return self.miss_all(item);
                }
            }
        }
        let quiet = self.builder.problems.len() == before;
        if good_head && !self.full() {
            if let Err(failure) = self.masked_item(&item, flaws) {
                if quiet {
                    self.failure(&failure, item.clone(), &[], Entry::Head);
                }
                self.miss_all(item);
            }
        } else if let (true, Some(failure)) = (quiet, failure) {
            self.failure(&failure, item, &[], Entry::Head);
        }
    }

    /// Whether a text without an end holds a closing brace, which is then not missing.
    fn swallowed(&self, flaws: &[Flaw]) -> bool {
        let open = |flaw: &&Flaw| matches!(flaw.kind, FlawKind::OpenText | FlawKind::Bad(Bad::OpenText));
        flaws.iter().filter(open).any(|flaw| {
            let rest = self.view.text.get(self.view.span(flaw.token).start as usize..).unwrap_or_default();
            rest.lines().next().is_some_and(|line| line.contains('}'))
        })
    }

    /// A declaration without any brace.
    fn head_alone(&mut self, item: Range<usize>, flaws: &[Flaw]) {
        if !self.head(item.clone(), flaws) {
            return;
        }
        let last = item.end.saturating_sub(1);
        let message = format!("`{{` is missing after `{}`", report::short(self.view.word(last)));
        self.report(Diagnostic::new(Code::E0105, self.view.span(last).end_point(), message));
    }

    fn head(&mut self, head: Range<usize>, flaws: &[Flaw]) -> bool {
        if let Some(flaw) = flaws.iter().find(|flaw| head.contains(&flaw.token)) {
            self.report(report::flaw(&self.view, flaw, head));
            return false;
        }
        let Err(failure) = build::check(Entry::Head, self.slice(&head)) else { return true };
        self.miss_all(head.clone());
        self.failure(&failure, head, &[], Entry::Head);
        false
    }

    /// The declaration without what was blanked out.
    fn masked_item(&mut self, item: &Range<usize>, flaws: &[Flaw]) -> Result<(), Failure> {
        let mut text = String::from_utf8(std::mem::take(&mut self.mask)).unwrap_or_default();
        let stands = |flaw: &&Flaw| {
            let at = (self.view.span(flaw.token).start as usize).saturating_sub(self.base);
            flaw.kind == FlawKind::Unclosed && text.as_bytes().get(at) == Some(&b'{')
        };
        let missing = flaws.iter().filter(stands).count();
        text.extend(std::iter::repeat_n('}', missing));
        let mut read = self.builder.item(&text, self.view.span(item.start).start)?;
        for (word, span) in self.unread.drain(..) {
            match &mut read {
                Some(ast::Item::Entity(entity)) => entity.members.push(ast::Member::Unread(word)),
                Some(ast::Item::Flow(flow)) => flow.clauses.push(ast::Clause { kind: ast::ClauseKind::Unread(word), span }),
                _ => {}
            }
        }
        self.items.extend(read);
        Ok(())
    }

    /// Remembers the name at a token of what can't be read.
    fn miss(&mut self, index: usize) {
        let index = if self.view.kind(index) == Some(Token::TextOpen) { index + 1 } else { index };
        self.names.push(self.view.word(index).trim_matches('`').into());
    }

    /// Remembers what may be the name of a declaration that can't be read.
    fn miss_all(&mut self, item: Range<usize>) {
        for index in item.skip(1).take(4) {
            self.miss(index);
        }
    }

    fn blank(&mut self, piece: Range<usize>) {
        let span = self.view.range(piece.start, piece.end);
        blank(&mut self.mask, span.range(), self.base);
    }

    fn failure(&mut self, failure: &Failure, piece: Range<usize>, blocks: &[Range<usize>], entry: Entry) {
        let at = self.view.span(piece.start).start + failure.at as u32;
        let mut index = piece.start + self.view.tokens.get(piece.clone()).unwrap_or_default().partition_point(|token| token.end <= at);
        if let Some(block) = blocks.iter().find(|block| block.contains(&index)) {
            index = block.end;
        }
        let problem = report::failure(&self.view, piece, index, &failure.expected, entry);
        self.report(problem);
    }

    /// What stands outside of every declaration.
    fn strays(&mut self, range: Range<usize>, flaws: &[Flaw]) {
        if self.loose.is_some() {
            return self.loose(range, flaws);
        }
        let (mut first, mut index, mut misplaced) = (range.start, range.start, false);
        while index < range.end && !self.full() {
            index = self.view.after(index).min(range.end);
            if index < range.end && !self.view.starts_piece(first, index, false) {
                continue;
            }
            let piece = first..index;
            first = index;
            let known = STATEMENTS.contains(&self.view.word(piece.start)) || CLAUSES.contains(&self.view.word(piece.start));
            let flaw = flaws.get(flaws.partition_point(|flaw| flaw.token < piece.start)).filter(|flaw| flaw.token < piece.end);
            match flaw {
                Some(flaw) if !(misplaced && flaw.kind == FlawKind::Unopened) => self.report(report::flaw(&self.view, flaw, piece)),
                None if !(misplaced && known) => {
                    self.miss(piece.start + 1);
                    self.report(report::stray(&self.view, piece));
                }
                _ => {}
            }
            misplaced |= known;
        }
    }
}

/// Puts blanks in the place of bytes of a text that starts at `base` in its file; line breaks stay.
fn blank(text: &mut [u8], range: Range<usize>, base: usize) {
    let range = range.start.saturating_sub(base)..range.end.saturating_sub(base).min(text.len());
    for byte in text.get_mut(range).unwrap_or_default().iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}
