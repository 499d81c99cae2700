//! How much a key has used lately, counted in a sliding window.
//!
//! A window has slots of a sixtieth of its length, and one slot more: in any stretch of that length no
//! more than the limit is used.

use crate::{
    Amount, Error, ErrorCode, LimitHit, LimitScope, Limited, Money, RateLimit, RatePeriod,
    Timestamp,
};

const SLOTS_PER_PERIOD: i64 = 60;
const SLOTS: usize = SLOTS_PER_PERIOD as usize + 1;

/// What is used at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateUse {
    pub requests: u64,
    pub tokens: u64,
    pub money: Money,
}

impl RateUse {
    pub const REQUEST: Self = Self { requests: 1, tokens: 0, money: Money::ZERO };

    /// In the unit of the windows: counts, or picodollars.
    pub fn of(self, limited: Limited) -> u64 {
        match limited {
            Limited::Requests => self.requests,
            Limited::Tokens => self.tokens,
            Limited::Money => self.money.picodollars().unsigned_abs(),
        }
    }
}

impl RateLimit {
    pub const fn limited(self) -> Limited {
        match self {
            Self::Requests { .. } => Limited::Requests,
            Self::Tokens { .. } => Limited::Tokens,
            Self::Money { .. } => Limited::Money,
        }
    }

    pub const fn per(self) -> RatePeriod {
        match self {
            Self::Requests { per, .. } | Self::Tokens { per, .. } | Self::Money { per, .. } => per,
        }
    }

    /// In the unit of the windows: a count, or picodollars.
    pub fn most(self) -> u64 {
        match self {
            Self::Requests { limit, .. } | Self::Tokens { limit, .. } => limit,
            Self::Money { limit, .. } => limit.picodollars().unsigned_abs(),
        }
    }
}

/// What was used in the last minute, hour or day.
#[derive(Clone, Debug)]
pub struct RateWindow {
    limited: Limited,
    per: RatePeriod,
    /// The number of the slot that holds the latest moment seen.
    newest: i64,
    /// Slot `n` is at `n` modulo their count.
    slots: [u64; SLOTS],
}

impl RateWindow {
    pub const fn of(limit: RateLimit) -> Self {
        Self { limited: limit.limited(), per: limit.per(), newest: 0, slots: [0; SLOTS] }
    }

    /// Whether it is the one that the limit is about, whatever its size.
    pub fn is_of(&self, limit: RateLimit) -> bool {
        self.limited == limit.limited() && self.per == limit.per()
    }

    pub const fn limited(&self) -> Limited {
        self.limited
    }

    /// What was used in the period before now, after slots that are over were emptied.
    pub fn used(&mut self, now: Timestamp) -> u64 {
        let slot = self.slot_at(now);
        let passed = slot.saturating_sub(self.newest).clamp(0, SLOTS as i64);
        for number in slot - passed + 1..=slot {
            self.slots[index(number)] = 0;
        }
        self.newest = self.newest.max(slot);
        self.sum()
    }

    /// Changes what was used at a moment that is still in the window.
    pub fn change(&mut self, at: Timestamp, add: u64, take_back: u64) {
        let number = self.slot_at(at);
        if self.newest - number < SLOTS as i64 {
            let slot = &mut self.slots[index(number)];
            *slot = slot.saturating_add(add).saturating_sub(take_back);
        }
    }

    /// Enters what was used in a slot, by its number.
    pub fn add(&mut self, number: i64, used: u64) {
        if (0..SLOTS as i64).contains(&(self.newest - number)) {
            let slot = &mut self.slots[index(number)];
            *slot = slot.saturating_add(used);
        }
    }

    /// The number of the slot that a moment is in.
    pub fn slot_at(&self, moment: Timestamp) -> i64 {
        moment.micros().div_euclid(self.slot_micros())
    }

    /// The number of the oldest slot that counts at a moment.
    pub fn oldest_slot_at(&self, moment: Timestamp) -> i64 {
        self.slot_at(moment) - SLOTS as i64 + 1
    }

    /// The refusal of a use that does not fit: what was hit, and when it frees.
    pub fn exceeded(&self, most: u64, asked: u64) -> Error {
        let frees_at = self.frees_at(most, asked);
        let now = self.newest.saturating_mul(self.slot_micros());
        let wait_ms = (frees_at.micros() - now).max(0).unsigned_abs().div_ceil(1_000);
        let (limit, used) = (self.amount(most), self.amount(self.sum()));
        let (word, per) = (word(self.limited), self.per.as_str());
        Error::new(
            ErrorCode::TooManyRequests,
            format!(
                "this key may use {limit} {word} per {per} and has used {used}; it frees at \
                 {frees_at}"
            ),
        )
        .with_retry_after_ms(Some(wait_ms.max(1)))
        .with_limit(LimitHit {
            scope: LimitScope::Key,
            of: self.limited,
            per,
            limit,
            used,
            reserved: self.amount(0),
            resets_at: Some(frees_at),
        })
    }

    /// When so much more fits.
    fn frees_at(&self, most: u64, asked: u64) -> Timestamp {
        let mut used = self.sum();
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

    fn sum(&self) -> u64 {
        self.slots.iter().fold(0, |sum, used| sum.saturating_add(*used))
    }

    const fn slot_micros(&self) -> i64 {
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

const fn word(limited: Limited) -> &'static str {
    match limited {
        Limited::Money => "of calls",
        Limited::Requests => "requests",
        Limited::Tokens => "tokens",
    }
}
