//! Opening the database file: its folder, its lock and its settings.

use std::{
    fs::{DirBuilder, File, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use backstay_core::{Error, ErrorCode, Result};
use rusqlite::{Connection, OpenFlags};
use serde::Deserialize;

use crate::db::{Failure, Statement, sql};

const FILE_NAME: &str = "backstay.db";
const LOCK_NAME: &str = "backstay.lock";
/// How long a checkpoint waits for readers.
pub(super) const READERS_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a write waits while a long log is copied: on a busy disk that takes seconds.
pub(super) const COPYING_TIMEOUT: Duration = Duration::from_secs(60);
/// Statements that a connection keeps prepared: more than this crate has.
const PREPARED_MAX: usize = 256;

/// Copies the write-ahead log into the database file and empties the log.
pub(super) const CHECKPOINT: Statement = sql("PRAGMA wal_checkpoint(TRUNCATE)");

/// When a commit counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// When the operating system has it: survives the end of the process by any cause, `kill -9`
    /// included. A loss of power may take back the last moments, never the file's integrity.
    #[default]
    Normal,
    /// When the disk has it: survives a loss of power as well. Each group of writes waits for the
    /// disk.
    Full,
}

/// Makes the folder if there is none, readable by its owner only: it will hold what people said.
pub(super) fn create_folder(folder: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|cause| {
        unavailable(format!(
            "the data folder {} cannot be made: {cause}; choose another with --data",
            folder.display()
        ))
    })
}

/// One process per data folder: what a second one wrote, the first one's memory would not know.
/// The operating system releases the lock when the process ends, however it ends.
pub(super) fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK_NAME);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|cause| {
        unavailable(format!("{} cannot be written: {cause}; check its permissions", path.display()))
    })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(unavailable(format!(
            "the data folder {} is in use by another Backstay; stop that one, or choose another \
             folder with --data",
            folder.display()
        ))),
        Err(TryLockError::Error(cause)) => {
            Err(unavailable(format!("{} cannot be locked: {cause}", path.display())))
        }
    }
}

pub(super) fn file(folder: &Path) -> PathBuf {
    folder.join(FILE_NAME)
}

pub(super) fn open_writer(file: &Path, synchronous: Synchronous) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(file, flags)?;
    let journal: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if journal != "wal" {
        let message = "the data folder's file system cannot hold a write-ahead log (network file \
                       systems often cannot); choose a folder on a local disk with --data";
        return Err(unavailable(message).into());
    }
    connection.execute_batch(match synchronous {
        Synchronous::Normal => "PRAGMA synchronous = NORMAL",
        Synchronous::Full => "PRAGMA synchronous = FULL",
    })?;
    // What is forgotten is overwritten. Undo information of a group stays in memory.
    connection.execute_batch(
        "PRAGMA secure_delete = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -8192;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    connection.busy_timeout(COPYING_TIMEOUT)?;
    Ok(connection)
}

/// Opened after the writer: the write-ahead log must be there.
pub(super) fn open_checkpointer(file: &Path) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    open(file, flags)
}

pub(super) fn open_reader(file: &Path) -> Result<Connection, Failure> {
    open(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

fn open(file: &Path, flags: OpenFlags) -> Result<Connection, Failure> {
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(READERS_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_MAX);
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA mmap_size = 268435456;")?;
    Ok(connection)
}

fn unavailable(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::StoreUnavailable, message)
}
