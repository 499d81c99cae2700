//! Vectors of episodes.

use backstay_core::EpisodeId;
use backstay_store::{PassageVector, ScopeVersion, Unembedded, Workspace};

use crate::harness::{TestStore, ann, episode_id, forget, passage, say};

async fn of_model(
    workspace: &Workspace,
    model: &str,
    revision: &str,
) -> Vec<(EpisodeId, Vec<PassageVector>)> {
    let found = workspace.scope_vectors(&ann(), model, revision, 0, 100).await.unwrap();
    assert_eq!(found.next, None);
    found.vectors
}

/// What has no vector, as if nobody had been asked to make one.
async fn unembedded(
    store: &TestStore,
    model: &str,
    revision: &str,
    limit: usize,
) -> Vec<Unembedded> {
    store.end_claims().await;
    store.store().next_unembedded(model, revision, limit).await.unwrap()
}

pub(crate) async fn an_episode_wants_a_vector_until_it_has_one_of_that_model(store: &TestStore) {
    let workspace = store.a();
    let said = say(&workspace, "1", "I live in Ghent", "noted").await;
    let wanted = unembedded(store, "minilm", "r1", 10).await;
    assert_eq!(wanted.len(), 2);
    assert!(wanted.iter().any(|row| row.text == "I live in Ghent" && row.scope == ann()));
    assert!(wanted.iter().all(|row| row.workspace == *workspace.id()));
    assert_eq!(unembedded(store, "minilm", "r1", 1).await.len(), 1);

    let vectors = vec![(said[0].clone(), vec![passage(&[0.25, -1.0])])];
    assert_eq!(workspace.put_vectors("minilm", "r1", vectors.clone()).await.unwrap(), 1);
    let wanted = unembedded(store, "minilm", "r1", 10).await;
    assert_eq!(wanted.iter().map(|row| &row.episode).collect::<Vec<_>>(), [&said[1]]);
    assert_eq!(of_model(&workspace, "minilm", "r1").await, vectors);
}

pub(crate) async fn a_change_of_model_asks_for_every_vector_again(store: &TestStore) {
    let workspace = store.a();
    let said = say(&workspace, "1", "I live in Ghent", "noted").await;
    let vectors =
        |value| said.iter().map(|id| (id.clone(), vec![passage(&[value])])).collect::<Vec<_>>();
    workspace.put_vectors("minilm", "r1", vectors(1.0)).await.unwrap();
    for (model, revision) in [("minilm", "r0"), ("minilm", "r2"), ("a", "r1"), ("z", "r1")] {
        assert!(of_model(&workspace, model, revision).await.is_empty());
        let wanted = unembedded(store, model, revision, 10).await;
        assert_eq!(wanted.len(), 2, "{model} {revision}");
    }
    workspace.put_vectors("minilm", "r2", vectors(2.0)).await.unwrap();
    assert!(of_model(&workspace, "minilm", "r1").await.is_empty());
    assert_eq!(of_model(&workspace, "minilm", "r2").await, vectors(2.0));
    let counts = store.store().vector_counts().await.unwrap();
    assert_eq!(counts.len(), 1);
    assert_eq!((counts[0].revision.as_str(), counts[0].episodes), ("r2", 2));
}

pub(crate) async fn vectors_of_different_lengths_are_refused(store: &TestStore) {
    let workspace = store.a();
    let said = say(&workspace, "1", "I live in Ghent", "noted").await;
    let mixed = [
        vec![
            (said[0].clone(), vec![passage(&[1.0])]),
            (said[1].clone(), vec![passage(&[1.0, 2.0])]),
        ],
        vec![(said[0].clone(), vec![passage(&[1.0]), passage(&[1.0, 2.0])])],
        vec![(said[0].clone(), vec![passage(&[1.0])]), (said[1].clone(), Vec::new())],
        vec![(said[0].clone(), vec![passage(&[])])],
        vec![(said[0].clone(), Vec::new())],
    ];
    for vectors in mixed {
        assert!(workspace.put_vectors("m", "1", vectors).await.is_err());
    }
    assert_eq!(unembedded(store, "m", "1", 10).await.len(), 2);
}

pub(crate) async fn a_vector_of_a_forgotten_episode_is_not_stored(store: &TestStore) {
    let workspace = store.a();
    let said = say(&workspace, "1", "I live in Ghent", "noted").await;
    forget(&workspace, &said[..1]).await;
    let vectors = said.iter().map(|id| (id.clone(), vec![passage(&[1.0])])).collect();
    assert_eq!(workspace.put_vectors("m", "1", vectors).await.unwrap(), 1);
    assert_eq!(of_model(&workspace, "m", "1").await.len(), 1);
}

