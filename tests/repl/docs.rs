//! docs/repl.md is true: its file and its `repl` blocks are one session, and give what stands there.

use super::{folder, piped};

#[test]
fn the_page_is_a_session() {
    let page = include_str!("../../docs/repl.md");
    let blocks = |tag: &str| -> String {
        let fence = format!("```{tag}\n");
        page.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).collect()
    };
    let (file, session) = (blocks("flow"), blocks("repl"));
    let typed: Vec<&str> = session.lines().filter_map(|line| line.strip_prefix("weir> ")).collect();
    assert!(typed.len() > 20, "the blocks were found");
    let answers: String = session.lines().filter(|line| !line.starts_with("weir> ")).map(|line| format!("{line}\n")).collect();
    let folder = folder(&[("rules.flow", &file)]);
    let gave = piped(folder.path(), &["rules.flow"], &format!("{}\n", typed.join("\n")));
    assert_eq!(gave.err, "");
    assert_eq!(gave.out, answers);
}
