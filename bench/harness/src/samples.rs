//! The latencies of one window, kept whole so that percentiles are exact.

use std::time::Duration;

#[derive(Default)]
pub(crate) struct Samples {
    nanos: Vec<u64>,
}

impl Samples {
    pub(crate) fn push(&mut self, value: Duration) {
        self.nanos.push(u64::try_from(value.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.nanos.append(&mut other.nanos);
    }

    pub(crate) fn len(&self) -> usize {
        self.nanos.len()
    }

    /// Microseconds at each of the given shares (0 to 1) by the nearest-rank method; `None`
    /// without samples.
    pub(crate) fn percentiles_us<const N: usize>(mut self, shares: [f64; N]) -> Option<[f64; N]> {
        self.nanos.sort_unstable();
        let last = self.nanos.len().checked_sub(1)?;
        Some(shares.map(|share| {
            let rank = (share * self.nanos.len() as f64).ceil() as usize;
            self.nanos[rank.saturating_sub(1).min(last)] as f64 / 1_000.0
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_that_were_taken() {
        let mut samples = Samples::default();
        for micros in (1..=100).rev() {
            samples.push(Duration::from_micros(micros));
        }
        assert_eq!(samples.percentiles_us([0.0, 0.5, 0.99, 1.0]), Some([1.0, 50.0, 99.0, 100.0]));
    }

    #[test]
    fn no_samples_have_no_percentile() {
        assert_eq!(Samples::default().percentiles_us([0.5]), None);
    }
}
