//! Who may do what: rights, their levels, and what a refusal says.

use weir::pipeline::ROOT_UNIT;

use super::company::{Company, refused};
use super::*;

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
    assert_eq!(words, "`Branch` has no privilege `delete` on `contact`, and this record needs it at `organization`");
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

#[test]
fn a_refusal_says_the_least_level_that_would_do() {
    let mut company = Company::new("");
    let admin = company.pipeline.administrator();
    let [north, city] = ["North", "City"].map(|name| company.pipeline.business_unit(name).unwrap());
    company.update(admin, city, &[("parent", Value::Reference(north))]);
    let anna = company.user("Anna", "North", &["Runner"]);
    let branch = company.user("Branch", "North", &["Branch"]);
    let mate = company.user("Mate", "North", &[]);
    let townsman = company.user("Townsman", "City", &[]);
    let stranger = company.user("Stranger", "South", &[]);
    let cases = [(anna, "user"), (mate, "business unit"), (townsman, "parent and child business units"), (stranger, "organization")];
    for (owner, level) in cases {
        let account = company.account(owner);
        let words = refused(&company.update(anna, account, &[("name", "B".into())])).to_owned();
        assert_eq!(words, format!("`Anna` has no privilege `write` on `account`, and this record needs it at `{level}`"));
        let words = refused(&company.create(anna, "account", &[("name", "A".into()), ("ownerid", Value::Reference(owner))])).to_owned();
        assert_eq!(words, format!("`Anna` has no privilege `create` on `account`, and this record needs it at `{level}`"));
        let narrow = company.update(branch, account, &[("name", "B".into())]);
        if ["user", "business unit"].contains(&level) {
            assert_eq!(narrow.ending, Ending::Committed);
        } else {
            let expected =
                format!("`Branch` has the privilege `write` on `account` at `business unit`, and this record needs it at `{level}`");
            assert_eq!(refused(&narrow), expected);
        }
    }
    // What nobody owns is reached at any level.
    let words = refused(&company.create(anna, "price", &[("name", "A".into())])).to_owned();
    assert_eq!(words, "`Anna` has no privilege `create` on `price`, and this record needs it at `user`");
}
