//! What PostgreSQL's errors mean, in words for people. What the server says about rows (their values) stays out of them.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::store::StoreError;

/// An error of the server or of the way to it as one of the store.
pub(super) fn failure(error: &Error) -> StoreError {
    let failed = |words: &str| StoreError::Failed(words.to_owned());
    let Some(code) = error.code() else {
        return StoreError::Failed(format!("the connection to the database server failed: {}", cause(error)));
    };
    match code {
        &SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED => StoreError::Conflict,
        &SqlState::DISK_FULL => failed("the disk of the database server is full"),
        &SqlState::READ_ONLY_SQL_TRANSACTION => failed("the database is read-only: is this server a replica?"),
        &SqlState::QUERY_CANCELED => failed("the database server took too long and was stopped"),
        &SqlState::INSUFFICIENT_PRIVILEGE => StoreError::Failed(format!("the database user may not do this: {}", words(error))),
        &SqlState::TOO_MANY_CONNECTIONS => failed("the database server has no connection left"),
        &SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            failed("the database server doesn't let this user in: check user, password and its pg_hba.conf")
        }
        &SqlState::INVALID_CATALOG_NAME => StoreError::Unusable("the database isn't there: make it with `createdb`".to_owned()),
        &SqlState::PROGRAM_LIMIT_EXCEEDED => StoreError::Unusable("a record is longer than a database can hold".to_owned()),
        code if code.code().starts_with("57P") => failed("the database server is shutting down or starting"),
        code if code.code().starts_with("53") => StoreError::Failed(format!("the database server is out of resources: {}", words(error))),
        code => StoreError::Failed(format!("the database failed: {} ({})", words(error), code.code())),
    }
}

/// Whether the connection can't be used any more.
pub(super) fn is_lost(error: &Error) -> bool {
    error.is_closed() || error.code().is_none_or(|code| code.code().starts_with("57P"))
}

fn words(error: &Error) -> &str {
    error.as_db_error().map_or("it doesn't say why", |error| error.message())
}

/// What is behind an error of the client library, which only says its kind itself.
pub(super) fn cause(error: &Error) -> String {
    use std::error::Error;
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}
