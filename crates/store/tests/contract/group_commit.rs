//! Many writes at once.

use backstay_core::ErrorCode;

use crate::harness::{TestStore, at_once, generation_id, intent, settled};

pub(crate) async fn a_write_that_fails_leaves_its_neighbours_alone(store: &TestStore) {
    const CALLS: u32 = 200;
    let workspace = store.a();
    workspace.begin_generation(intent("taken")).await.unwrap();
    let calls = (0..CALLS).map(|number| {
        let workspace = workspace.clone();
        async move {
            if number % 2 == 0 {
                let id = number.to_string();
                workspace.begin_generation(intent(&id)).await.unwrap();
                assert!(workspace.settle_generation(settled(&id)).await.unwrap());
            } else {
                let refused = workspace.begin_generation(intent("taken")).await.unwrap_err();
                assert_eq!(refused.code(), ErrorCode::Conflict);
            }
        }
    });
    at_once(calls).await;
    drop(workspace);
    store.reopen().await;
    for number in (0..CALLS).step_by(2) {
        let row = store.a().generation(&generation_id(&number.to_string())).await.unwrap();
        assert_eq!(row.unwrap().attempts.len(), 2);
    }
}

pub(crate) async fn a_closed_store_refuses_calls_and_may_be_closed_again(store: &TestStore) {
    store.a().begin_generation(intent("1")).await.unwrap();
    store.store().close().await.unwrap();
    let refused = store.a().begin_generation(intent("2")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::ShuttingDown);
    let refused = store.a().generation(&generation_id("1")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::ShuttingDown);
    store.store().close().await.unwrap();
    store.reopen().await;
    assert!(store.a().generation(&generation_id("1")).await.unwrap().is_some());
}
