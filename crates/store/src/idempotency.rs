//! Answers to requests that carried an idempotency key, kept for a day.

use backstay_core::{Error, KeyId, Result, Timestamp, WorkspaceId};

use crate::{
    Store, Workspace,
    db::{Failure, Row, Session, statements, values},
    messages::to_json,
};

/// A node whose lease ran out while it answered finds the row gone, or another's in its place.
macro_rules! of_this_node {
    ($text:literal) => {
        concat!($text, " AND node = current_setting('backstay.node', true)")
    };
}

statements! {
    FORGET_OLD = "DELETE FROM idempotency
        WHERE workspace = $1 AND api_key = $2 AND token = $3 AND expires_at <= $4";
    BEGIN = "INSERT INTO idempotency
            (workspace, api_key, token, fingerprint, state, expires_at)
        VALUES ($1, $2, $3, $4, 'running', $5)
        ON CONFLICT (workspace, api_key, token) DO NOTHING";
    FIND = "SELECT fingerprint, state, status, headers, body FROM idempotency
        WHERE workspace = $1 AND api_key = $2 AND token = $3";
    KEEP = "UPDATE idempotency SET state = 'done', status = $1, headers = $2, body = $3
        WHERE workspace = $4 AND api_key = $5 AND token = $6 AND state = 'running'",
        postgres: of_this_node!("UPDATE idempotency
        SET state = 'done', status = $1, headers = $2, body = $3
        WHERE workspace = $4 AND api_key = $5 AND token = $6 AND state = 'running'");
    LET_GO = "UPDATE idempotency SET state = 'unstored'
        WHERE workspace = $1 AND api_key = $2 AND token = $3 AND state = 'running'",
        postgres: of_this_node!("UPDATE idempotency SET state = 'unstored'
        WHERE workspace = $1 AND api_key = $2 AND token = $3 AND state = 'running'");
    RELEASE = "DELETE FROM idempotency
        WHERE workspace = $1 AND api_key = $2 AND token = $3 AND state = 'running'",
        postgres: of_this_node!("DELETE FROM idempotency
        WHERE workspace = $1 AND api_key = $2 AND token = $3 AND state = 'running'");
    /// Names the state as text, so that the index of open requests is used.
    RELEASE_OPEN = "DELETE FROM idempotency WHERE state = 'running'",
        postgres: "DELETE FROM idempotency WHERE (workspace, api_key, token) IN (
            SELECT workspace, api_key, token FROM idempotency
            WHERE state = 'running' AND node_is_gone(node) FOR UPDATE SKIP LOCKED)";
    BLANK = "UPDATE idempotency SET state = 'unstored', status = NULL, headers = NULL, body = NULL
        WHERE workspace = $1 AND state = 'done'";
    EXPIRED = "SELECT i.workspace, i.api_key, i.token
        FROM workspaces AS w CROSS JOIN idempotency AS i
        WHERE i.workspace = w.id AND i.expires_at <= $1 LIMIT $2",
        postgres: "SELECT i.workspace, i.api_key, i.token
        FROM workspaces AS w CROSS JOIN idempotency AS i
        WHERE i.workspace = w.id AND i.expires_at <= $1 LIMIT $2 FOR UPDATE OF i SKIP LOCKED";
    EXPIRE = "DELETE FROM idempotency WHERE workspace = $1 AND api_key = $2 AND token = $3";
}

/// A request as its idempotency key names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotentRequest {
    pub key: KeyId,
    /// SHA-256 of the client's idempotency key.
    pub token: [u8; 32],
    /// SHA-256 of everything that the request says.
    pub fingerprint: [u8; 32],
}

/// An answer as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What is known of an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// Nothing until now; the request is now known to be running.
    New,
    /// The same request is being answered.
    Running,
    /// It belongs to another request.
    Mismatch,
    /// The same request was answered, and its answer is not kept: it was too large, or what it said
    /// was forgotten since.
    Unstored,
    Answered(StoredAnswer),
}

