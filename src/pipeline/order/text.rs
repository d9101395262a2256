//! An order as text for people: the stages of what was asked about with everything that there is to say of each step, and
//! beneath them, as a tree, what the steps may cause.
//!
//! An event with steps has a number. It is shown where it comes least deep, and named by its number everywhere else, so the text
//! is no longer than the graph is large.

use std::fmt::{self, Write};

use super::{Act, Bounds, Event, Kind, OnlyIf, Order, Part, Place, Step, What};
use crate::diagnostic::render::{counted, several, visible};

/// How many names a list has before it is cut.
const MOST_NAMES: usize = 6;

/// How long a condition is before it is cut, in characters.
const LONGEST: usize = 72;

/// How deep the tree is shown; chains of children and cascades that are longer are in the JSON.
const DEEPEST: usize = 40;

/// The stages as they are headed.
const STAGES: [(Option<u8>, &str); 5] = [
    (Some(10), "pre-validation"),
    (Some(20), "pre-operation"),
    (Some(30), "core operation"),
    (Some(40), "post-operation"),
    (None, "queued, to run after the transaction"),
];

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printer = Printer {
            order: self,
            text: String::new(),
            numbers: numbers(&self.events),
            events: vec![false; self.events.len()],
            parts: vec![false; self.parts.len()],
            above: Vec::new(),
        };
        printer.all();
        printer.text.lines().try_for_each(|line| writeln!(f, "{}", visible(line).trim_end()))
    }
}

struct Printer<'a> {
    order: &'a Order,
    text: String,
    numbers: Vec<Option<usize>>,
    /// What was shown.
    events: Vec<bool>,
    parts: Vec<bool>,
    /// The events that what is being shown is part of.
    above: Vec<usize>,
}

impl<'a> Printer<'a> {
    fn all(&mut self) {
        let order = self.order;
        for (index, act) in order.acts.iter().enumerate() {
            if index > 0 {
                self.line(0, "\nor, where there is such a record already:\n");
            }
            self.asked(act);
        }
        let roots: Vec<usize> = order.acts.iter().flat_map(|act| act.events.iter().copied()).collect();
        roots.iter().for_each(|event| self.mark(*event));
        self.causes(&roots);
        for Place { name, file, line, .. } in &order.drafts {
            self.line(0, &format!("\nNot active: `{name}` is a draft ({file}:{line})."));
        }
        if !order.complete {
            self.line(0, "\nThere is more than is listed here: some events are named and not followed.");
        }
        self.line(0, &format!("\nAt most: {}", order.bounds));
    }

    fn line(&mut self, level: usize, words: &str) {
        let _ = writeln!(self.text, "{:1$}{words}", "", 2 * level);
    }

    fn mark(&mut self, event: usize) {
        if let Some(shown) = self.events.get_mut(event) {
            *shown = true;
        }
    }

    /// What was asked about, with its stages.
    fn asked(&mut self, act: &'a Act) {
        if let What::Run = act.what {
            self.line(0, &format!("Run {} on a record of {}", act.of, self.order.entity.as_deref().unwrap_or("")));
        }
        let order = self.order;
        // A pass that is only possible, and on which nothing runs, is no news.
        let is_news =
            |event: &Event| !event.fields.is_empty() || !event.steps.is_empty() || event.more_fields.as_ref().is_none_or(Vec::is_empty);
        let passes = act.events.iter().filter_map(|event| Some((event, order.events.get(*event)?)));
        for (index, (event, found)) in passes.filter(|(_, found)| is_news(found)).enumerate() {
            if index > 0 {
                self.line(0, "");
            }
            let each = if act.repeats.is_some() { ", for each target by itself" } else { "" };
            self.line(0, &format!("{}{}{each}", title(found), self.number(*event)));
            self.stages(found);
        }
    }

    fn stages(&mut self, event: &'a Event) {
        for (stage, words) in STAGES {
            let steps: Vec<&Step> = event.steps.iter().filter(|step| step.stage == stage).collect();
            let number = stage.map(|stage| format!("{stage} ")).unwrap_or_default();
            if stage == Some(30) && steps.is_empty() {
                self.line(1, &format!("30 core operation: the record is {}", done(event)));
                self.gone(event, 2);
            } else if !steps.is_empty() {
                self.line(1, &format!("{number}{words}"));
                steps.into_iter().for_each(|step| self.step(step));
            }
        }
    }

    /// A step with everything that there is to say of it.
    fn step(&mut self, step: &Step) {
        let Place { name, kind, file, line } = &step.place;
        let via = step.via.map(|via| format!(" via {via}")).unwrap_or_default();
        self.line(2, &format!("{name}, {}{via}  ({file}:{line})", words(*kind)));
        let mut said = vec![step.why.clone()];
        said.extend((!step.triggers.is_empty()).then(|| format!("on {}", several(&step.triggers, MOST_NAMES))));
        if step.run_as == "owner" {
            said.push(step.owner.as_ref().map_or("as its owner".to_owned(), |owner| format!("as its owner {owner}")));
        }
        if step.scope != "organization" {
            said.push(format!("scope {}", step.scope));
        }
        self.line(4, &said.join("; "));
        if let Some(when) = &step.when {
            self.line(4, &format!("when {}", cut(when)));
        }
        if let Some(only_if) = &step.only_if {
            self.line(4, &only_if.to_string());
        }
    }

