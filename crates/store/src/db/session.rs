//! Running statements inside a unit of work.

use super::{Failure, Row, Statement, Value, postgres, sqlite};

/// A connection within one transaction. Statements stay prepared from one unit of work to the next.
pub(crate) enum Session<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres(&'a postgres::Transaction<'a>),
}

impl Session<'_> {
    /// Runs a statement that returns no rows; how many rows it changed.
    pub(crate) fn execute(
        &self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<usize, Failure> {
        match self {
            Self::Sqlite(connection) => sqlite::execute(connection, statement, values),
            Self::Postgres(transaction) => transaction.execute(statement, values),
        }
    }

    /// The first row, read by `read`; `None` when there is none.
    pub(crate) fn one<T>(
        &self,
        statement: Statement,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        match self {
            Self::Sqlite(connection) => sqlite::one(connection, statement, values, read),
            Self::Postgres(transaction) => transaction.one(statement, values, read),
        }
    }

    /// Every row, read by `read`.
    pub(crate) fn all<T>(
        &self,
        statement: Statement,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        match self {
            Self::Sqlite(connection) => sqlite::all(connection, statement, values, read),
            Self::Postgres(transaction) => transaction.all(statement, values, read),
        }
    }
}
