//! The same request is answered from the cache where its client wants that, and nobody else's is.

use anyhow::Result;
use backstay_core::{CallContext, RequestId, WorkspaceId};
use backstay_engine::KeyRequest;
use backstay_testing::{TestClient, TestServer, UPSTREAMS};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::budgets::new_key;

const PATHS: [&str; 3] = ["/v1/chat/completions", "/v1/messages", "/api/v1/chat/completions"];
pub(crate) const CHAT: &str = PATHS[0];
pub(crate) const WORDS: &str = "one two three";

pub(crate) fn body(members: Value) -> Value {
    let mut body = json!({"model": "openai/sim-echo", "max_tokens": 9,
        "messages": [{"role": "user", "content": WORDS}]});
    if let (Value::Object(body), Value::Object(members)) = (&mut body, members) {
        body.extend(members);
    }
    body
}

pub(crate) fn caching(client: TestClient) -> TestClient {
    client.with_header("x-openrouter-cache", "true")
}

pub(crate) fn called(server: &TestServer) -> usize {
    server.sim.requests().iter().filter(|record| record.method == "POST").count()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-")
}

pub(crate) fn status(headers: &HeaderMap) -> &str {
    header(headers, "x-openrouter-cache-status")
}

/// The text of an answer in the shape of any path, and how the cache took part.
async fn ask(client: &TestClient, path: &str, body: &Value) -> Result<(String, HeaderMap)> {
    if body["stream"] == true {
        let stream = client.stream(path, body).await?;
        assert_eq!(stream.status.as_u16(), 200, "{stream:?}");
        return Ok((stream.text(), stream.headers));
    }
    let answer = client.post(path, body).await?;
    assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
    Ok((answer.text(), answer.headers))
}

async fn status_of(client: &TestClient, body: &Value) -> Result<String> {
    Ok(status(&ask(client, CHAT, body).await?.1).to_owned())
}

#[tokio::test]
async fn a_stream_and_a_whole_answer_come_from_one_answer_in_every_dialect() -> Result<()> {
    let server = TestServer::start().await?;
    let client = caching(server.member());
    for path in PATHS {
        for upstream in UPSTREAMS {
            for stream in [false, true] {
                let text = format!("{WORDS} {path} {stream}");
                let asked = |stream: bool| {
                    body(json!({"model": format!("{upstream}/sim-echo"), "stream": stream,
                        "messages": [{"role": "user", "content": text}]}))
                };
                let before = called(&server);
                let (said, headers) = ask(&client, path, &asked(stream)).await?;
                assert_eq!((said.as_str(), status(&headers)), (text.as_str(), "MISS"));
                assert_eq!(header(&headers, "x-openrouter-cache-ttl"), "300");
                for again in [false, true] {
                    let (said, headers) = ask(&client, path, &asked(again)).await?;
                    let got = (said.as_str(), status(&headers));
                    assert_eq!(got, (text.as_str(), "HIT"), "{path} {upstream} {stream} {again}");
                }
                assert_eq!(called(&server), before + 1, "{path} {upstream} {stream}");
            }
        }
    }
    server.stop().await
}

#[tokio::test]
async fn a_hit_is_what_the_provider_wrote_but_for_the_tokens() -> Result<()> {
    let server = TestServer::start().await?;
    let client = caching(server.member());
    for (model, path, counts) in [
        ("openai/sim-echo", CHAT, ["prompt_tokens", "completion_tokens"]),
        ("anthropic/sim-echo", "/v1/messages", ["input_tokens", "output_tokens"]),
    ] {
        let asked = body(json!({"model": model}));
        let mut first = client.post(path, &asked).await?.body;
        let second = client.post(path, &asked).await?.body;
        for name in counts {
            assert!(first["usage"][name].as_u64() > Some(0), "{first}");
            assert_eq!(second["usage"][name], 0, "{second}");
        }
        first["usage"] = second["usage"].clone();
        assert_eq!(second, first);

        let streamed = body(json!({"model": model, "stream": true,
            "messages": [{"role": "user", "content": "streamed"}]}));
        let first = client.stream(path, &streamed).await?.events;
        let second = client.stream(path, &streamed).await?.events;
        let unlike: Vec<_> = first.iter().zip(&second).filter(|(a, b)| a != b).collect();
        assert_eq!(first.len(), second.len());
        let has_usage = |event: &Value| event.to_string().contains("\"usage\"");
        assert!(unlike.iter().all(|(a, b)| has_usage(a) && has_usage(b)), "{unlike:?}");
    }
    server.stop().await
}

