//! A run that is killed (`kill -9`) and goes on repeats nothing and leaves nothing out.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use super::{Case, told};

/// A CSV of so many orders, every seventh of which is stopped and every eleventh of which can't be read.
fn orders(count: u64) -> String {
    let mut text = "number,total\n".to_owned();
    for number in 0..count {
        let total = if number % 11 == 10 {
            "many".to_owned()
        } else if number % 7 == 6 {
            "-1".to_owned()
        } else {
            number.to_string()
        };
        writeln!(text, "A-{number:06},{total}").unwrap();
    }
    text
}

/// Starts a run, reads so many lines of what it tells, and kills it. Whether it was at work then.
fn kill_after(mut command: Command, lines: usize) -> bool {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let told = BufReader::new(child.stdout.take().unwrap()).lines().take(lines).count();
    child.kill().unwrap();
    child.wait().unwrap();
    told == lines
}

#[test]
fn a_killed_run_goes_on_and_neither_repeats_nor_skips() {
    const COUNT: u64 = 1_500;
    let whole = Case::new();
    whole.write("o.csv", &orders(COUNT));
    whole.run("o.csv --entity order --store sqlite:o.db --rejects r.csv --batch 100");
    for batch in [1, 64] {
        let case = Case::new();
        case.write("o.csv", &orders(COUNT));
        let arguments = format!("o.csv --entity order --store sqlite:o.db --rejects r.csv --format json --batch {batch}");
        let (mut kills, mut at_work) = (0, 0);
        for round in 0..6 {
            let more = if round == 0 { "" } else { " --resume" };
            kills += 1;
            at_work += u64::from(kill_after(case.command(&format!("{arguments}{more}")), 90 + round * 41));
        }
        let (text, code) = case.run(&format!("{arguments} --resume"));
        assert!([0, 1].contains(&code), "whether anything was left that can't be read: {text}");
        assert!(!text.contains("F09"), "batch {batch}: a record came twice: {text}");
        assert_eq!(case.orders(), whole.orders(), "batch {batch}");
        assert_eq!(case.read("r.csv"), whole.read("r.csv"), "batch {batch}: every reject once, in order");
        assert!(at_work > 2, "batch {batch}: only {at_work} of {kills} were at work");
        // Once more: there is nothing left to do.
        let (text, code) = case.run("o.csv --entity order --store sqlite:o.db --resume");
        assert!(text.contains(&format!("up to line {}, the end of it then", COUNT + 1)), "{text}");
        assert!(text.contains("0 committed, 0 stopped, 0 faults") && code == 0, "{text}");
    }
}

#[test]
fn the_input_is_known_by_what_is_in_it() {
    let case = Case::new();
    let text = "number,total\nA-1,1\nA-2,2\nA-3,-3\nA-4,4\n";
    case.write("o.csv", text);
    let go = |file: &str| case.run(&format!("{file} --entity order --store sqlite:o.db --resume"));
    let (told, code) = go("o.csv --stop-on-error");
    assert!(told.contains("the store knows of no earlier run over it") && code == 3, "{told}");
    // Changed before that point: refused, with nothing done.
    case.write("o.csv", &text.replace("A-2,2", "A-2,22"));
    let (told, code) = go("o.csv");
    assert!(told.contains("error[O0115]: `o.csv` isn't what the earlier run has read: up to line 3"), "{told}");
    assert_eq!((code, case.orders().len()), (1, 2));
    case.write("o.csv", "number,total\nA-1,1\n");
    assert!(go("o.csv").0.contains("O0115"), "cut short");
    // Elsewhere, and changed behind it: it goes on.
    std::fs::remove_file(case.path("o.csv")).unwrap();
    case.write("moved.csv", &text.replace("A-3,-3", "A-3,3"));
    let (told, code) = go("moved.csv");
    assert!(told.starts_with("2 committed") && told.contains("moved.csv: an earlier run has done it up to line 3;") && code == 0, "{told}");
    // Grown since it was done: only what is new is run.
    case.write("moved.csv", &(text.replace("A-3,-3", "A-3,3") + "A-5,5"));
    assert!(go("moved.csv").0.starts_with("1 committed"));
    case.write("moved.csv", &(text.replace("A-3,-3", "A-3,3") + "A-5,5\nA-6,6\n"));
    assert!(go("moved.csv").0.starts_with("1 committed"));
    assert_eq!(case.orders(), ["A-1", "A-2", "A-3", "A-4", "A-5", "A-6"]);
    // What is done with the rows is part of what they are.
    let (told, _) = case.run("moved.csv --entity order --message upsert --store sqlite:o.db --resume");
    assert!(told.starts_with("6 committed"), "{told}");
    let (told, code) = case.run("moved.csv --entity order --resume");
    assert!(told.contains("--resume needs a store that lasts") && code == 2, "{told}");
}

