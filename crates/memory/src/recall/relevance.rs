//! Whether a scope holds anything that bears on a question: absolute evidence, unlike the scores,
//! which only compare turns with each other.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Feature, Ranked};

/// Enough of the question's words, by their weight, in one turn and those beside it, where words
/// are all there is. Chosen so that few questions with an answer stay below it; what that costs is
/// measured by the evaluation (`bench/memory`).
const COVERAGE_MIN: f32 = 0.35;
/// The same where vectors can speak up for paraphrases.
const COVERAGE_BESIDE_VECTORS_MIN: f32 = 0.45;
/// Enough closeness in meaning, whatever the words.
const COSINE_MIN: f32 = 0.45;
/// Enough of both together, where neither is enough alone. A memory too many costs less than one
/// too few, so these three were chosen to refuse next to no answerable question (0.5 % on LoCoMo's
/// first five conversations); stricter ones refuse more of what nothing answers.
const TOGETHER_MIN: f32 = 0.73;
/// Below this a cosine of all-MiniLM-L6-v2 is that of two sentences taken at random.
pub(super) const COSINE_NOISE: f32 = 0.20;

/// How large a conversation must be before its own word counts say which words are rare.
const UNSEEN_TURNS: usize = 200;

/// The strongest sign that a scope bears on a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// The largest share of the question's terms that one turn mentions together with the turns
    /// beside it, 0 to 1; rare terms weigh more (inverse document frequency).
    pub word_coverage: f32,
    /// The best cosine of the question and a turn; `None` without vectors.
    pub cosine: Option<f32>,
}

impl Evidence {
    /// `mentions` says of each of the question's terms how many of all `scope_turns` mention it.
    pub(super) fn of(mentions: &[usize], scope_turns: usize, turns: &[Ranked]) -> Self {
        let weights: Vec<f32> = mentions.iter().map(|count| weight(*count, scope_turns)).collect();
        let total: f32 = weights.iter().sum();
        let mentioned = |terms: u128| -> f32 {
            let mentioned = weights.iter().enumerate().filter(|(bit, _)| terms >> bit & 1 == 1);
            mentioned.map(|(_, weight)| weight).sum()
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
        match self.cosine {
            None => self.word_coverage >= COVERAGE_MIN,
            Some(cosine) => {
                self.word_coverage >= COVERAGE_BESIDE_VECTORS_MIN
                    || cosine >= COSINE_MIN
                    || self.word_coverage + cosine >= TOGETHER_MIN
            }
        }
    }
}

/// The inverse document frequency of a term, as if there were [`UNSEEN_TURNS`] more turns without
/// it: in a scope of three turns, a word that two of them mention may still be a rare one.
fn weight(mentions: usize, turns: usize) -> f32 {
    let with_term = mentions as f32;
    let without = (turns + UNSEEN_TURNS) as f32 - with_term;
    ((without + 0.5) / (with_term + 0.5)).ln_1p()
}

/// Whether a chunk has anything to do with the question by itself: what stands beside it is a passage of
/// its own.
pub(crate) fn has_own_evidence(turn: &Ranked) -> bool {
    turn.own_terms != 0 || turn.cosine.is_some_and(|cosine| cosine >= COSINE_NOISE)
}

/// Whether one turn has anything to do with the question at all, by itself or by what it shares with
/// the likeliest turns.
pub(super) fn has_evidence(turn: &Ranked) -> bool {
    turn.wide_terms != 0
        || turn.features.get(Feature::Linked) > 0.0
        || turn.cosine.is_some_and(|cosine| cosine >= COSINE_NOISE)
}
