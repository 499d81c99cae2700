//! The ledger.

use backstay_core::{Charge, ErrorCode, Money, Price, Usage, chat::SettlementStatus};
use backstay_store::{Finish, Reserved, SettledAttempt, SettledGeneration};

use crate::harness::{TestStore, at, attempt, charge, generation_id, intent, settled};

pub(crate) async fn a_call_is_pending_until_it_is_settled_with_all_its_figures(store: &TestStore) {
    let workspace = store.a();
    let id = generation_id("1");
    workspace.begin_generation(intent("1")).await.unwrap();
    let open = workspace.generation(&id).await.unwrap().unwrap();
    assert_eq!(open.status, SettlementStatus::Pending);
    assert_eq!((open.finished_at, open.usage, open.cost), (None, None, None));

    let told = settled("1");
    assert!(workspace.settle_generation(told.clone()).await.unwrap());
    let row = workspace.generation(&id).await.unwrap().unwrap();
    let intended = intent("1");
    assert_eq!((row.request, row.key), (intended.request, intended.key));
    assert_eq!((row.thread, row.assistant), (intended.thread, intended.assistant));
    assert_eq!((row.user, row.memory_tokens), (intended.user, 12));
    assert_eq!((row.requested_model, row.stream), (intended.requested_model, true));
    assert_eq!((row.started_at, row.finished_at), (at(1), Some(at(2))));
    let read = SettledGeneration {
        id,
        status: row.status,
        provider: row.provider,
        model: row.model,
        finished_at: at(2),
        latency_ms: row.latency_ms.unwrap(),
        first_token_ms: row.first_token_ms,
        usage: row.usage,
        price: row.price,
        finish: row.finish_reason.map(|reason| Finish { reason, native: row.native_finish_reason }),
        error_code: row.error_code,
        dropped: row.dropped,
        attempts: row.attempts.into_iter().map(|row| row.attempt).collect(),
        reserved: Reserved::Nothing,
        cached: None,
    };
    assert_eq!(read, told);
    assert_eq!(row.cost, told.cost());
}

pub(crate) async fn a_settled_call_is_never_overwritten(store: &TestStore) {
    let workspace = store.a();
    workspace.begin_generation(intent("1")).await.unwrap();
    assert!(workspace.settle_generation(settled("1")).await.unwrap());
    let first = workspace.generation(&generation_id("1")).await.unwrap();
    let later = SettledGeneration {
        status: SettlementStatus::Failed,
        attempts: Vec::new(),
        ..settled("1")
    };
    assert!(!workspace.settle_generation(later).await.unwrap());
    assert_eq!(workspace.generation(&generation_id("1")).await.unwrap(), first);
}

pub(crate) async fn an_open_call_is_begun_once(store: &TestStore) {
    let workspace = store.a();
    workspace.begin_generation(intent("1")).await.unwrap();
    let again = workspace.begin_generation(intent("1")).await.unwrap_err();
    assert_eq!(again.code(), ErrorCode::Conflict);
    store.b().begin_generation(intent("1")).await.unwrap();
    assert!(workspace.settle_generation(settled("1")).await.unwrap());
}

pub(crate) async fn a_call_that_was_never_begun_cannot_be_settled(store: &TestStore) {
    let refused = store.a().settle_generation(settled("1")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::NotFound);
    assert_eq!(store.a().generation(&generation_id("1")).await.unwrap(), None);
}

pub(crate) async fn calls_that_a_crash_left_open_become_interrupted(store: &TestStore) {
    for workspace in [store.a(), store.b()] {
        workspace.begin_generation(intent("open")).await.unwrap();
        workspace.begin_generation(intent("done")).await.unwrap();
        workspace.settle_generation(settled("done")).await.unwrap();
    }
    store.reopen().await;
    assert_eq!(store.store().settle_interrupted(at(9)).await.unwrap(), 2);
    assert_eq!(store.store().settle_interrupted(at(10)).await.unwrap(), 0);
    let row = store.a().generation(&generation_id("open")).await.unwrap().unwrap();
    assert_eq!((row.status, row.finished_at), (SettlementStatus::Interrupted, Some(at(9))));
    let row = store.b().generation(&generation_id("done")).await.unwrap().unwrap();
    assert_eq!((row.status, row.finished_at), (SettlementStatus::Completed, Some(at(2))));
    assert!(!store.a().settle_generation(settled("open")).await.unwrap());
}

