//! What `weir order` lists is what runs: in the run's order, with nothing of it missing.

#![cfg(test)]

mod generate;
mod listed;
mod matcher;
mod pictures;
mod replay;

use std::sync::{Arc, Mutex};

use generate::{Dice, project};
use matcher::held;
use weir::bytecode::{Effects, Event, Op};
use weir::exchange::order_text;
use weir::pipeline::order::{Ask, Order};
use weir::pipeline::{Counted, Counter, Ending, Message, Operation, Outcome, Part, Pipeline, PluginContext, Refusal, Settings};
use weir::project::{Compiled, Project};
use weir::schema::Row;
use weir::value::{EntityId, Reference, Uuid, Value};

/// What the runs were like.
#[derive(Debug, Default)]
struct Count {
    projects: usize,
    refused: usize,
    runs: usize,
    /// Runs in which three steps or more ran.
    rich: usize,
    /// Runs with operations within operations.
    nested: usize,
    longest: usize,
    deepest: u32,
    /// Runs of whose order a broken one was made.
    broken: usize,
    /// Runs whose instructions and statements have a bound, and those whose instructions are just that many.
    bounded: usize,
    exact: usize,
    /// Traces from which the reason of a listed step was taken.
    silenced: usize,
}

/// `WEIR_ORDER=2000 cargo test --release --test order -- --nocapture` is a longer run.
#[test]
fn what_runs_is_embedded_in_what_is_listed() {
    let wanted: u64 = std::env::var("WEIR_ORDER").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
    let mut count = Count::default();
    for seed in 0..wanted {
        let mut dice = Dice::new(seed);
        let text = project(&mut dice, seed % 3 == 0);
        match Project::from_text("generated.flow", text.as_str()).compile() {
            Ok(compiled) => {
                count.projects += 1;
                hold(&compiled, seed, &mut dice, &text, &mut count);
            }
            Err(errors) => {
                count.refused += 1;
                if std::env::var_os("WEIR_ORDER_REFUSED").is_some() {
                    println!("seed {seed}: {errors}");
                }
            }
        }
    }
    println!("{count:#?}");
    assert!(count.projects * 2 > wanted as usize, "too few generated projects are well-typed");
    assert!(count.rich * 4 > count.runs && count.nested * 5 > count.runs && count.deepest == 8, "too little happens in the runs");
    assert!(count.broken > 10, "too few orders were broken");
    assert!(count.bounded * 10 > count.runs && count.exact > 10, "too few bounds on work were tried");
    assert!(count.silenced > 0, "no reason was taken away");
}

/// Runs operations of a project, and holds each against its order.
fn hold(compiled: &Compiled, seed: u64, dice: &mut Dice, text: &str, count: &mut Count) {
    let work = Work::default();
    let settings = Settings { max_instructions: 6_000, trace: true, counter: Some(work.counter(compiled)), ..Settings::fixed() };
    let mut pipeline = compiled.open("sqlite::memory:", settings).unwrap();
    bind(&mut pipeline, compiled, seed);
    for _ in 0..12 {
        let Some((ask, operation)) = operation(&mut pipeline, dice) else { continue };
        work.forget();
        let outcome = pipeline.execute(operation, None);
        let Some(tree) = matcher::tree(&outcome.trace) else { continue };
        let ran = matcher::ran(&tree);
        // A fault in a `when` is told in its step, which so far counts as having run.
        let in_when = usize::from(outcome.ran.len() < ran.len() && matches!(outcome.ending, Ending::Fault(_)));
        assert_eq!(ran[..ran.len() - in_when], outcome.ran, "seed {seed}: the trace is about something else");
        let any = Ask { fields: None, ..ask.clone() };
        for ask in [&ask, &any] {
            let order = compiled.order(ask).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
            let told = || format!("seed {seed}: {ask:?}\n{text}\n{}\n{tree:#?}\n{:?}", order_text(&order, 100), outcome.ending);
            held(&order, &tree).unwrap_or_else(|error| panic!("{error}\n{}", told()));
            assert!(outcome.depth <= order.bounds.depth.max(1), "deeper than its bound: {} {}", outcome.depth, told());
            let most = order.bounds.operations.unwrap_or(u64::MAX);
            assert!(matcher::operations(&tree) <= most, "more operations than its bound: {}", told());
            work.held(&order, count).unwrap_or_else(|error| panic!("{error}\n{}", told()));
        }
        count_run(&outcome, count);
        let order = compiled.order(&ask).unwrap();
        if let Some(silent) = matcher::without_a_reason(&order, &tree) {
            count.silenced += 1;
            assert!(held(&order, &silent).is_err(), "seed {seed}: a reason isn't missed\n{text}");
        }
        if let Some(broken) = broken(&order, &ran) {
            count.broken += 1;
            assert!(
                held(&broken, &tree).is_err(),
                "seed {seed}: a broken order is taken for a whole one\n{text}\n{}\n{tree:#?}",
                order_text(&broken, 100)
            );
        }
    }
}

