//! Bad days: flows that are gone, jobs that kill their workers, clocks that go back, disks that are full, stores that vanish. None of them
//! loses a job or does it twice, and each says what to do.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::place::{Place, told};

const SCHEMA: &str = "
entity account {
  name   text(100) required
  text   memo(1000000)
  onhold boolean = false
}

entity note {
  text  memo(1000000)
  about lookup account
}
";

const RULES: &str = "
flow Many on account {
  mode    background
  trigger create

  create note { text = text, about = this }
  create note { text = text, about = this }
}
";

fn rules() -> String {
    format!("{SCHEMA}{RULES}")
}

/// A worker that stays, and what it has said so far.
struct Worker {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Worker {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let streams: [Box<dyn std::io::Read + Send>; 2] = [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for stream in streams {
            let said = Arc::clone(&said);
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    *said.lock().unwrap() += &format!("{line}\n");
                }
            });
        }
        Worker { child, said }
    }

    fn at(place: &Place) -> Self {
        Worker::start(place.command(&["work", "--store", "sqlite:s.db", "--lease", "1"]))
    }

    fn says(&self, words: &str) {
        wait_for(|| self.said.lock().unwrap().contains(words), words);
    }

    fn stop(mut self) -> String {
        assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        let said = self.said.lock().unwrap();
        said.clone()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn wait_for(mut holds: impl FnMut() -> bool, what: &str) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(120), "waited in vain: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

impl Place {
    fn store(&self) -> Connection {
        let store = Connection::open(self.dir.path().join("s.db")).unwrap();
        store.busy_timeout(Duration::from_secs(30)).unwrap();
        store
    }

    fn resume(&self, job: &serde_json::Value) {
        self.well(&["jobs", "resume", job["id"].as_str().unwrap(), "--store", "sqlite:s.db"]);
    }
}

#[test]
fn a_worker_that_starts_while_the_store_fails_waits_for_it() {
    let place = Place::deployed(&rules());
    place.account("Acme");
    let store = place.store();
    store.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    let worker = Worker::at(&place);
    worker.says("warning: the store can't be worked with, and is tried again");
    store.execute_batch("COMMIT; PRAGMA locking_mode = NORMAL; BEGIN IMMEDIATE; COMMIT").unwrap();
    drop(store);
    worker.says("Many");
    worker.stop();
    assert_eq!(told(&place.jobs()), [("Many", 30)]);
}

#[test]
fn a_job_whose_flow_is_gone_waits_for_it() {
    let place = Place::deployed(SCHEMA);
    // Whoever runs a project that was never deployed into a store queues what nobody else knows.
    std::fs::write(place.dir.path().join("more.flow"), rules()).unwrap();
    let account = "{\"message\":\"Create\",\"entity\":\"account\",\"attributes\":{\"name\":\"Acme\"}}\n";
    std::fs::write(place.dir.path().join("ops.jsonl"), account).unwrap();
    place.well(&["run", "more.flow", "--ops", "ops.jsonl", "--store", "sqlite:s.db"]);
    let job = place.work().remove(0);
    assert_eq!((&job["status"], &job["retries"]), (&10.into(), &0.into()));
    assert_eq!(job["message"], "there is no flow `Many` here: deploy it again, or cancel the job");
    place.deploy(&rules());
    place.resume(&job);
    assert_eq!(told(&place.work()), [("Many", 30)]);
    assert_eq!(place.number("SELECT count(*) FROM note"), 2);
}

#[test]
fn a_job_whose_activation_cant_be_read_waits_for_it() {
    let waits = |text: &str| {
        format!(
            "{SCHEMA}flow Late on account {{ mode background trigger create wait until onhold == true create note {{ text = \"{text}\" }} }}\n"
        )
    };
    let place = Place::deployed(&waits("old"));
    let acme = place.account("Acme");
    assert_eq!(told(&place.work()), [("Late", 10)]);
    place.deploy(&waits("new"));
    place.change(&acme, "{\"onhold\":true}");
    let activation = "(SELECT workflowactivationid FROM asyncoperation)";
    let store = place.store();
    store
        .execute_batch(&format!(
            "PRAGMA foreign_keys = OFF; CREATE TABLE aside AS SELECT * FROM workflowbinary WHERE workflowid = {activation};
        DELETE FROM workflowbinary WHERE workflowid = {activation};"
        ))
        .unwrap();
    let job = place.work().remove(0);
    assert_eq!(job["status"], 10, "{job}");
    let message = job["message"].as_str().unwrap();
    assert!(
        message.starts_with("the activation that it started with can't be used: ")
            && message.ends_with(": deploy it again, or cancel the job")
    );
    store.execute_batch("INSERT INTO workflowbinary SELECT * FROM aside; DROP TABLE aside").unwrap();
    place.resume(&job);
    assert_eq!(told(&place.work()), [("Late", 30)]);
    assert_eq!(place.number("SELECT count(*) FROM note WHERE text = 'old'"), 1);
}

#[cfg(unix)]
#[test]
fn a_job_that_kills_its_worker_each_time_is_set_aside_and_blocks_nobody() {
    let place = Place::deployed(&format!(
        "{}plugin Poison on account {{ mode background trigger update(onhold) via command \"sh poison.sh\" }}\n",
        rules()
    ));
    std::fs::write(place.dir.path().join("poison.sh"), "kill -9 $PPID\n").unwrap();
    let acme = place.account("Acme");
    place.change(&acme, "{\"onhold\":true}");
    place.account("Apex");
    let (mut killed, mut rounds) = (0, 0);
    while place.number("SELECT count(*) FROM asyncoperation WHERE statecode <> 3") > 0 {
        let mut command = place.command(&["work", "--store", "sqlite:s.db", "--once", "--lease", "1", "--allow-command", "sh"]);
        killed += u32::from(command.output().unwrap().status.code().is_none());
        rounds += 1;
        assert!(rounds < 1_000, "it goes on for ever");
    }
    assert_eq!(killed, 4);
    let jobs = place.jobs();
    assert_eq!(told(&jobs), [("Many", 30), ("Poison", 31), ("Many", 30)]);
    assert_eq!(jobs[1]["message"], "its worker was gone in the middle of it, 4 times at the same step");
    assert_eq!(place.number("SELECT count(*) FROM note"), 4);
}

#[test]
fn a_clock_that_was_put_back_holds_up_neither_what_is_ready_nor_what_a_dead_worker_had() {
    let place = Place::deployed(&rules());
    for name in ["a", "b"] {
        place.account(name);
    }
    // As if all of that had been written an hour later than it is now, and by a worker that is gone.
    let hour = 3_600_000_000_i64;
    let store = place.store();
    store
        .execute("UPDATE asyncoperation SET dueon = dueon + ?1, modifiedon = modifiedon + ?1, createdon = createdon + ?1", [hour])
        .unwrap();
    let locked = "UPDATE asyncoperation SET statecode = 2, statuscode = 20, hostid = 'gone' WHERE asyncoperationid = (SELECT min(asyncoperationid) FROM asyncoperation)";
    assert_eq!(store.execute(locked, []).unwrap(), 1);
    assert_eq!(told(&place.work()), [("Many", 30)]);
    let worker = Worker::at(&place);
    wait_for(|| place.number("SELECT count(*) FROM asyncoperation WHERE statuscode = 30") == 2, "the job of the worker that is gone");
    worker.stop();
    assert_eq!(place.number("SELECT count(*) FROM note"), 4);
}

/// A disk is full for a process that may write no longer files: the same failure of the same writes, without a disk for it.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_costs_no_job_and_no_retry() {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};

    let place = Place::deployed(&rules());
    let text = "x".repeat(200_000);
    let account = |number| {
        format!("{{\"message\":\"Create\",\"entity\":\"account\",\"attributes\":{{\"name\":\"{number}\",\"text\":\"{text}\"}}}}\n")
    };
    place.operate(&(0..10).map(account).collect::<String>());
    let size = std::fs::metadata(place.dir.path().join("s.db")).unwrap().len();
    let mut command = Command::new("bash");
    // In units of 1024 bytes; the signal that comes with it is not listened to.
    let script = format!("trap '' XFSZ; ulimit -S -f {}; exec \"$0\" work --store sqlite:s.db --lease 1", size / 1024 + 300);
    command.args(["-c", &script, env!("CARGO_BIN_EXE_weir")]).current_dir(place.dir.path()).stdin(Stdio::null());
    let worker = Worker::start(command);
    worker.says("the database file can't be read or written");
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE statecode = 3 AND statuscode <> 30"), 0);
    let id = Pid::from_raw(i32::try_from(worker.child.id()).unwrap()).unwrap();
    prlimit(Some(id), Resource::Fsize, Rlimit { current: None, maximum: None }).unwrap();
    // What rests for a minute because the store failed goes on at once.
    wait_for(
        || {
            for job in place.jobs().iter().filter(|job| job["state"] == 1) {
                assert_eq!(job["retries"], 0, "{job}");
                let _ = place.command(&["jobs", "resume", job["id"].as_str().unwrap(), "--store", "sqlite:s.db"]).output().unwrap();
            }
            place.number("SELECT count(*) FROM asyncoperation WHERE statuscode = 30") == 10
        },
        "all jobs",
    );
    worker.stop();
    assert_eq!(place.number("SELECT count(*) FROM note"), 20);
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE statuscode <> 30"), 0);
}

