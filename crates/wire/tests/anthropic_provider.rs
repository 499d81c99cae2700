//! What an Anthropic provider gets from clients of other formats, and what it may send back.

#![expect(clippy::unwrap_used, reason = "a helper that fails has to stop the test")]

use backstay_core::{
    Error, ErrorCode, WireFormat,
    chat::{ChatEvent, ChatRequest, Message, Part, RecalledBlock, Role, ToolCall},
};
use backstay_wire::{
    Dialect, Loss, ProviderFields, SseParser, StreamDecoder, decode_reply, decode_request,
    encode_request, upstream_error,
};
use bytes::Bytes;
use serde_json::{Value, json};

const FORMAT: WireFormat = WireFormat::Anthropic;
const DIALECT: Dialect = Dialect::Anthropic;
const MODEL: &str = "claude-sonnet-4-5";

fn sent(request: &ChatRequest, model: &str) -> (Value, Vec<String>) {
    let mut loss = Loss::default();
    let body =
        encode_request(FORMAT, request, model, ProviderFields::default(), &mut loss).unwrap();
    (serde_json::from_slice(&body).unwrap(), loss.into_names())
}

fn from_openai(body: Value, model: &str) -> (Value, Vec<String>) {
    let decoded = decode_request(Dialect::OpenAi, body.to_string().as_bytes()).unwrap();
    sent(&decoded.request, model)
}

fn conversation(messages: Vec<Message>) -> Value {
    sent(&ChatRequest { messages, ..ChatRequest::default() }, MODEL).0
}

fn calls(ids: &[&str]) -> Message {
    let call = |id: &&str| {
        Part::ToolCall(ToolCall {
            id: (*id).to_owned(),
            name: "look up".to_owned(),
            arguments: "{\"broken".to_owned(),
            signature: None,
        })
    };
    Message::new(Role::Assistant, ids.iter().map(call).collect())
}

fn result(id: &str) -> Message {
    let parts = vec![Part::Text { text: format!("result of {id}") }];
    let result =
        Part::ToolResult { call_id: id.to_owned(), name: None, parts, is_error: id.is_empty() };
    Message::new(Role::Tool, vec![result])
}

fn read(stream: &str) -> Result<Vec<ChatEvent>, Error> {
    let mut decoder = StreamDecoder::new(FORMAT, "anthropic");
    let mut events = Vec::new();
    for event in SseParser::default().push(stream.as_bytes()).unwrap() {
        match decoder.decode(event)? {
            Some(frame) => events.extend(frame.events),
            None => return Ok(events),
        }
    }
    decoder.finish()?;
    Ok(events)
}

#[test]
fn messages_take_the_order_that_the_interface_demands() {
    let body = conversation(vec![
        Message::text_of(Role::System, "first"),
        Message::text_of(Role::User, "a"),
        Message::text_of(Role::User, ""),
        Message::text_of(Role::User, "b"),
        calls(&["x:1", "y"]),
        Message::text_of(Role::System, "later"),
        Message::new(Role::User, vec![Part::Recalled(RecalledBlock::default())]),
        result("x:1"),
        result("y"),
        Message::text_of(Role::Assistant, "so \n"),
    ]);
    let text = |text: &str| json!({"type": "text", "text": text});
    assert_eq!(body["system"], json!([text("first"), text("later")]));
    let messages = body["messages"].as_array().unwrap();
    let roles: Vec<&Value> = messages.iter().map(|message| &message["role"]).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
    assert_eq!(messages[0]["content"], json!([text("a"), text("b")]));
    let call =
        json!({"type": "tool_use", "id": "x_1", "name": "look_up", "input": {"_raw": "{\"broken"}});
    assert_eq!(messages[1]["content"][0], call);
    let answer = json!({"type": "tool_result", "tool_use_id": "x_1", "content": "result of x:1"});
    assert_eq!(messages[2]["content"][0], answer);
    assert_eq!(messages[2]["content"][1]["tool_use_id"], "y");
    assert!(messages[2]["content"][2]["text"].as_str().unwrap().starts_with("<memory>"));
    assert_eq!(messages[3]["content"], "so", "a prefill stays, without white space at its end");
}

