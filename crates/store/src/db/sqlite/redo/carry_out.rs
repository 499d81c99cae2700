//! Carrying out what the redo log holds, many records in one transaction.

use backstay_core::{Error, ErrorCode, Result};
use rusqlite::Connection;

use super::Redo;
use crate::db::{
    Failure, Session,
    sqlite::transaction::{begin, close_savepoint, finish, guarded, open_savepoint, still_open},
};

/// Of more records than this, the first have waited long enough.
const POLITE_MAX: usize = 32;

/// Whether somebody waits for what is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::db::sqlite) enum Urgency {
    Waited,
    /// Calls under way come first: the processor is offered to them after every record, unless there
    /// are so many that they would pile up.
    Idle,
}

/// Fails when the tables cannot be written now; then it is to be tried again, with all of it.
pub(in crate::db::sqlite) fn carry_out(
    connection: &Connection,
    work: &[Redo],
    urgency: Urgency,
) -> Result<()> {
    let refused = match commit(connection, work, urgency) {
        Err(error) if error.code() != ErrorCode::StoreUnavailable => error,
        other => return other,
    };
    if work.len() > 1 {
        let mut each = work.iter().map(std::slice::from_ref);
        return each.try_for_each(|redo| carry_out(connection, redo, urgency));
    }
    // It would be refused for ever, and must not keep the others from their tables.
    tracing::error!(error = %refused, "a record of the redo log was refused and is left out");
    Ok(())
}

fn commit(connection: &Connection, work: &[Redo], urgency: Urgency) -> Result<()> {
    begin(connection)?;
    let polite = urgency == Urgency::Idle && work.len() <= POLITE_MAX;
    let carried_out = each(connection, work, || {
        if polite {
            std::thread::yield_now();
        }
    });
    finish(connection, carried_out)
}

/// The same within a transaction that is open: all of it or, when one record is refused, none.
pub(in crate::db::sqlite) fn join(connection: &Connection, work: &[Redo]) -> Result<()> {
    open_savepoint(connection)?;
    let joined = each(connection, work, || {});
    close_savepoint(connection, joined.is_ok())?;
    joined
}

/// What follows a record that lost the transaction must not be carried out without one.
fn each(connection: &Connection, work: &[Redo], between: impl Fn()) -> Result<()> {
    let session = Session::Sqlite(connection);
    work.iter().try_for_each(|redo| {
        guarded(|| redo(&session))?;
        between();
        still_open(connection)
    })
}

/// What a crash left, with the one function that can read it.
pub(in crate::db::sqlite) fn recover(
    connection: &Connection,
    left: Vec<Vec<u8>>,
    read: fn(&[u8]) -> Result<Redo, Failure>,
) -> Result<()> {
    let work: Result<Vec<Redo>> =
        left.iter().map(|record| read(record).map_err(Error::from)).collect();
    let work = work?;
    if work.is_empty() {
        return Ok(());
    }
    tracing::info!(records = work.len(), "what the redo log holds enters the tables");
    carry_out(connection, &work, Urgency::Waited)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Statement, sql, values};

    const INSERT: Statement = sql("INSERT INTO notes VALUES ($1)");
    const ROLLBACK: Statement = sql("ROLLBACK");

    fn insert(number: i64) -> Redo {
        Box::new(move |session| session.execute(INSERT, values![number]).map(drop))
    }

    /// Loses the transaction, as a full disk would.
    fn lost() -> Redo {
        Box::new(|session| session.execute(ROLLBACK, &[]).map(drop))
    }

    fn connection() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE notes (number INTEGER PRIMARY KEY)").unwrap();
        connection
    }

    #[test]
    fn records_join_a_transaction_together_or_not_at_all() {
        let connection = connection();
        begin(&connection).unwrap();
        insert(1)(&Session::Sqlite(&connection)).unwrap();
        let refused = join(&connection, &[insert(2), insert(1)]).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Conflict);
        join(&connection, &[insert(3), insert(4)]).unwrap();
        finish(&connection, Ok(())).unwrap();
        assert_eq!(numbers(&connection), [1, 3, 4]);
    }

    #[test]
    fn a_record_that_loses_the_transaction_it_joins_leaves_nothing_and_says_why() {
        let connection = connection();
        begin(&connection).unwrap();
        insert(1)(&Session::Sqlite(&connection)).unwrap();
        let joined = join(&connection, &[lost(), insert(2)]).unwrap_err();
        let finished = finish(&connection, Ok(())).unwrap_err();
        for refused in [joined, finished] {
            assert_eq!(refused.code(), ErrorCode::StoreUnavailable);
        }
        assert!(numbers(&connection).is_empty());
    }

    fn numbers(connection: &Connection) -> Vec<i64> {
        let mut all = connection.prepare("SELECT number FROM notes ORDER BY number").unwrap();
        let rows = all.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, rusqlite::Error>>().unwrap()
    }

    #[test]
    fn a_record_that_is_refused_or_panics_keeps_no_other_from_its_tables() {
        let connection = connection();
        let panics: Redo = Box::new(|_| panic!("a record panics, as this test wants"));
        carry_out(&connection, &[insert(1), insert(1), panics, insert(2)], Urgency::Waited)
            .unwrap();
        assert_eq!(numbers(&connection), [1, 2]);
    }

    #[test]
    fn when_the_tables_cannot_be_written_all_of_it_is_to_be_tried_again() {
        let connection = connection();
        let refused =
            carry_out(&connection, &[insert(1), lost(), insert(2)], Urgency::Waited).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::StoreUnavailable);
        assert!(numbers(&connection).is_empty());
    }
}
