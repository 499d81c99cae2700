//! [`Memory`]: recall on top of the store.

use std::{collections::HashMap, sync::Arc};

use backstay_core::{
    EpisodeId, Error, Result, ThreadId, Timestamp, WorkspaceId,
    memory::{Episode, Recalled, Scope},
};
use backstay_store::{Store, Unembedded};
use serde::Serialize;

use crate::{
    EmbeddingModel, Embeddings, Profile, Recall, RecallMode, RecallOptions,
    analyse::Query,
    embed::Urgency,
    index::ScopeIndex,
    indexes::Indexes,
    pack::{self, Limits},
    recall::{self, Ranking},
};

/// Scopes with fewer turns are searched where the call runs: that takes less time than to hand the
/// work over to another thread and back.
const SMALL_SCOPE_TURNS: usize = 200;

/// How much of the machine memory may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryOptions {
    /// Bytes of indexes held in memory, about; the scope in use counts but always has room.
    pub index_bytes_max: usize,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self { index_bytes_max: 512 * 1024 * 1024 }
    }
}

/// Which model makes vectors, and how much is left for it to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EmbeddingsStatus {
    /// `None` without a model.
    pub model: Option<EmbeddingModel>,
    /// Episodes that have no vector of this model yet; 0 without a model.
    pub pending: u64,
}

/// Recall over everything that the store remembers. Clones share it.
#[derive(Clone)]
pub struct Memory {
    parts: Arc<Parts>,
}

struct Parts {
    store: Store,
    embeddings: Embeddings,
    indexes: Indexes,
}

impl Memory {
    pub fn new(store: Store, embeddings: Embeddings, options: MemoryOptions) -> Self {
        let indexes = Indexes::new(store.clone(), embeddings.model(), options.index_bytes_max);
        Self { parts: Arc::new(Parts { store, embeddings, indexes }) }
    }

    /// The turns of a scope that bear on a question, packed into a token budget. A turn that was
    /// committed before this call is found by its words, whether or not it was embedded yet. When
    /// the embedding model fails, words and structure answer alone. Fails when the store does.
    pub async fn recall(
        &self,
        workspace: &WorkspaceId,
        scope: &Scope,
        question: &str,
        options: RecallOptions,
    ) -> Result<Recall> {
        let shown = options.exclude;
        let allowed = move |episode: &Episode| {
            let is_shown = |(thread, from): &(ThreadId, u32)| {
                episode.thread == *thread && episode.position >= *from
            };
            !shown.as_ref().is_some_and(is_shown)
        };
        let limits = Limits { budget_tokens: options.budget_tokens, items: options.limit };
        let query = Query::new(question, options.now);
        self.look_up(
            workspace,
            scope,
            query,
            options.profile,
            allowed,
            move |index, query, ranking| {
                let packed = if ranking.relevant {
                    pack::pack(index, query, ranking, &limits)
                } else {
                    pack::Packed::default()
                };
                Recall {
                    items: packed.items,
                    tokens: packed.tokens,
                    relevant: ranking.relevant,
                    evidence: ranking.evidence,
                    mode: if ranking.by_meaning {
                        RecallMode::WordsAndVectors
                    } else {
                        RecallMode::Words
                    },
                }
            },
        )
        .await
    }

