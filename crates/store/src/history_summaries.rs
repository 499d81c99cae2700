//! What stands in a prompt for the turns of a thread that do not fit into it any more.

use backstay_core::{Result, ThreadId, Timestamp, WorkspaceId};

use crate::{
    Workspace,
    db::{Failure, Session, statements, values},
};

/// The beginning of a thread in fewer words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistorySummary {
    /// Position of the first message that it does not hold.
    pub up_to: u32,
    pub text: String,
}

statements! {
    /// Nothing, when the thread is not kept.
    PUT = "INSERT INTO history_summaries (workspace, thread, up_to, text, built_at)
        SELECT $1, id, $2, $3, $4 FROM threads WHERE workspace = $1 AND id = $5
        ON CONFLICT (workspace, thread) DO UPDATE SET
            up_to = excluded.up_to, text = excluded.text, built_at = excluded.built_at
            WHERE history_summaries.up_to < excluded.up_to";
    ONE = "SELECT up_to, text FROM history_summaries WHERE workspace = $1 AND thread = $2";
    DELETE = "DELETE FROM history_summaries WHERE workspace = $1 AND thread = $2";
}

impl Workspace {
    pub async fn history_summary(&self, thread: &ThreadId) -> Result<Option<HistorySummary>> {
        let thread = thread.clone();
        self.read(move |session, workspace| {
            session.one(ONE, values![workspace, &thread], |row| {
                Ok(HistorySummary { up_to: row.get(0)?, text: row.get(1)? })
            })
        })
        .await
    }

    /// Keeps a summary in the place of one that holds less.
    pub async fn put_history_summary(
        &self,
        thread: &ThreadId,
        summary: HistorySummary,
        now: Timestamp,
    ) -> Result<()> {
        let thread = thread.clone();
        self.write_beside(move |session, workspace| {
            let HistorySummary { up_to, text } = &summary;
            session.execute(PUT, values![workspace, *up_to, text, now, &thread])?;
            Ok(())
        })
        .await
    }
}

/// A turn of the thread is forgotten, whose words it may hold.
pub(crate) fn delete(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    thread: &ThreadId,
) -> Result<(), Failure> {
    session.execute(DELETE, values![workspace, thread])?;
    Ok(())
}
