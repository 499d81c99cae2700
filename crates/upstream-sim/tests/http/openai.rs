//! The OpenAI format over real HTTP.

use crate::support::{Lab, events, json, values};
use serde_json::{Value, json};

fn user(text: &str) -> Value {
    json!([{"role": "user", "content": text}])
}

fn weather_tools() -> Value {
    json!([{"type": "function", "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]
        }
    }}])
}

#[tokio::test]
async fn a_plain_answer_has_text_finish_reason_and_usage() {
    let lab = Lab::start().await;
    let body = json!({"model": "sim-echo", "messages": user("one two three")});
    let reply = json(lab.openai(body).await, 200).await;
    assert_eq!(reply["object"], "chat.completion");
    assert_eq!(reply["choices"][0]["message"]["content"], "one two three");
    assert_eq!(reply["choices"][0]["finish_reason"], "stop");
    assert_eq!(reply["usage"]["prompt_tokens"], 3);
    assert_eq!(reply["usage"]["completion_tokens"], 3);
    assert_eq!(reply["usage"]["total_tokens"], 6);
}

#[tokio::test]
async fn a_stream_says_what_the_plain_answer_says_and_ends_with_usage_and_done() {
    let lab = Lab::start().await;
    let body = json!({
        "model": "sim-echo", "messages": user("one two three"), "stream": true,
        "stream_options": {"include_usage": true}
    });
    let events = events(lab.openai(body).await).await;
    assert_eq!(events.last().unwrap().1, "[DONE]");
    let chunks = values(&events);
    let text: String =
        chunks.iter().filter_map(|c| c["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, "one two three");
    let last = chunks.last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["completion_tokens"], 3);
    assert_eq!(chunks[chunks.len() - 2]["choices"][0]["finish_reason"], "stop");
    assert!(chunks[0]["usage"].is_null() && chunks[0].get("usage").is_some());
}

#[tokio::test]
async fn without_include_usage_a_stream_has_none() {
    let lab = Lab::start().await;
    let body = json!({"model": "sim-echo", "messages": user("hi"), "stream": true});
    let chunks = values(&events(lab.openai(body).await).await);
    assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none()));
}

