//! Plug-ins around an action's own message, and what steps of an operation share.

use std::sync::{Arc, Mutex};

use weir::bytecode::Stage;
use weir::pipeline::{Happening, Plugin, Refusal, RegisterError};

use super::*;

const DEALS: &str = r#"
    entity deal { name text(100) size integer discount integer }
    action Approve on deal {
      input  percent integer required
      output approved boolean
      output note text(100)
      set discount = percent
      set output approved = percent <= 10
      set output note = "asked for {percent}"
    }
    action Total { output total integer  set output total = 7 }
    flow Begin on deal { trigger update(size)
      let answer = perform Approve(percent = 5) on this
      if answer.approved != true { stop "Not approved: {answer.note}" }
    }
"#;

fn whole(value: &Value) -> i64 {
    if let Value::Integer(number) = value { *number } else { panic!("{value:?} is no whole number") }
}

fn approve(pipeline: &mut Pipeline, record: Reference, percent: i64) -> Outcome {
    let inputs = vec![Value::Integer(percent)];
    pipeline.execute(Operation::Perform { action: "Approve".into(), record: Some(record), inputs }, None)
}

#[test]
fn plug_ins_before_an_action_change_its_inputs_and_those_after_it_its_outputs() {
    let mut pipeline = open(DEALS);
    let around = |name: &str, stage| Plugin::new(name, "deal").on_perform("Approve").stage(stage);
    let halve = around("Halve", Stage::PreOperation).run(|deal| {
        assert_eq!((deal.action(), deal.stage(), deal.depth()), (Some("Approve"), Stage::PreOperation, 1));
        let half = whole(deal.input("percent")?) / 2;
        deal.set_input("percent", half)
    });
    let early = around("Early", Stage::PreValidation).run(|deal| match deal.input("percent")? {
        Value::Integer(99) => Err(Refusal::new("Never 99.")),
        _ => Ok(()),
    });
    let tell = around("Tell", Stage::PostOperation).run(|deal| {
        let note = format!("{} [{:?}]", deal.output("note")?.as_text().unwrap_or_default(), deal.output("approved")?);
        deal.set_output("note", note.as_str())
    });
    [tell, halve, early].into_iter().for_each(|plugin| pipeline.register(plugin).unwrap());
    let record = created(&mut pipeline, "deal", &[]);
    let outcome = approve(&mut pipeline, record, 20);
    assert_eq!(outcome.ending, Ending::Committed);
    assert_eq!(outcome.ran, ["Early", "Halve", "Approve", "Tell"]);
    assert_eq!(outcome.outputs, [true.into(), "asked for 10 [Boolean(true)]".into()]);
    assert_eq!(get(&mut pipeline, record, "discount"), 10.into());
    assert_eq!(stopped(&approve(&mut pipeline, record, 99)), ("Early", "Never 99."));
}

#[test]
fn an_action_that_a_flow_performs_has_them_too() {
    let mut pipeline = open(DEALS);
    let raise = Plugin::new("Raise", "deal").on_perform("Approve").stage(Stage::PreOperation).run(|deal| deal.set_input("percent", 50));
    pipeline.register(raise).unwrap();
    let record = created(&mut pipeline, "deal", &[]);
    let outcome = update(&mut pipeline, record, &[("size", 1.into())]);
    assert_eq!((stopped(&outcome), outcome.depth), (("Begin", "Not approved: asked for 50"), 3));
    assert_eq!(outcome.ran, ["Begin", "Raise", "Approve"]);
    assert_eq!(get(&mut pipeline, record, "discount"), Value::Empty);
}

#[test]
fn an_input_is_held_against_its_declaration_and_an_output_comes_after_the_body() {
    let wrong = |stage, run: fn(&mut weir::pipeline::PluginContext<'_>) -> Result<(), Refusal>| {
        let mut pipeline = open(DEALS);
        pipeline.register(Plugin::new("P", "deal").on_perform("Approve").stage(stage).run(run)).unwrap();
        let record = created(&mut pipeline, "deal", &[]);
        let outcome = approve(&mut pipeline, record, 5);
        let (code, message) = fault(&outcome);
        assert_eq!(outcome.outputs, []);
        (code, message.to_owned())
    };
    let (before, after) = (Stage::PreOperation, Stage::PostOperation);
    assert_eq!(wrong(before, |deal| deal.set_input("percent", "x")).0, Code::F04);
    assert_eq!(wrong(before, |deal| deal.set_input("percent", Value::Empty)).0, Code::F05);
    assert_eq!(
        wrong(before, |deal| deal.set_input("per", 1)),
        (Code::F10, "the plug-in `P` sets an input `per`, which isn't there".into())
    );
    let taken = "the plug-in `P` sets the input `percent`, which the action has taken already";
    assert_eq!(wrong(after, |deal| deal.set_input("percent", 1)), (Code::F10, taken.into()));
    assert_eq!(wrong(before, |deal| deal.set_output("note", "x")).0, Code::F10);
    assert_eq!(wrong(after, |deal| deal.set_output("note", "x".repeat(200))).0, Code::F04);
    // What it swallows ends the operation all the same.
    let swallowed = wrong(before, |deal| {
        let _ = deal.set_input("percent", "x");
        Ok(())
    });
    assert_eq!(swallowed.0, Code::F04);
}

