//! Settling a call: once, and never again.

use std::sync::Arc;

use backstay_core::{Error, ErrorCode, GenerationId, Result, WorkspaceId, chat::SettlementStatus};

use super::{SettledAttempt, SettledGeneration, record::Record};
use crate::{
    Workspace,
    budgets::{self, Reserved},
    db::{Failure, Session, statements, values},
    messages::to_json,
};

statements! {
    SETTLE = "UPDATE generations SET
            status = $1, provider = $2, model = $3, finished_at = $4, latency_ms = $5,
            first_token_ms = $6, prompt_tokens = $7, completion_tokens = $8, cached_tokens = $9,
            cache_write_tokens = $10, reasoning_tokens = $11, usage_estimated = $12,
            provider_cost = $13, cost = $14, price = $15, error_code = $16, dropped = $17,
            finish_reason = $18, native_finish_reason = $19, cache_write_1h_tokens = $20,
            audio_prompt_tokens = $21, audio_completion_tokens = $22, image_completion_tokens = $23,
            prompt_images = $24, web_searches = $25,
            cached_from = $26, saved = $27
        WHERE workspace = $28 AND id = $29 AND status = 'pending'";
    EXISTS = "SELECT 1 FROM generations WHERE workspace = $1 AND id = $2";
    ATTEMPT = "INSERT INTO attempts
            (workspace, generation, number, provider, model, error_code, http_status, started_at,
             duration_ms, usage, cost, price, estimated)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
}

impl Workspace {
    /// Writes how a call ended. Whether this did it: a call that is settled already stays as it is.
    /// Fails with `not_found` when the call was never begun.
    pub async fn settle_generation(&self, settled: SettledGeneration) -> Result<bool> {
        let id = settled.id.clone();
        let settled = match self.redo().filter(|_| settled.reserved == Reserved::Nothing) {
            None => settled,
            Some(log) => {
                let record = Record::Settled { workspace: self.id().clone(), settled };
                let record = Arc::new(record);
                if record.add(log)? {
                    return Ok(true);
                }
                let Some(Record::Settled { settled, .. }) = Arc::into_inner(record) else {
                    return Err(Error::internal("a record that the redo log refused is in it"));
                };
                settled
            }
        };
        let settling =
            self.write_beside(move |session, workspace| settle(session, workspace, &settled));
        let newly = settling.await?;
        self.settled_in_tables(&id);
        Ok(newly)
    }
}

pub(crate) fn settle(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    settled: &SettledGeneration,
) -> Result<bool, Failure> {
    if settled.status == SettlementStatus::Pending {
        return Err(Error::internal("a call cannot be settled as pending").into());
    }
    if !update(session, workspace, settled)? {
        let known = session.one(EXISTS, values![workspace, &settled.id], |_| Ok(()))?;
        return match known {
            Some(()) => Ok(false),
            None => Err(Error::new(
                ErrorCode::NotFound,
                format!("there is no generation {} to settle", settled.id),
            )
            .into()),
        };
    }
    for (number, attempt) in settled.attempts.iter().enumerate() {
        add_attempt(session, workspace, &settled.id, number, attempt)?;
    }
    let amounts = (settled.reserved, settled.cost().unwrap_or_default());
    budgets::settle(session, workspace, &settled.id, amounts)?;
    Ok(true)
}

fn add_attempt(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    generation: &GenerationId,
    number: usize,
    attempt: &SettledAttempt,
) -> Result<(), Failure> {
    let charge = attempt.charge.as_ref();
    let usage = charge.map(|charge| to_json(&charge.usage)).transpose()?;
    let price = charge.and_then(|charge| charge.price.as_ref()).map(to_json).transpose()?;
    let values = values![
        workspace,
        generation,
        number,
        &attempt.provider,
        &attempt.model,
        attempt.error_code,
        attempt.http_status,
        attempt.started_at,
        attempt.duration_ms,
        usage.as_ref(),
        charge.and_then(|charge| charge.cost),
        price.as_ref(),
        charge.map(|charge| charge.usage.estimated),
    ];
    session.execute(ATTEMPT, values)?;
    Ok(())
}

/// Whether there was an open call to update.
fn update(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    settled: &SettledGeneration,
) -> Result<bool, Failure> {
    let price = settled.price.as_ref().map(to_json).transpose()?;
    let dropped = Some(&settled.dropped).filter(|all| !all.is_empty());
    let dropped = dropped.map(to_json).transpose()?;
    let (usage, finish) = (settled.usage.as_ref(), settled.finish.as_ref());
    let cached = settled.cached.as_ref();
    let values = values![
        settled.status,
        settled.provider.as_ref(),
        settled.model.as_ref(),
        settled.finished_at,
        settled.latency_ms,
        settled.first_token_ms,
        usage.map(|usage| usage.prompt_tokens),
        usage.map(|usage| usage.completion_tokens),
        usage.map(|usage| usage.cached_prompt_tokens),
        usage.map(|usage| usage.cache_write_tokens),
        usage.map(|usage| usage.reasoning_tokens),
        usage.map(|usage| usage.estimated),
        usage.and_then(|usage| usage.provider_cost),
        settled.cost(),
        price.as_ref(),
        settled.error_code,
        dropped.as_ref(),
        finish.map(|finish| &finish.reason),
        finish.and_then(|finish| finish.native.as_ref()),
        usage.map(|usage| usage.cache_write_1h_tokens),
        usage.map(|usage| usage.audio_prompt_tokens),
        usage.map(|usage| usage.audio_completion_tokens),
        usage.map(|usage| usage.image_completion_tokens),
        usage.map(|usage| usage.prompt_images),
        usage.map(|usage| usage.web_searches),
        cached.map(|cached| &cached.generation),
        cached.and_then(|cached| cached.saved),
        workspace,
        &settled.id,
    ];
    Ok(session.execute(SETTLE, values)? > 0)
}
