//! Several writers of one file: threads with a pipeline each, and processes. What they do comes to what it would one after the other.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use weir::diagnostic::Code;
use weir::pipeline::{Ending, Operation, Pipeline, Settings};
use weir::project::Compiled;
use weir::schema::Row;
use weir::store::Sqlite;
use weir::value::{Reference, Value};

use crate::Random;
use crate::world::{Values, World, compiled, everything, id, rules, store_failed};

/// A counter that counts how often it is touched, by what it reads, and leaves a mark each time.
const COUNTER: &str = r#"
    entity counter { name text(100) n integer = 0 touched integer }
    entity mark { counter lookup counter n integer }
    flow Count on counter { trigger update(touched) at pre-operation set n = (n ?? 0) + 1 }
    flow Mark on counter {
      trigger update(touched)
      rank 1
      create mark { counter = this, n = n }
      if touched == 13 { stop "Not this time." }
    }
"#;

/// Long enough for any wait in here.
const PATIENT: Duration = Duration::from_secs(120);

/// A pipeline on a file; the ids that it gives are its own.
fn open(rules: &Compiled, path: &Path, number: u64, patience: Duration) -> Pipeline {
    let mut store = Sqlite::open(path).unwrap();
    store.set_patience(patience).unwrap();
    let (mut settings, ids) = (Settings::fixed(), AtomicU64::new(number * 1_000_000));
    settings.ids = Box::new(move || id(ids.fetch_add(1, Ordering::Relaxed).into()));
    rules.over(Box::new(store), settings).unwrap()
}

fn row(pipeline: &Pipeline, entity: &str, values: Values) -> Row {
    Row::of(&pipeline.schema().entities[entity], values.iter().cloned()).unwrap()
}

fn record(pipeline: &Pipeline, entity: &str, number: u128) -> Reference {
    Reference { entity: pipeline.schema().entity_id(entity).unwrap(), id: id(number) }
}

fn touch(pipeline: &mut Pipeline, counter: u128, touched: i32) -> Ending {
    let (record, values) = (record(pipeline, "counter", counter), row(pipeline, "counter", &[("touched", touched.into())]));
    pipeline.execute(Operation::Update { record, values }, None).ending
}

/// A file with the counters 1 and 2.
fn counters(rules: &Compiled, path: &Path) -> Pipeline {
    let mut pipeline = open(rules, path, 9, PATIENT);
    for number in [1, 2] {
        let mut values = row(&pipeline, "counter", &[("name", "a".into())]);
        values.set(weir::schema::PRIMARY_KEY, Value::Uuid(id(number)));
        let entity = pipeline.schema().entity_id("counter").unwrap();
        assert_eq!(pipeline.execute(Operation::Create { entity, values }, None).ending, Ending::Committed);
    }
    pipeline
}

/// The integers of a field, sorted, of the records whose lookup is one of a record; of all where there is none.
fn numbers(pipeline: &mut Pipeline, entity: &str, field: &str, of: Option<(&str, Reference)>) -> Vec<i64> {
    let values = row(pipeline, entity, &of.map(|(lookup, record)| (lookup, record.into())).into_iter().collect::<Vec<_>>());
    let (id_of, slot) = (pipeline.schema().entity_id(entity).unwrap(), pipeline.schema().entities[entity].slot(field).unwrap());
    let found = pipeline.find(id_of, &values, u32::MAX).unwrap();
    let mut numbers: Vec<i64> = found
        .into_iter()
        .map(|id| match pipeline.read(Reference { entity: id_of, id }, &[slot].into_iter().collect()).unwrap().unwrap().get(slot) {
            Some(Value::Integer(number)) => *number,
            _ => 0,
        })
        .collect();
    numbers.sort_unstable();
    numbers
}

fn number(pipeline: &mut Pipeline, record: Reference, field: &str) -> i64 {
    let slot = pipeline.schema().entity(record.entity).unwrap().slot(field).unwrap();
    match pipeline.read(record, &[slot].into_iter().collect()).unwrap().unwrap().get(slot) {
        Some(Value::Integer(number)) => *number,
        other => panic!("{other:?}"),
    }
}

