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
    let (mut checked, mut refused, mut ends) = (0, 0, [0; 4]);
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
        "{checked} flows ran on both engines, {refused} were refused by the checker; ends: {} done, {} finished, {} stopped, {} faults",
        ends[0], ends[1], ends[2], ends[3]
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
        End::Fault(_) => 3,
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
        Ok(Exit::Finished(note)) => End::Finished(note),
        Ok(Exit::Stopped(reason)) | Err(Interrupt::Stop { reason, .. }) => End::Stopped(reason),
        Err(Interrupt::Fault(fault)) => End::Fault(fault.code),
    }
}

fn world<'a>(schema: &'a weir::schema::Schema, generator: &mut Generator) -> World<'a> {
    let thing = schema.entity_id("thing").unwrap();
    let (this, parent) = (reference::reference(thing.0, 1), reference::reference(thing.0, 2));
    let mut row = || {
        let mut row = Row::default();
        for (slot, field) in schema.entity(thing).unwrap().fields() {
            let number = generator.below(4000) as i64 - 500;
            let value = match field.name.as_str() {
                "name" => Value::Text(["Anna", "Name é", "ana"][generator.below(3) as usize].into()),
                _ if generator.below(4) == 0 => Value::Empty,
                "note" => Value::Text(["banana", "Na", "é"][generator.below(3) as usize].into()),
                "amount" => Value::Decimal(Decimal::new(number * 12_345, 4)),
                "rate" => Value::Decimal(Decimal::new(number, 4)),
                "number" => Value::Integer(if generator.below(10) == 0 { i64::from(i32::MAX) } else { number / 20 }),
                "total" => Value::Integer(number * 1_000_000),
                "flag" => Value::Boolean(number % 2 == 0),
                "kind" => Value::Choice([1, 2, 7][generator.below(3) as usize]),
                "born" => Value::Date("2024-02-29".parse().unwrap()),
                "seen" => Value::DateTime("2025-10-26T00:45:00Z".parse().unwrap()),
                "parent" => Value::Reference(parent),
                _ => continue,
            };
            row.set(slot, value);
        }
        row
    };
    let (record, old, parent_row) = (row(), row(), row());
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    World { schema, this, parent, record, old, parent_row, done: Vec::new(), zone, empty: Value::Empty }
}
