//! A compiled project: what runs, without its texts.

use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

use crate::bytecode::Program;
use crate::check::Checked;
use crate::compile;
use crate::diagnostic::Diagnostic;
use crate::pipeline::{Pipeline, Settings};
use crate::schema::Schema;
use crate::store::{Sqlite, Store, StoreError};

/// A schema and the flows on it, ready to run.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The entities and choices.
    pub schema: Arc<Schema>,
    /// The flows.
    pub program: Arc<Program>,
}

/// Why a store can't be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The URL is none that names a store.
    #[error("`{0}` names no store: write `sqlite:FILE` or `sqlite::memory:`")]
    Url(String),
    /// It names a kind of store that there isn't yet.
    #[error("`{0}` names a PostgreSQL store, which this release can't open yet: write `sqlite:FILE` or `sqlite::memory:`")]
    Postgres(String),
    /// The store itself failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Compiled {
    pub(super) fn new(checked: &Checked) -> Result<Self, Diagnostic> {
        let program = compile::program(checked)?;
        Ok(Compiled { schema: Arc::new(checked.schema.clone()), program: Arc::new(program) })
    }

    /// A pipeline over the store that a URL names: `sqlite::memory:` or `sqlite:FILE`.
    pub fn open(&self, url: &str, settings: Settings) -> Result<Pipeline, OpenError> {
        self.over(open_store(url)?, settings)
    }

    /// A pipeline over a store.
    pub fn over(&self, store: Box<dyn Store>, settings: Settings) -> Result<Pipeline, OpenError> {
        Ok(Pipeline::new(Arc::clone(&self.schema), Arc::clone(&self.program), store, settings)?)
    }
}

fn open_store(url: &str) -> Result<Box<dyn Store>, OpenError> {
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        return Err(OpenError::Postgres(url.to_owned()));
    }
    match url.strip_prefix("sqlite:") {
        Some(":memory:") => Ok(Box::new(Sqlite::memory()?)),
        Some(path) if !path.is_empty() => Ok(Box::new(Sqlite::open(Path::new(path))?)),
        _ => Err(OpenError::Url(url.to_owned())),
    }
}
