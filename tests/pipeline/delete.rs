//! Delete: what becomes of the records that refer to the one that goes.

use super::*;

const RULES: &str = r#"
    entity company { name text(100) }
    entity person {
      name    text(100)
      company lookup company
      boss    lookup person
      on delete of company: cascade
    }
    entity contract { company lookup company required title text(100) }
    entity note { company lookup company text text(100) person lookup person }
    flow OnCompany on company { trigger delete log "company" if name == "kept" { stop "It is kept." } }
    flow OnPerson on person { trigger delete if name == "kept" { stop "{name} is kept." } }
    flow OnNote on note { trigger update(company) log "note" }
"#;

#[test]
fn a_cascade_deletes_each_record_with_its_own_events_before_the_parent() {
    let mut pipeline = open(RULES);
    let company = created(&mut pipeline, "company", &[]);
    let one = created(&mut pipeline, "person", &[("company", company.into())]);
    let two = created(&mut pipeline, "person", &[("company", company.into()), ("boss", one.into())]);
    let note = created(&mut pipeline, "note", &[("company", company.into()), ("person", two.into())]);
    let outcome = delete(&mut pipeline, company);
    assert_eq!(outcome.ending, Ending::Committed);
    assert_eq!(outcome.ran, ["OnCompany", "OnPerson", "OnPerson"]);
    assert_eq!([company, one, two].map(|record| exists(&mut pipeline, record)), [false; 3]);
    // Its links are gone: each is a write, but no event tells of it.
    assert_eq!(get(&mut pipeline, note, "versionnumber"), 3.into());
    assert_eq!((get(&mut pipeline, note, "company"), get(&mut pipeline, note, "person")), (Value::Empty, Value::Empty));
}

#[test]
fn a_stop_in_a_cascade_keeps_everything() {
    let mut pipeline = open(RULES);
    let company = created(&mut pipeline, "company", &[]);
    created(&mut pipeline, "person", &[("company", company.into())]);
    created(&mut pipeline, "person", &[("company", company.into()), ("name", "kept".into())]);
    created(&mut pipeline, "note", &[("company", company.into())]);
    let before = dump(&mut pipeline);
    assert_eq!(stopped(&delete(&mut pipeline, company)), ("OnPerson", "kept is kept."));
    assert_eq!(dump(&mut pipeline), before);
}

#[test]
fn a_required_lookup_restricts() {
    let mut pipeline = open(RULES);
    let company = created(&mut pipeline, "company", &[]);
    let contract = created(&mut pipeline, "contract", &[("company", company.into())]);
    created(&mut pipeline, "person", &[("company", company.into())]);
    let before = dump(&mut pipeline);
    let outcome = delete(&mut pipeline, company);
    assert_eq!(fault(&outcome), (Code::F08, "1 record refers to this `company` by `contract.company`, which restricts its delete"));
    assert_eq!(dump(&mut pipeline), before);
    assert_eq!(delete(&mut pipeline, contract).ending, Ending::Committed);
    assert_eq!(delete(&mut pipeline, company).ending, Ending::Committed);
    assert_eq!(count(&mut pipeline, "person"), 0);
}

#[test]
fn a_record_that_is_not_there_and_the_administrator_are_not_deleted() {
    let mut pipeline = open(RULES);
    let company = created(&mut pipeline, "company", &[]);
    assert_eq!(delete(&mut pipeline, company).ending, Ending::Committed);
    assert_eq!(fault(&delete(&mut pipeline, company)).0, Code::F06);
    let administrator = pipeline.administrator();
    assert_eq!(fault(&delete(&mut pipeline, administrator)).0, Code::F08);
}

#[test]
fn circles_and_long_chains_of_cascades_end() {
    let mut pipeline = open(
        "entity node { name text(100) next lookup node on delete of next: cascade }
         flow OnNode on node { trigger delete log \"gone\" }",
    );
    // A chain that is far longer than operations may nest, closed to a circle.
    let first = created(&mut pipeline, "node", &[]);
    let last = (0..2_000).fold(first, |next, _| created(&mut pipeline, "node", &[("next", next.into())]));
    assert_eq!(update(&mut pipeline, first, &[("next", last.into())]).ending, Ending::Committed);
    let own = created(&mut pipeline, "node", &[]);
    update(&mut pipeline, own, &[("next", own.into())]);
    assert_eq!(delete(&mut pipeline, own).ending, Ending::Committed);
    let outcome = delete(&mut pipeline, first);
    assert_eq!((&outcome.ending, outcome.ran.len(), outcome.depth), (&Ending::Committed, 2_001, 1));
    assert_eq!(count(&mut pipeline, "node"), 0);
}

#[test]
fn what_a_step_of_the_delete_makes_to_refer_to_the_record_does_not_lose_a_required_lookup() {
    let mut pipeline = open(
        r#"
        entity customer { name text(100) }
        entity bill { number text(20) customer lookup customer required  on delete of customer: cascade }
        flow Again on bill { trigger delete create bill { number = "again", customer = customer } }
        "#,
    );
    let customer = created(&mut pipeline, "customer", &[]);
    let bill = created(&mut pipeline, "bill", &[("customer", customer.into())]);
    let outcome = delete(&mut pipeline, customer);
    assert_eq!(fault(&outcome), (Code::F08, "1 record refers to this `customer` by `bill.customer`, which may not be empty"));
    assert_eq!((exists(&mut pipeline, bill), count(&mut pipeline, "bill")), (true, 1));
}
