//! Doing what a plan says.

use std::collections::HashMap;

use backstay_core::{MemoryId, Timestamp, WorkspaceId, memory::Scope};

use super::{
    episodes::forget_episode,
    plan::{Plan, Weakened},
};
use crate::{
    db::{Failure, Session, statements, values},
    idempotency, learning, response_cache,
    scopes::{self, scope_user},
    statements::{self, Version, content_hash, tombstone},
    tombstones,
};

statements! {
    DELETE_STATEMENT = "DELETE FROM statements WHERE workspace = $1 AND id = $2";
    DELETE_VERSION = "DELETE FROM statements WHERE workspace = $1 AND id = $2 AND version = $3";
    DELETE_SOURCE = "DELETE FROM statement_sources
        WHERE workspace = $1 AND id = $2 AND episode = $3";
    SUCCEED = "UPDATE statements SET superseded_by = $1
        WHERE workspace = $2 AND id = $3 AND superseded_by IS NOT NULL";
    IS_SAID = "SELECT 1 FROM statements
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND content_hash = $4
            AND retracted_at IS NULL";
}

/// Whether what is forgotten may be learned or imported again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ComesBack {
    Never,
    WhenSaidAgain,
}

pub(crate) fn carry_out(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    plan: &Plan,
    comes_back: ComesBack,
    now: Timestamp,
) -> Result<(), Failure> {
    idempotency::blank(session, workspace)?;
    response_cache::drop_all(session, workspace)?;
    let doing = Doing { session, workspace, comes_back, now };
    for thread in &plan.summaries {
        learning::begin_again(session, workspace, thread, now)?;
    }
    for (id, versions) in &plan.gone {
        doing.delete(id, versions)?;
    }
    for (id, weakened) in &plan.weakened {
        doing.weaken(id, weakened, plan)?;
    }
    for (id, successor) in &plan.orphaned {
        session.execute(SUCCEED, values![successor.as_ref(), workspace, id])?;
        if successor.is_none() {
            doing.restore(id)?;
        }
    }
    doing.forget_episodes(plan)
}

struct Doing<'a> {
    session: &'a Session<'a>,
    workspace: &'a WorkspaceId,
    comes_back: ComesBack,
    now: Timestamp,
}

impl Doing<'_> {
    fn delete(&self, id: &MemoryId, versions: &[Version]) -> Result<(), Failure> {
        for Version { statement, .. } in versions {
            if self.comes_back == ComesBack::Never {
                let hash = content_hash(&statement.said);
                let hash = tombstone(&statement.scope, &hash);
                tombstones::put(self.session, self.workspace, &hash, self.now)?;
            }
        }
        if let Some(Version { statement, .. }) = versions.last() {
            scopes::changed(self.session, self.workspace, &statement.scope)?;
        }
        self.session.execute(DELETE_STATEMENT, values![self.workspace, id])?;
        Ok(())
    }

    fn weaken(&self, id: &MemoryId, weakened: &Weakened, plan: &Plan) -> Result<(), Failure> {
        for version in &weakened.versions_gone {
            self.session.execute(DELETE_VERSION, values![self.workspace, id, *version])?;
        }
        for episode in &plan.episodes {
            self.session.execute(DELETE_SOURCE, values![self.workspace, id, episode])?;
        }
        scopes::changed(self.session, self.workspace, &weakened.scope)
    }

    /// Believes a superseded statement again, as it was before it was superseded; unless the scope
    /// has come to believe the same in another one.
    fn restore(&self, id: &MemoryId) -> Result<(), Failure> {
        let versions = statements::versions(self.session, self.workspace, id)?;
        let Some(last) = versions.last() else { return Ok(()) };
        let before = versions.iter().rev().nth(1).unwrap_or(last);
        let mut next = Version { created_at: last.created_at, ..before.clone() };
        let Scope { assistant, .. } = &next.statement.scope;
        let hash = content_hash(&next.statement.said);
        let user = scope_user(&next.statement.scope);
        let values = values![self.workspace, assistant, user, hash.as_slice()];
        if self.session.one(IS_SAID, values, |_| Ok(()))?.is_some() {
            return Ok(());
        }
        next.statement.version = last.statement.version.saturating_add(1);
        next.statement.recorded_at = self.now.max(last.statement.recorded_at);
        next.statement.retracted_at = None;
        next.statement.superseded_by = None;
        statements::insert(self.session, self.workspace, &next)?;
        statements::await_vector(self.session, self.workspace, &next.statement)?;
        scopes::changed(self.session, self.workspace, &next.statement.scope)
    }

    fn forget_episodes(&self, plan: &Plan) -> Result<(), Failure> {
        let mut by_scope: HashMap<Scope, u64> = HashMap::new();
        for id in &plan.episodes {
            if let Some(scope) = forget_episode(self.session, self.workspace, id, plan.keeps_words)?
            {
                *by_scope.entry(scope).or_default() += 1;
            }
            if self.comes_back == ComesBack::Never {
                let hash = tombstones::of_episode(id);
                tombstones::put(self.session, self.workspace, &hash, self.now)?;
            }
        }
        for (scope, count) in &by_scope {
            scopes::forgotten(self.session, self.workspace, scope, *count)?;
        }
        Ok(())
    }
}
