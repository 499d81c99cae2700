//! The installation's store: opening, closing, health.

use std::path::PathBuf;

use backstay_core::{Error, Result, WorkspaceId};

use crate::{
    Synchronous, Workspace,
    db::{Db, statements},
};

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The data folder; made when it is not there.
    pub path: PathBuf,
    pub synchronous: Synchronous,
    /// Connections that read beside each other.
    pub readers: usize,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { path: PathBuf::from("data"), synchronous: Synchronous::default(), readers: 4 }
    }
}

/// The store of one installation; clones share it. When the last clone and the last [`Workspace`]
/// of it are dropped, that waits until the writes already queued are committed.
#[derive(Clone)]
pub struct Store {
    db: Db,
}

/// What the store says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreHealth {
    /// The number of the last migration applied.
    pub schema_version: u32,
    /// Of the database file and its write-ahead log.
    pub size_bytes: u64,
    /// SQLite's journal mode: `wal`.
    pub journal: String,
}

statements! {
    SCHEMA_VERSION = "SELECT max(version) FROM schema_migrations";
    JOURNAL_MODE = "PRAGMA journal_mode";
}

impl Store {
    /// Opens the data folder, makes it if need be, and brings its tables up to date. Fails with
    /// `store_unavailable` when another process has the folder open, when it cannot be written, or
    /// when a newer Backstay wrote it.
    pub async fn open(options: StoreOptions) -> Result<Self> {
        let opening = tokio::task::spawn_blocking(move || {
            Db::open(&options.path, options.synchronous, options.readers)
        });
        let db = opening
            .await
            .map_err(|cause| Error::internal(format!("opening the store failed: {cause}")))??;
        Ok(Self { db })
    }

    /// Commits what is queued, empties the write-ahead log and releases the data folder. Calls after
    /// that fail with `shutting_down`. Closing twice is no error.
    pub async fn close(&self) -> Result<()> {
        self.db.close().await
    }

    pub async fn health(&self) -> Result<StoreHealth> {
        let (schema_version, journal) = self
            .db
            .read(|session| {
                let version = session.one(SCHEMA_VERSION, &[], |row| row.get(0))?;
                let journal = session.one(JOURNAL_MODE, &[], |row| row.get(0))?;
                Ok((version.unwrap_or(0), journal.unwrap_or_default()))
            })
            .await?;
        Ok(StoreHealth { schema_version, size_bytes: self.db.size_bytes()?, journal })
    }

    /// The handle to one tenant's data.
    pub fn workspace(&self, id: &WorkspaceId) -> Workspace {
        Workspace::new(self.db.clone(), id.clone())
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }
}
