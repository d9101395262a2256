//! The stores that tests run on. `WEIR_TEST_POSTGRES` names a server that may be filled with schemas, as `tests/with-postgres` does;
//! with `WEIR_TEST_STORE` set to the same, whole suites run on it instead of on SQLite.

#![allow(dead_code, reason = "not every test needs all of it")]

#[path = "not_run.rs"]
pub mod not_run;

/// A store that nothing is in yet: SQLite in memory, or a new schema of the server that `WEIR_TEST_STORE` names.
pub fn empty() -> String {
    std::env::var("WEIR_TEST_STORE").map_or_else(|_| "sqlite::memory:".to_owned(), |server| schema(&server))
}

/// A new schema of the server for tests; none where there is no server, which is said.
pub fn postgres() -> Option<String> {
    let server = std::env::var("WEIR_TEST_POSTGRES").ok();
    if server.is_none() {
        not_run::not_run("it needs a PostgreSQL server, which `tests/with-postgres` starts");
    }
    server.map(|server| schema(&server))
}

fn schema(server: &str) -> String {
    let mark = if server.contains('?') { '&' } else { '?' };
    format!("{server}{mark}schema=test_{}", weir::value::Uuid::now_v7().simple())
}
