//! Opening a database file: whose it is, and how it is to be used. Nothing is written to a file that isn't ours.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::Sqlite;
use super::failure::failure;
use crate::store::StoreError;

/// `Weir`, in the header of every file of ours.
pub(super) const APPLICATION_ID: i32 = i32::from_be_bytes(*b"Weir");

/// Grows when an older release could no longer use the file.
pub(super) const FORMAT: i32 = 1;

/// How long a writer waits for another one.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it asks.
const OFTEN: Duration = Duration::from_millis(1);

/// How often a program tries to switch a new database over, while others do the same.
const SWITCHES: u32 = 100;

/// The longest record: some memos of four megabytes. A hostile file can't make us take more.
const LONGEST: i32 = 64 << 20;

/// One page of the smallest size.
const SHORTEST_FILE: u64 = 512;

/// Prepared statements that are kept: the shapes of a project that is at work.
const STATEMENTS: usize = 256;

impl Sqlite {
    /// The store in a file, which is made where there is none. Call [`migrate`](crate::store::Store::migrate) next.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        named(path.as_ref(), false)
    }

    /// The store in a file that may be another program's, whose tables entities are mapped to. Ours stand beside them; the file's
    /// header and the kind of its journal stay as they are. Call [`migrate`](crate::store::Store::migrate) next: nothing is written before.
    pub fn beside(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        named(path.as_ref(), true)
    }

    /// The store in a file of its own, that nothing is at yet: the tables that entities are mapped to are made, as in memory. Call
    /// [`migrate`](crate::store::Store::migrate) next.
    pub fn fresh(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        if path.as_ref().exists() {
            return Err(StoreError::Failed(format!("`{}`: there is a file already", path.as_ref().display())));
        }
        Ok(Sqlite { is_fresh: true, ..named(path.as_ref(), false)? })
    }

    /// A store in memory, which ends with this value.
    pub fn memory() -> Result<Self, StoreError> {
        Ok(Sqlite { is_fresh: true, ..set_up(Connection::open_in_memory().map_err(failure)?, false)? })
    }

    /// Has each statement told as it is sent to the database: for whoever looks for what is slow.
    pub fn tell_statements(&mut self, mut told: impl FnMut(&str) + Send + 'static) -> Result<(), StoreError> {
        let tell = move |event: TraceEvent<'_>| {
            if let TraceEvent::Stmt(_, text) = event {
                told(text);
            }
        };
        self.connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(tell)).map_err(failure)
    }

    /// How long to wait for another writer before giving up; five seconds where nothing else was said.
    pub fn set_patience(&mut self, patience: Duration) -> Result<(), StoreError> {
        self.connection.busy_timeout(patience).map_err(failure)
    }
}

/// Waits for another writer, as long as it has patience. SQLite's own way asks ever more rarely, and comes too late again and again where
/// others write all the time, as workers do.
fn wait(asked: i32) -> bool {
    std::thread::sleep(OFTEN);
    OFTEN.saturating_mul(asked.unsigned_abs()) < PATIENCE
}

fn named(path: &Path, beside: bool) -> Result<Sqlite, StoreError> {
    open(path, beside).map_err(|error| match error {
        StoreError::Unusable(words) => StoreError::Unusable(format!("`{}`: {words}", path.display())),
        StoreError::Failed(words) => StoreError::Failed(format!("`{}`: {words}", path.display())),
        other => other,
    })
}

