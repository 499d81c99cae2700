//! The installation's store: opening, closing, health.

use std::path::PathBuf;

use backstay_core::{Clock, Result, WorkspaceId};

use crate::{
    ConnectionUse, DatabaseFacts, KeyChanges, PostgresOptions, SqliteOptions, StoreHealth,
    Workspace,
    db::{Db, Failure, Reach, Session},
    generations,
};

/// Where a store is, and how it is opened.
#[derive(Clone, Debug)]
pub enum StoreOptions {
    /// A data folder, which one process has at a time.
    Sqlite(SqliteOptions),
    /// A database that several processes share.
    Postgres(PostgresOptions),
}

impl StoreOptions {
    /// A data folder, made when it is not there.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self::Sqlite(SqliteOptions::new(path))
    }

    /// Brings the clock, if it can be corrected, to the time of a database that is shared.
    pub fn with_clock(self, clock: &Clock) -> Self {
        match (self, clock) {
            (Self::Postgres(options), Clock::Corrected(clock)) => {
                Self::Postgres(PostgresOptions { clock: Some(clock.clone()), ..options })
            }
            (other, _) => other,
        }
    }
}

/// The store of one installation; clones share it. When the last clone and the last [`Workspace`]
/// of it are dropped, that waits until the writes already queued are committed.
#[derive(Clone)]
pub struct Store {
    db: Db,
}

impl Store {
    /// Opens the data folder or connects to the database, makes it if need be, and brings its tables
    /// up to date. Fails with `store_unavailable` when another process has the folder open, when it
    /// cannot be written or reached, or when a newer Backstay wrote it.
    pub async fn open(options: StoreOptions) -> Result<Self> {
        let db = match options {
            StoreOptions::Sqlite(options) => Db::open_sqlite(options, generations::redo).await?,
            StoreOptions::Postgres(options) => Db::open_postgres(&options).await?,
        };
        Ok(Self { db })
    }

    /// Whether other processes may have the same store open: what is open there may be theirs.
    pub fn is_shared(&self) -> bool {
        self.db.is_shared()
    }

    /// Commits what is queued, and releases the data folder or the connections. Calls after
    /// that fail with `shutting_down`. Closing twice is no error.
    pub async fn close(&self) -> Result<()> {
        self.db.close().await
    }

    pub async fn health(&self) -> Result<StoreHealth> {
        self.db.health().await
    }

    /// What the database says about itself and about the servers that share it; `None` for a data
    /// folder.
    pub async fn database(&self) -> Result<Option<DatabaseFacts>> {
        self.db.database().await
    }

    /// Connections in use now; `None` where nothing waits for one.
    pub fn connections(&self) -> Option<ConnectionUse> {
        self.db.connections()
    }

    /// What other processes change about keys from now on.
    pub fn key_changes(&self) -> KeyChanges {
        self.db.key_changes()
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// The handle to one tenant's data.
    pub fn workspace(&self, id: &WorkspaceId) -> Workspace {
        Workspace::new(self.db.clone(), id.clone())
    }

    /// A unit of work across workspaces.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        self.db.read(Reach::Installation, work).await
    }

    /// One that writes, while no other does.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        self.db.write(Reach::Installation, work).await
    }

    /// One that writes, while others do: see [`Db::write_beside`].
    pub(crate) async fn write_beside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        self.db.write_beside(Reach::Installation, work).await
    }
}
