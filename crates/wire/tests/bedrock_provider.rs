//! What a Bedrock provider gets from clients of other formats, and what it may send back.

#![expect(clippy::unwrap_used, reason = "a helper that fails has to stop the test")]

use backstay_core::{
    ErrorCode, WireFormat,
    chat::{
        ChatEvent, ChatRequest, FinishReason, Media, MediaSource, Message, Part, Reasoning, Role,
        Tool, ToolCall, ToolChoice,
    },
};
use backstay_wire::{
    Dialect, Loss, ProviderFields, SseEvent, StreamDecoder, decode_reply, decode_request,
    encode_request, upstream_error,
};
use bytes::Bytes;
use serde_json::{Value, json};

const FORMAT: WireFormat = WireFormat::Bedrock;
const CLAUDE: &str = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0";

fn sent(request: &ChatRequest, model: &str) -> (Value, Vec<String>) {
    let mut loss = Loss::default();
    let body =
        encode_request(FORMAT, request, model, ProviderFields::default(), &mut loss).unwrap();
    (serde_json::from_slice(&body).unwrap(), loss.into_names())
}

fn conversation(messages: Vec<Message>) -> Value {
    sent(&ChatRequest { messages, ..ChatRequest::default() }, CLAUDE).0
}

fn user(text: &str) -> ChatRequest {
    ChatRequest { messages: vec![Message::text_of(Role::User, text)], ..ChatRequest::default() }
}

fn call(id: &str, name: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: String::new(),
        signature: None,
    })
}

fn result(id: &str) -> Part {
    Part::ToolResult { call_id: id.to_owned(), name: None, parts: vec![], is_error: false }
}

fn event(name: &str, data: Value) -> SseEvent {
    SseEvent { event: Some(name.to_owned()), data: data.to_string(), raw: Bytes::new() }
}

#[test]
fn roles_alternate_and_the_user_begins() {
    let body = conversation(vec![
        Message::text_of(Role::System, "be brief"),
        Message::text_of(Role::Assistant, "hello"),
        Message::text_of(Role::User, "a"),
        Message::text_of(Role::System, "and kind"),
        Message::text_of(Role::User, "  "),
        Message::text_of(Role::User, "b"),
    ]);
    assert_eq!(body["system"], json!([{"text": "be brief"}, {"text": "and kind"}]));
    let messages = body["messages"].as_array().unwrap();
    let roles: Vec<_> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "user"]);
    assert_eq!(messages[2]["content"], json!([{"text": "a"}, {"text": "b"}]));
    let only = conversation(vec![Message::text_of(Role::System, "Say hi.")]);
    assert_eq!(only["messages"], json!([{"role": "user", "content": [{"text": "Say hi."}]}]));
}

#[test]
fn tools_that_a_conversation_called_are_named_when_the_client_does_not() {
    let history = vec![
        Message::text_of(Role::User, "go"),
        Message::new(Role::Assistant, vec![call("functions.f:0", "ns.f")]),
        Message::new(Role::Tool, vec![result("functions.f:0")]),
    ];
    let mut request = ChatRequest { messages: history, ..ChatRequest::default() };
    let (body, _) = sent(&request, CLAUDE);
    assert_eq!(body["toolConfig"]["tools"][0]["toolSpec"]["name"], "ns_f");
    let used = &body["messages"][1]["content"][0]["toolUse"];
    let answered = &body["messages"][2]["content"][0]["toolResult"];
    assert_eq!((&used["toolUseId"], &used["input"]), (&json!("functions_f_0"), &json!({})));
    assert_eq!(answered["toolUseId"], "functions_f_0");
    assert_eq!(answered["content"], json!([{"text": "(no output)"}]));
    request.tools = vec![Tool::Function {
        name: "g".to_owned(),
        description: Some(String::new()),
        parameters: None,
        strict: Some(true),
    }];
    request.tool_choice = Some(ToolChoice::None);
    let (body, lost) = sent(&request, CLAUDE);
    assert_eq!(lost, ["tool_choice"]);
    let spec = &body["toolConfig"]["tools"][0]["toolSpec"];
    assert_eq!(
        spec,
        &json!({"name": "g", "inputSchema": {"json": {"type": "object"}}, "strict": true})
    );
    request.messages.truncate(1);
    let (body, lost) = sent(&request, CLAUDE);
    assert!(body.get("toolConfig").is_none() && lost.is_empty(), "no tools, no calls");
}

