//! Vectors nearest to a question's, found by pgvector where it is installed.
//!
//! The vectors of turns that a block covers stand here once more, rounded to half precision, in a table
//! for each dimension that has a graph over it (HNSW, Malkov and Yashunin, 2018). The table is made when
//! the first block is, not by a migration: a database may do without the extension, and what is in it
//! can be made again from `episode_vectors`, whose rows take theirs along when they go.

use backstay_core::{EpisodeId, Error, Result, memory::Scope};

use crate::{
    PassageVector, Store, Workspace,
    db::{Failure, Session, Statement, sql, values},
    scopes::scope_user,
    word_blocks,
};

/// More numbers are not indexed by pgvector in half precision.
const DIMENSION_MAX: usize = 4_000;
/// A scope of at most this many turns is scanned whole, which finds all there is; in a graph over all
/// large scopes it would be hard to find. Measured in `bench/memory`.
const SCANNED_TURNS_MAX: u64 = 20_000;
/// What the graph is searched for beyond what is asked, as a filter may leave little of it.
const SEARCHED: usize = 200;

/// A turn and its nearest passage's cosine with a question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    pub sequence: u64,
    pub cosine: f32,
}

const AVAILABLE: Statement = sql("SELECT CAST(count(*) AS BIGINT) FROM pg_available_extensions
    WHERE name = 'vector'");
/// pgvector's own scan that goes on while a filter leaves too little came with 0.8.
const USABLE: Statement = sql("SELECT CAST(count(*) AS BIGINT) FROM pg_extension
    WHERE extname = 'vector' AND CAST(string_to_array(extversion, '.') AS INT[]) >= ARRAY[0, 8]");
const TABLE: Statement = sql("SELECT CAST(count(*) AS BIGINT) FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = CAST($1 AS TEXT)
        AND column_name = 'embedding'");
/// Tables are made by the database user, and by one server at a time.
const AS_USER: Statement =
    sql("SELECT set_config('role', 'none', true), pg_advisory_xact_lock(746003, 0)");
const INSTALL: Statement = sql("DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'vector') THEN
        CREATE EXTENSION IF NOT EXISTS vector;
    END IF;
EXCEPTION
    WHEN insufficient_privilege OR unique_violation OR duplicate_object THEN NULL;
END $$");
const SEARCH_WIDELY: Statement = sql("SELECT
    set_config('hnsw.iterative_scan', 'relaxed_order', true),
    set_config('hnsw.ef_search', CAST(CAST($1 AS BIGINT) AS TEXT), true)");
const PROTECT: Statement = sql(include_str!("../migrations/postgres/protect.sql"));

impl Store {
    /// Whether pgvector is there to be installed.
    pub async fn may_search_vectors(&self) -> Result<bool> {
        if !self.is_shared() {
            return Ok(false);
        }
        let available = self.read(|session| session.one(AVAILABLE, &[], |row| row.get::<u64>(0)));
        Ok(available.await? == Some(1))
    }

    /// Makes the table for vectors of a dimension, where pgvector is installed or can be. Whether
    /// there is one: a store without it finds nothing near.
    pub async fn prepare_nearest(&self, dimension: usize) -> Result<bool> {
        if !self.is_shared() || !(1..=DIMENSION_MAX).contains(&dimension) {
            return Ok(false);
        }
        let table = table(dimension);
        let name = table.clone();
        if self.read(move |session| is_there(session, &name)).await? {
            return Ok(true);
        }
        self.write(move |session| {
            session.one(AS_USER, &[], |_| Ok(()))?;
            session.execute(INSTALL, &[])?;
            let usable = session.one(USABLE, &[], |row| row.get::<u64>(0))?;
            if usable != Some(1) {
                return Ok(false);
            }
            if !is_there(session, &table)? {
                for text in create(&table, dimension) {
                    session.execute(made(text), &[])?;
                }
                session.execute(PROTECT, &[])?;
                // Blocks say that the vectors of their turns are here.
                word_blocks::delete_all(session)?;
            }
            Ok(true)
        })
        .await
    }
}

impl Workspace {
    /// Puts vectors of a scope's turns where they are found by nearness, each turn with its sequence
    /// number. [`Store::prepare_nearest`] has to have made the table.
    pub async fn put_nearest(
        &self,
        scope: &Scope,
        model: &str,
        revision: &str,
        turns: &[(u64, EpisodeId, Vec<PassageVector>)],
    ) -> Result<()> {
        let passages = || turns.iter().flat_map(|(_, _, passages)| passages);
        let Some(dimension) = passages().next().map(|passage| passage.vector.len()) else {
            return Ok(());
        };
        if passages().any(|passage| passage.vector.len() != dimension) {
            return Err(Error::internal("vectors of one model have one length"));
        }
        let put = put(dimension);
        let mut columns: [Vec<String>; 4] = Default::default();
        for (sequence, episode, passages) in turns {
            for (number, passage) in passages.iter().enumerate() {
                let row = [
                    episode.to_string(),
                    number.to_string(),
                    sequence.to_string(),
                    text(&passage.vector),
                ];
                columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
            }
        }
        let columns = columns.map(|column| column.join("|"));
        let (scope, model, revision) = (scope.clone(), model.to_owned(), revision.to_owned());
        self.write_beside(move |session, workspace| {
            let [episodes, passages, sequences, vectors] = &columns;
            let (assistant, user) = (&scope.assistant, scope_user(&scope));
            let values = values![
                workspace, assistant, user, &model, &revision, episodes, passages, sequences,
                vectors,
            ];
            session.execute(put, values)?;
            Ok(())
        })
        .await
    }

    /// The turns of a scope, of so many, whose vectors by a model are nearest to a question's, at most
    /// `count`. Of a large scope nearly always those; fails where no table was prepared.
    pub async fn nearest(
        &self,
        scope: &Scope,
        scope_turns: u64,
        model: &str,
        revision: &str,
        question: &[f32],
        count: usize,
    ) -> Result<Vec<Near>> {
        let is_scanned = scope_turns <= SCANNED_TURNS_MAX;
        let statement = if is_scanned { scan(question.len()) } else { search(question.len()) };
        let question = text(question);
        let (scope, model, revision) = (scope.clone(), model.to_owned(), revision.to_owned());
        self.read_for_recall(move |session, workspace| {
            if !is_scanned {
                session.one(SEARCH_WIDELY, values![count.max(SEARCHED)], |_| Ok(()))?;
            }
            let (assistant, user) = (&scope.assistant, scope_user(&scope));
            let values = values![workspace, assistant, user, &model, &revision, &question, count];
            session.all(statement, values, |row| {
                let millionths: i64 = row.get(1)?;
                Ok(Near { sequence: row.get(0)?, cosine: 1.0 - millionths as f32 / 1e6 })
            })
        })
        .await
    }
}

fn is_there(session: &Session<'_>, table: &str) -> Result<bool, Failure> {
    Ok(session.one(TABLE, values![table], |row| row.get::<u64>(0))? == Some(1))
}

fn table(dimension: usize) -> String {
    format!("passage_vectors_{dimension}")
}

fn create(table: &str, dimension: usize) -> [String; 4] {
    [
        format!("DROP TABLE IF EXISTS {table}"),
        format!(
            "CREATE TABLE {table} (
                workspace TEXT   COLLATE \"C\" NOT NULL,
                assistant TEXT   COLLATE \"C\" NOT NULL,
                user_name TEXT   COLLATE \"C\" NOT NULL,
                episode   TEXT   COLLATE \"C\" NOT NULL,
                passage   BIGINT NOT NULL,
                sequence  BIGINT NOT NULL,
                model     TEXT   COLLATE \"C\" NOT NULL,
                revision  TEXT   COLLATE \"C\" NOT NULL,
                embedding halfvec({dimension}) NOT NULL,
                PRIMARY KEY (workspace, episode, passage),
                FOREIGN KEY (workspace, episode, passage)
                    REFERENCES episode_vectors (workspace, episode, passage) ON DELETE CASCADE
            )"
        ),
        format!(
            "CREATE INDEX {table}_by_scope ON {table} (workspace, assistant, user_name, sequence)"
        ),
        format!(
            "CREATE INDEX {table}_by_nearness ON {table} USING hnsw (embedding halfvec_cosine_ops)"
        ),
    ]
}

/// What was forgotten meanwhile has no place.
fn put(dimension: usize) -> Statement {
    let table = table(dimension);
    made(format!(
        "INSERT INTO {table} (workspace, assistant, user_name, episode, passage, sequence, model,
            revision, embedding)
        SELECT v.workspace, $2, $3, v.episode, v.passage, CAST(t.sequence AS BIGINT), $4, $5,
            CAST(t.embedding AS halfvec({dimension}))
        FROM unnest(string_to_array($6, '|'), string_to_array($7, '|'),
            string_to_array($8, '|'), string_to_array($9, '|'))
            AS t (episode, passage, sequence, embedding)
        JOIN episode_vectors AS v ON v.workspace = $1 AND v.episode = t.episode
            AND v.passage = CAST(t.passage AS BIGINT)
        ON CONFLICT (workspace, episode, passage) DO UPDATE SET
            sequence = excluded.sequence, model = excluded.model, revision = excluded.revision,
            embedding = excluded.embedding"
    ))
}

/// By the graph, which is asked for more where other scopes' vectors are in the way.
fn search(dimension: usize) -> Statement {
    let table = table(dimension);
    made(format!(
        "SELECT sequence, CAST(distance * 1000000 AS BIGINT) FROM (
            SELECT sequence, embedding <=> CAST(CAST($6 AS TEXT) AS halfvec({dimension})) AS distance
            FROM {table}
            WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND model = $4
                AND revision = $5
            ORDER BY embedding <=> CAST(CAST($6 AS TEXT) AS halfvec({dimension})) LIMIT $7) AS n
        ORDER BY distance"
    ))
}

fn scan(dimension: usize) -> Statement {
    let table = table(dimension);
    made(format!(
        "WITH own AS MATERIALIZED (
            SELECT sequence, embedding FROM {table}
            WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND model = $4
                AND revision = $5)
        SELECT sequence, CAST(distance * 1000000 AS BIGINT) FROM (
            SELECT sequence, embedding <=> CAST(CAST($6 AS TEXT) AS halfvec({dimension})) AS distance
            FROM own) AS n
        ORDER BY distance LIMIT $7"
    ))
}

fn text(vector: &[f32]) -> String {
    let numbers: Vec<String> = vector.iter().map(|number| format!("{number:.5}")).collect();
    format!("[{}]", numbers.join(","))
}

/// A statement whose text has a dimension in it. There are few, so that they are kept.
fn made(text: String) -> Statement {
    use std::{
        collections::HashMap,
        sync::{LazyLock, Mutex, PoisonError},
    };
    static MADE: LazyLock<Mutex<HashMap<String, &'static str>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = made.get(&text) {
        return sql(known);
    }
    let kept: &'static str = text.clone().leak();
    made.insert(text, kept);
    sql(kept)
}
