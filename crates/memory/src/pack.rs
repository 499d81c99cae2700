//! Filling a prompt's token budget with the turns that are worth it.

use std::collections::{HashMap, HashSet};

use backstay_core::{ThreadId, chat::RecalledBlock, memory::Recalled, tokens};

use crate::{
    analyse::{self, Query},
    broad,
    excerpt::excerpt,
    index::ScopeIndex,
    recall::{self, Ranked, Ranking},
};

/// One turn takes at most this share of the budget; of a longer one the part that bears on the
/// question is shown.
const TURN_SHARE: u64 = 4;
/// The same for a question about the whole of conversations: many turns matter, each a little.
const BROAD_TURN_SHARE: u64 = 12;
/// The least that a turn is cut to.
const TURN_TOKENS_MIN: u64 = 24;
/// A question or answer is pulled in for this many of the best turns.
const PARTNERS_FOR: usize = 3;
/// A partner that is longer is not pulled in: it would displace better turns.
const PARTNER_TOKENS_MAX: u64 = 60;

/// Turns of lower rank are not tried: the little room that is left is worth less than the time.
const RANKS_MAX: usize = 300;

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
    /// Turns that were looked at and have no place.
    pub(crate) left_out: Vec<(u32, LeftOut)>,
}

/// Why a turn that bears on the question was not recalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeftOut {
    /// It did not fit into what was left of the budget.
    Budget,
    /// Someone said the same in a turn that was recalled.
    SaidAlready,
    /// Its source, of little trust, has as many places as it may have.
    SourceFull,
}

struct Packing<'a> {
    index: &'a ScopeIndex,
    query: &'a Query,
    ranking: &'a Ranking,
    limits: &'a Limits,
    /// With the fence around the turns.
    used: u64,
    taken: HashSet<u32>,
    said: HashSet<String>,
    /// By source of little trust: how many places it has.
    of_sources: HashMap<&'a str, usize>,
    items: Vec<Taken<'a>>,
    left_out: Vec<(u32, LeftOut)>,
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
        used: fence,
        taken: HashSet::new(),
        said: HashSet::new(),
        of_sources: HashMap::new(),
        items: Vec::new(),
        left_out: Vec::new(),
    };
    let best = &ranking.turns[..ranking.turns.len().min(RANKS_MAX)];
    let order = if query.kind.broad {
        packing.take_summaries(best);
        broad::in_rotation(index, best)
    } else {
        best.iter().collect()
    };
    for ranked in order {
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

/// A turn that has its place. Its reason is put into words last: most turns that are tried do not
/// fit.
struct Taken<'a> {
    ranked: &'a Ranked,
    item: Recalled,
}

impl<'a> Packing<'a> {
    fn is_full(&self) -> bool {
        self.items.len() >= self.limits.items
            || self.used + TURN_TOKENS_MIN / 2 > self.limits.budget_tokens
    }

    /// Summaries take half of the budget at most.
    fn take_summaries(&mut self, best: &'a [Ranked]) {
        let share = self.turn_tokens_max();
        for (ranked, mut item) in broad::summaries(self.index, best) {
            item.text = excerpt(&item.text, self.query, share);
            let begins = !self.items.iter().any(|taken| item.continues(&taken.item));
            let cost = RecalledBlock::cost_tokens(&item, begins);
            if self.used + cost <= self.limits.budget_tokens / 2
                && self.items.len() < self.limits.items
            {
                self.used += cost;
                self.items.push(Taken { ranked, item });
            }
        }
    }

    fn turn_tokens_max(&self) -> u64 {
        let share = if self.query.kind.broad { BROAD_TURN_SHARE } else { TURN_SHARE };
        (self.limits.budget_tokens / share).max(TURN_TOKENS_MIN)
    }

    fn take(&mut self, ranked: &'a Ranked) -> bool {
        let share = self.turn_tokens_max();
        // Most of those that are tried when the budget is nearly full are seen not to fit by this.
        let whole = tokens::estimate(&self.index.turn(ranked.turn).text);
        let least = if whole <= share { whole } else { TURN_TOKENS_MIN };
        if self.used + least > self.limits.budget_tokens {
            self.left_out.push((ranked.turn, LeftOut::Budget));
            return false;
        }
        let mut item = recall::recalled(self.index, ranked, String::new());
        item.text = excerpt(&item.text, self.query, share);
        self.add(ranked, item)
    }

    fn take_partner(&mut self, ranked: &'a Ranked) {
        let turn = self.index.turn(ranked.turn);
        let (distance, why) = if turn.form.asks {
            (1, "answers a recalled question")
        } else {
            (-1, "asked what a recalled turn answers")
        };
        let partner = self.index.neighbour(ranked.turn, distance).filter(|partner| {
            let other = self.index.turn(*partner);
            other.author != turn.author
                && (turn.form.asks || other.form.asks)
                && tokens::estimate(&other.text) <= PARTNER_TOKENS_MAX
        });
        // What is not ranked may be excluded.
        let ranked = partner
            .and_then(|partner| self.ranking.turns.iter().find(|other| other.turn == partner));
        if let Some(partner) = ranked.filter(|_| self.items.len() < self.limits.items) {
            let item = recall::recalled(self.index, partner, why.to_owned());
            self.add(partner, item);
        }
    }

    /// False when the turn is there, or was said, already, and when it does not fit.
    fn add(&mut self, ranked: &'a Ranked, item: Recalled) -> bool {
        let number = ranked.turn;
        let turn = self.index.turn(number);
        if self.taken.contains(&number) {
            return false;
        }
        let said = format!("{}: {}", turn.author, analyse::fingerprint(&turn.text));
        let begins = !self.items.iter().any(|taken| item.continues(&taken.item));
        let cost = RecalledBlock::cost_tokens(&item, begins);
        let rests_on_taken =
            self.index.sources(&turn.id).any(|source| self.taken.contains(&source));
        if rests_on_taken || self.said.contains(&said) {
            self.left_out.push((number, LeftOut::SaidAlready));
            return false;
        }
        if self.used + cost > self.limits.budget_tokens {
            self.left_out.push((number, LeftOut::Budget));
            return false;
        }
        if let Some(source) = self.index.limited_source(&turn.id) {
            let places = self.of_sources.entry(&source.name).or_default();
            if *places == source.recalled_max {
                self.left_out.push((number, LeftOut::SourceFull));
                return false;
            }
            *places += 1;
        }
        self.used += cost;
        self.said.insert(said);
        self.taken.insert(number);
        self.items.push(Taken { ranked, item });
        true
    }

    fn finish(mut self) -> Packed {
        if self.items.is_empty() {
            return Packed { left_out: self.left_out, ..Packed::default() };
        }
        // What was said in one conversation on one day stands together, under one date.
        let mut begun = HashMap::new();
        for Taken { item, .. } in &self.items {
            let first = begun.entry(group(item)).or_insert(item.said_at);
            *first = item.said_at.min(*first);
        }
        let position = |ranked: &Ranked| self.index.turn(ranked.turn).position;
        self.items.sort_by_cached_key(|Taken { ranked, item }| {
            let group = group(item);
            (begun.get(&group).copied(), group, item.said_at, position(ranked))
        });
        let worded = |Taken { ranked, mut item }: Taken<'_>| {
            if item.why.is_empty() {
                item.why = self.ranking.why(self.index, self.query, ranked);
            }
            item
        };
        let items = self.items.into_iter().map(worded).collect();
        Packed { items, tokens: self.used, left_out: self.left_out }
    }
}

fn group(item: &Recalled) -> (Option<ThreadId>, String) {
    (item.thread.clone(), item.said_at.date())
}
