//! The documentation is true: every `flow` block of README.md and docs/ is compiled, and its tests are run.
//!
//! A block tagged `flow` stands for itself; `flow more` goes on with the block before it; `flow error E0301` must be refused
//! with that code; behind `file` stands where the guide has its reader put it. A block that is only a part of a file is tagged `text`.

#![cfg(test)]

use std::path::Path;

use weir::pipeline::Settings;
use weir::project::Project;

#[test]
fn every_flow_block_is_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<_> = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.push(root.join("README.md"));
    let (mut blocks, mut tests) = (0, 0);
    for page in pages {
        let mut text = String::new();
        for (line, tag, block) in flow_blocks(&std::fs::read_to_string(&page).unwrap()) {
            let place = format!("{}:{line}", page.display());
            if !tag.starts_with("more") {
                text.clear();
            }
            text.push_str(&block);
            tests += hold(&place, &tag, &text);
            blocks += 1;
        }
    }
    println!("{blocks} blocks compiled, {tests} tests in them passed");
    assert!(blocks > 10 && tests > 5, "the pages were found: {blocks} blocks, {tests} tests");
}

/// Compiles a block and runs its tests; says how many there were.
fn hold(place: &str, tag: &str, text: &str) -> usize {
    let project = Project::from_text("page.flow", text);
    let said: Vec<_> = project.diagnostics.iter().map(|diagnostic| format!("{} {}", diagnostic.code.name(), diagnostic.message)).collect();
    if let Some(code) = tag.strip_prefix("error ").and_then(|tag| tag.split(' ').next()) {
        assert!(said.iter().any(|said| said.starts_with(code)), "{place} should be refused with {code}, but: {said:#?}");
        return 0;
    }
    assert!(said.is_empty(), "{place} should check without a word, but: {said:#?}");
    let compiled = project.compile().unwrap();
    let tests: Vec<_> = project.checked.scenarios.iter().filter(|scenario| scenario.test).flat_map(weir::scenario::cases).collect();
    for test in tests.iter().copied() {
        let mut pipeline = compiled.open("sqlite::memory:", Settings::fixed()).unwrap();
        let report = weir::scenario::run(test, &mut pipeline);
        assert!(report.failure.is_none(), "{place}: test {:?} fails: {:#?}", report.name, report.failure);
    }
    tests.len()
}

/// The blocks of a page: line, what stands after `flow`, text.
fn flow_blocks(page: &str) -> Vec<(usize, String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String, String)> = None;
    for (index, line) in page.lines().enumerate() {
        match &mut open {
            Some(_) if line.trim_end() == "```" => blocks.extend(open.take().filter(|block| block.0 > 0)),
            Some((_, _, text)) => *text += &format!("{line}\n"),
            None => {
                let tag = line.strip_prefix("```flow").map(|tag| tag.trim().to_string());
                open = tag.map(|tag| (index + 1, tag, String::new())).or_else(|| line.starts_with("```").then(Default::default));
            }
        }
    }
    blocks
}
