//! Turns by the cosine of their vectors with the question's.

use super::best_first;

/// All turns, nearest first. The vectors have length 1, so that a scalar product is a cosine.
pub(crate) fn nearest(turns: &[Vec<f32>], question: &[f32]) -> Vec<usize> {
    best_first(turns.iter().enumerate().map(|(turn, vector)| {
        let product: f32 = vector.iter().zip(question).map(|(one, other)| one * other).sum();
        (turn, f64::from(product))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_angle_comes_first() {
        let turns = [vec![0.0, 1.0], vec![1.0, 0.0], vec![0.8, 0.6]];
        assert_eq!(nearest(&turns, &[1.0, 0.0]), [1, 2, 0]);
    }
}