    /// The turns of a scope that have anything to do with a question, best first, whole, however
    /// little they have to do with it.
    pub async fn search(
        &self,
        workspace: &WorkspaceId,
        scope: &Scope,
        question: &str,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Recalled>> {
        let query = Query::new(question, now);
        self.look_up(
            workspace,
            scope,
            query,
            None,
            |_| true,
            move |index, query, ranking| {
                ranking
                    .turns
                    .iter()
                    .take(limit)
                    .map(|turn| ranking.recalled(index, query, turn))
                    .collect()
            },
        )
        .await
    }

    /// One step of the background work: makes and stores vectors for at most `limit` episodes, of
    /// any workspace. How many had none; 0 when there is nothing left to do.
    pub async fn embed_pending(&self, limit: usize) -> Result<usize> {
        let Some(model) = self.parts.embeddings.model() else { return Ok(0) };
        let (name, revision) = (&model.name, &model.revision);
        let pending = self.parts.store.next_unembedded(name, revision, limit).await?;
        if pending.is_empty() {
            return Ok(0);
        }
        let texts = pending.iter().map(|episode| episode.text.clone()).collect();
        let vectors = self.parts.embeddings.embed(texts, Urgency::Background).await?;
        let count = pending.len();
        let mut by_scope: HashMap<_, Vec<_>> = HashMap::new();
        for (Unembedded { workspace, scope, episode, .. }, vector) in
            pending.into_iter().zip(vectors)
        {
            by_scope.entry((workspace, scope)).or_default().push((episode, vector));
        }
        for ((workspace, scope), vectors) in by_scope {
            let store = self.parts.store.workspace(&workspace);
            let single = vectors.iter().map(|(id, vector)| (id.clone(), vec![vector.clone()]));
            store.put_vectors(name, revision, single.collect()).await?;
            self.parts.indexes.set_vectors(&workspace, &scope, &vectors).await?;
        }
        Ok(count)
    }

    /// Deletes episodes for good, with what was derived from them. How many there were.
    pub async fn forget(&self, workspace: &WorkspaceId, ids: &[EpisodeId]) -> Result<usize> {
        let forgotten = self.parts.store.workspace(workspace).forget_episodes(ids).await?;
        self.parts.indexes.forget(workspace, ids).await;
        Ok(forgotten)
    }

    pub async fn embeddings_status(&self) -> Result<EmbeddingsStatus> {
        let Some(model) = self.parts.embeddings.model() else {
            return Ok(EmbeddingsStatus { model: None, pending: 0 });
        };
        let counts = self.parts.store.vector_counts().await?;
        let is_other =
            |name: &str, revision: &str| name != model.name || revision != model.revision;
        let others = counts.iter().filter(|count| is_other(&count.model, &count.revision));
        let pending = others.map(|count| count.episodes).sum();
        Ok(EmbeddingsStatus { model: Some(model.clone()), pending })
    }

    /// Ranks the scope's turns and makes something of the ranking, off the executor's threads when
    /// that takes time.
    async fn look_up<T: Send + 'static>(
        &self,
        workspace: &WorkspaceId,
        scope: &Scope,
        query: Query,
        profile: Option<Profile>,
        allowed: impl Fn(&Episode) -> bool + Send + 'static,
        make: impl FnOnce(&ScopeIndex, &Query, &Ranking) -> T + Send + 'static,
    ) -> Result<T> {
        let shared = self.parts.indexes.current(workspace, scope).await?;
        let (turns, vectors) = {
            let index = &shared.read().await.index;
            (index.turns().len(), index.vector_count())
        };
        let vector = if vectors > 0 { self.question_vector(&query).await } else { None };
        let loaded = shared.read_owned().await;
        let work = move || {
            let profile = profile.unwrap_or_else(|| Profile::of(&loaded.index));
            let ranking = recall::rank(&loaded.index, &query, vector.as_deref(), profile, allowed);
            make(&loaded.index, &query, &ranking)
        };
        if turns <= SMALL_SCOPE_TURNS {
            return Ok(work());
        }
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|cause| Error::internal(format!("a recall failed: {cause}")))
    }

    /// A model that fails must not take recall with it.
    async fn question_vector(&self, query: &Query) -> Option<Vec<f32>> {
        match self.parts.embeddings.embed(vec![query.text.clone()], Urgency::Now).await {
            Ok(vectors) => vectors.into_iter().next(),
            Err(error) => {
                tracing::warn!(%error, cause = error.context(), "recalling by words only");
                None
            }
        }
    }
}