/// The name and arguments of a streamed call.
fn streamed_call(events: &[Value]) -> (String, String) {
    let functions = || {
        events.iter().filter_map(|event| event.pointer("/choices/0/delta/tool_calls/0/function"))
    };
    let text = |name| functions().filter_map(|function| function[name].as_str()).collect();
    (text("name"), text("arguments"))
}

#[tokio::test]
async fn calls_and_thoughts_are_given_again_with_their_proofs() -> Result<()> {
    let server = TestServer::start().await?;
    let client = caching(server.member());
    let tools = json!([{"type": "function", "function": {"name": "weather", "parameters":
        {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]);
    for upstream in UPSTREAMS {
        let asked = body(json!({"model": format!("{upstream}/sim-echo"), "tools": tools,
            "max_tokens": 90,
            "messages": [{"role": "user", "content": "Use the weather tool for Lisbon"}]}));
        let first = client.post(CHAT, &asked).await?.body["choices"].clone();
        let second = client.post(CHAT, &asked).await?;
        assert_eq!((status(&second.headers), &second.body["choices"]), ("HIT", &first));
        let mut streamed = asked.clone();
        streamed["stream"] = json!(true);
        let streamed = client.stream(CHAT, &streamed).await?;
        let function = &first[0]["message"]["tool_calls"][0]["function"];
        let call = (function["name"].as_str().unwrap(), function["arguments"].as_str().unwrap());
        assert_eq!(status(&streamed.headers), "HIT");
        let (name, arguments) = streamed_call(&streamed.events);
        assert_eq!((name.as_str(), arguments.as_str()), call, "{upstream}");
    }
    for model in ["anthropic/sim-think", "bedrock/sim-think"] {
        let asked = json!({"model": model, "max_tokens": 2_000,
            "thinking": {"type": "enabled", "budget_tokens": 1_024},
            "messages": [{"role": "user", "content": WORDS}]});
        let first = client.post("/v1/messages", &asked).await?.body["content"].clone();
        assert_eq!(first[0]["type"], "thinking", "{first}");
        let second = client.post("/v1/messages", &asked).await?;
        assert_eq!((status(&second.headers), &second.body["content"]), ("HIT", &first));
    }
    server.stop().await
}

#[tokio::test]
async fn a_hit_costs_nothing_and_says_what_it_saved() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    let asked = body(json!({"backstay": {"cache": true}}));
    let first = client.post(CHAT, &asked).await?.body["backstay"].clone();
    assert_eq!((&first["cache"], &first["cost"]), (&json!({"status": "miss"}), &json!("0.000009")));
    server.clock.advance_ms(42_900);
    let hit = client.post(CHAT, &asked).await?;
    let note = &hit.body["backstay"];
    let source = &first["generation"];
    let said = json!({"status": "hit", "age_seconds": 42, "source": source, "saved": "0.000009"});
    assert_eq!((&note["cache"], &note["cost"]), (&said, &json!("0")));
    assert_eq!(status(&hit.headers), "HIT");
    assert_eq!(header(&hit.headers, "x-openrouter-cache-age"), "42");
    assert_eq!(header(&hit.headers, "x-openrouter-cache-ttl"), "257");
    assert_eq!(header(&hit.headers, "x-openrouter-cache-source-id"), source);

    let id = note["generation"].as_str().unwrap();
    assert_ne!(note["generation"], *source);
    let row = client.get(&format!("/backstay/v1/generations/{id}")).await?.body;
    assert_eq!((&row["status"], &row["cost"]), (&json!("completed"), &json!("0")));
    assert_eq!((&row["cached"], &row["cached_from"]), (&json!(true), source));
    assert_eq!((&row["saved"], &row["attempts"]), (&json!("0.000009"), &json!([])));
    assert_eq!((&row["provider"], &row["usage"]["prompt_tokens"]), (&json!("openai"), &json!(0)));
    let row = client.get(&format!("/api/v1/generation?id={id}")).await?.body;
    assert_eq!(row["data"]["response_cache_source_id"], *source);
    assert_eq!(row["data"]["total_cost"].as_f64(), Some(0.0));
    let sums = client.get("/backstay/v1/ledger/summary?group_by=model").await?.body;
    let sum = &sums["data"][0];
    assert_eq!((&sum["requests"], &sum["cost"]), (&json!(2), &json!("0.000009")));
    assert_eq!((&sum["cached"], &sum["saved"]), (&json!(1), &json!("0.000009")));

    let at_openrouter = caching(server.member());
    for stream in [false, true] {
        let asked = body(json!({"stream": stream}));
        let usage = if stream {
            let events = at_openrouter.stream(PATHS[2], &asked).await?.events;
            events.iter().rev().find(|event| event["usage"].is_object()).cloned()
        } else {
            Some(at_openrouter.post(PATHS[2], &asked).await?.body)
        };
        let usage = usage.unwrap()["usage"].clone();
        let counts = ["prompt_tokens", "completion_tokens", "total_tokens", "cost"];
        assert!(counts.iter().all(|name| usage[name].as_f64() == Some(0.0)), "{usage}");
    }
    server.stop().await
}

#[tokio::test]
async fn who_has_spent_the_budget_still_gets_what_is_cached() -> Result<()> {
    let server = TestServer::start().await?;
    // A call costs $0.000009; more than half of this is set aside for each.
    let settings = json!({"name": "small", "budgets": [{"period": "total", "limit": "0.000035"}]});
    let (_, client) = new_key(&server, settings).await?;
    let client = caching(client);
    assert_eq!(status_of(&client, &body(json!({}))).await?, "MISS");
    let refused = client.post(CHAT, &body(json!({"max_tokens": 20}))).await?;
    assert_eq!(refused.status.as_u16(), 402, "{refused:?}");
    assert_eq!(status_of(&client, &body(json!({}))).await?, "HIT");
    server.stop().await
}

#[tokio::test]
async fn a_hit_counts_in_the_limit_of_requests() -> Result<()> {
    let server = TestServer::start().await?;
    let limit = json!({"of": "requests", "per": "minute", "limit": 2});
    let (_, client) = new_key(&server, json!({"name": "slow", "rate_limits": [limit]})).await?;
    let client = caching(client);
    assert_eq!(status_of(&client, &body(json!({}))).await?, "MISS");
    assert_eq!(status_of(&client, &body(json!({}))).await?, "HIT");
    assert_eq!(client.post(CHAT, &body(json!({}))).await?.status.as_u16(), 429);
    server.stop().await
}

#[tokio::test]
async fn an_answer_is_given_for_as_long_as_its_request_says() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    let lasting = caching(server.member()).with_header("x-openrouter-cache-ttl", "60");
    assert_eq!(status_of(&lasting, &body(json!({}))).await?, "MISS");
    server.clock.advance_ms(59_000);
    assert_eq!(status_of(&lasting, &body(json!({}))).await?, "HIT");
    server.clock.advance_ms(1_000);
    assert_eq!(status_of(&lasting, &body(json!({}))).await?, "MISS");
    let in_body = body(json!({"backstay": {"cache": {"ttl": 86_400}},
        "messages": [{"role": "user", "content": "for a day"}]}));
    assert_eq!(status_of(&client, &in_body).await?, "MISS");
    server.clock.advance_ms(86_399_000);
    assert_eq!(status_of(&client, &in_body).await?, "HIT");
    server.clock.advance_ms(1_000);
    assert_eq!(status_of(&client, &in_body).await?, "MISS");
    server.stop().await
}

#[tokio::test]
async fn an_answer_can_be_asked_for_anew() -> Result<()> {
    let server = TestServer::start().await?;
    let client = caching(server.member());
    let anew = caching(server.member()).with_header("x-openrouter-cache-clear", "true");
    let (_, first) = ask(&client, PATHS[2], &body(json!({}))).await?;
    let (_, second) = ask(&anew, PATHS[2], &body(json!({}))).await?;
    assert_eq!((status(&first), status(&second)), ("MISS", "MISS"));
    let (_, third) = ask(&client, PATHS[2], &body(json!({}))).await?;
    let source = header(&third, "x-openrouter-cache-source-id");
    assert_eq!((status(&third), source), ("HIT", header(&second, "x-generation-id")));
    assert_eq!(called(&server), 2);
    server.stop().await
}

#[tokio::test]
async fn without_asking_nothing_is_cached_and_nothing_is_said() -> Result<()> {
    let server = TestServer::start().await?;
    let off = caching(server.member()).with_header("x-openrouter-cache-ttl", "60");
    for client in [server.member(), server.member().with_header("x-openrouter-cache", "false")] {
        for _ in 0..2 {
            let answer = client.post(CHAT, &body(json!({}))).await?;
            assert_eq!(status(&answer.headers), "-");
            assert!(answer.body.get("backstay").is_none());
        }
    }
    assert_eq!(called(&server), 4);
    let refused = body(json!({"backstay": {"cache": false}}));
    assert_eq!(status_of(&off, &refused).await?, "-", "the body wins");
    server.stop().await
}

#[tokio::test]
async fn keys_and_workspaces_never_share() -> Result<()> {
    let server = TestServer::start().await?;
    let (_, other_key) = new_key(&server, json!({"name": "other"})).await?;
    let (engine, context) = (server.engine(), server.context().await?);
    let workspace = WorkspaceId::parse("ws_other").unwrap();
    engine.store().ensure_workspace(&workspace, "other", engine.clock().now()).await?;
    let owner = CallContext::unlimited(workspace, context.key, RequestId::unknown());
    let request = KeyRequest { name: "there".to_owned(), ..KeyRequest::default() };
    let (_, secret) = engine.create_key(&owner, request).await?;
    let other_workspace = server.stranger().with_key(secret.expose());
    let clients = [server.member(), other_key, other_workspace].map(caching);
    for client in &clients {
        assert_eq!(status_of(client, &body(json!({}))).await?, "MISS");
    }
    for client in &clients {
        assert_eq!(status_of(client, &body(json!({}))).await?, "HIT");
    }
    assert_eq!(called(&server), 3);
    server.stop().await
}

#[tokio::test]
async fn only_the_same_request_is_the_same() -> Result<()> {
    let server = TestServer::start().await?;
    let client = caching(server.member());
    let tool = json!([{"type": "function", "function": {"name": "f",
        "parameters": {"type": "object", "properties": {}}}}]);
    let others = [
        json!({}),
        json!({"temperature": 0.1}),
        json!({"max_tokens": 8}),
        json!({"model": "azure/sim-echo"}),
        json!({"models": ["azure/sim-echo"]}),
        json!({"tools": tool}),
        json!({"user": "ann"}),
        json!({"provider": {"allow_fallbacks": false}}),
        json!({"messages": [{"role": "user", "content": "one two"}]}),
        json!({"backstay": {"cache": true, "memory": "off", "user": "ann"}}),
        json!({"backstay": {"cache": true, "memory": "off", "user": "bob"}}),
    ];
    for expected in ["MISS", "HIT"] {
        for other in &others {
            assert_eq!(status_of(&client, &body(other.clone())).await?, expected, "{other}");
        }
    }
    assert_eq!(called(&server), others.len());
    let turned = r#"{"messages":[{"content":"one two three","role":"user"}],"max_tokens":9,
        "model":"openai/sim-echo"}"#;
    let turned = client.post_text(CHAT, turned).await?;
    assert_eq!(status(&turned.headers), "HIT", "the order of members does not matter");
    server.stop().await
}

