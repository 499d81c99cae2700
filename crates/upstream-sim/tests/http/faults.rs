//! Every fault over real HTTP, and what is recorded of it.

use std::time::{Duration, Instant};

use crate::support::{Lab, PATIENCE, events, json, parse_events, values};
use bytes::Bytes;
use futures::StreamExt;
use serde_json::{Value, json};
use upstream_sim::{Fault, Options, Outcome, Script, Sim};

fn ask(model: &str, stream: bool) -> Value {
    json!({
        "model": model, "stream": stream, "max_tokens": 100,
        "messages": [{"role": "user", "content": "one two three four five"}]
    })
}

fn gemini_ask() -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": "one two three four five"}]}]})
}

/// What arrived of a stream, and whether it broke.
async fn read_until_it_breaks(response: reqwest::Response) -> (String, bool) {
    let mut text = String::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        match chunk {
            Ok(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
            Err(_) => return (text, true),
        }
    }
    (text, false)
}

#[tokio::test]
async fn refusals_have_the_shape_of_each_provider() {
    let lab = Lab::start().await;
    let cases = [
        ("401", 401, "authentication_error", "UNAUTHENTICATED"),
        ("404", 404, "not_found_error", "NOT_FOUND"),
        ("429-retry-after-7", 429, "rate_limit_error", "RESOURCE_EXHAUSTED"),
        ("500", 500, "api_error", "INTERNAL"),
        ("529", 529, "overloaded_error", "UNAVAILABLE"),
    ];
    for (fault, status, anthropic_type, gemini_status) in cases {
        let model = format!("sim-echo!{fault}");
        let response = lab.openai(ask(&model, false)).await;
        if status == 429 {
            assert_eq!(response.headers()["retry-after"], "7");
        }
        assert!(json(response, status).await["error"]["message"].is_string());
        let error = json(lab.anthropic(ask(&model, false)).await, status).await;
        assert_eq!(error["error"]["type"], anthropic_type);
        let error = lab.gemini(&format!("{model}:generateContent"), gemini_ask()).await;
        assert_eq!(json(error, status).await["error"]["status"], gemini_status);
    }
}

#[tokio::test]
async fn a_refused_connection_gives_no_response_at_all() {
    let lab = Lab::start().await;
    let body = ask("sim-echo!refuse", false);
    assert!(lab.post("/v1/chat/completions", &body).send().await.is_err());
    assert_eq!(lab.sim.requests()[0].outcome, Outcome::CutByScript);
}

#[tokio::test]
async fn the_first_n_requests_fail_and_then_it_works() {
    let lab = Lab::start().await;
    for status in [500, 500, 200] {
        let response = lab.openai(ask("sim-echo!500!first-2", false)).await;
        assert_eq!(response.status().as_u16(), status);
    }
    let script = json!({"model": "any-name", "first": 1, "fault": {"kind": "rate_limit"}});
    let set = lab.post("/sim/script", &script).send().await.unwrap();
    assert_eq!(set.status().as_u16(), 204);
    for status in [429, 200] {
        assert_eq!(lab.openai(ask("any-name", false)).await.status().as_u16(), status);
    }
    lab.sim.script(Script::always("*", Fault::Unavailable)).unwrap();
    assert_eq!(lab.openai(ask("sim-echo", false)).await.status().as_u16(), 503);
    lab.sim.reset();
    assert_eq!(lab.openai(ask("sim-echo", false)).await.status().as_u16(), 200);
    assert_eq!(lab.sim.requests().len(), 1);
}

#[tokio::test]
async fn a_reset_breaks_the_stream_after_its_tokens_in_every_format() {
    let lab = Lab::start().await;
    let model = "sim-echo!reset-after-2";
    let path = format!("{model}:streamGenerateContent?alt=sse");
    let responses = [
        lab.openai(ask(model, true)).await,
        lab.anthropic(ask(model, true)).await,
        lab.gemini(&path, gemini_ask()).await,
    ];
    for response in responses {
        let (text, broke) = read_until_it_breaks(response).await;
        assert!(broke, "{text}");
        assert!(text.contains("two ") && !text.contains("three"), "{text}");
    }
    assert!(lab.sim.requests().iter().all(|r| r.outcome == Outcome::CutByScript));
}

#[tokio::test]
async fn a_truncated_stream_ends_cleanly_inside_an_event() {
    let lab = Lab::start().await;
    let response = lab.openai(ask("sim-echo!truncate-after-1", true)).await;
    let (text, broke) = read_until_it_breaks(response).await;
    assert!(!broke && !text.ends_with("\n\n") && !text.contains("[DONE]"), "{text}");
    let plain = lab.openai(ask("sim-echo!truncate-after-0", false)).await;
    assert!(serde_json::from_str::<Value>(&plain.text().await.unwrap()).is_err());
}

#[tokio::test]
async fn an_error_comes_inside_a_stream_that_began_well() {
    let lab = Lab::start().await;
    let model = "sim-echo!error-after-1";
    let openai = values(&events(lab.openai(ask(model, true)).await).await);
    assert_eq!(openai.last().unwrap()["error"]["type"], "server_error");
    let anthropic = events(lab.anthropic(ask(model, true)).await).await;
    let (name, data) = anthropic.last().unwrap();
    assert!(name == "error" && data.contains("overloaded_error"), "{data}");
    let path = format!("{model}:streamGenerateContent?alt=sse");
    let gemini = values(&events(lab.gemini(&path, gemini_ask()).await).await);
    assert_eq!(gemini.last().unwrap()["error"]["status"], "UNAVAILABLE");
}