#[test]
fn a_last_line_that_is_half_written_is_not_done_with() {
    let case = Case::new();
    let line = |number: u64| format!("{{\"message\":\"Create\",\"entity\":\"order\",\"attributes\":{{\"number\":\"A-{number:03}\"}}}}\n");
    let all: String = (1..=102).map(line).collect();
    let upto = |lines: usize, more: usize| all.lines().take(lines).map(|line| line.len() + 1).sum::<usize>() + more;
    let go = |length: usize, batch: u32| {
        case.write("o.jsonl", all.split_at(length).0);
        case.run(&format!("o.jsonl --store sqlite:o.db --resume --rejects r.jsonl --batch {batch}"))
    };
    for batch in [1, 40] {
        let _ = std::fs::remove_file(case.path("o.db"));
        assert!(go(upto(100, 0), batch).0.starts_with("100 committed"));
        // Whoever writes the file is in the middle of a line, twice over.
        let (told, code) = go(upto(100, 30), batch);
        assert!(told.contains("o.jsonl:101: error[O0101]") && told.contains("0 committed, 0 stopped, 1 fault") && code == 1, "{told}");
        assert_eq!(case.read("r.jsonl").lines().count(), 2, "the reason, and the line as it stands");
        let (told, code) = go(upto(101, 30), batch);
        assert!(told.contains("up to line 100") && told.contains("o.jsonl:102: error[O0101]") && code == 1, "{told}");
        let (told, code) = go(upto(102, 0), batch);
        assert!(told.contains("up to line 101") && told.starts_with("1 committed, 0 stopped, 0 faults") && code == 0, "{told}");
        assert_eq!((case.orders().len(), case.read("r.jsonl").as_str()), (102, ""), "batch {batch}");
    }
}

#[test]
fn what_shares_a_batch_with_a_row_that_has_no_end_is_not_done_again() {
    let case = Case::new();
    case.write("o.csv", "number,total\nA-1,1\nA-2,2\n\"A-3,3\n");
    let go = || case.run("o.csv --entity order --store sqlite:o.db --batch 10 --resume");
    assert_eq!(go().1, 1);
    case.write("o.csv", "number,total\nA-1,1\nA-2,2\nA-3,3\n");
    let (told, code) = go();
    assert!(told.starts_with("1 committed, 0 stopped, 0 faults") && told.contains("up to line 3;") && code == 0, "{told}");
}

#[test]
fn a_file_that_was_changed_after_its_run_is_refused() {
    let case = Case::new();
    case.write("rules.flow", &super::RULES.replace("  key (number)\n", ""));
    let text = "number,total\nA-1,1\nA-2,2\n";
    let go = |more: &str| case.run(&format!("o.csv --entity order --store sqlite:o.db{more}"));
    case.write("o.csv", text);
    assert_eq!(go(" --resume").1, 0);
    // What another name was known by says nothing of it: this one has a run of its own.
    case.write("head.csv", "number,total\n");
    case.run("head.csv --entity order --store sqlite:o.db");
    case.write("o.csv", &text.replace("A-1,1", "A-1,11"));
    let (told, code) = go(" --resume");
    assert!(told.contains("error[O0115]: `o.csv` isn't what the earlier run has read: up to line 3") && code == 1, "{told}");
    assert!(told.contains("another text under this name begins with a run without --resume"), "{told}");
    assert_eq!(case.orders().len(), 2);
    assert!(go("").0.starts_with("2 committed"));
    assert!(go(" --resume").0.starts_with("0 committed"));
}

