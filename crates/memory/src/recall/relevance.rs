//! Whether a scope holds anything that bears on a question: absolute evidence, unlike the scores,
//! which only compare turns with each other.

use serde::{Deserialize, Serialize};

use super::Ranked;
use crate::analyse::Query;

/// Enough of the question's words, by their weight, in one turn and those beside it.
const COVERAGE_MIN: f32 = 0.35;
/// Enough closeness in meaning, whatever the words.
const COSINE_MIN: f32 = 0.45;
/// Below this a cosine of all-MiniLM-L6-v2 is that of two sentences taken at random.
const COSINE_NOISE: f32 = 0.20;

/// The strongest sign that a scope bears on a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The largest share of the question's terms that one turn mentions together with the turns
    /// beside it, 0 to 1; rare terms weigh more (inverse document frequency).
    pub word_coverage: f32,
    /// The best cosine of the question and a turn; `None` without vectors.
    pub cosine: Option<f32>,
}

impl Evidence {
    /// `idf` holds the weight of each of the question's terms.
    pub(super) fn of(query: &Query, idf: &[f32], turns: &[Ranked]) -> Self {
        debug_assert_eq!(query.terms.len(), idf.len());
        let total: f32 = idf.iter().sum();
        let mentioned = |terms: u128| -> f32 {
            idf.iter().enumerate().filter(|(bit, _)| terms >> bit & 1 == 1).map(|(_, idf)| idf).sum()
        };
        let best = turns.iter().map(|turn| mentioned(turn.near_terms)).fold(0.0, f32::max);
        let cosines = turns.iter().filter_map(|turn| turn.cosine);
        Self {
            word_coverage: if total > 0.0 { best / total } else { 0.0 },
            cosine: cosines.max_by(f32::total_cmp),
        }
    }

    /// Either kind is enough: words miss paraphrases, and vectors miss names and numbers.
    pub(super) fn is_enough(&self) -> bool {
        self.word_coverage >= COVERAGE_MIN
            || self.cosine.is_some_and(|cosine| cosine >= COSINE_MIN)
    }
}

/// Whether one turn has anything to do with the question at all.
pub(super) fn has_evidence(turn: &Ranked) -> bool {
    turn.near_terms != 0 || turn.cosine.is_some_and(|cosine| cosine >= COSINE_NOISE)
}
