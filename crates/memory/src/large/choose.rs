//! Which turns of a large scope are worth reading for a question: chosen as
//! [`crate::recall`] chooses its candidates where all are held.

use std::collections::BTreeSet;

use backstay_core::memory::RecallFilter;
use backstay_store::Near;

use super::{Large, block::conversation_name, outline::Outline};
use crate::{
    analyse::Query,
    index::bm25::WordScores,
    recall::{AROUND, Choice, Chosen, Likely, WITH_NEIGHBOURS},
};

/// A turn's neighbours in its conversation are looked for this far away: others may have spoken
/// meanwhile.
const REACH: u32 = 64;
/// The newest turns of a time that is asked for.
const OF_TIME: usize = 300;

/// The likeliest turns of blocks, by their numbers in the outline, in order.
pub(super) fn likely(
    large: &Large,
    words: &WordScores,
    near: &[Near],
    query: &Query,
    filter: &RecallFilter,
) -> Vec<u32> {
    // Only statements have metadata.
    if !filter.metadata.is_empty() {
        return Vec::new();
    }
    let outline = &large.outline;
    // What is not among the nearest is no nearer than the last of them.
    let floor = near.iter().map(|near| near.cosine).fold(f32::INFINITY, f32::min);
    let floor = if floor.is_finite() { floor.max(0.0) } else { 0.0 };
    let mut cosines = vec![floor; outline.numbers() as usize];
    for near in near {
        if let Some(cosine) =
            outline.number(near.sequence).and_then(|turn| cosines.get_mut(turn as usize))
        {
            *cosine = near.cosine;
        }
    }
    let thread = filter.thread.as_ref().map(|thread| conversation_name(thread.as_str()));
    let thread = thread.map(|name| outline.conversation_named(name));
    let filters = *filter != RecallFilter::default();
    let allowed = |turn: u32| {
        !filters
            || (filter.covers(outline.said_at(turn))
                && thread.is_none_or(|thread| thread == outline.conversation_of(turn)))
    };
    let (own_scale, session_scale) = (words.own_best.recip(), words.session_best.recip());
    let mut choice = Choice::default();
    for (turn, cosine) in (0_u32..).zip(cosines) {
        let Some(conversation) = outline.conversation_of(turn) else { continue };
        let likely = Likely {
            words: words.own[turn as usize] * own_scale,
            session: words.session[conversation as usize] * session_scale,
            cosine,
        };
        choice.offer(turn, likely, allowed);
    }
    let Chosen { together, alone } = choice.made();
    let best = together.iter().take(WITH_NEIGHBOURS);
    let mut found: BTreeSet<u32> = best.flat_map(|turn| beside(outline, *turn)).collect();
    found.extend(together.iter().copied().chain(alone));
    if !query.dates.is_empty() {
        found.extend(of_asked_time(outline, query));
    }
    if !query.anchors.is_empty() {
        // Times may be reckoned from the first or the last conversation.
        let exists = |turn: &u32| outline.conversation_of(*turn).is_some();
        found.extend((0..outline.numbers()).find(exists));
        found.extend((0..outline.numbers()).rev().find(exists));
    }
    found.into_iter().filter(|turn| allowed(*turn)).collect()
}

/// Those that stand next to a turn in its conversation, and those next to them.
fn beside(outline: &Outline, turn: u32) -> impl Iterator<Item = u32> {
    let conversation = outline.conversation_of(turn);
    let is_beside = move |other: &u32| outline.conversation_of(*other) == conversation;
    let count = AROUND.unsigned_abs();
    let before = (turn.saturating_sub(REACH)..turn).rev().filter(is_beside).take(count);
    let after = (turn + 1..turn.saturating_add(REACH)).filter(is_beside).take(count);
    before.chain(after)
}

fn of_asked_time(outline: &Outline, query: &Query) -> Vec<u32> {
    const DAY_MILLIS: i64 = 24 * 60 * 60 * 1_000;
    // Turns of one day stand together, and to look at a day takes long.
    let mut last = None;
    let newest_first = (0..outline.numbers()).rev();
    let of_time = newest_first.filter(|turn| {
        if outline.conversation_of(*turn).is_none() {
            return false;
        }
        let moment = outline.said_at(*turn);
        let day = moment.millis().div_euclid(DAY_MILLIS);
        let (_, is_dated) = match last {
            Some((known, is_dated)) if known == day => (known, is_dated),
            _ => (day, query.dated(moment)),
        };
        last = Some((day, is_dated));
        is_dated
    });
    of_time.take(OF_TIME).collect()
}
