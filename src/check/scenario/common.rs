//! What tests have in common: `given NAME { … }` stands once and in several of them; `tags` and `skip` say which tests run.
//!
//! A `given` is checked where it stands, and once more in each test that it stands in, with the names that are in sight there: its own
//! `let`s and users are the test's from there on.

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::{Checker, Kind, first_words, unknown};
use crate::check::ir;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast;

/// How many statements the `given`s of a project may bring into its tests, all together.
const MOST: usize = 1_000_000;

/// All `given`s of a project by name; of two with one name, the first.
pub(in crate::check) struct Givens<'g> {
    by_name: FxHashMap<&'g str, &'g ast::Scenario>,
    /// The names of those that can't be read.
    unread: Vec<&'g str>,
    /// How many statements they may still bring.
    left: usize,
}

impl<'g> Givens<'g> {
    pub fn new(files: &'g [ast::File]) -> Self {
        let mut by_name: FxHashMap<&str, &ast::Scenario> = FxHashMap::default();
        for item in files.iter().flat_map(|file| &file.items) {
            if let ast::Item::Given(given) = item {
                by_name.entry(&given.name.text).or_insert(given);
            }
        }
        Givens { by_name, unread: files.iter().flat_map(|file| file.unread.iter().map(SmolStr::as_str)).collect(), left: MOST }
    }
}

impl Checker<'_, '_> {
    /// The `tags` and the `skip` at the beginning of a test, and what stands behind them.
    pub(super) fn first<'s>(&mut self, statements: &'s [ast::Stmt]) -> (Vec<SmolStr>, Option<SmolStr>, &'s [ast::Stmt]) {
        let (mut tags, mut skip, mut rest) = (Vec::new(), None, statements);
        while let Some((first, behind)) = rest.split_first().filter(|_| self.kind == Kind::Test) {
            match &first.kind {
                ast::StmtKind::Tags(names) => tags.extend(names.iter().map(|name| name.text.clone())),
                ast::StmtKind::Skip(reason) if skip.is_none() => skip = Some(reason.text.clone()),
                _ => break,
            }
            rest = behind;
        }
        (tags, skip, rest)
    }

    pub(super) fn misplaced(&mut self, span: Span, word: &str) -> Option<ir::StepKind> {
        let (message, help) = match self.kind {
            Kind::Test => {
                (format!("`{word}` stands first in a test"), "move it up, before the first statement; a test has one `skip` at most")
            }
            Kind::Scenario => (format!("a scenario has no `{word}`"), "a scenario is run by its name: make a test of it, or take this out"),
            Kind::Given => (format!("a `given` has no `{word}`"), "write it into the tests that this stands in"),
        };
        self.cx.report(Diagnostic::new(Code::E0724, first_words(span, word), message).help(help));
        None
    }

    /// What stands in a `given`, here.
    pub(super) fn given(&mut self, name: &ast::Name) -> Vec<ir::Step> {
        let Some(given) = self.givens.by_name.get(name.text.as_str()).copied() else {
            self.no_given(name);
            return Vec::new();
        };
        if self.used.contains(&name.text) {
            let message = format!("`{}` stands here already", name.text);
            self.cx
                .report(Diagnostic::new(Code::E0726, name.span, message).help("a `given` comes into a test once, and never into itself"));
            return Vec::new();
        }
        let count = given.body.statements.len();
        if self.givens.left < count {
            let message = format!("the `given`s of this project bring more than {MOST} statements into its tests");
            self.cx.report(
                Diagnostic::new(Code::E0726, name.span, message).help("make the tests of it fewer, or what they have in common shorter"),
            );
            return Vec::new();
        }
        self.givens.left -= count;
        self.used.push(name.text.clone());
        let kind = if self.kind == Kind::Scenario { Kind::Scenario } else { Kind::Given };
        let around = std::mem::replace(&mut self.kind, kind);
        let steps = self.all(&given.body.statements);
        self.kind = around;
        steps
    }

    fn no_given(&mut self, name: &ast::Name) {
        if !self.givens.unread.contains(&name.text.as_str()) {
            let message = format!("there is no `given` with the name `{}`", name.text);
            let problem = unknown(Code::E0725, name, message, self.givens.by_name.keys().copied());
            let declare = format!("declare it beside the tests: `given {} {{ … }}`", name.text);
            self.cx.report(if problem.help.is_empty() { problem.help(declare) } else { problem });
        }
    }
}
