//! Bad input through the real binary: each case says what it gets before it is run.
//!
//! Every run is bounded: two gigabytes of address space and a minute. What is expected: a message that says where, the
//! exit code of the command line's contract, and nothing half-written.

#![cfg(test)]
#![cfg(unix)]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[path = "support/not_run.rs"]
mod not_run;

use not_run::not_run;

use tempfile::TempDir;

const PROJECT: &str = r#"
entity account {
  name      text(20) required
  revenue   money
  employees integer(0..1000)
  industry  choice { banking = 1, retail = 2 }
}

flow Guard on account {
  trigger create, update(revenue)
  stage   pre-operation

  if revenue > 1_000 {
    stop "too much"
  }
}

scenario demo {
  let a = create account { name = "Acme" }
  show a.name
}
"#;

/// A folder with a project in it, and a place for everything else that a case needs.
struct Case {
    dir: TempDir,
}

/// What a run gave.
struct Run {
    code: i32,
    out: String,
    err: String,
}

impl Case {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("project")).unwrap();
        let case = Case { dir };
        case.write("project/main.flow", PROJECT);
        case
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Runs `weir` in the case's folder.
    fn weir(&self, arguments: &[&str]) -> Run {
        run(self.bounded("", Path::new(env!("CARGO_BIN_EXE_weir")), arguments), b"")
    }

    /// Runs `weir` as somebody whom file modes hold; nothing where there is no way to be one.
    fn weir_unprivileged(&self, arguments: &[&str]) -> Run {
        fs::set_permissions(self.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let binary = self.path("weir");
        // By another process: one that another test forks here meanwhile would hold the copy open for writing, and it couldn't be run.
        assert!(Command::new("cp").arg(env!("CARGO_BIN_EXE_weir")).arg(&binary).status().unwrap().success());
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = self.bounded("", &binary, arguments);
        if is_root() {
            command.uid(65_534).gid(65_534);
        }
        run(command, b"")
    }

    fn bounded(&self, before: &str, binary: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("ulimit -v 2097152; {before} exec \"$@\"")).arg("sh").arg(binary).args(arguments);
        command.current_dir(self.dir.path()).env("NO_COLOR", "1").env_remove("CLICOLOR_FORCE");
        command
    }

    /// Runs operations of a file in the project against a file, and gives the run and how many accounts there are after it.
    fn operations(&self, file: &str, content: impl AsRef<[u8]>, more: &[&str]) -> (Run, u64) {
        self.write(file, content);
        let mut arguments = vec!["run", "project", "--ops", file, "--store", "sqlite:out.db"];
        arguments.extend_from_slice(more);
        let run = self.weir(&arguments);
        (run, self.accounts())
    }

    fn csv(&self, content: impl AsRef<[u8]>) -> (Run, u64) {
        self.operations("ops.csv", content, &["--entity", "account"])
    }

    fn json(&self, content: impl AsRef<[u8]>) -> (Run, u64) {
        self.operations("ops.jsonl", content, &[])
    }

    /// How many accounts are in the store; none where it isn't there.
    fn accounts(&self) -> u64 {
        let path = self.path("out.db");
        if !path.exists() {
            return 0;
        }
        let database = rusqlite::Connection::open(path).unwrap();
        let check: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
        database.query_row("SELECT count(*) FROM account", [], |row| row.get::<_, i64>(0)).unwrap_or(0) as u64
    }
}

impl Run {
    /// It ended with this code, and said this somewhere.
    #[track_caller]
    fn gives(&self, code: i32, fragments: &[&str]) -> &Self {
        let said = format!("{}{}", self.out, self.err);
        assert_eq!(self.code, code, "{said}");
        for fragment in fragments {
            assert!(said.contains(fragment), "`{fragment}` is not in:\n{said}");
        }
        assert!(!said.contains("panicked"), "{said}");
        assert!(said.len() < 64 * 1024, "{} bytes of output", said.len());
        self
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0)
}

/// Runs a command to its end, or for a minute.
fn run(mut command: Command, input: &'static [u8]) -> Run {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::spawn(move || stdin.write_all(input));
    let read = |mut pipe: Box<dyn std::io::Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).map(|_| String::from_utf8_lossy(&bytes).into_owned())
        })
    };
    let out = read(Box::new(child.stdout.take().unwrap()));
    let err = read(Box::new(child.stderr.take().unwrap()));
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "it took more than a minute, killed: {:?}", child.kill());
        std::thread::sleep(Duration::from_millis(3));
    };
    let (out, err) = (out.join().unwrap().unwrap(), err.join().unwrap().unwrap());
    Run { code: status.code().unwrap_or(-1), out, err }
}

