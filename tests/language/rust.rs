//! Rules that want a folder, several stores or another hand than a flow's.

use std::fs;

use weir::diagnostic::Code;
use weir::project::Project;

fn codes(project: &Project) -> Vec<Code> {
    project.diagnostics.iter().map(|said| said.code).collect()
}

#[test]
fn s2_a_folder_is_one_project() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("a.flow", "flow Uses on thing { trigger update(size) set size = 1 }"),
        ("deep/er/b.flow", "entity thing { size integer owner2 lookup other }"),
        ("z.flow", "entity other { name text(10) }"),
        (".git/c.flow", "entity thing { hidden integer }"),
    ];
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let whole = Project::load(folder.path()).unwrap();
    assert_eq!(codes(&whole), []);
    assert_eq!(whole.checked.flows.len(), 1);
    let alone = |name: &str| codes(&Project::load(&folder.path().join(name)).unwrap());
    assert_eq!(alone("z.flow"), [], "a single file is a project");
    assert_eq!(alone("a.flow"), [Code::E0302], "and knows nothing of the files beside it");
    fs::write(folder.path().join("again.flow"), "entity other { name text(10) }").unwrap();
    assert_eq!(codes(&Project::load(folder.path()).unwrap()), [Code::E0201], "names are one set over all files");
}

#[test]
fn s2_brackets_nest_64_deep() {
    let nested = |depth: usize| {
        let text =
            format!("entity e {{ a integer }} flow F on e {{ trigger update(a) set a = {}1{} }}", "(".repeat(depth), ")".repeat(depth));
        codes(&Project::from_text("deep.flow", text))
    };
    assert_eq!(nested(63), [], "63 and the braces of the flow");
    assert_eq!(nested(64), [Code::E0110]);
}
