//! Tools that this server carries out: a model searches, and its client hears of no tool.

use anyhow::{Context as _, Result, bail};
use backstay_testing::TestServer;
use serde_json::{Value, json};

use super::{Board, POLLS_MAX, text};

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
    let board = Board::start().await?;
    let path = format!("/api/assistants/{}/documents", board.assistant);
    let added = board.client.upload(&path, &[], ("notes.md", NOTES.as_bytes())).await?;
    let settled = board.read_document(&text(&added.body, "document_id")?).await?;
    if settled["status"] == "error" {
        bail!("{settled}");
    }
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
