//! The layout that lets a distributed engine place rows by their workspace; docs/scaling.md says how.

use super::{database, open, options};

/// Tables that each machine has a copy of: they are small, and what is unique in them or what looks
/// things up there is not about one workspace.
const COPIED: [(&str, &str); 7] = [
    ("workspaces", "is the list of what is distributed"),
    ("api_keys", "a key is found by its hash before its workspace is known"),
    ("device_logins", "a login is found by its codes before anybody's workspace is known"),
    ("prices", "belongs to no workspace"),
    ("model_lists", "belongs to no workspace"),
    ("nodes", "belongs to no workspace"),
    ("schema_migrations", "belongs to no workspace"),
];

/// Tables and their unique indexes, each with its first column.
const UNIQUE_INDEXES: &str = "SELECT CAST(t.relname AS TEXT), CAST(i.relname AS TEXT),
        CAST(a.attname AS TEXT), indisprimary
    FROM pg_index
    JOIN pg_class AS t ON t.oid = indrelid
    JOIN pg_class AS i ON i.oid = indexrelid
    JOIN pg_attribute AS a ON a.attrelid = indrelid AND a.attnum = indkey[0]
    WHERE indisunique AND t.relnamespace = current_schema()::regnamespace";
const TABLES: &str = "SELECT CAST(relname AS TEXT) FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')";
/// References from what is distributed to what is.
const REFERENCES: &str =
    "SELECT CAST(conrelid::regclass AS TEXT), CAST(confrelid::regclass AS TEXT),
        CAST(own.attname AS TEXT), CAST(other.attname AS TEXT)
    FROM pg_constraint
    JOIN pg_attribute AS own ON own.attrelid = conrelid AND own.attnum = conkey[1]
    JOIN pg_attribute AS other ON other.attrelid = confrelid AND other.attnum = confkey[1]
    WHERE contype = 'f'";

fn is_copied(table: &str) -> bool {
    COPIED.iter().any(|(name, _)| *name == table)
}

#[tokio::test]
async fn every_table_can_be_placed_by_workspace_or_is_copied_for_a_reason() {
    let database = database().await;
    open(options(database.url())).await;
    let client = database.client().await.unwrap();
    let mut placed = Vec::new();
    for row in client.query(UNIQUE_INDEXES, &[]).await.unwrap() {
        let (table, index, first): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        if !is_copied(&table) {
            assert_eq!(first, "workspace", "{index} of {table}");
            placed.extend(row.get::<_, bool>(3).then_some(table));
        }
    }
    for row in client.query(TABLES, &[]).await.unwrap() {
        let table: String = row.get(0);
        assert!(is_copied(&table) || placed.contains(&table), "{table} has no primary key");
    }
    for row in client.query(REFERENCES, &[]).await.unwrap() {
        let (from, to): (String, String) = (row.get(0), row.get(1));
        if !is_copied(&to) {
            assert!(!is_copied(&from), "{from} is copied and refers to rows of {to}, which is not");
            let columns: (String, String) = (row.get(2), row.get(3));
            let both = ("workspace".to_owned(), "workspace".to_owned());
            assert_eq!(columns, both, "{from} refers to {to} of another place");
        }
    }
}
