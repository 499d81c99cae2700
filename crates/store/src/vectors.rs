//! Vectors of episodes: made in the background, one per episode, of one model at a time.

use backstay_core::{EpisodeId, Error, Result, WorkspaceId, memory::Scope};

use crate::{
    Store, Workspace,
    db::{Failure, Row, statements, values},
    scopes::scope_user,
    threads::scope,
};

/// Rows that one call for work returns at most.
const BATCH_MAX: usize = 1_000;
const BYTES_PER_NUMBER: usize = 4;

/// An episode that has no vector of the wanted model yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unembedded {
    pub workspace: WorkspaceId,
    pub scope: Scope,
    pub episode: EpisodeId,
    pub text: String,
}

/// How many episodes have a vector of one model; both names are empty for those that have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorCount {
    pub model: String,
    pub revision: String,
    pub episodes: u64,
}

statements! {
    /// Two ranges of the index by model instead of an inequality, which no index serves. SQLite
    /// keeps the order of a cross join: workspace by workspace, as the index is sorted.
    UNEMBEDDED = "SELECT v.workspace, e.assistant, e.user_name, e.id, e.text
        FROM workspaces AS w CROSS JOIN episode_vectors AS v CROSS JOIN episodes AS e
        WHERE v.workspace = w.id AND (v.model, v.revision) < ($1, $2)
            AND e.workspace = v.workspace AND e.id = v.episode
        UNION ALL
        SELECT v.workspace, e.assistant, e.user_name, e.id, e.text
        FROM workspaces AS w CROSS JOIN episode_vectors AS v CROSS JOIN episodes AS e
        WHERE v.workspace = w.id AND (v.model, v.revision) > ($1, $2)
            AND e.workspace = v.workspace AND e.id = v.episode
        LIMIT $3";
    UNEMBEDDED_OF_WORKSPACE = "SELECT v.workspace, e.assistant, e.user_name, e.id, e.text
        FROM episode_vectors AS v
        JOIN episodes AS e ON e.workspace = v.workspace AND e.id = v.episode
        WHERE v.workspace = $1 AND (v.model, v.revision) < ($2, $3)
        UNION ALL
        SELECT v.workspace, e.assistant, e.user_name, e.id, e.text
        FROM episode_vectors AS v
        JOIN episodes AS e ON e.workspace = v.workspace AND e.id = v.episode
        WHERE v.workspace = $1 AND (v.model, v.revision) > ($2, $3)
        LIMIT $4";
    PUT = "UPDATE episode_vectors SET model = $1, revision = $2, dimension = $3, vector = $4
        WHERE workspace = $5 AND episode = $6";
    /// A cross join, so that SQLite begins with the scope and not with every vector of the model.
    OF_SCOPE = "SELECT v.episode, v.vector
        FROM episodes AS e CROSS JOIN episode_vectors AS v
        WHERE e.workspace = $1 AND e.assistant = $2 AND e.user_name = $3
            AND v.workspace = e.workspace AND v.episode = e.id
            AND v.model = $4 AND v.revision = $5
        ORDER BY e.sequence";
    COUNT = "SELECT model, revision, count(*) FROM episode_vectors WHERE workspace = $1
        GROUP BY model, revision ORDER BY model, revision";
    COUNT_ALL = "SELECT model, revision, count(*) FROM episode_vectors
        GROUP BY model, revision ORDER BY model, revision";
}

impl Store {
    /// Work for the one embedder of an installation: episodes of any workspace without a vector of
    /// this model, at most `limit` and at most 1,000.
    pub async fn next_unembedded(
        &self,
        model: &str,
        revision: &str,
        limit: usize,
    ) -> Result<Vec<Unembedded>> {
        let (model, revision) = (model.to_owned(), revision.to_owned());
        self.db()
            .read(move |session| {
                let values = values![&model, &revision, limit.min(BATCH_MAX)];
                session.all(UNEMBEDDED, values, unembedded)
            })
            .await
    }

    /// Over all workspaces.
    pub async fn vector_counts(&self) -> Result<Vec<VectorCount>> {
        self.db().read(|session| session.all(COUNT_ALL, &[], counted)).await
    }
}

impl Workspace {
    /// Episodes without a vector of this model, at most `limit` and at most 1,000.
    pub async fn episodes_without_vector(
        &self,
        model: &str,
        revision: &str,
        limit: usize,
    ) -> Result<Vec<Unembedded>> {
        let (model, revision) = (model.to_owned(), revision.to_owned());
        self.read(move |session, workspace| {
            let values = values![workspace, &model, &revision, limit.min(BATCH_MAX)];
            session.all(UNEMBEDDED_OF_WORKSPACE, values, unembedded)
        })
        .await
    }

    /// Stores vectors, each in the place of its episode's former one. How many were stored: episodes
    /// that were forgotten meanwhile have no place for one. All vectors have the same length.
    pub async fn put_vectors(
        &self,
        model: &str,
        revision: &str,
        vectors: Vec<(EpisodeId, Vec<f32>)>,
    ) -> Result<usize> {
        let dimension = vectors.first().map_or(0, |(_, vector)| vector.len());
        let differs = vectors.iter().any(|(_, vector)| vector.len() != dimension);
        if model.is_empty() || differs || (dimension == 0 && !vectors.is_empty()) {
            return Err(Error::internal("vectors need a model's name and one length above 0"));
        }
        let (model, revision) = (model.to_owned(), revision.to_owned());
        self.write(move |session, workspace| {
            let mut stored = 0;
            for (episode, vector) in &vectors {
                let bytes = to_bytes(vector);
                let values =
                    values![&model, &revision, dimension, bytes.as_slice(), workspace, episode];
                stored += session.execute(PUT, values)?;
            }
            Ok(stored)
        })
        .await
    }

    /// The vectors of a scope that this model made, in the order in which their episodes were
    /// written.
    pub async fn scope_vectors(
        &self,
        scope: &Scope,
        model: &str,
        revision: &str,
    ) -> Result<Vec<(EpisodeId, Vec<f32>)>> {
        let (scope, model, revision) = (scope.clone(), model.to_owned(), revision.to_owned());
        self.read(move |session, workspace| {
            let (assistant, user) = (&scope.assistant, scope_user(&scope));
            let values = values![workspace, assistant, user, &model, &revision];
            session.all(OF_SCOPE, values, |row| Ok((row.get(0)?, from_bytes(row.bytes(1)?))))
        })
        .await
    }

    pub async fn vector_counts(&self) -> Result<Vec<VectorCount>> {
        self.read(|session, workspace| session.all(COUNT, values![workspace], counted)).await
    }
}

fn unembedded(row: &Row<'_>) -> Result<Unembedded, Failure> {
    Ok(Unembedded {
        workspace: row.get(0)?,
        scope: scope(row, 1)?,
        episode: row.get(3)?,
        text: row.get(4)?,
    })
}

fn counted(row: &Row<'_>) -> Result<VectorCount, Failure> {
    Ok(VectorCount { model: row.get(0)?, revision: row.get(1)?, episodes: row.get(2)? })
}

fn to_bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn from_bytes(bytes: &[u8]) -> Vec<f32> {
    let (numbers, _) = bytes.as_chunks::<BYTES_PER_NUMBER>();
    numbers.iter().map(|number| f32::from_le_bytes(*number)).collect()
}
