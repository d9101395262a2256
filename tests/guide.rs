//! The guide is walked: its files are written and changed, its commands run, and what they print is what stands there; of a
//! `console part`, each line is part of a line that is printed, in this order.

#![cfg(test)]

use std::fs;
use std::path::Path;
use std::process::Command;

/// A block of a page: what stands behind the three signs, and its text.
fn blocks(page: &str) -> Vec<(&str, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(tag) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((tag, text.join("\n") + "\n"));
        }
    }
    blocks
}

#[test]
fn the_guide_can_be_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut written, mut commands) = (0, 0);
    for (tag, text) in blocks(include_str!("../docs/guide.md")) {
        if let Some(name) = tag.strip_prefix("diff file ") {
            change(&folder.path().join(name), &text);
        } else if let Some((kind, name)) = tag.split_once("file ") {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let before = if kind.contains("more") { fs::read_to_string(&path).unwrap() + "\n" } else { String::new() };
            fs::write(&path, before + &text).unwrap();
            written += 1;
        } else if tag == "console part" {
            let (command, expected) = text.split_once('\n').unwrap();
            let printed = printed(command.strip_prefix("$ weir ").unwrap(), folder.path());
            let mut lines = printed.lines();
            for line in expected.lines() {
                assert!(lines.any(|printed| printed.contains(line)), "{command} prints no line `{line}` there: {printed}");
            }
            commands += 1;
        } else if tag == "console" {
            let (command, expected) = text.split_once('\n').unwrap();
            let printed = printed(command.strip_prefix("$ weir ").unwrap(), folder.path());
            assert_eq!(untimed(&printed), untimed(expected), "{command}");
            commands += 1;
        }
    }
    println!("{written} files written, {commands} commands run");
    assert!(written > 5 && commands > 4);
}

/// Takes the lines with a minus out of a file, and puts those with a plus there instead.
fn change(path: &Path, diff: &str) {
    let lines = |sign: char| diff.lines().filter_map(|line| line.strip_prefix(sign)).map(|line| format!("{line}\n")).collect::<String>();
    let before = fs::read_to_string(path).unwrap();
    assert_eq!(before.matches(&lines('-')).count(), 1, "{diff}");
    fs::write(path, before.replace(&lines('-'), &lines('+'))).unwrap();
}

/// What a command prints, without blanks at the ends of lines.
fn printed(arguments: &str, folder: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    let output = command.args(arguments.split(' ')).current_dir(folder).env("NO_COLOR", "1").output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Without how long something took, be it at the end of a line, in brackets or in a line of its own.
fn untimed(text: &str) -> String {
    let lines = text.lines().filter(|line| !(line.starts_with("in ") && line.ends_with("s")));
    let untimed = lines.map(|line| line.split_once(" in 0.").or_else(|| line.rsplit_once("  (")).map_or(line, |(before, _)| before));
    untimed.map(|line| line.to_owned() + "\n").collect()
}
