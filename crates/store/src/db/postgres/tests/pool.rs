//! The pool: when all connections are lent, and when the server has closed them.

use std::time::Duration;

use backstay_core::ErrorCode;

use super::{database, open, options, workspace};
use crate::{
    PostgresOptions,
    db::{Statement, sql},
};

const ONE: Statement = sql("SELECT 1");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_that_finds_no_connection_in_time_is_told_to_come_again() {
    let database = database().await;
    let wait = Duration::from_millis(100);
    let options = PostgresOptions { connections_max: 1, wait, ..options(database.url()) };
    let store = open(options).await;
    let workspace = workspace(&store, "ws_a").await;
    let (begun, begins) = tokio::sync::oneshot::channel();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let holder = workspace.clone();
    let holding = tokio::spawn(async move {
        let reading = holder.read(move |_, _| {
            begun.send(()).unwrap();
            held.recv().unwrap();
            Ok(())
        });
        reading.await
    });
    begins.await.unwrap();
    let error = workspace.read(|session, _| session.one(ONE, &[], |_| Ok(()))).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnavailable);
    assert!(error.retry_after_ms().is_some());
    release.send(()).unwrap();
    holding.await.unwrap().unwrap();
    assert!(workspace.read(|session, _| session.one(ONE, &[], |_| Ok(()))).await.is_ok());
    let connections = store.health().await.unwrap().connections.unwrap();
    assert_eq!((connections.in_use, connections.max), (0, 1));
}

#[tokio::test]
async fn connections_that_the_server_closed_are_replaced_before_work_is_done_on_them() {
    let database = database().await;
    let store = open(options(database.url())).await;
    let workspace = workspace(&store, "ws_a").await;
    let client = database.client().await.unwrap();
    for _ in 0..3 {
        const END_ALL: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        client.execute(END_ALL, &[]).await.unwrap();
        let found = workspace.read(|session, _| session.one(ONE, &[], |_| Ok(()))).await;
        assert_eq!(found.unwrap(), Some(()));
    }
}
