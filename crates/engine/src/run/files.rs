//! Files that come with a message: documents of it, read before a model is asked.

use std::time::Duration;

use backstay_core::{CallContext, MessageId, Result, ThreadId, document::DocumentOwner};
use backstay_store::Document;
use bytes::Bytes;
use futures::{future::join_all, stream};
use serde_json::Map;

use crate::{DocumentUpload, Engine};

/// What takes longer to read is found by later messages.
const WAIT: Duration = Duration::from_secs(15);

/// A file that came with a message, whole: a message is no larger than a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    pub filename: String,
    pub media_type: Option<String>,
    pub bytes: Bytes,
}

impl Engine {
    /// Keeps the files of a message, and waits for a while until they can be searched. All or none: what
    /// was kept before one that cannot be is deleted again.
    pub(super) async fn attach(
        &self,
        context: &CallContext,
        thread: &ThreadId,
        message: &MessageId,
        files: Vec<NewFile>,
    ) -> Result<Vec<Document>> {
        let owner = DocumentOwner::Message { thread: thread.clone(), message: message.clone() };
        let mut kept = Vec::with_capacity(files.len());
        for file in files {
            let upload = DocumentUpload {
                owner: owner.clone(),
                filename: file.filename,
                media_type: file.media_type,
                metadata: Map::new(),
            };
            let bytes = stream::iter([Ok(file.bytes)]);
            match self.add_document(context, upload, bytes).await {
                Ok(added) => kept.push(added.document.id),
                Err(error) => {
                    self.delete_documents_of(context, &owner).await?;
                    return Err(error);
                }
            }
        }
        let settled = kept.iter().map(|id| self.settled_document(context, id, WAIT));
        join_all(settled).await.into_iter().collect()
    }
}