#[test]
fn threads_that_count_lose_no_update() {
    const THREADS: u64 = 3;
    const ROUNDS: u64 = 30;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    let rules = compiled(COUNTER);
    let mut pipeline = counters(&rules, &path);
    let (barrier, commits) = (Barrier::new(THREADS as usize), [AtomicU64::new(0), AtomicU64::new(0)]);
    std::thread::scope(|scope| {
        for thread in 1..=THREADS {
            let (rules, path, barrier, commits) = (&rules, &path, &barrier, &commits);
            scope.spawn(move || {
                let mut pipeline = open(rules, path, thread, PATIENT);
                let mut random = Random(thread);
                barrier.wait();
                for _ in 0..ROUNDS {
                    // One alone, or both in one transaction, in either order; some are stopped, and some are taken back.
                    let touched = if random.one_in(8) { 13 } else { 1 };
                    if random.one_in(2) {
                        let counter = random.below(2);
                        let ending = touch(&mut pipeline, u128::from(counter) + 1, touched);
                        assert_eq!(ending == Ending::Committed, touched == 1);
                        commits[counter as usize].fetch_add(u64::from(touched == 1), Ordering::Relaxed);
                        continue;
                    }
                    let first = random.below(2);
                    pipeline.begin().unwrap();
                    let one = touch(&mut pipeline, u128::from(first) + 1, 1) == Ending::Committed;
                    let other = touch(&mut pipeline, u128::from(1 - first) + 1, touched) == Ending::Committed;
                    if random.one_in(5) {
                        pipeline.rollback().unwrap();
                        continue;
                    }
                    pipeline.commit().unwrap();
                    commits[first as usize].fetch_add(u64::from(one), Ordering::Relaxed);
                    commits[1 - first as usize].fetch_add(u64::from(other), Ordering::Relaxed);
                }
            });
        }
    });
    let mut total = 0;
    for counter in [1_u128, 2] {
        let record = record(&pipeline, "counter", counter);
        let (n, committed) = (number(&mut pipeline, record, "n"), commits[counter as usize - 1].load(Ordering::Relaxed));
        assert_eq!(n, committed as i64, "counter {counter}");
        // Each commit saw what the one before it left: the marks are 1, 2, 3 … with none twice.
        assert_eq!(numbers(&mut pipeline, "mark", "n", Some(("counter", record))), (1..=n).collect::<Vec<_>>());
        total += n;
    }
    println!("{THREADS} threads touched two counters {total} times");
    assert!(total > 60, "{total}");
}

#[test]
fn threads_that_nest_operations_on_the_same_records_leave_sums_that_add_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    let mut world = World::filled(World::over(rules(), Sqlite::open(&path).unwrap()));
    let barrier = Barrier::new(2);
    let committed = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 1..=2_u64 {
            let (path, barrier, committed) = (&path, &barrier, &committed);
            scope.spawn(move || {
                let mut pipeline = open(rules(), path, thread, PATIENT);
                let mut random = Random(thread);
                barrier.wait();
                for _ in 0..25 {
                    let account = record(&pipeline, "account", *random.pick(&[2, 3]));
                    let operation = match random.below(4) {
                        0 => {
                            let credit = random.below(80) as i32 + 100;
                            Operation::Update { record: account, values: row(&pipeline, "account", &[("credit", credit.into())]) }
                        }
                        1 => {
                            let entity = pipeline.schema().entity_id("contact").unwrap();
                            match pipeline.find(entity, &row(&pipeline, "contact", &[("account", account.into())]), 1).unwrap().first() {
                                Some(id) => Operation::Delete { record: Reference { entity, id: *id } },
                                None => continue,
                            }
                        }
                        _ => {
                            let values = [("name", "New".into()), ("amount", (random.below(5) as i32).into()), ("account", account.into())];
                            let entity = pipeline.schema().entity_id("contact").unwrap();
                            Operation::Create { entity, values: row(&pipeline, "contact", &values) }
                        }
                    };
                    let outcome = pipeline.execute(operation, None);
                    assert!(!store_failed(&outcome), "{:?}", outcome.ending);
                    committed.fetch_add(u64::from(outcome.ending == Ending::Committed), Ordering::Relaxed);
                }
            });
        }
    });
    adds_up(&mut world.pipeline);
    println!("two threads committed {} operations on the same accounts", committed.load(Ordering::Relaxed));
}

