//! Vectors of chunks that have none.

use std::collections::BTreeMap;

use backstay_core::{Result, Timestamp, WorkspaceId};
use backstay_store::{ChunkVectors, PassageVector, Store, UnembeddedChunk};

use super::head;
use crate::{
    Embeddings,
    embed::{self, Urgency},
};

/// Makes and stores vectors for at most `limit` chunks, of any workspace; how many had none.
pub(crate) async fn embed_pending(
    store: &Store,
    embeddings: &Embeddings,
    limit: usize,
    now: Timestamp,
) -> Result<usize> {
    let Some(model) = embeddings.model() else { return Ok(0) };
    let (name, revision) = (&model.name, &model.revision);
    let mut by_workspace: BTreeMap<WorkspaceId, Vec<UnembeddedChunk>> = BTreeMap::new();
    for chunk in store.next_unembedded_chunks(name, revision, limit).await? {
        by_workspace.entry(chunk.workspace.clone()).or_default().push(chunk);
    }
    let mut count = 0;
    for (workspace, chunks) in by_workspace {
        count += chunks.len();
        let passages: Vec<Vec<String>> = chunks.iter().map(passages).collect();
        let texts = passages.iter().flatten().cloned().collect();
        let made = embeddings.embed(&workspace, texts, Urgency::Background).await?;
        let mut made = made.into_iter().map(PassageVector::from);
        let vectors = chunks.into_iter().zip(&passages).map(|(chunk, passages)| ChunkVectors {
            document: chunk.document,
            number: chunk.number,
            passages: made.by_ref().take(passages.len()).collect(),
        });
        let vectors = vectors.collect();
        store.workspace(&workspace).put_chunk_vectors(name, revision, vectors, now).await?;
    }
    Ok(count)
}

/// The file's name says what it is about too seldom to be part of what its chunks mean.
fn passages(chunk: &UnembeddedChunk) -> Vec<String> {
    let title = chunk.title.as_deref();
    let head = head(title.into_iter().chain(chunk.headings.iter().map(String::as_str)));
    let head = if head.is_empty() { head } else { format!("{head}: ") };
    embed::passages_under(&head, &chunk.text)
}
