//! Sums over the ledger.

use backstay_core::{GenerationId, KeyId, Money, Timestamp};
use backstay_store::{
    CachedFrom, LedgerGroup, LedgerQuery, LedgerSum, NewGeneration, PageRequest, SettledAttempt,
    SettledGeneration, Workspace,
};

use crate::harness::{TestStore, at, attempt, charge, generation_id, intent, settled};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

struct Spec {
    second: i64,
    key: &'static str,
    model: &'static str,
    cost: Option<i64>,
}

fn spec(second: i64, key: &'static str, model: &'static str, cost: Option<i64>) -> Spec {
    Spec { second, key, model, cost }
}

/// Calls with identifiers of their time, as the server makes them.
async fn record(workspace: &Workspace, number: usize, call: &Spec) {
    let started_at = at(call.second);
    let id = format!("{}{number}", GenerationId::first_at(started_at));
    let id = GenerationId::parse(&id).unwrap();
    let key = KeyId::parse(call.key).unwrap();
    let intent = NewGeneration { id: id.clone(), key, started_at, ..intent("x") };
    workspace.begin_generation(intent).await.unwrap();
    let unknown = backstay_core::Charge { cost: None, ..charge(0) };
    let charge = Some(call.cost.map_or(unknown, charge));
    let settled = SettledGeneration {
        id,
        model: Some(call.model.to_owned()),
        attempts: vec![SettledAttempt { charge, ..attempt("openai") }],
        ..settled("x")
    };
    workspace.settle_generation(settled).await.unwrap();
}

async fn with_calls(store: &TestStore) -> Workspace {
    let workspace = store.a();
    let calls = [
        spec(0, "key_1", "large", Some(10)),
        spec(HOUR, "key_1", "small", Some(1)),
        spec(HOUR, "key_2", "small", None),
        spec(DAY, "key_2", "large", Some(20)),
        spec(2 * DAY, "key_1", "large", Some(40)),
    ];
    for (number, call) in calls.iter().enumerate() {
        record(&workspace, number, call).await;
    }
    record(&store.b(), 9, &spec(0, "key_1", "large", Some(1_000))).await;
    workspace.begin_generation(intent("open")).await.unwrap();
    workspace
}

fn query(group_by: LedgerGroup, from: i64, to: i64) -> LedgerQuery {
    LedgerQuery { group_by, from: at(from), to: at(to), key: None }
}

async fn sums(workspace: &Workspace, query: LedgerQuery) -> Vec<LedgerSum> {
    workspace.ledger_sums(query, PageRequest::default()).await.unwrap().items
}

/// Group, requests, cost and calls of unknown cost.
fn short(sums: &[LedgerSum]) -> Vec<(&str, u64, i64, u64)> {
    let one = |sum: &LedgerSum| (sum.requests, sum.cost.picodollars(), sum.unpriced);
    sums.iter()
        .map(|sum| {
            let (requests, cost, unpriced) = one(sum);
            (sum.group.as_deref().unwrap_or_default(), requests, cost, unpriced)
        })
        .collect()
}

pub(crate) async fn calls_are_summed_by_what_is_asked_for(store: &TestStore) {
    let workspace = with_calls(store).await;
    let all = |group_by| query(group_by, 0, 3 * DAY);
    let by_model = sums(&workspace, all(LedgerGroup::Model)).await;
    assert_eq!(short(&by_model), [("large", 3, 70, 0), ("small", 2, 1, 1)]);
    assert_eq!((by_model[0].prompt_tokens, by_model[0].completion_tokens), (300, 60));
    assert_eq!((by_model[0].cached_tokens, by_model[0].reasoning_tokens), (180, 21));
    let by_key = sums(&workspace, all(LedgerGroup::Key)).await;
    assert_eq!(short(&by_key), [("key_1", 3, 51, 0), ("key_2", 2, 20, 1)]);
    let by_day = sums(&workspace, all(LedgerGroup::Day)).await;
    // 2023-11-14T22:13:20Z and what follows.
    let days = [("2023-11-14", 3, 11, 1), ("2023-11-15", 1, 20, 0), ("2023-11-16", 1, 40, 0)];
    assert_eq!(short(&by_day), days);
    let by_user = sums(&workspace, all(LedgerGroup::User)).await;
    assert_eq!(short(&by_user), [("Ann", 5, 71, 1)]);
    let by_both = sums(&workspace, all(LedgerGroup::DayAndEndpoint)).await;
    assert_eq!(short(&by_both)[0], ("2023-11-14 openai large", 1, 10, 0));
    assert_eq!(by_both.len(), 4);

    let second_day = sums(&workspace, query(LedgerGroup::Provider, DAY, 2 * DAY)).await;
    assert_eq!(short(&second_day), [("openai", 1, 20, 0)], "the end is not included");
    let of_key = LedgerQuery { key: KeyId::parse("key_2"), ..all(LedgerGroup::Model) };
    let of_key = sums(&workspace, of_key).await;
    assert_eq!(short(&of_key), [("large", 1, 20, 0), ("small", 1, 0, 1)]);
}

