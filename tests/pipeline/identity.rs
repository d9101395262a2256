//! Who may do what, whose records trigger a flow, as whom it runs, and the errors that it keeps.

use super::*;
use weir::pipeline::ROOT_UNIT;

const COMPANY: &str = r#"
entity account {
  name     text(160) required
  revenue  money
  parent   lookup account
  note     text(100)
}

entity contact { name text(160) required  account lookup account  on delete of account: cascade }
entity price { name text(160) required  owned by organization }

role Seller {
  privilege create, write, append, append to, assign on account at user
  privilege read on account, contact
  privilege execute flow
}
role Branch { privilege write, delete on account at business unit  privilege create, append on contact at business unit }
role Region { privilege write on account at parent and child business units }
role Chief { privilege create, read, write, delete on account, contact, price }
role Linker { privilege write, append, append to on account }
role Runner { privilege execute flow }
role Nothing {}
"#;

/// A company with flows, and these users: name, unit, roles.
struct Company {
    pipeline: Pipeline,
}

impl Company {
    fn new(flows: &str) -> Self {
        Company { pipeline: open(&format!("{COMPANY}{flows}")) }
    }

    fn user(&mut self, name: &str, unit: &str, roles: &[&str]) -> Reference {
        let user = self.pipeline.user(name).unwrap();
        if !unit.is_empty() {
            let unit = self.pipeline.business_unit(unit).unwrap();
            self.pipeline.move_user(user, unit).unwrap();
        }
        roles.iter().for_each(|role| self.pipeline.grant(user, role).unwrap());
        user
    }

    fn create(&mut self, acting: Reference, entity: &str, values: Values) -> Outcome {
        let values = row(&self.pipeline, entity, values);
        let entity = self.pipeline.schema().entity_id(entity).unwrap();
        self.pipeline.execute(Operation::Create { entity, values }, Some(acting))
    }

    fn update(&mut self, acting: Reference, record: Reference, values: Values) -> Outcome {
        let entity = self.pipeline.schema().entity(record.entity).unwrap().name.clone();
        let values = row(&self.pipeline, &entity, values);
        self.pipeline.execute(Operation::Update { record, values }, Some(acting))
    }

    fn account(&mut self, owner: Reference) -> Reference {
        created(&mut self.pipeline, "account", &[("name", "A".into()), ("ownerid", Value::Reference(owner))])
    }
}

fn refused(outcome: &Outcome) -> &str {
    let (code, words) = fault(outcome);
    assert_eq!(code, Code::F22, "{words}");
    words
}

#[test]
fn a_project_without_roles_enforces_nothing() {
    let mut pipeline = open("entity account { name text(160) required }");
    let anna = pipeline.user("Anna").unwrap();
    let account = created(&mut pipeline, "account", &[("name", "A".into())]);
    let values = row(&pipeline, "account", &[("name", "B".into())]);
    assert_eq!(pipeline.execute(Operation::Update { record: account, values }, Some(anna)).ending, Ending::Committed);
    assert_eq!(pipeline.grant(anna, "Sales").unwrap_err().code, Code::F06);
}

#[test]
fn a_level_reaches_what_the_units_of_user_and_owner_say() {
    let mut company = Company::new("");
    let admin = company.pipeline.administrator();
    let north = company.pipeline.business_unit("North").unwrap();
    let city = company.pipeline.business_unit("City").unwrap();
    let moved = company.update(admin, city, &[("parent", Value::Reference(north))]);
    assert_eq!(moved.ending, Ending::Committed);
    let seller = company.user("Seller", "North", &["Seller"]);
    let branch = company.user("Branch", "North", &["Branch"]);
    let region = company.user("Region", "North", &["Region"]);
    let chief = company.user("Chief", "South", &["Chief"]);
    let townsman = company.user("Townsman", "City", &[]);
    let stray = company.user("Stray", "", &[]);
    let root = company.user("Root", "", &["Region"]);
    let owners = [seller, branch, townsman, chief, stray];
    let records: Vec<Reference> = owners.iter().map(|owner| company.account(*owner)).collect();
    let mut may = |user: Reference| -> Vec<bool> {
        let write = |record: &Reference| company.update(user, *record, &[("name", "B".into())]).ending == Ending::Committed;
        records.iter().map(write).collect()
    };
    assert_eq!(may(seller), [true, false, false, false, false]);
    assert_eq!(may(branch), [true, true, false, false, false]);
    assert_eq!(may(region), [true, true, true, false, false]);
    assert_eq!(may(chief), [true, true, true, true, true]);
    assert_eq!(may(townsman), [false; 5]);
    assert_eq!(may(root), [true; 5], "all units are below the root");
    assert_eq!(may(admin), [true; 5]);
    let root_unit = Reference { entity: north.entity, id: ROOT_UNIT };
    assert_eq!(get(&mut company.pipeline, root_unit, "name"), "Organization".into());
    assert_eq!(fault(&delete(&mut company.pipeline, root_unit)).0, Code::F08);
}

