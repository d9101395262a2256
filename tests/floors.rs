//! The house's rule: a room imports only from rooms on lower floors. Walks every path in `src/` that leaves its room.

#![cfg(test)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The rooms by floor, from the ground up.
const FLOORS: [&[&str]; 10] = [
    &["source"],
    &["diagnostic", "value"],
    &["syntax", "schema", "bytecode"],
    &["check", "store"],
    &["compile", "vm"],
    &["pipeline"],
    &["jobs"],
    &["project"],
    &["scenario", "exchange"],
    &["cli", "repl"],
];

/// What may look sideways all the same: below which path, at which room, and why.
const ALLOWED: [(&str, &str, &str); 3] = [
    ("cli/repl.rs", "repl", "the command that starts the prompt"),
    ("bytecode", "schema", "a flow's head and a program name fields by slot, the file by name, and the schema owns both"),
    ("vm/tests.rs", "compile", "what the machine runs in its own tests is made by the compiler"),
];

/// A room that uses another.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    from: String,
    to: String,
    file: PathBuf,
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn is_allowed(found: &Use) -> bool {
    ALLOWED.iter().any(|(below, to, _)| found.file.starts_with(below) && found.to == *to)
}

/// What breaks the rule, one line each.
fn violations(uses: &BTreeSet<Use>) -> Vec<String> {
    let mut found = Vec::new();
    for Use { from, to, file } in uses.iter().filter(|found| !is_allowed(found)) {
        let file = file.display();
        match (floor(from), floor(to)) {
            (None, _) => found.push(format!("{file}: the room `{from}` is on no floor")),
            (_, None) => found.push(format!("{file}: `{to}` is no room")),
            (Some(one), Some(other)) if other >= one => {
                found.push(format!("{file}: `{from}` (floor {one}) uses `{to}` (floor {other})"));
            }
            _ => {}
        }
    }
    found
}

/// The rooms that a text names, by `crate::…` or by enough `super::`. `path` is the file's path below `src/`.
fn uses(path: &Path, text: &str) -> BTreeSet<Use> {
    let mut modules: Vec<String> = path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if modules.last().is_some_and(|last| last == "mod") {
        modules.pop();
    }
    let Some(from) = modules.first().cloned() else { return BTreeSet::new() };
    let code: String = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
    let code: String = code.split_whitespace().collect::<Vec<_>>().join(" ").replace(" ::", "::").replace(":: ", "::");
    let mut named: BTreeSet<String> = heads_after(&code, "crate::");
    // A module inside the file is one more level, so a longer chain than the file's depth reaches the top as well.
    for levels in modules.len()..modules.len() + 3 {
        named.extend(heads_after(&code, &"super::".repeat(levels)).into_iter().filter(|name| floor(name).is_some()));
    }
    named.into_iter().filter(|to| *to != from).map(|to| Use { from: from.clone(), to, file: path.to_owned() }).collect()
}

/// The first name, or the first names of a group, behind each place where a path begins with `prefix`.
fn heads_after(code: &str, prefix: &str) -> BTreeSet<String> {
    let is_part = |character: char| character.is_alphanumeric() || character == '_' || character == ':';
    code.match_indices(prefix)
        .filter(|(at, _)| !code.split_at(*at).0.ends_with(is_part))
        .flat_map(|(at, _)| heads(code.split_at(at + prefix.len()).1))
        .collect()
}

fn heads(rest: &str) -> Vec<String> {
    let name = |text: &str| -> String { text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect() };
    let Some(group) = rest.strip_prefix('{') else { return Some(name(rest)).filter(|name| !name.is_empty()).into_iter().collect() };
    let (mut depth, mut part, mut found) = (0, String::new(), Vec::new());
    for character in group.chars() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => found.push(std::mem::take(&mut part)),
            _ => {}
        }
        if depth == 0 && character != ',' {
            part.push(character);
        }
    }
    found.push(part);
    found.iter().map(|part| name(part.trim())).filter(|name| !name.is_empty()).collect()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("the sources can be listed").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every use of a room by another in the whole of `src/`, `lib.rs` and `main.rs` aside.
fn all_uses() -> BTreeSet<Use> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    assert!(files.len() > 20, "only {} files were found", files.len());
    let below = |file: &PathBuf| file.strip_prefix(&root).expect("it is below").to_owned();
    files
        .iter()
        .map(|file| (below(file), file))
        .filter(|(path, _)| !matches!(path.to_str(), Some("lib.rs" | "main.rs")))
        .flat_map(|(path, file)| uses(&path, &std::fs::read_to_string(file).expect("it can be read")))
        .collect()
}

#[test]
fn imports_go_only_down() {
    let found = violations(&all_uses());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_allowed_row_is_used() {
    let uses = all_uses();
    for (below, to, reason) in ALLOWED {
        let used = uses.iter().any(|found| found.file.starts_with(below) && found.to == to);
        assert!(used, "nothing in `{below}` uses `{to}` any more ({reason}): take the row away");
    }
}

#[test]
fn the_walk_finds_what_is_planted() {
    let check = |path: &str, text: &str| violations(&uses(Path::new(path), text));
    assert_eq!(check("value/mod.rs", "use crate::schema::Schema;"), ["value/mod.rs: `value` (floor 1) uses `schema` (floor 2)"]);
    assert_eq!(check("vm/run.rs", "fn f() { crate::compile::program() }"), ["vm/run.rs: `vm` (floor 4) uses `compile` (floor 4)"]);
    assert_eq!(check("check/stmt/mod.rs", "use crate::{\n    value::{self, Value},\n    store::Store,\n};").len(), 1);
    assert_eq!(check("check/mod.rs", "use super::pipeline;"), ["check/mod.rs: `check` (floor 3) uses `pipeline` (floor 5)"]);
    assert_eq!(check("check/stmt/set.rs", "use super::super::super::cli::run;").len(), 1);
    assert_eq!(check("check/mod.rs", "use crate::attic::Box;"), ["check/mod.rs: `attic` is no room"]);
    assert_eq!(check("attic.rs", "use crate::source::Span;"), ["attic.rs: the room `attic` is on no floor"]);
}

#[test]
fn the_walk_leaves_the_rest_alone() {
    let check = |path: &str, text: &str| violations(&uses(Path::new(path), text));
    assert_eq!(check("check/mod.rs", "use crate::{schema::Schema, syntax::{self, ast}};\n// crate::cli\nuse my_crate::cli;"), [""; 0]);
    assert_eq!(check("check/expr/mod.rs", "use super::{context, store_name};\nuse super::super::ir;"), [""; 0]);
    assert_eq!(check("bytecode/head.rs", "use crate::schema::FieldSet;"), [""; 0]);
}
