//! Background operations from the library, chunk by chunk: who saves in between, who ends or pauses them, what is tried again, and what a
//! worker that is killed leaves.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::Value as Json;
use tempfile::TempDir;
use weir::jobs::{self, LEASE, NoLibrary, Runner, Verb};
use weir::pipeline::{
    Background, CallError, Ending, Intake, Job, JobStage, Limits, Operation, Outside, Permission, Pipeline, Settings, Unqueued, WantedJobs,
};
use weir::project::{Compiled, Project};
use weir::schema::Row;
use weir::schema::jobs::Status;

use crate::place::Place;

const RULES: &str = "
entity account {
  name   text(100) required
  passed integer = 0
}

flow Count on account {
  trigger create
  stage   post-operation
  set passed += 1
}
";

fn compiled(text: &str) -> Compiled {
    Project::from_text("rules.flow", text).compile().unwrap()
}

fn create(pipeline: &Pipeline, name: &str) -> Operation {
    let entity = pipeline.schema().entity_id("account").unwrap();
    Operation::Create { entity, values: Row::of(pipeline.schema().entity(entity).unwrap(), [("name", name.into())]).unwrap() }
}

fn hand_in(pipeline: &mut Pipeline, count: u32, chunk: u32) -> Job {
    let operations: Vec<Operation> = (0..count).map(|number| create(pipeline, &format!("a{number}"))).collect();
    pipeline.run_in_background(operations, Background { chunk, ..Background::default() }).unwrap()
}

/// A store in a file, for several pipelines at once.
struct Shared {
    compiled: Compiled,
    dir: TempDir,
}

impl Shared {
    fn new() -> Self {
        Shared { compiled: compiled(RULES), dir: tempfile::tempdir().unwrap() }
    }

    fn open(&self) -> Pipeline {
        self.compiled.open(&format!("sqlite:{}", self.dir.path().join("s.db").display()), Settings::system()).unwrap()
    }
}

/// Runs the job that is due, with something done between its chunks.
fn run(pipeline: &mut Pipeline, between: &dyn Fn(&Job) -> bool) -> Job {
    let mut library = NoLibrary;
    Runner::new(pipeline, &mut library, "a worker", LEASE).run_one(between).unwrap().unwrap()
}

#[test]
fn who_saves_between_chunks_isnt_kept_from_it() {
    let shared = Shared::new();
    let (mut worker, mut other) = (shared.open(), shared.open());
    hand_in(&mut worker, 100, 10);
    let others = Mutex::new(&mut other);
    let saved = Cell::new(0);
    let save = |_: &Job| {
        let other = &mut *others.lock().unwrap();
        let operation = create(other, "interactive");
        assert_eq!(other.execute(operation, None).ending, Ending::Committed);
        saved.set(saved.get() + 1);
        false
    };
    let job = run(&mut worker, &save);
    // Between ten chunks there are nine gaps, and more where a chunk takes long.
    assert_eq!(job.status, Status::Succeeded);
    assert!(saved.get() >= 9, "{}", saved.get());
    let accounts = worker.schema().entity_id("account").unwrap();
    assert_eq!(worker.count(accounts).unwrap(), 100 + saved.get());
}

#[test]
fn who_ends_or_pauses_one_is_heard_between_chunks() {
    let shared = Shared::new();
    let (mut worker, mut other) = (shared.open(), shared.open());
    let id = hand_in(&mut worker, 50, 10).id;
    let others = Mutex::new(&mut other);
    let turn = |verb| jobs::turn(&mut others.lock().unwrap(), id, verb, None).unwrap().status;
    let paused = run(&mut worker, &|_| {
        assert_eq!(turn(Verb::Pause), Status::Pausing);
        false
    });
    let committed = paused.batch.unwrap().committed;
    assert!(paused.status == Status::Waiting && (1..=10).contains(&committed), "{:?} {committed}", paused.status);
    assert_eq!(turn(Verb::Resume), Status::WaitingForResources);
    let canceled = run(&mut worker, &|_| {
        assert_eq!(turn(Verb::Cancel), Status::Canceling);
        false
    });
    let batch = canceled.batch.unwrap();
    assert_eq!((canceled.status, batch.operations), (Status::Canceled, 50));
    assert!(batch.committed > committed && batch.committed <= 20, "{}", batch.committed);
    let accounts = worker.schema().entity_id("account").unwrap();
    assert_eq!(worker.count(accounts).unwrap(), batch.committed);
}

/// Code outside that doesn't answer some of its calls.
struct Flaky {
    calls: Arc<Mutex<Vec<String>>>,
    failing: Box<dyn Fn(usize) -> bool + Send>,
}

