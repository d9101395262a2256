//! Statements at their limits. What is said of ordinary ones stands in `cases/check/stmt`.

#![cfg(test)]

use weir::check;
use weir::source::Sources;
use weir::syntax;

/// Thousands of arms, writes and names: one word about the names that are too many, and none about the rest.
#[test]
fn a_large_body_is_checked_whole() {
    let arms: String = (0..2_000).map(|number| format!("{number} => {{}}\n")).collect();
    let writes: String = (0..2_000).map(|_| "set a = 1\nif b > 3 { set b = empty }\n").collect();
    let lets: String = (0..3_000).map(|number| format!("let x{number} = {number}\n")).collect();
    let text = format!(
        "entity e {{ name text(9) required a integer b integer }}\n\
         flow F on e {{ trigger update(a) stage pre-operation match b {{ {arms} else => {{}} }} {writes} {lets} }}"
    );
    assert_eq!(codes(&text), ["E0618"]);
}

fn codes(text: &str) -> Vec<&'static str> {
    let mut sources = Sources::default();
    let built_in = check::built_in(&mut sources);
    let file = sources.add("case.flow", text);
    let (tree, said) = syntax::parse(&sources, file);
    let checked = check::check(&[built_in, tree]);
    said.iter().chain(&checked.diagnostics).map(|diagnostic| diagnostic.code.name()).collect()
}

/// What stands behind an error is checked as well, and a name whose `let` has an error makes no second one.
#[test]
fn one_mistake_makes_no_other() {
    let text = "entity e { name text(9) required a integer }\n\
         flow F on e { trigger update(a) let x = nosuch let y = x + 1 log \"{x} {y}\" set nosuch = x wait y }";
    assert_eq!(codes(text), ["E0401", "E0402", "E0301"]);
}
