//! A trace as lines for people: indented by level, with what didn't run and why beside what did.

use unicode_width::UnicodeWidthStr;

use super::Reader;
use crate::diagnostic::render::visible;
use crate::exchange::{GIVEN, KEPT};
use crate::pipeline::{ADMINISTRATOR, Actor, Border, Happening, Named, Outcome, StepVerdict, TraceEntry};
use crate::schema::Schema;
use crate::source::{Sources, Span};
use crate::value::{Type, Value};
use crate::vm::FactName;

/// How many columns a line of words has at least, however deep it stands.
const NARROWEST: usize = 40;

/// How much of a text is shown.
const LONGEST: usize = 60;

/// Levels beyond this one are indented no further.
const DEEPEST: usize = 20;

/// What happened in an operation, in lines of so many columns where their words allow it; nothing where no trace was asked for.
pub fn trace_lines(outcome: &Outcome, schema: &Schema, sources: &Sources, width: usize) -> Vec<String> {
    lines_of(&outcome.trace, schema, sources, width)
}

/// The lines of entries.
pub(in crate::exchange) fn lines_of(trace: &[TraceEntry], schema: &Schema, sources: &Sources, width: usize) -> Vec<String> {
    let reader = Reader { schema, sources };
    let mut lines = Vec::new();
    // As whom the operations act that are open, by their levels.
    let mut acting: Vec<(u32, &Actor)> = Vec::new();
    for entry in trace {
        acting.retain(|(level, _)| *level < entry.level);
        let mut paragraphs = reader.told(&entry.what);
        if let Happening::Operation { acting: actor, .. } = &entry.what {
            let known = acting.last().map_or(actor.record.id == ADMINISTRATOR, |(_, above)| above.record == actor.record);
            if let (false, Some(first)) = (known, paragraphs.first_mut()) {
                first.push_str(&format!(", as {}", actor_name(actor)));
            }
            acting.push((entry.level, actor));
        }
        if let Some(first) = paragraphs.first_mut() {
            first.push_str(&took(entry));
        }
        let indent = 2 * (entry.level as usize).min(DEEPEST);
        for (place, paragraph) in paragraphs.iter().enumerate() {
            wrap(&visible(paragraph), indent + if place > 0 { 2 } else { 0 }, width, &mut lines);
        }
    }
    lines
}

