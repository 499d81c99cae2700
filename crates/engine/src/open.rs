//! An open call, and how it is closed: usage, cost, row and turn, in one transaction.

use std::sync::Arc;

use backstay_core::{
    CallContext, Charge, Error, ErrorCode, GenerationId, RateUse, Result, Timestamp, Usage,
    chat::{ChatReply, ChatRequest, Part, Settlement, SettlementStatus},
};
use backstay_routing::{AttemptLog, ConversationKey, Ended, Endpoint};
use backstay_store::{CachedFrom, Finish, SettledAttempt, SettledGeneration, TurnRecord};

use crate::{
    Engine,
    admission::RateHold,
    conversation::Keep,
    metrics,
    response_cache::Recording,
    slices::Reservation,
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
    /// What was set aside for it of budgets.
    pub(crate) reservation: Option<Reservation>,
    /// What the key's rate limits were charged for it.
    pub(crate) rate_hold: Option<RateHold>,
    /// Known once an endpoint has begun to answer.
    pub(crate) endpoint: Option<Endpoint>,
    /// What keeps the conversation at the endpoint.
    pub(crate) conversation: Option<ConversationKey>,
    pub(crate) first_token_at: Option<Timestamp>,
    pub(crate) dropped: Vec<String>,
    /// Where the answer is from, if it is given again: then it costs nothing, and says nothing of how
    /// the endpoint does.
    pub(crate) cached: Option<CachedFrom>,
    /// Takes down an answer that may be given again.
    pub(crate) recording: Option<Recording>,
}

impl Open {
    /// Settles the generation and keeps the turn, in one transaction, and returns what the ledger
    /// now says. What was said in a call that failed before any answer is not kept: the client will
    /// say it again.
    pub(crate) async fn close(
        mut self,
        status: SettlementStatus,
        error: Option<&Error>,
        reply: ChatReply,
    ) -> Result<Settlement> {
        let finished_at = self.engine.clock().now();
        let usage = self.usage(&reply, status);
        self.observe(error, usage.as_ref(), finished_at);
        let settled = SettledGeneration {
            finish: finish(&reply),
            ..self.settled(status, error, usage, finished_at)
        };
        self.correct_rates(&settled);
        let settlement = settlement(&settled);
        metrics::record(&settled);
        let recording = self.recording.take();
        let cache =
            recording.filter(|_| status == SettlementStatus::Completed).and_then(|recording| {
                recording.finish(self.endpoint.as_ref()?, &self.dropped, &reply, finished_at)
            });
        let made = Made { engine: &self.engine, context: &self.context, at: finished_at };
        let record = turn_record::build(made, &self.keep, settled, &reply)?;
        let record = TurnRecord { cache, ..record };
        if let Some(spool) = self.engine.spool().filter(|_| self.context.store_is_away) {
            spool.end(&self.context.workspace, record.settled).await?;
            return Ok(settlement);
        }
        let store = self.engine.store().workspace(&self.context.workspace);
        let charged = store.is_shared().then(|| record.settled.clone());
        let completed = match store.complete_turn(record).await {
            Ok(completed) => completed,
            Err(error) => {
                // The client is told that its turn was not kept; what the provider charges stays.
                if let Some(settled) =
                    charged.filter(|_| error.code() == ErrorCode::StoreUnavailable)
                {
                    self.engine.jobs().settle_later(store, settled);
                }
                return Err(error);
            }
        };
        if !completed.newly_settled {
            return Err(Error::new(
                ErrorCode::StoreUnavailable,
                "this server was not heard of for so long that others settled the call; its answer \
                 is not kept: ask again",
            ));
        }
        if let (Some(slices), Some(reservation)) = (self.engine.slices(), &self.reservation) {
            let owner = (&self.context.workspace, &self.context.key);
            slices.settled(owner, reservation, settlement.cost.unwrap_or_default());
        }
        if !completed.episodes.is_empty() {
            self.engine.jobs().embed_soon();
            self.engine.jobs().learn_soon();
        }
        Ok(settlement)
    }

    /// Tells routing how the endpoint did after its first content. What went wrong before that, it
    /// has seen itself.
    fn observe(&self, error: Option<&Error>, usage: Option<&Usage>, finished_at: Timestamp) {
        let Some(endpoint) = self.endpoint.as_ref().filter(|_| self.cached.is_none()) else {
            return;
        };
        if error.is_some_and(|error| is_about_the_caller(error.code())) {
            return;
        }
        let after_first_ms = self.first_token_at.map(|at| elapsed_ms(at, finished_at));
        self.engine.router().observe(&Ended {
            endpoint,
            conversation: self.conversation,
            usage: usage.filter(|usage| !usage.estimated),
            after_first_ms: after_first_ms.filter(|_| self.request.stream),
            error,
        });
    }

