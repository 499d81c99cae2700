//! Percentile bootstrap (Efron, 1979): how far a mean would move with other questions of the kind.

use backstay_core::{Random, Result};

use super::metrics::mean;

/// How often the questions are drawn anew.
pub(crate) const RESAMPLES: usize = 1_000;
/// The same figures come out of the same outcomes, on every machine.
pub(crate) const SEED: u64 = 20_240_607;
/// Of an interval, in per cent.
pub(crate) const CONFIDENCE: u32 = 95;

/// The lower and upper end of a mean's 95 % interval, over questions drawn with replacement. `None`
/// for fewer than two values.
pub(crate) fn interval(values: &[f64]) -> Result<Option<(f64, f64)>> {
    if values.len() < 2 {
        return Ok(None);
    }
    let random = Random::seeded(SEED);
    let mut drawn = vec![0_u8; values.len() * size_of::<u64>()];
    let mut means = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        random.fill(&mut drawn)?;
        let sum: f64 = drawn.chunks_exact(size_of::<u64>()).map(|bytes| pick(values, bytes)).sum();
        means.push(sum / values.len() as f64);
    }
    means.sort_by(f64::total_cmp);
    let tail = (100 - CONFIDENCE as usize) * RESAMPLES / 200;
    let whole = mean(values);
    let lower = means.get(tail).copied().unwrap_or(whole);
    let upper = means.get(RESAMPLES - 1 - tail).copied().unwrap_or(whole);
    Ok(Some((lower, upper)))
}

/// One of the values, each equally likely (Lemire, 2019: a product instead of a remainder).
fn pick(values: &[f64], bytes: &[u8]) -> f64 {
    let number = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let place = (u128::from(number) * values.len() as u128) >> 64;
    usize::try_from(place).ok().and_then(|place| values.get(place)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_holds_the_mean_and_is_as_wide_as_theory_says() {
        // 400 questions, half of them right: the standard error is 0.025.
        let values: Vec<f64> = (0..400).map(|number| f64::from(number % 2)).collect();
        let (lower, upper) = interval(&values).unwrap().unwrap();
        assert!((lower - 0.451).abs() < 0.01, "{lower}");
        assert!((upper - 0.549).abs() < 0.01, "{upper}");
        assert_eq!(interval(&values).unwrap(), Some((lower, upper)), "seeded");
    }

    #[test]
    fn equal_values_leave_no_doubt_and_one_value_says_nothing() {
        assert_eq!(interval(&[0.5; 7]).unwrap(), Some((0.5, 0.5)));
        assert_eq!(interval(&[1.0]).unwrap(), None);
    }
}
