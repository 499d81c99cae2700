//! The whole of a large scope as the words of one question see it.

use std::collections::HashMap;

use super::{Large, Place};
use crate::{
    analyse::Query,
    index::{
        Count, ScopeIndex,
        bm25::{Collection, Parameters, WindowStatistics, WordScores},
    },
    recall::Lexical,
};

/// Turns of blocks by their numbers, then those that no block covers.
pub(super) struct Whole<'a> {
    large: &'a Large,
    index: &'a ScopeIndex,
    /// By term, whatever is asked for.
    postings: HashMap<&'a str, Vec<Count>>,
    /// Turns and terms of each.
    conversations: Vec<(usize, u64)>,
    /// By place among what no block covers.
    conversations_of_loose: Vec<u32>,
}

/// What words are worth, by the numbers of a [`Whole`].
pub(super) struct Scores {
    terms: Vec<String>,
    pub(super) words: WordScores,
}

impl<'a> Whole<'a> {
    /// `in_blocks` are the turns of blocks that mention each term.
    pub(super) fn new(
        large: &'a Large,
        index: &'a ScopeIndex,
        in_blocks: &'a HashMap<String, Vec<Count>>,
    ) -> Self {
        let first = large.outline.numbers();
        let loose = |term: &str| {
            let postings = index.terms().postings(term).iter();
            postings.filter_map(|count| match large.places.get(count.number() as usize) {
                Some(Place::Loose(place)) => Some(Count::new(first + place, count.count())),
                Some(Place::InBlock(_)) | None => None,
            })
        };
        let postings = in_blocks
            .iter()
            .map(|(term, found)| {
                (term.as_str(), found.iter().copied().chain(loose(term)).collect())
            })
            .collect();
        let mut conversations = large.outline.conversations().to_vec();
        let mut new: HashMap<u32, u32> = HashMap::new();
        let mut conversations_of_loose = Vec::with_capacity(large.loose.len());
        for number in &large.loose {
            let thread = index.conversation(*number).thread.as_ref();
            let name = thread.map(|thread| super::block::conversation_name(thread.as_str()));
            let known = name.and_then(|name| large.outline.conversation_named(name));
            let conversation = known.unwrap_or_else(|| {
                *new.entry(index.conversation_of(*number)).or_insert_with(|| {
                    conversations.push((0, 0));
                    u32::try_from(conversations.len() - 1).unwrap_or_default()
                })
            });
            let (turns, length) = &mut conversations[conversation as usize];
            *turns += 1;
            *length += index.length(*number) as u64;
            conversations_of_loose.push(conversation);
        }
        Self { large, index, postings, conversations, conversations_of_loose }
    }

    pub(super) fn scores(&self, query: &Query, parameters: Parameters) -> Scores {
        let terms = query.terms.iter().map(|term| term.term.clone()).collect();
        Scores { terms, words: WordScores::of(self, query, parameters) }
    }

    /// What the question's words are worth, by the numbers of the index. `known` is used where it is
    /// of the same terms.
    pub(super) fn lexical(&self, query: &Query, parameters: Parameters, known: &Scores) -> Lexical {
        let is_same = query.terms.iter().map(|term| &term.term).eq(&known.terms);
        let made = (!is_same).then(|| self.scores(query, parameters));
        let scores = &made.as_ref().unwrap_or(known).words;
        let own = (0_u32..).zip(&self.large.places);
        let own = own.map(|(_, place)| scores.own[self.number(*place) as usize]);
        let conversations = self.index.conversations().iter().map(|conversation| {
            let place = self.large.places.get(*conversation.turns.first()? as usize)?;
            let whole = self.conversation_of(self.number(*place));
            scores.session.get(whole as usize).copied()
        });
        let words = WordScores {
            own: own.collect(),
            session: conversations.map(Option::unwrap_or_default).collect(),
            own_best: scores.own_best,
            session_best: scores.session_best,
            mentions: scores.mentions.clone(),
        };
        let spans = [self.large.outline.time_span(), self.index.time_span()];
        let time_span = spans
            .into_iter()
            .flatten()
            .reduce(|left, right| (left.0.min(right.0), left.1.max(right.1)));
        Lexical {
            words,
            windows: WindowStatistics::of(self, query),
            turns: self.turns(),
            time_span,
        }
    }

    fn number(&self, place: Place) -> u32 {
        match place {
            Place::InBlock(held) => held.turn,
            Place::Loose(place) => self.large.outline.numbers() + place,
        }
    }

    fn loose(&self, turn: u32) -> usize {
        (turn - self.large.outline.numbers()) as usize
    }
}

impl Collection for Whole<'_> {
    fn turns(&self) -> usize {
        self.large.outline.turns() + self.large.loose.len()
    }

    fn numbers(&self) -> usize {
        self.large.outline.numbers() as usize + self.large.loose.len()
    }

    fn total_length(&self) -> u64 {
        self.conversations.iter().map(|(_, length)| length).sum()
    }

    fn length(&self, turn: u32) -> f32 {
        match self.large.outline.length(turn) {
            Some(length) => f32::from(length),
            None => {
                self.large.loose.get(self.loose(turn)).map_or(0.0, |own| self.index.length(*own))
            }
        }
    }

    fn conversation_of(&self, turn: u32) -> u32 {
        if turn < self.large.outline.numbers() {
            return self.large.outline.conversation_of(turn).unwrap_or_default();
        }
        self.conversations_of_loose.get(self.loose(turn)).copied().unwrap_or_default()
    }

    fn conversations(&self) -> impl ExactSizeIterator<Item = (usize, u64)> {
        self.conversations.iter().copied()
    }

    fn postings(&self, term: &str) -> &[Count] {
        self.postings.get(term).map_or(&[], Vec::as_slice)
    }
}
