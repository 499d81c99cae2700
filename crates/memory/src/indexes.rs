//! Indexes kept in step with the store.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use backstay_core::{
    Result, WorkspaceId,
    memory::{RecalledId, Scope, Statement, Trust},
};
use backstay_store::{
    BlockSpan, MemoryPolicy, PassageVector, ScopeVersion, StatementSet, Store, Workspace,
};

use crate::{
    EmbeddingModel, MemoryOptions,
    index::{Loaded, ScopeCache, ScopeIndex, SharedIndex},
    large::{self, Built, Upkeep},
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
    options: MemoryOptions,
    /// Large scopes that may lack blocks.
    to_build: Mutex<HashSet<(WorkspaceId, Scope)>>,
}

/// A scope's index, holding everything that is committed now or, of a large scope, all that the
/// database does not find.
pub(crate) struct Current {
    pub(crate) index: SharedIndex,
    pub(crate) policy: MemoryPolicy,
    /// What it holds at least.
    pub(crate) version: ScopeVersion,
    /// How many turns the scope has, where it is too large to be held.
    pub(crate) large: Option<u64>,
}

impl Indexes {
    pub(crate) fn new(
        store: Store,
        model: Option<&EmbeddingModel>,
        options: MemoryOptions,
    ) -> Self {
        let cache = ScopeCache::new(options.index_bytes_max);
        Self { store, model: model.cloned(), cache, options, to_build: Mutex::default() }
    }

    /// The scope's index and the policy that holds.
    pub(crate) async fn current(&self, workspace: &WorkspaceId, scope: &Scope) -> Result<Current> {
        let store = self.store.workspace(workspace);
        let index = self.cache.get(workspace, scope);
        let (committed, policy) = store.scope_version_and_policy(scope).await?;
        let spans = self.spans(&store.recalling(scope, committed), scope, committed).await?;
        let is_current = |loaded: &Loaded| {
            let covers = match (&loaded.large, &spans) {
                (Some(large), Some(spans)) => large.covers(spans),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            covers && loaded.is_current(committed)
        };
        if !is_current(&*index.read().await) {
            let mut loaded = index.write().await;
            // Another call may have done it while this one waited.
            if !is_current(&loaded) {
                self.bring_up_to_date(&store, scope, spans.as_deref(), &mut loaded).await?;
            }
            self.cache.resized(workspace, scope, loaded.size_bytes());
        }
        let large = spans.is_some().then_some(committed.written - committed.forgotten);
        Ok(Current { index, policy, version: committed, large })
    }

    /// The blocks of a scope that is too large to be held and of which they cover nearly all.
    async fn spans(
        &self,
        store: &Workspace,
        scope: &Scope,
        version: ScopeVersion,
    ) -> Result<Option<Vec<BlockSpan>>> {
        let Some(model) = self.model.as_ref().filter(|_| self.is_large(version)) else {
            return Ok(None);
        };
        let spans = store.block_spans(scope, &model.name, &model.revision).await?;
        let covered: u64 = spans.iter().map(|span| span.last + 1 - span.first).sum();
        let left = version.written.saturating_sub(covered);
        if left >= self.options.block_turns {
            self.to_build().insert((store.id().clone(), scope.clone()));
        }
        let left_max = self.options.database_from_turns.max(2 * self.options.block_turns);
        Ok((!spans.is_empty() && left <= left_max).then_some(spans))
    }

    fn is_large(&self, version: ScopeVersion) -> bool {
        let turns = version.written - version.forgotten;
        self.store.is_shared() && turns > 0 && turns >= self.options.database_from_turns
    }

    /// Makes at most one block of a scope that lacks some. How many were made.
    pub(crate) async fn build_block(&self) -> Result<usize> {
        let next = self.to_build().iter().next().cloned();
        let (Some((workspace, scope)), Some(model)) = (next, &self.model) else { return Ok(0) };
        let store = self.store.workspace(&workspace);
        let turns = self.options.block_turns;
        let built = large::build_next(&self.store, &store, &scope, model, turns).await;
        if !matches!(built, Ok(Built::One)) {
            // Whoever looks at it next asks again; until then it is in no other's way.
            self.to_build().remove(&(workspace, scope));
        }
        Ok(usize::from(built? == Built::One))
    }

    pub(crate) async fn build_blocks(
        &self,
        workspace: &WorkspaceId,
        scope: &Scope,
    ) -> Result<usize> {
        let store = self.store.workspace(workspace);
        let is_large = self.is_large(store.scope_version(scope).await?);
        let Some(model) = self.model.as_ref().filter(|_| is_large) else { return Ok(0) };
        let turns = self.options.block_turns;
        let mut made = 0;
        while large::build_next(&self.store, &store, scope, model, turns).await? == Built::One {
            made += 1;
        }
        Ok(made)
    }

    fn to_build(&self) -> std::sync::MutexGuard<'_, HashSet<(WorkspaceId, Scope)>> {
        self.to_build.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands vectors that this process just stored, so many times, to the index if it is held and
    /// nobody else has stored any meanwhile. Otherwise the next look at it asks the store.
    pub(crate) async fn set_vectors(
        &self,
        workspace: &WorkspaceId,
        scope: &Scope,
        vectors: &[(RecalledId, Vec<PassageVector>)],
        stored: u64,
    ) -> Result<()> {
        let is_held = self.cache.holds(workspace, scope);
        if !is_held && !self.store.is_shared() {
            return Ok(());
        }
        let store = self.store.workspace(workspace);
        let committed = store.scope_version(scope).await?;
        if self.is_large(committed) {
            self.to_build().insert((workspace.clone(), scope.clone()));
        }
        if !is_held {
            return Ok(());
        }
        let shared = self.cache.get(workspace, scope);
        let mut loaded = shared.write().await;
        let Loaded { index, version, .. } = &mut *loaded;
        let Some(version) = version else { return Ok(()) };
        let mut all = version.embedded + stored == committed.embedded;
        for (id, passages) in vectors {
            all &= index.set_vectors(id, passages);
        }
        if all {
            version.embedded = committed.embedded;
        }
        self.cache.resized(workspace, scope, loaded.size_bytes());
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
            let mut loaded = held.write().await;
            loaded.index.remove(|id| gone.contains(id));
            if loaded.large.is_some() {
                *loaded = Loaded::default();
            }
        }
    }

