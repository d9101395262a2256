//! Two engines must agree: generated flows run on the VM and on a plain tree walker over the same typed IR, each in a
//! world of its own; how they end, what they did and what the record looks like afterwards are equal.
//!
//! `WEIR_ENGINES=20000 cargo test --release --test engines` is a longer run.

#![cfg(test)]

mod generate;
mod host;
mod reference;

use generate::{Generator, SCHEMA};
use host::World;
use reference::End;
use weir::bytecode::Code;
use weir::project::Project;
use weir::schema::Row;
use weir::value::{Decimal, Value};
use weir::vm::{self, Exit, Frame, Interrupt};

#[test]
fn the_vm_and_a_tree_walker_agree() {
    let wanted: u64 = std::env::var("WEIR_ENGINES").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    let (mut checked, mut refused, mut ends) = (0, 0, [0; 5]);
    for seed in 0..wanted {
        let mut generator = Generator::new(seed);
        let text = format!("{SCHEMA}\n{}", generator.flow());
        let project = Project::from_text("generated.flow", text.as_str());
        if project.has_errors() {
            refused += 1;
            continue;
        }
        checked += 1;
        for _ in 0..4 {
            ends[agree(&project, &mut generator, seed, &text)] += 1;
        }
    }
    println!(
        "{checked} flows ran on both engines, {refused} were refused by the checker; ends: {} done, {} finished, {} stopped, {} faults, {} in a wait",
        ends[0], ends[1], ends[2], ends[3], ends[4]
    );
    assert!(checked * 10 >= wanted * 6, "only {checked} of {wanted} generated flows are well-typed");
    assert!(ends.iter().all(|count| *count > 0), "every way of ending is seen: {ends:?}");
}

/// Runs the flow of a project on both engines over one made-up record; says how it ended.
fn agree(project: &Project, generator: &mut Generator, seed: u64, text: &str) -> usize {
    let schema = &project.checked.schema;
    let flow = &project.checked.flows[0];
    let compiled = project.compile().unwrap();
    let code = compiled.program.flow("Generated").unwrap();

    let mut by_vm = world(schema, generator);
    let mut by_walk = by_vm.clone();
    by_vm.conditions = code.conditions.clone();
    let vm_end = run_vm(code.when.as_ref(), &code.body, &mut by_vm);
    let walk_end = match reference::holds(flow, &[], &mut by_walk) {
        Ok(true) => reference::run(flow, &[], &mut by_walk),
        Ok(false) => End::Done,
        Err(end) => end,
    };
    assert_eq!(vm_end, walk_end, "seed {seed}\n{text}\nthe VM did {:#?}", by_vm.done);
    assert_eq!(by_vm.done, by_walk.done, "seed {seed}\n{text}");
    assert_eq!(by_vm.record, by_walk.record, "seed {seed}\n{text}");
    match vm_end {
        End::Done => 0,
        End::Finished(_) => 1,
        End::Stopped(_) => 2,
        End::Fault(..) => 3,
        End::Suspended(_) => 4,
    }
}

fn run_vm(when: Option<&Code>, body: &Code, world: &mut World) -> End {
    let mut frame = Frame::default();
    let mut run = |code: &Code| vm::run(code, &mut frame, &[], world);
    let ended = match when.map(&mut run) {
        None | Some(Ok(Exit::Value(Value::Boolean(true)))) => run(body),
        Some(Ok(_)) => return End::Done,
        Some(Err(interrupt)) => Err(interrupt),
    };
    match ended {
        Ok(Exit::Done | Exit::Value(_)) => End::Done,
        Ok(Exit::Suspended(wait)) => End::Suspended(wait),
        Ok(Exit::Stepped(_)) => panic!("the host takes no run step by step"),
        Ok(Exit::Finished(note)) => End::Finished(note),
        Ok(Exit::Stopped(reason)) | Err(Interrupt::Stop { reason, .. }) => End::Stopped(reason),
        Err(Interrupt::Fault(fault)) => End::Fault(fault.code, fault.span),
    }
}

