//! Scopes: whose memories there are, how many, and whether they changed.

use backstay_core::{Error, Name, Result, WorkspaceId, memory::Scope};

use crate::{
    Workspace,
    db::{Failure, Session, named, statements, values},
    threads::scope,
};

/// Counts everything that ever happened in a scope. An index held in memory is current while the
/// version is the one that it was built from; while only `written` grew, what it lacks are the
/// episodes after its own `written`, while only `changed` grew, its statements are to be read again
/// and its episodes are not, and while only `embedded` grew, it lacks vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScopeVersion {
    /// Episodes ever written; also the sequence number of the last.
    pub written: u64,
    /// Episodes ever forgotten.
    pub forgotten: u64,
    /// Changes to statements, of any kind.
    pub changed: u64,
    /// How often vectors were stored.
    pub embedded: u64,
}

impl ScopeVersion {
    /// Whether everything that had happened at the other had happened here as well.
    pub(crate) fn includes(&self, other: &Self) -> bool {
        self.written >= other.written
            && self.forgotten >= other.forgotten
            && self.changed >= other.changed
            && self.embedded >= other.embedded
    }
}

macro_rules! embed {
    ($of:literal, $named:expr) => {
        concat!(
            "UPDATE scopes SET embedded = embedded + 1
            WHERE workspace = $1 AND (assistant, user_name) IN (SELECT assistant, user_name FROM ",
            $of,
            " WHERE workspace = $1 AND id ",
            $named,
            ")"
        )
    };
}

statements! {
    GROW = "INSERT INTO scopes (workspace, assistant, user_name, episodes, written, forgotten)
        VALUES ($1, $2, $3, $4, $4, 0)
        ON CONFLICT (workspace, assistant, user_name) DO UPDATE SET
            episodes = scopes.episodes + excluded.episodes,
            written = scopes.written + excluded.written
        RETURNING written";
    SHRINK = "UPDATE scopes SET episodes = episodes - $1, forgotten = forgotten + $1
        WHERE workspace = $2 AND assistant = $3 AND user_name = $4";
    CHANGE = "INSERT INTO scopes
            (workspace, assistant, user_name, episodes, written, forgotten, changed)
        VALUES ($1, $2, $3, 0, 0, 0, 1)
        ON CONFLICT (workspace, assistant, user_name) DO UPDATE SET changed = scopes.changed + 1";
    EMBED_EPISODES = embed!("episodes", named!(sqlite "$2")),
        postgres: embed!("episodes", named!(postgres "$2"));
    EMBED_STATEMENTS = embed!("statements", named!(sqlite "$2")),
        postgres: embed!("statements", named!(postgres "$2"));
    VERSION = "SELECT written, forgotten, changed, embedded FROM scopes
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3";
    LIST = "SELECT assistant, user_name, episodes FROM scopes
        WHERE workspace = $1 AND (episodes > 0 OR EXISTS (
            SELECT 1 FROM statements AS s WHERE s.workspace = scopes.workspace
                AND s.assistant = scopes.assistant AND s.user_name = scopes.user_name
                AND s.retracted_at IS NULL))
        ORDER BY assistant, user_name";
}

impl Workspace {
    /// The scopes that remember a turn or a statement, by name, and how many episodes each has.
    pub async fn scopes(&self) -> Result<Vec<(Scope, u64)>> {
        self.read(|session, workspace| {
            session.all(LIST, values![workspace], |row| Ok((scope(row, 0)?, row.get(2)?)))
        })
        .await
    }

    /// All zero for a scope in which nothing was ever remembered.
    pub async fn scope_version(&self, scope: &Scope) -> Result<ScopeVersion> {
        let scope = scope.clone();
        self.read(move |session, workspace| version(session, workspace, &scope)).await
    }
}

/// The user's part of a scope's key.
pub(crate) fn scope_user(scope: &Scope) -> &str {
    scope.user.as_ref().map_or("", Name::as_str)
}

pub(crate) fn version(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    scope: &Scope,
) -> Result<ScopeVersion, Failure> {
    let values = values![workspace, &scope.assistant, scope_user(scope)];
    let version = session.one(VERSION, values, |row| {
        Ok(ScopeVersion {
            written: row.get(0)?,
            forgotten: row.get(1)?,
            changed: row.get(2)?,
            embedded: row.get(3)?,
        })
    })?;
    Ok(version.unwrap_or_default())
}

/// Counts episodes that are about to be written; returns the sequence number of the first.
pub(crate) fn written(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    scope: &Scope,
    count: usize,
) -> Result<u64, Failure> {
    let values = values![workspace, &scope.assistant, scope_user(scope), count];
    let last: Option<u64> = session.one(GROW, values, |row| row.get(0))?;
    let last = last.ok_or_else(|| Error::internal("a scope was not returned"))?;
    Ok((last + 1).saturating_sub(count as u64))
}

/// Counts a change to the scope's statements, and makes the scope's row if need be.
pub(crate) fn changed(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    scope: &Scope,
) -> Result<(), Failure> {
    session.execute(CHANGE, values![workspace, &scope.assistant, scope_user(scope)])?;
    Ok(())
}

/// Counts vectors of episodes that were stored; `ids` is an array in JSON.
pub(crate) fn episodes_embedded(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    ids: &str,
) -> Result<(), Failure> {
    session.execute(EMBED_EPISODES, values![workspace, ids])?;
    Ok(())
}

/// The same for statements.
pub(crate) fn statements_embedded(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    ids: &str,
) -> Result<(), Failure> {
    session.execute(EMBED_STATEMENTS, values![workspace, ids])?;
    Ok(())
}

/// Counts episodes that were deleted.
pub(crate) fn forgotten(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    scope: &Scope,
    count: u64,
) -> Result<(), Failure> {
    if count > 0 {
        let values = values![count, workspace, &scope.assistant, scope_user(scope)];
        session.execute(SHRINK, values)?;
    }
    Ok(())
}
