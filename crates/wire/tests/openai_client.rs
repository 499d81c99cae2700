//! What an OpenAI client may send, and what it reads when it sends something wrong.

#![expect(clippy::unwrap_used, reason = "a helper that fails has to stop the test")]

use backstay_core::{
    ErrorCode, WireFormat,
    chat::{ChatRequest, MediaSource, Part, Role, Tool},
};
use backstay_wire::{Dialect, Loss, ProviderFields, decode_request, encode_request};
use serde_json::{Value, json};

fn decode(body: &Value) -> backstay_core::Result<ChatRequest> {
    decode_request(Dialect::OpenAi, body.to_string().as_bytes()).map(|decoded| decoded.request)
}

fn with_message(message: Value) -> Value {
    json!({"model": "m", "messages": [message]})
}

fn with_part(part: Value) -> Value {
    with_message(json!({"role": "user", "content": [part]}))
}

fn to_openai(request: &ChatRequest) -> Value {
    let mut loss = Loss::default();
    let body = encode_request(
        WireFormat::OpenAi,
        request,
        "upstream-name",
        ProviderFields::default(),
        &mut loss,
    )
    .unwrap();
    assert!(loss.is_empty(), "{loss:?}");
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn a_mistake_is_reported_with_its_place() {
    let message = json!({"role": "user", "content": "hi"});
    let cases = [
        (json!({"messages": [message]}), "model"),
        (json!({"model": "m"}), "messages"),
        (json!({"model": "m", "messages": []}), "messages"),
        (json!({"model": "m", "messages": "hi"}), "messages"),
        (with_message(json!({"content": "hi"})), "messages[0].role"),
        (with_message(json!({"role": "robot", "content": "hi"})), "messages[0].role"),
        (with_message(json!({"role": "function", "content": "hi"})), "messages[0].role"),
        (with_message(json!({"role": "user", "content": 7})), "messages[0].content"),
        (with_message(json!({"role": "user"})), "messages[0].content"),
        (with_message(json!({"role": "tool", "content": "hi"})), "messages[0].tool_call_id"),
        (with_part(json!("hi")), "messages[0].content[0]"),
        (with_part(json!({"text": "hi"})), "messages[0].content[0].type"),
        (with_part(json!({"type": "text"})), "messages[0].content[0].text"),
        (
            with_part(json!({"type": "image_url", "image_url": {"url": "data:image/png,x"}})),
            "messages[0].content[0].image_url.url",
        ),
        (with_part(json!({"type": "file", "file": {}})), "messages[0].content[0].file"),
        (
            with_message(json!({"role": "assistant", "tool_calls": [{"id": "c", "function": {}}]})),
            "messages[0].tool_calls[0].function.name",
        ),
        (json!({"model": "m", "messages": [message], "temperature": "hot"}), "temperature"),
        (json!({"model": "m", "messages": [message], "max_tokens": -1}), "max_tokens"),
        (json!({"model": "m", "messages": [message], "n": 0}), "n"),
        (json!({"model": "m", "messages": [message], "stop": ["a", 1]}), "stop[1]"),
        (json!({"model": "m", "messages": [message], "functions": []}), "functions"),
        (
            json!({"model": "m", "messages": [message], "tools": [{"type": "function"}]}),
            "tools[0].function",
        ),
        (json!({"model": "m", "messages": [message], "tool_choice": "any"}), "tool_choice"),
        (
            json!({"model": "m", "messages": [message], "response_format": {"type": "json_schema"}}),
            "response_format.json_schema",
        ),
        (
            json!({"model": "m", "messages": [message], "reasoning_effort": "low",
                "reasoning": {"effort": "high"}}),
            "reasoning.effort",
        ),
    ];
    for (body, place) in cases {
        let error = decode(&body).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest, "{body}");
        assert_eq!(error.parameter(), Some(place), "{body}: {error}");
        assert!(error.message().contains(place), "{error}");
    }
}

#[test]
fn a_body_that_is_not_json_says_where_it_breaks() {
    let error = decode_request(Dialect::OpenAi, b"{\"model\": \"m\",\n oops}").unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidJson);
    assert!(error.message().contains("line 2"), "{error}");
    assert!(decode_request(Dialect::OpenAi, b"[]").is_err());
}

