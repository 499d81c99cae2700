//! A whole installation goes from one store to another.

use backstay_core::{Budget, BudgetPeriod, ErrorCode, KeyId, Money, RateLimit, RatePeriod};
use backstay_store::{KeySettings, KeyToken, MovedTable, NewKey, RateAsk, Store};

use crate::documents;
use crate::harness::{TestStore, ann, at, forget, generation_id, intent, say, settled, texts};

/// Something in every workspace, of most kinds there are.
async fn fill(store: &TestStore) {
    for (number, workspace) in [(1, store.a()), (2, store.b())] {
        let key = KeyId::parse("key_1").unwrap();
        let rate = RateLimit::Requests { per: RatePeriod::Minute, limit: 10 };
        workspace
            .create_key(NewKey {
                id: key.clone(),
                token: KeyToken {
                    hash: [number; 32],
                    prefix: "bs-1".to_owned(),
                    suffix: "1".to_owned(),
                },
                created_at: at(0),
                settings: KeySettings {
                    name: "a key of ünïcode".to_owned(),
                    rate_limits: vec![rate],
                    ..KeySettings::default()
                },
                budgets: vec![Budget {
                    period: BudgetPeriod::Day,
                    limit: Money::from_picodollars(i64::MAX),
                }],
            })
            .await
            .unwrap();
        let ask = RateAsk { limit: rate, needed: 1, spare: 0 };
        workspace.take_rates(&key, Vec::new(), vec![ask], at(1)).await.unwrap().unwrap();
    }
    let workspace = store.a();
    // More than are moved at a time.
    for turn in 0..150 {
        say(&workspace, &format!("t{}", turn % 7), &format!("turn {turn}"), "noted\nand kept")
            .await;
    }
    let gone = say(&workspace, "t1", "forget this", "forgotten").await;
    forget(&workspace, &gone).await;
    workspace.begin_generation(intent("open")).await.unwrap();
    workspace.begin_generation(intent("closed")).await.unwrap();
    workspace.settle_generation(settled("closed")).await.unwrap();
    say(&store.b(), "t1", "of another tenant", "kept apart").await;
    documents::add(&workspace, "1", documents::of_assistant("planner")).await;
    documents::read(store, &["a chunk", "and another"], true).await;
}

async fn moved(from: &Store, to: &Store) -> Vec<MovedTable> {
    from.move_to(to, |_, _| ()).await.unwrap()
}

pub(crate) async fn an_installation_goes_to_the_other_kind_of_store_and_back_unchanged(
    store: &TestStore,
) {
    fill(store).await;
    let (there, back) = (store.empty(false).await, store.empty(true).await);
    let went = moved(&store.store(), &there).await;
    store.store().close().await.unwrap();
    let came = moved(&there, &back).await;
    assert_eq!(went, came);
    let rows = |table| went.iter().find(|moved| moved.table == table).unwrap().rows;
    assert_eq!((rows("workspaces"), rows("api_keys"), rows("rate_use")), (2, 2, 2));
    assert_eq!((rows("episodes"), rows("messages")), (302, 304));
    assert_eq!((rows("generations"), rows("budgets")), (154, 2));
    assert_eq!((rows("tombstones"), rows("attempts"), rows("spending")), (2, 306, 2));
    assert_eq!((rows("documents"), rows("document_chunks"), rows("chunk_vectors")), (1, 2, 2));

    let a = back.workspace(store.a().id());
    assert_eq!(texts(&a, &ann()).await.len(), 300);
    let closed = a.generation(&generation_id("closed")).await.unwrap().unwrap();
    assert_eq!(closed.finished_at, Some(at(2)));
    say(&a, "t1", "life goes on", "it does").await;
}

pub(crate) async fn a_store_that_is_not_empty_is_not_moved_to(store: &TestStore) {
    fill(store).await;
    let other = store.empty(false).await;
    moved(&store.store(), &other).await;
    let refused = store.store().move_to(&other, |_, _| ()).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Conflict);
    assert!(refused.message().contains("not empty"), "{refused}");
}
