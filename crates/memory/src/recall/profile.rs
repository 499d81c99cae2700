//! Which weights rank a scope's turns.

use backstay_core::memory::{RecalledId, Speaker};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Features, document_weights, weights};
use crate::index::{ScopeIndex, Turn, bm25::Parameters};

/// A kind of conversation, as far as ranking is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// People who talk to each other, in short turns.
    Dialogue,
    /// A user and a model, in long turns.
    Assistant,
    /// Neither clearly.
    Safe,
    /// Chunks of documents, which nobody said.
    #[serde(skip)]
    Document,
}

/// What a ranking goes by, beside conversation structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecallMode {
    /// No vectors are there, or the embedding model failed.
    Words,
    WordsAndVectors,
    /// With the states of the tokens as well.
    WordsVectorsAndTokens,
}

/// Turns of this many words and more, on average, are long.
const LONG_TURN_WORDS: u64 = 80;
/// Of the latest turns this many tell what kind a scope is.
const SAMPLE: usize = 500;

impl Profile {
    /// What the scope's latest turns look like.
    pub(crate) fn of(index: &ScopeIndex) -> Self {
        let is_turn = |turn: &&Turn| matches!(turn.id, RecalledId::Episode(_));
        let sample = || index.turns().iter().rev().filter(is_turn).take(SAMPLE);
        let turns = sample().count() as u64;
        let words: u64 = sample().map(|turn| u64::from(turn.form.words)).sum();
        let by_model = sample().filter(|turn| turn.speaker == Speaker::Assistant).count() as u64;
        let named = sample().filter(|turn| !index.author(turn).words.is_empty()).count() as u64;
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

    pub(crate) fn weights(self, mode: RecallMode) -> &'static Features {
        match (self, mode) {
            (Self::Dialogue, RecallMode::Words) => &weights::DIALOGUE_WORDS,
            (Self::Dialogue, RecallMode::WordsAndVectors) => &weights::DIALOGUE_VECTORS,
            (Self::Dialogue, RecallMode::WordsVectorsAndTokens) => &weights::DIALOGUE_TOKENS,
            (Self::Assistant, RecallMode::Words) => &weights::ASSISTANT_WORDS,
            (Self::Assistant, RecallMode::WordsAndVectors) => &weights::ASSISTANT_VECTORS,
            (Self::Assistant, RecallMode::WordsVectorsAndTokens) => &weights::ASSISTANT_TOKENS,
            (Self::Safe, RecallMode::Words) => &weights::SAFE_WORDS,
            (Self::Safe, RecallMode::WordsAndVectors) => &weights::SAFE_VECTORS,
            (Self::Safe, RecallMode::WordsVectorsAndTokens) => &weights::SAFE_TOKENS,
            (Self::Document, RecallMode::Words) => &document_weights::WORDS,
            (Self::Document, RecallMode::WordsAndVectors) => &document_weights::VECTORS,
            (Self::Document, RecallMode::WordsVectorsAndTokens) => &document_weights::TOKENS,
        }
    }

    /// Short turns need less correction for their length than long ones.
    pub(crate) fn bm25(self) -> Parameters {
        match self {
            Self::Dialogue | Self::Safe => Parameters { k1: 0.9, b: 0.4 },
            Self::Assistant | Self::Document => Parameters { k1: 1.2, b: 0.75 },
        }
    }
}
