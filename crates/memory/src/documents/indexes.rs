//! Indexes of documents kept in step with the store.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use backstay_core::{
    ChunkId, DocumentId, Result, WorkspaceId, document::DocumentScope, memory::RecalledId,
};
use backstay_store::{SearchableDocument, Store, Workspace};
use tokio::sync::OwnedRwLockReadGuard;

use super::head;
use crate::{
    EmbeddingModel, MemoryOptions,
    index::{Chunk, IndexCache, ScopeIndex},
};

/// Chunks that are read from the store at once: a document need not be in memory twice to be loaded.
const CHUNKS_AT_ONCE: u32 = 1_000;

/// What is found in one scope.
#[derive(Default)]
pub(super) struct Documents {
    pub(super) index: ScopeIndex,
    /// The documents that it holds, as they were when they were read.
    pub(super) held: HashMap<DocumentId, SearchableDocument>,
}

/// The indexes of the scopes in use. The store is the truth: every search first compares the versions
/// of documents with the store's, so that it sees all that was read before it, and nothing that was
/// deleted.
pub(crate) struct DocumentIndexes {
    store: Store,
    /// Whose vectors count.
    model: Option<EmbeddingModel>,
    cache: IndexCache<DocumentScope, Documents>,
}

/// An index that stays as it is while a question is answered.
pub(crate) struct HeldDocuments {
    pub(super) store: Workspace,
    pub(super) documents: OwnedRwLockReadGuard<Documents>,
}

impl DocumentIndexes {
    pub(crate) fn new(
        store: Store,
        model: Option<&EmbeddingModel>,
        options: MemoryOptions,
    ) -> Self {
        let cache = IndexCache::new(options.documents_bytes_max);
        Self { store, model: model.cloned(), cache }
    }

    /// The scope's index, holding everything that can be found now.
    pub(crate) async fn current(
        &self,
        workspace: &WorkspaceId,
        scope: &DocumentScope,
    ) -> Result<HeldDocuments> {
        let store = self.store.workspace(workspace);
        let shared = self.cache.get(workspace, scope);
        let committed = store.searchable_documents(scope).await?;
        if !shared.read().await.are(&committed) {
            let mut documents = shared.write().await;
            // Another search may have done it while this one waited.
            if !documents.are(&committed) {
                documents.bring_up_to_date(&store, self.model.as_ref(), committed).await?;
            }
            self.cache.resized(workspace, scope, documents.index.size_bytes());
        }
        Ok(HeldDocuments { store, documents: Arc::clone(&shared).read_owned().await })
    }
}

impl HeldDocuments {
    pub(crate) fn has_vectors(&self) -> bool {
        self.documents.index.vectors().count() > 0
    }
}

impl Documents {
    fn are(&self, committed: &[SearchableDocument]) -> bool {
        let is_held = |one: &SearchableDocument| self.held.get(&one.id) == Some(one);
        self.held.len() == committed.len() && committed.iter().all(is_held)
    }

    async fn bring_up_to_date(
        &mut self,
        store: &Workspace,
        model: Option<&EmbeddingModel>,
        committed: Vec<SearchableDocument>,
    ) -> Result<()> {
        let stay: HashSet<&DocumentId> = committed.iter().map(|document| &document.id).collect();
        self.held.retain(|id, _| stay.contains(id));
        self.index.remove(|id| document_of(id).is_none_or(|id| !stay.contains(&id)));
        for document in committed {
            let held = self.held.get(&document.id);
            if held == Some(&document) {
                continue;
            }
            if held.is_none() {
                self.load_chunks(store, &document).await?;
            }
            if let Some(model) = model {
                self.load_vectors(store, model, &document.id).await?;
            }
            self.held.insert(document.id.clone(), document);
        }
        Ok(())
    }

    async fn load_chunks(
        &mut self,
        store: &Workspace,
        document: &SearchableDocument,
    ) -> Result<()> {
        let mut from = 0;
        loop {
            let found = store.chunks(&document.id, from, CHUNKS_AT_ONCE as usize).await?;
            let Some(last) = found.last() else { return Ok(()) };
            from = last.number.saturating_add(1);
            let chunks = found.into_iter().map(|chunk| {
                let title = document.title.as_deref();
                let headings = chunk.headings.iter().map(String::as_str);
                let named = [document.filename.as_str()].into_iter().chain(title);
                Chunk {
                    id: ChunkId::of(&document.id, chunk.number),
                    number: chunk.number,
                    head: head(named.chain(headings)),
                    text: chunk.text,
                    filename: document.filename.clone(),
                    added_at: document.created_at,
                }
            });
            self.index.append_chunks(chunks);
        }
    }

    /// Those that the index lacks.
    async fn load_vectors(
        &mut self,
        store: &Workspace,
        model: &EmbeddingModel,
        document: &DocumentId,
    ) -> Result<()> {
        let Some(missing) = self.without_vectors(document) else { return Ok(()) };
        let (name, revision) = (&model.name, &model.revision);
        for start in missing.clone().step_by(CHUNKS_AT_ONCE as usize) {
            let some = start..start.saturating_add(CHUNKS_AT_ONCE).min(missing.end);
            for (number, passages) in store.chunk_vectors(document, some, name, revision).await? {
                let id = RecalledId::Chunk(ChunkId::of(document, number));
                self.index.set_vectors(&id, &passages);
            }
        }
        Ok(())
    }

    /// From the first to the last chunk of a document that has no vector here.
    fn without_vectors(&self, document: &DocumentId) -> Option<Range<u32>> {
        let numbers = self.index.without_vectors().filter_map(|id| match id {
            RecalledId::Chunk(id) => id.place(),
            RecalledId::Episode(_) | RecalledId::Memory(_) | RecalledId::Summary(_) => None,
        });
        let of_document = numbers.filter(|(of, _)| of == document).map(|(_, number)| number);
        of_document.fold(None, |range: Option<Range<u32>>, number| {
            let Range { start, end } = range.unwrap_or(number..number);
            Some(start.min(number)..end.max(number.saturating_add(1)))
        })
    }
}

fn document_of(id: &RecalledId) -> Option<DocumentId> {
    match id {
        RecalledId::Chunk(id) => id.place().map(|(document, _)| document),
        RecalledId::Episode(_) | RecalledId::Memory(_) | RecalledId::Summary(_) => None,
    }
}
