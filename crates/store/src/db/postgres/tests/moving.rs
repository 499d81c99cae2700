//! How an installation is read that moves.

use super::{database, open, options, workspace};
use crate::transfer::Table;

const TURNS: &str = "INSERT INTO threads
        (workspace, id, assistant, user_name, created_at, updated_at, message_count)
        VALUES ('ws_a', 'thr_1', 'planner', 'Ann', 0, 0, 0);
    INSERT INTO scopes (workspace, assistant, user_name, episodes, written, forgotten)
        VALUES ('ws_a', 'planner', 'Ann', 20000, 20000, 0);
    INSERT INTO episodes (workspace, id, thread, position, assistant, user_name, sequence, speaker,
            author, text, said_at, recorded_at, source, trust)
        SELECT 'ws_a', 'ep_' || lpad(CAST(n AS TEXT), 8, '0'), 'thr_1', n, 'planner', 'Ann', n, 'user',
            'Ann', 'said', 0, 0, 'turn', 'direct_user'
        FROM generate_series(1, 20000) AS n;
    ANALYZE episodes";

#[tokio::test]
async fn a_page_of_one_large_workspace_is_read_by_an_index_and_sorted_by_nobody() {
    let database = database().await;
    let store = open(options(database.url())).await;
    workspace(&store, "ws_a").await;
    let mut client = database.client().await.unwrap();
    client.batch_execute(TURNS).await.unwrap();
    let table = Table::of("episodes", store.db(), store.db()).await.unwrap();
    let [by_index, page] = table.page_statements().map(|statement| statement.postgres().to_owned());
    let values = ["'ws_a'", "'ep_00000100'", "200"];
    let page = (1..)
        .zip(values)
        .fold(page, |page, (number, value)| page.replace(&format!("${number}"), value));
    let unit = client.transaction().await.unwrap();
    unit.query(&by_index, &[]).await.unwrap();
    let plan = unit.query(&format!("EXPLAIN {page}"), &[]).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    assert!(plan.contains("Merge Append") && plan.contains("episodes_pkey_default"), "{plan}");
    let sorted = plan
        .lines()
        .any(|line| line.trim_start().trim_start_matches("->").trim().starts_with("Sort  "));
    assert!(!sorted, "{plan}");
    // Later units are planned as ever.
    unit.commit().await.unwrap();
    let sorts = client.query_one("SHOW enable_sort", &[]).await.unwrap();
    assert_eq!(sorts.get::<_, String>(0), "on");
}
