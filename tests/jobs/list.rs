//! `weir jobs list`: what is chosen, and that any number of jobs is listed in the memory of a few.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::place::{Place, told};

const RULES: &str = "
entity account {
  name text(100) required
}

flow First on account {
  mode    background
  trigger create

  wait 3 days
}

flow Second on account { mode background trigger create  log \"nothing\" }
";

impl Place {
    fn listed(&self, arguments: &[&str]) -> Vec<Value> {
        let told = self.well(&[&["jobs", "list", "--store", "sqlite:s.db", "--format", "json"], arguments].concat());
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn jobs_are_chosen_by_status_name_and_record() {
    let place = Place::deployed(RULES);
    let acme = place.account("Acme");
    place.account("Apex");
    place.work();
    assert_eq!(told(&place.listed(&[])), [("First", 10), ("First", 10)]);
    assert_eq!(told(&place.listed(&["--name", "Second"])), []);
    assert_eq!(told(&place.listed(&["--name", "Second", "--all"])), [("Second", 30), ("Second", 30)]);
    assert_eq!(told(&place.listed(&["--record", &acme])), [("First", 10)]);
    assert_eq!(told(&place.listed(&["--record", &acme, "--status", "succeeded"])), [("Second", 30)]);
    assert_eq!(place.listed(&["--all", "--limit", "3"]).len(), 3);
    let three = place.well(&["jobs", "list", "--all", "--limit", "3", "--store", "sqlite:s.db"]);
    assert!(three.ends_with("\n3 jobs, and there are more\n"), "{three}");
    assert!(place.well(&["jobs", "list", "--all", "--limit", "4", "--store", "sqlite:s.db"]).ends_with("\n4 jobs\n"));
}

/// Lists all jobs; gives how many there were, and the most that was held when half of them were written.
#[cfg(target_os = "linux")]
fn most_held(place: &Place, jobs: usize) -> (usize, u64) {
    let mut command = place.command(&["jobs", "list", "--store", "sqlite:s.db"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first =
        lines.by_ref().take(jobs / 2).map(|line| assert!(line.unwrap().contains("  First  account \"Acme\"  waiting until "))).count();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let held = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let rest = lines.filter(|line| line.as_ref().unwrap().contains("  First  ")).count();
    assert!(child.wait().unwrap().success());
    (first + rest, held.trim().trim_end_matches(" kB").parse().unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn a_hundred_thousand_jobs_are_listed_without_holding_them() {
    let place = Place::deployed(RULES);
    place.account("Acme");
    place.work();
    let mut store = rusqlite::Connection::open(place.dir.path().join("s.db")).unwrap();
    let columns: String = store
        .query_row(
            "SELECT group_concat('\"' || name || '\"') FROM pragma_table_info('asyncoperation') WHERE name <> 'asyncoperationid'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let mut more = |count: i64| {
        let change = store.transaction().unwrap();
        let copy = format!(
            "INSERT INTO asyncoperation (asyncoperationid, {columns})
             WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
             SELECT randomblob(16), {columns} FROM n, (SELECT * FROM asyncoperation WHERE name = 'First' LIMIT 1)"
        );
        change.execute(&copy, [count]).unwrap();
        change.commit().unwrap();
    };
    // The output waits in a pipe for its reader, so both lists are looked at while they are being written.
    more(4_999);
    let (few, little) = most_held(&place, 5_000);
    more(95_000);
    let (many, much) = most_held(&place, 100_000);
    assert_eq!((few, many), (5_000, 100_000));
    assert!(much < little + 8 * 1_024, "{little} kB for 5,000 jobs, {much} kB for 100,000");
}
