//! What the flows of the examples compile to, one file each in `snapshots/`: the flow as it is written, and beneath it what
//! `weir snap` keeps of it. To be read, and to see in a change of the compiler what it does to real flows.

#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use weir::project::Project;
use weir::source::Sources;
use weir::syntax::ast::Item;
use weir::syntax::parse;

/// The source of each flow, by name.
fn flows(sources: &Sources) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (file, _) in sources.iter() {
        for item in parse(sources, file).0.items {
            let (name, span) = match &item {
                Item::Flow(flow) => (&flow.name, flow.span),
                Item::Action(action) => (&action.name, action.span),
                Item::Plugin(plugin) => (&plugin.name, plugin.span),
                _ => continue,
            };
            found.push((name.text.to_string(), sources.slice(span).to_owned()));
        }
    }
    found
}

#[test]
fn what_they_compile_to() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut written = BTreeSet::new();
    for entry in fs::read_dir(root.join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        let project = Project::load(&path).unwrap();
        let texts = flows(&project.sources);
        let example = path.file_name().unwrap().to_str().unwrap();
        for snapshot in project.compile().unwrap().snapshots() {
            let (_, text) = texts.iter().find(|(name, _)| *name == snapshot.name).unwrap();
            let name = format!("{example}-{}", snapshot.file.trim_end_matches(".snap"));
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../snapshots" }, {
                insta::assert_snapshot!(name.as_str(), format!("{text}\n\n----\n{}", snapshot.text));
            });
            written.insert(format!("{name}.snap"));
        }
    }
    let there: BTreeSet<String> =
        fs::read_dir(root.join("snapshots")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(there, written, "a snapshot of no flow is taken away");
}
