//! Holds what was counted against what there is to cover.

use smol_str::SmolStr;

use crate::bytecode::{FlowHead, Trigger};
use crate::check::Checked;
use crate::check::ir::{self, Until};
use crate::pipeline::{Began, Part};
use crate::project::{Compiled, Project};
use crate::schema::Schema;
use crate::source::Span;
use crate::value::{Type, Value, text};

use super::counts::{Collector, Counts};
use super::points::{self, Point, Way};
use super::tally::Tally;
use super::{Branch, Condition, Coverage, Decides, Start, Statement, Unit};

/// What the tests covered that had a counter of the collector. Draft flows, which never run, and actions whose code is elsewhere have nothing
/// to cover.
pub fn measure(project: &Project, compiled: &Compiled, collector: &Collector) -> Coverage {
    let counts = collector.counts();
    let checked = &project.checked;
    let active = checked.flows.iter().filter(|flow| !flow.head.draft);
    let flows = active.filter_map(|flow| of_flow(flow, compiled, checked, &counts));
    let actions = checked.actions.iter().filter_map(|action| of_action(action, compiled, checked, &counts));
    let mut units: Vec<Unit> = flows.chain(actions).collect();
    units.sort_by_key(|unit| unit.span);
    Coverage { units }
}

/// The same of one flow or action.
pub fn unit_of(project: &Project, compiled: &Compiled, collector: &Collector, name: &str, action: bool) -> Option<Unit> {
    let (counts, checked) = (collector.counts(), &project.checked);
    if action {
        return checked
            .actions
            .iter()
            .find(|action| action.head.name == name)
            .and_then(|action| of_action(action, compiled, checked, &counts));
    }
    checked.flows.iter().find(|flow| flow.head.name == name).and_then(|flow| of_flow(flow, compiled, checked, &counts))
}

fn of_flow(flow: &ir::Flow, compiled: &Compiled, checked: &Checked, counts: &Counts) -> Option<Unit> {
    let (head, name) = (&flow.head, &flow.head.name);
    let code = compiled.program.flow(name)?;
    let mut unit = Unit { starts: starts(head, &checked.schema, counts), ..unit(name, flow.span, false) };
    if let (Some(when), Some(asked)) = (&code.when, &flow.when) {
        let tally = Tally::new(when, counts.ran(name, Part::When));
        unit.take(&tally);
        unit.branches.extend(points::of_condition(asked).map(|point| branch(&point, &tally, tally.runs(), &checked.schema)));
    }
    for (at, condition) in code.conditions.iter().enumerate() {
        unit.take(&Tally::new(condition, counts.ran(name, Part::Condition(at))));
    }
    let points = points::of_block(&flow.body, &checked.schema);
    unit.body(&points, &Tally::new(&code.body, counts.ran(name, Part::Body)), &checked.schema);
    Some(unit)
}

fn of_action(action: &ir::Action, compiled: &Compiled, checked: &Checked, counts: &Counts) -> Option<Unit> {
    let name = &action.head.name;
    let code = compiled.program.action(name)?.body.as_ref()?;
    let performed = Start { words: "performed".to_owned(), count: counts.began(name, Began::Performed) };
    let mut unit = Unit { starts: vec![performed], ..unit(name, action.span, true) };
    let points = points::of_block(&action.body, &checked.schema);
    unit.body(&points, &Tally::new(code, counts.ran(name, Part::Body)), &checked.schema);
    Some(unit)
}

fn unit(name: &SmolStr, span: Span, action: bool) -> Unit {
    Unit {
        name: name.clone(),
        action,
        span,
        runs: 0,
        starts: Vec::new(),
        statements: Vec::new(),
        branches: Vec::new(),
        conditions: Vec::new(),
    }
}

impl Unit {
    /// The statements of the body, with its branches and conditions.
    fn body(&mut self, points: &points::Points<'_>, tally: &Tally<'_>, schema: &Schema) {
        self.runs = tally.runs();
        let counted = |span: &Span| Some(Statement { span: *span, count: tally.statement(*span)? });
        self.statements.extend(points.statements.iter().filter_map(counted));
        let mut asked = 0;
        for point in &points.ways {
            // How often a condition was asked only matters where a part of it is a constant.
            if let Way::Condition(_, true) = point.way {
                asked = self.statements.iter().rfind(|statement| statement.span.start <= point.span.start).map_or(0, |found| found.count);
            }
            self.branches.push(branch(point, tally, asked, schema));
        }
        self.take(tally);
        self.branches.sort_by_key(|branch| branch.by);
    }

    /// The conditions of a code.
    fn take(&mut self, tally: &Tally<'_>) {
        self.conditions.extend(tally.conditions().map(|(span, seen)| Condition { span, holds: seen.holds, fails: seen.fails }));
        self.conditions.sort_by_key(|condition| condition.span);
    }
}

/// A way with how often it was gone.
fn branch(point: &Point<'_>, tally: &Tally<'_>, asked: u64, schema: &Schema) -> Branch {
    let by = point.span;
    let way = |kind, words: &str, count| Branch { by, kind, span: by, words: words.to_owned(), count };
    match point.way {
        Way::Condition(condition, true) => way(Decides::Condition, "true", tally.condition(condition, asked).holds),
        Way::Condition(condition, false) => way(Decides::Condition, "false", tally.condition(condition, asked).fails),
        Way::Option(subject, place, value) => way(Decides::Match, &written(value, &subject.ty, schema), tally.option(by, place)),
        Way::Else => way(Decides::Match, "else", tally.no_option(by)),
        Way::Record(true) => way(Decides::Record, "record", tally.record(by).holds),
        Way::Record(false) => way(Decides::Record, "no record", tally.record(by).fails),
        Way::Came(until, place) => {
            let words = if matches!(until, Until::After(_)) { "after" } else { "until" };
            Branch { span: until.value().span, ..way(Decides::Wait, words, tally.came(by, place)) }
        }
    }
}

/// What can begin a flow.
fn starts(head: &FlowHead, schema: &Schema, counts: &Counts) -> Vec<Start> {
    let count = |words: String, by: Began| Start { words, count: counts.began(&head.name, by) };
    let triggers = head.triggers.iter().enumerate();
    let mut starts: Vec<Start> = triggers.map(|(place, trigger)| count(event(trigger, head, schema), Began::Trigger(place))).collect();
    starts.extend(head.on_demand.then(|| count("on demand".to_owned(), Began::OnDemand)));
    starts.extend(head.child.then(|| count("child".to_owned(), Began::Child)));
    starts
}

fn event(trigger: &Trigger, head: &FlowHead, schema: &Schema) -> String {
    format!("{} at {}", trigger.event.written(head.entity, schema), trigger.stage.name())
}

/// A value of a `match`, as an arm names it.
fn written(value: &Value, ty: &Type, schema: &Schema) -> String {
    match (value, ty) {
        (Value::Empty, _) => "empty".to_owned(),
        (Value::Choice(code), Type::Choice(choice)) => {
            let option = schema.choice(*choice).and_then(|choice| choice.by_code(*code));
            option.map_or_else(|| code.to_string(), |option| option.name.to_string())
        }
        (Value::Text(words), _) => format!("\"{words}\""),
        _ => text::display(value).to_string(),
    }
}
