//! An order as a Mermaid flowchart: a box for each event with its steps in their order, an arrow for each thing that a step may cause.
//!
//! Whatever a project calls its parts, the text is a flowchart: ids are made of numbers, and names come in labels only, with every
//! character escaped that means something there.

use std::fmt::Write;

use super::links::{self, Links, Target};
use super::words::{self, MOST_NAMES, numbers, title};
use crate::diagnostic::render::{several, visible};
use crate::pipeline::order::{Event, Kind, Order, Step, What};

/// How much of a condition is shown, in characters.
const LONGEST: usize = 48;

/// How many arrows there are at most; Mermaid draws 500.
const MOST_ARROWS: usize = 500;

/// An order as a flowchart.
pub fn order_mermaid(order: &Order) -> String {
    let mut chart = Chart {
        order,
        text: "flowchart TD\n".to_owned(),
        numbers: numbers(&order.events),
        parts: vec![false; order.parts.len()],
        due: Vec::new(),
        arrows: Vec::new(),
        left_out: 0,
    };
    for (index, event) in order.events.iter().enumerate() {
        chart.event(index, event);
    }
    if let [act] = order.acts.as_slice()
        && let (What::Run, Some(part)) = (act.what, act.part)
    {
        chart.part(part, "flow");
    }
    while let Some(part) = chart.due.pop() {
        chart.part(part, "child flow");
    }
    chart.untold();
    for (from, said, to) in std::mem::take(&mut chart.arrows) {
        let _ = writeln!(chart.text, "  {from} -->|\"{}\"| {to}", escaped(&said));
    }
    let _ = writeln!(chart.text, "  bounds[\"At most: {}\"]", escaped(&words::bounds(&order.bounds)));
    if chart.left_out > 0 || !order.complete {
        let _ = writeln!(chart.text, "  more[\"There is more than is drawn here\"]");
    }
    chart.text
}

struct Chart<'a> {
    order: &'a Order,
    text: String,
    numbers: Vec<Option<usize>>,
    /// The parts that are drawn by themselves, and those that an arrow leads to and that may not be drawn yet.
    parts: Vec<bool>,
    due: Vec<usize>,
    arrows: Vec<(String, String, String)>,
    left_out: usize,
}

impl<'a> Chart<'a> {
    fn event(&mut self, index: usize, event: &'a Event) {
        let Some(number) = self.numbers.get(index).copied().flatten() else { return };
        self.line(1, &format!("subgraph e{index}[\"{number}: {}\"]", escaped(&title(event))));
        self.line(2, "direction TB");
        let mut nodes = Vec::new();
        let core = |chart: &mut Self, nodes: &mut Vec<String>| {
            chart.line(2, &format!("e{index}c[/\"30 the record is {}\"/]", words::done(event)));
            nodes.push(format!("e{index}c"));
        };
        let has_core = event.steps.iter().all(|step| step.stage != Some(30));
        let mut is_done = !has_core;
        for (at, step) in event.steps.iter().enumerate() {
            if !is_done && step.stage.is_none_or(|stage| stage > 30) {
                core(self, &mut nodes);
                is_done = true;
            }
            nodes.push(format!("e{index}s{at}"));
            self.step(step, &format!("e{index}s{at}"));
        }
        if !is_done {
            core(self, &mut nodes);
        }
        if nodes.len() > 1 {
            self.line(2, &nodes.join(" --> "));
        }
        self.line(1, "end");
        for cascade in &event.cascades {
            let said = format!("deletes first what refers to it by {}", cascade.lookup);
            self.arrow(format!("e{index}c"), said, Target::Event(cascade.event));
        }
    }