pub(crate) async fn calls_that_were_answered_from_the_cache_are_counted_with_what_they_saved(
    store: &TestStore,
) {
    let workspace = with_calls(store).await;
    for (number, saved) in [Some(30), Some(4), None].into_iter().enumerate() {
        let id = GenerationId::parse(&format!("{}hit{number}", GenerationId::first_at(at(1))));
        let id = id.unwrap();
        let intent = NewGeneration { id: id.clone(), ..intent("x") };
        workspace.begin_generation(intent).await.unwrap();
        let generation = generation_id("source");
        let saved = saved.map(Money::from_picodollars);
        let cached = Some(CachedFrom { generation: generation.clone(), saved });
        let hit =
            SettledGeneration { id: id.clone(), cached, attempts: Vec::new(), ..settled("x") };
        workspace.settle_generation(hit).await.unwrap();
        let row = workspace.generation(&id).await.unwrap().unwrap();
        assert_eq!((row.cached, row.cached_from, row.saved), (true, Some(generation), saved));
        assert_eq!(row.cost, Some(Money::ZERO));
    }
    let by_model = sums(&workspace, query(LedgerGroup::Model, 0, 3 * DAY)).await;
    let short: Vec<_> = by_model
        .iter()
        .map(|sum| (sum.group.as_deref().unwrap(), sum.cached, sum.saved.picodollars()))
        .collect();
    assert_eq!(short, [("large", 0, 0), ("slug-2", 3, 34), ("small", 0, 0)]);
}

pub(crate) async fn sums_come_in_pages(store: &TestStore) {
    let workspace = with_calls(store).await;
    let mut seen = Vec::new();
    let mut page = PageRequest { limit: 1, cursor: None };
    loop {
        let asked = query(LedgerGroup::Day, 0, 3 * DAY);
        let found = workspace.ledger_sums(asked, page).await.unwrap();
        seen.extend(found.items.into_iter().filter_map(|sum| sum.group));
        match found.next {
            Some(next) => page = PageRequest { limit: 1, cursor: Some(next) },
            None => break,
        }
    }
    assert_eq!(seen, ["2023-11-14", "2023-11-15", "2023-11-16"]);
}

pub(crate) async fn what_was_spent_lately_is_known_by_day_week_and_month(store: &TestStore) {
    let workspace = with_calls(store).await;
    // A Thursday; the first call was on Tuesday evening.
    let now: Timestamp = at(2 * DAY);
    let key = KeyId::parse("key_1").unwrap();
    let spent = workspace.spent_lately(Some(&key), now).await.unwrap();
    let money = Money::from_picodollars;
    assert_eq!((spent.total, spent.day, spent.week), (money(51), money(40), money(51)));
    assert_eq!((spent.month, spent.last_used_at), (money(51), Some(at(2 * DAY))));
    let all = workspace.spent_lately(None, now).await.unwrap();
    assert_eq!((all.total, all.day), (money(71), money(40)));
    let next_month = workspace.spent_lately(None, at(30 * DAY)).await.unwrap();
    assert_eq!((next_month.total, next_month.month), (money(71), Money::ZERO));
}
