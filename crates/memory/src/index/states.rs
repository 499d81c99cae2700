//! Token states of turns, for late interaction with the best candidates.

use std::collections::{HashMap, HashSet};

use super::dot;
use crate::embed::{STATE_DIMENSION, TokenStates};

/// States are kept in memory up to this many bytes; of further turns none are, and their place in
/// the ranking is by words and vectors.
const BYTES_MAX: usize = 96 * 1024 * 1024;

/// The content tokens of turns.
#[derive(Default)]
pub(crate) struct States {
    /// Token after token, [`STATE_DIMENSION`] codes each.
    codes: Vec<i8>,
    /// One over the length of each token's codes.
    inverse_lengths: Vec<f32>,
    pieces: Vec<u16>,
    /// By turn: where its tokens stand.
    of_turns: Vec<(u32, u32)>,
    /// In how many turns each token occurs.
    mentions: HashMap<u16, u32>,
    /// Turns that have states.
    count: u32,
}

/// A question's tokens, ready to be compared.
pub(crate) struct QuestionStates {
    codes: Vec<i16>,
    inverse_lengths: Vec<f32>,
    /// How much each token counts: rare ones most. They add up to 1.
    weights: Vec<f32>,
}

impl QuestionStates {
    pub(crate) fn len(&self) -> usize {
        self.weights.len()
    }

    /// The mean of one number for each token, by their weights.
    pub(crate) fn mean(&self, similarities: &[f32]) -> f32 {
        self.weights.iter().zip(similarities).map(|(weight, number)| weight * number).sum()
    }
}

impl States {
    pub(super) fn set(&mut self, turn: u32, passages: impl Iterator<Item = TokenStates>) {
        let start = self.pieces.len();
        for states in passages {
            if self.size_bytes() + states.codes.len() > BYTES_MAX {
                break;
            }
            self.inverse_lengths.extend(inverse_lengths(&states.codes));
            self.codes.extend(&states.codes);
            self.pieces.extend(&states.pieces);
        }
        self.note(turn, start);
    }

    /// Those of some turns, which are numbered anew in the order given.
    pub(super) fn keep(&self, turns: &[u32]) -> Self {
        let mut kept = Self::default();
        for (number, turn) in (0_u32..).zip(turns) {
            let tokens = self.range(*turn);
            let start = kept.pieces.len();
            let codes = tokens.start * STATE_DIMENSION..tokens.end * STATE_DIMENSION;
            kept.codes.extend_from_slice(&self.codes[codes]);
            kept.inverse_lengths.extend_from_slice(&self.inverse_lengths[tokens.clone()]);
            kept.pieces.extend_from_slice(&self.pieces[tokens]);
            kept.note(number, start);
        }
        kept
    }

    pub(crate) fn size_bytes(&self) -> usize {
        let token = STATE_DIMENSION + size_of::<f32>() + size_of::<u16>();
        self.pieces.len() * token + self.of_turns.len() * size_of::<(u32, u32)>()
    }

    /// Weighs a question's tokens by how rare they are here; `None` when there is nothing to
    /// compare.
    pub(crate) fn question(&self, states: &TokenStates) -> Option<QuestionStates> {
        if self.count == 0 || states.is_empty() {
            return None;
        }
        let turns = self.count as f32;
        let weight = |piece: &u16| {
            let mentions = self.mentions.get(piece).copied().unwrap_or_default() as f32;
            // A floor, so that a question of common words alone is compared all the same.
            ((turns - mentions + 0.5) / (mentions + 0.5)).ln_1p().min(6.0) + 1e-3
        };
        let weights: Vec<f32> = states.pieces.iter().map(weight).collect();
        let total: f32 = weights.iter().sum();
        Some(QuestionStates {
            codes: dot::widened(&states.codes),
            inverse_lengths: inverse_lengths(&states.codes).collect(),
            weights: weights.into_iter().map(|weight| weight / total).collect(),
        })
    }

