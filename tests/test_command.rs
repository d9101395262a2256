//! `weir test` through the real binary: several at once, what a failure tells, formats, filters, and where a run ends.

#![cfg(test)]

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

#[path = "support/not_run.rs"]
mod not_run;

use not_run::not_run;

const RULES: &str = r#"entity account {
  name    text(200) required
  total   money
  rating  choice { gold = 1, silver = 2 }
  parent  lookup account
}

flow Rate on account {
  trigger create, update(total)
  stage   pre-operation

  if (total ?? 0) > 100 {
    set rating = gold
  } else {
    set rating = silver
  }
}
"#;

struct Project {
    dir: TempDir,
}

impl Project {
    /// The rules, and a file with these tests.
    fn with(tests: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("rules.flow"), RULES).unwrap();
        fs::write(dir.path().join("tests.flow"), tests).unwrap();
        Project { dir }
    }

    fn output(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        command.arg("test").args(arguments).current_dir(self.dir.path()).env_remove("CLICOLOR_FORCE").output().unwrap()
    }

    /// What it writes without times, and how it ends.
    fn told(&self, arguments: &[&str]) -> (String, i32) {
        let output = self.output(arguments);
        let mut text = String::from_utf8(output.stdout).unwrap();
        text += &String::from_utf8(output.stderr).unwrap();
        let words = |line: &str| {
            let line = line.split("  (").next().unwrap_or_default();
            let line = line.split(r#","micros""#).next().unwrap_or_default();
            if line.starts_with("in ") { String::new() } else { line.to_owned() }
        };
        (text.lines().map(words).collect::<Vec<_>>().join("\n"), output.status.code().unwrap())
    }
}

/// Tests of which every third fails.
fn many(count: usize) -> String {
    (1..=count).fold(String::new(), |mut text, number| {
        let wanted = if number % 3 == 0 { "gold" } else { "silver" };
        let _ = writeln!(
            text,
            "test \"number {number}\" {{\n  let a = create account {{ name = \"A\", total = {number} }}\n  expect a.rating == {wanted}\n}}\n"
        );
        text
    })
}

#[test]
fn a_failure_tells_every_value_and_what_led_to_it() {
    let project = Project::with(
        r#"test "a rating" {
  let parent = create account { name = "Parent company", total = 500 }
  let acme = create account { name = "Acme", total = 5, parent = parent }
  update acme { total = 50, name = "Acme Ltd" }
  expect acme.name starts with "Acme"
    and (acme.total ?? 0) + 5 > 50
    and (acme.rating == gold or acme.parent.parent is not empty)
}

test "long values" {
  let acme = create account { name = "The quick brown fox jumps over the lazy dog, and over the fence behind it" }
  expect acme.total is empty and acme.name == "The quick brown fox jumps over the lazy dog, and into the fence behind it"
}

test "another reason" {
  let acme = create account { name = "Acme" }
  delete acme
  expect acme.name == "Acme"
}
"#,
    );
    let (text, code) = project.told(&[]);
    insta::assert_snapshot!(text);
    assert_eq!(code, 1);
    let (json, _) = project.told(&["--format", "json", "--filter", "long"]);
    let message =
        |line: &str| serde_json::from_str::<serde_json::Value>(&format!("{line}}}")).unwrap()["message"].as_str().unwrap().to_owned();
    let told = message(json.lines().next().unwrap());
    assert!(told.contains("\n    [1] \"The quick brown fox") && told.contains("the texts differ from character 50 on"), "{told}");
}

#[test]
fn several_at_once_tell_the_same_in_the_same_order() {
    let project = Project::with(&many(40));
    for format in ["human", "json"] {
        let one = project.told(&["--threads", "1", "--format", format]);
        assert_eq!(one, project.told(&["--threads", "8", "--format", format]));
        assert_eq!(one.1, 1);
        let order: Vec<usize> = (1..=40).map(|number| one.0.find(&format!("number {number}")).unwrap()).collect();
        assert!(order.is_sorted());
    }
}

