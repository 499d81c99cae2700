//! Months of the ledger and of the episodes as tables of their own.

use backstay_core::{GenerationId, Secret, Timestamp};
use tokio_postgres::Client;

use super::{database, open, options, workspace};
use crate::{
    PostgresOptions, Retention, Store, StoreOptions,
    db::postgres::{Connecting, connection::Connection, migrate},
    migrations::POSTGRES,
};

/// Of a partitioned table: it and all that is in it, with indexes and what is kept out of line.
const BYTES: &str = "SELECT CAST(sum(pg_total_relation_size(relid)) AS BIGINT)
    FROM pg_partition_tree(CAST(CAST($1 AS TEXT) AS regclass))";
/// Episodes with vectors, and calls with attempts, in a month.
const ROWS: i64 = 400;

fn day(text: &str) -> Timestamp {
    Timestamp::parse(&format!("{text}T12:00:00Z")).unwrap()
}

/// The time that identifiers of that moment begin with.
fn digits(moment: Timestamp) -> String {
    GenerationId::first_at(moment).as_str()["gen_".len()..][..10].to_owned()
}

async fn bytes(client: &Client) -> i64 {
    let mut sum = 0;
    for table in ["generations", "attempts", "episodes", "episode_vectors"] {
        sum += client.query_one(BYTES, &[&table]).await.unwrap().get::<_, i64>(0);
    }
    sum
}

async fn count(client: &Client, table: &str) -> i64 {
    let counting = format!("SELECT count(*) FROM {table}");
    client.query_one(&counting, &[]).await.unwrap().get(0)
}

/// Calls, and turns with vectors of the usual size, all of one moment.
async fn fill(client: &Client, moment: Timestamp) {
    let (digits, micros) = (digits(moment), moment.micros());
    let ledger = format!(
        "INSERT INTO generations (workspace, id, request, api_key, status, requested_model, stream,
                started_at, memory_tokens)
            SELECT 'ws_a', 'gen_{digits}' || n, 'req', 'key', 'completed', 'a/b', 0, {micros}, 0
            FROM generate_series(1, {ROWS}) AS n;
         INSERT INTO attempts (workspace, generation, number, provider, model, started_at, duration_ms)
            SELECT 'ws_a', 'gen_{digits}' || n, 0, 'a', 'b', {micros}, 1
            FROM generate_series(1, {ROWS}) AS n;
         INSERT INTO threads (workspace, id, assistant, user_name, created_at, updated_at, message_count)
            VALUES ('ws_a', 'thr_1', 'planner', 'Ann', 0, 0, 0) ON CONFLICT DO NOTHING;
         INSERT INTO scopes (workspace, assistant, user_name, episodes, written, forgotten)
            VALUES ('ws_a', 'planner', 'Ann', {ROWS}, {ROWS}, 0) ON CONFLICT DO NOTHING"
    );
    let episodes = format!(
        "INSERT INTO episodes (workspace, id, assistant, user_name, thread, position, speaker, author,
                text, said_at, recorded_at, source, trust, sequence)
            SELECT 'ws_a', 'ep_{digits}' || n, 'planner', 'Ann', 'thr_1', n, 'user', 'Ann',
                repeat('words ', 40), {micros}, {micros}, 'turn', 'direct_user', n
            FROM generate_series(1, {ROWS}) AS n;
         INSERT INTO episode_vectors (workspace, episode, passage, vector, states)
            SELECT 'ws_a', 'ep_{digits}' || n, 0, bytes, bytes || bytes FROM (
                SELECT n, decode(string_agg(md5(random()::text || n), ''), 'hex') AS bytes
                FROM generate_series(1, {ROWS}) AS n, generate_series(1, 96) GROUP BY n) AS made"
    );
    client.batch_execute(&ledger).await.unwrap();
    client.batch_execute(&episodes).await.unwrap();
}

/// January and February of 2031, each as it is made when the one before has begun.
async fn make_months(store: &Store) {
    for month in ["2030-12-15", "2031-01-15"] {
        store.keep_months(Retention::default(), day(month)).await.unwrap();
    }
}

async fn until_nothing_is_left(store: &Store, retention: Retention, now: Timestamp) {
    while store.retain(retention, now, 500).await.unwrap() > 0 {}
}

/// What is dropped, but for the months in which the test runs.
async fn dropped_months(store: &Store, now: Timestamp) -> Vec<String> {
    let mut dropped = store.keep_months(BOTH, now).await.unwrap();
    dropped.retain(|name| name.contains("_2029_") || name.contains("_2031_"));
    dropped
}

