//! What a ranking is worth to a question whose evidence is known, as plain arithmetic.

use std::time::Duration;

/// The share of the evidence among the first `depth` places of a ranking. `places` has one entry for
/// each piece of evidence, counted from 0; `None` is not in the ranking. 0 without evidence.
pub(crate) fn recall_at(places: &[Option<usize>], depth: usize) -> f64 {
    let found = places.iter().flatten().filter(|place| **place < depth).count();
    found as f64 / places.len().max(1) as f64
}

/// Normalised discounted cumulative gain with binary relevance (Järvelin and Kekäläinen, 2002): 1
/// when the evidence takes the first places, less the further down it is.
pub(crate) fn ndcg_at(places: &[Option<usize>], depth: usize) -> f64 {
    let gain = |place: usize| 1.0 / (place as f64 + 2.0).log2();
    let found = places.iter().flatten().copied().filter(|place| *place < depth);
    let reached: f64 = found.map(gain).sum();
    let ideal: f64 = (0..places.len().min(depth)).map(gain).sum();
    if ideal == 0.0 { 0.0 } else { reached / ideal }
}

/// 0 of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The smallest value that at least `percent` per cent of the values do not exceed (nearest rank).
/// `None` of nothing.
pub(crate) fn percentile<T: Copy + PartialOrd>(values: &[T], percent: usize) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_near(value: f64, expected: f64) -> bool {
        (value - expected).abs() < 1e-9
    }

    #[test]
    fn recall_counts_the_share_of_the_evidence_within_the_depth() {
        let places = [Some(0), Some(4), Some(5), None];
        assert!(is_near(recall_at(&places, 5), 0.5));
        assert!(is_near(recall_at(&places, 6), 0.75));
        assert!(is_near(recall_at(&places, 1), 0.25));
        assert!(is_near(recall_at(&[], 10), 0.0));
    }

    #[test]
    fn ndcg_is_one_for_the_first_places_and_falls_with_the_logarithm() {
        assert!(is_near(ndcg_at(&[Some(1), Some(0)], 10), 1.0));
        // One of one at the third place: 1 / log2(4).
        assert!(is_near(ndcg_at(&[Some(2)], 10), 0.5));
        // Places 1 and 4 of two: (1 + 1/log2(5)) / (1 + 1/log2(3)).
        let expected = (1.0 + 1.0 / 5_f64.log2()) / (1.0 + 1.0 / 3_f64.log2());
        assert!(is_near(ndcg_at(&[Some(3), Some(0)], 10), expected));
        assert!(is_near(ndcg_at(&[Some(10), None], 10), 0.0));
        assert!(is_near(ndcg_at(&[], 10), 0.0));
        // More evidence than places: the ideal fills the places.
        let all: Vec<Option<usize>> = (0..20).map(Some).collect();
        assert!(is_near(ndcg_at(&all, 10), 1.0));
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values = [5, 1, 4, 2, 3];
        assert_eq!(percentile(&values, 50), Some(3));
        assert_eq!(percentile(&values, 95), Some(5));
        assert_eq!(percentile(&values, 20), Some(1));
        assert_eq!(percentile(&values, 0), Some(1));
        assert_eq!(percentile::<u8>(&[], 50), None);
    }
}