/// Every account counts its contacts and knows the sum of their amounts.
pub fn adds_up(pipeline: &mut Pipeline) {
    let entity = pipeline.schema().entity_id("account").unwrap();
    for id in pipeline.find(entity, &Row::default(), u32::MAX).unwrap() {
        let account = Reference { entity, id };
        let amounts = numbers(pipeline, "contact", "amount", Some(("account", account)));
        assert_eq!(number(pipeline, account, "contacts"), amounts.len() as i64, "{account:?}");
        assert_eq!(number(pipeline, account, "used"), amounts.iter().sum::<i64>(), "{account:?}");
    }
}

#[test]
fn a_busy_database_is_waited_for_and_then_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    let rules = compiled(COUNTER);
    let mut one = counters(&rules, &path);
    let (mut hasty, mut patient) = (open(&rules, &path, 1, Duration::from_millis(20)), open(&rules, &path, 2, PATIENT));
    one.begin().unwrap();
    assert_eq!(touch(&mut one, 1, 1), Ending::Committed);
    let Ending::Fault(fault) = touch(&mut hasty, 1, 1) else { panic!("it was not busy") };
    assert_eq!((fault.code, fault.message.as_str()), (Code::F11, "another program is writing to the database"));
    assert!(hasty.begin().is_err());
    // What waits goes on when the other one is done, whether it has begun to wait by then or not.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| touch(&mut patient, 1, 1));
        assert_eq!(touch(&mut one, 1, 1), Ending::Committed);
        one.commit().unwrap();
        assert_eq!(waiting.join().unwrap(), Ending::Committed);
    });
    assert_eq!(touch(&mut hasty, 1, 1), Ending::Committed);
    let counter = record(&one, "counter", 1);
    assert_eq!(number(&mut one, counter, "n"), 4);
    assert_eq!(everything(&mut one), everything(&mut hasty));
}

#[test]
fn processes_that_count_lose_no_update() {
    let folder = tempfile::tempdir().unwrap();
    let (path, text, operations) = (folder.path().join("data.db"), folder.path().join("rules.flow"), folder.path().join("ops.jsonl"));
    std::fs::write(&text, COUNTER).unwrap();
    let mut pipeline = counters(&compiled(COUNTER), &path);
    let line = |counter| {
        format!("{{\"message\": \"Update\", \"entity\": \"counter\", \"id\": \"{}\", \"attributes\": {{\"touched\": 1}}}}\n", id(counter))
    };
    std::fs::write(&operations, (0..80).map(|number| line(1 + number % 2)).collect::<String>()).unwrap();
    let start = |batch: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        command.arg("run").arg(&text).arg("--ops").arg(&operations).arg("--store").arg(format!("sqlite:{}", path.display()));
        command.args(["--batch", batch, "--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut committed = 0;
    for process in [start("1"), start("7")] {
        let output = process.wait_with_output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let kept = told.lines().filter(|line| line.contains("\"outcome\":\"committed\"")).count();
        // Unless the machine is so slow that one waited in vain, which is then told.
        assert!(kept == 80 || told.contains("F11") || !output.stderr.is_empty(), "{told}");
        committed += kept as i64;
    }
    let counters = [1, 2].map(|counter| record(&pipeline, "counter", counter));
    let all: i64 = counters.iter().map(|counter| number(&mut pipeline, *counter, "n")).sum();
    assert_eq!(all, committed);
    for counter in counters {
        let n = number(&mut pipeline, counter, "n");
        assert_eq!(numbers(&mut pipeline, "mark", "n", Some(("counter", counter))), (1..=n).collect::<Vec<_>>());
    }
    println!("two processes touched two counters {all} times");
    assert!(all > 0);
}
