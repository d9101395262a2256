//! The operations that the campaigns are over, and what each must come to: alone, and in the middle of a longer transaction.

use weir::pipeline::{Ending, Operation, Outcome};
use weir::value::{Reference, Value};

use crate::world::{State, World, id};

/// An operation of a rich kind.
#[derive(Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    pub operation: fn(&World) -> Operation,
    /// Whether Bob does it, who has one role, and not the system administrator, who may do everything.
    pub by_bob: bool,
    /// What it does statement by statement, where each is kept by itself: an action with `rollback off`.
    pub steps: &'static [fn(&World) -> Operation],
}

/// How the operation of a case stands among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In a transaction of its own.
    Alone,
    /// Between two others, in one transaction.
    Longer,
    /// The same in a transaction that is left open.
    Within,
}

/// Where the ids count from that the operations of a script give: whatever failed before, they are the same.
const IDS: u64 = 10_000;

const fn case(name: &'static str, operation: fn(&World) -> Operation) -> Case {
    Case { name, operation, by_bob: false, steps: &[] }
}

pub const CASES: &[Case] = &[
    case("create with nested creates", |world| {
        world.create("account", Some(5), &[("name", "New".into()), ("credit", 70.into()), ("parent", world.record("account", 2).into())])
    }),
    Case { by_bob: true, ..case("create by somebody with a role", |world| world.create("account", Some(5), &[("name", "New".into())])) },
    case("update with a query, a loop and a child", |world| world.update("account", 2, &[("credit", 90.into())])),
    Case { by_bob: true, ..case("the same by somebody with a role", |world| world.update("account", 2, &[("credit", 90.into())])) },
    case("update in three passes", |world| {
        let bob = world.record("systemuser", 41);
        world.update("account", 2, &[("credit", 95.into()), ("ownerid", bob.into()), ("statuscode", Value::Choice(2))])
    }),
    case("update in three passes, the first of which is stopped", |world| {
        let bob = world.record("systemuser", 41);
        world.update("account", 2, &[("credit", 1.into()), ("ownerid", bob.into()), ("statuscode", Value::Choice(2))])
    }),
    case("update without any flow", |world| world.update("account", 9, &[("rating", "fine".into())])),
    case("delete with cascades and links to remove", |world| Operation::Delete { record: world.record("account", 2) }),
    case("delete that is restricted", |world| Operation::Delete { record: world.record("account", 4) }),
    case("delete with a nested update", |world| Operation::Delete { record: world.record("contact", 11) }),
    case("create that is stopped two levels down", |world| {
        let on = world.record("account", 3).into();
        world.create("contact", Some(15), &[("name", "Dear".into()), ("amount", 100_000.into()), ("account", on)])
    }),
    case("upsert by a key that is there", |world| upsert(world, "Acme")),
    case("upsert by a key that is not there", |world| upsert(world, "New")),
    case("several creates", |world| multiple(world, &["New", "Newer"])),
    case("several creates, the last of which can't be", |world| multiple(world, &["New", "Newer", "Acme"])),
    case("several updates", |world| {
        let targets = [(3, 40), (2, 90)].map(|(number, credit)| {
            let mut values = world.row("account", &[("credit", credit.into())]);
            values.set(weir::schema::PRIMARY_KEY, Value::Uuid(id(number)));
            values
        });
        Operation::UpdateMultiple { entity: world.record("account", 2).entity, targets: targets.into() }
    }),
    case("create with a key that is taken", |world| world.create("account", Some(5), &[("name", "Acme".into())])),
    case("update with a fault at its end", |world| world.update("account", 9, &[("credit", 13.into())])),
    case("update of a record that is not there", |world| world.update("account", 77, &[("credit", 13.into())])),
    case("run on demand", |world| Operation::Run { flow: "Tidy".into(), record: world.record("account", 2), inputs: Vec::new() }),
    case("child started by hand", |world| Operation::Start {
        flow: "Tell".into(),
        record: world.record("account", 2),
        inputs: vec!["so".into()],
    }),
    case("action, all or nothing", |world| perform(world, "Close", &["enough".into()])),
    Case {
        steps: &[
            |world| world.create("trail", None, &[("text", "one".into())]),
            |world| world.update("account", 2, &[("credit", 500.into())]),
            |world| {
                let on = world.record("account", 2).into();
                world.create("contact", None, &[("name", "Late".into()), ("account", on), ("amount", 7.into())])
            },
            |world| world.create("note", None, &[("text", "four".into())]),
        ],
        ..case("action, step by step", |world| perform(world, "Stepwise", &[]))
    },
    Case {
        steps: &[
            |world| world.create("trail", None, &[("text", "one".into())]),
            |world| world.update("account", 2, &[("credit", 500.into())]),
        ],
        ..case("action, step by step, that is stopped", |world| perform(world, "HalfWay", &[]))
    },
];

