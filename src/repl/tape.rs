//! What was typed, kept as the statements of a test: with what became of each operation, and what each value was.
//!
//! Nothing in here runs anything: `save.rs` does, and takes out what doesn't hold in a fresh store.

use jiff::{SignedDuration, Timestamp};
use smol_str::SmolStr;

use super::words;
use crate::diagnostic::Code;
use crate::pipeline::Ending;
use crate::scenario::{Event, EventKind, Line};
use crate::schema::Schema;
use crate::value::{Type, Value};

/// The start of every test: 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// What acts where nobody is named.
const NOBODY: &str = crate::pipeline::ADMINISTRATOR_NAME;

/// What was typed so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Tape {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    /// Who acted.
    by: Option<SmolStr>,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// A statement, with what is to be expected of it.
    Statement { text: String, expected: Option<String> },
    /// What a value was.
    Value(String),
    /// The clock was set.
    Now(Timestamp),
    /// The clock was moved by so much, in these words.
    Advance(String, SignedDuration),
}

/// A line of a test, and the entry that it comes from; whether the test can do without it.
pub(super) struct TestLine {
    pub text: String,
    pub entry: Option<usize>,
    pub optional: bool,
}

impl Tape {
    /// How much is on it.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Forgets what came after its first entries.
    pub fn truncate(&mut self, length: usize) {
        self.entries.truncate(length);
    }

    /// A statement that has run, and what happened.
    pub fn statement(&mut self, text: &str, line: &Line, events: &[Event], sound: bool) {
        let last = events.iter().rev().find_map(|event| match &event.kind {
            EventKind::Operation { outcome, expected, .. } => Some((&outcome.ending, *expected)),
            _ => None,
        });
        let expected = match last {
            Some((Ending::Stopped { reason, .. }, false)) => Some(format!("expect stopped {}", words::quoted(reason))),
            Some((Ending::Fault(fault), false)) if fault.code == Code::F29 => return,
            Some((Ending::Fault(fault), false)) => Some(format!("expect fault {}", fault.code.name())),
            _ => None,
        };
        if sound {
            self.push(line, What::Statement { text: text.trim().to_owned(), expected });
        }
    }

    /// What a value was.
    pub fn value(&mut self, text: &str, value: &Value, ty: &Type, schema: &Schema, line: &Line) {
        let text = text.trim();
        let held = match value {
            Value::Boolean(true) => format!("expect {text}"),
            Value::Boolean(false) => format!("expect not ({text})"),
            Value::Empty => format!("expect ({text}) is empty"),
            Value::Integer(_) | Value::Decimal(_) | Value::Text(_) | Value::Choice(_) | Value::Date(_) => {
                let simple = text.chars().all(|character| character.is_alphanumeric() || "_.".contains(character));
                let side = if simple { text.to_owned() } else { format!("({text})") };
                format!("expect {side} == {}", words::value(value, ty, schema))
            }
            _ => return,
        };
        self.push(line, What::Value(held));
    }

    /// The clock was set.
    pub fn now(&mut self, moment: Timestamp, line: &Line) {
        self.push(line, What::Now(moment));
    }

    /// The clock was moved.
    pub fn advance(&mut self, text: &str, by: SignedDuration, line: &Line) {
        self.push(line, What::Advance(text.trim().to_owned(), by));
    }

    fn push(&mut self, line: &Line, what: What) {
        self.entries.push(Entry { by: line.acting.as_ref().map(|(name, _)| name.clone()), what });
    }

    /// The lines of a test of all that, without some of its entries.
    pub fn test(&self, title: &str, without: &[usize]) -> Vec<TestLine> {
        let plain = |text: String| TestLine { text, entry: None, optional: true };
        let mut lines = vec![plain(format!("test {title} {{"))];
        if self.entries.windows(2).any(|pair| matches!(pair, [Entry { by: Some(_), .. }, Entry { by: None, .. }])) {
            lines.push(plain(format!("  user \"{NOBODY}\" {{}}")));
        }
        let (mut acting, mut depth, mut clock) = (None, 1, START);
        for (index, entry) in self.entries.iter().enumerate() {
            if entry.by != acting {
                let name = entry.by.as_deref().unwrap_or(NOBODY);
                lines.push(plain(format!("{}as {} {{", "  ".repeat(depth), words::quoted(name))));
                acting.clone_from(&entry.by);
                depth += 1;
            }
            if without.contains(&index) {
                continue;
            }
            let followed = self.entries.get(index + 1).is_some_and(|next| next.is_about_the_last());
            for text in entry.texts(followed, &mut clock) {
                let optional = matches!(entry.what, What::Value(_));
                lines.push(TestLine { text: indented(&text, depth), entry: Some(index), optional });
            }
        }
        lines.extend((0..depth).rev().map(|level| plain("  ".repeat(level) + "}")));
        lines
    }
}

impl Entry {
    fn texts(&self, followed: bool, clock: &mut Timestamp) -> Vec<String> {
        match &self.what {
            What::Statement { text, expected } => {
                let expected = expected.clone().filter(|_| !followed);
                [Some(text.clone()), expected].into_iter().flatten().collect()
            }
            What::Value(text) => vec![text.clone()],
            What::Advance(text, by) => {
                *clock = clock.saturating_add(*by).unwrap_or(*clock);
                vec![text.clone()]
            }
            What::Now(moment) => {
                let minutes = moment.duration_since(*clock).as_mins();
                *clock = *moment;
                // A test's clock goes only forward.
                if minutes > 0 { vec![format!("advance {minutes} minutes")] } else { Vec::new() }
            }
        }
    }

    /// Whether it is an `expect` about the operation before it.
    fn is_about_the_last(&self) -> bool {
        let What::Statement { text, .. } = &self.what else { return false };
        let mut words = text.split_whitespace();
        words.next() == Some("expect") && matches!(words.next(), Some("stopped" | "fault"))
    }
}

/// A statement at its place in a block; a text of several lines is left alone, since its own indentation counts.
fn indented(text: &str, depth: usize) -> String {
    let blanks = "  ".repeat(depth);
    if text.contains("\"\"\"") {
        return format!("{blanks}{text}");
    }
    text.lines().map(|line| format!("{blanks}{line}")).collect::<Vec<_>>().join("\n")
}
