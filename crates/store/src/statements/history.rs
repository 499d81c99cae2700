//! How a statement came to say what it says.

use std::collections::BTreeSet;

use backstay_core::{MemoryId, Result, Timestamp, WorkspaceId, memory::Statement};

use super::rows;
use crate::{
    Workspace,
    db::{Failure, Session, statements, values},
};

/// Statements that one history follows at most.
const STATEMENTS_MAX: usize = 100;

statements! {
    SUPERSEDED_BY = "SELECT id FROM statements WHERE workspace = $1 AND superseded_by = $2";
}

impl Workspace {
    /// Every version of a statement, of those that it took the place of, and of those that took its
    /// place, oldest first; of at most 100 statements. Empty when there is none of this id.
    pub async fn statement_history(&self, id: &MemoryId) -> Result<Vec<Statement>> {
        let id = id.clone();
        self.read(move |session, workspace| history(session, workspace, id)).await
    }
}

fn history(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    id: MemoryId,
) -> Result<Vec<Statement>, Failure> {
    let mut reached = BTreeSet::from([id.clone()]);
    let mut to_read = vec![id];
    let mut history = Vec::new();
    while let Some(id) = to_read.pop() {
        let versions = rows::versions(session, workspace, &id)?;
        let later = versions.iter().filter_map(|version| version.statement.superseded_by.clone());
        let earlier = superseded_by(session, workspace, &id)?;
        for linked in later.chain(earlier) {
            if reached.len() < STATEMENTS_MAX && reached.insert(linked.clone()) {
                to_read.push(linked);
            }
        }
        history.extend(versions.into_iter().map(|version| version.statement));
    }
    // What superseded another was recorded in the same moment as the other's end.
    let ended = |version: &Statement| version.retracted_at.map_or(i64::MAX, Timestamp::micros);
    history.sort_by_key(|v| (v.recorded_at, ended(v), v.id.clone(), v.version));
    Ok(history)
}

/// The statements whose place this one took.
pub(crate) fn superseded_by(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    id: &MemoryId,
) -> Result<Vec<MemoryId>, Failure> {
    session.all(SUPERSEDED_BY, values![workspace, id], |row| row.get(0))
}
