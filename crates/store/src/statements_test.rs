//! Prepares every statement on migrated databases and looks at how it would be carried out, as
//! nothing else checks their text before they are run.

use backstay_core::Secret;
use backstay_test_database::TestDatabase;
use rusqlite::Connection;

use crate::{
    PostgresOptions, Store, StoreOptions, assistants, budgets,
    db::{self, Statement},
    device_logins, documents, episodes, expire, forget, generations, history_summaries,
    idempotency, import, jobs, keys, learning, memory_operations, messages, migrations,
    model_lists, policies, portable, prices, rates, response_cache, responses, retention, runs,
    scopes, statement_vectors, statements, summaries, threads, tombstones, transfer, vectors,
    word_blocks, workspaces,
};

type Area = [(&'static str, Statement)];

fn areas() -> Vec<&'static Area> {
    let single: [&Area; 27] = [
        assistants::ALL,
        device_logins::ALL,
        episodes::ALL,
        expire::ALL,
        history_summaries::ALL,
        idempotency::ALL,
        import::ALL,
        learning::ALL,
        memory_operations::ALL,
        messages::ALL,
        model_lists::ALL,
        policies::ALL,
        portable::ALL,
        prices::ALL,
        rates::ALL,
        response_cache::ALL,
        responses::ALL,
        retention::ALL,
        runs::ALL,
        scopes::ALL,
        statement_vectors::ALL,
        summaries::ALL,
        threads::ALL,
        tombstones::ALL,
        vectors::ALL,
        word_blocks::ALL,
        workspaces::ALL,
    ];
    let folders = [
        budgets::ALL,
        documents::AREAS,
        forget::AREAS,
        generations::ALL,
        jobs::ALL,
        keys::ALL,
        statements::ALL,
        transfer::AREAS,
    ];
    single.into_iter().chain(folders.into_iter().flatten().copied()).collect()
}

#[test]
fn every_statement_can_be_prepared_and_numbers_its_parameters_in_order() {
    let mut connection = Connection::open_in_memory().unwrap();
    db::sqlite_migrate(&mut connection, migrations::SQLITE).unwrap();
    for (name, statement) in areas().into_iter().flatten() {
        let prepared = connection
            .prepare(statement.sqlite())
            .unwrap_or_else(|cause| panic!("{name}: {cause}\n{}", statement.sqlite()));
        for index in 1..=prepared.parameter_count() {
            let expected = format!("${index}");
            assert_eq!(prepared.parameter_name(index), Some(expected.as_str()), "{name}");
        }
    }
}

#[tokio::test]
async fn every_statement_can_be_prepared_on_postgresql() {
    let database = TestDatabase::create().await.unwrap();
    let options = PostgresOptions::new(Secret::new(database.url()).unwrap());
    Store::open(StoreOptions::Postgres(options)).await.unwrap().close().await.unwrap();
    let client = database.client().await.unwrap();
    for (name, statement) in areas().into_iter().flatten() {
        let text = statement.postgres();
        let prepared = client.prepare(text).await;
        let prepared = prepared.unwrap_or_else(|cause| panic!("{name}: {cause:?}\n{text}"));
        let parameters = highest_parameter(statement.sqlite());
        assert_eq!(prepared.params().len(), parameters, "{name}: other parameters\n{text}");
    }
}

/// The number of the last parameter.
fn highest_parameter(text: &str) -> usize {
    let after_dollars = text.split('$').skip(1);
    let numbers = after_dollars.filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().ok()
    });
    numbers.max().unwrap_or(0)
}

/// Statements that look at whole tables, because that is what they are for.
const READ_EVERYTHING: [&str; 5] = ["ANY", "COUNT_ALL", "RELEASE_ALL", "ALL_LISTS", "WORKSPACES"];

#[test]
fn no_statement_grows_slower_with_the_rows_of_others() {
    let mut connection = Connection::open_in_memory().unwrap();
    db::sqlite_migrate(&mut connection, migrations::SQLITE).unwrap();
    for (name, statement) in areas().into_iter().flatten() {
        if READ_EVERYTHING.contains(name) {
            continue;
        }
        let mut explained =
            connection.prepare(&format!("EXPLAIN QUERY PLAN {}", statement.sqlite())).unwrap();
        let steps = explained.raw_query().mapped(|row| row.get::<_, String>(3));
        for step in steps {
            let step = step.unwrap();
            // Work for the embedder goes through the workspaces, and through the indexes
            // of calls and requests that are open. A part was read by an index and has a limit.
            let bounded = [
                "SCAN w",
                "SCAN part",
                "SCAN CONSTANT ROW",
                "SCAN json_each",
                "SCAN pragma_table_info",
                "SCAN generations USING INDEX generations_pending",
                "SCAN idempotency USING INDEX idempotency_running",
            ];
            let whole_table =
                step.starts_with("SCAN") && !bounded.iter().any(|known| step.starts_with(known));
            assert!(!whole_table, "{name}: {step}\n{}", statement.sqlite());
        }
    }
}

#[test]
fn every_table_is_moved_with_an_installation() {
    let mut connection = Connection::open_in_memory().unwrap();
    db::sqlite_migrate(&mut connection, migrations::SQLITE).unwrap();
    let mut listed = connection
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        .unwrap();
    let names = listed.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut names: Vec<String> = names.map(Result::unwrap).collect();
    // Blocks are made again where there are vectors to search.
    names.retain(|name| name != "schema_migrations" && name != "word_blocks");
    names.sort();
    let mut moved = transfer::TABLES.to_vec();
    moved.sort_unstable();
    assert_eq!(names, moved);
}

#[test]
fn every_area_that_has_statements_is_in_the_list() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folders = [
        "",
        "budgets",
        "documents",
        "forget",
        "generations",
        "jobs",
        "keys",
        "statements",
        "transfer",
    ]
    .map(|folder| source.join(folder));
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let with_statements = files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .filter(|path| std::fs::read_to_string(path).unwrap().contains("\nstatements! {"))
        .count();
    assert_eq!(with_statements, areas().len());
}
