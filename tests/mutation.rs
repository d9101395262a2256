//! Good programs with one slip in them: a token dropped, doubled, swapped with its neighbour, or a word misspelt. Of those that no
//! longer check, the first error has to be within the clause, statement, member or head that the slip is in, nearly always.
//!
//! `cargo test --test mutation -- --nocapture` prints the figures; `MUTATIONS=20000` in the environment tries more of them, and
//! `MISSES=1` shows each that was told elsewhere.

#![cfg(test)]
#![expect(clippy::string_slice, reason = "the places are those of tokens, which cut no character")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use weir::diagnostic::{Diagnostic, Severity};
use weir::project::Project;
use weir::source::{FileId, Sources, Span};
use weir::syntax::ast::{Block, ClauseKind, Item, Member, Stmt, StmtKind, TypeKind};
use weir::syntax::{Token, parse, tokens};

/// How many slips are made, where the environment doesn't say.
const MUTATIONS: usize = 2_500;

/// How many in a hundred have to be told where they are.
const WANTED: f64 = 95.0;

/// A program that checks without an error: its text, its tokens, and the places that a slip in it may be told at.
struct Program {
    text: String,
    tokens: Vec<Range<usize>>,
    /// Whether a token is a word that may be misspelt: one that declares a name is right however it is spelt.
    words: Vec<bool>,
    units: Vec<Range<usize>>,
}

impl Program {
    /// None where the text has errors of its own.
    fn of(text: String) -> Option<Program> {
        if !errors(&text).is_empty() {
            return None;
        }
        let mut sources = Sources::default();
        let file = sources.add("program.flow", text.as_str());
        let (tree, _) = parse(&sources, file);
        let mut units = Vec::new();
        for item in &tree.items {
            item_units(item, &text, &mut units);
        }
        let seen: Vec<(Token, Range<usize>)> =
            tokens(&text).filter(|(token, _)| !matches!(token, Token::Space | Token::Comment | Token::Doc | Token::FileDoc)).collect();
        let names = declared(&tree.items);
        let words = seen.iter().map(|(token, range)| *token == Token::Word && !names.contains(&range.start)).collect();
        let tokens = seen.into_iter().map(|(_, range)| range).collect();
        Some(Program { text, tokens, words, units })
    }

    /// The smallest unit that a token is in, from the end of the token before it: what is missing is told there.
    fn unit(&self, token: usize) -> Range<usize> {
        let own = &self.tokens[token];
        let found = self.units.iter().filter(|unit| unit.start <= own.start && own.end <= unit.end).min_by_key(|unit| unit.len());
        let unit = found.unwrap_or(own);
        let before = self.tokens.iter().rev().find(|range| range.end <= unit.start).map_or(0, |range| range.end);
        before..unit.end
    }
}

/// Where the names stand that declarations, fields, options, inputs and `let`s give.
fn declared(items: &[Item]) -> BTreeSet<usize> {
    let mut starts = BTreeSet::new();
    for item in items {
        let (name, clauses, body) = match item {
            Item::Entity(entity) => {
                for member in &entity.members {
                    if let Member::Field(field) = member {
                        starts.insert(field.name.span.start as usize);
                        if let TypeKind::InlineChoice { options, .. } = &field.ty.kind {
                            starts.extend(options.iter().map(|option| option.name.span.start as usize));
                        }
                    }
                }
                (&entity.name, &[][..], None)
            }
            Item::Choice(choice) => {
                starts.extend(choice.options.iter().map(|option| option.name.span.start as usize));
                (&choice.name, &[][..], None)
            }
            Item::Flow(flow) => (&flow.name, &flow.clauses[..], Some(&flow.body)),
            Item::Action(action) => (&action.name, &action.clauses[..], Some(&action.body)),
            Item::Plugin(plugin) => (&plugin.name, &plugin.clauses[..], None),
            Item::Role(role) => (&role.name, &[][..], None),
            Item::Test(scenario) | Item::Given(scenario) | Item::Scenario(scenario) => (&scenario.name, &[][..], Some(&scenario.body)),
        };
        starts.insert(name.span.start as usize);
        for clause in clauses {
            if let ClauseKind::Input(field) | ClauseKind::Output(field) = &clause.kind {
                starts.insert(field.name.span.start as usize);
            }
        }
        body.into_iter().for_each(|body| {
            visit(body, &mut |statement| match &statement.kind {
                StmtKind::Let { name, .. } | StmtKind::LetResult { name, .. } => drop(starts.insert(name.span.start as usize)),
                StmtKind::Table { header, .. } => starts.extend(header.iter().map(|name| name.span.start as usize)),
                _ => {}
            })
        });
    }
    starts
}

