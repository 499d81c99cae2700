//! Tools that this server carries out: a model searches, and its client hears of no tool.

use anyhow::{Context as _, Result, bail};
use backstay_testing::TestServer;
use serde_json::{Value, json};

use super::{Board, POLLS_MAX, text, weather};

const NOTES: &str =
    "# Harbour\n\nThe ferry to Tallinn leaves from quay nine at six in the morning.\n";
/// A search service at the scripted upstream.
const WEB_SEARCH: &str = "[web_search]
service = \"searxng\"
base_url = \"{sim}/searxng\"";

impl Board {
    /// The document once it was read, or could not be.
    pub(super) async fn read_document(&self, id: &str) -> Result<Value> {
        let path = format!("/api/documents/{id}/status");
        for _ in 0..POLLS_MAX {
            let found = self.client.get(&path).await?.body;
            if matches!(found["status"].as_str(), Some("indexed" | "error")) {
                return Ok(found);
            }
        }
        bail!("the document was not read")
    }
}

#[tokio::test]
async fn a_model_searches_the_documents_and_its_client_hears_of_no_tool() -> Result<()> {
    let (board, _) = with_notes().await?;
    let thread = board.thread().await?;
    let asked = "Use the search_documents tool for the Ferry to Tallinn";
    for (provider, stream) in [("openai", false), ("anthropic", true)] {
        let body = json!({"thread_id": thread, "content": asked, "stream": stream,
            "llm_provider": provider, "model_name": "sim-echo"});
        let events = match stream {
            true => board.client.stream("/api/threads/messages", &body).await?.events,
            false => vec![board.client.post("/api/threads/messages", &body).await?.body],
        };
        let answer = events.last().context("no event")?;
        assert!(
            answer["content"].as_str().is_some_and(|said| said.contains("quay nine")),
            "{answer}"
        );
        assert_eq!(answer["retrieved_files"], json!(["notes.md"]), "{answer}");
        let told: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
        assert!(!told.iter().any(|kind| kind.starts_with("tool")), "{told:?}");
    }
    let messages = board.messages(&thread).await?;
    let roles: Vec<&str> = messages.iter().filter_map(|message| message["role"].as_str()).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
    board.server.stop().await
}

/// A board whose assistant has the notes.
async fn with_notes() -> Result<(Board, String)> {
    let board = Board::start().await?;
    let path = format!("/api/assistants/{}/documents", board.assistant);
    let added = board.client.upload(&path, &[], ("notes.md", NOTES.as_bytes())).await?;
    let document = text(&added.body, "document_id")?;
    let settled = board.read_document(&document).await?;
    if settled["status"] == "error" {
        bail!("{settled}");
    }
    Ok((board, document))
}

/// Hands in the same output for every call that waits.
async fn submit(board: &Board, thread: &str, waits: &Value) -> Result<Value> {
    let calls = waits["tool_calls"].as_array().cloned().unwrap_or_default();
    let outputs: Vec<Value> = calls
        .iter()
        .map(|call| json!({"tool_call_id": call["id"], "output": "sunny, 21 degrees"}))
        .collect();
    let run = text(waits, "run_id")?;
    let path = format!("/api/threads/{thread}/runs/{run}/submit-tool-outputs");
    Ok(board.client.post(&path, &json!({"tool_outputs": outputs})).await?.body)
}

