//! One transaction: how it begins, what runs in it, how it ends.

use std::cell::Cell;

use backstay_core::Result;
use tokio::runtime::Handle;

use super::{connection::Connection, failure::unavailable};
use crate::db::{Failure, Reach, Row, Session, Statement, Value};

const BEGIN_WRITE: &str = "BEGIN";
/// Every statement sees the same state.
const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Whose rows there are, which node writes, and what the transaction waits for, all until it ends.
/// The locks' first number tells Backstay's locks from those of other programs.
macro_rules! setup {
    (workspace $($lock:literal)?) => {
        concat!(
            "SELECT set_config('role', 'backstay_workspace', true),
                set_config('backstay.workspace', $1, true),
                set_config('backstay.node', $2, true)",
            $(", ", $lock, "(746001, hashtext($1))")?
        )
    };
    (installation $($lock:literal)?) => {
        concat!(
            "SELECT set_config('role', 'backstay_installation', true),
                set_config('backstay.workspace', $1, true),
                set_config('backstay.node', $2, true)",
            $(", ", $lock, "(746002, 0)")?
        )
    };
}

/// What a unit of work does to its rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum Access {
    Read,
    /// Nobody else writes there meanwhile.
    WriteAlone,
    /// Others do who rely on the database's own order of changes to a row, as this does.
    WriteBeside,
}

/// How a transaction begins.
pub(super) struct Opening {
    access: Access,
    workspace: Option<String>,
}

impl Opening {
    pub(super) fn new(access: Access, reach: Reach<'_>) -> Self {
        let workspace = match reach {
            Reach::Installation => None,
            Reach::Workspace(id) => Some(id.to_string()),
        };
        Self { access, workspace }
    }

    /// One round trip: the second message does not wait for the answer to the first.
    pub(super) async fn open(
        &self,
        connection: &Connection,
        node: &str,
    ) -> Result<(), tokio_postgres::Error> {
        let begin = if self.access == Access::Read { BEGIN_READ } else { BEGIN_WRITE };
        let setup = connection.prepare(self.setup()).await?;
        let workspace = self.workspace.as_deref().unwrap_or_default();
        let values = [Value::Text(workspace), Value::Text(node)];
        tokio::try_join!(
            biased;
            connection.client.batch_execute(begin),
            connection.client.execute_raw(&setup, &values),
        )?;
        Ok(())
    }

    fn setup(&self) -> &'static str {
        match (self.access, self.workspace.is_some()) {
            (Access::Read, true) => setup!(workspace),
            (Access::Read, false) => setup!(installation),
            (Access::WriteAlone, true) => setup!(workspace "pg_advisory_xact_lock"),
            (Access::WriteAlone, false) => setup!(installation "pg_advisory_xact_lock"),
            (Access::WriteBeside, true) => setup!(workspace "pg_advisory_xact_lock_shared"),
            (Access::WriteBeside, false) => setup!(installation "pg_advisory_xact_lock_shared"),
        }
    }
}

/// An open transaction, driven from a thread that may block.
pub(crate) struct Transaction<'a> {
    connection: &'a Connection,
    runtime: &'a Handle,
    /// PostgreSQL takes a transaction back in which a statement failed, whatever follows.
    failed: Cell<bool>,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(connection: &'a Connection, runtime: &'a Handle) -> Self {
        Self { connection, runtime, failed: Cell::new(false) }
    }

    pub(in crate::db) fn execute(
        &self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<usize, Failure> {
        let changed = self.run(async {
            let prepared = self.connection.prepare(statement.postgres()).await?;
            self.connection.client.execute_raw(&prepared, values).await
        })?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    pub(in crate::db) fn one<T>(
        &self,
        statement: Statement,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        let rows = self.query(statement, values)?;
        rows.first().map(|row| read(&Row::Postgres(row))).transpose()
    }

    pub(in crate::db) fn all<T>(
        &self,
        statement: Statement,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        let rows = self.query(statement, values)?;
        rows.iter().map(|row| read(&Row::Postgres(row))).collect()
    }

    fn query(
        &self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Vec<tokio_postgres::Row>, Failure> {
        let values: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> =
            values.iter().map(|value| value as _).collect();
        self.run(async {
            let prepared = self.connection.prepare(statement.postgres()).await?;
            self.connection.client.query(&prepared, &values).await
        })
    }

    fn run<T>(
        &self,
        statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Failure> {
        let outcome = self.runtime.block_on(statement);
        self.failed.set(self.failed.get() || outcome.is_err());
        Ok(outcome?)
    }

    /// Runs the unit of work and ends the transaction. The second value tells whether the connection
    /// can be used for another.
    pub(super) fn carry_out<T>(
        self,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure>,
    ) -> (Result<T>, bool) {
        let answer = work(&Session::Postgres(&self));
        let value = match answer {
            Ok(value) if !self.failed.get() => value,
            other => {
                let rolled_back = self.end("ROLLBACK").is_ok();
                let failure = other.err().unwrap_or_else(went_on);
                return (Err(failure.into()), rolled_back);
            }
        };
        match self.end("COMMIT") {
            Ok(()) => (Ok(value), true),
            Err(cause) => (Err(not_committed(&cause)), false),
        }
    }

    fn end(&self, how: &str) -> Result<(), tokio_postgres::Error> {
        self.runtime.block_on(self.connection.client.batch_execute(how))
    }
}

fn went_on() -> Failure {
    backstay_core::Error::internal("a unit of work went on after a statement of it had failed")
        .into()
}

/// The server says what it refuses; a connection that was lost leaves open what became of the work.
fn not_committed(cause: &tokio_postgres::Error) -> backstay_core::Error {
    if cause.as_db_error().is_some() {
        return super::told(cause);
    }
    unavailable(
        "the connection to the database was lost while the work was committed: it may have been \
         done or not; look before you call again",
    )
    .with_context(cause.to_string())
}
