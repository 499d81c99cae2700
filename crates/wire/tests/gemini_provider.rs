//! What a Gemini provider gets from clients of other formats, and what it may send back.

#![expect(clippy::unwrap_used, reason = "a helper that fails has to stop the test")]

use backstay_core::{
    Error, ErrorCode, WireFormat,
    chat::{
        ChatEvent, ChatRequest, FinishReason, Media, MediaSource, Message, Part, Role, ToolCall,
    },
};
use backstay_wire::{
    Dialect, Loss, ProviderFields, SseParser, StreamDecoder, decode_reply, decode_request,
    encode_request, upstream_error,
};
use bytes::Bytes;
use serde_json::{Value, json};

const FORMAT: WireFormat = WireFormat::Gemini;

fn sent(request: &ChatRequest, model: &str) -> (Value, Vec<String>) {
    let mut loss = Loss::default();
    let body =
        encode_request(FORMAT, request, model, ProviderFields::default(), &mut loss).unwrap();
    (serde_json::from_slice(&body).unwrap(), loss.into_names())
}

fn conversation(messages: Vec<Message>, model: &str) -> (Value, Vec<String>) {
    sent(&ChatRequest { messages, ..ChatRequest::default() }, model)
}

fn call(id: &str, name: &str, signature: Option<&str>) -> Part {
    Part::ToolCall(ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: String::new(),
        signature: signature.map(str::to_owned),
    })
}

fn result(id: &str, parts: Vec<Part>) -> Part {
    Part::ToolResult { call_id: id.to_owned(), name: None, parts, is_error: false }
}

fn text(text: &str) -> Part {
    Part::Text { text: text.to_owned() }
}

fn image(source: MediaSource) -> Part {
    Part::Image(Media { source, filename: None, detail: None })
}

fn read(stream: &str) -> Result<Vec<ChatEvent>, Error> {
    let mut decoder = StreamDecoder::new(FORMAT, "gemini");
    let mut events = Vec::new();
    for event in SseParser::default().push(stream.as_bytes()).unwrap() {
        events.extend(decoder.decode(event)?.unwrap().events);
    }
    events.extend(decoder.finish()?.unwrap().events);
    Ok(events)
}

#[test]
fn results_follow_their_calls_alone_and_carry_the_functions_name() {
    let png =
        || MediaSource::Base64 { media_type: "image/png".to_owned(), data: "AA==".to_owned() };
    let (body, loss) = conversation(
        vec![
            Message::text_of(Role::System, "be brief"),
            Message::text_of(Role::User, "go"),
            Message::new(Role::Assistant, vec![call("a", "f", None), call("b", "g", None)]),
            Message::new(Role::User, vec![text("meanwhile"), result("a", vec![text("{\"x\":1}")])]),
            Message::new(Role::Tool, vec![result("b", vec![text("seen"), image(png())])]),
            Message::text_of(Role::System, "and kind"),
        ],
        "gemini-2.5-flash",
    );
    assert!(loss.is_empty());
    assert_eq!(
        body["systemInstruction"]["parts"],
        json!([{"text": "be brief"}, {"text": "and kind"}])
    );
    let contents = body["contents"].as_array().unwrap();
    assert_eq!(contents.len(), 4);
    assert_eq!(
        contents[2]["parts"],
        json!([
            {"functionResponse": {"name": "f", "response": {"x": 1}, "id": "a"}},
            {"functionResponse": {"name": "g", "response": {"output": "seen"}, "id": "b"}}
        ])
    );
    let inline = json!({"inlineData": {"mimeType": "image/png", "data": "AA=="}});
    assert_eq!(contents[3]["parts"], json!([{"text": "meanwhile"}, inline]));
}

#[test]
fn calls_of_another_model_get_a_waiver_where_signatures_are_demanded() {
    let history = |signature| {
        vec![
            Message::text_of(Role::User, "go"),
            Message::new(Role::Assistant, vec![call("a", "f", signature), call("b", "f", None)]),
            Message::new(Role::Tool, vec![result("a", vec![]), result("b", vec![])]),
        ]
    };
    let signatures = |signature, model| {
        let (body, _) = conversation(history(signature), model);
        let parts = body["contents"][1]["parts"].as_array().unwrap().clone();
        parts.iter().map(|part| part["thoughtSignature"].clone()).collect::<Vec<_>>()
    };
    let waiver = json!("skip_thought_signature_validator");
    assert_eq!(signatures(None, "gemini-3-flash"), [waiver, Value::Null]);
    assert_eq!(signatures(Some("own"), "gemini-3-flash"), [json!("own"), Value::Null]);
    assert_eq!(signatures(None, "gemini-2.5-flash"), [Value::Null, Value::Null]);
}

#[test]
fn media_go_inline_or_by_reference_and_foreign_files_are_reported() {
    let url = |url: &str| image(MediaSource::Url { url: url.to_owned() });
    let file = |id: &str| image(MediaSource::ProviderFile { id: id.to_owned() });
    let parts = vec![
        url("https://x.org/a.JPG?b=1"),
        url("https://x.org/a"),
        file("files/7"),
        file("file-1"),
    ];
    let (body, loss) = conversation(vec![Message::new(Role::User, parts)], "gemini-2.5-flash");
    assert_eq!(
        body["contents"][0]["parts"],
        json!([
            {"fileData": {"fileUri": "https://x.org/a.JPG?b=1", "mimeType": "image/jpeg"}},
            {"fileData": {"fileUri": "https://x.org/a"}},
            {"fileData": {"fileUri": "files/7"}}
        ])
    );
    assert_eq!(loss, ["messages.image"]);
}

