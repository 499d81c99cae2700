//! What is particular to a store that is a folder of files: who may open it, and when it refuses.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

use std::path::Path;

use backstay_core::{ErrorCode, Result, Timestamp, WorkspaceId};
use backstay_store::{SqliteOptions, Store, StoreKind, StoreOptions, Synchronous};
use rusqlite::Connection;

async fn open(folder: &Path) -> Result<Store> {
    Store::open(StoreOptions::folder(folder)).await
}

async fn refusal(folder: &Path) -> String {
    match open(folder).await {
        Ok(_) => panic!("the store was opened"),
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::StoreUnavailable);
            error.message().to_owned()
        }
    }
}

async fn tamper(folder: &Path, sql: &str) {
    open(folder).await.unwrap().close().await.unwrap();
    Connection::open(folder.join("backstay.db")).unwrap().execute_batch(sql).unwrap();
}

#[tokio::test]
async fn a_data_folder_is_open_in_one_place_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).await.unwrap();
    assert!(refusal(folder.path()).await.contains("in use by another Backstay"));
    first.close().await.unwrap();
    // Closed, though `first` still lives.
    open(folder.path()).await.unwrap();
}

#[tokio::test]
async fn a_folder_that_a_newer_backstay_wrote_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let newer = "INSERT INTO schema_migrations VALUES (9999, 'future', 'x', 0)";
    tamper(folder.path(), newer).await;
    assert!(refusal(folder.path()).await.contains("newer Backstay (schema 9999"));
}

#[tokio::test]
async fn a_folder_with_other_migrations_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    tamper(folder.path(), "UPDATE schema_migrations SET checksum = 'x' WHERE version = 1").await;
    assert!(refusal(folder.path()).await.contains("migration 1 of the data folder"));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("backstay.db"), "a letter to my aunt. ".repeat(500)).unwrap();
    assert!(refusal(folder.path()).await.contains("damaged"));
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(refusal(&file.join("data")).await.contains("cannot be made"));
}

#[tokio::test]
async fn the_log_that_a_crash_left_is_emptied_at_the_next_start() {
    let (folder, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(folder.path()).await.unwrap();
    let workspace = WorkspaceId::default_workspace();
    store.ensure_workspace(&workspace, "default", Timestamp::default()).await.unwrap();
    // What a kill leaves behind: the files as they are while the store is open.
    for name in ["backstay.db", "backstay.db-wal"] {
        std::fs::copy(folder.path().join(name), crashed.path().join(name)).unwrap();
    }
    let log_bytes = || std::fs::metadata(crashed.path().join("backstay.db-wal")).unwrap().len();
    assert!(log_bytes() > 0);
    let reopened = open(crashed.path()).await.unwrap();
    assert_eq!(log_bytes(), 0);
    reopened.close().await.unwrap();
    let kept = Connection::open(crashed.path().join("backstay.db")).unwrap();
    let names = kept.query_row("SELECT name FROM workspaces", [], |row| row.get::<_, String>(0));
    assert_eq!(names.unwrap(), "default");
}

#[tokio::test]
async fn health_tells_schema_size_and_journal() {
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite");
    let migrations = u32::try_from(std::fs::read_dir(files).unwrap().count()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions {
        path: folder.path().join("new/data"),
        synchronous: Synchronous::Full,
        readers: 1,
    };
    let store = Store::open(StoreOptions::Sqlite(options)).await.unwrap();
    let workspace = WorkspaceId::default_workspace();
    store.ensure_workspace(&workspace, "default", Timestamp::default()).await.unwrap();
    let health = store.health().await.unwrap();
    assert_eq!((health.kind, health.schema_version), (StoreKind::Sqlite, migrations));
    assert_eq!(health.journal.as_deref(), Some("wal"));
    assert!(health.size_bytes > 4_096);
}