#[test]
fn ids_that_a_server_uses_again_in_every_answer_become_unique() {
    let turn = || [calls(&["call_0"]), result("call_0")];
    let user = Message::text_of(Role::User, "go");
    let body = conversation([vec![user], turn().into(), turn().into()].concat());
    let at = |pointer: &str| body.pointer(pointer).unwrap();
    assert_eq!(at("/messages/1/content/0/id"), "call_0");
    assert_eq!(at("/messages/3/content/0/id"), "call_0_2");
    assert_eq!(at("/messages/4/content/0/tool_use_id"), "call_0_2");
}

#[test]
fn a_conversation_of_unusual_shape_still_begins_with_the_user() {
    let only_system = conversation(vec![Message::text_of(Role::System, "Say hi.")]);
    assert_eq!(only_system["messages"], json!([{"role": "user", "content": "Say hi."}]));
    assert_eq!(only_system.get("system"), None);
    let greeting = conversation(vec![
        Message::text_of(Role::Assistant, "Hello!"),
        Message::text_of(Role::User, "Hi."),
    ]);
    assert_eq!(greeting["messages"][0]["role"], "user");
    assert_eq!(greeting["messages"][1]["content"], "Hello!");
}

#[test]
fn what_backstay_adds_stands_beside_what_an_anthropic_client_wrote() {
    let body = json!({"model": "m", "max_tokens": 9, "stream": true, "new_field": {"a": 1},
    "system": [{"type": "text", "text": "own", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": [{"type": "new_block", "x": 1}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "x"}]}
    ]});
    let mut request = decode_request(DIALECT, body.to_string().as_bytes()).unwrap().request;
    let (same, loss) = sent(&request, "theirs");
    let mut expected = body.clone();
    expected["model"] = json!("theirs");
    assert_eq!((same, loss), (expected, Vec::new()));

    request.messages.insert(1, Message::text_of(Role::System, "added"));
    let recalled = Message::new(Role::User, vec![Part::Recalled(RecalledBlock::default())]);
    request.messages.insert(4, recalled);
    let (with_more, _) = sent(&request, "theirs");
    let system = with_more["system"].as_array().unwrap();
    assert_eq!((system.len(), &system[0]), (2, &body["system"][0]));
    assert_eq!(system[1]["text"], "added");
    assert_eq!(with_more["new_field"], body["new_field"]);
    assert_eq!(with_more["messages"][0], body["messages"][0]);
    let last = with_more["messages"][2]["content"].as_array().unwrap();
    assert_eq!(last[0], body["messages"][2]["content"][0], "results stay first");
    assert!(last[1]["text"].as_str().unwrap().starts_with("<memory>"));
}

#[test]
fn thinking_is_planned_so_that_the_provider_accepts_the_rest() {
    let user = json!([{"role": "user", "content": "hi"}]);
    let ask = |more: Value, model: &str| {
        let mut body = json!({"model": "m", "messages": user, "reasoning_effort": "medium"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        from_openai(body, model)
    };
    let (body, loss) = ask(json!({"temperature": 0.2, "top_k": 4}), MODEL);
    assert_eq!(body["thinking"], json!({"type": "enabled", "budget_tokens": 8192}));
    assert_eq!(body["max_tokens"], 4096 + 8192);
    assert_eq!(loss, ["temperature", "top_k"]);
    let (body, loss) = ask(json!({"max_tokens": 100}), MODEL);
    assert_eq!((body.get("thinking"), body["max_tokens"].as_u64()), (None, Some(100)));
    assert_eq!(loss, ["reasoning_effort"]);
    let tool = json!([{"type": "function", "function": {"name": "f"}}]);
    let (body, loss) = ask(json!({"tools": tool, "tool_choice": "required"}), MODEL);
    assert_eq!((body.get("thinking"), loss), (None, vec!["reasoning_effort".to_owned()]));
    assert_eq!(body["tools"][0]["input_schema"], json!({"type": "object", "properties": {}}));
    let (body, loss) = ask(json!({"temperature": 0.2}), "claude-opus-4-7");
    assert_eq!(body["thinking"], json!({"type": "adaptive", "display": "summarized"}));
    assert_eq!(body["output_config"], json!({"effort": "medium"}));
    assert_eq!(loss, ["temperature"]);
    let answered = json!([{"role": "user", "content": "hi"},
        {"role": "assistant", "content": null, "tool_calls":
            [{"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"role": "tool", "tool_call_id": "c", "content": "x"}]);
    let (body, loss) = ask(json!({"messages": answered}), MODEL);
    assert_eq!((body.get("thinking"), loss), (None, vec!["reasoning_effort".to_owned()]));
    assert_eq!(body["messages"][1]["content"][0]["input"], json!({}));
}

#[test]
fn what_the_interface_cannot_take_is_reported_not_sent() {
    let (body, loss) = from_openai(
        json!({"model": "m", "temperature": 1.7, "top_p": 0.5, "stop": [" ", "END"],
        "response_format": {"type": "json_object"}, "n": 3, "seed": 1, "presence_penalty": 0,
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": "hear"},
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
            {"type": "file", "file": {"file_id": "file-openai"}},
            {"type": "image_url", "image_url": {"url": "data:image/bmp;base64,AA=="}}
        ]}]}),
        MODEL,
    );
    assert_eq!(
        loss,
        [
            "messages.audio",
            "messages.file",
            "messages.image",
            "top_p",
            "temperature",
            "stop",
            "response_format",
            "seed",
            "n"
        ]
    );
    assert_eq!((&body["temperature"], &body["stop_sequences"]), (&json!(1.0), &json!(["END"])));
    assert_eq!(body["messages"][0]["content"], "hear");
}

#[test]
fn an_error_inside_a_stream_is_told_by_its_type() {
    for (kind, code) in [
        ("overloaded_error", ErrorCode::UpstreamOverloaded),
        ("rate_limit_error", ErrorCode::UpstreamRateLimited),
        ("api_error", ErrorCode::UpstreamError),
    ] {
        let event = json!({"type": "error", "error": {"type": kind, "message": "m"}});
        for stream in [format!("event: error\ndata: {event}\n\n"), format!("data: {event}\n\n")] {
            let error = read(&stream).unwrap_err();
            assert_eq!(error.code(), code, "{stream}");
            assert!(error.message().starts_with("anthropic "), "{error}");
        }
        let whole = decode_reply(FORMAT, "anthropic", Bytes::from(event.to_string())).unwrap_err();
        assert_eq!(whole.code(), code);
    }
    let body = br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let error = upstream_error(FORMAT, "anthropic", 529, Some(7_000), body);
    assert_eq!(
        (error.code(), error.retry_after_ms()),
        (ErrorCode::UpstreamOverloaded, Some(7_000))
    );
}

#[test]
fn a_stream_that_stops_before_its_reason_is_broken_and_one_without_terminator_is_not() {
    let opening = "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\"}}\n\n";
    let error = read(opening).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamStreamBroken);
    let end = "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n";
    assert_eq!(read(&format!("{opening}{end}")).unwrap().len(), 2);
}

#[test]
fn odd_events_are_passed_over_and_garbage_is_an_error() {
    let odd = [
        "event: ping\ndata: {\"type\":\"ping\"}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":99,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"x\"}}\n\n",
        "data: {\"type\":\"from_the_future\",\"index\":\"a\"}\n\n",
        "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"refusal\"},\"usage\":null}\n\n",
    ];
    assert_eq!(read(&odd.concat()).unwrap().len(), 1);
    for garbage in ["data: {\"type\":\n\n", "data: 7\n\n", "data: text\n\n"] {
        let error = read(garbage).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UpstreamInvalidResponse, "{garbage}");
    }
    for garbage in ["", "[]", "{}", "<html>", "{\"content\":7}"] {
        assert!(decode_reply(FORMAT, "anthropic", Bytes::from(garbage)).is_err(), "{garbage}");
    }
}

#[test]
fn a_server_that_gives_a_calls_input_at_once_is_understood() {
    let stream = concat!(
        "data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",",
        "\"id\":\"c\",\"name\":\"f\",\"input\":{\"n\":12345678901234567890123}}}\n\n",
        "data: {\"type\":\"content_block_stop\",\"index\":1}\n\n",
        "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"}}\n\n",
    );
    let events = read(stream).unwrap();
    let fragment = "{\"n\":12345678901234567890123}".to_owned();
    assert_eq!(events[1], ChatEvent::ToolCallArguments { choice: 0, index: 0, fragment });
    assert_eq!(events.len(), 3);
}
