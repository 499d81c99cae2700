//! The one conversation of this bench: what is asked and what the mock model answers.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::cell::Shape;

/// The model as clients name it; gateways rewrite it to [`UPSTREAM_MODEL`].
pub const CLIENT_MODEL: &str = "bench/bench-model";
pub const UPSTREAM_MODEL: &str = "bench-model";
pub const UPSTREAM_KEY: &str = "sk-upstream";
pub const CHAT_PATH: &str = "/v1/chat/completions";

/// Role, 39 pieces of text, finish reason, usage, `[DONE]`.
pub const STREAM_EVENTS: usize = 43;
pub const TEXT_PIECES: usize = STREAM_EVENTS - 4;

const PROMPT_TOKENS: u32 = 27;
pub const TOTAL_TOKENS: u32 = PROMPT_TOKENS + TEXT_PIECES as u32;

/// In a request for a stream, asks the mock model to keep the pace of a model. Gateways pass a
/// message on as it is, whatever they do to the fields around it.
pub(crate) const PACED_MARK: &str = "Take your time.";
/// Of a paced stream: until the first event, and between two of them.
pub const FIRST_EVENT_AFTER: Duration = Duration::from_millis(20);
pub const NEXT_EVENT_AFTER: Duration = Duration::from_millis(5);

/// Every piece differs, so that a lost, repeated or swapped event changes the text.
fn piece(index: usize) -> String {
    format!("word-{index:02} ")
}

pub fn text() -> String {
    (0..TEXT_PIECES).map(piece).collect()
}

/// About 230 bytes, the size of a short question with a system prompt.
pub fn request(shape: Shape, model: &str) -> Bytes {
    let mut body = json!({
        "model": model,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant. Answer briefly."},
            {"role": "user", "content": "What is the capital of France, and how old is it?"},
        ],
        "max_tokens": 64,
        "temperature": 0.2,
    });
    if shape == Shape::Paced {
        body["messages"][0]["content"] = json!(PACED_MARK);
    }
    if shape != Shape::Plain {
        body["stream"] = json!(true);
        body["stream_options"] = json!({"include_usage": true});
    }
    Bytes::from(body.to_string())
}

fn usage() -> Value {
    json!({
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": TEXT_PIECES,
        "total_tokens": TOTAL_TOKENS,
        "prompt_tokens_details": {"cached_tokens": 0},
    })
}

/// The whole answer as one JSON body of about 700 bytes.
pub fn plain_answer() -> Bytes {
    let body = json!({
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": UPSTREAM_MODEL,
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": text(), "refusal": null},
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": usage(),
        "service_tier": "default",
        "system_fingerprint": "fp_bench",
    });
    Bytes::from(body.to_string())
}

/// The same answer as server-sent events, one element for each event.
pub fn stream_answer() -> Vec<Bytes> {
    let choice = |delta: Value, finish: Value| json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
    let mut events = vec![chunk(
        &choice(json!({"role": "assistant", "content": ""}), Value::Null),
        &Value::Null,
    )];
    events.extend(
        (0..TEXT_PIECES).map(|index| {
            chunk(&choice(json!({"content": piece(index)}), Value::Null), &Value::Null)
        }),
    );
    events.push(chunk(&choice(json!({}), json!("stop")), &Value::Null));
    events.push(chunk(&json!([]), &usage()));
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}

fn chunk(choices: &Value, usage: &Value) -> Bytes {
    let body = json!({
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": UPSTREAM_MODEL,
        "choices": choices,
        "usage": usage,
    });
    Bytes::from(format!("data: {body}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_have_the_sizes_that_the_readme_states() {
        assert!(
            (210..=250).contains(&request(Shape::Plain, CLIENT_MODEL).len()),
            "{}",
            request(Shape::Plain, CLIENT_MODEL).len()
        );
        assert!((680..=720).contains(&plain_answer().len()), "{}", plain_answer().len());
        assert_eq!(stream_answer().len(), STREAM_EVENTS);
    }
}
