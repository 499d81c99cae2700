//! Deleting what has had its time: statements with a moment of their own, and what is older than its
//! scope's policy allows.

use std::collections::BTreeMap;

use backstay_core::{
    Result, Timestamp, WorkspaceId,
    memory::{RecalledId, Scope},
};

use crate::{
    Store,
    db::{Failure, Session, statements, values},
    forget::{ComesBack, Plan, carry_out},
    scopes::scope_user,
    threads::scope,
};

const MICROS_PER_SECOND: i64 = 1_000_000;

statements! {
    /// Workspace by workspace, as the index of what expires is sorted. An earlier version's moment
    /// is over with the version.
    ENDED = "SELECT s.workspace, s.id FROM workspaces AS w CROSS JOIN statements AS s
        WHERE s.workspace = w.id AND s.expires_at <= $1 AND s.pinned = 0
            AND NOT EXISTS (SELECT 1 FROM statements AS later
                WHERE later.workspace = s.workspace AND later.id = s.id
                    AND later.version > s.version)
        LIMIT $2";
    /// A policy for every user counts for those without one of their own.
    POLICIES = "SELECT p.workspace, s.assistant, s.user_name, p.episode_ttl_seconds,
            p.statement_ttl_seconds
        FROM workspaces AS w CROSS JOIN policies AS p CROSS JOIN scopes AS s
        WHERE p.workspace = w.id AND s.workspace = p.workspace AND s.assistant = p.assistant
            AND (p.episode_ttl_seconds IS NOT NULL OR p.statement_ttl_seconds IS NOT NULL)
            AND (s.user_name = p.user_name OR (p.user_name = '' AND NOT EXISTS (
                SELECT 1 FROM policies AS own WHERE own.workspace = p.workspace
                    AND own.assistant = p.assistant AND own.user_name = s.user_name)))";
    /// Only the oldest are looked at: they were written first.
    OLD_TURNS = "SELECT id FROM (
            SELECT id, recorded_at FROM episodes
            WHERE workspace = $1 AND assistant = $2 AND user_name = $3 ORDER BY sequence LIMIT $4
        ) AS part WHERE recorded_at <= $5";
    OLD_STATEMENTS = "SELECT DISTINCT id FROM statements
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3
            AND recorded_at <= $4 AND pinned = 0
            AND NOT EXISTS (SELECT 1 FROM statements AS later
                WHERE later.workspace = $1 AND later.id = statements.id
                    AND later.version > statements.version)
        LIMIT $5";
}

impl Store {
    /// Deletes what has expired, with what was made of it, in every workspace: about `limit` turns
    /// and statements at a time. How many there were; 0 when nothing is left. What is said or
    /// imported again is remembered again.
    pub async fn expire(&self, now: Timestamp, limit: usize) -> Result<usize> {
        let due = self.read(move |session| due(session, now, limit)).await?;
        self.forget_due(due, now).await
    }

    /// How many turns and statements went.
    pub(crate) async fn forget_due(
        &self,
        due: BTreeMap<WorkspaceId, Vec<RecalledId>>,
        now: Timestamp,
    ) -> Result<usize> {
        let mut count = 0;
        for (workspace, ids) in due {
            count += self
                .workspace(&workspace)
                .erase(move |session, workspace| {
                    let plan = Plan::of(session, workspace, &ids)?;
                    carry_out(session, workspace, &plan, ComesBack::WhenSaidAgain, now)?;
                    Ok(plan.forgotten().count())
                })
                .await?;
        }
        Ok(count)
    }
}

fn due(
    session: &Session<'_>,
    now: Timestamp,
    limit: usize,
) -> Result<BTreeMap<WorkspaceId, Vec<RecalledId>>, Failure> {
    let mut due: BTreeMap<WorkspaceId, Vec<RecalledId>> = BTreeMap::new();
    let ended: Vec<(WorkspaceId, RecalledId)> =
        session.all(ENDED, values![now, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (workspace, id) in ended {
        due.entry(workspace).or_default().push(id);
    }
    type Policy = (WorkspaceId, Scope, Option<u64>, Option<u64>);
    let policies: Vec<Policy> = session
        .all(POLICIES, &[], |row| Ok((row.get(0)?, scope(row, 1)?, row.get(3)?, row.get(4)?)))?;
    for (workspace, scope, turns, statements) in policies {
        let (assistant, user) = (&scope.assistant, scope_user(&scope));
        let mut ids: Vec<RecalledId> = Vec::new();
        if let Some(before) = turns.map(|ttl| before(now, ttl)) {
            let values = values![&workspace, assistant, user, limit, before];
            ids.extend(session.all(OLD_TURNS, values, |row| row.get(0))?);
        }
        if let Some(before) = statements.map(|ttl| before(now, ttl)) {
            let values = values![&workspace, assistant, user, before, limit];
            ids.extend(session.all(OLD_STATEMENTS, values, |row| row.get(0))?);
        }
        if !ids.is_empty() {
            due.entry(workspace).or_default().extend(ids);
        }
    }
    Ok(due)
}

fn before(now: Timestamp, seconds: u64) -> Timestamp {
    let micros = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(MICROS_PER_SECOND);
    Timestamp::from_micros(now.micros().saturating_sub(micros))
}