#[test]
fn two_files_of_one_content_are_two_runs() {
    let case = Case::new();
    case.write("rules.flow", &super::RULES.replace("  key (number)\n", ""));
    let text = "number,total\nA-1,1\nA-2,-2\nA-3,3\nA-4,4\n";
    case.write("a.csv", text);
    case.write("b.csv", text);
    case.run("b.csv --entity order --store sqlite:o.db");
    case.run("a.csv --entity order --store sqlite:o.db --stop-on-error");
    assert_eq!(case.orders(), ["A-1", "A-1", "A-3", "A-4"]);
    // The other has come to its end, which says nothing of this one.
    let (told, _) = case.run("a.csv --entity order --store sqlite:o.db --resume");
    assert!(told.contains("a.csv: an earlier run has done it up to line 2;"), "{told}");
    assert_eq!(case.orders(), ["A-1", "A-1", "A-3", "A-3", "A-4", "A-4"]);
}

#[test]
fn a_run_over_standard_input_goes_on_too() {
    let case = Case::new();
    let run = |text: &str| {
        let mut command = case.command("- --entity order --store sqlite:o.db --resume --stop-on-error");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // One that refuses reads no further; then the pipe is closed.
        let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
        told(&child.wait_with_output().unwrap())
    };
    assert_eq!(run("number,total\nA-1,1\nA-2,-2\n").1, 3);
    assert!(run("number,total\nB-1,1\nA-2,2\n").0.contains("error[O0115]: `<stdin>`"));
    let (told, code) = run("number,total\nA-1,1\nA-2,2\n");
    assert!(told.starts_with("1 committed") && code == 0, "{told}");
    assert_eq!(case.orders(), ["A-1", "A-2"]);
}

#[test]
fn of_two_runs_that_go_on_at_the_same_time_one_ends() {
    for batch in [1, 2] {
        let case = Case::new();
        case.write("rules.flow", &super::RULES.replace("  key (number)\n", ""));
        let start = || {
            let mut command = case.command(&format!("- --entity order --store sqlite:o.db --resume --format json --batch {batch}"));
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        // One that is slow, and waits for what comes after the first two rows.
        let mut slow = start();
        let mut input = slow.stdin.take().unwrap();
        let mut output = BufReader::new(slow.stdout.take().unwrap());
        input.write_all(b"number,total\nA-1,1\nA-2,2\n").unwrap();
        // What goes through a pipe may wait in a buffer until the run ends; what is kept is seen in the store.
        while case.path("o.db").metadata().is_err() || case.held() < 2 {
            std::thread::yield_now();
        }
        let mut other = start();
        other.stdin.take().unwrap().write_all(b"number,total\nA-1,1\nA-2,2\nA-3,3\nA-4,4\n").unwrap();
        let (told, code) = told(&other.wait_with_output().unwrap());
        assert!(told.contains("\"committed\":2") && told.contains("up to line 3;") && code == 0, "{told}");
        input.write_all(b"A-3,3\nA-4,4\nA-5,5\n").unwrap();
        drop(input);
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut output, &mut rest).unwrap();
        let (told, code) = super::told(&slow.wait_with_output().unwrap());
        assert!(told.contains("another run over the same operations has gone on in the meantime") && code == 4, "{told}{rest}");
        assert_eq!(case.orders(), ["A-1", "A-2", "A-3", "A-4"], "batch {batch}");
        let mut last = start();
        last.stdin.take().unwrap().write_all(b"number,total\nA-1,1\nA-2,2\nA-3,3\nA-4,4\nA-5,5\n").unwrap();
        assert_eq!(super::told(&last.wait_with_output().unwrap()).1, 0);
        assert_eq!(case.orders().len(), 5);
    }
}

