//! Recording the intent of a call, and finding intents that a crash left open.

use backstay_core::{Result, Timestamp, chat::SettlementStatus};

use super::NewGeneration;
use crate::{
    Store, Workspace,
    db::{statements, values},
};

statements! {
    BEGIN = "INSERT INTO generations
            (workspace, id, request, api_key, status, requested_model, stream, started_at, thread,
             assistant, user_name, memory_tokens)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    /// Names the status as text, not as a parameter, so that the index of open calls is used.
    INTERRUPT = "UPDATE generations SET status = $1, finished_at = $2 WHERE status = 'pending'";
}

impl Workspace {
    /// Records that a call is about to be made, as `pending`; returns once that is durable. Fails
    /// with `conflict` when the id is taken.
    pub async fn begin_generation(&self, new: NewGeneration) -> Result<()> {
        self.write(move |session, workspace| {
            let values = values![
                workspace,
                &new.id,
                &new.request,
                &new.key,
                SettlementStatus::Pending,
                &new.requested_model,
                new.stream,
                new.started_at,
                new.thread.as_ref(),
                new.assistant.as_ref(),
                new.user.as_ref(),
                new.memory_tokens,
            ];
            session.execute(BEGIN, values)?;
            Ok(())
        })
        .await
    }
}

impl Store {
    /// Marks calls that are still open as `interrupted`; how many there were. For the start of the
    /// one process that has the data folder, before it serves: every open call is then one that an
    /// earlier process did not live to settle. What it cost stays unknown.
    pub async fn settle_interrupted(&self, now: Timestamp) -> Result<u64> {
        self.db()
            .write(move |session| {
                let interrupted =
                    session.execute(INTERRUPT, values![SettlementStatus::Interrupted, now])?;
                Ok(interrupted as u64)
            })
            .await
    }
}
