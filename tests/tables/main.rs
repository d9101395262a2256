//! Flows over tables that were there before: `weir schema pull`, mapped entities, and what becomes of somebody's own database.
//! Through the real binary, and looked at with SQLite itself.

#![cfg(test)]

#[path = "../support/corpus.rs"]
mod corpus;
mod filled;
mod mapped;
mod northwind;
#[path = "../support/not_run.rs"]
mod not_run;
mod page;
mod pulled;
mod undone;

use std::path::PathBuf;
use std::process::Command;

use rusqlite::Connection;

/// A folder with a database and a project.
struct Place {
    folder: tempfile::TempDir,
}

/// What a command said and how it ended.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Place {
    /// With these tables.
    fn with(sql: &str) -> Self {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(place.folder.path().join("project")).unwrap();
        place.database().execute_batch(&format!("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; {sql}")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn database(&self) -> Connection {
        Connection::open(self.path("data.db")).unwrap()
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        std::fs::write(self.path("project").join(name), text).unwrap();
        self
    }

    /// Pulls the tables into the project.
    fn pull(&self) -> String {
        let said = self.weir(&["schema", "pull", "sqlite:data.db", "-o", "project/tables.flow"]);
        assert!(said.code == 0 && said.out.starts_with("project/tables.flow: ") && said.err.is_empty(), "{said:?}");
        std::fs::read_to_string(self.path("project/tables.flow")).unwrap()
    }

    fn run(&self, scenario: &str) -> Said {
        self.weir(&["run", "project", scenario, "--store", "sqlite:data.db"])
    }

    fn weir(&self, arguments: &[&str]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_weir")).args(arguments).current_dir(self.folder.path()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Said { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// What a query gives, a row a line.
    fn rows(&self, sql: &str) -> String {
        let connection = self.database();
        let mut statement = connection.prepare(sql).unwrap();
        let columns = statement.column_count();
        let cell = |value: rusqlite::types::Value| match value {
            rusqlite::types::Value::Null => "-".to_owned(),
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Real(number) => format!("{number:?}"),
            rusqlite::types::Value::Text(text) => text,
            rusqlite::types::Value::Blob(bytes) => format!("{} bytes", bytes.len()),
        };
        let rows = statement.query_map([], |row| {
            let cells: Vec<String> = (0..columns).map(|column| row.get(column).map(cell)).collect::<Result<_, _>>()?;
            Ok(cells.join("|"))
        });
        rows.unwrap().map(Result::unwrap).collect::<Vec<_>>().join("\n")
    }
}
