//! BM25 over turns, over windows of turns and over whole conversations.
//!
//! Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond",
//! 2009) with an inverse document frequency that is never negative. A window counts as a document
//! of its own: its term frequencies are the sums over its turns.

use super::{ScopeIndex, terms::Count};
use crate::analyse::{Query, TERMS_MAX};

/// The turns whose words are counted: an index of all of a scope, or what is known of a scope of which
/// an index holds a part. Turns and conversations have numbers from 0.
pub(crate) trait Collection {
    fn turns(&self) -> usize;
    /// Above the number of every turn; as many as there are turns where no number is unused.
    fn numbers(&self) -> usize {
        self.turns()
    }
    /// Terms of all turns, with repetitions.
    fn total_length(&self) -> u64;
    fn length(&self, turn: u32) -> f32;
    fn conversation_of(&self, turn: u32) -> u32;
    /// Turns and terms of each conversation.
    fn conversations(&self) -> impl ExactSizeIterator<Item = (usize, u64)>;
    /// The turns that mention a term, in the order of their numbers.
    fn postings(&self, term: &str) -> &[Count];
}

impl Collection for ScopeIndex {
    fn turns(&self) -> usize {
        self.turns().len()
    }

    fn total_length(&self) -> u64 {
        self.total_length()
    }

    fn length(&self, turn: u32) -> f32 {
        self.length(turn)
    }

    fn conversation_of(&self, turn: u32) -> u32 {
        self.conversation_of(turn)
    }

    fn conversations(&self) -> impl ExactSizeIterator<Item = (usize, u64)> {
        let conversations = self.conversations().iter();
        conversations.map(|conversation| (conversation.turns.len(), conversation.length))
    }

    fn postings(&self, term: &str) -> &[Count] {
        self.terms().postings(term)
    }
}

/// How fast a repeated term stops to count, and how much long documents are held back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters {
    pub(crate) k1: f32,
    pub(crate) b: f32,
}

impl Parameters {
    /// What a term adds that a document of this length, relative to the average, mentions this
    /// often.
    fn score(self, idf: f32, frequency: f32, relative_length: f32) -> f32 {
        let saturation = self.k1 * (1.0 - self.b + self.b * relative_length);
        idf * frequency * (self.k1 + 1.0) / (frequency + saturation)
    }
}

/// Scores of one question with everything in the scope.
pub(crate) struct WordScores {
    /// By turn: its own words.
    pub(crate) own: Vec<f32>,
    /// By conversation.
    pub(crate) session: Vec<f32>,
    /// The best of each, and never 0.
    pub(crate) own_best: f32,
    pub(crate) session_best: f32,
    /// By term of the question: how many turns mention it.
    pub(crate) mentions: Vec<usize>,
}

impl WordScores {
    pub(crate) fn of(all: &impl Collection, query: &Query, parameters: Parameters) -> Self {
        let turns = all.turns();
        let conversations: Vec<u64> = all.conversations().map(|(_, length)| length).collect();
        let average = (all.total_length() as f32 / turns as f32).max(1.0);
        let session_average = (all.total_length() as f32 / conversations.len() as f32).max(1.0);
        let mut scores = Self {
            own: vec![0.0; all.numbers()],
            session: vec![0.0; conversations.len()],
            own_best: 0.0,
            session_best: 0.0,
            mentions: Vec::with_capacity(query.terms.len()),
        };
        let mut frequencies = vec![0_u32; conversations.len()];
        for term in &query.terms {
            let postings = all.postings(&term.term);
            let idf = inverse_document_frequency(turns, postings.len());
            let mut mentioning = Vec::new();
            for posting in postings {
                let (turn, count) = (posting.number(), posting.count());
                scores.own[turn as usize] +=
                    parameters.score(idf, count as f32, all.length(turn) / average);
                let conversation = all.conversation_of(turn);
                let frequency = &mut frequencies[conversation as usize];
                if *frequency == 0 {
                    mentioning.push(conversation);
                }
                *frequency += count;
            }
            let idf = inverse_document_frequency(conversations.len(), mentioning.len());
            for number in mentioning {
                let frequency = std::mem::take(&mut frequencies[number as usize]);
                let length = conversations[number as usize] as f32;
                scores.session[number as usize] +=
                    parameters.score(idf, frequency as f32, length / session_average);
            }
            scores.mentions.push(postings.len());
        }
        let best = |scores: &[f32]| scores.iter().copied().fold(1e-6, f32::max);
        (scores.own_best, scores.session_best) = (best(&scores.own), best(&scores.session));
        scores
    }
}

/// What one turn and those around it mention.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct WindowWords {
    /// BM25 with one turn on either side; with two.
    pub(crate) near: f32,
    pub(crate) wide: f32,
    /// A bit for each of the question's terms that is mentioned by the turn, with one turn on
    /// either side, with two.
    pub(crate) own_terms: u128,
    pub(crate) near_terms: u128,
    pub(crate) wide_terms: u128,
}

/// Scores windows around some turns.
pub(crate) struct Windows<'a> {
    index: &'a ScopeIndex,
    parameters: Parameters,
    /// The numbers of the question's terms, ascending, with their places in the question.
    places: Vec<(u32, usize)>,
    /// A bit for each remainder that a number above has: most terms of a turn are seen by it not to
    /// be asked for.
    remainders: u64,
    /// By reach, 1 and 2.
    statistics: &'a WindowStatistics,
}

