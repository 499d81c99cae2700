//! Each time-out is its own, and its error names it.

use anyhow::Result;
use backstay_testing::TestServer;
use serde_json::{Value, json};

async fn ask(server: &TestServer, model: &str, stream: bool) -> Result<Value> {
    let body = json!({"model": model, "stream": stream,
        "messages": [{"role": "user", "content": "one two three four"}]});
    if !stream {
        return Ok(server.member().post("/v1/chat/completions", &body).await?.body);
    }
    let answer = server.member().stream("/v1/chat/completions", &body).await?;
    let request = server.member().request(reqwest::Method::POST, "/v1/chat/completions");
    match answer.events.last() {
        Some(last) => Ok(last.clone()),
        None => Ok(request.json(&body).send().await?.json().await?),
    }
}

#[tokio::test]
async fn silence_before_the_first_token_and_silence_after_it_are_told_apart() -> Result<()> {
    let config = "[timeouts]\nfirst_token = 1500\nidle = 1500\ntotal = 60000";
    let server = TestServer::builder().config(config).start().await?;
    let error = ask(&server, "openai/sim-echo!slow-headers-60000", true).await?;
    assert_eq!(error["error"]["code"], "timeout_first_token", "{error}");
    let error = ask(&server, "openai/sim-echo!first-byte-60000", true).await?;
    assert_eq!(error["error"]["code"], "timeout_first_token", "{error}");
    let error = ask(&server, "anthropic/sim-echo!stall-after-2", true).await?;
    assert_eq!(error["error"]["code"], "timeout_idle", "{error}");
    server.stop().await
}

#[tokio::test]
async fn the_whole_call_has_a_limit_of_its_own() -> Result<()> {
    let server = TestServer::builder().config("[timeouts]\ntotal = 2000").start().await?;
    let error = ask(&server, "openai/sim-echo!slow-headers-60000", false).await?;
    assert_eq!(error["error"]["code"], "timeout_total", "{error}");
    let error = ask(&server, "openai/sim-echo!per-token-800", true).await?;
    assert_eq!(error["error"]["code"], "timeout_total", "{error}");
    server.stop().await
}
