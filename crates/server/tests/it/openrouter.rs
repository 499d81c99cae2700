//! OpenRouter's dialect at `/api/v1`, over providers of every wire format.

use anyhow::Result;
use backstay_testing::{Answer, Stream, TestServer};
use serde_json::{Value, json};

const PATH: &str = "/api/v1/chat/completions";
const PROVIDERS: [&str; 3] = ["openai", "anthropic", "gemini"];

fn asking(model: &str, text: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": text}]})
}

fn streaming(model: &str, text: &str) -> Value {
    let mut body = asking(model, text);
    body["stream"] = json!(true);
    body
}

/// No member is null but those that may be; the SDKs refuse it.
#[track_caller]
fn assert_no_nulls(value: &Value, at: &str) {
    const MAY_BE: [&str; 4] =
        ["finish_reason", "content", "system_fingerprint", "upstream_inference_cost"];
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                assert!(!value.is_null() || MAY_BE.contains(&name.as_str()), "{at}.{name} is null");
                assert_no_nulls(value, &format!("{at}.{name}"));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| assert_no_nulls(item, at)),
        _ => {}
    }
}

#[track_caller]
fn assert_usage(usage: &Value) {
    let count = |name: &str| usage[name].as_u64().unwrap_or_default();
    assert!(count("prompt_tokens") > 0 && count("completion_tokens") > 0, "{usage}");
    assert_eq!(count("total_tokens"), count("prompt_tokens") + count("completion_tokens"));
    let dollars = (count("prompt_tokens") + 2 * count("completion_tokens")) as f64 / 1e6;
    let cost = usage["cost"].as_f64().unwrap_or_default();
    assert!((cost - dollars).abs() < 1e-12, "{usage}");
    assert_eq!(usage["is_byok"], false);
    assert!(usage["prompt_tokens_details"]["cached_tokens"].is_u64(), "{usage}");
    assert!(usage["completion_tokens_details"]["reasoning_tokens"].is_u64(), "{usage}");
    let details = &usage["cost_details"];
    let parts = ["upstream_inference_prompt_cost", "upstream_inference_completions_cost"];
    let sum: f64 = parts.iter().filter_map(|name| details[*name].as_f64()).sum();
    assert!((sum - cost).abs() < 1e-12, "{usage}");
}

#[tokio::test]
async fn a_whole_answer_has_every_key_that_the_sdks_need_and_its_cost() -> Result<()> {
    let server = TestServer::start().await?;
    for provider in PROVIDERS {
        let model = format!("{provider}/sim-echo");
        let answer = server.member().post(PATH, &asking(&model, "one two three")).await?;
        assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
        let body = &answer.body;
        assert_no_nulls(body, provider);
        assert_eq!(body["model"], json!(model));
        assert_eq!(body["provider"], json!(provider));
        assert_eq!(answer.text(), "one two three");
        assert_eq!(body["choices"][0]["finish_reason"], "stop");
        assert!(body["system_fingerprint"].is_null() || body["system_fingerprint"].is_string());
        assert_usage(&body["usage"]);
        let id = answer.headers["x-generation-id"].to_str()?;
        assert_eq!(body["id"], id);
        let row = server.member().get(&format!("/backstay/v1/generations/{id}")).await?;
        assert_eq!(row.body["status"], "completed");
    }
    server.stop().await
}

#[tokio::test]
async fn a_stream_ends_with_its_usage_beside_a_silent_choice() -> Result<()> {
    let server = TestServer::start().await?;
    for provider in PROVIDERS {
        let model = format!("{provider}/sim-echo");
        let stream = server.member().stream(PATH, &streaming(&model, "one two three")).await?;
        assert_eq!(stream.text(), "one two three");
        let Some(([.., last], end)) = stream.events.split_last().map(|(end, all)| (all, end))
        else {
            anyhow::bail!("too short: {stream:?}")
        };
        assert_eq!(end, "[DONE]");
        assert_eq!(last["choices"].as_array().map(Vec::len), Some(1), "{last}");
        assert_usage(&last["usage"]);
        let with_usage = stream.events.iter().filter(|event| event.get("usage").is_some());
        assert_eq!(with_usage.count(), 1, "{stream:?}");
        for event in &stream.events[..stream.events.len() - 1] {
            assert_no_nulls(event, provider);
            assert!(event.get("system_fingerprint").is_none_or(Value::is_string));
            assert!(event["choices"][0].get("finish_reason").is_some(), "{event}");
            assert_eq!(event["id"], stream.headers["x-generation-id"].to_str()?);
        }
    }
    server.stop().await
}

