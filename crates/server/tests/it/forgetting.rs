//! Forgotten is gone: from recall, from lists, and after deletion of a thread too.

use anyhow::Result;
use backstay_testing::TestServer;
use serde_json::json;

#[tokio::test]
async fn a_forgotten_memory_is_neither_listed_nor_recalled() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    client.chat("openai/sim-echo", "The heron nests in April.", json!({})).await?;
    let search = json!({"query": "When does the heron nest?"});
    let found = client.post("/backstay/v1/memories/search", &search).await?.body;
    let ids: Vec<_> = found["data"].as_array().unwrap().iter().map(|m| m["id"].clone()).collect();
    assert_eq!(ids.len(), 2, "what was said and what was answered: {found}");
    let done = client.post("/backstay/v1/memories/forget", &json!({"ids": ids})).await?.body;
    assert_eq!(done["forgotten"], 2);
    let found = client.post("/backstay/v1/memories/search", &search).await?.body;
    assert_eq!(found["data"], json!([]));
    let listed = client.get("/backstay/v1/memories").await?.body;
    assert_eq!(listed["data"], json!([]));
    server.stop().await
}

#[tokio::test]
async fn deleting_a_thread_deletes_what_was_remembered_of_it() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    let options = json!({"thread": "new"});
    let thread = client.chat("builtin/echo", "The heron nests in April.", options).await?.thread();
    let path = format!("/backstay/v1/threads/{thread}");
    assert_eq!(client.delete(&path).await?.status.as_u16(), 200);
    assert_eq!(client.get(&path).await?.status.as_u16(), 404);
    let answer = client.chat("builtin/recall", "When does the heron nest?", json!({})).await?;
    assert!(answer.recalled().is_empty(), "{answer:?}");
    server.stop().await
}
