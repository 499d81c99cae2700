//! The same request with the same idempotency key has one outcome.

use backstay_core::{GenerationId, KeyId, RequestId, chat::SettlementStatus};
use backstay_store::{
    Idempotency, IdempotentRequest, NewGeneration, SettledGeneration, StoredAnswer, Workspace,
};

use crate::harness::{TestStore, at, at_once, forget, intent, say, settled};

fn request(token: u8, fingerprint: u8) -> IdempotentRequest {
    IdempotentRequest {
        key: KeyId::parse("key_1").unwrap(),
        request: RequestId::parse(&format!("req_{token}")).unwrap(),
        token: [token; 32],
        fingerprint: [fingerprint; 32],
    }
}

/// A call that the request makes at that second; `None` leaves it open.
async fn call(
    workspace: &Workspace,
    request: &IdempotentRequest,
    second: i64,
    status: Option<SettlementStatus>,
) {
    let id = GenerationId::first_at(at(second));
    let (key, name) = (request.key.clone(), request.request.clone());
    let begun = NewGeneration { id: id.clone(), request: name, key, ..intent("1") };
    workspace.begin_generation(begun).await.unwrap();
    if let Some(status) = status {
        let ended = SettledGeneration { id, status, ..settled("1") };
        assert!(workspace.settle_generation(ended).await.unwrap());
    }
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

pub(crate) async fn what_was_carried_out_and_not_kept_is_not_done_again(store: &TestStore) {
    use SettlementStatus::{Completed, Failed};
    let workspace = store.a();
    let [answered, failed, cut_off, called_before, of_another_key] =
        [1, 2, 3, 4, 5].map(|token| request(token, 1));
    call(&workspace, &called_before, 1, Some(Completed)).await;
    for request in [&answered, &failed, &cut_off, &called_before, &of_another_key] {
        assert_eq!(begin(&workspace, request, 2).await, Idempotency::New);
    }
    call(&workspace, &answered, 3, Some(Failed)).await;
    call(&workspace, &answered, 4, Some(Completed)).await;
    call(&workspace, &failed, 5, Some(Failed)).await;
    call(&workspace, &cut_off, 6, None).await;
    let by_other_key = IdempotentRequest { key: KeyId::parse("key_2").unwrap(), ..request(5, 1) };
    call(&workspace, &by_other_key, 7, Some(Completed)).await;
    call(&store.b(), &of_another_key, 7, Some(Completed)).await;
    drop(workspace);

    store.reopen().await;
    assert_eq!(store.store().release_idempotent().await.unwrap(), 4, "one has a call that is open");
    assert_eq!(begin(&store.a(), &cut_off, 8).await, Idempotency::Running);
    assert_eq!(store.store().settle_interrupted(at(8)).await.unwrap(), 1);
    assert_eq!(store.store().release_idempotent().await.unwrap(), 1);
    let again = store.a();
    assert_eq!(begin(&again, &answered, 9).await, Idempotency::Unstored);
    assert_eq!(begin(&again, &request(1, 2), 9).await, Idempotency::Mismatch);
    for request in [&failed, &cut_off, &called_before, &of_another_key] {
        assert_eq!(begin(&again, request, 9).await, Idempotency::New, "{request:?}");
    }
}

pub(crate) async fn a_request_that_breaks_off_may_be_tried_again_unless_it_was_answered(
    store: &TestStore,
) {
    let workspace = store.a();
    let [answered, silent] = [1, 2].map(|token| request(token, 1));
    for request in [&answered, &silent] {
        begin(&workspace, request, 0).await;
    }
    call(&workspace, &answered, 1, Some(SettlementStatus::Completed)).await;
    call(&workspace, &silent, 2, None).await;
    for request in [&answered, &silent] {
        workspace.abandon_idempotent(request).await.unwrap();
    }
    assert_eq!(begin(&workspace, &answered, 3).await, Idempotency::Unstored);
    assert_eq!(begin(&workspace, &silent, 3).await, Idempotency::New);
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