// Texts

#[test]
fn not_utf8() {
    let case = Case::new();
    case.write("project/bad.flow", b"entity a {\n  name text(10)\n}\n// caf\xe9\n");
    case.weir(&["check", "project", "--format", "short"]).gives(1, &["bad.flow:4:7: error[E0", "UTF-8"]);
}

#[test]
fn a_nul() {
    let case = Case::new();
    case.write("project/bad.flow", b"entity a {\n  na\0me text(10)\n}\n");
    case.weir(&["check", "project", "--format", "short"]).gives(1, &["bad.flow:2:5: error[E0"]);
}

#[test]
fn ten_megabytes_of_brackets() {
    let case = Case::new();
    case.write("brackets.flow", "(".repeat(10_000_000));
    case.weir(&["check", "brackets.flow"]).gives(1, &["brackets.flow:1:", "error[E01"]);
    let inside = format!("{}\nflow F on account {{ trigger create if {}", PROJECT, "(".repeat(10_000_000));
    case.write("inside.flow", inside);
    case.weir(&["check", "inside.flow"]).gives(1, &["inside.flow:23:", "error[E01", "64"]);
}

#[test]
fn a_hundred_thousand_nested_blocks() {
    let case = Case::new();
    let blocks = format!("{}{}", "if onhold {\n".repeat(100_000), "}\n".repeat(100_000));
    case.write("nested.flow", format!("entity a {{ name text(9) onhold boolean }}\nflow F on a {{\ntrigger create\n{blocks}}}\n"));
    case.weir(&["check", "nested.flow"]).gives(1, &["nested.flow:", "error[E01", "64"]);
}

#[test]
fn a_chain_of_two_hundred_thousand_plus() {
    let case = Case::new();
    let chain = vec!["1"; 200_001].join(" + ");
    case.write(
        "chain.flow",
        format!("entity a {{ name text(9) n integer }}\nflow F on a {{\ntrigger create\nstage pre-operation\nset n = {chain}\n}}\n"),
    );
    case.weir(&["check", "chain.flow"]).gives(1, &["chain.flow:5:", "error[E01"]);
}

#[test]
fn three_hundred_flows_that_all_start_each_other() {
    let case = Case::new();
    let flows: String = (0..300).map(|rank| format!("flow F{rank} on a {{ trigger update(n) rank {rank} set n += 1 }}\n")).collect();
    case.write("clique.flow", format!("entity a {{ name text(9) n integer }}\n{flows}"));
    case.weir(&["check", "clique.flow", "--format", "short"]).gives(1, &["clique.flow:2:", "error[E1001]"]);
}

#[test]
fn more_than_a_file_may_hold() {
    let case = Case::new();
    case.write("large.flow", " ".repeat(16 * 1024 * 1024 + 1));
    case.weir(&["check", "large.flow"]).gives(1, &["large.flow", "error[E0", "16 MiB"]);
}

#[test]
fn an_empty_file() {
    let case = Case::new();
    case.write("empty.flow", "");
    case.weir(&["check", "empty.flow"]).gives(0, &["no problems in 1 file"]);
    case.weir(&["run", "empty.flow"]).gives(2, &["no scenario"]);
    case.weir(&["test", "empty.flow"]).gives(0, &["0 passed, 0 failed"]);
}

// Files

#[test]
fn a_folder_without_flows() {
    let case = Case::new();
    fs::create_dir(case.path("nothing")).unwrap();
    for command in ["check", "build", "run", "test", "dis"] {
        case.weir(&[command, "nothing"]).gives(1, &["nothing", "error[E0"]);
    }
    assert!(!case.path("nothing.flowc").exists());
}

#[test]
fn a_path_that_is_not_there() {
    let case = Case::new();
    for command in ["check", "build", "run", "test", "dis"] {
        case.weir(&[command, "nowhere"]).gives(4, &["nowhere", "error[E0001]"]);
    }
}

#[test]
fn an_unreadable_file() {
    let case = Case::new();
    symlink("gone", case.path("project/dangling.flow")).unwrap();
    case.weir(&["check", "project"]).gives(4, &["dangling.flow", "error[E0001]"]);
    let case = Case::new();
    let secret = case.write("project/secret.flow", "entity a { name text(9) }");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    case.weir_unprivileged(&["check", "project"]).gives(4, &["secret.flow", "error[E0001]", "ermission denied"]);
}

