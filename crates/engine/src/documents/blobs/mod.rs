//! Where the bytes of documents are kept, under their workspace and id. They go through here in pieces
//! and are never wholly in memory.

mod bucket;
mod folder;

use std::{fs::File, path::PathBuf, pin::Pin};

use backstay_core::{DocumentId, Result, WorkspaceId};
use bytes::Bytes;
use futures::Stream;

pub use bucket::BucketBlobs;
pub use folder::FolderBlobs;

use super::incoming::Incoming;

/// A file's bytes, piece by piece.
pub type BytesStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// A place for bytes. Cheap to clone.
#[derive(Clone)]
pub enum Blobs {
    /// A folder of this machine.
    Folder(FolderBlobs),
    /// A bucket that servers share.
    Bucket(BucketBlobs),
}

impl Blobs {
    /// A folder in which files lie while they come, whatever keeps them afterwards.
    pub(super) fn incoming_folder(&self) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.incoming(),
            Self::Bucket(bucket) => bucket.incoming(),
        }
    }

    /// Keeps a file that has come whole. It is durable when this returns.
    pub(super) async fn put(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
        file: Incoming,
    ) -> Result<()> {
        match self {
            Self::Folder(folder) => folder.put(workspace, id, file).await,
            Self::Bucket(bucket) => bucket.put(workspace, id, file).await,
        }
    }

    /// A file as one of this machine, at its beginning; `None` when it is not kept.
    pub(super) async fn open(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
    ) -> Result<Option<File>> {
        match self {
            Self::Folder(folder) => folder.open(workspace, id).await,
            Self::Bucket(bucket) => bucket.open(workspace, id).await,
        }
    }

    /// The same piece by piece.
    pub(super) async fn stream(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
    ) -> Result<Option<BytesStream>> {
        match self {
            Self::Folder(folder) => folder.stream(workspace, id).await,
            Self::Bucket(bucket) => bucket.stream(workspace, id).await,
        }
    }

    /// Deletes a file; one that is not there is no error.
    pub(super) async fn delete(&self, workspace: &WorkspaceId, id: &DocumentId) -> Result<()> {
        match self {
            Self::Folder(folder) => folder.delete(workspace, id).await,
            Self::Bucket(bucket) => bucket.delete(workspace, id).await,
        }
    }
}
