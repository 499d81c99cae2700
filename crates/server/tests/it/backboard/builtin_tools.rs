//! Tools that this server carries out: a model searches, and its client hears of no tool.

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::{Board, POLLS_MAX, text};

const NOTES: &str =
    "# Harbour\n\nThe ferry to Tallinn leaves from quay nine at six in the morning.\n";
const BOUNDARY: &str = "----5a1c";

fn form(fields: &[(&str, &str)], files: &[(&str, &str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        body.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    for (field, filename, content) in files {
        body.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"; \
             filename=\"{filename}\"\r\nContent-Type: text/markdown\r\n\r\n{content}\r\n"
        ));
    }
    body + &format!("--{BOUNDARY}--\r\n")
}

impl Board {
    async fn add_file(&self, path: &str, body: String) -> Result<(u16, Value)> {
        let request = self.client.request(http::Method::POST, path).body(body);
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let response = request.header("content-type", kind).send().await?;
        Ok((response.status().as_u16(), response.json().await?))
    }

    /// The document once it was read, or could not be.
    async fn read_document(&self, id: &str) -> Result<Value> {
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
    let (_, added) = board.add_file(&path, form(&[], &[("file", "notes.md", NOTES)])).await?;
    let settled = board.read_document(&text(&added, "document_id")?).await?;
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
