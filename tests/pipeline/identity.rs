//! As whom a flow runs, what that identity may, and whose records trigger it.

use super::company::{Company, refused};
use super::*;

const FLOWS: &str = r#"
flow Nested on account {
  trigger update(revenue)
  create contact { name = "N", account = this }
}
flow Elevated on account {
  trigger update(note)
  run as  owner
  create contact { name = "E", account = this }
}
flow Look on account {
  trigger update(parent)
  log "{parent.name}"
}
flow Own on account { trigger update(name)  log "{this} {name} {ownerid} {caller}" }
flow OnDemand on account { trigger on demand  log "{name}" }
"#;

#[test]
fn flows_do_only_what_their_identity_may() {
    let mut company = Company::new(FLOWS);
    let anna = company.user("Anna", "North", &["Seller"]);
    let own = company.account(anna);
    let nested = company.update(anna, own, &[("revenue", Value::Decimal(5.into()))]);
    assert_eq!(refused(&nested), "`Anna` has no privilege `create` on `contact`, and this record needs it at `user`");
    assert!(matches!(&nested.ending, Ending::Fault(fault) if fault.chain == ["Nested"]), "{nested:?}");
    assert_eq!(company.update(anna, own, &[("note", "x".into())]).ending, Ending::Committed);
    assert_eq!(count(&mut company.pipeline, "contact"), 1);
}

#[test]
fn what_a_flow_reads_elsewhere_needs_read() {
    let mut company = Company::new(FLOWS);
    let admin = company.pipeline.administrator();
    let blind = company.user("Blind", "North", &["Linker"]);
    let (own, other) = (company.account(blind), company.account(admin));
    let link = [("parent", Value::Reference(other))];
    let words = refused(&company.update(blind, own, &link)).to_owned();
    assert_eq!(words, "`Blind` has no privilege `read` on `account`, and this record needs it at `organization`");
    // The same flow reads as the administrator, who has every privilege.
    assert_eq!(company.update(admin, own, &link).ending, Ending::Committed);
    company.pipeline.grant(blind, "Seller").unwrap();
    assert_eq!(company.update(blind, own, &link).ending, Ending::Committed);
    // The record of the operation itself is read without it, and so is who there is.
    company.pipeline.revoke(blind, "Seller").unwrap();
    let renamed = company.update(blind, own, &[("name", "B".into())]);
    assert_eq!((renamed.ending, renamed.ran), (Ending::Committed, vec!["Own".into()]));
}

#[test]
fn a_run_on_demand_needs_its_privilege_and_read() {
    let mut company = Company::new(FLOWS);
    let user = company.user("Anna", "North", &["Linker"]);
    let account = company.account(user);
    let run = |company: &mut Company| {
        let operation = Operation::Run { flow: "OnDemand".into(), record: account, inputs: Vec::new() };
        company.pipeline.execute(operation, Some(user))
    };
    assert_eq!(refused(&run(&mut company)), "`Anna` has no privilege `execute flow`, which `OnDemand` on `account` needs");
    company.pipeline.grant(user, "Runner").unwrap();
    assert_eq!(refused(&run(&mut company)), "`Anna` has no privilege `read` on `account`, and this record needs it at `user`");
    company.pipeline.grant(user, "Seller").unwrap();
    assert_eq!(run(&mut company).ran, ["OnDemand"]);
    let gone = Operation::Run { flow: "Nested".into(), record: account, inputs: Vec::new() };
    assert_eq!(fault(&company.pipeline.execute(gone, None)).0, Code::F13);
}

const SCOPED: &str = r#"
flow Mine on account { trigger create, update(name), delete  owner "Anna"  scope user }
flow Ours on account { trigger create, update(name), delete  owner "Anna"  scope business unit }
flow Below on account { trigger create, update(name), delete  owner "Anna"  scope parent and child business units }
flow Before on account { trigger create at pre-operation, update(name) at pre-operation  owner "Anna"  scope user }
flow Later on account { mode background  trigger update(name), delete  owner "Anna"  scope user  log "{name}" }
flow Assigned on account { trigger assign  owner "Anna"  scope user }
"#;

