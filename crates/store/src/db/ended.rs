//! How far back retention has ended what is kept.

use backstay_core::Timestamp;

/// The first moments of what stays; `None` where everything does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) ledger: Option<Timestamp>,
    pub(crate) episodes: Option<Timestamp>,
}

impl Ended {
    /// An episode is recorded after its id was made. One that was made in a month and recorded within
    /// this long after its end still goes with it.
    pub(crate) const LATE_MICROS: i64 = 3_600_000_000;
}
