//! A segment: the turns that one call learns from, and what is known that may bear on them.

use backstay_core::{
    memory::{Episode, Statement, Trust},
    tokens,
};

/// Turns of one call: enough context to be understood, few enough for a small model.
pub const TURNS_MAX: usize = 40;
/// Tokens of one call's turns, as an estimate; a longer turn is cut in the middle to fit.
pub const TOKENS_MAX: u64 = 4_000;
/// Known memories that one call is shown.
pub const KNOWN_MAX: usize = 10;
/// Tokens that one turn may take in the prompt.
pub(super) const TURN_TOKENS_MAX: u64 = 1_000;

/// A turn, and how far its author can be believed.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    pub episode: Episode,
    pub trust: Trust,
}

/// What one call learns from. Turns and known memories are shown to the model under their numbers
/// here, counted from 1, and never under their real identifiers: a number that does not exist is
/// found out, an invented identifier might be someone else's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Segment {
    /// Oldest first, of one thread.
    pub turns: Vec<Turn>,
    /// Current and active, at most [`KNOWN_MAX`].
    pub known: Vec<Statement>,
    /// The thread's running summary before these turns; empty at its beginning.
    pub summary: String,
}

impl Segment {
    pub fn turn(&self, number: u32) -> Option<&Turn> {
        numbered(&self.turns, number)
    }

    pub fn known(&self, number: u32) -> Option<&Statement> {
        numbered(&self.known, number)
    }

    /// What everything in the segment, taken together, can be trusted with.
    pub fn trust(&self) -> Trust {
        self.turns.iter().map(|turn| turn.trust).min().unwrap_or_default()
    }
}

/// How many of these turns, from the first, make up the next segment: as many as fit, at least one.
pub fn next_length(turns: &[Turn]) -> usize {
    let mut used = 0;
    let fitting = turns.iter().take(TURNS_MAX).take_while(|turn| {
        used += tokens::estimate(&turn.episode.text).min(TURN_TOKENS_MAX);
        used <= TOKENS_MAX
    });
    fitting.count().max(usize::from(!turns.is_empty()))
}

fn numbered<T>(items: &[T], number: u32) -> Option<&T> {
    items.get(usize::try_from(number).ok()?.checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::samples::turn;

    #[test]
    fn a_long_conversation_is_learned_in_pieces_and_a_huge_turn_is_one() {
        let short: Vec<Turn> = (0..100).map(|n| turn(n, "user", "I live in Porto.")).collect();
        assert_eq!(next_length(&short), TURNS_MAX);
        let huge = vec![turn(0, "user", &"porto ".repeat(9_000))];
        assert_eq!(next_length(&huge), 1);
        let long: Vec<Turn> = (0..9).map(|n| turn(n, "user", &"porto ".repeat(900))).collect();
        assert_eq!(next_length(&long), 4);
        assert_eq!(next_length(&[]), 0);
    }

    #[test]
    fn numbers_count_from_one() {
        let segment =
            Segment { turns: vec![turn(0, "user", "I live in Porto.")], ..Segment::default() };
        assert!(segment.turn(1).is_some());
        assert!(segment.turn(0).is_none());
        assert!(segment.turn(u32::MAX).is_none());
    }
}
