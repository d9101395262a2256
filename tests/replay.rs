//! Records through the real binary: written by runs, replayed without their store, asked why, told as tests.

#![cfg(test)]

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const RULES: &str = r#"entity account {
  name    text(100) required
  revenue money
  rating  choice { cold = 1, warm = 2, hot = 3 }
  reviews integer
  owner   lookup account
}

entity review {
  title text(100)
  about lookup account required
}

flow Rate on account {
  trigger create, update(revenue)
  stage   pre-operation
  when    (revenue ?? 0) > 1_000
  set rating = hot
}

flow Limit on account {
  trigger update(revenue)
  if (revenue ?? 0) > 9_000 { stop "too much for \"{name}\"" }
}

flow Note on account {
  trigger update(revenue)
  create review { title = "revenue of {name}", about = this }
}

flow Count on review {
  trigger create
  update about { reviews = count(review where about == this.about) }
}

scenario main {
  let acme = create account { name = "Acme \{1\}", revenue = 500 }
  update acme { revenue = 2_000 }
  update acme { revenue = 10_000 }
  advance 3 days
  in transaction {
    update acme { revenue = 3_000 }
    update acme { name = "Acme \\ Co", owner = acme }
  }
}
"#;

struct Folder(TempDir);

impl Folder {
    fn of(files: &[(&str, &str)]) -> Self {
        let folder = Folder(tempfile::tempdir().unwrap());
        files.iter().for_each(|(name, text)| folder.write(name, text));
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What the command writes to standard output and to standard error, and how it ends.
    fn weir(&self, arguments: &[&str]) -> (String, String, i32) {
        let output = Command::new(env!("CARGO_BIN_EXE_weir")).args(arguments).current_dir(self.path()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr), output.status.code().unwrap())
    }

    /// A record of the scenario.
    fn recorded() -> Self {
        let folder = Folder::of(&[("rules.flow", RULES)]);
        let (plain, ..) = folder.weir(&["run", "rules.flow"]);
        let (told, words, code) = folder.weir(&["run", "rules.flow", "--record", "run.rec"]);
        assert_eq!((words.as_str(), code), ("", 3));
        assert_eq!(told, plain, "a recorded run is told like any other");
        folder
    }
}

fn has(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("`{part}` isn't there, or not behind the others:\n{text}"));
        rest = rest.split_at(at + part.len()).1;
    }
}

#[test]
fn a_record_replays_without_project_and_store() {
    let folder = Folder::recorded();
    fs::remove_file(folder.path().join("rules.flow")).unwrap();
    let (told, words, code) = folder.weir(&["replay", "run.rec"]);
    assert_eq!((words.as_str(), code), ("", 0));
    has(
        &told,
        &["1  Create account (name, revenue): committed", "3  Update account", "(revenue): stopped by Limit: too much for \"Acme {1}\""],
    );
    has(&told, &["5 operations replayed from run.rec, offline: the same outcome to the last bit\n"]);
    let (json, ..) = folder.weir(&["replay", "run.rec", "--format", "json"]);
    let lines: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[2]["was"], lines[2]["now"]);
    assert_eq!((&lines[1]["same"], &lines[1]["was"]["ran"][0]), (&true.into(), &"Rate".into()));
    assert_eq!(lines[5], serde_json::json!({"operations": 5, "same": 5, "different": 0, "unrecorded": 0, "whole": true}));
}