#[test]
fn losses_are_named_as_the_client_wrote_them() {
    let openai = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "user": "u",
        "stop": ["1", "2", "3", "4", "5", "6"], "seed": 4_294_967_296_u64, "logprobs": true,
        "tools": [{"type": "function", "function": {"name": "a b", "strict": true}}],
        "parallel_tool_calls": false, "tool_choice": "none", "unknown": 1});
    let request = decode_request(Dialect::OpenAi, openai.to_string().as_bytes()).unwrap().request;
    let (body, loss) = sent(&request, "gemini-2.5-flash");
    assert_eq!(
        loss,
        [
            "unknown",
            "tools[0].function.name",
            "tools[0].function.strict",
            "stop",
            "seed",
            "parallel_tool_calls",
            "logprobs",
            "user"
        ]
    );
    assert_eq!(body["generationConfig"]["stopSequences"].as_array().unwrap().len(), 5);
    assert_eq!(body["toolConfig"]["functionCallingConfig"]["mode"], "NONE");
    assert_eq!(body["tools"][0]["functionDeclarations"][0], json!({"name": "a_b"}));
    let anthropic = json!({"model": "m", "max_tokens": 1, "metadata": {"user_id": "u"},
        "messages": [{"role": "user", "content": "hi"}], "thinking": {"type": "disabled"}});
    let request = decode_request(Dialect::Anthropic, anthropic.to_string().as_bytes()).unwrap();
    assert_eq!(sent(&request.request, "gemini-3-pro").1, ["thinking", "metadata.user_id"]);
}

#[test]
fn a_conversation_of_instructions_alone_is_what_the_user_says() {
    let (body, _) = conversation(vec![Message::text_of(Role::System, "Say hi.")], "gemini-2.5-pro");
    assert_eq!(body, json!({"contents": [{"role": "user", "parts": [{"text": "Say hi."}]}]}));
}

#[test]
fn the_reason_waits_for_the_end_because_calls_may_still_come() {
    let stream = concat!(
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"finishReason\":\"STOP\"}]}\r\n\r\n",
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\"}}]},\"finishReason\":\"STOP\"}]}\r\n\r\n",
    );
    let events = read(stream).unwrap();
    let fragment = "{}".to_owned();
    assert_eq!(events[3], ChatEvent::ToolCallArguments { choice: 0, index: 0, fragment });
    assert!(matches!(&events[2], ChatEvent::ToolCallStarted { id, .. } if id == "call_0_0"));
    let native = Some("STOP".to_owned());
    let finished = ChatEvent::Finished { choice: 0, reason: FinishReason::ToolCalls, native };
    assert_eq!((events.len(), events.last()), (5, Some(&finished)));
}

#[test]
fn every_reason_has_a_neutral_word() {
    for (word, reason) in [
        ("STOP", FinishReason::Stop),
        ("MAX_TOKENS", FinishReason::Length),
        ("SAFETY", FinishReason::ContentFilter),
        ("PROHIBITED_CONTENT", FinishReason::ContentFilter),
        ("MALFORMED_FUNCTION_CALL", FinishReason::Other("malformed_function_call".to_owned())),
    ] {
        let body = json!({"candidates": [{"finishReason": word}]}).to_string();
        let frame = decode_reply(FORMAT, "gemini", Bytes::from(body)).unwrap();
        let native = Some(word.to_owned());
        assert_eq!(frame.events.last(), Some(&ChatEvent::Finished { choice: 0, reason, native }));
    }
}

#[test]
fn a_stream_without_a_reason_is_broken_and_an_error_in_it_is_told() {
    let opening = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n\n";
    assert_eq!(read(opening).unwrap_err().code(), ErrorCode::UpstreamStreamBroken);
    assert_eq!(read("").unwrap_err().code(), ErrorCode::UpstreamStreamBroken);
    for (status, code) in [
        ("UNAVAILABLE", ErrorCode::UpstreamOverloaded),
        ("RESOURCE_EXHAUSTED", ErrorCode::UpstreamRateLimited),
        ("INTERNAL", ErrorCode::UpstreamError),
    ] {
        let error = json!({"error": {"code": 500, "message": "m", "status": status}});
        let failed = read(&format!("{opening}data: {error}\n\n")).unwrap_err();
        assert_eq!(failed.code(), code, "{status}");
        let whole = Bytes::from(format!("[{error}]"));
        assert_eq!(decode_reply(FORMAT, "gemini", whole).unwrap_err().code(), code, "{status}");
    }
    let body =
        br#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}"#;
    let error = upstream_error(FORMAT, "gemini", 400, None, body);
    assert_eq!(error.code(), ErrorCode::UpstreamAuthentication);
}

#[test]
fn garbage_is_an_error_and_never_a_panic() {
    for garbage in ["", "[]", "{}", "text", "{\"candidates\":[]}", "{\"candidates\":7}"] {
        assert!(decode_reply(FORMAT, "gemini", Bytes::from(garbage)).is_err(), "{garbage}");
        assert!(read(&format!("data: {garbage}\n\n")).is_err(), "{garbage}");
    }
}
