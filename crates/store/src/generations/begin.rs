//! Recording the intent of a call, and finding intents that a crash left open.

use backstay_core::{Result, Timestamp, chat::SettlementStatus};

use super::{NewGeneration, SettledGeneration, settle};
use crate::{
    Store, Workspace,
    budgets::{self, Reserved},
    db::{Failure, Session, statements, values},
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
    /// Records that a call is about to be made, as `pending`, and sets aside what it may cost;
    /// returns once that is durable. Fails with `conflict` when the id is taken, and with
    /// `budget_exceeded` when a budget does not leave enough; then nothing is recorded.
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
            if let Some(reservation) = &new.reservation {
                let call = (&new.id, &new.key);
                budgets::reserve(session, workspace, call, reservation, new.started_at)?;
            }
            Ok(())
        })
        .await
    }
}

impl Store {
    /// Marks calls that are still open as `interrupted`; how many there were. For the start of the
    /// one process that has the data folder, before it serves: every open call is then one that an
    /// earlier process did not live to settle. Where money was reserved, the provider is taken to
    /// have had the prompt, which is charged as estimated; what the others cost stays unknown.
    pub async fn settle_interrupted(&self, now: Timestamp) -> Result<u64> {
        self.db()
            .write(move |session| {
                let lost = budgets::lost(session)?;
                let charged = lost.len();
                for reserved in lost {
                    charge_prompt(session, reserved, now)?;
                }
                let interrupted =
                    session.execute(INTERRUPT, values![SettlementStatus::Interrupted, now])?;
                Ok((charged + interrupted) as u64)
            })
            .await
    }
}

fn charge_prompt(session: &Session<'_>, lost: Reserved, now: Timestamp) -> Result<(), Failure> {
    let Reserved { workspace, generation, if_lost } = lost;
    let charge = if_lost.charge.as_ref();
    let settled = SettledGeneration {
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
    };
    settle(session, &workspace, &settled)?;
    Ok(())
}
