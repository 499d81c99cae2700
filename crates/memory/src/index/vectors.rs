//! Vectors of turns, laid out for an exact scan.
//!
//! Each number of a vector is rounded to a byte, so that a scan of a million passages reads 384 MB.
//! The cosines of the best are then computed again from the full numbers, which a small scope keeps
//! in memory; in a large one the rounded cosine counts, which is right to about a hundredth.

use std::{ops::Range, thread};

use super::dot;

/// Full vectors are kept beside the rounded ones up to this many bytes.
const FULL_BYTES_MAX: usize = 64 * 1024 * 1024;
/// From this many passages on, two threads scan.
const TWO_THREADS_FROM: usize = 65_536;
/// Weight of the turns beside one in its window's vector; its own is 1. From the measurements that
/// the weights of [`crate::recall`] come from.
const BESIDE: f32 = 0.7;

/// The passages of turns, each with a vector. All are of one model and of length 1.
#[derive(Default)]
pub(crate) struct Vectors {
    dimension: usize,
    /// Passage after passage; the longest number of each is 127.
    codes: Vec<i8>,
    /// By passage: what a code times this is about.
    scales: Vec<f32>,
    /// Empty once it would take too much memory.
    full: Vec<f32>,
    drops_full: bool,
    /// By turn.
    of_turns: Vec<Passages>,
    /// Turns that have a vector.
    count: usize,
}

/// Where a turn's passages stand. Those that were replaced stand in between until the index is built
/// anew.
#[derive(Clone, Copy, Default)]
struct Passages {
    start: u32,
    count: u32,
}

impl Passages {
    fn range(self) -> Range<usize> {
        self.start as usize..(self.start + self.count) as usize
    }
}

/// Cosines of one question with every turn, each of its best passage.
pub(crate) struct Cosines {
    by_turn: Vec<f32>,
}

impl Cosines {
    /// `None` for a turn whose vector is still to come.
    pub(crate) fn of(&self, turn: u32) -> Option<f32> {
        self.by_turn.get(turn as usize).copied().filter(|cosine| *cosine > f32::NEG_INFINITY)
    }

    pub(crate) fn set(&mut self, turn: u32, cosine: f32) {
        if let Some(place) = self.by_turn.get_mut(turn as usize) {
            *place = cosine;
        }
    }
}

