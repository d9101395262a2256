//! `weir jobs`: what an operator sees and does.

use serde_json::Value;

use crate::place::{Place, told};

const RULES: &str = "
entity account {
  name   text(100) required
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
  create note { text = \"second\" }
}
";

impl Place {
    fn turn(&self, verb: &str, id: &str, more: &[&str]) -> Value {
        let arguments = [&["jobs", verb, id, "--store", "sqlite:s.db", "--format", "json"], more].concat();
        serde_json::from_str(&self.well(&arguments)).unwrap()
    }
}

fn id(jobs: &[Value]) -> String {
    jobs[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn jobs_are_listed_and_shown() {
    let place = Place::deployed(RULES);
    place.account("Acme");
    let jobs = place.jobs();
    assert_eq!(told(&jobs), [("Remind", 0)]);
    place.work();
    let list = place.well(&["jobs", "--store", "sqlite:s.db"]);
    assert!(list.contains("Remind  account waiting until "), "{list}");
    assert!(list.ends_with("1 job\n"), "{list}");
    let shown = place.well(&["jobs", "show", &id(&jobs), "--store", "sqlite:s.db"]);
    for line in ["flow         Remind", "state        suspended (1), Waiting (10)", "runs as      System Administrator", "depth        1"] {
        assert!(shown.contains(line), "{line}:\n{shown}");
    }
    assert_eq!(place.well(&["jobs", "list", "--status", "failed", "--store", "sqlite:s.db"]), "0 jobs\n");
}

#[test]
fn who_only_reads_waits_for_no_writer() {
    let place = Place::deployed(RULES);
    place.account("Acme");
    place.work();
    let job = id(&place.jobs());
    let writer = rusqlite::Connection::open(place.dir.path().join("s.db")).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let shown = place.well(&["jobs", "show", &job, "--store", "sqlite:s.db"]);
    assert!(shown.contains("Remind"), "{shown}");
    assert_eq!(place.jobs().len(), 1);
    assert!(place.well(&["order", "sqlite:s.db", "account", "Create"]).contains("Remind"));
    assert!(place.well(&["dis", "sqlite:s.db"]).contains("Remind"));
    writer.execute_batch("ROLLBACK").unwrap();
}

#[test]
fn a_canceled_job_ends_and_what_it_did_stays() {
    let place = Place::deployed(RULES);
    place.account("Acme");
    place.work();
    let job = id(&place.jobs());
    let canceled = place.turn("cancel", &job, &[]);
    assert_eq!((&canceled["state"], &canceled["status"]), (&3.into(), &32.into()));
    assert_eq!(canceled["message"], "canceled by System Administrator");
    assert!(place.work().is_empty());
    assert_eq!(place.number("SELECT count(*) FROM note"), 1);
    assert_eq!(place.number("SELECT count(*) FROM asyncoperationsubscription"), 0);
    // What has ended goes nowhere.
    for verb in ["cancel", "pause", "resume"] {
        let refused = place.command(&["jobs", verb, &job, "--store", "sqlite:s.db"]).output().unwrap();
        assert_eq!(refused.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&refused.stderr).contains("a job that is canceled can't be"));
    }
}

#[test]
fn a_paused_job_waits_for_nothing_but_to_be_resumed() {
    let place = Place::deployed(RULES);
    let acme = place.account("Acme");
    place.work();
    let job = id(&place.jobs());
    assert_eq!(place.turn("pause", &job, &[])["due"], Value::Null);
    place.change(&acme, "{\"onhold\":true}");
    assert!(place.work().is_empty());
    assert_eq!(place.turn("resume", &job, &[])["status"], 0);
    assert_eq!(told(&place.work()), [("Remind", 30)]);
    assert_eq!(place.number("SELECT count(*) FROM note"), 2);
}

#[test]
fn a_postponed_job_isnt_due_before_its_moment() {
    let place = Place::deployed(RULES);
    place.account("Acme");
    let job = id(&place.jobs());
    let postponed = place.turn("postpone", &job, &["--until", "2199-01-01T00:00:00Z"]);
    assert_eq!((&postponed["status"], &postponed["due"]), (&10.into(), &"2199-01-01T00:00:00Z".into()));
    assert!(place.work().is_empty());
    place.turn("postpone", &job, &["--until", "2020-01-01T00:00:00Z"]);
    assert_eq!(told(&place.work()), [("Remind", 10)]);
}

#[test]
fn what_isnt_there_is_said() {
    let place = Place::deployed(RULES);
    let unknown = place.command(&["jobs", "show", "018bcfe5-6800-7000-8000-000000000001", "--store", "sqlite:s.db"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no job"));
    assert_eq!(place.command(&["jobs", "list"]).output().unwrap().status.code(), Some(2));
    assert_eq!(place.command(&["jobs", "list", "--store", "sqlite:none.db"]).output().unwrap().status.code(), Some(1));
}
