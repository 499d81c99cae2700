//! Hearing of what other processes changed.

use tokio::sync::watch;

/// Tells when keys or budgets may have been changed by another process that shares the store.
pub struct KeyChanges {
    /// `None` where there is no other process.
    heard: Option<watch::Receiver<()>>,
}

impl KeyChanges {
    pub(super) fn none() -> Self {
        Self { heard: None }
    }

    pub(super) fn from(heard: watch::Receiver<()>) -> Self {
        Self { heard: Some(heard) }
    }

    /// Waits for the next change; several at once are told of once. Never returns where there is no
    /// other process.
    pub async fn next(&mut self) {
        if let Some(heard) = &mut self.heard
            && heard.changed().await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }
}