fn perform(world: &World, action: &str, inputs: &[Value]) -> Operation {
    Operation::Perform { action: action.into(), record: Some(world.record("account", 2)), inputs: inputs.to_vec() }
}

fn upsert(world: &World, name: &str) -> Operation {
    let (key, values) = (world.row("account", &[("name", name.into())]), world.row("account", &[("credit", 80.into())]));
    Operation::Upsert { entity: world.record("account", 2).entity, key, values }
}

fn multiple(world: &World, names: &[&str]) -> Operation {
    let targets = names.iter().map(|name| world.row("account", &[("name", (*name).into()), ("credit", 80.into())]));
    Operation::CreateMultiple { entity: world.record("account", 2).entity, targets: targets.collect() }
}

/// What came of a script.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Of each operation; fewer where the transaction could not be opened.
    pub outcomes: Vec<Outcome>,
    /// What the longer transaction said, if there was one and it failed.
    pub failure: Option<String>,
}

impl Told {
    /// What came of the operation of the case.
    pub fn about(&self, way: Way) -> Option<&Outcome> {
        self.outcomes.get(usize::from(way != Way::Alone))
    }
}

impl Case {
    pub fn acting(&self, world: &World) -> Option<Reference> {
        self.by_bob.then(|| world.record("systemuser", 41))
    }

    /// Does it. `around` is called before and after the operation of the case itself.
    pub fn play(&self, world: &mut World, way: Way, around: impl Fn(&World, bool)) -> Told {
        let (operation, acting) = ((self.operation)(world), self.acting(world));
        let own = |world: &mut World| {
            world.count_ids_from(IDS);
            around(world, true);
            let outcome = world.pipeline.execute(operation.clone(), acting);
            around(world, false);
            outcome
        };
        match way {
            Way::Alone => Told { outcomes: vec![own(world)], failure: None },
            _ => longer(world, way, |world, outcomes| outcomes.push(own(world))),
        }
    }

    /// The state of a new world after so many statements of the operation, each done by itself from outside.
    pub fn after_steps(&self, world: &mut World, way: Way, steps: usize) -> State {
        let all = |world: &mut World| {
            world.count_ids_from(IDS);
            for step in &self.steps[..steps] {
                let outcome = world.pipeline.execute(step(world), self.acting(world));
                assert_eq!(outcome.ending, Ending::Committed, "{}", self.name);
            }
        };
        match way {
            Way::Alone => all(world),
            _ => drop(longer(world, way, |world, _| all(world))),
        }
        let mut state = world.state();
        self.deepen(&mut state, world);
        state
    }

    /// Within the operation each statement is nested by one level more than by itself, and the jobs that it queues know how deep they began.
    fn deepen(&self, state: &mut State, world: &World) {
        let schema = world.pipeline.schema();
        let jobs = schema.entity_id("asyncoperation").unwrap();
        let depth = schema.entity(jobs).unwrap().slot("depth").unwrap();
        for (_, job) in
            state.iter_mut().filter(|(record, _)| record.entity == jobs && (id(IDS.into())..id((2 * IDS).into())).contains(&record.id))
        {
            let Some(Value::Integer(level)) = job.get_mut(depth) else { panic!("a job without a depth") };
            *level += 1;
        }
    }
}

/// One transaction: an operation, what is in the middle, and another one.
fn longer(world: &mut World, way: Way, middle: impl FnOnce(&mut World, &mut Vec<Outcome>)) -> Told {
    let mut outcomes = Vec::new();
    if let Err(error) = world.pipeline.begin() {
        return Told { outcomes, failure: Some(error.to_string()) };
    }
    world.count_ids_from(2 * IDS);
    outcomes.push(world.pipeline.execute(world.create("trail", None, &[("text", "first".into())]), None));
    middle(world, &mut outcomes);
    world.count_ids_from(3 * IDS);
    outcomes.push(world.pipeline.execute(world.update("contact", 13, &[("amount", 9.into())]), None));
    let ended = if way == Way::Longer { world.pipeline.commit() } else { Ok(()) };
    let failure = ended.err().map(|error| error.to_string());
    Told { outcomes, failure }
}

/// What is done after a failure, to see that the pipeline still works: an operation that is committed, and is then undone with all else.
pub fn go_on(world: &mut World) -> Ending {
    world.count_ids_from(4 * IDS);
    world.pipeline.begin().unwrap();
    let ending = world.pipeline.execute(world.update("account", 9, &[("credit", 48.into())]), None).ending;
    world.pipeline.rollback().unwrap();
    ending
}
