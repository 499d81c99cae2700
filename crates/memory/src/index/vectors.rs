//! Vectors of turns, laid out for an exact scan.

/// Weight of the turns beside one in its window's vector; its own is 1. From the measurements that
/// the weights of [`crate::recall`] come from.
const BESIDE: f32 = 0.7;

/// One vector per turn, or none yet. All are of one model and of length 1.
#[derive(Default)]
pub(crate) struct Vectors {
    dimension: usize,
    /// Turn after turn; zeros where there is none.
    numbers: Vec<f32>,
    present: Vec<bool>,
    count: usize,
}

/// Cosines of one question with every turn.
pub(crate) struct Cosines {
    /// `None` for a turn whose vector is still to come.
    pub(crate) own: Vec<Option<f32>>,
    /// With the mean of the turn's vector and those beside it.
    pub(crate) window: Vec<Option<f32>>,
}

impl Vectors {
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.numbers.len() * size_of::<f32>()
    }

    /// Makes room for turns up to this many.
    pub(crate) fn grow(&mut self, turns: usize) {
        self.present.resize(turns, false);
        self.numbers.resize(turns * self.dimension, 0.0);
    }

    /// False for a vector of another length than those before it; it is not kept.
    pub(crate) fn set(&mut self, turn: usize, vector: &[f32]) -> bool {
        if self.count == 0 && self.dimension != vector.len() {
            self.dimension = vector.len();
            self.numbers = vec![0.0; self.present.len() * self.dimension];
        }
        let is_right = vector.len() == self.dimension && vector.iter().all(|n| n.is_finite());
        let start = turn * self.dimension;
        let Some(place) = self.numbers.get_mut(start..start + self.dimension) else { return false };
        if !is_right || vector.is_empty() {
            return false;
        }
        place.copy_from_slice(vector);
        self.count += usize::from(!std::mem::replace(&mut self.present[turn], true));
        true
    }

    pub(crate) fn get(&self, turn: usize) -> Option<&[f32]> {
        let is_present = self.present.get(turn).copied().unwrap_or(false);
        let start = turn * self.dimension;
        is_present.then(|| self.numbers.get(start..start + self.dimension)).flatten()
    }

    /// `None` when there is nothing to compare with. `beside` names the turns before and after one.
    pub(crate) fn compare(
        &self,
        question: &[f32],
        beside: impl Fn(usize) -> [Option<usize>; 2],
    ) -> Option<Cosines> {
        if self.count == 0 || question.len() != self.dimension {
            return None;
        }
        let turns = 0..self.present.len();
        let own: Vec<Option<f32>> =
            turns.clone().map(|turn| self.get(turn).map(|vector| dot(question, vector))).collect();
        let window = turns
            .map(|turn| {
                let score = own[turn]?;
                let around =
                    beside(turn).into_iter().flatten().filter(|other| own[*other].is_some());
                self.window_cosine(turn, score, around, &own)
            })
            .collect();
        Some(Cosines { own, window })
    }

    /// The scalar product with a mean is the mean of the scalar products; only the mean's length
    /// needs the vectors.
    fn window_cosine(
        &self,
        turn: usize,
        score: f32,
        around: impl Iterator<Item = usize>,
        own: &[Option<f32>],
    ) -> Option<f32> {
        let mut mean = self.get(turn)?.to_vec();
        let mut sum = score;
        for other in around {
            sum += BESIDE * own[other]?;
            for (number, beside) in mean.iter_mut().zip(self.get(other)?) {
                *number += BESIDE * beside;
            }
        }
        let length = dot(&mean, &mean).sqrt();
        Some(if length > 0.0 { sum / length } else { 0.0 })
    }
}

/// Eight sums beside each other, so that the compiler can use wide registers.
pub(crate) fn dot(left: &[f32], right: &[f32]) -> f32 {
    const LANES: usize = 8;
    let (left_chunks, left_rest) = left.as_chunks::<LANES>();
    let (right_chunks, right_rest) = right.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for (left, right) in left_chunks.iter().zip(right_chunks) {
        for lane in 0..LANES {
            sums[lane] += left[lane] * right[lane];
        }
    }
    let rest: f32 = left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(_: usize) -> [Option<usize>; 2] {
        [None, None]
    }

    #[test]
    fn the_window_is_the_cosine_with_the_weighted_mean() {
        let mut vectors = Vectors::default();
        vectors.grow(2);
        assert!(vectors.set(0, &[1.0, 0.0]) && vectors.set(1, &[0.0, 1.0]));
        let found = vectors.compare(&[0.0, 1.0], |turn| [None, Some(1 - turn)]).unwrap();
        assert_eq!(found.own, [Some(0.0), Some(1.0)]);
        let expected = BESIDE / (1.0 + BESIDE * BESIDE).sqrt();
        assert!((found.window[0].unwrap() - expected).abs() < 1e-6);
    }

    #[test]
    fn vectors_of_another_model_are_never_mixed_in() {
        let mut vectors = Vectors::default();
        vectors.grow(2);
        assert!(vectors.set(0, &[1.0, 0.0]));
        assert!(
            !vectors.set(1, &[1.0])
                && !vectors.set(1, &[f32::NAN, 0.0])
                && !vectors.set(9, &[1.0, 0.0])
        );
        assert!(vectors.compare(&[1.0], alone).is_none());
        assert_eq!(vectors.compare(&[1.0, 0.0], alone).unwrap().own, [Some(1.0), None]);
    }
}