#[cfg(unix)]
#[test]
fn a_store_that_vanishes_is_waited_for_and_one_in_its_place_is_taken() {
    let place = Place::deployed(&rules());
    let path = |name: &str| place.dir.path().join(name);
    let worker = Worker::at(&place);
    place.account("a");
    wait_for(|| place.number("SELECT count(*) FROM asyncoperation WHERE statuscode = 30") == 1, "the first job");
    std::fs::rename(path("s.db"), path("away.db")).unwrap();
    worker.says("the store can't be worked with, and is tried again: the file `s.db` isn't there: put it back");
    assert!(!path("s.db").exists(), "no other store is made in its place");
    std::fs::rename(path("away.db"), path("s.db")).unwrap();
    place.account("b");
    wait_for(|| place.number("SELECT count(*) FROM asyncoperation WHERE statuscode = 30") == 2, "the second job");
    // A copy of it, with a job that waits, put in its place at once.
    place.store().execute("VACUUM INTO ?1", [path("copy.db").to_str().unwrap()]).unwrap();
    let other = Place { dir: tempfile::tempdir().unwrap() };
    std::fs::rename(path("copy.db"), other.dir.path().join("s.db")).unwrap();
    other.account("c");
    for name in ["s.db", "s.db-wal", "s.db-shm"] {
        let _ = std::fs::rename(path(name), path(&format!("old-{name}")));
    }
    std::fs::copy(other.dir.path().join("s.db"), path("put.db")).unwrap();
    std::fs::rename(path("put.db"), path("s.db")).unwrap();
    wait_for(|| place.number("SELECT count(*) FROM asyncoperation WHERE statuscode = 30") == 3, "the third job");
    place.account("d");
    wait_for(|| place.number("SELECT count(*) FROM asyncoperation WHERE statuscode = 30") == 4, "the fourth job");
    worker.stop();
    assert_eq!(place.number("SELECT count(*) FROM note"), 8);
    let old = Connection::open(path("old-s.db")).unwrap();
    assert_eq!(old.query_row("SELECT count(*) FROM note", [], |row| row.get::<_, i64>(0)).unwrap(), 4);
    let sound: String = place.store().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}
