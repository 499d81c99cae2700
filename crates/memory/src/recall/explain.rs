//! Why a turn was recalled, in a sentence for a person.

use backstay_core::memory::RecalledId;

use super::{Feature, Features, Ranked, relevance::COSINE_NOISE};
use crate::{analyse::Query, index::ScopeIndex};

/// A sentence names no more reasons than this, the weightiest first.
const REASONS_MAX: usize = 3;
const WORDS_MAX: usize = 4;
/// What adds less than this to a score is no reason for it.
const SHARE_MIN: f32 = 0.05;

/// Names what added most to the score. `shares the words "lisbon" and "move"; close in meaning`.
pub(crate) fn explain(
    index: &ScopeIndex,
    query: &Query,
    ranked: &Ranked,
    weights: &Features,
) -> String {
    let turn = index.turn(ranked.turn);
    let added = |feature: Feature| ranked.features.get(feature) * weights.get(feature);
    let sum = |features: &[Feature]| features.iter().map(|feature| added(*feature)).sum::<f32>();
    let beside = ranked.near_terms & !ranked.own_terms;
    let (turns, whole) = match turn.id {
        RecalledId::Chunk(_) => ("passages", "document"),
        RecalledId::Episode(_) | RecalledId::Memory(_) | RecalledId::Summary(_) => {
            ("turns", "conversation")
        }
    };
    let mut reasons = vec![
        (added(Feature::OwnWords), own_words(query, ranked.own_terms)),
        (sum(&[Feature::NearWords, Feature::WideWords]), words_beside(query, beside, turns)),
        (sum(&[Feature::Meaning, Feature::TokenMatch]), ranked.cosine.and_then(meaning)),
        (
            sum(&[Feature::NearMeaning, Feature::NearTokenMatch]),
            Some(format!("the {turns} around it are close in meaning")),
        ),
        (
            sum(&[Feature::SessionWords, Feature::SessionMeaning, Feature::SessionTokenMatch]),
            Some(format!("its {whole} is about this")),
        ),
        (
            sum(&[Feature::SpeakerNamed, Feature::NamedSpeaksOfSelf]),
            Some(format!("said by {}", index.author(turn).name)),
        ),
        (added(Feature::DateNamed), Some(format!("said on {}", turn.said_at.date()))),
        (
            sum(&[
                Feature::StatesInstruction,
                Feature::StatesPreference,
                Feature::PreferenceForRequest,
            ]),
            Some("says how its speaker wants things done".to_owned()),
        ),
        (
            added(Feature::TimeSpokenOf),
            turn.speaks_of.map(|(first, _)| format!("speaks of {first}")),
        ),
        (added(Feature::Linked), Some("names what the likeliest memories name".to_owned())),
        (added(Feature::AnswersQuestion), Some("the turn before it asked a question".to_owned())),
    ];
    let total: f32 = reasons.iter().map(|(share, _)| share.max(0.0)).sum();
    reasons.sort_by(|left, right| right.0.total_cmp(&left.0));
    let named: Vec<String> = reasons
        .into_iter()
        .filter(|(share, _)| *share > 0.0 && *share >= SHARE_MIN * total)
        .filter_map(|(_, reason)| reason)
        .take(REASONS_MAX)
        .collect();
    if named.is_empty() { "stands near what was asked".to_owned() } else { named.join("; ") }
}

fn own_words(query: &Query, terms: u128) -> Option<String> {
    let (words, noun) = quoted(query, terms)?;
    Some(format!("shares the {noun} {words}"))
}

fn words_beside(query: &Query, terms: u128, turns: &str) -> Option<String> {
    let (words, _) = quoted(query, terms)?;
    Some(format!("the {turns} beside it mention {words}"))
}

/// Nothing below what two sentences taken at random have.
fn meaning(cosine: f32) -> Option<String> {
    match cosine {
        0.5.. => Some("close in meaning".to_owned()),
        COSINE_NOISE.. => Some("related in meaning".to_owned()),
        _ => None,
    }
}

fn quoted(query: &Query, terms: u128) -> Option<(String, &'static str)> {
    let shared = query.terms.iter().enumerate().filter(|(bit, _)| terms >> bit & 1 == 1);
    let words: Vec<String> =
        shared.map(|(_, term)| format!("\u{201C}{}\u{201D}", term.word)).take(WORDS_MAX).collect();
    match words.as_slice() {
        [] => None,
        [word] => Some((word.clone(), "word")),
        [first @ .., last] => Some((format!("{} and {last}", first.join(", ")), "words")),
    }
}

#[cfg(test)]
mod tests {
    use backstay_core::Timestamp;

    use super::*;
    use crate::{
        index::tests::index_of,
        recall::{Profile, rank},
    };

    #[test]
    fn the_reason_names_the_words_that_were_shared() {
        let index = index_of(&[
            ("thr_a", "Where did you go?"),
            ("thr_a", "We moved to Lisbon in spring."),
            ("thr_b", "The cat sleeps."),
        ]);
        let query = Query::new("Why move to Lisbon?", Timestamp::default());
        let ranking = rank(&index, &query, None, Profile::Dialogue, None, |_| true);
        let best = &ranking.turns[0];
        let why = explain(&index, &query, best, ranking.weights());
        assert!(
            why.contains("shares the words \u{201C}move\u{201D} and \u{201C}lisbon\u{201D}"),
            "{why}"
        );
        assert_eq!(best.turn, 1);
    }
}
