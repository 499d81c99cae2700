//! Who is calling, and may they: the one place that turns a key into a caller.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use backstay_core::{CallContext, Clock, Error, ErrorCode, RequestId, Result, Timestamp};
use backstay_store::{KeyRecord, Store};

use crate::keys::hash;

/// How long a looked-up key is believed, so that a revoked one stops working within a second.
const BELIEVED_MS: i64 = 1_000;
const CACHED_KEYS_MAX: usize = 10_000;

/// Looks keys up by their hash and remembers them for a moment.
pub struct Admission {
    store: Store,
    clock: Clock,
    recent: Mutex<HashMap<[u8; 32], Known>>,
}

#[derive(Clone)]
struct Known {
    record: KeyRecord,
    looked_up_at: Timestamp,
}

impl Admission {
    pub(crate) fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock, recent: Mutex::new(HashMap::new()) }
    }

    /// The caller behind a key. Fails with `missing_api_key` or `invalid_api_key`; the two causes
    /// of an invalid key that an owner can act on, expiry and disabling, are named.
    pub async fn identify(
        &self,
        presented: Option<&str>,
        request: RequestId,
    ) -> Result<CallContext> {
        let presented =
            presented.map(str::trim).filter(|key| !key.is_empty()).ok_or_else(|| {
                Error::new(
                    ErrorCode::MissingKey,
                    "no API key; send it as 'Authorization: Bearer bs-…' or as 'x-api-key: bs-…'",
                )
            })?;
        let record = self.record(hash(presented)).await?;
        let now = self.clock.now();
        if record.disabled_at.is_some() {
            return Err(invalid("this API key is disabled"));
        }
        if record.expires_at.is_some_and(|expiry| expiry <= now) {
            return Err(invalid("this API key has expired"));
        }
        Ok(CallContext {
            workspace: record.workspace,
            key: record.id,
            request,
            policy: Arc::default(),
        })
    }

    async fn record(&self, hash: [u8; 32]) -> Result<KeyRecord> {
        let now = self.clock.now();
        let fresh = |known: &&Known| now.millis() - known.looked_up_at.millis() < BELIEVED_MS;
        let recent = self.recent.lock().ok().and_then(|all| all.get(&hash).filter(fresh).cloned());
        if let Some(known) = recent {
            return Ok(known.record);
        }
        let record = self.store.find_key(&hash).await?.ok_or_else(|| {
            invalid("this API key is not known here; check that it was copied whole")
        })?;
        if let Ok(mut all) = self.recent.lock() {
            if all.len() >= CACHED_KEYS_MAX {
                all.clear();
            }
            all.insert(hash, Known { record: record.clone(), looked_up_at: now });
        }
        Ok(record)
    }
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorCode::InvalidKey, message)
}
