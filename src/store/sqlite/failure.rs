//! What SQLite's errors mean, in words for people.

use rusqlite::{Error, ErrorCode, ffi};

use crate::store::StoreError;

/// An error of SQLite as one of the store.
#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
pub(super) fn failure(error: Error) -> StoreError {
    let failed = |words: &str| StoreError::Failed(words.to_owned());
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::Unusable("the file is not a database".to_owned()),
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Unusable("the database is damaged".to_owned()),
        Some(ErrorCode::TooBig) => StoreError::Unusable("a record is longer than a database can hold".to_owned()),
        Some(ErrorCode::ConstraintViolation) if is_of_no_type(&error) => {
            StoreError::Unusable("a value in the database is of another type than its column, or beyond what that can hold".to_owned())
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => failed("another program is writing to the database"),
        Some(ErrorCode::DiskFull) => failed("the disk is full"),
        Some(ErrorCode::ReadOnly) => failed("the database is read-only"),
        Some(ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => failed("the database may not be used"),
        Some(ErrorCode::CannotOpen) => failed("the database file can't be opened, or its folder can't be written to"),
        Some(ErrorCode::SystemIoFailure) if for_want_of_room(&error) => failed("the database file can't be written: the disk may be full"),
        Some(ErrorCode::SystemIoFailure) => failed("the database file can't be read or written"),
        Some(ErrorCode::OutOfMemory) => failed("there is not enough memory"),
        _ => StoreError::Failed(format!("the database failed: {error}")),
    }
}

/// Whether a column can't hold a value: of what we write each can, so that it was made of what was there.
fn is_of_no_type(error: &Error) -> bool {
    matches!(error, Error::SqliteFailure(error, _) if error.extended_code == ffi::SQLITE_CONSTRAINT_DATATYPE)
}

/// Whether the disk is likely to be full: SQLite tells so only of the writes of some files.
fn for_want_of_room(error: &Error) -> bool {
    let codes = [ffi::SQLITE_IOERR_SHMSIZE, ffi::SQLITE_IOERR_SHMOPEN, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_FSYNC];
    matches!(error, Error::SqliteFailure(error, _) if codes.contains(&error.extended_code))
}

/// Whether a foreign key was broken.
pub(super) fn is_foreign_key(error: &Error) -> bool {
    matches!(error, Error::SqliteFailure(error, _) if error.extended_code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY)
}

/// The rule of a table that was broken, in SQLite's words; also what a trigger says.
pub(super) fn constraint(error: &Error) -> Option<String> {
    match error {
        Error::SqliteFailure(error, Some(message)) if error.code == ErrorCode::ConstraintViolation => Some(message.clone()),
        _ => None,
    }
}

/// The columns in which a row agrees with another where it must not.
pub(super) fn duplicate(error: &Error) -> Option<Vec<String>> {
    match error {
        Error::SqliteFailure(error, Some(message))
            if [ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_PRIMARYKEY].contains(&error.extended_code) =>
        {
            let (_, columns) = message.rsplit_once(": ")?;
            Some(columns.split(", ").filter_map(|column| column.rsplit_once('.')).map(|(_, name)| name.to_owned()).collect())
        }
        _ => None,
    }
}