#[tokio::test]
async fn an_unknown_cost_is_left_out() -> Result<()> {
    let server = TestServer::start().await?;
    let answer = server.member().post(PATH, &asking("openai/sim-quote", "hello")).await?;
    let usage = answer.body["usage"].as_object().cloned().unwrap_or_default();
    assert!(usage.contains_key("prompt_tokens"), "{answer:?}");
    assert!(!usage.contains_key("cost") && !usage.contains_key("cost_details"), "{usage:?}");
    server.stop().await
}

#[track_caller]
fn assert_error(answer: &Answer, status: u16, kind: &str, hint: &str) {
    assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    let error = &answer.body["error"];
    assert_eq!(error["code"], status, "{error}");
    assert_eq!(error["metadata"]["error_type"], kind, "{error}");
    assert!(error["message"].as_str().is_some_and(|text| text.contains(hint)), "{error}");
}

#[tokio::test]
async fn errors_have_openrouters_envelope_and_permanent_ones_are_never_5xx() -> Result<()> {
    let server = TestServer::start().await?;
    let member = server.member();
    let stranger = server.stranger();
    assert_error(&stranger.post(PATH, &json!({})).await?, 401, "authentication", "key");
    assert_error(
        &stranger.post("/api/v1/embeddings", &json!({})).await?,
        401,
        "authentication",
        "",
    );
    let unknown = member.post(PATH, &asking("sim-ech", "x")).await?;
    assert_error(&unknown, 404, "not_found", "sim-echo");
    assert_error(
        &member.post(PATH, &json!({"model": "m"})).await?,
        400,
        "invalid_request",
        "messages",
    );
    for (fault, status, kind) in [
        ("429-retry-after-7", 429, "rate_limit_exceeded"),
        ("401", 404, "provider_unavailable"),
        ("500", 502, "provider_unavailable"),
        ("529", 503, "provider_overloaded"),
    ] {
        let model = format!("anthropic/sim-echo!{fault}");
        let answer = member.post(PATH, &asking(&model, "x")).await?;
        assert_error(&answer, status, kind, "anthropic");
        assert_eq!(answer.body["error"]["metadata"]["provider_name"], "anthropic");
        let waits = answer.headers.get("retry-after").and_then(|value| value.to_str().ok());
        assert_eq!(waits, (status == 429).then_some("7"), "{answer:?}");
    }
    let nowhere = member.get("/api/v1/nothing").await?;
    assert_error(&nowhere, 404, "not_found", "/api/v1/nothing");
    server.stop().await
}

#[tokio::test]
async fn a_client_that_asks_is_told_how_its_endpoint_was_chosen() -> Result<()> {
    let server = TestServer::start().await?;
    let asking_client = server.member().with_header("x-openrouter-metadata", "enabled");
    let body = streaming("openai/sim-echo", "one two");
    let told = asking_client.stream(PATH, &body).await?;
    let last = &told.events[told.events.len() - 2];
    let metadata = &last["openrouter_metadata"];
    assert_eq!(metadata["requested"], "openai/sim-echo", "{last}");
    assert_eq!(metadata["endpoints"]["available"][0]["selected"], true, "{metadata}");
    assert_eq!(metadata["attempts"][0]["status"], 200, "{metadata}");
    assert!(last.get("backstay").is_none());
    let whole = asking_client.post(PATH, &asking("openai/sim-echo", "one two")).await?;
    assert_eq!(whole.body["openrouter_metadata"]["attempt"], 1, "{whole:?}");
    let silent = server.member().post(PATH, &asking("openai/sim-echo", "one two")).await?;
    assert!(silent.body.get("openrouter_metadata").is_none());
    server.stop().await
}

