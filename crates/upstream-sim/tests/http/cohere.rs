//! The Cohere format over real HTTP.

use crate::support::{Lab, events, json, values};
use serde_json::{Value, json};

fn user(text: &str) -> Value {
    json!({"model": "sim-echo", "messages": [{"role": "user", "content": text}]})
}

fn with(mut request: Value, field: &str, value: Value) -> Value {
    request[field] = value;
    request
}

#[tokio::test]
async fn a_plain_answer_and_a_stream_say_the_same() {
    let lab = Lab::start().await;
    let ask = |body: Value| lab.post("/v2/chat", &body).send();
    let reply = json(ask(user("one two")).await.unwrap(), 200).await;
    assert_eq!(reply["message"]["content"][0], json!({"type": "text", "text": "one two"}));
    assert_eq!(reply["finish_reason"], "COMPLETE");
    assert_eq!(reply["usage"]["billed_units"]["input_tokens"], 2.0);
    let streamed = ask(with(user("one two"), "stream", json!(true))).await.unwrap();
    let stream = values(&events(streamed).await);
    let kinds: Vec<&str> = stream.iter().filter_map(|event| event["type"].as_str()).collect();
    let expected = [
        "message-start",
        "content-start",
        "content-delta",
        "content-delta",
        "content-end",
        "message-end",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(stream.last().unwrap()["delta"]["usage"], reply["usage"]);
}

#[tokio::test]
async fn requests_that_the_provider_would_refuse_are_refused() {
    let lab = Lab::start().await;
    let tool = json!([{"type": "function", "function": {"name": "f", "parameters": {}}}]);
    let json_form = json!({"type": "json_object"});
    for (bad, said) in [
        (with(user("a"), "top_p", json!(0.5)), "top_p"),
        (with(user("a"), "p", json!(2)), "p must be between"),
        (with(user("a"), "tool_choice", json!("REQUIRED")), "needs tools"),
        (with(with(user("a"), "tools", tool), "response_format", json_form), "together with tools"),
        (user(""), "must not be empty"),
        (
            json!({"model": "sim-echo", "messages": [
                {"role": "user", "content": "a"},
                {"role": "tool", "tool_call_id": "x", "content": "b"}]}),
            "answers no open call",
        ),
    ] {
        let refused = json(lab.post("/v2/chat", &bad).send().await.unwrap(), 400).await;
        let message = refused["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
    }
}

#[tokio::test]
async fn documents_are_ranked_and_texts_embedded() {
    let lab = Lab::start().await;
    let body = json!({"model": "rerank-v4", "query": "red apples",
        "documents": ["blue sky", "apples are red"], "top_n": 1});
    let ranked = json(lab.post("/v2/rerank", &body).send().await.unwrap(), 200).await;
    assert_eq!(ranked["results"].as_array().unwrap().len(), 1);
    assert_eq!(ranked["results"][0]["index"], 1);
    assert_eq!(ranked["meta"]["billed_units"]["search_units"], 1.0);
    let body = json!({"model": "sim-embed", "texts": ["a"], "embedding_types": ["float"]});
    let refused = json(lab.post("/v2/embed", &body).send().await.unwrap(), 400).await;
    assert!(refused["message"].as_str().unwrap().contains("input_type"));
}
