//! What was typed, kept as the statements of a test: with what became of each operation, which flows ran, what records came to hold, and
//! what each value was.
//!
//! A name that is given twice is another one in the test, from the first statement on that gives it again. Nothing in here runs anything:
//! `save.rs` does, and takes out what doesn't hold in a fresh store.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use smol_str::{SmolStr, format_smolstr};

use super::{view, words};
use crate::check::{Lines, ir};
use crate::diagnostic::Code;
use crate::exchange;
use crate::pipeline::{Ending, Outcome};
use crate::project::written;
use crate::scenario::{Event, EventKind, Line};
use crate::schema::{Field, Schema};
use crate::source::{Sources, Span};
use crate::syntax::keywords::OPERATORS;
use crate::syntax::{Token, tokens};
use crate::value::{EntityId, Reference, Type, Value};

/// The start of every test: 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// How many flows are named that were considered and didn't run.
const MOST: usize = 8;

/// What was typed so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Tape {
    entries: Vec<Entry>,
    /// What each `let` is called in the test, in the order of their numbers.
    names: Vec<(ir::LocalId, SmolStr)>,
}

#[derive(Clone, Debug)]
struct Entry {
    /// Who acted.
    by: Option<SmolStr>,
    what: What,
    /// What was seen of it: an `expect` a line, each of which the test can do without.
    held: Vec<String>,
}

#[derive(Clone, Debug)]
enum What {
    /// A statement, with what has to be said of its end where it wasn't committed.
    Statement { text: String, ended: Option<String> },
    /// A value was looked at.
    Value,
    /// The clock was set.
    Now(Timestamp),
    /// The clock was moved by so much, in these words.
    Advance(String, SignedDuration),
}

/// Something that was typed, with the `let`s in it.
#[derive(Clone, Copy)]
pub(super) struct Typed<'a> {
    text: &'a str,
    span: Span,
    used: &'a [(Span, ir::LocalId)],
}

impl<'a> Typed<'a> {
    /// The last statement, or the value in it that stands there.
    pub fn of(sources: &'a Sources, lines: &'a Lines, span: Span) -> Self {
        Typed { text: sources.slice(span), span, used: lines.used() }
    }
}

/// What is known when something is put on the tape.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub schema: &'a Schema,
    pub lines: &'a Lines,
    pub line: &'a Line,
    /// Whether the clock stands, so that moments are the same in another run.
    pub stands: bool,
}

/// A line of a test; where the test can do without it, its number among those.
pub(super) struct TestLine {
    pub text: String,
    pub optional: Option<usize>,
}

/// A test, and what is to be said of it.
pub(super) struct Test {
    pub lines: Vec<TestLine>,
    pub notes: Vec<String>,
}

impl Tape {
    /// How much is on it.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Forgets what came after its first entries, and after so many `let`s.
    pub fn truncate(&mut self, length: usize, lets: usize) {
        self.entries.truncate(length);
        self.names.retain(|(id, _)| usize::from(id.0) < lets);
    }

    /// A statement that has run, and what happened.
    pub fn statement(&mut self, typed: &Typed<'_>, events: &[Event], seen: &Seen<'_>) {
        let text = self.text(typed, seen);
        let last = events.iter().rev().find_map(|event| match &event.kind {
            EventKind::Operation { outcome, expected, .. } => Some((outcome, *expected)),
            _ => None,
        });
        let (mut ended, mut held) = (None, Vec::new());
        if let Some((outcome, expected)) = last {
            if matches!(&outcome.ending, Ending::Fault(fault) if fault.code == Code::F29) {
                return;
            }
            ended = written::ended(&outcome.ending).filter(|_| !expected);
            held.extend(written::ran(&outcome.ran).or_else(|| written::not_ran(&exchange::left_out(&outcome.trace, MOST))));
            held.extend(self.wrote(outcome, seen));
        }
        held.extend(jobs(events));
        self.push(seen.line, What::Statement { text, ended }, held);
    }

