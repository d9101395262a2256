//! Depth, chains of children, instructions.

use weir::pipeline::Settings;

use super::*;

const COUNT: &str = r#"
    entity thing { name text(100) size integer }
    flow Up on thing {
      trigger update(size)
      allow cycle
      if size < 100 { set size += 1 }
    }
"#;

#[test]
fn the_ninth_level_is_a_fault_and_leaves_no_change() {
    let mut pipeline = open(COUNT);
    let record = created(&mut pipeline, "thing", &[("size", 0.into())]);
    let before = dump(&mut pipeline);
    let outcome = update(&mut pipeline, record, &[("size", 50.into())]);
    let (code, message) = fault(&outcome);
    assert_eq!(code, Code::F07);
    assert_eq!(message, "operations may nest 8 deep (the limit `depth`), and this one is number 9: `Up`, 8 times");
    assert_eq!(outcome.depth, 8);
    assert_eq!(outcome.ran, ["Up"; 8]);
    assert_eq!(dump(&mut pipeline), before);
}

#[test]
fn eight_levels_are_kept() {
    let mut pipeline = open(COUNT);
    let record = created(&mut pipeline, "thing", &[("size", 0.into())]);
    let outcome = update(&mut pipeline, record, &[("size", 93.into())]);
    assert_eq!((&outcome.ending, outcome.depth), (&Ending::Committed, 8));
    assert_eq!(get(&mut pipeline, record, "size"), 100.into());
}

