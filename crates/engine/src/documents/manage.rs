//! Looking at documents, getting their bytes, copying and deleting them.

use std::time::Duration;

use backstay_core::{
    CallContext, DocumentId, Error, ErrorCode, Result,
    document::{DocumentOwner, DocumentStatus},
};
use backstay_store::{Document, ERASE_JOB, Page, PageRequest};

use super::{BytesStream, DocumentUpload};
use crate::Engine;

/// How often a document is looked at that somebody waits for.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
const PAGE: usize = 200;

impl Engine {
    /// A document as it is now. One of another workspace is as unknown as one that never was.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn document(&self, context: &CallContext, id: &DocumentId) -> Result<Document> {
        let found = self.store().workspace(&context.workspace).document(id).await?;
        found.ok_or_else(|| missing(id))
    }

    /// Newest first; those of one owner only, if one is given.
    pub async fn list_documents(
        &self,
        context: &CallContext,
        owner: Option<&DocumentOwner>,
        page: PageRequest,
    ) -> Result<Page<Document>> {
        self.store().workspace(&context.workspace).list_documents(owner, page).await
    }

    /// Waits until a document is indexed or given up, but no longer than `at_most`; as it is then. Once
    /// it was read it is found by its words even while it is `processing`.
    pub async fn settled_document(
        &self,
        context: &CallContext,
        id: &DocumentId,
        at_most: Duration,
    ) -> Result<Document> {
        let settled = async {
            loop {
                let document = self.document(context, id).await?;
                if matches!(document.status, DocumentStatus::Indexed | DocumentStatus::Error) {
                    return Ok(document);
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        match tokio::time::timeout(at_most, settled).await {
            Ok(settled) => settled,
            Err(_) => self.document(context, id).await,
        }
    }

    /// A document with its bytes, piece by piece.
    ///
    /// # Errors
    /// `not_found`, also where the bytes are gone.
    pub async fn document_content(
        &self,
        context: &CallContext,
        id: &DocumentId,
    ) -> Result<(Document, BytesStream)> {
        let document = self.document(context, id).await?;
        let bytes = self.blobs().stream(&context.workspace, id).await?;
        Ok((document, bytes.ok_or_else(|| missing(id))?))
    }

    /// Deletes a document for good, with its passages, their vectors and its bytes; as it was.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn delete_document(
        &self,
        context: &CallContext,
        id: &DocumentId,
    ) -> Result<Document> {
        let document = self.document(context, id).await?;
        let store = self.store().workspace(&context.workspace);
        if !store.delete_document(id, self.clock().now()).await? {
            return Err(missing(id));
        }
        self.erase(context, id).await;
        Ok(document)
    }

    /// Deletes all documents of an owner; how many there were. A deleted thread takes its own along by
    /// itself; this is for an assistant.
    pub async fn delete_documents_of(
        &self,
        context: &CallContext,
        owner: &DocumentOwner,
    ) -> Result<usize> {
        let store = self.store().workspace(&context.workspace);
        let ids = store.delete_documents_of(owner, self.clock().now()).await?;
        for id in &ids {
            self.erase(context, id).await;
        }
        Ok(ids.len())
    }

    /// Gives another owner a copy of every document of one; how many. Each copy is read anew.
    pub async fn copy_documents(
        &self,
        context: &CallContext,
        from: &DocumentOwner,
        to: &DocumentOwner,
    ) -> Result<usize> {
        let (mut count, mut cursor) = (0, None);
        loop {
            let page = PageRequest { limit: PAGE, cursor };
            let page = self.list_documents(context, Some(from), page).await?;
            for document in page.items {
                let (document, bytes) = self.document_content(context, &document.id).await?;
                let upload = DocumentUpload {
                    owner: to.clone(),
                    filename: document.filename,
                    media_type: Some(document.media_type),
                    metadata: document.metadata,
                };
                self.add_document(context, upload, bytes).await?;
                count += 1;
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(count);
            }
        }
    }

    /// Deletes the bytes of a document whose row is deleted. What fails is left to the job that the
    /// store has for it.
    async fn erase(&self, context: &CallContext, id: &DocumentId) {
        let erased = self.blobs().delete(&context.workspace, id).await;
        if let Err(error) = erased {
            tracing::warn!(%error, document = %id, "a document's bytes are deleted later");
        }
        self.jobs().erase_documents_soon();
        tracing::debug!(document = %id, job = ERASE_JOB, "a document was deleted");
    }
}

fn missing(id: &DocumentId) -> Error {
    Error::new(ErrorCode::NotFound, format!("there is no document {id}"))
}
