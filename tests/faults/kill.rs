//! The process is killed (`kill -9`) at random moments, over and over on one file; each time the file is opened again, and holds
//! every operation whole or not at all, in order, and among them every one that was told as committed.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use weir::store::Sqlite;
use weir::value::Reference;

use crate::threads::adds_up;
use crate::world::{World, id, rules};
use crate::{Random, seed, sequence, wanted};

/// The file, the seed, the first operation and how many share a transaction, for the process that is killed.
const TASK: &str = "WEIR_FAULTS_TASK";

/// How many operations there are in a file.
const OPERATIONS: u64 = 150;

/// How many operations share a transaction, in the runs where they do.
const BATCH: u64 = 5;

/// The actions that take part: those that are kept step by step may be cut, by design.
const WHOLE: &[&str] = sequence::ACTIONS.split_at(1).0;

/// The process that is killed. It does nothing where it isn't started by the test below.
#[test]
fn child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let [path, seed, first, batch] = task.split('|').collect::<Vec<_>>().try_into().unwrap();
    let [seed, first, batch] = [seed, first, batch].map(|number| number.parse::<u64>().unwrap());
    let mut world = World::over(rules(), Sqlite::open(path).unwrap());
    say(first - 1);
    for start in (first..=OPERATIONS).step_by(batch as usize) {
        let last = (start + batch - 1).min(OPERATIONS);
        if batch > 1 {
            world.pipeline.begin().unwrap();
        }
        for number in start..=last {
            sequence::play(&mut world, seed, number, WHOLE);
        }
        if batch > 1 {
            world.pipeline.commit().unwrap();
        }
        say(last);
    }
}

/// Tells that all operations up to this one have ended and are kept.
fn say(number: u64) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nkept {number}.").unwrap();
    out.flush().unwrap();
}

/// The number in a line that was told whole.
fn told(line: &str) -> Option<u64> {
    line.trim_end().strip_prefix("kept ")?.strip_suffix('.')?.parse().ok()
}

#[test]
fn a_process_that_is_killed_leaves_every_operation_whole_or_not_at_all() {
    let (kills, seed) = (wanted("WEIR_KILLS", 60), seed());
    let mut random = Random(seed);
    let folder = tempfile::tempdir().unwrap();
    let (mut done, mut within, mut files, mut ended) = (0, 0, 0, 0);
    while done < kills {
        files += 1;
        let path = folder.path().join(format!("{files}.db"));
        let round = seed + files;
        let states = states(round);
        let mut at = begin(&path);
        assert_eq!(at, states[0]);
        let mut first = 1;
        while first <= OPERATIONS && done < kills {
            let batch = if random.one_in(2) { 1 } else { BATCH };
            let task = format!("{}|{round}|{first}|{batch}", path.display());
            let place = format!("seed {seed}, kill {done}, file {files}, from operation {first} by {batch}");
            let (reported, killed) = run_and_kill(&task, &mut random);
            at = look(&path);
            let reached = (first - 1..=OPERATIONS).find(|number| states[*number as usize] == at);
            let reached = reached.unwrap_or_else(|| panic!("{place}: the file holds no whole number of operations"));
            // Several numbers have one state where an operation was stopped: then the file may be at the last of them.
            let latest = (reached..=OPERATIONS).take_while(|number| states[*number as usize] == at).last().unwrap();
            assert!(reported.is_none_or(|reported| reported <= latest), "{place}: {reported:?} were told, {latest} are there");
            let whole = (reached..=latest).any(|number| (number + 1 - first).is_multiple_of(batch) || number == OPERATIONS);
            assert!(whole, "{place}: a transaction was cut at {reached}");
            (done, ended) = if killed { (done + 1, ended) } else { (done, ended + 1) };
            within += u64::from(killed && reported.is_some() && latest < OPERATIONS);
            first = reported.unwrap_or(0).max(reached) + 1;
        }
    }
    println!("{done} processes were killed (seed {seed}), {within} of them at work, on {files} files; {ended} came to their end before");
    assert!(within * 4 >= kills, "only {within} of {kills} were at work");
}

