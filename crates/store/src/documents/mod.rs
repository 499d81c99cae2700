//! Documents: whose they are, how far reading them is, their chunks, and the vectors of those. Their
//! bytes are kept elsewhere, under the document's id.
//!
//! A document is read by a job of its own ([`READ_JOB`]). It is not searched before it was read to its
//! end: its `version` is 0 until then, and grows with every change afterwards, so that an index held in
//! memory knows what it lacks.

mod add;
mod chunks;
mod delete;
mod list;
mod read;
mod vectors;

use backstay_core::{
    DocumentId, Error, MessageId, Name, Result, ThreadId, Timestamp, WorkspaceId,
    document::{DocumentOwner, DocumentStatus},
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    db::{Failure, Row, Session, statements, values},
    jobs::NewJob,
};

pub use add::{AddedDocument, DocumentQuota, NewDocument};
pub use chunks::{NewChunk, StoredChunk};
pub(crate) use delete::delete_of_thread;
pub use list::SearchableDocument;
pub use read::ReadDocument;
pub use vectors::{ChunkVectors, UnembeddedChunk};

#[cfg(test)]
pub(crate) const AREAS: &[&[(&str, crate::db::Statement)]] =
    &[ALL, add::ALL, chunks::ALL, delete::ALL, list::ALL, read::ALL, vectors::ALL];

/// The kind of the jobs that read documents; a job's key is the id of its document.
pub const READ_JOB: &str = "read_document";
/// The kind of the jobs that delete bytes which no document has any more, or never came to have; a
/// job's key is the id under which they are kept.
pub const ERASE_JOB: &str = "erase_document";

/// A document as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Document {
    pub id: DocumentId,
    pub owner: DocumentOwner,
    pub filename: String,
    /// As whoever sent it said; what it is says `format`.
    pub media_type: String,
    /// Bytes of the file.
    pub size: u64,
    /// Of the file, in hexadecimal.
    pub sha256: String,
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    pub status: DocumentStatus,
    /// Why it cannot be read.
    pub error: Option<DocumentError>,
    /// What the content is: `PDF`, `Markdown file`; null until it was read.
    pub format: Option<String>,
    /// The title in the file's own metadata.
    pub title: Option<String>,
    /// What it is about, in sentences of its own, on one line; null until it was read.
    pub summary: Option<String>,
    /// What a person should know of how the file was read.
    pub notes: Vec<String>,
    /// Pages, slides or sheets; null where the format has none.
    pub parts: Option<u32>,
    /// How many of them are read.
    pub parts_read: u32,
    /// Passages that it was cut into.
    pub chunks: u32,
    /// How many of them have a vector.
    pub embedded: u32,
    /// Of its text, about.
    pub tokens: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When reading it began, the last time.
    pub started_at: Option<Timestamp>,
    /// When it was indexed or given up.
    pub finished_at: Option<Timestamp>,
}

/// Why a document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DocumentError {
    /// Stable: programs go by this.
    #[schema(example = "document_encrypted")]
    pub code: String,
    /// What is wrong and what to do.
    pub message: String,
}

macro_rules! columns {
    () => {
        "id, assistant, thread, message, filename, media_type, size, content_hash, metadata, status,
        error_code, error_message, format, title, notes, parts, parts_read, chunks, embedded, tokens,
        created_at, updated_at, started_at, finished_at, summary"
    };
}
use columns;

statements! {
    ONE = concat!("SELECT ", columns!(), " FROM documents WHERE workspace = $1 AND id = $2");
}

pub(super) fn one(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    id: &DocumentId,
) -> Result<Option<Document>, Failure> {
    session.one(ONE, values![workspace, id], document)
}

/// An owner in the three columns that name it.
struct OwnerColumns<'a> {
    assistant: &'a str,
    thread: &'a str,
    message: &'a str,
}

impl<'a> OwnerColumns<'a> {
    fn of(owner: &'a DocumentOwner) -> Self {
        let none = "";
        match owner {
            DocumentOwner::Assistant { assistant } => {
                Self { assistant: assistant.as_str(), thread: none, message: none }
            }
            DocumentOwner::Thread { thread } => {
                Self { assistant: none, thread: thread.as_str(), message: none }
            }
            DocumentOwner::Message { thread, message } => {
                Self { assistant: none, thread: thread.as_str(), message: message.as_str() }
            }
        }
    }
}

/// A document from [`columns`].
fn document(row: &Row<'_>) -> Result<Document, Failure> {
    let error = match row.get::<Option<String>>(10)? {
        Some(code) => Some(DocumentError { code, message: row.get(11)? }),
        None => None,
    };
    Ok(Document {
        id: row.get(0)?,
        owner: owner(row, 1)?,
        filename: row.get(4)?,
        media_type: row.get(5)?,
        size: row.get(6)?,
        sha256: row.bytes(7)?.iter().map(|byte| format!("{byte:02x}")).collect(),
        metadata: row.json(8)?.unwrap_or_default(),
        status: row.get(9)?,
        error,
        format: row.get(12)?,
        title: row.get(13)?,
        summary: row.get(24)?,
        notes: row.json(14)?.unwrap_or_default(),
        parts: row.get(15)?,
        parts_read: row.get(16)?,
        chunks: row.get(17)?,
        embedded: row.get(18)?,
        tokens: row.get(19)?,
        created_at: row.get(20)?,
        updated_at: row.get(21)?,
        started_at: row.get(22)?,
        finished_at: row.get(23)?,
    })
}

/// An owner from three columns, of which the first is given.
fn owner(row: &Row<'_>, first: usize) -> Result<DocumentOwner, Failure> {
    let texts: [String; 3] = [row.get(first)?, row.get(first + 1)?, row.get(first + 2)?];
    let [assistant, thread, message] = &texts;
    let owner = match (thread.is_empty(), message.is_empty()) {
        (true, _) => Name::parse(assistant).map(|assistant| DocumentOwner::Assistant { assistant }),
        (false, true) => ThreadId::parse(thread).map(|thread| DocumentOwner::Thread { thread }),
        (false, false) => ThreadId::parse(thread)
            .zip(MessageId::parse(message))
            .map(|(thread, message)| DocumentOwner::Message { thread, message }),
    };
    owner.ok_or_else(|| Error::internal("a stored document has no owner").into())
}

fn job(kind: &str, id: &DocumentId, due_at: Timestamp) -> NewJob {
    NewJob { kind: kind.to_owned(), key: id.to_string(), payload: Value::Null, due_at }
}
