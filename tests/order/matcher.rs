//! Whether a run is among those that an order allows: each step under the event that runs it, each nested operation under the act that asks
//! for it, in the order's order, and a reason for each listed step that didn't run. What happened is told by the trace of the run.
//!
//! Acts may be left out, those of a loop come over and over, those of code outside the language in any order. An answer is the set of places
//! in the list of what a step did that can be reached, so every way to read the list is tried.

use std::collections::BTreeSet;

use weir::pipeline::order::{Act, Event, Order, Part, Step, What};
use weir::pipeline::{Happening, StepKind, StepVerdict, TraceEntry};

/// An operation or a step of a trace, with the operations and steps within it.
#[derive(Clone, Debug)]
pub struct Node {
    what: Kind,
    /// The message, or the name of the step.
    name: String,
    /// The stage of a step, by its number; the body of an action, and what is begun by name, have none.
    stage: Option<u8>,
    /// The entity of an operation.
    entity: Option<String>,
    parts: Vec<Node>,
    /// Whether the end of everything came up within it: what comes after that in an order isn't in the trace.
    cut: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Operation,
    Ran(StepKind),
    Queued,
    /// Considered, and left out for a reason.
    LeftOut,
}

/// The outermost operations of a trace; none where it isn't whole.
pub fn tree(trace: &[TraceEntry]) -> Option<Vec<Node>> {
    let whole = trace.iter().all(|entry| !matches!(&entry.what, Happening::Note(text) if text.contains("left out")));
    whole.then(|| nodes(trace, 0))
}

fn nodes(trace: &[TraceEntry], level: u32) -> Vec<Node> {
    let mut found = Vec::new();
    for (at, entry) in trace.iter().enumerate().filter(|(_, entry)| entry.level == level) {
        let rest = &trace[at + 1..];
        let inner = &rest[..rest.iter().position(|entry| entry.level <= level).unwrap_or(rest.len())];
        let parts = nodes(inner, level + 1);
        let cut = inner.iter().any(|entry| matches!(entry.what, Happening::Stopped { .. } | Happening::Failed { .. }));
        match &entry.what {
            Happening::Operation { message, name, entity, .. } => {
                let name = match (*message, name) {
                    ("Perform" | "Run", Some(name)) => name.to_string(),
                    _ => (*message).to_owned(),
                };
                found.push(Node { what: Kind::Operation, name, stage: None, entity: entity.as_ref().map(ToString::to_string), parts, cut });
            }
            Happening::Step { kind, name, verdict, stage, .. } => {
                let what = match verdict {
                    StepVerdict::Ran => Kind::Ran(*kind),
                    StepVerdict::Queued => Kind::Queued,
                    StepVerdict::NotSubmitted(_) | StepVerdict::SameStage(_) | StepVerdict::When | StepVerdict::Scope { .. } => {
                        Kind::LeftOut
                    }
                };
                found.push(Node { what, name: name.to_string(), stage: stage.map(|stage| stage as u8), entity: None, parts, cut });
            }
            // Loops, their turns and named groups nest nothing of their own.
            _ => found.extend(parts),
        }
    }
    found
}

/// The names of what ran, in the order in which it began.
pub fn ran(nodes: &[Node]) -> Vec<&str> {
    let mut names = Vec::new();
    for node in nodes {
        names.extend(matches!(node.what, Kind::Ran(_)).then_some(node.name.as_str()));
        names.extend(ran(&node.parts));
    }
    names
}

/// How many operations there are at least within the outermost one. The passes of an update are one.
pub fn operations(roots: &[Node]) -> u64 {
    outermost(roots).iter().map(|root| within(&root.parts)).sum()
}

fn within(nodes: &[Node]) -> u64 {
    let pass = |at: usize| {
        let before = at.checked_sub(1).map_or("", |before| nodes[before].name.as_str());
        matches!((before, nodes[at].name.as_str()), ("Update", "Assign" | "SetState") | ("Assign", "SetState"))
    };
    let own = |(at, node): (usize, &Node)| u64::from(node.what == Kind::Operation && !pass(at)) + within(&node.parts);
    nodes.iter().enumerate().map(own).sum()
}

/// The operations that are events: an upsert and its like only hold them.
fn outermost(roots: &[Node]) -> &[Node] {
    match roots {
        [root] if ["Upsert", "CreateMultiple", "UpdateMultiple"].contains(&root.name.as_str()) => &root.parts,
        _ => roots,
    }
}

/// The tree without the reason of the first step of the only event that is listed, where it has one and nothing ended the operation.
pub fn without_a_reason(order: &Order, roots: &[Node]) -> Option<Vec<Node>> {
    let ([event], [root]) = (order.events.as_slice(), roots) else { return None };
    let listed = |node: &Node| event.steps.iter().any(|step| is_place_of(step, node));
    let silent = root.parts.iter().position(|node| node.what == Kind::LeftOut && listed(node)).filter(|_| !root.cut)?;
    let mut root = root.clone();
    root.parts.remove(silent);
    Some(vec![root])
}

/// Holds what an outermost operation did against its order. The error names what isn't in there, or has no reason.
pub fn held(order: &Order, roots: &[Node]) -> Result<(), String> {
    let mut holder = Holder { order, reasons: Vec::new() };
    let inner = outermost(roots);
    // Of several acts (an upsert) one is done.
    let fits = order.acts.iter().any(|act| {
        let part = [act];
        holder.group(&part, inner, BTreeSet::from([0]), act.repeats.is_some()).contains(&inner.len())
    });
    if fits { Ok(()) } else { Err(holder.reasons.join("\n")) }
}

