//! Calls under way, by the key that each was made with: they end when the key is taken back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use backstay_core::Error;
use tokio::sync::{Notify, watch};

/// SHA-256 of a key's text.
type Hash = [u8; 32];
/// Ends every call of one key; empty while the key is valid.
type End = watch::Sender<Option<Error>>;

/// How often keys of calls under way are looked at although nobody told of a change: for what nobody
/// tells of, such as the end of a key's time, and for what was not heard.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(crate) struct OpenCalls {
    ends: Mutex<HashMap<Hash, Weak<End>>>,
    begun: Notify,
}

/// Held by a call as long as it is open.
pub(crate) struct KeyWatch {
    _end: Option<Arc<End>>,
    ended: watch::Receiver<Option<Error>>,
}

impl OpenCalls {
    /// For a call with this key; one without a key is never ended.
    pub(crate) fn watch(&self, key: Option<Hash>) -> KeyWatch {
        let Some(key) = key else {
            return KeyWatch { _end: None, ended: watch::Sender::new(None).subscribe() };
        };
        let mut ends = self.ends();
        let end = ends.get(&key).and_then(Weak::upgrade).unwrap_or_else(|| {
            let end = Arc::new(watch::Sender::new(None));
            if ends.insert(key, Arc::downgrade(&end)).is_none() && ends.len() == 1 {
                self.begun.notify_one();
            }
            end
        });
        KeyWatch { ended: end.subscribe(), _end: Some(end) }
    }

    /// The keys of calls that are open now.
    pub(super) fn keys(&self) -> Vec<Hash> {
        let mut ends = self.ends();
        ends.retain(|_, end| end.strong_count() > 0);
        ends.keys().copied().collect()
    }

    /// Ends the calls of a key. One that is made with it later is none of these.
    pub(super) fn end(&self, key: &Hash, error: Error) {
        let end = self.ends().remove(key).and_then(|end| end.upgrade());
        if let Some(end) = end {
            end.send_replace(Some(error));
        }
    }

    /// Waits for the next time to look at the keys: never comes while no call is open.
    pub(super) async fn due(&self) {
        while self.ends().is_empty() {
            self.begun.notified().await;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }

    fn ends(&self) -> MutexGuard<'_, HashMap<Hash, Weak<End>>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyWatch {
    /// Waits until the key is taken back; returns what is to be told about it.
    pub(crate) async fn revoked(&mut self) -> Error {
        if let Ok(end) = self.ended.wait_for(Option::is_some).await
            && let Some(error) = end.as_ref()
        {
            return error.clone();
        }
        std::future::pending().await
    }
}
