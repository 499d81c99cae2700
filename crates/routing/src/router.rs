//! Carrying plans out: endpoints are tried until one starts to answer.

use std::{sync::Arc, time::Duration};

use backstay_core::{
    CallContext, Clock, Error, ErrorCode, Random, Result, RoutingPolicy, Usage, chat::ChatRequest,
    tokens,
};
use backstay_providers::{ChatCall, Deadlines, EmbeddingCall, FrameStream, RerankCall, Upstreams};
use backstay_wire::{EmbeddingRequest, RerankRequest};
use futures::{StreamExt as _, future::Either, stream};

use crate::{
    Catalogue, Endpoint,
    affinity::{Affinity, ConversationKey},
    attempt::{AttemptLog, Running, until_content},
    continuation::Continuing,
    health::Health,
    plan::{Plan, Planner},
    retry::{RetryBudget, backoff_ms, worth_repeating},
};

/// How an installation routes, beside what requests and keys say.
#[derive(Clone, Debug, PartialEq)]
pub struct RouterOptions {
    pub policy: RoutingPolicy,
    /// Whether slow first tokens are hedged where the request does not say.
    pub hedge: bool,
    /// How much more than one attempt a call may make on average, in per cent.
    pub retries_percent: u32,
}

impl Default for RouterOptions {
    fn default() -> Self {
        Self { policy: RoutingPolicy::default(), hedge: false, retries_percent: 10 }
    }
}

/// An endpoint that has begun to answer.
pub struct Started {
    pub endpoint: Endpoint,
    /// From the very first frame.
    pub frames: FrameStream,
    pub dropped: Vec<String>,
    /// Of the attempt that answers, in the log.
    pub attempt: usize,
}

/// Plans calls and carries the plans out. One for the whole server, because health is shared and
/// retries are budgeted across all calls. Clones share everything.
#[derive(Clone)]
pub struct Router {
    inner: Arc<Inner>,
}

struct Inner {
    upstreams: Upstreams,
    options: RouterOptions,
    clock: Clock,
    random: Random,
    budget: RetryBudget,
    health: Health,
    affinity: Affinity,
}

/// More attempts than this help nobody who waits.
const ATTEMPTS_MAX: usize = 6;

impl Router {
    pub fn new(upstreams: Upstreams, options: RouterOptions, clock: Clock, random: Random) -> Self {
        let inner = Inner {
            upstreams,
            budget: RetryBudget::new(options.retries_percent),
            options,
            health: Health::new(clock.clone(), random.clone()),
            affinity: Affinity::new(clock.clone()),
            clock,
            random,
        };
        Self { inner: Arc::new(inner) }
    }

    pub fn upstreams(&self) -> &Upstreams {
        &self.inner.upstreams
    }

    pub fn health(&self) -> &Health {
        &self.inner.health
    }

    /// Puts the policies' demands into the request, so that everyone who acts on its preferences
    /// sees them.
    pub fn apply_policies(&self, context: &CallContext, request: &mut ChatRequest) {
        let preferences = std::mem::take(&mut request.routing);
        request.routing =
            preferences.narrowed_by(&self.inner.options.policy).narrowed_by(&context.policy);
    }

    /// Which endpoints may serve a request whose policies were applied, in which order, and why.
    ///
    /// # Errors
    /// Those of [`Planner::plan`].
    pub fn plan(
        &self,
        catalogue: &Catalogue,
        context: &CallContext,
        request: &ChatRequest,
        conversation: Option<ConversationKey>,
    ) -> Result<Plan> {
        let planner = Planner {
            catalogue,
            health: &self.inner.health,
            affinity: &self.inner.affinity,
            random: &self.inner.random,
            policies: &[&self.inner.options.policy, &context.policy],
        };
        planner.plan(request, conversation)
    }