pub(crate) async fn an_episode_has_a_vector_for_each_passage_of_one_model(store: &TestStore) {
    let workspace = store.a();
    let said = say(&workspace, "1", "a long story", "noted").await;
    let passages =
        |values: &[f32]| values.iter().map(|value| passage(&[*value])).collect::<Vec<_>>();
    let put = |revision: &'static str, values: &[f32]| {
        workspace.put_vectors("m", revision, vec![(said[0].clone(), passages(values))])
    };
    put("1", &[1.0, 2.0, 3.0]).await.unwrap();
    assert_eq!(
        of_model(&workspace, "m", "1").await,
        [(said[0].clone(), passages(&[1.0, 2.0, 3.0]))]
    );
    let wanted = unembedded(store, "m", "2", 10).await;
    assert_eq!(wanted.len(), 2, "an episode is asked for once, however many passages it has");

    put("2", &[4.0, 5.0]).await.unwrap();
    assert!(of_model(&workspace, "m", "1").await.is_empty());
    assert_eq!(of_model(&workspace, "m", "2").await, [(said[0].clone(), passages(&[4.0, 5.0]))]);
    let counts = store.store().vector_counts().await.unwrap();
    let counts: Vec<_> = counts.iter().map(|c| (c.revision.as_str(), c.episodes)).collect();
    assert_eq!(counts, [("", 1), ("2", 1)]);
}

pub(crate) async fn a_large_scopes_vectors_are_read_in_parts(store: &TestStore) {
    let workspace = store.a();
    let mut expected = Vec::new();
    for number in 0..4 {
        let said = say(&workspace, "1", "question", "answer").await;
        // The answers have no vectors: parts end after episodes, not after vectors.
        expected.push((said[0].clone(), vec![passage(&[f32::from(number as u8)]); 2]));
    }
    workspace.put_vectors("m", "1", expected.clone()).await.unwrap();
    let (mut read, mut after) = (Vec::new(), Some(0));
    while let Some(first) = after {
        let part = workspace.scope_vectors(&ann(), "m", "1", first, 3).await.unwrap();
        assert!(part.vectors.len() <= 3);
        read.extend(part.vectors);
        after = part.next;
    }
    assert_eq!(read, expected);
}

pub(crate) async fn a_scope_tells_when_vectors_came_and_gives_those_that_are_asked_for(
    store: &TestStore,
) {
    let workspace = store.a();
    let said = say(&workspace, "1", "I live in Ghent", "noted").await;
    let before = workspace.scope_version(&ann()).await.unwrap();
    let vectors =
        |values: &[f32]| vec![(said[1].clone(), values.iter().map(|v| passage(&[*v])).collect())];
    workspace.put_vectors("m", "1", vectors(&[1.0, 2.0])).await.unwrap();
    let after = workspace.scope_version(&ann()).await.unwrap();
    assert_eq!(after, ScopeVersion { embedded: before.embedded + 1, ..before });
    assert_eq!(workspace.vectors_of(&said, "m", "1").await.unwrap(), vectors(&[1.0, 2.0]));
    assert!(workspace.vectors_of(&said, "m", "2").await.unwrap().is_empty());
    assert!(workspace.vectors_of(&said[..1], "m", "1").await.unwrap().is_empty());
    assert!(store.b().vectors_of(&said, "m", "1").await.unwrap().is_empty());
    let unknown = vec![(episode_id("unknown"), vec![passage(&[1.0])])];
    workspace.put_vectors("m", "1", unknown).await.unwrap();
    assert_eq!(workspace.scope_version(&ann()).await.unwrap(), after, "nothing came");
}

pub(crate) async fn what_one_server_embeds_no_other_does_meanwhile(store: &TestStore) {
    let workspace = store.a();
    for _ in 0..3 {
        say(&workspace, "1", "I live in Ghent", "noted").await;
    }
    let (one, two) = (store.store(), store.store());
    let (one, two) =
        tokio::join!(one.next_unembedded("m", "1", 4), two.next_unembedded("m", "1", 4));
    let mut asked: Vec<_> = one.unwrap().into_iter().chain(two.unwrap()).collect();
    asked.sort_by(|left, right| left.episode.cmp(&right.episode));
    asked.dedup();
    let left = store.store().next_unembedded("m", "1", 10).await.unwrap();
    if store.is_shared() {
        assert_eq!((asked.len(), left.len()), (6, 0));
    } else {
        // A folder has one process, which asks again only when it has failed.
        assert_eq!((asked.len(), left.len()), (4, 6));
    }
    assert_eq!(
        unembedded(store, "m", "1", 10).await.len(),
        6,
        "a server that died did not make them"
    );
}