    /// What a value was.
    pub fn value(&mut self, typed: &Typed<'_>, value: &Value, ty: &Type, seen: &Seen<'_>) {
        let text = self.text(typed, seen);
        let is_operand = is_operand(&text);
        let side = if is_operand { text.clone() } else { format!("({text})") };
        let held = match value {
            Value::Boolean(true) if !is_operand => format!("expect {text}"),
            Value::Boolean(false) if !is_operand => format!("expect not {side}"),
            Value::Empty => format!("expect {side} is empty"),
            Value::Boolean(_) | Value::Integer(_) | Value::Decimal(_) | Value::Text(_) | Value::Choice(_) | Value::Date(_) => {
                format!("expect {side} == {}", words::value(value, ty, seen.schema))
            }
            _ => return,
        };
        self.push(seen.line, What::Value, vec![held]);
    }

    /// What the fields of a record were.
    pub fn record<'f>(
        &mut self,
        typed: &Typed<'_>,
        entity: EntityId,
        fields: impl Iterator<Item = (&'f Field, &'f Value)>,
        seen: &Seen<'_>,
    ) {
        let path = self.text(typed, seen);
        if is_path(&path) {
            let held = fields.filter_map(|(field, value)| self.field(&path, (entity, field), value, seen)).collect();
            self.push(seen.line, What::Value, held);
        }
    }

    /// The clock was set.
    pub fn now(&mut self, moment: Timestamp, line: &Line) {
        self.push(line, What::Now(moment), Vec::new());
    }

    /// The clock was moved, and jobs may have run.
    pub fn advance(&mut self, typed: &Typed<'_>, by: SignedDuration, events: &[Event], seen: &Seen<'_>) {
        let text = self.text(typed, seen);
        self.push(seen.line, What::Advance(text, by), jobs(events));
    }

    fn push(&mut self, line: &Line, what: What, held: Vec<String>) {
        self.entries.push(Entry { by: line.acting.as_ref().map(|(name, _)| name.clone()), what, held });
    }

    /// A text with the `let`s as they are called in the test.
    fn text(&mut self, typed: &Typed<'_>, seen: &Seen<'_>) -> String {
        let mut used: Vec<_> = typed.used.iter().filter(|(at, _)| at.file == typed.span.file && at.start >= typed.span.start).collect();
        used.sort();
        used.dedup();
        let mut text = typed.text.to_owned();
        let is_let = |id: &ir::LocalId| seen.lines.named().any(|(_, known, _)| known == *id);
        let new: Vec<_> = used.iter().filter(|(_, id)| is_let(id) && self.names.iter().all(|(known, _)| known != id)).collect();
        for (at, id) in new {
            let start = (at.start - typed.span.start) as usize;
            let name = text.get(start..).and_then(|rest| rest.get(..name_length(rest))).unwrap_or_default().trim_matches('`');
            let name = self.free(name, seen.schema);
            self.names.push((*id, name));
        }
        for (at, id) in used.into_iter().rev() {
            let start = (at.start - typed.span.start) as usize;
            let length = text.get(start..).map_or(0, name_length);
            if let Some(called) = self.called(*id).filter(|_| length > 0) {
                text.replace_range(start..start + length, &written::name(called));
            }
        }
        text.trim().to_owned()
    }

    /// What a `let` is called: those of the outputs of an action share the name of the first.
    fn called(&self, id: ir::LocalId) -> Option<&str> {
        self.names.iter().rev().find(|(known, _)| *known <= id).map(|(_, name)| name.as_str())
    }

    /// A name that nothing else has, the wanted one where that can be.
    fn free(&self, wanted: &str, schema: &Schema) -> SmolStr {
        let taken = |name: &str| self.names.iter().any(|(_, known)| known == name);
        let is_field = |name: &str| schema.entities.values().any(|entity| entity.fields.contains_key(name));
        let plain = wanted.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let mut numbered = (2_usize..).map(|number| format_smolstr!("{plain}{number}")).filter(|name| !taken(name) && !is_field(name));
        if taken(wanted) { numbered.next().unwrap_or_default() } else { wanted.into() }
    }

    /// What a record is called: by the newest `let` in sight that holds it.
    fn called_record(&self, record: Reference, seen: &Seen<'_>) -> Option<String> {
        let holds = |id: &ir::LocalId| seen.line.locals.get(usize::from(id.0)) == Some(&Value::Reference(record));
        let (_, id, _) = seen.lines.named().filter(|(_, id, _)| holds(id)).max_by_key(|(_, id, _)| *id)?;
        self.called(id).map(written::name)
    }

    /// What an operation wrote to records that have a name, beyond what it was told to.
    fn wrote(&self, outcome: &Outcome, seen: &Seen<'_>) -> Vec<String> {
        let wrote = exchange::trace_writes(outcome, seen.schema, &|record| self.called_record(record, seen).is_some());
        let line = |wrote: exchange::Wrote| {
            let field = seen.schema.entity(wrote.record.entity)?.fields.get(&wrote.field)?;
            self.field(&self.called_record(wrote.record, seen)?, (wrote.record.entity, field), &wrote.value, seen)
        };
        wrote.into_iter().filter_map(line).collect()
    }

    fn field(&self, record: &str, (entity, field): (EntityId, &Field), value: &Value, seen: &Seen<'_>) -> Option<String> {
        if written::is_own(field) || written::is_moment(field) && !seen.stands {
            return None;
        }
        let called = |record| self.called_record(record, seen).ok_or_else(String::new);
        written::expected(seen.schema, record, (entity, field), value, &called)
    }

    /// A user with all that was said of them, where they are named first: a test names a user once.
    fn user(&self, index: usize, user: &str) -> Vec<String> {
        let said =
            || self.entries.iter().enumerate().filter_map(|(at, entry)| Some((at, entry.user()?))).filter(|(_, (other, _))| *other == user);
        let mut parts: Vec<&str> = Vec::new();
        for (_, (_, part)) in said() {
            if !part.is_empty() && !parts.contains(&part) {
                parts.push(part);
            }
        }
        let is_first = said().next().is_some_and(|(at, _)| at == index);
        is_first.then(|| format!("{user} {{ {} }}", parts.join(", "))).into_iter().collect()
    }

    /// A test of all that, without some of the lines that it can do without.
    pub fn test(&self, title: &str, without: &BTreeSet<usize>) -> Test {
        let mut test = Test { lines: vec![TestLine { text: format!("test {title} {{"), optional: None }], notes: Vec::new() };
        let (mut acting, mut clock, mut number) = (None, START, 0);
        // What is held since the last thing that was done: it may have been seen twice.
        let mut held: BTreeSet<&str> = BTreeSet::new();
        for (index, entry) in self.entries.iter().enumerate() {
            let followed = self.entries.get(index + 1).is_some_and(Entry::is_about_the_last);
            let mut lines: Vec<TestLine> = Vec::new();
            let texts = match entry.user() {
                Some((user, _)) => self.user(index, user),
                None => entry.texts(followed, &mut clock, &mut test.notes),
            };
            lines.extend(texts.into_iter().map(|text| TestLine { text, optional: None }));
            if !lines.is_empty() {
                held.clear();
            }
            for text in &entry.held {
                number += 1;
                if !without.contains(&number) && held.insert(text) {
                    lines.push(TestLine { text: text.clone(), optional: Some(number) });
                }
            }
            if !lines.is_empty() {
                test.acts(&mut acting, entry.by.as_ref());
            }
            let depth = 1 + usize::from(acting.is_some());
            test.lines.extend(lines.into_iter().map(|line| TestLine { text: indented(&line.text, depth), ..line }));
        }
        test.acts(&mut acting, None);
        test.lines.push(TestLine { text: "}".to_owned(), optional: None });
        test
    }
}

