//! The store fails at each of its calls, one after the other, in four ways.
//!
//! Afterwards the database holds what it held before or all that the operations do; what it may be is told by the answer. Of an
//! action with `rollback off` it holds the statements that are told as kept. The same pipeline goes on as if nothing had been.

use weir::pipeline::Ending;

use crate::cases::{CASES, Case, Told, Way, go_on};
use crate::store::{EVERY_HOW, Failing, Faults, How};
use crate::wanted;
use crate::world::{State, World, differences, id, rules, store_failed};

/// After so many failures the whole script is done again, in full; after each, one operation is.
const OFTEN: u64 = 20;

/// What a case comes to when nothing fails.
struct Expected {
    before: State,
    told: Told,
    after: State,
    /// What is there after the first statements, where each is kept by itself.
    steps: Vec<State>,
}

impl Expected {
    fn of(case: &Case, way: Way) -> Self {
        let mut world = World::new();
        let before = world.state();
        let told = case.play(&mut world, way, |_, _| ());
        let after = world.state();
        let steps = match way {
            Way::Alone => (0..=case.steps.len()).map(|steps| case.after_steps(&mut World::new(), way, steps)).collect(),
            _ => Vec::new(),
        };
        Expected { before, told, after, steps }
    }
}

#[test]
fn a_store_that_fails_at_any_call_leaves_all_or_nothing() {
    let ends = campaigns(Way::Alone);
    assert!(ends.iter().all(|count| *count > 0), "{ends:?}");
}

#[test]
fn a_store_that_fails_at_any_call_of_a_longer_transaction_leaves_all_or_nothing() {
    let ends = campaigns(Way::Longer);
    assert!(ends[0] > 0 && ends[1] > 0, "{ends:?}");
}

/// The campaigns over all cases: how often nothing was kept, everything, some steps.
fn campaigns(way: Way) -> [usize; 3] {
    let (mut points, mut ends) = (0, [0; 3]);
    for (index, case) in CASES.iter().enumerate() {
        let expected = Expected::of(case, way);
        if way == Way::Alone || wanted("WEIR_FAULTS", 0) > 0 {
            for how in EVERY_HOW {
                points += campaign(case, way, |_| how, &expected, &mut ends);
            }
        } else {
            // The ways of failing take turns, at another call in each case.
            points += campaign(case, way, |number| EVERY_HOW[(number as usize + index) % 4], &expected, &mut ends);
        }
    }
    let [nothing, everything, steps] = ends;
    println!(
        "{points} calls of the store failed, {way:?}: {nothing} times nothing was kept, {everything} times everything, {steps} times some steps"
    );
    assert!(points > 500, "{points}");
    ends
}

/// Lets every call of a script fail, until it comes to its end without; says how many there were. The world goes on as long as it
/// is as it was, so its pipeline outlives many failures.
fn campaign(case: &Case, way: Way, how: impl Fn(u64) -> How, expected: &Expected, ends: &mut [usize; 3]) -> u64 {
    let mut world = World::new();
    let mut number = 0;
    loop {
        number += 1;
        let how = how(number);
        let place = format!("{}, {way:?}, call {number} {how:?}", case.name);
        world.faults.arm(number, how);
        let told = case.play(&mut world, way, |_, _| ());
        let hit = world.faults.heal();
        let state = world.state();
        let Some(call) = hit else {
            assert_eq!(told, expected.told, "{place}");
            assert!(state == expected.after, "{place}:\n{}", differences(&state, &expected.after));
            return number - 1;
        };
        let place = format!("{place} ({call})");
        let end = held(&told, way, how, call, &state, expected, &place);
        ends[end] += 1;
        world.forget_log();
        assert_eq!(go_on(&mut world), Ending::Committed, "after {place}");
        if state != expected.before {
            world = World::new();
        } else if number % OFTEN == 0 {
            let again = case.play(&mut world, way, |_, _| ());
            assert_eq!(again, expected.told, "again after {place}");
            assert!(world.state() == expected.after, "again after {place}:\n{}", differences(&world.state(), &expected.after));
            world = World::new();
        }
    }
}

