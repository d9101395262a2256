//! A folder with a project and a store, the texts that the tests deploy there, and what they look at.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use rusqlite::Connection;
use tempfile::TempDir;

pub const SCHEMA: &str = r#"entity account {
  name    text(100) required
  revenue money
  credit  integer
  rating  choice { hot = 1, warm = 2, cold = 3 }
}

entity note {
  title text(100) required
  about lookup account
}
"#;

pub const LIMIT: &str = r#"
flow Limit on account {
  trigger create, update(revenue) at post-operation
  stage   pre-operation

  if revenue > 5_000 {
    stop "{name} is over the limit"
  }
  set credit = 5, rating = warm
}
"#;

pub const OLD: &str = r#"
flow Old on account {
  trigger create

  if rating == cold {
    create note { title = "cold: {revenue ?? 0}", about = this }
  }
}
"#;

pub const LATER: &str = r#"
flow Later on account {
  mode    background
  trigger create

  log "first"
  wait 3 days
  set credit = 1
}
"#;

pub const RICH: &str = r#"{"message":"Create","entity":"account","attributes":{"name":"Acme","revenue":9000}}"#;
pub const POOR: &str = r#"{"message":"Create","entity":"account","attributes":{"name":"Acme","revenue":10,"rating":"cold"}}"#;

/// A folder with a project and a store.
pub struct Place {
    pub dir: TempDir,
}

impl Place {
    pub fn of(text: &str) -> Self {
        let place = Place { dir: tempfile::tempdir().unwrap() };
        place.project(text);
        place
    }

    /// A place with the project deployed.
    pub fn deployed(text: &str) -> Self {
        let place = Place::of(text);
        place.well(&["deploy", "p", "--store", "sqlite:s.db"]);
        place
    }

    pub fn project(&self, text: &str) {
        fs::create_dir_all(self.path("p")).unwrap();
        fs::write(self.path("p/rules.flow"), text).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn url(&self) -> String {
        format!("sqlite:{}", self.path("s.db").display())
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        command.args(arguments).current_dir(self.dir.path());
        command
    }

    /// What a command writes to standard output and to standard error, and its exit code.
    pub fn run(&self, arguments: &[&str]) -> (String, String, i32) {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr), output.status.code().unwrap())
    }

    /// What a command tells that ends well.
    pub fn well(&self, arguments: &[&str]) -> String {
        let (out, err, code) = self.run(arguments);
        assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}: {out}");
        out
    }

    /// What a command says that refuses.
    pub fn refused(&self, arguments: &[&str], code: &str) -> String {
        let before = self.dump();
        let (out, err, exit) = self.run(arguments);
        assert_eq!((out.as_str(), exit), ("", 1), "{arguments:?}: {err}");
        assert!(err.contains(&format!("[{code}]")), "{arguments:?}: {err}");
        assert_eq!(self.dump(), before, "{arguments:?} wrote something");
        err
    }

    pub fn life(&self, verb: &str, name: &str) -> String {
        self.well(&[verb, name, "--store", "sqlite:s.db"])
    }

    pub fn deploy(&self) -> String {
        self.well(&["deploy", "p", "--store", "sqlite:s.db"])
    }

    /// Runs operations through what is active in the store; gives the lines of JSON.
    pub fn operations(&self, lines: &[&str]) -> Vec<serde_json::Value> {
        fs::write(self.path("ops"), lines.join("\n")).unwrap();
        let (out, err, _) = self.run(&["run", "sqlite:s.db", "--ops", "ops", "--format", "json"]);
        assert_eq!(err, "");
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Which flows run when an account is created.
    pub fn ran(&self, operation: &str) -> Vec<String> {
        let told = self.operations(&[operation]);
        told[0]["ran"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    pub fn database(&self) -> Connection {
        Connection::open(self.path("s.db")).unwrap()
    }

    /// The state codes of the activations of a definition, oldest first.
    pub fn activations(&self, name: &str) -> Vec<i64> {
        let database = self.database();
        let mut query =
            database.prepare("SELECT statecode FROM workflow WHERE type = 2 AND name = ?1 ORDER BY createdon, workflowid").unwrap();
        query.query_map([name], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// Everything in the database, as text; nothing where there is none.
    pub fn dump(&self) -> String {
        if !self.path("s.db").exists() {
            return String::new();
        }
        let database = self.database();
        let mut tables =
            database.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name <> 'weir_note' ORDER BY name").unwrap();
        let tables: Vec<(String, String)> =
            tables.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
        let mut dump = String::new();
        for (name, sql) in tables {
            dump += &format!("{sql}\n");
            let mut query = database.prepare(&format!("SELECT * FROM \"{name}\" ORDER BY 1, 2")).unwrap();
            let count = query.column_count();
            let mut rows = query.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                for column in 0..count {
                    dump += &format!("{:?} ", row.get::<_, rusqlite::types::Value>(column).unwrap());
                }
                dump += "\n";
            }
        }
        dump
    }
}

/// The lines of what a deploy tells, without the blanks between the columns.
pub fn steps(told: &str) -> Vec<String> {
    told.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}
