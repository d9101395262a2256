//! `weir run --ops` over real data, through the real binary: large inputs, a terminal, a process that is killed, rejects that come back.

#![cfg(test)]

mod endings;
mod keys;
mod large;
mod resume;
mod terminal;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

const RULES: &str = r#"entity order {
  number text(40) required
  total  money
  notes  text(4000)
  key (number)
}

flow NoNegativeTotals on order {
  trigger create, update(total)
  stage   pre-operation

  if total < 0 {
    stop "Order {number} has a negative total."
  }
}
"#;

/// A folder with rules, and what is run in it.
struct Case {
    dir: TempDir,
}

impl Case {
    fn new() -> Self {
        let case = Case { dir: tempfile::tempdir().unwrap() };
        case.write("rules.flow", RULES);
        case
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// `weir run rules.flow --ops` with what follows.
    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        command.args(["run", "rules.flow", "--ops"]).args(arguments.split(' ')).current_dir(self.dir.path()).env("NO_COLOR", "1");
        command
    }

    /// Runs it; gives what it wrote, and its exit code.
    fn run(&self, arguments: &str) -> (String, i32) {
        told(&self.command(arguments).output().unwrap())
    }

    /// The numbers of the orders in the store, in their order.
    fn orders(&self) -> Vec<String> {
        let database = rusqlite::Connection::open(self.path("o.db")).unwrap();
        let mut statement = database.prepare("SELECT number FROM \"order\" ORDER BY number").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// How many orders another process has kept so far; none where the table isn't there yet.
    fn held(&self) -> i64 {
        let database = rusqlite::Connection::open(self.path("o.db")).unwrap();
        database.query_row("SELECT count(*) FROM \"order\"", [], |row| row.get(0)).unwrap_or(0)
    }
}

/// What it wrote, without times, and its exit code.
fn told(output: &Output) -> (String, i32) {
    let text = String::from_utf8([&output.stdout[..], &output.stderr[..]].concat()).unwrap();
    let timeless = text.lines().map(|line| line.split_once(" in 0.").map_or(line, |(before, _)| before).to_owned() + "\n");
    (timeless.collect(), output.status.code().unwrap())
}