#[test]
fn the_command_line_that_is_killed_keeps_what_it_told_and_whole_transactions() {
    let (kills, seed) = (wanted("WEIR_KILLS", 60) / 6, seed());
    let folder = tempfile::tempdir().unwrap();
    let (text, operations) = (folder.path().join("rules.flow"), folder.path().join("operations.jsonl"));
    std::fs::write(&text, include_str!("rules.flow")).unwrap();
    let (mut told_in_all, mut there_in_all) = (0, 0);
    for round in 0..kills {
        let mut random = Random(seed + round);
        let (path, batch) = (folder.path().join(format!("{round}.db")), [1, 7][round as usize % 2]);
        begin(&path);
        let accounts = [2, 9].map(id);
        let line = |number: u64| {
            let (id, account) = (id(100_000 + u128::from(number)), accounts[number as usize % 2]);
            let attributes = format!("{{\"contactid\": \"{id}\", \"name\": \"{number}\", \"amount\": 0, \"account\": \"{account}\"}}");
            format!("{{\"message\": \"Create\", \"entity\": \"contact\", \"attributes\": {attributes}}}\n")
        };
        std::fs::write(&operations, (1..=MANY).map(line).collect::<String>()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        command.arg("run").arg(&text).arg("--ops").arg(&operations).arg("--store").arg(format!("sqlite:{}", path.display()));
        command.args(["--format", "json", "--trace", "--batch", &batch.to_string()]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut told = u64::from(lines.next().is_some_and(|line| line.contains(KEPT)));
        idle(random.below(2_000_000));
        kill(&mut child);
        told += lines.filter(|line| line.contains(KEPT) && line.ends_with('}')).count() as u64;

        look(&path);
        let mut world = World::over(rules(), Sqlite::open(&path).unwrap());
        adds_up(&mut world.pipeline);
        let contact = world.record("contact", 0).entity;
        let there = (1..=MANY).take_while(|number| has(&mut world, Reference { entity: contact, id: id(100_000 + u128::from(*number)) }));
        let there = there.count() as u64;
        let all = world.pipeline.find(contact, &Default::default(), u32::MAX).unwrap().iter().filter(|found| **found > id(100_000)).count();
        assert_eq!(all as u64, there, "seed {seed}, kill {round}: an operation is there without one before it");
        assert!(told <= there, "seed {seed}, kill {round}: {told} told, {there} there");
        assert!(there == MANY || there.is_multiple_of(batch), "seed {seed}, kill {round}: {there} are there, {batch} share a transaction");
        (told_in_all, there_in_all) = (told_in_all + told, there_in_all + there);
    }
    println!("`weir run --ops` was killed {kills} times (seed {seed}): {told_in_all} operations were told, {there_in_all} were there");
    assert!(told_in_all > kills, "{told_in_all} were told");
}

fn has(world: &mut World, record: Reference) -> bool {
    world.pipeline.read(record, &[weir::value::Slot(0)].into_iter().collect()).unwrap().is_some()
}

/// How many operations the command line has to do; more than it gets to.
const MANY: u64 = 1_500;

/// What it tells of one that was kept.
const KEPT: &str = "\"outcome\":\"committed\"";

/// Starts the process and kills it at a random moment; gives the last operation that it told as kept, and whether it was killed.
fn run_and_kill(task: &str, random: &mut Random) -> (Option<u64>, bool) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "kill::child", "--nocapture", "--test-threads=1"]).env(TASK, task);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    // Now and then before it is ready, else after some operations, and in both cases a little later.
    let wait_for = if random.one_in(8) { 0 } else { 1 + random.below(8) };
    let mut reported: Option<u64> = None;
    let mut heard = 0;
    while heard < wait_for {
        let Some(line) = lines.next() else { break };
        if let Some(number) = told(&line) {
            (heard, reported) = (heard + 1, Some(number));
        }
    }
    idle(random.below(400_000));
    let killed = kill(&mut child);
    let rest = lines.filter_map(|line| told(&line)).last();
    (rest.or(reported), killed)
}

/// Kills a process; says whether it hadn't ended by then.
fn kill(child: &mut Child) -> bool {
    let _ = child.kill();
    let status = child.wait().unwrap();
    assert!(status.success() || status.code().is_none(), "the process failed by itself: {status}");
    !status.success()
}

/// Lets a little time go by.
fn idle(turns: u64) {
    (0..turns).for_each(|_| std::hint::spin_loop());
}

/// What is in a file at the beginning.
fn begin(path: &Path) -> u64 {
    drop(World::filled(World::over(rules(), Sqlite::open(path).unwrap())));
    look(path)
}

/// What is in a file, which is sound.
fn look(path: &Path) -> u64 {
    let state = digest(&mut World::over(rules(), Sqlite::open(path).unwrap()));
    let connection = rusqlite::Connection::open(path).unwrap();
    assert_eq!(connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).unwrap(), "ok");
    state
}

/// The states after none, one, two … of the operations.
fn states(seed: u64) -> Vec<u64> {
    let mut world = World::new();
    let mut states = vec![digest(&mut world)];
    for number in 1..=OPERATIONS {
        sequence::play(&mut world, seed, number, WHOLE);
        states.push(digest(&mut world));
    }
    states
}

fn digest(world: &mut World) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{:?}", world.state()).hash(&mut hasher);
    hasher.finish()
}
