//! Background operations through the real command: handed in, done by workers, killed in the middle, refused.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::place::{Place, wait_for};

const RULES: &str = "
entity account {
  name   text(100) required
  rating integer
  passed integer = 0
}

flow Guard on account {
  trigger create, update(rating)
  stage   pre-operation
  if rating > 100 { stop \"no rating above 100\" }
}

flow Count on account {
  trigger create
  stage   post-operation
  set passed += 1
}

action Double on account {
  input  times  integer required
  output result integer
  set output result = times * 2
}
";

/// A line that makes an account.
fn create(name: &str, rating: u32) -> String {
    json!({"message": "Create", "entity": "account", "attributes": {"name": name, "rating": rating}}).to_string() + "\n"
}

impl Place {
    /// Hands in operations; gives the exit code and what was told, line by line.
    fn ask(&self, lines: &str, more: &[&str]) -> (i32, Vec<Value>) {
        fs::write(self.dir.path().join("ops.jsonl"), lines).unwrap();
        let arguments = ["run", "rules.flow", "--ops", "ops.jsonl", "--store", "sqlite:s.db", "--background", "--format", "json"];
        let output = self.command(&[&arguments, more].concat()).output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), told.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    /// Hands in operations that can be; gives the id of their job.
    pub fn hand_in(&self, lines: &str, more: &[&str]) -> String {
        let (code, told) = self.ask(lines, more);
        assert_eq!((code, told.len()), (0, 1), "{told:?}");
        told[0]["backgroundOperationId"].as_str().unwrap().to_owned()
    }

    pub fn show(&self, id: &str, more: &[&str]) -> (i32, Vec<Value>) {
        let arguments = ["jobs", "show", id, "--store", "sqlite:s.db", "--format", "json"];
        let output = self.command(&[&arguments, more].concat()).output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), told.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }
}

#[test]
fn what_is_handed_in_is_done_by_a_worker() {
    let place = Place::deployed(RULES);
    let lines: String = (0..50).map(|number| create(&format!("a{number}"), number)).collect();
    let (code, told) = place.ask(&lines, &["--batch", "20"]);
    let id = told[0]["backgroundOperationId"].as_str().unwrap().to_owned();
    let expected = json!({
        "location": format!("/asyncoperation/{id}"), "backgroundOperationId": id, "backgroundOperationStateCode": 0,
        "backgroundOperationStatusCode": 0, "operations": 50, "transactions": 3,
    });
    assert_eq!((code, &told[0]), (0, &expected));
    assert_eq!(place.number("SELECT count(*) FROM account"), 0);
    let queued = &place.show(&id, &[]).1[0];
    assert_eq!((&queued["type"], &queued["name"], &queued["status"]), (&json!(54), &json!("Create account and more"), &json!(0)));

    assert_eq!(place.work().len(), 1);
    assert_eq!(place.number("SELECT count(*) FROM account WHERE passed = 1"), 50);
    let ended = &place.show(&id, &[]).1[0];
    assert_eq!((&ended["status"], &ended["errorCode"], &ended["message"]), (&json!(30), &Value::Null, &Value::Null));
    assert_eq!(ended["operations"], json!({"all": 50, "committed": 50, "stopped": 0, "faults": 0}));
    let results = place.show(&id, &["--results"]).1;
    assert_eq!(results.len(), 50);
    assert_eq!((&results[49]["line"], &results[49]["outcome"]), (&json!(50), &json!("committed")));
    let named = format!(
        "SELECT count(*) FROM account WHERE name = 'a49' AND lower(hex(accountid)) = replace('{}', '-', '')",
        results[49]["id"].as_str().unwrap()
    );
    assert_eq!(place.number(&named), 1);
}

#[test]
fn people_are_told_in_words() {
    let place = Place::deployed(RULES);
    fs::write(place.dir.path().join("a.csv"), "name,rating\nAcme,5\nNova,500\n").unwrap();
    let csv = ["run", "--ops", "a.csv", "--entity", "account", "--store", "sqlite:s.db", "--background"];
    let told = place.well(&csv);
    let id = told.lines().next().unwrap().strip_prefix("job          ").unwrap();
    assert_eq!(told, format!("job          {id}\nlocation     /asyncoperation/{id}\noperations   2 in 1 transaction\n"));
    let listed = place.well(&["jobs", "--store", "sqlite:s.db"]);
    assert_eq!(listed, format!("{id}  Create account and more  0 of 2 done  waiting for resources\n1 job\n"));
    place.work();
    let shown = place.well(&["jobs", "show", id, "--store", "sqlite:s.db"]);
    for line in ["background   Create account and more", "operations   2 of 2 done, 1 stopped", "error        stopped"] {
        assert!(shown.contains(line), "{line}:\n{shown}");
    }
    let results = place.well(&["jobs", "show", id, "--store", "sqlite:s.db", "--results"]);
    assert!(results.starts_with("2: committed ") && results.ends_with("\n3: stopped by Guard: no rating above 100\n"), "{results}");
}

