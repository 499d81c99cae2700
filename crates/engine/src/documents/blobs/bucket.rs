//! Files in a bucket of a store that speaks S3's protocol, one prefix for each workspace.

use std::{fs::File, io, path::PathBuf};

use backstay_core::{DocumentId, Error, ErrorCode, Result, WorkspaceId};
use backstay_providers::Bucket;
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _, stream};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use super::{BytesStream, FolderBlobs, Incoming};

const PIECE_BYTES: usize = 256 * 1024;

/// Cheap to clone.
#[derive(Clone)]
pub struct BucketBlobs {
    bucket: Bucket,
    /// Where files lie while they come, and while they are read.
    folder: FolderBlobs,
}

impl BucketBlobs {
    pub fn new(bucket: Bucket, folder: FolderBlobs) -> Self {
        Self { bucket, folder }
    }

    pub(super) fn incoming(&self) -> PathBuf {
        self.folder.incoming()
    }

    pub(super) async fn put(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
        file: Incoming,
    ) -> Result<()> {
        let (size, hash) = (file.size, file.content_hash);
        let bytes = tokio::fs::File::open(file.path()).await.map_err(|cause| failed(&cause))?;
        self.bucket.put(&key(workspace, id), pieces(bytes), size, &hash).await
    }

    /// A copy that has no name any more: it is gone when it is closed.
    pub(super) async fn open(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
    ) -> Result<Option<File>> {
        let Some(mut bytes) = self.stream(workspace, id).await? else { return Ok(None) };
        let path = self.incoming().join(format!("{id}.read"));
        let copied = async {
            let mut options = tokio::fs::OpenOptions::new();
            let mut copy =
                options.read(true).write(true).create(true).truncate(true).open(&path).await?;
            tokio::fs::remove_file(&path).await?;
            while let Some(piece) = bytes.next().await {
                let piece = piece.map_err(io::Error::other)?;
                copy.write_all(&piece).await?;
            }
            copy.flush().await?;
            copy.rewind().await?;
            Ok(copy.into_std().await)
        };
        copied.await.map(Some).map_err(|cause| failed(&cause))
    }

    pub(super) async fn stream(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
    ) -> Result<Option<BytesStream>> {
        let found = self.bucket.get(&key(workspace, id)).await?;
        Ok(found.map(|bytes| Box::pin(bytes) as BytesStream))
    }

    pub(super) async fn delete(&self, workspace: &WorkspaceId, id: &DocumentId) -> Result<()> {
        self.bucket.delete(&key(workspace, id)).await
    }
}

fn key(workspace: &WorkspaceId, id: &DocumentId) -> String {
    format!("{workspace}/{id}")
}

fn pieces(file: tokio::fs::File) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::try_unfold(file, |mut file| async move {
        let mut piece = BytesMut::with_capacity(PIECE_BYTES);
        let read = file.read_buf(&mut piece).await?;
        Ok((read > 0).then(|| (piece.freeze(), file)))
    })
}

fn failed(cause: &io::Error) -> Error {
    let message = format!(
        "a document's bytes could not be copied ({cause}); the operator may have to look at the \
         folder of documents"
    );
    Error::new(ErrorCode::StoreUnavailable, message)
}
