//! Row-level security: the second line behind statements that name their workspace.

use tokio_postgres::Client;

use super::{database, open, options, workspace};
use crate::{
    Store, Workspace,
    db::{Failure, Statement, sql},
};

/// A table whose rows belong to a workspace.
struct Table {
    name: String,
    /// The column that says which.
    tenant: String,
}

#[tokio::test]
async fn a_statement_that_forgets_the_workspace_finds_nothing_of_another() {
    let database = database().await;
    let store = open(options(database.url())).await;
    let (a, b) = (workspace(&store, "ws_a").await, workspace(&store, "ws_b").await);
    let client = database.client().await.unwrap();
    // Any row will do: what it refers to need not be there.
    client.batch_execute("SET session_replication_role = replica").await.unwrap();
    let tables = tables_of_workspaces(&client).await;
    assert!(tables.len() > 20, "only {} tables have a workspace", tables.len());
    for Table { name, tenant } in &tables {
        if name != "workspaces" {
            insert_a_row(&client, name, "ws_a").await;
        }
        let all = forgetful(format!("SELECT count(*) FROM {name} WHERE {tenant} <> 'ws_b'"));
        assert_eq!(count(&b, all).await, 0, "{name}");
        assert_eq!(count(&a, all).await, 1, "{name}");
        assert_eq!(count_of_installation(&store, all).await, 1, "{name}");

        let change =
            forgetful(format!("UPDATE {name} SET {tenant} = {tenant} WHERE {tenant} <> 'ws_b'"));
        assert_eq!(changed(&b, change).await.unwrap(), 0, "{name}");
        let delete = forgetful(format!("DELETE FROM {name} WHERE {tenant} <> 'ws_b'"));
        assert_eq!(changed(&b, delete).await.unwrap(), 0, "{name}");
        let hijack = forgetful(format!("UPDATE {name} SET {tenant} = 'ws_b'"));
        assert!(changed(&a, hijack).await.is_err(), "{name}: a row was given to another workspace");
        assert_eq!(count(&a, all).await, 1, "{name}");
    }
}

#[tokio::test]
async fn every_table_of_workspaces_forces_its_security_and_has_both_policies() {
    let database = database().await;
    open(options(database.url())).await;
    let client = database.client().await.unwrap();
    const PARTITIONS: &str = "SELECT CAST(relname AS TEXT) FROM pg_class
        WHERE relispartition AND relkind = 'r'";
    let partitions = client.query(PARTITIONS, &[]).await.unwrap();
    assert_eq!(partitions.len(), 12, "the default, this month and the next of four tables");
    let tables = tables_of_workspaces(&client).await.into_iter().map(|table| table.name);
    for name in tables.chain(partitions.iter().map(|row| row.get(0))) {
        let row = client
            .query_one(
                "SELECT relrowsecurity AND relforcerowsecurity, (
                    SELECT string_agg(policyname, ' ' ORDER BY policyname) FROM pg_policies
                    WHERE tablename = relname)
                FROM pg_class WHERE oid = CAST($1 AS TEXT)::regclass",
                &[&name],
            )
            .await
            .unwrap();
        assert!(row.get::<_, bool>(0), "{name}");
        assert_eq!(row.get::<_, &str>(1), "of_installation of_workspace", "{name}");
    }
}

#[tokio::test]
async fn a_workspace_has_no_business_with_what_belongs_to_none() {
    let database = database().await;
    let store = open(options(database.url())).await;
    let a = workspace(&store, "ws_a").await;
    for table in ["nodes", "prices", "model_lists", "schema_migrations"] {
        let all = forgetful(format!("SELECT count(*) FROM {table}"));
        let refused = a.read(move |session, _| session.one(all, &[], |row| row.get::<i64>(0)));
        let error = refused.await.unwrap_err();
        assert!(error.context().unwrap().contains("permission denied"), "{table}: {error:?}");
    }
}

/// Partitions are part of the tables.
async fn tables_of_workspaces(client: &Client) -> Vec<Table> {
    const TABLES: &str = "SELECT c.table_name, c.column_name FROM information_schema.columns AS c
        JOIN information_schema.tables AS t USING (table_schema, table_name)
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
            AND NOT (SELECT relispartition FROM pg_class WHERE oid = t.table_name::regclass)
            AND (c.column_name = 'workspace' OR (c.table_name, c.column_name) = ('workspaces', 'id'))";
    let rows = client.query(TABLES, &[]).await.unwrap();
    rows.iter().map(|row| Table { name: row.get(0), tenant: row.get(1) }).collect()
}

/// A row of this workspace, with something in every column that needs it.
async fn insert_a_row(client: &Client, table: &str, workspace: &str) {
    const COLUMNS: &str = "SELECT column_name, data_type FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = $1 AND column_name <> 'workspace'
            AND is_nullable = 'NO'";
    let (mut names, mut values) = (vec!["workspace".to_owned()], vec![format!("'{workspace}'")]);
    for row in client.query(COLUMNS, &[&table]).await.unwrap() {
        names.push(row.get(0));
        values.push(match row.get(1) {
            "bigint" => "0".to_owned(),
            _ => "'x'".to_owned(),
        });
    }
    let insert =
        format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), values.join(", "));
    client.batch_execute(&insert).await.unwrap();
}

fn forgetful(text: String) -> Statement {
    sql(text.leak())
}

async fn count(workspace: &Workspace, statement: Statement) -> i64 {
    let counting = workspace.read(move |session, _| session.one(statement, &[], |row| row.get(0)));
    counting.await.unwrap().unwrap()
}

async fn count_of_installation(store: &Store, statement: Statement) -> i64 {
    let counting = store.read(move |session| session.one(statement, &[], |row| row.get(0)));
    counting.await.unwrap().unwrap()
}

async fn changed(workspace: &Workspace, statement: Statement) -> backstay_core::Result<usize> {
    workspace
        .write(move |session, _| -> Result<usize, Failure> { session.execute(statement, &[]) })
        .await
}
