//! Summaries, dry runs, where a run ends, and rejects.

use super::{Case, RULES};

const FOUR: &str = "number,total\nA-1,1\nA-2,-5\nA-3,many\nA-4,-7\n";

#[test]
fn the_summary_counts_by_reason_and_code() {
    let case = Case::new();
    case.write("o.csv", FOUR);
    let (text, code) = case.run("o.csv --entity order");
    let expected = "o.csv:3: stopped by NoNegativeTotals: Order A-2 has a negative total.\n\
        o.csv:4: error[O0107]: `total`: `many` is not a number\n\
        o.csv:5: stopped by NoNegativeTotals: Order A-4 has a negative total.\n\
        2 stopped by NoNegativeTotals, the first of them: Order A-2 has a negative total.\n\
        1 error[O0107], see `weir explain O0107`\n\
        1 committed, 2 stopped, 1 fault\n";
    assert_eq!((text.as_str(), code), (expected, 1));
    let (text, _) = case.run("o.csv --entity order --format json");
    let summary: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(summary["stoppedBy"][0]["flow"], "NoNegativeTotals");
    assert_eq!(summary["stoppedBy"][1]["reason"], "Order A-4 has a negative total.");
    assert_eq!(summary["stoppedBy"][1]["count"], 1);
    assert_eq!(summary["faultsBy"]["O0107"], 1);
    assert!(summary["micros"].as_u64().is_some());
}

#[test]
fn a_dry_run_does_everything_and_keeps_nothing() {
    let case = Case::new();
    case.write("o.csv", FOUR);
    let (text, code) = case.run("o.csv --entity order --store sqlite:o.db --dry-run");
    assert!(text.contains("o.csv:3: stopped by"), "{text}");
    assert!(text.ends_with("1 committed, 2 stopped, 1 fault\na dry run: all of it was rolled back, and nothing was kept\n"), "{text}");
    assert_eq!(code, 1);
    assert!(!case.path("o.db").exists(), "not even a file is made");
    case.write("first.csv", "number,total\nA-0,1\n");
    assert_eq!(case.run("first.csv --entity order --store sqlite:o.db").1, 0);
    // A field more: the trial needs a column, and that is rolled back, too.
    case.write("rules.flow", &RULES.replace("notes ", "more integer\n  notes "));
    let (text, _) = case.run("o.csv --entity order --store sqlite:o.db --dry-run --format json --batch 3");
    assert!(text.contains("\"committed\":1,\"stopped\":2,\"faults\":1") && text.contains("\"dryRun\":true"), "{text}");
    assert_eq!(case.orders(), ["A-0"]);
    let database = rusqlite::Connection::open(case.path("o.db")).unwrap();
    assert!(database.prepare("SELECT more FROM \"order\"").is_err());
}

#[test]
fn a_run_ends_at_the_first_error_where_that_is_asked() {
    let case = Case::new();
    case.write("o.csv", FOUR);
    for batch in [1, 3] {
        let _ = std::fs::remove_file(case.path("o.db"));
        let (text, code) = case.run(&format!("o.csv --entity order --store sqlite:o.db --stop-on-error --batch {batch}"));
        assert!(text.ends_with("1 committed, 1 stopped, 0 faults\n"), "{text}");
        assert_eq!((code, case.orders()), (3, vec!["A-1".to_owned()]));
    }
    // Mended, it goes on with the line at which it ended.
    case.write("o.csv", &FOUR.replace("A-2,-5", "A-2,5"));
    let (text, code) = case.run("o.csv --entity order --store sqlite:o.db --resume");
    assert!(text.contains("up to line 2;") && text.contains("1 committed, 1 stopped, 1 fault"), "{text}");
    assert_eq!((code, case.orders()), (1, vec!["A-1".to_owned(), "A-2".to_owned()]));
    assert_eq!(case.run("o.csv --entity order --stop-on-error --continue").0.lines().last(), Some("2 committed, 1 stopped, 1 fault"));
}

