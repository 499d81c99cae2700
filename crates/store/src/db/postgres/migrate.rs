//! Bringing a database's tables up to date. Of several nodes that start at once one does it, while
//! the others wait.

use backstay_core::{Clock, Result};
use tokio_postgres::Client;

use super::{connection::Connection, told};
use crate::{
    db::Value,
    migrations::{Migration, check, checksum},
};

/// Held until the transaction ends; waiting for it is no fault of a statement.
const LOCK: &str =
    "BEGIN; SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(746003, 0)";
const IS_THERE: &str = "SELECT to_regclass('schema_migrations') IS NOT NULL";
const CREATE_TABLE: &str = "CREATE TABLE schema_migrations (
    version    BIGINT NOT NULL PRIMARY KEY,
    name       TEXT   COLLATE \"C\" NOT NULL,
    checksum   TEXT   COLLATE \"C\" NOT NULL,
    applied_at BIGINT NOT NULL
)";
const APPLIED: &str = "SELECT version, checksum FROM schema_migrations ORDER BY version";
const RECORD: &str =
    "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)";
pub(super) const PROTECT: &str = include_str!("../../../migrations/postgres/protect.sql");

/// Applies what is missing, all or nothing. Fails with `store_unavailable` when the database was made
/// by a newer Backstay, or by one whose migrations were other than ours; it is then unchanged.
pub(super) async fn apply(connection: &Connection, known: &[Migration]) -> Result<()> {
    let client = &connection.client;
    client.batch_execute(LOCK).await.map_err(|cause| told(&cause))?;
    let outcome = apply_missing(client, known).await;
    let end = if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" };
    client.batch_execute(end).await.map_err(|cause| told(&cause))?;
    outcome
}

async fn apply_missing(client: &Client, known: &[Migration]) -> Result<()> {
    let applied = applied(client).await.map_err(|cause| told(&cause))?;
    check(&applied, known, "database")?;
    let missing = known.get(applied.len()..).unwrap_or_default();
    for migration in missing {
        carry_out(client, migration).await.map_err(|cause| told(&cause))?;
        tracing::info!(version = migration.version, name = migration.name, "migration applied");
    }
    if !missing.is_empty() {
        client.batch_execute(PROTECT).await.map_err(|cause| told(&cause))?;
    }
    Ok(())
}

async fn applied(client: &Client) -> Result<Vec<(u32, String)>, tokio_postgres::Error> {
    let is_there: bool = client.query_one(IS_THERE, &[]).await?.try_get(0)?;
    if !is_there {
        client.batch_execute(CREATE_TABLE).await?;
    }
    let rows = client.query(APPLIED, &[]).await?;
    rows.iter()
        .map(|row| {
            let version = row.try_get::<_, i64>(0)?;
            Ok((u32::try_from(version).unwrap_or(u32::MAX), row.try_get(1)?))
        })
        .collect()
}

async fn carry_out(client: &Client, migration: &Migration) -> Result<(), tokio_postgres::Error> {
    client.batch_execute(migration.sql).await?;
    let checksum = checksum(migration.sql);
    let values = [
        Value::Integer(i64::from(migration.version)),
        Value::Text(migration.name),
        Value::Text(&checksum),
        Value::Integer(Clock::default().now().micros()),
    ];
    client.execute_raw(RECORD, &values).await?;
    Ok(())
}