impl Vectors {
    /// False when a vector is not of this dimension or has a number that is none.
    pub(super) fn set<'a>(
        &mut self,
        turn: u32,
        vectors: impl Iterator<Item = &'a [f32]> + Clone,
    ) -> bool {
        let dimension = if self.scales.is_empty() {
            vectors.clone().next().map_or(0, <[f32]>::len)
        } else {
            self.dimension
        };
        let is_usable = |vector: &[f32]| {
            vector.len() == dimension && vector.iter().all(|number| number.is_finite())
        };
        if dimension == 0 || vectors.clone().next().is_none() || !vectors.clone().all(is_usable) {
            return false;
        }
        self.dimension = dimension;
        let index = turn as usize;
        if self.of_turns.len() <= index {
            self.of_turns.resize(index + 1, Passages::default());
        }
        let old = self.of_turns[index];
        self.count += usize::from(old.count == 0);
        let start = self.scales.len();
        for vector in vectors {
            self.push(vector);
        }
        self.of_turns[index] = Passages {
            start: u32::try_from(start).unwrap_or(u32::MAX),
            count: u32::try_from(self.scales.len() - start).unwrap_or(0),
        };
        true
    }

    /// Those of some turns, which are numbered anew in the order given.
    pub(super) fn keep(&self, turns: &[u32]) -> Self {
        let mut kept =
            Self { dimension: self.dimension, drops_full: self.drops_full, ..Self::default() };
        for (number, turn) in (0_u32..).zip(turns) {
            let passages = self.range(*turn);
            if passages.is_empty() {
                continue;
            }
            let start = u32::try_from(kept.scales.len()).unwrap_or(u32::MAX);
            let count = u32::try_from(passages.len()).unwrap_or(0);
            kept.of_turns.resize(number as usize + 1, Passages::default());
            kept.of_turns[number as usize] = Passages { start, count };
            let numbers = passages.start * self.dimension..passages.end * self.dimension;
            kept.codes.extend_from_slice(&self.codes[numbers.clone()]);
            kept.full.extend_from_slice(self.full.get(numbers).unwrap_or_default());
            kept.scales.extend_from_slice(&self.scales[passages]);
            kept.count += 1;
        }
        kept
    }

    pub(crate) fn has(&self, turn: u32) -> bool {
        !self.range(turn).is_empty()
    }

    /// Turns that have a vector.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.codes.len()
            + self.full.len() * size_of::<f32>()
            + self.scales.len() * size_of::<f32>()
            + self.of_turns.len() * size_of::<Passages>()
    }

    /// Cosines with every turn, right to about a hundredth; `None` when there is nothing to compare
    /// with.
    pub(crate) fn scan(&self, question: &[f32]) -> Option<Cosines> {
        if self.count == 0 || question.len() != self.dimension {
            return None;
        }
        let (question, scale) = encode(question);
        let question = dot::widened(&question);
        let mut by_turn = vec![f32::NEG_INFINITY; self.of_turns.len()];
        let whole = self.of_turns.len().max(1);
        let part = if self.scales.len() >= TWO_THREADS_FROM { whole.div_ceil(2) } else { whole };
        let scan = |turns: &[Passages], cosines: &mut [f32]| {
            for (passages, best) in turns.iter().zip(cosines) {
                for passage in passages.range() {
                    let product = dot::product_with_codes(&question, self.codes(passage));
                    *best = best.max(product as f32 * self.scales[passage] * scale);
                }
            }
        };
        thread::scope(|scope| {
            let mut parts = self.of_turns.chunks(part).zip(by_turn.chunks_mut(part));
            let own = parts.next();
            for (turns, cosines) in parts {
                scope.spawn(|| scan(turns, cosines));
            }
            if let Some((turns, cosines)) = own {
                scan(turns, cosines);
            }
        });
        Some(Cosines { by_turn })
    }

    /// The exact cosine of a turn's best passage; `None` when it has none or its full vectors are
    /// not in memory.
    pub(crate) fn exact(&self, turn: u32, question: &[f32]) -> Option<f32> {
        let passages = self.range(turn);
        let numbers = passages.start * self.dimension..passages.end * self.dimension;
        let vectors = self.full.get(numbers)?.chunks_exact(self.dimension.max(1));
        vectors.map(|vector| dot::product(question, vector)).max_by(f32::total_cmp)
    }

    /// The exact cosine of a turn's first passage, as [`Self::exact`].
    /// `best` is what that returned.
    pub(crate) fn opening(&self, turn: u32, question: &[f32], best: Option<f32>) -> Option<f32> {
        let mut passages = self.range(turn);
        if passages.len() == 1 {
            return best;
        }
        let first = passages.next()?;
        let vector = self.full.get(first * self.dimension..(first + 1) * self.dimension)?;
        Some(dot::product(question, vector))
    }

    /// The cosine of a question with the mean of a turn's vector and those of the turns beside it.
    ///
    /// The scalar product with a mean is the mean of the scalar products; only the mean's length
    /// needs the vectors. `around` are those turns, the middle one first.
    pub(crate) fn window(&self, around: &[u32], cosines: &Cosines) -> Option<f32> {
        let weight = |place: usize| if place == 0 { 1.0 } else { BESIDE };
        cosines.of(*around.first()?)?;
        let known = || around.iter().enumerate().filter(|(_, turn)| cosines.of(**turn).is_some());
        let mut sum = 0.0;
        let mut square = 0.0;
        for (place, turn) in known() {
            sum += weight(place) * cosines.of(*turn).unwrap_or_default();
            square += weight(place) * weight(place);
            for (other_place, other) in known().take_while(|(other, _)| *other < place) {
                square += 2.0 * weight(place) * weight(other_place) * self.between(*turn, *other);
            }
        }
        Some(if square > 0.0 { sum / square.sqrt() } else { 0.0 })
    }

    /// The rounded cosine of two turns. Of a turn with several passages the first one stands for it:
    /// it holds what the turn is about.
    fn between(&self, left: u32, right: u32) -> f32 {
        let [left, right] = [left, right].map(|turn| self.range(turn).start);
        let product = dot::product_of_codes(self.codes(left), self.codes(right));
        product as f32 * self.scales[left] * self.scales[right]
    }

    fn codes(&self, passage: usize) -> &[i8] {
        &self.codes[passage * self.dimension..][..self.dimension]
    }

    fn range(&self, turn: u32) -> Range<usize> {
        self.of_turns.get(turn as usize).copied().unwrap_or_default().range()
    }

    fn push(&mut self, vector: &[f32]) {
        let (codes, scale) = encode(vector);
        self.codes.extend(codes);
        self.scales.push(scale);
        let bytes = (self.full.len() + vector.len()) * size_of::<f32>();
        if self.drops_full || bytes > FULL_BYTES_MAX {
            self.drops_full = true;
            self.full = Vec::new();
        } else {
            self.full.extend_from_slice(vector);
        }
    }
}

