//! Statements at their limits. What is said of ordinary ones stands in `cases/check/stmt`.

use weir::check;
use weir::source::Sources;
use weir::syntax;

/// The most hostile files are checked within moments: time grows with the text.
#[test]
fn large_bodies_take_no_longer_than_their_size() {
    let arms: String = (0..40_000).map(|number| format!("{number} => {{}}\n")).collect();
    let writes: String = (0..40_000).map(|_| "set a = 1\nif b > 3 { set b = empty }\n").collect();
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
