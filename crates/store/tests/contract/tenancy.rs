//! Two workspaces that use the same ids.

use backstay_core::ErrorCode;
use backstay_store::PageRequest;

use crate::harness::{
    TestStore, ann, at, forget, generation_id, intent, kept, kept_mut, passage, say, settled,
    texts, thread_id, turn,
};

pub(crate) async fn one_workspace_never_sees_what_another_wrote_under_the_same_ids(
    store: &TestStore,
) {
    let (a, b) = (store.a(), store.b());
    let record = turn("1", "1", "I live in Ghent", "noted");
    a.begin_generation(intent("1")).await.unwrap();
    a.complete_turn(record.clone()).await.unwrap();
    let episode = kept(&record).episodes[0].id.clone();

    assert_eq!(b.generation(&generation_id("1")).await.unwrap(), None);
    assert_eq!(b.thread(&thread_id("1")).await.unwrap(), None);
    assert_eq!(b.episode(&episode).await.unwrap(), None);
    assert!(b.thread_messages(&thread_id("1"), 10).await.unwrap().is_empty());
    assert!(texts(&b, &ann()).await.is_empty());
    assert!(b.scopes().await.unwrap().is_empty());
    assert!(b.list_threads(PageRequest::default()).await.unwrap().items.is_empty());
    assert!(b.list_generations(PageRequest::default()).await.unwrap().items.is_empty());
    assert!(b.list_episodes(&ann(), PageRequest::default()).await.unwrap().items.is_empty());
    let wanted = store.store().next_unembedded("m", "1", 10).await.unwrap();
    assert!(wanted.iter().all(|row| row.workspace == *a.id()) && !wanted.is_empty());

    let mut same_ids = turn("1", "1", "I live in Porto", "noted");
    kept_mut(&mut same_ids).episodes[0].id = episode.clone();
    b.begin_generation(intent("1")).await.unwrap();
    b.complete_turn(same_ids).await.unwrap();
    assert_eq!(texts(&a, &ann()).await, ["I live in Ghent", "noted"]);
    assert_eq!(texts(&b, &ann()).await, ["I live in Porto", "noted"]);
    assert_eq!(a.episode(&episode).await.unwrap().unwrap().episode.text, "I live in Ghent");
}

pub(crate) async fn one_workspace_cannot_delete_or_settle_what_another_wrote(store: &TestStore) {
    let (a, b) = (store.a(), store.b());
    let episodes = say(&a, "1", "I live in Ghent", "noted").await;
    a.begin_generation(intent("open")).await.unwrap();
    let vector = vec![(episodes[0].clone(), vec![passage(&[1.0])])];

    assert_eq!(forget(&b, &episodes).await, 0);
    assert!(!b.delete_thread(&thread_id("1"), at(9)).await.unwrap());
    assert_eq!(b.put_vectors("m", "1", vector).await.unwrap(), 0);
    let refused = b.settle_generation(settled("open")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::NotFound);
    assert_eq!(texts(&a, &ann()).await, ["I live in Ghent", "noted"]);
    assert!(a.settle_generation(settled("open")).await.unwrap());
}
