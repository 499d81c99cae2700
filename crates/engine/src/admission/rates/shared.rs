//! Of several processes that share the store.
//!
//! What a call needs is taken from the store. A key that comes often is given more than it needs, twice
//! as much each time within a slot of the window, so that most of its calls need no round trip; one
//! that comes rarely takes exactly what it needs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use backstay_core::{KeyId, RateLimit, RateUse, RateWindow, Result, Timestamp, WorkspaceId};
use backstay_store::{RateAsk, RateCorrection, RateGrant, Store};
use tokio::sync::Mutex as Turn;

use super::RateHold;

/// No node takes more in advance than one part in so many of a limit.
const PARTS_OF_LIMIT: u64 = 20;

pub(crate) struct Shared {
    store: Store,
    keys: Mutex<HashMap<KeyId, Advance>>,
}

/// What this process has taken of a key's limits, and what it still has to tell the store.
struct Advance {
    workspace: WorkspaceId,
    limits: Vec<Spare>,
    corrections: Vec<RateCorrection>,
    /// One call at a time asks the store; those that waited may find enough left over.
    asking: Arc<Turn<()>>,
}

/// What is left of what was taken of one limit in one slot of its window.
struct Spare {
    limit: RateLimit,
    slot: i64,
    left: u64,
    /// How much was taken in advance the last time.
    taken: u64,
}

impl Shared {
    pub(super) fn new(store: Store) -> Self {
        Self { store, keys: Mutex::new(HashMap::new()) }
    }

    pub(super) async fn take(
        &self,
        (workspace, key): (&WorkspaceId, &KeyId),
        limits: &[RateLimit],
        wanted: RateUse,
        now: Timestamp,
    ) -> Result<RateHold> {
        let hold = RateHold { taken: wanted, at: now };
        let needed = |limit: &RateLimit| wanted.of(limit.limited()).min(limit.most());
        let Some(asking) = self.spend_or_wait((workspace, key), limits, &needed, now) else {
            return Ok(hold);
        };
        let _turn = asking.lock().await;
        if self.spend_or_wait((workspace, key), limits, &needed, now).is_none() {
            return Ok(hold);
        }
        let (asks, in_hand, corrections) = self.to_ask(key, limits, &needed);
        let store = self.store.workspace(workspace);
        match store.take_rates(key, corrections.clone(), asks, now).await {
            Ok(Ok(grants)) => self.granted(key, limits, &grants),
            Ok(Err(refused)) => {
                self.granted(key, limits, &in_hand);
                return Err(refused);
            }
            Err(error) => {
                self.granted(key, limits, &in_hand);
                self.tell_later((workspace, key), corrections);
                return Err(error);
            }
        }
        Ok(hold)
    }

    pub(super) fn correct(
        &self,
        (workspace, key): (&WorkspaceId, &KeyId),
        limits: &[RateLimit],
        (hold, used): (RateHold, RateUse),
        now: Timestamp,
    ) {
        let Ok(mut keys) = self.keys.lock() else { return };
        let advance = keys.entry(key.clone()).or_insert_with(|| Advance::of(workspace));
        advance.begin_slot(limits, now);
        for spare in &mut advance.limits {
            let limited = spare.limit.limited();
            let taken = hold.taken.of(limited).min(spare.limit.most());
            let mut change = difference(used.of(limited), taken);
            let slot = RateWindow::of(spare.limit).slot_at(hold.at);
            if slot == spare.slot {
                change = spare.absorb(change);
            }
            if change != 0 {
                advance.corrections.push(correction(spare.limit, slot, change));
            }
        }
    }