#[test]
fn an_action_by_itself_keeps_what_it_gave() {
    let place = Place::deployed(RULES);
    let acme = place.account("Acme");
    let line = json!({"message": "Double", "entity": "account", "id": acme, "attributes": {"times": 21}}).to_string();
    let id = place.hand_in(&line, &[]);
    place.work();
    assert_eq!(place.show(&id, &[]).1[0]["name"], "Double");
    assert_eq!(place.show(&id, &["--results"]).1[0]["outputs"], json!({"result": 42}));
}

#[test]
fn a_refused_operation_fails_the_job_and_holds_up_no_other_unless_it_is_to() {
    let place = Place::deployed(RULES);
    let lines = [create("a", 1), create("b", 101), create("c", 2), create("d", 102)].concat();
    let all = place.hand_in(&lines, &["--batch", "3"]);
    place.work();
    let (code, told) = place.show(&all, &["--follow"]);
    let last = told.last().unwrap();
    assert_eq!((code, &last["status"], &last["errorCode"]), (3, &json!(31), &json!("stopped")));
    assert_eq!(last["message"], "line 2: stopped by Guard: no rating above 100 (and 1 more)");
    assert_eq!(place.number("SELECT count(*) FROM account"), 2);

    let first = place.hand_in(&lines, &["--stop-on-error"]);
    place.work();
    let last = place.show(&first, &[]).1.remove(0);
    assert_eq!(last["operations"], json!({"all": 4, "committed": 1, "stopped": 1, "faults": 0}));
    assert_eq!(place.number("SELECT count(*) FROM account"), 3);

    let gone = json!({"message": "Update", "entity": "account", "id": "018bcfe5-6800-7000-8000-000000000001", "attributes": {"rating": 1}});
    let fault = place.hand_in(&gone.to_string(), &[]);
    place.work();
    let (code, told) = place.show(&fault, &["--follow"]);
    assert_eq!((code, &told[0]["errorCode"]), (1, &json!("F06")));
}

#[test]
fn what_cant_be_read_is_told_and_nothing_is_handed_in() {
    let place = Place::deployed(RULES);
    let lines = [create("a", 1), "{\"message\":\"Creat\"}\n".to_owned(), create("b", 1).replace("rating", "ratng")].concat();
    let (code, told) = place.ask(&lines, &["--batch", "1"]);
    assert_eq!(code, 1);
    assert_eq!(
        told.iter().map(|line| (&line["line"], &line["code"])).collect::<Vec<_>>(),
        [(&json!(2), &json!("O0104")), (&json!(3), &json!("O0106"))]
    );
    assert_eq!(place.ask("", &[]).0, 1);
    assert!(place.jobs().is_empty());
    assert_eq!(place.number("SELECT count(*) FROM asyncoperationchunk"), 0);
    let nowhere = place.command(&["run", "rules.flow", "--ops", "ops.jsonl", "--background"]).output().unwrap();
    assert_eq!(nowhere.status.code(), Some(2));
}

#[test]
fn it_runs_as_whoever_asked_with_the_rights_of_when_it_runs() {
    let rules = format!("{RULES}\nrole Reader {{\n  privilege read on account\n}}\n");
    let place = Place::deployed(&rules);
    place.operate("{\"message\":\"Create\",\"entity\":\"systemuser\",\"attributes\":{\"fullname\":\"Rita\"}}\n");
    let id = place.hand_in(&create("a", 1), &["--as", "Rita"]);
    place.work();
    let job = place.show(&id, &[]).1.remove(0);
    assert_eq!((&job["status"], &job["errorCode"]), (&json!(31), &json!("F22")), "{job}");
    let unknown = place.ask(&create("a", 1), &["--as", "Nobody"]);
    assert_eq!(unknown.0, 1);
}

