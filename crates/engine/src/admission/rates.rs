//! How much a key has used lately, in this process.
//!
//! A sliding window in slots of a sixtieth of its length, and one slot more: in any stretch of that
//! length no more than the limit is used. Tokens and money are known only at the end, so a call takes
//! an estimate first, and what it really used is put in its place.

use std::{collections::HashMap, sync::Mutex};

use backstay_core::{
    Amount, Error, ErrorCode, KeyId, LimitHit, LimitScope, Limited, Money, RateLimit, RatePeriod,
    Result, Timestamp,
};

const SLOTS_PER_PERIOD: i64 = 60;
const SLOTS: usize = SLOTS_PER_PERIOD as usize + 1;
/// Keys that are remembered; those that used nothing for a day make room first.
const KEYS_MAX: usize = 100_000;

/// What is used at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) requests: u64,
    pub(crate) tokens: u64,
    pub(crate) money: Money,
}

impl Use {
    pub(crate) const REQUEST: Self = Self { requests: 1, tokens: 0, money: Money::ZERO };

    /// In the unit of the windows: counts, or picodollars.
    fn of(self, limited: Limited) -> u64 {
        match limited {
            Limited::Requests => self.requests,
            Limited::Tokens => self.tokens,
            Limited::Money => self.money.picodollars().unsigned_abs(),
        }
    }
}

/// What a call under way has taken, to be put right at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateHold {
    taken: Use,
    at: Timestamp,
}

#[derive(Default)]
pub(crate) struct Rates {
    keys: Mutex<HashMap<KeyId, Vec<Window>>>,
}

impl Rates {
    /// Takes from every limit of the key, or from none of them: fails with `too_many_requests`. An
    /// estimate that is larger than a whole limit takes all of it.
    pub(crate) fn take(
        &self,
        key: &KeyId,
        limits: &[RateLimit],
        wanted: Use,
        now: Timestamp,
    ) -> Result<RateHold> {
        let hold = RateHold { taken: wanted, at: now };
        let Ok(mut keys) = self.keys.lock() else { return Ok(hold) };
        if keys.len() >= KEYS_MAX && !keys.contains_key(key) {
            keys.retain(|_, windows| windows.iter_mut().any(|window| window.used(now) > 0));
        }
        let windows = keys.entry(key.clone()).or_default();
        for limit in limits {
            let (limited, per, most) = parts(*limit);
            let asked = wanted.of(limited).min(most);
            let window = window(windows, limited, per);
            if asked > 0 && window.used(now).saturating_add(asked) > most {
                return Err(exceeded(window, most, asked));
            }
        }
        for limit in limits {
            let (limited, per, _) = parts(*limit);
            window(windows, limited, per).change(now, wanted.of(limited), 0);
        }
        Ok(hold)
    }

    /// Puts what was used in place of what was taken.
    pub(crate) fn correct(&self, key: &KeyId, hold: RateHold, used: Use, now: Timestamp) {
        let Ok(mut keys) = self.keys.lock() else { return };
        for window in keys.get_mut(key).into_iter().flatten() {
            window.used(now);
            window.change(hold.at, used.of(window.limited), hold.taken.of(window.limited));
        }
    }
}

fn parts(limit: RateLimit) -> (Limited, RatePeriod, u64) {
    match limit {
        RateLimit::Requests { per, limit } => (Limited::Requests, per, limit),
        RateLimit::Tokens { per, limit } => (Limited::Tokens, per, limit),
        RateLimit::Money { per, limit } => {
            (Limited::Money, per, limit.picodollars().unsigned_abs())
        }
    }
}

fn window(windows: &mut Vec<Window>, limited: Limited, per: RatePeriod) -> &mut Window {
    let found = windows.iter().position(|w| w.limited == limited && w.per == per);
    let index = found.unwrap_or_else(|| {
        windows.push(Window { limited, per, newest: 0, slots: [0; SLOTS] });
        windows.len() - 1
    });
    &mut windows[index]
}

struct Window {
    limited: Limited,
    per: RatePeriod,
    /// The number of the slot that holds the latest moment seen.
    newest: i64,
    /// Slot `n` is at `n` modulo their count.
    slots: [u64; SLOTS],
}