#[test]
fn a_write_before_an_action_is_a_nested_update_and_rolls_back_with_it() {
    let mut pipeline = open(DEALS);
    let name = Plugin::new("Name", "deal").on_perform("Approve").stage(Stage::PreOperation).run(|deal| deal.set("name", "named"));
    let refuse = Plugin::new("Refuse", "deal").on_perform("Approve").run(|deal| match deal.output("approved")? {
        Value::Boolean(true) => Ok(()),
        _ => Err(Refusal::new("No.")),
    });
    [name, refuse].into_iter().for_each(|plugin| pipeline.register(plugin).unwrap());
    let record = created(&mut pipeline, "deal", &[]);
    assert_eq!(stopped(&approve(&mut pipeline, record, 11)), ("Refuse", "No."));
    assert_eq!(get(&mut pipeline, record, "name"), Value::Empty);
    let outcome = approve(&mut pipeline, record, 10);
    assert_eq!((&outcome.ending, outcome.depth, get(&mut pipeline, record, "name")), (&Ending::Committed, 2, "named".into()));
}

#[test]
fn a_global_action_has_plug_ins_without_a_record() {
    let mut pipeline = open(DEALS);
    let double = Plugin::global("Double").on_perform("Total").run(|context| {
        let total = whole(context.output("total")?);
        context.set_output("total", total * 2)
    });
    pipeline.register(double).unwrap();
    let outcome = pipeline.execute(Operation::Perform { action: "Total".into(), record: None, inputs: Vec::new() }, None);
    assert_eq!(
        (outcome.ran.as_slice(), outcome.outputs.as_slice()),
        (["Total", "Double"].map(Into::into).as_slice(), [14.into()].as_slice())
    );
}

#[test]
fn a_plug_in_is_around_actions_of_its_own_entity() {
    let mut pipeline = open(DEALS);
    let refused = |pipeline: &mut Pipeline, plugin: Plugin| pipeline.register(plugin.run(|_| Ok(()))).unwrap_err().to_string();
    assert_eq!(
        refused(&mut pipeline, Plugin::new("P", "deal").on_perform("Aprove")),
        "the plug-in `P` is around `Aprove`, which is no action of its entity; did you mean `Approve`?"
    );
    assert!(refused(&mut pipeline, Plugin::new("P", "deal").on_perform("Total")).contains("no action of its entity"));
    assert!(refused(&mut pipeline, Plugin::global("P").on_perform("Approve")).contains("no action of its entity"));
    let nothing = pipeline.register(Plugin::global("P").on_create().run(|_| Ok(()))).unwrap_err();
    assert_eq!(nothing, RegisterError::NoEvent { name: "P".into() });
}

#[test]
fn a_declared_plug_in_is_around_an_action() {
    let declared = r#"plugin Check on deal { trigger perform(Approve) at pre-operation  reads name  via host }"#;
    let mut pipeline = open(&format!("{DEALS}{declared}"));
    pipeline.bind("Check", |deal| if deal.field("name")?.is_empty() { Err(Refusal::new("No name.")) } else { Ok(()) }).unwrap();
    let record = created(&mut pipeline, "deal", &[]);
    assert_eq!(stopped(&approve(&mut pipeline, record, 1)), ("Check", "No name."));
    update(&mut pipeline, record, &[("name", "x".into())]);
    assert_eq!(approve(&mut pipeline, record, 1).ran, ["Check", "Approve"]);
}