impl Test {
    /// From here on somebody else acts.
    fn acts(&mut self, acting: &mut Option<SmolStr>, by: Option<&SmolStr>) {
        if acting.as_ref() == by {
            return;
        }
        let ends = acting.is_some().then(|| "  }".to_owned());
        let begins = by.map(|name| format!("  as {} {{", written::literal(name)));
        self.lines.extend([ends, begins].into_iter().flatten().map(|text| TestLine { text, optional: None }));
        *acting = by.cloned();
    }
}

impl Entry {
    /// The head of a `user` statement, and what stands in its braces.
    fn user(&self) -> Option<(&str, &str)> {
        let What::Statement { text, .. } = &self.what else { return None };
        let (head, parts) = text.strip_suffix('}')?.split_once('{')?;
        head.starts_with("user ").then(|| (head.trim(), parts.trim().trim_end_matches(',')))
    }

    /// What it takes to do it again.
    fn texts(&self, followed: bool, clock: &mut Timestamp, notes: &mut Vec<String>) -> Vec<String> {
        match &self.what {
            What::Statement { text, ended } => {
                let ended = ended.clone().filter(|_| !followed);
                [Some(text.clone()), ended].into_iter().flatten().collect()
            }
            What::Value => Vec::new(),
            What::Advance(text, by) => {
                *clock = clock.saturating_add(*by).unwrap_or(*clock);
                vec![text.clone()]
            }
            What::Now(moment) if *moment < *clock => {
                let (to, from) = (view::moment(*moment), view::moment(*clock));
                notes.push(format!("without `:now {to}`: the clock of a test only goes on, and it is {from} there by then"));
                Vec::new()
            }
            What::Now(moment) => {
                let minutes = moment.duration_since(*clock).as_mins();
                *clock = *moment;
                if minutes > 0 { vec![format!("advance {minutes} minutes")] } else { Vec::new() }
            }
        }
    }

