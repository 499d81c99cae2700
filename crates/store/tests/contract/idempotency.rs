//! The same request with the same idempotency key has one outcome.

use backstay_core::KeyId;
use backstay_store::{Idempotency, IdempotentRequest, StoredAnswer, Workspace};

use crate::harness::{TestStore, at, at_once, forget, say};

fn request(token: u8, fingerprint: u8) -> IdempotentRequest {
    let key = KeyId::parse("key_1").unwrap();
    IdempotentRequest { key, token: [token; 32], fingerprint: [fingerprint; 32] }
}

fn answer() -> StoredAnswer {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    StoredAnswer { status: 200, headers, body: b"{}\xff".to_vec() }
}

async fn begin(workspace: &Workspace, request: &IdempotentRequest, second: i64) -> Idempotency {
    workspace.begin_idempotent(request, at(second + 100), at(second)).await.unwrap()
}

pub(crate) async fn an_answer_is_kept_for_the_same_request_only(store: &TestStore) {
    let workspace = store.a();
    assert_eq!(begin(&workspace, &request(1, 1), 0).await, Idempotency::New);
    assert_eq!(begin(&workspace, &request(1, 1), 1).await, Idempotency::Running);
    assert_eq!(begin(&workspace, &request(1, 2), 1).await, Idempotency::Mismatch);
    workspace.finish_idempotent(&request(1, 1), Some(answer())).await.unwrap();
    assert_eq!(begin(&workspace, &request(1, 1), 2).await, Idempotency::Answered(answer()));
    assert_eq!(begin(&workspace, &request(1, 2), 2).await, Idempotency::Mismatch);
    let other = StoredAnswer { status: 500, ..answer() };
    workspace.finish_idempotent(&request(1, 1), Some(other)).await.unwrap();
    workspace.release_idempotent(&request(1, 1)).await.unwrap();
    assert_eq!(begin(&workspace, &request(1, 1), 3).await, Idempotency::Answered(answer()));

    let by_other_key = IdempotentRequest { key: KeyId::parse("key_2").unwrap(), ..request(1, 1) };
    assert_eq!(begin(&workspace, &by_other_key, 3).await, Idempotency::New);
    assert_eq!(begin(&store.b(), &request(1, 1), 3).await, Idempotency::New);
}

pub(crate) async fn a_request_that_was_released_may_be_tried_again(store: &TestStore) {
    let workspace = store.a();
    begin(&workspace, &request(1, 1), 0).await;
    workspace.release_idempotent(&request(1, 1)).await.unwrap();
    assert_eq!(begin(&workspace, &request(1, 2), 1).await, Idempotency::New);
    workspace.finish_idempotent(&request(1, 2), None).await.unwrap();
    assert_eq!(begin(&workspace, &request(1, 2), 2).await, Idempotency::Unstored);
}

pub(crate) async fn of_requests_at_once_one_is_new(store: &TestStore) {
    let tasks = (0..50).map(|_| {
        let workspace = store.a();
        async move { begin(&workspace, &request(1, 1), 0).await }
    });
    let known = at_once(tasks).await;
    assert_eq!(known.iter().filter(|known| **known == Idempotency::New).count(), 1);
    assert_eq!(known.iter().filter(|known| **known == Idempotency::Running).count(), 49);
}

pub(crate) async fn a_restart_releases_what_was_running_and_keeps_what_was_answered(
    store: &TestStore,
) {
    let workspace = store.a();
    begin(&workspace, &request(1, 1), 0).await;
    begin(&workspace, &request(2, 2), 0).await;
    workspace.finish_idempotent(&request(2, 2), Some(answer())).await.unwrap();
    drop(workspace);
    store.reopen().await;
    assert_eq!(store.store().release_idempotent().await.unwrap(), 1);
    assert_eq!(begin(&store.a(), &request(1, 1), 1).await, Idempotency::New);
    assert_eq!(begin(&store.a(), &request(2, 2), 1).await, Idempotency::Answered(answer()));
}

pub(crate) async fn an_answer_has_its_time(store: &TestStore) {
    let workspace = store.a();
    for token in 1..=3 {
        begin(&workspace, &request(token, 1), 0).await;
        workspace.finish_idempotent(&request(token, 1), Some(answer())).await.unwrap();
    }
    assert_eq!(begin(&workspace, &request(1, 9), 100).await, Idempotency::New, "it is over");
    assert_eq!(store.store().expire_idempotent(at(99), 10).await.unwrap(), 0);
    assert_eq!(store.store().expire_idempotent(at(100), 1).await.unwrap(), 1);
    assert_eq!(store.store().expire_idempotent(at(100), 10).await.unwrap(), 1);
    assert_eq!(begin(&workspace, &request(1, 9), 101).await, Idempotency::Running);
}

pub(crate) async fn what_is_forgotten_is_in_no_kept_answer(store: &TestStore) {
    let workspace = store.a();
    let said = say(&workspace, "1", "The code is kingfisher.", "Noted.").await;
    begin(&workspace, &request(1, 1), 0).await;
    let quoting = StoredAnswer { body: b"It is kingfisher.".to_vec(), ..answer() };
    workspace.finish_idempotent(&request(1, 1), Some(quoting)).await.unwrap();
    forget(&workspace, &said).await;
    assert_eq!(begin(&workspace, &request(1, 1), 1).await, Idempotency::Unstored);
    let kept = store.all_bytes().await;
    assert!(!kept.windows(10).any(|bytes| bytes == b"kingfisher"));
}