impl Outside for Flaky {
    fn command(&mut self, _: &[String], _: &str, _: Limits) -> Result<String, CallError> {
        Ok(String::new())
    }

    fn webhook(&mut self, _: &str, request: &str, key: Option<&str>, _: Limits) -> Result<String, CallError> {
        let request: Json = serde_json::from_str(request).unwrap();
        let mut calls = self.calls.lock().unwrap();
        let (name, correlation) = (request["target"]["name"].as_str().unwrap(), request["correlation"].as_str().unwrap());
        calls.push(format!("{name} {correlation} {}", key.unwrap()));
        if (self.failing)(calls.len()) { Err(CallError::Failed("doesn't answer".into())) } else { Ok(String::new()) }
    }
}

/// A pipeline whose creates call something outside, and what was called.
fn flaky(failing: impl Fn(usize) -> bool + Send + 'static) -> (Pipeline, Arc<Mutex<Vec<String>>>) {
    let plugin = "plugin Ask on account { trigger create stage pre-operation reads name via webhook \"https://ask.example.com/\" }";
    let calls = Arc::new(Mutex::new(Vec::new()));
    let outside = Flaky { calls: Arc::clone(&calls), failing: Box::new(failing) };
    let permission = Permission { hosts: vec!["ask.example.com".into()], ..Permission::default() };
    let settings = Settings { permission, outside: Some(Box::new(outside)), ..Settings::fixed() };
    (compiled(&format!("{RULES}{plugin}")).open("sqlite::memory:", settings).unwrap(), calls)
}

fn advance(pipeline: &mut Pipeline, minutes: i64) -> Vec<Job> {
    let moment = pipeline.now().checked_add(SignedDuration::from_mins(minutes)).unwrap();
    jobs::advance(pipeline, moment).unwrap().unwrap()
}

#[test]
fn what_outside_doesnt_answer_is_tried_again_and_what_was_done_before_it_is_not() {
    let (mut pipeline, calls) = flaky(|call| call == 3 || call == 4);
    hand_in(&mut pipeline, 5, 10);
    let waiting = jobs::run_due(&mut pipeline).unwrap().remove(0);
    let (due, batch) = (waiting.due.unwrap().duration_since(pipeline.now()), waiting.batch.unwrap());
    assert_eq!((waiting.status, waiting.retries, batch.committed, due), (Status::Waiting, 1, 2, SignedDuration::from_mins(1)));
    assert!(waiting.message.unwrap().starts_with("F21: "));
    let again = advance(&mut pipeline, 1).remove(0);
    assert_eq!((again.status, again.retries), (Status::Waiting, 2));
    let ended = advance(&mut pipeline, 4).remove(0);
    assert_eq!((ended.status, ended.retries, ended.message), (Status::Succeeded, 0, None));
    let calls = calls.lock().unwrap();
    let names: Vec<&str> = calls.iter().map(|call| call.split(' ').next().unwrap()).collect();
    assert_eq!(names, ["a0", "a1", "a2", "a2", "a2", "a3", "a4"]);
    // Whatever is called knows each operation by one correlation and each call by one key, however often it is tried.
    assert_eq!(calls.iter().collect::<BTreeSet<_>>().len(), 5);
    assert_eq!(calls.iter().map(|call| call.rsplit(' ').next().unwrap()).collect::<BTreeSet<_>>().len(), 5);
}

#[test]
fn each_operation_that_isnt_answered_is_tried_again_for_itself() {
    let (mut pipeline, calls) = flaky(|_| true);
    hand_in(&mut pipeline, 2, 10);
    jobs::run_due(&mut pipeline).unwrap();
    let ended = advance(&mut pipeline, 60).pop().unwrap();
    assert_eq!((ended.status, ended.batch.unwrap().faults, calls.lock().unwrap().len()), (Status::Failed, 2, 8));
}