impl Window {
    /// What was used in the period before now, after slots that are over were emptied.
    fn used(&mut self, now: Timestamp) -> u64 {
        let slot = self.number(now);
        let passed = slot.saturating_sub(self.newest).clamp(0, SLOTS as i64);
        for number in slot - passed + 1..=slot {
            self.slots[index(number)] = 0;
        }
        self.newest = self.newest.max(slot);
        self.slots.iter().fold(0, |sum, used| sum.saturating_add(*used))
    }

    fn change(&mut self, at: Timestamp, add: u64, take_back: u64) {
        let number = self.number(at);
        if self.newest - number < SLOTS as i64 {
            let slot = &mut self.slots[index(number)];
            *slot = slot.saturating_add(add).saturating_sub(take_back);
        }
    }

    /// When so much more fits.
    fn frees_at(&self, most: u64, asked: u64) -> Timestamp {
        let mut used = self.slots.iter().fold(0_u64, |sum, used| sum.saturating_add(*used));
        let oldest = self.newest - SLOTS as i64 + 1;
        for number in oldest..=self.newest {
            used = used.saturating_sub(self.slots[index(number)]);
            if used.saturating_add(asked) <= most {
                let over = (number + SLOTS as i64).saturating_mul(self.slot_micros());
                return Timestamp::from_micros(over);
            }
        }
        Timestamp::from_micros((self.newest + SLOTS as i64).saturating_mul(self.slot_micros()))
    }

    fn number(&self, moment: Timestamp) -> i64 {
        moment.micros().div_euclid(self.slot_micros())
    }

    fn slot_micros(&self) -> i64 {
        self.per.micros() / SLOTS_PER_PERIOD
    }

    fn amount(&self, value: u64) -> Amount {
        match self.limited {
            Limited::Money => {
                let picodollars = i64::try_from(value).unwrap_or(i64::MAX);
                Amount::Money(Money::from_picodollars(picodollars))
            }
            Limited::Requests | Limited::Tokens => Amount::Count(value),
        }
    }
}

fn index(number: i64) -> usize {
    usize::try_from(number.rem_euclid(SLOTS as i64)).unwrap_or(0)
}

fn exceeded(window: &mut Window, most: u64, asked: u64) -> Error {
    let frees_at = window.frees_at(most, asked);
    let now = window.newest.saturating_mul(window.slot_micros());
    let wait_ms = (frees_at.micros() - now).max(0).unsigned_abs().div_ceil(1_000);
    let used = window.slots.iter().fold(0_u64, |sum, used| sum.saturating_add(*used));
    let (limit, used) = (window.amount(most), window.amount(used));
    let (word, per) = (word(window.limited), window.per.as_str());
    Error::new(
        ErrorCode::TooManyRequests,
        format!(
            "this key may use {limit} {word} per {per} and has used {used}; it frees at {frees_at}"
        ),
    )
    .with_retry_after_ms(Some(wait_ms.max(1)))
    .with_limit(LimitHit {
        scope: LimitScope::Key,
        of: window.limited,
        per,
        limit,
        used,
        reserved: window.amount(0),
        resets_at: Some(frees_at),
    })
}

const fn word(limited: Limited) -> &'static str {
    match limited {
        Limited::Money => "of calls",
        Limited::Requests => "requests",
        Limited::Tokens => "tokens",
    }
}

#[cfg(test)]
mod tests {
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

    fn request(rates: &Rates, at: i64) -> Result<RateHold> {
        rates.take(&key(), &LIMITS, Use::REQUEST, second(at))
    }

    #[test]
    fn no_minute_has_more_requests_than_the_limit() {
        let rates = Rates::default();
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
        let rates = Rates::default();
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
        let rates = Rates::default();
        let tokens = |tokens| Use { tokens, ..Use::default() };
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
        let rates = Rates::default();
        let all = Use { requests: 1, tokens: 100, money: Money::ZERO };
        rates.take(&key(), &LIMITS, all, second(0)).unwrap();
        for _ in 0..10 {
            assert!(rates.take(&key(), &LIMITS, all, second(1)).is_err());
        }
        request(&rates, 2).unwrap();
        request(&rates, 3).unwrap();
        assert!(request(&rates, 4).is_err());
    }
}
