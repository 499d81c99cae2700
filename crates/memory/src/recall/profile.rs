//! Which weights rank a scope's turns.
//!
//! The weights come from logistic regressions on public conversations with known evidence, and are
//! used as plain linear scores: `dialogue` from LoCoMo (two people, short turns; cross-validated by
//! conversation), `assistant` from BEAM (a user and a model, long turns), `safe` from both. Length
//! helps in a dialogue and hurts in a chat with a model, which is why one set cannot serve both.

use backstay_core::memory::Speaker;
use serde::{Deserialize, Serialize};

use super::Features;
use crate::index::{ScopeIndex, bm25::Parameters};

/// A kind of conversation, as far as ranking is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// People who talk to each other, in short turns.
    Dialogue,
    /// A user and a model, in long turns.
    Assistant,
    /// Neither clearly.
    Safe,
}

/// Turns of this many words and more, on average, are long.
const LONG_TURN_WORDS: u64 = 80;
/// Of the latest turns this many tell what kind a scope is.
const SAMPLE: usize = 500;

impl Profile {
    /// What the scope's latest turns look like.
    pub(crate) fn of(index: &ScopeIndex) -> Self {
        let sample = || index.turns().iter().rev().take(SAMPLE);
        let turns = sample().count() as u64;
        let words: u64 = sample().map(|turn| u64::from(turn.word_count)).sum();
        let by_model =
            sample().filter(|turn| turn.episode.speaker == Speaker::Assistant).count() as u64;
        let named = sample().filter(|turn| !turn.author_words.is_empty()).count() as u64;
        let are_long = words >= LONG_TURN_WORDS * turns.max(1);
        // What a model says back is seldom what one wants to be reminded of; only the weights for
        // people among themselves ignore who said it.
        let with_model = by_model * 5 >= turns;
        match (with_model, are_long) {
            (true, true) => Self::Assistant,
            (false, false) if named * 2 > turns => Self::Dialogue,
            _ => Self::Safe,
        }
    }

    /// In the order of [`super::Feature::ALL`]: words (own, near, wide, session), meaning (own,
    /// near, session), speaker, date, is a question, answers one, length, said by a user.
    pub(crate) fn weights(self) -> Features {
        Features::new(match self {
            Self::Dialogue => {
                [1.85, 0.64, 2.91, 2.27, 1.53, 2.75, 0.66, 0.90, 0.90, -0.97, 0.75, 1.59, 0.0]
            }
            Self::Assistant => {
                [2.02, 1.18, 0.51, 0.0, 3.67, 0.99, 2.29, 0.0, 0.0, 0.0, 0.0, -1.19, 1.75]
            }
            Self::Safe => {
                [1.91, 0.92, 2.85, 0.80, 2.25, 1.11, 2.88, 0.34, 0.76, 0.0, 0.0, 0.0, 1.77]
            }
        })
    }

    /// Short turns need less correction for their length than long ones.
    pub(crate) fn bm25(self) -> Parameters {
        match self {
            Self::Dialogue | Self::Safe => Parameters { k1: 0.9, b: 0.4 },
            Self::Assistant => Parameters { k1: 1.2, b: 0.75 },
        }
    }
}
