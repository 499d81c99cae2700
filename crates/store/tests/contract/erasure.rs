//! Deleting for good.

use crate::{
    harness::{TestStore, ann, at, episode_id, forget, passage, say, texts, thread_id},
    statements::add,
};

const SECRET: &str = "my safe opens with zanzibar-4711";

fn occurrences(bytes: &[u8], text: &str) -> usize {
    bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count()
}

pub(crate) async fn what_is_forgotten_is_in_no_file(store: &TestStore) {
    let workspace = store.a();
    let long = format!("{SECRET} {}", "and more of it ".repeat(1_000));
    let mut said = say(&workspace, "1", SECRET, "noted").await;
    said.extend(say(&workspace, "1", &long, "noted").await);
    workspace
        .put_vectors("m", "1", vec![(said[0].clone(), vec![passage(&[0.5; 384]); 3])])
        .await
        .unwrap();
    assert!(occurrences(&store.all_bytes().await, "zanzibar-4711") > 0);

    assert_eq!(forget(&workspace, &said).await, 4);
    assert_eq!(occurrences(&store.all_bytes().await, "zanzibar-4711"), 0);
    assert_eq!(occurrences(&store.all_bytes().await, "and more of it"), 0);
    let messages = workspace.thread_messages(&thread_id("1"), 10).await.unwrap();
    assert!(messages.iter().all(|message| message.message.text() == "[forgotten]"));
    assert!(store.store().vector_counts().await.unwrap().is_empty());
}

pub(crate) async fn what_is_forgotten_changes_its_scope_and_nothing_else(store: &TestStore) {
    let workspace = store.a();
    let said = say(&workspace, "1", "I live in Ghent", "noted").await;
    let before = workspace.scope_version(&ann()).await.unwrap();
    assert_eq!(forget(&workspace, &said[..1]).await, 1);
    let after = workspace.scope_version(&ann()).await.unwrap();
    assert_eq!((after.written, after.forgotten), (before.written, before.forgotten + 1));
    assert_eq!(texts(&workspace, &ann()).await, ["noted"]);
    assert_eq!(workspace.scopes().await.unwrap(), [(ann(), 1)]);
    assert_eq!(workspace.episode(&said[0]).await.unwrap(), None);
    let messages = workspace.thread_messages(&thread_id("1"), 10).await.unwrap();
    assert_eq!(messages[1].message.text(), "noted");
    say(&workspace, "1", "and I like it", "good").await;
    assert_eq!(texts(&workspace, &ann()).await, ["noted", "and I like it", "good"]);
}

pub(crate) async fn a_deleted_thread_takes_its_memories_along(store: &TestStore) {
    let workspace = store.a();
    say(&workspace, "1", SECRET, "noted").await;
    say(&workspace, "2", "I live in Ghent", "noted").await;
    assert!(workspace.delete_thread(&thread_id("1"), at(9)).await.unwrap());
    assert!(!workspace.delete_thread(&thread_id("1"), at(9)).await.unwrap());
    assert_eq!(workspace.thread(&thread_id("1")).await.unwrap(), None);
    assert!(workspace.thread_messages(&thread_id("1"), 10).await.unwrap().is_empty());
    assert_eq!(texts(&workspace, &ann()).await, ["I live in Ghent", "noted"]);
    assert_eq!(workspace.scope_version(&ann()).await.unwrap().forgotten, 2);
    assert_eq!(occurrences(&store.all_bytes().await, "zanzibar-4711"), 0);
}

pub(crate) async fn a_memory_that_is_emptied_leaves_its_threads_as_they_are(store: &TestStore) {
    let workspace = store.a();
    let said = say(&workspace, "1", "I live in Ghent", "noted").await;
    add(&workspace, "Ann lives in Ghent", &said[..1]).await;
    workspace.reset_memory(&ann(), at(9)).await.unwrap();
    assert!(texts(&workspace, &ann()).await.is_empty());
    assert!(workspace.scopes().await.unwrap().is_empty());
    let messages = workspace.thread_messages(&thread_id("1"), 10).await.unwrap();
    assert_eq!(messages[0].message.text(), "I live in Ghent");
    let again = say(&workspace, "2", "I live in Ghent", "noted").await;
    add(&workspace, "Ann lives in Ghent", &again[..1]).await;
    assert_eq!(workspace.statement_counts(&ann()).await.unwrap().active, 1);
}

pub(crate) async fn forgetting_what_is_not_there_forgets_nothing(store: &TestStore) {
    let unknown = [episode_id("none"), episode_id("neither")];
    assert_eq!(forget(&store.a(), &unknown).await, 0);
    assert_eq!(forget(&store.a(), &[]).await, 0);
}
