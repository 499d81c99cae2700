//! Reads documents that wait for it, and deletes the bytes of those that are gone.
//!
//! A process that dies half-way leaves a job whose lease ends, and another one begins it anew. What it
//! wrote is found by nobody, as the document's version is 0 until its last step.

use std::time::Duration;

use backstay_core::{
    DocumentId, Error, ErrorCode, Result, Timestamp, fence::one_safe_line, tokens,
};
use backstay_documents::{Chunk, ChunkOptions, ParseError, Parsed, Progress, chunk, summarise};
use backstay_memory::terms;
use backstay_store::{
    Document, ERASE_JOB, Lease, NewChunk, READ_JOB, ReadDocument, Retry, Workspace,
};
use futures::future::join_all;
use tokio::sync::{Notify, watch};

use crate::Engine;

/// A worker says more often that it is still there.
const LEASE_MICROS: i64 = 60 * 1_000_000;
const STILL_THERE: Duration = Duration::from_secs(15);
/// How often progress is written.
const TELL: Duration = Duration::from_millis(500);
/// Tries at what may work another time.
const ATTEMPTS_MAX: u32 = 4;
/// Bytes that cannot be deleted are tried again for days.
const ERASE_ATTEMPTS_MAX: u32 = 30;
const ERASE_AT_ONCE: usize = 50;
/// Work of other processes, and what is to be tried again, is found even when nobody says so.
const POLL: Duration = Duration::from_secs(10);
/// Chunks that are written in one transaction, so that others get in between.
const CHUNKS_AT_ONCE: usize = 200;

pub(crate) async fn read_forever(engine: Engine) {
    let wake = engine.jobs().documents_to_read();
    let at_once = engine.parser().limits().processes.max(1) as usize;
    loop {
        let leases = next(&engine, READ_JOB, at_once, &wake).await;
        join_all(leases.into_iter().map(|lease| settle(&engine, lease))).await;
    }
}

pub(crate) async fn erase_forever(engine: Engine) {
    let wake = engine.jobs().documents_to_erase();
    loop {
        for lease in next(&engine, ERASE_JOB, ERASE_AT_ONCE, &wake).await {
            if let Err(error) = erase(&engine, &lease).await {
                tracing::warn!(%error, document = lease.key, "a document's bytes are still there");
            }
        }
    }
}

/// Waits until there are jobs of a kind to be done, and leases so many.
async fn next(engine: &Engine, kind: &'static str, at_once: usize, wake: &Notify) -> Vec<Lease> {
    loop {
        let now = engine.clock().now();
        match engine.store().lease_jobs(kind, at_once, lease_end(now), now).await {
            Ok(leases) if leases.is_empty() => {
                let _woken_or_time = tokio::time::timeout(POLL, wake.notified()).await;
            }
            Ok(leases) => return leases,
            Err(error) => {
                tracing::warn!(%error, cause = error.context(), kind, "jobs could not be taken");
                tokio::time::sleep(POLL).await;
            }
        }
    }
}

async fn erase(engine: &Engine, lease: &Lease) -> Result<()> {
    let store = engine.store().workspace(&lease.workspace);
    let erased = match DocumentId::parse(&lease.key) {
        // Its row came after all.
        Some(id) if store.document(&id).await?.is_some() => Ok(()),
        Some(id) => engine.blobs().delete(&lease.workspace, &id).await,
        None => Ok(()),
    };
    let now = engine.clock().now();
    match erased {
        Ok(()) => store.complete_job(lease, now).await,
        Err(error) => {
            let retry = Retry::BackOff { attempts_max: ERASE_ATTEMPTS_MAX };
            store.fail_job(lease, &error.to_string(), retry, now).await.map(|_| ())
        }
    }
}

/// Why a document was not read.
enum Unread {
    /// The file's own fault.
    Unreadable(ParseError),
    /// Somebody else's.
    Failed(Error),
}

impl From<Error> for Unread {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

struct Reading<'a> {
    engine: &'a Engine,
    store: Workspace,
    lease: Lease,
}

/// Reads a document, and notes it when that failed.
async fn settle(engine: &Engine, lease: Lease) {
    let Some(id) = DocumentId::parse(&lease.key) else { return };
    let store = engine.store().workspace(&lease.workspace);
    let reading = Reading { engine, store, lease };
    let noted = match reading.read(&id).await {
        Ok(()) => Ok(()),
        // Another worker has it, or the document was deleted.
        Err(Unread::Failed(error)) if error.code() == ErrorCode::Conflict => {
            tracing::info!(%error, document = %id, "reading a document was given up");
            Ok(())
        }
        Err(Unread::Unreadable(reason)) if !reason.kind.is_retryable() => {
            tracing::info!(%reason, document = %id, "a document cannot be read");
            reading.fail(&id, reason.kind.code(), &reason.message).await
        }
        Err(Unread::Unreadable(reason)) => {
            reading.try_again(&id, reason.kind.code(), &reason.message).await
        }
        Err(Unread::Failed(error)) => {
            tracing::warn!(%error, cause = error.context(), document = %id, "a document was not read");
            reading.try_again(&id, error.code().as_str(), error.message()).await
        }
    };
    if let Err(error) = noted {
        tracing::warn!(%error, document = %id, "the end of reading a document was not noted");
    }
}