impl Workspace {
    /// Takes the idempotency key for the request, or says what it stands for already. Of several at
    /// once one gets [`Idempotency::New`].
    pub async fn begin_idempotent(
        &self,
        request: &IdempotentRequest,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Idempotency> {
        let IdempotentRequest { key, token, fingerprint } = request.clone();
        self.write_beside(move |session, workspace| {
            let token = token.as_slice();
            session.execute(FORGET_OLD, values![workspace, &key, token, now])?;
            let values = values![workspace, &key, token, fingerprint.as_slice(), expires_at];
            if session.execute(BEGIN, values)? > 0 {
                return Ok(Idempotency::New);
            }
            let read = |row: &Row<'_>| known(row, &fingerprint);
            let known = session.one(FIND, values![workspace, &key, token], read)?;
            Ok(known.unwrap_or(Idempotency::Running))
        })
        .await
    }

    /// Keeps the answer of a running request; `None` for one that is too large to be kept. Once it is
    /// kept it never changes.
    pub async fn finish_idempotent(
        &self,
        request: &IdempotentRequest,
        answer: Option<StoredAnswer>,
    ) -> Result<()> {
        let IdempotentRequest { key, token, .. } = request.clone();
        self.write_beside(move |session, workspace| {
            let token = token.as_slice();
            match &answer {
                Some(StoredAnswer { status, headers, body }) => {
                    let headers = to_json(headers)?;
                    let body = body.as_slice();
                    let values = values![*status, &headers, body, workspace, &key, token];
                    session.execute(KEEP, values)?
                }
                None => session.execute(LET_GO, values![workspace, &key, token])?,
            };
            Ok(())
        })
        .await
    }

    /// Forgets a running request, so that it may be tried again.
    pub async fn release_idempotent(&self, request: &IdempotentRequest) -> Result<()> {
        let IdempotentRequest { key, token, .. } = request.clone();
        self.write_beside(move |session, workspace| {
            session.execute(RELEASE, values![workspace, &key, token.as_slice()])?;
            Ok(())
        })
        .await
    }
}

impl Store {
    /// Forgets requests that a process which is gone did not live to answer; how many. When to call
    /// it, see [`Store::settle_interrupted`].
    pub async fn release_idempotent(&self) -> Result<u64> {
        self.write_beside(|session| Ok(session.execute(RELEASE_OPEN, &[])? as u64)).await
    }

    /// Deletes answers whose time is over, in every workspace, at most `limit` at a time; how many.
    pub async fn expire_idempotent(&self, now: Timestamp, limit: usize) -> Result<usize> {
        type Key = (WorkspaceId, KeyId, Vec<u8>);
        let read = |row: &Row<'_>| -> Result<Key, Failure> {
            Ok((row.get(0)?, row.get(1)?, row.bytes(2)?.to_vec()))
        };
        self.write(move |session| {
            let expired = session.all(EXPIRED, values![now, limit], read)?;
            for (workspace, key, token) in &expired {
                session.execute(EXPIRE, values![workspace, key, token.as_slice()])?;
            }
            Ok(expired.len())
        })
        .await
    }
}

/// Forgets what the workspace's answers said: something that they may hold is forgotten. That they
/// were given stays known.
pub(crate) fn blank(session: &Session<'_>, workspace: &WorkspaceId) -> Result<(), Failure> {
    session.execute(BLANK, values![workspace])?;
    Ok(())
}

fn known(row: &Row<'_>, fingerprint: &[u8; 32]) -> Result<Idempotency, Failure> {
    if row.bytes(0)? != fingerprint.as_slice() {
        return Ok(Idempotency::Mismatch);
    }
    let state: String = row.get(1)?;
    Ok(match state.as_str() {
        "running" => Idempotency::Running,
        "unstored" => Idempotency::Unstored,
        "done" => Idempotency::Answered(StoredAnswer {
            status: row.get(2)?,
            headers: row.json(3)?.unwrap_or_default(),
            body: row.bytes(4)?.to_vec(),
        }),
        other => {
            let message = format!("an idempotency key is in the unknown state {other}");
            return Err(Error::internal(message).into());
        }
    })
}