#[test]
fn a_folder_with_the_name_of_a_flow() {
    let case = Case::new();
    case.write("project/folder.flow/inner.flow", "entity inner { name text(9) }");
    // Folders are looked into, whatever they are called.
    case.weir(&["check", "project"]).gives(0, &["no problems in 2 files"]);
}

// Compiled files

fn compiled() -> (Case, Vec<u8>) {
    let case = Case::new();
    case.weir(&["build", "project", "-o", "good.flowc"]).gives(0, &[]);
    case.weir(&["check", "good.flowc"]).gives(1, &["error[E0002]", "this is a compiled project"]);
    let bytes = fs::read(case.path("good.flowc")).unwrap();
    (case, bytes)
}

#[test]
fn a_compiled_file_with_one_flipped_bit() {
    let (case, bytes) = compiled();
    let places = (0..bytes.len().min(64)).chain((64..bytes.len()).step_by((bytes.len() / 40).max(1))).chain([bytes.len() - 1]);
    for place in places {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1 << (place % 8);
        case.write("bad.flowc", &damaged);
        case.weir(&["dis", "bad.flowc"]).gives(1, &["bad.flowc", "error[E08"]);
    }
}

#[test]
fn a_truncated_a_longer_and_a_foreign_compiled_file() {
    let (case, bytes) = compiled();
    for length in [0, 1, 3, 7, 8, 20, 40, bytes.len() / 2, bytes.len() - 1] {
        case.write("bad.flowc", &bytes[..length]);
        case.weir(&["dis", "bad.flowc"]).gives(1, &["bad.flowc", "error[E08"]);
    }
    let longer: Vec<u8> = bytes.iter().copied().chain([0]).collect();
    for foreign in [longer, b"\x7fELF\x02\x01\x01 and so on".to_vec(), PROJECT.as_bytes().to_vec(), vec![0xff; 4096]] {
        case.write("bad.flowc", foreign);
        case.weir(&["dis", "bad.flowc"]).gives(1, &["bad.flowc", "error[E08"]);
        case.weir(&["run", "bad.flowc", "--ops", "-"]).gives(1, &["bad.flowc", "error[E08"]);
    }
}

#[test]
fn a_failed_build_leaves_nothing() {
    let case = Case::new();
    case.write("wrong/main.flow", "entity a { name text(9) }\nflow F on b { trigger create }\n");
    case.weir(&["build", "wrong", "-o", "wrong.flowc"]).gives(1, &["main.flow:2:11", "error[E0"]);
    case.weir(&["build", "project", "-o", "nowhere/out.flowc"]).gives(4, &["nowhere/out.flowc"]);
    let left: Vec<_> = fs::read_dir(case.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "project" || name == "wrong"), "{left:?}");
}

#[test]
fn a_build_onto_its_source() {
    let case = Case::new();
    case.weir(&["build", "project", "-o", "project/main.flow"]).gives(2, &["`project/main.flow` has the name of a source"]);
    assert_eq!(fs::read_to_string(case.path("project/main.flow")).unwrap(), PROJECT);
}

// Operations

#[test]
fn csv_with_a_missing_column() {
    let (run, count) = Case::new().csv("revenue,employees\n1,2\n");
    run.gives(1, &["ops.csv:1: error[O01", "`name`"]);
    assert_eq!(count, 0);
}

#[test]
fn csv_with_a_column_too_many() {
    let (run, count) = Case::new().csv("name,turnover\nAcme,2\n");
    run.gives(0, &["ops.csv:1: warning[O01", "`turnover`", "1 committed"]);
    assert_eq!(count, 1);
}

#[test]
fn csv_with_a_column_twice() {
    let (run, count) = Case::new().csv("name,Name\nAcme,Bolt\n");
    run.gives(1, &["ops.csv:1: error[O01", "`Name`"]);
    assert_eq!(count, 0);
}

#[test]
fn csv_with_very_many_columns() {
    let csv = |count: usize| {
        let columns: String = (0..count).map(|index| format!(",c{index}")).collect();
        Case::new().csv(format!("name{columns}\nAcme{}\n", ",".repeat(count)))
    };
    let (run, count) = csv(4_000);
    run.gives(0, &["ops.csv:1: warning[O0109]: the columns `c0`, `c1`", "and 3980 more are no fields of `account`"]);
    assert_eq!(count, 1);
    let (run, count) = csv(100_000);
    run.gives(1, &["ops.csv:1: error[O0112]: there are more than 4,096 cells"]);
    assert_eq!(count, 0);
}

