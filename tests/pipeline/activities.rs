//! `delete`, `assign`, `change status`, `send email` in flows; and the passes of an update of several kinds of columns.

use weir::pipeline::Happening;

use super::*;

const RULES: &str = r#"
    entity deal {
      name   text(20) required
      note   memo
      parent lookup deal
      status {
        active   { open = 1, onhold = 2 }
        inactive { won = 3, lost = 4 }
      }
    }
    entity mark { text text(200) required }
    flow Act on deal {
      trigger update(note)
      if note == "assign" { assign parent? to caller }
      if note == "assign this" { assign this to caller }
      if note == "status" { change status of this to won }
      if note == "mail" { send email { to = ownerid, subject = "About {name}", regarding = this } }
      if note == "mail, then stop" {
        send email { to = ownerid, subject = "About {name}" }
        stop "after the e-mail"
      }
      if note == "delete parent" { delete parent? }
      if note == "delete this" {
        delete this
        finish
      }
      if note == "read after" {
        delete this
        log "{name}"
      }
    }
    flow Assigned on deal { trigger assign create mark { text = "to {ownerid}, was {old.ownerid}, {name}, {changed(name)}" } }
    flow Status on deal { trigger status create mark { text = "{statecode} {statuscode}, was {old.statuscode}, {name}" } }
"#;

const PASSES: &str = r#"
    entity deal {
      name text(20) required
      log  memo
      status {
        active   { open = 1 }
        inactive { won = 3 }
      }
    }
    flow B0 on deal { trigger update at pre-operation set log += "[{name}:{ownerid}:{statuscode}]" }
    flow P1 on deal { trigger update(name) log "name {changed(name)} {changed(ownerid)} {changed(statuscode)} {old.name}" }
    flow P2 on deal { trigger assign log "owner {changed(name)} {changed(ownerid)} {changed(statuscode)} {old.name}" }
    flow P3 on deal { trigger status log "state {changed(name)} {changed(ownerid)} {changed(statecode)} {old.name}" }
    flow Stop on deal { trigger status at pre-operation if name == "no" { stop "not now" } }
"#;

/// The operations that a trace tells, with their entities.
fn operations(outcome: &Outcome) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for entry in &outcome.trace {
        if let Happening::Operation { message, entity, .. } = &entry.what {
            found.push((*message, entity.as_deref().unwrap_or_default()));
        }
    }
    found
}

fn logged(outcome: &Outcome) -> Vec<&str> {
    let mut found = Vec::new();
    for entry in &outcome.trace {
        if let Happening::Log(text) = &entry.what {
            found.push(text.as_str());
        }
    }
    found
}

fn slot_texts(pipeline: &mut Pipeline, entity: &str, field: &str) -> Vec<String> {
    let id = pipeline.schema().entity_id(entity).unwrap();
    let keys = pipeline.find(id, &Row::default(), u32::MAX).unwrap();
    let value = |key| get(pipeline, Reference { entity: id, id: key }, field);
    keys.into_iter().map(value).map(|value| value.as_text().unwrap().to_owned()).collect()
}

fn act(pipeline: &mut Pipeline, record: Reference, note: &str, user: Option<Reference>) -> Outcome {
    let values = row(pipeline, "deal", &[("note", note.into())]);
    pipeline.execute(Operation::Update { record, values }, user)
}

fn two_deals(pipeline: &mut Pipeline) -> (Reference, Reference) {
    let parent = created(pipeline, "deal", &[("name", "parent".into())]);
    (created(pipeline, "deal", &[("name", "child".into()), ("parent", parent.into())]), parent)
}

#[test]
fn assign_gives_another_owner_and_starts_what_an_assign_starts() {
    let mut pipeline = open(RULES);
    let (child, parent) = two_deals(&mut pipeline);
    let alice = pipeline.user("alice").unwrap();
    let outcome = act(&mut pipeline, child, "assign", Some(alice));
    assert_eq!((&outcome.ending, outcome.depth), (&Ending::Committed, 3));
    assert_eq!(outcome.ran, ["Act", "Assigned"]);
    assert_eq!(get(&mut pipeline, parent, "ownerid"), alice.into());
    assert_eq!(slot_texts(&mut pipeline, "mark", "text"), ["to alice, was System Administrator, parent, false"]);
    // Nobody is assigned where there is no record.
    let outcome = act(&mut pipeline, parent, "assign", Some(alice));
    assert_eq!(outcome.ran, ["Act"]);
    assert_eq!(act(&mut pipeline, child, "assign this", Some(alice)).ran, ["Act", "Assigned"]);
    assert_eq!(get(&mut pipeline, child, "ownerid"), alice.into());
}

#[test]
fn a_change_of_status_takes_the_state_along() {
    let mut pipeline = open(RULES);
    let (child, _) = two_deals(&mut pipeline);
    let outcome = act(&mut pipeline, child, "status", None);
    assert_eq!(outcome.ran, ["Act", "Status"]);
    assert_eq!(get(&mut pipeline, child, "statuscode"), Value::Choice(3));
    assert_eq!(get(&mut pipeline, child, "statecode"), Value::Choice(1));
    assert_eq!(slot_texts(&mut pipeline, "mark", "text"), ["Inactive won, was open, child"]);
}