#[test]
fn scope_is_seen_from_the_flows_owner() {
    let mut pipeline = open(&format!("entity account {{ name text(160) required }}{SCOPED}"));
    let outcome = create(&mut pipeline, "account", &[("name", "A".into())]);
    assert_eq!(fault(&outcome).0, Code::F06, "the owner is no user yet");
    assert!(fault(&outcome).1.contains("`Anna`, is no user") || fault(&outcome).1.contains("`Anna`"), "{outcome:?}");
    let mut company = Company { pipeline };
    let anna = company.user("Anna", "North", &[]);
    let ben = company.user("Ben", "North", &[]);
    let city = company.pipeline.business_unit("City").unwrap();
    let north = company.pipeline.business_unit("North").unwrap();
    let admin = company.pipeline.administrator();
    company.update(admin, city, &[("parent", Value::Reference(north))]);
    let cleo = company.user("Cleo", "City", &[]);
    let ran = |outcome: Outcome| {
        assert_eq!(outcome.ending, Ending::Committed);
        outcome.ran.join(" ")
    };
    let by = |owner| vec![("name", Value::from("A")), ("ownerid", Value::Reference(owner))];
    assert_eq!(ran(company.create(admin, "account", &by(anna))), "Before Below Mine Ours");
    assert_eq!(ran(company.create(admin, "account", &by(ben))), "Below Ours");
    assert_eq!(ran(company.create(admin, "account", &by(cleo))), "Below");
    assert_eq!(ran(company.create(admin, "account", &by(admin))), "");
    // Without an owner named, the one who creates it owns it.
    assert_eq!(ran(company.create(anna, "account", &[("name", "A".into())])), "Before Below Mine Ours");
    // By the owner before the operation.
    let account = company.account(ben);
    assert_eq!(ran(company.update(ben, account, &[("ownerid", Value::Reference(anna))])), "");
    assert_eq!(ran(company.update(ben, account, &[("name", "B".into())])), "Before Below Mine Ours");
    assert_eq!(company.update(ben, account, &[("name", "C".into())]).queued, ["Later"]);
    assert_eq!(ran(company.update(ben, account, &[("ownerid", Value::Reference(cleo))])), "Assigned");
    assert_eq!(company.update(ben, account, &[("name", "D".into())]).queued.len(), 0);
    assert_eq!(ran(company.pipeline.execute(Operation::Delete { record: account }, None)), "Below");
}

#[test]
fn a_team_s_records_are_in_the_scope_of_its_members_flows() {
    let mut company = Company::new(
        r#"
        flow Mine on account { trigger create, update(name), delete  owner "Anna"  scope user }
        flow Ours on account { trigger create, update(name), delete  owner "Anna"  scope business unit }
        flow OfBen on account { trigger create, update(name), delete  owner "Ben"  scope business unit }
        "#,
    );
    let anna = company.user("Anna", "North", &[]);
    company.user("Ben", "North", &[]);
    let admin = company.pipeline.administrator();
    let team = company.team("Support", "South", &[anna]);
    let account = company.account(team);
    assert_eq!(company.update(admin, account, &[("name", "B".into())]).ran, ["Mine", "Ours"]);
    company.pipeline.leave(anna, team).unwrap();
    assert!(company.update(admin, account, &[("name", "B".into())]).ran.is_empty());
}

/// Flows that write down as whom they act: what a flow creates belongs to its identity.
const WHO: &str = r#"
entity account { name text(160) required  step integer  parent lookup account }
entity trail { words text(100) }

flow Owned on account {
  trigger update(name), child, on demand
  owner   "Olga"
  run as  owner
  create trail { words = "Owned for {caller.fullname}" }
  start Inherits on this
}
flow Inherits on account {
  trigger child
  owner   "Ben"
  run as  caller
  create trail { words = "Inherits" }
}
flow Called on account {
  trigger update(step), on demand
  owner   "Olga"
  create trail { words = "Called" }
  start Owned on this
  start Owned on parent?
}
flow Trails on trail { trigger create  run as caller  log "{words}"  create task { subject = words ?? "" } }

role All { privilege create, read, write, delete, append, append to, assign on account, trail, task  privilege execute flow }
"#;

