//! How endpoints are doing, measured on the traffic that goes through them.

mod breaker;
mod uptime;
mod window;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use backstay_core::{Clock, Error, ErrorCode, Percentiles, Random};
use serde::Serialize;
use utoipa::ToSchema;

use self::{
    breaker::Breaker,
    uptime::Uptime,
    window::{Outcome, Window},
};

/// Endpoints that are remembered; more than any installation has configured.
const ENDPOINTS_MAX: usize = 20_000;
/// Fewer samples say nothing about a percentile in the tail.
const TAIL_SAMPLES_MIN: usize = 20;
/// Fewer samples say nothing about a median.
const MEDIAN_SAMPLES_MIN: usize = 5;

/// The health of all endpoints of one process, by `provider/model`.
pub struct Health {
    endpoints: RwLock<HashMap<String, Arc<Mutex<EndpointHealth>>>>,
    clock: Clock,
    random: Random,
}

#[derive(Default)]
struct EndpointHealth {
    window: Window,
    uptime: Uptime,
    breaker: Breaker,
}

/// Whether an endpoint is to be asked before others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Ready,
    /// It failed too often, and one call may find out whether it is back.
    Probing,
    /// It failed too often, or said when to come back; it is asked only when nothing else is left.
    Paused,
}

/// What the last five minutes say of an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct HealthReport {
    pub standing: Standing,
    pub attempts: usize,
    /// Of the attempts that count for or against it; `None` without any.
    pub error_share: Option<f64>,
    /// How often each error came, by its code.
    pub errors: Vec<(&'static str, usize)>,
    pub first_token_ms_p50: Option<f64>,
    pub first_token_ms_p95: Option<f64>,
    pub tokens_per_second_p50: Option<f64>,
    pub tokens_per_second_p95: Option<f64>,
}

/// How an endpoint did in the last half hour, and how often it worked, in OpenRouter's terms. `None`
/// for what was not measured, or too seldom to say it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// Milliseconds to the first token.
    pub first_token_ms: Option<Percentiles>,
    pub tokens_per_second: Option<Percentiles>,
    /// Per cent of the attempts that count for or against it.
    pub uptime_5m: Option<f64>,
    pub uptime_30m: Option<f64>,
    pub uptime_1d: Option<f64>,
}

impl Health {
    pub fn new(clock: Clock, random: Random) -> Self {
        Self { endpoints: RwLock::default(), clock, random }
    }

    pub fn standing(&self, endpoint: &str) -> Standing {
        self.read(endpoint, |health, now| health.breaker.standing(now)).unwrap_or(Standing::Ready)
    }

    /// A call is about to be made. While one finds out whether an endpoint is back, no other does.
    pub(crate) fn begin(&self, endpoint: &str) {
        self.read(endpoint, |health, now| health.breaker.begin(now));
    }

    /// An endpoint began to answer.
    pub(crate) fn answered(&self, endpoint: &str, first_token_ms: u64) {
        self.write(endpoint, |health, now| {
            health.window.push(now, Outcome::Answered { first_token_ms: first_token_ms as f32 });
            health.uptime.push(now, true);
            health.breaker.succeeded();
        });
    }

    /// An attempt failed, before its first content or after it.
    pub fn failed(&self, endpoint: &str, error: &Error) {
        let jitter = self.random.fraction();
        self.write(endpoint, |health, now| {
            health.window.push(now, Outcome::Failed(error.code()));
            if let Some(wait_ms) = error.retry_after_ms() {
                health.breaker.wait_until(now + i64::try_from(wait_ms).unwrap_or(i64::MAX / 2));
            } else if error.code() == ErrorCode::UpstreamRateLimited {
                health.breaker.wait_until(now + RATE_LIMITED_PAUSE_MS);
            }
            if counts_against(error.code()) {
                health.uptime.push(now, false);
                let recent = health.window.recent_failures(now);
                health.breaker.failed(now, recent, jitter);
            } else {
                health.breaker.ended_without_verdict();
            }
        });
    }

    /// A whole answer has arrived: how fast its tokens came after the first.
    pub fn finished(&self, endpoint: &str, completion_tokens: u64, after_first_ms: u64) {
        // A handful of tokens in no time is no speed.
        if completion_tokens < 10 || after_first_ms == 0 {
            return;
        }
        let per_second = completion_tokens as f32 * 1_000.0 / after_first_ms as f32;
        self.write(endpoint, |health, now| {
            health.window.push(now, Outcome::Finished { tokens_per_second: per_second });
        });
    }

    /// The usual wait for the first token, and how long it is at its longest but for one in twenty.
    pub(crate) fn first_token_ms_p95(&self, endpoint: &str) -> Option<f64> {
        self.read(endpoint, |health, now| health.window.first_token_ms(now, 0.95, TAIL_SAMPLES_MIN))
            .flatten()
    }

    pub(crate) fn median(&self, endpoint: &str, of: Measure) -> Option<f64> {
        self.read(endpoint, |health, now| of.percentile(&health.window, now, 0.5)).flatten()
    }

