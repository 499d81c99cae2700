//! Summaries: what a model wrote of a user or of a thread, and what it wrote it from.

use backstay_core::{
    Error, ErrorCode, MemoryId, Result, ThreadId, Timestamp, WorkspaceId,
    memory::{RecalledId, Scope},
};

use crate::{
    Store, Workspace,
    db::{Failure, Row, Session, Value, statements, values},
    scopes::scope_user,
    threads::scope,
};

const TEXT_BYTES_MAX: usize = 32 * 1_024;
const SOURCES_MAX: usize = 10_000;
/// Rows that one call for stale summaries returns at most.
const BATCH_MAX: usize = 1_000;

/// What a summary is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SummaryOf {
    /// Everything that is known of the scope's user.
    Profile,
    /// One thread of the scope.
    Thread(ThreadId),
}

/// A summary to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSummary {
    pub scope: Scope,
    pub of: SummaryOf,
    pub text: String,
    /// The model and the version of the prompt that wrote it; `None` when no model did.
    pub learned_by: Option<String>,
    /// The turns and statements that it was made from.
    pub sources: Vec<RecalledId>,
}

/// A summary as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub scope: Scope,
    pub of: SummaryOf,
    /// Empty once something that it rests on was forgotten.
    pub text: String,
    pub built_at: Timestamp,
    /// Something that it rests on was changed or forgotten: it is to be built again.
    pub stale: bool,
    pub learned_by: Option<String>,
}

statements! {
    PUT = "INSERT INTO summaries
            (workspace, assistant, user_name, kind, thread, text, built_at, stale, learned_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8)
        ON CONFLICT (workspace, assistant, user_name, kind, thread) DO UPDATE SET
            text = excluded.text, built_at = excluded.built_at, stale = 0,
            learned_by = excluded.learned_by";
    CLEAR_SOURCES = "DELETE FROM summary_sources
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND kind = $4 AND thread = $5";
    ADD_SOURCE = "INSERT INTO summary_sources
            (workspace, assistant, user_name, kind, thread, source)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (workspace, assistant, user_name, kind, thread, source) DO NOTHING";
    IS_EPISODE = "SELECT 1 FROM episodes
        WHERE workspace = $1 AND id = $2 AND assistant = $3 AND user_name = $4";
    IS_BELIEVED = "SELECT 1 FROM statements
        WHERE workspace = $1 AND id = $2 AND assistant = $3 AND user_name = $4
            AND retracted_at IS NULL";
    IS_THREAD = "SELECT 1 FROM threads
        WHERE workspace = $1 AND id = $2 AND assistant = $3 AND user_name = $4";
    ONE = "SELECT workspace, assistant, user_name, kind, thread, text, built_at, stale, learned_by
        FROM summaries
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND kind = $4 AND thread = $5";
    OF_SCOPE = "SELECT
            workspace, assistant, user_name, kind, thread, text, built_at, stale, learned_by
        FROM summaries WHERE workspace = $1 AND assistant = $2 AND user_name = $3
        ORDER BY kind, thread";
    STALE = "SELECT s.workspace, s.assistant, s.user_name, s.kind, s.thread, s.text, s.built_at,
            s.stale, s.learned_by
        FROM workspaces AS w CROSS JOIN summaries AS s
        WHERE s.workspace = w.id AND s.stale = 1 LIMIT $1";
    OUTDATE = "UPDATE summaries SET stale = 1
        WHERE workspace = $1 AND stale = 0 AND (assistant, user_name, kind, thread) IN (
            SELECT assistant, user_name, kind, thread FROM summary_sources
            WHERE workspace = $1 AND source = $2)";
    OF_SOURCE = "SELECT assistant, user_name, kind, thread FROM summary_sources
        WHERE workspace = $1 AND source = $2";
    EMPTY = "UPDATE summaries SET stale = 1, text = ''
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND kind = $4 AND thread = $5";
    DELETE = "DELETE FROM summaries
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND kind = $4 AND thread = $5";
}

/// Which summary: its columns beside the workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SummaryKey {
    assistant: String,
    user: String,
    kind: String,
    thread: String,
}

impl SummaryOf {
    fn columns(&self) -> (&'static str, &str) {
        match self {
            Self::Profile => ("profile", ""),
            Self::Thread(thread) => ("thread", thread.as_str()),
        }
    }
}

impl SummaryKey {
    fn new(scope: &Scope, of: &SummaryOf) -> Self {
        let (kind, thread) = of.columns();
        Self {
            assistant: scope.assistant.as_str().to_owned(),
            user: scope_user(scope).to_owned(),
            kind: kind.to_owned(),
            thread: thread.to_owned(),
        }
    }

    fn values<'a>(&'a self, workspace: &'a WorkspaceId) -> [Value<'a>; 5] {
        let Self { assistant, user, kind, thread } = self;
        *values![workspace, assistant, user, kind, thread]
    }
}

