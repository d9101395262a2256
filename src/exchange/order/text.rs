//! An order as text for people: the stages of what was asked about with everything that there is to say of each step, and
//! beneath them, as a tree, what the steps may cause.
//!
//! An event with steps has a number. It is shown where it comes least deep, and named by its number everywhere else, so the text
//! is no longer than the graph is large.

use std::fmt::Write;

use super::words::{self, MOST_NAMES, STAGES, numbers, title};
use crate::diagnostic::render::{several, visible};
use crate::exchange::wrap;
use crate::pipeline::order::{Act, Event, Kind, Order, Part, Place, Step, What};

/// How long a condition is before it is cut, in characters.
const LONGEST: usize = 72;

/// How deep the tree is shown; chains of children and cascades that are longer are in the JSON.
const DEEPEST: usize = 40;

/// An order as text, in lines of so many columns where their words allow it.
pub fn order_text(order: &Order, width: usize) -> String {
    let mut printer = Printer {
        order,
        text: String::new(),
        numbers: numbers(&order.events),
        events: vec![false; order.events.len()],
        parts: vec![false; order.parts.len()],
        above: Vec::new(),
    };
    printer.all();
    let mut lines = Vec::new();
    for line in printer.text.lines() {
        let line = visible(line);
        let words = line.trim_start_matches(' ');
        wrap(words.trim_end(), line.len() - words.len(), width, &mut lines);
    }
    lines.push(String::new());
    lines.join("\n")
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
        self.line(0, &format!("\nAt most: {}", words::bounds(&order.bounds)));
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
                self.line(1, &format!("30 core operation: the record is {}", words::done(event)));
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
        self.line(2, &format!("{name}, {}{via}  ({file}:{line})", words::kind(*kind)));
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
            self.line(4, &format!("when {}", words::cut(when, LONGEST)));
        }
        if let Some(only_if) = &step.only_if {
            self.line(4, &words::only_if(only_if));
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
        let mut words = words::verb(act.what).to_owned();
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
    fn caused(&mut self, index: usize, said: &str, level: usize) {
        let Some(event) = self.order.events.get(index) else { return };
        let number = self.number(index);
        let depth = self.above.len() as u32 + 1;
        if !event.followed {
            return self.line(level, &format!("{said}: {}", words::not_followed(event, &self.order.bounds)));
        }
        if number.is_empty() {
            return self.line(level, said);
        }
        if self.above.contains(&index) {
            return self.line(level, &format!("{said}{number}, a circle"));
        }
        if self.events.get(index).copied().unwrap_or(true) || event.depth < depth || level > DEEPEST {
            return self.line(level, &format!("{said}{number}, told elsewhere"));
        }
        self.mark(index);
        self.line(level, &format!("{said}{number}"));
        self.above.push(index);
        for step in &event.steps {
            let stage = step.stage.map_or("queued".to_owned(), |stage| stage.to_string());
            let plugin = if step.place.kind == Kind::Plugin { "plug-in, " } else { "" };
            let rank = if step.place.kind == Kind::Action { String::new() } else { format!(" ({plugin}rank {})", step.rank) };
            let only_if = step.only_if.as_ref().map(|only_if| format!(", {}", words::only_if(only_if))).unwrap_or_default();
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