/// What the flows of one operation did: instructions, and statements that they asked of the store.
#[derive(Clone, Default)]
struct Work(Arc<Mutex<(u64, u64)>>);

impl Work {
    fn counter(&self, compiled: &Compiled) -> Counter {
        let (work, program) = (self.clone(), Arc::clone(&compiled.program));
        Box::new(move |counted| {
            let Counted::Ran { name, part, hits } = counted else { return };
            let code = match (part, program.flow(name)) {
                (Part::When, Some(flow)) => flow.when.as_ref(),
                (_, Some(flow)) => Some(&flow.body),
                (_, None) => program.action(name).and_then(|action| action.body.as_ref()),
            };
            let mut sums = work.0.lock().unwrap();
            sums.0 += hits.iter().map(|hits| hits.ran).sum::<u64>();
            let done = code.expect("code that ran is there").ops.iter().zip(hits);
            sums.1 += done.filter(|(op, _)| asks_the_store(op)).map(|(_, hits)| hits.ran).sum::<u64>();
        })
    }

    fn forget(&self) {
        *self.0.lock().unwrap() = (0, 0);
    }

    fn held(&self, order: &Order, count: &mut Count) -> Result<(), String> {
        let (instructions, statements) = *self.0.lock().unwrap();
        let bounds = &order.bounds;
        let within = |did: u64, most: Option<u64>| most.is_none_or(|most| did <= most);
        if !within(instructions, bounds.instructions) || !within(statements, bounds.statements) {
            return Err(format!("{instructions} instructions and {statements} statements, which is more than the bound"));
        }
        count.bounded += usize::from(instructions > 0 && bounds.instructions.is_some() && bounds.statements.is_some());
        count.exact += usize::from(instructions > 0 && bounds.instructions == Some(instructions));
        Ok(())
    }
}

/// Whether an operation asks the store, wherever it stands. A field of the record does so only where it was not read yet, and a `set` only
/// behind the write; both are left out here.
fn asks_the_store(op: &Op) -> bool {
    matches!(op, Op::Related { .. } | Op::Find { .. } | Op::Gather { .. } | Op::Create { .. } | Op::Update { .. } | Op::Delete { .. })
}

/// Gives the plug-ins of a project their functions, which are the same for the same seed.
fn bind(pipeline: &mut Pipeline, compiled: &Compiled, seed: u64) {
    let functions = Arc::new(Mutex::new(Dice::new(seed + 1_000_000)));
    for plugin in &compiled.program.plugins {
        let (effects, dice) = (plugin.effects.clone(), Arc::clone(&functions));
        let around = matches!(plugin.head.triggers[0].event, Event::Perform(_));
        // A plug-in may run within itself, so it holds the common dice no longer than it takes to get some of its own.
        let own = move || Dice::new(dice.lock().unwrap().below(1 << 40) as u64);
        pipeline.bind(&plugin.head.name, move |context| do_some(context, &effects, around, &mut own())).unwrap();
    }
}

