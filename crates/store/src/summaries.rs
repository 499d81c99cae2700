//! Running summaries of threads, as the model that learns writes them: made of a thread's turns and
//! nothing else, so that one goes as soon as any of those does.

use std::collections::HashMap;

use backstay_core::{Result, ThreadId, Timestamp, WorkspaceId, memory::Scope};

use crate::{
    Workspace,
    db::{Failure, Session, statements, values},
    scopes::scope_user,
};

/// What a thread is about, in a few sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadSummary {
    pub text: String,
    pub built_at: Timestamp,
    /// The model and the version of the prompt that wrote it.
    pub learned_by: String,
}

statements! {
    PUT = "INSERT INTO summaries (workspace, thread, text, built_at, learned_by)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (workspace, thread) DO UPDATE SET
            text = excluded.text, built_at = excluded.built_at, learned_by = excluded.learned_by";
    ONE = "SELECT text, built_at, learned_by FROM summaries WHERE workspace = $1 AND thread = $2";
    OF_SCOPE = "SELECT s.thread, s.text FROM threads AS t
        CROSS JOIN summaries AS s
        WHERE t.workspace = $1 AND t.assistant = $2 AND t.user_name = $3
            AND s.workspace = t.workspace AND s.thread = t.id";
    DELETE = "DELETE FROM summaries WHERE workspace = $1 AND thread = $2";
}

impl Workspace {
    /// `None` until the thread was learned from, and after one of its turns was forgotten until it
    /// was learned from again.
    pub async fn thread_summary(&self, thread: &ThreadId) -> Result<Option<ThreadSummary>> {
        let thread = thread.clone();
        self.read(move |session, workspace| one(session, workspace, &thread)).await
    }

    /// The texts of a scope's summaries, by thread. Each change of one changes the scope's version.
    pub async fn scope_summaries(&self, scope: &Scope) -> Result<HashMap<ThreadId, String>> {
        let scope = scope.clone();
        self.read_for_recall(move |session, workspace| {
            let values = values![workspace, &scope.assistant, scope_user(&scope)];
            let found = session.all(OF_SCOPE, values, |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(found.into_iter().collect())
        })
        .await
    }
}

pub(crate) fn one(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    thread: &ThreadId,
) -> Result<Option<ThreadSummary>, Failure> {
    session.one(ONE, values![workspace, thread], |row| {
        Ok(ThreadSummary { text: row.get(0)?, built_at: row.get(1)?, learned_by: row.get(2)? })
    })
}

/// Keeps a summary in the place of the one before.
pub(crate) fn put(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    thread: &ThreadId,
    summary: &ThreadSummary,
) -> Result<(), Failure> {
    let ThreadSummary { text, built_at, learned_by } = summary;
    session.execute(PUT, values![workspace, thread, text, *built_at, learned_by])?;
    Ok(())
}

pub(crate) fn delete(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    thread: &ThreadId,
) -> Result<(), Failure> {
    session.execute(DELETE, values![workspace, thread])?;
    Ok(())
}
