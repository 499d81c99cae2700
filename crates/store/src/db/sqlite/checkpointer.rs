//! Copies the write-ahead log into the database file beside the writes.
//!
//! A checkpoint waits for the disk. On a connection and a thread of its own it does so without any
//! write waiting for it.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
    mpsc::{Receiver, SyncSender, sync_channel},
};

use backstay_core::{Error, Result};
use rusqlite::Connection;

use crate::db::{Session, Statement, sql};

/// Units of work between two checkpoints. Each waits for the disk twice, whatever there is to copy, and
/// writes beside it are slower: at a thousand units that was more than one call in a hundred.
const UNITS_BETWEEN: usize = 4_000;
/// A log of this many pages (128 MiB) is copied while writes wait, so that it can begin anew: a log
/// that is written to all the time never ends by itself.
const LOG_PAGES_MAX: i64 = 32_768;

/// Copies what no reader or writer is in the way of, and waits for nobody.
const COPY: Statement = sql("PRAGMA wal_checkpoint(PASSIVE)");
/// Keeps writers away until all is copied.
const COPY_ALL: Statement = sql("PRAGMA wal_checkpoint(RESTART)");

pub(super) struct Checkpointer {
    units: AtomicUsize,
    /// `None` once it is closed.
    wake: Mutex<Option<SyncSender<()>>>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Checkpointer {
    pub(super) fn start(connection: Connection) -> Result<Self> {
        let (wake, woken) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || run(&connection, &woken))
            .map_err(|cause| Error::internal(format!("no thread for checkpoints: {cause}")))?;
        Ok(Self {
            units: AtomicUsize::new(0),
            wake: Mutex::new(Some(wake)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Counts units of work that were committed; never waits.
    pub(super) fn committed(&self, units: usize) {
        if self.units.fetch_add(units, Ordering::Relaxed) + units < UNITS_BETWEEN {
            return;
        }
        self.units.store(0, Ordering::Relaxed);
        if let Some(wake) = self.wake.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            // Full means that it is awake already.
            let _awake = wake.try_send(());
        }
    }

    /// Waits until the connection is closed.
    pub(super) fn close(&self) {
        drop(self.wake.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store's checkpoint thread ended by a panic");
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.close();
    }
}

fn run(connection: &Connection, woken: &Receiver<()>) {
    let session = Session::Sqlite(connection);
    while woken.recv().is_ok() {
        let pages = session.one(COPY, &[], |row| row.get::<i64>(1));
        let outcome = match pages {
            Ok(Some(pages)) if pages > LOG_PAGES_MAX => {
                session.one(COPY_ALL, &[], |_| Ok(())).map(drop)
            }
            other => other.map(drop),
        };
        if let Err(failure) = outcome {
            tracing::warn!(?failure, "the write-ahead log was not copied; trying again later");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Synchronous, sqlite::connection};

    #[test]
    fn after_enough_writes_the_database_file_holds_them_without_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let file = connection::file(folder.path());
        let writer = connection::open_writer(&file, Synchronous::Normal).unwrap();
        let checkpointer =
            Checkpointer::start(connection::open_checkpointer(&file).unwrap()).unwrap();
        writer
            .execute_batch("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('kept')")
            .unwrap();
        let rows_without_log = || {
            let copy = folder.path().join("copy.db");
            std::fs::copy(&file, &copy).unwrap();
            let copied = Connection::open(copy).unwrap();
            copied.query_row("SELECT count(*) FROM notes", [], |row| row.get::<_, i64>(0))
        };
        checkpointer.committed(UNITS_BETWEEN - 1);
        assert!(rows_without_log().is_err(), "nothing was copied yet");
        checkpointer.committed(1);
        checkpointer.close();
        assert_eq!(rows_without_log().unwrap(), 1);
    }
}
