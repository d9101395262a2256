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
    assert_eq!(message, format!("operations may nest 8 deep, and this one is number 9: {}", ["`Up`"; 8].join(" → ")));
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
    assert_eq!(fault(&outcome), (Code::F07, "flows may run 24 deep inside one another, and `Link24` would be one more"));
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
    let (code, _) = fault(&outcome);
    assert_eq!(code, Code::F12);
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