#[test]
fn parts_of_another_interface_are_refused_by_name() {
    let error = decode(&with_part(json!({"type": "tool_result", "tool_use_id": "x"}))).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnsupportedContent);
    assert_eq!(error.parameter(), Some("messages[0].content[0].type"));
    assert!(error.message().contains("role `tool`"), "{error}");
}

#[test]
fn what_backstay_does_not_know_reaches_an_openai_provider_unchanged() {
    let body = json!({
        "model": "m",
        "messages": [
            {"role": "developer", "content": "be brief", "name": "ops"},
            {"role": "user", "content": [
                {"type": "video_url", "video_url": {"url": "https://example.com/v.mp4"}},
                {"type": "text", "text": "what is this?", "cache_control": {"type": "ephemeral"}},
            ]},
        ],
        "max_completion_tokens": 5,
        "prediction": {"type": "content", "content": "x"},
        "tools": [{"type": "web_search_preview"}],
        "stream": true,
        "stream_options": {"include_obfuscation": false},
    });
    let request = decode(&body).unwrap();
    assert_eq!(request.messages[0].role, Role::System);
    assert!(matches!(&request.tools[0], Tool::Provider { .. }));
    let uninterpreted = &request.origin.as_ref().unwrap().uninterpreted;
    assert_eq!(uninterpreted, &["prediction", "messages[1].content[0] (video_url)"]);
    let mut expected = body;
    expected["model"] = json!("upstream-name");
    expected["stream_options"] = json!({"include_obfuscation": false, "include_usage": true});
    assert_eq!(to_openai(&request), expected);
}

#[test]
fn a_plain_call_carries_no_stream_fields() {
    let mut body = with_message(json!({"role": "user", "content": "hi"}));
    body["stream"] = json!(false);
    body["stream_options"] = Value::Null;
    let sent = to_openai(&decode(&body).unwrap());
    assert_eq!(sent, json!({"model": "upstream-name", "messages": body["messages"]}));
}

#[test]
fn a_message_of_only_unknown_parts_is_refused_where_it_would_arrive_empty() {
    let request = decode(&with_part(json!({"type": "video_url", "video_url": {}}))).unwrap();
    let error = encode_request(
        WireFormat::Gemini,
        &request,
        "m",
        ProviderFields::default(),
        &mut Loss::default(),
    )
    .unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnsupportedContent);
    assert_eq!(error.parameter(), Some("messages[0].content"));
    assert!(error.message().contains("video_url"), "{error}");
}

#[test]
fn media_are_read_from_urls_data_urls_and_uploads() {
    let source = |part: Value| match decode(&with_part(part)).unwrap().messages[0].parts[0].clone()
    {
        Part::Image(media) | Part::File(media) | Part::Audio(media) => media.source,
        other => panic!("{other:?}"),
    };
    let base64 = |media_type: &str| MediaSource::Base64 {
        media_type: media_type.to_owned(),
        data: "QQ==".to_owned(),
    };
    let url = "https://example.com/a.png";
    assert_eq!(
        source(json!({"type": "image_url", "image_url": {"url": url, "detail": "low"}})),
        MediaSource::Url { url: url.to_owned() }
    );
    assert_eq!(
        source(json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}})),
        base64("image/png")
    );
    assert_eq!(
        source(json!({"type": "file", "file": {"file_data": "QQ==", "filename": "a.txt"}})),
        base64("text/plain")
    );
    assert_eq!(
        source(json!({"type": "file", "file": {"file_id": "file-1"}})),
        MediaSource::ProviderFile { id: "file-1".to_owned() }
    );
    assert_eq!(
        source(json!({"type": "input_audio", "input_audio": {"data": "QQ==", "format": "mp3"}})),
        base64("audio/mpeg")
    );
}

#[test]
fn a_tool_result_knows_the_name_of_its_tool() {
    let body = json!({"model": "m", "messages": [
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"},
             "extra_content": {"google": {"thought_signature": "sig"}}},
        ]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ]});
    let messages = decode(&body).unwrap().messages;
    assert!(matches!(&messages[0].parts[0],
        Part::ToolCall(call) if call.signature.as_deref() == Some("sig")));
    assert!(matches!(&messages[1].parts[0],
        Part::ToolResult { name: Some(name), .. } if name == "weather"));
}
