//! What waits for its vectors.

use std::collections::HashMap;

use backstay_core::{
    MemoryId, Result, WorkspaceId,
    memory::{RecalledId, Scope},
};
use backstay_store::{PassageVector, StatementVector, Store};

use crate::{Embedding, EmbeddingModel, embed, index::STATEMENT_AUTHOR};

/// Some of what a workspace has without a vector of a model.
pub(crate) struct Pending {
    pub(crate) workspace: WorkspaceId,
    pub(crate) items: Vec<PendingItem>,
}

pub(crate) struct PendingItem {
    scope: Scope,
    what: What,
    passages: Vec<String>,
}

#[derive(Clone)]
enum What {
    Episode(backstay_core::EpisodeId),
    /// With the version whose text it is.
    Statement(MemoryId, u32),
}

/// Vectors for one scope.
pub(crate) struct OfScope {
    pub(crate) scope: Scope,
    made: Vec<(What, Vec<PassageVector>)>,
}

impl Pending {
    /// At most `limit` of all workspaces together: one of each workspace that has any. Episodes
    /// before statements: a statement says nothing that no episode says.
    pub(crate) async fn next(
        store: &Store,
        model: &EmbeddingModel,
        limit: usize,
    ) -> Result<Vec<Self>> {
        let (name, revision) = (&model.name, &model.revision);
        let episodes = store.next_unembedded(name, revision, limit).await?;
        let left = limit.saturating_sub(episodes.len());
        let statements = store.next_unembedded_statements(name, revision, left).await?;
        let mut by_workspace: HashMap<WorkspaceId, Vec<PendingItem>> = HashMap::new();
        for one in episodes {
            let passages = embed::passages(&one.author, one.said_at, &one.text);
            let what = What::Episode(one.episode);
            let item = PendingItem { scope: one.scope, what, passages };
            by_workspace.entry(one.workspace).or_default().push(item);
        }
        for one in statements {
            // A statement has one vector; all but the longest are one passage anyway.
            let mut passages = embed::passages(STATEMENT_AUTHOR, one.said_at, &one.text);
            passages.truncate(1);
            let what = What::Statement(one.id, one.version);
            let item = PendingItem { scope: one.scope, what, passages };
            by_workspace.entry(one.workspace).or_default().push(item);
        }
        let pending = by_workspace.into_iter();
        Ok(pending.map(|(workspace, items)| Self { workspace, items }).collect())
    }

    pub(crate) fn passages(&self) -> Vec<String> {
        self.items.iter().flat_map(|item| item.passages.iter().cloned()).collect()
    }

    /// `made` are the embeddings of [`Pending::passages`], in their order.
    pub(crate) fn with_vectors(self, made: Vec<Embedding>) -> Vec<OfScope> {
        let mut made = made.into_iter().map(PassageVector::from);
        let mut by_scope: HashMap<Scope, Vec<_>> = HashMap::new();
        for item in self.items {
            let vectors = made.by_ref().take(item.passages.len()).collect();
            by_scope.entry(item.scope).or_default().push((item.what, vectors));
        }
        by_scope.into_iter().map(|(scope, made)| OfScope { scope, made }).collect()
    }
}

impl OfScope {
    /// How many times something was stored.
    pub(crate) async fn store(
        &self,
        store: &Store,
        workspace: &WorkspaceId,
        model: &EmbeddingModel,
    ) -> Result<u64> {
        let workspace = store.workspace(workspace);
        let (name, revision) = (&model.name, &model.revision);
        let mut episodes = Vec::new();
        let mut statements = Vec::new();
        for (what, vectors) in &self.made {
            match what {
                What::Episode(id) => episodes.push((id.clone(), vectors.clone())),
                What::Statement(id, version) => {
                    statements.extend(vectors.first().map(|made| StatementVector {
                        id: id.clone(),
                        version: *version,
                        made: made.clone(),
                    }));
                }
            }
        }
        let mut stored = 0;
        if !episodes.is_empty() {
            stored += u64::from(workspace.put_vectors(name, revision, episodes).await? > 0);
        }
        if !statements.is_empty() {
            let put = workspace.put_statement_vectors(name, revision, statements);
            stored += u64::from(put.await? > 0);
        }
        Ok(stored)
    }

    pub(crate) fn vectors(&self) -> Vec<(RecalledId, Vec<PassageVector>)> {
        let id = |what: &What| match what {
            What::Episode(id) => RecalledId::Episode(id.clone()),
            What::Statement(id, _) => RecalledId::Memory(id.clone()),
        };
        self.made.iter().map(|(what, vectors)| (id(what), vectors.clone())).collect()
    }
}
