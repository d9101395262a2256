//! Jobs of one dependency token run one after the other, however many workers there are; whatever ends one lets the next one run.

use std::process::Stdio;

use serde_json::Value;

use crate::place::{Place, told};

const RULES: &str = "
entity team2 {
  name text(100) required
  busy integer = 0
  key (name)
}

entity account {
  name   text(100) required
  team2  lookup team2
  onhold boolean = false
}

entity note {
  text  text(200)
  about lookup team2
}

flow Alone on account {
  mode    background
  trigger create
  serial  by team2

  update team2? { busy = (team2.busy ?? 0) + 1 }
  create note { text = \"{name} with {team2.busy ?? 0}\", about = team2 }
  update team2? { busy = (team2.busy ?? 0) - 1 }
}

flow Wait on account {
  mode    background
  trigger update(name)
  serial

  wait until onhold == true
}
";

fn create(entity: &str, attributes: &str) -> String {
    format!("{{\"message\":\"Create\",\"entity\":\"{entity}\",\"attributes\":{{{attributes}}}}}\n")
}

#[test]
fn no_two_of_one_token_run_at_a_time_and_their_order_is_that_of_the_queue() {
    let place = Place::deployed(RULES);
    let teams: String = (0..3)
        .map(|team| create("team2", &format!("\"team2id\":\"018bcfe5-6800-7000-8000-00000000000{team}\",\"name\":\"{team}\"")))
        .collect();
    let account = |number: usize| {
        let team = number % 3;
        create("account", &format!("\"name\":\"{number:02}\",\"team2\":\"018bcfe5-6800-7000-8000-00000000000{team}\""))
    };
    place.operate(&(teams + &*(0..60).map(account).collect::<String>()));
    let work = || {
        let mut command = place.command(&["work", "--store", "sqlite:s.db", "--once", "--concurrency", "2"]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    for mut worker in [work(), work(), work()] {
        assert!(worker.wait().unwrap().success());
    }
    // A worker that found nothing due is gone, while another's job held up the rest.
    place.work();
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE statuscode = 30"), 60);
    assert_eq!(place.number("SELECT count(*) FROM note WHERE text LIKE '% with 1'"), 60);
    let disorder = "SELECT count(*) FROM (SELECT text, lag(text) OVER (PARTITION BY about ORDER BY createdon) AS before FROM note) WHERE before > text";
    assert_eq!(place.number(disorder), 0);
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE dependencytoken IS NOT NULL"), 0);
}

#[test]
fn one_that_waits_or_was_put_off_holds_up_those_behind_it_until_it_ends() {
    let place = Place::deployed(RULES);
    let acme = place.account("Acme");
    place.work();
    (0..3).for_each(|number| place.change(&acme, &format!("{{\"name\":\"{number}\"}}")));
    let jobs = || -> Vec<Value> { place.jobs().into_iter().filter(|job| job["name"] == "Wait").collect() };
    let id = |at: usize| jobs()[at]["id"].as_str().unwrap().to_owned();
    assert_eq!((&jobs()[0]["due"].is_string(), &jobs()[1]["due"]), (&true, &Value::Null));
    let postponed = ["jobs", "postpone", &id(0), "--until", "2199-01-01T00:00:00Z", "--store", "sqlite:s.db"];
    place.well(&postponed);
    assert!(place.work().is_empty());
    // One further back that is let go on stays behind.
    place.well(&["jobs", "pause", &id(2), "--store", "sqlite:s.db"]);
    place.well(&["jobs", "resume", &id(2), "--store", "sqlite:s.db"]);
    assert!(place.work().is_empty());
    assert_eq!((&jobs()[2]["status"], &jobs()[2]["due"]), (&0.into(), &Value::Null));
    place.well(&["jobs", "resume", &id(0), "--store", "sqlite:s.db"]);
    assert_eq!(told(&place.work()), [("Wait", 10)]);
    // Whether it is canceled or comes to its end, the next one runs.
    place.well(&["jobs", "cancel", &id(0), "--store", "sqlite:s.db"]);
    assert_eq!(told(&place.work()), [("Wait", 10)]);
    place.change(&acme, "{\"onhold\":true}");
    assert_eq!(told(&place.work()), [("Wait", 30), ("Wait", 30)]);
    assert_eq!(jobs().iter().map(|job| job["status"].as_i64().unwrap()).collect::<Vec<_>>(), [32, 30, 30]);
}

#[test]
fn a_damaged_job_and_one_whose_worker_crashes_again_and_again_let_the_next_one_run() {
    let place = Place::deployed(RULES);
    let acme = place.account("Acme");
    place.work();
    place.change(&acme, "{\"onhold\":true}");
    (0..3).for_each(|number| place.change(&acme, &format!("{{\"name\":\"{number}\"}}")));
    let store = rusqlite::Connection::open(place.dir.path().join("s.db")).unwrap();
    let first = "(SELECT min(asyncoperationid) FROM asyncoperation WHERE dependencytoken IS NOT NULL)";
    store.execute(&format!("UPDATE asyncoperation SET position = 'no JSON' WHERE asyncoperationid = {first}"), []).unwrap();
    let second = format!("(SELECT min(asyncoperationid) FROM asyncoperation WHERE asyncoperationid > {first})");
    let gone = "statecode = 2, statuscode = 20, hostid = 'gone', dueon = 2, retrycount = 3, startedon = 1";
    store.execute(&format!("UPDATE asyncoperation SET {gone} WHERE asyncoperationid = {second} AND dueon IS NULL"), []).unwrap();
    place.work();
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE name = 'Wait' AND statuscode = 31"), 2);
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE name = 'Wait' AND statuscode = 30"), 1);
}
