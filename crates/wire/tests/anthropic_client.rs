//! What an Anthropic client sends, and the whole answers and errors that it reads.

#![expect(clippy::unwrap_used, reason = "a helper that fails has to stop the test")]

use backstay_core::{
    Error, ErrorCode, WireFormat,
    chat::{ChatEvent, ChatRequest, Collector, MediaSource, Part, Role, Tool},
};
use backstay_wire::{
    Dialect, EncodeOptions, Loss, ProviderFields, decode_request, encode_error, encode_reply,
    encode_request,
};
use serde_json::{Value, json};

const FORMAT: WireFormat = WireFormat::Anthropic;
const DIALECT: Dialect = Dialect::Anthropic;

fn request(body: Value) -> Result<ChatRequest, Error> {
    decode_request(DIALECT, body.to_string().as_bytes()).map(|decoded| decoded.request)
}

fn sent_to(format: WireFormat, request: &ChatRequest) -> (Value, Vec<String>) {
    let mut loss = Loss::default();
    let body = encode_request(format, request, "m", ProviderFields::default(), &mut loss).unwrap();
    (serde_json::from_slice(&body).unwrap(), loss.into_names())
}

#[test]
fn an_error_has_anthropics_type_and_our_code() {
    for (code, kind) in [
        (ErrorCode::InvalidRequest, "invalid_request_error"),
        (ErrorCode::InvalidKey, "authentication_error"),
        (ErrorCode::ModelNotFound, "not_found_error"),
        (ErrorCode::BodyTooLarge, "request_too_large"),
        (ErrorCode::UpstreamRateLimited, "rate_limit_error"),
        (ErrorCode::UpstreamOverloaded, "overloaded_error"),
        (ErrorCode::IdleTimeout, "timeout_error"),
        (ErrorCode::UpstreamError, "api_error"),
        (ErrorCode::Internal, "api_error"),
    ] {
        let body = encode_error(DIALECT, &Error::new(code, "m").with_parameter("p"), "req_1");
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body["type"], &body["request_id"]), (&json!("error"), &json!("req_1")));
        let said = json!({"type": kind, "message": "m", "code": code.as_str(), "param": "p"});
        assert_eq!(body["error"], said);
    }
}

#[test]
fn what_a_gemini_model_wrote_for_this_client_survives_its_way_back() {
    let mut collector = Collector::default();
    let signed = ChatEvent::ToolCallStarted {
        choice: 0,
        index: 0,
        id: "c".to_owned(),
        name: "f".to_owned(),
        signature: Some("sig".to_owned()),
    };
    let thought = ChatEvent::Reasoning { choice: 0, text: "hm".to_owned() };
    [thought, signed].iter().for_each(|event| collector.push(event));
    let reply = encode_reply(DIALECT, &[], &collector.finish(), &EncodeOptions::default(), None);
    let reply: Value = serde_json::from_slice(&reply).unwrap();
    let request = request(json!({"model": "m", "max_tokens": 5, "messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": reply["content"]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "x"}]}
    ]}));
    let request = request.unwrap();
    let (gemini, _) = sent_to(WireFormat::Gemini, &request);
    assert_eq!(gemini["contents"][1]["parts"][0]["thoughtSignature"], "sig");
    // Anthropic refuses thinking that it did not sign and members that it does not know.
    let (anthropic, _) = sent_to(FORMAT, &request);
    let calls = json!([{"type": "tool_use", "id": "c", "name": "f", "input": {}}]);
    assert_eq!(anthropic["messages"][1]["content"], calls);
}

#[test]
fn a_clients_request_means_what_it_says() {
    let body = include_bytes!("golden/requests/anthropic.provider_tools.json");
    let request = decode_request(DIALECT, body).unwrap().request;
    assert_eq!(request.messages[0].role, Role::System);
    let Part::File(notes) = &request.messages[1].parts[0] else { panic!("no file") };
    assert_eq!(notes.filename.as_deref(), Some("notes"));
    assert!(
        matches!(&notes.source, MediaSource::Base64 { data, .. } if data == "QWRhIGlzIDM2Lg==")
    );
    let Part::ToolResult { name, parts, .. } = &request.messages[3].parts[0] else {
        panic!("no result")
    };
    assert_eq!((name.as_deref(), parts.len()), (Some("check"), 1));
    assert!(matches!(request.tools[1], Tool::Provider { format: FORMAT, .. }));
    let reasoning = request.reasoning.unwrap();
    assert_eq!((reasoning.enabled, reasoning.effort.as_deref()), (Some(true), Some("medium")));
}

#[test]
fn a_mistake_names_its_place_and_the_way_out() {
    let user = json!([{"role": "user", "content": "hi"}]);
    let with_block = |block: Value| json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [block]}]});
    let cases = [
        (json!({"model": "m", "messages": user}), "max_tokens", "for example 1024"),
        (json!({"model": "m", "messages": user, "max_tokens": 0}), "max_tokens", "at least 1"),
        (json!({"messages": user, "max_tokens": 1}), "model", "required"),
        (json!({"model": "m", "max_tokens": 1}), "messages", "required"),
        (json!({"model": "m", "max_tokens": 1, "messages": []}), "messages", "at least one"),
        (
            json!({"model": "m", "max_tokens": 1, "messages": [{"role": "tool", "content": "x"}]}),
            "messages[0].role",
            "blocks of a user message",
        ),
        (
            with_block(json!({"type": "image_url", "image_url": {"url": "x"}})),
            "messages[0].content[0].type",
            "here it is \"image\"",
        ),
        (
            with_block(json!({"type": "image", "source": {"type": "path"}})),
            "messages[0].content[0].source.type",
            "base64, url or file",
        ),
        (
            json!({"model": "m", "max_tokens": 1, "messages": user, "thinking": {"type": "enabled"}}),
            "thinking.budget_tokens",
            "required",
        ),
        (
            json!({"model": "m", "max_tokens": 1, "messages": user, "tool_choice": {"type": "x"}}),
            "tool_choice.type",
            "auto, any, tool or none",
        ),
        (
            json!({"model": "m", "max_tokens": 1, "messages": user,
                "tools": [{"type": "custom", "function": {"name": "f"}}]}),
            "tools[0].function",
            "input_schema",
        ),
    ];
    for (body, parameter, hint) in cases {
        let error = request(body).unwrap_err();
        assert_eq!(error.parameter(), Some(parameter), "{error}");
        assert!(error.message().contains(hint), "{error}");
    }
}
