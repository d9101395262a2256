//! An order as a picture: a box for each event with its steps beneath one another, as wide as a page and as long as it has to be; lines beside
//! the boxes lead from what a step does to the event that it is.
//!
//! Every box that a line leads to has a number too, and whoever looks at the picture in a browser can follow it by a click. So the lines may
//! end where there are too many of them.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::draw::{Look, STYLE, lanes, text, wrapped};
use super::links::{self, Links, Target};
use super::words::{self, MOST_NAMES, STAGES, numbers, title};
use crate::diagnostic::render::several;
use crate::pipeline::order::{Event, Order, Place, Step, What};

/// The width of the picture; the boxes end at `RIGHT`, and beside it there are lanes for lines.
const WIDTH: f64 = 960.0;
const RIGHT: f64 = 730.0;
const MARGIN: f64 = 20.0;
const LANES: usize = 20;
const LANE: f64 = 10.0;

/// How far a box stands to the right for each level that it is nested, and for how many levels.
const INDENT: f64 = 18.0;
const MOST_INDENTED: u32 = 7;

/// How long a condition is before it is cut, in characters.
const LONGEST: usize = 160;

/// How many boxes there are at most.
const MOST_BOXES: usize = 400;

/// The colours of lines.
const COLOURS: [&str; 6] = ["#0b5394", "#b45309", "#047857", "#9d174d", "#5b21b6", "#475569"];

/// An order as an SVG document.
pub fn order_svg(order: &Order) -> String {
    let mut picture = Picture {
        order,
        body: String::new(),
        y: MARGIN,
        numbers: numbers(&order.events),
        heads: BTreeMap::new(),
        sources: BTreeMap::new(),
        due: Vec::new(),
        boxes: 0,
    };
    picture.all();
    let lines = picture.lines();
    let (height, body) = (picture.y + MARGIN, &picture.body);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height:.0}\" viewBox=\"0 0 {WIDTH} {height:.0}\">\n\
         <style>{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{lines}{body}</svg>\n"
    )
}

struct Picture<'a> {
    order: &'a Order,
    body: String,
    /// Where the next thing goes.
    y: f64,
    numbers: Vec<Option<usize>>,
    /// Where the boxes are that lines lead to: their left edge and the middle of their heading.
    heads: BTreeMap<Target, (f64, f64)>,
    /// From where lines lead to them.
    sources: BTreeMap<Target, Vec<f64>>,
    /// The parts that are still to be drawn, with their depth.
    due: Vec<(usize, u32)>,
    boxes: usize,
}

