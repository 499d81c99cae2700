//! Forgetting: what is deleted here is in no file afterwards, and neither is what was made of it.
//!
//! What goes is worked out first (the plan), so that a preview says exactly what forgetting does.

mod carry_out;
mod episodes;
mod plan;

use backstay_core::{
    EpisodeId, MemoryId, Result, Timestamp, WorkspaceId,
    memory::{RecalledId, Scope},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Workspace,
    db::{Failure, Row, Session, statements, values},
    scopes::scope_user,
};
pub(crate) use carry_out::{ComesBack, carry_out};
pub(crate) use plan::Plan;

#[cfg(test)]
pub(crate) const AREAS: &[&[(&str, crate::db::Statement)]] =
    &[ALL, carry_out::ALL, episodes::ALL, plan::ALL];

statements! {
    EPISODES_OF_SOURCE = "SELECT id FROM episodes WHERE workspace = $1 AND source = $2";
    EPISODES_OF_SOURCE_IN_SCOPE = "SELECT id FROM episodes
        WHERE workspace = $1 AND source = $2 AND assistant = $3 AND user_name = $4";
    EPISODES_OF_SCOPE = "SELECT id FROM episodes
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3";
    STATEMENTS_OF_SCOPE = "SELECT DISTINCT id FROM statements
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3";
    STATEMENTS_OF_SOURCE = "SELECT DISTINCT id FROM statements WHERE workspace = $1 AND source = $2";
    STATEMENTS_OF_SOURCE_IN_SCOPE = "SELECT DISTINCT id FROM statements
        WHERE workspace = $1 AND source = $2 AND assistant = $3 AND user_name = $4";
}

/// What goes when something is forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Forgotten {
    /// Turns; in their threads `[forgotten]` stands for their words.
    pub episodes: Vec<EpisodeId>,
    /// Statements with all their versions: those that were named, and those that rested on a turn
    /// that goes.
    pub statements: Vec<MemoryId>,
    /// Statements that lose a turn that they rested on and stay, because other turns say the same.
    pub weakened: Vec<MemoryId>,
    /// Statements that one that goes had taken the place of: they are believed again.
    pub restored: Vec<MemoryId>,
    /// Summaries of threads, which are written anew without what goes where a model learns.
    pub summaries: usize,
    /// Vectors of passages and statements.
    pub vectors: u64,
}

impl Forgotten {
    /// How many turns and statements.
    pub fn count(&self) -> usize {
        self.episodes.len() + self.statements.len()
    }
}

impl Workspace {
    /// What [`Workspace::forget`] would do. Ids that are not there are left out.
    pub async fn forget_preview(&self, ids: &[RecalledId]) -> Result<Forgotten> {
        let ids = ids.to_vec();
        self.read(move |session, workspace| Ok(Plan::of(session, workspace, &ids)?.forgotten()))
            .await
    }

    /// Deletes turns and statements for good, with their vectors, and with the statements and
    /// summaries that were made of them. Hashes without words remain, so that neither learning nor
    /// an import brings them back. What went; ids that are not there are left out.
    pub async fn forget(&self, ids: &[RecalledId], now: Timestamp) -> Result<Forgotten> {
        let ids = ids.to_vec();
        self.erase(move |session, workspace| {
            let plan = Plan::of(session, workspace, &ids)?;
            carry_out(session, workspace, &plan, ComesBack::Never, now)?;
            Ok(plan.forgotten())
        })
        .await
    }

    /// Deletes one memory so that it is not recalled again in any form, and leaves conversations as they are:
    /// a turn, or a statement with the turns that it was learned from and the answers to these. What else
    /// was learned from those turns stays. What went.
    pub async fn withdraw(&self, id: &RecalledId, now: Timestamp) -> Result<Forgotten> {
        let id = id.clone();
        self.erase(move |session, workspace| {
            let plan = match &id {
                RecalledId::Memory(statement) => Plan::of_learned(session, workspace, statement)?,
                _ => Plan::of(session, workspace, std::slice::from_ref(&id))?.keeping_words(),
            };
            carry_out(session, workspace, &plan, ComesBack::Never, now)?;
            Ok(plan.forgotten())
        })
        .await
    }

    /// Empties a scope's memory for good, turns and statements. What was said stays in its threads; said
    /// again, it is remembered again.
    pub async fn reset_memory(&self, scope: &Scope, now: Timestamp) -> Result<Forgotten> {
        let scope = scope.clone();
        self.erase(move |session, workspace| {
            let values = values![workspace, &scope.assistant, scope_user(&scope)];
            let id = |row: &Row<'_>| row.get::<RecalledId>(0);
            let mut ids = session.all(EPISODES_OF_SCOPE, values, id)?;
            ids.extend(session.all(STATEMENTS_OF_SCOPE, values, id)?);
            let plan = Plan::of(session, workspace, &ids)?.keeping_words();
            carry_out(session, workspace, &plan, ComesBack::WhenSaidAgain, now)?;
            Ok(plan.forgotten())
        })
        .await
    }

    /// What [`Workspace::purge_source`] would do.
    pub async fn purge_source_preview(
        &self,
        source: &str,
        scope: Option<&Scope>,
    ) -> Result<Forgotten> {
        let (source, scope) = (source.to_owned(), scope.cloned());
        self.read(move |session, workspace| {
            let ids = of_source(session, workspace, &source, scope.as_ref())?;
            Ok(Plan::of(session, workspace, &ids)?.forgotten())
        })
        .await
    }

    /// Deletes everything that came from one source, in one scope or in all, as
    /// [`Workspace::forget`] does; but it may come back when it is imported again.
    pub async fn purge_source(
        &self,
        source: &str,
        scope: Option<&Scope>,
        now: Timestamp,
    ) -> Result<Forgotten> {
        let (source, scope) = (source.to_owned(), scope.cloned());
        self.erase(move |session, workspace| {
            let ids = of_source(session, workspace, &source, scope.as_ref())?;
            let plan = Plan::of(session, workspace, &ids)?;
            carry_out(session, workspace, &plan, ComesBack::WhenSaidAgain, now)?;
            Ok(plan.forgotten())
        })
        .await
    }
}

fn of_source(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    source: &str,
    scope: Option<&Scope>,
) -> Result<Vec<RecalledId>, Failure> {
    let id = |row: &Row<'_>| row.get::<RecalledId>(0);
    let Some(scope) = scope else {
        let values = values![workspace, source];
        let mut ids = session.all(EPISODES_OF_SOURCE, values, id)?;
        ids.extend(session.all(STATEMENTS_OF_SOURCE, values, id)?);
        return Ok(ids);
    };
    let values = values![workspace, source, &scope.assistant, scope_user(scope)];
    let mut ids = session.all(EPISODES_OF_SOURCE_IN_SCOPE, values, id)?;
    ids.extend(session.all(STATEMENTS_OF_SOURCE_IN_SCOPE, values, id)?);
    Ok(ids)
}
