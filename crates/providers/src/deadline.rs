//! Time limits of a call, and which of them ran out.

use std::{future::Future, time::Duration};

use backstay_core::{Error, ErrorCode, Result};
use tokio::time::Instant;

use crate::TimeoutsMs;

/// A moment after which waiting is an error, and the name of that error.
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    limit_ms: u64,
    code: ErrorCode,
}

impl Deadline {
    pub(crate) fn after(limit_ms: u64, code: ErrorCode) -> Self {
        Self { at: Instant::now() + Duration::from_millis(limit_ms), limit_ms, code }
    }

    pub(crate) async fn limit<T>(self, future: impl Future<Output = T>) -> Result<T> {
        tokio::time::timeout_at(self.at, future).await.map_err(|_| self.expired())
    }

    fn expired(self) -> Error {
        let seconds = self.limit_ms as f64 / 1_000.0;
        let message = match self.code {
            ErrorCode::FirstTokenTimeout => format!(
                "the model sent no first token within {seconds} s; raise timeouts.first_token for \
                 models that think longer"
            ),
            ErrorCode::IdleTimeout => format!(
                "the model fell silent for {seconds} s in the middle of its answer \
                 (timeouts.idle)"
            ),
            ErrorCode::WholeTimeout => format!(
                "the whole answer did not come within {seconds} s (timeouts.whole); stream it, or \
                 raise the limit"
            ),
            _ => format!("the call took longer than {seconds} s (timeouts.total)"),
        };
        Error::new(self.code, message)
    }

    fn earlier(self, other: Self) -> Self {
        if other.at < self.at { other } else { self }
    }
}

/// The running clocks of one call. The total runs across all attempts; the others start anew with
/// each.
#[derive(Clone, Copy)]
pub struct Deadlines {
    timeouts: TimeoutsMs,
    total: Deadline,
    first_token: Deadline,
    whole: Deadline,
}

impl Deadlines {
    pub fn start(timeouts: TimeoutsMs) -> Self {
        let total = Deadline::after(timeouts.total, ErrorCode::TotalTimeout);
        let first_token = Deadline::after(timeouts.first_token, ErrorCode::FirstTokenTimeout);
        let whole = Deadline::after(timeouts.whole, ErrorCode::WholeTimeout);
        Self { timeouts, total, first_token, whole }
    }

    pub fn next_attempt(self) -> Self {
        Self { total: self.total, ..Self::start(self.timeouts) }
    }

    /// Whether there is time left to wait this long and still do something.
    pub fn allows_wait_ms(&self, milliseconds: u64) -> bool {
        Instant::now() + Duration::from_millis(milliseconds) < self.total.at
    }

    pub(crate) fn total(&self) -> Deadline {
        self.total
    }

    /// For an answer that comes whole, from sending its request to its last byte.
    pub(crate) fn whole(&self) -> Deadline {
        self.total.earlier(self.whole)
    }

    /// While nothing of the answer has come.
    pub(crate) fn first_token(&self) -> Deadline {
        self.total.earlier(self.first_token)
    }

    /// From now until the next piece of the answer.
    pub(crate) fn idle(&self) -> Deadline {
        let idle = Deadline::after(self.timeouts.idle, ErrorCode::IdleTimeout);
        self.total.earlier(idle)
    }
}
