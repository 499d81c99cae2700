//! Applications keep whole files in memories, and read them all at once.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use super::{Board, text};

const MEMORIES: usize = 3_000;
const AT_ONCE: usize = 32;
const PAGE_SIZE: usize = 100;
const LARGE_BYTES: usize = 200_000;

/// A file of JSON as a program writes it: bytes that nobody would write so again.
fn large() -> String {
    let line = "  {\"név\": \"Zuzana \\u00e9\\n\", \"n\": 1.50e+3, \"z\": \"\\\"<&>\\ufeff\"},\n";
    let mut file = "[\r\n".to_owned();
    while file.len() < LARGE_BYTES {
        file.push_str(line);
    }
    file.push_str("  null\t]\n\n");
    file
}

fn contents(body: &Value) -> Result<Vec<(String, String)>> {
    let memories = body["memories"].as_array().context("no memories")?;
    memories.iter().map(|one| Ok((text(one, "id")?, text(one, "content")?))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_thousand_memories_are_listed_whole_and_each_on_one_page() -> Result<()> {
    let board = Board::start().await?;
    let path = format!("/api/assistants/{}/memories", board.assistant);
    let small = |number| format!("{{\"key\": \"notes/{number}\", \"value\": [{number}, true]}}\n");
    let said = (1..MEMORIES).map(small).chain([large()]);
    let stated = stream::iter(said).map(|content| {
        let (client, path) = (board.client.clone(), &path);
        async move {
            let added = client.post(path, &json!({"content": content})).await?;
            anyhow::Ok((text(&added.body, "memory_id")?, content))
        }
    });
    let stated: BTreeMap<String, String> = stated.buffer_unordered(AT_ONCE).try_collect().await?;
    assert_eq!(stated.len(), MEMORIES);

    let all = board.client.get(&path).await?.body;
    assert_eq!(all["total_count"], MEMORIES);
    let listed = contents(&all)?;
    assert_eq!(listed.len(), MEMORIES);
    let differing = listed.iter().filter(|(id, content)| stated.get(id) != Some(content));
    assert_eq!(differing.count(), 0, "every byte as it was stated");
    assert!(listed.iter().any(|(_, content)| *content == large()));

    let mut paged = BTreeSet::new();
    for page in 1..=MEMORIES.div_ceil(PAGE_SIZE) {
        let query = format!("{path}?page={page}&page_size={PAGE_SIZE}");
        let found = board.client.get(&query).await?.body;
        assert_eq!(found["total_count"], MEMORIES);
        for (id, content) in contents(&found)? {
            assert_eq!(stated.get(&id), Some(&content));
            assert!(paged.insert(id), "on two pages");
        }
    }
    assert_eq!(paged.len(), MEMORIES);
    board.server.stop().await
}
