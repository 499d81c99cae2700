//! Server-sent events, byte by byte: one space, one blank line, one last event.

use anyhow::Result;
use serde_json::{Value, json};

use super::{Board, merge};

/// The events of a stream, after its bytes were looked at.
async fn events(board: &Board, more: Value) -> Result<Vec<Value>> {
    let mut body = json!({"assistant_id": board.assistant, "content": "hello there", "stream": true,
        "llm_provider": "openai", "model_name": "sim-echo"});
    merge(&mut body, more);
    let request = board.client.request(http::Method::POST, "/api/threads/messages").json(&body);
    let response = request.send().await?.error_for_status()?;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().await?;
    assert!(!text.contains("[DONE]") && !text.contains('\r') && text.ends_with("\n\n"), "{text}");
    let lines = text.trim_end().split("\n\n");
    let events = lines.map(|line| {
        let json = line.strip_prefix("data: {").unwrap_or_else(|| panic!("{line}"));
        Ok(serde_json::from_str(&format!("{{{json}"))?)
    });
    events.collect()
}

fn types(events: &[Value]) -> Vec<&str> {
    let mut types: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    types.dedup();
    types
}

#[tokio::test]
async fn a_chat_streams_its_events_in_order_and_ends_with_the_run() -> Result<()> {
    let board = Board::start().await?;
    let seen = events(&board, json!({})).await?;
    let expected = [
        "message_received",
        "user_message",
        "run_started",
        "message_start",
        "content_streaming",
        "run_ended",
    ];
    assert_eq!(types(&seen), expected);
    assert!(seen.iter().all(|event| event["thread_id"] == seen[0]["thread_id"]), "{seen:?}");
    let deltas: String = seen
        .iter()
        .filter(|e| e["type"] == "content_streaming")
        .filter_map(|e| e["content"].as_str())
        .collect();
    let end = &seen[seen.len() - 1];
    assert_eq!(deltas, "hello there");
    assert_eq!(
        (&end["content"], &end["final_content"], &end["status"]),
        (&json!(deltas), &json!(deltas), &json!("completed"))
    );
    assert!(end["total_tokens"].as_u64().is_some_and(|tokens| tokens > 0), "{end}");
    let thread = seen[1]["thread_id"].as_str().unwrap_or_default();
    let messages = board.messages(thread).await?;
    assert_eq!(messages[0]["message_id"], seen[1]["message_id"]);
    assert_eq!(messages[1]["message_id"], end["message_id"]);
    board.server.stop().await
}

#[tokio::test]
async fn memories_and_thinking_have_events_of_their_own() -> Result<()> {
    let board = Board::start().await?;
    events(&board, json!({"content": "I keep bees in Ghent.", "memory": "Auto"})).await?;
    let seen = events(&board, json!({"content": "Where do I keep bees?", "memory": "Auto",
        "llm_provider": "anthropic", "model_name": "sim-think", "thinking": {"budget_tokens": 2048}})).await?;
    let expected = [
        "message_received",
        "user_message",
        "memory_retrieved",
        "run_started",
        "message_start",
        "reasoning_streaming",
        "reasoning_ended",
        "content_streaming",
        "run_ended",
    ];
    assert_eq!(types(&seen), expected);
    assert_eq!(seen[2]["memories"][0]["memory"], "I keep bees in Ghent.");
    assert!(seen[seen.len() - 1]["reasoning"].as_str().is_some_and(|text| !text.is_empty()));
    let hidden = events(
        &board,
        json!({"llm_provider": "anthropic", "model_name": "sim-think",
        "thinking": {"budget_tokens": 2048, "exclude_reasoning": true}}),
    )
    .await?;
    assert!(!types(&hidden).contains(&"reasoning_streaming"), "{hidden:?}");
    board.server.stop().await
}

#[tokio::test]
async fn a_message_that_nobody_is_asked_about_is_one_event() -> Result<()> {
    let board = Board::start().await?;
    let seen = events(&board, json!({"send_to_llm": false, "memory": "Auto"})).await?;
    assert_eq!(types(&seen), ["message_saved"]);
    assert!(seen[0]["memory_operation_id"].is_string() && seen[0]["message_id"].is_string());
    board.server.stop().await
}

#[tokio::test]
async fn a_failure_is_the_last_event_and_partial_text_is_kept_as_failed() -> Result<()> {
    let board = Board::start().await?;
    let thread = board.thread().await?;
    let failing = json!({"thread_id": thread, "model_name": "sim-echo!429"});
    let seen = events(&board, failing).await?;
    assert_eq!(types(&seen), ["message_received", "user_message", "error"]);
    let end = &seen[2];
    assert_eq!(end["error"], end["message"]);
    let messages = board.messages(&thread).await?;
    assert_eq!((&messages[1]["status"], &messages[1]["content"]), (&json!("FAILED"), &json!("")));
    let broken = json!({"thread_id": thread, "content": "one two three four five six",
        "model_name": "sim-echo!reset-after-2"});
    let seen = events(&board, broken).await?;
    assert_eq!(types(&seen).last(), Some(&"error"));
    let messages = board.messages(&thread).await?;
    assert_eq!((&messages[3]["status"], messages.len()), (&json!("FAILED"), 4), "{messages:?}");
    assert!(messages[3]["content"].as_str().is_some_and(|said| said.contains("two")));
    board.server.stop().await
}
