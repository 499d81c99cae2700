//! When to try again: only where nothing ran or nothing was shown, and only as a share of traffic.

use std::sync::Mutex;

use backstay_core::{Error, ErrorCode, Random};

/// Retries are paid for by traffic: each call earns a share of one, so that a failing provider sees
/// at most so much more load, and a small balance lets a quiet server retry at all.
pub(crate) struct RetryBudget {
    /// Hundredths of a retry.
    balance: Mutex<u32>,
    /// Hundredths of a retry that each call earns.
    share_percent: u32,
}

const PER_RETRY: u32 = 100;
/// What so many calls earn is saved up at most.
const SAVED_CALLS: u32 = 100;

impl RetryBudget {
    pub(crate) fn new(share_percent: u32) -> Self {
        Self { balance: Mutex::new(share_percent * SAVED_CALLS), share_percent }
    }

    pub(crate) fn earn(&self) {
        if let Ok(mut balance) = self.balance.lock() {
            *balance = (*balance + self.share_percent).min(self.share_percent * SAVED_CALLS);
        }
    }

    pub(crate) fn spend(&self) -> bool {
        let Ok(mut balance) = self.balance.lock() else {
            return false;
        };
        let affordable = *balance >= PER_RETRY;
        if affordable {
            *balance -= PER_RETRY;
        }
        affordable
    }
}

/// Whether the same endpoint may do better in a moment. A rate limit is the caller's to wait for,
/// and a refused key stays refused.
pub(crate) fn worth_repeating(error: &Error) -> bool {
    matches!(
        error.code(),
        ErrorCode::UpstreamUnreachable
            | ErrorCode::UpstreamOverloaded
            | ErrorCode::UpstreamError
            | ErrorCode::UpstreamStreamBroken
    ) && error.retry_after_ms().is_none_or(|wait| wait <= BACKOFF_MS_MAX)
}

const BACKOFF_MS: u64 = 200;
const BACKOFF_MS_MAX: u64 = 2_000;

/// How long to wait before the `repeat`-th repetition, with full jitter (AWS Architecture Blog,
/// "Exponential Backoff and Jitter"); never less than the provider asked for.
pub(crate) fn backoff_ms(repeat: u32, error: &Error, random: &Random) -> u64 {
    let ceiling = (BACKOFF_MS << repeat.min(4)).min(BACKOFF_MS_MAX);
    let jittered = (ceiling as f64 * random.fraction()) as u64;
    jittered.max(error.retry_after_ms().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_stop_at_a_tenth_of_the_traffic() {
        let budget = RetryBudget::new(10);
        let burst = (0..1_000).filter(|_| budget.spend()).count();
        assert_eq!(burst, 10);
        let sustained = (0..1_000)
            .filter(|_| {
                budget.earn();
                budget.spend()
            })
            .count();
        assert_eq!(sustained, 100);
    }

    #[test]
    fn a_provider_that_says_when_is_not_asked_earlier() {
        let error =
            Error::new(ErrorCode::UpstreamOverloaded, "busy").with_retry_after_ms(Some(900));
        assert!(worth_repeating(&error));
        assert!(backoff_ms(0, &error, &Random::seeded(1)) >= 900);
        assert!(!worth_repeating(&error.with_retry_after_ms(Some(60_000))));
        assert!(!worth_repeating(&Error::new(ErrorCode::UpstreamRateLimited, "slow down")));
    }
}