/// Sends it what Ctrl-C does.
#[cfg(unix)]
fn interrupt(child: &std::process::Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_keeps_what_it_did_and_says_how_to_go_on() {
    let all = orders(40);
    let (first, rest) = all.split_at(all.match_indices('\n').nth(25).unwrap().0 + 1);
    for batch in [1, 10] {
        let case = Case::new();
        let arguments = format!("- --entity order --store sqlite:o.db --rejects r.csv --batch {batch}");
        let mut command = case.command(&arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(first.as_bytes()).unwrap();
        while case.path("o.db").metadata().is_err() || case.held() < 15 {
            std::thread::yield_now();
        }
        interrupt(&child);
        // It looks at it when it has read the next row, which isn't done.
        let _ = input.write_all(rest.as_bytes());
        drop(input);
        let (told, code) = told(&child.wait_with_output().unwrap());
        assert_eq!(code, 130, "{told}");
        let after = told.split_once("<stdin>: interrupted after line ").unwrap_or_else(|| panic!("{told}")).1;
        let line: usize = after.split_once("; --resume goes on behind it").unwrap().0.parse().unwrap();
        assert!((16..=27).contains(&line) && told.contains(" committed, "), "{told}");
        let mut command = case.command(&format!("{arguments} --resume"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(all.as_bytes()).unwrap();
        let (told, code) = super::told(&child.wait_with_output().unwrap());
        assert!(told.contains(&format!("up to line {line};")) && code == 1, "{told}");
        let whole = Case::new();
        whole.write("o.csv", &all);
        whole.run("o.csv --entity order --store sqlite:o.db --rejects r.csv");
        assert_eq!(case.orders(), whole.orders(), "batch {batch}");
        assert_eq!(case.read("r.csv").lines().count(), whole.read("r.csv").lines().count());
    }
}

#[cfg(unix)]
#[test]
fn who_can_not_wait_interrupts_twice() {
    let case = Case::new();
    let mut command = case.command("- --entity order --store sqlite:o.db");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"number,total\nA-1,1\n").unwrap();
    while case.path("o.db").metadata().is_err() || case.held() < 1 {
        std::thread::yield_now();
    }
    // Nothing more comes, so the first of them changes nothing.
    while child.try_wait().unwrap().is_none() {
        interrupt(&child);
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(case.orders(), ["A-1"]);
}

#[test]
fn who_forgets_to_resume_is_told() {
    let case = Case::new();
    case.write("o.csv", "number,total\nA-1,1\nA-2,-2\n");
    case.run("o.csv --entity order --message upsert --store sqlite:o.db --stop-on-error");
    let (told, _) = case.run("o.csv --entity order --message upsert --store sqlite:o.db");
    assert!(told.contains("o.csv: an earlier run ended after line 2; this one begins at the first line again (--resume goes on"), "{told}");
    let (told, _) = case.run("o.csv --entity order --message upsert --store sqlite:o.db");
    assert!(!told.contains("an earlier run"), "it came to its end: {told}");
}

#[test]
fn rejects_that_are_not_those_of_the_run_are_left_alone() {
    let case = Case::new();
    case.write("o.csv", &orders(40));
    assert!(kill_after(case.command("o.csv --entity order --store sqlite:o.db --rejects r.csv --format json"), 30));
    case.write(
        "r.csv",
        "something else altogether, which is longer than what was there, and somebody's only copy of it\n".repeat(20).as_str(),
    );
    let before = case.read("r.csv");
    let (told, code) = case.run("o.csv --entity order --store sqlite:o.db --rejects r.csv --resume");
    assert!(told.contains("error[O0116]") && told.contains("it isn't what the earlier run has written") && code == 4, "{told}");
    assert_eq!(case.read("r.csv"), before);
    let numbers: BTreeSet<String> = case.orders().into_iter().collect();
    assert!(numbers.len() > 10);
}