#[test]
fn a_team_owns_by_its_unit() {
    let mut company = Company::new("");
    let unit = company.pipeline.business_unit("North").unwrap();
    let branch = company.user("Branch", "North", &["Branch"]);
    let away = company.user("Away", "South", &["Branch"]);
    let team = created(&mut company.pipeline, "team", &[("name", "T".into()), ("businessunitid", Value::Reference(unit))]);
    let account = company.account(team);
    assert_eq!(company.update(branch, account, &[("name", "B".into())]).ending, Ending::Committed);
    let words = refused(&company.update(away, account, &[("name", "C".into())])).to_owned();
    assert_eq!(words, "`Away` has the privilege `write` on `account` at business unit, and this record needs it at organization");
}

#[test]
fn each_right_is_asked_where_it_is_used() {
    let mut company = Company::new("");
    let seller = company.user("Seller", "North", &["Seller"]);
    let nobody = company.user("Nobody", "North", &["Nothing"]);
    let branch = company.user("Branch", "North", &["Branch"]);
    let own = company.create(seller, "account", &[("name", "A".into())]).record.unwrap();
    let other = company.account(branch);
    let reference = Value::Reference;
    let refusals = [
        company.create(nobody, "account", &[("name", "A".into())]),
        company.create(seller, "account", &[("name", "A".into()), ("ownerid", reference(branch))]),
        company.create(seller, "account", &[("name", "A".into()), ("parent", reference(other))]),
        company.create(seller, "contact", &[("name", "A".into())]),
        company.update(seller, other, &[("name", "B".into())]),
        company.update(seller, own, &[("parent", reference(other))]),
        company.update(seller, other, &[("ownerid", reference(seller))]),
        company.update(branch, own, &[("ownerid", reference(branch))]),
        company.create(branch, "contact", &[("name", "A".into()), ("account", reference(own))]),
        company.pipeline.execute(Operation::Delete { record: own }, Some(seller)),
        company.create(seller, "price", &[("name", "A".into())]),
    ];
    let words: Vec<&str> = refusals.iter().map(refused).collect();
    insta::assert_snapshot!(words.join("\n"));
    // What is allowed: linking among one's own, giving one's own away, and afterwards no more.
    let second = company.create(seller, "account", &[("name", "B".into()), ("parent", reference(own))]).record.unwrap();
    assert_eq!(company.update(seller, second, &[("parent", Value::Empty)]).ending, Ending::Committed);
    assert_eq!(company.update(seller, second, &[("ownerid", reference(branch)), ("name", "C".into())]).ending, Ending::Committed);
    refused(&company.update(seller, second, &[("name", "D".into())]));
}

#[test]
fn a_cascade_needs_the_right_for_every_record() {
    let mut company = Company::new("");
    let branch = company.user("Branch", "North", &["Branch"]);
    let chief = company.user("Chief", "North", &["Chief"]);
    let account = company.account(branch);
    let contact = created(&mut company.pipeline, "contact", &[("name", "C".into()), ("account", Value::Reference(account))]);
    let words = refused(&company.pipeline.execute(Operation::Delete { record: account }, Some(branch))).to_owned();
    assert_eq!(words, "`Branch` has no privilege `delete` on `contact`");
    assert!(exists(&mut company.pipeline, account) && exists(&mut company.pipeline, contact));
    assert_eq!(company.pipeline.execute(Operation::Delete { record: account }, Some(chief)).ending, Ending::Committed);
    assert!(!exists(&mut company.pipeline, contact));
}

#[test]
fn roles_are_taken_and_add_up() {
    let mut company = Company::new("");
    let anna = company.user("Anna", "North", &["Seller", "Branch"]);
    let ben = company.user("Ben", "North", &[]);
    let account = company.account(ben);
    assert_eq!(company.update(anna, account, &[("name", "B".into())]).ending, Ending::Committed);
    company.pipeline.grant(anna, "Branch").unwrap();
    company.pipeline.revoke(anna, "Branch").unwrap();
    company.pipeline.revoke(anna, "Branch").unwrap();
    refused(&company.update(anna, account, &[("name", "C".into())]));
}

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
    assert_eq!(refused(&nested), "`Anna` has no privilege `create` on `contact`");
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
    assert_eq!(words, "`Blind` has no privilege `read` on `account`");
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
    assert_eq!(refused(&run(&mut company)), "`Anna` has no privilege `execute flow`");
    company.pipeline.grant(user, "Runner").unwrap();
    assert_eq!(refused(&run(&mut company)), "`Anna` has no privilege `read` on `account`");
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
