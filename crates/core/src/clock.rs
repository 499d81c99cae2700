//! The only place that reads the time, so that a test can drive it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::Timestamp;

/// Where the time comes from: the machine, or a test's hand.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    #[default]
    System,
    Manual(ManualClock),
}

impl Clock {
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => system_now(),
            Self::Manual(clock) => Timestamp::from_micros(clock.micros.load(Ordering::Relaxed)),
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
