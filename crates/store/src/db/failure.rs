//! What can go wrong inside a unit of work, and how a caller is told.

use backstay_core::{Error, ErrorCode};

use super::{postgres, sqlite};

/// An error while the database is at hand: its own, or one that is already meant for the caller.
#[derive(Debug)]
pub(crate) enum Failure {
    Sqlite(rusqlite::Error),
    Postgres(tokio_postgres::Error),
    Told(Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Told(error) => error,
            Failure::Sqlite(cause) => sqlite::told(&cause),
            Failure::Postgres(cause) => postgres::told(&cause),
        }
    }
}

/// The answer of a store that has been closed.
pub(super) fn closed() -> Error {
    Error::new(ErrorCode::ShuttingDown, "the server is stopping; call again in a moment")
}
