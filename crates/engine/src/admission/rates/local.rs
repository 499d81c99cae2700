//! Of one process that has the data for itself.

use std::{collections::HashMap, sync::Mutex};

use backstay_core::{KeyId, RateLimit, RateUse, RateWindow, Result, Timestamp};

use super::RateHold;

/// Keys that are remembered; those that used nothing for a day make room first.
const KEYS_MAX: usize = 100_000;

#[derive(Default)]
pub(crate) struct Local {
    keys: Mutex<HashMap<KeyId, Vec<RateWindow>>>,
}

impl Local {
    /// Takes from every limit of the key, or from none of them.
    pub(super) fn take(
        &self,
        key: &KeyId,
        limits: &[RateLimit],
        wanted: RateUse,
        now: Timestamp,
    ) -> Result<RateHold> {
        let hold = RateHold { taken: wanted, at: now };
        let Ok(mut keys) = self.keys.lock() else { return Ok(hold) };
        if keys.len() >= KEYS_MAX && !keys.contains_key(key) {
            keys.retain(|_, windows| windows.iter_mut().any(|window| window.used(now) > 0));
        }
        let windows = keys.entry(key.clone()).or_default();
        for limit in limits {
            let most = limit.most();
            let asked = wanted.of(limit.limited()).min(most);
            let window = window(windows, *limit);
            if asked > 0 && window.used(now).saturating_add(asked) > most {
                return Err(window.exceeded(most, asked));
            }
        }
        for limit in limits {
            window(windows, *limit).change(now, wanted.of(limit.limited()), 0);
        }
        Ok(hold)
    }

    pub(super) fn correct(&self, key: &KeyId, hold: RateHold, used: RateUse, now: Timestamp) {
        let Ok(mut keys) = self.keys.lock() else { return };
        for window in keys.get_mut(key).into_iter().flatten() {
            window.used(now);
            let limited = window.limited();
            window.change(hold.at, used.of(limited), hold.taken.of(limited));
        }
    }
}

fn window(windows: &mut Vec<RateWindow>, limit: RateLimit) -> &mut RateWindow {
    let found = windows.iter().position(|window| window.is_of(limit));
    let index = found.unwrap_or_else(|| {
        windows.push(RateWindow::of(limit));
        windows.len() - 1
    });
    &mut windows[index]
}

#[cfg(test)]
mod tests {
    use backstay_core::{Amount, ErrorCode, Money, RatePeriod};

    use super::*;

    const LIMITS: [RateLimit; 2] = [
        RateLimit::Requests { per: RatePeriod::Minute, limit: 3 },
        RateLimit::Tokens { per: RatePeriod::Hour, limit: 100 },
    ];

    fn key() -> KeyId {
        KeyId::parse("key_1").unwrap()
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + second * 1_000)
    }

    fn request(rates: &Local, at: i64) -> Result<RateHold> {
        rates.take(&key(), &LIMITS, RateUse::REQUEST, second(at))
    }

    #[test]
    fn no_minute_has_more_requests_than_the_limit() {
        let rates = Local::default();
        let mut admitted = Vec::new();
        for at in 0..1_000 {
            if request(&rates, at).is_ok() {
                admitted.push(at);
            }
        }
        assert!(admitted.len() > 40, "{}", admitted.len());
        for first in &admitted {
            let within = admitted.iter().filter(|at| (*first..first + 60).contains(at)).count();
            assert!(within <= 3, "{within} in the minute from {first}");
        }
    }

    #[test]
    fn a_refusal_says_when_it_frees_and_then_it_does() {
        let rates = Local::default();
        for at in [0, 10, 20] {
            request(&rates, at).unwrap();
        }
        let refused = request(&rates, 30).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::TooManyRequests);
        let hit = refused.limit().unwrap();
        assert_eq!((hit.limit, hit.used, hit.per), (Amount::Count(3), Amount::Count(3), "minute"));
        let frees_at = hit.resets_at.unwrap();
        assert_eq!(frees_at, second(61));
        assert_eq!(refused.retry_after_ms(), Some(31_000));
        assert!(request(&rates, 60).is_err());
        assert!(request(&rates, 61).is_ok());
        assert!(request(&rates, 62).is_err());
    }

    #[test]
    fn what_was_used_takes_the_place_of_what_was_taken() {
        let rates = Local::default();
        let tokens = |tokens| RateUse { tokens, ..RateUse::default() };
        let take = |count, at| rates.take(&key(), &LIMITS, tokens(count), second(at));
        let hold = take(80, 0).unwrap();
        assert!(take(30, 1).is_err());
        rates.correct(&key(), hold, tokens(10), second(2));
        let hold = take(90, 3).unwrap();
        rates.correct(&key(), hold, tokens(200), second(4));
        assert!(take(1, 5).is_err(), "more was used than taken");
        let hour_later = 3_700;
        take(1_000, hour_later).unwrap();
        assert!(take(1, hour_later).is_err(), "an estimate beyond the limit takes all of it");
    }

    #[test]
    fn a_refused_use_takes_from_no_limit() {
        let rates = Local::default();
        let all = RateUse { requests: 1, tokens: 100, money: Money::ZERO };
        rates.take(&key(), &LIMITS, all, second(0)).unwrap();
        for _ in 0..10 {
            assert!(rates.take(&key(), &LIMITS, all, second(1)).is_err());
        }
        request(&rates, 2).unwrap();
        request(&rates, 3).unwrap();
        assert!(request(&rates, 4).is_err());
    }
}
