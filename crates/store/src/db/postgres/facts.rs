//! What `doctor` wants to know.

use backstay_core::{CorrectedClock, Result};
use tokio::time::Instant;

use super::{Access, Postgres};
use crate::db::{
    DatabaseFacts, DatabaseUser, Failure, NodeRow, Reach, ReplicaFacts, Row, Session, Standby,
    Statement, sql, values,
};

/// What replication is about is shown to the database user and not to the roles of transactions.
const AS_USER: Statement = sql("SELECT set_config('role', 'none', true)");
const SERVER: Statement = sql("SELECT CAST(current_setting('server_version_num') AS BIGINT),
        (SELECT extversion FROM pg_extension WHERE extname = 'vector'),
        pg_is_in_recovery(),
        (SELECT CAST(sum(numbackends) AS BIGINT) FROM pg_stat_database),
        CAST(current_setting('max_connections') AS BIGINT),
        (SELECT CAST(coalesce(sum(pg_total_relation_size(oid)), 0) AS BIGINT) FROM pg_class
            WHERE relkind = 'r' AND relnamespace = to_regnamespace(current_schema())
                AND (relname = 'word_blocks' OR relname LIKE 'passage~_vectors~_%' ESCAPE '~'))");
const USER: Statement = sql("SELECT CAST(session_user AS TEXT),
        EXISTS (SELECT 1 FROM pg_roles
            WHERE rolname = session_user AND (rolsuper OR rolbypassrls)),
        EXISTS (SELECT 1 FROM pg_roles
            WHERE rolname IN ('backstay_workspace', 'backstay_installation')
                AND (rolsuper OR rolbypassrls))");
const STANDBYS: Statement = sql("SELECT application_name, state,
        CAST(extract(epoch FROM replay_lag) * 1000 AS BIGINT) FROM pg_stat_replication LIMIT 100");
const NODES: Statement =
    sql("SELECT id, started_at, seen_at, lease_ends > database_clock(), id = $1
    FROM nodes ORDER BY seen_at DESC LIMIT 100");
const PING: Statement = sql("SELECT 1");
const PINGS: usize = 9;

impl Postgres {
    pub(in crate::db) async fn facts(&self) -> Result<DatabaseFacts> {
        let node = &self.shared.node;
        let (id, clock) = (node.id().to_owned(), node.clock().cloned());
        let replica = match &self.shared.replica {
            Some(replica) => Some(replica.facts(&id).await),
            None => None,
        };
        self.run(Access::Read, Reach::Installation, move |session| {
            session.execute(AS_USER, &[])?;
            facts(session, &id, clock.as_ref(), replica)
        })
        .await
    }
}

fn facts(
    session: &Session<'_>,
    node: &str,
    clock: Option<&CorrectedClock>,
    replica: Option<ReplicaFacts>,
) -> Result<DatabaseFacts, Failure> {
    let found = session.one(SERVER, &[], |row| {
        Ok(DatabaseFacts {
            version_number: row.get(0)?,
            pgvector: row.get(1)?,
            search_bytes: row.get(5)?,
            user: user(session)?,
            in_recovery: row.get(2)?,
            standbys: session.all(STANDBYS, &[], standby)?,
            replica,
            connections: row.get(3)?,
            connections_max: row.get(4)?,
            round_trip_micros: round_trip(session)?,
            clock_correction_ms: clock.map(|clock| clock.correction_micros() / 1_000),
            nodes: session.all(NODES, values![node], node_row)?,
        })
    })?;
    found.ok_or_else(|| backstay_core::Error::internal("the database said nothing").into())
}

fn user(session: &Session<'_>) -> Result<DatabaseUser, Failure> {
    let found = session.one(USER, &[], |row| {
        Ok(DatabaseUser {
            name: row.get(0)?,
            bypasses_row_security: row.get(1)?,
            roles_bypass_row_security: row.get(2)?,
        })
    })?;
    found.ok_or_else(|| backstay_core::Error::internal("the database knows no user").into())
}

fn standby(row: &Row<'_>) -> Result<Standby, Failure> {
    Ok(Standby { name: row.get(0)?, state: row.get(1)?, lag_ms: row.get(2)? })
}

fn node_row(row: &Row<'_>) -> Result<NodeRow, Failure> {
    Ok(NodeRow {
        id: row.get(0)?,
        since: row.get(1)?,
        last_seen: row.get(2)?,
        alive: row.get(3)?,
        this: row.get(4)?,
    })
}

/// The median of some.
fn round_trip(session: &Session<'_>) -> Result<u64, Failure> {
    let mut taken = Vec::with_capacity(PINGS);
    for _ in 0..PINGS {
        let begun = Instant::now();
        session.one(PING, &[], |_| Ok(()))?;
        taken.push(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    taken.sort_unstable();
    Ok(taken[PINGS / 2])
}