/// Rounds to bytes, the longest number to 127; and what a byte stands for.
fn encode(vector: &[f32]) -> (Vec<i8>, f32) {
    let longest = vector.iter().fold(0.0_f32, |longest, number| longest.max(number.abs()));
    if longest == 0.0 {
        return (vec![0; vector.len()], 0.0);
    }
    let codes = vector.iter().map(|number| (number / longest * 127.0).round() as i8).collect();
    (codes, longest / 127.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vectors(all: &[&[f32]]) -> Vectors {
        let mut vectors = Vectors::default();
        for (turn, vector) in (0_u32..).zip(all) {
            assert!(vectors.set(turn, [*vector].into_iter()));
        }
        vectors
    }

    #[test]
    fn the_window_is_the_cosine_with_the_weighted_mean() {
        let vectors = vectors(&[&[1.0, 0.0], &[0.0, 1.0]]);
        let cosines = vectors.scan(&[0.0, 1.0]).unwrap();
        let found = vectors.window(&[0, 1], &cosines).unwrap();
        let expected = BESIDE / (1.0 + BESIDE * BESIDE).sqrt();
        assert!((found - expected).abs() < 0.01);
        assert_eq!(vectors.window(&[1], &cosines), Some(1.0));
    }

    #[test]
    fn vectors_of_another_model_are_never_mixed_in() {
        let mut vectors = vectors(&[&[1.0, 0.0]]);
        let none: [&[f32]; 0] = [];
        assert!(!vectors.set(1, [[1.0].as_slice()].into_iter()));
        assert!(!vectors.set(1, [[f32::NAN, 0.0].as_slice()].into_iter()));
        assert!(!vectors.set(1, none.into_iter()));
        assert!(vectors.scan(&[1.0]).is_none());
        let cosines = vectors.scan(&[1.0, 0.0]).unwrap();
        assert_eq!((cosines.of(0), cosines.of(1)), (Some(1.0), None));
    }

    #[test]
    fn the_best_passage_counts_and_a_second_embedding_replaces_the_first() {
        let mut vectors = Vectors::default();
        let passages: [&[f32]; 2] = [&[1.0, 0.0], &[0.0, 1.0]];
        assert!(vectors.set(3, passages.into_iter()));
        assert_eq!(vectors.scan(&[0.0, 1.0]).unwrap().of(3), Some(1.0));
        assert!(vectors.set(3, [[1.0, 0.0].as_slice()].into_iter()));
        assert_eq!(vectors.scan(&[0.0, 1.0]).unwrap().of(3), Some(0.0));
        assert_eq!((vectors.count(), vectors.exact(3, &[1.0, 0.0])), (1, Some(1.0)));
    }

    #[test]
    fn two_threads_find_what_one_finds() {
        let mut vectors = Vectors::default();
        let count = u32::try_from(TWO_THREADS_FROM + 3).unwrap();
        for turn in 0..count {
            vectors.set(turn, [[(turn % 7) as f32, 1.0].as_slice()].into_iter());
        }
        let cosines = vectors.scan(&[1.0, 0.0]).unwrap();
        for turn in [0, 1, 6, count / 2, count - 1] {
            let expected = (turn % 7) as f32;
            assert!((cosines.of(turn).unwrap() - expected).abs() < 0.03 * expected.max(1.0));
        }
    }

    proptest! {
        #[test]
        fn a_rounded_cosine_is_close_to_the_exact_one(
            left in prop::collection::vec(-1.0_f32..1.0, 384),
            right in prop::collection::vec(-1.0_f32..1.0, 384),
        ) {
            let unit = |vector: Vec<f32>| {
                let length = dot::product(&vector, &vector).sqrt();
                vector.into_iter().map(|number| number / length).collect::<Vec<f32>>()
            };
            let (left, right) = (unit(left), unit(right));
            let vectors = vectors(&[&left]);
            let rounded = vectors.scan(&right).unwrap().of(0).unwrap();
            let exact = vectors.exact(0, &right).unwrap();
            prop_assert!((rounded - exact).abs() < 0.01, "{} {}", rounded, exact);
        }
    }
}
