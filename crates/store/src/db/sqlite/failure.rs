//! How a caller is told of SQLite's errors.

use backstay_core::{Error, ErrorCode};
use rusqlite::{ErrorCode as Sqlite, ffi};

pub(in crate::db) fn told(cause: &rusqlite::Error) -> Error {
    let rusqlite::Error::SqliteFailure(code, _) = cause else {
        return Error::internal(format!("the database answered: {cause}"));
    };
    let (error_code, message) = match (code.code, code.extended_code) {
        (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
            (ErrorCode::Conflict, "this exists already; choose another id")
        }
        (Sqlite::DiskFull, _) => (
            ErrorCode::StoreUnavailable,
            "the disk that holds the data folder is full; free some space and call again",
        ),
        (Sqlite::DatabaseCorrupt | Sqlite::NotADatabase, _) => (
            ErrorCode::StoreUnavailable,
            "the database file is damaged; restore the data folder from a backup",
        ),
        (Sqlite::DatabaseBusy | Sqlite::DatabaseLocked, _) => (
            ErrorCode::StoreUnavailable,
            "another program holds the database; end it, or call again in a moment",
        ),
        (Sqlite::SystemIoFailure | Sqlite::CannotOpen | Sqlite::ReadOnly, _) => (
            ErrorCode::StoreUnavailable,
            "the data folder cannot be read or written; check its disk and its permissions",
        ),
        _ => return Error::internal(format!("the database answered: {cause}")),
    };
    Error::new(error_code, message).with_context(cause.to_string())
}