#[test]
fn rejected_rows_come_back_after_repair() {
    let case = Case::new();
    case.write("o.csv", "number,total,notes\nA-1,1,\"a, b\"\nA-2,-5,\"says \"\"no\"\"\nand more\"\nA-3,many\nA-4,1\"2,\nA-5,2,x\n");
    let (text, _) = case.run("o.csv --entity order --store sqlite:o.db --rejects r.csv");
    assert!(text.contains("2 committed, 1 stopped, 2 faults"), "{text}");
    assert!(text.ends_with("3 operations written to `r.csv`, each with its reason: mend them, then --ops r.csv\n"), "{text}");
    let expected = "number,total,notes,#rejected\n\
        A-2,-5,\"says \"\"no\"\"\nand more\",o.csv:3: stopped by NoNegativeTotals: Order A-2 has a negative total.\n\
        A-3,many,o.csv:5: error[O0112]: the row has 2 cells where there are 3 columns\n\
        A-4,1\"2,,o.csv:6: error[O0112]: there is a quote within a cell that isn't quoted (write `\"\"` in a quoted one)\n";
    assert_eq!(
        case.read("r.csv").replace(",\"o.csv:6", ",o.csv:6").replace("`\"\"\"\"`", "`\"\"`").replace("one)\"\n", "one)\n"),
        expected
    );
    // As they are, they are rejected again, each with one reason.
    case.run("r.csv --entity order --store sqlite:o.db --rejects again.csv");
    assert_eq!(case.read("again.csv").matches("stopped by").count(), 1);
    assert!(case.read("again.csv").starts_with("number,total,notes,#rejected\nA-2,-5,"), "{}", case.read("again.csv"));
    // Mended, none is.
    let mended = case.read("r.csv").replace("A-2,-5", "A-2,5").replace("A-3,many", "A-3,3,").replace("A-4,1\"2", "A-4,12");
    case.write("r.csv", &mended);
    let (text, code) = case.run("r.csv --entity order --store sqlite:o.db --rejects again.csv");
    assert_eq!((text.as_str(), code), ("3 committed, 0 stopped, 0 faults\n", 0));
    assert_eq!((case.orders().len(), case.read("again.csv").as_str()), (5, ""));
    let (text, code) = case.run("r.csv --entity order --rejects ./r.csv");
    assert!(text.contains("would write over") && code == 2, "{text}");
    assert_eq!(case.run("r.csv --entity order --store sqlite:o.db --rejects no/where.csv").1, 4);
}

#[test]
fn rejected_lines_come_back_after_repair() {
    let case = Case::new();
    let order = |number: &str, total: &str| {
        format!("{{\"message\": \"Create\", \"entity\": \"order\", \"attributes\": {{\"number\": \"{number}\", \"total\": {total}}}}}\n")
    };
    let broken = "{\"message\": \"Create\", \"entity\"\n";
    case.write("o.jsonl", &[order("A-1", "1.10"), order("A-2", "-5.50"), broken.to_owned(), order("A-3", "\"x\"")].concat());
    let (text, _) = case.run("o.jsonl --store sqlite:o.db --rejects r.jsonl --batch 10");
    assert!(text.contains("1 committed, 1 stopped, 2 faults"), "{text}");
    let rejects = case.read("r.jsonl");
    let lines: Vec<&str> = rejects.lines().collect();
    assert_eq!(lines.len(), 4, "{rejects}");
    assert!(
        lines[0].ends_with("\"total\": -5.50},\"rejected\":\"o.jsonl:2: stopped by NoNegativeTotals: Order A-2 has a negative total.\"}"),
        "{rejects}"
    );
    assert!(lines[1].starts_with("// o.jsonl:3: error[O0101]"), "{rejects}");
    assert_eq!(format!("{}\n", lines[2]), broken);
    case.run("r.jsonl --store sqlite:o.db --rejects again.jsonl");
    assert_eq!(case.read("again.jsonl").matches("\"rejected\"").count(), 2);
    let mended = rejects.replace("-5.50", "5.50").replace("\"x\"", "3").replace(broken, &order("A-4", "4"));
    case.write("r.jsonl", &mended);
    assert_eq!(case.run("r.jsonl --store sqlite:o.db").0, "3 committed, 0 stopped, 0 faults\n");
    assert_eq!(case.orders(), ["A-1", "A-2", "A-3", "A-4"]);
}

