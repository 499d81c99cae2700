//! Errors in OpenRouter's envelope: what the provider wrote, what failed before, whose limit it was.

use anyhow::Result;
use backstay_testing::{
    TestServer,
    sim::{Fault, Script},
};
use serde_json::{Value, json};

use crate::budgets::new_key;

const PATH: &str = "/api/v1/chat/completions";

fn asking(models: [&str; 2]) -> Value {
    json!({"model": models[0], "models": [models[1]], "max_tokens": 3,
        "messages": [{"role": "user", "content": "one two three"}]})
}

#[tokio::test]
async fn an_error_has_the_providers_own_words_and_what_failed_before() -> Result<()> {
    let server = TestServer::start().await?;
    let body = asking(["openai/sim-echo!500", "anthropic/sim-echo!429"]);
    let answer = server.member().post(PATH, &body).await?;
    assert_eq!(answer.status.as_u16(), 429, "{answer:?}");
    let metadata = &answer.body["error"]["metadata"];
    assert_eq!(metadata["provider_name"], "anthropic");
    let raw: Value = serde_json::from_str(metadata["raw"].as_str().unwrap_or_default())?;
    assert_eq!(raw["error"]["type"], "rate_limit_error", "the provider's whole body: {metadata}");
    let before = metadata["previous_errors"].as_array().cloned().unwrap_or_default();
    assert_eq!(before.len(), 1, "{metadata}");
    assert_eq!((&before[0]["provider"], &before[0]["code"]), (&json!("openai"), &json!(500)));
    assert!(before[0]["message"].as_str().is_some_and(|text| text.contains("openai failed")));
    let plain = server.member().post("/v1/chat/completions", &body).await?;
    let text = plain.body.to_string();
    assert!(!text.contains("previous_errors") && !text.contains("\"raw\""), "{text}");
    server.stop().await
}

#[tokio::test]
async fn an_answer_that_breaks_off_tells_what_failed_before_it_began() -> Result<()> {
    let server = TestServer::start().await?;
    let mut body = asking(["openai/sim-echo!500", "gemini/sim-echo!error-after-2"]);
    body["stream"] = json!(true);
    let stream = server.member().stream(PATH, &body).await?;
    let error = stream.events.iter().find_map(|event| event.get("error")).cloned();
    let metadata = error.unwrap_or_default()["metadata"].clone();
    assert_eq!(metadata["provider_name"], "gemini", "{stream:?}");
    assert_eq!(metadata["previous_errors"][0]["provider"], "openai", "{metadata}");
    server.stop().await
}

#[tokio::test]
async fn a_refused_key_is_never_shown() -> Result<()> {
    let server = TestServer::start().await?;
    let body = asking(["openai/sim-echo!401", "anthropic/sim-echo!401"]);
    let answer = server.member().post(PATH, &body).await?;
    assert!(!answer.body.to_string().contains("sk-upstream"), "{answer:?}");
    assert!(answer.body["error"]["metadata"].get("raw").is_none(), "{answer:?}");
    server.stop().await
}

#[tokio::test]
async fn errors_before_routing_have_the_same_shape_on_every_path() -> Result<()> {
    let server = TestServer::builder().config("[server]\nbody_bytes_max = 2000").start().await?;
    let (member, stranger) = (server.member(), server.stranger());
    let huge = "x".repeat(3_000);
    for path in
        [PATH, "/api/v1/completions", "/api/v1/responses", "/api/v1/embeddings", "/api/v1/rerank"]
    {
        for (answer, status) in [
            (stranger.post(path, &json!({})).await?, 401),
            (member.post_text(path, "{\"model\": ").await?, 400),
            (member.post_text(path, huge.clone()).await?, 413),
            (member.delete(path).await?, 405),
        ] {
            assert_eq!(answer.status.as_u16(), status, "{path}: {answer:?}");
            let error = &answer.body["error"];
            assert_eq!(error["code"], status, "{path}: {error}");
            assert!(error["message"].is_string(), "{path}: {error}");
            assert!(error["metadata"]["error_type"].is_string(), "{path}: {error}");
        }
    }
    let nowhere = member.get("/api/v1/nothing/here").await?;
    assert_eq!(nowhere.body["error"]["code"], 404, "{nowhere:?}");
    server.stop().await
}

#[tokio::test]
async fn a_limit_says_whose_it_is_and_when_it_frees() -> Result<()> {
    let server = TestServer::start().await?;
    let body = asking(["openai/sim-echo", "gemini/sim-echo"]);
    let settings = json!({"name": "slow", "rate_limits": [
        {"of": "requests", "per": "minute", "limit": 1}]});
    let (_, slow) = new_key(&server, settings).await?;
    assert_eq!(slow.post(PATH, &body).await?.status.as_u16(), 200);
    let limited = slow.post(PATH, &body).await?;
    assert_eq!(limited.status.as_u16(), 429, "{limited:?}");
    let headers = &limited.body["error"]["metadata"]["headers"];
    assert_eq!(headers["X-RateLimit-Limit"], "1", "{limited:?}");
    assert_eq!(headers["X-RateLimit-Remaining"], "0", "{limited:?}");
    assert!(headers["Retry-After"].is_string(), "{limited:?}");

    let budgets = json!([{"period": "day", "limit": "0.000003"}]);
    let (_, poor) = new_key(&server, json!({"name": "poor", "budgets": budgets})).await?;
    let unpaid = poor.post(PATH, &body).await?;
    assert_eq!(unpaid.status.as_u16(), 402, "{unpaid:?}");
    let metadata = &unpaid.body["error"]["metadata"];
    assert_eq!(metadata["limit_source"], "openrouter_key_limit", "{metadata}");
    assert_eq!(metadata["limit_usd"], json!(3e-6), "{metadata}");
    assert_eq!(metadata["resets_at"], "2026-03-02T00:00:00Z", "{metadata}");
    server.stop().await
}

#[tokio::test]
async fn a_budget_that_running_calls_hold_says_when_to_come_back() -> Result<()> {
    let server = TestServer::start().await?;
    let budgets = json!([{"period": "total", "limit": "0.00003"}]);
    let (_, client) = new_key(&server, json!({"name": "busy", "budgets": budgets})).await?;
    server.sim.script(Script::first("sim-echo", 1, Fault::StallAfter { tokens: 2 }))?;
    let mut body = asking(["openai/sim-echo", "gemini/sim-echo"]);
    body["stream"] = json!(true);
    let running = client.request(reqwest::Method::POST, PATH).json(&body).send().await?;
    assert_eq!(running.status().as_u16(), 200);
    let held = client.post(PATH, &asking(["openai/sim-echo", "gemini/sim-echo"])).await?;
    assert_eq!(held.status.as_u16(), 402, "{held:?}");
    assert!(held.headers.contains_key("retry-after"), "{held:?}");
    let metadata = &held.body["error"]["metadata"];
    assert_eq!(metadata["limit_source"], "openrouter_in_flight_budget", "{metadata}");
    drop(running);
    server.stop().await
}
