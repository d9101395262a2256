//! The reference is whole: the functions and the codes in it are those of the one table of each, its limits those of the
//! code, and every word of the language stands in it. `INSTA_UPDATE=always` writes what comes from a table.

#![cfg(test)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use weir::diagnostic::{Code, Severity};
use weir::schema as limits;
use weir::syntax::keywords;
use weir::value::{Function, Returns, Takes};

/// Holds a part of a page, between two comments, against what belongs there.
fn hold(page: &str, mark: &str, belongs: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- {mark} -->\n"), format!("<!-- end of {mark} -->\n"));
    let (before, rest) = text.split_once(&begin).unwrap();
    let (found, after) = rest.split_once(&end).unwrap();
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(&path, format!("{before}{begin}{belongs}{end}{after}")).unwrap();
    } else {
        assert!(found == belongs, "{page}: {mark} are not up to date; INSTA_UPDATE=always writes them");
    }
}

#[test]
fn the_functions_are_those_of_the_table() {
    let mut table = String::from("| function | takes | gives | |\n|---|---|---|---|\n");
    for function in Function::ALL {
        let names: Vec<&str> = function.parameters.iter().map(|parameter| parameter.name).collect();
        let (fewest, _) = function.counts();
        let (needed, rest) = names.split_at(fewest);
        let mut call = needed.join(", ");
        rest.iter().for_each(|name| call += &format!("[, {name}]"));
        let more = if function.repeats { ", …" } else { "" };
        let mut takes: Vec<&str> = function.parameters.iter().map(|parameter| parameter.takes.words()).collect();
        takes.dedup();
        let takes = if function.takes_empty { format!("{}, or empty", takes.join("; ")) } else { takes.join("; ") };
        let _ = writeln!(table, "| `{}({call}{more})` | {takes} | {} | {} |", function.name, gives(function), function.doc);
    }
    hold("docs/language.md", "functions", &table);
}

fn gives(function: &Function) -> &'static str {
    match function.returns {
        Returns::Boolean => "true or false",
        Returns::Integer => "a whole number",
        Returns::Text => "text",
        Returns::Absolute => "a number of that type",
        Returns::Rounded if function.parameters.len() > 1 => "a whole number, or that type with fewer decimals",
        Returns::Rounded => "a whole number",
        Returns::Same if function.parameters.iter().any(|parameter| parameter.takes == Takes::Ordered) => "one of them",
        Returns::Same => "a value of that type",
    }
}

#[test]
fn the_codes_are_those_of_the_table() {
    let mut table = String::from("| code | | what it is about |\n|---|---|---|\n");
    for code in Code::ALL {
        let severity = match code.severity() {
            Severity::Fault => "fault",
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let _ = writeln!(table, "| {} | {severity} | {} |", code.name(), code.title());
    }
    hold("docs/codes.md", "codes", &table);
}

#[test]
fn every_word_stands_in_the_reference() {
    let page = include_str!("../docs/language.md");
    let code: String = page.split('`').skip(1).step_by(2).collect::<Vec<_>>().join(" ");
    let stands = |word: &&str| code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|found| found == *word);
    let lists =
        [keywords::RESERVED, keywords::DECLARATIONS, keywords::STATEMENTS, keywords::CLAUSES, keywords::OPERATORS, &keywords::TYPES];
    // `delay` is told to be `wait`.
    let missing: Vec<&str> = lists.concat().into_iter().filter(|word| *word != "delay" && !stands(word)).collect();
    assert!(missing.is_empty(), "docs/language.md says nothing of {missing:?}");
}

#[test]
fn the_limits_are_those_of_the_code() {
    let page = include_str!("../docs/language.md");
    let (_, section) = page.split_once("## Limits").unwrap();
    let grouped = |number: usize| {
        let digits = number.to_string();
        let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
        groups.join(",")
    };
    let settings = weir::pipeline::Settings::fixed();
    let limits = [
        ("brackets", weir::syntax::ast::MAX_NESTING),
        ("operators", weir::syntax::ast::MAX_HEIGHT),
        ("MiB a file", weir::syntax::MAX_FILE >> 20),
        ("characters a name", limits::MAX_NAME),
        ("fields an entity", limits::MAX_FIELDS),
        ("entities", limits::MAX_ENTITIES),
        ("characters a `text`", limits::MAX_TEXT as usize),
        ("characters a `memo`", limits::MAX_MEMO as usize),
        ("operations deep", settings.max_depth as usize),
        ("instructions an operation", settings.max_instructions as usize),
    ];
    for (what, limit) in limits {
        let line = format!("| {} {what}", grouped(limit));
        assert!(section.contains(&line), "the limits say `{line}`");
    }
}

#[test]
fn the_built_in_entities_are_shown_as_they_are() {
    let page = include_str!("../docs/entities.md");
    let (_, text) = include_str!("../src/schema/builtin.flow").split_once("\n\n").unwrap();
    assert!(page.contains(text.trim()), "docs/entities.md shows other entities than src/schema/builtin.flow has");
}