#[cfg(unix)]
#[test]
fn stage_10_stands_before_the_transaction_in_a_file_too() {
    let case = Case::new();
    let look = "plugin Look on order {\n  trigger create\n  stage pre-validation\n  effects unknown\n  via command \"true\"\n}\n";
    case.write("rules.flow", &format!("{RULES}\n{look}"));
    case.write("o.csv", "number,total\nA-1,1\nA-2,-5\n");
    let (text, _) = case.run("o.csv --entity order --store sqlite:o.db --allow-command true --trace --format json");
    for (line, end) in text.lines().zip(["commit", "rollback"]) {
        let told: serde_json::Value = serde_json::from_str(line).unwrap();
        let kinds = told["trace"].as_array().unwrap().iter().filter_map(|entry| match entry["kind"].as_str() {
            Some("transaction") => entry["what"].as_str(),
            Some("step") => entry["name"].as_str(),
            _ => None,
        });
        assert_eq!(kinds.collect::<Vec<_>>(), ["Look", "begin", "NoNegativeTotals", end], "{line}");
    }
}

#[test]
fn what_is_told_comes_in_the_order_of_the_lines() {
    let case = Case::new();
    case.write("o.csv", FOUR);
    for batch in [1, 10] {
        let (text, _) = case.run(&format!("o.csv --entity order --format json --batch {batch}"));
        let told = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()?["line"].as_u64());
        assert_eq!(told.collect::<Vec<_>>(), [2, 3, 4, 5], "batch {batch}: {text}");
    }
}

#[test]
fn nothing_is_written_over_what_is_read() {
    let case = Case::new();
    case.write("o.csv", FOUR);
    case.run("o.csv --entity order --store sqlite:o.db");
    std::fs::copy(case.path("o.db"), case.path("other.db")).unwrap();
    // The same files by other names.
    for (file, link) in [("o.csv", "hard.csv"), ("o.db", "hard.db"), ("rules.flow", "hard.txt")] {
        std::fs::hard_link(case.path(file), case.path(link)).unwrap();
    }
    case.write("o.db-journal", "");
    let all = ["o.csv", "o.db", "other.db", "rules.flow", "o.db-journal"];
    let bytes = || all.map(|name| std::fs::read(case.path(name)).unwrap());
    let before = bytes();
    for (arguments, words, code) in [
        ("--rejects o.db", "--rejects would write over the store", 2),
        ("--record o.db", "--record would write over the store", 2),
        ("--rejects o.csv", "--rejects would write over the operations", 2),
        ("--record ./o.csv", "--record would write over the operations", 2),
        ("--record rules.flow", "--record would write over the project", 2),
        ("--rejects hard.csv", "--rejects would write over the operations", 2),
        ("--record hard.db", "--record would write over the store", 2),
        ("--rejects hard.txt", "--rejects would write over the project", 2),
        ("--rejects ./o.db-journal", "--rejects would write over the store", 2),
        ("--record o.db-wal", "--record would write over the store", 2),
        ("--rejects new.flow", "it has the name of a source", 4),
        ("--record new --rejects ./new", "--rejects and --record can't be one file", 2),
        ("--rejects other.db", "a database is there", 4),
        ("--record other.db", "a database is there", 4),
    ] {
        let (text, exit) = case.run(&format!("o.csv --entity order --store sqlite:o.db {arguments}"));
        assert!(text.contains(words) && exit == code, "{arguments}: {exit} {text}");
        assert_eq!(bytes(), before, "{arguments}");
        assert!(["new", "new.flow", "o.db-wal"].iter().all(|name| !case.path(name).exists()), "{arguments}");
    }
}

