//! Assistants and threads: made, listed, changed, copied, deleted with everything of theirs.

use anyhow::Result;
use backstay_testing::TestServer;
use serde_json::json;

use super::{Board, text};

#[tokio::test]
async fn an_assistant_is_made_changed_and_deleted_with_its_threads() -> Result<()> {
    let board = Board::start().await?;
    let path = format!("/api/assistants/{}", board.assistant);
    let made = board.client.get(&path).await?.body;
    assert_eq!((&made["name"], &made["tok_k"]), (&json!("Helper"), &json!(10)));
    let tools = json!([{"type": "function", "function": {"name": "bare"}}]);
    let change = json!({"system_prompt": "Be brief.", "tools": tools, "llm_provider": "ignored"});
    let changed = board.client.put(&path, &change).await?.body;
    assert_eq!(
        (&changed["name"], &changed["system_prompt"]),
        (&json!("Helper"), &json!("Be brief."))
    );
    let echoed = json!({"type": "object", "properties": {}});
    assert_eq!(changed["tools"][0]["function"]["parameters"], echoed);
    let thread = board.thread().await?;
    board.say(&thread, "I keep bees.", json!({"memory": "Auto"})).await?;
    let deleted = board.client.delete(&path).await?;
    assert_eq!(deleted.body["assistant_id"], json!(board.assistant));
    assert!(deleted.body["deleted_at"].as_str().is_some_and(|at| at.len() == 27), "{deleted:?}");
    assert_eq!(board.client.get(&path).await?.status.as_u16(), 404);
    assert_eq!(board.client.get(&format!("/api/threads/{thread}")).await?.status.as_u16(), 404);
    let left = board.client.get("/backstay/v1/memories/stats").await?.body;
    assert_eq!(left["data"], json!([]));
    board.server.stop().await
}

#[tokio::test]
async fn lists_are_bare_arrays_and_too_large_limits_are_lowered() -> Result<()> {
    let board = Board::start().await?;
    for name in ["Other", "Helper"] {
        board.client.post("/api/assistants", &json!({"name": name})).await?;
    }
    let all = board.client.get("/api/assistants?limit=10000&skip=0").await?.body;
    assert_eq!(all.as_array().map(Vec::len), Some(3));
    let named = board.client.get("/assistants?name=Helper&limit=1").await?.body;
    assert_eq!(named[0]["name"], "Helper");
    assert_eq!(named.as_array().map(Vec::len), Some(1));
    let none = board.client.get("/api/assistants?name=helper").await?.body;
    assert_eq!(none, json!([]));
    board.server.stop().await
}

#[tokio::test]
async fn a_thread_needs_no_body_and_is_listed_with_its_messages() -> Result<()> {
    let board = Board::start().await?;
    let path = format!("/api/assistants/{}/threads", board.assistant);
    let without_body = board.client.post_text(&path, "").await?.body;
    let thread = text(&without_body, "thread_id")?;
    assert_eq!(without_body["messages"], json!([]));
    board.say(&thread, "hello", json!({})).await?;
    for path in ["/api/threads?limit=200", &path] {
        let listed = board.client.get(path).await?.body;
        assert_eq!(listed[0]["messages"][0]["content"], "hello", "{listed}");
        assert_eq!(listed[0]["assistant_id"], json!(board.assistant));
    }
    let brief = board.client.get("/api/threads?include_messages=false").await?.body;
    assert_eq!((&brief[0]["messages"], &brief[0]["message_count"]), (&json!([]), &json!(2)));
    assert_eq!(brief[0]["first_user_message"], "hello");
    let deleted = board.client.delete(&format!("/api/threads/{thread}")).await?.body;
    assert_eq!(deleted["thread_id"], json!(thread));
    assert_eq!(board.client.get("/api/threads").await?.body, json!([]));
    board.server.stop().await
}

#[tokio::test]
async fn a_clone_has_settings_and_memories_of_its_own() -> Result<()> {
    let board = Board::start().await?;
    let scope = &board.assistant;
    let stated = json!({"assistant": scope, "text": "Ann keeps bees."});
    board.client.post("/backstay/v1/memories", &stated).await?;
    let path = format!("/api/assistants/{scope}/clone");
    let cloned = board.client.post(&path, &json!({"system_prompt": "New."})).await?.body;
    assert_eq!((&cloned["memories_cloned"], &cloned["documents_cloned"]), (&json!(1), &json!(0)));
    assert_eq!(cloned["assistant"]["name"], "Helper Copy");
    assert_eq!(cloned["assistant"]["system_prompt"], "New.");
    let bare = board.client.post(&path, &json!({"name": "B", "copy_memories": false})).await?.body;
    assert_eq!(bare["memories_cloned"], 0);
    let copy = text(&cloned["assistant"], "assistant_id")?;
    let path = format!("/backstay/v1/memories/statements?assistant={copy}");
    let copied = board.client.get(&path).await?.body;
    assert_eq!(copied["data"][0]["text"], "Ann keeps bees.");
    board.server.stop().await
}

#[tokio::test]
async fn threads_of_other_interfaces_are_there_too_and_go_on_here() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    let opened = json!({"thread": "new", "memory": "off"});
    client.chat("openai/sim-echo", "The code word is heron.", opened).await?;
    let listed = client.get("/api/threads").await?.body;
    assert_eq!(listed[0]["messages"][0]["content"], "The code word is heron.");
    let body = json!({"thread_id": listed[0]["thread_id"], "content": "What is the code word?",
        "llm_provider": "anthropic", "model_name": "sim-quote"});
    let answer = client.post("/api/threads/messages", &body).await?.body;
    assert!(answer["content"].as_str().is_some_and(|said| said.contains("heron")), "{answer}");
    let assistants = client.get("/api/assistants").await?.body;
    assert_eq!(assistants[0]["name"], "Default Assistant");
    server.stop().await
}
