//! What the checker says about each file below `tests/cases/check`: a `.flow` file is a case, and the snapshot beside
//! it shows the source with what was said.

#![cfg(test)]

use std::fmt::Write;

use weir::check::{built_in, check};
use weir::diagnostic::{Diagnostic, Severity};
use weir::source::{Sources, Span};
use weir::syntax::parse;

/// The file with its lines numbered, then each problem with its places, helps and fixes.
fn report(text: &str) -> String {
    let mut sources = Sources::default();
    let built_in = built_in(&mut sources);
    let file = sources.add("case.flow", text);
    let (tree, mut problems) = parse(&sources, file);
    problems.extend(check(&[built_in, tree]).diagnostics);
    let mut out = String::new();
    for (index, line) in text.lines().enumerate() {
        let _ = writeln!(out, "{:>3} | {line}", index + 1);
    }
    out.push('\n');
    if problems.is_empty() {
        out.push_str("nothing to say\n");
    }
    for problem in &problems {
        describe(&sources, problem, &mut out);
    }
    out
}

fn describe(sources: &Sources, problem: &Diagnostic, out: &mut String) {
    let _ = writeln!(out, "{} {}: {}", problem.code.name(), severity(problem), problem.message);
    for label in &problem.labels {
        let _ = writeln!(out, "    at {} {}", place(sources, label.span), label.text);
    }
    for help in &problem.help {
        let _ = writeln!(out, "    help: {help}");
    }
    for edit in &problem.fix {
        let _ = writeln!(out, "    fix: {} becomes `{}`", place(sources, edit.span), edit.text);
    }
}

fn place(sources: &Sources, span: Span) -> String {
    let position = sources.position(span);
    format!("{}:{} `{}`", position.line, position.column, sources.slice(span).replace('\n', "⏎"))
}

fn severity(problem: &Diagnostic) -> &'static str {
    match problem.severity() {
        Severity::Fault => "fault",
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

#[test]
fn cases() {
    insta::glob!("cases/check/**/*.flow", |path| {
        let text = std::fs::read_to_string(path).expect("the case can be read");
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(path.parent().unwrap_or(".".as_ref()));
        settings.set_prepend_module_to_snapshot(false);
        settings.remove_snapshot_suffix();
        settings.set_omit_expression(true);
        settings.set_input_file(path.file_name().unwrap_or_default());
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("case");
        settings.bind(|| insta::assert_snapshot!(name, report(&text)));
    });
}
