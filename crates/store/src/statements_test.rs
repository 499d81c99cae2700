//! Prepares every statement on a migrated database and looks at how it would be carried out, as
//! nothing else checks their text before they are run.

use rusqlite::Connection;

use crate::{
    budgets,
    db::{self, Statement},
    episodes, expire, forget, generations, idempotency, import, jobs, keys, learning, messages,
    migrations, model_lists, policies, portable, prices, response_cache, responses, scopes,
    statement_vectors, statements, store, summaries, threads, tombstones, vectors, workspaces,
};

type Area = [(&'static str, Statement)];

fn areas() -> Vec<&'static Area> {
    let single: [&Area; 20] = [
        episodes::ALL,
        expire::ALL,
        idempotency::ALL,
        import::ALL,
        learning::ALL,
        messages::ALL,
        model_lists::ALL,
        policies::ALL,
        portable::ALL,
        prices::ALL,
        response_cache::ALL,
        responses::ALL,
        scopes::ALL,
        statement_vectors::ALL,
        store::ALL,
        summaries::ALL,
        threads::ALL,
        tombstones::ALL,
        vectors::ALL,
        workspaces::ALL,
    ];
    let folders =
        [budgets::ALL, forget::AREAS, generations::ALL, jobs::ALL, keys::ALL, statements::ALL];
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

/// Statements that look at whole tables, because that is what they are for.
const READ_EVERYTHING: [&str; 5] =
    ["SCHEMA_VERSION", "ANY", "COUNT_ALL", "RELEASE_ALL", "ALL_LISTS"];

#[test]
fn no_statement_grows_slower_with_the_rows_of_others() {
    let mut connection = Connection::open_in_memory().unwrap();
    db::sqlite_migrate(&mut connection, migrations::SQLITE).unwrap();
    for (name, statement) in areas().into_iter().flatten() {
        if READ_EVERYTHING.contains(name) || statement.sqlite().starts_with("PRAGMA") {
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
fn every_area_that_has_statements_is_in_the_list() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folders = ["", "budgets", "forget", "generations", "jobs", "keys", "statements"]
        .map(|folder| source.join(folder));
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let with_statements = files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .filter(|path| std::fs::read_to_string(path).unwrap().contains("\nstatements! {"))
        .count();
    assert_eq!(with_statements, areas().len());
}
