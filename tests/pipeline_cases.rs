//! The conformance cases of the event pipeline: every file of `tests/cases/pipeline/` with its tests, each in a fresh store.
//!
//! A plug-in that a file declares `via host` gets the function that [`function`] knows by its name, else one that does nothing.

#![cfg(test)]

#[path = "support/stores.rs"]
mod stores;

use std::fs;
use std::path::{Path, PathBuf};

use weir::pipeline::{Pipeline, PluginContext, Refusal, Settings};
use weir::project::{Compiled, Project};
use weir::scenario::{cases, run};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/pipeline")
}

fn files() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|extension| extension == "flow")).collect();
    files.sort();
    files
}

/// What a plug-in does.
fn function(name: &str) -> fn(&mut PluginContext<'_>) -> Result<(), Refusal> {
    match name {
        "Score" => |context| context.set("score", 10),
        "Witness" => |context| context.create("note", &[("text", "seen".into())]).map(drop),
        "Careless" => |context| {
            let _ = context.create("note", &[("size", 9.into())]);
            Ok(())
        },
        _ => |_| Ok(()),
    }
}

fn open(compiled: &Compiled) -> Pipeline {
    let mut pipeline = compiled.open(&stores::empty(), Settings::fixed()).unwrap();
    for plugin in &compiled.program.plugins {
        pipeline.bind(&plugin.head.name, function(&plugin.head.name)).unwrap();
    }
    pipeline
}

/// A project that has nothing against it.
fn compiled(project: &Project) -> Compiled {
    let problems = &project.diagnostics;
    assert!(problems.is_empty(), "{problems:#?}");
    project.compile().unwrap()
}

#[test]
fn every_case_holds() {
    let (mut count, mut failures) = (0, Vec::new());
    for path in files() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let project = Project::load(&path).unwrap();
        let compiled = compiled(&project);
        let before = count;
        for case in project.checked.scenarios.iter().filter(|scenario| scenario.test).flat_map(cases) {
            count += 1;
            let report = run(case, &mut open(&compiled));
            if let Some(failure) = report.failure {
                let line = project.sources.position(failure.span).line;
                failures.push(format!("{name}:{line}: {}: {} {:?}", report.name, failure.message, failure.notes));
            }
        }
        assert!(count > before, "{name} has no tests");
    }
    println!("{count} tests in {} files", files().len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_list_names_every_file() {
    let list = fs::read_to_string(folder().join("README.md")).unwrap();
    for path in files() {
        let name = path.file_name().unwrap().to_string_lossy();
        assert!(list.contains(&format!("[{name}]({name})")), "{name} is missing in the list");
    }
    for link in list.split("](").skip(1).filter_map(|rest| rest.split(')').next()).filter(|link| !link.contains("://")) {
        assert!(folder().join(link).exists(), "there is no {link}");
    }
}
