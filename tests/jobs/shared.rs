//! One store with several who have it open: a process that opened it before a deploy, a prompt with a clock of its own, an operator who
//! wants something of a plug-in while it runs, a worker that has lost a job in the middle of one, and one that panics.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::AtomicBool;

use jiff::SignedDuration;
use serde_json::Value as Json;
use weir::pipeline::{CallError, Ending, Limits, Operation, Outside, Permission, Settings};
use weir::project::{Compiled, Work};
use weir::schema::Row;
use weir::value::{Reference, Uuid, Value};

use crate::place::{Place, Worker, told, wait_for};

const SCHEMA: &str = "
entity account {
  name   text(100) required
  onhold boolean = false
}
";

const WAITS: &str = "
flow Waits on account {
  mode    background
  trigger create

  wait { until onhold == true {} after 1 hour { stop \"too late\" } }
}
";

/// A plug-in that says that it has begun, and goes on once it may.
const SLOW: &str = "
plugin Slow on account { mode background trigger create effects unknown via command \"sh slow.sh\" }
";

const SLOW_CODE: &str = "echo run >> ran; while [ ! -e go ]; do sleep 0.02; done; echo '{\"set\":{\"onhold\":true}}'\n";

/// A worker in the middle of the plug-in of a new account; gives its job.
fn in_the_middle(place: &Place) -> (Worker, Json) {
    std::fs::write(place.dir.path().join("slow.sh"), SLOW_CODE).unwrap();
    place.account("Acme");
    let worker = Worker::start(place.command(&["work", "--store", "sqlite:s.db", "--allow-command", "sh"]));
    wait_for(|| place.dir.path().join("ran").exists(), "the plug-in");
    (worker, place.jobs().remove(0))
}

fn go_on(place: &Place) {
    std::fs::write(place.dir.path().join("go"), "").unwrap();
}

fn runs(place: &Path) -> usize {
    std::fs::read_to_string(place.join("ran")).unwrap().lines().count()
}

#[test]
fn who_opened_the_store_before_a_deploy_wakes_what_was_deployed_since() {
    let place = Place::deployed(SCHEMA);
    let url = format!("sqlite:{}", place.dir.path().join("s.db").display());
    let mut earlier = Compiled::from_store(&url).unwrap().open(&url, Settings::system()).unwrap();
    place.deploy(&format!("{SCHEMA}{WAITS}"));
    let account = place.account("Acme");
    assert_eq!(told(&place.work()), [("Waits", 10)]);
    let entity = earlier.schema().entity_id("account").unwrap();
    let values = Row::of(earlier.schema().entity(entity).unwrap(), [("onhold", Value::Boolean(true))]).unwrap();
    let record = Reference { entity, id: Uuid::try_parse(&account).unwrap() };
    assert_eq!(earlier.execute(Operation::Update { record, values }, None).ending, Ending::Committed);
    assert_eq!(told(&place.work()), [("Waits", 30)]);
}

#[test]
fn a_prompt_leaves_jobs_of_other_activations_to_workers() {
    let place = Place::deployed(&format!("{SCHEMA}{WAITS}"));
    let account = place.account("Acme");
    assert_eq!(told(&place.work()), [("Waits", 10)]);
    let waiting = place.jobs().remove(0);
    let mut prompt = place.command(&["repl", "rules.flow", "--store", "sqlite:s.db"]);
    let mut prompt = prompt.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    prompt.stdin.take().unwrap().write_all(b":advance 2 hours\n").unwrap();
    prompt.wait().unwrap();
    assert_eq!(place.jobs().remove(0), waiting);
    place.change(&account, "{\"onhold\":true}");
    assert_eq!(told(&place.work()), [("Waits", 30)]);
}

#[test]
fn what_a_plugin_came_to_counts_whatever_somebody_wants_of_its_job_meanwhile() {
    for wanted in ["pause", "cancel"] {
        let place = Place::deployed(&format!("{SCHEMA}{SLOW}"));
        let (worker, job) = in_the_middle(&place);
        place.well(&["jobs", wanted, job["id"].as_str().unwrap(), "--store", "sqlite:s.db"]);
        go_on(&place);
        wait_for(|| place.number("SELECT count(*) FROM asyncoperation WHERE statecode <> 2") == 1, "the job");
        worker.stop();
        let jobs = place.jobs();
        assert_eq!((told(&jobs), runs(place.dir.path())), (vec![("Slow", 30)], 1), "{wanted}: {jobs:?}");
        assert_eq!(place.number("SELECT count(*) FROM account WHERE onhold = 1"), 1);
    }
}

#[test]
fn a_worker_that_has_lost_a_job_writes_nothing_more_of_its_plugin() {
    let place = Place::deployed(&format!("{SCHEMA}{SLOW}"));
    let (worker, _) = in_the_middle(&place);
    let store = rusqlite::Connection::open(place.dir.path().join("s.db")).unwrap();
    store.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
    assert_eq!(store.execute("UPDATE asyncoperation SET hostid = 'another'", []).unwrap(), 1);
    go_on(&place);
    worker.stop();
    assert_eq!(place.number("SELECT count(*) FROM account WHERE onhold = 1"), 0);
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE hostid = 'another' AND statuscode = 20"), 1);
}

/// Code outside with a mistake in it.
struct Panics;

impl Outside for Panics {
    fn command(&mut self, _: &[String], _: &str, _: Limits) -> Result<String, CallError> {
        panic!("a mistake")
    }

    fn webhook(&mut self, _: &str, _: &str, _: Option<&str>, _: Limits) -> Result<String, CallError> {
        panic!("a mistake")
    }
}

#[test]
fn a_job_that_makes_its_worker_panic_is_set_aside_and_holds_up_nobody() {
    let bad = "plugin Bad on account { mode background trigger create via command \"bad\" }";
    let good = "flow Good on account { mode background trigger create  log \"good\" }";
    let place = Place::deployed(&format!("{SCHEMA}{bad}\n{good}\n"));
    place.account("Acme");
    let settings = |compiled: &Compiled| {
        let permission = Permission { commands: vec!["bad".into()], ..Permission::default() };
        Settings { permission, outside: Some(Box::new(Panics)), ..compiled.config.apply(Settings::system()) }
    };
    let work = Work {
        url: &format!("sqlite:{}", place.dir.path().join("s.db").display()),
        concurrency: 1,
        lease: SignedDuration::from_secs(1),
        once: true,
        settings: &settings,
        stop: &AtomicBool::new(false),
        told: &|_| {},
    };
    wait_for(
        || {
            work.run().unwrap();
            place.number("SELECT count(*) FROM asyncoperation WHERE statecode <> 3") == 0
        },
        "all jobs",
    );
    let jobs = place.jobs();
    let of = |name: &str| jobs.iter().find(|job| job["name"] == name).unwrap();
    assert_eq!((&of("Good")["status"], &of("Bad")["status"], &of("Bad")["errorCode"]), (&30.into(), &31.into(), &"F30".into()));
}