    /// Whether everything that is known of an endpoint keeps to the bounds.
    pub(crate) fn keeps_to(&self, endpoint: &str, of: Measure, bounds: &Percentiles) -> bool {
        let kept = self.read(endpoint, |health, now| {
            bounds.given().all(|(percentile, bound)| {
                // A floor for speed: the share of answers that are to reach it counts from below.
                let percentile =
                    if of == Measure::Throughput { 1.0 - percentile } else { percentile };
                let known = of.percentile(&health.window, now, percentile);
                known.is_none_or(|known| match of {
                    Measure::Throughput => known >= bound,
                    Measure::FirstToken => known <= bound,
                })
            })
        });
        kept.unwrap_or(true)
    }

    pub fn report(&self, endpoint: &str) -> HealthReport {
        let report = self.read(endpoint, |health, now| {
            let window = &health.window;
            let failures = window.failures(now);
            let counted = failures.iter().filter(|(code, _)| counts_against(*code));
            let against: usize = counted.map(|(_, count)| count).sum();
            let answered = window.answered(now);
            let judged = against + answered;
            let all: usize = failures.iter().map(|(_, count)| count).sum();
            HealthReport {
                standing: health.breaker.standing(now),
                attempts: answered + all,
                error_share: (judged > 0).then(|| against as f64 / judged as f64),
                errors: failures.iter().map(|(code, count)| (code.as_str(), *count)).collect(),
                first_token_ms_p50: window.first_token_ms(now, 0.5, MEDIAN_SAMPLES_MIN),
                first_token_ms_p95: window.first_token_ms(now, 0.95, TAIL_SAMPLES_MIN),
                tokens_per_second_p50: window.tokens_per_second(now, 0.5, MEDIAN_SAMPLES_MIN),
                tokens_per_second_p95: window.tokens_per_second(now, 0.95, TAIL_SAMPLES_MIN),
            }
        });
        report.unwrap_or(HealthReport {
            standing: Standing::Ready,
            attempts: 0,
            error_share: None,
            errors: Vec::new(),
            first_token_ms_p50: None,
            first_token_ms_p95: None,
            tokens_per_second_p50: None,
            tokens_per_second_p95: None,
        })
    }

    /// What is known of an endpoint. Percentiles are of its newest samples, at most so many as a
    /// window holds.
    pub fn record(&self, endpoint: &str) -> Record {
        let record = self.read(endpoint, |health, now| {
            let (window, uptime) = (&health.window, &health.uptime);
            Record {
                first_token_ms: window.first_token_ms_lately(now, TAIL_SAMPLES_MIN),
                tokens_per_second: window.tokens_per_second_lately(now, TAIL_SAMPLES_MIN),
                uptime_5m: uptime.percent(now, 5),
                uptime_30m: uptime.percent(now, 30),
                uptime_1d: uptime.percent(now, 24 * 60),
            }
        });
        record.unwrap_or_default()
    }

    fn read<T>(
        &self,
        endpoint: &str,
        look: impl FnOnce(&mut EndpointHealth, i64) -> T,
    ) -> Option<T> {
        let all = self.endpoints.read().unwrap_or_else(PoisonError::into_inner);
        let health = Arc::clone(all.get(endpoint)?);
        drop(all);
        let mut health = health.lock().unwrap_or_else(PoisonError::into_inner);
        Some(look(&mut health, self.clock.now().millis()))
    }

    fn write(&self, endpoint: &str, change: impl FnOnce(&mut EndpointHealth, i64)) {
        let known = self
            .endpoints
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(endpoint)
            .map(Arc::clone);
        let health = known.unwrap_or_else(|| {
            let mut all = self.endpoints.write().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= ENDPOINTS_MAX {
                all.clear();
            }
            Arc::clone(all.entry(endpoint.to_owned()).or_default())
        });
        let mut health = health.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut health, self.clock.now().millis());
    }
}

/// What endpoints are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    FirstToken,
    Throughput,
}

impl Measure {
    fn percentile(self, window: &Window, now: i64, percentile: f64) -> Option<f64> {
        match self {
            Self::FirstToken => window.first_token_ms(now, percentile, MEDIAN_SAMPLES_MIN),
            Self::Throughput => window.tokens_per_second(now, percentile, MEDIAN_SAMPLES_MIN),
        }
    }
}

/// How long an endpoint rests that refused for its rate and did not say how long.
const RATE_LIMITED_PAUSE_MS: i64 = 1_000;

/// Whether a failure says that the endpoint is not well. What the caller sent, a policy's refusal and
/// a rate limit do not; a refused key and a missing model do, for they fail every call.
pub(crate) fn counts_against(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::UpstreamAuthentication
            | ErrorCode::UpstreamModelNotFound
            | ErrorCode::UpstreamOverloaded
            | ErrorCode::UpstreamError
            | ErrorCode::UpstreamUnreachable
            | ErrorCode::UpstreamInvalidResponse
            | ErrorCode::UpstreamStreamBroken
            | ErrorCode::ConnectTimeout
            | ErrorCode::FirstTokenTimeout
            | ErrorCode::IdleTimeout
            | ErrorCode::WholeTimeout
            | ErrorCode::TotalTimeout
    )
}