/// What windows of one reach are compared with.
struct OfReach {
    average: f32,
    /// By term of the question.
    idf: Vec<f32>,
}

/// The same of windows with one turn on either side, and with two.
pub(crate) struct WindowStatistics {
    near: OfReach,
    wide: OfReach,
}

impl<'a> Windows<'a> {
    pub(crate) fn new(
        index: &'a ScopeIndex,
        query: &Query,
        parameters: Parameters,
        statistics: &'a WindowStatistics,
    ) -> Self {
        let terms = query.terms.iter().enumerate();
        let mut places: Vec<(u32, usize)> = terms
            .filter_map(|(place, term)| Some((index.terms().number_of(&term.term)?, place)))
            .collect();
        places.sort_unstable();
        Self {
            remainders: places
                .iter()
                .map(|(number, _)| remainder(*number))
                .fold(0, |all, bit| all | bit),
            places,
            statistics,
            index,
            parameters,
        }
    }

    pub(crate) fn score(&self, turn: u32) -> WindowWords {
        let mut words = WindowWords::default();
        let mut near = [0_u32; TERMS_MAX];
        let mut wide = [0_u32; TERMS_MAX];
        let (mut near_length, mut wide_length) = (0.0, 0.0);
        for distance in -2_isize..=2 {
            let Some(other) = self.index.neighbour(turn, distance) else { continue };
            let length = self.index.length(other);
            let is_near = distance.abs() <= 1;
            wide_length += length;
            near_length += if is_near { length } else { 0.0 };
            for count in self.index.terms_of(other) {
                if self.remainders & remainder(count.number()) == 0 {
                    continue;
                }
                let found =
                    self.places.binary_search_by_key(&count.number(), |(number, _)| *number);
                let Ok(found) = found else { continue };
                let (_, place) = self.places[found];
                wide[place] += count.count();
                words.wide_terms |= 1 << place;
                if is_near {
                    near[place] += count.count();
                    words.near_terms |= 1 << place;
                }
                if distance == 0 {
                    words.own_terms |= 1 << place;
                }
            }
        }
        let WindowStatistics { near: of_near, wide: of_wide } = self.statistics;
        words.near = of_near.score(self.parameters, &near, near_length);
        words.wide = of_wide.score(self.parameters, &wide, wide_length);
        words
    }
}

impl WindowStatistics {
    /// Counted as if turns stood in the order of their numbers and edges were as long as the rest:
    /// true but for the ends of conversations.
    pub(crate) fn of(all: &impl Collection, query: &Query) -> Self {
        const WIDTHS: [u32; 2] = [3, 5];
        let turns = all.turns();
        let mut idf = WIDTHS.map(|_| Vec::with_capacity(query.terms.len()));
        for term in &query.terms {
            let mut windows = [0_usize; 2];
            let mut last = None;
            for posting in all.postings(&term.term) {
                let gap = last.map_or(u32::MAX, |last| posting.number() - last);
                for (windows, width) in windows.iter_mut().zip(WIDTHS) {
                    *windows += gap.min(width) as usize;
                }
                last = Some(posting.number());
            }
            for (idf, windows) in idf.iter_mut().zip(windows) {
                idf.push(inverse_document_frequency(turns, windows.min(turns)));
            }
        }
        let [near, wide] = idf;
        let of = |reach, idf| OfReach { average: average(all, reach), idf };
        Self { near: of(1, near), wide: of(2, wide) }
    }
}

impl OfReach {
    fn score(&self, parameters: Parameters, frequencies: &[u32], length: f32) -> f32 {
        let terms = self.idf.iter().zip(frequencies).filter(|(_, frequency)| **frequency > 0);
        let relative_length = length / self.average;
        terms
            .map(|(idf, frequency)| parameters.score(*idf, *frequency as f32, relative_length))
            .sum()
    }
}

/// How many terms a window with this many turns on either side has, on average.
fn average(all: &impl Collection, reach: usize) -> f32 {
    let in_windows = |length: usize| {
        let missing: usize = (0..reach).map(|place| 2 * (reach - place)).take(length).sum();
        (length * (2 * reach + 1)).saturating_sub(missing)
    };
    let windows: usize = all.conversations().map(|(length, _)| in_windows(length)).sum();
    let turns = all.turns() as f32;
    (all.total_length() as f32 / turns * windows as f32 / turns).max(1.0)
}

fn remainder(number: u32) -> u64 {
    1 << (number % u64::BITS)
}

fn inverse_document_frequency(documents: usize, with_term: usize) -> f32 {
    let (documents, with_term) = (documents as f32, with_term as f32);
    ((documents - with_term + 0.5) / (with_term + 0.5)).ln_1p()
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
        assert!(scores.session[0] > 0.0 && scores.session[1] == 0.0);
        let statistics = WindowStatistics::of(&index, &query);
        let windows = Windows::new(&index, &query, PARAMETERS, &statistics);
        let [first, second, third] = [0, 1, 2].map(|turn| windows.score(turn));
        assert!(first.near > 0.0 && first.wide > 0.0 && first.own_terms == 0);
        assert_eq!((first.near_terms, second.own_terms), (1, 1));
        assert_eq!(third, WindowWords::default());
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