#[test]
fn a_run_ends_at_the_first_failure_where_that_is_asked_for() {
    let project = Project::with(&many(20));
    for threads in ["1", "4"] {
        let (text, code) = project.told(&["--fail-fast", "--threads", threads]);
        assert!(text.ends_with("ended early: 17 tests not run\n\n2 passed, 1 failed"), "{text}");
        assert!(!text.contains("number 4") && code == 1);
    }
    let (json, _) = project.told(&["--fail-fast", "--format", "json"]);
    assert_eq!(json.lines().count(), 4);
}

#[test]
fn a_filter_that_fits_no_test_is_wrong_usage() {
    let project = Project::with(&many(3));
    let (text, code) = project.told(&["--filter", "nunber"]);
    assert_eq!((text.as_str(), code), ("error: no test has `nunber` in its name, of 3 tests", 2));
    assert_eq!(project.told(&["--filter", "number 2"]).1, 0);
    assert_eq!(Project::with("").told(&[]).1, 0, "a project without tests is no wrong usage");
}

#[test]
fn a_skipped_test_is_counted_as_skipped_and_tells_why() {
    let project = Project::with(
        r#"given Acme {
  let acme = create account { name = "Acme", total = 500 }
}

test "one" {
  tags slow, billing
  given Acme
  expect acme.rating == gold
}

test "two" {
  skip "waits for <the> rates"
  given Acme
  expect acme.rating == silver
}

test "three" {
  tags billing
  given Acme
  update acme { total = 5 }
  expect acme.rating == silver
}
"#,
    );
    let (text, code) = project.told(&[]);
    assert_eq!(text, "passed  one\nskipped two: waits for <the> rates\npassed  three\n1 test skipped\n\n2 passed, 0 failed");
    assert_eq!(code, 0);
    let (json, _) = project.told(&["--format", "json"]);
    assert!(json.contains(r#""name":"two","file":"tests.flow","line":11,"outcome":"skipped","message":"waits for <the> rates""#), "{json}");
    assert!(json.ends_with(r#"{"passed":2,"failed":0,"skipped":1,"coverage":null}"#), "{json}");
    let junit = String::from_utf8(project.output(&["--format", "junit"]).stdout).unwrap();
    let document = roxmltree::Document::parse(&junit).unwrap();
    let skipped = document.descendants().find(|node| node.has_tag_name("skipped")).unwrap();
    assert_eq!(skipped.attribute("message"), Some("waits for <the> rates"));
    assert_eq!(document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap().attribute("skipped"), Some("1"));
    assert_eq!(project.told(&["--tag", "slow"]).0, "passed  one\n\n1 passed, 0 failed");
    assert_eq!(project.told(&["--tag", "slow,billing", "--filter", "t"]).0, "passed  three\n\n1 passed, 0 failed");
    let (text, code) = project.told(&["--tag", "fast"]);
    assert_eq!((text.as_str(), code), ("error: no test has the tag `fast`, of 3 tests; there are: billing, slow", 2));
}

#[test]
fn a_test_fakes_code_that_nobody_allowed() {
    let project = Project::with(
        r#"plugin Bureau on account {
  trigger create
  stage   pre-operation
  rank    10
  reads   name
  sets    total
  via     command "false"
}

test "as it is" {
  create account { name = "Acme" }
  expect fault F20
}

test "faked" {
  fake Bureau { set total = 500 }
  let acme = create account { name = "Acme" }
  expect ran Rate, Bureau
  expect acme.total == 501
}
"#,
    );
    let (text, code) = project.told(&[]);
    assert!(text.contains("passed  as it is\nfailed  faked\n"), "{text}");
    assert!(text.contains("20 plug-in Bureau, rank 10\n") && text.contains("a fake runs in its place\n"), "{text}");
    assert!(text.contains("sets total: empty → 500"), "{text}");
    assert_eq!(code, 1);
}

/// What a JUnit document consists of: an element, its attributes that have to be there, those that may, and its children in any order.
const JUNIT: [(&str, [&[&str]; 3]); 5] = [
    ("testsuites", [&[], &["name", "time", "tests", "failures", "disabled", "errors"], &["testsuite"]]),
    (
        "testsuite",
        [
            &["name", "tests"],
            &["failures", "errors", "time", "disabled", "skipped", "timestamp", "hostname", "id", "package"],
            &["testcase", "properties", "system-out", "system-err"],
        ],
    ),
    ("testcase", [&["name"], &["assertions", "time", "classname", "status"], &["skipped", "error", "failure", "system-out", "system-err"]]),
    ("failure", [&[], &["type", "message"], &[]]),
    ("skipped", [&[], &["type", "message"], &[]]),
];

#[test]
fn a_junit_document_is_what_its_schema_says() {
    let mut tests = many(4);
    tests +=
        "test \"<&\\\"'> and \\u{1} \u{7f} \u{202e}\" {\n  let a = create account { name = \"A\" }\n  expect a.name == \"]]> & <b>\"\n}\n";
    let project = Project::with(&tests);
    fs::write(project.dir.path().join("more.flow"), "test \"elsewhere\" {\n  expect 1 == 1\n}\n").unwrap();
    let output = project.output(&["--format", "junit"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    for element in document.descendants().filter(|node| node.is_element()) {
        let name = element.tag_name().name();
        let (_, [needed, allowed, children]) = JUNIT.iter().find(|(known, ..)| *known == name).unwrap();
        assert!(needed.iter().all(|attribute| element.has_attribute(*attribute)), "{name}");
        assert!(element.attributes().all(|it| needed.contains(&it.name()) || allowed.contains(&it.name())), "{name}");
        assert!(element.children().filter(|child| child.is_element()).all(|child| children.contains(&child.tag_name().name())), "{name}");
        for number in ["time", "tests", "failures", "errors", "skipped"].iter().filter_map(|it| element.attribute(*it)) {
            number.parse::<f64>().unwrap();
        }
    }
    let root = document.root_element();
    assert_eq!((root.tag_name().name(), root.attribute("tests"), root.attribute("failures")), ("testsuites", Some("6"), Some("2")));
    let suites: Vec<_> =
        root.children().filter(|node| node.is_element()).map(|suite| (suite.attribute("name"), suite.attribute("tests"))).collect();
    assert_eq!(suites, [(Some("more.flow"), Some("1")), (Some("tests.flow"), Some("5"))]);
    let failures: Vec<_> = document.descendants().filter(|node| node.has_tag_name("failure")).collect();
    assert!(failures[1].text().unwrap().contains("]]> & <b>"));
}

#[test]
fn a_change_runs_again_what_it_affects_until_it_is_interrupted() {
    let rules = format!("{RULES}\nentity note {{ text text(20) }}\n\nflow Check on note {{\n  trigger create\n\n  log \"a note\"\n}}\n");
    let notes = "test \"a note\" {\n  create note { text = \"x\" }\n}\n";
    let project = Project::with(&(many(2) + notes));
    let write = |name: &str, text: &str| fs::write(project.dir.path().join(name), text).unwrap();
    write("rules.flow", &rules);
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(["test", "--watch"]).current_dir(project.dir.path()).env("NO_COLOR", "1");
    let mut terminal = rexpect::session::spawn_command(command, Some(120_000)).unwrap();
    let mut sees = |texts: &[&str]| texts.iter().for_each(|text| drop(terminal.exp_string(text).unwrap()));
    sees(&["passed  number 1", "passed  a note", "3 passed, 0 failed", "watching 2 files, Ctrl-C ends"]);

    // A flow: the test that has nothing to do with its entity isn't run again.
    let strict = rules.replace("log \"a note\"", "stop \"no notes\"");
    write("rules.flow", &strict);
    sees(&["changed: ./rules.flow", "1 of 3 tests affected", "failed  a note", "no notes", "0 passed, 1 failed"]);
    sees(&["all together: 2 passed, 1 failed", "Ctrl-C ends"]);

    // What can't be compiled is told, and what is mended is run.
    write("rules.flow", &strict.replace("stop \"no notes\"", "stop"));
    sees(&["changed: ./rules.flow", "error[", "Ctrl-C ends"]);
    write("rules.flow", &rules);
    sees(&["1 of 3 tests affected", "passed  a note", "all together: 3 passed, 0 failed", "Ctrl-C ends"]);

    // A test, a new file, and an entity.
    write("tests.flow", &(many(2).replace("== silver", "== gold") + notes));
    sees(&["2 of 3 tests affected", "failed  number 1", "failed  number 2", "all together: 1 passed, 2 failed", "Ctrl-C ends"]);
    write("more.flow", "test \"more\" {\n  expect 1 == 1\n}\n");
    sees(&["changed: ./more.flow", "1 of 4 tests affected", "passed  more", "all together: 2 passed, 2 failed", "Ctrl-C ends"]);
    write("rules.flow", &rules.replace("text(20)", "text(30)"));
    sees(&["4 of 4 tests affected", "2 passed, 2 failed", "watching 3 files, Ctrl-C ends"]);

    terminal.send("\u{3}").unwrap();
    terminal.flush().unwrap();
    terminal.exp_eof().unwrap();
    let status = format!("{:?}", terminal.process().wait().unwrap());
    assert!(status.ends_with(", 1)"), "{status}");
}

#[test]
fn a_call_that_nobody_allowed_names_the_fake_that_runs_in_its_place() {
    let project = Project::with(
        r#"plugin Bureau on account {
  trigger create
  stage   pre-operation
  reads   name
  sets    total
  via     command "false"
}

test "as it is" {
  create account { name = "Acme" }
}
"#,
    );
    let (text, code) = project.told(&[]);
    assert_eq!(code, 1);
    assert!(text.contains("F20: ") && text.contains("`fake Bureau { … }` in the test runs in its place"), "{text}");
}

#[test]
fn with_a_store_each_test_has_a_file_of_its_own_and_that_store_is_left_alone() {
    let counts = "  let acme = create account { name = \"Acme\", total = 500 }\n  expect count(account) == 1 and acme.rating == gold\n";
    let tests: String = (1..=6).map(|number| format!("test \"t{number}\" {{\n{counts}}}\n")).collect();
    let project = Project::with(&(tests + "test \"wrong\" {\n  expect count(account) == 1\n}\n"));
    let data = project.dir.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("shop.db"), "somebody's").unwrap();
    let (text, code) = project.told(&["--store", "sqlite:data/shop.db", "--threads", "4"]);
    assert!(text.ends_with("6 passed, 1 failed") && text.contains("passed  t6") && text.contains("failed  wrong"), "{text}");
    assert_eq!(code, 1);
    assert_eq!(fs::read(data.join("shop.db")).unwrap(), b"somebody's");
    let left: Vec<_> = fs::read_dir(&data).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["shop.db"]);
    // A file is there while its test runs: a folder that nothing can be made in is told, and so is a URL that names no store.
    let (text, code) = project.told(&["--store", "sqlite:nowhere/shop.db"]);
    assert!(code == 4 && text.contains("error[S0101]") && text.contains("the folder of the database is not there"), "{text}");
    assert!(project.told(&["--store", "sqlite:data"]).0.contains("this is a folder: name a file in it"));
    assert_eq!(project.told(&["--store", "shop.db"]).1, 2);
    assert_eq!(project.told(&["--store", "sqlite::memory:"]), project.told(&[]));
}

#[test]
fn with_a_server_each_test_has_a_schema_of_its_own() {
    let Ok(server) = std::env::var("WEIR_TEST_POSTGRES") else {
        return not_run("there is no PostgreSQL server (`tests/with-postgres` starts one)");
    };
    let project = Project::with(&many(6));
    let (text, code) = project.told(&["--store", &server, "--threads", "2"]);
    assert_eq!((text, code), project.told(&[]));
    let (text, code) = project.told(&["--store", "postgres://weir@127.0.0.1:1/none"]);
    assert!(code == 4 && text.contains("error[S0101]"), "{text}");
}
