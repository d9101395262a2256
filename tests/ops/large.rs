//! An input of any length takes a bounded amount of memory.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use super::Case;

/// How much memory a process has held at most, in KiB.
fn peak(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Gives 4 MB and then 24 MB more to a run, and says by how many KiB its peak has grown meanwhile.
fn growth(arguments: &str, head: &str, line: &str) -> u64 {
    let case = Case::new();
    let mut child = case.command(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(head.as_bytes()).unwrap();
    let mut give = |bytes: usize| (0..bytes / line.len()).for_each(|_| input.write_all(line.as_bytes()).unwrap());
    // What a pipe holds back is far less than either.
    give(4_000_000);
    let before = peak(child.id());
    give(24_000_000);
    let after = peak(child.id());
    drop(input);
    assert!(child.wait().unwrap().code().is_some());
    // The kernel adds up the counts of several processors only now and then: the second may be a little less.
    after.saturating_sub(before)
}

#[test]
fn a_row_has_so_many_cells_and_no_more() {
    let case = Case::new();
    case.write("o.csv", &"a,".repeat(8_000_000));
    let (told, code) = case.run("o.csv --entity order");
    assert_eq!((told.as_str(), code), ("o.csv:1: error[O0112]: there are more than 4,096 cells\n", 1));
    case.write("o.csv", &format!("number,total\n{}\nA-1,1\n", ",".repeat(5_000)));
    let (told, _) = case.run("o.csv --entity order --rejects r.csv");
    assert!(told.contains("o.csv:2: error[O0112]: there are more than 4,096 cells\n1 committed, 0 stopped, 1 fault"), "{told}");
    assert!(case.read("r.csv").contains(&",".repeat(5_000)), "it stands among the rejects as it is");
}

#[test]
fn memory_does_not_grow_with_the_input() {
    let notes = "x".repeat(3_900);
    let json =
        format!("{{\"message\":\"Upsert\",\"entity\":\"order\",\"id\":{{\"number\":\"A\"}},\"attributes\":{{\"notes\":\"{notes}\"}}}}\n");
    let csv = format!("A,{notes},-1\n");
    let runs = [
        ("- --store sqlite:o.db --batch 1000 --format json", "", json.as_str()),
        ("- --dry-run --store sqlite:o.db", "", json.as_str()),
        ("- --entity order --message upsert --rejects r.csv", "number,notes,total\n", csv.as_str()),
    ];
    for (arguments, head, line) in runs {
        let grown = growth(arguments, head, line);
        assert!(grown < 6_000, "{arguments}: {grown} KiB more for 24 MB more");
    }
}
