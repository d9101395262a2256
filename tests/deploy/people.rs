//! Who may do what with a definition, as whom it runs, and that nobody else writes it.

use std::fs;

use weir::project::Project;

use crate::place::{LATER, LIMIT, POOR, Place, SCHEMA};

/// A store with the users Alice, who may activate, and Bob, who may not; both may do everything else.
fn with_people(flows: &str) -> Place {
    let roles = "\nrole Maker {\n  privilege create, read, write on account\n  privilege activate real-time\n}\n";
    let place = Place::of(&format!("{SCHEMA}{roles}"));
    place.deploy();
    place.operations(&[
        r#"{"message":"Create","entity":"systemuser","id":"00000000-0000-7000-8000-00000000000a","attributes":{"fullname":"Alice"}}"#,
        r#"{"message":"Create","entity":"systemuser","attributes":{"fullname":"Bob"}}"#,
        r#"{"message":"Create","entity":"systemuserrole","attributes":{"systemuserid":"00000000-0000-7000-8000-00000000000a","role":"Maker"}}"#,
    ]);
    place.project(&format!("{SCHEMA}{roles}{flows}"));
    place
}

#[test]
fn who_may_do_what_with_a_definition() {
    let place = with_people(LIMIT);
    let by = |verb: &'static str, name: &'static str, user: &'static str| [verb, name, "--store", "sqlite:s.db", "--as", user];
    place.refused(&by("deploy", "p", "Nobody"), "O0113");
    let said = place.refused(&by("deploy", "p", "Bob"), "F22");
    assert!(said.contains("[F22]: `Bob` has no privilege `activate real-time`, which `Limit` on `account` needs"), "{said}");
    assert!(place.well(&by("deploy", "p", "Alice")).contains("activated  Limit"));
    let said = place.refused(&by("deactivate", "Limit", "Bob"), "S0207");
    assert!(said.contains("`Limit` belongs to `Alice`"), "{said}");
    place.well(&by("deactivate", "Limit", "Alice"));
    place.well(&by("activate", "Limit", "Alice"));
    // The schema is the system administrator's, who deployed first; another owner is nobody's to name.
    place.project(&format!("{SCHEMA}{LIMIT}"));
    place.refused(&by("deploy", "p", "Alice"), "S0207");
    let other = with_people(&LIMIT.replace("trigger create", "owner   \"Bob\"\n  trigger create"));
    other.refused(&by("deploy", "p", "Alice"), "S0207");
    other.deploy();
    // A background flow needs no privilege.
    let later = with_people(LATER);
    assert!(later.well(&by("deploy", "p", "Bob")).contains("activated  Later"));
    later.well(&by("deactivate", "Later", "Bob"));
    later.well(&by("activate", "Later", "Bob"));
}

#[test]
fn a_flow_runs_as_the_owner_whom_the_store_knows() {
    let text = "\nflow Write on account {\n  trigger create\n  run as  owner\n\n  create note { title = name, about = this }\n}\n";
    let place = Place::of(&format!("{SCHEMA}{text}"));
    place.well(&["run", "p", "--ops", "users", "--store", "sqlite:s.db"].map(|word| {
        fs::write(place.path("users"), r#"{"message":"Create","entity":"systemuser","attributes":{"fullname":"Alice"}}"#).unwrap();
        word
    }));
    place.well(&["deploy", "p", "--store", "sqlite:s.db", "--as", "Alice"]);
    assert_eq!(place.ran(POOR), ["Write"]);
    let owner: String = place
        .database()
        .query_row("SELECT u.fullname FROM note n JOIN systemuser u ON u.systemuserid = n.createdby", [], |row| row.get(0))
        .unwrap();
    assert_eq!(owner, "Alice");
    place.project(&format!("{SCHEMA}{}", text.replace("run as", "owner   \"Carol\"\n  run as")));
    assert!(place.refused(&["deploy", "p", "--store", "sqlite:s.db"], "O0113").contains("the owner of `Write`, `Carol`"));
}

#[test]
fn only_the_platform_writes_definitions() {
    let place = Place::deployed(&format!("{SCHEMA}{LIMIT}"));
    let id: Vec<u8> =
        place.database().query_row("SELECT workflowid FROM workflow WHERE name = 'Limit' AND type = 1", [], |row| row.get(0)).unwrap();
    let id = uuid::Uuid::from_slice(&id).unwrap();
    let before = place.dump();
    let told = place.operations(&[
        r#"{"message":"Create","entity":"workflow","attributes":{"name":"X","type":"definition","category":"workflow","hash":"0"}}"#,
        &format!(r#"{{"message":"Update","entity":"workflow","id":"{id}","attributes":{{"name":"X"}}}}"#),
        &format!(r#"{{"message":"Delete","entity":"workflow","id":"{id}"}}"#),
        &format!(r#"{{"message":"Create","entity":"workflowbinary","attributes":{{"workflowid":"{id}","part":5,"content":""}}}}"#),
    ]);
    for line in &told[..4] {
        assert_eq!(line["code"], "F16", "{line}");
    }
    assert_eq!(place.dump(), before);
    let said = |text: &str| Project::from_text("a.flow", text).diagnostics.iter().map(|said| said.code.name()).collect::<Vec<_>>();
    assert_eq!(said("flow F on workflow {\n  trigger create\n\n  log \"x\"\n}\n"), ["E0312"]);
    assert_eq!(said("plugin P on workflowbinary {\n  trigger create\n  via     host\n}\n"), ["E0312"]);
    assert_eq!(said("test \"t\" {\n  create workflow { name = \"x\" }\n}\n"), ["E0611"]);
}
