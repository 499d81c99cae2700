//! BM25 over turns, over windows of turns and over whole conversations.
//!
//! Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond",
//! 2009) with an inverse document frequency that is never negative. A window counts as a document
//! of its own: its term frequencies are the sums over its turns.

use super::{ScopeIndex, Turn};
use crate::analyse::{Query, TERMS_MAX};

/// How fast a repeated term stops to count, and how much long documents are held back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters {
    pub(crate) k1: f32,
    pub(crate) b: f32,
}

/// Scores of one question.
pub(crate) struct WordScores {
    /// By turn: its own words; with one turn on either side; with two.
    pub(crate) own: Vec<f32>,
    pub(crate) near: Vec<f32>,
    pub(crate) wide: Vec<f32>,
    /// By conversation.
    pub(crate) session: Vec<f32>,
    /// By turn, a bit for each of the question's terms that is mentioned in the same three texts.
    pub(crate) own_terms: Vec<u128>,
    pub(crate) near_terms: Vec<u128>,
    pub(crate) wide_terms: Vec<u128>,
    /// By term of the question: how many turns mention it.
    pub(crate) mentions: Vec<usize>,
}

/// Texts of one kind that questions are matched against.
#[derive(Clone, Copy)]
enum Documents {
    /// A turn with this many turns on either side.
    Windows(isize),
    Conversations,
}

struct Scored {
    scores: Vec<f32>,
    /// By document, a bit for each term.
    terms: Vec<u128>,
    /// By term: how many documents mention it.
    mentions: Vec<usize>,
}

impl WordScores {
    pub(crate) fn of(index: &ScopeIndex, query: &Query, parameters: Parameters) -> Self {
        let own = Documents::Windows(0).score(index, query, parameters);
        let near = Documents::Windows(1).score(index, query, parameters);
        let wide = Documents::Windows(2).score(index, query, parameters);
        let session = Documents::Conversations.score(index, query, parameters);
        Self {
            own: own.scores,
            near: near.scores,
            wide: wide.scores,
            session: session.scores,
            own_terms: own.terms,
            near_terms: near.terms,
            wide_terms: wide.terms,
            mentions: own.mentions,
        }
    }
}

impl Documents {
    fn score(self, index: &ScopeIndex, query: &Query, parameters: Parameters) -> Scored {
        let lengths = self.lengths(index);
        let total: u64 = lengths.iter().map(|length| u64::from(*length)).sum();
        let count = lengths.len() as f32;
        let average = (total as f32 / count).max(1.0);
        let mut scores = vec![0.0; lengths.len()];
        let mut terms = vec![0_u128; lengths.len()];
        let mut frequencies = vec![0_u32; lengths.len()];
        let mut mentioning = Vec::new();
        let mut mentions = Vec::with_capacity(query.terms.len());
        for (bit, term) in query.terms.iter().enumerate() {
            self.count(index, &term.term, &mut frequencies, &mut mentioning);
            let with_term = mentioning.len() as f32;
            let idf = ((count - with_term + 0.5) / (with_term + 0.5)).ln_1p();
            mentions.push(mentioning.len());
            for document in mentioning.drain(..) {
                let frequency = std::mem::take(&mut frequencies[document]) as f32;
                let relative_length = lengths[document] as f32 / average;
                let saturation =
                    parameters.k1 * (1.0 - parameters.b + parameters.b * relative_length);
                scores[document] +=
                    idf * frequency * (parameters.k1 + 1.0) / (frequency + saturation);
                terms[document] |= 1 << bit;
            }
        }
        Scored { scores, terms, mentions }
    }

    /// Adds up how often each document mentions the term, and lists those that do.
    fn count(
        self,
        index: &ScopeIndex,
        term: &str,
        frequencies: &mut [u32],
        mentioning: &mut Vec<usize>,
    ) {
        for (turn, count) in index.postings(term) {
            self.each_with(index, *turn as usize, |document| {
                if frequencies[document] == 0 {
                    mentioning.push(document);
                }
                frequencies[document] += count;
            });
        }
    }

    fn lengths(self, index: &ScopeIndex) -> Vec<u32> {
        let documents = match self {
            Self::Windows(_) => index.turns().len(),
            Self::Conversations => index.conversations().len(),
        };
        let mut lengths = vec![0_u32; documents];
        for (turn, Turn { length, .. }) in index.turns().iter().enumerate() {
            self.each_with(index, turn, |document| {
                lengths[document] = lengths[document].saturating_add(*length);
            });
        }
        lengths
    }

    /// The documents that a turn is part of.
    fn each_with(self, index: &ScopeIndex, turn: usize, mut visit: impl FnMut(usize)) {
        match self {
            Self::Windows(reach) => {
                (-reach..=reach)
                    .filter_map(|distance| index.neighbour(turn, distance))
                    .for_each(visit);
            }
            Self::Conversations => visit(index.turns()[turn].conversation),
        }
    }
}

const _: () = assert!(TERMS_MAX <= u128::BITS as usize);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::scope_index::tests::index_of;
    use backstay_core::Timestamp;

    const PARAMETERS: Parameters = Parameters { k1: 0.9, b: 0.4 };

    #[test]
    fn a_window_sees_the_words_beside_a_turn_but_not_across_conversations() {
        let index = index_of(&[
            ("thr_a", "Where did you move?"),
            ("thr_a", "Lisbon."),
            ("thr_b", "Something else."),
        ]);
        let query = Query::new("lisbon", Timestamp::default());
        let scores = WordScores::of(&index, &query, PARAMETERS);
        assert_eq!(scores.own.iter().filter(|score| **score > 0.0).count(), 1);
        assert!(scores.near[0] > 0.0 && scores.near[2] == 0.0 && scores.wide[2] == 0.0);
        assert!(scores.session[0] > 0.0 && scores.session[1] == 0.0);
        assert_eq!(scores.near_terms, [1, 1, 0]);
    }

    #[test]
    fn the_score_is_the_textbook_formula() {
        let index = index_of(&[("thr_a", "apple apple pear"), ("thr_b", "pear plum cherry")]);
        let query = Query::new("apple", Timestamp::default());
        let scores = WordScores::of(&index, &query, PARAMETERS);
        // Both documents have the author's name and the date beside their three words.
        let expected = 2.0_f32.ln() * 2.0 * 1.9 / (2.0 + 0.9);
        assert!((scores.own[0] - expected).abs() < 1e-5, "{}", scores.own[0]);
    }

    #[test]
    fn an_empty_index_has_no_scores() {
        let query = Query::new("apple", Timestamp::default());
        assert!(WordScores::of(&ScopeIndex::default(), &query, PARAMETERS).own.is_empty());
    }
}
