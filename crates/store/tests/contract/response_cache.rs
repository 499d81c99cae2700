//! An answer is given again to the same request.

use backstay_core::{KeyId, Money};
use backstay_store::{
    CACHED_ANSWER_BYTES_MAX, CacheKey, CachedAnswer, NewCachedAnswer, TurnRecord, Workspace,
};

use crate::harness::{TestStore, at, forget, generation_id, intent, say, settled, turn};

fn of(key: &str, request: u8) -> CacheKey {
    CacheKey { key: KeyId::parse(key).unwrap(), request: [request; 32] }
}

fn new(of: CacheKey, answer: &[u8], until: i64) -> NewCachedAnswer {
    NewCachedAnswer { of, answer: answer.to_vec(), expires_at: at(until) }
}

/// A call that belongs to no thread and whose answer is kept; it ends at second 2.
fn record(id: &str, cache: NewCachedAnswer) -> TurnRecord {
    TurnRecord { settled: settled(id), turn: None, cache: Some(cache) }
}

async fn keep(workspace: &Workspace, id: &str, cache: NewCachedAnswer) {
    workspace.begin_generation(intent(id)).await.unwrap();
    assert!(workspace.complete_turn(record(id, cache)).await.unwrap().newly_settled);
}

async fn find(workspace: &Workspace, of: &CacheKey, second: i64) -> Option<CachedAnswer> {
    workspace.cached_answer(of, at(second)).await.unwrap()
}

async fn text(workspace: &Workspace, of: &CacheKey, second: i64) -> Option<Vec<u8>> {
    find(workspace, of, second).await.map(|found| found.answer)
}

pub(crate) async fn an_answer_is_found_by_its_key_and_request_until_its_time_is_over(
    store: &TestStore,
) {
    let workspace = store.a();
    let mine = of("key_1", 1);
    keep(&workspace, "1", new(mine.clone(), b"\xffone", 100)).await;
    let found = find(&workspace, &mine, 99).await.unwrap();
    let cost = Some(Money::from_picodollars(123_456));
    assert_eq!((found.generation, found.cost), (generation_id("1"), cost));
    assert_eq!((found.created_at, found.expires_at), (at(2), at(100)));
    assert_eq!(found.answer, b"\xffone");
    assert_eq!(find(&workspace, &mine, 100).await, None);
    assert_eq!(find(&workspace, &of("key_2", 1), 50).await, None);
    assert_eq!(find(&workspace, &of("key_1", 2), 50).await, None);
    assert_eq!(find(&store.b(), &mine, 50).await, None);

    store.b().drop_cached_answer(&mine).await.unwrap();
    assert!(find(&workspace, &mine, 50).await.is_some());
    keep(&workspace, "2", new(of("key_1", 2), b"two", 200)).await;
    assert_eq!(store.store().expire_cached_answers(at(99), 10).await.unwrap(), 0);
    assert_eq!(store.store().expire_cached_answers(at(200), 1).await.unwrap(), 1);
    assert_eq!(store.store().expire_cached_answers(at(200), 10).await.unwrap(), 1);
    assert_eq!(find(&workspace, &mine, 50).await, None);
    assert_eq!(find(&workspace, &of("key_1", 2), 50).await, None);
}

pub(crate) async fn a_newer_answer_takes_the_place_of_the_older(store: &TestStore) {
    let workspace = store.a();
    let mine = of("key_1", 1);
    keep(&workspace, "1", new(mine.clone(), b"one", 100)).await;
    keep(&workspace, "2", new(mine.clone(), b"two", 200)).await;
    let found = find(&workspace, &mine, 150).await.unwrap();
    assert_eq!((found.generation, found.answer), (generation_id("2"), b"two".to_vec()));
    workspace.drop_cached_answer(&mine).await.unwrap();
    assert_eq!(find(&workspace, &mine, 50).await, None);
}

pub(crate) async fn an_answer_is_kept_with_its_call_or_not_at_all(store: &TestStore) {
    let workspace = store.a();
    let never_begun = record("1", new(of("key_1", 1), b"one", 100));
    assert!(workspace.complete_turn(never_begun).await.is_err());
    assert_eq!(find(&workspace, &of("key_1", 1), 50).await, None);
    keep(&workspace, "2", new(of("key_1", 1), b"two", 100)).await;
    let told_twice = record("2", new(of("key_1", 1), b"late", 100));
    assert!(!workspace.complete_turn(told_twice).await.unwrap().newly_settled);
    assert_eq!(text(&workspace, &of("key_1", 1), 50).await, Some(b"two".to_vec()));
}

pub(crate) async fn the_oldest_answers_make_room(store: &TestStore) {
    let workspace = store.a();
    let large = vec![b'x'; CACHED_ANSWER_BYTES_MAX];
    keep(&store.b(), "0", new(of("key_1", 0), b"other workspace", 100)).await;
    for number in 0..33 {
        let mut record = record(&number.to_string(), new(of("key_1", number), &large, 1_000));
        record.settled.finished_at = at(2 + i64::from(number));
        workspace.begin_generation(intent(&number.to_string())).await.unwrap();
        workspace.complete_turn(record).await.unwrap();
    }
    assert_eq!(find(&workspace, &of("key_1", 0), 50).await, None, "32 of them fill 64 MiB");
    for number in 1..33 {
        assert!(find(&workspace, &of("key_1", number), 50).await.is_some(), "{number}");
    }
    assert!(find(&store.b(), &of("key_1", 0), 50).await.is_some());
}

pub(crate) async fn an_answer_that_is_too_large_is_not_kept(store: &TestStore) {
    let workspace = store.a();
    let too_large = vec![b'x'; CACHED_ANSWER_BYTES_MAX + 1];
    keep(&workspace, "1", new(of("key_1", 1), &too_large, 100)).await;
    assert_eq!(find(&workspace, &of("key_1", 1), 50).await, None);
    assert!(workspace.generation(&generation_id("1")).await.unwrap().is_some());
}

pub(crate) async fn what_is_forgotten_is_in_no_cached_answer(store: &TestStore) {
    let workspace = store.a();
    let said = say(&workspace, "1", "The code is kingfisher.", "Noted.").await;
    let quoting = new(of("key_1", 1), b"It is kingfisher.", 100);
    let of_a_turn = TurnRecord { cache: Some(quoting), ..turn("2", "2", "What is it?", "A bird.") };
    workspace.begin_generation(intent("2")).await.unwrap();
    workspace.complete_turn(of_a_turn).await.unwrap();
    keep(&store.b(), "3", new(of("key_1", 1), b"other workspace", 100)).await;
    forget(&workspace, &said).await;
    assert_eq!(find(&workspace, &of("key_1", 1), 50).await, None);
    assert!(find(&store.b(), &of("key_1", 1), 50).await.is_some());
    let kept = store.all_bytes().await;
    assert!(!kept.windows(10).any(|bytes| bytes == b"kingfisher"));
}
