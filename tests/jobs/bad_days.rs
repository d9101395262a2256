//! Bad days: flows that are gone, jobs that kill their workers, clocks that go back, disks that are full, stores that vanish. None of them
//! loses a job or does it twice, and each says what to do.

use std::process::{Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;

use crate::place::{Place, Worker, told, wait_for};

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

#[cfg(target_os = "linux")]
fn account(number: u32, text: &str) -> String {
    format!("{{\"message\":\"Create\",\"entity\":\"account\",\"attributes\":{{\"name\":\"{number}\",\"text\":\"{text}\"}}}}\n")
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
    assert_eq!(jobs[1]["message"], "F30: its worker was gone in the middle of it, and it was tried again 3 times before");
    assert_eq!(jobs[1]["errorCode"], "F30");
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
    // Whoever begins to work has such leases begin now.
    let soon = jiff::Timestamp::now().as_microsecond() + 60_000_000;
    assert_eq!(place.number(&format!("SELECT count(*) FROM asyncoperation WHERE statecode = 2 AND dueon < {soon}")), 1);
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
    place.operate(&(0..10).map(|number| account(number, &text)).collect::<String>());
    let size = std::fs::metadata(place.dir.path().join("s.db")).unwrap().len();
    let mut command = Command::new("bash");
    // In units of 1024 bytes; the signal that comes with it is not listened to.
    let script = format!("trap '' XFSZ; ulimit -S -f {}; exec \"$0\" work --store sqlite:s.db --lease 1", size / 1024 + 300);
    command.args(["-c", &script, env!("CARGO_BIN_EXE_weir")]).current_dir(place.dir.path()).stdin(Stdio::null());
    let worker = Worker::start(command);
    worker.says("the database file can't be written: the disk may be full");
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE statecode = 3 AND statuscode <> 30"), 0);
    let id = Pid::from_raw(i32::try_from(worker.id()).unwrap()).unwrap();
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

/// What is done on a small disk of its own, which is there for these commands alone: it is filled up but for a little, workers meet with that,
/// room is made, and they go on.
#[cfg(target_os = "linux")]
const ON_A_FULL_DISK: &str = "
mount -t tmpfs -o size=16m none disk || exit 77
cp s.db disk/s.db && cd disk
dd if=/dev/zero of=filler bs=64k 2>/dev/null
truncate -s -500K filler
\"$WEIR\" work --store sqlite:s.db --once --lease 1
\"$WEIR\" jobs list --all --store sqlite:s.db --format json > ../met || exit 1
df --output=avail . | tail -1 > ../room
rm filler
for round in $(seq 200); do
  goes_on=$(\"$WEIR\" jobs list --store sqlite:s.db --format json | sed 's/^{\"id\":\"\\([^\"]*\\)\".*/\\1/')
  [ -z \"$goes_on\" ] && break
  for job in $goes_on; do \"$WEIR\" jobs resume $job --store sqlite:s.db >/dev/null 2>&1; done
  \"$WEIR\" work --store sqlite:s.db --once --lease 1 || exit 1
done
cp s.db* ..
";

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_really_full_costs_no_job_and_no_retry() {
    let place = Place::deployed(&rules());
    let text = "x".repeat(200_000);
    place.operate(&(0..10).map(|number| account(number, &text)).collect::<String>());
    let path = |name: &str| place.dir.path().join(name);
    std::fs::create_dir(path("disk")).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "bash", "-c", ON_A_FULL_DISK]).env("WEIR", env!("CARGO_BIN_EXE_weir"));
    let output = command.current_dir(place.dir.path()).stdin(Stdio::null()).output();
    let Some(output) = output.ok().filter(|output| output.status.success() || path("met").exists()) else {
        println!("not run: no disk can be mounted here");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let met = std::fs::read_to_string(path("met")).unwrap();
    let met: Vec<serde_json::Value> = met.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let waits = |job: &&serde_json::Value| job["state"] != 3;
    assert!(met.iter().filter(waits).count() > 5, "{said}{met:?}");
    for job in met.iter().filter(waits) {
        assert_eq!(job["retries"], 0, "{job}");
    }
    let words = "the disk is full";
    assert!(
        said.contains(words) || met.iter().any(|job| job["message"].as_str().is_some_and(|message| message.contains(words))),
        "{said}{met:?}"
    );
    assert_eq!(place.number("SELECT count(*) FROM note"), 20);
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation WHERE statuscode = 30"), 10);
    assert_eq!(place.number("SELECT count(*) FROM asyncoperation"), 10);
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
    let other = Place::new();
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