impl Reading<'_> {
    async fn read(&self, id: &DocumentId) -> Result<(), Unread> {
        let Some(document) = self.store.begin_document(&self.lease, id, self.now()).await? else {
            return Ok(());
        };
        let parsed = self.parse(&document).await?;
        let Cut { chunks, summary, parsed } = cut(parsed).await?;
        if chunks.is_empty() {
            let kind = backstay_documents::ErrorKind::NoText;
            let message = "There is no text in this file. If it is a scan, upload a version with \
                           recognised text.";
            return Err(Unread::Unreadable(ParseError::new(kind, message)));
        }
        for some in chunks.chunks(CHUNKS_AT_ONCE) {
            let new = some.iter().map(kept).collect::<Result<Vec<_>>>()?;
            self.store.add_chunks(&self.lease, id, new).await?;
            self.stay().await?;
        }
        let read = ReadDocument {
            format: parsed.summary.format.name().to_owned(),
            title: parsed.summary.title,
            summary,
            notes: parsed.notes,
            parts: parsed.summary.parts,
            chunks: u32::try_from(chunks.len()).unwrap_or(u32::MAX),
            tokens: chunks.iter().map(|chunk| chunk.tokens).sum(),
        };
        let awaits_vectors = self.engine.memory().makes_vectors();
        self.store.finish_document(&self.lease, id, read, awaits_vectors, self.now()).await?;
        self.engine.jobs().embed_soon();
        Ok(())
    }

    /// Reads the file in its process, and tells how far that is meanwhile.
    async fn parse(&self, document: &Document) -> Result<Parsed, Unread> {
        let file = self.engine.blobs().open(&self.lease.workspace, &document.id).await?;
        let file = file.ok_or_else(|| {
            let message = "The bytes of this file are gone. Upload it again.";
            Error::new(ErrorCode::NotFound, message)
        })?;
        let (tell, told) = watch::channel(None);
        let parsing = self.engine.parser().parse(&document.filename, file, |progress| {
            tell.send_replace(Some(progress));
        });
        tokio::select! {
            parsed = parsing => parsed.map_err(Unread::Unreadable),
            lost = self.tell(document, told) => Err(lost.into()),
        }
    }

    /// Writes progress and keeps the job; returns when that is lost.
    async fn tell(
        &self,
        document: &Document,
        mut told: watch::Receiver<Option<Progress>>,
    ) -> Error {
        let mut said_at = tokio::time::Instant::now();
        loop {
            tokio::time::sleep(TELL).await;
            let progress = match told.has_changed() {
                Ok(true) => *told.borrow_and_update(),
                Ok(false) | Err(_) => None,
            };
            if let Some(Progress { done, total }) = progress {
                let written = self.store.document_progress(
                    &self.lease,
                    &document.id,
                    (done, total),
                    self.now(),
                );
                if let Err(error) = written.await {
                    return error;
                }
            }
            if said_at.elapsed() >= STILL_THERE {
                if let Err(error) = self.stay().await {
                    return error;
                }
                said_at = tokio::time::Instant::now();
            }
        }
    }

    async fn stay(&self) -> Result<()> {
        self.store.extend_lease(&self.lease, lease_end(self.now())).await
    }

    async fn fail(&self, id: &DocumentId, code: &str, message: &str) -> Result<()> {
        self.store.fail_document(&self.lease, id, (code, message), self.now()).await
    }

    async fn try_again(&self, id: &DocumentId, code: &str, message: &str) -> Result<()> {
        if self.lease.failures.saturating_add(1) >= ATTEMPTS_MAX {
            return self.fail(id, code, message).await;
        }
        let retry = Retry::BackOff { attempts_max: ATTEMPTS_MAX };
        self.store.fail_job(&self.lease, message, retry, self.now()).await.map(|_| ())
    }

    fn now(&self) -> Timestamp {
        self.engine.clock().now()
    }
}

/// A document in the form in which it is kept.
struct Cut {
    chunks: Vec<Chunk>,
    summary: Option<String>,
    /// What is known of it beside its blocks.
    parsed: Parsed,
}

/// Cuts what was read, and sums it up, off the executor's threads: a large document has thousands of
/// chunks.
async fn cut(parsed: Parsed) -> Result<Cut> {
    let work = move || {
        let chunks = chunk(&parsed, &ChunkOptions::default(), &tokens::estimate);
        // A stranger's text, which may come to stand in a prompt.
        let summary = summarise(&parsed, &terms).map(|summary| one_safe_line(&summary));
        Cut { chunks, summary, parsed: Parsed { blocks: Vec::new(), ..parsed } }
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|cause| Error::internal(format!("cutting a document failed: {cause}")))
}

fn kept(chunk: &Chunk) -> Result<NewChunk> {
    let source = serde_json::to_value(&chunk.source);
    Ok(NewChunk {
        number: chunk.ordinal,
        headings: chunk.headings.clone(),
        text: chunk.text.clone(),
        source: source
            .map_err(|cause| Error::internal(format!("a place is not storable: {cause}")))?,
        place: chunk.source.to_string(),
        tokens: chunk.tokens,
    })
}

fn lease_end(now: Timestamp) -> Timestamp {
    Timestamp::from_micros(now.micros().saturating_add(LEASE_MICROS))
}
