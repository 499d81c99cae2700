//! The Anthropic format over real HTTP.

use crate::support::{Lab, events, json, values};
use serde_json::{Value, json};

fn weather_tools() -> Value {
    json!([{"name": "get_weather", "input_schema": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]
    }}])
}

fn request(model: &str, messages: Value) -> Value {
    json!({"model": model, "max_tokens": 2000, "messages": messages})
}

fn user(text: &str) -> Value {
    json!([{"role": "user", "content": text}])
}

fn with(mut request: Value, field: &str, value: Value) -> Value {
    request[field] = value;
    request
}

#[tokio::test]
async fn a_plain_answer_has_blocks_stop_reason_and_usage() {
    let lab = Lab::start().await;
    let reply = json(lab.anthropic(request("sim-echo", user("one two"))).await, 200).await;
    assert_eq!(reply["content"], json!([{"type": "text", "text": "one two"}]));
    assert_eq!(reply["stop_reason"], "end_turn");
    assert_eq!(reply["usage"]["input_tokens"], 2);
    assert_eq!(reply["usage"]["output_tokens"], 2);
}

#[tokio::test]
async fn a_stream_has_its_events_in_the_order_of_the_provider() {
    let lab = Lab::start().await;
    let body = with(request("sim-echo", user("one two")), "stream", json!(true));
    let events = events(lab.anthropic(body).await).await;
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    let values = values(&events);
    assert!(values.iter().zip(&names).all(|(value, name)| value["type"] == *name));
    assert_eq!(values[0]["message"]["usage"]["input_tokens"], 2);
    assert_eq!(values[6]["usage"]["output_tokens"], 2);
    assert_eq!(values[6]["delta"]["stop_reason"], "end_turn");
}

#[tokio::test]
async fn cached_tokens_are_not_input_tokens() {
    let lab = Lab::start().await;
    let system = json!([
        {"type": "text", "text": "a b c", "cache_control": {"type": "ephemeral"}}
    ]);
    let first = with(request("sim-echo", user("one")), "system", system.clone());
    let usage = json(lab.anthropic(first).await, 200).await["usage"].clone();
    assert_eq!(
        (&usage["input_tokens"], &usage["cache_creation_input_tokens"]),
        (&json!(1), &json!(3))
    );
    let messages = json!([
        {"role": "user", "content": "one"}, {"role": "assistant", "content": "one"},
        {"role": "user", "content": "two"}
    ]);
    let second = with(request("sim-echo", messages), "system", system);
    let usage = json(lab.anthropic(second).await, 200).await["usage"].clone();
    assert_eq!((&usage["input_tokens"], &usage["cache_read_input_tokens"]), (&json!(3), &json!(3)));
}

