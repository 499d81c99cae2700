//! How a caller is told of PostgreSQL's errors.

use std::error::Error as _;

use backstay_core::{Error, ErrorCode};
use tokio_postgres::error::SqlState;

/// How soon it is worth asking again.
const RETRY_AFTER_MS: u64 = 1_000;

pub(in crate::db) fn told(cause: &tokio_postgres::Error) -> Error {
    let Some(state) = cause.code() else {
        let is_lost = cause.source().is_none_or(|source| source.is::<std::io::Error>());
        let error = match is_lost {
            true => unavailable("the connection to the database was lost; call again in a moment"),
            false => Error::internal("the database's answer was not understood"),
        };
        return error.with_context(in_full(cause));
    };
    let error = match *state {
        SqlState::UNIQUE_VIOLATION => {
            Error::new(ErrorCode::Conflict, "this exists already; choose another id")
        }
        SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::T_R_SERIALIZATION_FAILURE
        | SqlState::LOCK_NOT_AVAILABLE => {
            unavailable("another write was in the way and this one was taken back; call again")
        }
        SqlState::QUERY_CANCELED => {
            unavailable("the database took too long and the work was taken back; call again later")
        }
        SqlState::DISK_FULL | SqlState::OUT_OF_MEMORY => {
            unavailable("the database server has no space left; free some there and call again")
        }
        SqlState::READ_ONLY_SQL_TRANSACTION => unavailable(
            "the database is read-only: it is a replica; name the primary in the store's URL",
        ),
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => unavailable(
            "the database refuses the user or password in the store's URL; correct them",
        ),
        SqlState::INVALID_CATALOG_NAME => unavailable(
            "there is no such database as the store's URL names; make it with CREATE DATABASE",
        ),
        SqlState::INSUFFICIENT_PRIVILEGE => unavailable(
            "the database user lacks a privilege that the store needs; docs/postgresql.md lists \
             them",
        ),
        _ if is_passing(state) => {
            unavailable("the database is not to be reached now; call again in a moment")
        }
        _ => Error::internal("the database answered with an error"),
    };
    error.with_context(in_full(cause))
}

/// Why there is no connection: refused, a host that is not known, a certificate that is not believed.
pub(super) fn unreachable(cause: &tokio_postgres::Error) -> Error {
    if cause.code().is_some() {
        return told(cause);
    }
    let reason = cause.source().map_or_else(|| cause.to_string(), ToString::to_string);
    unavailable(&format!(
        "the database is not to be reached: {reason}; see that it runs and that the store's URL is \
         right, or call again in a moment"
    ))
}

/// Whether the server is on its way down or up, or has no place for another connection.
pub(super) fn is_passing(state: &SqlState) -> bool {
    state.code().starts_with("08")
        || [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::TOO_MANY_CONNECTIONS,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        ]
        .contains(state)
}

pub(super) fn unavailable(message: &str) -> Error {
    Error::new(ErrorCode::StoreUnavailable, message).with_retry_after_ms(Some(RETRY_AFTER_MS))
}

/// With what the server said, but without the values of a row that it quotes beside.
fn in_full(cause: &tokio_postgres::Error) -> String {
    match (cause.as_db_error(), cause.source()) {
        (Some(said), _) => format!("{} ({})", said.message(), said.code().code()),
        (None, Some(source)) => format!("{cause}: {source}"),
        (None, None) => cause.to_string(),
    }
}
