//! One block of a large scope: what its turns are to a question, without their texts.

use std::collections::{BTreeMap, HashMap};

use backstay_core::memory::Episode;
use backstay_store::{BlockSpan, NewBlock};

use super::codec::{Reader, Unreadable, put_number, put_signed, put_text};
use crate::index::{Count, ScopeIndex};

/// Words are kept in so many parts, so that a question reads little beside its own.
const PARTS: u32 = 256;

/// What a block says of one turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TurnFacts {
    /// Places in the block's own list.
    pub(super) conversation: u32,
    /// Terms with repetitions.
    pub(super) length: u16,
    pub(super) said_at_millis: i64,
}

/// What a block says of its turns.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct BlockFacts {
    /// Names of conversations that are the same in every block.
    pub(super) conversations: Vec<u64>,
    /// By place in the block; `None` for what was forgotten.
    pub(super) turns: Vec<Option<TurnFacts>>,
    /// Those who speak, each with what else they asked to be called.
    pub(super) authors: Vec<(String, Vec<String>)>,
}

/// The part that a term is in.
pub(super) fn part_of(term: &str) -> u32 {
    fnv(term.as_bytes()) as u32 % PARTS
}

/// The name of a thread in blocks.
pub(super) fn conversation_name(thread: &str) -> u64 {
    fnv(thread.as_bytes())
}

/// FNV-1a (Fowler, Noll and Vo): the same on every machine and in every version.
fn fnv(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Makes a block of the turns that are left of what was written in a span. They are read as
/// [`ScopeIndex`] reads them, so that both see the same words.
pub(super) fn made(span: BlockSpan, turns: Vec<(u64, Episode)>, forgotten: u64) -> NewBlock {
    let places: Vec<u64> = turns.iter().map(|(sequence, _)| sequence - span.first).collect();
    let mut index = ScopeIndex::default();
    index.append(turns.into_iter().map(|(_, episode)| episode));
    let facts = facts(span, &index, &places);
    NewBlock { span, turns: facts.to_bytes(), words: words(&index, &places), forgotten }
}

fn facts(span: BlockSpan, index: &ScopeIndex, places: &[u64]) -> BlockFacts {
    let mut facts = BlockFacts::default();
    let length = usize::try_from(span.last + 1 - span.first).unwrap_or_default();
    facts.turns.resize(length, None);
    for conversation in index.conversations() {
        let thread = conversation.thread.as_ref().map_or("", |thread| thread.as_str());
        facts.conversations.push(conversation_name(thread));
    }
    for (number, place) in (0_u32..).zip(places) {
        let slot = usize::try_from(*place).ok().and_then(|place| facts.turns.get_mut(place));
        if let (Some(slot), true) = (slot, (number as usize) < index.turns().len()) {
            *slot = Some(TurnFacts {
                conversation: index.conversation_of(number),
                length: index.length(number) as u16,
                said_at_millis: index.turn(number).said_at.millis(),
            });
        }
    }
    let authors = index.authors().iter();
    facts.authors =
        authors.map(|author| (author.name.to_string(), author.called.clone())).collect();
    facts
}

fn words(index: &ScopeIndex, places: &[u64]) -> Vec<(u32, Vec<u8>)> {
    let mut parts: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    for (term, postings) in index.terms().all() {
        let out = parts.entry(part_of(term)).or_default();
        put_text(out, term);
        put_number(out, postings.len() as u64);
        let mut last = 0;
        for posting in postings {
            let place = places.get(posting.number() as usize).copied().unwrap_or_default();
            put_number(out, place - last);
            put_number(out, u64::from(posting.count()));
            last = place;
        }
    }
    parts.into_iter().collect()
}

/// Adds the turns that mention some terms to their lists. `slot` is the number of the block's first
/// turn, and blocks come in their order.
pub(super) fn read_words(
    content: &[u8],
    slot: u32,
    wanted: &mut HashMap<String, Vec<Count>>,
) -> Result<(), Unreadable> {
    let mut reader = Reader::new(content);
    while !reader.is_at_end() {
        let mut found = wanted.get_mut(reader.text()?);
        let mut place = slot;
        for _ in 0..reader.number()? {
            place = place.checked_add(reader.small()?).ok_or(Unreadable)?;
            let count = reader.small()?;
            if let Some(postings) = &mut found {
                postings.push(Count::new(place, count));
            }
        }
    }
    Ok(())
}

impl BlockFacts {
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_number(&mut out, self.conversations.len() as u64);
        for name in &self.conversations {
            out.extend_from_slice(&name.to_le_bytes());
        }
        put_number(&mut out, self.turns.len() as u64);
        let mut before = 0;
        for turn in &self.turns {
            let Some(turn) = turn else {
                out.push(0);
                continue;
            };
            put_number(&mut out, u64::from(turn.conversation) + 1);
            put_number(&mut out, u64::from(turn.length));
            put_signed(&mut out, turn.said_at_millis - before);
            before = turn.said_at_millis;
        }
        put_number(&mut out, self.authors.len() as u64);
        for (name, called) in &self.authors {
            put_text(&mut out, name);
            put_number(&mut out, called.len() as u64);
            called.iter().for_each(|called| put_text(&mut out, called));
        }
        out
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut reader = Reader::new(bytes);
        let mut facts = Self::default();
        for _ in 0..reader.number()? {
            facts.conversations.push(reader.name()?);
        }
        let mut before = 0_i64;
        for _ in 0..reader.number()? {
            let conversation = reader.small()?;
            let Some(conversation) = conversation.checked_sub(1) else {
                facts.turns.push(None);
                continue;
            };
            if conversation as usize >= facts.conversations.len() {
                return Err(Unreadable);
            }
            let length = u16::try_from(reader.small()?).map_err(|_| Unreadable)?;
            before = before.checked_add(reader.signed()?).ok_or(Unreadable)?;
            facts.turns.push(Some(TurnFacts { conversation, length, said_at_millis: before }));
        }
        for _ in 0..reader.number()? {
            let name = reader.text()?.to_owned();
            let count = reader.number()?;
            let called = (0..count).map(|_| reader.text().map(str::to_owned));
            facts.authors.push((name, called.collect::<Result<_, _>>()?));
        }
        Ok(facts)
    }
}