#[test]
fn what_is_no_csv_is_told_so() {
    let case = Case::new();
    case.write("o.csv", "number;total\nA-1;1\n");
    case.write("o.jsonl", "{\"message\":\"Create\",\"entity\":\"order\",\"attributes\":{\"number\":\"A-1\"}}\n");
    let (told, code) = case.run("o.csv --entity order");
    let words =
        "the required field `number` has no column; the names are divided by `;` here, and a CSV divides by `,`: save it with commas";
    assert!(told.contains(words) && code == 1, "{told}");
    let (told, _) = case.run("o.csv --entity order --message upsert");
    assert!(told.contains("columns for a key of `order`: `(number)`; the names are divided by `;` here"), "{told}");
    let (told, code) = case.run("o.jsonl --entity order");
    assert!(
        told.contains("with an entity this is read as a CSV: JSON lines name theirs themselves, without --entity") && code == 1,
        "{told}"
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_is_waited_for_only_where_operations_come_from() {
    let case = Case::new();
    for name in ["p.flow", "p.flowc", "p.db"] {
        assert!(std::process::Command::new("mkfifo").arg(case.path(name)).status().unwrap().success());
    }
    let weir = |arguments: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_weir"));
        super::told(&command.args(arguments.split(' ')).current_dir(case.dir.path()).output().unwrap())
    };
    // Each would wait for ever.
    for (arguments, words) in [
        ("check p.flow", "`p.flow` can't be read: it is neither a file nor a folder"),
        ("order p.flowc order Create", "`p.flowc` can't be read: it is no file"),
        ("replay p.db", "`p.db` can't be read: it is no file"),
        ("schema pull sqlite:p.db", "this is a pipe or a device, not a database file"),
        ("jobs --store sqlite:p.db", "this is a pipe or a device, not a database file"),
    ] {
        let (told, code) = weir(arguments);
        assert!(told.contains(words) && code == 4, "{arguments}: {code} {told}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn rejects_that_could_not_be_written_are_not_called_written() {
    let case = Case::new();
    case.write("o.csv", "number,total\nA-1,-1\n");
    let (told, code) = case.run("o.csv --entity order --store sqlite:o.db --rejects /dev/full");
    assert!(told.contains("error[O0116]") && !told.contains("written to") && code == 4, "{told}");
}

#[test]
fn results_are_written_over_neither_sources_nor_what_others_wrote() {
    let case = Case::new();
    case.write("mine_test.flow", "test \"one\" {\n  let a = create order { number = \"A\" }\n}\n");
    case.write("other.html", "<p>mine</p>\n");
    std::fs::create_dir(case.path("pages")).unwrap();
    case.write("pages/index.html", "<p>mine</p>\n");
    let weir = |arguments: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_weir"));
        super::told(&command.args(arguments.split(' ')).current_dir(case.dir.path()).output().unwrap())
    };
    for arguments in [
        "order . order Create -o rules.flow",
        "test --coverage=lcov rules.flow .",
        "test --coverage=html rules.flow .",
        "build -o rules.flow",
    ] {
        let (told, code) = weir(arguments);
        assert!(told.contains("has the name of a source") && [2, 4].contains(&code), "{arguments}: {code} {told}");
        assert_eq!(case.read("rules.flow"), super::RULES, "{arguments}");
    }
    let (told, code) = weir("doc -o pages");
    assert!(told.contains("`pages/index.html` is there and no page of an earlier `weir doc`") && code == 4, "{told}");
    assert_eq!(case.read("pages/index.html"), "<p>mine</p>\n");
    assert!(!case.path("pages/entities").exists(), "nothing is written where not all can be");
    // Its own pages it writes anew, but not through a link to elsewhere.
    assert_eq!((weir("doc -o own").1, weir("doc -o own").1), (0, 0));
    std::fs::rename(case.path("own/index.html"), case.path("elsewhere.html")).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(case.path("elsewhere.html"), case.path("own/index.html")).unwrap();
        assert!(weir("doc -o own").0.contains("`own/index.html` is there"));
    }
}
