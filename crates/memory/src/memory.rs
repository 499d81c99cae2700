//! [`Memory`]: recall on top of the store.

use std::sync::Arc;

use backstay_core::{
    Error, Result, ThreadId, Timestamp, WorkspaceId,
    document::Passage,
    memory::{RecallFilter, Recalled, RecalledId, Scope},
};
use backstay_store::{Forgotten, MemoryPolicy, Store};
use serde::Serialize;
use tokio::sync::OwnedRwLockReadGuard;

use crate::{
    Embedding, EmbeddingModel, Embeddings, Explanation, MissingReason, Profile, Recall,
    RecallOptions, absence,
    analyse::Query,
    documents::{self, DocumentIndexes, DocumentSearch},
    embed::Urgency,
    index::{Loaded, ScopeIndex, SharedIndex},
    indexes::Indexes,
    large::{self, Large, Likeliest, LookUp, Words},
    newest::Newest,
    pack::{self, Limits, Packed},
    pending::Pending,
    recall::{self, Fading, Lexical, Ranking},
};

/// Scopes with fewer turns are searched where the call runs: that takes less time than to hand the
/// work over to another thread and back.
const SMALL_SCOPE_TURNS: usize = 200;

/// How much of the machine memory may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryOptions {
    /// Bytes of indexes held in memory, about; the scope in use counts but always has room.
    pub index_bytes_max: usize,
    /// The same of indexes of documents.
    pub documents_bytes_max: usize,
    /// Scopes of so many turns are not held in memory where the database can search them: where it is
    /// PostgreSQL with pgvector.
    pub database_from_turns: u64,
    /// Turns of which the database keeps the words together; at least 1. The newest, fewer than twice
    /// as many, are held in memory in any case.
    pub block_turns: u64,
}

impl MemoryOptions {
    pub const DEFAULT: Self = Self {
        index_bytes_max: 512 * 1024 * 1024,
        documents_bytes_max: 256 * 1024 * 1024,
        database_from_turns: 50_000,
        block_turns: 4_096,
    };
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Which model makes vectors, and how much is left for it to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EmbeddingsStatus {
    /// `None` without a model.
    pub model: Option<EmbeddingModel>,
    /// Episodes, statements and chunks of documents that have no vector of this model yet; 0 without a
    /// model.
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
    documents: DocumentIndexes,
}

impl Memory {
    pub fn new(store: Store, embeddings: Embeddings, options: MemoryOptions) -> Self {
        let indexes = Indexes::new(store.clone(), embeddings.model(), options);
        let documents = DocumentIndexes::new(store.clone(), embeddings.model(), options);
        Self { parts: Arc::new(Parts { store, embeddings, indexes, documents }) }
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
        let limits = Limits { budget_tokens: options.budget_tokens, items: options.limit };
        self.look_up(workspace, scope, question, options, move |index, query, ranking| {
            let packed = packed(index, query, ranking, &limits);
            Recall {
                items: packed.items,
                tokens: packed.tokens,
                relevant: ranking.relevant,
                evidence: ranking.evidence,
                mode: ranking.mode,
            }
        })
        .await
    }

    /// Why a recall with these options brings back what it does: the best `limit` items and those
    /// that are asked about, each with what speaks for it and what became of it.
    pub async fn explain(
        &self,
        workspace: &WorkspaceId,
        scope: &Scope,
        question: &str,
        options: RecallOptions,
        asked: Vec<RecalledId>,
        limit: usize,
    ) -> Result<Explanation> {
        let limits = Limits { budget_tokens: options.budget_tokens, items: options.limit };
        let filter = options.filter.clone();
        let explain = move |index: &ScopeIndex, query: &Query, ranking: &Ranking| {
            let packed = packed(index, query, ranking, &limits);
            Explanation::of(index, query, ranking, &packed, &filter, &asked, limit)
        };
        let mut explained = self.look_up(workspace, scope, question, options, explain).await?;
        let store = self.parts.store.workspace(workspace);
        let missing = explained.missing.iter_mut();
        for missing in missing.filter(|missing| missing.reason == MissingReason::Unknown) {
            missing.reason = absence::reason(&store, scope, &missing.id).await?;
        }
        Ok(explained)
    }

    /// What a scope remembers that has anything to do with a question, best first, whole, however
    /// little it has to do with it: at most [`RecallOptions::limit`], whatever tokens they take.
    pub async fn search(
        &self,
        workspace: &WorkspaceId,
        scope: &Scope,
        question: &str,
        options: RecallOptions,
    ) -> Result<Vec<Recalled>> {
        let limit = options.limit;
        self.look_up(workspace, scope, question, options, move |index, query, ranking| {
            let best = ranking.turns.iter().take(limit);
            best.map(|turn| ranking.recalled(index, query, turn)).collect()
        })
        .await
    }

