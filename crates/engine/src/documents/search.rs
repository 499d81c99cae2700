//! Finding passages.

use backstay_core::{
    CallContext, DocumentId, Error, Result,
    document::{DocumentScope, Passage},
};
use backstay_memory::DocumentSearch;

use crate::Engine;

const QUESTION_BYTES_MAX: usize = 64 * 1024;
const PASSAGES_MAX: usize = 100;
const PASSAGES_DEFAULT: usize = 10;

/// A question to documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentQuestion {
    pub question: String,
    /// An assistant's documents, a thread's with those of its messages, or both together; all of the
    /// workspace if it names neither.
    pub scope: DocumentScope,
    /// Only these of the scope; all of them if there are none here.
    pub documents: Vec<DocumentId>,
    /// Passages at most, 1 to 100; 10 unless told.
    pub limit: Option<usize>,
}

impl Engine {
    /// The passages that bear on a question, best first, found by words and meaning as memory is. Empty
    /// where nothing has to do with it, or nothing was read yet.
    ///
    /// # Errors
    /// `invalid_request` for the question or the limit.
    pub async fn search_documents(
        &self,
        context: &CallContext,
        question: DocumentQuestion,
    ) -> Result<Vec<Passage>> {
        let DocumentQuestion { question, scope, documents, limit } = question;
        let limit = limit.unwrap_or(PASSAGES_DEFAULT);
        if question.trim().is_empty() || question.len() > QUESTION_BYTES_MAX {
            let message = format!("a question has 1 to {QUESTION_BYTES_MAX} bytes");
            return Err(Error::invalid(message).with_parameter("question"));
        }
        if !(1..=PASSAGES_MAX).contains(&limit) {
            let message = format!("a search brings back 1 to {PASSAGES_MAX} passages");
            return Err(Error::invalid(message).with_parameter("limit"));
        }
        let now = self.clock().now();
        let search = DocumentSearch { question, scope, documents, limit, now };
        self.memory().search_documents(&context.workspace, search).await
    }
}