impl<'a> Picture<'a> {
    fn all(&mut self) {
        let order = self.order;
        let what = [Some(order.message.as_str()), order.entity.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
        self.lines_of(&format!("What runs: {what}"), Look::Title, MARGIN);
        for line in format!("At most: {}", words::bounds(&order.bounds)).lines() {
            self.lines_of(line, Look::Plain, MARGIN);
        }
        for Place { name, file, line, .. } in &order.drafts {
            self.lines_of(&format!("Not active: {name} is a draft ({file}:{line})"), Look::Plain, MARGIN);
        }
        if !order.complete || order.events.len() + order.parts.len() > MOST_BOXES {
            self.lines_of("There is more than is drawn here.", Look::Plain, MARGIN);
        }
        for (index, act) in order.acts.iter().enumerate() {
            if index > 0 {
                self.lines_of("or, where there is such a record already, the update", Look::Plain, MARGIN);
            }
            if let (What::Run, Some(part)) = (act.what, act.part) {
                self.due.push((part, 1));
                self.parts();
            }
        }
        for (index, event) in order.events.iter().enumerate() {
            if let Some(number) = self.numbers.get(index).copied().flatten().filter(|_| event.followed) {
                self.event(index, number, event);
                self.parts();
            }
        }
        if self.boxes == 0 {
            self.lines_of("Nothing runs on it.", Look::Plain, MARGIN);
        }
    }

    /// An event with its stages.
    fn event(&mut self, index: usize, number: usize, event: &'a Event) {
        let each =
            if event.depth == 1 && self.order.acts.iter().any(|act| act.repeats.is_some()) { ", for each target by itself" } else { "" };
        let heading = format!("{number}  {}{each}", title(event));
        let Some((x, top)) = self.open(Target::Event(index), event.depth, &heading) else { return };
        for (stage, stage_words) in STAGES {
            let steps: Vec<&Step> = event.steps.iter().filter(|step| step.stage == stage).collect();
            let number = stage.map(|stage| format!("{stage} ")).unwrap_or_default();
            self.y += if steps.is_empty() { 0.0 } else { 4.0 };
            if stage == Some(30) && steps.is_empty() {
                self.y += 4.0;
                self.lines_of(&format!("30 core operation: the record is {}", words::done(event)), Look::Stage, x + 10.0);
                self.gone(event, x + 26.0);
            } else if !steps.is_empty() {
                self.lines_of(&format!("{number}{stage_words}"), Look::Stage, x + 10.0);
                steps.into_iter().for_each(|step| self.step(step, x + 26.0, event.depth));
            }
        }
        self.close(x, top);
    }

    fn gone(&mut self, event: &Event, x: f64) {
        for cascade in &event.cascades {
            self.link(&format!("deletes first what refers to it by {}", cascade.lookup), Target::Event(cascade.event), x, event.depth);
        }
        if !event.restricted_by.is_empty() {
            let by = several(&event.restricted_by, MOST_NAMES);
            self.lines_of(&format!("refused while a record refers to it by {by}"), Look::Plain, x);
        }
        if !event.empties.is_empty() {
            self.lines_of(&format!("empties {}, without an event", several(&event.empties, MOST_NAMES)), Look::Plain, x);
        }
    }

    fn step(&mut self, step: &Step, x: f64, depth: u32) {
        let Place { name, kind, file, line } = &step.place;
        self.y += 3.0;
        self.lines_of(name, Look::Name, x);
        let via = step.via.map(|via| format!(" via {via}")).unwrap_or_default();
        let mut said = vec![format!("{}{via}, {file}:{line}", words::kind(*kind)), step.why.clone()];
        said.extend((!step.triggers.is_empty()).then(|| format!("on {}", several(&step.triggers, MOST_NAMES))));
        if step.run_as == "owner" {
            said.push(step.owner.as_ref().map_or("as its owner".to_owned(), |owner| format!("as its owner {owner}")));
        }
        if step.scope != "organization" {
            said.push(format!("scope {}", step.scope));
        }
        self.lines_of(&said.join("; "), Look::Plain, x);
        if let Some(when) = &step.when {
            self.lines_of(&format!("when {}", words::cut(when, LONGEST)), Look::Plain, x);
        }
        if let Some(only_if) = &step.only_if {
            self.lines_of(&words::only_if(only_if), Look::Plain, x);
        }
        self.does(step.part, x, depth);
    }

    /// What a part does, line by line.
    fn does(&mut self, part: Option<usize>, x: f64, depth: u32) {
        let Some(part) = part.and_then(|part| self.order.parts.get(part)) else { return };
        let Links { notes, links } = links::of_part(self.order, part);
        notes.iter().for_each(|note| self.lines_of(note, Look::Plain, x));
        links.iter().for_each(|(said, target)| self.link(said, *target, x, depth));
    }

    /// Something that leads elsewhere: in words, with the number there, and the beginning of a line to it.
    fn link(&mut self, said: &str, target: Target, x: f64, depth: u32) {
        let (id, number) = match target {
            Target::Part(part) => {
                self.due.push((part, depth));
                (Some(format!("p{part}")), None)
            }
            Target::Event(event) => match (self.order.events.get(event), self.numbers.get(event).copied().flatten()) {
                (Some(event), _) if !event.followed => {
                    let why = words::not_followed(event, &self.order.bounds);
                    return self.lines_of(&format!("{said}: {why}"), Look::Plain, x);
                }
                (_, Some(number)) => (Some(format!("e{event}")), Some(number)),
                _ => (None, None),
            },
        };
        let Some(id) = id else { return self.lines_of(said, Look::Plain, x) };
        let number = number.map(|number| format!(" → {number}")).unwrap_or_default();
        let _ = writeln!(self.body, "<a href=\"#{id}\">");
        self.lines_of(&format!("{said}{number}"), Look::Link, x);
        self.body.push_str("</a>\n");
        self.sources.entry(target).or_default().push(self.y - 4.0);
    }

    /// The parts that are due, each once.
    fn parts(&mut self) {
        while let Some((index, depth)) = self.due.pop() {
            let Some(part) = self.order.parts.get(index).filter(|_| !self.heads.contains_key(&Target::Part(index))) else { continue };
            let Some((x, top)) = self.open(Target::Part(index), depth, &format!("{}, a {}", part.name, words::kind(part.kind))) else {
                return;
            };
            self.does(Some(index), x + 10.0, depth);
            self.close(x, top);
        }
    }

    /// Begins a box: gives its left edge and its top, where there is still room for one.
    fn open(&mut self, target: Target, depth: u32, heading: &str) -> Option<(f64, f64)> {
        if self.boxes >= MOST_BOXES {
            return None;
        }
        self.boxes += 1;
        let x = MARGIN + INDENT * f64::from(depth.saturating_sub(1).min(MOST_INDENTED));
        let top = self.y + 14.0;
        self.y = top + 6.0;
        let id = match target {
            Target::Event(event) => format!("e{event}"),
            Target::Part(part) => format!("p{part}"),
        };
        let _ = writeln!(self.body, "<g id=\"{id}\">");
        self.heads.insert(target, (x, top + 15.0));
        self.lines_of(heading, Look::Head, x + 10.0);
        Some((x, top))
    }

    fn close(&mut self, x: f64, top: f64) {
        self.y += 8.0;
        let (width, height) = (RIGHT - x, self.y - top);
        let _ = writeln!(
            self.body,
            r##"<rect x="{x:.0}" y="{top:.0}" width="{width:.0}" height="{height:.0}" rx="6" fill="none" stroke="#9aa5b1"/></g>"##
        );
    }

    /// Lines of text from a left edge on, each as wide as there is room.
    fn lines_of(&mut self, words: &str, look: Look, x: f64) {
        for (index, line) in wrapped(words, look, RIGHT - x - 10.0).iter().enumerate() {
            self.y += look.height();
            let further = if index > 0 { 12.0 } else { 0.0 };
            text(&mut self.body, (x + further, self.y), look, line);
        }
    }

    /// The lines from what is done to what that is.
    fn lines(&self) -> String {
        let drawn: Vec<(f64, &Vec<f64>)> =
            self.sources.iter().filter_map(|(target, from)| Some((self.heads.get(target)?.1, from))).collect();
        let span = |(head, from): &(f64, &Vec<f64>)| {
            let all = || from.iter().chain(std::iter::once(head)).copied();
            (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max))
        };
        let spans: Vec<(f64, f64)> = drawn.iter().map(span).collect();
        let mut lines = String::new();
        for ((lane, (head, from)), (top, foot)) in lanes(&spans, LANES).into_iter().zip(&drawn).zip(&spans) {
            let Some(lane) = lane else { continue };
            let x = RIGHT + 14.0 + LANE * lane as f64;
            let colour = COLOURS.get(lane % COLOURS.len()).unwrap_or(&"#475569");
            let _ = write!(lines, r#"<g stroke="{colour}" fill="none"><path d="M{x:.0} {top:.0}V{foot:.0}"#);
            for y in *from {
                let _ = write!(lines, "M{RIGHT:.0} {y:.0}H{x:.0}");
            }
            let _ = write!(lines, "M{x:.0} {head:.0}H{:.0}\"/>", RIGHT + 8.0);
            let _ = writeln!(lines, r#"<path d="M{:.0} {head:.0}l7 -4v8z" fill="{colour}"/></g>"#, RIGHT + 1.0);
        }
        lines
    }
}