#[test]
fn one_can_be_followed_until_it_has_ended() {
    let place = Place::deployed(RULES);
    let id = place.hand_in(&(0..300).map(|number| create(&format!("a{number}"), number % 100)).collect::<String>(), &["--batch", "2"]);
    let arguments = ["jobs", "show", &id, "--follow", "--store", "sqlite:s.db", "--format", "json"];
    let mut follower = place.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines =
        BufReader::new(follower.stdout.take().unwrap()).lines().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    assert_eq!(lines.next().unwrap()["statusName"], "waitingforresources");
    place.work();
    let told: Vec<Value> = lines.collect();
    assert!(follower.wait().unwrap().success());
    let done: Vec<u64> = told.iter().map(|line| line["operations"]["committed"].as_u64().unwrap()).collect();
    assert!(done.is_sorted() && done.last() == Some(&300), "{done:?}");
    assert_eq!(told.last().unwrap()["statusName"], "succeeded");
    assert!(told.windows(2).all(|pair| pair[0] != pair[1]), "a line for each change");
}

#[test]
fn at_a_terminal_one_line_is_kept_up_to_date() {
    let place = Place::deployed(RULES);
    let id = place.hand_in(&create("a", 1), &[]);
    let arguments = ["jobs", "show", &id, "--follow", "--store", "sqlite:s.db"];
    let mut terminal = rexpect::session::spawn_command(place.command_at_a_terminal(&arguments), Some(60_000)).unwrap();
    terminal.exp_string("0 of 1 done  waiting for resources").unwrap();
    place.work();
    let before = terminal.exp_string("1 of 1 done  succeeded").unwrap();
    assert!(!before.contains('\n'), "{before:?}");
    terminal.exp_eof().unwrap();
}

#[test]
fn what_a_lookup_names_by_a_key_is_found_when_it_is_handed_in() {
    let place = Place::deployed("entity account {\n  name   text(100) required\n  parent lookup account\n  key (name)\n}\n");
    place.hand_in(&create("Acme", 1).replace(",\"rating\":1", ""), &[]);
    place.work();
    let below = |parent: &str| {
        json!({"message": "Create", "entity": "account", "attributes": {"name": "Nova", "parent": {"name": parent}}}).to_string() + "\n"
    };
    let (code, told) = place.ask(&below("Nobody"), &[]);
    assert_eq!((code, &told[0]["code"]), (1, &json!("F17")), "{told:?}");
    place.hand_in(&below("Acme"), &[]);
    place.work();
    assert_eq!(place.number("SELECT count(*) FROM account WHERE name = 'Nova' AND parent IS NOT NULL"), 1);
}

#[test]
fn what_was_handed_in_by_half_is_taken_away_by_a_worker() {
    let place = Place::deployed(RULES);
    let mut command = place.command(&["run", "--ops", "-", "--store", "sqlite:s.db", "--background", "--batch", "10"]);
    let mut half = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut input = half.stdin.take().unwrap();
    let lines: String = (0..6_000).map(|number| create(&format!("{number:->90}"), 1)).collect();
    input.write_all(lines.as_bytes()).unwrap();
    wait_for(|| place.number("SELECT count(*) FROM asyncoperationchunk") > 200, "the first operations");
    half.kill().unwrap();
    half.wait().unwrap();
    let job = place.jobs().remove(0);
    assert_eq!((&job["status"], &job["message"]), (&json!(10), &json!("its operations are being handed in")));
    // Only whoever hands them in lets it go on.
    let resume = ["jobs", "resume", job["id"].as_str().unwrap(), "--store", "sqlite:s.db"];
    assert_eq!(place.command(&resume).output().unwrap().status.code(), Some(1));
    // Whoever hands them in may take some time to go on.
    assert!(place.work().is_empty());
    let store = rusqlite::Connection::open(place.dir.path().join("s.db")).unwrap();
    assert_eq!(store.execute("UPDATE asyncoperation SET dueon = dueon - 3600000000", []).unwrap(), 1);
    let job = place.work().remove(0);
    assert_eq!(
        (&job["status"], &job["message"]),
        (&json!(32), &json!("whoever handed it in was gone before all of it was there, and nothing of it was done: hand it in again"))
    );
    assert_eq!(place.number("SELECT count(*) FROM asyncoperationchunk"), 0);
    assert_eq!(place.number("SELECT count(*) FROM account"), 0);
}
