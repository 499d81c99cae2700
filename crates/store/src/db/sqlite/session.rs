//! Statements on a connection to the database file.

use rusqlite::{
    Connection, Statement as Prepared,
    types::{ToSql, ToSqlOutput, ValueRef},
};

use crate::db::{Failure, Row, Statement, Value};

pub(in crate::db) fn execute(
    connection: &Connection,
    statement: Statement,
    values: &[Value<'_>],
) -> Result<usize, Failure> {
    let mut prepared = connection.prepare_cached(statement.sqlite())?;
    bind(&mut prepared, values)?;
    Ok(prepared.raw_execute()?)
}

pub(in crate::db) fn one<T>(
    connection: &Connection,
    statement: Statement,
    values: &[Value<'_>],
    read: impl FnOnce(&Row<'_>) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    let mut prepared = connection.prepare_cached(statement.sqlite())?;
    bind(&mut prepared, values)?;
    let mut rows = prepared.raw_query();
    let found = match rows.next()? {
        Some(row) => Some(read(&Row::Sqlite(row))?),
        None => None,
    };
    // A statement that writes has done its work only when it was stepped to its end.
    while rows.next()?.is_some() {}
    Ok(found)
}

pub(in crate::db) fn all<T>(
    connection: &Connection,
    statement: Statement,
    values: &[Value<'_>],
    mut read: impl FnMut(&Row<'_>) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut prepared = connection.prepare_cached(statement.sqlite())?;
    bind(&mut prepared, values)?;
    let mut rows = prepared.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(&Row::Sqlite(row))?);
    }
    Ok(found)
}

/// The column's value; `None` for one of a type that nothing here is stored as.
pub(in crate::db) fn value<'a>(
    row: &'a rusqlite::Row<'_>,
    index: usize,
) -> Result<Option<Value<'a>>, Failure> {
    Ok(match row.get_ref(index)? {
        ValueRef::Null => Some(Value::Null),
        ValueRef::Integer(integer) => Some(Value::Integer(integer)),
        ValueRef::Text(text) => std::str::from_utf8(text).ok().map(Value::Text),
        ValueRef::Blob(bytes) => Some(Value::Blob(bytes)),
        ValueRef::Real(_) => None,
    })
}

pub(in crate::db) fn column_name<'a>(row: &'a rusqlite::Row<'_>, index: usize) -> &'a str {
    row.as_ref().column_name(index).unwrap_or("?")
}

fn bind(prepared: &mut Prepared<'_>, values: &[Value<'_>]) -> Result<(), Failure> {
    for (index, value) in values.iter().enumerate() {
        prepared.raw_bind_parameter(index + 1, value)?;
    }
    Ok(())
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Integer(integer) => ValueRef::Integer(integer),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
