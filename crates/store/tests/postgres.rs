//! What is particular to a store that several processes share: who joins it, who is gone, and when it
//! refuses.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

use std::time::Duration;

use backstay_core::{
    Budget, BudgetPeriod, Charge, ErrorCode, GenerationId, KeyId, Money, Price, RequestId, Result,
    Secret, Timestamp, Usage, WorkspaceId, chat::SettlementStatus,
};
use backstay_store::{
    BudgetOf, Idempotency, IdempotentRequest, KeyChange, KeyChanges, KeySettings, KeyToken,
    NewGeneration, NewKey, PostgresOptions, Reservation, ReserveFrom, Reserved, SettledAttempt,
    SettledGeneration, Store, StoreKind, StoreOptions, StoredAnswer, Workspace,
};
use backstay_test_database::TestDatabase;

async fn database() -> TestDatabase {
    TestDatabase::create().await.unwrap()
}

async fn open(database: &TestDatabase) -> Result<Store> {
    let options = PostgresOptions::new(Secret::new(database.url()).unwrap());
    Store::open(StoreOptions::Postgres(options)).await
}

/// A node of its own, and its handle to the one workspace.
async fn node(database: &TestDatabase) -> (Store, Workspace) {
    let store = open(database).await.unwrap();
    let id = WorkspaceId::default_workspace();
    store.ensure_workspace(&id, "default", Timestamp::default()).await.unwrap();
    let workspace = store.workspace(&id);
    (store, workspace)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + second * 1_000)
}

fn key() -> KeyId {
    KeyId::parse("key_1").unwrap()
}

fn new_key() -> NewKey {
    let token = KeyToken { hash: [7; 32], prefix: "bs-".to_owned(), suffix: "end".to_owned() };
    let settings = KeySettings { name: "test".to_owned(), ..KeySettings::default() };
    NewKey { id: key(), token, created_at: at(1), settings, budgets: Vec::new() }
}

fn intent(id: &str, reservation: Option<Reservation>) -> NewGeneration {
    NewGeneration {
        id: GenerationId::parse(id).unwrap(),
        request: RequestId::unknown(),
        key: key(),
        requested_model: "author/slug".to_owned(),
        stream: true,
        started_at: at(1),
        thread: None,
        assistant: None,
        user: None,
        memory_tokens: 0,
        reservation,
    }
}

fn settled(id: &str) -> SettledGeneration {
    SettledGeneration {
        id: GenerationId::parse(id).unwrap(),
        status: SettlementStatus::Completed,
        provider: None,
        model: None,
        finished_at: at(2),
        latency_ms: 1,
        first_token_ms: None,
        usage: None,
        price: None,
        error_code: None,
        dropped: Vec::new(),
        attempts: Vec::new(),
        reserved: Reserved::Nothing,
        finish: None,
        cached: None,
    }
}

fn reservation(picodollars: i64) -> Reservation {
    let usage = Usage { prompt_tokens: 1, ..Usage::default() };
    Reservation {
        amount: Money::from_picodollars(picodollars),
        from: ReserveFrom::Budgets,
        if_lost: SettledAttempt {
            provider: "openai".to_owned(),
            model: "slug".to_owned(),
            error_code: None,
            http_status: None,
            started_at: at(1),
            duration_ms: 0,
            charge: Some(Charge::of(usage, Some(Price::FREE))),
        },
    }
}

async fn status(workspace: &Workspace, id: &str) -> SettlementStatus {
    let id = GenerationId::parse(id).unwrap();
    workspace.generation(&id).await.unwrap().unwrap().status
}

#[tokio::test]
async fn a_start_leaves_what_other_nodes_have_open_alone_until_their_lease_is_over() {
    let database = database().await;
    let (_first, at_first) = node(&database).await;
    at_first.begin_generation(intent("gen_1", None)).await.unwrap();
    at_first.begin_generation(intent("gen_2", Some(reservation(5)))).await.unwrap();

    let (second, at_second) = node(&database).await;
    assert_eq!(second.settle_interrupted(at(3)).await.unwrap(), 0);
    assert_eq!(status(&at_second, "gen_1").await, SettlementStatus::Pending);

    database.end_leases().await.unwrap();
    assert_eq!(second.settle_interrupted(at(4)).await.unwrap(), 2);
    assert_eq!(status(&at_second, "gen_1").await, SettlementStatus::Interrupted);
    assert_eq!(status(&at_second, "gen_2").await, SettlementStatus::Interrupted);
    // The first only slept. What it says late changes nothing.
    assert!(!at_first.settle_generation(settled("gen_1")).await.unwrap());
    assert_eq!(status(&at_second, "gen_1").await, SettlementStatus::Interrupted);
}

