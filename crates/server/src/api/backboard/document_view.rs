//! A document as this dialect shows it.

use axum::http::{HeaderMap, header};
use backstay_core::document::DocumentStatus;
use backstay_store::Document;
use serde_json::{Value, json};

use super::ids::shown;

/// Clients of Python up to this version know `failed` and stop at `error`; later ones know both.
const LAST_WITHOUT_ERROR: (u32, u32, u32) = (1, 5, 16);
const PYTHON: &str = "backboard-python-sdk/";

/// What a client can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    Old,
    Current,
}

impl Client {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let version = agent.and_then(|agent| agent.strip_prefix(PYTHON)).and_then(version);
        match version {
            Some(version) if version <= LAST_WITHOUT_ERROR => Self::Old,
            _ => Self::Current,
        }
    }
}

fn version(text: &str) -> Option<(u32, u32, u32)> {
    let mut numbers = text.split([' ', '.']).map_while(|part| part.parse().ok());
    Some((numbers.next()?, numbers.next()?, numbers.next().unwrap_or_default()))
}

fn status(document: &Document, client: Client) -> &'static str {
    match (document.status, client) {
        (DocumentStatus::Error, Client::Old) => "failed",
        (status, _) => status.as_str(),
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
        "summary": document.title,
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
        "summary": document.title,
    })
}

/// By the name's ending.
fn document_type(document: &Document) -> String {
    let ending = document.filename.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_clients_are_known_by_their_version() {
        let of = |agent: &str| {
            let headers = HeaderMap::from_iter([(header::USER_AGENT, agent.parse().unwrap())]);
            Client::of(&headers)
        };
        assert_eq!(of("backboard-python-sdk/1.4.12 (async)"), Client::Old);
        assert_eq!(of("backboard-python-sdk/1.5.16 (async)"), Client::Old);
        assert_eq!(of("backboard-python-sdk/1.5.17 (async)"), Client::Current);
        assert_eq!(of("backboard-js-sdk/1.5.0"), Client::Current);
        assert_eq!(Client::of(&HeaderMap::new()), Client::Current);
    }
}
