//! A client that leaves takes its upstream call with it, and the ledger still has the row.

use std::time::Duration;

use anyhow::{Result, bail};
use backstay_testing::{
    TestServer,
    sim::{Outcome, RequestRecord},
};
use futures::StreamExt as _;
use reqwest::Method;
use serde_json::json;

/// The upstream notices within a quarter of a second; the rest is for a busy machine.
const NOTICED: Duration = Duration::from_secs(10);
const CANCELLED_WITHIN_MS: u64 = 250;

async fn leave_half_way(server: &TestServer, stream: bool) -> Result<()> {
    let body = json!({
        "model": "openai/sim-echo!stall-after-2",
        "stream": stream,
        "messages": [{"role": "user", "content": "one two three four five six"}],
    });
    let request = server.member().request(Method::POST, "/v1/chat/completions").json(&body);
    let client = tokio::spawn(async move {
        let response = request.send().await?;
        let mut chunks = response.bytes_stream();
        let first = chunks.next().await;
        let _never = chunks.next().await;
        drop(first);
        Ok::<(), reqwest::Error>(())
    });
    let answering = |record: &RequestRecord| record.method == "POST" && record.status == Some(200);
    server.sim.wait_for(NOTICED, |seen| seen.iter().any(answering)).await?;
    client.abort();
    Ok(())
}

#[tokio::test]
async fn leaving_a_stream_cancels_the_upstream_within_250_ms() -> Result<()> {
    let server = TestServer::start().await?;
    let before = std::time::Instant::now();
    leave_half_way(&server, true).await?;
    let left_after = before.elapsed();
    let seen = server
        .sim
        .wait_for(NOTICED, |seen| seen.iter().any(|r| r.outcome == Outcome::ClientDisconnected))
        .await?;
    let record = seen.iter().find(|record| record.method == "POST").unwrap();
    let lasted = record.finished_ms.unwrap_or(u64::MAX) - record.started_ms;
    let limit = u64::try_from(left_after.as_millis())? + CANCELLED_WITHIN_MS;
    assert!(lasted <= limit, "the upstream went on for {lasted} ms, more than {limit} ms");

    let row = newest_settled(&server).await?;
    assert_eq!(row["status"], "cancelled");
    assert_eq!(row["usage"]["estimated"], true, "{row}");
    server.stop().await
}

#[tokio::test]
async fn leaving_a_whole_answer_cancels_the_upstream_too() -> Result<()> {
    let server = TestServer::start().await?;
    leave_half_way(&server, false).await?;
    server
        .sim
        .wait_for(NOTICED, |seen| seen.iter().any(|r| r.outcome == Outcome::ClientDisconnected))
        .await?;
    let row = newest_settled(&server).await?;
    assert_eq!(row["status"], "cancelled");
    // Nothing was delivered, but the provider had the prompt.
    let charge = &row["attempts"][0]["charge"];
    assert_eq!(charge["usage"]["estimated"], true, "{row}");
    assert_eq!(charge["usage"]["completion_tokens"], 0);
    assert_eq!(charge["usage"]["prompt_tokens"], 6);
    assert_eq!(row["provider"], "openai");
    assert!(row["cost"].is_null(), "the model has no price: {row}");
    server.stop().await
}

/// The row is written after the client has gone, so it is asked for until it is there.
async fn newest_settled(server: &TestServer) -> Result<serde_json::Value> {
    for _ in 0..1_000 {
        let rows = server.member().get("/backstay/v1/generations?limit=1").await?.body;
        if rows["data"][0]["status"].as_str().is_some_and(|status| status != "pending") {
            return Ok(rows["data"][0].clone());
        }
    }
    bail!("the generation was never settled")
}
