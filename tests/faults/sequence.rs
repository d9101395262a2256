//! Random operations, one after the other: those that go well, those that are stopped and those that end in a fault.
//!
//! The operation of a number depends on the seed and the number alone, and so do the ids of what it makes: two worlds that have done the
//! same are equal to the last id, however they were cut into transactions.

use weir::pipeline::{Operation, Outcome};
use weir::value::Value;

use crate::Random;
use crate::world::World;

/// Actions that are kept whole, and those that are kept step by step.
pub const ACTIONS: [&str; 3] = ["Close", "Stepwise", "HalfWay"];

/// Does the operation of a number; the actions among them are some of these.
pub fn play(world: &mut World, seed: u64, number: u64, actions: &[&str]) -> Outcome {
    world.count_ids_from(1_000_000 + number * 1_000);
    world.pipeline.execute(operation(world, seed, number, actions), None)
}

fn operation(world: &World, seed: u64, number: u64, actions: &[&str]) -> Operation {
    let mut random = Random(seed.wrapping_mul(1_000_003).wrapping_add(number));
    // An earlier operation, which may have made a record.
    let earlier = 100_000 + u128::from(number.saturating_sub(random.below(12) + 1));
    let account = *random.pick(&[1, 2, 3, 9, earlier, earlier, earlier]);
    let own = Some(100_000 + u128::from(number));
    let name = format!("Number {number}");
    match random.below(14) {
        0 | 1 => {
            world.create("account", own, &[("name", name.into()), ("credit", 60.into()), ("parent", world.record("account", 9).into())])
        }
        2 | 3 => {
            let amount = (random.below(9) as i32).into();
            world.create("contact", own, &[("name", name.into()), ("amount", amount), ("account", world.record("account", account).into())])
        }
        4 | 5 => world.update("account", account, &[("credit", (random.below(60) as i32 + 20).into())]),
        6 => Operation::Delete { record: world.record("account", earlier) },
        7 => Operation::Delete { record: world.record("contact", *random.pick(&[11, 12, earlier])) },
        8 => {
            let status = Value::Choice(*random.pick(&[1, 2, 3]));
            let owner = world.record("systemuser", 41).into();
            world.update("account", account, &[("credit", 80.into()), ("ownerid", owner), ("statuscode", status)])
        }
        9 => world.create("account", own, &[("name", "Acme".into())]),
        10 => world.update("account", account, &[("credit", 13.into())]),
        11 => {
            let action = *random.pick(actions);
            let inputs = if action == "Close" { vec!["enough".into()] } else { Vec::new() };
            Operation::Perform { action: action.into(), record: Some(world.record("account", account)), inputs }
        }
        12 => Operation::Run { flow: "Tidy".into(), record: world.record("account", account), inputs: Vec::new() },
        _ => {
            let amount = 100_000.into();
            world.create("contact", own, &[("name", name.into()), ("amount", amount), ("account", world.record("account", account).into())])
        }
    }
}
