//! How a transaction of the writing connection begins and ends.

use std::panic::{AssertUnwindSafe, catch_unwind};

use backstay_core::{Error, ErrorCode, Result};
use rusqlite::Connection;

use crate::db::{Failure, Session, Statement, sql};

const BEGIN: Statement = sql("BEGIN IMMEDIATE");
const COMMIT: Statement = sql("COMMIT");
const ROLLBACK: Statement = sql("ROLLBACK");
const OPEN_SAVEPOINT: Statement = sql("SAVEPOINT unit");
const KEEP_SAVEPOINT: Statement = sql("RELEASE unit");
const UNDO_SAVEPOINT: Statement = sql("ROLLBACK TO unit");

pub(super) fn begin(connection: &Connection) -> Result<()> {
    Session::Sqlite(connection).execute(BEGIN, &[]).map(drop).map_err(Error::from)
}

/// Commits what went well so far, and takes back the rest.
pub(super) fn finish(connection: &Connection, so_far: Result<()>) -> Result<()> {
    let session = Session::Sqlite(connection);
    let outcome = so_far
        .and_then(|()| still_open(connection))
        .and_then(|()| session.execute(COMMIT, &[]).map(drop).map_err(Error::from));
    roll_back(connection);
    outcome
}

/// Ends a transaction that is still open.
pub(super) fn roll_back(connection: &Connection) {
    let session = Session::Sqlite(connection);
    if !connection.is_autocommit()
        && let Err(failure) = session.execute(ROLLBACK, &[])
    {
        tracing::error!(?failure, "a failed transaction could not be rolled back");
    }
}

/// A full disk or a broken file makes SQLite roll back everything, not only one unit.
pub(super) fn still_open(connection: &Connection) -> Result<()> {
    if connection.is_autocommit() {
        return Err(Error::new(
            ErrorCode::StoreUnavailable,
            "the store took back a write that it could not finish; check the disk and call again",
        ));
    }
    Ok(())
}

pub(super) fn open_savepoint(connection: &Connection) -> Result<()> {
    Session::Sqlite(connection).execute(OPEN_SAVEPOINT, &[]).map(drop).map_err(Error::from)
}

/// Fails only when the transaction as a whole is lost.
pub(super) fn close_savepoint(connection: &Connection, keep: bool) -> Result<()> {
    still_open(connection)?;
    let session = Session::Sqlite(connection);
    if !keep {
        session.execute(UNDO_SAVEPOINT, &[])?;
    }
    session.execute(KEEP_SAVEPOINT, &[])?;
    Ok(())
}

pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => outcome.map_err(Error::from),
        Err(_) => Err(Error::internal("a write to the store panicked and was taken back")),
    }
}
