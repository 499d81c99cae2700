//! Marks of where a prompt may be cached, written by clients of OpenAI's format.

#![expect(clippy::unwrap_used, reason = "a helper that fails has to stop the test")]

use backstay_core::WireFormat;
use backstay_wire::{Dialect, Loss, ProviderFields, decode_request, encode_request};
use serde_json::{Value, json};

fn sent(dialect: Dialect, body: &Value, to: WireFormat, aggregator: bool) -> (Value, Vec<String>) {
    let decoded = decode_request(dialect, body.to_string().as_bytes()).unwrap();
    let provider = ProviderFields { is_aggregator: aggregator, ..ProviderFields::default() };
    let mut loss = Loss::default();
    let bytes = encode_request(to, &decoded.request, "claude-sonnet-4-5", provider, &mut loss);
    (serde_json::from_slice(&bytes.unwrap()).unwrap(), loss.into_names())
}

fn marked() -> Value {
    json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "system", "content": [
            {"type": "text", "text": "long", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
        {"role": "user", "content": [
            {"type": "text", "text": "document", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "question"}]},
        {"role": "assistant", "reasoning": "hm", "content": [
            {"type": "text", "text": "calling", "cache_control": {"type": "ephemeral"}}],
         "tool_calls": [{"id": "c", "type": "function",
            "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "found"}]}],
     "tools": [{"type": "function", "function": {"name": "f"},
        "cache_control": {"type": "ephemeral"}}]})
}

#[test]
fn anthropic_is_sent_every_mark() {
    let mark = json!({"type": "ephemeral"});
    for dialect in [Dialect::OpenRouter, Dialect::OpenAi] {
        let (body, lost) = sent(dialect, &marked(), WireFormat::Anthropic, false);
        assert_eq!(body["system"][0]["cache_control"], json!({"type": "ephemeral", "ttl": "1h"}));
        let messages = &body["messages"];
        assert_eq!(messages[0]["content"][0]["cache_control"], mark, "{body}");
        assert!(messages[0]["content"][1].get("cache_control").is_none());
        let said = messages[1]["content"].as_array().unwrap();
        let text = said.iter().find(|block| block["type"] == "text").unwrap();
        assert_eq!(text["cache_control"], mark, "{body}");
        assert_eq!(body["tools"][0]["cache_control"], mark, "{body}");
        assert!(!lost.iter().any(|name| name.contains("cache_control")), "{lost:?}");
    }
}

#[test]
fn a_mark_of_the_whole_request_stands_at_its_last_block() {
    let body = json!({"model": "m", "max_tokens": 9, "cache_control": {"type": "ephemeral"},
        "messages": [{"role": "user", "content": "first"}, {"role": "assistant", "content": "hm"},
            {"role": "user", "content": "last"}]});
    for dialect in [Dialect::OpenRouter, Dialect::OpenAi] {
        let (sent, lost) = sent(dialect, &body, WireFormat::Anthropic, false);
        let last = &sent["messages"][2]["content"];
        assert_eq!(last[0]["cache_control"], json!({"type": "ephemeral"}), "{sent}");
        assert_eq!((&sent["messages"][0]["content"], lost), (&json!("first"), Vec::new()));
        assert!(sent.get("cache_control").is_none());
    }
}

#[test]
fn openrouter_is_sent_what_the_client_wrote() {
    let mut body = marked();
    body["cache_control"] = json!({"type": "ephemeral"});
    let (sent, lost) = sent(Dialect::OpenRouter, &body, WireFormat::OpenAi, true);
    assert_eq!(sent["messages"], body["messages"]);
    assert_eq!((&sent["tools"], &sent["cache_control"]), (&body["tools"], &body["cache_control"]));
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn marks_that_cannot_be_carried_are_named() {
    let mut body = marked();
    body["cache_control"] = json!({"type": "ephemeral"});
    let all = ["messages.cache_control", "tools[0].cache_control", "cache_control"];
    let of_bedrock = ["tools[0].cache_control", "cache_control"];
    for (format, expected) in [
        (WireFormat::OpenAi, &all[..]),
        (WireFormat::Gemini, &all[..]),
        (WireFormat::Cohere, &all[..]),
        (WireFormat::Bedrock, &of_bedrock[..]),
    ] {
        let (_, lost) = sent(Dialect::OpenRouter, &body, format, false);
        let lost: Vec<&str> =
            lost.iter().map(String::as_str).filter(|name| name.contains("cache")).collect();
        assert_eq!(lost, expected, "{format:?}");
    }
}
