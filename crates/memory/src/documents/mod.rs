//! Search over documents, with what searches memory: a document is held as a conversation whose turns
//! are its chunks, ranked by weights of their own.

mod indexes;
mod pending;
mod search;

use backstay_core::{DocumentId, Timestamp, document::DocumentScope};

pub(crate) use indexes::DocumentIndexes;
pub(crate) use pending::embed_pending;

/// A question to documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentSearch {
    pub question: String,
    pub scope: DocumentScope,
    /// Only these of the scope; all of them if there are none here.
    pub documents: Vec<DocumentId>,
    /// Passages at most.
    pub limit: usize,
    pub now: Timestamp,
}

/// What a chunk stands under, the outermost first.
fn head<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.trim().is_empty()).collect();
    parts.join(" › ")
}