pub(crate) async fn unknown_cost_and_usage_stay_unknown(store: &TestStore) {
    let workspace = store.a();
    workspace.begin_generation(intent("1")).await.unwrap();
    let unknown = Charge { cost: None, price: None, ..charge(0) };
    let usage = Usage { provider_cost: None, ..unknown.usage.clone() };
    let of_unknown_price =
        SettledAttempt { charge: Some(Charge { usage, ..unknown }), ..attempt("openai") };
    let failed = SettledGeneration {
        status: SettlementStatus::Failed,
        provider: None,
        model: None,
        first_token_ms: None,
        usage: None,
        price: None,
        finish: None,
        error_code: Some(ErrorCode::NoProvider),
        dropped: Vec::new(),
        attempts: vec![attempt("groq"), of_unknown_price.clone()],
        ..settled("1")
    };
    workspace.settle_generation(failed).await.unwrap();
    let row = workspace.generation(&generation_id("1")).await.unwrap().unwrap();
    assert_eq!((row.usage, row.cost, row.price, row.provider), (None, None, None, None));
    assert_eq!((row.finish_reason, row.native_finish_reason), (None, None));
    assert_eq!((row.error_code, row.attempts.len()), (Some(ErrorCode::NoProvider), 2));
    assert_eq!(row.attempts[1].attempt, of_unknown_price);
    assert!(row.attempts[1].lines.is_empty());
}

pub(crate) async fn a_call_costs_what_its_attempts_cost_together(store: &TestStore) {
    let workspace = store.a();
    workspace.begin_generation(intent("1")).await.unwrap();
    let free = SettledAttempt { charge: None, ..attempt("groq") };
    let attempts = vec![attempt("groq"), free, attempt("openai")];
    workspace.settle_generation(SettledGeneration { attempts, ..settled("1") }).await.unwrap();
    let row = workspace.generation(&generation_id("1")).await.unwrap().unwrap();
    assert_eq!(row.cost, Some(Money::from_picodollars(400 + 123_056)));
    assert_eq!(row.attempts[1].attempt.charge, None);
    let shown = row.attempts.iter().flat_map(|attempt| &attempt.lines).map(|line| line.amount);
    assert_eq!(Money::sum(shown), row.cost);
}

pub(crate) async fn what_a_call_cost_can_be_computed_from_its_row(store: &TestStore) {
    let workspace = store.a();
    workspace.begin_generation(intent("1")).await.unwrap();
    let dollars = |text| Money::parse_dollars(text);
    let price = Price {
        prompt: Money::from_picodollars(1_000),
        completion: Money::from_picodollars(2_000),
        cached_prompt: dollars("0.0000000001"),
        cache_write: dollars("0.00000000125"),
        cache_write_1h: dollars("0.00000002"),
        reasoning: dollars("0.000000003"),
        image: dollars("0.001"),
        image_output: dollars("0.00000004"),
        audio: dollars("0.00000005"),
        audio_output: dollars("0.00000006"),
        request: dollars("0.0001"),
        web_search: dollars("0.01"),
        tiers: Vec::new(),
    };
    let told = settled("1");
    let usage = told.usage.clone().map(|usage| Usage { provider_cost: None, ..usage });
    let charge = usage.clone().map(|usage| Charge::of(usage, Some(price.clone())));
    let attempts = vec![SettledAttempt { charge, ..attempt("openai") }];
    let told = SettledGeneration { usage, price: Some(price), attempts, ..told };
    workspace.settle_generation(told).await.unwrap();
    let row = workspace.generation(&generation_id("1")).await.unwrap().unwrap();
    let computed = Charge::of(row.usage.unwrap(), row.price);
    assert_eq!(computed.cost, row.cost);
    assert_eq!(computed.lines().len(), 12, "every class has its line");
}
