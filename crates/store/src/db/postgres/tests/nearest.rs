//! Vectors that pgvector finds.

use backstay_core::{
    EpisodeId, Name, Timestamp,
    memory::{RecalledId, Scope, Speaker},
};

use super::{database, open, options, workspace};
use crate::{ImportedThread, ImportedTurn, PassageVector, Workspace};

fn scope(user: &str) -> Scope {
    Scope { assistant: Name::parse("helper").unwrap(), user: Name::parse(user) }
}

fn passage(vector: &[f32]) -> PassageVector {
    PassageVector { vector: vector.to_vec(), states: Vec::new() }
}

async fn tell(workspace: &Workspace, user: &str) -> Vec<EpisodeId> {
    let turn = |number: usize| ImportedTurn {
        speaker: Speaker::User,
        author: "user".to_owned(),
        text: format!("turn {number}"),
        said_at: Timestamp::default(),
    };
    let imported = ImportedThread {
        scope: scope(user),
        source: "test".to_owned(),
        external_id: Some(user.to_owned()),
        title: None,
        turns: (0..3).map(turn).collect(),
        imported_at: Timestamp::default(),
    };
    let outcome = workspace.import_conversation(imported).await.unwrap();
    outcome.ids.into_iter().flatten().collect()
}

/// Gives them vectors, where all and where the near ones are kept.
async fn put(workspace: &Workspace, user: &str, turns: &[(u64, EpisodeId, Vec<PassageVector>)]) {
    let vectors = turns.iter().map(|(_, id, passages)| (id.clone(), passages.clone()));
    workspace.put_vectors("m", "1", vectors.collect()).await.unwrap();
    workspace.put_nearest(&scope(user), "m", "1", turns).await.unwrap();
}

#[tokio::test]
async fn the_nearest_of_a_scope_are_found_and_go_with_what_is_forgotten() {
    let database = database().await;
    let store = open(options(database.url())).await;
    let (a, b) = (workspace(&store, "ws_a").await, workspace(&store, "ws_b").await);
    let available = "SELECT EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'vector')";
    let client = database.client().await.unwrap();
    let available: bool = client.query_one(available, &[]).await.unwrap().get(0);
    assert_eq!(store.prepare_nearest(2).await.unwrap(), available);
    if !available {
        return;
    }
    assert!(store.prepare_nearest(2).await.unwrap(), "again at no cost");
    let (ann, bob, other) = (tell(&a, "ann").await, tell(&a, "bob").await, tell(&b, "ann").await);
    let vectors: [&[f32]; 3] = [&[1.0, 0.0], &[0.6, 0.8], &[0.0, 1.0]];
    for (workspace, user, ids) in [(&a, "ann", &ann), (&a, "bob", &bob), (&b, "ann", &other)] {
        let numbered = (1_u64..).zip(ids).zip(vectors);
        let turns: Vec<_> = numbered
            .map(|((sequence, id), vector)| (sequence, id.clone(), vec![passage(vector)]))
            .collect();
        put(workspace, user, &turns).await;
    }
    // In the graph, and by looking at all.
    for scope_turns in [1_000_000, 3] {
        let near = |workspace: &Workspace, count| {
            let workspace = workspace.clone();
            async move {
                let ann = scope("ann");
                let question = [0.8, 0.6];
                let found = workspace.nearest(&ann, scope_turns, "m", "1", &question, count);
                found.await.unwrap()
            }
        };
        let found = near(&a, 2).await;
        let sequences: Vec<u64> = found.iter().map(|near| near.sequence).collect();
        assert_eq!(sequences, [2, 1], "{found:?}");
        assert!((found[0].cosine - 0.96).abs() < 0.01 && (found[1].cosine - 0.8).abs() < 0.01);
        assert_eq!(near(&b, 10).await.len(), 3);
    }
    a.forget(&[RecalledId::Episode(ann[1].clone())], Timestamp::default()).await.unwrap();
    let left = a.nearest(&scope("ann"), 3, "m", "1", &[0.8, 0.6], 10).await.unwrap();
    assert_eq!(left.iter().map(|near| near.sequence).collect::<Vec<_>>(), [1, 3]);
    let of_another_model = a.nearest(&scope("ann"), 3, "m", "2", &[0.8, 0.6], 10).await.unwrap();
    assert!(of_another_model.is_empty());

    let forgetful = crate::db::sql("SELECT CAST(count(*) AS BIGINT) FROM passage_vectors_2");
    let count = b.read(move |session, _| session.one(forgetful, &[], |row| row.get::<u64>(0)));
    assert_eq!(count.await.unwrap(), Some(3), "row-level security holds for this table too");
}

#[tokio::test]
async fn without_the_extension_nothing_is_prepared() {
    let database = database().await;
    let store = open(options(database.url())).await;
    assert!(!store.prepare_nearest(0).await.unwrap());
    assert!(!store.prepare_nearest(4_001).await.unwrap(), "more than can be indexed");
}