/// The names of the owners of what was created, in order.
fn owners(pipeline: &mut Pipeline, entity: &str) -> Vec<String> {
    let entity = pipeline.schema().entity_id(entity).unwrap();
    let ids = pipeline.find(entity, &Row::default(), u32::MAX).unwrap();
    let mut name = |id| match get(pipeline, Reference { entity, id }, "ownerid") {
        Value::Reference(owner) => get(pipeline, owner, "fullname").as_text().unwrap().to_owned(),
        other => panic!("{other:?}"),
    };
    ids.into_iter().map(&mut name).collect()
}

fn who() -> (Company, [Reference; 3]) {
    let mut company = Company { pipeline: open(WHO) };
    let users = ["Olga", "Ben", "Anna"].map(|name| company.user(name, "North", &["All"]));
    (company, users)
}

#[test]
fn run_as_says_whose_an_event_s_flow_is_and_its_inline_children_inherit_it() {
    let (mut company, [_, _, anna]) = who();
    let account = company.account(anna);
    assert_eq!(company.update(anna, account, &[("name", "B".into())]).ending, Ending::Committed);
    assert_eq!(owners(&mut company.pipeline, "trail"), ["Olga", "Olga"], "the owner, whatever the child says");
    // Operations within it have the flow's identity as their caller.
    assert_eq!(owners(&mut company.pipeline, "task"), ["Olga", "Olga"]);
    let (mut company, [_, _, anna]) = who();
    let account = company.account(anna);
    assert_eq!(company.update(anna, account, &[("step", 1.into())]).ending, Ending::Committed);
    assert_eq!(owners(&mut company.pipeline, "trail"), ["Anna"; 3], "an inline child runs as its parent, whatever it says");
}

#[test]
fn a_run_on_demand_is_always_the_caller_s() {
    for flow in ["Owned", "Called"] {
        let (mut company, [_, ben, anna]) = who();
        let account = company.account(anna);
        let operation = Operation::Run { flow: flow.into(), record: account, inputs: Vec::new() };
        assert_eq!(company.pipeline.execute(operation, Some(ben)).ending, Ending::Committed);
        assert!(owners(&mut company.pipeline, "trail").iter().all(|owner| owner == "Ben"), "{flow}");
    }
}

#[test]
fn an_inline_child_on_another_record_inherits_too() {
    let (mut company, [_, _, anna]) = who();
    let parent = company.account(anna);
    let values = [("name", "A".into()), ("parent", Value::Reference(parent))];
    let account = company.create(anna, "account", &values).record.unwrap();
    assert_eq!(company.update(anna, account, &[("step", 1.into())]).ran.iter().filter(|name| *name == "Owned").count(), 2);
    assert_eq!(owners(&mut company.pipeline, "trail"), ["Anna"; 5]);
}

#[test]
fn what_a_flow_nests_is_held_against_the_flow_s_identity() {
    let flows = r#"
    flow Writes on account { trigger update(note)  owner "Olga"  run as owner  set revenue = 5 }
    flow Behind on account { trigger update(revenue)  create price { name = "P" } }
    "#;
    let mut company = Company::new(flows);
    let olga = company.user("Olga", "South", &["Seller"]);
    let anna = company.user("Anna", "North", &["Chief"]);
    let account = company.account(anna);
    // Anna may write it, but the flow acts as Olga, who may only write her own.
    let words = refused(&company.update(anna, account, &[("note", "x".into())])).to_owned();
    assert_eq!(words, "`Olga` has the privilege `write` on `account` at `user`, and this record needs it at `organization`");
    company.pipeline.grant(olga, "Linker").unwrap();
    let outcome = company.update(anna, account, &[("note", "x".into())]);
    assert_eq!(refused(&outcome), "`Olga` has no privilege `create` on `price`, and this record needs it at `user`");
    assert!(matches!(&outcome.ending, Ending::Fault(fault) if fault.chain == ["Writes", "Behind"]), "{outcome:?}");
    company.pipeline.grant(olga, "Chief").unwrap();
    assert_eq!(company.update(anna, account, &[("note", "x".into())]).ending, Ending::Committed);
}
