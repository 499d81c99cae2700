//! Links between turns: what the likeliest ones name beside what was asked.
//!
//! A question that takes two turns to answer often has the words of only one of them; the other
//! shares a name, a place or a date with that one. This is pseudo-relevance feedback (Rocchio, 1971)
//! by rare terms only, and a feature like others: what it is worth is fitted.

use hashbrown::HashMap;

use super::{features::Feature, measure::Measured};
use crate::{analyse::Query, index::ScopeIndex};

/// The likeliest turns that others are linked to.
const BEST: usize = 4;
/// A term that more than this share of the turns mention links nothing. Two turns have to, so that in
/// a scope of a few dozen turns, where nothing is rare, nothing is linked.
const MENTIONED_SHARE_MAX: f32 = 0.03;
/// What several links may add up to, in the weight of a term that two turns of the scope mention.
const FULL: f32 = 2.0;

/// How likely a turn is before links are known, about; the weights are not fitted. A sum that is
/// would have seen what it is measured on.
const ROUGH: [(Feature, f32); 6] = [
    (Feature::OwnWords, 1.0),
    (Feature::NearWords, 1.0),
    (Feature::WideWords, 1.0),
    (Feature::Meaning, 0.5),
    (Feature::NearMeaning, 0.5),
    (Feature::TokenMatch, 0.5),
];

/// Sets [`Feature::Linked`].
pub(super) fn set(index: &ScopeIndex, query: &Query, all: &mut [Measured]) {
    let best = best(all);
    let asked: Vec<u32> =
        query.terms.iter().filter_map(|term| index.terms().number_of(&term.term)).collect();
    let turns = index.turns().len() as f32;
    let mentioned_max = turns * MENTIONED_SHARE_MAX;
    let weight = |mentions: usize| (turns / mentions as f32).ln();
    // By rare term: its weight, and a bit for each of the best that mentions it.
    let mut links: HashMap<u32, (f32, u8)> = HashMap::new();
    for (bit, turn) in best.iter().enumerate() {
        for count in index.terms_of(*turn) {
            let mentions = index.terms().mentions(count.number());
            if mentions >= 2 && mentions as f32 <= mentioned_max && !asked.contains(&count.number())
            {
                links.entry(count.number()).or_insert((weight(mentions), 0)).1 |= 1 << bit;
            }
        }
    }
    let full = FULL * weight(2).max(1.0);
    for Measured { turn, features, .. } in all {
        let own = best.iter().position(|other| other == turn).map_or(0, |bit| 1_u8 << bit);
        let linked = index.terms_of(*turn).iter().filter_map(|count| {
            let (weight, mentioning) = links.get(&count.number())?;
            (mentioning & !own != 0).then_some(*weight)
        });
        features.set(Feature::Linked, (linked.sum::<f32>() / full).min(1.0));
    }
}

fn best(all: &[Measured]) -> Vec<u32> {
    let rough = |measured: &Measured| -> f32 {
        ROUGH.iter().map(|(feature, weight)| weight * measured.features.get(*feature)).sum()
    };
    let scored = all.iter().map(|one| (rough(one), one.turn));
    // In a small scope, turns that have nothing to do with the question would be among the best.
    let mut scored: Vec<(f32, u32)> = scored.filter(|(score, _)| *score > 0.0).collect();
    let by_score = |left: &(f32, u32), right: &(f32, u32)| right.0.total_cmp(&left.0);
    if scored.len() > BEST {
        scored.select_nth_unstable_by(BEST - 1, by_score);
        scored.truncate(BEST);
    }
    scored.into_iter().map(|(_, turn)| turn).collect()
}

#[cfg(test)]
mod tests {
    use backstay_core::Timestamp;

    use crate::{
        analyse::Query,
        index::tests::index_of,
        recall::{Feature, Profile, rank},
    };

    #[test]
    fn what_shares_a_rare_name_with_the_best_turn_is_linked_to_it() {
        let filler: Vec<String> = (0..100).map(|number| format!("filler{number} words")).collect();
        let mut turns = vec![
            ("thr_a", "The dentist recommended Okafor."),
            ("thr_b", "Okafor moved to Ghent."),
            ("thr_c", "The tram to work was late."),
        ];
        turns.extend(filler.iter().map(|text| ("thr_d", text.as_str())));
        let index = index_of(&turns);
        let query =
            Query::new("Where is the one whom the dentist recommended?", Timestamp::default());
        let ranking = rank(&index, &query, None, Profile::Dialogue, None, |_| true);
        let linked = |turn: u32| {
            let found = ranking.turns.iter().find(|ranked| ranked.turn == turn);
            found.map_or(0.0, |ranked| ranked.features.get(Feature::Linked))
        };
        assert!(linked(1) > 0.0);
        assert_eq!((linked(0), linked(2)), (0.0, 0.0));
    }
}
