//! Workers are killed (`kill -9`) at random moments over jobs with waits, loops and children; others take up what they left. In the end every job has
//! ended once, and no step was left out or done twice. Each save queues two jobs; a longer run:
//! `WEIR_KILLS=100 WEIR_SAVES=2000 tests/with-postgres cargo test --test jobs every_job_ends_once -- --nocapture`.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use crate::place::Place;
use crate::stores;

const RULES: &str = "
entity account {
  name   text(100) required
  onhold boolean = false
  passed integer = 0
}

entity note {
  text  text(200) required
  about lookup account required
}

flow Work on account {
  mode    background
  trigger create

  create note { text = \"one\", about = this }
  start Child on this
  for each note n where about == this and text == \"one\" {
    create note { text = \"loop\", about = this }
    set passed += 1
  }
  wait { until onhold == true {} after 30 days { stop \"too late\" } }
  create note { text = \"two\", about = this }
  set passed += 1
}

flow Child on account {
  mode    background
  trigger child

  create note { text = \"child\", about = this }
  wait until createdon
  create note { text = \"after\", about = this }
}
";

/// A small generator, the same for a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn wanted(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A worker, and what it tells.
struct Worker {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Worker {
    fn start(place: &Place) -> Self {
        let mut command = place.command(&["work", "--store", &place.store, "--lease", "1", "--concurrency", "2"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Worker { child, lines }
    }

    /// Lets it tell of so many jobs, and kills it; says whether it was at work.
    fn kill_after(mut self, jobs: u64, random: &mut Random) -> bool {
        let heard = (0..jobs).take_while(|_| self.lines.next().is_some_and(|line| line.is_ok())).count();
        (0..random.below(200_000)).for_each(|_| std::hint::spin_loop());
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        heard > 0
    }
}

#[test]
fn every_job_ends_once_and_no_step_is_left_out_or_done_twice() {
    each_ends_once("sqlite:s.db");
}

#[test]
fn every_job_ends_once_on_postgresql() {
    if let Some(store) = stores::postgres() {
        each_ends_once(&store);
    }
}

fn each_ends_once(store: &str) {
    let (kills, seed, saves) = (wanted("WEIR_KILLS", 16), wanted("WEIR_SEED", 20_261), wanted("WEIR_SAVES", 200));
    let mut random = Random(seed);
    let place = Place::deployed_in(store, RULES);
    let create = |number| {
        let id = format!("018bcfe5-6800-7000-8000-{number:012}");
        format!("{{\"message\":\"Create\",\"entity\":\"account\",\"attributes\":{{\"accountid\":\"{id}\",\"name\":\"{number}\"}}}}\n")
    };
    place.operate(&(0..saves).map(create).collect::<String>());
    let hold = |number| {
        format!(
            "{{\"message\":\"Update\",\"entity\":\"account\",\"id\":\"018bcfe5-6800-7000-8000-{number:012}\",\"attributes\":{{\"onhold\":true}}}}\n"
        )
    };
    let each = saves.div_ceil(kills);
    let mut at_work = 0;
    for kill in 0..kills {
        // What they wait for comes about a few at a time, while others are at work.
        let worker = Worker::start(&place);
        let some = (kill * each).min(saves)..((kill + 1) * each).min(saves);
        place.operate(&some.map(hold).collect::<String>());
        at_work += u64::from(worker.kill_after(1 + random.below(12), &mut random));
    }
    let locked = place.number("SELECT count(*) FROM asyncoperation WHERE statecode = 2");
    // Nothing is due until the leases are over; whoever asks then takes it up.
    let mut rounds = 0;
    while place.number("SELECT count(*) FROM asyncoperation WHERE statecode <> 3") > 0 {
        place.well(&["work", "--store", &place.store, "--lease", "1", "--once", "--concurrency", "2"]);
        rounds += 1;
        assert!(rounds < 1_000, "jobs are left");
    }
    let count = |what: &str| place.number(&format!("SELECT count(*) FROM {what}"));
    let accounts = i64::try_from(saves).unwrap();
    for text in ["one", "loop", "child", "after", "two"] {
        let times = format!("SELECT count(*) FROM note WHERE text = '{text}'");
        assert_eq!(place.number(&times), accounts, "seed {seed}: `{text}`");
        assert_eq!(count(&format!("(SELECT DISTINCT about FROM note WHERE text = '{text}') AS abouts")), accounts, "seed {seed}: `{text}`");
    }
    assert_eq!(count("account WHERE passed = 2"), accounts, "seed {seed}");
    assert_eq!(count("asyncoperation WHERE name = 'Work' AND statuscode = 30"), accounts, "seed {seed}");
    assert_eq!(count("asyncoperation WHERE name = 'Child' AND statuscode = 30"), accounts, "seed {seed}");
    assert_eq!(count("asyncoperation"), accounts * 2, "seed {seed}");
    assert_eq!(count("asyncoperationsubscription"), 0, "seed {seed}");
    println!(
        "{store}: {kills} workers were killed (seed {seed}), {at_work} of them at work; {locked} jobs were left locked; {} jobs ended once, with {} notes, none missing and none twice",
        accounts * 2,
        count("note"),
    );
    assert!(at_work * 2 >= kills, "only {at_work} of {kills} were at work");
}