    /// One step of the background work: makes and stores vectors for at most `limit` episodes and
    /// statements, of any workspace. How many had none; 0 when there is nothing left to do.
    pub async fn embed_pending(&self, limit: usize) -> Result<usize> {
        let Some(model) = self.parts.embeddings.model() else { return Ok(0) };
        let mut count = 0;
        for pending in Pending::next(&self.parts.store, model, limit).await? {
            count += pending.items.len();
            let (workspace, passages) = (&pending.workspace, pending.passages());
            let made =
                self.parts.embeddings.embed(workspace, passages, Urgency::Background).await?;
            let workspace = pending.workspace.clone();
            for of_scope in pending.with_vectors(made) {
                let stored = of_scope.store(&self.parts.store, &workspace, model).await?;
                let (scope, vectors) = (&of_scope.scope, of_scope.vectors());
                self.parts.indexes.set_vectors(&workspace, scope, &vectors, stored).await?;
            }
        }
        Ok(count)
    }

    /// The same for chunks of documents, at most `limit`.
    pub async fn embed_documents(&self, limit: usize, now: Timestamp) -> Result<usize> {
        let Parts { store, embeddings, .. } = &*self.parts;
        documents::embed_pending(store, embeddings, limit, now).await
    }

    /// The passages of a workspace's documents that bear on a question, best first. A document that was
    /// read to its end is found by its words at once, and by its meaning as its vectors come.
    pub async fn search_documents(
        &self,
        workspace: &WorkspaceId,
        search: DocumentSearch,
    ) -> Result<Vec<Passage>> {
        let held = self.parts.documents.current(workspace, &search.scope).await?;
        let query = Query::new(&search.question, search.now);
        let embedding = match held.has_vectors() {
            true => self.embed_question(workspace, &query).await,
            false => None,
        };
        held.search(query, embedding, search).await
    }

    /// Whether vectors are made.
    pub fn makes_vectors(&self) -> bool {
        self.parts.embeddings.model().is_some()
    }

    /// One step of the background work on scopes that are too large for memory: what the database
    /// needs to search some of their turns. How many blocks of turns were made; 0 when there is
    /// nothing to do, or nothing that can be done.
    pub async fn index_pending(&self) -> Result<usize> {
        self.parts.indexes.build_block().await
    }

    /// The same for all that one scope lacks now, if it is that large.
    pub async fn index_scope(&self, workspace: &WorkspaceId, scope: &Scope) -> Result<usize> {
        self.parts.indexes.build_blocks(workspace, scope).await
    }

    /// Deletes turns and statements for good, with what was derived from them. What went.
    pub async fn forget(
        &self,
        workspace: &WorkspaceId,
        ids: &[RecalledId],
        now: Timestamp,
    ) -> Result<Forgotten> {
        let forgotten = self.parts.store.workspace(workspace).forget(ids, now).await?;
        self.let_go(workspace, &forgotten).await;
        Ok(forgotten)
    }

    /// Deletes one memory with what it was learned from, and leaves conversations as they are. What went.
    pub async fn withdraw(
        &self,
        workspace: &WorkspaceId,
        id: &RecalledId,
        now: Timestamp,
    ) -> Result<Forgotten> {
        let forgotten = self.parts.store.workspace(workspace).withdraw(id, now).await?;
        self.let_go(workspace, &forgotten).await;
        Ok(forgotten)
    }

    async fn let_go(&self, workspace: &WorkspaceId, forgotten: &Forgotten) {
        let episodes = forgotten.episodes.iter().cloned().map(RecalledId::Episode);
        let statements = forgotten.statements.iter().cloned().map(RecalledId::Memory);
        self.parts.indexes.forget(workspace, episodes.chain(statements)).await;
    }