#[test]
fn what_a_step_shares_is_there_for_later_steps_and_for_what_they_nest() {
    const TASKS: &str = r#"
        entity thing { name text(100) }
        flow Nest on thing { trigger create rank 5 create task { subject = "nested" } }
    "#;
    let mut pipeline = open(TASKS);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watch = |name: &'static str, entity: &str, stage, share: Option<i64>| {
        let seen = Arc::clone(&seen);
        Plugin::new(name, entity).on_create().stage(stage).rank(if name == "Last" { 9 } else { 1 }).run(move |context| {
            let found = context.shared("token").map(ToString::to_string);
            seen.lock().unwrap().push(format!("{name}: {}", found.unwrap_or_default()));
            share.into_iter().for_each(|value| context.share("token", value));
            Ok(())
        })
    };
    let plugins = [
        watch("Early", "thing", Stage::PreValidation, Some(1)),
        watch("Before", "thing", Stage::PreOperation, None),
        watch("Task", "task", Stage::PreOperation, Some(2)),
        watch("TaskAfter", "task", Stage::PostOperation, None),
        watch("Last", "thing", Stage::PostOperation, None),
    ];
    plugins.into_iter().for_each(|plugin| pipeline.register(plugin).unwrap());
    create(&mut pipeline, "thing", &[]);
    let told = ["Early: ", "Before: 1", "Task: 1", "TaskAfter: 2", "Last: 1"];
    assert_eq!(seen.lock().unwrap().as_slice(), told);
    seen.lock().unwrap().clear();
    create(&mut pipeline, "thing", &[]);
    assert_eq!(seen.lock().unwrap().as_slice(), told, "nothing is left of the operation before");
}

#[test]
fn the_images_of_an_action_are_its_record_as_the_transaction_finds_it() {
    let told = r#"action Tell on deal { reads name output name text(100) via host }"#;
    for stages in [&[Stage::PreOperation, Stage::PostOperation][..], &[Stage::PreValidation, Stage::PreOperation]] {
        let mut pipeline = open(&format!("{DEALS}{told}"));
        let tell = |deal: &mut weir::pipeline::PluginContext<'_>| {
            let (before, now) = (deal.pre_image("name")?.clone(), deal.field("name")?.clone());
            assert_eq!(before, now);
            deal.set_output("name", now)
        };
        pipeline.bind("Tell", tell).unwrap();
        for stage in stages {
            let look = Plugin::new(stage.name(), "deal").on_perform("Tell").stage(*stage).run(|deal| {
                assert_eq!(deal.pre_image("name")?.as_text(), Some("Acme"));
                Ok(())
            });
            pipeline.register(look).unwrap();
        }
        let record = created(&mut pipeline, "deal", &[("name", "Acme".into())]);
        let perform = || Operation::Perform { action: "Tell".into(), record: Some(record), inputs: Vec::new() };
        let outcome = pipeline.execute(perform(), None);
        assert_eq!((&outcome.ending, outcome.outputs.as_slice()), (&Ending::Committed, ["Acme".into()].as_slice()));
        pipeline.begin().unwrap();
        assert_eq!(pipeline.execute(perform(), None).outputs, ["Acme".into()]);
        pipeline.commit().unwrap();
    }
}

#[test]
fn a_plug_in_after_an_action_still_has_its_pre_image() {
    let mut pipeline = open(DEALS);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let after = Arc::clone(&seen);
    let late = Plugin::new("Late", "deal").on_perform("Approve").stage(Stage::PostOperation).run(move |deal| {
        let before = deal.pre_image("discount")?.clone();
        after.lock().unwrap().push((before, deal.post_image("discount")?.clone()));
        Ok(())
    });
    pipeline.register(late).unwrap();
    let record = created(&mut pipeline, "deal", &[("discount", 3.into())]);
    assert_eq!(approve(&mut pipeline, record, 20).ending, Ending::Committed);
    assert_eq!(*seen.lock().unwrap(), [(3.into(), 20.into())]);
}

#[test]
fn a_trace_tells_what_plug_ins_give_and_share() {
    let mut pipeline = open_with(DEALS, Settings::fixed().traced());
    let around = |name: &str, stage| Plugin::new(name, "deal").on_perform("Approve").stage(stage);
    let before = around("Before", Stage::PreOperation).run(|deal| {
        deal.share("asked", 20);
        deal.set_input("percent", 7)
    });
    let after = around("After", Stage::PostOperation).run(|deal| deal.set_output("approved", false));
    [before, after].into_iter().for_each(|plugin| pipeline.register(plugin).unwrap());
    let record = created(&mut pipeline, "deal", &[]);
    let outcome = approve(&mut pipeline, record, 20);
    let told = outcome.trace.iter().filter_map(|entry| match &entry.what {
        Happening::Input(named) => Some(format!("input {:?} {:?}", named.old, named.value)),
        Happening::Output(named) if named.old.is_some() => Some(format!("output {:?} {:?}", named.old, named.value)),
        Happening::Shared(name, value) => Some(format!("shared {name} {value}")),
        _ => None,
    });
    let told = told.collect::<Vec<_>>();
    assert_eq!(told, ["shared asked 20", "input Some(Integer(20)) Integer(7)", "output Some(Boolean(true)) Boolean(false)"]);
}