    pub(super) async fn give_back(&self, now: Timestamp) -> Result<()> {
        let mut to_tell = Vec::new();
        if let Ok(mut keys) = self.keys.lock() {
            for (key, advance) in keys.iter_mut() {
                advance.end_slots(now);
                let corrections = std::mem::take(&mut advance.corrections);
                if !corrections.is_empty() {
                    to_tell.push((key.clone(), advance.workspace.clone(), corrections));
                }
            }
            keys.retain(|_, advance| advance.limits.iter().any(|spare| spare.is_of(now)));
        }
        let mut outcome = Ok(());
        for (key, workspace, corrections) in to_tell {
            let store = self.store.workspace(&workspace);
            let told = store.take_rates(&key, corrections.clone(), Vec::new(), now).await;
            if let Err(error) = told {
                self.tell_later((&workspace, &key), corrections);
                outcome = Err(error);
            }
        }
        outcome
    }

    /// Takes from what is left over; where that is not enough, whom to wait for before asking.
    fn spend_or_wait(
        &self,
        (workspace, key): (&WorkspaceId, &KeyId),
        limits: &[RateLimit],
        needed: &impl Fn(&RateLimit) -> u64,
        now: Timestamp,
    ) -> Option<Arc<Turn<()>>> {
        let mut keys = self.keys.lock().ok()?;
        let advance = keys.entry(key.clone()).or_insert_with(|| Advance::of(workspace));
        advance.begin_slot(limits, now);
        match advance.spend(limits, needed) {
            true => None,
            false => Some(Arc::clone(&advance.asking)),
        }
    }

    /// What to ask for beyond what is left over, which is set aside meanwhile.
    fn to_ask(
        &self,
        key: &KeyId,
        limits: &[RateLimit],
        needed: &impl Fn(&RateLimit) -> u64,
    ) -> (Vec<RateAsk>, Vec<RateGrant>, Vec<RateCorrection>) {
        let Ok(mut keys) = self.keys.lock() else { return Default::default() };
        let Some(advance) = keys.get_mut(key) else { return Default::default() };
        let asks = limits.iter().filter_map(|limit| advance.ask(*limit, needed(limit)));
        let (asks, in_hand) = asks.unzip();
        (asks, in_hand, std::mem::take(&mut advance.corrections))
    }

    fn granted(&self, key: &KeyId, limits: &[RateLimit], grants: &[RateGrant]) {
        let Ok(mut keys) = self.keys.lock() else { return };
        let Some(advance) = keys.get_mut(key) else { return };
        for (limit, grant) in limits.iter().zip(grants) {
            let Some(spare) = advance.limits.iter_mut().find(|spare| spare.limit == *limit) else {
                continue;
            };
            if spare.slot == grant.slot {
                spare.left += grant.spare;
            } else if grant.spare > 0 {
                let back = difference(0, grant.spare);
                advance.corrections.push(correction(*limit, grant.slot, back));
            }
        }
    }

    fn tell_later(
        &self,
        (workspace, key): (&WorkspaceId, &KeyId),
        corrections: Vec<RateCorrection>,
    ) {
        if let Ok(mut keys) = self.keys.lock() {
            let advance = keys.entry(key.clone()).or_insert_with(|| Advance::of(workspace));
            advance.corrections.extend(corrections);
        }
    }
}

impl Advance {
    fn of(workspace: &WorkspaceId) -> Self {
        Self {
            workspace: workspace.clone(),
            limits: Vec::new(),
            corrections: Vec::new(),
            asking: Arc::default(),
        }
    }

    /// Gives back what is left of earlier slots and of limits that the key no longer has.
    fn begin_slot(&mut self, limits: &[RateLimit], now: Timestamp) {
        self.end_slots(now);
        for index in (0..self.limits.len()).rev() {
            if !limits.contains(&self.limits[index].limit) {
                self.corrections.extend(self.limits.swap_remove(index).back());
            }
        }
        for limit in limits {
            if !self.limits.iter().any(|spare| spare.limit == *limit) {
                let slot = RateWindow::of(*limit).slot_at(now);
                self.limits.push(Spare { limit: *limit, slot, left: 0, taken: 0 });
            }
        }
    }

