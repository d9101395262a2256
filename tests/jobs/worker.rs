//! `weir work`: several workers on one store, the word to stop, and code outside that fails.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::place::{Place, told};

const RULES: &str = "
entity account {
  name text(100) required
}

entity note {
  text  text(200)
  about lookup account
}

flow Many on account {
  mode    background
  trigger create

  create note { text = \"1\", about = this }
  create note { text = \"2\", about = this }
  create note { text = \"3\", about = this }
}
";

fn accounts(count: usize) -> String {
    let line = |number| format!("{{\"message\":\"Create\",\"entity\":\"account\",\"attributes\":{{\"name\":\"{number}\"}}}}\n");
    (0..count).map(line).collect()
}

#[test]
fn several_workers_share_a_store_and_do_nothing_twice() {
    let place = Place::deployed(RULES);
    place.operate(&accounts(60));
    let work = || {
        let mut command = place.command(&["work", "--store", "sqlite:s.db", "--once", "--concurrency", "2", "--format", "json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let workers = [work(), work(), work()];
    let mut ran = 0;
    for worker in workers {
        let output = worker.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        ran += String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.contains("\"status\":30")).count();
    }
    assert_eq!(ran, 60);
    assert_eq!(place.number("SELECT count(*) FROM note"), 180);
    assert_eq!(place.number("SELECT count(*) FROM (SELECT about, text FROM note GROUP BY about, text)"), 180);
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE statuscode = 30"), 60);
}

#[test]
fn a_worker_that_is_told_to_stop_leaves_nothing_locked() {
    let place = Place::deployed(RULES);
    place.operate(&accounts(200));
    let mut command = place.command(&["work", "--store", "sqlite:s.db", "--concurrency", "2"]);
    let mut worker = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(worker.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("Many"));
    assert!(Command::new("kill").args(["-TERM", &worker.id().to_string()]).status().unwrap().success());
    lines.for_each(drop);
    assert_eq!(worker.wait().unwrap().code(), Some(0));
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE statecode = 2"), 0);
    assert!(place.number("SELECT count(*) FROM asyncoperation WHERE statuscode = 30") > 0);
    place.work();
    assert_eq!(place.number("SELECT count(*) FROM note"), 600);
}

#[test]
fn a_plugin_whose_code_cant_be_called_is_tried_again_and_then_failed() {
    let place = Place::deployed(&format!("{RULES}\nplugin Tell on account {{ mode background trigger create via command \"none\" }}\n"));
    place.account("Acme");
    // Another worker may be allowed to. The rank of a plug-in is 1, that of a flow 0.
    let jobs = place.work();
    assert_eq!(told(&jobs), [("Many", 30), ("Tell", 10)]);
    assert!(jobs[1]["message"].as_str().unwrap().contains("--allow-command none"), "{jobs:?}");
    assert_eq!(jobs[1]["retries"], 0);
    place.well(&["jobs", "resume", jobs[1]["id"].as_str().unwrap(), "--store", "sqlite:s.db"]);
    let arguments = ["work", "--store", "sqlite:s.db", "--once", "--allow-command", "none"];
    let ran = place.well(&arguments);
    assert!(ran.contains("  Tell  account ") && ran.contains("  waiting until "), "{ran}");
    assert_eq!(place.number("SELECT max(retrycount) FROM asyncoperation"), 1);
}

#[test]
fn a_job_whose_worker_is_gone_again_and_again_is_set_aside() {
    let place = Place::deployed(RULES);
    place.account("Acme");
    place.account("Apex");
    let store = rusqlite::Connection::open(place.dir.path().join("s.db")).unwrap();
    // As a worker leaves it that was killed, long ago and for the fourth time.
    let gone = "UPDATE asyncoperation SET statecode = 2, statuscode = 20, hostid = 'gone', dueon = 1, retrycount = 3
                WHERE asyncoperationid = (SELECT min(asyncoperationid) FROM asyncoperation)";
    assert_eq!(store.execute(gone, []).unwrap(), 1);
    place.work();
    let jobs = place.jobs();
    assert_eq!(told(&jobs), [("Many", 31), ("Many", 30)]);
    assert_eq!(jobs[0]["message"], "F30: its worker was gone in the middle of it, and it was tried again 3 times before");
    assert_eq!(jobs[0]["errorCode"], "F30");
}

#[test]
fn a_damaged_row_holds_up_nobody() {
    let place = Place::deployed(RULES);
    place.account("Acme");
    place.account("Apex");
    let store = rusqlite::Connection::open(place.dir.path().join("s.db")).unwrap();
    let damage =
        "UPDATE asyncoperation SET position = 'no JSON' WHERE asyncoperationid = (SELECT min(asyncoperationid) FROM asyncoperation)";
    assert_eq!(store.execute(damage, []).unwrap(), 1);
    assert_eq!(told(&place.work()), [("Many", 30)]);
    assert_eq!(
        place.number("SELECT count(*) FROM asyncoperation WHERE statuscode = 31 AND errorcode = 'F23' AND message LIKE 'F23: %damaged%'"),
        1
    );
}
