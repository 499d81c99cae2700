//! A file while it comes.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use backstay_core::{DocumentId, Error, ErrorCode, Result};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

/// A file that has come whole. It is deleted when it is dropped, unless it was moved to its place.
pub(crate) struct Incoming {
    path: PathBuf,
    pub(super) size: u64,
    /// SHA-256.
    pub(super) content_hash: [u8; 32],
}

/// Deletes a file that came half-way.
struct HalfWay<'a>(&'a Path);

impl Drop for HalfWay<'_> {
    fn drop(&mut self) {
        // What cannot be deleted now is deleted at the next start.
        let _ = std::fs::remove_file(self.0);
    }
}

impl Incoming {
    /// Writes what comes to a file, and hashes it on the way. Stops at the first byte too many.
    pub(super) async fn receive(
        folder: &Path,
        id: &DocumentId,
        bytes: impl Stream<Item = Result<Bytes>> + Send,
        bytes_max: u64,
    ) -> Result<Self> {
        let path = folder.join(id.as_str());
        let half_way = HalfWay(&path);
        let file = new_file(&path).await.map_err(|cause| not_written(&cause))?;
        let mut file = tokio::fs::File::from_std(file);
        let (mut size, mut hash) = (0_u64, Sha256::new());
        let mut bytes = std::pin::pin!(bytes);
        while let Some(piece) = bytes.next().await {
            let piece = piece?;
            size = size.saturating_add(piece.len() as u64);
            if size > bytes_max {
                return Err(too_large(bytes_max));
            }
            hash.update(&piece);
            file.write_all(&piece).await.map_err(|cause| not_written(&cause))?;
        }
        file.flush().await.map_err(|cause| not_written(&cause))?;
        file.sync_all().await.map_err(|cause| not_written(&cause))?;
        std::mem::forget(half_way);
        Ok(Self { path, size, content_hash: hash.finalize().into() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its place; durable when this returns. Blocks.
    pub(super) fn move_to(self, place: &Path) -> io::Result<()> {
        let folder = place.parent().ok_or(io::ErrorKind::InvalidInput)?;
        std::fs::create_dir_all(folder)?;
        std::fs::rename(&self.path, place)?;
        sync_folder(folder)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // Not there any more where it was moved.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn new_file(path: &Path) -> io::Result<File> {
    let path = path.to_owned();
    let make = move || OpenOptions::new().write(true).create_new(true).open(path);
    tokio::task::spawn_blocking(make).await.map_err(io::Error::other)?
}

/// So that the file's name survives a loss of power as its bytes do.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

fn too_large(bytes_max: u64) -> Error {
    let message = format!(
        "this file is larger than {bytes_max} bytes, the most that one document may have; split it, \
         or have the operator raise documents.file_bytes_max"
    );
    Error::new(ErrorCode::BodyTooLarge, message).with_parameter("file")
}

fn not_written(cause: &io::Error) -> Error {
    let message = format!(
        "a document could not be written to the folder of documents ({cause}); the operator may \
         have to make room there"
    );
    Error::new(ErrorCode::StoreUnavailable, message)
}
