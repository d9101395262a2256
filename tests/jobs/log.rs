//! The step log of a job: what its steps did, kept with each of them; bounded, and there even where a step was undone.

use serde_json::Value;

use crate::place::{Place, told};

const RULES: &str = "
entity account {
  name   text(100) required
  size   integer
  onhold boolean = false
}

entity note {
  text text(200)
}

flow Remind on account {
  mode    background
  trigger create

  create note { text = \"first\" }
  wait { until onhold == true {} after 3 days {} }
  step \"Work it out\" {
    create note { text = \"{10 / (size ?? 0)}\" }
  }
}
";

fn log(place: &Place) -> Vec<Value> {
    let job = place.jobs()[0]["id"].as_str().unwrap().to_owned();
    let shown: Value = serde_json::from_str(&place.well(&["jobs", "show", &job, "--store", "sqlite:s.db", "--format", "json"])).unwrap();
    shown["log"].as_array().unwrap().clone()
}

#[test]
fn it_tells_what_each_step_did_when_and_where_and_a_failure_survives_its_rollback() {
    let place = Place::deployed(RULES);
    let acme = place.account("Acme");
    place.work();
    place.change(&acme, "{\"onhold\":true}");
    assert_eq!(told(&place.work()), [("Remind", 31)]);
    let log = log(&place);
    let columns = |step: &Value| ["number", "step", "activity", "location", "statusName"].map(|name| step[name].clone());
    let columns: Vec<_> = log.iter().map(columns).collect();
    let expected = serde_json::json!([
        [1, null, "create note", "rules.flow:16:3", "succeeded"],
        [2, null, "wait", "rules.flow:17:3", "waiting"],
        [3, "Work it out", "create note", "rules.flow:19:5", "failed"],
    ]);
    assert_eq!(serde_json::to_value(&columns).unwrap(), expected);
    assert_eq!(log[2]["message"], place.jobs()[0]["message"]);
    assert!(log[2]["message"].as_str().unwrap().starts_with("F01: division by zero"), "{log:?}");
    assert!(log[1]["due"].is_string() && log[2]["due"].is_null(), "{log:?}");
    for step in &log {
        assert!(step["started"].as_str().unwrap() <= step["completed"].as_str().unwrap(), "{step}");
    }
    // What the step itself had done is gone.
    assert_eq!(place.number("SELECT count(*) FROM note"), 1);
}

#[test]
fn people_see_it_within_80_columns() {
    let place = Place::deployed(&format!("{RULES}\nplugin Tell on account {{ mode background trigger create via command \"none\" }}\n"));
    place.account("Acme");
    place.well(&["work", "--store", "sqlite:s.db", "--once", "--allow-command", "none"]);
    for (job, expected) in place.jobs().iter().zip([
        ["steps        2\n    1  ", "  done\n       create note (rules.flow:16:3)\n    2  ", "Z at most\n       wait (rules.flow:17:3)\n"],
        ["steps        1\n    1  ", "  failed, again at ", "Z\n       Tell\n       F21: in the plug-in `Tell`, "],
    ]) {
        let mut show = place.command(&["jobs", "show", job["id"].as_str().unwrap(), "--store", "sqlite:s.db"]);
        let shown = String::from_utf8(show.env("COLUMNS", "80").output().unwrap().stdout).unwrap();
        for part in expected {
            assert!(shown.contains(part), "{part:?}:\n{shown}");
        }
        assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    }
}

#[test]
fn of_a_long_job_the_last_thousand_steps_stay() {
    let looping = "entity account { name text(100) required }\nentity note { text text(200) }\nentity entry { text text(200) }\n
flow Fill on account { mode background trigger create  for each note { create entry { text = \"x\" } }  create entry { text = \"last\" } }\n";
    let place = Place::deployed(looping);
    place.operate(&"{\"message\":\"Create\",\"entity\":\"note\",\"attributes\":{\"text\":\"a\"}}\n".repeat(1_020));
    place.account("Acme");
    place.work();
    assert_eq!(place.number("SELECT count(*) FROM entry"), 1_021);
    assert_eq!(place.number("SELECT count(*) FROM workflowlog"), 1_000);
    assert_eq!(place.number("SELECT min(number) FROM workflowlog"), 22);
    assert_eq!(place.jobs()[0]["steps"], 1_021);
    let shown = place.well(&["jobs", "show", place.jobs()[0]["id"].as_str().unwrap(), "--store", "sqlite:s.db"]);
    assert!(shown.contains("steps        1021, the last 1000 of them here\n   22  "), "{shown}");
}

#[test]
fn a_worker_that_was_gone_stands_in_it() {
    let place = Place::deployed(RULES);
    place.account("Acme");
    let store = rusqlite::Connection::open(place.dir.path().join("s.db")).unwrap();
    let gone = "UPDATE asyncoperation SET statecode = 2, statuscode = 20, hostid = 'gone', dueon = 1";
    assert_eq!(store.execute(gone, []).unwrap(), 1);
    place.work();
    let log = log(&place);
    assert_eq!((&log[0]["statusName"], &log[0]["message"]), (&"failed".into(), &"its worker was gone in the middle of it".into()));
    assert_eq!(log[1]["activity"], "create note");
}