    /// Tries the endpoints in order until one sends its first content; each failure that another
    /// endpoint could mend moves on to the next. When all have failed, the last is repeated once if
    /// its failure may pass. Returns the last error when nothing answered.
    ///
    /// What one model refuses, another of the request's models may take; another endpoint of the same
    /// model is not asked.
    pub async fn run(
        &self,
        plan: &Plan,
        request: &Arc<ChatRequest>,
        log: &AttemptLog,
    ) -> Result<Started> {
        let inner = &self.inner;
        inner.budget.earn();
        let mut deadlines = inner.upstreams.deadlines();
        let mut last_error = Error::new(ErrorCode::NoProvider, "this model has no endpoint");
        let mut last = None;
        let mut rest: Vec<(&Endpoint, usize)> = plan.with_model_numbers().collect();
        let mut is_first = true;
        for _ in 0..ATTEMPTS_MAX {
            if rest.is_empty() {
                break;
            }
            let (endpoint, model_number) = rest.remove(0);
            if !is_first && !inner.budget.spend() {
                return Err(last_error);
            }
            last = Some(endpoint);
            let hedge = rest.first().filter(|_| is_first && self.may_hedge(request));
            let outcome = match hedge {
                Some((second, _)) => self.hedged(endpoint, second, request, deadlines, log).await,
                None => self.attempt(endpoint, request, deadlines, log).await,
            };
            match outcome {
                Ok(started) if request.routing.continue_broken && request.stream => {
                    let (router, request) = (self.clone(), Arc::clone(request));
                    let others = rest.into_iter().map(|(endpoint, _)| endpoint.clone()).collect();
                    let log = log.clone();
                    return Ok(Continuing::watch(router, request, others, deadlines, log, started));
                }
                Ok(started) => return Ok(started),
                Err(error) if error.code().is_retryable() => last_error = error,
                Err(error) if is_about_the_model(error.code()) => {
                    rest.retain(|(_, number)| *number != model_number);
                    last_error = error;
                }
                Err(error) => return Err(error),
            }
            is_first = false;
            deadlines = deadlines.next_attempt();
        }
        let Some(last) = last else {
            return Err(last_error);
        };
        let wait_ms = backoff_ms(0, &last_error, &inner.random);
        let may_repeat = worth_repeating(&last_error)
            && deadlines.allows_wait_ms(wait_ms)
            && inner.budget.spend();
        if !may_repeat {
            return Err(last_error);
        }
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        self.attempt(last, request, deadlines.next_attempt(), log).await
    }

    /// Whether the budget of retries has one left, which is then spent.
    pub(crate) fn may_retry(&self) -> bool {
        self.inner.budget.spend()
    }

    /// Whether two endpoints may be asked at once.
    pub fn may_hedge(&self, request: &ChatRequest) -> bool {
        request.routing.hedge.unwrap_or(self.inner.options.hedge)
    }

    /// Asks a second endpoint when the first is slower than nineteen in twenty of its answers lately
    /// were; who answers first has the call, and the other is dropped, which cancels it ("The Tail at
    /// Scale", Dean and Barroso, 2013). Costs of the loser are kept with its attempt.
    async fn hedged(
        &self,
        first: &Endpoint,
        second: &Endpoint,
        request: &ChatRequest,
        deadlines: Deadlines,
        log: &AttemptLog,
    ) -> Result<Started> {
        let Some(usual_ms) = self.inner.health.first_token_ms_p95(&first.name()) else {
            return self.attempt(first, request, deadlines, log).await;
        };
        let mut one = std::pin::pin!(self.attempt(first, request, deadlines, log));
        let patience = tokio::time::sleep(Duration::from_millis(usual_ms as u64));
        tokio::select! {
            biased;
            outcome = &mut one => return outcome,
            () = patience => {}
        }
        if !self.inner.budget.spend() {
            return one.await;
        }
        let other = std::pin::pin!(self.attempt(second, request, deadlines.next_attempt(), log));
        // A failure of one leaves the call to the other.
        match futures::future::select(one, other).await {
            Either::Left((Err(_), other)) => other.await,
            Either::Right((Err(_), one)) => one.await,
            Either::Left((started, _)) | Either::Right((started, _)) => started,
        }
    }

    /// The same for an embedding call, whose answer comes whole.
    pub async fn embed(
        &self,
        endpoints: &[Endpoint],
        request: &EmbeddingRequest,
        log: &AttemptLog,
    ) -> Result<(Endpoint, EmbeddingCall)> {
        let deadlines = self.inner.upstreams.deadlines();
        let prompt = || {
            let texts = request.texts().map(<[String]>::iter).into_iter().flatten();
            estimated(texts.map(|text| tokens::estimate(text)).sum())
        };
        self.whole(endpoints, log, &prompt, |endpoint| {
            self.inner.upstreams.embed(&endpoint.provider, &endpoint.model, request, deadlines)
        })
        .await
    }