fn called(answer: &Value) -> Vec<&str> {
    let calls = answer["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    calls.iter().filter_map(|call| call["function"]["name"].as_str()).collect()
}

#[tokio::test]
async fn what_was_found_before_a_run_waited_is_known_when_it_goes_on() -> Result<()> {
    let (board, document) = with_notes().await?;
    for (provider, asked) in [
        ("openai", "Use search_documents and then weather for the Ferry to Tallinn"),
        ("anthropic", "Use search_documents and then weather for the Ferry to Tallinn"),
        ("openai", "Use both weather and search_documents for the Ferry to Tallinn"),
        ("anthropic", "Use both weather and search_documents for the Ferry to Tallinn"),
    ] {
        let thread = board.thread().await?;
        let more = json!({"tools": weather(), "llm_provider": provider});
        let waits = board.say(&thread, asked, more).await?.body;
        assert_eq!(waits["status"], "REQUIRES_ACTION", "{waits}");
        assert_eq!(called(&waits), ["weather"], "{waits}");
        let answer = submit(&board, &thread, &waits).await?;
        assert_eq!(answer["status"], "COMPLETED", "{answer}");
        assert_eq!(answer["retrieved_files"], json!(["notes.md"]), "{answer}");
        let prompt = board.asked().pop().unwrap_or_default()["messages"].to_string();
        for known in ["quay nine", "sunny, 21 degrees"] {
            assert_eq!(prompt.matches(known).count(), 1, "{provider}, {asked}: {prompt}");
        }
        let roles: Vec<Value> =
            board.messages(&thread).await?.iter().map(|message| message["role"].clone()).collect();
        assert_eq!(roles, ["user", "assistant", "tool", "assistant"]);
    }
    let thread = board.thread().await?;
    let asked = "Use search_documents and then weather for the Ferry to Tallinn";
    let waits = board.say(&thread, asked, json!({"tools": weather()})).await?.body;
    board.client.delete(&format!("/api/documents/{document}")).await?;
    let answer = submit(&board, &thread, &waits).await?;
    assert_eq!(answer["status"], "COMPLETED", "{answer}");
    let prompt = board.asked().pop().unwrap_or_default()["messages"].to_string();
    assert!(!prompt.contains("quay nine"), "a deleted document was shown: {prompt}");
    board.server.stop().await
}

#[tokio::test]
async fn a_run_that_waits_twice_still_knows_what_it_found_first() -> Result<()> {
    let (board, _) = with_notes().await?;
    let thread = board.thread().await?;
    let asked = "Use search_documents, then weather, then tides for the Ferry to Tallinn";
    let mut tools = weather();
    if let Some(tools) = tools.as_array_mut() {
        let mut tides = tools[0].clone();
        tides["function"]["name"] = json!("tides");
        tools.push(tides);
    }
    let first = board.say(&thread, asked, json!({"tools": tools})).await?.body;
    assert_eq!(called(&first), ["weather"], "{first}");
    let second = submit(&board, &thread, &first).await?;
    assert_eq!(called(&second), ["tides"], "{second}");
    let answer = submit(&board, &thread, &second).await?;
    assert_eq!(answer["status"], "COMPLETED", "{answer}");
    let prompt = board.asked().pop().unwrap_or_default()["messages"].to_string();
    assert_eq!(prompt.matches("quay nine").count(), 1, "{prompt}");
    board.server.stop().await
}

#[tokio::test]
async fn a_model_searches_the_web_where_a_service_is_configured_and_the_turn_asks_for_it()
-> Result<()> {
    let server = TestServer::builder().config(WEB_SEARCH).start().await?;
    let board = Board::of(server, json!({"name": "Helper"})).await?;
    let asked = "Use the web_search tool for House Boats";
    let thread = board.thread().await?;
    let answer = board.say(&thread, asked, json!({"web_search": "Auto"})).await?.body;
    assert_eq!(answer["status"], "COMPLETED", "{answer}");
    let said = answer["content"].as_str().unwrap_or_default();
    assert!(said.contains("Result 1 says of"), "{answer}");
    let without = board.say(&board.thread().await?, asked, json!({})).await?.body;
    assert_eq!(without["content"], asked, "nobody asked for the web: {without}");
    board.server.stop().await
}

#[tokio::test]
async fn where_no_service_searches_the_web_the_reply_says_so() -> Result<()> {
    let board = Board::start().await?;
    let more = json!({"web_search": "Auto"});
    let answer = board.say(&board.thread().await?, "Search the web", more).await?.body;
    assert_eq!(answer["status"], "COMPLETED");
    assert!(
        answer["warnings"][0].as_str().is_some_and(|said| said.contains("web_search")),
        "{answer}"
    );
    let sent = board.server.sim.requests();
    assert!(sent.iter().all(|seen| seen.body.get("tools").is_none()), "a tool was offered");
    board.server.stop().await
}
