//! Before and after every step something refuses, faults or panics.
//!
//! Plug-ins stand between all the flows, at every stage of every event of every entity, and one of their runs ends its operation.
//! Then the operation leaves nothing, and in a longer transaction what came before it is there and what comes after it goes on.

use std::panic;
use std::sync::{Arc, Mutex, Once};

use weir::bytecode::Stage;
use weir::diagnostic::Code;
use weir::pipeline::{Ending, Outcome, Plugin, PluginContext, Refusal};

use crate::cases::{CASES, Case, Told, Way, go_on};
use crate::sequence::ACTIONS;
use crate::world::{State, World, differences};

/// The entities of the rules, with the ranks of the flows before and after the operation: no two of one rank, so that a plug-in of
/// each rank is before each flow. One is behind them all.
const RANKS: [(&str, &[i32], &[i32]); 5] = [
    ("account", &[-5, LAST], &[1, 2, 3, 4, 5, 7, LAST]),
    ("contact", &[3, LAST], &[1, 2, LAST]),
    ("note", &[LAST], &[LAST]),
    ("contract", &[LAST], &[LAST]),
    ("trail", &[LAST], &[LAST]),
];

/// A rank that no flow has.
const LAST: i32 = 99;

/// What a plug-in does whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Refuses,
    Faults,
    Nests,
    Panics,
}

/// Which run is the one, counted from the last arming; shared by all plug-ins.
#[derive(Clone, Default)]
struct Turn(Arc<Mutex<Runs>>);

#[derive(Default)]
struct Runs {
    count: u64,
    armed: Option<(u64, What)>,
    met: bool,
}

impl Turn {
    fn arm(&self, number: u64, way: What) {
        *self.0.lock().unwrap() = Runs { count: 0, armed: Some((number, way)), met: false };
    }

    /// No run is the one any more.
    fn disarm(&self) {
        self.0.lock().unwrap().armed = None;
    }

    /// Whether one was.
    fn was(&self) -> bool {
        self.0.lock().unwrap().met
    }

    fn run(&self, context: &mut PluginContext<'_>) -> Result<(), Refusal> {
        let way = {
            let mut turn = self.0.lock().unwrap();
            turn.count += 1;
            let number = turn.count;
            let Some((_, way)) = turn.armed.filter(|(wanted, _)| *wanted == number) else { return Ok(()) };
            turn.met = true;
            way
        };
        match way {
            What::Refuses => Err(Refusal::new(REASON)),
            What::Faults => context.field("there is no such field").map(drop),
            // What failed within may not be passed over.
            What::Nests => {
                let _ = context.create("account", &[("credit", 1.into())]);
                Ok(())
            }
            What::Panics => panic!("{REASON}"),
        }
    }
}

/// What the plug-ins say.
const REASON: &str = "here and no further";

/// A world with plug-ins everywhere.
fn watched() -> (World, Turn) {
    quiet_panics();
    let (mut world, turn) = (World::new(), Turn::default());
    for (entity, before, after) in RANKS {
        for (stage, ranks) in [(Stage::PreValidation, &[LAST][..]), (Stage::PreOperation, before), (Stage::PostOperation, after)] {
            for rank in ranks {
                let turn = turn.clone();
                let plugin = Plugin::new(format!("{entity} {} {rank}", stage as u8), entity).on_create().on_update([""; 0]).on_delete();
                // Around actions too, which are all on accounts.
                let actions = ACTIONS.iter().filter(|_| entity == "account");
                let plugin = actions.fold(plugin, |plugin, action| plugin.on_perform(*action));
                let plugin = plugin.stage(stage).rank(*rank).reads([""; 0]).run(move |context| turn.run(context));
                world.pipeline.register(plugin).unwrap();
            }
        }
    }
    (world, turn)
}

/// The panics that are made here are expected, and nobody needs to read of them.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |about| {
            if about.payload_as_str() != Some(REASON) {
                usual(about);
            }
        }));
    });
}

#[test]
fn a_step_that_ends_its_operation_leaves_nothing_of_it() {
    campaigns(Way::Alone);
}

#[test]
fn a_step_that_ends_its_operation_in_a_longer_transaction_leaves_the_others() {
    campaigns(Way::Within);
}

fn campaigns(way: Way) {
    let mut points = 0;
    for (index, case) in CASES.iter().enumerate() {
        let without: Vec<State> = (0..=case.steps.len()).map(|steps| case.after_steps(&mut watched().0, way, steps)).collect();
        let (mut world, _) = watched();
        let before = world.state();
        let told = case.play(&mut world, way, |_, _| ());
        let whole = (told, world.state());
        // The four take turns, at another run in each case.
        let turns = |number| [What::Refuses, What::Faults, What::Nests, What::Panics][(number as usize + index) % 4];
        points += campaign(case, way, turns, &before, &without, &whole);
    }
    println!("{points} runs of plug-ins ended their operation, {way:?}, before and after each step");
    assert!(points > 500, "{points}");
}

/// Has every run of a plug-in in an operation end it, until there is no further one; says how many there were.
fn campaign(case: &Case, way: Way, what: impl Fn(u64) -> What, before: &State, without: &[State], whole: &(Told, State)) -> u64 {
    let (mut world, mut turn) = watched();
    let mut number = 0;
    loop {
        number += 1;
        let what = what(number);
        let place = format!("{}, {way:?}, plug-in {number} {what:?}", case.name);
        let arm = |_: &World, begins| if begins { turn.arm(number, what) } else { turn.disarm() };
        let told = case.play(&mut world, way, arm);
        let state = world.state();
        world.pipeline.rollback().unwrap();
        if !turn.was() {
            assert_eq!(told, whole.0, "{place}");
            assert!(state == whole.1, "{place}:\n{}", differences(&state, &whole.1));
            return number - 1;
        }
        let outcome = told.about(way).unwrap();
        ended_so(outcome, what, &place);
        assert_eq!(told.failure, None, "{place}");
        let expected = &without[outcome.kept as usize];
        assert!(state == *expected, "{place}: {} steps told\n{}", outcome.kept, differences(&state, expected));
        world.forget_log();
        assert_eq!(go_on(&mut world), Ending::Committed, "after {place}");
        if way == Way::Alone && state != *before {
            (world, turn) = watched();
        }
    }
}

/// The operation ended as the plug-in said.
fn ended_so(outcome: &Outcome, what: What, place: &str) {
    let right = match (&outcome.ending, what) {
        (Ending::Stopped { reason, .. }, What::Refuses) => reason == REASON,
        (Ending::Fault(fault), What::Faults) => fault.code == Code::F10,
        (Ending::Fault(fault), What::Nests) => fault.code == Code::F05,
        (Ending::Fault(fault), What::Panics) => fault.code == Code::F10 && fault.message.ends_with(REASON),
        _ => false,
    };
    assert!(right, "{place}: {:?}", outcome.ending);
    assert_eq!((outcome.record, outcome.outputs.as_slice()), (None, [].as_slice()), "{place}");
}
