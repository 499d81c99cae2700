//! Episodes: what was said, kept word for word for recall.

use backstay_core::{
    EpisodeId, Result, ThreadId, Timestamp, WorkspaceId,
    memory::{Episode, Scope, Speaker, Trust},
};

use crate::{
    Page, PageRequest, Workspace,
    db::{Failure, Row, Session, statements, values},
    scopes::{self, ScopeVersion, scope_user},
    threads::scope,
    tombstones,
};

/// A turn to be remembered, as part of a [`TurnRecord`](crate::TurnRecord).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEpisode {
    pub id: EpisodeId,
    pub thread: ThreadId,
    /// Which of the turn's messages it is, from 0. Its position in the thread is given when it is
    /// written.
    pub message_index: usize,
    pub speaker: Speaker,
    pub author: String,
    pub text: String,
    pub said_at: Timestamp,
}

/// An episode with what is known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEpisode {
    pub episode: Episode,
    pub scope: Scope,
    /// When it was written here; [`Episode::said_at`] is when it was said.
    pub recorded_at: Timestamp,
    /// `turn`, or the name of what it was imported from.
    pub source: String,
    pub trust: Trust,
}

/// Episodes of a scope and the version of the scope that they belong to.
#[derive(Clone, Debug, PartialEq)]
pub struct ScopeEpisodes {
    /// In the order in which they were written.
    pub episodes: Vec<Episode>,
    /// Where the next ones begin; `None` when these were the last.
    pub next: Option<u64>,
    pub version: ScopeVersion,
}

/// Where an episode came from, for its row.
pub(crate) struct Origin<'a> {
    pub(crate) source: &'a str,
    pub(crate) recorded_at: Timestamp,
    pub(crate) trust: Trust,
}

/// What [`listed`] reads, in its order.
macro_rules! columns {
    () => {
        "id, thread, position, speaker, author, text, said_at,
         assistant, user_name, recorded_at, source, trust, sequence"
    };
}
pub(crate) use columns;

statements! {
    INSERT = "INSERT INTO episodes
            (workspace, id, assistant, user_name, thread, position, speaker, author, text, said_at,
             recorded_at, source, trust, sequence)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    AWAIT_VECTOR = "INSERT INTO episode_vectors (workspace, episode, passage) VALUES ($1, $2, 0)";
    OF_SCOPE = "SELECT id, thread, position, speaker, author, text, said_at, sequence FROM episodes
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND sequence > $4
        ORDER BY sequence LIMIT $5";
    ONE = concat!("SELECT ", columns!(), " FROM episodes WHERE workspace = $1 AND id = $2");
    LIST = concat!("SELECT ", columns!(), " FROM episodes
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND sequence < $4
        ORDER BY sequence DESC LIMIT $5");
}

impl Workspace {
    pub async fn episode(&self, id: &EpisodeId) -> Result<Option<StoredEpisode>> {
        let id = id.clone();
        self.read(move |session, workspace| {
            let found = session.one(ONE, values![workspace, &id], listed)?;
            Ok(found.map(|(_, stored)| stored))
        })
        .await
    }

    /// Whether an episode of this name was forgotten here.
    pub async fn was_forgotten(&self, id: &EpisodeId) -> Result<bool> {
        let hash = tombstones::of_episode(id);
        self.read(move |session, workspace| tombstones::stands(session, workspace, &hash)).await
    }

    /// At most so many episodes of a scope, those that were written next after the given sequence
    /// number, and the scope's version as of the same moment. 0 begins at the first,
    /// [`ScopeEpisodes::next`] goes on, [`ScopeVersion::written`] of an earlier answer asks for
    /// those that came since.
    pub async fn scope_episodes(
        &self,
        scope: &Scope,
        after: u64,
        episodes_max: usize,
    ) -> Result<ScopeEpisodes> {
        let scope = scope.clone();
        self.read_for_recall(move |session, workspace| {
            let version = scopes::version(session, workspace, &scope)?;
            let (assistant, user) = (&scope.assistant, scope_user(&scope));
            let values = values![workspace, assistant, user, after, episodes_max];
            let mut last = after;
            let episodes = session.all(OF_SCOPE, values, |row| {
                last = row.get(7)?;
                episode(row)
            })?;
            let is_full = !episodes.is_empty() && episodes.len() == episodes_max;
            Ok(ScopeEpisodes { episodes, next: is_full.then_some(last), version })
        })
        .await
    }

    /// The episodes of a scope, most recently written first.
    pub async fn list_episodes(
        &self,
        scope: &Scope,
        page: PageRequest,
    ) -> Result<Page<StoredEpisode>> {
        let scope = scope.clone();
        self.read(move |session, workspace| {
            let (before, _) = page.after((i64::MAX, ""))?;
            let (assistant, user) = (&scope.assistant, scope_user(&scope));
            let values = values![workspace, assistant, user, before, page.rows()];
            let rows = session.all(LIST, values, listed)?;
            let found = Page::of(rows, &page, |(sequence, _)| (*sequence, ""));
            let items = found.items.into_iter().map(|(_, stored)| stored).collect();
            Ok(Page { items, next: found.next })
        })
        .await
    }
}

/// Writes an episode, and the row that asks for its vector.
pub(crate) fn insert(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    scope: &Scope,
    sequence: u64,
    episode: &Episode,
    origin: &Origin<'_>,
) -> Result<(), Failure> {
    let Episode { id, thread, position, speaker, author, text, said_at } = episode;
    session.execute(
        INSERT,
        values![
            workspace,
            id,
            &scope.assistant,
            scope_user(scope),
            thread,
            *position,
            *speaker,
            author,
            text,
            *said_at,
            origin.recorded_at,
            origin.source,
            origin.trust,
            sequence,
        ],
    )?;
    session.execute(AWAIT_VECTOR, values![workspace, id])?;
    Ok(())
}

/// How far a turn can be believed of which only its speaker is known.
pub(crate) fn trust_of(speaker: Speaker) -> Trust {
    match speaker {
        Speaker::User => Trust::DirectUser,
        Speaker::Assistant => Trust::ModelInference,
    }
}

pub(crate) fn episode(row: &Row<'_>) -> Result<Episode, Failure> {
    Ok(Episode {
        id: row.get(0)?,
        thread: row.get(1)?,
        position: row.get(2)?,
        speaker: row.get(3)?,
        author: row.get(4)?,
        text: row.get(5)?,
        said_at: row.get(6)?,
    })
}

/// An episode and its sequence number.
pub(crate) fn listed(row: &Row<'_>) -> Result<(i64, StoredEpisode), Failure> {
    let stored = StoredEpisode {
        episode: episode(row)?,
        scope: scope(row, 7)?,
        recorded_at: row.get(9)?,
        source: row.get(10)?,
        trust: row.get(11)?,
    };
    Ok((row.get(12)?, stored))
}
