//! `weir fmt` and `weir snap` through the real binary: what they write, where, and how they end.

#![cfg(test)]

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use tempfile::TempDir;

const WILD: &str = "entity account { name text(40) required // its name\nrevenue money }\nflow F on account { trigger create stage pre-operation\n\n\n if revenue>5 {stop \"{ name } is large\"} }\n";
const LAID_OUT: &str = "entity account {\n  name    text(40) required  // its name\n  revenue money\n}\n\nflow F on account {\n  trigger create\n  stage   pre-operation\n\n  if revenue > 5 {\n    stop \"{name} is large\"\n  }\n}\n";

struct Project(TempDir);

impl Project {
    fn of(files: &[(&str, &str)]) -> Self {
        let project = Project(tempfile::tempdir().unwrap());
        for (name, text) in files {
            project.write(name, text);
        }
        project
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        command.args(arguments).current_dir(self.0.path()).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        command
    }

    /// Standard output, standard error and the exit code.
    fn run(&self, arguments: &[&str]) -> (String, String, i32) {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr), output.status.code().unwrap())
    }
}

#[test]
fn fmt_lays_out_the_files_of_a_project() {
    let project = Project::of(&[("a.flow", WILD), ("b/c.flow", LAID_OUT), ("notes.txt", "x  =  1")]);
    assert_eq!(project.run(&["fmt", "--check"]), ("a.flow\n1 file would change, 1 laid out already\n".into(), String::new(), 1));
    assert_eq!(project.read("a.flow"), WILD, "--check writes nothing");
    assert_eq!(project.run(&["fmt"]), ("a.flow\n1 file laid out, 1 already\n".into(), String::new(), 0));
    assert_eq!((project.read("a.flow"), project.read("notes.txt")), (LAID_OUT.into(), "x  =  1".into()));
    assert_eq!(project.run(&["fmt"]), ("2 files laid out already\n".into(), String::new(), 0));
    assert_eq!(project.run(&["fmt", "--check"]).2, 0);
    assert_eq!(fs::read_dir(project.0.path()).unwrap().count(), 3, "nothing is left beside the files");
}

#[test]
fn fmt_shows_the_difference() {
    let project = Project::of(&[("a.flow", "entity account {\n  name text(40)\n  revenue  money\n}\n")]);
    let (out, _, code) = project.run(&["fmt", "a.flow", "--diff"]);
    let shown = "--- a.flow\n+++ a.flow\n@@ -1,4 +1,4 @@\n entity account {\n-  name text(40)\n-  revenue  money\n+  name    text(40)\n+  revenue money\n }\n1 file would change, 0 laid out already\n";
    assert_eq!((out.as_str(), code), (shown, 1));
    assert!(project.read("a.flow").contains("revenue  money"), "--diff writes nothing");
    let coloured = project.command(&["fmt", "--diff"]).env("CLICOLOR_FORCE", "1").output().unwrap().stdout;
    assert!(String::from_utf8(coloured).unwrap().contains("\u{1b}[31m-  name text(40)\u{1b}[0m\n"));
}

#[test]
fn fmt_leaves_alone_what_can_not_be_read() {
    let broken = "flow F on account {\n trigger create\n set = 3\n}\n";
    let project = Project::of(&[("a.flow", WILD), ("broken.flow", broken)]);
    project.write("latin.flow", "");
    fs::write(project.0.path().join("latin.flow"), b"// \xe4\n").unwrap();
    let (out, err, code) = project.run(&["fmt"]);
    assert_eq!((out.as_str(), code), ("a.flow\n1 file laid out, 0 already, 2 left alone\n", 1));
    assert!(err.contains("error[E0101]") && err.contains("broken.flow:3:") && err.contains("error[E0002]"), "{err}");
    assert_eq!(project.read("broken.flow"), broken);
    assert_eq!(project.run(&["fmt", "nowhere"]).2, 4);
}

#[test]
fn fmt_from_standard_input_to_standard_output() {
    let project = Project::of(&[]);
    let run = |text: &str, arguments: &[&str]| {
        let mut command = project.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
    };
    assert_eq!(run(WILD, &["fmt", "-"]), (LAID_OUT.into(), 0));
    assert_eq!(run(&LAID_OUT.replace('\n', "\r\n"), &["fmt", "-"]), (LAID_OUT.into(), 0));
    assert_eq!(run(LAID_OUT, &["fmt", "-", "--check"]), (String::new(), 0));
    assert_eq!(run(WILD, &["fmt", "-", "--check"]).1, 1);
    assert_eq!(run("flow", &["fmt", "-"]), (String::new(), 1));
}

#[cfg(unix)]
#[test]
fn fmt_keeps_permissions_and_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let project = Project::of(&[("real.txt", WILD)]);
    let (real, link) = (project.0.path().join("real.txt"), project.0.path().join("a.flow"));
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&real, &link).unwrap();
    assert_eq!(project.run(&["fmt"]).2, 0);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(project.read("real.txt"), LAID_OUT);
}

const RULES: &str = r#"
entity account {
  name    text(40) required
  kind    choice { small = 1, large = 2 }
  revenue money
}

flow "Set kind" on account {
  trigger create, update(revenue)
  stage   pre-operation

  if revenue > 5 {
    set kind = large
  }
}

