//! Recording the intent of a call, and finding intents that a crash left open.

use std::sync::Arc;

use backstay_core::{Error, Result, Timestamp, WorkspaceId, chat::SettlementStatus};

use super::{
    NewGeneration, SettledGeneration,
    record::{Record, taken},
    settle,
};
use crate::{
    Store, Workspace,
    budgets::{self, Reserved},
    db::{Failure, Session, statements, values},
};

statements! {
    BEGIN = "INSERT INTO generations
            (workspace, id, request, api_key, status, requested_model, stream, started_at, thread,
             assistant, user_name, memory_tokens)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (workspace, id) DO NOTHING";
    /// Names the status as text, not as a parameter, so that the index of open calls is used.
    INTERRUPT = "UPDATE generations SET status = $1, finished_at = $2 WHERE status = 'pending'",
        postgres: "UPDATE generations SET status = $1, finished_at = $2
        WHERE (workspace, id) IN (
            SELECT call.workspace, call.id FROM generations AS call
            WHERE call.status = 'pending' AND node_is_gone(call.node)
                AND NOT EXISTS (SELECT 1 FROM reservations AS r
                    WHERE r.workspace = call.workspace AND r.generation = call.id)
            FOR UPDATE OF call SKIP LOCKED)";
}

impl Workspace {
    /// Records that a call is about to be made, as `pending`, and sets aside what it may cost;
    /// returns once that is durable. The id is one that no call had. Fails with `conflict` when a call
    /// of this id is open, and with `budget_exceeded` when a budget does not leave enough; then nothing
    /// is recorded.
    pub async fn begin_generation(&self, new: NewGeneration) -> Result<()> {
        let Some(log) = self.redo().filter(|_| new.reservation.is_none()) else {
            return self.begin_in_tables(new).await;
        };
        let record = Arc::new(Record::Begun { workspace: self.id().clone(), call: new });
        if record.add(log)? {
            return Ok(());
        }
        match Arc::into_inner(record) {
            Some(Record::Begun { call, .. }) => self.begin_in_tables(call).await,
            _ => Err(Error::internal("a record that the redo log refused is still in it")),
        }
    }

    async fn begin_in_tables(&self, new: NewGeneration) -> Result<()> {
        self.write_beside(move |session, workspace| {
            if !insert(session, workspace, &new)? {
                return Err(taken().into());
            }
            if let Some(reservation) = &new.reservation {
                let call = (&new.id, &new.key);
                budgets::reserve(session, workspace, call, reservation, new.started_at)?;
            }
            Ok(())
        })
        .await
    }
}

/// Whether there was no call of this id.
pub(super) fn insert(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    new: &NewGeneration,
) -> Result<bool, Failure> {
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
    Ok(session.execute(BEGIN, values)? > 0)
}

impl Store {
    /// Marks calls as `interrupted` that a process which is gone left open; how many there were. Of a
    /// data folder that is every open call: for the start of the one process that has it, before it
    /// serves. Of a shared database it is those of processes that were not heard of for the time of a
    /// lease: for every start, and now and then. Where money was reserved, the provider is taken to
    /// have had the prompt, which is charged as estimated; what the others cost stays unknown.
    pub async fn settle_interrupted(&self, now: Timestamp) -> Result<u64> {
        let mut settled = 0;
        for reserved in self.read(budgets::lost).await? {
            let workspace = self.workspace(&reserved.workspace);
            let charging = workspace.write_beside(move |session, workspace| {
                settle(session, workspace, &charged_the_prompt(reserved, now))
            });
            settled += u64::from(charging.await?);
        }
        let interrupting = self.write_beside(move |session| {
            session.execute(INTERRUPT, values![SettlementStatus::Interrupted, now])
        });
        Ok(settled + interrupting.await? as u64)
    }
}

fn charged_the_prompt(lost: Reserved, now: Timestamp) -> SettledGeneration {
    let Reserved { generation, if_lost, .. } = lost;
    let charge = if_lost.charge.as_ref();
    SettledGeneration {
        id: generation,
        status: SettlementStatus::Interrupted,
        provider: Some(if_lost.provider.clone()),
        model: Some(if_lost.model.clone()),
        finished_at: now,
        latency_ms: if_lost.duration_ms,
        first_token_ms: None,
        usage: charge.map(|charge| charge.usage.clone()),
        price: charge.and_then(|charge| charge.price.clone()),
        finish: None,
        error_code: None,
        dropped: Vec::new(),
        attempts: vec![if_lost],
        reserved: true,
        cached: None,
    }
}
