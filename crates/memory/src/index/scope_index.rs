//! The index of one scope, kept current turn by turn.

use std::collections::{HashMap, HashSet};

use backstay_core::{EpisodeId, ThreadId, memory::Episode};

use super::{
    Turn,
    turn::{Conversation, indexed_text},
    vectors::{Cosines, Vectors},
};
use crate::analyse;

/// Turns that mention a term, each with how often.
pub(crate) type Postings = [(u32, u32)];

/// Everything recall needs of one scope, in memory. Windows and whole conversations need no
/// postings of their own: theirs follow from those of the turns.
#[derive(Default)]
pub(crate) struct ScopeIndex {
    turns: Vec<Turn>,
    conversations: Vec<Conversation>,
    vectors: Vectors,
    term_numbers: HashMap<Box<str>, u32>,
    postings: Vec<Vec<(u32, u32)>>,
    by_id: HashMap<EpisodeId, usize>,
    by_thread: HashMap<ThreadId, usize>,
    /// Of the turns, without vectors.
    turns_bytes: usize,
}

impl ScopeIndex {
    /// Adds turns; those that are known already change nothing.
    pub(crate) fn append(&mut self, episodes: impl IntoIterator<Item = Episode>) {
        for episode in episodes {
            if !self.by_id.contains_key(&episode.id) {
                let terms = self.count_terms(&indexed_text(&episode));
                self.push(Turn::new(episode, terms));
            }
        }
    }

    /// Makes the index hold exactly these.
    pub(crate) fn reconcile(&mut self, episodes: Vec<Episode>) {
        let kept: HashSet<&EpisodeId> = episodes.iter().map(|episode| &episode.id).collect();
        let is_gone = |id: &EpisodeId| !kept.contains(id);
        self.remove(is_gone);
        self.append(episodes);
    }

    /// Forgets turns. What stood on both sides of one now stands side by side.
    pub(crate) fn remove(&mut self, is_gone: impl Fn(&EpisodeId) -> bool) {
        if !self.by_id.keys().any(&is_gone) {
            return;
        }
        let old = std::mem::take(self);
        // Terms that nobody mentions any more are dropped with the words they were made of.
        let words: HashMap<u32, Box<str>> =
            old.term_numbers.into_iter().map(|(word, number)| (number, word)).collect();
        for (number, mut turn) in old.turns.into_iter().enumerate() {
            if is_gone(&turn.episode.id) {
                continue;
            }
            for (term, _) in &mut turn.terms {
                let word = words.get(term).map_or("", |word| word);
                *term = self.term_number(word);
            }
            let id = turn.episode.id.clone();
            self.push(turn);
            if let Some(vector) = old.vectors.get(number) {
                self.set_vector(&id, vector);
            }
        }
    }

    /// Gives a turn its vector; false when there is no such turn or the vector is of another model.
    pub(crate) fn set_vector(&mut self, id: &EpisodeId, vector: &[f32]) -> bool {
        let turn = self.by_id.get(id).copied();
        turn.is_some_and(|turn| self.vectors.set(turn, vector))
    }

    pub(crate) fn turns(&self) -> &[Turn] {
        &self.turns
    }

    pub(crate) fn conversations(&self) -> &[Conversation] {
        &self.conversations
    }

    pub(crate) fn postings(&self, term: &str) -> &Postings {
        let number = self.term_numbers.get(term).and_then(|number| usize::try_from(*number).ok());
        number.and_then(|number| self.postings.get(number)).map_or(&[], Vec::as_slice)
    }

    /// The turn that stands this far after another in its conversation, or before it.
    pub(crate) fn neighbour(&self, turn: usize, distance: isize) -> Option<usize> {
        let Turn { conversation, place, .. } = &self.turns[turn];
        let place = place.checked_add_signed(distance)?;
        self.conversations[*conversation].get(place).copied()
    }

    /// `None` while no turn has a vector, and for a vector of another model.
    pub(crate) fn compare(&self, question: &[f32]) -> Option<Cosines> {
        self.vectors.compare(question, |turn| [self.neighbour(turn, -1), self.neighbour(turn, 1)])
    }

    pub(crate) fn vector_count(&self) -> usize {
        self.vectors.count()
    }

    /// About how much memory it takes.
    pub(crate) fn size_bytes(&self) -> usize {
        self.turns_bytes + self.vectors.size_bytes()
    }

    fn push(&mut self, mut turn: Turn) {
        let number = self.turns.len();
        let posting = u32::try_from(number).unwrap_or(u32::MAX);
        for (term, count) in &turn.terms {
            if let Some(postings) = self.postings.get_mut(*term as usize) {
                postings.push((posting, *count));
            }
        }
        turn.conversation = self.conversation(&turn.episode.thread);
        self.turns_bytes += turn.size_bytes();
        self.by_id.insert(turn.episode.id.clone(), number);
        self.turns.push(turn);
        self.vectors.grow(self.turns.len());
        self.place(number);
    }

    fn conversation(&mut self, thread: &ThreadId) -> usize {
        let next = self.conversations.len();
        let number = *self.by_thread.entry(thread.clone()).or_insert(next);
        if number == next {
            self.conversations.push(Conversation::new());
        }
        number
    }

