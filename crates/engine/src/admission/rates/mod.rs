//! How much a key may use, and how fast: rate limits.
//!
//! Tokens and money are known only at the end, so a call takes an estimate first, and what it really
//! used is put in its place.

mod local;
mod shared;

use backstay_core::{KeyId, RateLimit, RateUse, Result, Timestamp, WorkspaceId};
use backstay_store::Store;

use self::{local::Local, shared::Shared};

/// What a call under way has taken, to be put right at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateHold {
    taken: RateUse,
    at: Timestamp,
}

/// Where what keys have used is counted.
pub(crate) enum Rates {
    /// In this process, which has the store for itself.
    Local(Local),
    /// In the store, for all processes that share it.
    Shared(Shared),
}

impl Rates {
    pub(crate) fn new(store: &Store) -> Self {
        match store.is_shared() {
            true => Self::Shared(Shared::new(store.clone())),
            false => Self::Local(Local::default()),
        }
    }

    /// Takes from every limit of the key, or from none of them: fails with `too_many_requests`. An
    /// estimate that is larger than a whole limit takes all of it.
    pub(crate) async fn take(
        &self,
        (workspace, key): (&WorkspaceId, &KeyId),
        limits: &[RateLimit],
        wanted: RateUse,
        now: Timestamp,
    ) -> Result<RateHold> {
        match self {
            Self::Local(local) => local.take(key, limits, wanted, now),
            Self::Shared(shared) => shared.take((workspace, key), limits, wanted, now).await,
        }
    }

    /// Puts what was used in place of what was taken.
    pub(crate) fn correct(
        &self,
        (workspace, key): (&WorkspaceId, &KeyId),
        limits: &[RateLimit],
        (hold, used): (RateHold, RateUse),
        now: Timestamp,
    ) {
        match self {
            Self::Local(local) => local.correct(key, hold, used, now),
            Self::Shared(shared) => {
                shared.correct((workspace, key), limits, (hold, used), now);
            }
        }
    }

    /// Gives back what was taken in advance and can no longer be used.
    pub(crate) async fn give_back(&self, now: Timestamp) -> Result<()> {
        match self {
            Self::Local(_) => Ok(()),
            Self::Shared(shared) => shared.give_back(now).await,
        }
    }
}
