//! Vectors of chunks: made in the background, as those of episodes are.

use std::collections::BTreeMap;

use backstay_core::{DocumentId, Result, Timestamp, WorkspaceId, document::DocumentStatus};

use crate::{
    PassageVector, Store, VectorCount, Workspace,
    db::{Failure, Row, Session, statements, values},
    vector_queue::waiting,
    vectors::{counted, from_bytes, to_bytes, unusable},
};

/// A chunk that has no vector of the wanted model yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnembeddedChunk {
    pub workspace: WorkspaceId,
    pub document: DocumentId,
    pub number: u32,
    pub filename: String,
    pub title: Option<String>,
    pub headings: Vec<String>,
    pub text: String,
}

/// The vectors of one chunk's passages.
#[derive(Clone, Debug, PartialEq)]
pub struct ChunkVectors {
    pub document: DocumentId,
    pub number: u32,
    pub passages: Vec<PassageVector>,
}

macro_rules! queue {
    ($store:tt) => {
        waiting!(
            $store,
            table: "chunk_vectors",
            key: ["document", "number"],
            first: "v.passage = 0",
            texts: "document_chunks AS c CROSS JOIN documents AS d",
            joined: "c.workspace = v.workspace AND c.document = v.document AND c.number = v.number
                AND d.workspace = v.workspace AND d.id = v.document",
            shown: "v.workspace, v.document, v.number, d.filename, d.title, c.headings, c.text"
        )
    };
}

statements! {
    UNEMBEDDED = queue!(sqlite), postgres: queue!(postgres);
    /// Also takes the document's row, so that of those who store its last vectors at the same time
    /// the second sees what the first stored.
    TOUCH = "UPDATE documents SET version = CASE WHEN version > 0 THEN version + 1 ELSE 0 END
        WHERE workspace = $1 AND id = $2";
    PUT_FIRST = "UPDATE chunk_vectors
        SET model = $1, revision = $2, dimension = $3, vector = $4, states = $5
        WHERE workspace = $6 AND document = $7 AND number = $8 AND passage = 0";
    DELETE_FURTHER = "DELETE FROM chunk_vectors
        WHERE workspace = $1 AND document = $2 AND number = $3 AND passage > 0";
    PUT_FURTHER = "INSERT INTO chunk_vectors
            (workspace, document, number, passage, model, revision, dimension, vector, states)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    EMBEDDED = "SELECT count(*) FROM chunk_vectors
        WHERE workspace = $1 AND model = $2 AND revision = $3 AND document = $4 AND passage = 0";
    COUNT_EMBEDDED = "UPDATE documents SET embedded = $1, updated_at = $2
        WHERE workspace = $3 AND id = $4";
    DONE = "UPDATE documents SET status = $1, finished_at = $2
        WHERE workspace = $3 AND id = $4 AND status = 'processing' AND version > 0
            AND embedded >= chunks";
    OF_DOCUMENT = "SELECT number, vector, states FROM chunk_vectors
        WHERE workspace = $1 AND document = $2 AND number >= $3 AND number < $4
            AND model = $5 AND revision = $6
        ORDER BY number, passage";
    COUNT_ALL = "SELECT model, revision, count(*) FROM chunk_vectors WHERE passage = 0
        GROUP BY model, revision ORDER BY model, revision";
}

impl Store {
    /// Work for this process, as [`next_unembedded`](Store::next_unembedded) for episodes.
    pub async fn next_unembedded_chunks(
        &self,
        model: &str,
        revision: &str,
        limit: usize,
    ) -> Result<Vec<UnembeddedChunk>> {
        self.take_waiting(UNEMBEDDED, (model, revision), limit, unembedded).await
    }

    /// Over all workspaces.
    pub async fn chunk_vector_counts(&self) -> Result<Vec<VectorCount>> {
        self.read(|session| session.all(COUNT_ALL, &[], counted)).await
    }
}