#[test]
fn what_a_file_says_can_not_dress_up_a_message() {
    let (run, _) = Case::new().json("{\"message\":\"Create\",\"entity\":\"a\u{202e}b\"}\n");
    run.gives(1, &["ops.jsonl:1: error[O0105]: there is no entity `a\u{fffd}b`"]);
    let (run, _) = Case::new().json("{\"message\":\"Create\",\"entity\":\"account\",\"attributes\":{\"name\":\"\\ud800\"}}\n");
    run.gives(1, &["ops.jsonl:1: error[O0107]: `name`: unexpected end of hex escape\n"]);
}

#[test]
fn flows_without_number_in_one_operation() {
    let case = Case::new();
    let child = |depth: u32| {
        let next = format!("start K{0} on this ", depth + 1).repeat(3);
        format!("flow K{depth} on ticket {{ trigger child {next}}}\n")
    };
    let children: String = (0..20).map(child).collect();
    case.write(
        "tree/main.flow",
        format!(
            "entity ticket {{ name text(20) required }}\n{children}flow K20 on ticket {{ trigger child log \"x {{name}}\" }}
             flow A on ticket {{ trigger create start K0 on this }}
             test \"it ends\" {{ let a = create ticket {{ name = \"a\" }} }}"
        ),
    );
    case.weir(&["test", "tree"]).gives(1, &["error[F12]", "ran        A, K0, K1", " more\n"]);
}

#[test]
fn csv_with_broken_quotes() {
    let (run, count) = Case::new().csv("name,revenue\n\"Ac\"me,1\nBolt,2\n\"Crane,3\nDelta,4\n");
    run.gives(1, &["ops.csv:2: error[O01", "ops.csv:4: error[O01", "quote", "1 committed"]);
    assert_eq!(count, 1, "only Bolt: what an open quote swallows is not guessed at");
}

#[test]
fn csv_with_line_ends_of_carriage_returns() {
    let (run, count) = Case::new().csv("name,revenue\rAcme,1\rBolt,2\r");
    run.gives(1, &["ops.csv:1: error[O01", "carriage return"]);
    assert_eq!(count, 0);
    let (run, count) = Case::new().csv("name,revenue\r\nAcme,1\r\nBo\rlt,2\r\n");
    run.gives(1, &["ops.csv:3: error[O01", "carriage return", "1 committed"]);
    assert_eq!(count, 1);
}

#[test]
fn settings_that_are_no_file() {
    let case = Case::new();
    std::fs::create_dir(case.path("project/weir.toml")).unwrap();
    case.weir(&["check", "project"]).gives(4, &["weir.toml"]);
}

#[test]
fn a_damaged_value_fails_its_own_operation_and_no_other() {
    let case = Case::new();
    case.write(
        "project/main.flow",
        "entity account { name text(20) revenue money key (name) }\nflow Tell on account { trigger update(revenue) log \"{createdon}\" }\n",
    );
    let (run, count) = case.csv("name,revenue\nAcme,1\nBolt,2\nCrane,3\n");
    run.gives(0, &["3 committed"]);
    assert_eq!(count, 3);
    let store = rusqlite::Connection::open(case.path("out.db")).unwrap();
    store.execute("UPDATE account SET createdon = 9223372036854775807 WHERE name = 'Bolt'", []).unwrap();
    drop(store);
    let (run, _) = case.json(
        ["Acme", "Bolt", "Crane"]
            .map(|name| {
                format!("{{\"message\":\"Update\",\"entity\":\"account\",\"id\":{{\"name\":\"{name}\"}},\"attributes\":{{\"revenue\":5}}}}")
            })
            .join("\n"),
    );
    run.gives(1, &["ops.jsonl:2: error[F23]", "createdon", "2 committed"]);
}

#[test]
fn csv_with_wrong_column_counts() {
    let (run, count) = Case::new().csv("name,revenue\nAcme\nBolt,2\nCrane,3,4\n");
    run.gives(1, &["ops.csv:2: error[O01", "ops.csv:4: error[O01", "1 committed"]);
    assert_eq!(count, 1);
}