    /// What goes with a deleted record, and what keeps it.
    fn gone(&mut self, event: &Event, level: usize) {
        if !event.restricted_by.is_empty() {
            self.line(level, &format!("refused while a record refers to it by {}", several(&event.restricted_by, MOST_NAMES)));
        }
        if !event.empties.is_empty() {
            self.line(level, &format!("empties {}, without an event", several(&event.empties, MOST_NAMES)));
        }
    }

    /// The tree.
    fn causes(&mut self, roots: &[usize]) {
        let order = self.order;
        let before = self.text.len();
        let heading = "\nWhat they may cause\n";
        self.text.push_str(heading);
        for event in roots.iter().filter_map(|event| order.events.get(*event).map(|found| (*event, found))) {
            self.above.push(event.0);
            for step in &event.1.steps {
                self.part_of_step(step, 1, &step.place.name);
            }
            self.cascades(event.1, 1);
            self.above.pop();
        }
        if let [Act { what: What::Run, of, part: Some(part), .. }] = order.acts.as_slice() {
            self.part(*part, 1, of);
        }
        if self.text.len() == before + heading.len() {
            self.text.truncate(before);
            let runs = order.events.iter().any(|event| !event.steps.is_empty()) || order.events.is_empty();
            self.line(0, if runs { "\nThey cause nothing else." } else { "\nNothing runs on it." });
        }
    }

    /// What a step does, beneath its name; nothing where it does nothing.
    fn part_of_step(&mut self, step: &Step, level: usize, name: &str) {
        if let Some(part) = step.part {
            self.part(part, level, name);
        }
    }

    fn part(&mut self, index: usize, level: usize, name: &str) {
        let is_new = !self.parts.get(index).copied().unwrap_or(true);
        if is_new && self.order.parts.get(index).is_some_and(|part| !part.acts.is_empty()) {
            self.with_acts(Some(index), level, name.to_owned());
        }
    }

    /// A line about something that runs, and what it does beneath it, where that wasn't shown yet.
    fn with_acts(&mut self, index: Option<usize>, level: usize, mut words: String) {
        let found = index.and_then(|index| Some((index, self.order.parts.get(index)?))).filter(|(_, part)| !part.acts.is_empty());
        let shown = found.is_some_and(|(index, _)| self.parts.get(index).copied().unwrap_or(true));
        if shown || level > DEEPEST {
            words.push_str(", does what is told elsewhere");
        }
        self.line(level, &words);
        if let Some((index, part)) = found.filter(|_| !shown && level <= DEEPEST) {
            self.acts(index, part, level + 1);
        }
    }

    fn acts(&mut self, index: usize, part: &'a Part, level: usize) {
        if let Some(shown) = self.parts.get_mut(index) {
            *shown = true;
        }
        if !part.in_order {
            self.line(level, "in any order, any number of times:");
        }
        part.acts.iter().for_each(|act| self.act(act, level));
    }

    fn act(&mut self, act: &'a Act, level: usize) {
        let mut words = act.what.verb().to_owned();
        let own = act.what == What::Set;
        if !own && !act.of.is_empty() {
            let _ = write!(words, " {}", act.of);
        }
        if !act.fields.is_empty() && act.what != What::Create {
            let _ = write!(words, " ({})", several(&act.fields, MOST_NAMES));
        }
        if let Some(line) = act.line {
            let _ = write!(words, ", line {line}");
        }
        if let Some(entity) = &act.for_each {
            let _ = write!(words, ", for each {entity}");
        }
        if act.what == What::Set && act.events.is_empty() {
            words.push_str(", before it is written");
        }
        match act.events.as_slice() {
            [only] => self.caused(*only, &words, level),
            [] => self.with_acts(act.part, level, words),
            events => {
                self.line(level, &words);
                for event in events {
                    let message = self.order.events.get(*event).map(title).unwrap_or_default();
                    self.caused(*event, &message, level + 1);
                }
            }
        }
    }

