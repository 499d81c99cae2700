//! When the store is not to be reached.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use backstay_core::{ErrorCode, Result, Timestamp};
use backstay_store::{KeyRecord, Store};

/// How long after it was looked up a key's calls go on without the store.
pub(super) const BELIEVED_MS: i64 = 300_000;
/// How long a store that is away is not asked again.
const ASK_AGAIN_MS: i64 = 1_000;
/// How long a call that could go on waits for a store that may be away.
const WAIT: Duration = Duration::from_secs(2);

/// Whether the store was away a moment ago.
#[derive(Default)]
pub(super) struct Away {
    /// In milliseconds: until then it is taken to be.
    until: AtomicI64,
}

impl Away {
    pub(super) fn is_known(&self, now: Timestamp) -> bool {
        now.millis() < self.until.load(Ordering::Relaxed)
    }

    /// What the store says of a key; `None` where it is away.
    pub(super) async fn look_up(
        &self,
        store: &Store,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Option<Result<Option<KeyRecord>>> {
        let found = tokio::time::timeout(WAIT, store.find_key(hash)).await;
        match found {
            Ok(Err(error)) if error.code() == ErrorCode::StoreUnavailable => {}
            Ok(found) => return Some(found),
            Err(_) => {}
        }
        self.until.store(now.millis().saturating_add(ASK_AGAIN_MS), Ordering::Relaxed);
        None
    }
}
