//! Indexes held in memory, up to a number of bytes; those used least recently go first.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use backstay_core::{WorkspaceId, memory::Scope};
use backstay_store::ScopeVersion;
use tokio::sync::RwLock;

use super::ScopeIndex;
use crate::large::Large;

/// An index and how much of the store's scope it holds.
#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) index: ScopeIndex,
    /// `None` before it was ever filled.
    pub(crate) version: Option<ScopeVersion>,
    /// Of a scope that is too large to be held; of others the index holds everything.
    pub(crate) large: Option<Large>,
}

impl Loaded {
    /// True when nothing was written or forgotten since.
    pub(crate) fn is_current(&self, committed: ScopeVersion) -> bool {
        self.version == Some(committed)
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.index.size_bytes() + self.large.as_ref().map_or(0, Large::size_bytes)
    }
}

/// The lock is held for reading while a question is answered, and for writing while the index is
/// brought up to date.
pub(crate) type SharedIndex = Arc<RwLock<Loaded>>;

/// The memories of scopes.
pub(crate) type ScopeCache = IndexCache<Scope, Loaded>;

/// Indexes of something that a workspace has several of. The key leads with the workspace: no question
/// of one tenant can meet another's index.
pub(crate) struct IndexCache<K, I> {
    bytes_max: usize,
    slots: Mutex<Slots<K, I>>,
}

struct Slots<K, I> {
    by_scope: HashMap<(WorkspaceId, K), Slot<I>>,
    /// Counts uses; a larger number is more recent.
    uses: u64,
}

struct Slot<I> {
    index: Arc<RwLock<I>>,
    used: u64,
    size_bytes: usize,
}

impl<K: Clone + Eq + Hash, I: Default> IndexCache<K, I> {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, slots: Mutex::new(Slots { by_scope: HashMap::new(), uses: 0 }) }
    }

    /// The scope's index, an empty one when it is not held.
    pub(crate) fn get(&self, workspace: &WorkspaceId, scope: &K) -> Arc<RwLock<I>> {
        let mut slots = self.lock();
        slots.uses += 1;
        let used = slots.uses;
        let key = (workspace.clone(), scope.clone());
        let slot = slots.by_scope.entry(key).or_insert_with(|| Slot {
            index: Arc::default(),
            used,
            size_bytes: 0,
        });
        slot.used = used;
        Arc::clone(&slot.index)
    }

    pub(crate) fn holds(&self, workspace: &WorkspaceId, scope: &K) -> bool {
        self.lock().by_scope.contains_key(&(workspace.clone(), scope.clone()))
    }

    /// All that are held for a workspace.
    pub(crate) fn of_workspace(&self, workspace: &WorkspaceId) -> Vec<Arc<RwLock<I>>> {
        let slots = self.lock();
        let ours = slots.by_scope.iter().filter(|((owner, _), _)| owner == workspace);
        ours.map(|(_, slot)| Arc::clone(&slot.index)).collect()
    }

    /// Notes how large an index has become, and lets go of others if all are too large together.
    /// The one that was just used stays, however large.
    pub(crate) fn resized(&self, workspace: &WorkspaceId, scope: &K, size_bytes: usize) {
        let mut slots = self.lock();
        let key = (workspace.clone(), scope.clone());
        if let Some(slot) = slots.by_scope.get_mut(&key) {
            slot.size_bytes = size_bytes;
        }
        let mut total: usize = slots.by_scope.values().map(|slot| slot.size_bytes).sum();
        while total > self.bytes_max {
            let others = slots.by_scope.iter().filter(|(other, _)| **other != key);
            let oldest = others.min_by_key(|(_, slot)| slot.used).map(|(other, _)| other.clone());
            let Some(slot) = oldest.and_then(|oldest| slots.by_scope.remove(&oldest)) else {
                break;
            };
            total -= slot.size_bytes;
        }
    }

    /// No code panics while it holds the lock; if one did, the map would still be whole.
    fn lock(&self) -> std::sync::MutexGuard<'_, Slots<K, I>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use backstay_core::Name;

    use super::*;

    fn scope(name: &str) -> Scope {
        Scope { assistant: Name::parse(name).unwrap(), user: None }
    }

    #[test]
    fn the_index_used_least_recently_makes_room() {
        let workspace = WorkspaceId::default_workspace();
        let cache: IndexCache<Scope, Loaded> = IndexCache::new(100);
        for name in ["a", "b"] {
            cache.get(&workspace, &scope(name));
            cache.resized(&workspace, &scope(name), 40);
        }
        cache.get(&workspace, &scope("a"));
        cache.get(&workspace, &scope("c"));
        cache.resized(&workspace, &scope("c"), 40);
        assert!(!cache.holds(&workspace, &scope("b")));
        assert!(cache.holds(&workspace, &scope("a")));
        cache.resized(&workspace, &scope("c"), 1_000);
        assert!(cache.holds(&workspace, &scope("c")));
        assert_eq!(cache.of_workspace(&workspace).len(), 1);
    }
}
