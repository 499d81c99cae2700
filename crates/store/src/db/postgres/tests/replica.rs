//! A replica that recall reads. What stands for one here is a copy of the database, which a test can
//! keep behind and change: so it is seen which of the two was read. A real one is in `tests/chaos`.

use backstay_core::{
    ErrorCode, Name, Secret, Timestamp,
    memory::{Scope, Speaker},
};
use backstay_test_database::TestDatabase;

use super::{database, open, options, workspace};
use crate::{ImportedThread, ImportedTurn, PostgresOptions, ReplicaFacts, Store, Workspace};

const MARK: &str = "UPDATE episodes SET text = 'of the replica: ' || text";

fn ann() -> Scope {
    Scope { assistant: Name::parse("helper").unwrap(), user: Name::parse("ann") }
}

async fn tell(workspace: &Workspace, text: &str) {
    let turn = ImportedTurn {
        speaker: Speaker::User,
        author: "user".to_owned(),
        text: text.to_owned(),
        said_at: Timestamp::default(),
    };
    let imported = ImportedThread {
        scope: ann(),
        source: "test".to_owned(),
        external_id: Some(text.to_owned()),
        title: None,
        turns: vec![turn],
        imported_at: Timestamp::default(),
    };
    workspace.import_conversation(imported).await.unwrap();
}

fn with_replica(primary: &TestDatabase, replica: String) -> PostgresOptions {
    PostgresOptions { replica_url: Secret::new(replica), ..options(primary.url()) }
}

/// A store in whose workspace one thing was told, and a copy of it as it then was.
async fn copied() -> (TestDatabase, TestDatabase, Store) {
    let primary = database().await;
    let store = open(options(primary.url())).await;
    tell(&workspace(&store, "ws_a").await, "first").await;
    store.close().await.unwrap();
    let replica = primary.copy().await.unwrap();
    replica.client().await.unwrap().batch_execute(MARK).await.unwrap();
    let store = open(with_replica(&primary, replica.url())).await;
    (primary, replica, store)
}

/// What a recall of now reads.
async fn recalled(workspace: &Workspace) -> Vec<String> {
    let version = workspace.scope_version(&ann()).await.unwrap();
    let recalling = workspace.recalling(&ann(), version);
    let found = recalling.scope_episodes(&ann(), 0, 10).await.unwrap();
    found.episodes.into_iter().map(|episode| episode.text).collect()
}

#[tokio::test]
async fn recall_reads_a_replica_that_has_all_of_the_scope_and_else_the_primary() {
    let (_primary, replica, store) = copied().await;
    let a = workspace(&store, "ws_a").await;
    assert_eq!(recalled(&a).await, ["of the replica: first"]);
    tell(&a, "second").await;
    assert_eq!(recalled(&a).await, ["first", "second"], "the replica is behind");

    let catch_up = "UPDATE scopes SET written = written + 1";
    replica.client().await.unwrap().batch_execute(catch_up).await.unwrap();
    assert_eq!(recalled(&a).await, ["of the replica: first"], "whatever else is behind there");
}

#[tokio::test]
async fn nothing_but_recall_reads_a_replica() {
    let (_primary, _replica, store) = copied().await;
    let a = workspace(&store, "ws_a").await;
    let version = a.scope_version(&ann()).await.unwrap();
    let plain = a.scope_episodes(&ann(), 0, 10).await.unwrap();
    assert_eq!(plain.episodes[0].text, "first");
    let recalling = a.recalling(&ann(), version);
    let listed = recalling.list_episodes(&ann(), crate::PageRequest::default()).await.unwrap();
    assert_eq!(listed.items[0].episode.text, "first");
    tell(&recalling, "second").await;
    assert_eq!(a.scope_version(&ann()).await.unwrap().written, 2, "it wrote to the primary");
}

#[tokio::test]
async fn a_replica_that_is_away_or_fails_is_not_missed() {
    let (primary, replica, store) = copied().await;
    let a = workspace(&store, "ws_a").await;
    let broken = "ALTER TABLE episodes RENAME TO away";
    replica.client().await.unwrap().batch_execute(broken).await.unwrap();
    assert_eq!(recalled(&a).await, ["first"]);
    store.close().await.unwrap();

    let away = "postgres://nobody@127.0.0.1:9/none".to_owned();
    let store = open(with_replica(&primary, away)).await;
    assert_eq!(recalled(&workspace(&store, "ws_a").await).await, ["first"]);
    let facts = store.database().await.unwrap().unwrap().replica.unwrap();
    let ReplicaFacts::Unusable { reason } = facts else { panic!("{facts:?}") };
    assert!(reason.contains("refused"), "{reason}");
}

#[tokio::test]
async fn another_installation_is_never_read_for_a_replica() {
    let (primary, _replica, store) = copied().await;
    store.close().await.unwrap();
    let other = database().await;
    let of_other = open(options(other.url())).await;
    tell(&workspace(&of_other, "ws_a").await, "a secret of others").await;
    let store = open(with_replica(&primary, other.url())).await;
    assert_eq!(recalled(&workspace(&store, "ws_a").await).await, ["first"]);
    let facts = store.database().await.unwrap().unwrap().replica.unwrap();
    let ReplicaFacts::Unusable { reason } = facts else { panic!("{facts:?}") };
    assert!(reason.contains("another installation"), "{reason}");
}

#[tokio::test]
async fn a_replica_that_can_be_written_is_told_of() {
    let (_primary, _replica, store) = copied().await;
    let facts = store.database().await.unwrap().unwrap();
    assert_eq!(facts.replica, Some(ReplicaFacts::Writable));
    assert_eq!(store.health().await.unwrap().connections.unwrap().in_use, 0);
    store.close().await.unwrap();
    assert_eq!(store.health().await.unwrap_err().code(), ErrorCode::ShuttingDown);
}
