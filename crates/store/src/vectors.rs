//! Vectors of episodes: made in the background, one per passage, all of an episode of one model.

use backstay_core::{EpisodeId, Error, Result, Timestamp, WorkspaceId, memory::Scope};

use crate::{
    Store, Workspace,
    db::{Failure, Row, Session, named, statements, values},
    messages::to_json,
    scopes::{self, scope_user},
    threads::scope,
    vector_queue::waiting,
};

const BYTES_PER_NUMBER: usize = 4;
/// More passages than the longest episode can have.
const PASSAGES_MAX: usize = 1_024;

/// An episode that has no vector of the wanted model yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unembedded {
    pub workspace: WorkspaceId,
    pub scope: Scope,
    pub episode: EpisodeId,
    pub author: String,
    pub text: String,
    pub said_at: Timestamp,
}

/// What an embedding model made of one passage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PassageVector {
    pub vector: Vec<f32>,
    /// The states of its tokens, in a form of the embedder's own; empty for a model that gives
    /// none.
    pub states: Vec<u8>,
}

/// How many episodes have a vector of one model; both names are empty for those that have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorCount {
    pub model: String,
    pub revision: String,
    pub episodes: u64,
}

/// Vectors of some of a scope's episodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScopeVectors {
    /// In the order in which the episodes were written; each episode's in the order of its
    /// passages. Episodes without a vector of the model are left out.
    pub vectors: Vec<(EpisodeId, Vec<PassageVector>)>,
    /// After which sequence number it goes on; `None` at the end of the scope.
    pub next: Option<u64>,
}

macro_rules! queue {
    ($store:tt) => {
        waiting!(
            $store,
            table: "episode_vectors",
            key: ["episode"],
            first: "v.passage = 0",
            texts: "episodes AS e",
            joined: "e.workspace = v.workspace AND e.id = v.episode",
            shown: "v.workspace, e.assistant, e.user_name, e.id, e.author, e.text, e.said_at"
        )
    };
}

macro_rules! these {
    ($named:expr) => {
        concat!(
            "SELECT 0, v.episode, v.vector, v.states FROM episode_vectors AS v
            WHERE v.workspace = $1 AND v.episode ",
            $named,
            " AND v.model = $3 AND v.revision = $4 ORDER BY v.episode, v.passage"
        )
    };
}

statements! {
    UNEMBEDDED = queue!(sqlite), postgres: queue!(postgres);
    PUT_FIRST = "UPDATE episode_vectors
        SET model = $1, revision = $2, dimension = $3, vector = $4, states = $5
        WHERE workspace = $6 AND episode = $7 AND passage = 0";
    DELETE_FURTHER = "DELETE FROM episode_vectors
        WHERE workspace = $1 AND episode = $2 AND passage > 0";
    PUT_FURTHER = "INSERT INTO episode_vectors
            (workspace, episode, passage, model, revision, dimension, vector, states)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    /// Left joins, so that SQLite begins with the scope and not with every vector of the model, and
    /// so that the last episode is known also when it has none.
    OF_SCOPE = "SELECT part.sequence, part.id, v.vector, v.states
        FROM (SELECT workspace, id, sequence FROM episodes
            WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND sequence > $4
            ORDER BY sequence LIMIT $5) AS part
        LEFT JOIN episode_vectors AS v
            ON v.workspace = part.workspace AND v.episode = part.id
                AND v.model = $6 AND v.revision = $7
        ORDER BY part.sequence, v.passage";
    THESE = these!(named!(sqlite "$2")), postgres: these!(named!(postgres "$2"));
    COUNT_ALL = "SELECT model, revision, count(*) FROM episode_vectors WHERE passage = 0
        GROUP BY model, revision ORDER BY model, revision";
}

impl Store {
    /// Work for this process: episodes of any workspace without a vector of this model, at most
    /// `limit` and at most 1,000. Where others share the store they are its own for a minute.
    pub async fn next_unembedded(
        &self,
        model: &str,
        revision: &str,
        limit: usize,
    ) -> Result<Vec<Unembedded>> {
        self.take_waiting(UNEMBEDDED, (model, revision), limit, unembedded).await
    }

    /// Over all workspaces.
    pub async fn vector_counts(&self) -> Result<Vec<VectorCount>> {
        self.read(|session| session.all(COUNT_ALL, &[], counted)).await
    }
}

impl Workspace {
    /// Stores the vectors of the passages of a scope's episodes, in the place of all that the episode had before.
    /// How many episodes: those that were forgotten meanwhile have no place for any. Each has 1 to
    /// 1,024 passages, and all vectors have the same length.
    pub async fn put_vectors(
        &self,
        model: &str,
        revision: &str,
        vectors: Vec<(EpisodeId, Vec<PassageVector>)>,
    ) -> Result<usize> {
        let passages = || vectors.iter().flat_map(|(_, passages)| passages);
        let dimension = passages().next().map_or(0, |passage| passage.vector.len());
        let counted = |(_, passages): &(_, Vec<_>)| (1..=PASSAGES_MAX).contains(&passages.len());
        let usable = !model.is_empty()
            && vectors.iter().all(counted)
            && passages().all(|passage| passage.vector.len() == dimension && dimension > 0);
        if !usable {
            return Err(unusable());
        }
        let (model, revision) = (model.to_owned(), revision.to_owned());
        self.write_beside(move |session, workspace| {
            let put = Put { session, workspace, model: &model, revision: &revision, dimension };
            let mut stored = Vec::new();
            for (episode, passages) in &vectors {
                if put.episode(episode, passages)? {
                    stored.push(episode);
                }
            }
            if !stored.is_empty() {
                scopes::episodes_embedded(session, workspace, &to_json(&stored)?)?;
            }
            Ok(stored.len())
        })
        .await
    }

