//! This process among those that share the database.
//!
//! Each has a row that it renews. What a process has begun carries its name, and once its row was
//! not renewed for the time of a lease, the others end what it left open. Times are the database's,
//! so that a node whose own clock is wrong is neither taken for dead nor kept alive by that.

use std::{sync::Arc, time::Duration};

use backstay_core::{CorrectedClock, Error, Result};
use tokio::task::JoinHandle;

use super::{clock, connection::Connection, failure::unreachable, options::Connecting, told};
use crate::db::Value;

/// A lease outlives this many renewals that fail.
const RENEWALS_PER_LEASE: u32 = 6;

const BEGIN: &str = "BEGIN; SET LOCAL role backstay_installation";
const NEW_ID: &str = "SELECT 'node_' || replace(CAST(gen_random_uuid() AS TEXT), '-', '')";
/// A node that was taken for gone is one of the living again; what was ended stays so.
const RENEW: &str = "INSERT INTO nodes (id, started_at, seen_at, lease_ends)
    SELECT $1, clock, clock, clock + $2 FROM database_clock() AS clock
    ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, lease_ends = excluded.lease_ends";
const LEAVE: &str = "DELETE FROM nodes WHERE id = $1";

pub(super) struct Node {
    id: String,
    connecting: Arc<Connecting>,
    clock: Option<CorrectedClock>,
    renewing: JoinHandle<()>,
}

impl Node {
    /// `clock` is brought to the database's time, now and with every renewal.
    pub(super) async fn join(
        connecting: Arc<Connecting>,
        lease: Duration,
        clock: Option<CorrectedClock>,
    ) -> Result<Self> {
        let connection =
            Connection::open(&connecting).await.map_err(|cause| unreachable(&cause))?;
        let id = connection.client.query_one(NEW_ID, &[]).await.map_err(|cause| told(&cause))?;
        let id: String = id
            .try_get(0)
            .map_err(|cause| Error::internal(format!("the database gave no name: {cause}")))?;
        let lease = Lease { time: lease, clock: clock.clone() };
        renew(&connection, &id, &lease).await.map_err(|cause| told(&cause))?;
        let renewing = keep_renewing(Arc::clone(&connecting), connection, id.clone(), lease);
        Ok(Self { id, connecting, clock, renewing: tokio::spawn(renewing) })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// How a connection is made beside those of the pool.
    pub(super) fn connecting(&self) -> &Connecting {
        &self.connecting
    }

    pub(super) fn clock(&self) -> Option<&CorrectedClock> {
        self.clock.as_ref()
    }

    /// Tells the others that nothing of this node is open any more.
    pub(super) async fn leave(&self) -> Result<(), tokio_postgres::Error> {
        self.renewing.abort();
        let connection = Connection::open(&self.connecting).await?;
        change(&connection, LEAVE, &[Value::Text(&self.id)]).await
    }
}

/// What is kept up while the process lives.
struct Lease {
    time: Duration,
    clock: Option<CorrectedClock>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

/// On a connection of its own, so that a node whose pool is busy is not taken for gone.
async fn keep_renewing(
    connecting: Arc<Connecting>,
    mut connection: Connection,
    id: String,
    lease: Lease,
) {
    loop {
        tokio::time::sleep(lease.time / RENEWALS_PER_LEASE).await;
        let renewed = match connection.is_closed() {
            false => renew(&connection, &id, &lease).await,
            true => match Connection::open(&connecting).await {
                Ok(opened) => {
                    connection = opened;
                    renew(&connection, &id, &lease).await
                }
                Err(cause) => Err(cause),
            },
        };
        if let Err(cause) = renewed {
            tracing::warn!(%cause, "this node's lease was not renewed; trying again");
        }
    }
}

async fn renew(
    connection: &Connection,
    id: &str,
    lease: &Lease,
) -> Result<(), tokio_postgres::Error> {
    let micros = i64::try_from(lease.time.as_micros()).unwrap_or(i64::MAX);
    change(connection, RENEW, &[Value::Text(id), Value::Integer(micros)]).await?;
    match &lease.clock {
        Some(clock) => clock::compare(connection, clock).await,
        None => Ok(()),
    }
}

async fn change(
    connection: &Connection,
    statement: &'static str,
    values: &[Value<'_>],
) -> Result<(), tokio_postgres::Error> {
    let Connection { client, .. } = connection;
    client.batch_execute(BEGIN).await?;
    let changed = match connection.prepare(statement).await {
        Ok(prepared) => client.execute_raw(&prepared, values).await,
        Err(cause) => Err(cause),
    };
    client.batch_execute(if changed.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    changed.map(drop)
}
