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
    assert_eq!(gave.out.lines().map(timeless).collect::<String>(), answers);
}

/// A line without ids and times, which are others every time.
fn timeless(line: &str) -> String {
    let line = line.split_once("  (").filter(|(_, rest)| rest.ends_with("s)")).map_or(line, |(line, _)| line);
    let is_id = |word: &str| word.len() == 36 && word.matches('-').count() == 4;
    let words: Vec<&str> = line.split(' ').map(|word| if is_id(word) { "…" } else { word }).collect();
    words.join(" ") + "\n"
}
