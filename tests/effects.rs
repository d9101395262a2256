//! The effect signatures of each file below `tests/cases/effects`: as people read them, and as programs do.

#![cfg(test)]

use weir::bytecode::signatures;
use weir::project::Project;

#[test]
fn cases() {
    insta::glob!("cases/effects/*.flow", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let project = Project::from_text("case.flow", text.as_str());
        let problems: Vec<_> = project.diagnostics.iter().map(|problem| (problem.code, &problem.message)).collect();
        let compiled = project.compile().unwrap_or_else(|_| panic!("{problems:?}"));
        let all = signatures(&compiled.program, &compiled.schema, &compiled.sources);
        let people: Vec<String> = all.iter().map(ToString::to_string).collect();
        let programs: Vec<String> = all.iter().map(|one| serde_json::to_string(one).unwrap()).collect();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(path.parent().unwrap());
        settings.set_prepend_module_to_snapshot(false);
        settings.remove_snapshot_suffix();
        settings.set_omit_expression(true);
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        settings.bind(|| insta::assert_snapshot!(name, format!("{text}\n{}\n{}\n", people.join("\n"), programs.join("\n"))));
    });
}
