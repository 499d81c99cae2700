//! The ledger and the episodes by month, each month a table of its own: made ahead of time, and dropped
//! whole when retention is done with it.
//!
//! A row is in the month of its id, which begins with the time at which it was made. The default
//! partition takes what has no month, so that no insert fails: imported episodes, whose ids are digests,
//! and what was there before there were months.
//!
//! Every step is a transaction of its own that changes nothing when it was done before, that one server
//! does at a time, and that gives up rather than have others wait behind it.

mod make;
mod month;
mod retire;

use std::time::Duration;

use backstay_core::{Result, Timestamp};
use tokio_postgres::{Client, Error, error::SqlState};

use super::{Postgres, connection::Connection, failure::unreachable, told};
use crate::db::Ended;
use month::Month;

/// Waiting for a lock ends before others who wait behind it are looked at as deadlocked.
const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = 500; SET LOCAL statement_timeout = 0;
    SELECT pg_advisory_xact_lock(746004, 0)";
/// Row-level security hides rows from the owner of a table; this role sees all.
const SEE_ALL: &str = "SET LOCAL role backstay_installation";
const BE_OWNER: &str = "SET LOCAL role none";
const NOW: &str = "SELECT database_clock()";
/// How often a step is tried while others are in its way, and how long that waits.
const TRIES: u32 = 10;
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// A table that is kept by month.
#[derive(Clone, Copy)]
struct Parted {
    table: &'static str,
    /// The column that the month is seen from.
    key: &'static str,
    /// What its identifiers begin with.
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Generation,
    Episode,
}

const GENERATIONS: Parted = Parted { table: "generations", key: "id", kind: Kind::Generation };
const ATTEMPTS: Parted = Parted { table: "attempts", key: "generation", kind: Kind::Generation };
const EPISODES: Parted = Parted { table: "episodes", key: "id", kind: Kind::Episode };
const VECTORS: Parted = Parted { table: "episode_vectors", key: "episode", kind: Kind::Episode };
const ALL: [Parted; 4] = [GENERATIONS, ATTEMPTS, EPISODES, VECTORS];

impl Parted {
    fn partition(self, month: &Month) -> String {
        self.partition_prefix() + &month.label()
    }

    fn partition_prefix(self) -> String {
        format!("{}_", self.table)
    }

    fn default(self) -> String {
        format!("{}_default", self.table)
    }
}

impl Postgres {
    /// Makes the next month, and drops those that are over for retention. What was dropped.
    pub(in crate::db) async fn keep_months(
        &self,
        ended: Ended,
        now: Timestamp,
    ) -> Result<Vec<String>> {
        let connecting = self.shared.node.connecting();
        let connection = Connection::open(connecting).await.map_err(|cause| unreachable(&cause))?;
        let client = &connection.client;
        patiently(|| make::next(client, now)).await?;
        patiently(|| retire::months(client, ended)).await
    }

    /// Makes the months from a moment on, in which rows of another store are.
    pub(in crate::db) async fn make_months(&self, from: Timestamp) -> Result<()> {
        let connecting = self.shared.node.connecting();
        let connection = Connection::open(connecting).await.map_err(|cause| unreachable(&cause))?;
        make_from(&connection.client, from).await
    }
}

/// This month and the next, for a process that starts: before it serves. Where that cannot be now, the
/// month's rows have their place in the default partition.
pub(super) async fn make_first(connection: &Connection) {
    if let Err(error) = make_from(&connection.client, Timestamp::from_micros(i64::MAX)).await {
        tracing::warn!(%error, cause = error.context(), "this month has no tables of its own");
    }
}

/// The months from a moment on, or from now.
async fn make_from(client: &Client, from: Timestamp) -> Result<()> {
    let now = client.query_one(NOW, &[]).await.and_then(|row| row.try_get(0));
    let now = Timestamp::from_micros(now.map_err(|cause| told(&cause))?);
    patiently(|| make::months(client, from.min(now), now)).await
}

/// Tries again what others are in the way of.
async fn patiently<T, F>(step: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut tries = 1;
    loop {
        match step().await {
            Err(cause) if is_in_the_way(&cause) && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(TRY_AGAIN).await;
            }
            outcome => return outcome.map_err(|cause| told(&cause)),
        }
    }
}

fn is_in_the_way(cause: &Error) -> bool {
    cause.code() == Some(&SqlState::LOCK_NOT_AVAILABLE)
}

async fn begin(client: &Client) -> Result<(), Error> {
    let begun = client.batch_execute(BEGIN).await;
    if begun.is_err() {
        client.batch_execute("ROLLBACK").await?;
    }
    begun
}

async fn end<T>(client: &Client, outcome: Result<T, Error>) -> Result<T, Error> {
    client.batch_execute(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    outcome
}

async fn is_there(client: &Client, table: &str) -> Result<bool, Error> {
    client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&table]).await?.try_get(0)
}

/// Whether a query finds a row, of any workspace.
async fn finds(client: &Client, query: &str) -> Result<bool, Error> {
    client.batch_execute(SEE_ALL).await?;
    let found = client.query_opt(query, &[]).await?.is_some();
    client.batch_execute(BE_OWNER).await?;
    Ok(found)
}
