//! What cannot work is refused with one text, and leaves nothing behind.

use anyhow::Result;
use serde_json::{Value, json};

use super::Board;

const NOBODY: &str = "0b0c7a52-3f63-4f3e-9a55-0a4f9a8a0b11";

#[tokio::test]
async fn wrong_and_unknown_ids_and_strangers_are_told_apart() -> Result<()> {
    let board = Board::start().await?;
    for path in ["assistants", "threads"] {
        let wrong = board.client.get(&format!("/api/{path}/not-a-uuid")).await?;
        let unknown = board.client.get(&format!("/api/{path}/{NOBODY}")).await?;
        assert_eq!((wrong.status.as_u16(), unknown.status.as_u16()), (400, 404), "{path}");
        assert!(unknown.body["detail"].is_string(), "{unknown:?}");
    }
    let stranger = board.server.stranger().get("/api/assistants").await?;
    assert_eq!(stranger.status.as_u16(), 401);
    assert!(stranger.body["detail"].is_string(), "{stranger:?}");
    let by_header = board.server.stranger().with_header("x-api-key", board.server.key());
    assert_eq!(by_header.get("/api/assistants").await?.status.as_u16(), 200);
    board.server.stop().await
}

#[tokio::test]
async fn what_cannot_be_said_is_refused_before_a_model_is_called() -> Result<()> {
    let board = Board::start().await?;
    let thread = board.thread().await?;
    let cases: [(Value, &str); 12] = [
        (json!({"content": "  "}), "content"),
        (json!({"memory": "Auto", "memory_pro": "Auto"}), "not both"),
        (json!({"memory": "sometimes"}), "Readonly"),
        (json!({"llm_provider": "nobody", "model_name": "nothing"}), "nobody/nothing"),
        (json!({"thinking": "much"}), "thinking"),
        (json!({"metadata": "{"}), "metadata"),
        (json!({"metadata": {"custom_timestamp": "once"}}), "custom_timestamp"),
        (json!({"tools": [{"type": "function"}]}), "tools[0]"),
        (json!({"stream": "perhaps"}), "stream"),
        (json!({"image_generation": "auto"}), "image_generation"),
        (json!({"openrouter": {"sort": "beauty"}}), "sort"),
        (json!({"assistant_id": NOBODY}), "Assistant"),
    ];
    for (fields, named) in cases {
        for stream in [false, true] {
            let mut more = json!({"stream": stream});
            super::merge(&mut more, fields.clone());
            let refused = board.say(&thread, "hello", more).await?;
            let status = refused.status.as_u16();
            assert!(matches!(status, 400 | 404), "{fields}: {refused:?}");
            let detail = refused.body["detail"].as_str().unwrap_or_default();
            assert!(detail.contains(named), "{fields}: {detail}");
        }
    }
    assert!(board.messages(&thread).await?.is_empty());
    assert!(board.asked().is_empty(), "a model was called");
    let refused = board.client.post("/api/threads/messages", &json!({"content": ""})).await?;
    assert_eq!(refused.status.as_u16(), 400);
    assert_eq!(board.client.get("/api/threads").await?.body.as_array().map(Vec::len), Some(1));
    board.server.stop().await
}

#[tokio::test]
async fn an_assistant_that_breaks_a_limit_is_not_made() -> Result<()> {
    let board = Board::start().await?;
    let long = "x".repeat(256);
    for body in [
        json!({}),
        json!({"name": " "}),
        json!({"name": long}),
        json!({"name": "a", "tok_k": 0}),
        json!({"name": "a", "tok_k": 101}),
        json!({"name": "a", "tools": "not a list"}),
        json!({"name": "a", "tools": [{"function": {}}]}),
    ] {
        let refused = board.client.post("/api/assistants", &body).await?;
        assert_eq!(refused.status.as_u16(), 400, "{body}");
        assert!(refused.body["detail"].is_string(), "{refused:?}");
    }
    assert_eq!(board.client.get("/api/assistants").await?.body.as_array().map(Vec::len), Some(1));
    let nothing = board.client.get("/api/nothing").await?;
    assert!(nothing.body["detail"].is_string(), "{nothing:?}");
    board.server.stop().await
}