impl Reader<'_> {
    /// An entry in a few words, and what belongs to it below.
    pub(super) fn told(&self, what: &Happening) -> Vec<String> {
        match what {
            Happening::Operation { message, name, entity, record, values, .. } => {
                let record = record.map(|record| record.id.to_string());
                let words = [Some(*message), name.as_deref(), entity.as_deref(), record.as_deref()];
                let mut told = vec![words.into_iter().flatten().collect::<Vec<_>>().join(" ")];
                told.extend((!values.is_empty()).then(|| self.values(values)));
                told
            }
            Happening::Step { kind, name, stage, rank, span, record, verdict } => {
                let stage = stage.map(|stage| format!("{} ", stage as u8)).unwrap_or_default();
                let rank = rank.map(|rank| format!(", rank {rank}")).unwrap_or_default();
                let on = record.as_ref().map(|(entity, record)| format!(" on {entity} {}", record.id)).unwrap_or_default();
                let file = span.filter(|_| *verdict == StepVerdict::Ran && self.several_files()).and_then(|span| self.place(span));
                let file = file.map(|(file, _)| format!(" ({file})")).unwrap_or_default();
                vec![format!("{stage}{} {name}{on}{rank}{file}{}", kind.name(), self.verdict(verdict))]
            }
            Happening::Condition { span, is_match: false, holds, because } => {
                let truth = if *holds { "true" } else { "false" };
                let because = if because.is_empty() { String::new() } else { format!(", because {}", self.changes(because)) };
                vec![format!("condition {} is {truth}: {}{because}", self.on(*span), self.slice(*span))]
            }
            Happening::Condition { span, holds, because, .. } => {
                let value = if because.is_empty() { self.slice(*span) } else { self.values(because) };
                vec![format!("match {}: {value}{}", self.on(*span), if *holds { "" } else { ", which none of its arms names" })]
            }
            Happening::Read(values) => vec![format!("reads {}", self.values(values))],
            Happening::Query(value) => vec![format!("asks {}", self.values(std::slice::from_ref(value)))],
            Happening::Loop { span, records } => {
                let records = if *records == 1 { "1 record".to_owned() } else { format!("{records} records") };
                vec![format!("loop {} over {records}", self.on(*span))]
            }
            Happening::Turn { entity, record } => vec![format!("with {entity} {}", record.id)],
            Happening::Input(value) => vec![format!("sets input {}", self.changes(std::slice::from_ref(value)))],
            Happening::Shared(name, value) => vec![format!("shares {name} = {value}")],
            Happening::Output(value) => vec![format!("sets output {}", self.changes(std::slice::from_ref(value)))],
            Happening::Set(values) => vec![format!("sets {}", self.changes(values))],
            Happening::Core { what, entity, records, values } => self.core(what, entity, *records, values),
            other => self.rest(other),
        }
    }

    fn rest(&self, what: &Happening) -> Vec<String> {
        vec![match what {
            Happening::Log(text) => format!("log: {text}"),
            Happening::Group(title) => format!("step \"{title}\""),
            Happening::Skipped(span) => format!("left out {}: its record is empty", self.on(*span)),
            Happening::Call { via, to } => format!("calls the {via} `{to}`"),
            Happening::Finished(note) if note.is_empty() => "finished".to_owned(),
            Happening::Finished(note) => format!("finished: {note}"),
            Happening::Stopped { reason, .. } => format!("stopped: {reason}"),
            Happening::Failed { code, message, span } => {
                let on = span.map(|span| format!(" {}", self.on(span))).unwrap_or_default();
                format!("fault {}{on}: {message}", code.name())
            }
            // How the operation ended is told after its trace.
            Happening::Transaction(Border::Begin | Border::Commit | Border::Rollback) => return Vec::new(),
            Happening::Transaction(border) => border.name().to_owned(),
            Happening::Note(text) => text.clone(),
            _ => return Vec::new(),
        }]
    }

    fn verdict(&self, verdict: &StepVerdict) -> String {
        match verdict {
            StepVerdict::Ran => String::new(),
            StepVerdict::Queued => ": queued for the background".to_owned(),
            StepVerdict::When => ": not run, its `when` is false".to_owned(),
            StepVerdict::SameStage(fields) => {
                let named: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
                format!(": not run, {} came into the Target in this stage itself, and what its beginning found counts", named.join(", "))
            }
            StepVerdict::NotSubmitted(fields) => {
                let named: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
                let words = match named.as_slice() {
                    [only] => format!("{only} is not in the Target"),
                    [one, other] => format!("neither {one} nor {other} is in the Target"),
                    all => format!("none of {} is in the Target", all.join(", ")),
                };
                format!(": not run, {words}")
            }
            StepVerdict::Scope { level, of, owner } => {
                let (of, owner) = (actor_name(of), actor_name(owner));
                format!(": not run, out of its scope `{level}` (the record is owned by {owner}, the flow by {of})")
            }
        }
    }

    fn core(&self, what: &str, entity: &str, records: usize, values: &[Named]) -> Vec<String> {
        let said = |named: &&Named| match &named.name {
            FactName::Words(name) if what == "insert" => {
                !KEPT.contains(&name.as_str()) && !GIVEN.contains(&name.as_str()) && !named.value.is_empty()
            }
            FactName::Words(name) => !KEPT.contains(&name.as_str()),
            FactName::Source(_) => true,
        };
        let shown: Vec<Named> = values.iter().filter(said).cloned().collect();
        match what {
            "delete" => vec![format!("30 delete {entity}")],
            "remove links" => {
                let name = values.first().map(|named| self.name(&named.name)).unwrap_or_default();
                vec![format!("30 empties `{entity}.{name}` of {records}")]
            }
            _ => vec![format!("30 {what} {entity}: {}", self.changes(&shown))],
        }
    }

    /// Whether it is worth a word in which file something stands.
    fn several_files(&self) -> bool {
        self.sources.iter().filter(|(_, file)| !file.name.starts_with('<')).count() > 1
    }

    /// The place of a span in its file, in words.
    fn on(&self, span: Span) -> String {
        match self.place(span) {
            Some((_, line)) => format!("on line {line}"),
            None => "somewhere".to_owned(),
        }
    }

    pub(super) fn values(&self, values: &[Named]) -> String {
        let told = |named: &Named| format!("{} = {}", self.name(&named.name), self.value(&named.value, named.ty.as_ref()));
        values.iter().map(told).map(together).collect::<Vec<_>>().join(", ")
    }

    fn changes(&self, values: &[Named]) -> String {
        let told = |named: &Named| {
            let (name, new) = (self.name(&named.name), self.value(&named.value, named.ty.as_ref()));
            match &named.old {
                Some(old) if *old == named.value => format!("{name} = {new} (as it was)"),
                Some(old) => format!("{name}: {} → {new}", self.value(old, named.ty.as_ref())),
                None => format!("{name} = {new}"),
            }
        };
        values.iter().map(told).map(together).collect::<Vec<_>>().join(", ")
    }

    /// A value as the language writes it.
    fn value(&self, value: &Value, ty: Option<&Type>) -> String {
        self.schema.written(value, ty, LONGEST)
    }
}

fn actor_name(actor: &Actor) -> String {
    if actor.name.is_empty() { actor.record.id.to_string() } else { actor.name.to_string() }
}

/// How long it took, where that was measured and is worth a word.
fn took(entry: &TraceEntry) -> String {
    let told = matches!(&entry.what, Happening::Operation { .. } | Happening::Step { verdict: StepVerdict::Ran, .. });
    let micros = entry.took.as_micros();
    match micros {
        0 => String::new(),
        _ if !told => String::new(),
        1..1_000 => format!("  ({micros} µs)"),
        _ => format!("  ({}.{:02} ms)", micros / 1_000, micros % 1_000 / 10),
    }
}

/// Something that is not to be broken, where it is short enough for a line.
fn together(item: String) -> String {
    if item.chars().count() <= NARROWEST + LONGEST / 2 { item.replace(' ', "\u{a0}") } else { item }
}

/// Lines of words up to a column, as far as the words allow it, those after the first indented further.
pub fn wrap(text: &str, indent: usize, width: usize, lines: &mut Vec<String>) {
    let mut push = |line: &str, indent: usize| lines.push(format!("{:indent$}{}", "", line.replace('\u{a0}', " ")));
    let room = width.saturating_sub(indent).max(NARROWEST);
    let (mut line, mut deeper) = (String::new(), 0);
    // What is not to be broken is broken all the same where no line can hold it.
    let whole = text.split(' ').flat_map(|words| {
        let is_long = words.width() + 4 > room;
        words.split(move |letter| is_long && letter == '\u{a0}')
    });
    for word in whole {
        if !line.is_empty() && deeper + line.width() + 1 + word.width() > room {
            push(&line, indent + deeper);
            line.clear();
            deeper = 4;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    push(&line, indent + deeper);
}
