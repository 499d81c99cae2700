//! What one method brought for one question.

use std::{collections::HashSet, time::Duration};

use super::dataset::Evidence;

/// Token budgets that evidence is packed into.
pub(crate) const BUDGETS_TOKENS: [u64; 4] = [250, 500, 1_000, 2_000];
/// The one of them that recall has by default; what is injected is counted at it.
pub(crate) const DEFAULT_BUDGET: usize = 2;
/// How deep a ranking is looked at.
pub(crate) const DEPTH: usize = 50;

/// What must be found for a question.
pub(crate) struct Gold {
    /// Any turn of a piece finds it.
    pieces: Vec<HashSet<usize>>,
    sessions: HashSet<usize>,
}

impl Gold {
    pub(crate) fn of(evidence: &Evidence, session_of_turns: &[usize]) -> Self {
        match evidence {
            Evidence::Turns(turns) => Self {
                pieces: turns.iter().map(|turn| HashSet::from([*turn])).collect(),
                sessions: turns
                    .iter()
                    .filter_map(|turn| session_of_turns.get(*turn).copied())
                    .collect(),
            },
            Evidence::Sessions(sessions) => {
                let turns = |wanted: &usize| {
                    let numbered = session_of_turns.iter().enumerate();
                    numbered
                        .filter(|(_, session)| *session == wanted)
                        .map(|(turn, _)| turn)
                        .collect()
                };
                Self {
                    pieces: sessions.iter().map(turns).collect(),
                    sessions: sessions.iter().copied().collect(),
                }
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Where a ranking has each piece; `None` where it does not.
    pub(crate) fn places(&self, ranking: &[usize]) -> Vec<Option<usize>> {
        let place = |piece: &HashSet<usize>| ranking.iter().position(|turn| piece.contains(turn));
        self.pieces.iter().map(place).collect()
    }

    /// The place of the first session with evidence among the sessions of a ranking.
    pub(crate) fn session_place(
        &self,
        ranking: &[usize],
        session_of_turns: &[usize],
    ) -> Option<usize> {
        let mut seen: Vec<usize> = Vec::new();
        for session in ranking.iter().filter_map(|turn| session_of_turns.get(*turn).copied()) {
            if self.sessions.contains(&session) {
                return Some(seen.len());
            }
            if !seen.contains(&session) {
                seen.push(session);
            }
        }
        None
    }

    /// The share of the pieces among turns that were packed.
    pub(crate) fn share_of(&self, packed: &[usize]) -> f64 {
        let found =
            self.pieces.iter().filter(|piece| packed.iter().any(|turn| piece.contains(turn)));
        found.count() as f64 / self.pieces.len().max(1) as f64
    }
}

/// What a method brought for a question that has evidence.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) places: Vec<Option<usize>>,
    pub(crate) session_place: Option<usize>,
    /// The share of the evidence that fits each of [`BUDGETS_TOKENS`].
    pub(crate) packed: [f64; BUDGETS_TOKENS.len()],
}

/// What a method did with a question.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    /// `None` for a question without evidence.
    pub(crate) found: Option<Found>,
    /// What goes into the prompt at the default budget.
    pub(crate) tokens: u64,
    /// Without the time that the question's vector took.
    pub(crate) time: Duration,
}

/// Whether Backstay said that nothing bears on a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Of the conversation that the question is about.
    pub(crate) own: bool,
    /// Of another conversation; `None` when there is no other.
    pub(crate) foreign: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three sessions with two turns each.
    const SESSIONS: [usize; 6] = [0, 0, 1, 1, 2, 2];

    #[test]
    fn turns_are_found_where_they_are_and_sessions_by_any_of_their_turns() {
        let turns = Gold::of(&Evidence::Turns(vec![1, 4]), &SESSIONS);
        assert_eq!(turns.places(&[3, 4, 5]), [None, Some(1)]);
        let sessions = Gold::of(&Evidence::Sessions(vec![0, 2]), &SESSIONS);
        assert_eq!(sessions.places(&[3, 5, 4]), [None, Some(1)]);
        assert!((sessions.share_of(&[4, 5]) - 0.5).abs() < 1e-9);
        assert!(Gold::of(&Evidence::Turns(Vec::new()), &SESSIONS).is_empty());
    }

    #[test]
    fn the_place_of_a_session_counts_sessions_and_not_turns() {
        let gold = Gold::of(&Evidence::Turns(vec![4]), &SESSIONS);
        assert_eq!(gold.session_place(&[0, 1, 0, 5], &SESSIONS), Some(1));
        assert_eq!(gold.session_place(&[5], &SESSIONS), Some(0));
        assert_eq!(gold.session_place(&[0, 2], &SESSIONS), None);
    }
}
