//! Runs that go on in this process, so that one can be stopped by its name.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use backstay_core::{Result, RunId, ThreadId, WorkspaceId};
use backstay_store::Store;
use tokio_util::sync::CancellationToken;

/// Clones share them.
#[derive(Clone, Default)]
pub(crate) struct ActiveRuns {
    runs: Arc<Mutex<HashMap<Key, CancellationToken>>>,
}

type Key = (WorkspaceId, ThreadId, RunId);

/// A run that goes on; it is over when this is dropped.
pub(super) struct Active {
    runs: ActiveRuns,
    key: Key,
    token: CancellationToken,
}

impl ActiveRuns {
    pub(super) fn enter(&self, workspace: &WorkspaceId, thread: &ThreadId, run: &RunId) -> Active {
        let key = (workspace.clone(), thread.clone(), run.clone());
        let token = CancellationToken::new();
        self.lock().insert(key.clone(), token.clone());
        Active { runs: self.clone(), key, token }
    }

    /// Whether there was one to stop.
    pub(super) fn cancel(&self, workspace: &WorkspaceId, thread: &ThreadId, run: &RunId) -> bool {
        let key = (workspace.clone(), thread.clone(), run.clone());
        let found = self.lock().get(&key).cloned();
        found.is_some_and(|token| {
            token.cancel();
            true
        })
    }

    /// Those of each workspace.
    fn by_workspace(&self) -> HashMap<WorkspaceId, Vec<(ThreadId, RunId)>> {
        let mut found: HashMap<WorkspaceId, Vec<(ThreadId, RunId)>> = HashMap::new();
        for (workspace, thread, run) in self.lock().keys() {
            found.entry(workspace.clone()).or_default().push((thread.clone(), run.clone()));
        }
        found
    }

    /// Stops those that other servers which share the store were asked to stop.
    pub(crate) async fn stop_cancelled(&self, store: &Store) -> Result<()> {
        for (workspace, runs) in self.by_workspace() {
            let ids = runs.iter().map(|(_, run)| run.clone()).collect();
            for id in store.workspace(&workspace).take_cancelled(ids).await? {
                for (thread, run) in runs.iter().filter(|(_, run)| *run == id) {
                    self.cancel(&workspace, thread, run);
                }
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, CancellationToken>> {
        match self.runs.lock() {
            Ok(runs) => runs,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

impl Active {
    pub(super) async fn cancelled(&self) {
        self.token.cancelled().await;
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.runs.lock().remove(&self.key);
    }
}
