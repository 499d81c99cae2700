//! One try at one endpoint, and what is kept of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use backstay_core::{
    Charge, Clock, Error, ErrorCode, FailedAttempt, Result, Timestamp, Usage,
    chat::{ChatEvent, ChatRequest, Frame},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Endpoint, health::Health};

/// One try at one endpoint, as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Attempt {
    pub provider: String,
    pub model: String,
    /// `None` when it answered.
    pub error: Option<ErrorCode>,
    /// The provider's HTTP status, where one came.
    pub http_status: Option<u16>,
    pub started_at: Timestamp,
    /// Until the first content or the failure.
    pub duration_ms: u64,
    /// What the provider charges for an attempt whose answer was not used: one that broke off, or
    /// that nobody waited for. The answer's own charge is settled with the generation.
    pub charge: Option<Charge>,
}

/// Attempts as they happen, readable from outside so that a call which is dropped half-way leaves
/// its attempts behind.
#[derive(Clone, Default)]
pub struct AttemptLog(Arc<Mutex<Vec<Entry>>>);

struct Entry {
    attempt: Attempt,
    endpoint: Endpoint,
    failure: Option<Error>,
}

impl AttemptLog {
    pub fn all(&self) -> Vec<Attempt> {
        self.entries().iter().map(|entry| entry.attempt.clone()).collect()
    }

    /// The endpoint whose answer stands: of the last attempt that did not fail.
    pub fn answering(&self) -> Option<Endpoint> {
        let entries = self.entries();
        let answering = entries.iter().rev().find(|entry| entry.attempt.error.is_none());
        answering.map(|entry| entry.endpoint.clone())
    }

    /// What failed before the failure that a call ends with.
    pub fn failures_before(&self, last: &Error) -> Vec<FailedAttempt> {
        let entries = self.entries();
        let mut failed: Vec<_> =
            entries.iter().filter_map(|entry| Some((entry, entry.failure.as_ref()?))).collect();
        if let Some(own) = failed.iter().rposition(|(_, failure)| *failure == last) {
            failed.remove(own);
        }
        failed.into_iter().map(|(entry, failure)| entry.failed(failure)).collect()
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, attempt: Attempt, endpoint: Endpoint) -> usize {
        let mut entries = self.entries();
        entries.push(Entry { attempt, endpoint, failure: None });
        entries.len() - 1
    }

    /// Changes the attempt of this number.
    fn update(&self, number: usize, change: impl FnOnce(&mut Attempt)) {
        if let Some(entry) = self.entries().get_mut(number) {
            change(&mut entry.attempt);
        }
    }

    /// The attempt of this number failed, and is charged for so much.
    pub(crate) fn fail(&self, number: usize, error: &Error, charge: Option<Charge>) {
        if let Some(entry) = self.entries().get_mut(number) {
            entry.attempt.error = Some(error.code());
            entry.attempt.http_status = error.upstream().and_then(|upstream| upstream.status);
            entry.attempt.charge = charge;
            entry.failure = Some(error.clone());
        }
    }
}

impl Entry {
    fn failed(&self, failure: &Error) -> FailedAttempt {
        FailedAttempt {
            provider: self.attempt.provider.clone(),
            model: self.attempt.model.clone(),
            code: failure.code(),
            status: self.attempt.http_status,
            message: failure.message().to_owned(),
        }
    }
}

/// An attempt under way. It is in the log from its beginning; dropped before its end, it was
/// abandoned: the client left, or another attempt answered first. The provider may charge for it.
pub(crate) struct Running<'a> {
    log: &'a AttemptLog,
    number: usize,
    endpoint: &'a Endpoint,
    name: String,
    health: &'a Health,
    clock: &'a Clock,
    started_at: Timestamp,
    /// What the prompt would be charged as.
    prompt: &'a (dyn Fn() -> Usage + Sync),
    is_over: bool,
}

impl<'a> Running<'a> {
    pub(crate) fn begin(
        log: &'a AttemptLog,
        endpoint: &'a Endpoint,
        health: &'a Health,
        clock: &'a Clock,
        prompt: &'a (dyn Fn() -> Usage + Sync),
    ) -> Self {
        let started_at = clock.now();
        let attempt = Attempt {
            provider: endpoint.provider.id.clone(),
            model: endpoint.model.clone(),
            error: None,
            http_status: None,
            started_at,
            duration_ms: 0,
            charge: None,
        };
        let number = log.push(attempt, endpoint.clone());
        let name = endpoint.name();
        health.begin(&name);
        Self { log, number, endpoint, name, health, clock, started_at, prompt, is_over: false }
    }

    /// Keeps what became of it, for the ledger and for the endpoint's health. Returns its number in
    /// the log.
    pub(crate) fn end<T>(mut self, outcome: &Result<T>) -> usize {
        self.is_over = true;
        let duration_ms = elapsed_ms(self.started_at, self.clock.now());
        let Err(error) = outcome else {
            self.health.answered(&self.name, duration_ms);
            self.log.update(self.number, |attempt| attempt.duration_ms = duration_ms);
            return self.number;
        };
        self.health.failed(&self.name, error);
        let charge = may_be_charged(error.code()).then(|| self.charge());
        self.log.update(self.number, |attempt| attempt.duration_ms = duration_ms);
        self.log.fail(self.number, error, charge);
        tracing::info!(
            provider = self.endpoint.provider.id,
            model = self.endpoint.model,
            code = error.code().as_str(),
            cause = error.context(),
            "attempt failed: {}",
            error.message()
        );
        self.number
    }

    fn charge(&self) -> Charge {
        Charge::of((self.prompt)(), self.endpoint.price().cloned())
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let duration_ms = elapsed_ms(self.started_at, self.clock.now());
        let charge = self.charge();
        self.log.update(self.number, |attempt| {
            attempt.duration_ms = duration_ms;
            attempt.error = Some(ErrorCode::Abandoned);
            attempt.charge = Some(charge);
        });
    }
}

/// Whether a provider that failed so may have done work that it charges for. One that refused, or was
/// never reached, has not.
fn may_be_charged(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::FirstTokenTimeout
            | ErrorCode::IdleTimeout
            | ErrorCode::WholeTimeout
            | ErrorCode::TotalTimeout
            | ErrorCode::UpstreamStreamBroken
            | ErrorCode::UpstreamInvalidResponse
    )
}

/// What of a broken answer arrived is charged beside the prompt. Always an estimate.
pub(crate) fn charge_of_broken(
    endpoint: &Endpoint,
    request: &ChatRequest,
    completion_tokens: u64,
) -> Charge {
    let usage = Usage { completion_tokens, ..request.estimated_prompt_usage() };
    Charge::of(usage, endpoint.price().cloned())
}

/// Frames before the first content are few: a start, a ping, an empty delta.
const PREFACE_FRAMES_MAX: usize = 64;

/// Reads up to the first content, so that a failure before it can still be mended elsewhere.
pub(crate) async fn until_content(
    provider: &str,
    frames: &mut backstay_providers::FrameStream,
) -> Result<Vec<Frame>> {
    use futures::StreamExt as _;
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
