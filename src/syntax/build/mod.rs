//! From what pest matched to the tree. This folder is the only place that sees pest's types.
//!
//! Invariants: spans end with the last word, never in white space; building recurses only where brackets nest, so its depth is
//! bounded by the check of brackets that runs before; what is well formed but can't mean anything (`a < b < c`) becomes a
//! diagnostic and drops the statement that it is in, nothing else.

mod clause;
mod expression;
mod failure;
mod item;
mod literal;
mod operators;
mod statement;

pub(super) use failure::{Expected, Failure};
pub(super) use operators::too_long;

use pest::Parser;
use pest::iterators::{Pair, Pairs};
use smol_str::SmolStr;

use super::ast::{Expr, Item, Name, Stmt};
use super::shape::{Doc, Lexed};
use crate::diagnostic::Diagnostic;
use crate::source::{FileId, Span};

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/flow.pest"]
struct Grammar;

type Node<'i> = Pair<'i, Rule>;
type Nodes<'i> = Pairs<'i, Rule>;

/// What a piece of text is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A declaration up to its opening brace.
    Head,
    /// A clause of a flow, an action or a plug-in.
    Clause,
    /// A statement.
    Statement,
    /// A line of an entity.
    Member,
    /// A line of a role.
    Privilege,
}

/// Holds a piece of text against the grammar.
pub(super) fn check(entry: Entry, text: &str) -> Result<(), Failure> {
    let rule = match entry {
        Entry::Head => Rule::head_entry,
        Entry::Clause => Rule::clause_entry,
        Entry::Statement => Rule::statement_entry,
        Entry::Member => Rule::member_entry,
        Entry::Privilege => Rule::privilege_entry,
    };
    Grammar::parse(rule, text).map(drop).map_err(failure::from_pest)
}

/// Holds statements in a row against the grammar.
pub(super) fn check_lines(text: &str) -> Result<(), Failure> {
    Grammar::parse(Rule::lines_entry, text).map(drop).map_err(failure::from_pest)
}

/// Builds the declarations of one file.
pub(super) struct Builder<'a> {
    /// The file.
    pub(super) file: FileId,
    /// Its tokens, by which spans are cut to their last word.
    pub(super) tokens: &'a [Lexed],
    /// Its `///` lines.
    pub(super) docs: &'a [Doc],
    /// Its text.
    pub(super) text: &'a str,
    /// Where the text that is being read starts in the file.
    pub(super) base: u32,
    /// Where that text ends in the file.
    pub(super) limit: u32,
    /// What was found on the way.
    pub(super) problems: Vec<Diagnostic>,
}

