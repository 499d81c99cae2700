//! A document as this dialect shows it.

use backstay_core::document::DocumentStatus;
use backstay_store::Document;
use serde_json::{Value, json};

use super::{client::Client, ids::shown};

fn status(document: &Document, client: Client) -> &'static str {
    match document.status {
        DocumentStatus::Error if !client.knows_error() => "failed",
        status => status.as_str(),
    }
}

/// Everything that a list or the status of one has.
pub(super) fn show(document: &Document, client: Client) -> Value {
    let time = |moment: Option<backstay_core::Timestamp>| {
        moment.map(backstay_core::Timestamp::to_micros_text)
    };
    json!({
        "document_id": shown!(document.id),
        "filename": document.filename,
        "document_type": document_type(document),
        "status": status(document, client),
        "status_message": document.error.as_ref().map(|error| &error.message),
        "summary": document.summary,
        "file_size_bytes": document.size,
        "total_tokens": document.tokens,
        "chunk_count": document.chunks,
        "processing_started_at": time(document.started_at),
        "processing_completed_at": time(document.finished_at),
        "created_at": document.created_at.to_micros_text(),
        "updated_at": document.updated_at.to_micros_text(),
        "metadata_": (!document.metadata.is_empty()).then_some(&document.metadata),
    })
}

/// What came with a message.
pub(super) fn attachment(document: &Document) -> Value {
    json!({
        "document_id": shown!(document.id),
        "filename": document.filename,
        "status": document.status.as_str(),
        "file_size_bytes": document.size,
        "summary": document.summary,
    })
}

/// By the name's ending.
fn document_type(document: &Document) -> String {
    let ending = document.filename.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.unwrap_or_default()
}