#[test]
fn a_chain_of_children_that_is_too_long_ends_in_a_fault() {
    let link = |at: u32| format!("flow Link{at} on thing {{ trigger child start Link{} on this }}\n", at + 1);
    let chain: String = (1..24).map(link).collect();
    let mut pipeline = open(&format!(
        "entity thing {{ name text(100) }}
        flow First on thing {{ trigger create start Link1 on this }}
        {chain} flow Link24 on thing {{ trigger child log \"the end\" }}"
    ));
    let outcome = create(&mut pipeline, "thing", &[]);
    let (code, message) = fault(&outcome);
    let led = (1..24).fold("`First`".to_owned(), |led, at| format!("{led} → `Link{at}`"));
    assert_eq!(code, Code::F07);
    assert_eq!(message, format!("flows may run 24 deep inside one another, and `Link24` would be one more: {led}"));
    assert_eq!(count(&mut pipeline, "thing"), 0);
}

#[test]
fn the_deepest_nesting_of_operations_and_children_fits_a_small_stack() {
    let run = || {
        let mut pipeline = open(
            r#"
            entity thing { name text(100) size integer }
            flow Up on thing { trigger update(size) allow cycle start One on this }
            flow One on thing { trigger child start Two on this }
            flow Two on thing { trigger child if size < 100 { update this { size = (size ?? 0) + 1 } } }
            "#,
        );
        let record = created(&mut pipeline, "thing", &[]);
        let outcome = update(&mut pipeline, record, &[("size", 93.into())]);
        assert_eq!((&outcome.ending, outcome.depth, outcome.ran.len()), (&Ending::Committed, 8, 24));
    };
    std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(run).unwrap().join().unwrap();
}

#[test]
fn all_flows_of_an_operation_share_its_instructions() {
    let settings = Settings { max_instructions: 20, ..Settings::fixed() };
    let mut pipeline = open_with(
        r#"
        entity thing { name text(100) size integer }
        flow Chain on thing { trigger create at pre-operation
          set size = 1 set size += 1 set size += 1 set size += 1 set size += 1 set size += 1 set size += 1
          set size += 1 set size += 1 set size += 1 set size += 1 set size += 1 set size += 1 set size += 1
        }
        "#,
        settings,
    );
    let outcome = create(&mut pipeline, "thing", &[]);
    assert_eq!(fault(&outcome), (Code::F12, "the operation used up its 20 instructions (the limit `instructions`): `Chain`"));
    let Ending::Fault(fault) = &outcome.ending else { panic!("it is one") };
    assert_eq!(fault.chain, ["Chain"]);
    assert_eq!(count(&mut pipeline, "thing"), 0);
}

#[test]
fn writes_that_multiply_use_up_the_instructions_soon() {
    let chain = |level: u32| {
        let creates = format!("create thing{} {{ name = \"x\" }} ", level + 1).repeat(20);
        format!("entity thing{level} {{ name text(10) }} flow F{level} on thing{level} {{ trigger create {creates} }}\n")
    };
    let text = (0..7).map(chain).collect::<String>() + "entity thing7 { name text(10) }";
    let mut pipeline = open_with(&text, Settings { max_instructions: 100_000, ..Settings::fixed() });
    let outcome = create(&mut pipeline, "thing0", &[]);
    assert_eq!(fault(&outcome).0, Code::F12);
    assert!(outcome.ran.len() < 200, "{}", outcome.ran.len());
    assert_eq!(count(&mut pipeline, "thing0"), 0);
}

#[test]
fn one_flow_runs_sixteen_times_on_one_record_because_of_itself_and_not_once_more() {
    // Children that start each other over a record's lookup to itself: the checker can't see that it is always the same record.
    const CIRCLE: &str = r#"
        entity thing { name text(100) size integer = 0 next lookup thing }
        flow Begin on thing { trigger update(name) start Go on next? }
        flow Go on thing { trigger child allow cycle
          if size < 17 { update this { size = (size ?? 0) + 1 } }
        }
        flow Again on thing { trigger update(size) allow cycle start Go on this }
    "#;
    let settings = Settings { max_depth: 100, max_runs: 5, ..Settings::fixed() };
    let mut pipeline = open_with(CIRCLE, settings);
    let record = created(&mut pipeline, "thing", &[]);
    update(&mut pipeline, record, &[("next", record.into())]);
    let before = dump(&mut pipeline);
    let outcome = update(&mut pipeline, record, &[("name", "a".into())]);
    let (code, message) = fault(&outcome);
    assert_eq!(code, Code::F07);
    let led = ["`Go` → `Again`"; 5].join(" → ");
    assert_eq!(
        message,
        format!("`Go` may run 5 times on one record within itself (the limit `runs`), and this would be one more: `Begin` → {led}")
    );
    assert_eq!(dump(&mut pipeline), before);
    // On other records it may run as often as it likes.
    let mut last = record;
    for _ in 0..6 {
        last = created(&mut pipeline, "thing", &[("next", last.into()), ("size", 17.into())]);
    }
    assert_eq!(update(&mut pipeline, last, &[("name", "b".into())]).ending, Ending::Committed);
}

/// Settings whose stopwatch goes on by a second whenever it is looked at.
fn hurried(most: u64) -> Settings {
    let mut seconds = 0;
    let stopwatch = Box::new(move || {
        seconds += 1;
        std::time::Duration::from_secs(seconds)
    });
    Settings { stopwatch, max_time: std::time::Duration::from_secs(most), ..Settings::fixed() }
}

#[test]
fn an_operation_that_takes_too_long_is_ended_and_undone() {
    const SLOW: &str = r#"
        entity thing { name text(100) size integer }
        flow Slow on thing { trigger create for each task t limit 100 { log "on" } create task { subject = "x" } set size = 1 }
    "#;
    let mut pipeline = open_with(SLOW, hurried(3));
    let outcome = create(&mut pipeline, "thing", &[]);
    assert_eq!(fault(&outcome), (Code::F12, "the operation used up its 3 seconds (the limit `time`): `Slow`"));
    assert_eq!((count(&mut pipeline, "thing"), count(&mut pipeline, "task")), (0, 0));
    assert_eq!(create(&mut open_with(SLOW, hurried(1_000)), "thing", &[]).ending, Ending::Committed);
}

#[test]
fn a_function_that_takes_too_long_is_a_fault_once_it_comes_back() {
    let mut settings = hurried(1_000);
    settings.limits.time = std::time::Duration::from_millis(500);
    let mut pipeline = open_with("entity thing { name text(100) }", settings);
    pipeline.register(weir::pipeline::Plugin::new("Slow", "thing").on_create().run(|_| Ok(()))).unwrap();
    let outcome = create(&mut pipeline, "thing", &[]);
    assert_eq!(fault(&outcome), (Code::F10, "the plug-in `Slow` took longer than 0.5 seconds (the limit `plugin_time`)"));
    assert_eq!(count(&mut pipeline, "thing"), 0);
}

#[test]
fn a_run_holds_only_so_much() {
    const NOTES: &str = r#"
        entity note { name text(100) body memo(10000) next lookup note }
        flow Count on note { trigger update(name)
          log "{count(note where body contains "x")}"
        }
        flow Gather on note { trigger update(next)
          let a = next.body ?? "" let b = next.next.body ?? "" let c = next.next.next.body ?? ""
          log "{left(a, 1)}{left(b, 1)}{left(c, 1)}"
        }
    "#;
    let mut pipeline = open_with(NOTES, Settings { max_memory: 25_000, ..Settings::fixed() });
    let body = || Value::from("x".repeat(9_000).as_str());
    let mut last = created(&mut pipeline, "note", &[("body", body())]);
    // Two bodies are within the limit; three in hand are not, nor is a query over three.
    last = created(&mut pipeline, "note", &[("body", body()), ("next", last.into())]);
    assert_eq!(update(&mut pipeline, last, &[("name", "a".into())]).ending, Ending::Committed);
    let outcome = update(&mut pipeline, last, &[("next", last.into())]);
    assert_eq!(fault(&outcome), (Code::F12, "a run builds or holds more than 25000 bytes of texts and records (the limit `memory`)"));
    created(&mut pipeline, "note", &[("body", body()), ("next", last.into())]);
    let outcome = update(&mut pipeline, last, &[("name", "a".into())]);
    let message = "the records that a query gives hold more than 25000 bytes (the limit `memory`)";
    assert_eq!(fault(&outcome), (Code::F12, message));
}

#[test]
fn the_texts_that_a_run_builds_count_against_its_memory() {
    const DOUBLES: &str = r#"
        entity note { name text(4000) }
        flow Double on note { trigger update(name)
          let a = "{name}{name}" let b = "{a}{a}" let c = "{b}{b}" let d = "{c}{c}"
          log "{left(d, 1)}"
        }
    "#;
    let mut pipeline = open_with(DOUBLES, Settings { max_memory: 12_000, ..Settings::fixed() });
    let note = created(&mut pipeline, "note", &[]);
    assert_eq!(update(&mut pipeline, note, &[("name", "x".repeat(300).as_str().into())]).ending, Ending::Committed);
    let outcome = update(&mut pipeline, note, &[("name", "x".repeat(900).as_str().into())]);
    assert_eq!(fault(&outcome), (Code::F12, "a run builds or holds more than 12000 bytes of texts and records (the limit `memory`)"));
}