fn count_run(outcome: &Outcome, count: &mut Count) {
    count.runs += 1;
    count.rich += usize::from(outcome.ran.len() >= 3);
    count.nested += usize::from(outcome.depth >= 2 && outcome.ran.len() >= 2);
    count.longest = count.longest.max(outcome.ran.len());
    count.deepest = count.deepest.max(outcome.depth);
}

/// An operation on records that are there, and the question that is about it.
fn operation(pipeline: &mut Pipeline, dice: &mut Dice) -> Option<(Ask, Operation)> {
    let (thing, part) = (pipeline.schema().entity_id("thing")?, pipeline.schema().entity_id("part")?);
    let things = all(pipeline, thing);
    let parts = all(pipeline, part);
    let one = |of: &[Reference], dice: &mut Dice| (!of.is_empty()).then(|| of[dice.below(of.len())]);
    let ask = |entity: &str, message: &str, fields: Option<Vec<String>>| Ask { entity: entity.into(), message: message.into(), fields };
    if things.len() < 2 || dice.often(1, 6) {
        let (fields, values) = thing_values(pipeline, one(&things, dice), dice);
        return Some((ask("thing", "Create", Some(fields)), Operation::Create { entity: thing, values }));
    }
    let record = one(&things, dice)?;
    Some(match dice.below(9) {
        0 => {
            let values = row(pipeline, "part", &[("title", "p".into()), ("about", Value::Reference(record))]);
            (ask("part", "Create", None), Operation::Create { entity: part, values })
        }
        1 => (ask("thing", "Delete", None), Operation::Delete { record }),
        2 => (ask("thing", "Act0", None), Operation::Perform { action: "Act0".into(), record: Some(record), inputs: Vec::new() }),
        3 => (ask("-", "Global", None), Operation::Perform { action: "Global".into(), record: None, inputs: Vec::new() }),
        4 => (ask("thing", "Child0", None), Operation::Run { flow: "Child0".into(), record, inputs: Vec::new() }),
        5 => {
            let record = one(&parts, dice)?;
            let values = row(pipeline, "part", &[("title", "q".into())]);
            (ask("part", "update", Some(vec!["title".into()])), Operation::Update { record, values })
        }
        6 => {
            let name: Value = dice.one(&["n0", "n1", "new"]).into();
            let key = row(pipeline, "thing", &[("name", name)]);
            let values = row(pipeline, "thing", &[("a", 1.into())]);
            (ask("thing", "Upsert", Some(vec!["a".into()])), Operation::Upsert { entity: thing, key, values })
        }
        _ => {
            let (fields, values) = thing_values(pipeline, one(&things, dice), dice);
            (ask("thing", "Update", Some(fields)), Operation::Update { record, values })
        }
    })
}

/// Some fields of a `thing` with values.
fn thing_values(pipeline: &mut Pipeline, parent: Option<Reference>, dice: &mut Dice) -> (Vec<String>, Row) {
    let mut values: Vec<(&str, Value)> = Vec::new();
    let administrator = pipeline.administrator();
    for field in ["a", "b", "note", "parent", "ownerid", "statuscode"] {
        if dice.often(1, 3) {
            let value = match field {
                "note" => "m".into(),
                "parent" => parent.map(Value::Reference).unwrap_or_default(),
                "ownerid" => Value::Reference(administrator),
                "statuscode" => Value::Choice(1 + dice.below(2) as i32),
                _ => (dice.below(5) as i64).into(),
            };
            values.push((field, value));
        }
    }
    (values.iter().map(|(field, _)| (*field).to_owned()).collect(), row(pipeline, "thing", &values))
}

fn row(pipeline: &Pipeline, entity: &str, values: &[(&str, Value)]) -> Row {
    Row::of(&pipeline.schema().entities[entity], values.iter().cloned()).unwrap()
}

fn all(pipeline: &mut Pipeline, entity: EntityId) -> Vec<Reference> {
    let ids: Vec<Uuid> = pipeline.find(entity, &Row::default(), 50).unwrap();
    ids.into_iter().map(|id| Reference { entity, id }).collect()
}

