//! Which steps run, and in which order.

use weir::bytecode::Stage;
use weir::pipeline::{Happening, Plugin, Settings, StepVerdict};

use super::*;

/// A flow and a plug-in on the same update, at a stage, with these ranks.
fn ran(stage: Stage, flow: Option<i32>, plugin: Option<i32>) -> Vec<String> {
    let word = if stage == Stage::PreOperation { "pre-operation" } else { "post-operation" };
    let rank = flow.map(|rank| format!("rank {rank}")).unwrap_or_default();
    let text = format!(
        "entity thing {{ name text(100) mark text(100) }}
         flow Flow on thing {{ trigger update(name) stage {word} {rank} set mark = \"{{mark ?? \"\"}}f\" }}"
    );
    let mut pipeline = open(&text);
    let record = created(&mut pipeline, "thing", &[("name", "a".into())]);
    let step = Plugin::new("Plugin", "thing").on_update(["name"]).stage(stage);
    let step = plugin.into_iter().fold(step, Plugin::rank);
    let step = step.run(|thing| {
        let mark = format!("{}p", thing.field("mark")?.as_text().unwrap_or_default());
        thing.set("mark", mark)
    });
    pipeline.register(step).unwrap();
    let outcome = update(&mut pipeline, record, &[("name", "b".into())]);
    assert_eq!(outcome.ending, Ending::Committed);
    let marks = get(&mut pipeline, record, "mark").as_text().unwrap().to_owned();
    let ran: Vec<String> = outcome.ran.iter().map(ToString::to_string).collect();
    assert_eq!(marks, ran.iter().map(|name| if name == "Flow" { "f" } else { "p" }).collect::<String>());
    ran
}

#[test]
fn plug_ins_and_flows_are_ordered_by_rank_and_then_by_kind() {
    for stage in [Stage::PreOperation, Stage::PostOperation] {
        // Where nothing is said, a flow has rank 0 and a plug-in rank 1.
        assert_eq!(ran(stage, None, None), ["Flow", "Plugin"]);
        assert_eq!(ran(stage, None, Some(0)), ["Plugin", "Flow"]);
        assert_eq!(ran(stage, Some(0), Some(0)), ["Plugin", "Flow"]);
        assert_eq!(ran(stage, Some(0), Some(1)), ["Flow", "Plugin"]);
        assert_eq!(ran(stage, Some(1), None), ["Plugin", "Flow"]);
        assert_eq!(ran(stage, Some(2), Some(1)), ["Plugin", "Flow"]);
        assert_eq!(ran(stage, Some(-1), Some(-2)), ["Plugin", "Flow"]);
        assert_eq!(ran(stage, Some(-2), Some(-1)), ["Flow", "Plugin"]);
    }
}

#[test]
fn flows_of_one_rank_run_by_code_point_and_the_stages_one_after_the_other() {
    let mut pipeline = open(
        r#"
        entity thing { name text(100) }
        flow b on thing { trigger create log "b" }
        flow B on thing { trigger create log "B" }
        flow "ä" on thing { trigger create log "ae" }
        flow a on thing { trigger create rank -1 log "a" }
        flow z on thing { trigger create at pre-operation rank 9 log "z" }
        "#,
    );
    assert_eq!(create(&mut pipeline, "thing", &[]).ran, ["z", "a", "B", "b", "ä"]);
}

const TRIGGERS: &str = r#"
    entity thing { name text(100) size integer mark text(100) }
    flow OnName on thing { trigger update(name) log "name" }
    flow OnSize on thing { trigger update(size) log "size" }
    flow Adds on thing { trigger update(mark) at pre-operation set size = 3 }
    flow OnSizeBefore on thing { trigger update(size) at pre-operation rank 5 log "before" }
    flow Draft on thing { draft trigger create, update(name) log "draft" }
    flow When on thing { trigger update(name) when size == 7 log "when" }
"#;

#[test]
fn presence_in_the_target_triggers_and_not_a_change() {
    let mut pipeline = open(TRIGGERS);
    let record = created(&mut pipeline, "thing", &[("name", "a".into())]);
    assert_eq!(update(&mut pipeline, record, &[("name", "a".into())]).ran, ["OnName"]);
    assert_eq!(update(&mut pipeline, record, &[("name", Value::Empty)]).ran, ["OnName"]);
    assert_eq!(update(&mut pipeline, record, &[]).ran, [""; 0]);
}

#[test]
fn what_an_earlier_stage_adds_triggers_and_what_the_same_stage_adds_does_not() {
    let mut pipeline = open(TRIGGERS);
    let record = created(&mut pipeline, "thing", &[]);
    let outcome = update(&mut pipeline, record, &[("mark", "m".into())]);
    assert_eq!(outcome.ran, ["Adds", "OnSize"]);
    assert_eq!(get(&mut pipeline, record, "size"), Value::Integer(3));
}

#[test]
fn a_flow_whose_when_does_not_hold_does_not_run_and_the_trace_says_so() {
    let mut pipeline = open_with(TRIGGERS, Settings::fixed().traced());
    let record = created(&mut pipeline, "thing", &[]);
    let outcome = update(&mut pipeline, record, &[("name", "a".into())]);
    assert_eq!(outcome.ran, ["OnName"]);
    let step = |what: &Happening| match what {
        Happening::Step { name, verdict, .. } => Some((name.to_string(), verdict.clone())),
        _ => None,
    };
    let told: Vec<_> = outcome.trace.iter().filter_map(|entry| step(&entry.what)).collect();
    let without = |field: &str| StepVerdict::NotSubmitted(vec![field.into()]);
    let expected = [
        ("Adds", without("mark")),
        ("OnSizeBefore", without("size")),
        ("OnName", StepVerdict::Ran),
        ("OnSize", without("size")),
        ("When", StepVerdict::When),
    ];
    assert_eq!(told, expected.map(|(name, verdict)| (name.to_owned(), verdict)));
    assert_eq!(
        update(&mut pipeline, record, &[("size", 7.into()), ("name", "a".into())]).ran,
        ["OnSizeBefore", "OnName", "OnSize", "When"]
    );
}

#[test]
fn what_a_stage_sets_itself_is_told_apart_from_what_nobody_submitted() {
    let rules = r#"
        entity thing { name text(20) m integer }
        flow First on thing { trigger update(name) stage pre-operation set m = 1 }
        flow Second on thing { trigger update(m) stage pre-operation rank 2 set name = "second" }
        flow Third on thing { trigger update(m) log "third" }
    "#;
    let mut pipeline = open_with(rules, Settings::fixed().traced());
    let record = created(&mut pipeline, "thing", &[]);
    let outcome = update(&mut pipeline, record, &[("name", "a".into())]);
    assert_eq!(outcome.ran, ["First", "Third"]);
    let second = outcome.trace.iter().find_map(|entry| match &entry.what {
        Happening::Step { name, verdict, .. } if name == "Second" => Some(verdict.clone()),
        _ => None,
    });
    assert_eq!(second, Some(StepVerdict::SameStage(vec!["m".into()])));
}
