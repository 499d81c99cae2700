//! Filling a budget in the order of a ranking.

use backstay_core::{chat::RecalledBlock, tokens};

use crate::memory::dataset::Turn;

/// What each turn of a conversation costs in a prompt.
pub(crate) struct Costs {
    turns: Vec<u64>,
    fence: u64,
}

impl Costs {
    /// With the date and the author before each turn, and one fence around them all.
    pub(crate) fn of<'a>(turns: impl IntoIterator<Item = &'a Turn>) -> Self {
        let cost = |turn: &Turn| {
            let date = turn.said_at.date();
            tokens::estimate(&format!("[{date}] {}: {}", turn.author, turn.text))
        };
        Self {
            turns: turns.into_iter().map(cost).collect(),
            fence: tokens::estimate(&RecalledBlock::default().to_prompt_text()),
        }
    }

    /// The turns that fit, and their cost: whole turns, best first, passing over what is too long
    /// for what is left.
    pub(crate) fn pack(&self, ranking: &[usize], budget_tokens: u64) -> (Vec<usize>, u64) {
        let mut used = self.fence;
        let mut packed = Vec::new();
        for turn in ranking {
            let cost = self.turns.get(*turn).copied().unwrap_or(u64::MAX);
            if used.saturating_add(cost) <= budget_tokens {
                used += cost;
                packed.push(*turn);
            }
        }
        let tokens = if packed.is_empty() { 0 } else { used };
        (packed, tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_that_is_too_long_is_passed_over_and_the_budget_is_kept() {
        let costs = Costs { turns: vec![500, 40, 40, 40], fence: 50 };
        assert_eq!(costs.pack(&[0, 2, 1, 3], 140), (vec![2, 1], 130));
        assert_eq!(costs.pack(&[0], 140), (Vec::new(), 0));
    }
}