    /// Whether it is an `expect` about the end of the operation before it.
    fn is_about_the_last(&self) -> bool {
        let What::Statement { text, .. } = &self.what else { return false };
        let mut words = text.split_whitespace();
        words.next() == Some("expect") && matches!(words.next(), Some("stopped" | "fault"))
    }
}

/// How the jobs stand that ran, by the last of each flow.
fn jobs(events: &[Event]) -> Vec<String> {
    let jobs = || events.iter().filter_map(|event| if let EventKind::Job(job) = &event.kind { Some(job) } else { None });
    let is_last = |at: usize, name: &SmolStr| jobs().skip(at + 1).all(|job| job.name != *name);
    let last = jobs().enumerate().filter(|(at, job)| is_last(*at, &job.name));
    last.filter_map(|(_, job)| written::job(&job.name, job.status)).collect()
}

/// How long the name is that a text begins with, in backticks or not; 0 where it begins with none.
fn name_length(text: &str) -> usize {
    let ticks = usize::from(text.starts_with('`'));
    let name = text.bytes().skip(ticks).take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    if name == 0 { 0 } else { name + 2 * ticks }
}

/// Whether a text is a name, or a path of names.
fn is_path(text: &str) -> bool {
    text.chars().all(|character| character.is_ascii_alphanumeric() || "_.`".contains(character))
}

/// Whether a value may stand beside an operator without brackets: it has none of its own outside of brackets and texts.
fn is_operand(text: &str) -> bool {
    let mut depth = 0;
    tokens(text).all(|(token, at)| {
        match token {
            Token::TextOpen | Token::ParenOpen | Token::BracketOpen => depth += 1,
            Token::TextClose | Token::ParenClose | Token::BracketClose => depth -= 1,
            _ => {}
        }
        let is_operator = token == Token::Operator || token == Token::Word && text.get(at).is_some_and(|word| OPERATORS.contains(&word));
        depth > 0 || !is_operator
    })
}

/// A statement at its place in a block; a text of several lines is left alone, since its own indentation counts.
fn indented(text: &str, depth: usize) -> String {
    let blanks = "  ".repeat(depth);
    if text.contains("\"\"\"") {
        return format!("{blanks}{text}");
    }
    text.lines().map(|line| format!("{blanks}{line}")).collect::<Vec<_>>().join("\n")
}