    /// For each of the question's tokens, how close the closest of the turn's tokens is; empty for
    /// a turn without states. Nothing is closer than 0.
    pub(crate) fn similarities(&self, question: &QuestionStates, turn: u32) -> Vec<f32> {
        let tokens = self.range(turn);
        if tokens.is_empty() {
            return Vec::new();
        }
        let codes = &self.codes[tokens.start * STATE_DIMENSION..tokens.end * STATE_DIMENSION];
        let lengths = &self.inverse_lengths[tokens];
        let (codes, _) = codes.as_chunks();
        let (asked, _) = question.codes.as_chunks();
        let mut closest = vec![0.0; question.len()];
        let factors = &question.inverse_lengths;
        dot::raise_to_best_products(asked, factors, codes, lengths, &mut closest);
        closest
    }

    fn range(&self, turn: u32) -> std::ops::Range<usize> {
        let (start, end) = self.of_turns.get(turn as usize).copied().unwrap_or_default();
        start as usize..end as usize
    }

    /// Makes the tokens from `start` on those of a turn; those it had before stay unused until the
    /// index is built anew.
    fn note(&mut self, turn: u32, start: usize) {
        let (Ok(from), Ok(to)) = (u32::try_from(start), u32::try_from(self.pieces.len())) else {
            return;
        };
        let old: HashSet<u16> = self.pieces[self.range(turn)].iter().copied().collect();
        self.count -= u32::from(!old.is_empty());
        for piece in old {
            self.mentions.entry(piece).and_modify(|mentions| *mentions -= 1);
        }
        if from == to && self.of_turns.len() <= turn as usize {
            return;
        }
        if self.of_turns.len() <= turn as usize {
            self.of_turns.resize(turn as usize + 1, (0, 0));
        }
        self.of_turns[turn as usize] = (from, to);
        self.count += u32::from(from < to);
        let new: HashSet<u16> = self.pieces[start..].iter().copied().collect();
        for piece in new {
            *self.mentions.entry(piece).or_default() += 1;
        }
    }
}

fn inverse_lengths(codes: &[i8]) -> impl Iterator<Item = f32> {
    codes.chunks_exact(STATE_DIMENSION).map(|codes| {
        let square = dot::product_of_codes(codes, codes) as f32;
        if square > 0.0 { square.sqrt().recip() } else { 0.0 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens whose states point in different directions.
    fn tokens(pieces: &[u16]) -> TokenStates {
        let mut states = TokenStates { pieces: pieces.to_vec(), codes: Vec::new() };
        for piece in pieces {
            let code = |place: usize| if place == usize::from(*piece) { 127 } else { 0 };
            states.codes.extend((0..STATE_DIMENSION).map(code));
        }
        states
    }

    #[test]
    fn each_token_of_the_question_finds_its_closest() {
        let mut states = States::default();
        states.set(0, [tokens(&[1, 2])].into_iter());
        states.set(2, [tokens(&[1]), tokens(&[3])].into_iter());
        let question = states.question(&tokens(&[1, 3])).unwrap();
        assert_eq!(states.similarities(&question, 0), [1.0, 0.0]);
        assert_eq!(states.similarities(&question, 2), [1.0, 1.0]);
        assert!(states.similarities(&question, 1).is_empty());
        assert!(states.similarities(&question, 9).is_empty());
        let rare = question.mean(&[0.0, 1.0]);
        assert!(
            rare > question.mean(&[1.0, 0.0]) && (question.mean(&[1.0, 1.0]) - 1.0).abs() < 1e-6
        );
    }

    #[test]
    fn states_that_were_replaced_count_no_more() {
        let mut states = States::default();
        states.set(0, [tokens(&[1])].into_iter());
        states.set(0, [tokens(&[2])].into_iter());
        assert_eq!((states.mentions[&1], states.mentions[&2], states.count), (0, 1, 1));
        let kept = states.keep(&[5, 0]);
        assert_eq!(kept.of_turns, [(0, 0), (0, 1)]);
        assert!(States::default().question(&tokens(&[1])).is_none());
    }
}
