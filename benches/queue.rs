//! The queue of system jobs beside a bare loop that inserts a row and deletes it, each in a transaction of its own, on the same file:
//! `cargo bench --bench queue`. A save queues a job in its transaction, and a worker runs it; one with a wait comes to
//! rest, until another save brings about what it waits for.

#![expect(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a bench ends at the first failure, and prints")]

mod support;

use std::cell::RefCell;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use jiff::SignedDuration;
use rusqlite::Connection;
use support::{clocked, compare, target, timed};
use weir::pipeline::{Ending, Operation, Pipeline, Settings};
use weir::project::{Compiled, Project, Work};
use weir::schema::Row;
use weir::value::Reference;

const JOBS: usize = 300;
const ROUNDS: usize = 5;

const RULES: &str = r#"
entity plain {
  name text(20) required
}

entity patient {
  name  text(20) required
  ready boolean = false
}

flow Plain on plain {
  mode    background
  trigger create
  log "done"
}

flow Patient on patient {
  mode    background
  trigger create
  wait until ready == true
  log "done"
}
"#;

fn main() {
    let folder = tempfile::tempdir().expect("a folder for the database");
    let path = folder.path().join("queue.db");
    let url = format!("sqlite:{}", path.display());
    let project = Project::from_text("rules.flow", RULES);
    let compiled = project.compile().unwrap_or_else(|errors| panic!("{errors}"));
    compiled.deploy(&url, Settings::system(), None).expect("the project is deployed");
    let compiled = Compiled::from_store(&url).expect("the project");
    let bare = bare(&path);
    let pipeline = RefCell::new(compiled.open(&url, Settings::system()).expect("the store"));
    let records = RefCell::new(Vec::new());
    let save = |entity: &'static str| {
        let saved = (0..JOBS).map(|_| create(&mut pipeline.borrow_mut(), entity)).collect();
        records.replace(saved);
    };
    let ready = || {
        let records = records.take();
        let start = Instant::now();
        records.into_iter().for_each(|record| update(&mut pipeline.borrow_mut(), record));
        start.elapsed()
    };
    let competitors = vec![
        timed("a row inserted, and deleted", || insert_and_delete(&bare)),
        timed("a save that queues a job", || save("plain")),
        timed("  the job", || work(&url)),
        timed("a save that queues a job with a wait", || save("patient")),
        timed("  the job, up to its wait", || work(&url)),
        clocked("  the save that it waits for", ready),
        timed("  the job, from its wait on", || work(&url)),
    ];
    let times = compare("one", JOBS, ROUNDS, competitors);
    if let [bare, save, job, patient_save, before, wakes, after] = times[..] {
        println!("\none after the other: how many a second, and how long one takes beside a row of the bare loop");
        let with_wait = patient_save + before + wakes + after;
        for (name, one) in [("bare loop", bare), ("save and job", save + job), ("with a wait", with_wait), ("the job alone", job)] {
            println!("  {name:16} {:8.0} {:6.2}", 1e9 / one, one / bare);
        }
        // Three commits against two: that somebody takes it up is what a job has beyond a row of the loop.
        target("a save and its job beside a row inserted and deleted", (save + job) / bare, 3.0, true);
    }
    let ended = "SELECT count(*) FROM asyncoperation WHERE statuscode = 30";
    let ended: i64 = bare.query_row(ended, [], |row| row.get(0)).expect("the count");
    assert_eq!(usize::try_from(ended), Ok(2 * JOBS * (ROUNDS + 1)), "every job has ended");
}

fn bare(path: &Path) -> Connection {
    let bare = Connection::open(path).expect("the file");
    bare.execute_batch("PRAGMA synchronous = FULL; CREATE TABLE bare (id INTEGER PRIMARY KEY, name TEXT, due INTEGER)").expect("a table");
    bare
}

fn insert_and_delete(bare: &Connection) {
    let mut insert = bare.prepare_cached("INSERT INTO bare VALUES (?1, 'job', 1)").expect("a statement");
    let mut delete = bare.prepare_cached("DELETE FROM bare WHERE id = ?1").expect("a statement");
    for id in (0_i64..).take(JOBS) {
        insert.execute([id]).expect("a row");
        delete.execute([id]).expect("no row");
    }
}

fn create(pipeline: &mut Pipeline, entity: &str) -> Reference {
    let entity = pipeline.schema().entity_id(entity).expect("the entity");
    let values = Row::of(pipeline.schema().entity(entity).expect("the entity"), [("name", "a".into())]).expect("its fields");
    let outcome = pipeline.execute(Operation::Create { entity, values }, None);
    assert_eq!(outcome.ending, Ending::Committed);
    outcome.record.expect("a record")
}

fn update(pipeline: &mut Pipeline, record: Reference) {
    let values = Row::of(pipeline.schema().entity(record.entity).expect("the entity"), [("ready", true.into())]).expect("its fields");
    let outcome = pipeline.execute(Operation::Update { record, values }, None);
    assert_eq!(outcome.ending, Ending::Committed);
}

/// One worker, until nothing is due.
fn work(url: &str) {
    let work = Work {
        url,
        concurrency: 1,
        lease: SignedDuration::from_secs(15),
        once: true,
        settings: &|compiled| compiled.config.apply(Settings::system()),
        stop: &AtomicBool::new(false),
        told: &|_| {},
    };
    work.run().expect("the jobs run");
}