#[test]
fn csv_that_is_not_text() {
    let (run, count) = Case::new().csv(b"\xef\xbb\xbfName,revenue\nCaf\xe9,1\nNu\0l,2\nBolt,3\n");
    run.gives(1, &["ops.csv:2: error[O01", "UTF-8", "ops.csv:3: error[O01", "1 committed"]);
    assert_eq!(count, 1);
}

#[test]
fn csv_of_nothing() {
    let (run, count) = Case::new().csv("");
    run.gives(1, &["ops.csv:1: error[O01"]);
    assert_eq!(count, 0);
    Case::new().operations("ops.csv", "name\nA\n", &[]).0.gives(2, &["--entity"]);
    Case::new().operations("ops.csv", "name\nA\n", &["--entity", "acount"]).0.gives(1, &["`acount`", "`account`"]);
}

#[test]
fn json_lines_that_are_not_objects() {
    let good = r#"{"message":"Create","entity":"account","attributes":{"name":"Acme"}}"#;
    let bad = ["[1, 2]", "7", "\"text\"", "{", "{}", "null", "{\"message\":\"Create\"} x", "{'message': 1}", "\u{0}"];
    let (run, count) = Case::new().json(format!("{}\n{good}\n", bad.join("\n")));
    run.gives(1, &["1 committed"]);
    for line in 1..=bad.len() {
        run.gives(1, &[&format!("ops.jsonl:{line}: error[O01")]);
    }
    assert_eq!(count, 1);
}

