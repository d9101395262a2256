//! A compiled project: what runs, and how it becomes a `.flowc` file and a pipeline over a store.

use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

use crate::bytecode::{self, Program};
use crate::check::Checked;
use crate::compile;
use crate::diagnostic::Diagnostic;
use crate::pipeline::order::{self, Ask, AskError, Order};
use crate::pipeline::{Deployment, Pipeline, Settings};
use crate::schema::Schema;
use crate::source::Sources;
use crate::store::{Postgres, Sqlite, Store, StoreError};

use super::Config;

/// A schema and the flows on it, ready to run.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The entities and choices.
    pub schema: Arc<Schema>,
    /// The flows, verified.
    pub program: Arc<Program>,
    /// The texts that they were compiled from.
    pub sources: Arc<Sources>,
    /// What the project's `weir.toml` says; a compiled file doesn't hold it.
    pub config: Config,
    /// What of it a store says that it was loaded from.
    pub deployed: Arc<Deployment>,
}

/// Why a store can't be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The URL is none that names a store.
    #[error("`{0}` names no store: write `sqlite:FILE`, `sqlite::memory:` or `postgres://USER@HOST/DATABASE`")]
    Url(String),
    /// The record of what happens can't be written.
    #[error("the record can't be written: {0}")]
    Record(std::io::Error),
    /// A record names a time zone that this machine doesn't know.
    #[error("the record names a time zone that this machine doesn't know")]
    Zone,
    /// The store itself failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Compiled {
    pub(super) fn new(checked: &Checked, sources: &Sources) -> Result<Self, Diagnostic> {
        let program = compile::program(checked)?;
        if let Err(error) = bytecode::verify(&program, &checked.schema) {
            let error = bytecode::LoadError::Refused(error);
            return Err(Diagnostic::unplaced(error.code(), error.to_string()));
        }
        Ok(bytecode::Bundle { schema: checked.schema.clone(), program, sources: sources.clone() }.into())
    }

    /// The content of a `.flowc` file; none where it would be larger than such a file can be.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        bytecode::encode(&self.schema, &self.program, &self.sources)
    }

    /// The compiled project that a `.flowc` file holds, verified.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, bytecode::LoadError> {
        bytecode::decode(bytes).map(Compiled::from)
    }

    /// The same flows on another schema, by the names that they use; an error names what the schema doesn't have or what doesn't fit.
    pub fn onto(&self, schema: &Arc<Schema>) -> Result<Self, String> {
        let program = bytecode::link(&self.program, &self.schema, schema).map_err(|error| error.to_string())?;
        bytecode::verify(&program, schema).map_err(|error| error.to_string())?;
        Ok(Compiled { schema: Arc::clone(schema), program: Arc::new(program), ..self.clone() })
    }

    /// Every step that an event would run, in its order, and what those may cause.
    pub fn order(&self, ask: &Ask) -> Result<Order, AskError> {
        let depth = self.config.apply(Settings::fixed()).max_depth;
        order::order(&self.program, &self.schema, &self.sources, ask, depth)
    }

    /// A pipeline over the store that a URL names: `sqlite::memory:`, `sqlite:FILE` or `postgres://USER@HOST/DATABASE` (see [`Postgres::open`]).
    pub fn open(&self, url: &str, settings: Settings) -> Result<Pipeline, OpenError> {
        self.over(open_store(url, &self.schema)?, settings)
    }

    /// A pipeline on trial over the store that a URL names: all that it does is in one transaction that is there to be rolled back.
    /// A file that isn't there isn't made.
    pub fn open_trial(&self, url: &str, settings: Settings) -> Result<Pipeline, OpenError> {
        let missing = url.strip_prefix("sqlite:").is_some_and(|path| path != ":memory:" && !path.is_empty() && !Path::new(path).exists());
        let store = if missing { Box::new(Sqlite::memory()?) } else { open_store(url, &self.schema)? };
        let settings = Settings { sources: Arc::clone(&self.sources), deployed: Arc::clone(&self.deployed), ..settings };
        Ok(Pipeline::trial(Arc::clone(&self.schema), Arc::clone(&self.program), store, settings)?)
    }

    /// A pipeline over a store.
    pub fn over(&self, store: Box<dyn Store>, settings: Settings) -> Result<Pipeline, OpenError> {
        let settings = Settings { sources: Arc::clone(&self.sources), deployed: Arc::clone(&self.deployed), ..settings };
        Ok(Pipeline::new(Arc::clone(&self.schema), Arc::clone(&self.program), store, settings)?)
    }
}

impl From<bytecode::Bundle> for Compiled {
    fn from(bundle: bytecode::Bundle) -> Self {
        let bytecode::Bundle { schema, program, sources } = bundle;
        Compiled {
            schema: Arc::new(schema),
            program: Arc::new(program),
            sources: Arc::new(sources),
            config: Config::default(),
            deployed: Arc::default(),
        }
    }
}

/// The store of a URL. Where entities of the schema are mapped to tables, the file may be another program's.
pub(super) fn open_store(url: &str, schema: &Schema) -> Result<Box<dyn Store>, OpenError> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Box::new(Postgres::open(url)?));
    }
    match url.strip_prefix("sqlite:") {
        Some(":memory:") => Ok(Box::new(Sqlite::memory()?)),
        Some("") => Err(OpenError::Url(url.to_owned())),
        Some(path) if schema.entities.values().any(|entity| entity.table.is_some()) => Ok(Box::new(Sqlite::beside(Path::new(path))?)),
        Some(path) => Ok(Box::new(Sqlite::open(Path::new(path))?)),
        _ => Err(OpenError::Url(url.to_owned())),
    }
}
