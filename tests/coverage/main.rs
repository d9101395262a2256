//! What the tests of a project cover, told by the real command: the table, the annotated source, lcov, HTML, and the least that is asked for.

#![cfg(test)]

use std::path::Path;
use std::process::{Command, Output};

mod suggest;
mod waits;

use tempfile::TempDir;
use weir::pipeline::Settings;
use weir::project::Project;
use weir::scenario;
use weir::scenario::coverage::{self, Collector};

const RULES: &str = r#"choice Rating { cold = 1, warm = 2, hot = 3 }

entity account {
  name    text(100) required
  revenue money
  rating  choice Rating
  vip     boolean
  parent  lookup account
  note    text(200)
}

flow Rate on account {
  trigger create at pre-operation, update(revenue) at pre-operation
  when revenue is not empty and name != "<skip>"

  if revenue > 1000 and (vip or rating == hot) {
    set note = "big"
  } else if revenue between 10 and 20 {
    set note = "small"
  } else if name in ("x", "y") {
    set note = "xy"
  }
  match rating {
    cold => { stop "too cold" }
    warm, hot => { set vip = true }
    empty => {}
  }
  update parent? { note = "a child has changed" }
}

flow Gone on account {
  trigger delete at pre-operation

  log "gone"
}

flow Later on account {
  draft
  trigger create

  log "a draft has nothing to cover"
}
"#;

const SOME: &str = r#"
test "a hot one is big" {
  let acme = create account { name = "Acme", revenue = 2_000, rating = hot }
  expect acme.note == "big"
}

test "x is noticed" {
  let acme = create account { name = "x", revenue = 5 }
  expect acme.note == "xy"
}
"#;

const REST: &str = r#"
test "the rest" {
  let top = create account { name = "top" }
  create account { name = "<skip>", revenue = 1 }
  create account { name = "z", revenue = 1, parent = top }
  create account { name = "z", revenue = 5_000, rating = warm, vip = true }
  create account { name = "z", revenue = 5_000, rating = warm }
  let acme = create account { name = "z", revenue = 15 }
  update acme { revenue = 12, rating = cold }
  expect stopped "too cold"
  delete acme
}
"#;

/// A project with these tests.
fn project(tests: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("account.flow"), RULES).unwrap();
    std::fs::write(folder.path().join("tests.flow"), tests.concat()).unwrap();
    folder
}

fn weir(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.current_dir(folder).env("NO_COLOR", "1").arg("test").args(arguments).output().unwrap()
}

