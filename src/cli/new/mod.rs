//! `weir new`: a small project that checks, tests and runs at once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Exit;
use super::output::Output;
use crate::diagnostic::render;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder: a new one, or one that is empty
    dir: PathBuf,
}

/// The files, and what each is.
const FILES: [(&str, &str, &str); 4] = [
    ("orders.flow", "an entity, two rules and a scenario", include_str!("orders.flow")),
    ("tests.flow", "the tests of the rules", include_str!("tests.flow")),
    ("orders.csv", "orders to run through the rules", include_str!("orders.csv")),
    ("weir.toml", "settings", include_str!("weir.toml")),
];

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Exit {
    let dir = &arguments.dir;
    let name = render::visible(&dir.to_string_lossy()).into_owned();
    match fill(dir) {
        Ok(true) => {
            tell(&name, output);
            Exit::Well
        }
        Ok(false) => {
            output.error_line(format!("error: `{name}` isn't empty, and a project begins in a folder of its own: name another"));
            Exit::Usage
        }
        Err(error) => {
            output.error_line(format!("error: `{name}` can't be written: {error}"));
            Exit::Failed
        }
    }
}

/// Puts the files into the folder; says no where something is in it, and changes nothing then.
fn fill(dir: &Path) -> io::Result<bool> {
    fs::create_dir_all(dir)?;
    if fs::read_dir(dir)?.next().is_some() {
        return Ok(false);
    }
    for (name, _, text) in FILES {
        fs::write(dir.join(name), text)?;
    }
    Ok(true)
}

fn tell(name: &str, output: &mut Output) {
    output.line(format!("{name} is there:"));
    FILES.iter().for_each(|(file, what, _)| output.line(format!("  {file:<11}  {what}")));
    output.line("\nTry it:");
    let tries = [
        (format!("weir check {name}"), "what the compiler has to say"),
        (format!("weir test {name}"), "the tests"),
        (format!("weir run {name}"), "the scenario, step by step"),
        (format!("weir run {name} --ops {name}/orders.csv --entity order"), "the orders of a file"),
    ];
    let width = tries.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
    tries.iter().for_each(|(command, what)| output.line(format!("  {command:<width$}  {what}")));
}
