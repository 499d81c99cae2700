//! The database behind the areas, and the forms in which it is spoken to. Nothing above this folder
//! names SQLite or PostgreSQL, but for the texts of statements.

mod changes;
pub(crate) mod code;
mod database;
mod ended;
mod failure;
mod health;
mod postgres;
mod row;
mod session;
mod sqlite;
mod statement;
mod value;

use backstay_core::{Error, Result, Timestamp, WorkspaceId};

pub use changes::KeyChanges;
pub use database::{DatabaseFacts, DatabaseUser, NodeRow, ReplicaFacts, Standby};
pub(crate) use ended::Ended;
pub(crate) use failure::Failure;
pub use health::{ConnectionUse, StoreHealth, StoreKind};
pub use postgres::PostgresOptions;
pub(crate) use row::Row;
pub(crate) use session::Session;
#[cfg(test)]
pub(crate) use sqlite::sqlite_migrate;
pub(crate) use sqlite::{Added, Redo, RedoLog, Step};
pub use sqlite::{SqliteOptions, Synchronous};
pub(crate) use statement::{Statement, named, numbered, sql, statements};
pub(crate) use value::{Value, values};

use self::postgres::Access;

/// An open database; clones share it.
#[derive(Clone)]
pub(crate) enum Db {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// Whose rows a unit of work is about. On PostgreSQL rows of other workspaces are not there for it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reach<'a> {
    /// Every workspace's, and what belongs to none.
    Installation,
    Workspace(&'a WorkspaceId),
}

impl Db {
    /// `read` says what a record of the redo log is to do.
    pub(crate) async fn open_sqlite(
        options: SqliteOptions,
        read: fn(&[u8]) -> Result<Redo, Failure>,
    ) -> Result<Self> {
        let opening = tokio::task::spawn_blocking(move || sqlite::Sqlite::open(&options, read));
        let opened = opening
            .await
            .map_err(|cause| Error::internal(format!("opening the store failed: {cause}")))?;
        opened.map(Self::Sqlite)
    }

    pub(crate) async fn open_postgres(options: &PostgresOptions) -> Result<Self> {
        postgres::Postgres::open(options).await.map(Self::Postgres)
    }

    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Runs `work` in a transaction, while nothing else is written to what it reaches; returns once
    /// that is committed.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        reach: Reach<'_>,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(work).await,
            Self::Postgres(postgres) => postgres.run(Access::WriteAlone, reach, work).await,
        }
    }

    /// Like [`Db::write`], but on PostgreSQL beside others of its kind. For units that would be
    /// right if their statements were interleaved with those of others: each depends on rows that
    /// the unit has changed or locked itself, and units lock rows in one order.
    pub(crate) async fn write_beside<T: Send + 'static>(
        &self,
        reach: Reach<'_>,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(work).await,
            Self::Postgres(postgres) => postgres.run(Access::WriteBeside, reach, work).await,
        }
    }

    /// Like [`Db::write`], for work that deletes what must not be found again: on SQLite it is in no
    /// file afterwards. On PostgreSQL its pages are used anew after a vacuum, and its log goes with
    /// the server's archive.
    pub(crate) async fn erase<T: Send + 'static>(
        &self,
        reach: Reach<'_>,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        match self {
            Self::Sqlite(sqlite) => sqlite.erase(work).await,
            Self::Postgres(postgres) => postgres.run(Access::WriteAlone, reach, work).await,
        }
    }

    /// Runs `work` on one unchanging state of the database, which holds every write that was
    /// acknowledged before.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        reach: Reach<'_>,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read(work).await,
            Self::Postgres(postgres) => postgres.run(Access::Read, reach, work).await,
        }
    }

    /// Like [`Db::read`], but may miss what the redo log still holds: for what is never in it.
    pub(crate) async fn read_tables<T: Send + 'static>(
        &self,
        reach: Reach<'_>,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read_tables(work).await,
            Self::Postgres(postgres) => postgres.run(Access::Read, reach, work).await,
        }
    }

    /// Like [`Db::read`], on a replica that `is_fit` finds new enough; `None` where there is none.
    pub(crate) async fn read_replica<T: Send + 'static>(
        &self,
        reach: Reach<'_>,
        is_fit: impl FnOnce(&Session<'_>) -> Result<bool, Failure> + Send + 'static,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Option<T> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(postgres) => postgres.read_replica(reach, is_fit, work).await,
        }
    }

    /// Where small writes are durable before they are in the tables; `None` where there is no such
    /// place.
    pub(crate) fn redo(&self) -> Option<&RedoLog> {
        match self {
            Self::Sqlite(sqlite) => sqlite.redo(),
            Self::Postgres(_) => None,
        }
    }

    /// Drops whole months that retention is done with, where they are tables of their own, and makes
    /// those that come. What was dropped.
    pub(crate) async fn keep_months(&self, ended: Ended, now: Timestamp) -> Result<Vec<String>> {
        match self {
            Self::Sqlite(_) => Ok(Vec::new()),
            Self::Postgres(postgres) => postgres.keep_months(ended, now).await,
        }
    }

    /// Before rows of these months are written that another store has.
    pub(crate) async fn make_months(&self, from: Timestamp) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(postgres) => postgres.make_months(from).await,
        }
    }

    /// `None` for a data folder.
    pub(crate) async fn database(&self) -> Result<Option<DatabaseFacts>> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(postgres) => postgres.facts().await.map(Some),
        }
    }

    /// `None` where nothing waits for a connection.
    pub(crate) fn connections(&self) -> Option<ConnectionUse> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(postgres) => Some(postgres.connections()),
        }
    }

    pub(crate) fn key_changes(&self) -> KeyChanges {
        match self {
            Self::Sqlite(_) => KeyChanges::none(),
            Self::Postgres(postgres) => KeyChanges::from(postgres.heard()),
        }
    }

    pub(crate) async fn health(&self) -> Result<StoreHealth> {
        match self {
            Self::Sqlite(sqlite) => sqlite.health().await,
            Self::Postgres(postgres) => postgres.health().await,
        }
    }

    pub(crate) async fn close(&self) -> Result<()> {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }
}