/// What is told of the coverage: between the tests and the time that they took.
fn covered(out: &str) -> &str {
    out.split_once("\n\n").unwrap().1.rsplit_once("\nin ").unwrap().0
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_table_and_the_source_say_what_is_missing() {
    let folder = project(&[SOME]);
    let run = weir(folder.path(), &["--coverage=table", "--coverage=source"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let out = text(&run.stdout);
    assert!(out.ends_with("\n2 passed, 0 failed\n"), "{out}");
    insta::assert_snapshot!(covered(&out));
}

#[test]
fn without_a_word_of_how_it_is_the_table_and_without_the_option_nothing() {
    let folder = project(&[SOME]);
    assert!(text(&weir(folder.path(), &["--coverage"]).stdout).contains("\ncoverage "));
    assert!(!text(&weir(folder.path(), &[]).stdout).contains("coverage"));
    assert!(text(&weir(folder.path(), &["--format", "json"]).stdout).ends_with("\"coverage\":null}\n"));
}

#[test]
fn tests_that_run_at_once_add_up_and_can_reach_everything() {
    let folder = project(&[SOME, REST]);
    let run = weir(folder.path(), &["--format", "json", "--coverage", "--min-coverage", "100"]);
    assert_eq!(run.status.code(), Some(0), "{}{}", text(&run.stdout), text(&run.stderr));
    assert!(text(&run.stdout).ends_with("\"coverage\":100.0}\n"), "{}", text(&run.stdout));
    // Standard output is for programs then, and the table goes beside it.
    assert!(text(&run.stderr).contains("in all"), "{}", text(&run.stderr));
    let tables = ["1", "4"].map(|threads| text(&weir(folder.path(), &["--coverage=source", "--threads", threads]).stdout));
    assert_eq!(covered(&tables[0]), covered(&tables[1]));
    assert_eq!(weir(folder.path(), &["--coverage", "--fail-fast"]).status.code(), Some(2));
}

#[test]
fn pipelines_on_several_threads_count_together() {
    let folder = project(&[SOME, REST]);
    let project = Project::load(folder.path()).unwrap();
    let compiled = project.compile().unwrap();
    let run = |case, collector: &Collector| {
        let settings = Settings { counter: Some(collector.counter()), ..Settings::fixed() };
        scenario::run(case, &mut compiled.open("sqlite::memory:", settings).unwrap());
    };
    let cases: Vec<_> = project.checked.scenarios.iter().flat_map(scenario::cases).collect();
    let (alone, together) = (Collector::default(), Collector::default());
    cases.iter().for_each(|case| run(*case, &alone));
    std::thread::scope(|scope| {
        for case in &cases {
            scope.spawn(|| run(*case, &together));
        }
    });
    let one = coverage::measure(&project, &compiled, &alone);
    assert_eq!(one, coverage::measure(&project, &compiled, &together));
    assert!(one.shares().total().is_whole());
}

#[test]
fn less_than_the_least_fails() {
    let folder = project(&[SOME]);
    let run = weir(folder.path(), &["--min-coverage", "90"]);
    assert_eq!(run.status.code(), Some(1));
    let said = text(&run.stderr);
    assert!(said.starts_with("error: ") && said.contains("and 90 % has to be (`--min-coverage`)"), "{said}");
    assert_eq!(weir(folder.path(), &["--min-coverage", "20"]).status.code(), Some(0));
    assert_eq!(weir(folder.path(), &["--min-coverage", "101"]).status.code(), Some(2));
}

#[test]
fn lcov_holds_what_others_read() {
    let folder = project(&[SOME]);
    let run = weir(folder.path(), &["--coverage=lcov", "out.info", "."]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let lcov = std::fs::read_to_string(folder.path().join("out.info")).unwrap();
    insta::assert_snapshot!(lcov);
    let (mut lines, mut branches) = (Vec::new(), Vec::new());
    for line in lcov.lines() {
        match line.split_once(':') {
            Some(("DA", rest)) => lines.push(rest.split(',').map(|number| number.parse::<u64>().unwrap()).collect::<Vec<_>>()),
            Some(("BRDA", rest)) => branches.push(rest.split(',').map(str::to_owned).collect::<Vec<_>>()),
            _ => {}
        }
    }
    let summed = |key: &str| lcov.lines().find_map(|line| line.strip_prefix(key)).unwrap().parse::<usize>().unwrap();
    assert_eq!(summed("LF:"), lines.len());
    assert_eq!(summed("LH:"), lines.iter().filter(|line| line[1] > 0).count());
    assert_eq!(summed("BRF:"), branches.len());
    assert_eq!(summed("BRH:"), branches.iter().filter(|branch| !["-", "0"].contains(&branch[3].as_str())).count());
    // A branch is on a line that is counted.
    assert!(branches.iter().all(|branch| lines.iter().any(|line| line[0].to_string() == branch[0])));
}

#[test]
fn a_form_that_needs_a_file_says_so_and_one_that_cannot_be_written_fails() {
    let folder = project(&[SOME]);
    let run = weir(folder.path(), &["--coverage=lcov"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(text(&run.stderr).contains("a file has to follow: `--coverage=lcov FILE`"), "{}", text(&run.stderr));
    assert_eq!(weir(folder.path(), &["--coverage=html", "no/such/folder.html"]).status.code(), Some(4));
    assert_eq!(weir(folder.path(), &["--coverage=pie"]).status.code(), Some(2));
}

#[test]
fn the_page_is_whole_in_itself_and_escapes_what_it_shows() {
    let folder = project(&[SOME]);
    let run = weir(folder.path(), &["--coverage=html", "out.html"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let page = std::fs::read_to_string(folder.path().join("out.html")).unwrap();
    assert!(page.contains("prefers-color-scheme: dark"));
    assert!(page.contains("name != &quot;&lt;skip&gt;&quot;") && !page.contains("<skip>"));
    assert!(["http:", "https:", "src=", "<link", "<script", "@import", "url("].iter().all(|other| !page.contains(other)));
    assert_eq!(page.matches("<section").count(), 2, "a section a flow, none for the draft");
    for tag in ["table", "tr", "td", "section", "ul", "li", "span", "div", "h1", "h2", "h3"] {
        let open = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(open, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

const BACKGROUND: &str = r#"
entity account {
  name   text(100) required
  onhold boolean = false
  note   text(200)
}

flow Remind on account {
  mode background
  trigger create, child
  when name != "skip"

  log "begun"
  wait {
    until onhold == true {
      stop "{name} is on hold"
    }
    after 3 days {
      update this { note = "reminded" }
    }
  }
}

test "after three days" {
  let acme = create account { name = "Acme" }
  run jobs
  advance 4 days
  run jobs
  expect acme.note == "reminded"
}
"#;

#[test]
fn what_runs_in_the_background_counts_once_however_many_steps_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("account.flow"), BACKGROUND).unwrap();
    let run = weir(folder.path(), &["--coverage", "--coverage=source"]);
    assert_eq!(run.status.code(), Some(0), "{}{}", text(&run.stdout), text(&run.stderr));
    insta::assert_snapshot!(covered(&text(&run.stdout)));
}