/// What a person would take for one thing: heads of declarations, members, clauses, statements with their blocks.
fn item_units(item: &Item, text: &str, units: &mut Vec<Range<usize>>) {
    let (span, body) = match item {
        Item::Entity(entity) => {
            for member in &entity.members {
                match member {
                    Member::Field(field) => units.push(field.span.range()),
                    Member::Status(block) => units.push(block.span.range()),
                    Member::Key(_, span) | Member::OnDelete(_, _, span) | Member::OwnedBy(_, span) | Member::Audit(span) => {
                        units.push(span.range());
                    }
                    Member::Unread(_) => {}
                }
            }
            (entity.span, None)
        }
        Item::Choice(choice) => return units.push(choice.span.range()),
        Item::Flow(flow) => {
            units.extend(flow.clauses.iter().map(|clause| clause.span.range()));
            (flow.span, Some(&flow.body))
        }
        Item::Action(action) => {
            units.extend(action.clauses.iter().map(|clause| clause.span.range()));
            (action.span, Some(&action.body))
        }
        Item::Plugin(plugin) => {
            units.extend(plugin.clauses.iter().map(|clause| clause.span.range()));
            (plugin.span, None)
        }
        Item::Role(role) => {
            units.extend(role.privileges.iter().map(|privilege| privilege.span.range()));
            (role.span, None)
        }
        Item::Test(scenario) | Item::Given(scenario) | Item::Scenario(scenario) => (scenario.span, Some(&scenario.body)),
    };
    let whole = span.range();
    let head = text[whole.clone()].find('{').map_or(whole.end, |brace| whole.start + brace + 1);
    units.push(whole.start..head);
    body.into_iter().for_each(|body| visit(body, &mut |statement| units.push(statement.span.range())));
}

/// Each statement of a block, and of the blocks in it.
fn visit(block: &Block, each: &mut impl FnMut(&Stmt)) {
    for statement in &block.statements {
        each(statement);
        match &statement.kind {
            StmtKind::If { arms, otherwise } => {
                arms.iter().for_each(|(_, block)| visit(block, each));
                otherwise.iter().for_each(|block| visit(block, each));
            }
            StmtKind::Match { arms, .. } => arms.iter().for_each(|arm| visit(&arm.body, each)),
            StmtKind::WaitBranches(branches) => branches.iter().for_each(|branch| visit(&branch.body, each)),
            StmtKind::ForEach { body, .. } | StmtKind::Step { body, .. } | StmtKind::As { body, .. } | StmtKind::InTransaction(body) => {
                visit(body, each);
            }
            _ => {}
        }
    }
}

/// The errors of a text, in the order of their places.
fn errors(text: &str) -> Vec<Diagnostic> {
    let project = Project::from_text("program.flow", text);
    project.diagnostics.into_iter().filter(|one| one.severity() == Severity::Error).collect()
}

/// Every good program that the project has: examples, cases, pages.
fn programs() -> Vec<Program> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    for folder in ["examples", "tests/cases/check", "tests/cases/compile", "tests/cases/syntax"] {
        texts.extend(files(&root.join(folder), "flow").iter().map(|path| fs::read_to_string(path).unwrap()));
    }
    for folder in ["docs", "src/diagnostic/explain"] {
        texts.extend(files(&root.join(folder), "md").iter().flat_map(|path| blocks(&fs::read_to_string(path).unwrap())));
    }
    texts.into_iter().filter_map(Program::of).filter(|program| program.tokens.len() > 8).collect()
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The blocks of a page that hold flows.
fn blocks(page: &str) -> Vec<String> {
    let parts = page.split("```flow").skip(1);
    parts.filter_map(|part| part.split_once('\n')?.1.split_once("\n```").map(|(text, _)| text.to_owned() + "\n")).collect()
}

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// What is done to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Slip {
    Drop,
    Double,
    Swap,
    Misspell,
}

