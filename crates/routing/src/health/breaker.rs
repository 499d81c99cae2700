//! The circuit breaker of one endpoint: closed, open for a while, then one probe.

use super::{Standing, window::Recent};

/// Failures in a row that open it.
const IN_A_ROW: u32 = 5;
/// A busy endpoint is judged by the share of its recent attempts instead.
const RECENT_ATTEMPTS_MIN: usize = 10;
const RECENT_FAILURES_SHARE: f64 = 0.5;
/// The first rest; each failed probe doubles it.
const REST_MS: i64 = 5_000;
const REST_MS_MAX: i64 = 120_000;
/// A probe that says nothing for so long, because its caller left, makes room for another.
const PROBE_MS_MAX: i64 = 60_000;

#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: State,
    /// Nothing is to be asked before this, because the provider said so.
    not_before: i64,
}

#[derive(Debug)]
enum State {
    Closed { failures_in_a_row: u32 },
    Open { until: i64, times: u32 },
    Probed { since: i64, times: u32 },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures_in_a_row: 0 }
    }
}

impl Breaker {
    pub(super) fn standing(&self, now: i64) -> Standing {
        if now < self.not_before {
            return Standing::Paused;
        }
        match self.state {
            State::Closed { .. } => Standing::Ready,
            State::Open { until, .. } if now < until => Standing::Paused,
            State::Probed { since, .. } if now - since < PROBE_MS_MAX => Standing::Paused,
            State::Open { .. } | State::Probed { .. } => Standing::Probing,
        }
    }

    pub(super) fn begin(&mut self, now: i64) {
        if self.standing(now) == Standing::Probing
            && let State::Open { times, .. } | State::Probed { times, .. } = self.state
        {
            self.state = State::Probed { since: now, times };
        }
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// `jitter` in 0..1 keeps nodes from coming back together.
    pub(super) fn failed(&mut self, now: i64, recent: Recent, jitter: f64) {
        self.state = match self.state {
            State::Closed { failures_in_a_row } => {
                let failures_in_a_row = failures_in_a_row + 1;
                let share = recent.failures as f64 / recent.attempts.max(1) as f64;
                let is_failing =
                    recent.attempts >= RECENT_ATTEMPTS_MIN && share >= RECENT_FAILURES_SHARE;
                if failures_in_a_row >= IN_A_ROW || is_failing {
                    open(now, 0, jitter)
                } else {
                    State::Closed { failures_in_a_row }
                }
            }
            State::Probed { times, .. } => open(now, times + 1, jitter),
            // Calls that were under way when it opened say nothing new.
            State::Open { until, times } => State::Open { until, times },
        };
    }

    /// A probe that ended without telling whether the endpoint is well: the next call probes again.
    pub(super) fn ended_without_verdict(&mut self) {
        if let State::Probed { since, times } = self.state {
            self.state = State::Open { until: since, times };
        }
    }

    pub(super) fn wait_until(&mut self, moment: i64) {
        self.not_before = self.not_before.max(moment);
    }
}

fn open(now: i64, times: u32, jitter: f64) -> State {
    let rest = (REST_MS << times.min(10)).min(REST_MS_MAX);
    let rest = rest + (rest as f64 * 0.2 * jitter) as i64;
    State::Open { until: now + rest, times }
}