impl Builder<'_> {
    /// Reads a whole declaration that starts at `base`. `None` where it is well formed but means nothing.
    pub(super) fn item(&mut self, text: &str, base: u32) -> Result<Option<Item>, Failure> {
        self.at(text, base);
        let mut nodes = Grammar::parse(Rule::item_entry, text).map_err(failure::from_pest)?;
        Ok(nodes.next().and_then(|node| self.declaration(node)))
    }

    /// Reads statements that stand outside of every declaration, from `base` on. `None` for one that is well formed but means nothing.
    pub(super) fn lines(&mut self, text: &str, base: u32) -> Result<Vec<Option<Stmt>>, Failure> {
        self.at(text, base);
        let nodes = Grammar::parse(Rule::lines_entry, text).map_err(failure::from_pest)?;
        Ok(nodes.filter(|node| node.as_rule() != Rule::EOI).map(|node| self.statement(node)).collect())
    }

    /// Reads a value that stands by itself, from `base` on. `None` where it is well formed but means nothing.
    pub(super) fn value(&mut self, text: &str, base: u32) -> Result<Option<Expr>, Failure> {
        self.at(text, base);
        let mut nodes = Grammar::parse(Rule::value_entry, text).map_err(failure::from_pest)?;
        Ok(nodes.next().and_then(|node| self.expr(node)))
    }

    fn at(&mut self, text: &str, base: u32) {
        self.base = base;
        self.limit = (base + text.len() as u32).min(self.text.len() as u32);
    }

    /// The place of a node, without the white space behind it.
    fn span(&self, node: &Node) -> Span {
        let text = node.as_str();
        let start = self.base + node.as_span().start() as u32;
        let end = (start + text.len() as u32).min(self.limit);
        if !text.ends_with([' ', '\n', '\r', '\t']) {
            return Span::new(self.file, start, end);
        }
        let end = start + text.trim_end().len() as u32;
        let next = self.tokens.partition_point(|token| token.start < end);
        let last = next.checked_sub(1).and_then(|index| self.tokens.get(index)).map_or(end, |token| token.end);
        Span::new(self.file, start, last.min(end).max(start))
    }

    /// A name, a word, or several words that mean one thing.
    fn name(&self, node: &Node) -> Name {
        let span = self.span(node);
        let text = node.as_str().get(..(span.end - span.start) as usize).unwrap_or_default();
        let text = match node.as_rule() {
            Rule::plain => literal::unescape(text.get(1..text.len().saturating_sub(1)).unwrap_or_default()),
            Rule::event_name | Rule::level | Rule::delete_rule => words(text),
            _ => SmolStr::new(text.trim_matches('`')),
        };
        Name { text, span }
    }

    /// The `///` lines right before a place.
    fn doc_before(&self, start: u32) -> Option<SmolStr> {
        let until = self.docs.partition_point(|doc| doc.start < start);
        let token = self.tokens.partition_point(|token| token.start < start).checked_sub(1);
        let from = token.and_then(|index| self.tokens.get(index)).map_or(0, |token| token.end);
        let first = self.docs.partition_point(|doc| doc.start < from);
        let docs = self.docs.get(first..until).filter(|docs| !docs.is_empty())?;
        Some(doc_text(self.text, docs))
    }
}

/// The text of documentation lines, without their slashes.
pub(super) fn doc_text(source: &str, docs: &[Doc]) -> SmolStr {
    let line = |doc: &Doc| {
        let text = source.get(doc.start as usize + 3..doc.end as usize).unwrap_or_default();
        text.strip_prefix(' ').unwrap_or(text).trim_end()
    };
    SmolStr::new(docs.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// The words of a phrase with single blanks between them, comments left out.
fn words(text: &str) -> SmolStr {
    let without = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    SmolStr::new(without.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" "))
}

/// Keywords stand at the end of the grammar; the tree needs none of them but `not`.
fn is_keyword(rule: Rule) -> bool {
    rule >= Rule::kw_action
}

/// What is in a node, keywords left out.
fn parts<'i>(node: Node<'i>) -> impl Iterator<Item = Node<'i>> {
    node.into_inner().filter(|part| !is_keyword(part.as_rule()))
}

/// The next part, if it is of this rule.
fn take<'i>(parts: &mut Nodes<'i>, rule: Rule) -> Option<Node<'i>> {
    while parts.peek().is_some_and(|part| is_keyword(part.as_rule())) {
        parts.next();
    }
    if parts.peek()?.as_rule() == rule { parts.next() } else { None }
}

/// The next part that is no keyword.
fn next<'i>(parts: &mut Nodes<'i>) -> Option<Node<'i>> {
    parts.find(|part| !is_keyword(part.as_rule()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_the_last_rules_of_the_grammar() {
        let grammar = include_str!("../../../grammar/flow.pest");
        let (before, keywords) = grammar.split_once("\nkw_action ").unwrap();
        assert!(!before.contains("\nkw_"));
        assert!(keywords.lines().skip(1).all(|line| line.is_empty() || line.starts_with("kw_")));
        assert!(is_keyword(Rule::kw_action) && is_keyword(Rule::kw_where) && !is_keyword(Rule::escape));
    }

    #[test]
    fn the_grammar_reserves_the_words_of_the_list() {
        let grammar = include_str!("../../../grammar/flow.pest");
        let rule = grammar.split_once("\nreserved ").unwrap().1.split_once("\n}").unwrap().0;
        let words: Vec<&str> = rule.split('"').skip(1).step_by(2).collect();
        assert_eq!(words, super::super::keywords::RESERVED);
    }
}
