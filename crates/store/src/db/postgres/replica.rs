//! A replica of the database, which may answer what need not be read from the primary.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use backstay_core::Result;
use tokio::{runtime::Handle, task::spawn_blocking, time::Instant};

use super::{
    Access, PostgresOptions, carry_out,
    options::Connecting,
    panicked,
    pool::{Installation, Lent, Pool},
    transaction::Opening,
};
use crate::db::{Failure, Reach, ReplicaFacts, Session, Statement, sql};

/// Whoever asks has the primary to go to.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// How long one that was not to be reached is left alone.
const REST: Duration = Duration::from_secs(5);

/// What has come and is shown is not behind, however long ago the last write was.
const STATE: Statement = sql("SELECT pg_is_in_recovery(),
    CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
        ELSE CAST(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000
            AS BIGINT) END");

pub(super) struct Replica {
    pool: Arc<Pool>,
    rests_until: Mutex<Option<Instant>>,
}

impl Replica {
    /// `None` where the options name none. Connects to nothing yet: a replica may be away.
    pub(super) fn new(
        options: &PostgresOptions,
        installation: Installation,
    ) -> Result<Option<Self>> {
        let Some(url) = options.replica_url.clone() else { return Ok(None) };
        let connecting = Connecting::new(&PostgresOptions { url, ..options.clone() })?;
        let wait = options.wait.min(WAIT_MAX);
        let pool = Pool::new(Arc::new(connecting), options.connections_max, wait);
        let pool = pool.of(installation);
        Ok(Some(Self { pool: Arc::new(pool), rests_until: Mutex::default() }))
    }

    /// A connection on which a read has begun; `None` while there is none to be had.
    pub(super) async fn begin(&self, opening: &Opening, node: &str) -> Option<Lent> {
        if self.rests_until().is_some_and(|until| Instant::now() < until) {
            return None;
        }
        match self.pool.begin(opening, node).await {
            Ok(lent) => Some(lent),
            Err(error) => {
                tracing::warn!(%error, cause = error.context(), "the replica is left alone for a while");
                *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(Instant::now() + REST);
                None
            }
        }
    }

    /// What is found there now, whether or not it is left alone.
    pub(super) async fn facts(&self, node: &str) -> ReplicaFacts {
        let found = async {
            let opening = Opening::new(Access::Read, Reach::Installation);
            let lent = self.pool.begin(&opening, node).await?;
            let runtime = Handle::current();
            let asking = spawn_blocking(move || carry_out(lent, &runtime, facts));
            asking.await.unwrap_or_else(|_| Err(panicked()))
        };
        let found: Result<ReplicaFacts> = found.await;
        found.unwrap_or_else(|error| ReplicaFacts::Unusable { reason: error.message().to_owned() })
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    fn rests_until(&self) -> Option<Instant> {
        *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of a read that the replica was asked for.
pub(super) enum ReplicaRead<T> {
    Done(T),
    /// It lacks what the read has to show.
    Behind,
    Away,
    Failed,
}

impl<T> ReplicaRead<T> {
    pub(super) fn of(outcome: Result<Option<T>>) -> Self {
        match outcome {
            Ok(Some(found)) => Self::Done(found),
            Ok(None) => Self::Behind,
            Err(error) => {
                tracing::warn!(%error, cause = error.context(), "a read of the replica failed");
                Self::Failed
            }
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Behind => "behind",
            Self::Away => "away",
            Self::Failed => "failed",
        }
    }
}

fn facts(session: &Session<'_>) -> Result<ReplicaFacts, Failure> {
    let found = session.one(STATE, &[], |row| {
        Ok(match row.get(0)? {
            true => ReplicaFacts::Following { lag_ms: row.get(1)? },
            false => ReplicaFacts::Writable,
        })
    })?;
    found.ok_or_else(|| backstay_core::Error::internal("the replica said nothing").into())
}
