//! Which turn mentions which term how often, in both directions.

use std::ops::Range;

use indexmap::IndexMap;

/// Turns that an index can tell apart, and terms: what fits beside a count in 32 bits.
pub(super) const NUMBERS_MAX: u32 = 1 << 24;
const COUNT_BITS: u32 = 8;

/// A number, of a turn or a term, with how often one mentions the other; at most 255 times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(u32);

impl Count {
    pub(crate) fn new(number: u32, count: u32) -> Self {
        Self(number << COUNT_BITS | count.min(255))
    }

    pub(crate) fn number(self) -> u32 {
        self.0 >> COUNT_BITS
    }

    pub(crate) fn count(self) -> u32 {
        self.0 & 255
    }
}

/// The terms of a scope.
#[derive(Default)]
pub(crate) struct Terms {
    /// A term's number is its place.
    postings: IndexMap<Box<str>, Vec<Count>>,
    /// The terms of turn after turn.
    of_turns: Vec<Count>,
}

impl Terms {
    /// Notes the terms of a turn, which must be the last one so far. Where they stand, and how many
    /// there are with repetitions.
    pub(super) fn add<'a>(
        &mut self,
        turn: u32,
        terms: impl IntoIterator<Item = (&'a str, u32)>,
    ) -> (Range<usize>, u16) {
        let start = self.of_turns.len();
        let mut length = 0_u16;
        for (term, count) in terms {
            let number = self.number(term);
            if let Some((_, postings)) = self.postings.get_index_mut(number as usize) {
                postings.push(Count::new(turn, count));
                self.of_turns.push(Count::new(number, count));
                length = length.saturating_add(u16::try_from(count).unwrap_or(u16::MAX));
            }
        }
        (start..self.of_turns.len(), length)
    }

    /// The terms of a turn by where they stand.
    pub(super) fn of_turn(&self, range: Range<usize>) -> impl Iterator<Item = (&str, u32)> {
        self.counts(range).iter().filter_map(|count| {
            let (term, _) = self.postings.get_index(count.number() as usize)?;
            Some((&**term, count.count()))
        })
    }

    /// The same, by the terms' numbers.
    pub(super) fn counts(&self, range: Range<usize>) -> &[Count] {
        self.of_turns.get(range).unwrap_or_default()
    }

    /// `None` for a term that nobody mentions.
    pub(crate) fn number_of(&self, term: &str) -> Option<u32> {
        self.postings.get_index_of(term).and_then(|number| u32::try_from(number).ok())
    }

    /// How many turns mention a term, by its number.
    pub(crate) fn mentions(&self, number: u32) -> usize {
        self.postings.get_index(number as usize).map_or(0, |(_, postings)| postings.len())
    }

    /// Every term with the turns that mention it.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &[Count])> {
        self.postings.iter().map(|(term, postings)| (&**term, postings.as_slice()))
    }

    /// The turns that mention a term, in the order of their numbers.
    pub(crate) fn postings(&self, term: &str) -> &[Count] {
        self.postings.get(term).map_or(&[], Vec::as_slice)
    }

    fn number(&mut self, term: &str) -> u32 {
        if let Some(number) = self.number_of(term) {
            return number;
        }
        let number = u32::try_from(self.postings.len()).unwrap_or(NUMBERS_MAX);
        if number < NUMBERS_MAX {
            self.postings.insert(term.into(), Vec::new());
        }
        number
    }
}
