//! Broken programs, by theme below `cases/broken`: each says in its source which diagnostics it expects and where (see
//! `support/markers.rs`), and the snapshot beside it shows what a person reads.

#![cfg(test)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::markers::{Mark, expected, found};
use weir::project::Project;

/// The cases, in the order of their names.
fn cases() -> Vec<PathBuf> {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/broken")];
    let mut cases = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "flow") {
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
