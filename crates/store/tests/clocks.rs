//! Nodes whose machines' clocks are a minute apart agree about time.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

use std::time::Duration;

use backstay_core::{
    Clock, CorrectedClock, KeyId, KeyScopes, ManualClock, RateLimit, RatePeriod, RequestId,
    RoutingPolicy, Secret, ThreadId, Timestamp, WorkspaceId,
};
use backstay_store::{
    Idempotency, IdempotentRequest, KeySettings, KeyToken, LEARN_JOB, NewKey, PostgresOptions,
    RateAsk, Store, StoreOptions, Workspace,
};
use backstay_test_database::TestDatabase;

struct Node {
    store: Store,
    workspace: Workspace,
    hands: ManualClock,
    clock: Clock,
}

impl Node {
    /// On a machine whose clock is wrong.
    async fn start(database: &TestDatabase, ahead_ms: i64, lease: Duration) -> Self {
        let hands = ManualClock::at(later(Clock::System.now(), ahead_ms));
        let clock = Clock::Corrected(CorrectedClock::of(Clock::Manual(hands.clone())));
        let options = PostgresOptions::new(Secret::new(database.url()).unwrap());
        let options = PostgresOptions { node_lease: lease, ..options };
        let store = Store::open(StoreOptions::Postgres(options).with_clock(&clock)).await.unwrap();
        let id = WorkspaceId::default_workspace();
        store.ensure_workspace(&id, "default", clock.now()).await.unwrap();
        let workspace = store.workspace(&id);
        Self { store, workspace, hands, clock }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

fn later(moment: Timestamp, milliseconds: i64) -> Timestamp {
    Timestamp::from_millis(moment.millis() + milliseconds)
}

/// One behind, one ahead.
async fn two(database: &TestDatabase) -> [Node; 2] {
    let lease = Duration::from_secs(300);
    [Node::start(database, -60_000, lease).await, Node::start(database, 60_000, lease).await]
}

fn key() -> KeyId {
    KeyId::parse("key_1").unwrap()
}

#[tokio::test]
async fn slots_of_rate_limits_are_the_same() {
    let database = TestDatabase::create().await.unwrap();
    let [one, two] = two(&database).await;
    let token = KeyToken { hash: [7; 32], prefix: "bs-".to_owned(), suffix: "end".to_owned() };
    let limit = RateLimit::Requests { per: RatePeriod::Minute, limit: 2 };
    let settings = KeySettings {
        name: "test".to_owned(),
        scopes: KeyScopes::EVERYTHING,
        policy: RoutingPolicy::default(),
        rate_limits: vec![limit],
        ..KeySettings::default()
    };
    let new = NewKey { id: key(), token, created_at: one.now(), settings, budgets: Vec::new() };
    one.workspace.create_key(new).await.unwrap();
    for node in [&one, &two, &one, &two] {
        let ask = vec![RateAsk { limit, needed: 1, spare: 0 }];
        let taken = node.workspace.take_rates(&key(), Vec::new(), ask, node.now()).await.unwrap();
        let Ok(grants) = taken else { continue };
        let slots_apart = grants[0].slot - one.now().millis() / 1_000;
        assert!((-1..=10).contains(&slots_apart), "{slots_apart}");
    }
    let ask = vec![RateAsk { limit, needed: 1, spare: 0 }];
    let refused = one.workspace.take_rates(&key(), Vec::new(), ask, one.now()).await.unwrap();
    assert!(refused.is_err());
}

#[tokio::test]
async fn a_jobs_lease_ends_for_both_at_one_time() {
    let database = TestDatabase::create().await.unwrap();
    let [one, two] = two(&database).await;
    let thread = ThreadId::parse("thr_1").unwrap();
    one.workspace.learn_thread(&thread, later(one.now(), -1_000)).await.unwrap();
    let until = later(one.now(), 30_000);
    let leased = one.store.lease_jobs(LEARN_JOB, 1, until, one.now()).await.unwrap();
    assert_eq!(leased.len(), 1);
    let again = |now: Timestamp| two.store.lease_jobs(LEARN_JOB, 1, later(now, 30_000), now);
    assert!(again(two.now()).await.unwrap().is_empty());
    assert_eq!(again(later(two.now(), 35_000)).await.unwrap().len(), 1, "when it has run out");
}

#[tokio::test]
async fn an_answer_for_an_idempotency_key_is_kept_until_one_time() {
    let database = TestDatabase::create().await.unwrap();
    let [one, two] = two(&database).await;
    let request = IdempotentRequest {
        key: key(),
        request: RequestId::parse("req_1").unwrap(),
        token: [1; 32],
        fingerprint: [2; 32],
    };
    let until = later(one.now(), 30_000);
    let begun = one.workspace.begin_idempotent(&request, until, one.now()).await.unwrap();
    assert_eq!(begun, Idempotency::New);
    let again = |now: Timestamp| two.workspace.begin_idempotent(&request, later(now, 9_000), now);
    assert_eq!(again(two.now()).await.unwrap(), Idempotency::Running);
    assert_eq!(
        again(later(two.now(), 35_000)).await.unwrap(),
        Idempotency::New,
        "its time is over"
    );
}

#[tokio::test]
async fn a_clock_that_jumps_is_right_again_with_the_next_renewal() {
    let database = TestDatabase::create().await.unwrap();
    let node = Node::start(&database, 0, Duration::from_millis(300)).await;
    node.hands.advance_ms(60_000);
    let is_right = || (node.now().millis() - Clock::System.now().millis()).abs() < 1_000;
    assert!(!is_right());
    let renewed = async {
        while !is_right() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), renewed).await.unwrap();
}