#[test]
fn operations_against_a_file_with_code_outside_replay_when_both_are_gone() {
    let rules = "entity account { name text(100) required rating text(20) }\n\
        plugin Score on account { trigger create stage pre-operation reads name sets rating via command \"./score.sh\" }\n\
        flow Hot on account { trigger update(name) when rating == \"hot\" set rating = \"cold\" }\n";
    let folder = Folder::of(&[("a.flow", rules), ("score.sh", "#!/bin/sh\nread line\necho '{\"set\": {\"rating\": \"hot\"}}'\n")]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder.path().join("score.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let id = "01a1fc1a-8f85-7204-a7d6-dba1396e9c25";
    let mut ops = format!("{{\"message\":\"Create\",\"entity\":\"account\",\"id\":\"{id}\",\"attributes\":{{\"name\":\"a\"}}}}\n");
    for index in 0..20 {
        ops += &format!("{{\"message\":\"Update\",\"entity\":\"account\",\"id\":\"{id}\",\"attributes\":{{\"name\":\"a{index}\"}}}}\n");
    }
    ops += "{\"message\":\"Delete\",\"entity\":\"account\",\"id\":\"01a1fc1a-8f85-7204-a7d6-000000000000\"}\n";
    folder.write("ops.jsonl", ops);
    let store = ["--store", "sqlite:data.db", "--allow-command", "./score.sh", "--batch", "7", "--record", "run.rec"];
    let (_, words, code) = folder.weir(&[&["run", "a.flow", "--ops", "ops.jsonl"], &store[..]].concat());
    assert_eq!(code, 1, "{words}");
    ["data.db", "score.sh", "a.flow", "ops.jsonl"].iter().for_each(|name| fs::remove_file(folder.path().join(name)).unwrap());
    let (told, words, code) = folder.weir(&["replay", "run.rec"]);
    assert_eq!((words.as_str(), code), ("", 0), "{told}");
    has(&told, &["22  Delete account", "error[F06]", "22 operations replayed from run.rec, offline: the same outcome to the last bit"]);
    has(&folder.weir(&["why", "run.rec", "--operation", "1"]).0, &["plug-in Score", "calls the command", "rating = \"hot\""]);
}

#[test]
fn changed_flows_tell_what_would_differ() {
    let folder = Folder::recorded();
    folder.write("same/rules.flow", format!("// Nothing is otherwise.\n\n{RULES}"));
    let (told, _, code) = folder.weir(&["replay", "run.rec", "same"]);
    assert_eq!((told.as_str(), code), ("5 operations replayed from run.rec, offline: 5 the same, 0 different\n", 0));
    let changed = RULES.replace("> 1_000", "> 2_500").replace("stop \"too", "stop \"far too").replace("revenue of", "money of");
    folder.write("new/rules.flow", changed);
    let (told, words, code) = folder.weir(&["replay", "run.rec", "new"]);
    assert_eq!((words.as_str(), code), ("", 1));
    let second = ["2  Update account", "ran        was: Rate, Limit, Note, Count", "now: Limit, Note, Count", "rating: hot → not written"];
    has(&told, &second);
    has(&told, &["writes     new review 1", "title: `revenue of Acme {1}` → `money of Acme {1}`", "why        Rate"]);
    has(
        &told,
        &[
            "was: 20 flow Rate",
            "is true",
            "now: 20 flow Rate",
            "not run, its `when` is false",
            "(revenue ?? 0) > 2_500, because revenue = 2000",
        ],
    );
    has(
        &told,
        &["3  Update account", "was: stopped by Limit: too much", "now: stopped by Limit: far too much", "2 the same, 3 different\n"],
    );
    let (json, ..) = folder.weir(&["replay", "run.rec", "new", "--format", "json"]);
    let second: serde_json::Value = serde_json::from_str(json.lines().nth(1).unwrap()).unwrap();
    assert_eq!((&second["same"], &second["reasons"][0]["flow"]), (&false.into(), &"Rate".into()));
    assert_eq!((&second["was"]["ran"][0], &second["now"]["ran"][0]), (&"Rate".into(), &"Limit".into()));
}

#[test]
fn a_read_that_was_not_recorded_is_named_and_not_guessed() {
    let folder = Folder::recorded();
    let name = |rules: &str| {
        folder.write("new/rules.flow", rules);
        folder.weir(&["replay", "run.rec", "new"])
    };
    let (told, _, code) = name(&RULES.replace("set rating = hot", "set rating = hot set reviews = count(account where rating == warm)"));
    assert_eq!(code, 1);
    has(&told, &["2  Update account", "not known  a count or sum of `account` was not recorded", "of them not known"]);
    let (told, ..) = name(&RULES.replace("stop \"too much", "stop \"{owner.name ?? \"nobody\"}: too much"));
    has(&told, &["3  Update account", "not known  `owner` of the `account`", "was not recorded: nothing behind that is guessed"]);
    let (told, words, code) =
        name(&RULES.replace("  reviews integer\n", "  reviews integer\n  fresh integer\n").replace("set rating = hot", "set fresh = 1"));
    assert_eq!((told.as_str(), code), ("", 1));
    assert_eq!(words, "error: these flows can't run on what was recorded: `account.fresh` is not in the schema\n");
}

#[test]
fn why_tells_one_operation_and_the_part_that_is_asked_for() {
    let folder = Folder::recorded();
    let why = |more: &[&str]| folder.weir(&[&["why", "run.rec"], more].concat());
    has(&why(&[]).0, &["operation 5  Update account", "20 flow Rate, rank 0: not run, `revenue` is not in the Target", "committed"]);
    let (told, _, code) = why(&["--operation", "2", "--flow", "Count"]);
    assert_eq!(code, 0);
    has(&told, &["Update account", "40 flow Note", "Create review", "40 flow Count", "asks count(review"]);
    assert!(!told.contains("sets rating") && !told.contains("9_000"), "{told}");
    let (told, ..) = why(&["--operation", "3", "--flow", "Limit"]);
    has(&told, &["40 flow Limit", "(revenue ?? 0) > 9_000, because revenue = 10000", "stopped by Limit: too much"]);
    // Without a number, the last operation that the flow has a part in.
    let (told, ..) = why(&["--flow", "Count"]);
    has(&told, &["operation ", "40 flow Count"]);
    let (told, ..) = why(&["--flow", "Limit"]);
    has(&told, &["operation 5", "(the last of ", "`--operation` tells another: ", "Limit"]);
    let (told, ..) = why(&["--operation", "1", "--flow", "Count"]);
    has(&told, &["`Count` was not considered: it is for other events of `review` than what happened (Create account)"]);
    let record = told.lines().next().unwrap().to_owned();
    assert!(record.starts_with("operation 1  Create account"));
    let (json, ..) = why(&["--operation", "2", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    let review = told["trace"].as_array().unwrap().iter().find(|entry| entry["message"] == "Create").unwrap();
    let (told, ..) = why(&["--operation", "2", "--record", review["id"].as_str().unwrap()]);
    has(&told, &["40 flow Note", "Create review", "40 flow Count"]);
    assert!(!told.contains("sets rating"), "{told}");
    let (_, words, code) = why(&["--flow", "Cuont"]);
    assert_eq!((words.as_str(), code), ("error: there is no flow `Cuont` in what was recorded; did you mean `Count`?\n", 2));
    let (_, words, code) = why(&["--operation", "9"]);
    assert_eq!((words.as_str(), code), ("error: there is no operation 9: the record has 5\n", 2));
}

#[test]
fn a_record_told_as_a_test_passes() {
    let folder = Folder::recorded();
    let (test, words, code) = folder.weir(&["replay", "run.rec", "--as-test"]);
    assert_eq!((words.as_str(), code), ("", 0));
    has(&test, &["test \"as recorded in run.rec\" {", "let account1 = create account { name = \"Acme \\{1\\}\", revenue = 500 }"]);
    has(
        &test,
        &[
            "update account1 { revenue = 2000 }",
            "expect ran Rate, Limit, Note, Count",
            "expect account1.rating == hot",
            "expect account1.reviews == 1",
        ],
    );
    has(&test, &["expect stopped \"too much for \\\"Acme \\{1\\}\\\"\"", "advance 4320 minutes", "owner = account1"]);
    folder.write("recorded.flow", &test);
    let (told, words, code) = folder.weir(&["test", "."]);
    assert!(told.starts_with("passed  as recorded in run.rec") && told.ends_with("1 passed, 0 failed\n"), "{told}");
    assert_eq!((words.as_str(), code), ("", 0));
    // One operation, on records that are made from what it read of them.
    let (test, words, code) = folder.weir(&["replay", "run.rec", "--as-test", "--operation", "5"]);
    assert_eq!((words.as_str(), code), ("", 0), "{test}");
    folder.write("recorded.flow", &test);
    assert_eq!(folder.weir(&["test", "."]).2, 0, "{test}");
}

#[test]
fn what_is_no_whole_record_is_told_with_its_place() {
    let folder = Folder::recorded();
    let bytes = fs::read(folder.path().join("run.rec")).unwrap();
    let replay = |bytes: &[u8]| {
        folder.write("bad.rec", bytes);
        folder.weir(&["replay", "bad.rec"])
    };
    let (_, words, code) = replay(b"entity account {}");
    assert_eq!((words.trim(), code), ("error[E0811]: `bad.rec`: this is not a record of a run (at byte 0)", 1));
    let mut newer = bytes.clone();
    newer[11] = 9;
    assert!(replay(&newer).1.starts_with("error[E0814]: `bad.rec`: the record has format 9, and this release reads format 1"));
    // A run that was killed: what is whole is replayed, and the rest is told.
    let (told, words, code) = replay(&bytes[..bytes.len() - 10]);
    assert_eq!(code, 1);
    has(&told, &["4  Update account", "4 operations replayed"]);
    assert!(
        words.starts_with("error[E0812]: `bad.rec`: the record is cut short (at byte ") && words.contains(", in operation 5)"),
        "{words}"
    );
    let mut damaged = bytes.clone();
    let at = bytes.len() - 200;
    damaged[at] ^= 1;
    let (_, words, code) = replay(&damaged);
    assert_eq!(code, 1);
    assert!(words.starts_with("error[E0813]: `bad.rec`: the record is damaged: ") && words.contains(", in operation 5)"), "{words}");
    let (_, words, code) = folder.weir(&["replay", "nowhere.rec"]);
    assert!(code == 4 && words.starts_with("error[E0001]: `nowhere.rec` can't be read"), "{words}");
    let (_, words, code) = folder.weir(&["run", "rules.flow", "--record", "nowhere/run.rec"]);
    assert!(code == 4 && words.starts_with("error: the record can't be written: "), "{words}");
}

#[test]
fn texts_that_differ_far_behind_or_in_a_tab_are_different() {
    let rules = |title: &str| {
        format!(
            "entity account {{ name text(160) required  title text(200) }}\n\
            flow Title on account {{ trigger create stage pre-operation set title = \"{title}\" }}\n\
            scenario \"one\" {{ create account {{ name = \"a\" }} }}\n"
        )
    };
    let long = "0123456789".repeat(8);
    for (old, new, told_as) in [
        (format!("{long} OLD"), format!("{long} NEW"), "title: `…1234567890123456789 OLD` → `…1234567890123456789 NEW`"),
        ("A\\tB".to_owned(), "A B".to_owned(), "title: `A\\tB` → `A B`"),
    ] {
        let folder = Folder::of(&[("old.flow", rules(&old).as_str())]);
        folder.weir(&["run", "old.flow", "--record", "run.rec"]);
        folder.write("new/new.flow", rules(&new));
        let (told, words, code) = folder.weir(&["replay", "run.rec", "new"]);
        assert_eq!((words.as_str(), code), ("", 1), "{told}");
        has(&told, &[told_as, "0 the same, 1 different"]);
    }
}

#[test]
fn of_a_flow_that_ran_both_times_it_tells_where_its_runs_part() {
    // `Limit` comes last, so that nothing is to be known behind it.
    let rules = RULES.replace("flow Limit on account {\n", "flow Limit on account {\n  rank 9\n");
    let folder = Folder::of(&[("rules.flow", &rules)]);
    folder.weir(&["run", "rules.flow", "--record", "run.rec"]);
    let told = |rules: String| {
        folder.write("new/rules.flow", rules);
        let (told, words, code) = folder.weir(&["replay", "run.rec", "new"]);
        assert_eq!((words.as_str(), code), ("", 1), "{told}");
        told
    };
    // The first flow is longer, so that every line is another, and asks for more: no difference but that of `Limit`.
    let text = told(rules.replace("flow Rate", "// One\n// Two\nflow Rate").replace("> 1_000", "> 1_500").replace("> 9_000", "> 12_000"));
    has(
        &text,
        &[
            "3  Update account",
            "was: stopped by Limit: too much",
            "now: committed",
            "why        Limit",
            "was: 40 flow Limit",
            "is true: (revenue ?? 0) > 9_000, because revenue = 10000",
            "stopped: too much for \"Acme {1}\"",
            "now: 40 flow Limit",
            "is false: (revenue ?? 0) > 12_000, because revenue = 10000",
            "4 the same, 1 different\n",
        ],
    );
    assert!(!text.contains("why        Rate"), "{text}");
    // A statement, of which nothing is left; and one whose value is another.
    let text = told(rules.replace("{ stop \"too much for \\\"{name}\\\"\" }", "{ }"));
    has(&text, &["now: committed", "why        Limit", "stopped: too much", "now: 40 flow Limit", "nothing more"]);
    let text = told(rules.replace("set rating = hot", "set rating = warm"));
    has(&text, &["why        Rate", "sets rating = hot", "now: 20 flow Rate", "sets rating = warm"]);
    let (json, ..) = folder.weir(&["replay", "run.rec", "new", "--format", "json"]);
    let second: serde_json::Value = serde_json::from_str(json.lines().nth(1).unwrap()).unwrap();
    assert_eq!(second["reasons"][0]["flow"], "Rate", "{second}");
}

#[test]
fn what_jobs_did_is_in_no_record_and_that_is_said() {
    let rules = "entity account { name text(100) required  note text(20) }\n\
        flow Later on account { mode background trigger create update this { note = \"later\" } }\n\
        scenario \"one\" { let a = create account { name = \"a\" } run jobs show a.note }\n";
    let folder = Folder::of(&[("rules.flow", rules)]);
    assert_eq!(folder.weir(&["run", "rules.flow"]).1, "");
    let (told, words, code) = folder.weir(&["run", "rules.flow", "--record", "run.rec"]);
    assert_eq!((words.as_str(), code), ("note: 1 job ran, whose steps are in no record: that holds the operations alone\n", 0), "{told}");
    has(&folder.weir(&["replay", "run.rec"]).0, &["1 operation replayed from run.rec, offline: the same outcome to the last bit"]);
}

#[test]
fn why_tells_the_beginning_of_a_long_trace_and_everything_where_that_is_asked_for() {
    let rules = "entity account { name text(100) required  parent lookup account  note text(20) }\n\
        flow Down on account { trigger update(note) for each account below where parent == this { update below { note = \"x\" } } }\n\
        scenario \"one\" {\n  let a = create account { name = \"a\" }\n";
    let children = "  create account { name = \"b\", parent = a }\n".repeat(120);
    let folder = Folder::of(&[("rules.flow", &format!("{rules}{children}  update a {{ note = \"go\" }}\n}}\n"))]);
    folder.weir(&["run", "rules.flow", "--record", "run.rec"]);
    let (told, words, code) = folder.weir(&["why", "run.rec"]);
    assert_eq!((words.as_str(), code), ("", 0));
    has(
        &told,
        &["operation 122  Update account", "loop on line 2 over 120 records", "  … and ", " lines more: `--flow NAME`", "committed\n"],
    );
    assert_eq!(told.lines().count(), 203, "the operation, so many lines, that there are more, and how it ended");
    let (all, _, code) = folder.weir(&["why", "run.rec", "--all"]);
    assert!(code == 0 && all.lines().count() > 600 && !all.contains(" lines more"), "{all}");
}