#[tokio::test]
async fn two_tools_are_called_streamed_answered_and_repeated() {
    let lab = Lab::start().await;
    let ask = "Weather in both Oslo and Rome";
    let body = with(request("sim-echo", user(ask)), "tools", weather_tools());
    let streamed =
        values(&events(lab.anthropic(with(body.clone(), "stream", json!(true))).await).await);
    let mut inputs = [String::new(), String::new()];
    for event in streamed.iter().filter(|e| e["delta"]["type"] == "input_json_delta") {
        let at = usize::try_from(event["index"].as_u64().unwrap()).unwrap();
        inputs[at].push_str(event["delta"]["partial_json"].as_str().unwrap());
    }
    assert_eq!(inputs, [r#"{"city":"Oslo"}"#, r#"{"city":"Rome"}"#]);
    let reply = json(lab.anthropic(body).await, 200).await;
    assert_eq!(reply["stop_reason"], "tool_use");
    let result = |at: usize, text: &str| json!({"type": "tool_result", "tool_use_id": reply["content"][at]["id"], "content": text});
    let messages = json!([
        {"role": "user", "content": ask}, {"role": "assistant", "content": reply["content"]},
        {"role": "user", "content": [result(0, "rain"), result(1, "sun")]}
    ]);
    let body = with(request("sim-echo", messages), "tools", weather_tools());
    let reply = json(lab.anthropic(body).await, 200).await;
    assert_eq!(reply["content"][0]["text"], "The tools answered: rain; sun");
}

#[tokio::test]
async fn thinking_is_signed_and_a_changed_block_is_refused() {
    let lab = Lab::start().await;
    let thinking = json!({"type": "enabled", "budget_tokens": 1024});
    let body = with(request("sim-think", user("hello there")), "thinking", thinking.clone());
    let streamed = with(body.clone(), "stream", json!(true));
    let kinds: Vec<Value> = values(&events(lab.anthropic(streamed).await).await)
        .iter()
        .filter(|event| event["type"] == "content_block_delta")
        .map(|event| event["delta"]["type"].clone())
        .collect();
    let at = kinds.iter().position(|kind| kind == "signature_delta").unwrap();
    assert!(kinds[..at].iter().all(|kind| kind == "thinking_delta") && at > 1);
    assert!(kinds[at + 1..].iter().all(|kind| kind == "text_delta"));

    let mut content = json(lab.anthropic(body).await, 200).await["content"].clone();
    let next = |content: &Value| {
        let messages = json!([
            {"role": "user", "content": "hello there"}, {"role": "assistant", "content": content},
            {"role": "user", "content": "and now"}
        ]);
        with(request("sim-think", messages), "thinking", thinking.clone())
    };
    json(lab.anthropic(next(&content)).await, 200).await;
    content[0]["thinking"] = json!("tampered");
    let error = json(lab.anthropic(next(&content)).await, 400).await;
    assert!(error["error"]["message"].as_str().unwrap().contains("Invalid `signature`"));
}

#[tokio::test]
async fn structured_output_and_a_forced_tool_obey_their_schema() {
    let lab = Lab::start().await;
    let schema = json!({
        "type": "object", "additionalProperties": false,
        "properties": {"city": {"type": "string"}}, "required": ["city"]
    });
    let format = json!({"format": {"type": "json_schema", "schema": schema}});
    let body = with(request("sim-echo", user("I like Oslo")), "output_config", format);
    let reply = json(lab.anthropic(body).await, 200).await;
    assert_eq!(reply["content"][0]["text"], r#"{"city":"Oslo"}"#);
    let body = with(request("sim-echo", user("I like Oslo")), "tools", weather_tools());
    let body = with(body, "tool_choice", json!({"type": "tool", "name": "get_weather"}));
    let reply = json(lab.anthropic(body).await, 200).await;
    assert_eq!(reply["content"][0]["input"], json!({"city": "Oslo"}));
}

#[tokio::test]
async fn stop_sequences_and_limits_have_their_stop_reasons() {
    let lab = Lab::start().await;
    let body = with(request("sim-echo", user("a b c")), "stop_sequences", json!(["b"]));
    let reply = json(lab.anthropic(body).await, 200).await;
    assert_eq!(
        (&reply["stop_reason"], &reply["stop_sequence"]),
        (&json!("stop_sequence"), &json!("b"))
    );
    let body = with(request("sim-echo", user("a b c")), "max_tokens", json!(1));
    assert_eq!(json(lab.anthropic(body).await, 200).await["stop_reason"], "max_tokens");
}

#[tokio::test]
async fn tokens_are_counted_without_max_tokens() {
    let lab = Lab::start().await;
    let body = json!({"model": "sim-echo", "messages": user("one two three")});
    let asked =
        lab.post("/v1/messages/count_tokens", &body).header("anthropic-version", "2023-06-01");
    assert_eq!(json(asked.send().await.unwrap(), 200).await, json!({"input_tokens": 3}));
}

#[tokio::test]
async fn broken_requests_are_refused_in_anthropics_shape() {
    let lab = Lab::start().await;
    let call = json!({"role": "assistant", "content": [
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}]});
    let result = json!({"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"});
    let text = json!({"type": "text", "text": "x"});
    let said = json!({"role": "user", "content": "x"});
    let cases = [
        (json!({"model": "sim-echo", "messages": user("x")}), "max_tokens: Field required"),
        (
            with(request("sim-echo", user("x")), "response_format", json!({})),
            "response_format: Extra inputs are not permitted",
        ),
        (
            request("sim-echo", json!([{"role": "assistant", "content": "x"}])),
            "first message must use the \"user\" role",
        ),
        (
            request("sim-echo", json!([{"role": "system", "content": "x"}])),
            "Unexpected role \"system\"",
        ),
        (request("sim-echo", user("")), "must have non-empty content"),
        (
            request("sim-echo", json!([{"role": "user", "content": [result]}])),
            "unexpected `tool_use_id`",
        ),
        (
            request("sim-echo", json!([said, call, said])),
            "messages.1: `tool_use` ids were found without `tool_result`",
        ),
        (
            request("sim-echo", json!([said, call, {"role": "user", "content": [text, result]}])),
            "messages.1: `tool_use` ids were found without `tool_result`",
        ),
    ];
    for (body, expected) in cases {
        let error = json(lab.anthropic(body).await, 400).await;
        assert_eq!(error["type"], "error");
        assert_eq!(error["error"]["type"], "invalid_request_error");
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains(expected), "{message}");
    }
    let without_version = lab.post("/v1/messages", &request("sim-echo", user("x")));
    let error = json(without_version.send().await.unwrap(), 400).await;
    assert_eq!(error["error"]["message"], "anthropic-version: header is required");
}
