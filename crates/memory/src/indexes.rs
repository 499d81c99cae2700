//! Indexes kept in step with the store.

use std::collections::HashSet;

use backstay_core::{
    Result, WorkspaceId,
    memory::{RecalledId, Scope, Statement, Trust},
};
use backstay_store::{MemoryPolicy, PassageVector, StatementSet, Store, Workspace};

use crate::{
    EmbeddingModel,
    index::{Loaded, ScopeCache, SharedIndex},
    safety,
};

/// Episodes that are read from the store at once, and episodes whose vectors are: a scope need not be
/// in memory twice to be loaded.
const EPISODES_AT_ONCE: usize = 10_000;
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

    /// The scope's index, holding everything that is committed now, and the policy that holds.
    pub(crate) async fn current(
        &self,
        workspace: &WorkspaceId,
        scope: &Scope,
    ) -> Result<(SharedIndex, MemoryPolicy)> {
        let store = self.store.workspace(workspace);
        let shared = self.cache.get(workspace, scope);
        let (committed, policy) = store.scope_version_and_policy(scope).await?;
        if !shared.read().await.is_current(committed) {
            let mut loaded = shared.write().await;
            // Another call may have done it while this one waited.
            if !loaded.is_current(committed) {
                self.bring_up_to_date(&store, scope, &mut loaded).await?;
            }
            self.cache.resized(workspace, scope, loaded.index.size_bytes());
        }
        Ok((shared, policy))
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
        let (shared, _) = self.current(workspace, scope).await?;
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
        // What is committed while this reads is read again next time, and changes nothing then.
        let mut version = store.scope_version(scope).await?;
        let is_kept = loaded.version.is_none() || version.forgotten == known.forgotten;
        let mut kept = HashSet::new();
        let mut after = Some(if is_kept { known.written } else { 0 });
        while let Some(first) = after {
            let found = store.scope_episodes(scope, first, EPISODES_AT_ONCE).await?;
            after = found.next;
            if !is_kept {
                kept.extend(found.episodes.iter().map(|episode| episode.id.clone()));
            }
            loaded.index.append(found.episodes);
        }
        if !is_kept {
            loaded.index.keep_episodes(&kept);
        }
        if loaded.version.is_none() || version.changed != known.changed {
            let found = store.scope_statements(scope, StatementSet::Recallable).await?;
            loaded.index.set_statements(&recallable(found.statements));
            version.changed = found.version.changed;
            let mut summaries = store.scope_summaries(scope).await?;
            summaries.retain(|_, text| safety::may_be_recalled(text, Trust::ModelInference));
            loaded.index.set_summaries(summaries);
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
