//! The chunks of a document.

use backstay_core::{ChunkId, DocumentId, Result, WorkspaceId};
use serde_json::Value;

use crate::{
    Workspace,
    db::{Failure, Row, Session, statements, values},
    messages::to_json,
};

statements! {
    INSERT = "INSERT INTO document_chunks
            (workspace, document, number, headings, text, source, place, tokens)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    AWAIT_VECTOR = "INSERT INTO chunk_vectors (workspace, document, number, passage)
        VALUES ($1, $2, $3, 0)";
    DELETE_ALL = "DELETE FROM document_chunks WHERE workspace = $1 AND document = $2";
    ONE = "SELECT number, headings, text, source, place, tokens FROM document_chunks
        WHERE workspace = $1 AND document = $2 AND number = $3";
    SOME = "SELECT number, headings, text, source, place, tokens FROM document_chunks
        WHERE workspace = $1 AND document = $2 AND number >= $3 ORDER BY number LIMIT $4";
    WITHOUT_VECTORS = "SELECT count(*) FROM chunk_vectors
        WHERE workspace = $1 AND model = '' AND revision = '' AND document = $2 AND passage = 0";
}

/// A piece of a document that is found and cited by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct NewChunk {
    /// Its place among the document's chunks, from 0.
    pub number: u32,
    /// The headings that it stands under, the outermost first.
    pub headings: Vec<String>,
    pub text: String,
    /// Where in the file it stands, in whoever reads files' own form.
    pub source: Value,
    /// The same as a citation says it.
    pub place: String,
    pub tokens: u64,
}

/// A chunk as it is kept.
pub type StoredChunk = NewChunk;

impl Workspace {
    /// Chunks of a document from a number on, at most `limit`, in their order.
    pub async fn chunks(
        &self,
        document: &DocumentId,
        from: u32,
        limit: usize,
    ) -> Result<Vec<StoredChunk>> {
        let document = document.clone();
        self.read(move |session, workspace| {
            session.all(SOME, values![workspace, &document, from, limit], chunk)
        })
        .await
    }

    /// These chunks, in their order; those that are there.
    pub async fn chunks_named(&self, ids: Vec<ChunkId>) -> Result<Vec<(ChunkId, StoredChunk)>> {
        self.read(move |session, workspace| {
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                let Some((document, number)) = id.place() else { continue };
                let values = values![workspace, &document, number];
                found.extend(session.one(ONE, values, chunk)?.map(|chunk| (id, chunk)));
            }
            Ok(found)
        })
        .await
    }
}

pub(super) fn insert(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    document: &DocumentId,
    new: &NewChunk,
) -> Result<(), Failure> {
    let NewChunk { number, headings, text, source, place, tokens } = new;
    let (headings, source) = (to_json(headings)?, to_json(source)?);
    let values = values![workspace, document, *number, &headings, text, &source, place, *tokens];
    session.execute(INSERT, values)?;
    session.execute(AWAIT_VECTOR, values![workspace, document, *number])?;
    Ok(())
}

pub(super) fn delete_all(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    document: &DocumentId,
) -> Result<(), Failure> {
    session.execute(DELETE_ALL, values![workspace, document])?;
    Ok(())
}

/// How many have none yet, of whatever model.
pub(super) fn without_vectors(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    document: &DocumentId,
) -> Result<u32, Failure> {
    let count = session.one(WITHOUT_VECTORS, values![workspace, document], |row| row.get(0))?;
    Ok(count.unwrap_or(0))
}

fn chunk(row: &Row<'_>) -> Result<StoredChunk, Failure> {
    Ok(NewChunk {
        number: row.get(0)?,
        headings: row.json(1)?.unwrap_or_default(),
        text: row.get(2)?,
        source: row.json(3)?.unwrap_or_default(),
        place: row.get(4)?,
        tokens: row.get(5)?,
    })
}
