//! Adding documents.

use backstay_core::{CallContext, DocumentId, Error, ErrorCode, Result, document::DocumentOwner};
use backstay_store::{AddedDocument, NewDocument};
use bytes::Bytes;
use futures::Stream;
use serde_json::{Map, Value};

use super::incoming::Incoming;
use crate::Engine;

const FILENAME_CHARACTERS_MAX: usize = 255;
const METADATA_BYTES_MAX: usize = 16 * 1024;
const UNKNOWN_MEDIA_TYPE: &str = "application/octet-stream";

/// A file to be added, without its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentUpload {
    pub owner: DocumentOwner,
    /// Folders before the name do not count.
    pub filename: String,
    /// What the sender takes it for; what it is, its content tells.
    pub media_type: Option<String>,
    /// The client's own, kept as it is.
    pub metadata: Map<String, Value>,
}

impl Engine {
    /// Adds a file to an assistant, a thread or a message, and has it read in the background; returns
    /// once its bytes are durable. The same bytes again are the owner's document of them: `is_known`
    /// tells, and one that could not be read is then read again. A file that no text can be read of is
    /// added too; its status becomes `error` and says why.
    ///
    /// # Errors
    /// `body_too_large`, `document_quota_exceeded`, `not_found` when the owner's thread is not there,
    /// `invalid_request` for the filename or metadata, `store_unavailable`. Nothing stays of a file that
    /// was refused, or whose bytes broke off with an error.
    pub async fn add_document(
        &self,
        context: &CallContext,
        upload: DocumentUpload,
        bytes: impl Stream<Item = Result<Bytes>> + Send,
    ) -> Result<AddedDocument> {
        let DocumentUpload { owner, filename, media_type, metadata } = upload;
        let filename = base_name(&filename)?;
        check_metadata(&metadata)?;
        let store = self.store().workspace(&context.workspace);
        if let Some(thread) = owner.thread()
            && store.thread(thread).await?.is_none()
        {
            return Err(Error::new(ErrorCode::NotFound, format!("there is no thread {thread}")));
        }
        let limits = self.options().documents.limits_of(&context.workspace);
        let blobs = self.blobs();
        let id = DocumentId::new(self.clock(), self.random())?;
        let folder = blobs.incoming_folder();
        let file = Incoming::receive(&folder, &id, bytes, limits.file_bytes_max).await?;
        let new = NewDocument {
            id: id.clone(),
            filename,
            media_type: media_type.unwrap_or_else(|| UNKNOWN_MEDIA_TYPE.to_owned()),
            size: file.size,
            content_hash: file.content_hash,
            metadata,
            owner,
        };
        let known = store.document_of_bytes(&new.owner, &new.content_hash).await?;
        if known.is_none() {
            store.expect_document(&id, self.clock().now()).await?;
            blobs.put(&context.workspace, &id, file).await?;
        }
        let added = store.add_document(new, limits.quota, self.clock().now()).await;
        if !added.as_ref().is_ok_and(|added| !added.is_known) && known.is_none() {
            // If this fails too, the bytes go a day later.
            blobs.delete(&context.workspace, &id).await?;
        }
        let added = added?;
        self.jobs().read_documents_soon();
        Ok(added)
    }
}

fn base_name(filename: &str) -> Result<String> {
    let name = filename.rsplit(['/', '\\']).next().unwrap_or(filename).trim();
    let is_usable = !name.is_empty()
        && name.chars().count() <= FILENAME_CHARACTERS_MAX
        && !name.chars().any(char::is_control);
    if !is_usable {
        let message = format!(
            "a document has a filename of 1 to {FILENAME_CHARACTERS_MAX} characters without control \
             characters"
        );
        return Err(Error::invalid(message).with_parameter("filename"));
    }
    Ok(name.to_owned())
}

fn check_metadata(metadata: &Map<String, Value>) -> Result<()> {
    let bytes = serde_json::to_string(metadata).map_or(usize::MAX, |text| text.len());
    if bytes > METADATA_BYTES_MAX {
        let message =
            format!("a document's metadata has at most {METADATA_BYTES_MAX} bytes of JSON");
        return Err(Error::invalid(message).with_parameter("metadata"));
    }
    Ok(())
}
