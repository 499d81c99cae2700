//! From a question to passages.

use std::collections::{HashMap, HashSet};

use backstay_core::{ChunkId, DocumentId, Error, Result, document::Passage, memory::RecalledId};
use backstay_store::StoredChunk;

use super::{
    DocumentSearch,
    indexes::{Documents, HeldDocuments},
};
use crate::{
    Embedding, Profile,
    analyse::Query,
    recall::{self, Lexical},
};

/// Indexes with fewer chunks are searched where the call runs.
const SMALL_CHUNKS: usize = 200;

/// A chunk that was found, still without what the store knows of it.
struct Found {
    chunk: ChunkId,
    document: DocumentId,
    filename: String,
    score: f64,
    why: String,
}

impl HeldDocuments {
    pub(crate) async fn search(
        self,
        query: Query,
        embedding: Option<Embedding>,
        search: DocumentSearch,
    ) -> Result<Vec<Passage>> {
        let Self { store, documents } = self;
        let is_small = documents.index.turns().len() <= SMALL_CHUNKS;
        let work = move || rank(&documents, &query, embedding.as_ref(), &search);
        let found = if is_small {
            work()
        } else {
            let done = tokio::task::spawn_blocking(work).await;
            done.map_err(|cause| Error::internal(format!("a search failed: {cause}")))?
        };
        let ids = found.iter().map(|found| found.chunk.clone()).collect();
        let mut kept: HashMap<ChunkId, StoredChunk> =
            store.chunks_named(ids).await?.into_iter().collect();
        // A document that was deleted meanwhile is found no more.
        let passage = |found: Found| kept.remove(&found.chunk).map(|chunk| found.with(chunk));
        Ok(found.into_iter().filter_map(passage).collect())
    }
}

fn rank(
    documents: &Documents,
    query: &Query,
    embedding: Option<&Embedding>,
    search: &DocumentSearch,
) -> Vec<Found> {
    let Documents { index, held } = documents;
    let wanted: HashSet<u32> =
        search.documents.iter().filter_map(|document| index.document(document)).collect();
    let takes_all = search.documents.is_empty();
    let allowed = |turn: u32| takes_all || wanted.contains(&index.conversation_of(turn));
    let profile = Profile::Document;
    let lexical = Lexical::of(index, query, profile.bm25());
    let ranking = recall::rank_by(&lexical, index, query, embedding, profile, None, allowed);
    let found = |ranked: &recall::Ranked| {
        let RecalledId::Chunk(chunk) = &index.turn(ranked.turn).id else { return None };
        let (document, _) = chunk.place()?;
        let filename = held.get(&document)?.filename.clone();
        let why = ranking.why(index, query, ranked);
        let score = f64::from(ranked.score);
        Some(Found { chunk: chunk.clone(), document, filename, score, why })
    };
    let evident = ranking.turns.iter().filter(|ranked| recall::has_own_evidence(ranked));
    evident.take(search.limit).filter_map(found).collect()
}

impl Found {
    fn with(self, chunk: StoredChunk) -> Passage {
        Passage {
            id: self.chunk,
            document: self.document,
            filename: self.filename,
            headings: chunk.headings,
            text: chunk.text,
            place: chunk.place,
            source: chunk.source,
            score: self.score,
            why: self.why,
        }
    }
}
