//! Stopping a run that goes on, on the server that carries it out and on another.

use std::time::Duration;

use anyhow::{Context as _, Result};
use backstay_testing::{TestClient, TestServer};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Board, POLLS_MAX, text};

/// For a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);

/// A run whose answer does not come to an end.
struct Stalled {
    thread: String,
    run: String,
    response: Response,
}

impl Stalled {
    async fn begin(board: &Board) -> Result<Self> {
        let thread = board.thread().await?;
        let body = json!({"thread_id": thread, "content": "one two three four", "stream": true,
            "llm_provider": "openai", "model_name": "sim-echo!stall-after-2"});
        let request = board.client.request(Method::POST, "/api/threads/messages").json(&body);
        let mut response = request.send().await?;
        let mut seen = String::new();
        while !seen.contains("\"content_streaming\"") {
            let chunk = timeout(DEADLINE, response.chunk()).await??;
            let chunk = chunk.with_context(|| format!("ended early: {seen}"))?;
            seen.push_str(&String::from_utf8_lossy(&chunk));
        }
        let run = events(&seen)
            .find(|event| event["type"] == "run_started")
            .map(|event| text(&event, "run_id"));
        Ok(Self { thread, run: run.context("no run_started")??, response })
    }

    async fn cancel(&self, client: &TestClient) -> Result<Value> {
        let path = format!("/api/threads/{}/runs/{}/cancel", self.thread, self.run);
        Ok(client.post_text(&path, "").await?.body)
    }

    /// The last event.
    async fn end(self) -> Result<Value> {
        let rest = timeout(DEADLINE, self.response.text()).await??;
        events(&rest).last().context("no event")
    }
}

fn events(text: &str) -> impl Iterator<Item = Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|data| serde_json::from_str(data).ok())
}

/// What is kept of the run, once it is.
async fn kept_as_cancelled(board: &Board, thread: &str) -> Result<()> {
    for _ in 0..POLLS_MAX {
        let messages = board.messages(thread).await?;
        if let Some(answer) = messages.get(1) {
            assert_eq!(answer["status"], "CANCELLED", "{answer}");
            assert!(answer["content"].as_str().is_some_and(|said| said.contains("one")));
            return Ok(());
        }
    }
    anyhow::bail!("nothing was kept")
}

#[tokio::test]
async fn a_run_that_goes_on_is_stopped_and_kept_as_far_as_it_came() -> Result<()> {
    let board = Board::start().await?;
    let stalled = Stalled::begin(&board).await?;
    assert_eq!(stalled.cancel(&board.client).await?["cancelled"], json!(true));
    let thread = stalled.thread.clone();
    assert_eq!(stalled.end().await?["type"], "run_cancelled");
    kept_as_cancelled(&board, &thread).await?;
    board.server.stop().await
}

#[tokio::test]
async fn a_run_is_stopped_by_whichever_server_is_told() -> Result<()> {
    let board = Board::of(TestServer::builder().shared().start().await?, json!({"name": "Helper"}));
    let board = board.await?;
    let other = board.server.another().await?;
    let stalled = Stalled::begin(&board).await?;
    assert_eq!(stalled.cancel(&other.member()).await?["cancelled"], json!(true));
    assert_eq!(stalled.cancel(&other.member()).await?["cancelled"], json!(false));
    let thread = stalled.thread.clone();
    assert_eq!(stalled.end().await?["type"], "run_cancelled");
    kept_as_cancelled(&board, &thread).await?;
    let path = format!("/api/threads/{thread}/runs/run_none/cancel");
    for _ in 0..2 {
        let unknown = other.member().post_text(&path, "").await?;
        assert_eq!(unknown.status.as_u16(), 404, "{unknown:?}");
    }
    other.stop().await?;
    board.server.stop().await
}