    fn correct_rates(&self, settled: &SettledGeneration) {
        let Some(hold) = self.rate_hold else { return };
        let tokens = settled.usage.as_ref().map_or(0, Usage::total_tokens);
        let used = RateUse { requests: 0, tokens, money: settled.cost().unwrap_or_default() };
        let rates = self.engine.admission().rates();
        let of = (&self.context.workspace, &self.context.key);
        rates.correct(of, &self.context.rate_limits, (hold, used), settled.finished_at);
    }

    /// What the provider counted, or our own count, marked as such, when it said nothing believable
    /// although it had begun to answer.
    ///
    /// What a provider says before the end is what it had counted so far (Anthropic's streams begin
    /// with a usage): of an answer that broke off our own count of what came is taken where it is more.
    fn usage(&self, reply: &ChatReply, status: SettlementStatus) -> Option<Usage> {
        if self.cached.is_some() {
            return Some(Usage::default());
        }
        let counted = self.counted(reply, status)?;
        // No provider reports them, and some charge for each.
        Some(Usage { prompt_images: self.request.prompt_images(), ..counted })
    }

    fn counted(&self, reply: &ChatReply, status: SettlementStatus) -> Option<Usage> {
        match &reply.usage {
            Some(usage) if usage.is_believable() && status == SettlementStatus::Completed => {
                return Some(usage.clone());
            }
            Some(usage) if usage.is_believable() => {
                let came = estimated_answer(reply);
                return Some(Usage {
                    completion_tokens: usage.completion_tokens.max(came),
                    estimated: true,
                    ..usage.clone()
                });
            }
            Some(usage) => tracing::warn!(
                generation = %self.id,
                provider = self.endpoint.as_ref().map(|endpoint| endpoint.provider.id.as_str()),
                tokens = usage.total_tokens(),
                "the provider's usage is not believable; the ledger has our own count"
            ),
            None => {}
        }
        self.endpoint.as_ref()?;
        let completion_tokens = estimated_answer(reply);
        Some(Usage { completion_tokens, ..self.request.estimated_prompt_usage() })
    }

    fn settled(
        &self,
        status: SettlementStatus,
        error: Option<&Error>,
        usage: Option<Usage>,
        finished_at: Timestamp,
    ) -> SettledGeneration {
        // An answer that broke off and was continued elsewhere is of the endpoint that went on.
        let endpoint =
            self.endpoint.as_ref().map(|begun| self.attempts.answering().unwrap_or(begun.clone()));
        let charged = endpoint.as_ref().filter(|_| self.cached.is_none());
        let price = charged.and_then(|endpoint| endpoint.price());
        let price = price.map(|price| price.in_force(self.started_at).into_owned());
        let mut attempts: Vec<SettledAttempt> =
            self.attempts.all().into_iter().map(attempt).collect();
        if let (Some(endpoint), Some(usage)) = (charged, &usage) {
            let charge = Charge::of(usage.clone(), price.clone());
            charge_answer(&mut attempts, endpoint, charge, self.started_at);
        }
        let last = attempts.last();
        let fallback = last.map(|attempt| (attempt.provider.clone(), attempt.model.clone()));
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
            price,
            finish: None,
            error_code: error.map(Error::code),
            dropped: self.dropped.clone(),
            attempts,
            reserved: self.reservation.as_ref().map(Reservation::place).unwrap_or_default(),
            cached: self.cached.clone(),
        }
    }
}

/// Enters the answer's charge at the attempt that made it: the last one that neither failed nor was
/// charged by routing. An answer that needed no attempt, as of a model in this process, gets one.
/// Where every attempt failed, routing has charged each for its part.
fn charge_answer(
    attempts: &mut Vec<SettledAttempt>,
    endpoint: &Endpoint,
    charge: Charge,
    started_at: Timestamp,
) {
    if attempts.is_empty() {
        attempts.push(SettledAttempt {
            provider: endpoint.provider.id.clone(),
            model: endpoint.model.clone(),
            error_code: None,
            http_status: None,
            started_at,
            duration_ms: 0,
            charge: Some(charge),
        });
        return;
    }
    let answering = attempts
        .iter_mut()
        .rfind(|attempt| attempt.error_code.is_none() && attempt.charge.is_none());
    if let Some(attempt) = answering {
        attempt.charge = Some(charge);
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
        charge: attempt.charge,
    }
}

/// Why the first choice ended.
fn finish(reply: &ChatReply) -> Option<Finish> {
    let choice = reply.choices.first()?;
    let reason = choice.finish_reason.as_ref()?.as_str().to_owned();
    Some(Finish { reason, native: choice.native_finish_reason.clone() })
}

/// A key that was taken back says nothing of the endpoint.
fn is_about_the_caller(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::InvalidKey | ErrorCode::DisabledKey | ErrorCode::ExpiredKey)
}

fn estimated_answer(reply: &ChatReply) -> u64 {
    let parts = reply.choices.iter().flat_map(|choice| &choice.message.parts);
    parts.map(Part::estimated_tokens).sum()
}

fn settlement(settled: &SettledGeneration) -> Settlement {
    Settlement {
        generation: settled.id.clone(),
        status: settled.status,
        usage: settled.usage.clone().unwrap_or_default(),
        cost: settled.cost(),
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