fn open(path: &Path, beside: bool) -> Result<Sqlite, StoreError> {
    // Made absolute, so that no name means something special to SQLite (`:memory:`, `file:…`).
    let absolute = std::path::absolute(path).map_err(|_| StoreError::Failed("this is not the name of a file".to_owned()))?;
    if absolute.is_dir() {
        return Err(StoreError::Failed("this is a folder, not a database file".to_owned()));
    }
    if is_special(&absolute) {
        return Err(StoreError::Failed("this is a pipe or a device, not a database file".to_owned()));
    }
    if !absolute.parent().is_some_and(Path::is_dir) {
        return Err(StoreError::Failed("the folder of the database is not there".to_owned()));
    }
    // SQLite takes a file that is shorter than a page for a new database, and would write over it.
    if absolute.metadata().is_ok_and(|file| (1..SHORTEST_FILE).contains(&file.len())) {
        return Err(StoreError::Unusable("the file is not a database".to_owned()));
    }
    if beside && !absolute.exists() {
        return Err(StoreError::Failed("the file is not there, and entities are mapped to its tables".to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    set_up(Connection::open_with_flags(absolute, flags).map_err(failure)?, beside)
}

/// Whether something is there that is neither a file nor a folder: to open a pipe would wait for somebody to write into it.
pub(super) fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|there| !there.is_file() && !there.is_dir())
}

fn set_up(mut connection: Connection, beside: bool) -> Result<Sqlite, StoreError> {
    for (limit, most) in [(Limit::SQLITE_LIMIT_LENGTH, LONGEST), (Limit::SQLITE_LIMIT_ATTACHED, 0)] {
        connection.set_limit(limit, most).map_err(failure)?;
    }
    // A file from somewhere else may bring triggers and views of its own: they don't run.
    let settings = [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
        // Else the quoted name of a column that isn't there would be its own name as a text.
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ];
    for (setting, on) in settings {
        connection.set_db_config(setting, on).map_err(failure)?;
    }
    connection.busy_handler(Some(wait)).map_err(failure)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let owner = owner(&connection)?;
    if owner == Owner::Stranger && !beside {
        return Err(StoreError::Unusable("this is a database of another program".to_owned()));
    }
    if connection.is_readonly("main").map_err(failure)? {
        return Err(StoreError::Failed("the database is read-only".to_owned()));
    }
    // Readers and one writer don't wait for each other in WAL. FULL: a commit is on the disk when it returns, also when
    // the power fails; that costs one flush an outermost transaction and nothing within it.
    let journal = if owner == Owner::Us || owner == Owner::Nobody && !beside { use_wal(&connection)? } else { "wal".to_owned() };
    if journal != "wal" && journal != "memory" {
        return Err(StoreError::Failed("the file system of the database can't hold its journal".to_owned()));
    }
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON").map_err(failure)?;
    Ok(Sqlite {
        connection,
        tables: Vec::new(),
        retired: Vec::new(),
        known: Default::default(),
        work: 0,
        room: u64::MAX,
        is_fresh: false,
        version: None,
        met: None,
    })
}

/// Has the journal be a WAL; gives the kind that it is then. Where several programs make one database at once, SQLite refuses all
/// but one of them without waiting; it does wait for the file to be free, and then they try again.
fn use_wal(connection: &Connection) -> Result<String, StoreError> {
    let switch = || connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0));
    for _ in 0..SWITCHES {
        match switch() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                connection.execute_batch("BEGIN EXCLUSIVE; COMMIT").map_err(failure)?;
            }
            ended => return ended.map_err(failure),
        }
    }
    switch().map_err(failure)
}

/// Whose a database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// Ours.
    Us,
    /// Another program's, and our tables stand beside its own.
    Shared,
    /// Another program's.
    Stranger,
    /// It is new.
    Nobody,
}

/// Whose the database is; an error where its format is one that this release doesn't know.
pub(super) fn owner(connection: &Connection) -> Result<Owner, StoreError> {
    // In one transaction: between two reads another program might make the tables, and then they would seem a stranger's.
    let own = connection.is_autocommit().then(|| connection.unchecked_transaction()).transpose().map_err(failure)?;
    let number = |text: &str| connection.query_row(text, [], |row| row.get::<_, i32>(0)).map_err(failure);
    let known = |format: i32| match format <= FORMAT {
        true => Ok(()),
        false => Err(StoreError::Unusable(format!(
            "the database has format {format}, and this release knows only up to {FORMAT}: use a newer release"
        ))),
    };
    let (application, format) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    let owner = if application == APPLICATION_ID {
        known(format)?;
        Owner::Us
    } else if number("SELECT count(*) FROM sqlite_schema WHERE name = 'weir_format'")? > 0 {
        known(number("SELECT max(format) FROM weir_format")?)?;
        Owner::Shared
    } else if application == 0 && number("SELECT count(*) FROM sqlite_schema")? == 0 {
        Owner::Nobody
    } else {
        Owner::Stranger
    };
    drop(own);
    Ok(owner)
}
