//! What everybody can build in an afternoon: the methods that Backstay must beat to be worth having.
//!
//! They rank the plain turns of one conversation, share nothing with `backstay-memory`, and fill a
//! budget with the same fence and the same line for each turn.

mod bm25;
mod fusion;
mod packing;
mod vectors;
mod words;

pub(crate) use bm25::Bm25;
pub(crate) use fusion::reciprocal_rank_fusion;
pub(crate) use packing::Costs;
pub(crate) use vectors::nearest;

/// Turns by their numbers, best first, from scores; turns without a score are left out. Equal scores
/// keep the order in which the turns were said.
fn best_first(scores: impl IntoIterator<Item = (usize, f64)>) -> Vec<usize> {
    let mut scored: Vec<(usize, f64)> = scores.into_iter().collect();
    scored.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    scored.into_iter().map(|(turn, _)| turn).collect()
}
