//! What a database that several processes share says about itself and about them.

use backstay_core::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// What an operator has to know about the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DatabaseFacts {
    /// 160014 for 16.14.
    pub version_number: u32,
    /// The version of pgvector that is installed in this database.
    pub pgvector: Option<String>,
    /// What the tables and indexes take by which large memories are searched.
    pub search_bytes: u64,
    pub user: DatabaseUser,
    /// Whether it is a replica, which cannot be written.
    pub in_recovery: bool,
    /// Of those that the user may see.
    pub standbys: Vec<Standby>,
    /// The one that recall may read; null where none is named.
    pub replica: Option<ReplicaFacts>,
    /// Connections to the database server, of all its clients.
    pub connections: u32,
    pub connections_max: u32,
    /// Half of some round trips were faster.
    pub round_trip_micros: u64,
    /// What this server adds to its machine's time so that it is the database's: above 0 where the
    /// machine's clock is behind.
    pub clock_correction_ms: Option<i64>,
    /// Servers that share the database: those that were seen last, at most 100.
    pub nodes: Vec<NodeRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DatabaseUser {
    pub name: String,
    /// A superuser, or one with BYPASSRLS.
    pub bypasses_row_security: bool,
    /// Whether that holds for a role that transactions take on, too.
    pub roles_bypass_row_security: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Standby {
    pub name: Option<String>,
    pub state: Option<String>,
    /// How far what it shows is behind; null while nothing is written.
    pub lag_ms: Option<i64>,
}

/// What is found where the store's replica is said to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ReplicaFacts {
    /// Or of another installation: recall reads the primary.
    Unusable { reason: String },
    /// A server that can be written: the primary itself, or a replica that was promoted.
    Writable,
    /// How far what it shows is behind; null where it is not told.
    Following { lag_ms: Option<i64> },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NodeRow {
    pub id: String,
    pub since: Timestamp,
    pub last_seen: Timestamp,
    /// Whether its lease has not run out.
    pub alive: bool,
    /// Whether it is the one that answers.
    pub this: bool,
}