    pub async fn embeddings_status(&self) -> Result<EmbeddingsStatus> {
        let Some(model) = self.parts.embeddings.model() else {
            return Ok(EmbeddingsStatus { model: None, pending: 0 });
        };
        let mut counts = self.parts.store.vector_counts().await?;
        counts.extend(self.parts.store.statement_vector_counts().await?);
        counts.extend(self.parts.store.chunk_vector_counts().await?);
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
        question: &str,
        options: RecallOptions,
        make: impl FnOnce(&ScopeIndex, &Query, &Ranking) -> T + Send + 'static,
    ) -> Result<T> {
        let held = self.hold(workspace, scope, question, &options).await?;
        let Held { loaded, words, embedding, policy } = held;
        let RecallOptions { exclude, filter, now, profile, .. } = options;
        let mut query = Query::new(question, now);
        let fading = policy.half_life_days.map(|half_life_days| Fading { half_life_days, now });
        let is_small = words.is_none() && loaded.index.turns().len() <= SMALL_SCOPE_TURNS;
        let work = move || {
            let Loaded { index, large, .. } = &*loaded;
            let of_scope = || large.as_ref().and_then(Large::profile);
            let profile = profile.or_else(of_scope).unwrap_or_else(|| Profile::of(index));
            let is_shown = |number: u32| index.is_shown(number, exclude.as_ref());
            // Most recalls exclude and filter nothing, and need not look at every turn for that.
            let excludes = exclude.is_some();
            let filters = filter != RecallFilter::default();
            let allowed = |number: u32| {
                let sources = || index.sources(&index.turn(number).id);
                large.as_ref().is_none_or(|large| large.is_whole(number))
                    && !(excludes && (is_shown(number) || sources().any(is_shown)))
                    && (!filters || index.passes(number, &filter))
            };
            recall::in_scope(&mut query, index, profile.bm25(), allowed);
            let lexical = match &words {
                Some(words) => words.lexical(&loaded, &query, profile.bm25()),
                None => Lexical::of(index, &query, profile.bm25()),
            };
            let question = embedding.as_ref();
            let ranking =
                recall::rank_by(&lexical, index, &query, question, profile, fading, allowed);
            make(index, &query, &ranking)
        };
        if is_small {
            return Ok(work());
        }
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|cause| Error::internal(format!("a recall failed: {cause}")))
    }

    /// The index that answers a question: of a large scope, with the likeliest turns in it.
    async fn hold(
        &self,
        workspace: &WorkspaceId,
        scope: &Scope,
        question: &str,
        options: &RecallOptions,
    ) -> Result<Held> {
        let RecallOptions { filter, now, profile, exclude, .. } = options;
        let mut current = self.parts.indexes.current(workspace, scope).await?;
        self.embed_newest(workspace, &current.index, exclude.as_ref()).await;
        let has_vectors =
            current.large.is_some() || current.index.read().await.index.vectors().count() > 0;
        let embedding = match has_vectors {
            true => self.embed_question(workspace, &Query::new(question, *now)).await,
            false => None,
        };
        while let (Some(scope_turns), Some(model)) = (current.large, self.parts.embeddings.model())
        {
            let look_up = LookUp {
                store: self.parts.store.workspace(workspace).recalling(scope, current.version),
                scope,
                model,
                scope_turns,
                question,
                now: *now,
                vector: embedding.as_ref().map(|embedding| embedding.vector.as_slice()),
                profile: *profile,
                filter,
            };
            let policy = current.policy;
            if let Some(likeliest) = large::likeliest(&look_up, &current.index).await? {
                let Likeliest { loaded, words } = likeliest;
                return Ok(Held { loaded, words: Some(words), embedding, policy });
            }
            current = self.parts.indexes.current(workspace, scope).await?;
        }
        let loaded = current.index.read_owned().await;
        Ok(Held { loaded, words: None, embedding, policy: current.policy })
    }

    /// An upstream model takes too long for a question to wait for it twice.
    async fn embed_newest(
        &self,
        workspace: &WorkspaceId,
        shared: &SharedIndex,
        shown: Option<&(ThreadId, u32)>,
    ) {
        let Embeddings::Builtin(_) = self.parts.embeddings else { return };
        let newest = Newest::of(&shared.read().await.index, shown);
        if newest.is_empty() {
            return;
        }
        let making = self.parts.embeddings.embed(workspace, newest.passages(), Urgency::Now);
        match making.await {
            Ok(made) => newest.give_vectors(made, &mut shared.write().await.index),
            Err(error) => {
                tracing::warn!(%error, cause = error.context(), "the newest turns have no vectors yet");
            }
        }
    }

    /// A model that fails must not take recall with it.
    async fn embed_question(&self, workspace: &WorkspaceId, query: &Query) -> Option<Embedding> {
        let question = vec![query.text.clone()];
        match self.parts.embeddings.embed(workspace, question, Urgency::Now).await {
            Ok(embeddings) => embeddings.into_iter().next(),
            Err(error) => {
                tracing::warn!(%error, cause = error.context(), "recalling by words only");
                None
            }
        }
    }
}

/// An index that stays as it is while a question is answered.
struct Held {
    loaded: OwnedRwLockReadGuard<Loaded>,
    /// Of a large scope, what words are worth in all of it.
    words: Option<Words>,
    /// The question's; `None` without vectors to compare it with.
    embedding: Option<Embedding>,
    policy: MemoryPolicy,
}

fn packed(index: &ScopeIndex, query: &Query, ranking: &Ranking, limits: &Limits) -> Packed {
    if ranking.relevant { pack::pack(index, query, ranking, limits) } else { Packed::default() }
}