const BOTH: Retention = Retention { ledger_days: Some(30), episodes_days: Some(30) };

#[tokio::test]
async fn a_month_frees_its_disk_at_once() {
    let database = database().await;
    let store = open(options(database.url())).await;
    workspace(&store, "ws_a").await;
    let client = database.client().await.unwrap();
    make_months(&store).await;
    let empty = bytes(&client).await;
    // As the table is that a graph over vectors is made of.
    let graph = "CREATE TABLE near (workspace TEXT, episode TEXT, passage BIGINT,
        FOREIGN KEY (workspace, episode, passage)
            REFERENCES episode_vectors (workspace, episode, passage) ON DELETE CASCADE);
        GRANT SELECT, DELETE ON near TO backstay_installation";
    client.batch_execute(graph).await.unwrap();
    fill(&client, day("2031-01-20")).await;
    let one = bytes(&client).await;
    fill(&client, day("2031-02-20")).await;
    let both = bytes(&client).await;
    let near = "INSERT INTO near SELECT workspace, episode, passage FROM episode_vectors";
    client.batch_execute(near).await.unwrap();

    let now = day("2031-03-05");
    let dropped = dropped_months(&store, now).await;
    assert_eq!(dropped, ["generations_2031_01", "attempts_2031_01", "episode_vectors_2031_01"]);
    let at_once = both - bytes(&client).await;
    let month = one - empty;
    assert!(at_once * 10 > month * 8, "{at_once} of {month} bytes");
    assert_eq!(count(&client, "near").await, ROWS);
    assert_eq!(count(&client, "generations").await, ROWS);
    assert_eq!(count(&client, "episodes").await, 2 * ROWS, "they are forgotten one by one");

    until_nothing_is_left(&store, BOTH, now).await;
    let dropped = dropped_months(&store, now).await;
    assert_eq!(dropped, ["episodes_2031_01"]);
    for table in ["generations", "attempts", "episodes", "episode_vectors"] {
        assert_eq!(count(&client, table).await, ROWS, "{table}");
    }
    assert!(bytes(&client).await <= one, "no more than a month takes is left, without VACUUM");
}

#[tokio::test]
async fn what_is_looked_up_by_its_id_is_looked_for_in_one_month() {
    let database = database().await;
    let store = open(options(database.url())).await;
    make_months(&store).await;
    let client = database.client().await.unwrap();
    let digits = digits(day("2031-02-20"));
    for (query, partition) in [
        (
            format!("SELECT * FROM generations WHERE workspace = 'w' AND id = 'gen_{digits}1'"),
            "generations_2031_02",
        ),
        (
            format!(
                "UPDATE generations SET cost = 1 WHERE workspace = 'w' AND id = 'gen_{digits}1'"
            ),
            "generations_2031_02",
        ),
        (
            format!(
                "SELECT * FROM attempts WHERE workspace = 'w' AND generation = 'gen_{digits}1'"
            ),
            "attempts_2031_02",
        ),
        (
            format!("SELECT * FROM episodes WHERE workspace = 'w' AND id = 'ep_{digits}1'"),
            "episodes_2031_02",
        ),
        (
            format!(
                "DELETE FROM episode_vectors WHERE workspace = 'w' AND episode = 'ep_{digits}1'"
            ),
            "episode_vectors_2031_02",
        ),
    ] {
        let plan = client.query(&format!("EXPLAIN {query}"), &[]).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        let scans = plan.lines().filter(|line| line.contains("Scan")).count();
        assert!(plan.contains(partition) && scans == 1, "{query}\n{plan}");
    }
}

#[tokio::test]
async fn no_insert_fails_for_want_of_a_month_and_months_are_made_beside_what_has_none() {
    let database = database().await;
    let store = open(options(database.url())).await;
    workspace(&store, "ws_a").await;
    let client = database.client().await.unwrap();
    fill(&client, day("2029-05-05")).await;
    assert_eq!(count(&client, "generations_default").await, ROWS);
    // The month of these rows has begun and stays where they are; the next is made.
    for _ in 0..2 {
        store.keep_months(Retention::default(), day("2029-05-06")).await.unwrap();
    }
    fill(&client, day("2029-06-01")).await;
    fill(&client, day("2029-07-01")).await;
    for table in ["generations", "attempts", "episodes", "episode_vectors"] {
        let is_there = "SELECT to_regclass($1) IS NOT NULL";
        let may = format!("{table}_2029_05");
        assert!(!client.query_one(is_there, &[&may]).await.unwrap().get::<_, bool>(0), "{may}");
        assert_eq!(count(&client, &format!("{table}_2029_06")).await, ROWS);
        assert_eq!(count(&client, &format!("{table}_default")).await, 2 * ROWS);
    }
    // A month that has not begun and whose rows came before it.
    store.keep_months(Retention::default(), day("2029-06-15")).await.unwrap();
    fill(&client, day("2029-07-02")).await;
    assert_eq!(count(&client, "generations_default").await, 3 * ROWS);

    until_nothing_is_left(&store, BOTH, day("2029-09-15")).await;
    let dropped = dropped_months(&store, day("2029-09-15")).await;
    assert_eq!(dropped.len(), 4, "{dropped:?}");
    assert_eq!(count(&client, "generations").await, 0);
    assert_eq!(count(&client, "episode_vectors").await, 0);
}

