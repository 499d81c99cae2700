//! Policies: how long a scope's memories are kept, how they fade, and whether anything is learned.

use backstay_core::{Error, Result, WorkspaceId, memory::Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Workspace,
    db::{Failure, Row, Session, statements, values},
    scopes::{self, ScopeVersion, scope_user},
    threads::scope,
};

/// A thousand years: more is a mistake.
const SECONDS_MAX: u64 = 1_000 * 366 * 24 * 60 * 60;
const DAYS_MAX: u32 = 1_000 * 366;

/// What is done with the memories of a scope. Pinned statements are kept whatever it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MemoryPolicy {
    /// Turns are deleted this long after they were recorded, in their thread as well, with what was
    /// learned from them. `None` keeps them.
    pub episode_ttl_seconds: Option<u64>,
    /// Statements are deleted this long after their newest version was recorded. `None` keeps them.
    pub statement_ttl_seconds: Option<u64>,
    /// After this long a memory counts half as much in recall. `None`: memories do not fade.
    pub half_life_days: Option<u32>,
    /// Whether statements are learned from turns.
    pub learn: bool,
}

impl Default for MemoryPolicy {
    fn default() -> Self {
        Self {
            episode_ttl_seconds: None,
            statement_ttl_seconds: None,
            half_life_days: None,
            learn: true,
        }
    }
}

statements! {
    PUT = "INSERT INTO policies
            (workspace, assistant, user_name, episode_ttl_seconds, statement_ttl_seconds,
             half_life_days, learn)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (workspace, assistant, user_name) DO UPDATE SET
            episode_ttl_seconds = excluded.episode_ttl_seconds,
            statement_ttl_seconds = excluded.statement_ttl_seconds,
            half_life_days = excluded.half_life_days,
            learn = excluded.learn";
    CLEAR = "DELETE FROM policies WHERE workspace = $1 AND assistant = $2 AND user_name = $3";
    /// A user's own row sorts after the one for every user.
    EFFECTIVE = "SELECT assistant, user_name, episode_ttl_seconds, statement_ttl_seconds,
            half_life_days, learn
        FROM policies WHERE workspace = $1 AND assistant = $2 AND user_name IN ('', $3)
        ORDER BY user_name DESC LIMIT 1";
}

impl Workspace {
    /// Sets the policy of one user's memories; of a scope without a user, that of every user of the
    /// assistant who has none of their own. Fails with `invalid_request` when a time is 0 or above
    /// a thousand years.
    pub async fn set_memory_policy(&self, scope: &Scope, policy: MemoryPolicy) -> Result<()> {
        check(&policy)?;
        let scope = scope.clone();
        self.write(move |session, workspace| {
            let values = values![
                workspace,
                &scope.assistant,
                scope_user(&scope),
                policy.episode_ttl_seconds,
                policy.statement_ttl_seconds,
                policy.half_life_days,
                policy.learn,
            ];
            session.execute(PUT, values)?;
            Ok(())
        })
        .await
    }

    /// Whether there was one.
    pub async fn clear_memory_policy(&self, scope: &Scope) -> Result<bool> {
        let scope = scope.clone();
        self.write(move |session, workspace| {
            let values = values![workspace, &scope.assistant, scope_user(&scope)];
            Ok(session.execute(CLEAR, values)? > 0)
        })
        .await
    }

    /// The policy that holds for a scope: the user's own, else the assistant's, else one that keeps
    /// everything and learns.
    pub async fn memory_policy(&self, scope: &Scope) -> Result<MemoryPolicy> {
        let scope = scope.clone();
        self.read(move |session, workspace| effective(session, workspace, &scope)).await
    }

    /// What a recall needs to know of a scope before it looks at its index, in one read.
    pub async fn scope_version_and_policy(
        &self,
        scope: &Scope,
    ) -> Result<(ScopeVersion, MemoryPolicy)> {
        let scope = scope.clone();
        self.read(move |session, workspace| {
            let version = scopes::version(session, workspace, &scope)?;
            Ok((version, effective(session, workspace, &scope)?))
        })
        .await
    }
}

pub(crate) fn effective(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    scope: &Scope,
) -> Result<MemoryPolicy, Failure> {
    let values = values![workspace, &scope.assistant, scope_user(scope)];
    let found = session.one(EFFECTIVE, values, policy)?;
    Ok(found.map(|(_, policy)| policy).unwrap_or_default())
}

fn check(policy: &MemoryPolicy) -> Result<()> {
    let seconds = [policy.episode_ttl_seconds, policy.statement_ttl_seconds];
    let seconds_fit = seconds.iter().flatten().all(|ttl| (1..=SECONDS_MAX).contains(ttl));
    let days_fit = policy.half_life_days.is_none_or(|days| (1..=DAYS_MAX).contains(&days));
    if seconds_fit && days_fit {
        return Ok(());
    }
    Err(Error::invalid("a time of a memory policy is at least 1 and at most a thousand years"))
}

pub(crate) fn policy(row: &Row<'_>) -> Result<(Scope, MemoryPolicy), Failure> {
    let policy = MemoryPolicy {
        episode_ttl_seconds: row.get(2)?,
        statement_ttl_seconds: row.get(3)?,
        half_life_days: row.get(4)?,
        learn: row.get(5)?,
    };
    Ok((scope(row, 0)?, policy))
}
