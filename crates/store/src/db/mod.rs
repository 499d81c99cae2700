//! The database behind the areas, and the forms in which it is spoken to. Nothing above this folder
//! names SQLite.

pub(crate) mod code;
mod failure;
mod row;
mod session;
mod sqlite;
mod statement;
mod value;

use std::path::Path;

use backstay_core::Result;

pub(crate) use failure::Failure;
pub(crate) use row::Row;
pub(crate) use session::Session;
pub use sqlite::Synchronous;
#[cfg(test)]
pub(crate) use sqlite::sqlite_migrate;
pub(crate) use statement::{Statement, sql, statements};
pub(crate) use value::{Value, values};

/// An open database; clones share it.
#[derive(Clone)]
pub(crate) enum Db {
    Sqlite(sqlite::Sqlite),
}

impl Db {
    /// Blocks.
    pub(crate) fn open(folder: &Path, synchronous: Synchronous, readers: usize) -> Result<Self> {
        sqlite::Sqlite::open(folder, synchronous, readers).map(Self::Sqlite)
    }

    /// Runs `work` in a transaction; returns once that is committed.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(work).await,
        }
    }

    /// Like [`Db::write`], for work that deletes what must not be found again.
    pub(crate) async fn erase<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        match self {
            Self::Sqlite(sqlite) => sqlite.erase(work).await,
        }
    }

    /// Runs `work` on one unchanging state of the database, which holds every write that was
    /// acknowledged before.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read(work).await,
        }
    }

    pub(crate) async fn close(&self) -> Result<()> {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
        }
    }

    /// Bytes that the database takes.
    pub(crate) fn size_bytes(&self) -> Result<u64> {
        match self {
            Self::Sqlite(sqlite) => sqlite.size_bytes(),
        }
    }
}