    fn end_slots(&mut self, now: Timestamp) {
        for spare in &mut self.limits {
            let slot = RateWindow::of(spare.limit).slot_at(now);
            if slot != spare.slot {
                let next = Spare { limit: spare.limit, slot, left: 0, taken: 0 };
                self.corrections.extend(std::mem::replace(spare, next).back());
            }
        }
    }

    /// Takes from what is there already, if that is enough for every limit.
    fn spend(&mut self, limits: &[RateLimit], needed: impl Fn(&RateLimit) -> u64) -> bool {
        let enough = self.limits.iter().all(|spare| spare.left >= needed(&spare.limit));
        if !enough || self.limits.len() < limits.len() {
            return false;
        }
        for spare in &mut self.limits {
            spare.left -= needed(&spare.limit);
        }
        true
    }

    /// What to ask the store for, and what of the need is left over. Rare calls take nothing in
    /// advance.
    fn ask(&mut self, limit: RateLimit, needed: u64) -> Option<(RateAsk, RateGrant)> {
        let known = self.limits.iter_mut().find(|spare| spare.limit == limit)?;
        let in_hand = known.left.min(needed);
        known.left -= in_hand;
        let spare = known.taken.min(limit.most() / PARTS_OF_LIMIT);
        known.taken = known.taken.max(needed).saturating_mul(2);
        let ask = RateAsk { limit, needed: needed - in_hand, spare };
        Some((ask, RateGrant { slot: known.slot, spare: in_hand }))
    }
}

impl Spare {
    /// Evens out what a call used more or less than it took in this slot; what of it the store has to
    /// be told.
    fn absorb(&mut self, change: i64) -> i64 {
        if change < 0 {
            self.left = self.left.saturating_add(change.unsigned_abs());
            return 0;
        }
        let covered = self.left.min(change.unsigned_abs());
        self.left -= covered;
        change - i64::try_from(covered).unwrap_or(i64::MAX)
    }

    fn back(self) -> Option<RateCorrection> {
        (self.left > 0).then(|| correction(self.limit, self.slot, difference(0, self.left)))
    }

    fn is_of(&self, now: Timestamp) -> bool {
        RateWindow::of(self.limit).slot_at(now) == self.slot && (self.taken > 0 || self.left > 0)
    }
}

fn correction(limit: RateLimit, slot: i64, change: i64) -> RateCorrection {
    RateCorrection { limited: limit.limited(), per: limit.per(), slot, change }
}

fn difference(used: u64, taken: u64) -> i64 {
    let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    signed(used).saturating_sub(signed(taken))
}

#[cfg(test)]
mod tests {
    use backstay_core::{ErrorCode, Money, RatePeriod};
    use backstay_store::{KeySettings, KeyToken, NewKey, StoreOptions};

    use super::*;

    const LIMITS: [RateLimit; 2] = [
        RateLimit::Requests { per: RatePeriod::Minute, limit: 60 },
        RateLimit::Tokens { per: RatePeriod::Hour, limit: 10_000 },
    ];

    struct Nodes {
        _folder: tempfile::TempDir,
        workspace: WorkspaceId,
        key: KeyId,
        nodes: [Shared; 2],
    }

    impl Nodes {
        async fn start() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(StoreOptions::folder(folder.path())).await.unwrap();
            let workspace = WorkspaceId::parse("ws_a").unwrap();
            store.ensure_workspace(&workspace, "a", second(0)).await.unwrap();
            let key = KeyId::parse("key_1").unwrap();
            let token =
                KeyToken { hash: [1; 32], prefix: "bs-1".to_owned(), suffix: "1".to_owned() };
            let settings = KeySettings { name: "one".to_owned(), ..KeySettings::default() };
            let new = NewKey {
                id: key.clone(),
                token,
                created_at: second(0),
                settings,
                budgets: Vec::new(),
            };
            store.workspace(&workspace).create_key(new).await.unwrap();
            let nodes = [Shared::new(store.clone()), Shared::new(store)];
            Self { _folder: folder, workspace, key, nodes }
        }

