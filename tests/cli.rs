//! The command line's contract: what each command writes and how it ends, through the real binary.

#![cfg(test)]

use std::fs;
use std::process::{Command, Output};

use insta::{assert_snapshot, with_settings};
use tempfile::TempDir;

const CREDIT: &str = r#"entity account {
  name "Account name" text(40) required
  revenue   money
  onhold    boolean = false
}

flow Limit on account {
  trigger create, update(revenue)
  stage   pre-operation
  rank    10

  if revenue > 5_000 {
    stop "{name} is over the limit"
  } else if revenue > 1_000 {
    set onhold = true
  }
}

scenario demo {
  let acme = create account { name = "Acme", revenue = 2_000 }
  show acme.onhold
  update acme { revenue = 9_000 }
  show acme.revenue
}

test "a large one is held" {
  let acme = create account { name = "Acme", revenue = 2_000 }
  expect acme.onhold
  update acme { revenue = 9_000 }
  expect stopped "Acme is over the limit"
}
"#;

struct Project {
    dir: TempDir,
}

impl Project {
    fn of(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        Project { dir }
    }

    fn credit() -> Self {
        Project::of(&[("credit.flow", CREDIT)])
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        command.args(arguments).current_dir(self.dir.path()).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        command
    }

    /// Runs it and tells everything that it gave.
    fn told(&self, arguments: &[&str]) -> String {
        tell(arguments, &self.command(arguments).output().unwrap())
    }
}

fn tell(arguments: &[&str], output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut told = format!("$ weir {}\n{}", arguments.join(" "), text(&output.stdout));
    if !output.stderr.is_empty() {
        told += &format!("--- standard error\n{}", text(&output.stderr));
    }
    told + &format!("--- exit code {}\n", output.status.code().unwrap())
}

