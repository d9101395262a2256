//! Jobs that have ended are deleted where the project says how long they are kept.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::place::{Place, told};

const RULES: &str = "
entity account {
  name text(100) required
  job  lookup asyncoperation
}

entity note {
  text text(200)
}

flow Fill on account {
  mode    background
  trigger create

  create note { text = \"{10 / count(account)}\" }
}

flow Fail on account {
  mode    background
  trigger create

  create note { text = \"{10 / (count(account) - count(account))}\" }
}
";

impl Place {
    /// A project in a folder, with these settings.
    fn kept(settings: &str) -> Self {
        let place = Place::new();
        fs::create_dir(place.dir.path().join("p")).unwrap();
        fs::write(place.dir.path().join("p/rules.flow"), RULES).unwrap();
        place.keep(settings);
        place
    }

    fn keep(&self, settings: &str) {
        fs::write(self.dir.path().join("p/weir.toml"), settings).unwrap();
        self.well(&["deploy", "p", "--store", "sqlite:s.db"]);
    }

    /// Lets what has ended have ended so many days ago.
    fn age(&self, days: i64) {
        let store = rusqlite::Connection::open(self.dir.path().join("s.db")).unwrap();
        store.execute("UPDATE asyncoperation SET completedon = completedon - ?1 * 86400000000", [days]).unwrap();
    }
}

#[test]
fn what_has_ended_goes_after_its_time_with_its_log_and_what_failed_stays() {
    let place = Place::kept("[jobs]\nkeep = \"30 days\"\n");
    (0..3).for_each(|number| drop(place.account(&number.to_string())));
    place.work();
    let jobs = |place: &Place| (place.number("SELECT count(*) FROM asyncoperation"), place.number("SELECT count(*) FROM workflowlog"));
    assert_eq!(jobs(&place), (6, 6));
    place.age(29);
    place.work();
    assert_eq!(jobs(&place), (6, 6));
    place.age(2);
    // One that a record of somebody's own refers to stays.
    let store = rusqlite::Connection::open(place.dir.path().join("s.db")).unwrap();
    let refer = "UPDATE account SET job = (SELECT min(asyncoperationid) FROM asyncoperation WHERE statuscode = 30) WHERE name = '0'";
    assert_eq!(store.execute(refer, []).unwrap(), 1);
    place.account("new");
    place.work();
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE name = 'Fill'"), 2);
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE name = 'Fail'"), 4);
    assert_eq!(place.number("SELECT count(*) FROM workflowlog"), 6);
    // Unless it is told otherwise.
    place.keep("[jobs]\nkeep = \"none\"\nkeep_failed = \"1 year\"\n");
    place.age(400);
    place.account("newer");
    place.work();
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE name = 'Fail'"), 1);
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE name = 'Fill'"), 1);
}

#[test]
fn more_than_a_batch_goes_and_where_nothing_is_said_all_stay() {
    let place = Place::kept("");
    place.operate(&"{\"message\":\"Create\",\"entity\":\"account\",\"attributes\":{\"name\":\"x\"}}\n".repeat(120));
    for job in place.jobs().iter().filter(|job| job["name"] == "Fail").take(1) {
        place.well(&["jobs", "cancel", job["id"].as_str().unwrap(), "--store", "sqlite:s.db"]);
    }
    place.work();
    place.age(10_000);
    place.work();
    assert_eq!(place.jobs().len(), 240);
    place.keep("[jobs]\nkeep = \"1 minute\"\n");
    place.work();
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation"), 119);
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE statuscode = 31"), 119);
}

#[test]
fn a_worker_that_stays_deletes_them_too() {
    let place = Place::kept("[jobs]\nkeep = \"none\"\n");
    place.account("Acme");
    let mut worker = place.command(&["work", "--store", "sqlite:s.db"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(worker.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("  Fa") || lines.next().is_some());
    let begun = Instant::now();
    while place.number("SELECT count(*) FROM asyncoperation WHERE statuscode = 30") > 0
        || place.number("SELECT count(*) FROM asyncoperation WHERE statecode <> 3") > 0
    {
        assert!(begun.elapsed() < Duration::from_secs(120), "nothing was deleted");
        std::thread::sleep(Duration::from_millis(50));
    }
    worker.kill().unwrap();
    worker.wait().unwrap();
    assert_eq!(told(&place.jobs()), [("Fail", 31)]);
}

#[test]
fn settings_that_make_no_sense_are_told() {
    for (settings, message) in [
        ("[jobs]\nkeep = 30\n", "this is no text"),
        ("[jobs]\nkeep = \"0 days\"\n", "`keep` is a length of time from now back"),
        ("[jobs]\nkeep = \"-3 days\"\n", "`keep` is a length of time from now back"),
        ("[jobs]\nkeep_failed = \"long\"\n", "`long` is not a duration"),
        ("[jobs]\nkept = \"3 days\"\n", "`kept` is no setting"),
        ("jobs = 3\n", "`jobs` is a table"),
    ] {
        let place = Place::new();
        fs::write(place.dir.path().join("rules.flow"), RULES).unwrap();
        fs::write(place.dir.path().join("weir.toml"), settings).unwrap();
        let output = place.command(&["check", "."]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &*String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(message), "{settings}: {said}");
    }
}