    /// `spans` are the blocks of a scope that is too large to be held.
    async fn bring_up_to_date(
        &self,
        store: &Workspace,
        scope: &Scope,
        spans: Option<&[BlockSpan]>,
        loaded: &mut Loaded,
    ) -> Result<()> {
        if loaded.large.is_some() != spans.is_some() {
            *loaded = Loaded::default();
        }
        // What is committed while this reads is read again next time, and changes nothing then.
        let mut version = store.scope_version(scope).await?;
        let store = &store.recalling(scope, version);
        match (spans, &self.model) {
            (Some(spans), Some(model)) => {
                let large = loaded.large.get_or_insert_default();
                let upkeep = Upkeep { store, scope, model, spans, known: loaded.version, version };
                if large::refresh(&upkeep, &mut loaded.index, large).await? {
                    loaded.version = None;
                }
            }
            _ => bring_turns_up_to_date(store, scope, version, loaded).await?,
        }
        let known = loaded.version.unwrap_or_default();
        if loaded.version.is_none() || version.changed != known.changed {
            let found = store.scope_statements(scope, StatementSet::Recallable).await?;
            loaded.index.set_statements(&recallable(found.statements));
            version.changed = found.version.changed;
            let mut summaries = store.scope_summaries(scope).await?;
            summaries.retain(|_, text| safety::may_be_recalled(text, Trust::ModelInference));
            loaded.index.set_summaries(summaries);
        }
        if let Some(model) = &self.model {
            if loaded.version.is_none() && spans.is_none() {
                load_vectors(store, scope, model, &mut loaded.index).await?;
            } else if loaded.version.is_none() || version.embedded != known.embedded {
                load_missing_vectors(store, model, &mut loaded.index).await?;
            }
        }
        if let Some(large) = &mut loaded.large {
            large.renumber(&loaded.index);
        }
        loaded.version = Some(version);
        Ok(())
    }
}

/// Of a scope that is held whole.
async fn bring_turns_up_to_date(
    store: &Workspace,
    scope: &Scope,
    version: ScopeVersion,
    loaded: &mut Loaded,
) -> Result<()> {
    let known = loaded.version.unwrap_or_default();
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
    Ok(())
}

async fn load_vectors(
    store: &Workspace,
    scope: &Scope,
    model: &EmbeddingModel,
    index: &mut ScopeIndex,
) -> Result<()> {
    let (name, revision) = (&model.name, &model.revision);
    let mut after = Some(0);
    while let Some(first) = after {
        let found = store.scope_vectors(scope, name, revision, first, VECTORS_AT_ONCE).await?;
        for (episode, passages) in found.vectors {
            index.set_vectors(&RecalledId::Episode(episode), &passages);
        }
        after = found.next;
    }
    for (id, passage) in store.scope_statement_vectors(scope, name, revision).await? {
        index.set_vectors(&RecalledId::Memory(id), &[passage]);
    }
    Ok(())
}

/// What another process made since the index was loaded.
async fn load_missing_vectors(
    store: &Workspace,
    model: &EmbeddingModel,
    index: &mut ScopeIndex,
) -> Result<()> {
    let (name, revision) = (&model.name, &model.revision);
    let (mut episodes, mut statements) = (Vec::new(), Vec::new());
    for id in index.without_vectors() {
        match id {
            RecalledId::Episode(id) => episodes.push(id.clone()),
            RecalledId::Memory(id) => statements.push(id.clone()),
            RecalledId::Summary(_) | RecalledId::Chunk(_) => {}
        }
    }
    for some in episodes.chunks(VECTORS_AT_ONCE) {
        for (id, passages) in store.vectors_of(some, name, revision).await? {
            index.set_vectors(&RecalledId::Episode(id), &passages);
        }
    }
    for some in statements.chunks(VECTORS_AT_ONCE) {
        for (id, passage) in store.statement_vectors_of(some, name, revision).await? {
            index.set_vectors(&RecalledId::Memory(id), &[passage]);
        }
    }
    Ok(())
}

/// What may be put before a model: a statement is judged when it is remembered, and again here, so
/// that what a later version knows to be harmful is not recalled either.
fn recallable(mut statements: Vec<Statement>) -> Vec<Statement> {
    statements.retain(|one| safety::may_be_recalled(&one.said.text, one.said.trust));
    statements
}