#[tokio::test]
async fn responses_and_completions_are_cached_too() -> Result<()> {
    let server = TestServer::start().await?;
    let client = caching(server.member());
    let completion = json!({"model": "openai/sim-echo", "prompt": WORDS, "max_tokens": 9});
    let response = json!({"model": "openai/sim-echo", "input": WORDS});
    let mut texts = Vec::new();
    for (path, asked) in [("/v1/completions", completion), ("/v1/responses", response.clone())] {
        let first = client.post(path, &asked).await?;
        let second = client.post(path, &asked).await?;
        assert_eq!((status(&first.headers), status(&second.headers)), ("MISS", "HIT"), "{path}");
        texts.push((first.body.to_string(), second.body));
    }
    assert_eq!(texts[0].1["choices"][0]["text"], WORDS);
    let kept = &texts[1].1;
    let mut next = response;
    next["previous_response_id"] = kept["id"].clone();
    let next = client.post("/v1/responses", &next).await?;
    assert_eq!((next.status.as_u16(), status(&next.headers)), (200, "-"), "{next:?}");
    let id = kept["id"].as_str().unwrap();
    assert!(!texts[1].0.contains(id), "a response of its own");
    let read = client.get(&format!("/v1/responses/{id}")).await?.body;
    assert_eq!(read["output"][0]["content"][0]["text"], WORDS, "{read}");
    server.stop().await
}

#[tokio::test]
async fn a_wrong_time_to_live_is_400_in_every_dialect() -> Result<()> {
    let server = TestServer::start().await?;
    for path in PATHS {
        for ttl in ["0", "86401", "soon", "-5"] {
            let client = caching(server.member()).with_header("x-openrouter-cache-ttl", ttl);
            let answer = client.post(path, &body(json!({}))).await?;
            assert_eq!(answer.status.as_u16(), 400, "{answer:?}");
            let message = answer.body["error"]["message"].as_str().unwrap_or_default();
            assert!(message.contains("1 to 86400"), "{answer:?}");
        }
        let asked = body(json!({"backstay": {"cache": {"ttl": 86_401}}}));
        assert_eq!(server.member().post(path, &asked).await?.status.as_u16(), 400);
    }
    assert_eq!(called(&server), 0);
    server.stop().await
}