    /// The events on which nothing runs, where something leads to them or they are what was asked about.
    fn untold(&mut self) {
        let asked: Vec<usize> = self.order.acts.iter().filter_map(|act| act.events.first().copied()).collect();
        for (index, event) in self.order.events.iter().enumerate() {
            let id = format!("e{index}");
            let is_told = self.numbers.get(index).copied().flatten().is_some();
            if is_told || !asked.contains(&index) && !self.arrows.iter().any(|(_, _, to)| *to == id) {
                continue;
            }
            let title = match event.followed {
                true => title(event),
                false => format!("{}: {}", title(event), words::not_followed(event, &self.order.bounds)),
            };
            self.line(1, &format!("{id}([\"{}\"])", escaped(&title)));
        }
    }

    /// A step, and the arrows from it.
    fn step(&mut self, step: &Step, id: &str) {
        let stage = step.stage.map_or("queued".to_owned(), |stage| stage.to_string());
        let rank = if step.place.kind == Kind::Action { String::new() } else { format!(", rank {}", step.rank) };
        let mut lines = vec![format!("{stage} {}", step.place.name), format!("{}{rank}", words::kind(step.place.kind))];
        lines.extend((!step.triggers.is_empty()).then(|| format!("on {}", several(&step.triggers, MOST_NAMES))));
        lines.extend(step.when.as_ref().map(|when| format!("when {}", words::cut(when, LONGEST))));
        lines.extend(step.only_if.as_ref().map(words::only_if));
        let Links { notes, links } = self.links(step.part);
        lines.extend(notes);
        self.line(2, &format!("{id}[\"{}\"]", escaped(&lines.join("\n"))));
        links.into_iter().for_each(|(said, target)| self.arrow(id.to_owned(), said, target));
    }

    fn links(&self, part: Option<usize>) -> Links {
        let part = part.and_then(|part| self.order.parts.get(part));
        part.map(|part| links::of_part(self.order, part)).unwrap_or_default()
    }

    fn arrow(&mut self, from: String, said: String, target: Target) {
        let to = match target {
            Target::Event(event) => format!("e{event}"),
            Target::Part(part) => {
                self.due.push(part);
                format!("p{part}")
            }
        };
        let is_full = self.arrows.len() >= MOST_ARROWS;
        match self.arrows.iter_mut().find(|(other, _, there)| *other == from && *there == to) {
            Some((_, words, _)) if words.matches('\n').count() < 2 => *words = format!("{words}\n{said}"),
            Some((_, words, _)) if words.ends_with('…') => {}
            Some((_, words, _)) => words.push_str(" …"),
            None if is_full => self.left_out += 1,
            None => self.arrows.push((from, said, to)),
        }
    }

    /// A flow that no event starts here, drawn once.
    fn part(&mut self, index: usize, what: &str) {
        let (Some(drawn), Some(part)) = (self.parts.get_mut(index), self.order.parts.get(index)) else { return };
        if std::mem::replace(drawn, true) {
            return;
        }
        let Links { notes, links } = links::of_part(self.order, part);
        let lines = [part.name.to_string(), what.to_owned()].into_iter().chain(notes);
        let _ = writeln!(self.text, "  p{index}[\"{}\"]", escaped(&lines.collect::<Vec<_>>().join("\n")));
        links.into_iter().for_each(|(said, target)| self.arrow(format!("p{index}"), said, target));
    }

    fn line(&mut self, level: usize, words: &str) {
        let _ = writeln!(self.text, "{:1$}{words}", "", 2 * level);
    }
}

/// A text as it stands in a label between quotation marks: nothing in it is a mark, a tag, an entity or Markdown.
fn escaped(text: &str) -> String {
    let lines = text.lines().map(|line| visible(line.trim()).into_owned());
    let escaped = |line: String| {
        line.chars().fold(String::with_capacity(line.len()), |mut all, letter| {
            match letter {
                '"' | '#' | '&' | '<' | '>' | '`' | '\\' | '$' | '%' => {
                    let _ = write!(all, "#{};", u32::from(letter));
                }
                _ => all.push(letter),
            }
            all
        })
    };
    lines.map(escaped).collect::<Vec<_>>().join("<br>")
}