/// The text with a slip at a token, and where it may be told; none where the token can't have it.
fn slipped(program: &Program, slip: Slip, token: usize, dice: &mut Dice) -> Option<(String, Range<usize>)> {
    let (text, own) = (&program.text, program.tokens[token].clone());
    let mut region = program.unit(token);
    let word = &text[own.clone()];
    let (range, instead) = match slip {
        Slip::Drop => (own, String::new()),
        Slip::Double => (own, format!("{word} {word}")),
        Slip::Swap => {
            let next = program.tokens.get(token + 1)?.clone();
            let other = program.unit(token + 1);
            region = region.start.min(other.start)..region.end.max(other.end);
            (own.start..next.end, format!("{} {word}", &text[next.clone()]))
        }
        Slip::Misspell => {
            if !program.words[token] || word.len() < 3 {
                return None;
            }
            let at = 1 + dice.below(word.len() - 2);
            let mut letters: Vec<char> = word.chars().collect();
            if dice.below(2) == 0 {
                letters.remove(at);
            } else {
                letters.swap(at, at + 1);
            }
            let misspelt: String = letters.into_iter().collect();
            if misspelt == word {
                return None;
            }
            (own, misspelt)
        }
    };
    let changed = format!("{}{instead}{}", &text[..range.start], &text[range.end..]);
    region.end = (region.end + instead.len()).saturating_sub(range.len());
    Some((changed, region))
}

#[derive(Default)]
struct Figures {
    broken: usize,
    told: usize,
    /// How many errors there were beside the first.
    more: usize,
}

#[test]
fn a_slip_is_told_where_it_is() {
    let programs = programs();
    let wanted = std::env::var("MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(MUTATIONS);
    let mut dice = Dice(20_261_120);
    let mut figures: BTreeMap<Slip, Figures> = BTreeMap::new();
    let mut misses = Vec::new();
    for _ in 0..wanted {
        let program = &programs[dice.below(programs.len())];
        let token = dice.below(program.tokens.len());
        let slip = [Slip::Drop, Slip::Double, Slip::Swap, Slip::Misspell][dice.below(4)];
        let Some((text, region)) = slipped(program, slip, token, &mut dice) else { continue };
        let errors = errors(&text);
        let Some(first) = errors.first() else { continue };
        let figures = figures.entry(slip).or_default();
        figures.broken += 1;
        figures.more += errors.len() - 1;
        let at = first.span().unwrap_or(Span::new(FileId(0), 0, 0)).start as usize;
        if (region.start..=region.end).contains(&at) {
            figures.told += 1;
        } else {
            misses.push(miss(slip, &text, region, &errors));
        }
    }
    let (mut broken, mut told, mut more) = (0, 0, 0);
    for (slip, figures) in &figures {
        println!("{slip:?}: {} of {} told where they are, {} errors more", figures.told, figures.broken, figures.more);
        broken += figures.broken;
        told += figures.told;
        more += figures.more;
    }
    let rate = 100.0 * told as f64 / broken as f64;
    println!("{} programs, {wanted} slips, {broken} of them errors: {told} told where they are ({rate:.1} %)", programs.len());
    println!("{more} errors beside the first ({:.2} a slip)", more as f64 / broken as f64);
    if std::env::var_os("MISSES").is_some() {
        println!("{}", misses.concat());
    }
    assert!(broken > wanted / 2, "only {broken} of {wanted} slips were errors");
    assert!(rate >= WANTED, "{rate:.1} % are told where they are:\n{}", misses[..misses.len().min(20)].concat());
}

/// The lines of a slip, and what was told instead.
fn miss(slip: Slip, text: &str, region: Range<usize>, errors: &[Diagnostic]) -> String {
    let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
    let shown: Vec<&str> = text.lines().skip(line(region.start) - 1).take(line(region.end) + 1 - line(region.start)).collect();
    let mut out = format!("--- {slip:?} in lines {}-{}:\n{}\n", line(region.start), line(region.end), shown.join("\n"));
    for error in errors.iter().take(3) {
        let at = error.span().map_or(0, |span| span.start as usize);
        let code = error.code.name();
        out +=
            &format!("  told in line {}: {code} {}   | {}\n", line(at), error.message, text.lines().nth(line(at) - 1).unwrap_or_default());
    }
    out
}
