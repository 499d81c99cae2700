//! Questions about the whole of conversations: "summarise", "in which order". No few turns answer
//! them, so each conversation gives its summary, where a model has written one, and its best turns
//! in rotation, cut shorter than otherwise.

use std::collections::{HashMap, HashSet};

use backstay_core::memory::{Recalled, RecalledId};

use crate::{
    index::{STATEMENT_AUTHOR, ScopeIndex},
    recall::Ranked,
};

/// The best turns, one of each conversation, then a second of each, and so on.
pub(crate) fn in_rotation<'a>(index: &ScopeIndex, ranked: &'a [Ranked]) -> Vec<&'a Ranked> {
    let mut taken: HashMap<u32, usize> = HashMap::new();
    let mut rounds: Vec<(usize, &Ranked)> = ranked
        .iter()
        .map(|ranked| {
            let round = taken.entry(index.conversation_of(ranked.turn)).or_default();
            *round += 1;
            (*round, ranked)
        })
        .collect();
    // Stable: within a round the ranking's order stays.
    rounds.sort_by_key(|(round, _)| *round);
    rounds.into_iter().map(|(_, ranked)| ranked).collect()
}

/// The summaries of the conversations that these turns are of, each with its conversation's best
/// turn, in the order of those.
pub(crate) fn summaries<'a>(
    index: &ScopeIndex,
    ranked: &'a [Ranked],
) -> Vec<(&'a Ranked, Recalled)> {
    let mut seen = HashSet::new();
    let best = ranked.iter().filter(|ranked| seen.insert(index.conversation_of(ranked.turn)));
    best.filter_map(|best| {
        let conversation = index.conversation(best.turn);
        let last = index.turn(*conversation.turns.last()?);
        let summary = Recalled {
            id: RecalledId::Summary(conversation.thread.clone()?),
            text: conversation.summary.as_ref()?.to_string(),
            author: STATEMENT_AUTHOR.to_owned(),
            said_at: last.said_at,
            thread: conversation.thread.clone(),
            score: f64::from(best.score),
            why: "sums up a conversation about this".to_owned(),
        };
        Some((best, summary))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use backstay_core::{ThreadId, Timestamp};

    use super::*;
    use crate::{
        analyse::Query,
        index::tests::index_of,
        pack::{Limits, pack},
        recall::{Profile, rank},
    };

    #[test]
    fn a_question_about_everything_hears_each_conversation_and_its_summary() {
        let mut index = index_of(&[
            ("thr_a", "The garden needs a fence, we spoke of the garden for long."),
            ("thr_a", "The garden also needs a shed in the garden."),
            ("thr_b", "Yesterday the garden was flooded."),
        ]);
        let thread = ThreadId::parse("thr_a").unwrap();
        let summary = "They planned a fence and a shed.".to_owned();
        index.set_summaries([(thread.clone(), summary.clone())].into());
        let asked = |question: &str| {
            let query = Query::new(question, Timestamp::default());
            let ranking = rank(&index, &query, None, Profile::Dialogue, None, |_| true);
            let order = in_rotation(&index, &ranking.turns);
            let threads: Vec<u32> =
                order.iter().map(|ranked| index.conversation_of(ranked.turn)).collect();
            let limits = Limits { budget_tokens: 1_000, items: 50 };
            (threads, pack(&index, &query, &ranking, &limits).items)
        };
        let (threads, items) = asked("Please summarise our talks about the garden");
        assert_eq!((threads[0] != threads[1], threads.len()), (true, 3));
        let found = items.iter().find(|item| item.id == RecalledId::Summary(thread.clone()));
        assert_eq!(found.map(|item| &item.text), Some(&summary));
        let (_, items) = asked("What does the garden need?");
        assert!(items.iter().all(|item| item.text != summary));
        index.remove(|id| *id == crate::index::tests::id(1));
        assert!(index.conversation(0).summary.is_none(), "its turn went");
    }
}
