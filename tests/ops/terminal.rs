//! The bar is for people at a terminal, and for nobody else.

use std::process::Command;

use rexpect::session::spawn_command;

use super::Case;

#[test]
fn a_terminal_shows_how_far_it_is_and_how_long_it_will_take() {
    let case = Case::new();
    let rows: String = (0..8_000).map(|number| format!("A-{number},{number},\n")).collect();
    case.write("o.csv", &format!("number,total,notes\n{rows}"));
    let mut session = spawn_command(case.command("o.csv --entity order --batch 100"), Some(60_000)).unwrap();
    session.exp_regex(r"\[=*> *\] +\d+%  \d+ operations, \d+ a second, (\d+ h )?(\d+ min )?\d+ (s|min) left").unwrap();
    session.exp_string("8000 committed, 0 stopped, 0 faults in ").unwrap();
    session.exp_eof().unwrap();
    // Through a pipe the same run shows nothing of it.
    let output = case.command("o.csv --entity order --batch 100 --dry-run").output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn lines_and_the_bar_do_not_meet_on_one_line() {
    let case = Case::new();
    let rows: String = (0..6_000).map(|number| format!("A-{number},{}\n", if number % 150 == 149 { -1 } else { 1 })).collect();
    case.write("o.csv", &format!("number,total\n{rows}"));
    let mut session = spawn_command(case.command("o.csv --entity order"), Some(60_000)).unwrap();
    session.exp_regex(r"\d+ stopped").unwrap();
    // Each line begins at the left, after the bar was wiped away.
    session.exp_regex(r"([\r\n]|\x1b\[\d?[A-K])o\.csv:\d+: stopped by NoNegativeTotals: Order A-\d+ has a negative total\.\r\n").unwrap();
    session.exp_string("40 stopped by NoNegativeTotals, the first of them").unwrap();
    session.exp_eof().unwrap();
}

#[test]
fn standard_output_that_is_a_pipe_stays_clean() {
    let case = Case::new();
    let rows: String = (0..4_000).map(|number| format!("A-{number},1\n")).collect();
    case.write("o.csv", &format!("number,total\n{rows}"));
    let mut command = Command::new("sh");
    let script = format!("'{}' run rules.flow --ops o.csv --entity order > out.txt; echo ended", env!("CARGO_BIN_EXE_weir"));
    command.args(["-c", &script]).current_dir(case.dir.path());
    let mut session = spawn_command(command, Some(60_000)).unwrap();
    session.exp_regex(r"\d+ operations, \d+ a second").unwrap();
    session.exp_string("ended").unwrap();
    session.exp_eof().unwrap();
    assert!(case.read("out.txt").starts_with("4000 committed, 0 stopped, 0 faults in "));
}