fn world<'a>(schema: &'a weir::schema::Schema, generator: &mut Generator) -> World<'a> {
    let thing = schema.entity_id("thing").unwrap();
    let (this, parent) = (reference::reference(thing.0, 1), reference::reference(thing.0, 2));
    let mut row = || {
        let mut row = Row::default();
        for (slot, field) in schema.entity(thing).unwrap().fields() {
            let value = match field.name.as_str() {
                "name" => Value::Text(["Anna", "Name é", "ana"][generator.below(3) as usize].into()),
                "parent" => Value::Reference(parent),
                name => match generator.below(8) {
                    0 | 1 => Value::Empty,
                    2 => extreme(name, generator.below(2) == 0),
                    _ => usual(name, generator),
                },
            };
            row.set(slot, value);
        }
        row
    };
    let (record, old, parent_row) = (row(), row(), row());
    let mut others: Vec<_> = (3..8).map(|number| (reference::reference(thing.0, number).id, row())).collect();
    let slot = |name: &str| schema.entity(thing).unwrap().slot(name).unwrap();
    for (index, (_, row)) in others.iter_mut().enumerate() {
        row.set(slot("name"), Value::Text(["Anna", "Ben", "Cleo"][index % 3].into()));
        let up = [Value::Reference(this), Value::Empty, Value::Reference(parent), Value::Reference(reference::reference(thing.0, 3))];
        row.set(slot("parent"), up[generator.below(4) as usize].clone());
    }
    others.truncate(generator.below(6) as usize);
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    World { schema, this, parent, record, old, parent_row, others, done: Vec::new(), conditions: Vec::new(), zone, empty: Value::Empty }
}

/// A value as records mostly have them.
fn usual(field: &str, generator: &mut Generator) -> Value {
    let number = generator.below(4000) as i64 - 500;
    match field {
        "note" => Value::Text(["banana", "Na", "é"][generator.below(3) as usize].into()),
        "amount" => Value::Decimal(Decimal::new(number * 12_345, 4)),
        "rate" => Value::Decimal(Decimal::new(number, 4)),
        "fine" => Value::Decimal(Decimal::new(number, 10)),
        "ratio" => Value::Float(number as f64 / 8.0),
        "number" => Value::Integer(number / 20),
        "total" => Value::Integer(number * 1_000_000),
        "flag" => Value::Boolean(number % 2 == 0),
        "kind" => Value::Choice([1, 2, 7][generator.below(3) as usize]),
        "tags" => Value::Choices([1].into()),
        "born" => Value::Date("2024-02-29".parse().unwrap()),
        "seen" => Value::DateTime("2025-10-26T00:45:00Z".parse().unwrap()),
        "spot" => Value::LocalDateTime("2026-01-31T23:59:59".parse().unwrap()),
        _ => Value::Empty,
    }
}

/// The greatest and the least that a field can hold.
fn extreme(field: &str, greatest: bool) -> Value {
    let either = |one: &str, other: &str| if greatest { one.to_owned() } else { other.to_owned() };
    let decimal = |text: &str| Value::Decimal(if greatest { text.parse().unwrap() } else { -text.parse::<Decimal>().unwrap() });
    match field {
        "note" => Value::Text(either(&"x".repeat(100_000), "").into()),
        "amount" => decimal("922337203685477"),
        "rate" => decimal("100000000000"),
        "fine" => decimal("100000000000.0000000000"),
        "ratio" => Value::Float(if greatest { f64::MAX } else { -f64::MIN_POSITIVE }),
        "number" => Value::Integer(if greatest { i32::MAX.into() } else { i32::MIN.into() }),
        "total" => Value::Integer(if greatest { i64::MAX } else { i64::MIN }),
        "flag" => Value::Boolean(greatest),
        "kind" => Value::Choice(if greatest { 7 } else { 1 }),
        "tags" => Value::Choices(if greatest { vec![1, 2].into() } else { [].into() }),
        "born" => Value::Date(either("9999-12-31", "0001-01-01").parse().unwrap()),
        "seen" => Value::DateTime(either("9999-12-30T22:00:00Z", "0001-01-01T00:00:00Z").parse().unwrap()),
        "spot" => Value::LocalDateTime(either("9999-12-31T23:59:59", "0001-01-01T00:00:00").parse().unwrap()),
        _ => Value::Empty,
    }
}
