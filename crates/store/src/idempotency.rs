//! Answers to requests that carried an idempotency key, kept for a day.

use std::collections::HashMap;

use backstay_core::{
    Error, GenerationId, KeyId, RequestId, Result, Timestamp, WorkspaceId, chat::SettlementStatus,
};

use crate::{
    Store, Workspace,
    db::{Failure, Row, Session, named, statements, values},
    messages::to_json,
};

/// A node whose lease ran out while it answered finds the row gone, or another's in its place.
macro_rules! of_this_node {
    ($text:literal) => {
        concat!($text, " AND node = current_setting('backstay.node', true)")
    };
}

/// What came of the calls that some requests made: of those that are open or have an answer.
macro_rules! calls {
    ($requests:expr) => {
        concat!(
            "SELECT request, api_key, id, status FROM generations
        WHERE workspace = $1 AND id >= $2 AND status IN ('pending', 'completed')
            AND request ",
            $requests
        )
    };
}

statements! {
    FORGET_OLD = "DELETE FROM idempotency
        WHERE workspace = $1 AND api_key = $2 AND token = $3 AND expires_at <= $4";
    BEGIN = "INSERT INTO idempotency
            (workspace, api_key, token, fingerprint, state, expires_at, request, first_generation)
        VALUES ($1, $2, $3, $4, 'running', $5, $6, $7)
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
    ABANDONED = "SELECT workspace, api_key, token, request, first_generation FROM idempotency
        WHERE state = 'running'",
        postgres: "SELECT workspace, api_key, token, request, first_generation FROM idempotency
        WHERE state = 'running' AND node_is_gone(node) FOR UPDATE SKIP LOCKED";
    THIS = "SELECT workspace, api_key, token, request, first_generation FROM idempotency
        WHERE workspace = $1 AND api_key = $2 AND token = $3 AND state = 'running'",
        postgres: of_this_node!("SELECT workspace, api_key, token, request, first_generation
        FROM idempotency
        WHERE workspace = $1 AND api_key = $2 AND token = $3 AND state = 'running'");
    CALLS = calls!(named!(sqlite "$3")), postgres: calls!(named!(postgres "$3"));
    CARRIED_OUT = "UPDATE idempotency SET state = 'unstored'
        WHERE workspace = $1 AND api_key = $2 AND token = $3 AND state = 'running'";
    BLANK = "UPDATE idempotency SET state = 'unstored', status = NULL, headers = NULL, body = NULL
        WHERE workspace = $1 AND state = 'done'";
    EXPIRED = "SELECT i.workspace, i.api_key, i.token
        FROM workspaces AS w CROSS JOIN idempotency AS i
        WHERE i.workspace = w.id AND i.expires_at <= $1 LIMIT $2",
        postgres: "SELECT i.workspace, i.api_key, i.token
        FROM workspaces AS w CROSS JOIN idempotency AS i
        WHERE i.workspace = w.id AND i.expires_at <= $1 LIMIT $2 FOR UPDATE OF i SKIP LOCKED";
    REMOVE = "DELETE FROM idempotency WHERE workspace = $1 AND api_key = $2 AND token = $3";
}

/// A request as its idempotency key names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotentRequest {
    pub key: KeyId,
    /// What the calls that it makes have in the ledger.
    pub request: RequestId,
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
    /// The same request was carried out, and its answer is not kept: it was too large, what it said
    /// was forgotten since, or the process that carried it out did not live to keep it.
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
        let IdempotentRequest { key, request, token, fingerprint } = request.clone();
        let first = GenerationId::first_at(now);
        self.write_beside(move |session, workspace| {
            let token = token.as_slice();
            session.execute(FORGET_OLD, values![workspace, &key, token, now])?;
            let values = values![
                workspace,
                &key,
                token,
                fingerprint.as_slice(),
                expires_at,
                &request,
                &first,
            ];
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

    /// Ends a running request that broke off: one whose calls have an answer is not to be carried out
    /// again, any other may be.
    pub async fn abandon_idempotent(&self, request: &IdempotentRequest) -> Result<()> {
        let IdempotentRequest { key, token, .. } = request.clone();
        self.write_beside(move |session, workspace| {
            let values = values![workspace, &key, token.as_slice()];
            for left in session.all(THIS, values, abandoned)? {
                let calls = Calls::of(session, workspace, [&left])?;
                left.end(session, calls.outcome(&left) == Some(Outcome::Answered))?;
            }
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
    /// Ends requests that a process which is gone did not live to answer; how many. Those whose calls
    /// have an answer become [`Idempotency::Unstored`], as carrying them out again would be charged
    /// again; any other may be tried again, once no call of it is open. When to call it, see
    /// [`Store::settle_interrupted`], which goes first.
    pub async fn release_idempotent(&self) -> Result<u64> {
        self.write_beside(|session| {
            let mut by_workspace: HashMap<WorkspaceId, Vec<Abandoned>> = HashMap::new();
            for left in session.all(ABANDONED, &[], abandoned)? {
                by_workspace.entry(left.workspace.clone()).or_default().push(left);
            }
            let mut ended = 0;
            for (workspace, requests) in by_workspace {
                let calls = Calls::of(session, &workspace, &requests)?;
                for left in requests {
                    let outcome = calls.outcome(&left);
                    if outcome != Some(Outcome::Open) {
                        left.end(session, outcome == Some(Outcome::Answered))?;
                        ended += 1;
                    }
                }
            }
            Ok(ended)
        })
        .await
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
                session.execute(REMOVE, values![workspace, key, token.as_slice()])?;
            }
            Ok(expired.len())
        })
        .await
    }
}

/// A request that nobody carries out any more.
struct Abandoned {
    workspace: WorkspaceId,
    key: KeyId,
    token: Vec<u8>,
    /// And from which id on its calls count. `None` where an earlier version began it.
    calls: Option<(RequestId, GenerationId)>,
}

impl Abandoned {
    fn end(&self, session: &Session<'_>, is_carried_out: bool) -> Result<(), Failure> {
        let statement = if is_carried_out { CARRIED_OUT } else { REMOVE };
        session.execute(statement, values![&self.workspace, &self.key, self.token.as_slice()])?;
        Ok(())
    }
}

fn abandoned(row: &Row<'_>) -> Result<Abandoned, Failure> {
    let (request, first): (Option<RequestId>, Option<GenerationId>) = (row.get(3)?, row.get(4)?);
    Ok(Abandoned {
        workspace: row.get(0)?,
        key: row.get(1)?,
        token: row.bytes(2)?.to_vec(),
        calls: request.zip(first),
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// It may still get an answer.
    Open,
    Answered,
}

/// Calls of a workspace that are open or have an answer.
#[derive(Default)]
struct Calls(HashMap<(RequestId, KeyId), Vec<(GenerationId, Outcome)>>);

impl Calls {
    fn of<'a>(
        session: &Session<'_>,
        workspace: &WorkspaceId,
        requests: impl IntoIterator<Item = &'a Abandoned>,
    ) -> Result<Self, Failure> {
        let known: Vec<_> = requests.into_iter().filter_map(|left| left.calls.as_ref()).collect();
        let Some(first) = known.iter().map(|(_, first)| first).min() else {
            return Ok(Self::default());
        };
        let names = to_json(&known.iter().map(|(request, _)| request).collect::<Vec<_>>())?;
        let mut calls = Self::default();
        for (of, call) in session.all(CALLS, values![workspace, first, &names], call)? {
            calls.0.entry(of).or_default().push(call);
        }
        Ok(calls)
    }

    /// `None` where no call is open or has an answer.
    fn outcome(&self, left: &Abandoned) -> Option<Outcome> {
        let (request, first) = left.calls.as_ref()?;
        let calls = self.0.get(&(request.clone(), left.key.clone()))?;
        calls.iter().filter(|(id, _)| id >= first).map(|(_, outcome)| *outcome).max()
    }
}

type Call = ((RequestId, KeyId), (GenerationId, Outcome));

fn call(row: &Row<'_>) -> Result<Call, Failure> {
    let outcome = match row.get(3)? {
        SettlementStatus::Completed => Outcome::Answered,
        _ => Outcome::Open,
    };
    Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, outcome)))
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
