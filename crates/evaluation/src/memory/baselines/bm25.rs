//! Okapi BM25 (Robertson and Zaragoza, 2009) over turns.

use std::collections::HashMap;

use super::{best_first, words::stems};

/// How soon a repeated word stops to count.
const K1: f64 = 1.2;
/// How far the length of a turn counts against it.
const B: f64 = 0.75;

/// The turns of one conversation.
pub(crate) struct Bm25 {
    /// For each stem the turns that have it, and how often.
    postings: HashMap<String, Vec<(usize, f64)>>,
    lengths: Vec<f64>,
    mean_length: f64,
}

impl Bm25 {
    pub(crate) fn new<'a>(turns: impl IntoIterator<Item = &'a str>) -> Self {
        let mut postings: HashMap<String, Vec<(usize, f64)>> = HashMap::new();
        let mut lengths = Vec::new();
        for (turn, text) in turns.into_iter().enumerate() {
            let stems = stems(text);
            lengths.push(stems.len() as f64);
            let mut counts: HashMap<String, f64> = HashMap::new();
            for stem in stems {
                *counts.entry(stem).or_default() += 1.0;
            }
            for (stem, count) in counts {
                postings.entry(stem).or_default().push((turn, count));
            }
        }
        let mean_length = lengths.iter().sum::<f64>() / lengths.len().max(1) as f64;
        Self { postings, lengths, mean_length: mean_length.max(1.0) }
    }

    /// The turns that share a word with the question, best first.
    pub(crate) fn rank(&self, question: &str) -> Vec<usize> {
        best_first(self.scores(question))
    }

    fn scores(&self, question: &str) -> HashMap<usize, f64> {
        let mut scores: HashMap<usize, f64> = HashMap::new();
        for stem in stems(question) {
            let Some(turns) = self.postings.get(&stem) else { continue };
            let (having, all) = (turns.len() as f64, self.lengths.len() as f64);
            let rarity = (1.0 + (all - having + 0.5) / (having + 0.5)).ln();
            for (turn, count) in turns {
                let length = self.lengths.get(*turn).copied().unwrap_or_default();
                let damping = K1 * (1.0 - B + B * length / self.mean_length);
                *scores.entry(*turn).or_default() +=
                    rarity * count * (K1 + 1.0) / (count + damping);
            }
        }
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_the_formula() {
        let index = Bm25::new(["heron heron lake", "heron", "boat lake dog"]);
        let scores = index.scores("heron");
        // Three turns with 7/3 stems on average, two of them with the word.
        let rarity = (1.0_f64 + 1.5 / 2.5).ln();
        let expected = |count: f64, length: f64| {
            let damping = 1.2 * (0.25 + 0.75 * length / (7.0 / 3.0));
            rarity * count * 2.2 / (count + damping)
        };
        assert!((scores[&0] - expected(2.0, 3.0)).abs() < 1e-9);
        assert!((scores[&1] - expected(1.0, 1.0)).abs() < 1e-9);
        assert!(!scores.contains_key(&2));
    }

    #[test]
    fn rare_words_win_and_equal_turns_keep_their_order() {
        let index = Bm25::new(["lake boat", "lake heron", "lake boat"]);
        assert_eq!(index.rank("the heron on the lake"), [1, 0, 2]);
        assert!(index.rank("piano").is_empty());
        assert!(Bm25::new([]).rank("heron").is_empty());
    }
}
