//! `weir test --suggest`: tests for what no test reaches, to be pasted into the project as they stand.
//!
//! They are found in `scenario::suggest`; in here they are only written. Whatever isn't a test is a comment.

use serde::Serialize;

use crate::cli::output::Output;
use crate::diagnostic::render::{counted, visible};
use crate::project::{Compiled, Project};
use crate::scenario::coverage::Collector;
use crate::scenario::suggest::{Goal, Suggestions, suggest};
use crate::source::Sources;

/// How much of a text is told in a comment.
const LONGEST: usize = 160;

/// A test that is suggested, or something that none was found for.
#[derive(Serialize)]
#[serde(untagged)]
enum Object<'a> {
    Test { suggestion: &'a str, reaches: Vec<Missing<'a>>, text: &'a str },
    Missed { unreached: Missing<'a>, reason: &'a str },
    Left { left: usize },
}

/// Something that no test reaches.
#[derive(Serialize)]
struct Missing<'a> {
    name: &'a str,
    file: &'a str,
    line: usize,
    what: &'a str,
}

/// Writes what there is to suggest, as text or an object a line.
pub(super) fn tell((project, compiled): (&Project, &Compiled), collector: &Collector, json: bool, output: &mut Output) {
    let found = suggest(project, compiled, collector);
    if json {
        return objects(&found, &project.sources).into_iter().for_each(|object| output.line(object));
    }
    output.write(&text(&found, &project.sources));
}

fn text(found: &Suggestions, sources: &Sources) -> String {
    let mut parts: Vec<String> = Vec::new();
    for test in &found.tests {
        // A branch that is one condition is both.
        let mut reached: Vec<String> = test.reaches.iter().map(|goal| comment(goal, None, sources)).collect();
        reached.dedup();
        parts.push(format!("{}{}", reached.concat(), test.text));
    }
    if !found.missed.is_empty() {
        let mut missed: Vec<String> = found.missed.iter().map(|(goal, why)| comment(goal, Some(why), sources)).collect();
        missed.dedup();
        parts.push(format!("// No test was found for these:\n{}", missed.concat()));
    }
    if found.left > 0 {
        let more = counted(found.left, "more place");
        parts.push(format!("// {more} to reach: once these tests are in the project, `--suggest` goes on with them.\n"));
    }
    if parts.is_empty() { "// The tests reach everything that a suggestion could be made for.\n".to_owned() } else { parts.join("\n") }
}

fn comment(goal: &Goal, why: Option<&str>, sources: &Sources) -> String {
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    let line = format!("{}, {}: {}{why}", sources.place(goal.span).unwrap_or_default(), goal.unit, goal.words);
    let mut shown: String = visible(&line.replace('\n', " ")).chars().take(LONGEST).collect();
    if shown.chars().count() == LONGEST {
        shown.push('…');
    }
    format!("// {shown}\n")
}

fn objects(found: &Suggestions, sources: &Sources) -> Vec<String> {
    let written = |object: &Object<'_>| serde_json::to_string(object).unwrap_or_default();
    let tests = found.tests.iter().map(|test| {
        let reaches = test.reaches.iter().map(|goal| missing(goal, sources)).collect();
        written(&Object::Test { suggestion: &test.title, reaches, text: &test.text })
    });
    let missed = found.missed.iter().map(|(goal, why)| written(&Object::Missed { unreached: missing(goal, sources), reason: why }));
    let left = (found.left > 0).then(|| written(&Object::Left { left: found.left }));
    tests.chain(missed).chain(left).collect()
}

fn missing<'a>(goal: &'a Goal, sources: &'a Sources) -> Missing<'a> {
    let file = sources.get(goal.span.file).map_or("", |file| &file.name);
    Missing { name: &goal.unit, file, line: sources.position(goal.span).line, what: &goal.words }
}
