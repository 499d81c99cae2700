//! Rate limits that several processes take from.

use backstay_core::{
    Amount, ErrorCode, KeyId, LimitHit, Limited, Money, RateLimit, RatePeriod, Result,
};
use backstay_store::{
    KeySettings, KeyToken, NewKey, RateAsk, RateCorrection, RateGrant, Workspace,
};

use crate::harness::{TestStore, at, at_once};

const REQUESTS: RateLimit = RateLimit::Requests { per: RatePeriod::Minute, limit: 10 };
const TOKENS: RateLimit = RateLimit::Tokens { per: RatePeriod::Hour, limit: 1_000 };

fn key() -> KeyId {
    KeyId::parse("key_1").unwrap()
}

async fn with_key(workspace: Workspace) -> Workspace {
    let token = KeyToken { hash: [7; 32], prefix: "bs-1".to_owned(), suffix: "1".to_owned() };
    let settings = KeySettings { name: "one".to_owned(), ..KeySettings::default() };
    let new = NewKey { id: key(), token, created_at: at(0), settings, budgets: Vec::new() };
    workspace.create_key(new).await.unwrap();
    workspace
}

fn ask(limit: RateLimit, needed: u64, spare: u64) -> RateAsk {
    RateAsk { limit, needed, spare }
}

async fn take(
    workspace: &Workspace,
    corrections: Vec<RateCorrection>,
    asks: Vec<RateAsk>,
    second: i64,
) -> Result<Vec<RateGrant>> {
    workspace.take_rates(&key(), corrections, asks, at(second)).await.unwrap()
}

pub(crate) async fn of_takers_at_once_only_as_many_as_fit_get_through(store: &TestStore) {
    let workspace = with_key(store.a()).await;
    let tasks = (0..40).map(|_| {
        let workspace = workspace.clone();
        async move { take(&workspace, Vec::new(), vec![ask(REQUESTS, 1, 0)], 0).await.is_ok() }
    });
    let through = at_once(tasks).await;
    assert_eq!(through.into_iter().filter(|through| *through).count(), 10);
}

pub(crate) async fn what_is_taken_in_advance_counts_until_it_is_given_back(store: &TestStore) {
    let workspace = with_key(store.a()).await;
    let granted = take(&workspace, Vec::new(), vec![ask(REQUESTS, 1, 100)], 0).await.unwrap();
    assert_eq!(granted[0].spare, 9);
    assert!(take(&workspace, Vec::new(), vec![ask(REQUESTS, 1, 0)], 1).await.is_err());
    let slot = granted[0].slot;
    let back =
        RateCorrection { limited: Limited::Requests, per: RatePeriod::Minute, slot, change: -4 };
    take(&workspace, vec![back], vec![ask(REQUESTS, 4, 0)], 1).await.unwrap();
    assert!(take(&workspace, Vec::new(), vec![ask(REQUESTS, 1, 0)], 2).await.is_err());
}

pub(crate) async fn a_window_frees_when_the_refusal_said(store: &TestStore) {
    let workspace = with_key(store.a()).await;
    take(&workspace, Vec::new(), vec![ask(REQUESTS, 6, 0)], 0).await.unwrap();
    take(&workspace, Vec::new(), vec![ask(REQUESTS, 4, 0)], 30).await.unwrap();
    let refused = take(&workspace, Vec::new(), vec![ask(REQUESTS, 1, 0)], 40).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::TooManyRequests);
    let LimitHit { limit, used, resets_at, .. } = refused.limit().unwrap();
    assert_eq!((limit, used), (&Amount::Count(10), &Amount::Count(10)));
    assert_eq!(*resets_at, Some(at(61)));
    assert!(take(&workspace, Vec::new(), vec![ask(REQUESTS, 1, 0)], 60).await.is_err());
    take(&workspace, Vec::new(), vec![ask(REQUESTS, 6, 0)], 61).await.unwrap();
    assert!(take(&workspace, Vec::new(), vec![ask(REQUESTS, 1, 0)], 62).await.is_err());
}

pub(crate) async fn a_refusal_takes_from_no_limit_and_keeps_what_it_was_told(store: &TestStore) {
    let workspace = with_key(store.a()).await;
    let both = |tokens| vec![ask(REQUESTS, 1, 0), ask(TOKENS, tokens, 0)];
    let granted = take(&workspace, Vec::new(), both(600), 0).await.unwrap();
    for _ in 0..20 {
        assert!(take(&workspace, Vec::new(), both(600), 0).await.is_err());
    }
    let more = RateCorrection {
        limited: Limited::Tokens,
        per: RatePeriod::Hour,
        slot: granted[1].slot,
        change: 300,
    };
    assert!(take(&workspace, vec![more], both(400), 0).await.is_err());
    take(&workspace, Vec::new(), both(100), 0).await.unwrap();
    assert!(take(&workspace, Vec::new(), both(1), 0).await.is_err());
}

pub(crate) async fn limits_of_one_key_and_workspace_are_its_own(store: &TestStore) {
    let (a, b) = (with_key(store.a()).await, store.b());
    let token = KeyToken { hash: [8; 32], prefix: "bs-2".to_owned(), suffix: "2".to_owned() };
    let settings = KeySettings { name: "two".to_owned(), ..KeySettings::default() };
    let new = NewKey { id: key(), token, created_at: at(0), settings, budgets: Vec::new() };
    b.create_key(new).await.unwrap();
    let dollar = Money::from_picodollars(1_000_000_000_000);
    let money = RateLimit::Money { per: RatePeriod::Day, limit: dollar };
    let all = dollar.picodollars().unsigned_abs();
    take(&a, Vec::new(), vec![ask(money, all, 0)], 0).await.unwrap();
    assert!(take(&a, Vec::new(), vec![ask(money, 1, 0)], 0).await.is_err());
    take(&b, Vec::new(), vec![ask(money, all, 0)], 0).await.unwrap();
    assert!(a.delete_key(&key()).await.unwrap());
    let a = with_key(a).await;
    take(&a, Vec::new(), vec![ask(money, all, 0)], 0).await.unwrap();
}
