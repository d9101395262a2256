//! Somebody saves while a background operation updates 10,000 records of the same file: `cargo bench --bench bulk`. The saves' 99th
//! percentile beside that of the same saves while nothing else happens, round by round.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench ends at the first failure, and prints its figures")]

#[expect(dead_code, reason = "competitors don't run in turn here, but one beside the other")]
mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use support::target;
use weir::pipeline::{Background, DEFAULT_CHUNK, Ending, Operation, Pipeline, Settings};
use weir::project::{Compiled, Project, Work};
use weir::schema::Row;
use weir::value::{EntityId, Reference, Value};

const RECORDS: i32 = 10_000;
const ROUNDS: usize = 3;

/// How long whoever saves thinks before the next save.
const THINKS: Duration = Duration::from_millis(2);

const RULES: &str = r#"
entity account {
  name     text(100) required
  revenue  money(2)
  region   text(20)
  rating   text(1)
}

flow Rate on account {
  trigger create, update(revenue)
  stage   pre-operation
  if revenue > 1_000_000 { set rating = "A" } else { set rating = "B" }
}
"#;

fn main() {
    let folder = tempfile::tempdir().expect("a folder for the database");
    let url = format!("sqlite:{}", folder.path().join("bulk.db").display());
    let compiled = Project::from_text("bulk.flow", RULES).compile().expect("sound rules");
    compiled.deploy(&url, Settings::system(), None).expect("deployed");
    let mut saver = Saver::new(&url);
    let records = saver.create();
    let (mut idle, mut busy, mut took) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let alone = saver.alone();
        let (beside, length) = saver.beside(&url, &records);
        if round > 0 {
            idle.extend(alone);
            busy.extend(beside);
            took.push(length.as_secs_f64());
        }
    }
    println!(
        "\nsaves while nothing else happens, and while {RECORDS} records are updated in transactions of {DEFAULT_CHUNK} ({ROUNDS} rounds)"
    );
    for (name, times) in [("alone", &mut idle), ("beside the background operation", &mut busy)] {
        times.sort_by(f64::total_cmp);
        let [half, most] = [0.5, 0.99].map(|part| percentile(times, part) * 1e3);
        println!("  {name:<44} {:>8} saves   median {half:>7.2} ms   99 in 100 {most:>7.2} ms", times.len());
    }
    let rate = f64::from(RECORDS) * ROUNDS as f64 / took.iter().sum::<f64>();
    println!("  the background operation: {rate:.0} records a second");
    target("the saves' 99th percentile, to that alone", percentile(&busy, 0.99) / percentile(&idle, 0.99), 5.0, true);
}

fn percentile(sorted: &[f64], part: f64) -> f64 {
    let at = (sorted.len() as f64 * part) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// Somebody who saves.
struct Saver {
    pipeline: Pipeline,
    account: EntityId,
    saved: i32,
}

impl Saver {
    fn new(url: &str) -> Self {
        let pipeline = Compiled::from_store(url).expect("what is deployed").open(url, Settings::system()).expect("the store");
        let account = pipeline.schema().entity_id("account").expect("its entity");
        Saver { pipeline, account, saved: 0 }
    }

    fn row(&self, values: &[(&str, Value)]) -> Row {
        Row::of(self.pipeline.schema().entity(self.account).expect("its entity"), values.iter().cloned()).expect("its fields")
    }

    /// The records that are there.
    fn create(&mut self) -> Vec<Reference> {
        self.pipeline.begin().expect("a transaction");
        let records = (0..RECORDS).map(|number| {
            let values = self.row(&[("name", number.to_string().as_str().into())]);
            self.pipeline.execute(Operation::Create { entity: self.account, values }, None).record.expect("a record")
        });
        let records = records.collect();
        self.pipeline.commit().expect("kept");
        records
    }

    /// Thinks and saves; gives the seconds that the save took. No save may fail.
    fn save(&mut self) -> f64 {
        thread::sleep(THINKS);
        self.saved += 1;
        let values = self.row(&[("name", format!("saved {}", self.saved).as_str().into()), ("region", "north".into())]);
        let began = Instant::now();
        let outcome = self.pipeline.execute(Operation::Create { entity: self.account, values }, None);
        assert_eq!(outcome.ending, Ending::Committed);
        began.elapsed().as_secs_f64()
    }

    fn alone(&mut self) -> Vec<f64> {
        (0..1_000).map(|_| self.save()).collect()
    }

    /// Saves for as long as a worker updates all records; gives the times, and how long that took.
    fn beside(&mut self, url: &str, records: &[Reference]) -> (Vec<f64>, Duration) {
        let revenue = |number: usize| Value::Decimal((number as i64).into());
        let operations: Vec<Operation> = (records.iter().enumerate())
            .map(|(number, record)| Operation::Update { record: *record, values: self.row(&[("revenue", revenue(number))]) })
            .collect();
        let job = self.pipeline.run_in_background(operations, Background::default()).expect("handed in");
        let done = AtomicBool::new(false);
        let began = Instant::now();
        let times = thread::scope(|scope| {
            scope.spawn(|| {
                work(url);
                done.store(true, Ordering::Relaxed);
            });
            std::iter::from_fn(|| (!done.load(Ordering::Relaxed)).then(|| self.save())).collect()
        });
        let job = self.pipeline.job(job.id).expect("read").expect("its job");
        assert_eq!(job.batch.map(|batch| batch.committed), u64::try_from(RECORDS).ok());
        (times, began.elapsed())
    }
}

/// A worker that ends when nothing is due.
fn work(url: &str) {
    let (settings, stop) = (|compiled: &Compiled| compiled.config.apply(Settings::system()), AtomicBool::new(false));
    let lease = SignedDuration::from_secs(15);
    let work = Work { url, concurrency: 1, lease, once: true, settings: &settings, stop: &stop, told: &|_| {} };
    work.run().expect("worked");
}