#[tokio::test]
async fn the_end_the_usage_and_the_choices_can_be_missing() {
    let lab = Lab::start().await;
    let no_done = events(lab.openai(ask("sim-echo!no-done", true)).await).await;
    assert!(no_done.iter().all(|(_, data)| data != "[DONE]"));
    let no_done = events(lab.anthropic(ask("sim-echo!no-done", true)).await).await;
    assert_eq!(no_done.last().unwrap().0, "message_delta");
    let empty = values(&events(lab.openai(ask("sim-echo!empty-chunk", true)).await).await);
    assert_eq!(empty[0]["choices"], json!([]));
    let plain = json(lab.openai(ask("sim-echo!no-usage", false)).await, 200).await;
    assert!(plain.get("usage").is_none());
    let stream = events(lab.anthropic(ask("sim-echo!no-usage", true)).await).await;
    assert!(stream.iter().all(|(_, data)| !data.contains("\"usage\":")));
}

#[tokio::test]
async fn slow_headers_and_token_latency_take_their_time() {
    let lab = Lab::start().await;
    let start = Instant::now();
    lab.openai(ask("sim-echo!slow-headers-60", true)).await;
    assert!(start.elapsed() >= Duration::from_millis(60));
    let start = Instant::now();
    let response = lab.openai(ask("sim-echo!first-byte-40!per-token-10", true)).await;
    events(response).await;
    assert!(start.elapsed() >= Duration::from_millis(40 + 5 * 10));
}

#[tokio::test]
async fn a_client_that_leaves_a_stalled_stream_is_recorded() {
    let lab = Lab::start().await;
    let mut chunks = lab.openai(ask("sim-echo!stall-after-3", true)).await.bytes_stream();
    let mut text = String::new();
    while !text.contains("three") {
        text.push_str(&String::from_utf8_lossy(&chunks.next().await.unwrap().unwrap()));
    }
    assert_eq!(parse_events(&text).len(), 4);
    assert_eq!(lab.sim.requests()[0].outcome, Outcome::InProgress);
    drop(chunks);
    let ended = |requests: &[upstream_sim::RequestRecord]| requests[0].finished_ms.is_some();
    let requests = lab.sim.wait_for(PATIENCE, ended).await.unwrap();
    assert_eq!(requests[0].outcome, Outcome::ClientDisconnected);
    assert!(requests[0].finished_ms >= Some(requests[0].started_ms));
}

#[tokio::test]
async fn a_client_that_leaves_before_the_headers_is_recorded() {
    let lab = Lab::start().await;
    let body = ask("sim-echo!slow-headers-60000", false);
    let request = tokio::spawn(lab.post("/v1/chat/completions", &body).send());
    lab.sim.wait_for(PATIENCE, |requests| !requests.is_empty()).await.unwrap();
    request.abort();
    let ended = |requests: &[upstream_sim::RequestRecord]| requests[0].finished_ms.is_some();
    let requests = lab.sim.wait_for(PATIENCE, ended).await.unwrap();
    assert_eq!(requests[0].outcome, Outcome::ClientDisconnected);
    assert_eq!(requests[0].status, None);
}

#[tokio::test]
async fn a_completed_request_is_recorded_without_its_secrets() {
    let lab = Lab::start().await;
    lab.anthropic(ask("sim-echo", false)).await.text().await.unwrap();
    let url = format!("{}/sim/requests", lab.sim.base_url());
    let requests = json(lab.client.get(url).send().await.unwrap(), 200).await;
    let request = &requests[0];
    assert_eq!(request["path"], "/v1/messages");
    assert_eq!(request["outcome"], "completed");
    assert_eq!(request["status"], 200);
    assert_eq!(request["body"]["model"], "sim-echo");
    assert_eq!(request["headers"]["x-api-key"], "\u{2026}5678");
    assert!(!requests.to_string().contains("secret"), "{requests}");
}

#[tokio::test]
async fn raw_chunks_arrive_byte_for_byte() {
    let lab = Lab::start().await;
    let response = lab.openai(ask("sim-raw", true)).await;
    let error = json(response, 400).await;
    assert!(error["error"]["message"].as_str().unwrap().contains("POST /sim/script"));
    let chunks = ["data: {\"a\":\"\u{fc}", "\"}\n", "\ndata: [DONE]\n\n"];
    let script = json!({"model": "sim-raw", "always": true, "raw": [
        chunks[0], {"base64": "In0K"}, chunks[2]]});
    lab.post("/sim/script", &script).send().await.unwrap();
    let body = lab.openai(ask("sim-raw", true)).await.text().await.unwrap();
    assert_eq!(body, chunks.concat());
    lab.sim.reset();
    lab.sim.script(Script::raw("sim-raw", vec![Bytes::from_static(b"\xff")])).unwrap();
    let body = lab.openai(ask("sim-raw", true)).await.bytes().await.unwrap();
    assert_eq!(body.as_ref(), b"\xff");
}

#[tokio::test]
async fn a_wrong_script_says_what_is_wrong() {
    let lab = Lab::start().await;
    let script = json!({"model": "x", "always": true, "fault": {"kind": "explode"}});
    let error = json(lab.post("/sim/script", &script).send().await.unwrap(), 400).await;
    assert!(error["error"]["message"].as_str().unwrap().contains("explode"));
    let error = json(lab.openai(ask("sim-echo!explode", false)).await, 400).await;
    assert!(error["error"]["message"].as_str().unwrap().contains("`explode` is no fault"));
}

#[tokio::test]
async fn shutdown_cuts_open_streams_and_frees_the_port() {
    let lab = Lab::start().await;
    let response = lab.openai(ask("sim-echo!stall-after-1", true)).await;
    let address = lab.sim.address();
    lab.sim.shutdown().await;
    let (_, broke) = read_until_it_breaks(response).await;
    assert!(broke);
    Sim::start(Options { listen: address, ..Options::default() }).await.unwrap();
}
