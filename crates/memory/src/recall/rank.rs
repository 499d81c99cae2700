//! Ranking every turn of a scope for a question.

use backstay_core::memory::{Episode, Recalled};

use super::{Features, Profile, explain, features, relevance};
use crate::{
    analyse::Query,
    index::{ScopeIndex, bm25::WordScores},
};

/// The turns that have to do with a question, best first.
pub(crate) struct Ranking {
    pub(crate) turns: Vec<Ranked>,
    /// False when the scope holds nothing that bears on the question.
    pub(crate) relevant: bool,
    pub(crate) evidence: relevance::Evidence,
    /// True when vectors took part.
    pub(crate) by_meaning: bool,
    pub(crate) weights: Features,
}

/// One turn and what speaks for it.
pub(crate) struct Ranked {
    /// Its number in the index.
    pub(crate) turn: usize,
    /// 0 to 1.
    pub(crate) score: f32,
    pub(crate) features: Features,
    /// A bit for each of the question's terms that it mentions itself.
    pub(crate) own_terms: u128,
    /// The same for it and the turns beside it.
    pub(crate) near_terms: u128,
    /// The same for it and two turns on either side.
    pub(crate) wide_terms: u128,
    pub(crate) cosine: Option<f32>,
}

/// Scores all turns that are allowed: none is left out because one kind of evidence alone is weak.
/// `question` is the question's vector, where there is one.
pub(crate) fn rank(
    index: &ScopeIndex,
    query: &Query,
    question: Option<&[f32]>,
    profile: Profile,
    allowed: impl Fn(&Episode) -> bool,
) -> Ranking {
    let words = WordScores::of(index, query, profile.bm25());
    let cosines = question.and_then(|question| index.compare(question));
    let weights = profile.weights();
    let highest = weights.highest_sum(cosines.is_some());
    let all = features::of_all(index, query, &words, cosines.as_ref());
    let mut turns: Vec<Ranked> = all
        .into_iter()
        .enumerate()
        .filter(|(turn, _)| allowed(&index.turns()[*turn].episode))
        .map(|(turn, features)| Ranked {
            turn,
            score: (features.dot(&weights) / highest).clamp(0.0, 1.0),
            features,
            own_terms: words.own_terms[turn],
            near_terms: words.near_terms[turn],
            wide_terms: words.wide_terms[turn],
            cosine: cosines.as_ref().and_then(|cosines| cosines.own[turn]),
        })
        .collect();
    let evidence = relevance::Evidence::of(&words.mentions, index.turns().len(), &turns);
    // Of two that score the same the later one comes first.
    turns
        .sort_by(|left, right| right.score.total_cmp(&left.score).then(right.turn.cmp(&left.turn)));
    turns.retain(relevance::has_evidence);
    Ranking {
        relevant: evidence.is_enough(),
        evidence,
        turns,
        by_meaning: cosines.is_some(),
        weights,
    }
}

impl Ranking {
    /// A ranked turn for the caller, with the reason.
    pub(crate) fn recalled(&self, index: &ScopeIndex, query: &Query, ranked: &Ranked) -> Recalled {
        let turn = &index.turns()[ranked.turn];
        let why = explain(query, turn, ranked, &self.weights);
        recalled(&turn.episode, f64::from(ranked.score), why)
    }
}

pub(crate) fn recalled(episode: &Episode, score: f64, why: String) -> Recalled {
    Recalled {
        id: episode.id.clone().into(),
        text: episode.text.clone(),
        author: episode.author.clone(),
        said_at: episode.said_at,
        thread: Some(episode.thread.clone()),
        score,
        why,
    }
}