fn last_chunk(stream: &Stream) -> Value {
    stream.events.last().cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_failure_after_the_first_token_ends_the_stream_with_an_error_and_no_terminator()
-> Result<()> {
    let server = TestServer::start().await?;
    for provider in PROVIDERS {
        let model = format!("{provider}/sim-echo!reset-after-2");
        let stream = server.member().stream(PATH, &streaming(&model, "one two three")).await?;
        assert_eq!(stream.status.as_u16(), 200);
        assert_eq!(stream.text().trim_end(), "one two");
        let last = last_chunk(&stream);
        assert_eq!(last["choices"][0]["finish_reason"], "error", "{last}");
        assert_eq!(last["error"]["code"], 502, "{last}");
        assert_eq!(last["error"]["metadata"]["error_type"], "provider_unavailable");
        assert!(last["error"]["message"].as_str().is_some_and(|text| text.contains(provider)));
    }
    server.stop().await
}

#[tokio::test]
async fn a_slow_answer_is_announced_by_comments_and_its_failure_comes_in_the_stream() -> Result<()>
{
    let server = TestServer::start().await?;
    let member = server.member();
    let text = |model: &'static str| {
        let request =
            member.request(reqwest::Method::POST, PATH).json(&streaming(model, "one two"));
        async move { anyhow::Ok(request.send().await?.text().await?) }
    };
    let (slow, failing) = tokio::join!(
        text("openai/sim-echo!first-byte-2500"),
        text("openai/sim-echo!first-byte-2500!error-after-0")
    );
    let (slow, failing) = (slow?, failing?);
    assert!(slow.starts_with(": OPENROUTER PROCESSING\n\n"), "{slow}");
    assert!(slow.contains("two") && slow.ends_with("data: [DONE]\n\n"), "{slow}");
    assert!(failing.starts_with(": OPENROUTER PROCESSING\n\n"), "{failing}");
    assert!(failing.contains("\"finish_reason\":\"error\""), "{failing}");
    server.stop().await
}

#[tokio::test]
async fn thinking_is_told_with_its_proof_goes_back_and_can_be_hidden() -> Result<()> {
    let server = TestServer::start().await?;
    let mut body = asking("anthropic/sim-think", "one two");
    body["reasoning"] = json!({"effort": "low"});
    let answer = server.member().post(PATH, &body).await?;
    let message = answer.body["choices"][0]["message"].clone();
    let details = message["reasoning_details"].as_array().cloned().unwrap_or_default();
    assert_eq!(details[0]["format"], "anthropic-claude-v1", "{message}");
    assert!(details.iter().any(|detail| detail["signature"].is_string()), "{message}");
    body["stream"] = json!(true);
    let stream = server.member().stream(PATH, &body).await?;
    let deltas = stream.events.iter().map(|event| &event["choices"][0]["delta"]);
    let said: String = deltas.filter_map(|delta| delta["reasoning"].as_str()).collect();
    assert_eq!(said, message["reasoning"].as_str().unwrap_or_default());
    body["stream"] = json!(false);
    body["messages"] = json!([body["messages"][0], message, {"role": "user", "content": "three"}]);
    let answer = server.member().post(PATH, &body).await?;
    assert_eq!(answer.text(), "three", "{answer:?}");
    let sent = server.sim.requests().pop().map(|request| request.body).unwrap_or_default();
    assert_eq!(sent["messages"][1]["content"][0]["type"], "thinking", "{sent}");
    body["reasoning"]["exclude"] = json!(true);
    let answer = server.member().post(PATH, &body).await?;
    assert!(answer.body["choices"][0]["message"].get("reasoning").is_none(), "{answer:?}");
    server.stop().await
}

#[tokio::test]
async fn a_client_that_speaks_anthropic_is_answered_below_the_same_address() -> Result<()> {
    let server = TestServer::start().await?;
    let body = json!({"model": "openai/sim-echo", "max_tokens": 20,
        "messages": [{"role": "user", "content": "one two"}]});
    let answer = server.member().post("/api/v1/messages", &body).await?;
    assert_eq!(answer.text(), "one two");
    assert!(answer.headers.contains_key("x-generation-id"));
    let answer = server.stranger().post("/api/v1/messages", &body).await?;
    assert_eq!(answer.body["error"]["type"], "authentication_error");
    server.stop().await
}

