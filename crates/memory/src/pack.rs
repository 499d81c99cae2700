//! Filling a prompt's token budget with the turns that are worth it.

use std::collections::HashSet;

use backstay_core::{chat::RecalledBlock, memory::Recalled, tokens};

use crate::{
    analyse::{self, Query},
    excerpt::excerpt,
    index::ScopeIndex,
    recall::{self, Ranked, Ranking},
};

/// One turn takes at most this share of the budget; of a longer one the part that bears on the
/// question is shown.
const TURN_SHARE: u64 = 4;
/// The least that a turn is cut to.
const TURN_TOKENS_MIN: u64 = 24;
/// A question or answer is pulled in for this many of the best turns.
const PARTNERS_FOR: usize = 3;
/// A partner that is longer is not pulled in: it would displace better turns.
const PARTNER_TOKENS_MAX: u64 = 60;

/// What limits a recall.
pub(crate) struct Limits {
    pub(crate) budget_tokens: u64,
    pub(crate) items: usize,
}

/// Turns for a prompt, in order of time, and what the whole block costs.
#[derive(Default)]
pub(crate) struct Packed {
    pub(crate) items: Vec<Recalled>,
    pub(crate) tokens: u64,
}

struct Packing<'a> {
    index: &'a ScopeIndex,
    query: &'a Query,
    ranking: &'a Ranking,
    limits: &'a Limits,
    /// What the fence around the turns costs; used from the start.
    fence: u64,
    used: u64,
    taken: HashSet<usize>,
    said: HashSet<String>,
    /// With their numbers in the index.
    items: Vec<(usize, Recalled)>,
}

/// Takes turns in the order of their rank while they fit, each statement once. A turn that answers
/// a question brings the question along, and a question its answer.
///
/// Rank, not score per token: that prefers the short turns that say least, and loses ten points of
/// evidence at 1,000 tokens on LoCoMo.
pub(crate) fn pack(
    index: &ScopeIndex,
    query: &Query,
    ranking: &Ranking,
    limits: &Limits,
) -> Packed {
    let fence = tokens::estimate(&RecalledBlock::default().to_prompt_text());
    let mut packing = Packing {
        index,
        query,
        ranking,
        limits,
        fence,
        used: fence,
        taken: HashSet::new(),
        said: HashSet::new(),
        items: Vec::new(),
    };
    for ranked in &ranking.turns {
        if packing.is_full() {
            break;
        }
        let is_best = packing.items.len() < PARTNERS_FOR;
        if packing.take(ranked) && is_best {
            packing.take_partner(ranked);
        }
    }
    packing.finish()
}

impl Packing<'_> {
    fn is_full(&self) -> bool {
        self.items.len() >= self.limits.items
            || self.used + TURN_TOKENS_MIN / 2 > self.limits.budget_tokens
    }

    fn take(&mut self, ranked: &Ranked) -> bool {
        let share = (self.limits.budget_tokens / TURN_SHARE).max(TURN_TOKENS_MIN);
        let mut item = self.ranking.recalled(self.index, self.query, ranked);
        item.text = excerpt(&item.text, self.query, share);
        self.add(ranked.turn, item)
    }

    fn take_partner(&mut self, ranked: &Ranked) {
        let turn = &self.index.turns()[ranked.turn];
        let (distance, why) = if turn.is_question {
            (1, "answers a recalled question")
        } else {
            (-1, "asked what a recalled turn answers")
        };
        let partner = self.index.neighbour(ranked.turn, distance).filter(|partner| {
            let other = &self.index.turns()[*partner];
            other.episode.author != turn.episode.author
                && (turn.is_question || other.is_question)
                && tokens::estimate(&other.episode.text) <= PARTNER_TOKENS_MAX
        });
        // What is not ranked may be excluded.
        let ranked = partner
            .and_then(|partner| self.ranking.turns.iter().find(|other| other.turn == partner));
        if let Some(partner) = ranked.filter(|_| self.items.len() < self.limits.items) {
            let episode = &self.index.turns()[partner.turn].episode;
            let item = recall::recalled(episode, f64::from(partner.score), why.to_owned());
            self.add(partner.turn, item);
        }
    }

    /// False when the turn is there, or was said, already, and when it does not fit.
    fn add(&mut self, number: usize, item: Recalled) -> bool {
        let episode = &self.index.turns()[number].episode;
        if self.taken.contains(&number) {
            return false;
        }
        let said = format!("{}: {}", episode.author, analyse::fingerprint(&episode.text));
        let cost = self.cost(&item);
        if self.said.contains(&said) || self.used + cost > self.limits.budget_tokens {
            return false;
        }
        self.used += cost;
        self.said.insert(said);
        self.taken.insert(number);
        self.items.push((number, item));
        true
    }

    /// What one item costs in a prompt.
    fn cost(&self, item: &Recalled) -> u64 {
        let alone = RecalledBlock { items: vec![item.clone()] };
        tokens::estimate(&alone.to_prompt_text()).saturating_sub(self.fence)
    }

    fn finish(mut self) -> Packed {
        if self.items.is_empty() {
            return Packed::default();
        }
        let position = |number: usize| self.index.turns()[number].episode.position;
        self.items.sort_by_cached_key(|(number, item)| {
            (item.said_at, item.thread.clone(), position(*number))
        });
        let items = self.items.into_iter().map(|(_, item)| item).collect();
        Packed { items, tokens: self.used }
    }
}
