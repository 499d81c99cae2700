//! A bounded number of connections, lent to units of work one at a time.

use std::{
    error::Error as _,
    io::{self, ErrorKind},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use backstay_core::{Error, Result};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout_at},
};

use super::{
    connection::Connection,
    failure::{is_passing, told, unavailable, unreachable},
    options::Connecting,
    transaction::Opening,
};
use crate::db::failure::closed;

/// Between two attempts to reach a server that restarts.
const CONNECT_AGAIN: Duration = Duration::from_millis(100);

pub(super) struct Pool {
    connecting: Arc<Connecting>,
    idle: Mutex<Vec<Connection>>,
    /// As many permits as there may be connections.
    permits: Arc<Semaphore>,
    size: usize,
    wait: Duration,
    /// The only installation that connections may lead to.
    installation: Option<Installation>,
}

/// When its first tables were made, in microseconds since 1970: no two were made at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Installation(i64);

const MADE_AT: &str = "SELECT min(applied_at) FROM schema_migrations";

/// A connection that is used by nobody else. Dropped without being given back, as by a panic or by
/// a caller who left, it is closed; the server then takes back what was not committed.
pub(super) struct Lent {
    pub(super) connection: Connection,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(connecting: Arc<Connecting>, size: usize, wait: Duration) -> Self {
        let (size, idle) = (size.max(1), Mutex::default());
        let permits = Arc::new(Semaphore::new(size));
        Self { connecting, idle, permits, size, wait, installation: None }
    }

    /// One whose connections are refused that lead to any other installation.
    pub(super) fn of(self, installation: Installation) -> Self {
        Self { installation: Some(installation), ..self }
    }

    /// A connection on which the transaction has begun. Idle connections that the server has closed
    /// are found out here, before any work is done on them.
    pub(super) async fn begin(self: &Arc<Self>, opening: &Opening, node: &str) -> Result<Lent> {
        let asked = Instant::now();
        let deadline = asked + self.wait;
        let permit = timeout_at(deadline, Arc::clone(&self.permits).acquire_owned()).await;
        metrics::histogram!("backstay_store_connection_wait_seconds")
            .record(asked.elapsed().as_secs_f64());
        let permit = permit.map_err(|_| busy())?.map_err(|_| closed())?;
        let connection = loop {
            let (connection, is_new) = match self.take_idle() {
                Some(idle) => (idle, false),
                None => (self.connect(deadline).await?, true),
            };
            match opening.open(&connection, node).await {
                Ok(()) => break connection,
                Err(cause) if is_new || !connection.is_closed() && !is_lost(&cause) => {
                    return Err(told(&cause));
                }
                Err(_) => {}
            }
        };
        Ok(Lent { connection, pool: Arc::clone(self), _permit: permit })
    }

    /// A connection for what comes before the first unit of work.
    pub(super) async fn first(&self) -> Result<Connection> {
        self.connect(Instant::now() + self.wait).await
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let connection = idle.pop()?;
            if !connection.is_closed() {
                return Some(connection);
            }
        }
    }

    /// Waits for a server that restarts.
    async fn connect(&self, deadline: Instant) -> Result<Connection> {
        loop {
            match timeout_at(deadline, Connection::open(&self.connecting)).await {
                Ok(Ok(connection)) => {
                    self.check(&connection).await?;
                    return Ok(connection);
                }
                Ok(Err(cause))
                    if is_starting(&cause) && Instant::now() + CONNECT_AGAIN < deadline =>
                {
                    sleep(CONNECT_AGAIN).await;
                }
                Ok(Err(cause)) => return Err(unreachable(&cause)),
                Err(_) => {
                    let message = "the database did not answer in time; call again in a moment";
                    return Err(unavailable(message));
                }
            }
        }
    }

    async fn check(&self, connection: &Connection) -> Result<()> {
        match self.installation {
            Some(expected) if Installation::at(connection).await? != expected => Err(unavailable(
                "the replica is of another installation than the primary; correct \
                 store.replica_url",
            )),
            _ => Ok(()),
        }
    }

    /// Waits until every connection is back, and lends none any more.
    pub(super) async fn close(&self) {
        let all = u32::try_from(self.size).unwrap_or(u32::MAX);
        if let Ok(back) = self.permits.acquire_many(all).await {
            self.permits.close();
            drop(back);
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.permits.is_closed()
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn in_use(&self) -> usize {
        self.size.saturating_sub(self.permits.available_permits())
    }
}

impl Installation {
    /// The one whose tables are there.
    pub(super) async fn at(connection: &Connection) -> Result<Self> {
        let made_at = async { connection.client.query_one(MADE_AT, &[]).await?.try_get(0) };
        made_at.await.map(Self).map_err(|cause| told(&cause))
    }
}

impl Lent {
    pub(super) fn give_back(self) {
        let Self { connection, pool, _permit } = self;
        pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

/// Whether a server that restarts would say this.
fn is_starting(cause: &tokio_postgres::Error) -> bool {
    let io = cause.source().and_then(|source| source.downcast_ref::<io::Error>());
    cause.code().is_some_and(is_passing)
        || io.is_some_and(|io| {
            [ErrorKind::ConnectionRefused, ErrorKind::ConnectionReset, ErrorKind::UnexpectedEof]
                .contains(&io.kind())
        })
}

/// Whether the connection is at fault and not what was asked on it.
fn is_lost(cause: &tokio_postgres::Error) -> bool {
    cause.code().is_none_or(is_passing)
}

fn busy() -> Error {
    unavailable(
        "every connection to the database is in use; call again in a moment, or raise \
         store.connections_max",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PostgresOptions;
    use backstay_core::{ErrorCode, Secret};

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_of_in_time() {
        let url = Secret::new("postgres://nobody@127.0.0.1:9/none").unwrap();
        let connecting = Arc::new(Connecting::new(&PostgresOptions::new(url)).unwrap());
        let pool = Arc::new(Pool::new(connecting, 1, Duration::from_millis(250)));
        let opening = Opening::new(super::super::Access::Read, crate::db::Reach::Installation);
        let error = pool.begin(&opening, "").await.map(|_| ()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::StoreUnavailable);
        assert!(error.message().contains("refused"), "{error}");
        assert!(error.retry_after_ms().is_some());
        assert_eq!(pool.in_use(), 0);
    }
}