#[test]
fn what_a_client_marks_for_the_cache_is_marked_where_the_model_caches() {
    let marked = json!([{"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}]);
    let body = json!({"model": "m", "max_tokens": 9, "system": marked,
        "messages": [{"role": "user", "content": marked}]});
    let decoded = decode_request(Dialect::Anthropic, body.to_string().as_bytes()).unwrap();
    let point = json!([{"text": "long"}, {"cachePoint": {"type": "default"}}]);
    let (body, _) = sent(&decoded.request, CLAUDE);
    assert_eq!((&body["system"], &body["messages"][0]["content"]), (&point, &point));
    let (body, _) = sent(&decoded.request, "meta.llama3-70b-instruct-v1:0");
    assert_eq!(body["messages"][0]["content"], json!([{"text": "long"}]));
}

#[test]
fn media_travel_as_bytes_and_a_document_with_a_text() {
    let media = |source| Media { source, filename: Some("my_plan.pdf".to_owned()), detail: None };
    let bytes = |media_type: &str| MediaSource::Base64 {
        media_type: media_type.to_owned(),
        data: "AA==".to_owned(),
    };
    let url = MediaSource::Url { url: "https://x.org/a.png".to_owned() };
    let parts = vec![
        Part::File(media(bytes("application/pdf"))),
        Part::File(media(bytes("image/webp"))),
        Part::Image(media(url)),
        Part::Audio(media(bytes("audio/wav"))),
    ];
    let request =
        ChatRequest { messages: vec![Message::new(Role::User, parts)], ..ChatRequest::default() };
    let (body, lost) = sent(&request, CLAUDE);
    let content = body["messages"][0]["content"].as_array().unwrap();
    assert_eq!(content[0]["document"]["name"], "my plan");
    assert_eq!(content[1]["image"]["format"], "webp");
    assert!(content[2]["text"].is_string(), "{content:?}");
    assert_eq!(lost, ["messages.image", "messages.audio"]);
}

#[test]
fn what_only_one_family_has_goes_into_the_additional_fields() {
    let effort = Reasoning { effort: Some("low".to_owned()), ..Reasoning::default() };
    let mut request = ChatRequest { reasoning: Some(effort), ..user("go") };
    request.parameters.temperature = Some(0.5);
    let (body, lost) = sent(&request, CLAUDE);
    let thinking = json!({"type": "enabled", "budget_tokens": 2048});
    assert_eq!(body["additionalModelRequestFields"], json!({"thinking": thinking}));
    assert_eq!(body["inferenceConfig"], json!({"maxTokens": 6144}));
    assert_eq!(lost, ["temperature"]);
    request.parameters.top_k = Some(9);
    let (body, lost) = sent(&request, "us.amazon.nova-2-lite-v1:0");
    assert_eq!(
        body["additionalModelRequestFields"],
        json!({"inferenceConfig": {"topK": 9},
            "reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}})
    );
    assert!(lost.is_empty());
    let (body, lost) = sent(&request, "openai.gpt-oss-120b-1:0");
    assert_eq!(body["additionalModelRequestFields"], json!({"reasoning_effort": "low"}));
    assert_eq!(lost, ["top_k"]);
    let (body, lost) = sent(&request, "meta.llama3-70b-instruct-v1:0");
    assert!(body.get("additionalModelRequestFields").is_none());
    assert_eq!(lost, ["top_k", "reasoning"]);
}

#[test]
fn a_stream_ends_when_it_says_why_and_its_exceptions_are_told() {
    let mut decoder = StreamDecoder::new(FORMAT, "bedrock");
    decoder.decode(event("messageStart", json!({"role": "assistant"}))).unwrap();
    assert_eq!(decoder.finish().unwrap_err().code(), ErrorCode::UpstreamStreamBroken);
    let stop = event("messageStop", json!({"stopReason": "guardrail_intervened"}));
    let events = decoder.decode(stop).unwrap().unwrap().events;
    let reason = FinishReason::ContentFilter;
    let native = Some("guardrail_intervened".to_owned());
    assert_eq!(events, [ChatEvent::Finished { choice: 0, reason, native }]);
    let usage = json!({"usage": {"inputTokens": 3, "outputTokens": 4}});
    let events = decoder.decode(event("metadata", usage)).unwrap().unwrap().events;
    assert!(matches!(&events[0], ChatEvent::Usage(usage) if usage.total_tokens() == 7));
    assert!(decoder.finish().unwrap().is_none());
    for (name, code) in [
        ("throttlingException", ErrorCode::UpstreamRateLimited),
        ("serviceUnavailableException", ErrorCode::UpstreamOverloaded),
        ("validationException", ErrorCode::UpstreamRejected),
        ("modelStreamErrorException", ErrorCode::UpstreamError),
    ] {
        let failed = decoder.decode(event(name, json!({"message": "m"}))).unwrap_err();
        assert_eq!(failed.code(), code, "{name}");
        assert!(failed.message().contains("bedrock"), "{failed}");
    }
    let error = upstream_error(
        FORMAT,
        "bedrock",
        400,
        None,
        br#"{"message":"Input is too long for requested model."}"#,
    );
    assert_eq!(error.code(), ErrorCode::UpstreamContextLength);
}

#[test]
fn garbage_is_an_error_and_never_a_panic() {
    for garbage in ["", "[]", "{}", "text", "{\"output\":{}}", "{\"output\":7}"] {
        assert!(decode_reply(FORMAT, "bedrock", Bytes::from(garbage)).is_err(), "{garbage}");
    }
    let mut decoder = StreamDecoder::new(FORMAT, "bedrock");
    let broken =
        SseEvent { event: Some("metadata".to_owned()), data: "{".to_owned(), raw: Bytes::new() };
    assert_eq!(decoder.decode(broken).unwrap_err().code(), ErrorCode::UpstreamInvalidResponse);
    let unknown = decoder.decode(event("somethingNew", json!({"a": 1}))).unwrap().unwrap();
    assert!(unknown.events.is_empty());
}
