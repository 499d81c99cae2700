//! Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009): what most hybrid searches do.

use std::collections::HashMap;

use super::best_first;

/// The authors' constant.
const K: f64 = 60.0;

/// One ranking of several: a turn counts 1 / (60 + its rank) in each.
pub(crate) fn reciprocal_rank_fusion(rankings: &[&[usize]]) -> Vec<usize> {
    let mut scores: HashMap<usize, f64> = HashMap::new();
    for ranking in rankings {
        for (place, turn) in ranking.iter().enumerate() {
            *scores.entry(*turn).or_default() += 1.0 / (K + place as f64 + 1.0);
        }
    }
    best_first(scores)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_rank_well_comes_before_what_one_ranks_best() {
        // 7: 1/62 + 1/62 = 0.0323; 5: 1/61 = 0.0164; 9: 1/61; 6: 1/63.
        assert_eq!(reciprocal_rank_fusion(&[&[5, 7, 6], &[9, 7]]), [7, 5, 9, 6]);
        assert!(reciprocal_rank_fusion(&[&[], &[]]).is_empty());
    }
}
