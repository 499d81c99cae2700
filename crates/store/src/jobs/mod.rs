//! Durable jobs: work that outlives the process that began it.
//!
//! A row is there while its work is wanted. A worker takes it for a time (a lease) and is given a
//! number that only grows (a fence, as Kleppmann describes it): once another worker has taken the
//! job over, the first one's late end is refused. A job is asked for by kind and key, so that
//! asking again while it is open makes no second row.

mod enqueue;
mod finish;
mod lease;
mod list;

use backstay_core::{JobId, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

pub use finish::Retry;

pub(crate) use enqueue::enqueue;
pub(crate) use finish::{complete, owned};
pub(crate) use list::{an_error, count, count_of_state};

#[cfg(test)]
pub(crate) const ALL: &[&[(&str, crate::db::Statement)]] =
    &[enqueue::ALL, finish::ALL, lease::ALL, list::ALL];

/// Work to be done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewJob {
    /// What sort of work: which workers take it.
    pub(crate) kind: String,
    /// What it is done to; there is at most one open job of a kind and a key.
    pub(crate) key: String,
    pub(crate) payload: Value,
    /// Not before this moment.
    pub(crate) due_at: Timestamp,
}

/// What a job waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// For its moment, then for a worker.
    Ready,
    /// For the worker that has it.
    Leased,
    /// For a person: it failed too often.
    Dead,
}

/// A job in the hands of a worker.
#[derive(Clone, Debug, PartialEq)]
pub struct Lease {
    pub workspace: WorkspaceId,
    pub job: JobId,
    pub kind: String,
    pub key: String,
    pub payload: Value,
    /// How often it was asked for. Asked for again meanwhile, the job goes on after this lease.
    pub wanted: u64,
    /// How often it failed in a row.
    pub failures: u32,
    /// Grows from lease to lease; only the newest may end the job.
    pub fence: u64,
    /// When another worker may take the job.
    pub until: Timestamp,
}

/// A job as it is listed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct JobRow {
    pub id: JobId,
    pub kind: String,
    pub key: String,
    pub payload: Value,
    pub state: JobState,
    pub wanted: u64,
    pub failures: u32,
    /// When it may be taken; of a leased job the end of the lease.
    pub due_at: Timestamp,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
}

impl JobState {
    pub const ALL: [Self; 3] = [Self::Ready, Self::Leased, Self::Dead];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Leased => "leased",
            Self::Dead => "dead",
        }
    }
}