#[test]
fn an_email_is_a_row_that_waits_and_goes_with_its_transaction() {
    let mut pipeline = open_with(RULES, Settings { trace: true, ..Settings::fixed() });
    let (child, _) = two_deals(&mut pipeline);
    let alice = pipeline.user("alice").unwrap();
    let administrator = Value::from(pipeline.administrator());
    let outcome = act(&mut pipeline, child, "mail", Some(alice));
    assert_eq!(outcome.ending, Ending::Committed);
    assert!(operations(&outcome).contains(&("Send", "email")), "{:?}", outcome.trace);
    let email = pipeline.schema().entity_id("email").unwrap();
    let [id] = pipeline.find(email, &Row::default(), 9).unwrap()[..] else { panic!("one e-mail") };
    let mail = Reference { entity: email, id };
    for (field, value) in [
        ("subject", Value::from("About child")),
        ("to", administrator),
        ("from", alice.into()),
        ("regarding", child.into()),
        ("statuscode", Value::Choice(6)),
        ("statecode", Value::Choice(0)),
        ("senton", Value::Empty),
    ] {
        assert_eq!(get(&mut pipeline, mail, field), value, "{field}");
    }
    assert_eq!(stopped(&act(&mut pipeline, child, "mail, then stop", None)), ("Act", "after the e-mail"));
    assert_eq!(count(&mut pipeline, "email"), 1);
}

#[test]
fn a_flow_deletes_other_records_and_its_own() {
    let mut pipeline = open(RULES);
    let (child, parent) = two_deals(&mut pipeline);
    assert_eq!(act(&mut pipeline, child, "delete parent", None).ending, Ending::Committed);
    assert!(!exists(&mut pipeline, parent));
    assert_eq!(get(&mut pipeline, child, "parent"), Value::Empty);
    assert_eq!(fault(&act(&mut pipeline, child, "read after", None)).0, Code::F06);
    assert!(exists(&mut pipeline, child));
    assert_eq!(act(&mut pipeline, child, "delete this", None).ending, Ending::Committed);
    assert!(!exists(&mut pipeline, child));
}

#[test]
fn an_update_of_several_kinds_of_columns_is_a_pass_for_each() {
    let mut pipeline = open_with(PASSES, Settings { trace: true, ..Settings::fixed() });
    let deal = created(&mut pipeline, "deal", &[("name", "a".into())]);
    let alice = pipeline.user("alice").unwrap();
    let outcome = update(&mut pipeline, deal, &[("statuscode", Value::Choice(3)), ("ownerid", alice.into()), ("name", "b".into())]);
    assert_eq!((&outcome.ending, outcome.depth), (&Ending::Committed, 1));
    assert_eq!(outcome.ran, ["B0", "P1", "B0", "P2", "B0", "Stop", "P3"]);
    assert_eq!(logged(&outcome), ["name true false false a", "owner false true false b", "state false false true b"]);
    assert_eq!(operations(&outcome), [("Update", "deal"), ("Assign", "deal"), ("SetState", "deal")]);
    let log = get(&mut pipeline, deal, "log");
    assert_eq!(log.as_text(), Some("[b:System Administrator:open][b:alice:open][b:alice:won]"));
    assert_eq!(get(&mut pipeline, deal, "versionnumber"), 4.into());
    assert_eq!(get(&mut pipeline, deal, "statecode"), Value::Choice(1));
}

#[test]
fn one_kind_is_one_pass_and_a_stop_in_a_later_one_undoes_the_earlier() {
    let mut pipeline = open(PASSES);
    let deal = created(&mut pipeline, "deal", &[("name", "a".into())]);
    let alice = pipeline.user("alice").unwrap();
    assert_eq!(update(&mut pipeline, deal, &[("ownerid", alice.into())]).ran, ["B0", "P2"]);
    let state = update(&mut pipeline, deal, &[("statecode", Value::Choice(0)), ("statuscode", Value::Choice(1))]);
    assert_eq!(state.ran, ["B0", "Stop", "P3"]);
    assert_eq!(update(&mut pipeline, deal, &[]).ran, ["B0"]);
    let before = dump(&mut pipeline);
    let outcome = update(&mut pipeline, deal, &[("name", "no".into()), ("statecode", Value::Choice(1))]);
    assert_eq!(stopped(&outcome), ("Stop", "not now"));
    assert_eq!(dump(&mut pipeline), before);
    let wrong = update(&mut pipeline, deal, &[("name", "c".into()), ("statuscode", Value::Choice(9))]);
    assert_eq!(fault(&wrong).0, Code::F04);
    assert_eq!(dump(&mut pipeline), before);
    // In a longer transaction an operation of several passes goes back to where it began.
    pipeline.begin().unwrap();
    let outcome = update(&mut pipeline, deal, &[("name", "no".into()), ("statecode", Value::Choice(1))]);
    assert_eq!(stopped(&outcome), ("Stop", "not now"));
    assert_eq!(get(&mut pipeline, deal, "name"), "a".into());
    pipeline.commit().unwrap();
    assert_eq!(dump(&mut pipeline), before);
}
