//! What is kept and what is not: stops and faults, longer transactions.

use proptest::prelude::*;

use super::*;

const RULES: &str = r#"
    entity thing { name text(100) size integer parent lookup thing on delete of parent: cascade }
    entity trail { thing lookup thing text text(100) }
    flow Trail on thing {
      trigger create, update(size)
      create trail { thing = this, text = "size {size}" }
      if parent is not empty { update parent { size = (size ?? 0) - 1 } }
    }
    flow Refuse on thing {
      trigger create, update(size)
      rank 9
      if size == 0 { stop "Nothing is left of {name}." }
      if size == 13 { log "{100 / (size - 13)}" }
    }
    flow Keep on thing { trigger delete if size == 5 { stop "Five stays." } }
    flow Later on thing { trigger create, update(size) rank 10 log "ran" }
"#;

#[test]
fn a_stop_after_the_operation_undoes_nested_creates_and_skips_what_has_not_run() {
    let mut pipeline = open(RULES);
    let before = dump(&mut pipeline);
    let outcome = create(&mut pipeline, "thing", &[("name", "a".into()), ("size", 0.into())]);
    assert_eq!(stopped(&outcome), ("Refuse", "Nothing is left of a."));
    assert_eq!(outcome.ran, ["Trail", "Refuse"]);
    assert_eq!(outcome.record, None);
    assert_eq!(dump(&mut pipeline), before);
}

#[test]
fn a_stop_in_a_nested_operation_cancels_the_outermost() {
    let mut pipeline = open(RULES);
    let top = created(&mut pipeline, "thing", &[("name", "top".into()), ("size", 4.into())]);
    let before = dump(&mut pipeline);
    let outcome = create(&mut pipeline, "thing", &[("size", 1.into()), ("parent", top.into())]);
    assert_eq!(stopped(&outcome), ("Refuse", "Nothing is left of top."));
    assert_eq!(dump(&mut pipeline), before);
}

#[test]
fn in_a_longer_transaction_each_operation_returns_to_where_it_began() {
    let mut pipeline = open(RULES);
    pipeline.begin().unwrap();
    let one = created(&mut pipeline, "thing", &[("name", "one".into()), ("size", 3.into())]);
    let before = dump(&mut pipeline);
    stopped(&create(&mut pipeline, "thing", &[("size", 0.into())]));
    fault(&update(&mut pipeline, one, &[("size", 13.into())]));
    fault(&update(&mut pipeline, Reference { id: weir::value::Uuid::nil(), ..one }, &[("name", "x".into())]));
    assert_eq!(dump(&mut pipeline), before);
    created(&mut pipeline, "thing", &[("size", 2.into())]);
    pipeline.commit().unwrap();
    assert_eq!((count(&mut pipeline, "thing"), count(&mut pipeline, "trail")), (2, 2));
    assert!(pipeline.commit().is_err());
}

#[test]
fn a_longer_transaction_that_is_rolled_back_leaves_nothing() {
    let mut pipeline = open(RULES);
    let before = dump(&mut pipeline);
    pipeline.begin().unwrap();
    assert!(pipeline.begin().is_err());
    created(&mut pipeline, "thing", &[("size", 3.into())]);
    pipeline.rollback().unwrap();
    pipeline.rollback().unwrap();
    assert_eq!(dump(&mut pipeline), before);
    created(&mut pipeline, "thing", &[("size", 3.into())]);
}

/// An operation of the property: which record it is about, by number, and what it submits.
#[derive(Clone, Debug)]
enum Act {
    Create { size: i32, parent: usize },
    Update { record: usize, size: i32 },
    Delete { record: usize },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..15i32, 0..20usize).prop_map(|(size, parent)| Act::Create { size, parent }),
        3 => (0..20usize, 0..15i32).prop_map(|(record, size)| Act::Update { record, size }),
        1 => (0..20usize).prop_map(|record| Act::Delete { record }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is done, and in whichever transaction: an operation that isn't committed leaves every value as it was.
    #[test]
    fn what_is_not_committed_changes_nothing(acts in prop::collection::vec((act(), any::<bool>()), 1..25)) {
        let mut pipeline = open(RULES);
        let mut records = vec![created(&mut pipeline, "thing", &[("size", 20.into())])];
        let mut within = false;
        for (act, switch) in acts {
            if switch {
                if within { pipeline.commit().unwrap() } else { pipeline.begin().unwrap() }
                within = !within;
            }
            let before = dump(&mut pipeline);
            let any = |number: usize| records[number % records.len()];
            let outcome = match act {
                Act::Create { size, parent } => create(&mut pipeline, "thing", &[("size", size.into()), ("parent", any(parent).into())]),
                Act::Update { record, size } => update(&mut pipeline, any(record), &[("size", size.into())]),
                Act::Delete { record } => delete(&mut pipeline, any(record)),
            };
            match outcome.ending {
                Ending::Committed => records.extend(outcome.record),
                _ => prop_assert_eq!(dump(&mut pipeline), before),
            }
        }
    }
}
