//! From the first deploy to the next activation, and from one mode to the other.

use crate::place::{LATER, LIMIT, OLD, POOR, Place, RICH, SCHEMA, steps};

#[test]
fn a_first_deploy_activates_and_a_second_changes_nothing() {
    let place = Place::of(&format!("{SCHEMA}{LIMIT}{LATER}{}", OLD.replace("trigger create\n", "trigger create\n  draft\n")));
    assert_eq!(steps(&place.deploy()), ["new schema", "activated Later", "activated Limit", "draft Old"]);
    assert_eq!(place.activations("Limit"), [1]);
    assert_eq!(place.activations("Old"), [0; 0]);
    let before = place.dump();
    assert_eq!(
        steps(&place.deploy()),
        ["unchanged schema", "unchanged Later", "unchanged Limit", "unchanged Old (not active)", "nothing changed"]
    );
    // Another place in the text is no change either.
    place.project(&format!("// more\n{LATER}{}{LIMIT}\n{SCHEMA}", OLD.replace("trigger create\n", "trigger create\n  draft\n")));
    assert!(place.deploy().contains("unchanged  Limit"));
    assert_eq!(place.dump(), before);
    // The store alone runs; a fault or stop names the file and line of the deploy.
    assert_eq!(place.operations(&[RICH, POOR])[0]["reason"], "Acme is over the limit");
    assert_eq!(place.ran(POOR), ["Limit"]);
    place.life("activate", "Old");
    assert_eq!(place.ran(POOR), ["Limit", "Old"]);
    let json = place.well(&["deploy", "p", "--store", "sqlite:s.db", "--format", "json"]);
    assert_eq!(json.lines().next(), Some(r#"{"name":"schema","kind":"schema","outcome":"unchanged","active":false}"#));
    assert_eq!(json.lines().last(), Some(r#"{"new":0,"changed":0,"unchanged":4,"kept":0}"#));
}

#[test]
fn a_changed_flow_gets_a_new_activation_and_the_others_none() {
    let place = Place::deployed(&format!("{SCHEMA}{LIMIT}{OLD}"));
    place.project(&format!("{SCHEMA}{}{OLD}", LIMIT.replace("5_000", "50_000")));
    assert_eq!(steps(&place.deploy()), ["unchanged schema", "changed Limit", "unchanged Old"]);
    assert_eq!((place.activations("Limit"), place.activations("Old")), (vec![0, 1], vec![1]));
    assert_eq!(place.ran(RICH), ["Limit", "Old"]);
    // What is no longer declared stays.
    place.project(&format!("{SCHEMA}{OLD}"));
    assert_eq!(steps(&place.deploy()), ["unchanged schema", "kept Limit", "unchanged Old", "nothing changed"]);
    assert_eq!(place.ran(RICH), ["Limit", "Old"]);
}

#[test]
fn what_is_deactivated_does_not_run_and_every_activation_is_a_new_one() {
    let place = Place::deployed(&format!("{SCHEMA}{LIMIT}"));
    place.refused(&["activate", "Limit", "--store", "sqlite:s.db"], "S0203");
    assert_eq!(place.life("deactivate", "Limit"), "Limit: deactivated\n");
    place.refused(&["deactivate", "Limit", "--store", "sqlite:s.db"], "S0204");
    assert_eq!((place.ran(RICH), place.activations("Limit")), (vec![], vec![0]));
    assert!(place.deploy().contains("nothing changed"), "a deploy of the same leaves it inactive");
    assert_eq!(place.life("activate", "Limit"), "Limit: activated\n");
    assert_eq!((place.ran(RICH), place.activations("Limit")), (vec!["Limit".to_owned()], vec![0, 1]));
    assert!(place.refused(&["activate", "Limits", "--store", "sqlite:s.db"], "S0202").contains("did you mean `Limit`"));
    place.refused(&["activate", "schema", "--store", "sqlite:s.db"], "S0202");
    let (_, missing, exit) = place.run(&["activate", "Limit", "--store", "sqlite:nowhere.db"]);
    assert!(missing.contains("error[S0101]: `nowhere.db` isn't there") && exit == 4, "{missing}");
    assert!(!place.path("nowhere.db").exists());
    assert_eq!(place.run(&["run", "sqlite:nowhere.db", "--ops", "ops"]).2, 4);
}

#[test]
fn a_flow_is_converted_while_it_is_inactive() {
    let place = Place::deployed(&format!("{SCHEMA}{LIMIT}{LATER}"));
    let convert = |name, to| ["convert", name, "--to", to, "--store", "sqlite:s.db"];
    place.refused(&convert("Limit", "background"), "S0205");
    place.life("deactivate", "Limit");
    place.refused(&convert("Limit", "real-time"), "S0209");
    assert_eq!(place.well(&convert("Limit", "background")), "Limit: converted to background\n");
    assert_eq!((place.ran(RICH), place.activations("Limit")), (vec![], vec![0]));
    place.life("activate", "Limit");
    let told = place.operations(&[RICH]);
    assert_eq!((told[0]["outcome"].as_str(), place.ran(RICH)), (Some("committed"), vec![]));
    assert!(place.well(&["dis", "sqlite:s.db", "--flow", "Limit"]).contains("background; create"));
    // And back; its stages are the default ones now, after the operation.
    place.life("deactivate", "Limit");
    place.well(&convert("Limit", "real-time"));
    place.life("activate", "Limit");
    assert_eq!(place.ran(POOR)[..1], ["Limit"]);
    assert!(place.well(&["dis", "sqlite:s.db", "--flow", "Limit"]).contains("create at post-operation"));
    place.life("deactivate", "Later");
    let said = place.refused(&convert("Later", "real-time"), "S0206");
    assert!(said.contains("(rules.flow:28)"), "{said}");
    // The project says what is to be: a deploy brings it back.
    assert!(place.deploy().contains("changed    Limit"));
}

#[test]
fn what_starts_a_flow_knows_its_mode() {
    let parent = "\nflow Parent on account {\n  trigger create\n\n  start Child on this\n}\n";
    let child = "\nflow Child on account {\n  trigger child\n\n  log \"here\"\n  set credit = 7\n}\n";
    let place = Place::deployed(&format!("{SCHEMA}{parent}{child}"));
    assert_eq!(place.ran(POOR), ["Parent", "Child"]);
    place.life("deactivate", "Child");
    assert_eq!(place.operations(&[POOR])[0]["code"], "F13");
    place.well(&["convert", "Child", "--to", "background", "--store", "sqlite:s.db"]);
    place.life("activate", "Child");
    assert_eq!(place.ran(POOR), ["Parent"]);
    assert_eq!((place.activations("Parent"), place.activations("Child")), (vec![0, 1], vec![0, 1]));
}

#[test]
fn an_action_that_is_needed_stays_active() {
    let text = r#"
action Approve on account {
  output ok boolean

  set output ok = credit > 3
}

flow Ask on account {
  trigger create

  let answer = perform Approve on this
  log "{answer.ok}"
}
"#;
    let place = Place::deployed(&format!("{SCHEMA}{text}"));
    assert!(place.refused(&["deactivate", "Approve", "--store", "sqlite:s.db"], "S0208").contains("`Ask`"));
    place.refused(&["convert", "Approve", "--to", "background", "--store", "sqlite:s.db"], "S0209");
    place.life("deactivate", "Ask");
    place.life("deactivate", "Approve");
    place.refused(&["convert", "Approve", "--to", "background", "--store", "sqlite:s.db"], "S0209");
    place.refused(&["activate", "Ask", "--store", "sqlite:s.db"], "S0208");
    place.life("activate", "Approve");
    place.life("activate", "Ask");
    assert_eq!(place.ran(POOR), ["Ask", "Approve"]);
}

#[test]
fn a_stage_that_stands_first_is_taken_out_by_a_conversion() {
    let place = Place::deployed(&format!(
        "{SCHEMA}flow Sized on account {{\n  stage pre-operation\n  trigger create at post-operation, update(name)\n  log \"sized\"\n}}\n"
    ));
    place.life("deactivate", "Sized");
    place.well(&["convert", "Sized", "--to", "background", "--store", "sqlite:s.db"]);
    place.life("activate", "Sized");
    let listing = place.well(&["dis", "sqlite:s.db", "--flow", "Sized"]);
    assert!(listing.contains("background; create; update(name)"), "{listing}");
}

#[test]
fn an_entity_that_is_no_longer_declared_may_go_while_nothing_refers_to_it() {
    let two = "entity a { name text(10) }\nentity b { name text(10) key (name) }\n";
    let one = "entity a { name text(10) }\n";
    let place = Place::deployed(two);
    place.project(one);
    place.deploy();
    place.project(two);
    place.deploy();
    let id = "01a1fc1a-8f85-7204-a7d6-dba1396e9c25";
    let told = place.operations(&[
        &format!(r#"{{"message":"Create","entity":"b","id":"{id}","attributes":{{"name":"B"}}}}"#),
        &format!(r#"{{"message":"Create","entity":"task","attributes":{{"subject":"call","regarding":"b:{id}"}}}}"#),
    ]);
    assert_eq!((told[0]["outcome"].as_str(), told[1]["outcome"].as_str()), (Some("committed"), Some("committed")));
    place.project(one);
    let deploy = ["deploy", "p", "--store", "sqlite:s.db"];
    let (_, told, code) = place.run(&deploy);
    assert_eq!((code, told.contains("1 record of `task` refer to a `b` by `regarding`")), (4, true), "{told}");
}

#[test]
fn a_lookup_to_several_entities_that_is_taken_out_forgets_what_is_deleted() {
    let with = "entity a { name text(10) key (name) }\nentity c { name text(10) }\nentity b { name text(10) x lookup a | c key (name) }\n";
    let place = Place::deployed(with);
    let id = "01a1fc1a-8f85-7204-a7d6-dba1396e9c25";
    place.operations(&[
        &format!(r#"{{"message":"Create","entity":"a","id":"{id}","attributes":{{"name":"A"}}}}"#),
        &format!(r#"{{"message":"Create","entity":"b","attributes":{{"name":"B","x":"a:{id}"}}}}"#),
    ]);
    place.project(&with.replace("x lookup a | c ", ""));
    place.deploy();
    place.operations(&[r#"{"message":"Delete","entity":"a","id":{"name":"A"}}"#]);
    place.project(with);
    place.deploy();
    let store = rusqlite::Connection::open(place.path("s.db")).unwrap();
    let left: i64 =
        store.query_row("SELECT count(*) FROM b WHERE x IS NOT NULL OR \"x$entity\" IS NOT NULL", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn what_somebody_has_deactivated_is_not_activated_by_a_deploy() {
    let place = Place::deployed(&format!("{SCHEMA}{LIMIT}"));
    place.life("deactivate", "Limit");
    place.well(&["convert", "Limit", "--to", "background", "--store", "sqlite:s.db"]);
    assert_eq!(steps(&place.deploy()), ["unchanged schema", "changed Limit (not active)"]);
    place.project(&format!("{SCHEMA}{}", LIMIT.replace("5_000", "50")));
    assert_eq!(steps(&place.deploy()), ["unchanged schema", "changed Limit (not active)"]);
    assert!(place.ran(RICH).is_empty());
    place.life("activate", "Limit");
    assert_eq!(place.operations(&[RICH])[0]["outcome"], "stopped");
}