#[test]
fn what_is_never_answered_is_refused_in_the_end_and_the_others_go_on() {
    // The third operation is tried four times, and those behind it are answered.
    let (mut pipeline, calls) = flaky(|call| (3..=6).contains(&call));
    let id = hand_in(&mut pipeline, 5, 10).id;
    jobs::run_due(&mut pipeline).unwrap();
    let ended = advance(&mut pipeline, 30).pop().unwrap();
    let batch = ended.batch.unwrap();
    assert_eq!((ended.status, batch.committed, batch.faults), (Status::Failed, 4, 1));
    assert_eq!(ended.error_code.as_deref(), Some("F21"));
    assert_eq!(calls.lock().unwrap().len(), 8);
    let results = pipeline.results(id, 0).unwrap();
    assert_eq!(results.iter().map(|result| result.line).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(results[2].code.as_deref(), Some("F21"));
}

#[test]
fn what_is_too_large_or_nothing_is_not_taken_in() {
    let mut pipeline = compiled(RULES).open("sqlite::memory:", Settings::fixed()).unwrap();
    let entity = pipeline.schema().entity_id("account").unwrap();
    let targets: Vec<Row> = (0..20_000)
        .map(|_| {
            Row::of(pipeline.schema().entity(entity).unwrap(), [("name", "a name that takes up some room, and then a little more".into())])
                .unwrap()
        })
        .collect();
    let small: Vec<Operation> = (0..5_000).map(|number| create(&pipeline, &number.to_string())).collect();
    let large = small.into_iter().chain([Operation::CreateMultiple { entity, targets }]);
    let refused = pipeline.run_in_background(large, Background { chunk: 1, ..Background::default() }).unwrap_err();
    assert!(matches!(refused, Unqueued::TooLarge(5_001)), "{refused}");
    assert!(matches!(pipeline.run_in_background([], Background::default()), Err(Unqueued::Nothing)));
    let jobs = pipeline.schema().entity_id("asyncoperation").unwrap();
    assert_eq!(pipeline.count(jobs).unwrap(), 0);
    let chunks = pipeline.schema().entity_id("asyncoperationchunk").unwrap();
    assert_eq!(pipeline.count(chunks).unwrap(), 0);
}

#[test]
fn a_worker_that_is_killed_repeats_nothing_and_leaves_nothing_out() {
    const COUNT: i64 = 1_500;
    let place = Place::deployed(RULES);
    let line = |number| format!("{{\"message\":\"Create\",\"entity\":\"account\",\"attributes\":{{\"name\":\"{number}\"}}}}\n");
    let id = place.hand_in(&(0..COUNT).map(line).collect::<String>(), &["--batch", "3"]);
    let ended = || place.number("SELECT count(*) FROM asyncoperation WHERE statecode = 3") == 1;
    let (mut kills, mut stood) = (0, BTreeSet::new());
    while !ended() {
        let before = place.number("SELECT count(*) FROM account");
        let mut command = place.command(&["work", "--store", "sqlite:s.db", "--lease", "1"]);
        let mut worker = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        // It is killed when it has done some, wherever it stands then.
        while place.number("SELECT count(*) FROM account") < before + 150 && !ended() {
            assert!(began.elapsed() < Duration::from_secs(120), "nothing is done");
        }
        worker.kill().unwrap();
        worker.wait().unwrap();
        kills += 1;
        stood.insert(place.number("SELECT count(*) FROM account"));
    }
    let count = |what: &str| place.number(&format!("SELECT count(*) FROM {what}"));
    assert_eq!((count("account"), count("(SELECT DISTINCT name FROM account WHERE passed = 1)")), (COUNT, COUNT));
    let (code, results) = place.show(&id, &["--results"]);
    assert_eq!((code, results.len()), (0, usize::try_from(COUNT).unwrap()));
    assert_eq!(place.show(&id, &[]).1[0]["operations"]["committed"], COUNT);
    println!("{kills} workers were killed, at {stood:?} of {COUNT} operations; each was done once");
    assert!(kills > 3, "only {kills} workers were killed");
}

#[test]
fn who_goes_on_to_hand_in_what_was_ended_is_told() {
    let shared = Shared::new();
    let mut pipeline = shared.open();
    let operation = create(&pipeline, &"x".repeat(100));
    let mut intake = Intake::new(&mut pipeline, Background { chunk: 1, ..Background::default() }).unwrap();
    let mut lines = 1..;
    let mut add = |intake: &mut Intake<'_>| intake.add(lines.next().unwrap(), &operation, None);
    let all = WantedJobs { stage: JobStage::Any, name: None, record: None, owner: None };
    let job = loop {
        add(&mut intake).unwrap();
        if let Some(job) = intake.pipeline().jobs(&all, None, 1).unwrap().pop() {
            break job;
        }
    };
    jobs::turn(intake.pipeline(), job.id, Verb::Cancel, None).unwrap();
    let told = std::iter::from_fn(|| Some(add(&mut intake))).find_map(Result::err).unwrap();
    assert!(matches!(told, Unqueued::Ended(id) if id == job.id), "{told}");
    intake.abandon().unwrap();
    assert!(pipeline.job(job.id).unwrap().is_none());
}
