//! Tombstones: hashes of what was forgotten. They hold no text.

use backstay_core::{EpisodeId, Timestamp, WorkspaceId};

use crate::{
    db::{Failure, Session, statements, values},
    digest::digest,
};

statements! {
    PUT = "INSERT INTO tombstones (workspace, content_hash, forgotten_at) VALUES ($1, $2, $3)
        ON CONFLICT (workspace, content_hash) DO NOTHING";
    STANDS = "SELECT 1 FROM tombstones WHERE workspace = $1 AND content_hash = $2";
    LIFT = "DELETE FROM tombstones WHERE workspace = $1 AND content_hash = $2";
}

/// The hash of an episode. That of an imported one names its content, so that this one does too.
pub(crate) fn of_episode(id: &EpisodeId) -> [u8; 32] {
    digest(&[b"episode", id.as_str().as_bytes()])
}

pub(crate) fn put(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<(), Failure> {
    session.execute(PUT, values![workspace, hash.as_slice(), now])?;
    Ok(())
}

pub(crate) fn stands(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    hash: &[u8; 32],
) -> Result<bool, Failure> {
    Ok(session.one(STANDS, values![workspace, hash.as_slice()], |_| Ok(()))?.is_some())
}

pub(crate) fn lift(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    hash: &[u8; 32],
) -> Result<(), Failure> {
    session.execute(LIFT, values![workspace, hash.as_slice()])?;
    Ok(())
}