/// A plug-in: some of what it declares, in some order.
fn do_some(context: &mut PluginContext<'_>, effects: &Effects, around: bool, dice: &mut Dice) -> Result<(), Refusal> {
    let record = context.record();
    let there = around || context.message() != Message::Create || !context.stage().is_before();
    for _ in 0..dice.below(3) {
        match dice.below(5) {
            0 if !effects.sets.is_empty() => {
                context.set(dice.one(&["b", "note"]), Value::Empty)?;
            }
            1 if !effects.creates.is_empty() => {
                context.create("part", &[("title", "by a plug-in".into())])?;
            }
            2 if !effects.updates.is_empty() && there => {
                let all = [("a", 2.into()), ("note", "u".into()), ("ownerid", context.acting().into())];
                context.update(record, &all[dice.below(3)..])?;
            }
            3 if !effects.deletes.is_empty() => {
                if let Some(part) = context.find("part", &[], 1)?.first() {
                    context.delete(*part)?;
                }
            }
            4 if !effects.performs.is_empty() && there && dice.often(1, 2) => {
                context.perform("Act0", Some(record), &[])?;
            }
            4 if !effects.performs.is_empty() => {
                context.perform("Global", None, &[])?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Two updates and a delete, one after the other, each with a flow of its own on it.
const NESTED: &str = "
entity one { name text(10) }
entity two { name text(10) }
flow Top on one {
  trigger update(name)
  for each two t { update t { name = \"a\" } }
  create two { name = \"b\" }
  for each two t { delete t }
}
flow Changed on two { trigger update(name) log \"c\" }
flow Made on two { trigger create log \"m\" }
flow Gone on two { trigger delete log \"g\" }
";

#[test]
fn what_is_nested_has_its_order_too() {
    let compiled = Project::from_text("nested.flow", NESTED).compile().unwrap();
    let order = compiled.order(&Ask { entity: "one".into(), message: "Update".into(), fields: None }).unwrap();
    let mut pipeline = compiled.open("sqlite::memory:", Settings { trace: true, ..Settings::fixed() }).unwrap();
    let (one, two) = (pipeline.schema().entity_id("one").unwrap(), pipeline.schema().entity_id("two").unwrap());
    let mut create = |entity| pipeline.execute(Operation::Create { entity, values: Row::default() }, None).record.unwrap();
    let (record, ..) = (create(one), create(two), create(two));
    let values = row(&pipeline, "one", &[("name", "x".into())]);
    let outcome = pipeline.execute(Operation::Update { record, values }, None);
    let tree = matcher::tree(&outcome.trace).unwrap();
    assert_eq!(matcher::ran(&tree).join(" "), "Top Changed Changed Made Gone Gone Gone");
    assert_eq!((held(&order, &tree), matcher::operations(&tree)), (Ok(()), 6));
    let top = order.parts.iter().position(|part| part.name == "Top").unwrap();
    for (one, other) in [(0, 1), (1, 2), (0, 2)] {
        let mut broken = order.clone();
        broken.parts[top].acts.swap(one, other);
        assert!(held(&broken, &tree).is_err(), "acts {one} and {other} may be exchanged");
    }
    for act in 0..3 {
        let mut broken = order.clone();
        broken.parts[top].acts.remove(act);
        assert!(held(&broken, &tree).is_err(), "act {act} needn't be listed");
    }
}

/// The order with two steps of a stage exchanged that ran once each and are steps of no other event, where there are such.
fn broken(order: &Order, ran: &[&str]) -> Option<Order> {
    let once = |name: &str| {
        let listed = order.events.iter().flat_map(|event| &event.steps).filter(|step| step.place.name == name).count();
        listed == 1 && ran.iter().filter(|other| **other == name).count() == 1
    };
    for (index, event) in order.events.iter().enumerate() {
        for stage in [10, 20, 40] {
            let fits = |at: &usize| event.steps[*at].stage == Some(stage) && once(&event.steps[*at].place.name);
            let places: Vec<usize> = (0..event.steps.len()).filter(fits).collect();
            if let [first, .., last] = places[..] {
                let mut broken = order.clone();
                broken.events[index].steps.swap(first, last);
                return Some(broken);
            }
        }
    }
    None
}
