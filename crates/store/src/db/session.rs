//! Running statements inside a unit of work.

use rusqlite::Connection;

use super::{Failure, Row, Statement, Value};

/// A connection within one transaction. Statements stay prepared from one unit of work to the next.
pub(crate) struct Session<'a>(pub(super) &'a Connection);

impl Session<'_> {
    /// Runs a statement that returns no rows; how many rows it changed.
    pub(crate) fn execute(
        &self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<usize, Failure> {
        let mut prepared = self.0.prepare_cached(statement.text())?;
        bind(&mut prepared, values)?;
        Ok(prepared.raw_execute()?)
    }

    /// The first row, read by `read`; `None` when there is none.
    pub(crate) fn one<T>(
        &self,
        statement: Statement,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        let mut prepared = self.0.prepare_cached(statement.text())?;
        bind(&mut prepared, values)?;
        let mut rows = prepared.raw_query();
        let found = match rows.next()? {
            Some(row) => Some(read(&Row(row))?),
            None => None,
        };
        // A statement that writes has done its work only when it was stepped to its end.
        while rows.next()?.is_some() {}
        Ok(found)
    }

    /// Every row, read by `read`.
    pub(crate) fn all<T>(
        &self,
        statement: Statement,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        let mut prepared = self.0.prepare_cached(statement.text())?;
        bind(&mut prepared, values)?;
        let mut rows = prepared.raw_query();
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(&Row(row))?);
        }
        Ok(found)
    }
}

fn bind(prepared: &mut rusqlite::Statement<'_>, values: &[Value<'_>]) -> Result<(), Failure> {
    for (index, value) in values.iter().enumerate() {
        prepared.raw_bind_parameter(index + 1, value)?;
    }
    Ok(())
}
