//! What the core operations do to a record: defaults, required fields, stamps, status, keys, ranges.

use super::*;

const THING: &str = r#"
    entity thing {
      name    text(10) required
      size    integer(0..100) = 7
      price   money(2)
      made    datetime = now
      day     date = today
      other   lookup thing
      status {
        active   { open = 1, onhold = 2 }
        inactive { won = 3, lost = 4 }
      }
      key (name)
    }
    entity filled { name text(10) required code integer required = 5 }
    flow Fill on filled { trigger create at pre-operation if code == 1 { set name = "one" } }
"#;

#[test]
fn create_gives_defaults_and_stamps_and_update_stamps_again() {
    let mut pipeline = open(THING);
    let record = created(&mut pipeline, "thing", &[("name", "a".into())]);
    assert_eq!(get(&mut pipeline, record, "size"), 7.into());
    let start: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let administrator = Value::from(pipeline.administrator());
    for field in ["made", "createdon", "modifiedon"] {
        assert_eq!(get(&mut pipeline, record, field), start.into(), "{field}");
    }
    for field in ["createdby", "modifiedby", "ownerid"] {
        assert_eq!(get(&mut pipeline, record, field), administrator, "{field}");
    }
    assert_eq!(get(&mut pipeline, record, "day"), Value::Date("2026-01-01".parse().unwrap()));
    assert_eq!(get(&mut pipeline, record, "versionnumber"), 1.into());
    let alice = pipeline.user("alice").unwrap();
    assert_eq!(pipeline.user("alice"), Ok(alice));
    let values = row(&pipeline, "thing", &[("size", Value::Empty)]);
    assert_eq!(pipeline.execute(Operation::Update { record, values }, Some(alice)).ending, Ending::Committed);
    assert_eq!(get(&mut pipeline, record, "size"), Value::Empty);
    assert_eq!(get(&mut pipeline, record, "modifiedby"), alice.into());
    assert_eq!(get(&mut pipeline, record, "createdby"), administrator);
    assert_eq!(get(&mut pipeline, record, "versionnumber"), 2.into());
    // An explicit empty value is no unset one.
    let empty = created(&mut pipeline, "thing", &[("name", "b".into()), ("size", Value::Empty)]);
    assert_eq!(get(&mut pipeline, empty, "size"), Value::Empty);
}

#[test]
fn a_flow_before_create_may_complete_the_record() {
    let mut pipeline = open(THING);
    let outcome = create(&mut pipeline, "filled", &[("code", 2.into())]);
    assert_eq!(fault(&outcome), (Code::F05, "`filled.name` is required and empty"));
    let one = created(&mut pipeline, "filled", &[("code", 1.into()), ("name", Value::Empty)]);
    assert_eq!(get(&mut pipeline, one, "name"), "one".into());
    let two = created(&mut pipeline, "filled", &[("name", "two".into())]);
    assert_eq!(get(&mut pipeline, two, "code"), 5.into());
    assert_eq!(fault(&update(&mut pipeline, two, &[("name", Value::Empty)])), (Code::F05, "`filled.name` may not be empty"));
}

#[test]
fn values_are_held_against_their_fields() {
    let mut pipeline = open(THING);
    let record = created(&mut pipeline, "thing", &[("name", "a".into())]);
    let mut refused = |values: Values| {
        let outcome = update(&mut pipeline, record, values);
        let (code, message) = fault(&outcome);
        (code, message.to_owned())
    };
    assert_eq!(refused(&[("size", 101.into())]), (Code::F04, "`thing.size` takes 0 to 100, not 101".to_owned()));
    assert_eq!(refused(&[("name", "x".repeat(11).into())]).0, Code::F04);
    assert_eq!(refused(&[("size", "x".into())]).0, Code::F04);
    assert_eq!(refused(&[("versionnumber", 9.into())]).0, Code::F16);
    assert_eq!(refused(&[("statuscode", Value::Choice(9))]).0, Code::F04);
    let nowhere = Reference { id: weir::value::Uuid::nil(), ..record };
    let (code, message) = refused(&[("other", nowhere.into())]);
    assert_eq!(code, Code::F06);
    assert!(message.starts_with("`thing.other` refers to a record that isn't there"), "{message}");
    assert_eq!(fault(&update(&mut pipeline, nowhere, &[("size", 1.into())])).0, Code::F06);
}

