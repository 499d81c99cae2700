//! Bringing a database file's tables up to date.

use backstay_core::Clock;
use rusqlite::{Connection, TransactionBehavior, params};

use crate::{
    db::Failure,
    migrations::{Migration, check, checksum},
};

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version    INTEGER NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    checksum   TEXT    NOT NULL,
    applied_at INTEGER NOT NULL
)";
const APPLIED: &str = "SELECT version, checksum FROM schema_migrations ORDER BY version";
const RECORD: &str =
    "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)";

/// Applies what is missing, each migration in a transaction of its own. Fails with
/// `store_unavailable` when the file was made by a newer Backstay, or by one whose migrations were
/// other than ours; the file is then unchanged.
pub(crate) fn apply(connection: &mut Connection, known: &[Migration]) -> Result<(), Failure> {
    connection.execute_batch(CREATE_TABLE)?;
    let applied: Vec<(u32, String)> = connection
        .prepare(APPLIED)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    check(&applied, known, "data folder")?;
    for migration in known.iter().skip(applied.len()) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration.sql)?;
        let now = Clock::default().now().micros();
        transaction.execute(
            RECORD,
            params![migration.version, migration.name, checksum(migration.sql), now],
        )?;
        transaction.commit()?;
        tracing::info!(version = migration.version, name = migration.name, "migration applied");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Migration = Migration { version: 1, name: "a", sql: "CREATE TABLE a (x INTEGER)" };
    const SECOND: Migration =
        Migration { version: 2, name: "b", sql: "CREATE TABLE b (x INTEGER)" };

    fn refusal(connection: &mut Connection, known: &[Migration]) -> String {
        match apply(connection, known) {
            Err(Failure::Told(error)) => error.to_string(),
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    #[test]
    fn only_missing_migrations_are_applied() {
        let mut connection = Connection::open_in_memory().unwrap();
        apply(&mut connection, &[FIRST]).unwrap();
        apply(&mut connection, &[FIRST, SECOND]).unwrap();
        apply(&mut connection, &[FIRST, SECOND]).unwrap();
        let applied: u32 = connection
            .query_row("SELECT count(*) FROM schema_migrations", [], |r| r.get(0))
            .unwrap();
        assert_eq!(applied, 2);
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        apply(&mut connection, &[FIRST, SECOND]).unwrap();
        assert!(refusal(&mut connection, &[FIRST]).contains("newer Backstay (schema 2"));
    }

    #[test]
    fn an_applied_migration_whose_text_changed_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        apply(&mut connection, &[FIRST]).unwrap();
        let changed = Migration { sql: "CREATE TABLE a (x TEXT)", ..FIRST };
        assert!(refusal(&mut connection, &[changed]).contains("migration 1"));
    }

    #[test]
    fn a_migration_that_fails_half_way_leaves_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        let broken = Migration { sql: "CREATE TABLE b (x INTEGER); NONSENSE", ..SECOND };
        assert!(apply(&mut connection, &[FIRST, broken]).is_err());
        apply(&mut connection, &[FIRST, SECOND]).unwrap();
    }
}