#[cfg(test)]
mod tests {
    use backstay_core::Timestamp;

    use super::*;
    use crate::index::tests::episode;

    #[test]
    fn a_block_says_of_its_turns_what_an_index_says() {
        let said = |number, thread, text: &str| Episode {
            author: "Ann".to_owned(),
            said_at: Timestamp::from_millis(1_700_000_000_000 - number as i64),
            ..episode(number, thread, 0, text)
        };
        let turns = vec![
            (11, said(1, "thr_a", "Apples and pears, call me Annie.")),
            (13, said(2, "thr_b", "No apples")),
        ];
        let mut index = ScopeIndex::default();
        index.append(turns.iter().map(|(_, episode)| episode.clone()));
        let block = made(BlockSpan { first: 11, last: 14 }, turns, 0);
        let facts = BlockFacts::from_bytes(&block.turns).unwrap();
        let [a, b] = ["thr_a", "thr_b"].map(conversation_name);
        assert_eq!(facts.conversations, [a, b]);
        let lengths: Vec<Option<u16>> =
            facts.turns.iter().map(|turn| turn.map(|turn| turn.length)).collect();
        let length = |turn| Some(index.length(turn) as u16);
        assert_eq!(lengths, [length(0), None, length(1), None]);
        assert_eq!(facts.turns[2].unwrap().said_at_millis, 1_699_999_999_998);
        assert_eq!(facts.authors, [("Ann".to_owned(), index.authors()[0].called.clone())]);

        for (term, expected) in index.terms().all() {
            let mut wanted = HashMap::from([(term.to_owned(), Vec::new())]);
            let (_, content) = block.words.iter().find(|(part, _)| *part == part_of(term)).unwrap();
            read_words(content, 100, &mut wanted).unwrap();
            let number = |count: &Count| if count.number() == 0 { 100 } else { 102 };
            let expected: Vec<Count> =
                expected.iter().map(|count| Count::new(number(count), count.count())).collect();
            assert_eq!(wanted[term], expected, "{term}");
        }
        assert!(BlockFacts::from_bytes(&block.turns[1..]).is_err() || block.turns.len() < 2);
    }
}
