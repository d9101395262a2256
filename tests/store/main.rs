//! The store, from outside. What every store must do is in `conformance.rs` and knows no SQLite; the rest is about files:
//! how older ones are brought up, and what a bad, hostile, full or locked one gets.

#![cfg(test)]

mod conformance;
mod files;
mod hostile;
mod migration;
mod schema;
mod select;
#[path = "../support/stores.rs"]
mod stores;
mod values;

use weir::store::{Postgres, Sqlite, Store};

/// Runs a case on a store in memory, on one in a file, and on PostgreSQL where there is a server.
fn on_every_store(case: impl Fn(&mut dyn Store)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    let mut stores: Vec<Box<dyn Store>> = vec![Box::new(Sqlite::memory().unwrap()), Box::new(Sqlite::open(&path).unwrap())];
    stores.extend(stores::postgres().map(|url| Box::new(Postgres::open(&url).unwrap()) as Box<dyn Store>));
    for store in &mut stores {
        store.migrate(&schema::company()).unwrap();
        store.begin().unwrap();
        case(store.as_mut());
        store.rollback().unwrap();
    }
    drop(stores);
    let connection = rusqlite::Connection::open(path).unwrap();
    assert_eq!(connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).unwrap(), "ok");
}
