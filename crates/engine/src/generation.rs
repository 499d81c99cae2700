//! Around each model call: intent, route, meter, settle. The only place that touches money.

use std::sync::Arc;

use backstay_core::{
    CallContext, Error, GenerationId, Result, Timestamp, Usage,
    chat::{ChatReply, ChatRequest, Message, Part, Role, Settlement, SettlementStatus},
};
use backstay_providers::ProviderKind;
use backstay_routing::{AttemptLog, Endpoint};
use backstay_store::{NewGeneration, SettledAttempt, SettledGeneration};

use crate::{
    Engine, Reply,
    conversation::{Keep, Turn, part_tokens},
    meter::{Guard, metered},
    turn_record,
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
    pub(crate) first_token_at: Option<Timestamp>,
    pub(crate) dropped: Vec<String>,
}

/// Records the intent, starts the best endpoint that works, and returns its answer, metered. When
/// this function fails, the generation is settled as failed before it returns.
pub(crate) async fn call(
    engine: &Engine,
    context: &CallContext,
    endpoints: &[Endpoint],
    turn: Turn,
) -> Result<Reply> {
    let Turn { request, keep, recalled, memory_tokens } = turn;
    let request = Arc::new(request);
    let thread = keep.thread.requested().cloned();
    let mut guard = begin(engine, context, Arc::clone(&request), keep, memory_tokens).await?;
    let generation = guard.id().clone();
    match engine.router().run(endpoints, &request, &guard.attempts()).await {
        Ok(started) => {
            guard.answering(started.endpoint, &started.dropped);
            Ok(Reply {
                generation,
                thread,
                recalled,
                memory_tokens,
                dropped_parameters: started.dropped,
                frames: metered(guard, started.frames),
            })
        }
        Err(error) => {
            guard.fail(&error).await?;
            Err(error)
        }
    }
}

/// Makes the intent durable; from here on the guard sees to it that the row is settled.
pub(crate) async fn begin(
    engine: &Engine,
    context: &CallContext,
    request: Arc<ChatRequest>,
    keep: Keep,
    memory_tokens: u64,
) -> Result<Guard> {
    let id = GenerationId::new(engine.clock(), engine.random())?;
    let started_at = engine.clock().now();
    let scope = keep.scope.as_ref();
    let intent = NewGeneration {
        id: id.clone(),
        request: context.request.clone(),
        key: context.key.clone(),
        requested_model: request.model.clone(),
        stream: request.stream,
        started_at,
        thread: keep.thread.requested().cloned(),
        assistant: scope.map(|scope| scope.assistant.clone()),
        user: scope.and_then(|scope| scope.user.clone()),
        memory_tokens,
    };
    engine.store().workspace(&context.workspace).begin_generation(intent).await?;
    Ok(Guard::new(Open {
        engine: engine.clone(),
        context: context.clone(),
        id,
        started_at,
        attempts: AttemptLog::default(),
        request,
        keep,
        endpoint: None,
        first_token_at: None,
        dropped: Vec::new(),
    }))
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
        let settled = self.settled(status, error, usage, finished_at);
        let settlement = settlement(&settled);
        record_metrics(&settled);
        let record = turn_record::build(&self, settled, &reply, finished_at)?;
        let store = self.engine.store().workspace(&self.context.workspace);
        let completed = store.complete_turn(record).await?;
        if !completed.episodes.is_empty() {
            self.engine.jobs().embed_soon();
        }
        Ok(settlement)
    }

    pub(crate) fn answered_by_builtin(&self) -> bool {
        let kind = self.endpoint.as_ref().map(|endpoint| &endpoint.provider.kind);
        matches!(kind, Some(ProviderKind::Builtin))
    }

    /// What the provider counted, or our own count, marked as such, when it said nothing although
    /// something was answered.
    fn usage(&self, reply: &ChatReply) -> Option<Usage> {
        if let Some(usage) = &reply.usage {
            return Some(usage.clone());
        }
        let answered: u64 =
            reply.choices.iter().flat_map(|choice| &choice.message.parts).map(part_tokens).sum();
        (answered > 0).then(|| Usage {
            prompt_tokens: prompt_tokens(&self.request),
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
        let price = endpoint.and_then(|endpoint| endpoint.price.clone());
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

pub(crate) fn prompt_tokens(request: &ChatRequest) -> u64 {
    request.messages.iter().flat_map(|message: &Message| &message.parts).map(part_tokens).sum()
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
        latency_ms: settled.latency_ms,
        first_token_ms: settled.first_token_ms,
        provider: settled.provider.clone().unwrap_or_default(),
        model: settled.model.clone().unwrap_or_default(),
    }
}

fn record_metrics(settled: &SettledGeneration) {
    let provider = settled.provider.clone().unwrap_or_else(|| "none".to_owned());
    let status = match settled.status {
        SettlementStatus::Completed => "completed",
        SettlementStatus::Cancelled => "cancelled",
        _ => "failed",
    };
    metrics::counter!("backstay_generations_total", "provider" => provider.clone(), "status" => status)
        .increment(1);
    metrics::histogram!("backstay_generation_seconds", "provider" => provider.clone())
        .record(settled.latency_ms as f64 / 1_000.0);
    if let Some(first_token_ms) = settled.first_token_ms {
        metrics::histogram!("backstay_first_token_seconds", "provider" => provider.clone())
            .record(first_token_ms as f64 / 1_000.0);
    }
    if let Some(usage) = &settled.usage {
        for (class, count) in
            [("prompt", usage.prompt_tokens), ("completion", usage.completion_tokens)]
        {
            metrics::counter!("backstay_tokens_total", "provider" => provider.clone(), "class" => class)
                .increment(count);
        }
    }
    let extra_attempts = settled.attempts.len().saturating_sub(1);
    if extra_attempts > 0 {
        metrics::counter!("backstay_retries_total").increment(extra_attempts as u64);
    }
}

pub(crate) fn elapsed_ms(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.millis() - from.millis()).unwrap_or(0)
}

/// The assistant's words of the first choice; tool calls and thinking are not words.
pub(crate) fn answer_text(reply: &ChatReply) -> String {
    let first = reply.choices.first();
    first.map(|choice| choice.message.text()).unwrap_or_default()
}

/// The assistant's message as the thread keeps it: the first choice.
pub(crate) fn answer_message(reply: &ChatReply) -> Option<Message> {
    let choice = reply.choices.first()?;
    let parts: Vec<Part> = choice.message.parts.clone();
    (!parts.is_empty()).then(|| Message::new(Role::Assistant, parts))
}
