//! Each renderer over the same few problems.

use super::*;
use crate::diagnostic::Code;
use crate::source::Span;

const CREDIT: &str =
    "/// A customer.\nentity account {\n  name text(160)\n}\n\nflow Credit on account {\n\twait 3 days // für 東京\n  stop \"x\"\n}\n";

fn credit() -> (Sources, Diagnostic) {
    let mut sources = Sources::default();
    let file = sources.add("credit.flow", CREDIT);
    let at = |text: &str| {
        let start = CREDIT.find(text).unwrap() as u32;
        Span::new(file, start, start + text.len() as u32)
    };
    let diagnostic = Diagnostic::new(Code::E0301, at("wait 3 days"), "a real-time flow can't wait")
        .label("waits here")
        .also(at("Credit"), "this flow is real-time")
        .help("make it a background flow, or start one that waits")
        .fix(at("wait 3 days"), "");
    (sources, diagnostic)
}

#[test]
fn one_for_people() {
    let (sources, diagnostic) = credit();
    insta::assert_snapshot!(human(&diagnostic, &sources, false), @r"
    error[E0301]: a real-time flow can't wait
      ┌─ credit.flow:7:2
      │
    6 │ flow Credit on account {
      │      ------ this flow is real-time
    7 │     wait 3 days // für 東京
      │     ^^^^^^^^^^^ waits here
      │
      = help: make it a background flow, or start one that waits
      = fix: line 7 would read
            // für 東京
    ");
}

#[test]
fn one_for_editors_and_one_for_programs() {
    let (sources, diagnostic) = credit();
    assert_eq!(short(&diagnostic, &sources), "credit.flow:7:2: error[E0301]: a real-time flow can't wait");
    insta::assert_snapshot!(json(&diagnostic, &sources), @r#"{"severity":"error","code":"E0301","title":"a wait in real-time mode","message":"a real-time flow can't wait","file":"credit.flow","line":7,"column":2,"endLine":7,"endColumn":13,"labels":[{"file":"credit.flow","line":7,"column":2,"endLine":7,"endColumn":13,"text":"waits here"},{"file":"credit.flow","line":6,"column":6,"endLine":6,"endColumn":12,"text":"this flow is real-time"}],"help":["make it a background flow, or start one that waits"],"fix":[{"file":"credit.flow","start":79,"end":90,"text":""}]}"#);
}

#[test]
fn colours_only_where_they_are_wanted() {
    let (sources, diagnostic) = credit();
    assert!(human(&diagnostic, &sources, true).contains("\u{1b}["));
    assert!(!human(&diagnostic, &sources, false).contains('\u{1b}'));
}

#[test]
fn without_a_place() {
    let diagnostic = Diagnostic::unplaced(Code::E0001, "`a.flow` can't be read").help("it is a folder");
    let sources = Sources::default();
    assert_eq!(human(&diagnostic, &sources, false), "error[E0001]: `a.flow` can't be read\n = help: it is a folder\n\n");
    assert_eq!(short(&diagnostic, &sources), "error[E0001]: `a.flow` can't be read");
    assert!(json(&diagnostic, &sources).contains(r#""file":null,"line":null"#));
}

#[test]
fn a_very_long_line_is_cut_around_its_label() {
    let mut sources = Sources::default();
    let text = format!("{}é{}", "(".repeat(5_000_000), ")".repeat(5_000_000));
    let file = sources.add("long.flow", text);
    let diagnostic = Diagnostic::new(Code::E0101, Span::new(file, 5_000_000, 5_000_002), "too deep").label("here");
    let shown = human(&diagnostic, &sources, false);
    assert!(shown.len() < 2_000, "{} bytes", shown.len());
    assert!(shown.contains("long.flow:1:5000001"), "{shown}");
    assert!(shown.contains("…((("), "{shown}");
    let caret = shown.lines().find(|line| line.contains("^ here")).unwrap();
    let source = shown.lines().find(|line| line.contains('é')).unwrap();
    let column = |line: &str, what: char| line.chars().position(|c| c == what).unwrap();
    assert_eq!(column(caret, '^'), column(source, 'é'));
}

#[test]
fn spans_at_the_end_of_a_file_and_over_many_lines() {
    let mut sources = Sources::default();
    let file = sources.add("a.flow", "flow A on b {\n  stop\n");
    let end = Diagnostic::new(Code::E0101, Span::new(file, 21, 21), "`}` is missing")
        .label("expected here")
        .also(Span::new(file, 0, 21), "opened here");
    let shown = human(&end, &sources, false);
    assert!(shown.contains("a.flow:3:1"), "{shown}");
    assert!(shown.contains("------------- opened here"), "{shown}");
    let empty = sources.add("empty.flow", "");
    let nothing = Diagnostic::new(Code::E0101, Span::new(empty, 0, 0), "nothing here");
    assert!(human(&nothing, &sources, false).contains("empty.flow:1:1"));
}

#[test]
fn what_could_steer_a_terminal_is_drawn() {
    let mut sources = Sources::default();
    let file = sources.add("a.flow", "let x = \u{1b}[2J\u{202e}\u{0}\n");
    let diagnostic = Diagnostic::new(Code::E0101, Span::new(file, 8, 9), "what is \u{1b}\nthis");
    let shown = human(&diagnostic, &sources, false);
    assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{0}']), "{shown:?}");
    assert!(shown.contains("what is ␛ this"), "{shown}");
}

#[test]
fn order_and_summary() {
    let (sources, diagnostic) = credit();
    let unplaced = Diagnostic::unplaced(Code::E0001, "x");
    let mut all = vec![diagnostic.clone(), unplaced.clone(), diagnostic.clone()];
    sort(&mut all);
    assert_eq!(all, [unplaced, diagnostic]);
    assert_eq!(summary(&all, 3), "2 errors in 3 files");
    assert_eq!(summary(&[], 1), "no problems in 1 file");
    drop(sources);
}
