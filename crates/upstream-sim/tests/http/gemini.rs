//! The Gemini format over real HTTP.

use crate::support::{Lab, events, json, values};
use serde_json::{Value, json};

fn user(text: &str) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": text}]}]})
}

fn with(mut request: Value, field: &str, value: Value) -> Value {
    request[field] = value;
    request
}

fn weather_tools() -> Value {
    json!([{"functionDeclarations": [{"name": "get_weather", "parameters": {
        "type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]
    }}]}])
}

#[tokio::test]
async fn a_plain_answer_has_a_candidate_and_usage() {
    let lab = Lab::start().await;
    let reply = json(lab.gemini("sim-echo:generateContent", user("one two")).await, 200).await;
    let candidate = &reply["candidates"][0];
    assert_eq!(candidate["content"], json!({"parts": [{"text": "one two"}], "role": "model"}));
    assert_eq!(candidate["finishReason"], "STOP");
    assert_eq!(reply["usageMetadata"]["promptTokenCount"], 2);
    assert_eq!(reply["usageMetadata"]["totalTokenCount"], 4);
}

#[tokio::test]
async fn a_stream_comes_as_events_or_as_an_array() {
    let lab = Lab::start().await;
    let path = "sim-echo:streamGenerateContent?alt=sse";
    let chunks = values(&events(lab.gemini(path, user("one two")).await).await);
    let text = |chunks: &[Value]| -> String {
        let part = |c: &Value| c.pointer("/candidates/0/content/parts/0/text").cloned();
        chunks.iter().filter_map(part).map(|t| t.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(text(&chunks), "one two");
    assert_eq!(chunks.last().unwrap()["usageMetadata"]["candidatesTokenCount"], 2);
    let array = lab.gemini("sim-echo:streamGenerateContent", user("one two")).await;
    let array = json(array, 200).await;
    assert_eq!(text(array.as_array().unwrap()), "one two");
}

#[tokio::test]
async fn functions_are_called_whole_answered_and_repeated() {
    let lab = Lab::start().await;
    let ask = with(user("Weather in both Oslo and Rome"), "tools", weather_tools());
    let path = "sim-echo:streamGenerateContent?alt=sse";
    let chunks = values(&events(lab.gemini(path, ask.clone()).await).await);
    let parts: Vec<Value> = chunks
        .iter()
        .map(|c| c["candidates"][0]["content"]["parts"][0].clone())
        .filter(|part| part.get("functionCall").is_some())
        .collect();
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[1]["functionCall"]["args"], json!({"city": "Rome"}));
    let response = |text: &str| json!({"functionResponse": {"name": "get_weather", "response": {"result": text}}});
    let body = json!({"tools": weather_tools(), "contents": [
        ask["contents"][0], {"role": "model", "parts": parts},
        {"role": "user", "parts": [response("rain"), response("sun")]}
    ]});
    let reply = json(lab.gemini("sim-echo:generateContent", body).await, 200).await;
    let text = &reply["candidates"][0]["content"]["parts"][0]["text"];
    assert_eq!(text, "The tools answered: rain; sun");
}

#[tokio::test]
async fn thoughts_are_shown_when_asked_for_and_a_call_must_bring_its_signature_back() {
    let lab = Lab::start().await;
    let config = json!({"thinkingConfig": {"includeThoughts": true}});
    let body = with(user("Weather in Oslo"), "tools", weather_tools());
    let body = with(body, "generationConfig", config);
    let reply = json(lab.gemini("sim-think:generateContent", body.clone()).await, 200).await;
    let mut parts = reply["candidates"][0]["content"]["parts"].clone();
    assert_eq!(parts[0]["thought"], true);
    assert!(reply["usageMetadata"]["thoughtsTokenCount"].as_u64().unwrap() > 0);
    let next = |parts: &Value| {
        json!({"tools": weather_tools(), "contents": [
            body["contents"][0], {"role": "model", "parts": parts},
            {"role": "user", "parts": [
                {"functionResponse": {"name": "get_weather", "response": {"result": "rain"}}}]}
        ]})
    };
    json(lab.gemini("sim-think:generateContent", next(&parts)).await, 200).await;
    parts[1].as_object_mut().unwrap().remove("thoughtSignature");
    let error = json(lab.gemini("sim-think:generateContent", next(&parts)).await, 400).await;
    assert!(error["error"]["message"].as_str().unwrap().contains("thought_signature"));
}

#[tokio::test]
async fn both_kinds_of_response_schema_are_obeyed() {
    let lab = Lab::start().await;
    let schema = json!({
        "type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]
    });
    let json_schema = json!({
        "type": "object", "additionalProperties": false, "required": ["city"],
        "properties": {"city": {"type": "string"}}
    });
    for (field, schema) in [("responseSchema", schema), ("responseJsonSchema", json_schema)] {
        let config = json!({"responseMimeType": "application/json", field: schema});
        let body = with(user("I like Oslo"), "generationConfig", config);
        let reply = json(lab.gemini("sim-echo:generateContent", body).await, 200).await;
        let text = &reply["candidates"][0]["content"]["parts"][0]["text"];
        assert_eq!(text, r#"{"city":"Oslo"}"#);
    }
}

#[tokio::test]
async fn tokens_embeddings_and_models_have_their_endpoints() {
    let lab = Lab::start().await;
    let counted = json(lab.gemini("sim-echo:countTokens", user("one two three")).await, 200).await;
    assert_eq!(counted["totalTokens"], 3);
    let content = json!({"parts": [{"text": "Anna"}]});
    let one = json!({"content": content, "outputDimensionality": 8});
    let one = json(lab.gemini("sim-embed:embedContent", one).await, 200).await;
    assert_eq!(one["embedding"]["values"].as_array().unwrap().len(), 8);
    let request =
        json!({"model": "models/sim-embed", "content": content, "outputDimensionality": 8});
    let batch = json!({"requests": [request]});
    let batch = json(lab.gemini("sim-embed:batchEmbedContents", batch).await, 200).await;
    assert_eq!(batch["embeddings"][0], one["embedding"]);
    let url = format!("{}/v1beta/models?key=AIza-secret", lab.sim.base_url());
    let models = json(lab.client.get(url).send().await.unwrap(), 200).await;
    assert_eq!(models["models"][0]["name"], "models/sim-quote");
}

#[tokio::test]
async fn broken_requests_are_refused_in_googles_shape() {
    let lab = Lab::start().await;
    let content = |role: &str, part: Value| json!({"role": role, "parts": [part]});
    let ask = content("user", json!({"text": "x"}));
    let call = content("model", json!({"functionCall": {"name": "f", "args": {}}}));
    let response =
        content("user", json!({"functionResponse": {"name": "f", "response": {"a": 1}}}));
    let strict = json!([{"functionDeclarations": [{"name": "f", "parameters": {
        "type": "object", "additionalProperties": false}}]}]);
    let cases = [
        (json!({}), "contents is not specified"),
        (with(user("x"), "messages", json!([])), "Unknown name \"messages\": Cannot find field."),
        (
            json!({"contents": [content("assistant", json!({"text": "x"}))]}),
            "valid role: user, model",
        ),
        (json!({"contents": [{"role": "user", "parts": []}]}), "parts must not be empty"),
        (json!({"contents": [content("user", json!({}))]}), "required oneof field 'data'"),
        (json!({"contents": [ask, response]}), "immediately after a function call turn"),
        (json!({"contents": [ask, call, ask]}), "immediately after a function call turn"),
        (with(user("x"), "tools", strict), "Unknown name \"additionalProperties\" at 'tools[0]"),
    ];
    for (body, expected) in cases {
        let error = json(lab.gemini("sim-echo:generateContent", body).await, 400).await;
        assert_eq!(error["error"]["status"], "INVALID_ARGUMENT");
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains(expected), "{message}");
    }
    let url = format!("{}/v1beta/models/sim-echo:generateContent", lab.sim.base_url());
    let no_key = lab.client.post(url).json(&user("x")).send().await.unwrap();
    assert_eq!(json(no_key, 403).await["error"]["status"], "PERMISSION_DENIED");
}
