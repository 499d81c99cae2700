//! Indexes kept in step with the store.

use std::collections::HashSet;

use backstay_core::{
    Result, WorkspaceId,
    memory::{RecalledId, Scope, Statement},
};
use backstay_store::{PassageVector, StatementSet, Store, Workspace};

use crate::{
    EmbeddingModel,
    index::{Loaded, ScopeCache, SharedIndex},
    safety,
};

/// Episodes whose vectors are read from the store at once.
const VECTORS_AT_ONCE: usize = 10_000;

/// The indexes of the scopes in use. The store is the truth: every look at an index first compares
/// its version with the store's, so that a recall sees all that was committed before it.
pub(crate) struct Indexes {
    store: Store,
    /// Whose vectors count; `None` keeps the indexes without any.
    model: Option<EmbeddingModel>,
    cache: ScopeCache,
}

impl Indexes {
    pub(crate) fn new(store: Store, model: Option<&EmbeddingModel>, bytes_max: usize) -> Self {
        Self { store, model: model.cloned(), cache: ScopeCache::new(bytes_max) }
    }

    /// The scope's index, holding everything that is committed now.
    pub(crate) async fn current(
        &self,
        workspace: &WorkspaceId,
        scope: &Scope,
    ) -> Result<SharedIndex> {
        let store = self.store.workspace(workspace);
        let shared = self.cache.get(workspace, scope);
        let committed = store.scope_version(scope).await?;
        if !shared.read().await.is_current(committed) {
            let mut loaded = shared.write().await;
            // Another call may have done it while this one waited.
            if !loaded.is_current(committed) {
                self.bring_up_to_date(&store, scope, &mut loaded).await?;
            }
            self.cache.resized(workspace, scope, loaded.index.size_bytes());
        }
        Ok(shared)
    }

    /// Hands vectors that were just stored to the index, if it is held.
    pub(crate) async fn set_vectors(
        &self,
        workspace: &WorkspaceId,
        scope: &Scope,
        vectors: &[(RecalledId, Vec<PassageVector>)],
    ) -> Result<()> {
        if !self.cache.holds(workspace, scope) {
            return Ok(());
        }
        // An index that lags behind would lack the turns that the vectors belong to.
        let shared = self.current(workspace, scope).await?;
        let mut loaded = shared.write().await;
        for (id, passages) in vectors {
            loaded.index.set_vectors(id, passages);
        }
        self.cache.resized(workspace, scope, loaded.index.size_bytes());
        Ok(())
    }

    /// Lets go of turns and statements at once, before the next comparison with the store.
    pub(crate) async fn forget(
        &self,
        workspace: &WorkspaceId,
        ids: impl Iterator<Item = RecalledId>,
    ) {
        let gone: HashSet<RecalledId> = ids.collect();
        for held in self.cache.of_workspace(workspace) {
            held.write().await.index.remove(|id| gone.contains(id));
        }
    }

    async fn bring_up_to_date(
        &self,
        store: &Workspace,
        scope: &Scope,
        loaded: &mut Loaded,
    ) -> Result<()> {
        let known = loaded.version.unwrap_or_default();
        let mut found = store.scope_episodes(scope, known.written).await?;
        if found.version.forgotten == known.forgotten {
            loaded.index.append(found.episodes);
        } else {
            if known.written > 0 {
                found = store.scope_episodes(scope, 0).await?;
            }
            loaded.index.reconcile(found.episodes);
        }
        let mut version = found.version;
        if loaded.version.is_none() || version.changed != known.changed {
            let found = store.scope_statements(scope, StatementSet::Recallable).await?;
            loaded.index.set_statements(&recallable(found.statements));
            version.changed = found.version.changed;
        }
        if loaded.version.is_none()
            && let Some(model) = &self.model
        {
            let mut after = Some(0);
            while let Some(first) = after {
                let found = store
                    .scope_vectors(scope, &model.name, &model.revision, first, VECTORS_AT_ONCE)
                    .await?;
                for (episode, passages) in found.vectors {
                    loaded.index.set_vectors(&RecalledId::Episode(episode), &passages);
                }
                after = found.next;
            }
            let (name, revision) = (&model.name, &model.revision);
            for (id, passage) in store.scope_statement_vectors(scope, name, revision).await? {
                loaded.index.set_vectors(&RecalledId::Memory(id), &[passage]);
            }
        }
        loaded.version = Some(version);
        Ok(())
    }
}

/// What may be put before a model: a statement is judged when it is remembered, and again here, so
/// that what a later version knows to be harmful is not recalled either.
fn recallable(mut statements: Vec<Statement>) -> Vec<Statement> {
    statements.retain(|one| safety::may_be_recalled(&one.said.text, one.said.trust));
    statements
}