    /// The same for a rerank call.
    pub async fn rerank(
        &self,
        endpoints: &[Endpoint],
        request: &RerankRequest,
        log: &AttemptLog,
    ) -> Result<(Endpoint, RerankCall)> {
        let deadlines = self.inner.upstreams.deadlines();
        let prompt = || estimated(request.estimated_tokens());
        self.whole(endpoints, log, &prompt, |endpoint| {
            self.inner.upstreams.rerank(&endpoint.provider, &endpoint.model, request, deadlines)
        })
        .await
    }

    /// One search of the web, entered and watched like any attempt. There is nobody else to ask.
    pub async fn search_web<T>(
        &self,
        service: &Endpoint,
        log: &AttemptLog,
        search: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let inner = &self.inner;
        let one = || Usage { web_searches: 1, estimated: true, ..Usage::default() };
        let running = Running::begin(log, service, &inner.health, &inner.clock, &one);
        let outcome = search.await;
        running.end(&outcome);
        outcome
    }

    /// Tries endpoints in order until one gives its whole answer.
    async fn whole<'a, T, F: Future<Output = Result<T>>>(
        &self,
        endpoints: &'a [Endpoint],
        log: &AttemptLog,
        prompt: &(dyn Fn() -> Usage + Sync),
        call: impl Fn(&'a Endpoint) -> F,
    ) -> Result<(Endpoint, T)> {
        let inner = &self.inner;
        inner.budget.earn();
        let mut last_error = Error::new(ErrorCode::NoProvider, "this model has no endpoint");
        for (index, endpoint) in endpoints.iter().take(ATTEMPTS_MAX).enumerate() {
            if index > 0 && !inner.budget.spend() {
                break;
            }
            let running = Running::begin(log, endpoint, &inner.health, &inner.clock, prompt);
            let outcome = call(endpoint).await;
            running.end(&outcome);
            match outcome {
                Ok(call) => return Ok((endpoint.clone(), call)),
                Err(error) if error.code().is_retryable() => last_error = error,
                Err(error) => return Err(error),
            }
        }
        Err(last_error)
    }

    pub(crate) async fn attempt(
        &self,
        endpoint: &Endpoint,
        request: &ChatRequest,
        deadlines: Deadlines,
        log: &AttemptLog,
    ) -> Result<Started> {
        let inner = &self.inner;
        let prompt = || request.estimated_prompt_usage();
        let running = Running::begin(log, endpoint, &inner.health, &inner.clock, &prompt);
        let outcome = self.start(endpoint, request, deadlines).await;
        let attempt = running.end(&outcome);
        outcome.map(|(frames, dropped)| Started {
            endpoint: endpoint.clone(),
            frames,
            dropped,
            attempt,
        })
    }

    async fn start(
        &self,
        endpoint: &Endpoint,
        request: &ChatRequest,
        deadlines: Deadlines,
    ) -> Result<(FrameStream, Vec<String>)> {
        let upstreams = &self.inner.upstreams;
        let call = upstreams.chat(&endpoint.provider, &endpoint.model, request, deadlines).await?;
        let ChatCall { mut frames, dropped } = call;
        let preface = until_content(&endpoint.provider.id, &mut frames).await?;
        let frames = stream::iter(preface.into_iter().map(Ok)).chain(frames);
        Ok((Box::pin(frames), dropped))
    }

    /// What a call that has ended tells about its endpoint: how fast it was, whether it broke off, and
    /// where the conversation's prompt is cached now.
    pub fn observe(&self, ended: &Ended<'_>) {
        let name = ended.endpoint.name();
        if let Some(error) = ended.error {
            self.inner.health.failed(&name, error);
            return;
        }
        let Some(usage) = ended.usage else { return };
        if let Some(after_first_ms) = ended.after_first_ms {
            self.inner.health.finished(&name, usage.completion_tokens, after_first_ms);
        }
        if let Some(conversation) = ended.conversation {
            self.inner.affinity.answered(conversation, &name, usage);
        }
    }
}

fn estimated(prompt_tokens: u64) -> Usage {
    Usage { prompt_tokens, estimated: true, ..Usage::default() }
}

/// Whether a refusal is one that another model may not share.
fn is_about_the_model(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::UpstreamRejected
            | ErrorCode::UpstreamContextLength
            | ErrorCode::UnsupportedContent
    )
}

/// How a call ended after its first content.
pub struct Ended<'a> {
    pub endpoint: &'a Endpoint,
    pub conversation: Option<ConversationKey>,
    pub usage: Option<&'a Usage>,
    /// From the first content to the end, of a stream; `None` for an answer that came whole.
    pub after_first_ms: Option<u64>,
    pub error: Option<&'a Error>,
}