#[tokio::test]
async fn messages_say_what_they_cost() -> Result<()> {
    let server = TestServer::start().await?;
    for provider in PROVIDERS {
        let mut body = asking(&format!("{provider}/sim-echo"), "one two three");
        body["max_tokens"] = json!(9);
        let answer = server.member().post("/api/v1/messages", &body).await?;
        let usage = &answer.body["usage"];
        let count = |name: &str| usage[name].as_u64().unwrap_or_default();
        let dollars = |tokens: u64| tokens as f64 / 1e6;
        let expected = dollars(count("input_tokens") + 2 * count("output_tokens"));
        let cost = usage["cost"].as_f64().unwrap_or_default();
        assert!(expected > 0.0 && (cost - expected).abs() < 1e-12, "{answer:?}");
        assert!(answer.headers.contains_key("x-generation-id"));
        body["stream"] = json!(true);
        let stream = server.member().stream("/api/v1/messages", &body).await?;
        let ends: Vec<&Value> =
            stream.events.iter().filter(|event| event["type"] == "message_delta").collect();
        assert_eq!(ends.len(), 1, "{stream:?}");
        assert_eq!(ends[0]["usage"]["cost"].as_f64(), Some(cost), "{stream:?}");
        assert!(ends[0]["usage"]["output_tokens"].is_u64() && ends[0]["delta"].is_object());
        assert_eq!(stream.events.last().unwrap()["type"], "message_stop", "{stream:?}");
        body["stream"] = json!(false);
        let elsewhere = server.member().post("/v1/messages", &body).await?;
        assert!(elsewhere.body["usage"].get("cost").is_none(), "{elsewhere:?}");
    }
    server.stop().await
}

#[tokio::test]
async fn embeddings_and_rankings_say_what_they_cost_and_which_generation_they_are() -> Result<()> {
    let server = TestServer::builder()
        .config(
            r#"
            [[providers]]
            id = "paid"
            format = "cohere"
            base_url = "{sim}"
            api_key = "k"
            [[providers.models]]
            id = "sim-embed"
            price = { prompt = "0.000001", completion = "0" }
            [[providers.models]]
            id = "ranker"
            price = { prompt = "0", completion = "0", web_search = "0.002" }
            "#,
        )
        .start()
        .await?;
    let embedding = json!({"model": "paid/sim-embed", "input": ["one two", "three"]});
    let ranking = json!({"model": "paid/ranker", "query": "b", "documents": ["a", "b"]});
    for (interface, body, cost) in [("embeddings", embedding, 3e-6), ("rerank", ranking, 0.002)] {
        let answer = server.member().post(&format!("/api/v1/{interface}"), &body).await?;
        let id = answer.headers["x-generation-id"].to_str()?;
        assert_eq!(answer.body["id"], id, "{answer:?}");
        assert_eq!(answer.body["usage"]["cost"], json!(cost), "{answer:?}");
        let shown = server.member().get(&format!("/api/v1/generation?id={id}")).await?.body;
        assert_eq!(shown["data"]["total_cost"], json!(cost), "{shown}");
        let elsewhere = server.member().post(&format!("/v1/{interface}"), &body).await?;
        assert!(elsewhere.headers.contains_key("x-generation-id"), "{elsewhere:?}");
        assert!(elsewhere.body["usage"].get("cost").is_none(), "{elsewhere:?}");
    }
    server.stop().await
}

#[tokio::test]
async fn marks_of_where_to_cache_reach_anthropic() -> Result<()> {
    let server = TestServer::start().await?;
    let mut body = asking("anthropic/sim-echo", "and now?");
    let marked = json!([{"type": "text", "text": "a long and constant instruction",
        "cache_control": {"type": "ephemeral"}}]);
    body["messages"] = json!([{"role": "system", "content": marked}, body["messages"][0]]);
    let answer = server.member().post(PATH, &body).await?;
    let details = &answer.body["usage"]["prompt_tokens_details"];
    assert_eq!(details["cache_write_tokens"], 5, "all up to the mark: {answer:?}");
    server.stop().await
}
