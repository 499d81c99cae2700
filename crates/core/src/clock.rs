//! The only place that reads the time, so that a test can drive it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::Timestamp;

/// Where the time comes from: the machine, a test's hand, or what several machines agree on.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    #[default]
    System,
    Manual(ManualClock),
    Corrected(CorrectedClock),
}

impl Clock {
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => system_now(),
            Self::Manual(clock) => Timestamp::from_micros(clock.micros.load(Ordering::Relaxed)),
            Self::Corrected(clock) => clock.now(),
        }
    }

    /// The machine's clock in a form that can be corrected. What a test's hand says is right already.
    pub fn correctable(self) -> Self {
        match self {
            Self::System => Self::Corrected(CorrectedClock::of(Self::System)),
            other => other,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the machine's time"
)]
fn system_now() -> Timestamp {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let micros = since_epoch.map_or(0, |elapsed| elapsed.as_micros());
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}

/// A clock that stands still until it is told to move. Clones share the same hands.
#[derive(Clone, Debug)]
pub struct ManualClock {
    micros: Arc<AtomicI64>,
}

impl ManualClock {
    pub fn at(moment: Timestamp) -> Self {
        Self { micros: Arc::new(AtomicI64::new(moment.micros())) }
    }

    pub fn advance_ms(&self, milliseconds: i64) {
        self.micros.fetch_add(milliseconds.saturating_mul(1_000), Ordering::Relaxed);
    }

    pub fn set(&self, moment: Timestamp) {
        self.micros.store(moment.micros(), Ordering::Relaxed);
    }
}

/// What two readings of one clock and a truncated one of another may differ by although both are right.
const READING_MICROS: i64 = 2;

/// A machine's clock that is brought to the time of a database that several machines share. Clones
/// share the correction.
#[derive(Clone, Debug)]
pub struct CorrectedClock {
    machine: Box<Clock>,
    /// What is added to the machine's time.
    micros: Arc<AtomicI64>,
}

impl CorrectedClock {
    pub fn of(machine: Clock) -> Self {
        Self { machine: Box::new(machine), micros: Arc::default() }
    }

    pub fn now(&self) -> Timestamp {
        let machine = self.machine.now().micros();
        Timestamp::from_micros(machine.saturating_add(self.correction_micros()))
    }

    /// Takes in what the other clock showed at some moment between two of this one's. It is compared
    /// with the middle; a difference that the time between the moments explains changes nothing, so
    /// that a clock that is right stays undisturbed.
    pub fn compare(&self, before: Timestamp, shown: Timestamp, after: Timestamp) {
        let half = after.micros().saturating_sub(before.micros()) / 2;
        let middle = before.micros().saturating_add(half);
        let difference = shown.micros().saturating_sub(middle);
        if difference.saturating_abs() > half.saturating_add(READING_MICROS) {
            self.micros.fetch_add(difference, Ordering::Relaxed);
        }
    }

    /// What is added to the machine's time now: above 0 for a machine whose clock is behind.
    pub fn correction_micros(&self) -> i64 {
        self.micros.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn a_clock_is_corrected_by_the_middle_of_a_round_trip() {
        let hands = ManualClock::at(at(60_000_000));
        let clock = CorrectedClock::of(Clock::Manual(hands.clone()));
        clock.compare(at(60_000_000), at(500), at(60_001_000));
        assert_eq!(clock.correction_micros(), -60_000_000);
        hands.advance_ms(1);
        assert_eq!(Clock::Corrected(clock).now(), at(1_000));
    }

    #[test]
    fn a_difference_within_the_round_trip_is_none() {
        let clock = CorrectedClock::of(Clock::Manual(ManualClock::at(at(0))));
        for shown in [0, 500, 1_000] {
            clock.compare(at(0), at(shown), at(1_000));
            assert_eq!(clock.correction_micros(), 0, "{shown}");
        }
        clock.compare(at(0), at(1_100), at(1_000));
        assert_eq!(clock.correction_micros(), 600);
    }
}