#[test]
fn json_lines_that_attack() {
    let deep = format!(r#"{{"message":"Create","entity":"account","attributes":{{"name":{}}}}}"#, "[".repeat(1_000_000));
    let long = format!(r#"{{"message":"Create","entity":"account","attributes":{{"name":"{}"}}}}"#, "x".repeat(20_000_000));
    let twice = r#"{"message":"Create","entity":"account","attributes":{"name":"A","name":"B"}}"#;
    let again = r#"{"message":"Create","message":"Delete","entity":"account","attributes":{"name":"A"}}"#;
    let nul = r#"{"message":"Create","entity":"account","attributes":{"name":"A\u0000B"}}"#;
    let (run, count) = Case::new().json(format!("{deep}\n{long}\n{twice}\n{again}\n{nul}\n"));
    for line in 1..=5 {
        run.gives(1, &[&format!("ops.jsonl:{line}: error[O01")]);
    }
    run.gives(1, &["0 committed"]);
    assert_eq!(count, 0);
}

#[test]
fn lists_of_targets_that_attack() {
    let multiple = |targets: &str| format!(r#"{{"message":"CreateMultiple","entity":"account","targets":[{targets}]}}"#);
    let targets = |count: usize| vec![r#"{"name":"A"}"#; count].join(",");
    let many = multiple(&vec!["1"; 8_000_000].join(","));
    let parts: Vec<String> = (0..1_000_000).map(|number| format!(r#""f{number}":1"#)).collect();
    let wide = multiple(&format!("{{{}}}", parts.join(",")));
    let deep = multiple(&"[".repeat(1_000_000));
    let key = format!(r#"{{"message":"Delete","entity":"account","id":{}}}"#, r#"{"name":"#.repeat(1_000_000));
    let lines = [many, wide, deep, key, multiple(&targets(1_001)), multiple(&targets(1_000))];
    let (run, count) = Case::new().json(lines.join("\n"));
    for line in 1..=5 {
        run.gives(1, &[&format!("ops.jsonl:{line}: error[O01")]);
    }
    let more = "more than 1000 `targets`; divide them into several operations";
    run.gives(1, &[&format!("ops.jsonl:1: error[O0101]: there are {more}"), &format!("ops.jsonl:5: error[O0101]: there are {more}")]);
    run.gives(1, &["ops.jsonl:2: error[O0101]: target 1: an object has more than 2000 parts", "1 committed"]);
    assert_eq!(count, 1_000);
}

#[test]
fn operations_that_make_no_sense() {
    let cases: &[(&str, &[&str])] = &[
        (r#"{"message":"Create","entity":"acount","attributes":{}}"#, &["`acount`", "`account`"]),
        (r#"{"message":"Create","entity":"account","attributes":{"nmae":"A"}}"#, &["`nmae`", "`name`"]),
        (r#"{"message":"Craete","entity":"account","attributes":{"name":"A"}}"#, &["`Craete`", "`Create`"]),
        (r#"{"message":"Upsert","entity":"account","attributes":{"name":"A"}}"#, &["`id` is missing"]),
        (r#"{"message":"Upsert","entity":"account","id":7}"#, &["`7`", "key"]),
        (r#"{"message":"Upsert","entity":"account","id":{"nmae":"A"}}"#, &["`nmae`", "`name`"]),
        (r#"{"message":"Update","entity":"account","id":{"name":5}}"#, &["`name`", "text"]),
        (r#"{"message":"Create","entity":"account","id":{"name":"A"}}"#, &["`id` has to be a uuid", "`Upsert`"]),
        (r#"{"message":"Delete","entity":"account","id":["A"]}"#, &["`id` has to be a uuid"]),
        (r#"{"message":"Assign","entity":"account","id":{"name":"A"},"attributes":{"name":"B"}}"#, &["an `Assign` has `ownerid`"]),
        (r#"{"message":"Assign","entity":"account","id":{"name":"A"}}"#, &["an `Assign` has `ownerid`"]),
        (
            r#"{"message":"SetState","entity":"account","id":{"name":"A"},"attributes":{"statuscode":1,"name":"B"}}"#,
            &["a `SetState` has `statecode` or `statuscode`"],
        ),
        (r#"{"message":"CreateMultiple","entity":"account"}"#, &["`targets` is missing"]),
        (r#"{"message":"CreateMultiple","entity":"account","targets":{}}"#, &["`targets` has to be a list"]),
        (r#"{"message":"CreateMultiple","entity":"account","targets":[]}"#, &["`targets` is empty"]),
        (r#"{"message":"CreateMultiple","entity":"account","targets":[{"name":"A"},[]]}"#, &["target 2: it has to be an object"]),
        (r#"{"message":"CreateMultiple","entity":"account","targets":[{"name":"A"},{"nmae":"B"}]}"#, &["target 2: ", "`nmae`"]),
        (r#"{"message":"CreateMultiple","entity":"account","targets":[{"name":"A","name":"B"}]}"#, &["target 1: `name` is there twice"]),
        (r#"{"message":"CreateMultiple","entity":"account","targets":[{}],"attributes":{"name":"A"}}"#, &["takes no `attributes`"]),
        (r#"{"message":"UpdateMultiple","entity":"account","targets":[{"name":"A"}]}"#, &["target 1: `id` is missing"]),
        (r#"{"message":"UpdateMultiple","entity":"account","targets":[{"id":{"name":"A"}}]}"#, &["target 1: ", "by the fields of a key"]),
        (r#"{"message":"Update","entity":"account","targets":[{"name":"A"}]}"#, &["an `Update` takes no `targets`"]),
        (r#"{"message":"Create","entity":"account","attributes":{"name":5}}"#, &["`name`", "text"]),
        (r#"{"message":"Create","entity":"account","attributes":{"name":"A","revenue":"much"}}"#, &["`revenue`", "`much`"]),
        (r#"{"message":"Create","entity":"account","attributes":{"name":"A","industry":"bankng"}}"#, &["`bankng`", "`banking`"]),
        (r#"{"message":"Create","entity":"account","attributes":{"name":"A","industry":7}}"#, &["`industry`", "7"]),
        (r#"{"message":"Create","entity":"account","attributes":{"name":"A","employees":1.5}}"#, &["`employees`"]),
        (r#"{"message":"Create","entity":"account","attributes":{"name":"A","employees":{"a":1}}}"#, &["`employees`"]),
        (r#"{"message":"Create","entity":"account","attributes":[]}"#, &["attributes"]),
        (r#"{"message":"Update","entity":"account","attributes":{"name":"A"}}"#, &["id"]),
        (r#"{"message":"Update","entity":"account","id":"17","attributes":{"name":"A"}}"#, &["`17`"]),
        (r#"{"message":"Create","entity":"account","atributes":{"name":"A"}}"#, &["`atributes`", "`attributes`"]),
    ];
    let lines: Vec<&str> = cases.iter().map(|(line, _)| *line).collect();
    let (run, count) = Case::new().json(lines.join("\n"));
    assert_eq!(count, 0);
    for (number, (_, fragments)) in (1..).zip(cases) {
        let start = format!("ops.jsonl:{number}: error[");
        let said = run.err.lines().chain(run.out.lines()).find(|line| line.starts_with(&start));
        let said = said.unwrap_or_else(|| panic!("nothing about line {number}:\n{}{}", run.out, run.err));
        for fragment in *fragments {
            assert!(said.contains(fragment), "`{fragment}` is not in: {said}");
        }
    }
    run.gives(1, &["0 committed"]);
}

#[test]
fn values_out_of_range() {
    let (run, count) = Case::new().csv(
        "name,revenue,employees\nA name that is longer than twenty,1,1\nAcme,1,1001\nBolt,1,-1\nCrane,1e40,1\nDelta,0.00001,1\n,1,1\nEcho,2000,1\nFine,1000,1000\n",
    );
    for line in 2..=7 {
        run.gives(1, &[&format!("ops.csv:{line}: ")]);
    }
    run.gives(1, &["ops.csv:8: ", "too much", "1 committed", "1 stopped"]);
    assert_eq!(count, 1);
}

#[test]
fn a_fault_in_a_batch_undoes_its_own_record_only() {
    let case = Case::new();
    let rows = "name,revenue\nAcme,1\nBolt,2000\nCrane,x\nDelta,4\n";
    let (run, count) = case.operations("ops.csv", rows, &["--entity", "account", "--batch", "3"]);
    run.gives(1, &["ops.csv:3: ", "ops.csv:4: error[O01", "2 committed", "1 stopped"]);
    assert_eq!(count, 2);
}

#[test]
fn a_rule_that_stops_has_its_own_exit_code() {
    let (run, count) = Case::new().csv("name,revenue\nAcme,1\nBolt,2000\n");
    run.gives(3, &["ops.csv:3: ", "too much", "1 committed", "1 stopped"]);
    assert_eq!(count, 1);
}

#[test]
fn an_unreadable_file_of_operations() {
    let case = Case::new();
    case.weir(&["run", "project", "--ops", "nowhere.jsonl"]).gives(4, &["nowhere.jsonl", "error[O01"]);
    case.weir(&["run", "project", "--ops", "project"]).gives(4, &["project", "error[O01"]);
}

// Stores

const ONE: &str = r#"{"message":"Create","entity":"account","attributes":{"name":"Acme"}}"#;

#[test]
fn a_database_file_that_is_not_a_database() {
    let case = Case::new();
    for content in [PROJECT.as_bytes().to_vec(), vec![0xa5; 100_000], b"SQLite format 3\0and then nothing of the kind".to_vec()] {
        case.write("out.db", &content);
        case.write("ops.jsonl", ONE);
        case.weir(&["run", "project", "--ops", "ops.jsonl", "--store", "sqlite:out.db"]).gives(4, &["out.db", "error[S01"]);
        assert_eq!(fs::read(case.path("out.db")).unwrap(), content, "it is left as it was");
    }
}

#[test]
fn a_database_of_a_newer_format() {
    let case = Case::new();
    assert_eq!(case.json(ONE).1, 1);
    let database = rusqlite::Connection::open(case.path("out.db")).unwrap();
    let version: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert!(version > 0, "the format is kept in `user_version`");
    database.pragma_update(None, "user_version", version + 1).unwrap();
    drop(database);
    let (run, count) = case.json(ONE);
    run.gives(4, &["out.db", "error[S01", "newer"]);
    assert_eq!(count, 1);
}

#[test]
fn a_database_that_somebody_else_made() {
    let case = Case::new();
    let database = rusqlite::Connection::open(case.path("out.db")).unwrap();
    database.execute_batch("CREATE TABLE account (something TEXT); INSERT INTO account VALUES ('mine')").unwrap();
    drop(database);
    let (run, count) = case.json(ONE);
    run.gives(4, &["out.db", "error[S01"]);
    assert_eq!(count, 1);
}

#[test]
fn a_store_that_can_not_be_made() {
    let case = Case::new();
    case.write("ops.jsonl", ONE);
    for url in ["sqlite:nowhere/out.db", "sqlite:project", "sqlite:project/main.flow/out.db", "sqlite:/proc/weir.db"] {
        case.weir(&["run", "project", "--ops", "ops.jsonl", "--store", url]).gives(4, &[url.strip_prefix("sqlite:").unwrap(), "error[S01"]);
    }
    for url in ["oracle://x", "out.db", ""] {
        case.weir(&["run", "project", "--ops", "ops.jsonl", "--store", url]).gives(2, &["--store"]);
    }
}

#[test]
fn a_read_only_file_and_a_read_only_folder() {
    let case = Case::new();
    assert_eq!(case.json(ONE).1, 1);
    fs::set_permissions(case.path("out.db"), fs::Permissions::from_mode(0o444)).unwrap();
    let run = case.weir_unprivileged(&["run", "project", "--ops", "ops.jsonl", "--store", "sqlite:out.db"]);
    run.gives(4, &["out.db", "error[S01"]);
    let run = case.weir_unprivileged(&["run", "project", "--ops", "ops.jsonl", "--store", "sqlite:new.db"]);
    // Where these tests run as an ordinary user, the folder is theirs and a new file can be made.
    if is_root() {
        run.gives(4, &["new.db", "error[S01"]);
        assert!(!case.path("new.db").exists());
        case.weir_unprivileged(&["build", "project", "-o", "new.flowc"]).gives(4, &["new.flowc"]);
        assert!(!case.path("new.flowc").exists());
    }
    assert_eq!(case.accounts(), 1);
}

#[test]
fn a_full_disk_under_the_store() {
    // A file that may not grow beyond 200 KiB stands for a disk that is full: the write fails in the same place.
    let case = Case::new();
    let rows: String = (0..20_000).map(|n| format!("Account {n},1\n")).collect();
    case.write("ops.csv", format!("name,revenue\n{rows}"));
    let arguments = ["run", "project", "--ops", "ops.csv", "--entity", "account", "--batch", "500", "--store", "sqlite:out.db"];
    let run = run(case.bounded("trap '' XFSZ; ulimit -f 400;", Path::new(env!("CARGO_BIN_EXE_weir")), &arguments), b"");
    run.gives(4, &["out.db", "error[S01"]);
    assert_eq!(case.accounts() % 500, 0, "whole batches only");
}

#[test]
fn a_disk_that_is_really_full() {
    let case = Case::new();
    let disk = case.path("disk");
    fs::create_dir(&disk).unwrap();
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&disk).output();
    if !mount.is_ok_and(|mount| mount.status.success()) {
        not_run("nothing can be mounted here");
        return;
    }
    let rows: String = (0..20_000).map(|n| format!("Account {n},1\n")).collect();
    case.write("ops.csv", format!("name,revenue\n{rows}"));
    let url = "sqlite:disk/out.db";
    let run = case.weir(&["run", "project", "--ops", "ops.csv", "--entity", "account", "--batch", "500", "--store", url]);
    let full = case.path("disk/out.db");
    let kept = rusqlite::Connection::open_with_flags(&full, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|database| database.query_row("SELECT count(*) FROM account", [], |row| row.get::<_, i64>(0)));
    let build = case.weir(&["build", "project", "-o", "disk/out.flowc"]);
    let left = fs::read_dir(&disk).unwrap().filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().contains("flowc")).count();
    assert!(Command::new("umount").arg(&disk).status().unwrap().success());
    run.gives(4, &["out.db", "error[S01", "full", "were not kept"]);
    assert_eq!(kept.unwrap() % 500, 0, "whole batches only");
    if build.code != 0 {
        build.gives(4, &["disk/out.flowc"]);
        assert_eq!(left, 0, "nothing half-written");
    }
}

#[test]
fn a_full_disk_under_the_output() {
    let case = Case::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let Ok(full) = full else {
        not_run("there is no /dev/full here");
        return;
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(["check", "project"]).current_dir(case.dir.path()).stdout(full);
    let ended = command.output().unwrap();
    assert_eq!(ended.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("standard output"));
}

#[test]
fn a_reader_that_goes_away() {
    let case = Case::new();
    let binary = env!("CARGO_BIN_EXE_weir");
    let script = format!("'{binary}' explain E0001 | true; '{binary}' dis project | head -1");
    let ended = Command::new("sh").args(["-c", &script]).current_dir(case.dir.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}

// Usage

#[test]
fn wrong_usage() {
    let case = Case::new();
    case.weir(&[]).gives(2, &["Usage"]);
    case.weir(&["chekc"]).gives(2, &["chekc", "check"]);
    case.weir(&["check", "--format", "xml"]).gives(2, &["xml", "short"]);
    case.weir(&["deploy", "project"]).gives(2, &["--store"]);
    case.weir(&["activate", "Guard"]).gives(2, &["--store"]);
    case.weir(&["run", "project", "nothing"]).gives(2, &["`nothing`", "demo"]);
    case.weir(&["run", "project", "--ops", "-", "--batch", "0"]).gives(2, &["batch"]);
    case.weir(&["explain", "E9999"]).gives(2, &["E9999", "weir explain"]);
    case.weir(&["dis", "project", "--flow", "Gaurd"]).gives(2, &["`Gaurd`", "`Guard`"]);
}