impl Workspace {
    /// Stores the vectors of chunks in the place of those before; those of chunks that are gone are
    /// left out. A document all of whose chunks now have a vector of this model is indexed.
    pub async fn put_chunk_vectors(
        &self,
        model: &str,
        revision: &str,
        vectors: Vec<ChunkVectors>,
        now: Timestamp,
    ) -> Result<()> {
        let passages = || vectors.iter().flat_map(|chunk| &chunk.passages);
        let dimension = passages().next().map_or(0, |passage| passage.vector.len());
        let usable = !model.is_empty()
            && vectors.iter().all(|chunk| !chunk.passages.is_empty())
            && passages().all(|passage| passage.vector.len() == dimension && dimension > 0);
        if !usable {
            return Err(unusable());
        }
        let (model, revision) = (model.to_owned(), revision.to_owned());
        let mut by_document: BTreeMap<DocumentId, Vec<ChunkVectors>> = BTreeMap::new();
        for chunk in vectors {
            by_document.entry(chunk.document.clone()).or_default().push(chunk);
        }
        self.write_beside(move |session, workspace| {
            let put = Put { session, workspace, model: &model, revision: &revision, dimension };
            by_document
                .iter()
                .try_for_each(|(document, chunks)| put.document(document, chunks, now))
        })
        .await
    }

    /// The vectors that this model made of a document's chunks with these numbers, the last one not
    /// included; of those that have any.
    pub async fn chunk_vectors(
        &self,
        document: &DocumentId,
        numbers: std::ops::Range<u32>,
        model: &str,
        revision: &str,
    ) -> Result<Vec<(u32, Vec<PassageVector>)>> {
        let (document, model, revision) = (document.clone(), model.to_owned(), revision.to_owned());
        self.read(move |session, workspace| {
            let values =
                values![workspace, &document, numbers.start, numbers.end, &model, &revision];
            let mut found: Vec<(u32, Vec<PassageVector>)> = Vec::new();
            for (number, made) in session.all(OF_DOCUMENT, values, passage)? {
                match found.last_mut() {
                    Some((last, passages)) if *last == number => passages.push(made),
                    _ => found.push((number, vec![made])),
                }
            }
            Ok(found)
        })
        .await
    }
}

/// Vectors of one model on their way into their rows.
struct Put<'a> {
    session: &'a Session<'a>,
    workspace: &'a WorkspaceId,
    model: &'a str,
    revision: &'a str,
    dimension: usize,
}

impl Put<'_> {
    fn document(
        &self,
        document: &DocumentId,
        chunks: &[ChunkVectors],
        now: Timestamp,
    ) -> Result<(), Failure> {
        let Self { session, workspace, model, revision, .. } = *self;
        if session.execute(TOUCH, values![workspace, document])? == 0 {
            return Ok(());
        }
        chunks.iter().try_for_each(|chunk| self.chunk(chunk))?;
        let values = values![workspace, model, revision, document];
        let embedded: Option<u32> = session.one(EMBEDDED, values, |row| row.get(0))?;
        let values = values![embedded.unwrap_or(0), now, workspace, document];
        session.execute(COUNT_EMBEDDED, values)?;
        session.execute(DONE, values![DocumentStatus::Indexed, now, workspace, document])?;
        Ok(())
    }

    fn chunk(&self, chunk: &ChunkVectors) -> Result<(), Failure> {
        let Self { session, workspace, model, revision, dimension } = *self;
        let ChunkVectors { document, number, passages } = chunk;
        let Some((first, further)) = passages.split_first() else { return Ok(()) };
        let (vector, states) = (to_bytes(&first.vector), first.states.as_slice());
        let vector = vector.as_slice();
        let values =
            values![model, revision, dimension, vector, states, workspace, document, *number];
        if session.execute(PUT_FIRST, values)? == 0 {
            return Ok(());
        }
        session.execute(DELETE_FURTHER, values![workspace, document, *number])?;
        for (passage, made) in (1_usize..).zip(further) {
            let (vector, states) = (to_bytes(&made.vector), made.states.as_slice());
            let vector = vector.as_slice();
            session.execute(
                PUT_FURTHER,
                values![
                    workspace, document, *number, passage, model, revision, dimension, vector,
                    states
                ],
            )?;
        }
        Ok(())
    }
}

fn passage(row: &Row<'_>) -> Result<(u32, PassageVector), Failure> {
    let states = if row.is_null(2)? { Vec::new() } else { row.bytes(2)?.to_vec() };
    Ok((row.get(0)?, PassageVector { vector: from_bytes(row.bytes(1)?), states }))
}

fn unembedded(row: &Row<'_>) -> Result<UnembeddedChunk, Failure> {
    Ok(UnembeddedChunk {
        workspace: row.get(0)?,
        document: row.get(1)?,
        number: row.get(2)?,
        filename: row.get(3)?,
        title: row.get(4)?,
        headings: row.json(5)?.unwrap_or_default(),
        text: row.get(6)?,
    })
}
