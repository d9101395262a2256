//! A test for every rule of the language. A file below `cases/language` holds the rules that its head names, each by its
//! number and in words of its own:
//!
//! ```text
//! //! 4.21 Text compares by code point.
//! ```
//!
//! Each is checked: its diagnostics are exactly those that it marks. One without errors has tests, and they pass. What
//! a flow can't show stands in `rust.rs`, or is shown by another test, which [`ELSEWHERE`] names. `cases/language/README.md`
//! is the list of all rules and is held to be complete; `INSTA_UPDATE=always` writes it.

#![cfg(test)]

mod elsewhere;
mod rust;
#[path = "../support/stores.rs"]
mod stores;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use elsewhere::{ELSEWHERE, Held};
use support::markers::{expected, found};
use weir::diagnostic::render::short;
use weir::pipeline::Settings;
use weir::project::Project;
use weir::scenario::{Verdict, cases, run};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/language")
}

/// The files of the cases with their texts, by name.
fn files() -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let flows = entries.filter(|path| path.extension().is_some_and(|extension| extension == "flow"));
    flows.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn every_case_holds() {
    let (mut wrong, mut tests) = (String::new(), 0);
    for (name, text) in files() {
        let project = Project::from_text(&name, text.as_str());
        let (expected, found) = (expected(&text), found(&project.sources, &project.diagnostics));
        if expected != found {
            let _ = writeln!(wrong, "{name}");
            expected.iter().filter(|mark| !found.contains(mark)).for_each(|mark| {
                let _ = writeln!(wrong, "  not said: {}:{} {}", mark.line, mark.column, mark.code);
            });
            project.diagnostics.iter().for_each(|said| {
                let _ = writeln!(wrong, "  {}", short(said, &project.sources));
            });
        } else if !project.has_errors() {
            tests += run_all(&name, &project, &mut wrong);
        }
    }
    println!("{tests} tests of rules ran");
    assert!(wrong.is_empty(), "{wrong}");
}

/// Runs the tests of a case; gives how many there were.
fn run_all(name: &str, project: &Project, wrong: &mut String) -> usize {
    let compiled = project.compile().unwrap();
    let mut tests = 0;
    for case in project.checked.scenarios.iter().flat_map(cases) {
        let mut pipeline = compiled.open(&stores::empty(), Settings::fixed()).unwrap();
        let report = run(case, &mut pipeline);
        tests += 1;
        if !matches!(report.verdict(), Verdict::Passed | Verdict::Skipped) {
            let _ = writeln!(wrong, "{name}: {}", report.name);
            if let Some(failure) = &report.failure {
                let line = project.sources.position(failure.span).line;
                let _ = writeln!(wrong, "  line {line} `{}`: {} {:?}", project.sources.slice(failure.span), failure.message, failure.notes);
            }
        }
    }
    if tests == 0 {
        let _ = writeln!(wrong, "{name} tries nothing");
    }
    tests
}

/// The rules that a head names: number and words.
fn rules(text: &str) -> Vec<(String, String)> {
    let mut rules: Vec<(String, String)> = Vec::new();
    for line in text.lines().map_while(|line| line.strip_prefix("//!")) {
        let words = line.trim();
        match words.split_once(' ').filter(|(id, _)| is_id(id)) {
            Some((id, words)) => rules.push((id.to_owned(), words.to_owned())),
            None => {
                if let Some((_, before)) = rules.last_mut() {
                    *before = format!("{before} {words}");
                }
            }
        }
    }
    rules
}

/// Whether a word is the number of a rule: `4.21`.
fn is_id(word: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    word.split_once('.').is_some_and(|(section, rule)| number(section) && number(rule))
}

#[test]
fn the_list_of_rules_is_whole() {
    let mut held: BTreeMap<(u32, u32), (String, Vec<String>)> = BTreeMap::new();
    let mut hold = |id: &str, words: &str, place: String| {
        let (section, rule) = id.split_once('.').unwrap();
        let (known, places) = held.entry((section.parse().unwrap(), rule.parse().unwrap())).or_default();
        assert!(known.is_empty() || words.is_empty() || known == words, "{id} is said in two ways: {known:?} and {words:?}");
        if known.is_empty() {
            *known = words.to_owned();
        }
        places.push(place);
    };
    for (name, text) in files() {
        let rules = rules(&text);
        assert!(!rules.is_empty(), "{name} says in its head which rules it holds");
        let section = name.strip_prefix('s').and_then(|name| name.split_once('_')).map(|(section, _)| section).unwrap_or_default();
        for (id, words) in rules {
            assert_eq!(id.split_once('.').unwrap().0, section, "{name} is about its section");
            hold(&id, &words, format!("`{name}`"));
        }
    }
    for Held { id, words, file, test } in ELSEWHERE {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        assert!(text.contains(&format!("fn {test}(")), "{file} has a test {test}");
        hold(id, words, format!("{}: `{test}`", file.strip_prefix("tests/").unwrap_or(file)));
    }
    let mut list = String::from(
        "# The rules of the language, and what holds them\n\n\
         Written by `INSTA_UPDATE=always cargo test --test language` from the heads of the files beside it and from `tests/language/elsewhere.rs`.\n\n\
         | rule | in words | held by |\n|---|---|---|\n",
    );
    for ((section, rule), (words, places)) in &held {
        assert!(!words.is_empty(), "{section}.{rule} has words");
        let words = words.replace('|', "\\|");
        let _ = writeln!(list, "| {section}.{rule} | {words} | {} |", places.join(", "));
    }
    let path = folder().join("README.md");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(&path, &list).unwrap();
    }
    assert!(fs::read_to_string(&path).is_ok_and(|written| written == list), "README.md is not up to date: INSTA_UPDATE=always writes it");
    println!("{} rules are held", held.len());
}