        fn of(&self) -> (&WorkspaceId, &KeyId) {
            (&self.workspace, &self.key)
        }

        async fn take(&self, node: usize, wanted: RateUse, at: i64) -> Result<RateHold> {
            self.nodes[node].take(self.of(), &LIMITS, wanted, second(at)).await
        }

        async fn give_back(&self, at: i64) {
            for node in &self.nodes {
                node.give_back(second(at)).await.unwrap();
            }
        }
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + second * 1_000)
    }

    fn tokens(tokens: u64) -> RateUse {
        RateUse { tokens, ..RateUse::default() }
    }

    #[tokio::test]
    async fn nodes_together_admit_no_more_in_any_minute_than_the_limit_and_nearly_all_of_it() {
        let nodes = Nodes::start().await;
        let mut admitted = Vec::new();
        for at in 0..240 {
            for call in 0..6 {
                if nodes.take(call % 2, RateUse::REQUEST, at).await.is_ok() {
                    admitted.push(at);
                }
            }
            nodes.give_back(at + 1).await;
        }
        for first in &admitted {
            let within = admitted.iter().filter(|at| (*first..first + 60).contains(at)).count();
            assert!(within <= 60, "{within} in the minute from {first}");
        }
        assert!(admitted.len() >= 4 * 59, "{} of 240", admitted.len());
    }

    #[tokio::test]
    async fn a_key_that_comes_often_asks_the_store_rarely() {
        let nodes = Nodes::start().await;
        let limit = [RateLimit::Requests { per: RatePeriod::Day, limit: 10_000 }];
        let node = &nodes.nodes[0];
        let mut asked = 0;
        for _ in 0..2_000 {
            let left = |node: &Shared| {
                let keys = node.keys.lock().unwrap();
                keys.get(&nodes.key).map_or(0, |advance| advance.limits[0].left)
            };
            asked += usize::from(left(node) == 0);
            node.take(nodes.of(), &limit, RateUse::REQUEST, second(0)).await.unwrap();
        }
        assert!(asked < 20, "{asked} round trips for 2,000 calls");
    }

    #[tokio::test]
    async fn what_a_call_gave_back_serves_the_next_with_what_it_lacks() {
        let nodes = Nodes::start().await;
        let hold = nodes.take(0, tokens(6_000), 0).await.unwrap();
        let used = (hold, tokens(1_000));
        nodes.nodes[0].correct(nodes.of(), &LIMITS, used, second(1));
        nodes.take(0, tokens(6_000), 2).await.unwrap();
        assert!(nodes.take(0, tokens(4_000), 3).await.is_err());
        nodes.take(0, tokens(3_000), 4).await.unwrap();
        assert!(nodes.take(1, tokens(1), 5).await.is_err(), "10,000 are taken");
    }

    #[tokio::test]
    async fn what_a_call_used_takes_the_place_of_what_it_took_on_every_node() {
        let nodes = Nodes::start().await;
        let correct = |node: usize, hold, used: RateUse, at| {
            nodes.nodes[node].correct(nodes.of(), &LIMITS, (hold, used), second(at));
        };
        let hold = nodes.take(0, tokens(9_000), 0).await.unwrap();
        let refused = nodes.take(1, tokens(2_000), 1).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::TooManyRequests);
        correct(0, hold, tokens(1_000), 100);
        nodes.give_back(100).await;
        let hold = nodes.take(1, tokens(8_000), 101).await.unwrap();
        correct(1, hold, tokens(50_000), 170);
        nodes.give_back(170).await;
        assert!(nodes.take(0, tokens(1), 171).await.is_err(), "more was used than taken");
        let money = RateUse { requests: 1, tokens: 0, money: Money::ZERO };
        nodes.take(0, money, 171).await.unwrap();
    }
}
