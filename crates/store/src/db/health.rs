//! What a store says about itself.

use serde::Serialize;
use utoipa::ToSchema;

/// Where the rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// In a data folder, of one process.
    Sqlite,
    /// In a database that several processes may share.
    Postgres,
}

/// What the store says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreHealth {
    pub kind: StoreKind,
    /// Of the database's program.
    pub version: String,
    /// The number of the last migration applied.
    pub schema_version: u32,
    /// Of the database; of a file with its write-ahead log.
    pub size_bytes: u64,
    /// SQLite's journal mode: `wal`.
    pub journal: Option<String>,
    /// `None` where nothing waits for a connection.
    pub connections: Option<ConnectionUse>,
}

/// Connections to the database server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConnectionUse {
    pub in_use: usize,
    pub max: usize,
}
