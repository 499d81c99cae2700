//! Scopes that are too large to be held in memory.
//!
//! The database says which turns are likeliest: by their words from blocks of the scope's words, which
//! are read for the question's terms alone, by their meaning from pgvector. Those turns and the ones
//! beside them are then read into an index that holds a part of the scope, with its newest turns, which
//! no block covers yet, and its statements. It is ranked as any other index is, except that what words
//! are worth is told by the whole scope ([`Whole`]).

mod block;
mod build;
mod choose;
mod codec;
mod likely;
mod outline;
mod refresh;
mod whole;

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicU64, Ordering},
};

use backstay_core::memory::RecalledId;
use backstay_store::BlockSpan;

use self::outline::Outline;
use crate::{index::ScopeIndex, recall::Profile};

pub(crate) use build::{Built, build_next};
pub(crate) use likely::{Likeliest, LookUp, Words, likeliest};
pub(crate) use refresh::{Upkeep, refresh};

/// Turns of blocks that are held at once; then they are let go of.
const HELD_MAX: usize = 20_000;

/// What is known of a large scope beside the index that holds a part of it.
#[derive(Default)]
pub(crate) struct Large {
    outline: Outline,
    profile: Option<Profile>,
    /// Turns of blocks that the index holds.
    held: HashMap<RecalledId, Held>,
    /// Those of them that can be ranked, by their numbers in the outline.
    ranked: HashSet<u32>,
    /// By the index's numbers.
    places: Vec<Place>,
    /// The index's numbers of what no block covers.
    loose: Vec<u32>,
    /// Another one whenever the blocks or what they do not cover have changed.
    generation: u64,
}

#[derive(Clone, Copy)]
struct Held {
    /// Its number in the outline.
    turn: u32,
    /// Whether those beside it are held as well, so that it can be ranked.
    is_whole: bool,
}

/// Where a held turn stands in the scope.
#[derive(Clone, Copy)]
enum Place {
    InBlock(Held),
    /// Among what no block covers, from 0.
    Loose(u32),
}

impl Large {
    /// The scope's, as its newest turns told when the index was filled.
    pub(crate) fn profile(&self) -> Option<Profile> {
        self.profile
    }

    /// Whether a turn of the index may be ranked: of others it is not known what stands beside them.
    pub(crate) fn is_whole(&self, number: u32) -> bool {
        match self.places.get(number as usize) {
            Some(Place::InBlock(held)) => held.is_whole,
            Some(Place::Loose(_)) | None => true,
        }
    }

    /// Whether a turn of a block, by its number in the outline, is held and can be ranked.
    fn is_ranked(&self, turn: u32) -> bool {
        self.ranked.contains(&turn)
    }

    pub(crate) fn covers(&self, spans: &[BlockSpan]) -> bool {
        self.outline.spans().eq(spans.iter().copied())
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.outline.size_bytes()
    }

    fn begin_generation(&mut self) {
        static GENERATIONS: AtomicU64 = AtomicU64::new(1);
        self.generation = GENERATIONS.fetch_add(1, Ordering::Relaxed);
    }

    /// Makes known to the index who speaks in what it does not hold.
    fn introduce_authors(&self, index: &mut ScopeIndex) {
        for (name, called) in self.outline.authors() {
            index.introduce(name, called);
        }
    }

    /// Notes where everything stands that the index holds.
    pub(crate) fn renumber(&mut self, index: &ScopeIndex) {
        self.places.clear();
        self.loose.clear();
        self.ranked.clear();
        for (number, turn) in (0_u32..).zip(index.turns()) {
            let place = match self.held.get(&turn.id) {
                Some(held) => {
                    if held.is_whole {
                        self.ranked.insert(held.turn);
                    }
                    Place::InBlock(*held)
                }
                None => {
                    let place = u32::try_from(self.loose.len()).unwrap_or(u32::MAX);
                    self.loose.push(number);
                    Place::Loose(place)
                }
            };
            self.places.push(place);
        }
    }
}
