//! Stage 10, and what the stages hand on to each other.

use std::sync::{Arc, Mutex};

use weir::bytecode::Stage;
use weir::pipeline::{Plugin, Refusal, Settings};

use super::*;

const THINGS: &str = r#"
    entity thing { name text(100) size integer mark text(100) }
    entity visit { thing lookup thing }
    flow Sized on thing { trigger update(size) at pre-operation set mark = "sized" }
    flow Stop on thing { trigger update(mark) if mark == "stop" { stop "Stopped." } }
    flow Nests on visit { trigger create update thing? { size = 5 } }
    flow Refuses on thing { trigger update(name) when name == "no" stop "No." }
"#;

/// Every update of a name is a visit, whatever comes of it.
fn visitor() -> Plugin {
    Plugin::new("Visitor", "thing").on_update(["name"]).stage(Stage::PreValidation).run(|thing| {
        let record = thing.record();
        thing.create("visit", &[("thing", record.into())]).map(drop)
    })
}

#[test]
fn at_stage_10_of_an_outermost_operation_nothing_is_in_its_transaction() {
    let mut pipeline = open(THINGS);
    pipeline.register(visitor()).unwrap();
    let record = created(&mut pipeline, "thing", &[("name", "a".into())]);
    let outcome = update(&mut pipeline, record, &[("name", "no".into())]);
    assert_eq!(stopped(&outcome), ("Refuses", "No."));
    // The visit, and what its flows did, was kept by itself.
    assert_eq!((outcome.ran.as_slice(), outcome.kept), (["Visitor", "Nests", "Sized", "Stop", "Refuses"].map(Into::into).as_slice(), 1));
    assert_eq!((count(&mut pipeline, "visit"), get(&mut pipeline, record, "mark")), (1, "sized".into()));
    assert_eq!(get(&mut pipeline, record, "name"), "a".into());
}

#[test]
fn within_a_transaction_stage_10_is_part_of_it() {
    let mut pipeline = open(THINGS);
    pipeline.register(visitor()).unwrap();
    let record = created(&mut pipeline, "thing", &[("name", "a".into())]);
    pipeline.begin().unwrap();
    let outcome = update(&mut pipeline, record, &[("name", "no".into())]);
    assert_eq!((stopped(&outcome), outcome.kept), (("Refuses", "No."), 0));
    pipeline.commit().unwrap();
    assert_eq!(count(&mut pipeline, "visit"), 0);

    let nested = r#"flow Renames on task { trigger create update thing["a"] { name = "no" } }"#;
    let mut pipeline = open(&format!("{THINGS}{nested}"));
    pipeline.register(visitor()).unwrap();
    created(&mut pipeline, "thing", &[("name", "a".into())]);
    let outcome = create(&mut pipeline, "task", &[("subject", "x".into())]);
    assert_eq!((stopped(&outcome), outcome.kept), (("Refuses", "No."), 0));
    assert_eq!((count(&mut pipeline, "visit"), count(&mut pipeline, "task")), (0, 0));
}

#[test]
fn a_write_that_fails_at_stage_10_ends_the_operation() {
    let mut pipeline = open(&format!("{THINGS} flow NoVisits on visit {{ trigger create stop \"No visits.\" }}"));
    let swallow = Plugin::new("Swallow", "thing").on_update(["name"]).stage(Stage::PreValidation).run(|thing| {
        let record = thing.record();
        let _ = thing.create("visit", &[("thing", record.into())]);
        Ok(())
    });
    pipeline.register(swallow).unwrap();
    let record = created(&mut pipeline, "thing", &[("name", "a".into())]);
    let before = dump(&mut pipeline);
    assert_eq!(stopped(&update(&mut pipeline, record, &[("name", "b".into())])), ("NoVisits", "No visits."));
    assert_eq!(dump(&mut pipeline), before);
}

#[test]
fn what_stage_10_adds_triggers_stage_20_and_what_stage_20_adds_triggers_stage_40() {
    let mut pipeline = open(THINGS);
    let early = Plugin::new("Early", "thing").on_update(["name"]).stage(Stage::PreValidation).run(|thing| thing.set("size", 3));
    pipeline.register(early).unwrap();
    let record = created(&mut pipeline, "thing", &[("name", "a".into())]);
    let outcome = update(&mut pipeline, record, &[("name", "b".into())]);
    assert_eq!(outcome.ran, ["Early", "Sized", "Stop"]);
    assert_eq!((get(&mut pipeline, record, "size"), get(&mut pipeline, record, "mark")), (3.into(), "sized".into()));
}

#[test]
fn stage_10_comes_before_the_privileges() {
    let roles = "role Reader { privilege read on thing at organization }";
    let mut pipeline = open_with(&format!("{THINGS}{roles}"), Settings::fixed());
    let early = Plugin::new("Early", "thing").on_update(["name"]).stage(Stage::PreValidation).run(|_| Err(Refusal::new("Too early.")));
    pipeline.register(early).unwrap();
    let record = created(&mut pipeline, "thing", &[("name", "a".into())]);
    let alice = pipeline.user("alice").unwrap();
    let values = row(&pipeline, "thing", &[("name", "b".into())]);
    let outcome = pipeline.execute(Operation::Update { record, values }, Some(alice));
    assert_eq!(stopped(&outcome), ("Early", "Too early."));
    let values = row(&pipeline, "thing", &[("size", 1.into())]);
    assert_eq!(fault(&pipeline.execute(Operation::Update { record, values }, Some(alice))).0, Code::F22);
}

#[test]
fn each_pass_has_all_stages() {
    let mut pipeline = open(THINGS);
    let seen = Arc::new(Mutex::new(Vec::new()));
    for stage in [Stage::PreValidation, Stage::PreOperation, Stage::PostOperation] {
        let seen = Arc::clone(&seen);
        let watch = Plugin::new(stage.name(), "thing").on_update::<&str>([]).stage(stage).run(move |thing| {
            let has = |value: Option<&Value>| if value.is_some() { "x" } else { "-" };
            let target = [has(thing.target("name")?), has(thing.target("ownerid")?), has(thing.target("statuscode")?)].concat();
            seen.lock().unwrap().push(format!("{} {target}", stage as u8));
            Ok(())
        });
        pipeline.register(watch).unwrap();
    }
    let record = created(&mut pipeline, "thing", &[]);
    let alice = pipeline.user("alice").unwrap();
    let values = [("name", "b".into()), ("ownerid", alice.into()), ("statuscode", Value::Choice(2))];
    assert_eq!(update(&mut pipeline, record, &values).ending, Ending::Committed);
    let passes = ["10 x--", "20 x--", "40 x--", "10 -x-", "20 -x-", "40 -x-", "10 --x", "20 --x", "40 --x"];
    assert_eq!(*seen.lock().unwrap(), passes);
}
