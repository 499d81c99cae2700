//! Recording the intent of a call, and finding intents that a crash left open.

use std::sync::Arc;

use backstay_core::{Error, Result, Timestamp, WorkspaceId, chat::SettlementStatus};

use super::{
    Begun, NewGeneration, SettledGeneration,
    record::{Record, taken},
    settle,
};
use crate::{
    Store, Workspace,
    budgets::{self, Caller, LostCall, ReserveFrom, slices},
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
    /// of this id is open, and with `budget_exceeded` when a budget does not leave enough even with
    /// every slice of it ended; then nothing is recorded.
    pub async fn begin_generation(&self, new: NewGeneration) -> Result<Begun> {
        let Some(log) = self.redo().filter(|_| new.reservation.is_none()) else {
            return self.begin_in_tables(new).await;
        };
        let record = Arc::new(Record::Begun { workspace: self.id().clone(), call: new });
        if record.add(log)? {
            return Ok(Begun::Recorded);
        }
        match Arc::into_inner(record) {
            Some(Record::Begun { call, .. }) => self.begin_in_tables(call).await,
            _ => Err(Error::internal("a record that the redo log refused is still in it")),
        }
    }

    async fn begin_in_tables(&self, new: NewGeneration) -> Result<Begun> {
        let again = new.clone();
        let begun = self.write_beside(move |session, workspace| begin(session, workspace, &new));
        match begun.await {
            Err(error)
                if budgets::may_be_freed(&error) && self.any_slice_beside(&again.key).await? =>
            {
                self.write_beside(move |session, workspace| {
                    slices::end_beside(session, workspace, &again.key)?;
                    begin(session, workspace, &again)
                })
                .await
            }
            begun => begun,
        }
    }
}

pub(super) fn begin(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    new: &NewGeneration,
) -> Result<Begun, Failure> {
    if let Some(ReserveFrom::Slice(slice)) = new.reservation.as_ref().map(|held| &held.from)
        && !slices::may_draw(session, workspace, slice, new.started_at)?
    {
        return Ok(Begun::SliceIsGone);
    }
    if !insert(session, workspace, new)? {
        return Err(taken().into());
    }
    let Some(reservation) = &new.reservation else { return Ok(Begun::Recorded) };
    let (generation, key, at) = (&new.id, &new.key, new.started_at);
    let granted =
        budgets::reserve(session, Caller { workspace, generation, key, at }, reservation)?;
    Ok(granted.map_or(Begun::Recorded, Begun::WithMore))
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
    /// have had the prompt, which is charged as estimated; what the others cost stays unknown. Slices of
    /// budgets that such processes held are ended.
    pub async fn settle_interrupted(&self, now: Timestamp) -> Result<u64> {
        let mut settled = 0;
        for lost in self.read(budgets::lost).await? {
            let workspace = self.workspace(&lost.workspace);
            let charging = workspace.write_beside(move |session, workspace| {
                settle(session, workspace, &charged_the_prompt(lost, now))
            });
            settled += u64::from(charging.await?);
        }
        for (workspace, slice) in self.read(slices::left_behind).await? {
            self.workspace(&workspace).end_slice(&slice).await?;
        }
        let interrupting = self.write_beside(move |session| {
            session.execute(INTERRUPT, values![SettlementStatus::Interrupted, now])
        });
        Ok(settled + interrupting.await? as u64)
    }
}

fn charged_the_prompt(lost: LostCall, now: Timestamp) -> SettledGeneration {
    let LostCall { generation, if_lost, reserved, .. } = lost;
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
        reserved,
        cached: None,
    }
}
