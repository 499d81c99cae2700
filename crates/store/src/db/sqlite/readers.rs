//! A few read-only connections, lent to blocking tasks.

use std::sync::{Arc, Mutex};

use backstay_core::{Error, Result};
use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::db::{Failure, Session, Statement, failure::closed, sql};

const BEGIN: Statement = sql("BEGIN");
const END: Statement = sql("COMMIT");
const ROLLBACK: Statement = sql("ROLLBACK");

pub(super) struct Readers {
    idle: Mutex<Vec<Connection>>,
    /// As many permits as connections.
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        let permits = Arc::new(Semaphore::new(connections.len()));
        Self { idle: Mutex::new(connections), permits }
    }

    /// Runs `work` on one state of the database. Waits while all connections are lent.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| closed())?;
        let readers = Arc::clone(self);
        let reading = tokio::task::spawn_blocking(move || {
            let answer = readers.lend().and_then(|lent| lent.run(work));
            drop(permit);
            answer
        });
        match reading.await {
            Ok(answer) => answer,
            Err(cause) => Err(Error::internal(format!("a read of the store failed: {cause}"))),
        }
    }

    /// Refuses further reads and closes the connections that are not lent.
    pub(super) fn close(&self) {
        self.permits.close();
        if let Ok(mut idle) = self.idle.lock() {
            idle.clear();
        }
    }

    fn lend(&self) -> Result<Lent<'_>> {
        let connection = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let connection = connection.ok_or_else(closed)?;
        Ok(Lent { readers: self, connection: Some(connection) })
    }
}

/// A connection that goes back when this is dropped, also by a panic.
struct Lent<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl Lent<'_> {
    fn run<T>(&self, work: impl FnOnce(&Session<'_>) -> Result<T, Failure>) -> Result<T> {
        let session = Session::Sqlite(self.connection.as_ref().ok_or_else(closed)?);
        let answer = session.execute(BEGIN, &[]).and_then(|_| work(&session));
        let ended = session.execute(END, &[]);
        answer.and_then(|value| ended.map(|_| value)).map_err(Error::from)
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        // A panic left its transaction open; a connection that cannot end it is not kept.
        let usable = connection.is_autocommit()
            || Session::Sqlite(&connection).execute(ROLLBACK, &[]).is_ok();
        if usable
            && !self.readers.permits.is_closed()
            && let Ok(mut idle) = self.readers.idle.lock()
        {
            idle.push(connection);
        }
    }
}
