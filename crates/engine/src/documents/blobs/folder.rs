//! Files in a folder of this machine, one folder for each workspace.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_stream::try_stream;
use backstay_core::{DocumentId, Error, ErrorCode, Result, WorkspaceId};
use bytes::BytesMut;
use tokio::io::AsyncReadExt as _;

use super::{BytesStream, Incoming};

const INCOMING: &str = "incoming";
const PIECE_BYTES: usize = 64 * 1024;

/// Cheap to clone.
#[derive(Clone)]
pub struct FolderBlobs {
    folder: Arc<Path>,
}

impl FolderBlobs {
    /// A folder, made when it is not there. What an earlier process left half-way is deleted, unless
    /// other processes may have it open.
    pub fn at(folder: PathBuf, is_shared: bool) -> Result<Self> {
        let incoming = folder.join(INCOMING);
        let made = std::fs::create_dir_all(&incoming).and_then(|()| match is_shared {
            true => Ok(()),
            false => empty(&incoming),
        });
        made.map_err(|cause| {
            let message = format!(
                "documents cannot be kept in {}: {cause}; make the folder writable, or set \
                 documents.folder to one that is",
                folder.display()
            );
            Error::new(ErrorCode::StoreUnavailable, message)
        })?;
        Ok(Self { folder: folder.into() })
    }

    pub(super) fn incoming(&self) -> PathBuf {
        self.folder.join(INCOMING)
    }

    pub(super) async fn put(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
        file: Incoming,
    ) -> Result<()> {
        let path = self.path(workspace, id);
        blocking(move || file.move_to(&path)).await?.map_err(|cause| failed("kept", &cause))
    }

    pub(super) async fn open(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
    ) -> Result<Option<File>> {
        let path = self.path(workspace, id);
        match blocking(move || File::open(path)).await? {
            Ok(file) => Ok(Some(file)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(failed("read", &cause)),
        }
    }

    pub(super) async fn stream(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
    ) -> Result<Option<BytesStream>> {
        let Some(file) = self.open(workspace, id).await? else { return Ok(None) };
        let mut file = tokio::fs::File::from_std(file);
        Ok(Some(Box::pin(try_stream! {
            loop {
                let mut piece = BytesMut::with_capacity(PIECE_BYTES);
                let read = file.read_buf(&mut piece).await;
                if read.map_err(|cause| failed("read", &cause))? == 0 {
                    break;
                }
                yield piece.freeze();
            }
        })))
    }

    pub(super) async fn delete(&self, workspace: &WorkspaceId, id: &DocumentId) -> Result<()> {
        let path = self.path(workspace, id);
        match blocking(move || std::fs::remove_file(path)).await? {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(failed("deleted", &cause)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Identifiers are letters, digits and dashes after their prefix: no path can be written in one.
    fn path(&self, workspace: &WorkspaceId, id: &DocumentId) -> PathBuf {
        self.folder.join(workspace.as_str()).join(id.as_str())
    }
}

fn empty(folder: &Path) -> io::Result<()> {
    std::fs::read_dir(folder)?.try_for_each(|entry| std::fs::remove_file(entry?.path()))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|cause| Error::internal(format!("work on a file ended early: {cause}")))
}

fn failed(what: &str, cause: &io::Error) -> Error {
    let message = format!(
        "a document's bytes could not be {what} ({cause}); the operator may have to look at the \
         folder of documents"
    );
    Error::new(ErrorCode::StoreUnavailable, message)
}
