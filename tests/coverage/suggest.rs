//! `weir test --suggest`, by the real command: what it writes is pasted into the project, checks, passes, and covers what it says.

use std::path::Path;

use tempfile::TempDir;

use super::{SOME, project, text, weir};

const HARD: &str = r#"choice Rating { cold = 1, warm = 2, hot = 3 }

entity region {
  name text(50) required
  open boolean = true
}

entity account {
  name    text(100) required
  code    text(10)
  revenue money
  limit   integer(0..100)
  rating  choice Rating
  tags    choices { key = 1, press = 2 }
  region  lookup region
  opened  date
  due     datetime
  size    integer
  note    text(200)
}

entity deal {
  account lookup account required
  total   money required
  won     boolean = false
}

plugin Bureau on account {
  trigger update(code)
  stage   pre-operation
  reads   code
  sets    limit
  via     host
}

/// Nothing closed may be given a rating; other flows stand in the way of this.
flow Guard on account {
  trigger create, update(name)
  stage   pre-operation
  rank    -5

  if size is not empty and size < 10 and region.name != "North" {
    stop "{name} is too small."
  }
}

flow Changes on account {
  trigger update(revenue, rating)
  stage   pre-operation
  when    name != "internal"

  let gain = (revenue ?? 0) - (old.revenue ?? 0)
  if gain > 1_000 and old.rating == cold {
    set note = "grown"
  } else if changed(rating) and rating != hot {
    set note = "rated"
  }
  if region.name starts with "N" and not (region.open == true) {
    set note = "closed north"
  }
  if tags contains key and revenue between 50 and 60 {
    set note = "key"
  }
}

flow Deals on account {
  trigger update(limit)

  let won = count(deal where account == this and won == true)
  if won > 1 {
    update this { note = "winner" }
  }
  for each deal d where account == this {
    if d.total >= 500 {
      update d { won = true }
    }
  }
}

flow Days on account {
  trigger create
  stage   pre-operation

  if opened is not empty and opened + 1 month < today {
    set note = "old"
  }
  if upper(code ?? "") == "ABC" {
    set note = "abc"
  }
  if weekday(opened ?? today) == 6 {
    log "a Saturday"
  }
}

flow Bureaucracy on account {
  trigger update(code)
  rank    5

  log "{limit ?? 0}"
}

flow Late on account {
  mode    background
  trigger update(due)

  wait {
    until rating == hot { update this { note = "hot" } }
    after 3 days        { update this { note = "late" } }
  }
}

flow Tidy on account {
  trigger on demand
  input   least money required

  if revenue < least {
    set note = "below"
  }
}

flow Farewell on account {
  trigger delete
  stage   pre-operation

  if size > 100 {
    stop "{name} is too large to go."
  }
}

action Rate on account {
  input by integer(1..5) required

  if by == 5 {
    update this { rating = hot }
  }
}
"#;

const STUCK: &str = r#"entity account {
  name text(100) required
  size integer
}

flow Check on account {
  trigger create
  stage   pre-operation

  if caller.fullname == "Nobody" {
    log "nobody"
  }
  if size > 5 and size < 3 {
    log "never"
  }
  if size == 7 {
    set name = "seven"
  }
}

test "Check: size == 7 is true" {
  create account { name = "one" }
}
"#;

/// What is suggested for a project.
fn suggested(folder: &Path) -> String {
    let run = weir(folder, &["--suggest"]);
    assert_eq!(run.status.code(), Some(0), "{}{}", text(&run.stdout), text(&run.stderr));
    assert!(text(&run.stderr).ends_with("0 failed\n"), "{}", text(&run.stderr));
    text(&run.stdout)
}

/// Pastes what is suggested, and holds that it passes, is laid out, and covers everything.
fn covers_everything(folder: &Path) -> String {
    let tests = suggested(folder);
    std::fs::write(folder.join("suggested.flow"), &tests).unwrap();
    let run = weir(folder, &["--min-coverage", "100", "--coverage=source"]);
    assert_eq!(run.status.code(), Some(0), "{tests}{}{}", text(&run.stdout), text(&run.stderr));
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_weir"))
        .current_dir(folder)
        .args(["fmt", "--check", "suggested.flow"])
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(0), "{}{}", text(&run.stdout), text(&run.stderr));
    let rest = "// The tests reach everything that a suggestion could be made for.\n";
    assert_eq!(suggested(folder), rest);
    tests
}

pub(crate) fn alone(rules: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.flow"), rules).unwrap();
    folder
}

#[test]
fn what_is_suggested_beside_tests_passes_and_covers_the_rest() {
    covers_everything(project(&[SOME]).path());
    covers_everything(project(&[]).path());
}

#[test]
fn records_are_found_for_conditions_of_every_kind() {
    insta::assert_snapshot!(covers_everything(alone(HARD).path()));
}

#[test]
fn the_examples_get_what_they_lack() {
    for example in ["companies", "onboarding"] {
        let folder = tempfile::tempdir().unwrap();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example);
        for file in std::fs::read_dir(from).unwrap().map(|file| file.unwrap().path()) {
            std::fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
        }
        covers_everything(folder.path());
    }
}

#[test]
fn where_nothing_is_found_it_says_so_and_why() {
    let folder = alone(STUCK);
    let tests = suggested(folder.path());
    assert_eq!(tests, suggested(folder.path()), "it is the same each time");
    insta::assert_snapshot!(tests);
    // A title that is taken gets a number, so that the file still checks.
    std::fs::write(folder.path().join("suggested.flow"), &tests).unwrap();
    assert_eq!(weir(folder.path(), &[]).status.code(), Some(0));
}

#[test]
fn programs_get_an_object_a_line() {
    let run = weir(alone(STUCK).path(), &["--suggest", "--format", "json"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let out = text(&run.stdout);
    let objects: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let found = objects.iter().find(|object| object["suggestion"] == "Check: size == 7 is true (2)").unwrap();
    assert_eq!((&found["reaches"][0]["name"], &found["reaches"][0]["line"]), (&"Check".into(), &16.into()));
    assert!(found["text"].as_str().unwrap().starts_with("test \"Check"));
    let missed = objects.iter().find(|object| object["unreached"]["line"] == 10).unwrap();
    assert!(missed["reason"].as_str().unwrap().contains("caller.fullname"), "{missed}");
    // The counts stay last, and nothing but objects is on the way.
    assert_eq!(objects.last().unwrap()["passed"], 1);
}

#[test]
fn tests_that_fail_still_end_in_one_and_it_goes_with_whole_runs_only() {
    let folder = alone(&format!("{STUCK}\ntest \"wrong\" {{\n  expect 1 == 2\n}}\n"));
    let run = weir(folder.path(), &["--suggest"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stderr).contains("failed  wrong") && text(&run.stdout).contains("\ntest \"Check"), "{}", text(&run.stdout));
    assert_eq!(weir(folder.path(), &["--suggest", "--fail-fast"]).status.code(), Some(2));
    assert_eq!(weir(folder.path(), &["--suggest", "--watch"]).status.code(), Some(2));
    let document = weir(folder.path(), &["--suggest", "--format", "junit"]);
    assert!(text(&document.stdout).ends_with("</testsuites>\n") && text(&document.stderr).contains("test \"Check"));
}
