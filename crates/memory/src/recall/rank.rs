//! Ranking the turns of a scope for a question.

use backstay_core::{Timestamp, memory::Recalled};

use super::{
    Evidence, Features, Profile, RecallMode,
    candidates::{candidates, newest},
    explain,
    measure::{Measure, Measured},
    reading::is_of_asked_time,
    relevance,
};
use crate::{
    analyse::Query,
    embed::Embedding,
    index::{
        ScopeIndex,
        bm25::{Collection, Parameters, WindowStatistics, WordScores},
    },
};

/// What a question's words are worth in a scope, and over what time that spans.
pub(crate) struct Lexical {
    /// By the numbers of the index that is ranked.
    pub(crate) words: WordScores,
    pub(crate) windows: WindowStatistics,
    /// Turns of the scope.
    pub(crate) turns: usize,
    pub(crate) time_span: Option<(Timestamp, Timestamp)>,
}

impl Lexical {
    /// In a scope of which the index holds everything.
    pub(crate) fn of(index: &ScopeIndex, query: &Query, parameters: Parameters) -> Self {
        Self {
            words: WordScores::of(index, query, parameters),
            windows: WindowStatistics::of(index, query),
            turns: Collection::turns(index),
            time_span: index.time_span(),
        }
    }
}

/// The turns that have to do with a question, best first.
pub(crate) struct Ranking {
    pub(crate) turns: Vec<Ranked>,
    /// False when the scope holds nothing that bears on the question.
    pub(crate) relevant: bool,
    pub(crate) evidence: Evidence,
    pub(crate) profile: Profile,
    pub(crate) mode: RecallMode,
}

/// One turn and what speaks for it.
pub(crate) struct Ranked {
    /// Its number in the index.
    pub(crate) turn: u32,
    /// Of all candidates' chances to be what was asked for, its share: 0 to 1.
    pub(crate) score: f32,
    pub(crate) features: Features,
    /// A bit for each of the question's terms that it mentions itself.
    pub(crate) own_terms: u128,
    /// The same for it and the turns beside it.
    pub(crate) near_terms: u128,
    /// The same for it and two turns on either side.
    pub(crate) wide_terms: u128,
    pub(crate) cosine: Option<f32>,
    /// What a person's wishes add: above 0 for a pinned statement, below 0 for what fades.
    pub(crate) wish: f32,
}

/// How much memories fade: half as much after this many days.
#[derive(Clone, Copy)]
pub(crate) struct Fading {
    pub(crate) half_life_days: u32,
    pub(crate) now: Timestamp,
}

/// A pinned statement counts as if it were this many times as likely to be what was asked for.
const PINNED: f32 = 8.0;
const DAY_MILLIS: f32 = 24.0 * 60.0 * 60.0 * 1_000.0;

/// As [`rank_by`], in a scope of which the index holds everything.
#[cfg(test)]
pub(crate) fn rank(
    index: &ScopeIndex,
    query: &Query,
    question: Option<&Embedding>,
    profile: Profile,
    fading: Option<Fading>,
    allowed: impl Fn(u32) -> bool,
) -> Ranking {
    let lexical = Lexical::of(index, query, profile.bm25());
    rank_by(&lexical, index, query, question, profile, fading, allowed)
}

/// Ranks all turns that are allowed: none is left out because one kind of evidence alone is weak. The
/// index may hold a part of the scope that `lexical` is about. `question` is what the embedding model
/// made of the question, where there is one.
pub(crate) fn rank_by(
    lexical: &Lexical,
    index: &ScopeIndex,
    query: &Query,
    question: Option<&Embedding>,
    profile: Profile,
    fading: Option<Fading>,
    allowed: impl Fn(u32) -> bool,
) -> Ranking {
    let cosines = question.and_then(|question| index.vectors().scan(&question.vector));
    let states = question.and_then(|question| index.states().question(&question.states));
    let mode = match (&cosines, states) {
        (None, _) => RecallMode::Words,
        (Some(_), None) => RecallMode::WordsAndVectors,
        (Some(_), Some(_)) => RecallMode::WordsVectorsAndTokens,
    };
    let chosen = if query.asks_time_alone {
        newest(index, |turn| allowed(turn) && is_of_asked_time(query, index, turn))
    } else {
        candidates(index, &lexical.words, cosines.as_ref(), allowed)
    };
    let measured = Measure { index, query, question, lexical, profile }.all(&chosen, cosines);
    let wish = |turn: u32| wish(index, turn, fading);
    let mut turns = scored(measured, profile.weights(mode), wish);
    let evidence = Evidence::of(&lexical.words.mentions, lexical.turns, &turns);
    // Of two that score the same the later one comes first.
    turns
        .sort_by(|left, right| right.score.total_cmp(&left.score).then(right.turn.cmp(&left.turn)));
    turns.retain(|turn| query.asks_time_alone || relevance::has_evidence(turn));
    let relevant = evidence.is_enough() || (query.asks_time_alone && !turns.is_empty());
    Ranking { relevant, evidence, turns, profile, mode }
}

/// The weights were fitted to make the softmax of the sums likely (a listwise loss), so that is
/// what a score is.
fn scored(measured: Vec<Measured>, weights: &Features, wish: impl Fn(u32) -> f32) -> Vec<Ranked> {
    let sums: Vec<f32> =
        measured.iter().map(|one| one.features.dot(weights) + wish(one.turn)).collect();
    let highest = sums.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f32 = sums.iter().map(|sum| (sum - highest).exp()).sum();
    let scored = measured.into_iter().zip(sums).map(|(measured, sum)| Ranked {
        turn: measured.turn,
        score: (sum - highest).exp() / total,
        features: measured.features,
        own_terms: measured.words.own_terms,
        near_terms: measured.words.near_terms,
        wide_terms: measured.words.wide_terms,
        cosine: measured.cosine,
        wish: wish(measured.turn),
    });
    scored.collect()
}

/// In the logarithm of likelihood, as the sums are.
fn wish(index: &ScopeIndex, turn: u32, fading: Option<Fading>) -> f32 {
    let turn = index.turn(turn);
    if index.is_pinned(&turn.id) {
        return PINNED.ln();
    }
    fading.map_or(0.0, |Fading { half_life_days, now }| {
        let age = (now.millis() - turn.said_at.millis()).max(0) as f32 / DAY_MILLIS;
        -std::f32::consts::LN_2 * age / half_life_days.max(1) as f32
    })
}

impl Ranking {
    pub(crate) fn weights(&self) -> &'static Features {
        self.profile.weights(self.mode)
    }

    /// A ranked turn for the caller, with the reason.
    pub(crate) fn recalled(&self, index: &ScopeIndex, query: &Query, ranked: &Ranked) -> Recalled {
        recalled(index, ranked, self.why(index, query, ranked))
    }

    pub(crate) fn why(&self, index: &ScopeIndex, query: &Query, ranked: &Ranked) -> String {
        explain(index, query, ranked, self.weights())
    }
}

pub(crate) fn recalled(index: &ScopeIndex, ranked: &Ranked, why: String) -> Recalled {
    let turn = index.turn(ranked.turn);
    Recalled {
        id: turn.id.clone(),
        text: turn.text.to_string(),
        author: index.author(turn).name.to_string(),
        said_at: turn.said_at,
        thread: index.conversation(ranked.turn).thread.clone(),
        score: f64::from(ranked.score),
        why,
    }
}
