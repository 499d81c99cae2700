//! Reading a document, step by step, by the worker that has its job. Each step is refused with
//! `conflict` once another worker has taken the job over, or the document was deleted.

use backstay_core::{DocumentId, Result, Timestamp, document::DocumentStatus};

use super::{Document, NewChunk, chunks, one};
use crate::{
    Lease, Store, Workspace,
    db::{statements, values},
    jobs,
    messages::to_json,
};

statements! {
    BEGIN = "UPDATE documents SET status = $1, started_at = $2, updated_at = $2, finished_at = NULL,
            parts_read = 0, chunks = 0, embedded = 0, tokens = 0, version = 0
        WHERE workspace = $3 AND id = $4";
    PROGRESS = "UPDATE documents SET parts_read = $1, parts = $2, updated_at = $3
        WHERE workspace = $4 AND id = $5";
    FINISH = "UPDATE documents SET status = $1, format = $2, title = $3, notes = $4, parts = $5,
            parts_read = $6, chunks = $7, embedded = $8, tokens = $9, version = 1, updated_at = $10,
            finished_at = $11, summary = $12
        WHERE workspace = $13 AND id = $14";
    FAIL = "UPDATE documents SET status = $1, error_code = $2, error_message = $3, updated_at = $4,
            finished_at = $4, chunks = 0, embedded = 0, tokens = 0
        WHERE workspace = $5 AND id = $6";
    DONE_WITHOUT_VECTORS = "UPDATE documents SET status = 'indexed', updated_at = $1,
            finished_at = $1
        WHERE (workspace, id) IN (SELECT d.workspace, d.id
            FROM workspaces AS w CROSS JOIN documents AS d
            WHERE d.workspace = w.id AND d.status = 'processing' AND d.version > 0)";
}

/// What is known of a document that was read to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadDocument {
    pub format: String,
    pub title: Option<String>,
    pub summary: Option<String>,
    pub notes: Vec<String>,
    pub parts: Option<u32>,
    pub chunks: u32,
    pub tokens: u64,
}

impl Workspace {
    /// Begins to read the document of a job, from the start: what an earlier worker wrote is deleted.
    /// `None` when the document is gone; the job is then ended.
    pub async fn begin_document(
        &self,
        lease: &Lease,
        id: &DocumentId,
        now: Timestamp,
    ) -> Result<Option<Document>> {
        let (lease, id) = (lease.clone(), id.clone());
        self.write(move |session, workspace| {
            let owned = jobs::owned(session, workspace, &lease)?;
            chunks::delete_all(session, workspace, &id)?;
            let values = values![DocumentStatus::Processing, now, workspace, &id];
            if session.execute(BEGIN, values)? == 0 {
                jobs::complete(session, workspace, &lease, &owned, false, now)?;
                return Ok(None);
            }
            one(session, workspace, &id)
        })
        .await
    }

    /// Notes how many of its pages, slides or sheets are read.
    pub async fn document_progress(
        &self,
        lease: &Lease,
        id: &DocumentId,
        (read, parts): (u32, u32),
        now: Timestamp,
    ) -> Result<()> {
        let (lease, id) = (lease.clone(), id.clone());
        self.write(move |session, workspace| {
            jobs::owned(session, workspace, &lease)?;
            session.execute(PROGRESS, values![read, parts, now, workspace, &id])?;
            Ok(())
        })
        .await
    }

    /// Adds chunks; they are not found before the document is finished.
    pub async fn add_chunks(
        &self,
        lease: &Lease,
        id: &DocumentId,
        new: Vec<NewChunk>,
    ) -> Result<()> {
        let (lease, id) = (lease.clone(), id.clone());
        self.write(move |session, workspace| {
            jobs::owned(session, workspace, &lease)?;
            new.iter().try_for_each(|chunk| chunks::insert(session, workspace, &id, chunk))
        })
        .await
    }

    /// Ends the reading and the job: the document is found by its words from now on. Where vectors
    /// are to be made it is `processing` until all of its chunks have one.
    pub async fn finish_document(
        &self,
        lease: &Lease,
        id: &DocumentId,
        read: ReadDocument,
        awaits_vectors: bool,
        now: Timestamp,
    ) -> Result<()> {
        let (lease, id) = (lease.clone(), id.clone());
        self.write(move |session, workspace| {
            let owned = jobs::owned(session, workspace, &lease)?;
            let ReadDocument { format, title, summary, notes, parts, chunks, tokens } = &read;
            let embedded = chunks.saturating_sub(chunks::without_vectors(session, workspace, &id)?);
            let is_done = !awaits_vectors || embedded == *chunks;
            let status = if is_done { DocumentStatus::Indexed } else { DocumentStatus::Processing };
            let notes = if notes.is_empty() { None } else { Some(to_json(notes)?) };
            let values = values![
                status,
                format,
                title.as_ref(),
                notes.as_ref(),
                *parts,
                parts.unwrap_or(0),
                *chunks,
                embedded,
                *tokens,
                now,
                is_done.then_some(now),
                summary.as_ref(),
                workspace,
                &id,
            ];
            session.execute(FINISH, values)?;
            jobs::complete(session, workspace, &lease, &owned, false, now)
        })
        .await
    }

    /// Ends the reading of what cannot be read, and the job.
    pub async fn fail_document(
        &self,
        lease: &Lease,
        id: &DocumentId,
        (code, message): (&str, &str),
        now: Timestamp,
    ) -> Result<()> {
        let (lease, id) = (lease.clone(), id.clone());
        let (code, message) = (code.to_owned(), message.to_owned());
        self.write(move |session, workspace| {
            let owned = jobs::owned(session, workspace, &lease)?;
            chunks::delete_all(session, workspace, &id)?;
            let values = values![DocumentStatus::Error, &code, &message, now, workspace, &id];
            session.execute(FAIL, values)?;
            jobs::complete(session, workspace, &lease, &owned, false, now)
        })
        .await
    }
}

impl Store {
    /// Documents that only wait for vectors count as indexed, because none can be made now: they are
    /// found by their words, and vectors follow. Of every workspace; how many.
    pub async fn index_without_vectors(&self, now: Timestamp) -> Result<usize> {
        self.write_beside(move |session| session.execute(DONE_WITHOUT_VECTORS, values![now])).await
    }
}
