//! Vectors of episodes.

use crate::harness::{TestStore, ann, say};

pub(crate) async fn an_episode_wants_a_vector_until_it_has_one_of_that_model(store: &TestStore) {
    let workspace = store.a();
    let said = say(&workspace, "1", "I live in Ghent", "noted").await;
    let wanted = store.store().next_unembedded("minilm", "r1", 10).await.unwrap();
    assert_eq!(wanted.len(), 2);
    assert!(wanted.iter().any(|row| row.text == "I live in Ghent" && row.scope == ann()));
    assert!(wanted.iter().all(|row| row.workspace == *workspace.id()));
    assert_eq!(store.store().next_unembedded("minilm", "r1", 1).await.unwrap().len(), 1);

    let vectors = vec![(said[0].clone(), vec![0.25, -1.0])];
    assert_eq!(workspace.put_vectors("minilm", "r1", vectors.clone()).await.unwrap(), 1);
    let wanted = workspace.episodes_without_vector("minilm", "r1", 10).await.unwrap();
    assert_eq!(wanted.iter().map(|row| &row.episode).collect::<Vec<_>>(), [&said[1]]);
    assert_eq!(workspace.scope_vectors(&ann(), "minilm", "r1").await.unwrap(), vectors);
}

pub(crate) async fn a_change_of_model_asks_for_every_vector_again(store: &TestStore) {
    let workspace = store.a();
    let said = say(&workspace, "1", "I live in Ghent", "noted").await;
    let vectors = |value| said.iter().map(|id| (id.clone(), vec![value])).collect::<Vec<_>>();
    workspace.put_vectors("minilm", "r1", vectors(1.0)).await.unwrap();
    for (model, revision) in [("minilm", "r0"), ("minilm", "r2"), ("a", "r1"), ("z", "r1")] {
        assert!(workspace.scope_vectors(&ann(), model, revision).await.unwrap().is_empty());
        let wanted = store.store().next_unembedded(model, revision, 10).await.unwrap();
        assert_eq!(wanted.len(), 2, "{model} {revision}");
    }
    workspace.put_vectors("minilm", "r2", vectors(2.0)).await.unwrap();
    assert!(workspace.scope_vectors(&ann(), "minilm", "r1").await.unwrap().is_empty());
    assert_eq!(workspace.scope_vectors(&ann(), "minilm", "r2").await.unwrap(), vectors(2.0));
    let counts = store.store().vector_counts().await.unwrap();
    assert_eq!(counts.len(), 1);
    assert_eq!((counts[0].revision.as_str(), counts[0].episodes), ("r2", 2));
}

pub(crate) async fn vectors_of_different_lengths_are_refused(store: &TestStore) {
    let workspace = store.a();
    let said = say(&workspace, "1", "I live in Ghent", "noted").await;
    let mixed = vec![(said[0].clone(), vec![1.0]), (said[1].clone(), vec![1.0, 2.0])];
    assert!(workspace.put_vectors("m", "1", mixed).await.is_err());
    assert!(workspace.put_vectors("m", "1", vec![(said[0].clone(), Vec::new())]).await.is_err());
    assert_eq!(workspace.episodes_without_vector("m", "1", 10).await.unwrap().len(), 2);
}

pub(crate) async fn a_vector_of_a_forgotten_episode_is_not_stored(store: &TestStore) {
    let workspace = store.a();
    let said = say(&workspace, "1", "I live in Ghent", "noted").await;
    workspace.forget_episodes(&said[..1]).await.unwrap();
    let vectors = said.iter().map(|id| (id.clone(), vec![1.0])).collect();
    assert_eq!(workspace.put_vectors("m", "1", vectors).await.unwrap(), 1);
    assert_eq!(workspace.scope_vectors(&ann(), "m", "1").await.unwrap().len(), 1);
}