    /// Puts a turn into its conversation by position; nearly always that is at the end.
    fn place(&mut self, number: usize) {
        let position = self.turns[number].episode.position;
        let conversation = &mut self.conversations[self.turns[number].conversation];
        let place =
            conversation.partition_point(|other| self.turns[*other].episode.position <= position);
        conversation.insert(place, number);
        for (place, moved) in conversation.iter().enumerate().skip(place) {
            self.turns[*moved].place = place;
        }
    }

    fn count_terms(&mut self, text: &str) -> Vec<(u32, u32)> {
        let mut counts: HashMap<u32, u32> = HashMap::new();
        for term in analyse::terms(text) {
            *counts.entry(self.term_number(&term)).or_default() += 1;
        }
        counts.into_iter().collect()
    }

    fn term_number(&mut self, term: &str) -> u32 {
        if let Some(number) = self.term_numbers.get(term) {
            return *number;
        }
        let number = u32::try_from(self.postings.len()).unwrap_or(u32::MAX);
        self.term_numbers.insert(term.into(), number);
        self.postings.push(Vec::new());
        number
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use backstay_core::{Timestamp, memory::Speaker};
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn episode(number: usize, thread: &str, position: u32, text: &str) -> Episode {
        Episode {
            id: EpisodeId::parse(&format!("ep_{number}")).unwrap(),
            thread: ThreadId::parse(thread).unwrap(),
            position,
            speaker: Speaker::User,
            author: "user".to_owned(),
            text: text.to_owned(),
            said_at: Timestamp::parse("2023-05-08T12:00:00Z").unwrap(),
        }
    }

    /// Turns by thread and text, in order.
    pub(crate) fn index_of(turns: &[(&str, &str)]) -> ScopeIndex {
        let mut index = ScopeIndex::default();
        let episodes = turns.iter().enumerate();
        index.append(episodes.map(|(number, (thread, text))| {
            episode(number, thread, u32::try_from(number).unwrap(), text)
        }));
        index
    }

    fn texts_in_order(index: &ScopeIndex) -> Vec<&str> {
        let numbers = index.conversations().iter().flatten();
        numbers.map(|number| index.turns()[*number].episode.text.as_str()).collect()
    }

    #[test]
    fn a_turn_that_arrives_late_stands_where_it_was_said() {
        let mut index = ScopeIndex::default();
        index.append([episode(1, "thr_a", 0, "one"), episode(3, "thr_a", 2, "three")]);
        index.append([episode(2, "thr_a", 1, "two"), episode(2, "thr_a", 1, "two")]);
        assert_eq!(texts_in_order(&index), ["one", "two", "three"]);
        assert_eq!(index.neighbour(0, 2), Some(1));
        assert_eq!(index.neighbour(0, -1), None);
    }

    #[test]
    fn what_is_removed_leaves_no_word_and_no_vector() {
        let mut index = index_of(&[("thr_a", "apple"), ("thr_a", "pear"), ("thr_a", "plum")]);
        assert!(index.set_vector(&EpisodeId::parse("ep_1").unwrap(), &[0.0, 1.0]));
        assert!(index.set_vector(&EpisodeId::parse("ep_2").unwrap(), &[1.0, 0.0]));
        let full_bytes = index.size_bytes();
        index.remove(|id| id.as_str() == "ep_1");
        assert!(index.postings("pear").is_empty() && index.postings("plum").len() == 1);
        assert_eq!(index.vector_count(), 1);
        assert_eq!(index.compare(&[1.0, 0.0]).unwrap().own, [None, Some(1.0)]);
        assert_eq!(index.neighbour(0, 1), Some(1));
        assert!(index.size_bytes() < full_bytes);
    }

    proptest! {
        /// However turns come and go, the index is the one that is built from what remains.
        #[test]
        fn an_index_kept_current_equals_one_built_anew(
            steps in prop::collection::vec((0_usize..12, any::<bool>()), 0..40)
        ) {
            let make = |number: usize| {
                let thread = if number.is_multiple_of(2) { "thr_a" } else { "thr_b" };
                episode(number, thread, u32::try_from(number).unwrap(), &format!("word{} common", number % 5))
            };
            let mut index = ScopeIndex::default();
            let mut held = std::collections::BTreeSet::new();
            for (number, added) in steps {
                if added {
                    held.insert(number);
                    index.append([make(number)]);
                } else {
                    held.remove(&number);
                    let id = make(number).id;
                    index.remove(|other| *other == id);
                }
            }
            let mut fresh = ScopeIndex::default();
            fresh.append(held.iter().map(|number| make(*number)));
            prop_assert_eq!(index.size_bytes(), fresh.size_bytes());
            for term in ["word0", "word1", "word2", "word3", "word4", "common"] {
                prop_assert_eq!(index.postings(term).len(), fresh.postings(term).len());
            }
            let sorted = |index: &ScopeIndex| {
                let mut texts: Vec<Vec<String>> = index.conversations().iter()
                    .map(|conversation| conversation.iter()
                        .map(|number| index.turns()[*number].episode.id.to_string()).collect())
                    .filter(|turns: &Vec<String>| !turns.is_empty())
                    .collect();
                texts.sort();
                texts
            };
            prop_assert_eq!(sorted(&index), sorted(&fresh));
        }
    }
}
