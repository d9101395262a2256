//! Broken programs, by theme below `cases/broken`: each says in its source which diagnostics it expects and where (see
//! `support/markers.rs`), and the snapshot beside it shows what a person reads.

#![cfg(test)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use support::markers::{Mark, expected, found};
use weir::diagnostic::{Code, Severity, render};
use weir::project::Project;

/// The errors and warnings that no small program shows, and why.
const WITHOUT_CASES: &[(&str, &str)] = &[
    ("E0111", "a file of more than 16 MiB, or a hundred syntax errors: tests/syntax.rs"),
    ("E0219", "more declarations than there can be"),
    ("E0310", "until this release carries flows in the background"),
    ("E0618", "more than a thousand `let`s: tests/check_stmt.rs"),
];

/// The cases, in the order of their names.
fn cases() -> Vec<PathBuf> {
    files("tests/cases/broken", "flow")
}

/// The files below a folder with this ending.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut cases = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                cases.push(path);
            }
        }
    }
    cases.sort();
    cases
}

fn listed(marks: &[Mark]) -> String {
    marks.iter().map(|mark| format!("    {}:{} {}\n", mark.line, mark.column, mark.code)).collect()
}

#[test]
fn each_is_told_where_it_is_marked() {
    let mut wrong = String::new();
    for path in cases() {
        let text = fs::read_to_string(&path).unwrap();
        let project = Project::from_text("case.flow", text.as_str());
        let (expected, found) = (expected(&text), found(&project.sources, &project.diagnostics));
        assert!(!expected.is_empty(), "{} expects nothing", path.display());
        if expected != found {
            wrong += &format!("{}\n  expected\n{}  found\n{}", path.display(), listed(&expected), listed(&found));
            for problem in &project.diagnostics {
                wrong += &format!("    {}\n", weir::diagnostic::render::short(problem, &project.sources));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// What a person reads about each.
#[test]
fn the_words() {
    for path in cases() {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let project = Project::from_text(&format!("{name}.flow"), text.as_str());
        let words: String = project.diagnostics.iter().map(|problem| render::human(problem, &project.sources, false)).collect();
        insta::with_settings!({
            snapshot_path => path.parent().unwrap(), prepend_module_to_snapshot => false, omit_expression => true,
        }, { insta::assert_snapshot!(name, words) });
    }
}

#[test]
fn every_code_has_a_case() {
    let mut seen = BTreeSet::new();
    for path in cases() {
        seen.extend(expected(&fs::read_to_string(path).unwrap()).into_iter().map(|mark| mark.code));
    }
    // A code may also have its case beside those of its phase.
    let others: String = files("tests/cases/check", "snap").iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let exempt = |code: &Code| {
        // Files that can't be read and compiled files are no programs; what a release can't carry yet goes away.
        let kind = ["E00", "E08", "E09"].iter().any(|kind| code.name().starts_with(kind));
        kind || code.severity() == Severity::Fault
            || !code.name().starts_with(['E', 'W'])
            || WITHOUT_CASES.iter().any(|(name, _)| *name == code.name())
    };
    let without: Vec<&str> = Code::ALL
        .iter()
        .filter(|code| !exempt(code))
        .map(|code| code.name())
        .filter(|name| !seen.contains(*name) && !others.contains(*name))
        .collect();
    assert!(without.is_empty(), "no case in tests/cases/broken shows {}", without.join(", "));
    let shown: Vec<&str> = WITHOUT_CASES.iter().map(|(name, _)| *name).filter(|name| seen.contains(*name)).collect();
    assert!(shown.is_empty(), "there is a case for {}", shown.join(", "));
}
