//! The prompt through the real binary: from a pipe, and at a real pseudo-terminal.

#![cfg(test)]

mod docs;
mod piped;
mod stores;
#[cfg(unix)]
mod terminal;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// A project with a rule that stops and one that sets.
pub const RULES: &str = r#"/// A customer company.
entity account {
  name         text(160) required
  revenue      money
  creditlimit  money
  onhold       boolean = false
  industry     choice { banking = 1, retail = 2, other = 9 }
  parent       lookup account
}

/// Puts a bank on hold when its exposure outgrows the limit.
flow CreditHold on account {
  trigger create, update(revenue, creditlimit)
  stage   pre-operation

  let exposure = (revenue ?? 0) - (creditlimit ?? 0)

  if exposure > 5_000_000 {
    stop "Exposure {exposure} is over the limit."
  } else if exposure > 1_000_000 and industry == banking {
    set onhold = true
  }
}
"#;

/// What a script gave: its output, its complaints, its exit code.
pub struct Gave {
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
    /// Its exit code.
    pub code: i32,
}

/// A folder with files.
pub fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// The binary in a folder, with nothing of the environment that could change what it does.
pub fn weir(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(arguments).current_dir(folder).env_remove("CLICOLOR_FORCE").env_remove("NO_COLOR");
    command.envs([("XDG_STATE_HOME", folder.join("state")), ("HOME", folder.to_owned())]);
    command
}

/// Pipes a script into `weir repl`.
pub fn piped(folder: &Path, arguments: &[&str], script: &str) -> Gave {
    let arguments: Vec<&str> = ["repl"].iter().chain(arguments).copied().collect();
    let mut command = weir(folder, &arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let script = script.to_owned();
    let writer = std::thread::spawn(move || drop(input.write_all(script.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Gave { out: text(output.stdout), err: text(output.stderr), code: output.status.code().unwrap() }
}
