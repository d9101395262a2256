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
    assert!(list.contains("  Remind  account \"Acme\"  waiting for account.onhold or until "), "{list}");
    assert!(list.ends_with("1 job\n"), "{list}");
    let shown = place.well(&["jobs", "show", &id(&jobs), "--store", "sqlite:s.db"]);
    for line in [
        "flow         Remind",
        "state        suspended (1), Waiting (10)",
        "waits        for account.onhold or until ",
        "runs as      System Administrator",
        "depth        1",
    ] {
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
fn a_list_stands_in_columns_and_says_what_is_waited_for() {
    let place =
        Place::deployed(&format!("{RULES}\nflow Sort on account {{ mode background trigger create serial by name  wait 1 day }}\n"));
    place.account("Acme");
    place.account("Acme");
    place.account("Apex and a longer name");
    place.work();
    let list = place.well(&["jobs", "--store", "sqlite:s.db"]);
    let lines: Vec<&str> = list.lines().collect();
    let column = |words: &str| lines.iter().filter_map(|line| line.find(words)).collect::<std::collections::BTreeSet<_>>();
    assert_eq!((column("account \"").len(), column("waiting for account.onhold or until ").len()), (1, 1), "{list}");
    let jobs = place.jobs();
    let [first, second] = [0, 1].map(|at| jobs.iter().filter(|job| job["name"] == "Sort").nth(at).unwrap());
    assert_eq!((&second["behind"], &first["behind"]), (&first["id"], &Value::Null));
    assert!(list.contains(&format!("waiting for resources, behind {}", first["id"].as_str().unwrap())), "{list}");
    let shown = place.well(&["jobs", "show", second["id"].as_str().unwrap(), "--store", "sqlite:s.db"]);
    assert!(shown.contains("serial       with those of the same account.name: \"Acme\"\n"), "{shown}");
    assert!(shown.contains("record       account \"Acme\" ("), "{shown}");
}

#[test]
fn a_user_sees_what_runs_as_them_alone() {
    let place = Place::deployed(RULES);
    place.operate("{\"message\":\"Create\",\"entity\":\"systemuser\",\"attributes\":{\"fullname\":\"Rita\"}}\n");
    place.account("Acme");
    let job = id(&place.jobs());
    assert_eq!(place.well(&["jobs", "--as", "Rita", "--store", "sqlite:s.db"]), "0 jobs\n");
    let administrator = place.well(&["jobs", "--as", "System Administrator", "--store", "sqlite:s.db"]);
    assert!(administrator.ends_with("\n1 job\n"), "{administrator}");
    for arguments in [&["show", &job][..], &["show", &job, "--follow"]] {
        let arguments = [&["jobs", "--as", "Rita", "--store", "sqlite:s.db"], arguments].concat();
        let refused = place.command(&arguments).output().unwrap();
        assert_eq!(refused.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&refused.stderr).contains("belongs to somebody else"), "{refused:?}");
    }
}

#[test]
fn a_worker_that_ends_says_what_is_left() {
    let place = Place::deployed(RULES);
    let left =
        |place: &Place| String::from_utf8(place.command(&["work", "--once", "--store", "sqlite:s.db"]).output().unwrap().stderr).unwrap();
    assert_eq!(left(&place), "");
    place.account("Acme");
    assert_eq!(left(&place), "1 job waits: `weir jobs --store sqlite:s.db` says for what\n");
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
    let past = ["jobs", "postpone", &job, "--until", "2020-01-01T00:00:00Z", "--store", "sqlite:s.db"];
    let past = place.command(&past).output().unwrap();
    assert!(past.status.success() && String::from_utf8_lossy(&past.stderr).contains("warning: that moment has passed"), "{past:?}");
    assert_eq!(told(&place.work()), [("Remind", 10)]);
}

#[test]
fn what_isnt_there_is_said() {
    let place = Place::deployed(RULES);
    let unknown = place.command(&["jobs", "show", "018bcfe5-6800-7000-8000-000000000001", "--store", "sqlite:s.db"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no job"));
    assert_eq!(place.command(&["jobs", "list"]).output().unwrap().status.code(), Some(2));
    let missing = place.command(&["jobs", "list", "--store", "sqlite:none.db"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("`none.db` isn't there"), "{missing:?}");
    assert!(!place.dir.path().join("none.db").exists());
}