#[tokio::test]
async fn a_node_that_is_closed_in_order_is_gone_at_once() {
    let database = database().await;
    let (first, at_first) = node(&database).await;
    let (second, _) = node(&database).await;
    at_first.begin_generation(intent("gen_1", None)).await.unwrap();
    first.close().await.unwrap();
    assert_eq!(second.settle_interrupted(at(3)).await.unwrap(), 1);
}

#[tokio::test]
async fn an_answer_that_comes_after_the_lease_takes_no_others_place() {
    let database = database().await;
    let (_first, at_first) = node(&database).await;
    let request = IdempotentRequest {
        key: key(),
        request: RequestId::parse("req_1").unwrap(),
        token: [1; 32],
        fingerprint: [1; 32],
    };
    let begin = async |workspace: &Workspace| {
        workspace.begin_idempotent(&request, at(100), at(1)).await.unwrap()
    };
    let answer = |body: &str| StoredAnswer {
        status: 200,
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
    };
    assert_eq!(begin(&at_first).await, Idempotency::New);

    let (second, at_second) = node(&database).await;
    assert_eq!(second.release_idempotent().await.unwrap(), 0);
    assert_eq!(begin(&at_second).await, Idempotency::Running);
    database.end_leases().await.unwrap();
    assert_eq!(second.release_idempotent().await.unwrap(), 1);
    assert_eq!(begin(&at_second).await, Idempotency::New);

    at_first.finish_idempotent(&request, Some(answer("late"))).await.unwrap();
    at_first.release_idempotent(&request).await.unwrap();
    assert_eq!(begin(&at_second).await, Idempotency::Running);
    at_second.finish_idempotent(&request, Some(answer("right"))).await.unwrap();
    assert_eq!(begin(&at_first).await, Idempotency::Answered(answer("right")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_ask_for_work_at_once_get_different_jobs() {
    const JOBS: usize = 40;
    let database = database().await;
    let (first, at_first) = node(&database).await;
    let (second, _) = node(&database).await;
    for number in 0..JOBS {
        let thread = backstay_core::ThreadId::parse(&format!("thr_{number}")).unwrap();
        at_first.learn_thread(&thread, at(1)).await.unwrap();
    }
    let mut taken = Vec::new();
    while taken.len() < JOBS {
        let lease = |store: &Store| {
            let store = store.clone();
            tokio::spawn(async move { store.lease_jobs("learn", 3, at(60), at(2)).await.unwrap() })
        };
        let (of_first, of_second) = (lease(&first), lease(&second));
        for lease in of_first.await.unwrap().into_iter().chain(of_second.await.unwrap()) {
            assert!(!taken.contains(&lease.job), "{} was leased twice", lease.job);
            taken.push(lease.job);
        }
    }
    assert!(first.lease_jobs("learn", 3, at(60), at(2)).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_on_two_nodes_never_exceed_a_budget() {
    const CALLS: usize = 60;
    let database = database().await;
    let nodes = [node(&database).await, node(&database).await];
    let limits = [BudgetPeriod::Day, BudgetPeriod::Total]
        .map(|period| Budget { period, limit: Money::from_picodollars(100) });
    for of in [BudgetOf::Workspace, BudgetOf::Key(&key())] {
        nodes[0].1.set_budgets(of, &limits, at(0)).await.unwrap();
    }
    let calls = (0..CALLS).map(|number| {
        let workspace = nodes[number % 2].1.clone();
        tokio::spawn(async move {
            let id = format!("gen_{number}");
            match workspace.begin_generation(intent(&id, Some(reservation(10)))).await {
                Ok(_) => true,
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::BudgetExceeded, "{error:?}");
                    false
                }
            }
        })
    });
    let calls: Vec<_> = calls.collect();
    let mut granted = 0;
    for call in calls {
        granted += usize::from(call.await.unwrap());
    }
    assert_eq!(granted, 10);
    let budgets = nodes[1].1.budgets(BudgetOf::Workspace, at(1)).await.unwrap();
    assert!(budgets.iter().all(|budget| budget.reserved == Money::from_picodollars(100)));
}

#[tokio::test]
async fn nodes_that_start_at_once_bring_the_tables_up_to_date_once() {
    let database = database().await;
    let (a, b, c) = tokio::join!(open(&database), open(&database), open(&database));
    let (a, _b, _c) = (a.unwrap(), b.unwrap(), c.unwrap());
    let client = database.client().await.unwrap();
    let row = client.query_one("SELECT count(*) FROM nodes", &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 3);
    let health = a.health().await.unwrap();
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite");
    let newest = u32::try_from(std::fs::read_dir(files).unwrap().count()).unwrap();
    assert_eq!((health.kind, health.schema_version), (StoreKind::Postgres, newest));
    assert!(health.size_bytes > 100_000 && !health.version.is_empty());
    assert!(a.is_shared());
}

async fn refusal(database: &TestDatabase, tampering: &str) -> String {
    open(database).await.unwrap().close().await.unwrap();
    database.client().await.unwrap().batch_execute(tampering).await.unwrap();
    let error = open(database).await.map(|_| ()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnavailable);
    error.message().to_owned()
}

#[tokio::test]
async fn a_database_that_a_newer_backstay_wrote_is_refused_with_the_reason() {
    let newer = "INSERT INTO schema_migrations VALUES (9999, 'future', 'x', 0)";
    let message = refusal(&database().await, newer).await;
    assert!(message.contains("newer Backstay (schema 9999"), "{message}");
}

#[tokio::test]
async fn a_database_with_other_migrations_is_refused_with_the_reason() {
    let changed = "UPDATE schema_migrations SET checksum = 'x' WHERE version = 7";
    let message = refusal(&database().await, changed).await;
    assert!(message.contains("migration 7 of the database"), "{message}");
}

#[tokio::test]
async fn a_user_with_no_more_than_a_database_of_its_own_can_run_a_store() {
    let database = database().await;
    let client = database.client().await.unwrap();
    let name = database.url().rsplit('/').next().unwrap().to_owned();
    let owner = format!("owner_{name}");
    // The group roles are the server's, and are there from the first database that was made.
    open(&database).await.unwrap().close().await.unwrap();
    client
        .batch_execute(&format!(
            "DROP SCHEMA public CASCADE;
             CREATE ROLE {owner} LOGIN;
             GRANT backstay_workspace, backstay_installation TO {owner};
             ALTER DATABASE {name} OWNER TO {owner};
             CREATE SCHEMA public AUTHORIZATION {owner};"
        ))
        .await
        .unwrap();
    let url = database.url().replace("postgres@", &format!("{owner}@"));
    let options = || StoreOptions::Postgres(PostgresOptions::new(Secret::new(&url).unwrap()));
    let store = Store::open(options()).await.unwrap();
    let id = WorkspaceId::default_workspace();
    store.ensure_workspace(&id, "default", at(0)).await.unwrap();
    store.workspace(&id).begin_generation(intent("gen_1", None)).await.unwrap();
    store.close().await.unwrap();
    let store = Store::open(options()).await.unwrap();
    assert_eq!(store.settle_interrupted(at(3)).await.unwrap(), 1);
    store.close().await.unwrap();
    let leave =
        format!("REASSIGN OWNED BY {owner} TO postgres; DROP OWNED BY {owner}; DROP ROLE {owner}");
    client.batch_execute(&leave).await.unwrap();
}

/// Until each of the nodes listens.
async fn listening(database: &TestDatabase, nodes: i64) {
    const LISTENING: &str = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'LISTEN%' AND state = 'idle'";
    let client = database.client().await.unwrap();
    while client.query_one(LISTENING, &[]).await.unwrap().get::<_, i64>(0) != nodes {}
}

async fn heard(changes: &mut KeyChanges) {
    tokio::time::timeout(Duration::from_secs(20), changes.next()).await.unwrap();
}

#[tokio::test]
async fn changes_of_keys_are_heard_from_other_nodes_also_after_a_connection_was_cut() {
    const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    let database = database().await;
    let (one, workspace) = node(&database).await;
    let two = open(&database).await.unwrap();
    listening(&database, 2).await;
    let mut changes = two.key_changes();
    workspace.create_key(new_key()).await.unwrap();
    for cut in [false, true] {
        if cut {
            database.client().await.unwrap().batch_execute(CUT).await.unwrap();
            heard(&mut changes).await;
            listening(&database, 2).await;
        }
        // That a node begins to listen is told as a change once: the others are these.
        for disabled in [true, false, true, false] {
            let change = KeyChange { disabled: Some(disabled), ..KeyChange::default() };
            workspace.update_key(&key(), change, at(2)).await.unwrap();
            heard(&mut changes).await;
        }
    }
    workspace.delete_key(&key()).await.unwrap();
    heard(&mut changes).await;
    one.close().await.unwrap();
    two.close().await.unwrap();
}
