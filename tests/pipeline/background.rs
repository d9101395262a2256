//! Background flows and plug-ins: what an operation queues, and that nothing of them runs within it.

use weir::pipeline::{Happening, StepKind, StepVerdict};

use super::*;

const RULES: &str = r#"
    entity deal { name text(20) required size integer parent lookup deal }
    flow Later on deal {
      mode background
      trigger create, update(size), delete
      rank 2
      when 1 / (size ?? 0) > 0
      wait 3 days
      create deal { name = "later" }
    }
    flow First on deal { mode background rank 1 trigger update(size) set name = "first" }
    flow Never on deal { mode background draft trigger update(size) set name = "never" }
    flow Ask on deal { mode background trigger child input days integer(0..9) wait (days ?? 1) * 1 day }
    flow Starts on deal {
      trigger update(name)
      start Ask(days = size) on this
      start Ask on parent?
      if size == 3 { stop "three" }
    }
"#;

/// The steps that a trace tells to be queued.
fn queued(outcome: &Outcome) -> Vec<(StepKind, &str)> {
    let mut found = Vec::new();
    for entry in &outcome.trace {
        if let Happening::Step { kind, name, verdict: StepVerdict::Queued, .. } = &entry.what {
            found.push((*kind, name.as_str()));
        }
    }
    found
}

#[test]
fn an_operation_tells_what_it_queues_and_runs_none_of_it() {
    let mut pipeline = open_with(RULES, Settings { trace: true, ..Settings::fixed() });
    let outcome = create(&mut pipeline, "deal", &[("name", "a".into())]);
    assert_eq!((&outcome.ending, &outcome.queued[..]), (&Ending::Committed, &["Later".into()][..]));
    assert!(outcome.ran.is_empty());
    let deal = outcome.record.unwrap();
    // Lower ranks first; a draft is never queued, and a condition is for the run to look at.
    let outcome = update(&mut pipeline, deal, &[("size", 0.into())]);
    assert_eq!(outcome.queued, ["First", "Later"]);
    assert_eq!(queued(&outcome), [(StepKind::Flow, "First"), (StepKind::Flow, "Later")]);
    assert_eq!(get(&mut pipeline, deal, "name"), "a".into());
    assert_eq!(count(&mut pipeline, "deal"), 1);
    assert_eq!(update(&mut pipeline, deal, &[]).queued, [] as [&str; 0]);
    assert_eq!(delete(&mut pipeline, deal).queued, ["Later"]);
}

#[test]
fn a_start_queues_in_the_same_transaction() {
    let mut pipeline = open(RULES);
    let parent = created(&mut pipeline, "deal", &[("name", "a".into())]);
    let child = created(&mut pipeline, "deal", &[("name", "b".into()), ("parent", parent.into()), ("size", 3.into())]);
    let outcome = update(&mut pipeline, child, &[("name", "c".into())]);
    assert_eq!(stopped(&outcome), ("Starts", "three"));
    assert!(outcome.queued.is_empty(), "{:?}", outcome.queued);
    assert_eq!(update(&mut pipeline, child, &[("size", 4.into())]).ending, Ending::Committed);
    let outcome = update(&mut pipeline, child, &[("name", "d".into())]);
    assert_eq!((&outcome.ran[..], &outcome.queued[..]), (&["Starts".into()][..], &["Ask".into(), "Ask".into()][..]));
    // An input is held against its range before anything is queued.
    assert_eq!(update(&mut pipeline, child, &[("size", 10.into())]).ending, Ending::Committed);
    assert_eq!(fault(&update(&mut pipeline, child, &[("name", "e".into())])).0, Code::F04);
}

#[test]
fn a_plugin_in_the_background_is_queued_in_its_order_and_doesnt_run_within_the_operation() {
    const PLUGINS: &str = r#"
        entity deal { name text(20) required size integer }
        plugin Tell on deal { mode background trigger create, update(size), delete rank 3 via host }
        plugin Score on deal { mode background trigger update(size) reads size stage post-operation via command "score" }
        flow After on deal { mode background rank 3 trigger update(size) set name = "later" }
        flow Refuse on deal { trigger update(name) stop "no" }
    "#;
    let mut pipeline = open_with(PLUGINS, Settings { trace: true, ..Settings::fixed() });
    pipeline.bind("Tell", |_| panic!("it doesn't run within the operation")).unwrap();
    let outcome = create(&mut pipeline, "deal", &[("name", "a".into())]);
    assert_eq!((&outcome.ending, &outcome.ran[..], &outcome.queued[..]), (&Ending::Committed, &[][..], &["Tell".into()][..]));
    let deal = outcome.record.unwrap();
    // By rank, then plug-ins before flows.
    let outcome = update(&mut pipeline, deal, &[("size", 1.into())]);
    assert_eq!(outcome.queued, ["Score", "Tell", "After"]);
    assert_eq!(queued(&outcome), [(StepKind::Plugin, "Score"), (StepKind::Plugin, "Tell"), (StepKind::Flow, "After")]);
    assert!(update(&mut pipeline, deal, &[("name", "b".into()), ("size", 2.into())]).queued.is_empty());
    assert_eq!(delete(&mut pipeline, deal).queued, ["Tell"]);
}

#[test]
fn what_fails_when_it_is_queued_takes_its_own_operation_back_and_no_other() {
    let mut pipeline = open(
        r#"
        entity thing { name text(20) }
        flow Later on thing { mode background trigger create, update(name) owner "Nobody Here" scope user log "x" }
        flow Mark on thing { trigger create set name = name ?? "unnamed" }
        "#,
    );
    pipeline.begin().unwrap();
    let first = create(&mut pipeline, "thing", &[("name", "A".into())]);
    assert_eq!(fault(&first).0, Code::F06);
    assert_eq!(count(&mut pipeline, "thing"), 0);
    assert_eq!(fault(&create(&mut pipeline, "thing", &[("name", "B".into())])).0, Code::F06);
    pipeline.commit().unwrap();
    assert_eq!(count(&mut pipeline, "thing"), 0);
}
