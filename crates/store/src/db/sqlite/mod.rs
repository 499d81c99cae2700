//! SQLite: one writer, several readers, and a file of the data folder.

mod checkpointer;
mod connection;
mod failure;
mod migrate;
mod readers;
mod redo;
mod session;
mod transaction;
mod unit;
mod writer;

use std::{path::PathBuf, sync::Arc};

use backstay_core::{Error, Result};

pub use connection::Synchronous;
pub(super) use failure::told;
#[cfg(test)]
pub(crate) use migrate::apply as sqlite_migrate;
pub(crate) use redo::{Added, Redo, RedoLog, Step};
pub(super) use session::{all, column_name, execute, one, value};

use super::{Failure, Session, Statement, StoreHealth, StoreKind, sql};
use crate::migrations;

const CHECKPOINT_ATTEMPTS_MAX: usize = 5;

const SCHEMA_VERSION: Statement = sql("SELECT max(version) FROM schema_migrations");
const VERSION: Statement = sql("SELECT sqlite_version()");
const JOURNAL_MODE: Statement = sql("PRAGMA journal_mode");

/// How a store in a data folder is opened.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The data folder; made when it is not there.
    pub path: PathBuf,
    pub synchronous: Synchronous,
    /// Connections that read beside each other.
    pub readers: usize,
}

impl SqliteOptions {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), synchronous: Synchronous::default(), readers: 4 }
    }
}

/// An open database; clones share it. When the last one is dropped, what is queued is still
/// written.
#[derive(Clone)]
pub(crate) struct Sqlite {
    shared: Arc<Shared>,
}

struct Shared {
    readers: Arc<readers::Readers>,
    writer: writer::Writer,
    file: PathBuf,
}

impl Sqlite {
    /// Blocks: locks the folder, opens the file, empties the log that a crash left and brings the
    /// tables up to date. Left to the checkpoints between writes, the log of a server that is killed
    /// again and again before the first of them would grow, and be read whole at each start.
    ///
    /// `read` says what a record of the redo log is to do, of which a crash may have left some.
    pub(in crate::db) fn open(
        options: &SqliteOptions,
        read: fn(&[u8]) -> Result<Redo, Failure>,
    ) -> Result<Self> {
        let SqliteOptions { path: folder, synchronous, readers } = options;
        connection::create_folder(folder)?;
        let lock = connection::lock(folder)?;
        let file = connection::file(folder);
        let mut connection = connection::open_writer(&file, *synchronous)?;
        writer::checkpoint(&connection)?;
        migrate::apply(&mut connection, migrations::SQLITE)?;
        let (redo, left) = redo::RedoLog::open(folder)?;
        redo::recover(&connection, left, read)?;
        redo.clear()?;
        let redo = Some(redo).filter(|_| *synchronous == Synchronous::Normal);
        let readers: Result<Vec<_>, Failure> =
            (0..*readers.max(&1)).map(|_| connection::open_reader(&file)).collect();
        let readers = Arc::new(readers::Readers::new(readers?));
        let checkpointer =
            checkpointer::Checkpointer::start(connection::open_checkpointer(&file)?)?;
        let writer = writer::Writer::start(connection, checkpointer, *synchronous, redo, lock)?;
        Ok(Self { shared: Arc::new(Shared { readers, writer, file }) })
    }

    /// Runs `work` in a transaction; returns once that is committed.
    pub(in crate::db) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        self.shared.writer.write(work).await
    }

    /// Like [`Sqlite::write`], for work that deletes what must not be found again: afterwards the log
    /// is emptied too, so that the deleted bytes are in no file. (In the database file itself they
    /// are overwritten.) The deletion stands also when readers keep the log from being emptied.
    pub(in crate::db) async fn erase<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let erased = self.write(work).await?;
        for _ in 0..CHECKPOINT_ATTEMPTS_MAX {
            // Each attempt waits for readers up to the busy time-out; writes go on in between.
            if self.shared.writer.checkpoint().await? {
                return Ok(erased);
            }
        }
        tracing::warn!("deleted text stays in the write-ahead log until it is emptied next");
        Ok(erased)
    }

    /// Runs `work` on one unchanging state of the database, which holds every write that was
    /// acknowledged before.
    pub(in crate::db) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        self.shared.writer.catch_up().await?;
        self.read_tables(work).await
    }

    /// Like [`Sqlite::read`], but without what the redo log still holds.
    pub(in crate::db) async fn read_tables<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        self.shared.readers.read(work).await
    }

    /// `None` where a commit has to wait for the disk, so that nothing is durable without one.
    pub(in crate::db) fn redo(&self) -> Option<&RedoLog> {
        self.shared.writer.redo()
    }

    pub(in crate::db) async fn close(&self) -> Result<()> {
        self.shared.readers.close();
        self.shared.writer.close().await
    }

    pub(in crate::db) async fn health(&self) -> Result<StoreHealth> {
        let size_bytes = self.size_bytes()?;
        self.read(move |session| {
            Ok(StoreHealth {
                kind: StoreKind::Sqlite,
                version: session.one(VERSION, &[], |row| row.get(0))?.unwrap_or_default(),
                schema_version: session.one(SCHEMA_VERSION, &[], |row| row.get(0))?.unwrap_or(0),
                size_bytes,
                journal: session.one(JOURNAL_MODE, &[], |row| row.get(0))?,
                connections: None,
            })
        })
        .await
    }

    /// Bytes of the database file and of its logs.
    fn size_bytes(&self) -> Result<u64> {
        let log = self.shared.file.with_extension("db-wal");
        let file = std::fs::metadata(&self.shared.file).map_err(|cause| {
            Error::internal(format!("the database file's size is unknown: {cause}"))
        })?;
        let redo = self.redo().map_or(0, RedoLog::bytes);
        Ok(file.len() + std::fs::metadata(log).map_or(0, |log| log.len()) + redo)
    }
}
