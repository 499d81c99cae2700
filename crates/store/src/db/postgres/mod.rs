//! PostgreSQL, which several processes may share: a bounded pool of connections, and a transaction
//! for each unit of work.
//!
//! SQLite lets one unit write at a time, and units rely on it: they read what they are about to
//! change. Here that holds within a workspace, by an advisory lock that a unit takes before anything
//! else and holds until it ends. Units that rely on the order of changes to single rows alone share
//! the lock with each other (`WriteBeside`), and lock rows in a fixed order.

mod clock;
mod connection;
mod facts;
mod failure;
mod listen;
mod migrate;
mod node;
mod options;
mod partitions;
mod pool;
mod replica;
#[cfg(test)]
mod tests;
mod tls;
mod transaction;
mod value;

use std::sync::Arc;

use backstay_core::{Error, Result};
use tokio::{runtime::Handle, sync::watch};

pub use options::PostgresOptions;

pub(super) use failure::told;
pub(super) use transaction::{Access, Transaction};
pub(super) use value::{column_name, value};

use self::{
    listen::Listener,
    node::Node,
    options::Connecting,
    pool::{Installation, Lent, Pool},
    replica::{Replica, ReplicaRead},
    transaction::Opening,
};
use super::{ConnectionUse, Failure, Reach, Session, Statement, StoreHealth, StoreKind, sql};
use crate::migrations;

const SCHEMA_VERSION: Statement = sql("SELECT max(version) FROM schema_migrations");
const VERSION: Statement = sql("SELECT current_setting('server_version')");
const SIZE: Statement = sql("SELECT pg_database_size(current_database())");

/// An open database; clones share it.
#[derive(Clone)]
pub(crate) struct Postgres {
    shared: Arc<Shared>,
}

struct Shared {
    pool: Arc<Pool>,
    replica: Option<Replica>,
    node: Node,
    listener: Listener,
}

impl Postgres {
    /// Connects, brings the tables up to date and joins the nodes.
    pub(super) async fn open(options: &PostgresOptions) -> Result<Self> {
        let connecting = Arc::new(Connecting::new(options)?);
        let pool = Pool::new(Arc::clone(&connecting), options.connections_max, options.wait);
        let connection = pool.first().await?;
        migrate::apply(&connection, migrations::POSTGRES).await?;
        partitions::make_first(&connection).await;
        let replica = Replica::new(options, Installation::at(&connection).await?)?;
        let node =
            Node::join(Arc::clone(&connecting), options.node_lease, options.clock.clone()).await?;
        let listener = Listener::start(connecting);
        let pool = Arc::new(pool);
        Ok(Self { shared: Arc::new(Shared { pool, replica, node, listener }) })
    }

    /// Runs `work` in a transaction; returns once that is committed. What writes runs to its end, also
    /// when the caller no longer waits.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        access: Access,
        reach: Reach<'_>,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let shared = Arc::clone(&self.shared);
        let opening = Opening::new(access, reach);
        let running = async move {
            let lent = shared.pool.begin(&opening, shared.node.id()).await?;
            let runtime = Handle::current();
            tokio::task::spawn_blocking(move || carry_out(lent, &runtime, work))
                .await
                .unwrap_or_else(|_| Err(panicked()))
        };
        match access {
            // Making a connection takes kilobytes of state, which every caller's future would hold.
            Access::Read => Box::pin(running).await,
            Access::WriteAlone | Access::WriteBeside => {
                tokio::spawn(running).await.unwrap_or_else(|_| Err(panicked()))
            }
        }
    }

    /// Runs `work` on the replica if there is one to be reached and `is_fit` finds what it shows there
    /// new enough. `None` says that the primary is to be asked, also where the replica failed.
    pub(super) async fn read_replica<T: Send + 'static>(
        &self,
        reach: Reach<'_>,
        is_fit: impl FnOnce(&Session<'_>) -> Result<bool, Failure> + Send + 'static,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Option<T> {
        let Shared { replica: Some(replica), node, .. } = &*self.shared else { return None };
        let lent = Box::pin(replica.begin(&Opening::new(Access::Read, reach), node.id())).await;
        let outcome = match lent {
            None => ReplicaRead::Away,
            Some(lent) => {
                let runtime = Handle::current();
                let work =
                    |session: &Session<'_>| is_fit(session)?.then(|| work(session)).transpose();
                let done = tokio::task::spawn_blocking(move || carry_out(lent, &runtime, work));
                ReplicaRead::of(done.await.unwrap_or_else(|_| Err(panicked())))
            }
        };
        metrics::counter!("backstay_store_replica_reads_total", "outcome" => outcome.name())
            .increment(1);
        match outcome {
            ReplicaRead::Done(found) => Some(found),
            ReplicaRead::Behind | ReplicaRead::Away | ReplicaRead::Failed => None,
        }
    }

    /// Waits for the work under way, and tells the other nodes that nothing is open here.
    pub(super) async fn close(&self) -> Result<()> {
        let Shared { pool, replica, node, listener } = &*self.shared;
        if pool.is_closed() {
            return Ok(());
        }
        pool.close().await;
        if let Some(replica) = replica {
            replica.close().await;
        }
        listener.stop();
        if let Err(cause) = node.leave().await {
            tracing::warn!(%cause, "the other nodes were not told that this one stops");
        }
        Ok(())
    }

    pub(super) fn connections(&self) -> ConnectionUse {
        let pool = &self.shared.pool;
        ConnectionUse { in_use: pool.in_use(), max: pool.size() }
    }

    pub(super) fn heard(&self) -> watch::Receiver<()> {
        self.shared.listener.heard()
    }

    pub(super) async fn health(&self) -> Result<StoreHealth> {
        let connections = self.connections();
        self.run(Access::Read, Reach::Installation, move |session| {
            Ok(StoreHealth {
                kind: StoreKind::Postgres,
                version: session.one(VERSION, &[], |row| row.get(0))?.unwrap_or_default(),
                schema_version: session.one(SCHEMA_VERSION, &[], |row| row.get(0))?.unwrap_or(0),
                size_bytes: session.one(SIZE, &[], |row| row.get(0))?.unwrap_or(0),
                journal: None,
                connections: Some(connections),
            })
        })
        .await
    }
}

/// Blocks.
fn carry_out<T>(
    lent: Lent,
    runtime: &Handle,
    work: impl FnOnce(&Session<'_>) -> Result<T, Failure>,
) -> Result<T> {
    let transaction = Transaction::new(&lent.connection, runtime);
    let (outcome, is_usable) = transaction.carry_out(work);
    if is_usable {
        lent.give_back();
    }
    outcome
}

fn panicked() -> Error {
    Error::internal("work on the store panicked and was taken back")
}
