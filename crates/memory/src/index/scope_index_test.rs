use backstay_core::memory::Speaker;
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

pub(crate) fn id(number: usize) -> RecalledId {
    RecalledId::parse(&format!("ep_{number}")).unwrap()
}

pub(crate) fn passage(vector: &[f32]) -> PassageVector {
    PassageVector { vector: vector.to_vec(), states: Vec::new() }
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
    let numbers = index.conversations().iter().flat_map(|conversation| &conversation.turns);
    numbers.map(|number| &*index.turn(*number).text).collect()
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
    assert!(index.set_vectors(&id(1), &[passage(&[0.0, 1.0])]));
    assert!(index.set_vectors(&id(2), &[passage(&[1.0, 0.0])]));
    let full_bytes = index.size_bytes();
    index.remove(|other| *other == id(1));
    assert!(index.terms().postings("pear").is_empty() && index.terms().postings("plum").len() == 1);
    assert_eq!(index.vectors().count(), 1);
    let cosines = index.vectors().scan(&[1.0, 0.0]).unwrap();
    assert!(cosines.of(0).is_none() && (cosines.of(1).unwrap() - 1.0).abs() < 0.01);
    assert_eq!(index.neighbour(0, 1), Some(1));
    assert!(index.size_bytes() < full_bytes);
}

#[test]
fn statements_come_and_go_and_leave_the_turns_alone() {
    use crate::learn::samples::known;
    let mut index = index_of(&[("thr_a", "apple"), ("thr_a", "pear")]);
    let mut plum = known("mem_plum", "Ana grows plums.");
    index.set_statements(&[plum.clone(), known("mem_fig", "Ana sells figs.")]);
    assert_eq!(index.turns().len(), 4);
    assert_eq!(index.neighbour(index.number(&id_of("mem_fig")).unwrap(), -1), None);
    plum.version = 2;
    plum.said.text = "Ana grows quinces.".to_owned();
    index.set_statements(std::slice::from_ref(&plum));
    assert!(index.terms().postings("plum").is_empty() && index.terms().postings("fig").is_empty());
    assert_eq!(index.terms().postings("quinc").len(), 1);
    index.remove(|id| *id == id_of("mem_plum"));
    index.set_statements(&[plum]);
    assert_eq!(index.turns().len(), 3, "forgotten and learned again");
}

fn id_of(text: &str) -> RecalledId {
    RecalledId::parse(text).unwrap()
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
        let vector = |number: usize| passage(&[number as f32, 1.0]);
        let mut index = ScopeIndex::default();
        let mut held = std::collections::BTreeSet::new();
        for (number, added) in steps {
            if added {
                index.append([make(number)]);
                if held.insert(number) {
                    index.set_vectors(&id(number), &[vector(number)]);
                }
            } else {
                held.remove(&number);
                index.remove(|other| *other == id(number));
            }
        }
        let mut fresh = ScopeIndex::default();
        fresh.append(held.iter().map(|number| make(*number)));
        for number in &held {
            fresh.set_vectors(&id(*number), &[vector(*number)]);
        }
        prop_assert_eq!(index.size_bytes(), fresh.size_bytes());
        prop_assert_eq!(index.total_length(), fresh.total_length());
        for term in ["word0", "word1", "word2", "word3", "word4", "common"] {
            prop_assert_eq!(index.terms().postings(term).len(), fresh.terms().postings(term).len());
        }
        let cosines = |index: &ScopeIndex, number: usize| {
            let turn = index.number(&id(number)).unwrap();
            index.vectors().scan(&[1.0, 0.0]).unwrap().of(turn)
        };
        for number in &held {
            prop_assert_eq!(cosines(&index, *number), cosines(&fresh, *number));
        }
        let sorted = |index: &ScopeIndex| {
            let mut texts: Vec<Vec<String>> = index.conversations().iter()
                .map(|conversation| conversation.turns.iter()
                    .map(|number| index.turn(*number).id.to_string()).collect())
                .filter(|turns: &Vec<String>| !turns.is_empty())
                .collect();
            texts.sort();
            texts
        };
        prop_assert_eq!(sorted(&index), sorted(&fresh));
    }
}
