//! What a server holds of every turn of a large scope: ten bytes. The rest is looked up for a question.

use std::collections::HashMap;

use backstay_core::Timestamp;
use backstay_store::BlockSpan;

use super::block::BlockFacts;

/// Stands for the conversation of a turn that was forgotten.
const NONE: u32 = u32::MAX;
/// Speakers that are known by name; nobody speaks of more.
const AUTHORS_MAX: usize = 1_000;

/// The turns of all blocks, numbered in the order in which they were written.
#[derive(Default)]
pub(super) struct Outline {
    /// With the number of each one's first turn.
    blocks: Vec<(BlockSpan, u32)>,
    lengths: Vec<u16>,
    conversations_of: Vec<u32>,
    /// Seconds since 1970.
    said_at: Vec<u32>,
    /// Turns and terms of each.
    conversations: Vec<(usize, u64)>,
    by_name: HashMap<u64, u32>,
    authors: Vec<(String, Vec<String>)>,
    turns: usize,
    time_span: Option<(Timestamp, Timestamp)>,
}

impl Outline {
    /// Adds a block that comes after all others.
    pub(super) fn push(&mut self, span: BlockSpan, facts: BlockFacts) {
        self.blocks.push((span, self.numbers()));
        let conversations: Vec<u32> =
            facts.conversations.iter().map(|name| self.conversation(*name)).collect();
        for turn in facts.turns {
            let Some(turn) = turn else {
                self.lengths.push(0);
                self.conversations_of.push(NONE);
                self.said_at.push(0);
                continue;
            };
            let conversation = conversations[turn.conversation as usize];
            self.lengths.push(turn.length);
            self.conversations_of.push(conversation);
            self.said_at.push(u32::try_from(turn.said_at_millis / 1_000).unwrap_or_default());
            let (turns, length) = &mut self.conversations[conversation as usize];
            *turns += 1;
            *length += u64::from(turn.length);
            self.turns += 1;
            let moment = Timestamp::from_millis(turn.said_at_millis);
            let (first, last) = self.time_span.unwrap_or((moment, moment));
            self.time_span = Some((first.min(moment), last.max(moment)));
        }
        facts.authors.into_iter().for_each(|(name, called)| self.introduce(name, called));
    }

    fn introduce(&mut self, name: String, called: Vec<String>) {
        if let Some((_, known)) = self.authors.iter_mut().find(|(known, _)| *known == name) {
            let new = called.into_iter().filter(|called| !known.contains(called));
            let new: Vec<String> = new.collect();
            known.extend(new);
        } else if self.authors.len() < AUTHORS_MAX {
            self.authors.push((name, called));
        }
    }

    pub(super) fn spans(&self) -> impl Iterator<Item = BlockSpan> {
        self.blocks.iter().map(|(span, _)| *span)
    }

    /// Above the number of every turn.
    pub(super) fn numbers(&self) -> u32 {
        u32::try_from(self.lengths.len()).unwrap_or(NONE)
    }

    pub(super) fn turns(&self) -> usize {
        self.turns
    }

    pub(super) fn time_span(&self) -> Option<(Timestamp, Timestamp)> {
        self.time_span
    }

    pub(super) fn authors(&self) -> &[(String, Vec<String>)] {
        &self.authors
    }

    pub(super) fn conversations(&self) -> &[(usize, u64)] {
        &self.conversations
    }

    pub(super) fn length(&self, turn: u32) -> Option<u16> {
        self.lengths.get(turn as usize).copied()
    }

    /// `None` for what was forgotten.
    pub(super) fn conversation_of(&self, turn: u32) -> Option<u32> {
        self.conversations_of.get(turn as usize).copied().filter(|number| *number != NONE)
    }

    pub(super) fn conversation_named(&self, name: u64) -> Option<u32> {
        self.by_name.get(&name).copied()
    }

    /// To the second.
    pub(super) fn said_at(&self, turn: u32) -> Timestamp {
        let seconds = self.said_at.get(turn as usize).copied().unwrap_or_default();
        Timestamp::from_millis(i64::from(seconds) * 1_000)
    }

    /// The number of the turn that was written as this one of its scope.
    pub(super) fn number(&self, sequence: u64) -> Option<u32> {
        let block =
            self.blocks.partition_point(|(span, _)| span.first <= sequence).checked_sub(1)?;
        let (span, first) = self.blocks[block];
        let place = u32::try_from(sequence - span.first).ok()?;
        (sequence <= span.last).then(|| first + place)
    }

    /// The opposite.
    pub(super) fn sequence(&self, turn: u32) -> Option<u64> {
        let block = self.blocks.partition_point(|(_, first)| *first <= turn).checked_sub(1)?;
        let (span, first) = self.blocks[block];
        Some(span.first + u64::from(turn - first))
    }

    /// The number of a block's first turn.
    pub(super) fn first_of(&self, span_first: u64) -> Option<u32> {
        let found = self.blocks.binary_search_by_key(&span_first, |(span, _)| span.first).ok()?;
        Some(self.blocks[found].1)
    }

    pub(super) fn size_bytes(&self) -> usize {
        let of_turn = size_of::<u16>() + 2 * size_of::<u32>();
        let of_conversation = size_of::<(usize, u64)>() + 2 * size_of::<(u64, u32)>();
        self.lengths.len() * of_turn + self.conversations.len() * of_conversation
    }

    fn conversation(&mut self, name: u64) -> u32 {
        let next = u32::try_from(self.conversations.len()).unwrap_or(NONE);
        let number = *self.by_name.entry(name).or_insert(next);
        if number == next {
            self.conversations.push((0, 0));
        }
        number
    }
}
