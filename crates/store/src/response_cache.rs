//! Answers that are given again to the same request, for as long as the client allows.

use backstay_core::{GenerationId, KeyId, Money, Result, Timestamp, WorkspaceId};

use crate::{
    SettledGeneration, Store, Workspace,
    db::{Failure, Row, Session, statements, values},
};

/// A larger answer is not kept.
pub const CACHED_ANSWER_BYTES_MAX: usize = 2 * 1024 * 1024;
/// What a workspace keeps at most; the oldest answers make room for new ones.
const ANSWERS_MAX: u64 = 5_000;
const BYTES_MAX: u64 = 64 * 1024 * 1024;
const _: () = assert!(CACHED_ANSWER_BYTES_MAX as u64 <= BYTES_MAX);

statements! {
    FIND = "SELECT generation, cost, created_at, expires_at, answer FROM response_cache
        WHERE workspace = $1 AND api_key = $2 AND request = $3 AND expires_at > $4";
    KEEP = "INSERT INTO response_cache
            (workspace, api_key, request, generation, cost, created_at, expires_at, size, answer)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (workspace, api_key, request) DO UPDATE SET
            generation = excluded.generation, cost = excluded.cost,
            created_at = excluded.created_at, expires_at = excluded.expires_at,
            size = excluded.size, answer = excluded.answer";
    HELD = "SELECT count(*), CAST(coalesce(sum(size), 0) AS BIGINT) FROM response_cache
        WHERE workspace = $1";
    OLDEST = "SELECT api_key, request, size FROM response_cache
        WHERE workspace = $1 ORDER BY created_at LIMIT 1";
    DROP_ONE = "DELETE FROM response_cache WHERE workspace = $1 AND api_key = $2 AND request = $3";
    DROP_ALL = "DELETE FROM response_cache WHERE workspace = $1";
    OVER = "SELECT c.workspace, c.api_key, c.request
        FROM workspaces AS w CROSS JOIN response_cache AS c
        WHERE c.workspace = w.id AND c.expires_at <= $1 LIMIT $2",
        postgres: "SELECT c.workspace, c.api_key, c.request
        FROM workspaces AS w CROSS JOIN response_cache AS c
        WHERE c.workspace = w.id AND c.expires_at <= $1 LIMIT $2 FOR UPDATE OF c SKIP LOCKED";
}

/// Which request an answer is of. The workspace is the handle's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheKey {
    pub key: KeyId,
    /// SHA-256 of everything that the answer depends on.
    pub request: [u8; 32],
}

/// An answer to be kept with the call that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCachedAnswer {
    pub of: CacheKey,
    pub answer: Vec<u8>,
    pub expires_at: Timestamp,
}

/// A kept answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedAnswer {
    /// The call that it was made in.
    pub generation: GenerationId,
    /// What that call cost; `None` when that is unknown.
    pub cost: Option<Money>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub answer: Vec<u8>,
}

impl Workspace {
    /// The answer to a request, if there is one whose time is not over.
    pub async fn cached_answer(
        &self,
        of: &CacheKey,
        now: Timestamp,
    ) -> Result<Option<CachedAnswer>> {
        let CacheKey { key, request } = of.clone();
        self.read(move |session, workspace| {
            let values = values![workspace, &key, request.as_slice(), now];
            session.one(FIND, values, |row| {
                Ok(CachedAnswer {
                    generation: row.get(0)?,
                    cost: row.get(1)?,
                    created_at: row.get(2)?,
                    expires_at: row.get(3)?,
                    answer: row.bytes(4)?.to_vec(),
                })
            })
        })
        .await
    }

    /// Drops the answer to a request.
    pub async fn drop_cached_answer(&self, of: &CacheKey) -> Result<()> {
        let CacheKey { key, request } = of.clone();
        self.write_beside(move |session, workspace| {
            session.execute(DROP_ONE, values![workspace, &key, request.as_slice()])?;
            Ok(())
        })
        .await
    }
}

impl Store {
    /// Deletes answers whose time is over, in every workspace, at most `limit` at a time; how many.
    pub async fn expire_cached_answers(&self, now: Timestamp, limit: usize) -> Result<usize> {
        type Found = (WorkspaceId, KeyId, Vec<u8>);
        let read = |row: &Row<'_>| -> Result<Found, Failure> {
            Ok((row.get(0)?, row.get(1)?, row.bytes(2)?.to_vec()))
        };
        self.write(move |session| {
            let over = session.all(OVER, values![now, limit], read)?;
            for (workspace, key, request) in &over {
                session.execute(DROP_ONE, values![workspace, key, request.as_slice()])?;
            }
            Ok(over.len())
        })
        .await
    }
}

/// Keeps an answer, in place of an earlier one to the same request, and drops the oldest ones of the
/// workspace for which there is no room any more.
pub(crate) fn keep(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    settled: &SettledGeneration,
    new: &NewCachedAnswer,
) -> Result<(), Failure> {
    let NewCachedAnswer { of: CacheKey { key, request }, answer, expires_at } = new;
    if answer.len() > CACHED_ANSWER_BYTES_MAX {
        return Ok(());
    }
    let values = values![
        workspace,
        key,
        request.as_slice(),
        &settled.id,
        settled.cost(),
        settled.finished_at,
        *expires_at,
        answer.len(),
        answer.as_slice(),
    ];
    session.execute(KEEP, values)?;
    make_room(session, workspace)
}

fn make_room(session: &Session<'_>, workspace: &WorkspaceId) -> Result<(), Failure> {
    let held = session.one(HELD, values![workspace], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (mut answers, mut bytes): (u64, u64) = held.unwrap_or_default();
    while answers > ANSWERS_MAX || bytes > BYTES_MAX {
        type Oldest = (KeyId, Vec<u8>, u64);
        let read = |row: &Row<'_>| -> Result<Oldest, Failure> {
            Ok((row.get(0)?, row.bytes(1)?.to_vec(), row.get(2)?))
        };
        let Some((key, request, size)) = session.one(OLDEST, values![workspace], read)? else {
            break;
        };
        session.execute(DROP_ONE, values![workspace, &key, request.as_slice()])?;
        answers = answers.saturating_sub(1);
        bytes = bytes.saturating_sub(size);
    }
    Ok(())
}

/// Drops every answer of the workspace: something that they may hold is forgotten.
pub(crate) fn drop_all(session: &Session<'_>, workspace: &WorkspaceId) -> Result<(), Failure> {
    session.execute(DROP_ALL, values![workspace])?;
    Ok(())
}