#[cfg(test)]
mod tests {
    use backstay_core::{ManualClock, Timestamp};

    use super::*;

    fn health() -> (Health, ManualClock) {
        let clock = ManualClock::at(Timestamp::from_millis(1_000_000));
        (Health::new(Clock::Manual(clock.clone()), Random::seeded(1)), clock)
    }

    fn broken() -> Error {
        Error::new(ErrorCode::UpstreamError, "broken")
    }

    #[test]
    fn an_endpoint_that_keeps_failing_rests_is_probed_once_and_comes_back() {
        let (health, clock) = health();
        for _ in 0..5 {
            assert_eq!(health.standing("a/b"), Standing::Ready);
            health.failed("a/b", &broken());
        }
        assert_eq!(health.standing("a/b"), Standing::Paused);
        clock.advance_ms(20_000);
        assert_eq!(health.standing("a/b"), Standing::Probing);
        health.begin("a/b");
        assert_eq!(health.standing("a/b"), Standing::Paused, "one probe at a time");
        health.answered("a/b", 100);
        assert_eq!(health.standing("a/b"), Standing::Ready);
    }

    #[test]
    fn a_failed_probe_rests_longer() {
        let (health, clock) = health();
        (0..5).for_each(|_| health.failed("a/b", &broken()));
        clock.advance_ms(20_000);
        health.begin("a/b");
        health.failed("a/b", &broken());
        clock.advance_ms(6_000);
        assert_eq!(health.standing("a/b"), Standing::Paused);
        clock.advance_ms(20_000);
        assert_eq!(health.standing("a/b"), Standing::Probing);
    }

    #[test]
    fn a_provider_that_says_when_is_left_alone_until_then() {
        let (health, clock) = health();
        let limited = Error::new(ErrorCode::UpstreamRateLimited, "slow down");
        health.failed("a/b", &limited.with_retry_after_ms(Some(7_000)));
        assert_eq!(health.standing("a/b"), Standing::Paused);
        assert_eq!(health.report("a/b").error_share, None, "a rate limit is no fault");
        clock.advance_ms(7_000);
        assert_eq!(health.standing("a/b"), Standing::Ready);
    }

    #[test]
    fn what_the_caller_sent_wrong_says_nothing_of_the_endpoint() {
        let (health, _) = health();
        let refused = Error::new(ErrorCode::UpstreamRejected, "bad schema");
        (0..50).for_each(|_| health.failed("a/b", &refused));
        assert_eq!(health.standing("a/b"), Standing::Ready);
    }

    #[test]
    fn percentiles_are_of_the_last_five_minutes() {
        let (health, clock) = health();
        (0..100).for_each(|_| health.answered("a/b", 9_000));
        clock.advance_ms(301_000);
        (1..=100).for_each(|ms| health.answered("a/b", ms));
        health.finished("a/b", 100, 2_000);
        let report = health.report("a/b");
        assert_eq!(report.first_token_ms_p50, Some(50.0));
        assert_eq!(report.first_token_ms_p95, Some(95.0));
        assert_eq!(report.attempts, 100);
        assert_eq!(report.error_share, Some(0.0));
        let within = Percentiles { p90: Some(90.0), ..Percentiles::default() };
        assert!(health.keeps_to("a/b", Measure::FirstToken, &within));
        let tighter = Percentiles { p50: Some(49.0), ..Percentiles::default() };
        assert!(!health.keeps_to("a/b", Measure::FirstToken, &tighter));
        assert!(health.keeps_to("never/seen", Measure::FirstToken, &tighter));
    }
    #[test]
    fn the_record_is_of_half_an_hour_and_says_nothing_of_too_few() {
        let (health, clock) = health();
        (1..20).for_each(|ms| health.answered("a/b", ms));
        assert_eq!(health.record("a/b").first_token_ms, None, "19 are too few");
        clock.advance_ms(600_000);
        health.answered("a/b", 20);
        (0..5).for_each(|_| health.failed("a/b", &broken()));
        (0..20).for_each(|_| health.finished("a/b", 100, 2_000));
        let record = health.record("a/b");
        let (latency, speed) = (record.first_token_ms.unwrap(), record.tokens_per_second.unwrap());
        assert_eq!((latency.p50, latency.p99), (Some(10.0), Some(20.0)));
        assert_eq!(speed.p50, Some(50.0));
        assert_eq!((record.uptime_5m, record.uptime_30m), (Some(100.0 / 6.0), Some(80.0)));
        clock.advance_ms(1_800_001);
        let later = health.record("a/b");
        assert_eq!(
            (later.first_token_ms, later.uptime_30m, later.uptime_1d),
            (None, None, Some(80.0))
        );
        assert_eq!(health.record("never/seen"), Record::default());
    }
}