    /// The vectors that this model made of some episodes: of those that have any.
    pub async fn vectors_of(
        &self,
        episodes: &[EpisodeId],
        model: &str,
        revision: &str,
    ) -> Result<Vec<(EpisodeId, Vec<PassageVector>)>> {
        let episodes = to_json(episodes)?;
        let (model, revision) = (model.to_owned(), revision.to_owned());
        self.read_for_recall(move |session, workspace| {
            let values = values![workspace, &episodes, &model, &revision];
            let mut found = ScopeVectors::default();
            session.all(THESE, values, |row| found.add(row))?;
            Ok(found.vectors)
        })
        .await
    }

    /// The vectors of a scope that this model made, for at most `episodes_max` episodes written
    /// after the given sequence number: a scope need not be in memory twice to be loaded. 0 begins
    /// at the first, [`ScopeVectors::next`] goes on.
    pub async fn scope_vectors(
        &self,
        scope: &Scope,
        model: &str,
        revision: &str,
        after: u64,
        episodes_max: usize,
    ) -> Result<ScopeVectors> {
        let (scope, model, revision) = (scope.clone(), model.to_owned(), revision.to_owned());
        self.read_for_recall(move |session, workspace| {
            let (assistant, user) = (&scope.assistant, scope_user(&scope));
            let values =
                values![workspace, assistant, user, after, episodes_max, &model, &revision];
            let mut found = ScopeVectors::default();
            let (mut episodes, mut last) = (0, after);
            session.all(OF_SCOPE, values, |row| {
                let sequence = row.get(0)?;
                episodes += usize::from(sequence != last);
                last = sequence;
                found.add(row)
            })?;
            found.next = (episodes > 0 && episodes == episodes_max).then_some(last);
            Ok(found)
        })
        .await
    }
}

impl ScopeVectors {
    /// Takes the row's vector, if it has one.
    fn add(&mut self, row: &Row<'_>) -> Result<(), Failure> {
        if row.is_null(2)? {
            return Ok(());
        }
        let episode = row.get(1)?;
        let states = if row.is_null(3)? { Vec::new() } else { row.bytes(3)?.to_vec() };
        let passage = PassageVector { vector: from_bytes(row.bytes(2)?), states };
        match self.vectors.last_mut() {
            Some((last, passages)) if *last == episode => passages.push(passage),
            _ => self.vectors.push((episode, vec![passage])),
        }
        Ok(())
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
    /// Whether the episode is there.
    fn episode(&self, episode: &EpisodeId, passages: &[PassageVector]) -> Result<bool, Failure> {
        let Self { session, workspace, model, revision, dimension } = *self;
        let Some((first, further)) = passages.split_first() else { return Ok(false) };
        let (vector, states) = (to_bytes(&first.vector), first.states.as_slice());
        let vector = vector.as_slice();
        let values = values![model, revision, dimension, vector, states, workspace, episode];
        if session.execute(PUT_FIRST, values)? == 0 {
            return Ok(false);
        }
        session.execute(DELETE_FURTHER, values![workspace, episode])?;
        for (passage, made) in (1_usize..).zip(further) {
            let (vector, states) = (to_bytes(&made.vector), made.states.as_slice());
            let vector = vector.as_slice();
            let values =
                values![workspace, episode, passage, model, revision, dimension, vector, states];
            session.execute(PUT_FURTHER, values)?;
        }
        Ok(true)
    }
}

pub(crate) fn unusable() -> Error {
    Error::internal("vectors need a model's name, 1 to 1,024 passages each and one length above 0")
}

fn unembedded(row: &Row<'_>) -> Result<Unembedded, Failure> {
    Ok(Unembedded {
        workspace: row.get(0)?,
        scope: scope(row, 1)?,
        episode: row.get(3)?,
        author: row.get(4)?,
        text: row.get(5)?,
        said_at: row.get(6)?,
    })
}

pub(crate) fn counted(row: &Row<'_>) -> Result<VectorCount, Failure> {
    Ok(VectorCount { model: row.get(0)?, revision: row.get(1)?, episodes: row.get(2)? })
}

pub(crate) fn to_bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|number| number.to_le_bytes()).collect()
}

pub(crate) fn from_bytes(bytes: &[u8]) -> Vec<f32> {
    let (numbers, _) = bytes.as_chunks::<BYTES_PER_NUMBER>();
    numbers.iter().map(|number| f32::from_le_bytes(*number)).collect()
}
