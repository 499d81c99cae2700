//! What became of an endpoint's last calls.

use std::collections::VecDeque;

use backstay_core::{ErrorCode, Percentiles};

/// How far back a window looks.
const SPAN_MS: i64 = 300_000;
/// How far back OpenRouter's figures look.
const HALF_HOUR_MS: i64 = 1_800_000;
/// What the breaker calls recent.
const RECENT_MS: i64 = 30_000;
/// Samples of one endpoint: enough for a 95th percentile, and four kilobytes.
const SAMPLES_MAX: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Outcome {
    Answered { first_token_ms: f32 },
    Failed(ErrorCode),
    Finished { tokens_per_second: f32 },
}

/// The newest samples, oldest first.
#[derive(Default)]
pub(super) struct Window {
    samples: VecDeque<(i64, Outcome)>,
}

/// Failures among recent attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recent {
    pub(super) attempts: usize,
    pub(super) failures: usize,
}

impl Window {
    pub(super) fn push(&mut self, now: i64, outcome: Outcome) {
        if self.samples.len() >= SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.samples.push_back((now, outcome));
    }

    fn since(&self, from: i64) -> impl Iterator<Item = Outcome> {
        self.samples.iter().filter(move |(at, _)| *at >= from).map(|(_, outcome)| *outcome)
    }

    pub(super) fn answered(&self, now: i64) -> usize {
        let answered = |outcome: &Outcome| matches!(outcome, Outcome::Answered { .. });
        self.since(now - SPAN_MS).filter(answered).count()
    }

    /// How often each error came, most often first.
    pub(super) fn failures(&self, now: i64) -> Vec<(ErrorCode, usize)> {
        let mut counts: Vec<(ErrorCode, usize)> = Vec::new();
        for outcome in self.since(now - SPAN_MS) {
            if let Outcome::Failed(code) = outcome {
                match counts.iter_mut().find(|(known, _)| *known == code) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((code, 1)),
                }
            }
        }
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts
    }

    pub(super) fn recent_failures(&self, now: i64) -> Recent {
        let mut recent = Recent { attempts: 0, failures: 0 };
        for outcome in self.since(now - RECENT_MS) {
            match outcome {
                Outcome::Answered { .. } => recent.attempts += 1,
                Outcome::Failed(code) if super::counts_against(code) => {
                    recent.attempts += 1;
                    recent.failures += 1;
                }
                Outcome::Failed(_) | Outcome::Finished { .. } => {}
            }
        }
        recent
    }

    pub(super) fn first_token_ms(&self, now: i64, percentile: f64, min: usize) -> Option<f64> {
        let mut values = self.first_tokens(now - SPAN_MS);
        nearest_rank(&mut values, percentile, min)
    }

    pub(super) fn tokens_per_second(&self, now: i64, percentile: f64, min: usize) -> Option<f64> {
        let mut values = self.speeds(now - SPAN_MS);
        nearest_rank(&mut values, percentile, min)
    }

    /// Of the last half hour.
    pub(super) fn first_token_ms_lately(&self, now: i64, min: usize) -> Option<Percentiles> {
        percentiles(self.first_tokens(now - HALF_HOUR_MS), min)
    }

    /// Of the last half hour.
    pub(super) fn tokens_per_second_lately(&self, now: i64, min: usize) -> Option<Percentiles> {
        percentiles(self.speeds(now - HALF_HOUR_MS), min)
    }

    fn first_tokens(&self, from: i64) -> Vec<f32> {
        let values = self.since(from).filter_map(|outcome| match outcome {
            Outcome::Answered { first_token_ms } => Some(first_token_ms),
            _ => None,
        });
        values.collect()
    }

    fn speeds(&self, from: i64) -> Vec<f32> {
        let values = self.since(from).filter_map(|outcome| match outcome {
            Outcome::Finished { tokens_per_second } => Some(tokens_per_second),
            _ => None,
        });
        values.collect()
    }
}

fn percentiles(mut values: Vec<f32>, min: usize) -> Option<Percentiles> {
    let [p50, p75, p90, p99] =
        [0.5, 0.75, 0.9, 0.99].map(|percentile| nearest_rank(&mut values, percentile, min));
    p50.map(|_| Percentiles { p50, p75, p90, p99 })
}

/// The percentile by nearest rank; `None` with fewer than `min` values.
fn nearest_rank(values: &mut [f32], percentile: f64, min: usize) -> Option<f64> {
    if values.len() < min {
        return None;
    }
    let rank = (percentile * values.len() as f64).ceil().max(1.0) as usize - 1;
    let last = values.len().checked_sub(1)?;
    let (_, value, _) = values.select_nth_unstable_by(rank.min(last), f32::total_cmp);
    Some(f64::from(*value))
}
