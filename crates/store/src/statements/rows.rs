//! Versions of statements as rows.

use backstay_core::{
    MemoryId, Timestamp, WorkspaceId,
    memory::{Confidence, MemoryState, NewStatement, Scope, SourceQuote, Statement, Validity},
};

use super::check::content_hash;
use crate::{
    db::{Failure, Row, Session, statements, values},
    messages::to_json,
    scopes::scope_user,
    threads::scope,
};

/// What [`version`] reads, in its order.
macro_rules! columns {
    () => {
        "id, version, assistant, user_name, text, kind, subject, confidence, trust, quarantine,
         valid_from, valid_to, said_at, expires_at, pinned, source, learned_by, metadata,
         recorded_at, retracted_at, superseded_by, created_at"
    };
}
pub(super) use columns;

statements! {
    INSERT = concat!("INSERT INTO statements (workspace, ", columns!(), ", content_hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
            $19, $20, $21, $22, $23, $24)");
    INSERT_SOURCE = "INSERT INTO statement_sources (workspace, id, version, number, episode, quote)
        VALUES ($1, $2, $3, $4, $5, $6)";
    CLOSE = "UPDATE statements SET retracted_at = $1
        WHERE workspace = $2 AND id = $3 AND version = $4 AND retracted_at IS NULL";
    NEWEST = concat!("SELECT ", columns!(), " FROM statements
        WHERE workspace = $1 AND id = $2 ORDER BY version DESC LIMIT 1");
    VERSIONS = concat!("SELECT ", columns!(), " FROM statements
        WHERE workspace = $1 AND id = $2 ORDER BY version");
    SOURCES = "SELECT episode, quote FROM statement_sources
        WHERE workspace = $1 AND id = $2 AND version = $3 ORDER BY number";
    /// Until it is embedded, model and revision are empty; a text that changed is embedded anew.
    AWAIT_VECTOR = "INSERT INTO statement_vectors (workspace, statement, version)
        VALUES ($1, $2, $3)
        ON CONFLICT (workspace, statement) DO UPDATE SET
            version = excluded.version, model = '', revision = '', dimension = 0, vector = NULL",
        postgres: "INSERT INTO statement_vectors (workspace, statement, version)
        VALUES ($1, $2, $3)
        ON CONFLICT (workspace, statement) DO UPDATE SET
            version = excluded.version, model = '', revision = '', dimension = 0, vector = NULL,
            claimed_until = 0";
}

/// A version and when the first one of its statement was recorded.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) statement: Statement,
    pub(crate) created_at: Timestamp,
}

/// Writes a version with its sources. The scope's row must be there.
pub(crate) fn insert(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    version: &Version,
) -> Result<(), Failure> {
    let Statement { id, version: number, scope, said, .. } = &version.statement;
    let reason = match &said.state {
        MemoryState::Active => None,
        MemoryState::Quarantined(reason) => Some(reason),
    };
    let metadata = Some(&said.metadata).filter(|metadata| !metadata.is_empty());
    let metadata = metadata.map(to_json).transpose()?;
    let content_hash = content_hash(said);
    session.execute(
        INSERT,
        values![
            workspace,
            id,
            *number,
            &scope.assistant,
            scope_user(scope),
            &said.text,
            said.kind,
            said.subject.as_ref(),
            said.confidence,
            said.trust,
            reason,
            said.valid.from,
            said.valid.to,
            said.said_at,
            said.expires_at,
            said.pinned,
            &said.source,
            said.learned_by.as_ref(),
            metadata.as_ref(),
            version.statement.recorded_at,
            version.statement.retracted_at,
            version.statement.superseded_by.as_ref(),
            version.created_at,
            content_hash.as_slice(),
        ],
    )?;
    for (place, SourceQuote { episode, quote }) in said.sources.iter().enumerate() {
        let values = values![workspace, id, *number, place, episode, quote];
        session.execute(INSERT_SOURCE, values)?;
    }
    Ok(())
}

/// Ends the time in which a version was believed. Whether it was believed until now.
pub(super) fn close(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    statement: &Statement,
    now: Timestamp,
) -> Result<bool, Failure> {
    let values = values![now, workspace, &statement.id, statement.version];
    Ok(session.execute(CLOSE, values)? > 0)
}

/// Asks for a vector of this version's text.
pub(crate) fn await_vector(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    statement: &Statement,
) -> Result<(), Failure> {
    session.execute(AWAIT_VECTOR, values![workspace, &statement.id, statement.version])?;
    Ok(())
}

/// The newest version, believed or not.
pub(crate) fn newest(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    id: &MemoryId,
) -> Result<Option<Version>, Failure> {
    let found = session.one(NEWEST, values![workspace, id], version)?;
    found.map(|version| with_sources(session, workspace, version)).transpose()
}

/// Every version, oldest first.
pub(crate) fn versions(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    id: &MemoryId,
) -> Result<Vec<Version>, Failure> {
    let found = session.all(VERSIONS, values![workspace, id], version)?;
    found.into_iter().map(|version| with_sources(session, workspace, version)).collect()
}

/// The version that is believed now.
pub(crate) fn current(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    id: &MemoryId,
) -> Result<Option<Version>, Failure> {
    let newest = newest(session, workspace, id)?;
    Ok(newest.filter(|version| version.statement.retracted_at.is_none()))
}

/// Reads what [`version`] leaves out.
pub(super) fn with_sources(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    mut version: Version,
) -> Result<Version, Failure> {
    let Statement { id, version: number, said, .. } = &mut version.statement;
    said.sources = session.all(SOURCES, values![workspace, &*id, *number], |row| {
        Ok(SourceQuote { episode: row.get(0)?, quote: row.get(1)? })
    })?;
    Ok(version)
}

/// A row of [`columns`], without its sources.
pub(super) fn version(row: &Row<'_>) -> Result<Version, Failure> {
    let state = row.get::<Option<String>>(9)?.map_or(MemoryState::Active, MemoryState::Quarantined);
    let scope: Scope = scope(row, 2)?;
    let said = NewStatement {
        text: row.get(4)?,
        kind: row.get(5)?,
        subject: row.get(6)?,
        confidence: row.get::<Confidence>(7)?,
        trust: row.get(8)?,
        state,
        valid: Validity { from: row.get(10)?, to: row.get(11)? },
        said_at: row.get(12)?,
        expires_at: row.get(13)?,
        pinned: row.get(14)?,
        source: row.get(15)?,
        learned_by: row.get(16)?,
        sources: Vec::new(),
        metadata: row.json(17)?.unwrap_or_default(),
    };
    let statement = Statement {
        id: row.get(0)?,
        version: row.get(1)?,
        scope,
        said,
        recorded_at: row.get(18)?,
        retracted_at: row.get(19)?,
        superseded_by: row.get(20)?,
    };
    Ok(Version { statement, created_at: row.get(21)? })
}
