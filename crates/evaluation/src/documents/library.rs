//! A store of its own that holds the files as a server would.

use std::time::Duration;

use backstay_core::{
    ChunkId, Clock, DocumentId, Error, Name, Random, Result, WorkspaceId,
    document::{DocumentOwner, DocumentScope},
};
use backstay_memory::{
    DocumentSearch, Embedder, EmbeddingModel, Embeddings, Memory, MemoryOptions,
};
use backstay_store::{
    DocumentQuota, NewChunk, NewDocument, READ_JOB, ReadDocument, Store, StoreOptions, Workspace,
};
use serde_json::Map;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::corpus::File;
use crate::memory::Progress;

const EMBED_AT_ONCE: usize = 32;
const LEASE_MICROS: i64 = 3_600_000_000;
const UNLIMITED: DocumentQuota = DocumentQuota { documents: u64::MAX, bytes: u64::MAX };

pub(super) struct Library {
    memory: Memory,
    store: Store,
    model: EmbeddingModel,
    clock: Clock,
    random: Random,
    /// In the order of the files, with how many chunks each has.
    documents: Vec<(DocumentId, usize)>,
    /// Kept until the measurement is over.
    _folder: TempDir,
}

impl Library {
    pub(super) async fn open(embedder: &Embedder) -> Result<Self> {
        let folder = tempfile::tempdir()
            .map_err(|cause| Error::internal(format!("no temporary folder: {cause}")))?;
        let store = Store::open(StoreOptions::folder(folder.path())).await?;
        let clock = Clock::System;
        store.ensure_workspace(&WorkspaceId::default_workspace(), "bench", clock.now()).await?;
        let embeddings = Embeddings::Builtin(embedder.clone());
        let memory = Memory::new(store.clone(), embeddings, MemoryOptions::default());
        Ok(Self {
            memory,
            store,
            model: embedder.identity().clone(),
            clock,
            random: Random::System,
            documents: Vec::new(),
            _folder: folder,
        })
    }

    pub(super) async fn add(&mut self, file: &File) -> Result<()> {
        let workspace = self.workspace();
        let id = DocumentId::new(&self.clock, &self.random)?;
        let now = self.clock.now();
        let new = NewDocument {
            id: id.clone(),
            owner: DocumentOwner::Assistant { assistant: Name::default_assistant() },
            filename: file.name.clone(),
            media_type: "text/markdown".to_owned(),
            size: file.text.len() as u64,
            content_hash: Sha256::digest(&file.text).into(),
            metadata: Map::new(),
        };
        workspace.add_document(new, UNLIMITED, now).await?;
        let until = backstay_core::Timestamp::from_micros(now.micros() + LEASE_MICROS);
        let lease = self.store.lease_jobs(READ_JOB, 1, until, self.clock.now()).await?;
        let lease = lease.into_iter().next();
        let lease = lease.ok_or_else(|| Error::internal("a document waits for nobody"))?;
        workspace.begin_document(&lease, &id, now).await?;
        let chunks = file.chunks.iter().map(|chunk| NewChunk {
            number: chunk.ordinal,
            headings: chunk.headings.clone(),
            text: chunk.text.clone(),
            source: serde_json::Value::Null,
            place: chunk.source.to_string(),
            tokens: chunk.tokens,
        });
        workspace.add_chunks(&lease, &id, chunks.collect()).await?;
        let read = ReadDocument {
            chunks: u32::try_from(file.chunks.len()).unwrap_or(u32::MAX),
            ..ReadDocument::default()
        };
        workspace.finish_document(&lease, &id, read, true, now).await?;
        self.documents.push((id, file.chunks.len()));
        Ok(())
    }

    /// How long it took.
    pub(super) async fn embed(&self, progress: &dyn Progress) -> Result<Duration> {
        super::timed(async {
            loop {
                match self.memory.embed_documents(EMBED_AT_ONCE, self.clock.now()).await? {
                    0 => return Ok(()),
                    count => progress.advance(count),
                }
            }
        })
        .await
    }

    pub(super) fn chunks(&self) -> usize {
        self.documents.iter().map(|(_, chunks)| chunks).sum()
    }

    /// The vectors of every chunk's passages, in the order of the chunks.
    pub(super) async fn vectors(&self) -> Result<Vec<Vec<Vec<f32>>>> {
        let mut all = Vec::with_capacity(self.chunks());
        for (id, chunks) in &self.documents {
            let numbers = 0..u32::try_from(*chunks).unwrap_or(u32::MAX);
            let (name, revision) = (&self.model.name, &self.model.revision);
            let found = self.workspace().chunk_vectors(id, numbers, name, revision).await?;
            all.extend(
                found.into_iter().map(|(_, passages)| {
                    passages.into_iter().map(|passage| passage.vector).collect()
                }),
            );
        }
        Ok(all)
    }

    /// The numbers of the chunks that are found, best first.
    pub(super) async fn search(&self, question: &str, limit: usize) -> Result<Vec<usize>> {
        let search = DocumentSearch {
            question: question.to_owned(),
            scope: DocumentScope { assistant: Some(Name::default_assistant()), thread: None },
            documents: Vec::new(),
            limit,
            now: self.clock.now(),
        };
        let found = self.memory.search_documents(self.workspace().id(), search).await?;
        Ok(found.into_iter().filter_map(|passage| self.number(&passage.id)).collect())
    }

    fn number(&self, id: &ChunkId) -> Option<usize> {
        let (document, number) = id.place()?;
        let place = self.documents.iter().position(|(id, _)| *id == document)?;
        let before: usize = self.documents[..place].iter().map(|(_, chunks)| chunks).sum();
        Some(before + number as usize)
    }

    fn workspace(&self) -> Workspace {
        self.store.workspace(&WorkspaceId::default_workspace())
    }
}
