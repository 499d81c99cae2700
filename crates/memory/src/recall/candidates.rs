//! Which turns are looked at closely.
//!
//! Words and vectors each score every turn of the scope; the best by both together, the best by
//! either alone, and the turns around them become candidates. In a scope of ordinary size every
//! turn is one. How many are taken was measured by taking them in LoCoMo's conversations of 600 turns
//! too: recall at ten and evidence at 1,000 tokens are the same as of all turns.

use crate::index::{Cosines, ScopeIndex, bm25::WordScores};

/// A scope of at most this many turns is looked at whole.
const WHOLE_TURNS_MAX: usize = 1_000;
/// The best that are taken by words and meaning together.
const TOGETHER: usize = 100;
/// The best that are taken by either alone: none gates the other.
const ALONE: usize = 50;
/// Of the best by both, those whose neighbours come along.
pub(crate) const WITH_NEIGHBOURS: usize = 40;
/// Turns on either side that come along.
pub(crate) const AROUND: isize = 2;
/// How much words, a conversation's words and meaning count in the choice. About as in the final
/// weights; what is close here is decided there.
const WORDS: f32 = 2.0;
const SESSION_WORDS: f32 = 1.0;
const MEANING: f32 = 4.0;

/// Numbers of turns, in their order.
pub(super) fn candidates(
    index: &ScopeIndex,
    words: &WordScores,
    cosines: Option<&Cosines>,
    allowed: impl Fn(u32) -> bool,
) -> Vec<u32> {
    let all = 0..u32::try_from(index.turns().len()).unwrap_or(u32::MAX);
    if all.len() <= WHOLE_TURNS_MAX {
        return all.filter(|turn| allowed(*turn)).collect();
    }
    let (own_scale, session_scale) = (words.own_best.recip(), words.session_best.recip());
    let mut choice = Choice::default();
    for turn in all {
        let session = words.session[index.conversation_of(turn) as usize];
        let likely = Likely {
            words: words.own[turn as usize] * own_scale,
            session: session * session_scale,
            cosine: cosines.and_then(|cosines| cosines.of(turn)).unwrap_or_default(),
        };
        choice.offer(turn, likely, &allowed);
    }
    let Chosen { together, alone } = choice.made();
    let around = together.iter().take(WITH_NEIGHBOURS).flat_map(|turn| {
        (-AROUND..=AROUND).filter_map(|distance| index.neighbour(*turn, distance))
    });
    let mut found: Vec<u32> =
        around.filter(|turn| allowed(*turn)).chain(together.iter().copied()).chain(alone).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The newest that are allowed, as many as are looked at whole, in their order: where no word tells
/// one from another.
pub(super) fn newest(index: &ScopeIndex, allowed: impl Fn(u32) -> bool) -> Vec<u32> {
    let all = 0..u32::try_from(index.turns().len()).unwrap_or(u32::MAX);
    let mut found: Vec<u32> =
        all.rev().filter(|turn| allowed(*turn)).take(WHOLE_TURNS_MAX).collect();
    found.reverse();
    found
}

/// What speaks for a turn before its features are measured.
#[derive(Clone, Copy)]
pub(crate) struct Likely {
    /// BM25 of its own words and of its conversation's, as shares of the scope's best.
    pub(crate) words: f32,
    pub(crate) session: f32,
    pub(crate) cosine: f32,
}

/// The likeliest of the turns that are offered.
pub(crate) struct Choice {
    together: Best,
    by_words: Best,
    by_meaning: Best,
}

pub(crate) struct Chosen {
    /// By words and meaning, best first.
    pub(crate) together: Vec<u32>,
    /// By either.
    pub(crate) alone: Vec<u32>,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            together: Best::new(TOGETHER),
            by_words: Best::new(ALONE),
            by_meaning: Best::new(ALONE),
        }
    }
}

impl Choice {
    pub(crate) fn offer(&mut self, turn: u32, likely: Likely, allowed: impl Fn(u32) -> bool) {
        let Likely { words, session, cosine } = likely;
        let score = WORDS * words + SESSION_WORDS * session + MEANING * cosine;
        self.together.offer(score, turn, &allowed);
        self.by_words.offer(words, turn, &allowed);
        self.by_meaning.offer(cosine, turn, &allowed);
    }

    pub(crate) fn made(self) -> Chosen {
        let mut alone = self.by_words.best_first();
        alone.extend(self.by_meaning.best_first());
        Chosen { together: self.together.best_first(), alone }
    }
}

/// The turns with the highest scores above 0. Most of a large scope is passed over by one comparison
/// each.
struct Best {
    count: usize,
    /// At most twice as many as wanted, in no order.
    scored: Vec<(f32, u32)>,
    /// A score that is not above this has no place.
    floor: f32,
}

impl Best {
    fn new(count: usize) -> Self {
        Self { count, scored: Vec::with_capacity(2 * count), floor: 0.0 }
    }

    fn offer(&mut self, score: f32, turn: u32, allowed: impl Fn(u32) -> bool) {
        if score > self.floor && allowed(turn) {
            self.scored.push((score, turn));
            if self.scored.len() == 2 * self.count {
                self.keep_best();
            }
        }
    }

    fn keep_best(&mut self) {
        if let Some(last) = self.count.checked_sub(1).filter(|last| *last < self.scored.len()) {
            let by_score = |left: &(f32, u32), right: &(f32, u32)| right.0.total_cmp(&left.0);
            let (_, worst, _) = self.scored.select_nth_unstable_by(last, by_score);
            self.floor = worst.0;
            self.scored.truncate(self.count);
        }
    }

    fn best_first(mut self) -> Vec<u32> {
        self.keep_best();
        self.scored.sort_unstable_by(|left, right| right.0.total_cmp(&left.0));
        self.scored.into_iter().map(|(_, turn)| turn).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_kept_and_those_that_are_not_allowed_take_no_place() {
        let mut best = Best::new(3);
        for turn in 0..100 {
            best.offer((turn * 37 % 101) as f32, turn, |turn| turn % 2 == 0);
        }
        let mut expected: Vec<u32> = (0..100).filter(|turn| turn % 2 == 0).collect();
        expected.sort_by_key(|turn| std::cmp::Reverse(turn * 37 % 101));
        assert_eq!(best.best_first(), expected[..3]);
        let mut none = Best::new(3);
        none.offer(0.0, 1, |_| true);
        assert!(none.best_first().is_empty());
    }
}
