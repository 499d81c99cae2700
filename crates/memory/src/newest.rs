//! Vectors of what was said a moment ago, so that the very next question finds it by its meaning.
//!
//! Vectors are made in the background, within milliseconds where nothing else waits. Whoever asks sooner
//! waits for those of the newest turns, as for that of the question.

use backstay_core::{ThreadId, memory::RecalledId};
use backstay_store::PassageVector;

use crate::{Embedding, embed, index::ScopeIndex};

/// What is older than so many turns waits for the background.
const TURNS: usize = 16;
/// The built-in model takes some 14 ms of a core for each.
const PASSAGES_MAX: usize = 8;

/// Turns without vectors, and what a model has to read of each.
pub(crate) struct Newest {
    turns: Vec<(RecalledId, Vec<String>)>,
}

impl Newest {
    /// But for what the prompt shows already.
    pub(crate) fn of(index: &ScopeIndex, shown: Option<&(ThreadId, u32)>) -> Self {
        let mut left = PASSAGES_MAX;
        let count = u32::try_from(index.turns().len()).unwrap_or(u32::MAX);
        let numbers = (0..count).zip(index.turns()).rev().take(TURNS);
        let turns = numbers
            .filter(|(number, turn)| {
                matches!(turn.id, RecalledId::Episode(_))
                    && !index.vectors().has(*number)
                    && !index.is_shown(*number, shown)
            })
            .map(|(_, turn)| {
                let author = &index.author(turn).name;
                (turn.id.clone(), embed::passages(author, turn.said_at, &turn.text))
            })
            .take_while(|(_, passages)| {
                let fits = passages.len() <= left;
                left = left.saturating_sub(passages.len());
                fits
            });
        Self { turns: turns.collect() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    pub(crate) fn passages(&self) -> Vec<String> {
        self.turns.iter().flat_map(|(_, passages)| passages.iter().cloned()).collect()
    }

    /// `made` are the embeddings of [`Newest::passages`], in their order. The store gets its own from
    /// the background.
    pub(crate) fn give_vectors(self, made: Vec<Embedding>, index: &mut ScopeIndex) {
        let mut made = made.into_iter().map(PassageVector::from);
        for (id, passages) in self.turns {
            let vectors: Vec<PassageVector> = made.by_ref().take(passages.len()).collect();
            index.set_vectors(&id, &vectors);
        }
    }
}