/// Holds what is there against what was told: 0 where nothing is kept, 1 where everything is, 2 where it is some statements.
fn held(told: &Told, way: Way, how: How, call: &str, state: &State, expected: &Expected, place: &str) -> usize {
    // The answer to a commit was lost: then, and only then, may more be there than was told.
    let lost = call == "commit" && how == How::Done;
    let about = told.about(way);
    let kept = match way {
        Way::Alone => about.is_some_and(|outcome| !store_failed(outcome)),
        _ => told.failure.is_none(),
    };
    if kept {
        // What failed came after the end: the log, or what undoes.
        assert_eq!(about.map(|outcome| &outcome.ending), expected.told.about(way).map(|outcome| &outcome.ending), "{place}");
        assert!(*state == expected.after, "{place}: told as kept\n{}", differences(state, &expected.after));
        return usize::from(expected.after != expected.before);
    }
    if let (Way::Alone, Some(outcome)) = (way, about)
        && expected.steps.len() > 1
    {
        let steps = outcome.kept as usize;
        let more = lost && expected.steps.get(steps + 1).is_some_and(|more| state == more);
        let there = state == &expected.steps[steps];
        assert!(there || more, "{place}: {steps} steps told\n{}", differences(state, &expected.steps[steps]));
        return if *state == expected.before { 0 } else { 2 };
    }
    if *state == expected.before {
        return 0;
    }
    assert!(lost, "{place}: told as failed\n{}", differences(state, &expected.before));
    assert!(*state == expected.after, "{place}: neither before nor after\n{}", differences(state, &expected.after));
    1
}

#[test]
fn a_store_that_fails_while_something_is_only_read_does_no_harm() {
    let mut points = 0;
    for how in EVERY_HOW {
        for number in 1.. {
            let mut world = World::new();
            let before = world.state();
            let (account, bob) = (world.record("account", 2), world.record("systemuser", 41));
            let entity = account.entity;
            world.faults.arm(number, how);
            let _ = world.pipeline.find(entity, &Default::default(), 10);
            let _ = world.pipeline.read(account, &[weir::value::Slot(1)].into_iter().collect());
            let _ = world.pipeline.text(&account.into(), &weir::value::Type::Lookup(vec![entity].into()), Some(bob));
            if world.faults.heal().is_none() {
                break;
            }
            points += 1;
            assert!(world.state() == before, "call {number} {how:?}");
            assert_eq!(go_on(&mut world), Ending::Committed);
        }
    }
    println!("{points} calls of the store failed while something was read");
    assert!(points >= 30, "{points}");
}

#[test]
fn a_store_that_fails_while_it_is_opened_can_be_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut points = 0;
    for how in EVERY_HOW {
        for number in 1.. {
            let path = folder.path().join(format!("{number} {how:?}.db"));
            let open = |faults: &Faults| {
                let store = weir::store::Sqlite::open(&path).unwrap();
                rules().over(Failing::new(store, faults), weir::pipeline::Settings::fixed())
            };
            let faults = Faults::default();
            faults.arm(number, how);
            let opened = open(&faults);
            let reached = faults.heal().is_some();
            assert_eq!(opened.is_err(), reached, "call {number} {how:?}");
            drop(opened);
            let mut world = World::over(rules(), weir::store::Sqlite::open(&path).unwrap());
            let outcome = world.pipeline.execute(world.create("account", Some(1), &[("name", "New".into()), ("credit", 9.into())]), None);
            assert_eq!(outcome.ending, Ending::Committed, "call {number} {how:?}");
            assert_eq!(outcome.record.unwrap().id, id(1));
            if !reached {
                break;
            }
            points += 1;
        }
    }
    println!("{points} calls of the store failed while it was opened");
    assert!(points >= 16, "{points}");
}