#[test]
fn a_status_brings_its_state() {
    let mut pipeline = open(THING);
    let record = created(&mut pipeline, "thing", &[("name", "a".into())]);
    let both = |pipeline: &mut Pipeline| (get(pipeline, record, "statecode"), get(pipeline, record, "statuscode"));
    let pair = |state, status| (Value::Choice(state), Value::Choice(status));
    assert_eq!(both(&mut pipeline), pair(0, 1));
    update(&mut pipeline, record, &[("statuscode", Value::Choice(4))]);
    assert_eq!(both(&mut pipeline), pair(1, 4));
    update(&mut pipeline, record, &[("statecode", Value::Choice(0))]);
    assert_eq!(both(&mut pipeline), pair(0, 1));
    update(&mut pipeline, record, &[("statecode", Value::Choice(1)), ("statuscode", Value::Choice(3))]);
    assert_eq!(both(&mut pipeline), pair(1, 3));
    let outcome = update(&mut pipeline, record, &[("statecode", Value::Choice(0)), ("statuscode", Value::Choice(3))]);
    assert_eq!(fault(&outcome).0, Code::F04);
    assert_eq!(both(&mut pipeline), pair(1, 3));
}

#[test]
fn keys_are_unique_and_ids_may_be_brought() {
    let mut pipeline = open(THING);
    let first = created(&mut pipeline, "thing", &[("name", "a".into())]);
    let outcome = create(&mut pipeline, "thing", &[("name", "a".into())]);
    assert_eq!(fault(&outcome), (Code::F09, "there is already a `thing` with the same `name`"));
    let id = weir::value::Uuid::from_u128(77);
    let own = created(&mut pipeline, "thing", &[("thingid", id.into()), ("name", "b".into())]);
    assert_eq!(own.id, id);
    assert_eq!(fault(&create(&mut pipeline, "thing", &[("thingid", id.into()), ("name", "c".into())])).0, Code::F09);
    assert_eq!(fault(&update(&mut pipeline, first, &[("thingid", id.into())])).0, Code::F16);
}

#[test]
fn days_and_months_step_in_the_zone_of_the_organisation() {
    let zone = jiff::tz::TimeZone::get("Europe/Vienna").unwrap();
    let rules = r#"
        entity visit { name text(30) required at datetime required day datetime hours datetime month datetime back datetime }
        flow Step on visit {
          trigger create
          stage   pre-operation
          if at is not empty {
            set day = at + 1 day, hours = at + 24 hours, month = at + 1 month, back = at - 1 week
          }
        }
    "#;
    let mut pipeline = open_with(rules, Settings { zone, ..Settings::fixed() });
    let time = |text: &str| Value::DateTime(text.parse().unwrap());
    // The night in which the clocks go forward has 23 hours, the one in which they go back 25.
    for (at, day, hours, month, back) in [
        ("2026-03-28T12:00+01:00", "2026-03-29T12:00+02:00", "2026-03-29T13:00+02:00", "2026-04-28T12:00+02:00", "2026-03-21T12:00+01:00"),
        ("2026-10-24T12:00+02:00", "2026-10-25T12:00+01:00", "2026-10-25T11:00+01:00", "2026-11-24T12:00+01:00", "2026-10-17T12:00+02:00"),
        ("2026-01-31T23:30+01:00", "2026-02-01T23:30+01:00", "2026-02-01T23:30+01:00", "2026-02-28T23:30+01:00", "2026-01-24T23:30+01:00"),
        // There is no half past two on the day after: the time goes on by the hour that is left out.
        ("2026-03-28T02:30+01:00", "2026-03-29T03:30+02:00", "2026-03-29T03:30+02:00", "2026-04-28T02:30+02:00", "2026-03-21T02:30+01:00"),
    ] {
        let visit = created(&mut pipeline, "visit", &[("name", at.into()), ("at", time(at))]);
        for (field, wanted) in [("day", day), ("hours", hours), ("month", month), ("back", back)] {
            assert_eq!(get(&mut pipeline, visit, field), time(wanted), "{at} {field}");
        }
    }
}
