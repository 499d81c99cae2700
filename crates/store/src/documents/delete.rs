//! Deleting documents, for good: rows in the same transaction, bytes by a job that it asks for.

use backstay_core::{
    DocumentId, Result, ThreadId, Timestamp, WorkspaceId, document::DocumentOwner,
};

use super::{ERASE_JOB, OwnerColumns, READ_JOB, job, one};
use crate::{
    Workspace,
    db::{Failure, Session, statements, values},
    idempotency, jobs, response_cache,
};

statements! {
    DELETE = "DELETE FROM documents WHERE workspace = $1 AND id = $2";
    END_READING = "DELETE FROM jobs WHERE workspace = $1 AND kind = $2 AND key = $3";
    OF_OWNER = "SELECT id FROM documents
        WHERE workspace = $1 AND assistant = $2 AND thread = $3 AND message = $4";
    OF_THREAD = "SELECT id FROM documents WHERE workspace = $1 AND assistant = '' AND thread = $2";
}

impl Workspace {
    /// Deletes a document with its chunks and vectors, and asks for its bytes to be deleted. Whether
    /// there was one.
    pub async fn delete_document(&self, id: &DocumentId, now: Timestamp) -> Result<bool> {
        let id = id.clone();
        self.erase(move |session, workspace| {
            let is_there = one(session, workspace, &id)?.is_some();
            delete(session, workspace, Vec::from_iter(is_there.then_some(id)), now)?;
            Ok(is_there)
        })
        .await
    }

    /// The same for all documents of an owner: which there were.
    pub async fn delete_documents_of(
        &self,
        owner: &DocumentOwner,
        now: Timestamp,
    ) -> Result<Vec<DocumentId>> {
        let owner = owner.clone();
        self.erase(move |session, workspace| {
            let OwnerColumns { assistant, thread, message } = OwnerColumns::of(&owner);
            let values = values![workspace, assistant, thread, message];
            let ids: Vec<DocumentId> = session.all(OF_OWNER, values, |row| row.get(0))?;
            delete(session, workspace, ids.clone(), now)?;
            Ok(ids)
        })
        .await
    }
}

/// Of a thread and of its messages.
pub(crate) fn delete_of_thread(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    thread: &ThreadId,
    now: Timestamp,
) -> Result<(), Failure> {
    let ids = session.all(OF_THREAD, values![workspace, thread], |row| row.get(0))?;
    delete(session, workspace, ids, now)
}

/// Answers that are kept may hold what the documents said.
fn delete(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    ids: Vec<DocumentId>,
    now: Timestamp,
) -> Result<(), Failure> {
    if ids.is_empty() {
        return Ok(());
    }
    idempotency::blank(session, workspace)?;
    response_cache::drop_all(session, workspace)?;
    for id in &ids {
        session.execute(END_READING, values![workspace, READ_JOB, id])?;
        session.execute(DELETE, values![workspace, id])?;
        jobs::enqueue(session, workspace, &job(ERASE_JOB, id, now), now)?;
    }
    Ok(())
}