#[tokio::test]
async fn an_installation_that_has_rows_already_keeps_them_and_has_months_from_then_on() {
    let database = database().await;
    let client = database.client().await.unwrap();
    let url = || PostgresOptions::new(Secret::new(database.url()).unwrap());
    let connection = Connection::open(&Connecting::new(&url()).unwrap()).await.unwrap();
    let before: Vec<_> =
        POSTGRES.iter().position(|made| made.name == "partitions").into_iter().collect();
    migrate::apply(&connection, &POSTGRES[..before[0]]).await.unwrap();
    client.batch_execute("INSERT INTO workspaces VALUES ('ws_a', 'a', 0)").await.unwrap();
    fill(&client, day("2026-01-05")).await;
    // By name: what later migrations add is of no interest.
    let calls =
        "SELECT md5(string_agg(concat_ws(' ', workspace, id, api_key, status, requested_model,
        started_at), ',' ORDER BY id)) FROM generations";
    let checksum: String = client.query_one(calls, &[]).await.unwrap().get(0);

    let store = Store::open(StoreOptions::Postgres(url())).await.unwrap();
    let same: String = client.query_one(calls, &[]).await.unwrap().get(0);
    assert_eq!(same, checksum);
    assert_eq!(count(&client, "episode_vectors_default").await, ROWS);
    store.keep_months(Retention::default(), day("2031-01-15")).await.unwrap();
    fill(&client, day("2031-02-05")).await;
    assert_eq!(count(&client, "episodes_2031_02").await, ROWS);
    let now = day("2031-03-05");
    until_nothing_is_left(&store, BOTH, now).await;
    assert_eq!(count(&client, "generations_default").await, 0);
    assert_eq!(count(&client, "episodes").await, ROWS);
}

#[tokio::test]
async fn a_month_is_not_taken_for_empty_by_an_owner_who_may_not_see_its_rows() {
    let database = database().await;
    let store = open(options(database.url())).await;
    workspace(&store, "ws_a").await;
    let client = database.client().await.unwrap();
    make_months(&store).await;
    fill(&client, day("2031-01-20")).await;
    client.batch_execute("UPDATE generations SET status = 'pending'").await.unwrap();
    store.close().await.unwrap();
    let name = database.url().rsplit('/').next().unwrap().to_owned();
    let owner = format!("owner_{name}");
    client
        .batch_execute(&format!(
            "CREATE ROLE {owner} LOGIN;
             GRANT backstay_workspace, backstay_installation TO {owner};
             ALTER DATABASE {name} OWNER TO {owner};
             ALTER SCHEMA public OWNER TO {owner};
             DO $$ DECLARE name TEXT; BEGIN
                FOR name IN SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')
                    AND relnamespace = 'public'::regnamespace
                LOOP EXECUTE format('ALTER TABLE %I OWNER TO {owner}', name); END LOOP;
             END $$"
        ))
        .await
        .unwrap();
    let url = database.url().replace("postgres@", &format!("{owner}@"));
    let store = open(options(url)).await;
    let dropped = dropped_months(&store, day("2031-03-05")).await;
    assert_eq!(dropped, ["episode_vectors_2031_01"], "calls are open and episodes not forgotten");
    assert_eq!(count(&client, "generations").await, ROWS);
    assert_eq!(count(&client, "episodes").await, ROWS);
    until_nothing_is_left(&store, BOTH, day("2031-03-05")).await;
    let dropped = dropped_months(&store, day("2031-03-05")).await;
    assert_eq!(dropped, ["episodes_2031_01"]);
    store.close().await.unwrap();
    let leave =
        format!("REASSIGN OWNED BY {owner} TO postgres; DROP OWNED BY {owner}; DROP ROLE {owner}");
    client.batch_execute(&leave).await.unwrap();
}
