//! An open call, and how it is closed: usage, cost, row and turn, in one transaction.

use std::sync::Arc;

use backstay_core::{
    CallContext, Error, GenerationId, Result, Timestamp, Usage,
    chat::{ChatReply, ChatRequest, Part, Settlement, SettlementStatus},
};
use backstay_routing::{AttemptLog, ConversationKey, Ended, Endpoint};
use backstay_store::{SettledAttempt, SettledGeneration};

use crate::{
    Engine,
    conversation::Keep,
    metrics,
    turn_record::{self, Made},
};

/// One open call: what the ledger needs to close it, whatever happens.
pub(crate) struct Open {
    pub(crate) engine: Engine,
    pub(crate) context: CallContext,
    pub(crate) id: GenerationId,
    pub(crate) started_at: Timestamp,
    pub(crate) attempts: AttemptLog,
    pub(crate) request: Arc<ChatRequest>,
    pub(crate) keep: Keep,
    /// Known once an endpoint has begun to answer.
    pub(crate) endpoint: Option<Endpoint>,
    /// What keeps the conversation at the endpoint.
    pub(crate) conversation: Option<ConversationKey>,
    pub(crate) first_token_at: Option<Timestamp>,
    pub(crate) dropped: Vec<String>,
}

impl Open {
    /// Settles the generation and keeps the turn, in one transaction, and returns what the ledger
    /// now says. What was said in a call that failed before any answer is not kept: the client will
    /// say it again.
    pub(crate) async fn close(
        self,
        status: SettlementStatus,
        error: Option<&Error>,
        reply: ChatReply,
    ) -> Result<Settlement> {
        let finished_at = self.engine.clock().now();
        let usage = self.usage(&reply);
        self.observe(error, usage.as_ref(), finished_at);
        let settled = self.settled(status, error, usage, finished_at);
        let settlement = settlement(&settled);
        metrics::record(&settled);
        let made = Made { engine: &self.engine, context: &self.context, at: finished_at };
        let record = turn_record::build(made, &self.keep, settled, &reply)?;
        let store = self.engine.store().workspace(&self.context.workspace);
        let completed = store.complete_turn(record).await?;
        if !completed.episodes.is_empty() {
            self.engine.jobs().embed_soon();
            self.engine.jobs().learn_soon();
        }
        Ok(settlement)
    }

    /// Tells routing how the endpoint did after its first content. What went wrong before that, it
    /// has seen itself.
    fn observe(&self, error: Option<&Error>, usage: Option<&Usage>, finished_at: Timestamp) {
        let Some(endpoint) = &self.endpoint else { return };
        let after_first_ms = self.first_token_at.map(|at| elapsed_ms(at, finished_at));
        self.engine.router().observe(&Ended {
            endpoint,
            conversation: self.conversation,
            usage: usage.filter(|usage| !usage.estimated),
            after_first_ms: after_first_ms.filter(|_| self.request.stream),
            error,
        });
    }

    /// What the provider counted, or our own count, marked as such, when it said nothing although
    /// something was answered.
    fn usage(&self, reply: &ChatReply) -> Option<Usage> {
        if let Some(usage) = &reply.usage {
            return Some(usage.clone());
        }
        let answered: u64 = reply
            .choices
            .iter()
            .flat_map(|choice| &choice.message.parts)
            .map(Part::estimated_tokens)
            .sum();
        (answered > 0).then(|| Usage {
            prompt_tokens: self.request.estimated_prompt_tokens(),
            completion_tokens: answered,
            estimated: true,
            ..Usage::default()
        })
    }

    fn settled(
        &self,
        status: SettlementStatus,
        error: Option<&Error>,
        usage: Option<Usage>,
        finished_at: Timestamp,
    ) -> SettledGeneration {
        let endpoint = self.endpoint.as_ref();
        let price = endpoint.and_then(|endpoint| endpoint.price());
        let price = price.map(|price| price.in_force(self.started_at).into_owned());
        let cost = usage.as_ref().and_then(|usage| {
            let computed = price.as_ref().and_then(|price| price.cost(usage));
            usage.provider_cost.or(computed)
        });
        let last = self.attempts.all();
        let fallback = last.last().map(|attempt| (attempt.provider.clone(), attempt.model.clone()));
        let (provider, model) = endpoint
            .map(|endpoint| (endpoint.provider.id.clone(), endpoint.model.clone()))
            .or(fallback)
            .unzip();
        SettledGeneration {
            id: self.id.clone(),
            status,
            provider,
            model,
            finished_at,
            latency_ms: elapsed_ms(self.started_at, finished_at),
            first_token_ms: self.first_token_at.map(|at| elapsed_ms(self.started_at, at)),
            usage,
            cost,
            price,
            error_code: error.map(Error::code),
            dropped: self.dropped.clone(),
            attempts: last.into_iter().map(attempt).collect(),
        }
    }
}

fn attempt(attempt: backstay_routing::Attempt) -> SettledAttempt {
    SettledAttempt {
        provider: attempt.provider,
        model: attempt.model,
        error_code: attempt.error,
        http_status: attempt.http_status,
        started_at: attempt.started_at,
        duration_ms: attempt.duration_ms,
    }
}

fn settlement(settled: &SettledGeneration) -> Settlement {
    Settlement {
        generation: settled.id.clone(),
        status: settled.status,
        usage: settled.usage.clone().unwrap_or_default(),
        cost: settled.cost,
        price: settled.price.clone(),
        latency_ms: settled.latency_ms,
        first_token_ms: settled.first_token_ms,
        provider: settled.provider.clone().unwrap_or_default(),
        model: settled.model.clone().unwrap_or_default(),
    }
}

fn elapsed_ms(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.millis() - from.millis()).unwrap_or(0)
}
