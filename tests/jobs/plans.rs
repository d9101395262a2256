//! How the database looks for jobs: every statement that the store itself sends while jobs are queued, worked, listed and shown is
//! explained by SQLite. None goes through all jobs, and none sorts them, however many there are.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use weir::jobs::{LEASE, NoLibrary, Runner, Verb, turn};
use weir::pipeline::{Background, JobStage, Operation, Pipeline, Settings, Share, WantedJobs};
use weir::project::Project;
use weir::schema::Row;
use weir::store::Sqlite;

const RULES: &str = "
entity account {
  name   text(100) required
  onhold boolean = false
}

flow Wait on account {
  mode    background
  serial  by name
  trigger create

  wait until onhold == true
  log \"on\"
}
";

/// The statements that were sent so far.
type Sent = Arc<Mutex<BTreeSet<String>>>;

fn create(pipeline: &Pipeline, name: &str) -> Operation {
    let entity = pipeline.schema().entity_id("account").unwrap();
    Operation::Create { entity, values: Row::of(pipeline.schema().entity(entity).unwrap(), [("name", name.into())]).unwrap() }
}

/// Lets a share of the jobs run, as a worker does.
fn work(pipeline: &mut Pipeline, share: Share) {
    let mut library = NoLibrary;
    let mut runner = Runner::new(pipeline, &mut library, "a worker", LEASE).sharing(share);
    while runner.run_one(&|_| false).unwrap().is_some() {}
    runner.next_due().unwrap();
}

/// Does all that is done with jobs.
fn everything(pipeline: &mut Pipeline) {
    for name in ["a", "a", "b"] {
        let operation = create(pipeline, name);
        pipeline.execute(operation, None);
    }
    work(pipeline, Share::All);
    let operations = vec![create(pipeline, "c"), create(pipeline, "d")];
    let job = pipeline.run_in_background(operations, Background { chunk: 1, ..Background::default() }).unwrap();
    work(pipeline, Share::Callbacks);
    work(pipeline, Share::NoCallbacks);
    pipeline.callback_of(job.id).unwrap();
    pipeline.job_log(job.id).unwrap();
    pipeline.results(job.id, 0).unwrap();
    let waiting = pipeline.jobs(&WantedJobs { stage: JobStage::GoesOn, name: Some("Wait"), record: None, owner: None }, None, 10).unwrap();
    turn(pipeline, waiting[0].id, Verb::Cancel, None).unwrap();
    for (name, record) in [(Some("Wait"), None), (None, Some(waiting[1].record.1)), (Some("Wait"), Some(waiting[1].record.1))] {
        for stage in [JobStage::Any, JobStage::GoesOn] {
            for after in [None, Some(waiting[0].id)] {
                let found = pipeline.jobs(&WantedJobs { stage, name, record, owner: None }, after, 10).unwrap();
                assert!(!found.is_empty() || after.is_some());
            }
        }
    }
}

#[test]
fn what_the_store_sends_is_found_by_an_index_however_many_jobs_there_are() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    let compiled = Project::from_text("rules.flow", RULES).compile().unwrap();
    // What making the tables sends is sent once.
    drop(compiled.over(Box::new(Sqlite::open(&path).unwrap()), Settings::system()).unwrap());
    let sent = Sent::default();
    let mut store = Sqlite::open(&path).unwrap();
    let told = Arc::clone(&sent);
    let tell = move |text: &str| {
        told.lock().unwrap().insert(text.to_owned());
    };
    store.tell_statements(tell).unwrap();
    everything(&mut compiled.over(Box::new(store), Settings::system()).unwrap());

    let database = Connection::open(&path).unwrap();
    let mut explained = 0;
    for text in sent.lock().unwrap().iter().filter(|text| text.contains("\"asyncoperation\"")) {
        let mut statement = database.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().unwrap() {
            let step: String = row.get(3).unwrap();
            // Whoever lists jobs looks through them some at a time, in the order of their ids.
            let a_page = !text.contains("WHERE") && text.ends_with("ORDER BY \"asyncoperationid\" LIMIT ?");
            assert!((a_page || !step.starts_with("SCAN")) && !step.contains("TEMP B-TREE"), "{step}: {text}");
        }
        explained += 1;
    }
    let claims = |kind: &str| {
        let sent = sent.lock().unwrap();
        let claim = |text: &&String| text.contains("\"dueon\" <= ?") && text.contains(kind) && text.contains("LIMIT");
        sent.iter().filter(claim).count()
    };
    // Those that were meant are among them.
    assert!(explained > 20, "{explained}");
    assert_eq!((claims("\"operationtype\" IS NOT ?"), claims("\"operationtype\" = ?")), (1, 1));
}