/// A snapshot without what differs from run to run: ids and times.
macro_rules! snapshot {
    ($told:expr) => {
        with_settings!({
            filters => [
                (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>"),
                (r#""micros":\d+"#, r#""micros":<n>"#),
                (r"  \((\d+ µs|\d+\.\d\d m?s)\)", ""),
                (r"(?m)^in (\d+ µs|\d+\.\d\d m?s)$", "in <time>"),
                (r#""\d{4}-\d\d-\d\dT[0-9:.]+Z""#, r#""<time>""#),
                (r"in [0-9.]+ s \(\d+ a second\)", "in <time>"),
                (r"\d+ bytes", "<n> bytes"),
            ],
            omit_expression => true,
        }, { assert_snapshot!($told) })
    };
}

#[test]
fn check_in_its_three_forms() {
    let wrong = "entity account {\n  name text(40)\n}\n\nflow Later on account {\n  trigger create\n  wait 3 days\n  set nmae = \"x\"\n}\n";
    let project = Project::of(&[("wrong.flow", wrong), ("fine.flow", "choice Rating { hot = 1 }\n")]);
    let told: Vec<String> = ["human", "short", "json"].iter().map(|format| project.told(&["check", "--format", format])).collect();
    snapshot!(format!("{wrong}\n{}", told.join("\n")));
}

#[test]
fn check_of_a_sound_project() {
    let project = Project::credit();
    assert_eq!(project.told(&["check"]), "$ weir check\nno problems in 1 file\n--- exit code 0\n");
    assert_eq!(project.told(&["check", "--format", "json"]), "$ weir check --format json\n--- exit code 0\n");
}

#[test]
fn run_a_scenario() {
    let project = Project::credit();
    let told = [&["run"][..], &["run", ".", "demo", "--trace"], &["run", "--format", "json"], &["run", "--trace", "--format", "json"]]
        .map(|arguments| project.told(arguments));
    snapshot!(told.join("\n"));
}

#[test]
fn run_without_naming_one_of_several_scenarios() {
    let project = Project::of(&[("two.flow", "scenario one { }\nscenario two { }\n")]);
    snapshot!([project.told(&["run"]), project.told(&["run", ".", "three"])].join("\n"));
}

#[test]
fn run_operations() {
    let project = Project::credit();
    let lines = r#"{"message":"Create","entity":"account","attributes":{"name":"Acme","revenue":"2000.50"}}
{"message":"Create","entity":"account","attributes":{"name":"Bolt","revenue":9000}}
{"message":"Create","entity":"account","attributes":{"name":"Crane","revenue":1e30}}
{"message":"Create","entity":"account","attributes":{"name":"Delta","revnue":1}}
{"message":"Create","entity":"account","as":"nobody","attributes":{"name":"Echo"}}
{"message":"Delete","entity":"account","id":"0190a5e4-7c3a-7bd0-8b39-6f3f1f0f6c11"}
"#;
    fs::write(project.dir.path().join("ops.jsonl"), lines).unwrap();
    let human = project.told(&["run", "--ops", "ops.jsonl", "--trace"]);
    let json = project.told(&["run", "--ops", "ops.jsonl", "--format", "json"]);
    snapshot!(format!("{lines}\n{human}\n{json}"));
}

#[test]
fn operations_perform_actions_and_tell_their_outputs() {
    let actions = r#"choice Rating { good = 1, bad = 2 }

entity account {
  name   text(40) required
  rating choice Rating
}

action Rate on account {
  input  least  money(2) required
  output rating choice Rating
  output words  text(80)
  output never  date

  if least < 0 { stop "less than nothing" }
  set rating = good
  set output rating = good, words = "{name} by {least}"
}

action Double {
  input  amount money(2) required
  output twice  money(2)

  set output twice = amount * 2
}

action Outside {
  output id text(20)
  via    command "score a,b"
}
"#;
    let id = "0190a5e4-7c3a-7bd0-8b39-6f3f1f0f6c11";
    let lines = format!(
        r#"{{"message":"Create","entity":"account","id":"{id}","attributes":{{"name":"Acme"}}}}
{{"message":"Rate","id":"{id}","attributes":{{"least":"5.50"}}}}
{{"message":"Double","attributes":{{"amount":"0.10"}}}}
{{"message":"Rate","id":"{id}","attributes":{{"least":-1}}}}
{{"message":"Rate","id":"{id}"}}
{{"message":"Double","attributes":{{"amonut":1}}}}
{{"message":"Rate","attributes":{{"least":1}}}}
{{"message":"Outside"}}
"#
    );
    let project = Project::of(&[("actions.flow", actions), ("ops.jsonl", &lines)]);
    let human = project.told(&["run", "--ops", "ops.jsonl"]);
    let json = project.told(&["run", "--ops", "ops.jsonl", "--format", "json"]);
    snapshot!(format!("{lines}\n{human}\n{json}"));
    // A comma divides no command line: neither of its halves is allowed.
    let allowed = project.told(&["run", "--ops", "ops.jsonl", "--allow-command", "score a,b"]);
    assert!(!allowed.contains("F20") && allowed.contains("can't be started"), "{allowed}");
    assert!(project.told(&["run", "--ops", "ops.jsonl", "--allow-command", "other,score"]).contains("F20"));
}

const PRODUCTS: &str = r#"entity product {
  code  text(20) required
  price integer
  key (code)
}

flow New on product {
  trigger create

  log "new"
}

flow Priced on product {
  trigger update(price)
  stage   pre-operation

  if price < 0 {
    stop "{code} for {price}"
  }
}
"#;

#[test]
fn operations_by_key_and_on_several_records() {
    let (a, b) = ("0190a5e4-7c3a-7bd0-8b39-6f3f1f0f6c11", "0190a5e4-7c3a-7bd0-8b39-6f3f1f0f6c12");
    let lines = format!(
        r#"{{"message":"CreateMultiple","entity":"product","targets":[{{"id":"{a}","code":"A"}},{{"id":"{b}","code":"B"}}]}}
{{"message":"UpdateMultiple","entity":"product","targets":[{{"id":"{a}","price":3}},{{"id":"{b}","price":-4}}]}}
{{"message":"Upsert","entity":"product","id":{{"code":"A"}},"attributes":{{"price":5}}}}
{{"message":"SetState","entity":"product","id":{{"code":"A"}},"attributes":{{"statecode":"inactive"}}}}
{{"message":"Assign","entity":"product","id":{{"code":"A"}},"attributes":{{"ownerid":"systemuser:00000000-0000-0000-0000-000000000000"}}}}
{{"message":"Delete","entity":"product","id":{{"code":"C"}}}}
{{"message":"Delete","entity":"product","id":{{"price":5}}}}
{{"message":"Delete","entity":"product","id":{{"code":"A"}}}}
"#
    );
    let project = Project::of(&[("products.flow", PRODUCTS), ("ops.jsonl", &lines)]);
    let human = project.told(&["run", "--ops", "ops.jsonl"]);
    let json = project.told(&["run", "--ops", "ops.jsonl", "--format", "json"]);
    snapshot!(format!("{lines}\n{human}\n{json}"));
}

#[test]
fn a_csv_brings_records_up_to_date() {
    let project =
        Project::of(&[("products.flow", PRODUCTS), ("one.csv", "code,price\nA,1\nB,2\n"), ("two.csv", "code,price\nB,\nC,3\nA,-1\n,4\n")]);
    let run = |file: &str| {
        let arguments = ["run", "--ops", file, "--entity", "product", "--message", "upsert", "--store", "sqlite:a.db"];
        String::from_utf8(project.command(&arguments).output().unwrap().stdout).unwrap()
    };
    assert!(run("one.csv").contains("2 committed, 0 stopped, 0 faults"));
    let told = run("two.csv");
    assert!(told.contains("two.csv:4: stopped by Priced: A for -1"), "{told}");
    assert!(told.contains("two.csv:5: error[F17]") && told.contains("2 committed, 1 stopped, 1 fault"), "{told}");
    let database = rusqlite::Connection::open(project.dir.path().join("a.db")).unwrap();
    let mut statement = database.prepare("SELECT code, price FROM product ORDER BY code").unwrap();
    let rows: Vec<(String, Option<i64>)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows, [("A".to_owned(), Some(1)), ("B".to_owned(), None), ("C".to_owned(), Some(3))]);
}

#[test]
fn run_a_csv_into_a_file_then_update_and_delete() {
    let project = Project::credit();
    let write = |name: &str, text: &str| fs::write(project.dir.path().join(name), text).unwrap();
    let run = |file: &str, more: &[&str]| {
        let mut arguments = vec!["run", "credit.flow", "--ops", file, "--entity", "account", "--store", "sqlite:a.db", "--format", "json"];
        arguments.extend(more);
        project.command(&arguments).output().unwrap()
    };
    write("new.csv", "ACCOUNT NAME,Revenue,Colour\nAcme,2000,red\nBolt,,blue\n");
    let created = run("new.csv", &["--batch", "100"]);
    let out = String::from_utf8(created.stdout).unwrap();
    assert_eq!(created.status.code(), Some(0));
    assert!(String::from_utf8(created.stderr).unwrap().contains("warning[O0109]: the column `Colour`"));
    let id = out.lines().next().unwrap().split("\"id\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    write("more.csv", &format!("id,revenue\n{id},9000\n{id},500\n"));
    let updated = run("more.csv", &["--message", "update"]);
    assert_eq!(updated.status.code(), Some(3), "{updated:?}");
    write("gone.csv", &format!("AccountId\n{id}\n{id}\n"));
    let deleted = String::from_utf8(run("gone.csv", &["--message", "Delete"]).stdout).unwrap();
    let outcomes: Vec<bool> = deleted.lines().take(2).map(|line| line.contains("\"committed\"")).collect();
    assert_eq!(outcomes, [true, false], "{deleted}");
    let database = rusqlite::Connection::open(project.dir.path().join("a.db")).unwrap();
    assert_eq!(database.query_row("SELECT count(*) FROM account", [], |row| row.get::<_, i64>(0)), Ok(1));
}

#[test]
fn operations_from_standard_input_through_a_compiled_file() {
    use std::io::Write;
    let project = Project::credit();
    assert!(project.told(&["build"]).ends_with("exit code 0\n"));
    let built =
        fs::read_dir(project.dir.path()).unwrap().filter_map(Result::ok).find(|file| file.path().extension().is_some_and(|e| e == "flowc"));
    let built = built.unwrap().file_name().into_string().unwrap();
    let mut command = project.command(&["run", &built, "--ops", "-"]);
    let mut child = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let line = br#"{"message":"Create","entity":"account","attributes":{"name":"Acme","revenue":9000}}"#;
    child.stdin.take().unwrap().write_all(line).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("<stdin>:1: stopped by Limit: Acme is over the limit\n"));
}

#[test]
fn a_compiled_file_lists_as_its_project_does() {
    let project = Project::credit();
    project.told(&["build", "credit.flow", "-o", "x.flowc"]);
    let list = |path: &str| String::from_utf8(project.command(&["dis", path]).output().unwrap().stdout).unwrap();
    assert_eq!(list("credit.flow"), list("x.flowc"));
    assert!(list("x.flowc").contains("flow Limit on account"));
}

#[test]
fn tests_that_pass_and_tests_that_fail() {
    let failing = r#"
test "what is expected is wrong" {
  let acme = create account { name = "Acme", revenue = 10 }
  expect acme.onhold
}
test "a stop that nobody expects" {
  create account { name = "Acme", revenue = 9_000 }
}
"#;
    let project = Project::credit();
    fs::write(project.dir.path().join("failing.flow"), failing).unwrap();
    let told = [&["test"][..], &["test", "--format", "json"], &["test", "--filter", "large"]].map(|arguments| project.told(arguments));
    snapshot!(format!("{failing}\n{}", told.join("\n")));
    assert!(told[0].lines().any(|line| line == "1 passed, 2 failed"));
}

#[test]
fn explain_a_code() {
    let project = Project::of(&[]);
    let told = project.told(&["explain", "e0001"]);
    assert!(told.contains("# E0001: ") && told.ends_with("exit code 0\n"), "{told}");
    let unknown = project.told(&["explain", "E001"]);
    assert!(unknown.contains("there is no code `E001`; did you mean `E0001`?") && unknown.ends_with("exit code 2\n"), "{unknown}");
    assert!(unknown.contains("`weir explain` without a code lists them all"), "{unknown}");
    assert!(project.told(&["explain"]).contains("E00  files\n  E0001"));
}

#[test]
fn every_option_has_its_twin_in_the_environment() {
    for command in ["check", "build", "dis", "fmt", "run", "snap", "test"] {
        let help = String::from_utf8(Project::of(&[]).command(&[command, "--help"]).output().unwrap().stdout).unwrap();
        let options = help.lines().filter(|line| ["--", "-o"].iter().any(|start| line.trim_start().starts_with(start))).count();
        let twins = help.split_whitespace().collect::<Vec<_>>().join(" ").matches("[env: WEIR_").count();
        assert_eq!(twins, options + 1, "the path has one too:\n{help}");
    }
    let output = Project::credit().command(&["check"]).env("WEIR_FORMAT", "json").output().unwrap();
    assert_eq!(output.stdout, b"");
}

#[test]
fn colours_are_for_those_who_want_them() {
    let project = Project::of(&[("wrong.flow", "entity a { name texd(9) }\n")]);
    let coloured = |variables: &[(&str, &str)]| {
        let output = project.command(&["check"]).envs(variables.iter().copied()).output().unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(!coloured(&[]), "a pipe is no terminal");
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "0")]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn a_project_from_standard_input() {
    use std::io::Write;
    let project = Project::of(&[]);
    let mut command = project.command(&["check", "-", "--format", "short"]);
    let mut child = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"entity a { name texd }\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("<stdin>:1:17: error[E02"));
}

#[test]
fn a_project_names_its_store_zone_and_limits() {
    let rules = "entity note { text text(20) born date }\n\
        flow Stamp on note {\n  trigger create\n  stage pre-operation\n  set born = today\n}\n\
        scenario one { let a = create note { text = \"x\" } }\n\
        test \"the zone counts\" {\n  let a = create note { text = \"x\" }\n  expect a.born == 2025-12-31\n}\n";
    let config = "store = \"sqlite:notes.db\"\ntimezone = \"America/New_York\"\n[limits]\ndepth = 3\ninstructions = 1_000\n";
    let project = Project::of(&[("notes.flow", rules), ("weir.toml", config)]);
    let ends_well = |arguments: &[&str]| project.told(arguments).ends_with("--- exit code 0\n");
    assert!(ends_well(&["test"]), "midnight in UTC is the evening before in New York");
    assert!(ends_well(&["run", "--store", "sqlite::memory:"]));
    let store = project.dir.path().join("notes.db");
    assert!(!store.exists(), "what the command line names goes before the project");
    let elsewhere = tempfile::tempdir().unwrap();
    let path = project.dir.path().to_str().unwrap().to_owned();
    let run = project.command(&["run", &path]).current_dir(elsewhere.path()).output().unwrap();
    assert!(run.status.success() && store.exists(), "the file is seen from the project's folder");
}

#[test]
fn what_is_wrong_in_the_settings_of_a_project() {
    let config = "stor = \"sqlite:notes.db\"\ntimezone = \"Mars/Olympus\"\nallow-command = [\"sh\"]\n\n[limits]\ndepth = 9\n";
    let rules = ("a.flow", "entity note { text text(20) }\n");
    let told: Vec<String> = [config, "store =\n", "limits = 3\nstore = 4\n"]
        .iter()
        .map(|config| Project::of(&[rules, ("weir.toml", config)]).told(&["check"]))
        .collect();
    snapshot!(told.join("\n"));
}

#[test]
fn what_is_wrong_with_the_mail_server_of_a_project() {
    let rules = ("a.flow", "entity note { text text(20) }\n");
    let told: Vec<String> = [
        "[smtp]\nport = 99_999\npassword = \"secret\"\nsecurity = \"ssl\"\n",
        "[smtp]\nhost = \"mail.example.com\"\nfrom = \"nobody\"\nsecurity = \"none\"\nuser = \"crm\"\npassword_env = \"P\"\n",
        "smtp = 3\n",
        "[smtp]\nhost = \"mail.example.com\"\nfrom = \"a@example.com\"\nuser = \"crm\"\npassword_env = \"P\"\npassword_file = \"p\"\n",
        "[smtp]\nhost = \"mail.example.com\"\nfrom = \"A <a@example.com>\"\nuser = \"crm\"\npassword_file = \"p\"\n",
    ]
    .iter()
    .map(|config| Project::of(&[rules, ("weir.toml", config)]).told(&["check"]))
    .collect();
    snapshot!(told.join("\n"));
}

const SLIPS: &str = "entity account {\n  name string required\n  onhold bool\n}\n\nflow Later on account {\n  triger create, update(name);\n  stage pre-operation\n  if name = 'Ünder' && onhld {\n    onhold := false\n  }\n  colour = 3\n}\n";

#[test]
fn check_mends_what_it_can() {
    let fine = "choice Rating { hot = 1 }\n";
    let project = Project::of(&[("slips.flow", SLIPS), ("fine.flow", fine)]);
    let told = project.told(&["check", "--fix"]);
    let now = fs::read_to_string(project.dir.path().join("slips.flow")).unwrap();
    snapshot!(format!("{SLIPS}\n{told}\n{now}\n{}", project.told(&["check", "--fix"])));
    assert_eq!(fs::read_to_string(project.dir.path().join("fine.flow")).unwrap(), fine);
    assert_eq!(fs::read_to_string(project.dir.path().join("slips.flow")).unwrap(), now, "what is left isn't touched again");
}

#[test]
fn check_mends_standard_input() {
    use std::io::Write;
    let project = Project::of(&[]);
    let mut command = project.command(&["check", "-", "--fix"]);
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"entity a { name string }\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "entity a { name text }\n");
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(told, "<stdin>:1: fixed E0204: entity a { name string } → entity a { name text }\n");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn check_for_github_and_code_scanning() {
    let wrong = "entity account {\n  name text(40)\n  rate choice { a = 1, b = 2 }\n}\n\nflow Later on account {\n  trigger create, update\n  wait 3 days\n  set nmae = \"x, 100 %\"\n  match rate {\n    a => {}\n  }\n}\n";
    let project = Project::of(&[("wrong, really.flow", wrong), ("fine.flow", "choice Rating { hot = 1 }\n")]);
    let told: Vec<String> = ["github", "sarif"].iter().map(|format| project.told(&["check", "--format", format])).collect();
    // The pages that the rules quote change by themselves.
    let results = told[1].split_once("\"columnKind\"").unwrap().1;
    snapshot!(format!("{wrong}\n{}\n…{results}", told[0]));
}

/// The documents of several projects against the schema of the standard.
#[test]
fn sarif_is_valid() {
    let mut schema: serde_json::Value = serde_json::from_str(include_str!("cases/sarif/sarif-schema-2.1.0.json")).unwrap();
    // As it is published, the pattern of these properties is no regular expression.
    for of in ["run", "toolComponent"] {
        schema["definitions"][of]["properties"]["language"].as_object_mut().unwrap().remove("pattern");
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    let projects = [
        Project::of(&[("slips.flow", SLIPS)]),
        Project::credit(),
        Project::of(&[]),
        Project::of(&[("two.flow", "entity a { name text }\nentity A { name text }\n")]),
    ];
    for project in projects {
        let output = project.command(&["check", "--format", "sarif"]).output().unwrap();
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    let broken = serde_json::json!({ "version": "2.1.0", "runs": [{ "results": [] }] });
    assert!(!validator.is_valid(&broken), "the schema is held against something");
}

#[test]
fn an_allowed_warning_is_not_told() {
    let flow = |allowed: &str| {
        format!(
            "entity a {{ name text(9) required }}\nflow F on a {{\n  trigger update(name)\n  if name is empty {{ log \"x\" }}{allowed}\n}}\n"
        )
    };
    let told = |allowed: &str| Project::of(&[("a.flow", &flow(allowed))]).told(&["check", "--format", "short"]);
    assert!(told("").contains("a.flow:4:6: warning[W0503]"));
    assert_eq!(told(" // allow W0503: imports leave it empty"), "$ weir check --format short\n--- exit code 0\n");
    assert!(told(" // allow W0503").contains("a.flow:4:32: warning[W0104]: the reason is missing"), "{}", told(" // allow W0503"));
    assert!(told(" // allow W0501: imports").contains("warning[W0103]: there is no warning W0501 in this line to allow"));
}

#[test]
fn a_scenario_takes_no_option_that_says_something_of_operations() {
    let project = Project::of(&[("products.flow", &format!("{PRODUCTS}\nscenario \"one\" {{ create product {{ code = \"A\" }} }}\n"))]);
    assert!(project.told(&["run"]).ends_with("exit code 0\n"));
    for option in ["--batch 10", "--as somebody", "--dry-run"] {
        let words: Vec<&str> = std::iter::once("run").chain(option.split(' ')).collect();
        let told = project.told(&words);
        assert!(told.contains("--ops <FILE>") && told.ends_with("exit code 2\n"), "{told}");
    }
}
