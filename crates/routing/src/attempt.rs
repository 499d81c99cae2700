//! Trying endpoints until one starts to answer.

use std::sync::{Arc, Mutex};

use backstay_core::{
    Charge, Clock, Error, ErrorCode, Random, Result, Timestamp,
    chat::{ChatEvent, ChatRequest, Frame},
};
use backstay_providers::{ChatCall, Deadlines, EmbeddingCall, FrameStream, Upstreams};
use backstay_wire::EmbeddingRequest;
use futures::{StreamExt as _, stream};

use crate::{
    catalogue::Endpoint,
    retry::{RetryBudget, backoff_ms, worth_repeating},
};

/// One try at one endpoint, as the ledger keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    pub provider: String,
    pub model: String,
    /// `None` when it started to answer.
    pub error: Option<ErrorCode>,
    /// The provider's HTTP status, where one came.
    pub http_status: Option<u16>,
    pub started_at: Timestamp,
    /// Until the first content or the failure.
    pub duration_ms: u64,
    /// What the provider charges for an attempt whose answer was not used: one that broke off, or
    /// lost to another. The answer's own charge is settled with the generation.
    pub charge: Option<Charge>,
}

/// Attempts as they happen, readable from outside so that a call which is dropped half-way leaves
/// its attempts behind.
#[derive(Clone, Default)]
pub struct AttemptLog(Arc<Mutex<Vec<Attempt>>>);

impl AttemptLog {
    pub fn all(&self) -> Vec<Attempt> {
        self.0.lock().map(|attempts| attempts.clone()).unwrap_or_default()
    }

    fn push(&self, attempt: Attempt) {
        if let Ok(mut attempts) = self.0.lock() {
            attempts.push(attempt);
        }
    }
}

/// An endpoint that has begun to answer.
pub struct Started {
    pub endpoint: Endpoint,
    /// From the very first frame.
    pub frames: FrameStream,
    pub dropped: Vec<String>,
}

/// Carries plans out. One for the whole server, because retries are budgeted across all calls.
pub struct Router {
    upstreams: Upstreams,
    clock: Clock,
    random: Random,
    budget: RetryBudget,
}

/// More attempts than this help nobody who waits.
const ATTEMPTS_MAX: usize = 6;
/// Frames before the first content are few: a start, a ping, an empty delta.
const PREFACE_FRAMES_MAX: usize = 64;

impl Router {
    pub fn new(upstreams: Upstreams, clock: Clock, random: Random) -> Self {
        Self { upstreams, clock, random, budget: RetryBudget::default() }
    }

    pub fn upstreams(&self) -> &Upstreams {
        &self.upstreams
    }

    /// Tries the endpoints in order until one sends its first content; each failure that another
    /// endpoint could mend moves on to the next. When all have failed, the last is repeated once if
    /// its failure may pass. Returns the last error when nothing answered.
    pub async fn run(
        &self,
        endpoints: &[Endpoint],
        request: &ChatRequest,
        log: &AttemptLog,
    ) -> Result<Started> {
        self.budget.earn();
        let mut deadlines = self.upstreams.deadlines();
        let mut last_error = Error::new(ErrorCode::NoProvider, "this model has no endpoint");
        for (index, endpoint) in endpoints.iter().take(ATTEMPTS_MAX).enumerate() {
            if index > 0 && !self.budget.spend() {
                return Err(last_error);
            }
            match self.attempt(endpoint, request, deadlines, log).await {
                Ok(started) => return Ok(started),
                Err(error) if error.code().is_retryable() => last_error = error,
                Err(error) => return Err(error),
            }
            deadlines = deadlines.next_attempt();
        }
        let Some(endpoint) = endpoints.iter().take(ATTEMPTS_MAX).next_back() else {
            return Err(last_error);
        };
        let wait_ms = backoff_ms(0, &last_error, &self.random);
        let may_repeat = worth_repeating(&last_error)
            && deadlines.allows_wait_ms(wait_ms)
            && self.budget.spend();
        if !may_repeat {
            return Err(last_error);
        }
        tokio::time::sleep(std::time::Duration::from_millis(wait_ms)).await;
        self.attempt(endpoint, request, deadlines.next_attempt(), log).await
    }

    /// The same for an embedding call, whose answer comes whole.
    pub async fn embed(
        &self,
        endpoints: &[Endpoint],
        request: &EmbeddingRequest,
        log: &AttemptLog,
    ) -> Result<(Endpoint, EmbeddingCall)> {
        self.budget.earn();
        let deadlines = self.upstreams.deadlines();
        let mut last_error = Error::new(ErrorCode::NoProvider, "this model has no endpoint");
        for (index, endpoint) in endpoints.iter().take(ATTEMPTS_MAX).enumerate() {
            if index > 0 && !self.budget.spend() {
                break;
            }
            let (provider, model) = (&endpoint.provider, &endpoint.model);
            let call = self.upstreams.embed(provider, model, request, deadlines);
            match self.logged(endpoint, log, call).await {
                Ok(call) => return Ok((endpoint.clone(), call)),
                Err(error) if error.code().is_retryable() => last_error = error,
                Err(error) => return Err(error),
            }
        }
        Err(last_error)
    }

    async fn attempt(
        &self,
        endpoint: &Endpoint,
        request: &ChatRequest,
        deadlines: Deadlines,
        log: &AttemptLog,
    ) -> Result<Started> {
        self.logged(endpoint, log, self.start(endpoint, request, deadlines)).await
    }

    /// Makes an attempt and keeps what became of it.
    async fn logged<T>(
        &self,
        endpoint: &Endpoint,
        log: &AttemptLog,
        attempt: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let started_at = self.clock.now();
        let outcome = attempt.await;
        let error = outcome.as_ref().err();
        log.push(Attempt {
            provider: endpoint.provider.id.clone(),
            model: endpoint.model.clone(),
            error: error.map(Error::code),
            http_status: error.and_then(Error::upstream).and_then(|upstream| upstream.status),
            started_at,
            duration_ms: elapsed_ms(started_at, self.clock.now()),
            charge: None,
        });
        if let Some(error) = error {
            tracing::info!(
                provider = endpoint.provider.id,
                model = endpoint.model,
                code = error.code().as_str(),
                cause = error.context(),
                "attempt failed: {}",
                error.message()
            );
        }
        outcome
    }

    async fn start(
        &self,
        endpoint: &Endpoint,
        request: &ChatRequest,
        deadlines: Deadlines,
    ) -> Result<Started> {
        let call =
            self.upstreams.chat(&endpoint.provider, &endpoint.model, request, deadlines).await?;
        let ChatCall { mut frames, dropped } = call;
        let preface = until_content(&endpoint.provider.id, &mut frames).await?;
        let frames = stream::iter(preface.into_iter().map(Ok)).chain(frames);
        Ok(Started { endpoint: endpoint.clone(), frames: Box::pin(frames), dropped })
    }
}

/// Reads up to the first content, so that a failure before it can still be mended elsewhere.
async fn until_content(provider: &str, frames: &mut FrameStream) -> Result<Vec<Frame>> {
    let mut preface = Vec::new();
    while let Some(frame) = frames.next().await {
        let frame = frame?;
        let content = frame.events.iter().any(ChatEvent::is_content);
        preface.push(frame);
        if content || preface.len() >= PREFACE_FRAMES_MAX {
            return Ok(preface);
        }
    }
    Err(Error::new(
        ErrorCode::UpstreamInvalidResponse,
        format!("provider {provider} ended its answer without any content"),
    ))
}

fn elapsed_ms(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.millis() - from.millis()).unwrap_or(0)
}
