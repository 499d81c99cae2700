//! Which turns are looked at closely.
//!
//! Words and vectors each score every turn of the scope; the best by both together, the best by
//! either alone, and the turns around them become candidates. In a scope of ordinary size every
//! turn is one.

use hashbrown::HashSet;

use crate::index::{Cosines, ScopeIndex, bm25::WordScores};

/// A scope of at most this many turns is looked at whole.
const WHOLE_TURNS_MAX: usize = 1_000;
/// The best that are taken by words and meaning together.
const TOGETHER: usize = 150;
/// The best that are taken by either alone: none gates the other.
const ALONE: usize = 50;
/// Of the best by both, those whose neighbours come along.
const WITH_NEIGHBOURS: usize = 100;
/// Turns on either side that come along.
const AROUND: isize = 2;
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
    let scale = |scores: &[f32]| scores.iter().copied().fold(f32::EPSILON, f32::max).recip();
    let (own_scale, session_scale) = (scale(&words.own), scale(&words.session));
    let own = |turn: u32| words.own[turn as usize];
    let cosine = |turn: u32| cosines.and_then(|cosines| cosines.of(turn)).unwrap_or_default();
    let together = |turn: u32| {
        let session = words.session[index.conversation_of(turn) as usize];
        WORDS * own(turn) * own_scale
            + SESSION_WORDS * session * session_scale
            + MEANING * cosine(turn)
    };
    let mut best_together = best(all.clone(), together, TOGETHER);
    best_together.sort_unstable_by(|left, right| right.0.total_cmp(&left.0));
    let around = best_together.iter().take(WITH_NEIGHBOURS).flat_map(|(_, turn)| {
        (-AROUND..=AROUND).filter_map(|distance| index.neighbour(*turn, distance))
    });
    let alone = best(all.clone(), own, ALONE).into_iter().chain(best(all, cosine, ALONE));
    let single = best_together.iter().copied().chain(alone).map(|(_, turn)| turn);
    let found: HashSet<u32> = around.chain(single).filter(|turn| allowed(*turn)).collect();
    let mut found: Vec<u32> = found.into_iter().collect();
    found.sort_unstable();
    found
}

/// The turns with the highest scores above 0, with those scores, in no order.
fn best(
    turns: impl Iterator<Item = u32>,
    score: impl Fn(u32) -> f32,
    count: usize,
) -> Vec<(f32, u32)> {
    let mut scored: Vec<(f32, u32)> =
        turns.map(|turn| (score(turn), turn)).filter(|(score, _)| *score > 0.0).collect();
    if scored.len() > count {
        scored.select_nth_unstable_by(count, |left, right| right.0.total_cmp(&left.0));
        scored.truncate(count);
    }
    scored
}
