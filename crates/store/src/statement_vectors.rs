//! Vectors of statements: one of each that can be recalled, of its newest text.

use backstay_core::{MemoryId, Result, Timestamp, WorkspaceId, memory::Scope};

use crate::{
    PassageVector, Store, VectorCount, Workspace,
    db::{Failure, Row, named, statements, values},
    messages::to_json,
    scopes::{self, scope_user},
    threads::scope,
    vector_queue::waiting,
    vectors::{counted, from_bytes, to_bytes, unusable},
};

/// A statement that has no vector of the wanted model yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnembeddedStatement {
    pub workspace: WorkspaceId,
    pub scope: Scope,
    pub id: MemoryId,
    /// Whose text this is. A vector comes back with it, so that one of an outdated text is not
    /// stored.
    pub version: u32,
    pub text: String,
    pub said_at: Timestamp,
}

/// What an embedding model made of one version of a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementVector {
    pub id: MemoryId,
    pub version: u32,
    pub made: PassageVector,
}

macro_rules! queue {
    ($store:tt) => {
        waiting!(
            $store,
            table: "statement_vectors",
            key: ["statement"],
            texts: "statements AS s",
            joined: "s.workspace = v.workspace AND s.id = v.statement AND s.version = v.version",
            shown: "v.workspace, s.assistant, s.user_name, s.id, s.version, s.text, s.said_at"
        )
    };
}

macro_rules! these {
    ($named:expr) => {
        concat!(
            "SELECT v.statement, v.vector, v.states FROM statement_vectors AS v
            WHERE v.workspace = $1 AND v.statement ",
            $named,
            " AND v.model = $3 AND v.revision = $4"
        )
    };
}

statements! {
    UNEMBEDDED = queue!(sqlite), postgres: queue!(postgres);
    PUT = "UPDATE statement_vectors
        SET model = $1, revision = $2, dimension = $3, vector = $4, states = $5
        WHERE workspace = $6 AND statement = $7 AND version = $8";
    OF_SCOPE = "SELECT v.statement, v.vector, v.states
        FROM (SELECT DISTINCT workspace, id FROM statements
            WHERE workspace = $1 AND assistant = $2 AND user_name = $3) AS part
        CROSS JOIN statement_vectors AS v
        WHERE v.workspace = part.workspace AND v.statement = part.id
            AND v.model = $4 AND v.revision = $5";
    THESE = these!(named!(sqlite "$2")), postgres: these!(named!(postgres "$2"));
    COUNT_ALL = "SELECT model, revision, count(*) FROM statement_vectors GROUP BY model, revision
        ORDER BY model, revision";
}

impl Store {
    /// Work for this process, as [`next_unembedded`](Store::next_unembedded) for
    /// episodes.
    pub async fn next_unembedded_statements(
        &self,
        model: &str,
        revision: &str,
        limit: usize,
    ) -> Result<Vec<UnembeddedStatement>> {
        self.take_waiting(UNEMBEDDED, (model, revision), limit, unembedded).await
    }

    /// Over all workspaces.
    pub async fn statement_vector_counts(&self) -> Result<Vec<VectorCount>> {
        self.read(|session| session.all(COUNT_ALL, &[], counted)).await
    }
}

impl Workspace {
    /// Stores vectors in the place of those before. How many: what was forgotten, or says something
    /// else by now, has no place for one. All have the same length.
    pub async fn put_statement_vectors(
        &self,
        model: &str,
        revision: &str,
        vectors: Vec<StatementVector>,
    ) -> Result<usize> {
        let dimension = vectors.first().map_or(0, |first| first.made.vector.len());
        let fits = |vector: &StatementVector| vector.made.vector.len() == dimension;
        if model.is_empty() || (!vectors.is_empty() && dimension == 0) || !vectors.iter().all(fits)
        {
            return Err(unusable());
        }
        let (model, revision) = (model.to_owned(), revision.to_owned());
        self.write_beside(move |session, workspace| {
            let mut stored = Vec::new();
            for StatementVector { id, version, made } in &vectors {
                let vector = to_bytes(&made.vector);
                let (vector, states) = (vector.as_slice(), made.states.as_slice());
                let values =
                    values![&model, &revision, dimension, vector, states, workspace, id, *version];
                if session.execute(PUT, values)? > 0 {
                    stored.push(id);
                }
            }
            if !stored.is_empty() {
                scopes::statements_embedded(session, workspace, &to_json(&stored)?)?;
            }
            Ok(stored.len())
        })
        .await
    }

    /// The vectors that this model made of some statements: of those that have any.
    pub async fn statement_vectors_of(
        &self,
        statements: &[MemoryId],
        model: &str,
        revision: &str,
    ) -> Result<Vec<(MemoryId, PassageVector)>> {
        let statements = to_json(statements)?;
        let (model, revision) = (model.to_owned(), revision.to_owned());
        self.read_for_recall(move |session, workspace| {
            session.all(THESE, values![workspace, &statements, &model, &revision], passage)
        })
        .await
    }

    /// The vectors of a scope's statements that this model made.
    pub async fn scope_statement_vectors(
        &self,
        scope: &Scope,
        model: &str,
        revision: &str,
    ) -> Result<Vec<(MemoryId, PassageVector)>> {
        let (scope, model, revision) = (scope.clone(), model.to_owned(), revision.to_owned());
        self.read_for_recall(move |session, workspace| {
            let (assistant, user) = (&scope.assistant, scope_user(&scope));
            let values = values![workspace, assistant, user, &model, &revision];
            session.all(OF_SCOPE, values, passage)
        })
        .await
    }
}

fn passage(row: &Row<'_>) -> Result<(MemoryId, PassageVector), Failure> {
    let states = if row.is_null(2)? { Vec::new() } else { row.bytes(2)?.to_vec() };
    Ok((row.get(0)?, PassageVector { vector: from_bytes(row.bytes(1)?), states }))
}

fn unembedded(row: &Row<'_>) -> Result<UnembeddedStatement, Failure> {
    Ok(UnembeddedStatement {
        workspace: row.get(0)?,
        scope: scope(row, 1)?,
        id: row.get(3)?,
        version: row.get(4)?,
        text: row.get(5)?,
        said_at: row.get(6)?,
    })
}
