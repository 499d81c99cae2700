//! Units of work: what becomes of one that fails, panics, takes too long or meets another.

use std::time::Duration;

use backstay_core::ErrorCode;

use super::{database, open, options, workspace};
use crate::{
    PostgresOptions, Workspace,
    db::{Failure, Statement, sql, values},
};

const ADD: Statement = sql("INSERT INTO tombstones (workspace, content_hash, forgotten_at)
    VALUES ($1, $2, 0)");
const COUNT: Statement = sql("SELECT count(*) FROM tombstones");
const NONSENSE: Statement = sql("SELECT no_such_column FROM tombstones");
const SLEEP: Statement = sql("SELECT 1 FROM pg_sleep(30)");

async fn add(workspace: &Workspace, hash: &'static [u8]) -> backstay_core::Result<usize> {
    workspace.write(move |session, id| session.execute(ADD, values![id, hash])).await
}

async fn count(workspace: &Workspace) -> i64 {
    let counting = workspace.read(|session, _| session.one(COUNT, &[], |row| row.get(0)));
    counting.await.unwrap().unwrap()
}

#[tokio::test]
async fn what_fails_or_panics_is_taken_back_and_leaves_the_pool_whole() {
    let database = database().await;
    let options = PostgresOptions { connections_max: 1, ..options(database.url()) };
    let store = open(options).await;
    let workspace = workspace(&store, "ws_a").await;
    for _ in 0..3 {
        let failed = workspace.write(|session, id| {
            session.execute(ADD, values![id, b"1".as_slice()])?;
            session.execute(ADD, values![id, b"1".as_slice()])
        });
        assert_eq!(failed.await.unwrap_err().code(), ErrorCode::Conflict);
        let panicked = workspace.write(|session, id| -> Result<(), Failure> {
            session.execute(ADD, values![id, b"2".as_slice()])?;
            panic!("a unit of work panics, as this test wants")
        });
        assert_eq!(panicked.await.unwrap_err().code(), ErrorCode::Internal);
    }
    assert_eq!(count(&workspace).await, 0);
    add(&workspace, b"3").await.unwrap();
    assert_eq!(count(&workspace).await, 1);
}

#[tokio::test]
async fn a_unit_that_goes_on_after_a_failure_has_not_succeeded() {
    let database = database().await;
    let store = open(options(database.url())).await;
    let workspace = workspace(&store, "ws_a").await;
    let careless = workspace.write(|session, id| {
        session.execute(ADD, values![id, b"1".as_slice()])?;
        let _overlooked = session.execute(NONSENSE, &[]);
        Ok(())
    });
    assert_eq!(careless.await.unwrap_err().code(), ErrorCode::Internal);
    assert_eq!(count(&workspace).await, 0);
}

#[tokio::test]
async fn a_write_whose_caller_left_is_still_done() {
    let database = database().await;
    let store = open(options(database.url())).await;
    let workspace = workspace(&store, "ws_a").await;
    let mut abandoned = Box::pin(add(&workspace, b"1"));
    assert!(futures::poll!(&mut abandoned).is_pending());
    drop(abandoned);
    let done = async { while count(&workspace).await == 0 {} };
    tokio::time::timeout(Duration::from_secs(10), done).await.unwrap();
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_ended() {
    let database = database().await;
    let limit = Duration::from_millis(100);
    let store = open(PostgresOptions { statement_timeout: limit, ..options(database.url()) }).await;
    let workspace = workspace(&store, "ws_a").await;
    let slow = workspace.read(|session, _| session.one(SLEEP, &[], |_| Ok(())));
    let error = slow.await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnavailable);
    assert!(error.retry_after_ms().is_some());
    assert_eq!(count(&workspace).await, 0, "the connection is used again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_of_one_workspace_take_turns_and_those_of_two_do_not() {
    let database = database().await;
    let store = open(options(database.url())).await;
    let (a, b) = (workspace(&store, "ws_a").await, workspace(&store, "ws_b").await);
    let (begun, begins) = tokio::sync::oneshot::channel();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let holder = a.clone();
    let first = tokio::spawn(async move {
        let holding = holder.write(move |session, id| {
            session.execute(ADD, values![id, b"1".as_slice()])?;
            begun.send(()).unwrap();
            held.recv().unwrap();
            Ok(())
        });
        holding.await
    });
    begins.await.unwrap();
    add(&b, b"1").await.unwrap();
    let mut second =
        Box::pin(a.write(|session, _| session.one(COUNT, &[], |row| row.get::<i64>(0))));
    let early = tokio::time::timeout(Duration::from_millis(200), &mut second).await;
    assert!(early.is_err(), "a second write ran beside the first");
    release.send(()).unwrap();
    first.await.unwrap().unwrap();
    assert_eq!(second.await.unwrap(), Some(1), "it sees what the first has written");
}

#[tokio::test]
async fn a_text_that_postgresql_cannot_keep_is_kept_but_for_one_character() {
    const ECHO: Statement = sql("SELECT CAST($1 AS TEXT)");
    let database = database().await;
    let store = open(options(database.url())).await;
    let workspace = workspace(&store, "ws_a").await;
    for (said, kept) in [("a\0b\0", "a\u{fffd}b\u{fffd}"), ("", ""), ("ü\u{1f600}", "ü\u{1f600}")]
    {
        let echo = workspace
            .read(move |session, _| session.one(ECHO, values![said], |row| row.get::<String>(0)));
        assert_eq!(echo.await.unwrap().as_deref(), Some(kept));
    }
}
