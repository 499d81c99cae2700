//! New documents.

use backstay_core::{
    DocumentId, Error, ErrorCode, Result, Timestamp, WorkspaceId, document::DocumentOwner,
    document::DocumentStatus,
};
use serde_json::{Map, Value};

use super::{Document, ERASE_JOB, OwnerColumns, READ_JOB, job, one};
use crate::{
    Workspace,
    db::{Failure, Session, statements, values},
    jobs,
    messages::to_json,
    threads,
};

/// An upload that takes longer than this has failed: its bytes are deleted.
const UPLOAD_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

statements! {
    INSERT = "INSERT INTO documents
            (workspace, id, assistant, thread, message, filename, media_type, size, content_hash,
             metadata, status, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)";
    SAME = "SELECT id FROM documents WHERE workspace = $1 AND assistant = $2 AND thread = $3
        AND message = $4 AND content_hash = $5";
    HELD = "SELECT count(*), CAST(coalesce(sum(size), 0) AS BIGINT) FROM documents
        WHERE workspace = $1";
    AGAIN = "UPDATE documents SET status = $1, error_code = NULL, error_message = NULL,
            updated_at = $2, finished_at = NULL
        WHERE workspace = $3 AND id = $4";
    KEEP_BYTES = "DELETE FROM jobs WHERE workspace = $1 AND kind = $2 AND key = $3";
}

/// A document whose bytes are kept already.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDocument {
    pub id: DocumentId,
    pub owner: DocumentOwner,
    pub filename: String,
    pub media_type: String,
    pub size: u64,
    /// SHA-256 of the file.
    pub content_hash: [u8; 32],
    pub metadata: Map<String, Value>,
}

/// How much a workspace may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentQuota {
    pub documents: u64,
    /// Of all files together.
    pub bytes: u64,
}

/// What became of a new document.
#[derive(Clone, Debug, PartialEq)]
pub struct AddedDocument {
    pub document: Document,
    /// The owner had the same bytes already: this is that document, and the new bytes are not needed.
    pub is_known: bool,
}

impl Workspace {
    /// Notes that bytes are about to be kept under this id, so that they are deleted when nothing
    /// comes of it, whatever happens to this process.
    pub async fn expect_document(&self, id: &DocumentId, now: Timestamp) -> Result<()> {
        let id = id.clone();
        self.write(move |session, workspace| {
            let due_at = Timestamp::from_micros(now.micros().saturating_add(UPLOAD_MICROS));
            jobs::enqueue(session, workspace, &job(ERASE_JOB, &id, due_at), now)?;
            Ok(())
        })
        .await
    }

    /// The document that an owner has of these bytes.
    pub async fn document_of_bytes(
        &self,
        owner: &DocumentOwner,
        content_hash: &[u8; 32],
    ) -> Result<Option<Document>> {
        let (owner, hash) = (owner.clone(), *content_hash);
        self.read(move |session, workspace| same(session, workspace, &owner, &hash)).await
    }

    /// Adds a document and asks for it to be read. The same bytes again are the document that the
    /// owner has; one that could not be read is read again.
    ///
    /// # Errors
    /// `not_found` when its thread is not there, `document_quota_exceeded`.
    pub async fn add_document(
        &self,
        new: NewDocument,
        quota: DocumentQuota,
        now: Timestamp,
    ) -> Result<AddedDocument> {
        self.write(move |session, workspace| {
            if let Some(thread) = new.owner.thread()
                && threads::one(session, workspace, thread)?.is_none()
            {
                let message = format!("there is no thread {thread}");
                return Err(Error::new(ErrorCode::NotFound, message).into());
            }
            if let Some(known) = same(session, workspace, &new.owner, &new.content_hash)? {
                let document = again(session, workspace, known, now)?;
                return Ok(AddedDocument { document, is_known: true });
            }
            check_quota(session, workspace, &new, quota)?;
            insert(session, workspace, &new, now)?;
            session.execute(KEEP_BYTES, values![workspace, ERASE_JOB, &new.id])?;
            jobs::enqueue(session, workspace, &job(READ_JOB, &new.id, now), now)?;
            let document = one(session, workspace, &new.id)?;
            let document =
                document.ok_or_else(|| Error::internal("a new document is not there"))?;
            Ok(AddedDocument { document, is_known: false })
        })
        .await
    }
}

fn same(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    owner: &DocumentOwner,
    hash: &[u8; 32],
) -> Result<Option<Document>, Failure> {
    let OwnerColumns { assistant, thread, message } = OwnerColumns::of(owner);
    let values = values![workspace, assistant, thread, message, hash.as_slice()];
    let id: Option<DocumentId> = session.one(SAME, values, |row| row.get(0))?;
    id.map_or(Ok(None), |id| one(session, workspace, &id))
}

fn again(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    known: Document,
    now: Timestamp,
) -> Result<Document, Failure> {
    if known.status != DocumentStatus::Error {
        return Ok(known);
    }
    let status = DocumentStatus::Pending;
    session.execute(AGAIN, values![status, now, workspace, &known.id])?;
    jobs::enqueue(session, workspace, &job(READ_JOB, &known.id, now), now)?;
    Ok(Document { status, error: None, updated_at: now, finished_at: None, ..known })
}

fn check_quota(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    new: &NewDocument,
    quota: DocumentQuota,
) -> Result<(), Failure> {
    let held = session.one(HELD, values![workspace], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (documents, bytes): (u64, u64) = held.unwrap_or_default();
    let exceeded = |what: String| {
        let message = format!(
            "this workspace may have {what}; delete documents that are no longer needed, or have \
             the operator raise the limit under [documents]"
        );
        Err(Error::new(ErrorCode::DocumentQuota, message).into())
    };
    if documents >= quota.documents {
        return exceeded(format!("{} documents, and has them", quota.documents));
    }
    if bytes.saturating_add(new.size) > quota.bytes {
        let (may, has, size) = (quota.bytes, bytes, new.size);
        return exceeded(format!("{may} bytes of documents, has {has}, and this one has {size}"));
    }
    Ok(())
}

fn insert(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    new: &NewDocument,
    now: Timestamp,
) -> Result<(), Failure> {
    let OwnerColumns { assistant, thread, message } = OwnerColumns::of(&new.owner);
    let metadata = match new.metadata.is_empty() {
        true => None,
        false => Some(to_json(&new.metadata)?),
    };
    let values = values![
        workspace,
        &new.id,
        assistant,
        thread,
        message,
        &new.filename,
        &new.media_type,
        new.size,
        new.content_hash.as_slice(),
        metadata.as_ref(),
        DocumentStatus::Pending,
        now,
    ];
    session.execute(INSERT, values)?;
    Ok(())
}