#[tokio::test]
async fn a_tool_is_called_answered_and_the_result_repeated() {
    let lab = Lab::start().await;
    let ask = "What is the weather in Oslo?";
    let body = json!({"model": "sim-echo", "messages": user(ask), "tools": weather_tools()});
    let reply = json(lab.openai(body).await, 200).await;
    let message = &reply["choices"][0]["message"];
    assert_eq!(reply["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(message["tool_calls"][0]["function"]["arguments"], r#"{"city":"Oslo"}"#);
    let body = json!({"model": "sim-echo", "tools": weather_tools(), "messages": [
        {"role": "user", "content": ask}, message,
        {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "12 degrees"}
    ]});
    let reply = json(lab.openai(body).await, 200).await;
    let text = reply["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(text.contains("12 degrees"), "{text}");
    assert!(reply["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn parallel_calls_stream_in_fragments() {
    let lab = Lab::start().await;
    let body = json!({
        "model": "sim-echo", "stream": true, "tools": weather_tools(),
        "messages": user("Weather in both Oslo and Rome please")
    });
    let chunks = values(&events(lab.openai(body).await).await);
    let mut arguments = [String::new(), String::new()];
    let mut fragments = 0;
    for call in chunks.iter().filter_map(|c| c["choices"][0]["delta"]["tool_calls"].get(0)) {
        let at = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
        arguments[at].push_str(call["function"]["arguments"].as_str().unwrap());
        fragments += 1;
    }
    assert_eq!(arguments, [r#"{"city":"Oslo"}"#, r#"{"city":"Rome"}"#]);
    assert!(fragments >= 6, "{fragments}");
}

#[tokio::test]
async fn a_json_schema_is_filled() {
    let lab = Lab::start().await;
    let body = json!({"model": "sim-quote", "messages": user("I moved to Bergen"),
    "response_format": {"type": "json_schema", "json_schema": {
        "name": "move", "strict": true, "schema": {
            "type": "object", "additionalProperties": false, "required": ["city", "sure"],
            "properties": {"city": {"type": "string"}, "sure": {"type": "boolean"}}
        }}}});
    let reply = json(lab.openai(body).await, 200).await;
    let text = reply["choices"][0]["message"]["content"].as_str().unwrap();
    let value: Value = serde_json::from_str(text).unwrap();
    assert_eq!(value, json!({"city": "Bergen", "sure": true}));
}

#[tokio::test]
async fn reasoning_images_choices_logprobs_and_truncation_have_their_shapes() {
    let lab = Lab::start().await;
    let body = json!({"model": "sim-think", "n": 2, "logprobs": true, "top_logprobs": 2,
        "seed": 7, "messages": [{"role": "user", "content": [
            {"type": "text", "text": "look"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]});
    let reply = json(lab.openai(body).await, 200).await;
    let choice = &reply["choices"][1];
    assert_eq!(choice["message"]["content"], "look I see 1 image.");
    assert!(choice["message"]["reasoning_content"].as_str().unwrap().contains("look"));
    assert_eq!(choice["logprobs"]["content"][0]["top_logprobs"].as_array().unwrap().len(), 2);
    assert!(reply["usage"]["completion_tokens_details"]["reasoning_tokens"].as_u64().unwrap() > 0);
    let body = json!({"model": "sim-echo", "max_tokens": 2, "messages": user("a b c")});
    let reply = json(lab.openai(body).await, 200).await;
    assert_eq!(reply["choices"][0]["finish_reason"], "length");
    assert_eq!(reply["choices"][0]["message"]["content"], "a b ");
}

#[tokio::test]
async fn broken_requests_are_refused_in_openais_shape() {
    let lab = Lab::start().await;
    let cases = [
        (json!({"messages": user("x")}), "model parameter"),
        (json!({"model": "sim-echo", "messages": []}), "messages"),
        (
            json!({"model": "sim-echo", "messages": [
                {"role": "tool", "tool_call_id": "c", "content": "x"}]}),
            "must be a response to a preceeding message",
        ),
        (
            json!({"model": "sim-echo", "messages": [
                {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function",
                    "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "user", "content": "x"}]}),
            "did not have response messages: c1",
        ),
        (
            json!({"model": "sim-echo", "messages": [
                {"role": "user", "content": [{"type": "video", "video": "x"}]}]}),
            "Invalid value: 'video'",
        ),
        (
            json!({"model": "sim-echo", "messages": user("x"), "stream_options": {}}),
            "only allowed when 'stream'",
        ),
    ];
    for (body, expected) in cases {
        let error = json(lab.openai(body).await, 400).await;
        assert_eq!(error["error"]["type"], "invalid_request_error");
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains(expected), "{message}");
    }
    let url = format!("{}/v1/chat/completions", lab.sim.base_url());
    let no_key = lab.client.post(url).body("{}").send().await.unwrap();
    let error = json(no_key, 401).await;
    assert!(error["error"]["message"].as_str().unwrap().contains("didn't provide an API key"));
    let unknown = lab.openai(json!({"model": "sim-nothing", "messages": user("x")})).await;
    assert_eq!(json(unknown, 404).await["error"]["code"], "model_not_found");
}

#[tokio::test]
async fn embeddings_come_as_floats_and_as_base64() {
    let lab = Lab::start().await;
    let body = json!({"model": "sim-embed", "input": ["Anna", "Ben"], "dimensions": 16});
    let floats = json(lab.post("/v1/embeddings", &body).send().await.unwrap(), 200).await;
    assert_eq!(floats["data"][1]["embedding"].as_array().unwrap().len(), 16);
    let body = json!({
        "model": "sim-embed", "input": "Anna", "dimensions": 16, "encoding_format": "base64"
    });
    let coded = json(lab.post("/v1/embeddings", &body).send().await.unwrap(), 200).await;
    let text = coded["data"][0]["embedding"].as_str().unwrap();
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
    let first = f32::from_le_bytes(bytes[..4].try_into().unwrap());
    assert_eq!(json!(first), floats["data"][0]["embedding"][0]);
}

#[tokio::test]
async fn the_model_list_has_the_shape_of_whoever_asks() {
    let lab = Lab::start().await;
    let url = format!("{}/v1/models", lab.sim.base_url());
    let asked = lab.client.get(&url).bearer_auth("k");
    let openai = json(asked.send().await.unwrap(), 200).await;
    assert_eq!(openai["object"], "list");
    let asked = lab.client.get(&url).bearer_auth("k").header("anthropic-version", "2023-06-01");
    let anthropic = json(asked.send().await.unwrap(), 200).await;
    assert_eq!(anthropic["has_more"], false);
    assert_eq!(anthropic["first_id"], anthropic["data"][0]["id"]);
}