impl Workspace {
    /// Keeps a summary in the place of the one before. Fails with `conflict` when something that it
    /// was made from is not there any more: its words might be in the text, so it is to be built
    /// again.
    pub async fn put_summary(&self, summary: NewSummary, now: Timestamp) -> Result<()> {
        if !(1..=TEXT_BYTES_MAX).contains(&summary.text.len()) {
            let message = format!("a summary has 1 to {TEXT_BYTES_MAX} bytes");
            return Err(Error::invalid(message).with_parameter("text"));
        }
        if !(1..=SOURCES_MAX).contains(&summary.sources.len()) {
            let message = format!("a summary is made from 1 to {SOURCES_MAX} turns or memories");
            return Err(Error::invalid(message).with_parameter("sources"));
        }
        self.write(move |session, workspace| put(session, workspace, &summary, now)).await
    }

    pub async fn summary(&self, scope: &Scope, of: &SummaryOf) -> Result<Option<Summary>> {
        let key = SummaryKey::new(scope, of);
        self.read(move |session, workspace| {
            let found = session.one(ONE, &key.values(workspace), summary)?;
            Ok(found.map(|(_, summary)| summary))
        })
        .await
    }

    /// The scope's profile and the summaries of its threads.
    pub async fn summaries(&self, scope: &Scope) -> Result<Vec<Summary>> {
        let scope = scope.clone();
        self.read(move |session, workspace| {
            let values = values![workspace, &scope.assistant, scope_user(&scope)];
            session.all(OF_SCOPE, values, |row| Ok(summary(row)?.1))
        })
        .await
    }
}

impl Store {
    /// Summaries of any workspace that are to be built again; at most `limit` and at most 1,000.
    pub async fn stale_summaries(&self, limit: usize) -> Result<Vec<(WorkspaceId, Summary)>> {
        self.db()
            .read(move |session| session.all(STALE, values![limit.min(BATCH_MAX)], summary))
            .await
    }
}

pub(crate) fn put(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    summary: &NewSummary,
    now: Timestamp,
) -> Result<(), Failure> {
    let NewSummary { scope, of, text, learned_by, sources } = summary;
    let (assistant, user) = (&scope.assistant, scope_user(scope));
    let is_there = |statement, id: &str| {
        session.one(statement, values![workspace, id, assistant, user], |_| Ok(()))
    };
    if let SummaryOf::Thread(thread) = of
        && is_there(IS_THREAD, thread.as_str())?.is_none()
    {
        return Err(gone(thread.as_str()).into());
    }
    for source in sources {
        let statement = match source {
            RecalledId::Episode(_) => IS_EPISODE,
            RecalledId::Memory(_) => IS_BELIEVED,
        };
        if is_there(statement, source.as_str())?.is_none() {
            return Err(gone(source.as_str()).into());
        }
    }
    let (kind, thread) = of.columns();
    let learned_by = learned_by.as_ref();
    let values = values![workspace, assistant, user, kind, thread, text, now, learned_by];
    session.execute(PUT, values)?;
    session.execute(CLEAR_SOURCES, values![workspace, assistant, user, kind, thread])?;
    for source in sources {
        let values = values![workspace, assistant, user, kind, thread, source.as_str()];
        session.execute(ADD_SOURCE, values)?;
    }
    Ok(())
}

/// The text of a summary that was not emptied.
pub(crate) fn text(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    scope: &Scope,
    of: &SummaryOf,
) -> Result<Option<String>, Failure> {
    let key = SummaryKey::new(scope, of);
    let found = session.one(ONE, &key.values(workspace), summary)?;
    Ok(found.map(|(_, summary)| summary.text))
}

fn gone(id: &str) -> Error {
    let message = format!("{id} is not in the scope any more; build the summary again without it");
    Error::new(ErrorCode::Conflict, message)
}

/// Marks what rests on a statement that changed. The text stays until it is built again.
pub(crate) fn outdated_by(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    id: &MemoryId,
) -> Result<(), Failure> {
    session.execute(OUTDATE, values![workspace, id])?;
    Ok(())
}

/// The summaries that rest on a turn or a statement.
pub(crate) fn resting_on(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    source: &str,
) -> Result<Vec<SummaryKey>, Failure> {
    session.all(OF_SOURCE, values![workspace, source], |row| {
        Ok(SummaryKey {
            assistant: row.get(0)?,
            user: row.get(1)?,
            kind: row.get(2)?,
            thread: row.get(3)?,
        })
    })
}

/// Takes the words out of a summary and lets it rest on nothing until it is built again.
pub(crate) fn empty(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    key: &SummaryKey,
) -> Result<(), Failure> {
    session.execute(EMPTY, &key.values(workspace))?;
    session.execute(CLEAR_SOURCES, &key.values(workspace))?;
    Ok(())
}

/// Deletes the summary of a thread that is deleted.
pub(crate) fn delete_of_thread(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    scope: &Scope,
    thread: &ThreadId,
) -> Result<(), Failure> {
    let key = SummaryKey::new(scope, &SummaryOf::Thread(thread.clone()));
    session.execute(DELETE, &key.values(workspace))?;
    Ok(())
}

fn summary(row: &Row<'_>) -> Result<(WorkspaceId, Summary), Failure> {
    let of = match row.get::<String>(3)?.as_str() {
        "thread" => SummaryOf::Thread(row.get(4)?),
        _ => SummaryOf::Profile,
    };
    let summary = Summary {
        scope: scope(row, 1)?,
        of,
        text: row.get(5)?,
        built_at: row.get(6)?,
        stale: row.get(7)?,
        learned_by: row.get(8)?,
    };
    Ok((row.get(0)?, summary))
}
