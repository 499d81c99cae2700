//! Bringing a database file's tables up to date, one numbered file after the other.

use backstay_core::{Clock, Error, ErrorCode};
use rusqlite::{Connection, TransactionBehavior, params};
use sha2::{Digest as _, Sha256};

use crate::db::Failure;

/// A step from one schema to the next. Once released, its text never changes.
pub(crate) struct Migration {
    version: u32,
    name: &'static str,
    sql: &'static str,
}

pub(crate) const ALL: &[Migration] = &[
    Migration {
        version: 1,
        name: "initial",
        sql: include_str!("../migrations/sqlite/0001_initial.sql"),
    },
    Migration {
        version: 2,
        name: "memory",
        sql: include_str!("../migrations/sqlite/0002_memory.sql"),
    },
    Migration {
        version: 3,
        name: "threads_by_scope",
        sql: include_str!("../migrations/sqlite/0003_threads_by_scope.sql"),
    },
    Migration {
        version: 4,
        name: "catalogue",
        sql: include_str!("../migrations/sqlite/0004_catalogue.sql"),
    },
    Migration {
        version: 5,
        name: "responses",
        sql: include_str!("../migrations/sqlite/0005_responses.sql"),
    },
    Migration {
        version: 6,
        name: "money",
        sql: include_str!("../migrations/sqlite/0006_money.sql"),
    },
    Migration {
        version: 7,
        name: "answers",
        sql: include_str!("../migrations/sqlite/0007_answers.sql"),
    },
    Migration {
        version: 8,
        name: "usage_details",
        sql: include_str!("../migrations/sqlite/0008_usage_details.sql"),
    },
    Migration {
        version: 9,
        name: "response_cache",
        sql: include_str!("../migrations/sqlite/0009_response_cache.sql"),
    },
];

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
    check(&applied, known)?;
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

/// What was applied must be a beginning of what is known.
fn check(applied: &[(u32, String)], known: &[Migration]) -> Result<(), Error> {
    let newest = known.last().map_or(0, |migration| migration.version);
    for (index, (version, applied_checksum)) in applied.iter().enumerate() {
        if *version > newest {
            return Err(refused(format!(
                "the data folder was written by a newer Backstay (schema {version}, this one knows \
                 {newest}); start that version, or restore a backup made before the upgrade"
            )));
        }
        let same = known
            .get(index)
            .is_some_and(|m| m.version == *version && checksum(m.sql) == *applied_checksum);
        if !same {
            return Err(refused(format!(
                "migration {version} of the data folder is not the one that this Backstay knows; \
                 it was written by a modified or unreleased version: start that one, or restore a \
                 backup"
            )));
        }
    }
    Ok(())
}

fn refused(message: String) -> Error {
    Error::new(ErrorCode::StoreUnavailable, message)
}

/// SHA-256 in hexadecimal. Line ends do not count, so that a checkout on another system agrees.
fn checksum(sql: &str) -> String {
    let digest = Sha256::digest(sql.replace("\r\n", "\n"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
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

    #[test]
    fn migrations_are_numbered_without_gaps() {
        for (index, migration) in ALL.iter().enumerate() {
            assert_eq!(migration.version as usize, index + 1);
        }
    }
}
