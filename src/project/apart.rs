//! A store of its own for each test: in memory, or in the database that a URL names, beside what is there. Nothing else in that database
//! is read or written, and what is made is taken away again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Compiled;
use super::compiled::OpenError;
use crate::pipeline::{Pipeline, Settings};
use crate::store::{Postgres, Sqlite, Store, StoreError};
use crate::value::Uuid;

/// How many stores this process has named so far.
static NAMED: AtomicUsize = AtomicUsize::new(0);

/// What a file of SQLite's may have beside it.
const BESIDE: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// What was made for one test, until this is dropped.
#[derive(Debug)]
pub enum Apart {
    /// Nothing that stays.
    Memory,
    /// A file, with what SQLite puts beside it.
    File(PathBuf),
    /// A schema, by the URL that names it.
    Schema(String),
}

impl Compiled {
    /// A pipeline over a new store that nobody else has: `sqlite::memory:` is one, `sqlite:FILE` names where a file is made, with the
    /// name of that file and more, and `postgres://…` the database in which a schema is. What comes first is to be kept for as long as
    /// the pipeline.
    pub fn open_apart(&self, url: &str, settings: Settings) -> Result<(Apart, Pipeline), OpenError> {
        let (apart, store) = apart(url)?;
        let pipeline = self.over(store, settings)?;
        Ok((apart, pipeline))
    }
}

fn apart(url: &str) -> Result<(Apart, Box<dyn Store>), OpenError> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        let mark = if url.contains('?') { '&' } else { '?' };
        let own = format!("{url}{mark}schema=weir_test_{}", Uuid::now_v7().simple());
        let store = Postgres::open(&own)?;
        return Ok((Apart::Schema(own), Box::new(store)));
    }
    match url.strip_prefix("sqlite:") {
        Some(":memory:") => Ok((Apart::Memory, Box::new(Sqlite::memory()?))),
        None | Some("") => Err(OpenError::Url(url.to_owned())),
        Some(path) if Path::new(path).is_dir() => {
            Err(StoreError::Failed(format!("`{path}`: this is a folder: name a file in it, which need not be there")).into())
        }
        Some(path) => {
            let file = PathBuf::from(format!("{path}-test-{}-{}", std::process::id(), NAMED.fetch_add(1, Ordering::Relaxed)));
            let store = Sqlite::fresh(&file)?;
            Ok((Apart::File(file), Box::new(store)))
        }
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // What isn't there, or can't be taken away, is no matter of the test.
        match self {
            Apart::Memory => {}
            Apart::File(file) => BESIDE.iter().for_each(|beside| drop(fs::remove_file(format!("{}{beside}", file.display())))),
            Apart::Schema(url) => drop(Postgres::open(url).and_then(Postgres::discard)),
        }
    }
}