flow Limit on account {
  trigger create
  stage   pre-operation
  when    kind == large

  stop "{name} is {kind}"
}
"#;

#[test]
fn snap_makes_compares_and_takes_over() {
    let project = Project::of(&[("rules.flow", RULES), ("snapshots/notes.txt", "mine")]);
    fs::remove_dir_all(project.0.path().join("snapshots")).unwrap();
    let (out, _, code) = project.run(&["snap"]);
    let news = "there is no `snapshots` yet; `weir snap --accept` makes it\nnew: snapshots/Limit.snap\nnew: snapshots/Set_kind-";
    assert!(out.starts_with(news), "{out}");
    assert!(out.ends_with("\n0 snapshots as before, 2 new: `weir snap --accept` takes them over\n") && code == 1, "{out}");
    assert!(!project.0.path().join("snapshots").exists(), "nothing is written");
    assert_eq!(project.run(&["snap", "--accept"]).2, 0);
    assert_eq!(project.run(&["snap"]), ("2 snapshots as before\n".into(), String::new(), 0));
    let kept = project.read("snapshots/Limit.snap");
    assert!(kept.starts_with("flow Limit on account\n") && kept.contains("unless r0 == large go to L1"), "{kept}");
    project.write("rules.flow", &RULES.replace("is {kind}", "is too {kind}").replace("flow \"Set kind\"", "flow Kind"));
    project.write("snapshots/notes.txt", "mine");
    let (out, _, code) = project.run(&["snap", "."]);
    assert!(out.contains("new: snapshots/Kind.snap\n--- snapshots/Limit.snap\n+++ snapshots/Limit.snap\n@@"), "{out}");
    assert!(out.contains("\n-          r2 = \" is \"\n+          r2 = \" is too \"\n"), "{out}");
    assert!(out.contains(".snap is of no flow\n0 snapshots as before, 1 changed, 1 new, 1 gone: ") && code == 1, "{out}");
    assert!(project.run(&["snap", "--accept"]).0.ends_with("1 changed, 1 new, 1 gone: taken over\n"));
    assert_eq!(project.run(&["snap"]), ("2 snapshots as before\n".into(), String::new(), 0));
    assert_eq!(
        (fs::read_dir(project.0.path().join("snapshots")).unwrap().count(), project.read("snapshots/notes.txt")),
        (3, "mine".into())
    );
}

#[test]
fn snapshots_outlast_what_does_not_concern_them() {
    let project = Project::of(&[("rules.flow", RULES)]);
    assert_eq!(project.run(&["snap", "--accept"]).2, 0);
    let as_before = |rules: &str, what: &str| {
        project.write("rules.flow", rules);
        assert_eq!(project.run(&["snap"]).0, "2 snapshots as before\n", "{what}");
    };
    as_before(&RULES.replace("  name  ", "  first date\n  name  "), "a field in front");
    as_before(&RULES.replace("  revenue money\n", "").replace("  name  ", "  revenue money\n  name  "), "fields in another order");
    as_before(&RULES.replace("small = 1, large = 2", "tiny = 7, large = 2, small = 1"), "options in another order");
    as_before(&format!("entity aaa {{ x integer }}\n// c\n{RULES}"), "an entity in front");
    as_before(&RULES.replace('\n', "\n\n").replace("  ", " "), "another layout");
    as_before(RULES, "the same");
    assert_eq!(project.run(&["fmt"]).2, 0);
    assert_eq!(project.run(&["snap"]).2, 0);
}

#[test]
fn snap_tells_what_it_can_not_do() {
    let project = Project::of(&[("rules.flow", RULES), ("other/broken.flow", "flow"), ("snapshots/Limit.snap/x", "")]);
    assert_eq!(project.run(&["snap", "-"]).2, 2);
    assert_eq!(project.run(&["snap", "other"]).2, 1);
    let (_, err, code) = project.run(&["snap", "rules.flow"]);
    assert!(err.starts_with("error: `snapshots/Limit.snap` can't be read: ") && code == 4, "{err}");
    let alone = Project::of(&[("a.flow", RULES), ("snapshots/Other.snap", "of another file")]);
    assert_eq!(alone.run(&["snap", "a.flow", "--accept"]).2, 0);
    assert_eq!(alone.read("snapshots/Other.snap"), "of another file");
}

#[cfg(unix)]
#[test]
fn snap_touches_no_file_that_is_not_its_own() {
    let foreign = "---\nsource: tests/a.rs\n---\nflow\n";
    let project = Project::of(&[("rules.flow", RULES), ("snapshots/rust__a.snap", foreign), ("elsewhere", "mine")]);
    assert_eq!(project.run(&["snap", "--accept"]).2, 0);
    assert_eq!(project.read("snapshots/rust__a.snap"), foreign);
    assert_eq!(project.run(&["snap"]), ("2 snapshots as before\n".into(), String::new(), 0));
    let link = project.0.path().join("snapshots/Limit.snap");
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("../elsewhere", &link).unwrap();
    let (_, err, code) = project.run(&["snap", "--accept"]);
    assert!(err.starts_with("error: `snapshots/Limit.snap` can't be written: it is a link") && code == 4, "{err}");
    assert_eq!(project.read("elsewhere"), "mine");
}