/// Whether a step stands where it is listed. A flow may be listed, and considered, at several stages.
fn is_place_of(step: &Step, node: &Node) -> bool {
    let same = step.stage.zip(node.stage).is_none_or(|(listed, told)| listed == told);
    same && step.place.name == node.name
}

struct Holder<'a> {
    order: &'a Order,
    /// Why something didn't fit, from the innermost outwards.
    reasons: Vec<String>,
}

impl Holder<'_> {
    fn no(&mut self, reason: String) -> bool {
        self.reasons.push(reason);
        false
    }

    /// Whether an operation is an event of the order: its steps are the listed ones, in order, and each has run or has its reason.
    fn event(&mut self, event: &Event, node: &Node) -> bool {
        let name = if node.name == "Send" { "Create" } else { node.name.as_str() };
        if node.what != Kind::Operation || event.message != name || event.entity.as_deref() != node.entity.as_deref() {
            return false;
        }
        assert!(event.followed, "what runs is listed");
        let order = self.order;
        let mut steps = event.steps.as_slice();
        for part in &node.parts {
            if part.what == Kind::Operation {
                if !event.cascades.iter().any(|cascade| self.event(&order.events[cascade.event], part)) {
                    return self.no(format!("the {} of {:?} doesn't go along with {name}", part.name, part.entity));
                }
                continue;
            }
            let Some(passed) = steps.iter().position(|step| is_place_of(step, part)) else {
                // A step that nothing submitted needn't be listed.
                if part.what == Kind::LeftOut { continue } else { return self.no(format!("`{}` is not listed in {name}", part.name)) }
            };
            if let Some(silent) = steps[..passed].first() {
                return self
                    .no(format!("in {name} `{}` is listed before `{}`, and has neither run nor a reason", silent.place.name, part.name));
            }
            if !self.step(&steps[passed], part) {
                return false;
            }
            steps = &steps[passed + 1..];
        }
        match steps.first() {
            Some(silent) if !node.cut => self.no(format!("in {name} `{}` is listed, and has neither run nor a reason", silent.place.name)),
            _ => true,
        }
    }

    fn step(&mut self, step: &Step, node: &Node) -> bool {
        let queued = step.stage.is_none();
        if (node.what == Kind::Queued) != queued && node.what != Kind::LeftOut {
            return self.no(format!("`{}` is listed as queued, or it is queued", node.name));
        }
        let order = self.order;
        match step.part {
            Some(index) => self.does(&order.parts[index], node),
            None => node.parts.is_empty() || self.no(format!("`{}` does something that isn't listed", node.name)),
        }
    }

    /// Whether what a step did is what its part lists: in that order, loops over and over; of code outside in any order.
    fn does(&mut self, part: &Part, node: &Node) -> bool {
        let all: Vec<&Act> = part.acts.iter().collect();
        let groups: Vec<&[&Act]> =
            if part.in_order { all.chunk_by(|one, other| one.repeats == other.repeats).collect() } else { vec![&all] };
        let mut places = BTreeSet::from([0]);
        for group in groups {
            let often = !part.in_order || group.first().is_some_and(|act| act.repeats.is_some());
            places = self.group(group, &node.parts, places, often);
        }
        let last = places.last().and_then(|last| node.parts.get(*last));
        last.is_none_or(|next| {
            self.no(format!("`{}` does something in another place than listed: {} of {:?}", node.name, next.name, next.entity))
        })
    }

    /// The places behind some acts, from places on. Each is done once or left out; or all of them over and over.
    fn group(&mut self, acts: &[&Act], nodes: &[Node], mut places: BTreeSet<usize>, often: bool) -> BTreeSet<usize> {
        loop {
            let before = places.len();
            for act in acts {
                for place in places.clone() {
                    places.extend(self.act(act, nodes, place));
                }
            }
            if !often || places.len() == before {
                return places;
            }
        }
    }

    /// The places behind an act at a place: of an update, behind each of its passes. None where something else stands there.
    fn act(&mut self, act: &Act, nodes: &[Node], start: usize) -> BTreeSet<usize> {
        let Some(node) = nodes.get(start) else { return BTreeSet::new() };
        let order = self.order;
        let part = act.part.map(|part| &order.parts[part]);
        let named = node.name == act.of;
        let fits = match act.what {
            What::Anything => return (start..=nodes.len()).collect(),
            What::Queue => named && node.what == Kind::Queued,
            What::Start => named && self.begun(part, node),
            What::Run => named && node.what == Kind::Operation && node.parts.iter().all(|step| self.begun(part, step)),
            _ => {
                let mut places = BTreeSet::from([start]);
                for event in &act.events {
                    let behind =
                        places.iter().filter(|place| nodes.get(**place).is_some_and(|node| self.event(&order.events[*event], node)));
                    let behind: Vec<usize> = behind.map(|place| place + 1).collect();
                    places.extend(behind);
                }
                return places;
            }
        };
        fits.then_some(start + 1).into_iter().collect()
    }

    /// Whether a flow that something begins does what its part lists, or has its reason not to.
    fn begun(&mut self, part: Option<&Part>, node: &Node) -> bool {
        match node.what {
            Kind::LeftOut => true,
            Kind::Ran(StepKind::Child | StepKind::OnDemand) => part.is_some_and(|part| self.does(part, node)),
            _ => false,
        }
    }
}