    /// An event that something is, and what runs on it.
    fn caused(&mut self, index: usize, words: &str, level: usize) {
        let Some(event) = self.order.events.get(index) else { return };
        let number = self.number(index);
        let depth = self.above.len() as u32 + 1;
        if !event.followed {
            let why = if event.depth > self.order.bounds.max_depth { "refused there: too deep" } else { "not followed" };
            return self.line(level, &format!("{words}: {why}"));
        }
        if number.is_empty() {
            return self.line(level, words);
        }
        if self.above.contains(&index) {
            return self.line(level, &format!("{words}{number}, a circle"));
        }
        if self.events.get(index).copied().unwrap_or(true) || event.depth < depth || level > DEEPEST {
            return self.line(level, &format!("{words}{number}, told elsewhere"));
        }
        self.mark(index);
        self.line(level, &format!("{words}{number}"));
        self.above.push(index);
        for step in &event.steps {
            let stage = step.stage.map_or("queued".to_owned(), |stage| stage.to_string());
            let plugin = if step.place.kind == Kind::Plugin { "plug-in, " } else { "" };
            let rank = if step.place.kind == Kind::Action { String::new() } else { format!(" ({plugin}rank {})", step.rank) };
            let only_if = step.only_if.as_ref().map(|only_if| format!(", {only_if}")).unwrap_or_default();
            self.with_acts(step.part, level + 1, format!("{stage} {}{rank}{only_if}", step.place.name));
        }
        self.gone(event, level + 1);
        self.cascades(event, level + 1);
        self.above.pop();
    }

    fn cascades(&mut self, event: &'a Event, level: usize) {
        for cascade in &event.cascades {
            let words = format!("deletes first what refers to it by {}", cascade.lookup);
            if self.above.contains(&cascade.event) {
                self.line(level, &format!("{words}{}, a circle", self.number(cascade.event)));
                continue;
            }
            // It is no deeper than the delete that it goes along with.
            let outer = self.above.pop();
            self.caused(cascade.event, &words, level);
            self.above.extend(outer);
        }
    }

    /// The number of an event, where there is something to refer to.
    fn number(&self, index: usize) -> String {
        self.numbers.get(index).copied().flatten().map(|number| format!(" [{number}]")).unwrap_or_default()
    }
}

/// The numbers of the events of which there is something to tell.
fn numbers(events: &[Event]) -> Vec<Option<usize>> {
    let mut count = 0;
    let number = |event: &Event| {
        let beside = [event.cascades.len(), event.restricted_by.len(), event.empties.len()];
        let told = !event.steps.is_empty() || beside.iter().any(|count| *count > 0);
        count += usize::from(told);
        told.then_some(count)
    };
    events.iter().map(number).collect()
}

/// What an event is: `Update account (name, size)`.
fn title(event: &Event) -> String {
    let entity = event.entity.as_ref().map(|entity| format!(" {entity}")).unwrap_or_default();
    let fields = match (&event.fields[..], &event.more_fields) {
        ([], Some(more)) if more.is_empty() || event.message != "Update" => String::new(),
        (fields, Some(more)) if more.is_empty() => format!(" ({})", several(fields, MOST_NAMES)),
        (_, Some(more)) => format!(" (some of {})", several(more, MOST_NAMES)),
        (_, None) => " (any fields)".to_owned(),
    };
    format!("{}{entity}{fields}", event.message)
}

fn done(event: &Event) -> &'static str {
    match event.message.as_str() {
        "Create" => "created",
        "Delete" => "deleted",
        _ => "updated",
    }
}

fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Flow => "flow",
        Kind::Plugin => "plug-in",
        Kind::Action => "action",
    }
}

impl fmt::Display for OnlyIf {
    /// Where it runs: `only if name or size is submitted, or Adds sets size`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let submits = (!self.submits.is_empty()).then(|| {
            let one_of = if self.submits.len() == 1 { "" } else { "one of " };
            format!("{one_of}{} is submitted", several(&self.submits, MOST_NAMES))
        });
        let sets = self.sets.iter().map(|sets| format!("`{}` sets {}", sets.step, several(&sets.fields, MOST_NAMES)));
        let all: Vec<String> = submits.into_iter().chain(sets).collect();
        write!(f, "only if {}", all.join(" or "))
    }
}

impl fmt::Display for Bounds {
    /// In a line: `depth 3 of 8, 4 nested operations, 60 instructions, 9 statements`; what isn't known in two more.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = [(self.operations, "nested operation"), (self.instructions, "instruction"), (self.statements, "statement")];
        write!(f, "depth {} of {}", self.depth, self.max_depth)?;
        for (number, of) in numbers {
            number.map_or(Ok(()), |number| write!(f, ", {}", counted(usize::try_from(number).unwrap_or(usize::MAX), of)))?;
        }
        let why = |reason: &&str| match *reason {
            "loop" => "loops go through records",
            "query" => "queries go through records",
            "cascade" => "deletes take others along",
            "outside" => "code is outside the language",
            _ => "there is more than is listed",
        };
        let unknown: Vec<String> = numbers.iter().filter(|(number, _)| number.is_none()).map(|(_, of)| format!("{of}s")).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let why: Vec<&str> = self.unknown.iter().map(why).collect();
        write!(f, "\n  not known: {}\n  because {}", unknown.join(", "), why.join(", and "))
    }
}

fn cut(text: &str) -> String {
    let cut: String = text.chars().take(LONGEST).collect();
    if cut.len() < text.len() { format!("{cut} …") } else { cut }
}
