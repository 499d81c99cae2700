//! What a Cohere provider gets from clients of other formats, and what it may send back.

#![expect(clippy::unwrap_used, reason = "a helper that fails has to stop the test")]

use backstay_core::{
    Error, ErrorCode, WireFormat,
    chat::{
        ChatEvent, ChatRequest, FinishReason, Message, Part, Reasoning, ResponseFormat, Role, Tool,
        ToolChoice,
    },
};
use backstay_wire::{
    Dialect, Loss, ProviderFields, SseParser, StreamDecoder, decode_reply, decode_request,
    encode_request, upstream_error,
};
use bytes::Bytes;
use serde_json::{Value, json};

const FORMAT: WireFormat = WireFormat::Cohere;

fn sent(request: &ChatRequest) -> (Value, Vec<String>) {
    let mut loss = Loss::default();
    let body =
        encode_request(FORMAT, request, "command-a", ProviderFields::default(), &mut loss).unwrap();
    (serde_json::from_slice(&body).unwrap(), loss.into_names())
}

fn user(text: &str) -> ChatRequest {
    ChatRequest { messages: vec![Message::text_of(Role::User, text)], ..ChatRequest::default() }
}

fn tool(name: &str, strict: Option<bool>) -> Tool {
    Tool::Function { name: name.to_owned(), description: None, parameters: None, strict }
}

fn read(stream: &str) -> Result<Vec<ChatEvent>, Error> {
    let mut decoder = StreamDecoder::new(FORMAT, "cohere");
    let mut events = Vec::new();
    for event in SseParser::default().push(stream.as_bytes()).unwrap() {
        match decoder.decode(event)? {
            Some(frame) => events.extend(frame.events),
            None => return Ok(events),
        }
    }
    events.extend(decoder.finish()?.map(|frame| frame.events).unwrap_or_default());
    Ok(events)
}

fn end(reason: &str) -> String {
    let event = json!({"type": "message-end", "delta": {"finish_reason": reason}});
    format!("event: message-end\ndata: {event}\n\n")
}

#[test]
fn a_named_tool_is_the_only_one_that_is_offered() {
    let mut request = user("go");
    request.tools = vec![tool("a", Some(true)), tool("b", None)];
    request.tool_choice = Some(ToolChoice::Named("b".to_owned()));
    let (body, lost) = sent(&request);
    assert_eq!(body["tools"].as_array().unwrap().len(), 1);
    assert_eq!(body["tools"][0]["function"]["name"], "b");
    assert_eq!((&body["tool_choice"], body.get("strict_tools")), (&json!("REQUIRED"), None));
    assert!(lost.is_empty(), "{lost:?}");
    request.tool_choice = Some(ToolChoice::None);
    let (body, lost) = sent(&request);
    assert_eq!(body["tool_choice"], "NONE");
    assert_eq!(lost, ["tools[0].function.strict"]);
}

#[test]
fn a_form_gives_way_to_tools_and_penalties_are_fitted() {
    let mut request = user("go");
    request.response_format = Some(ResponseFormat::JsonObject);
    assert_eq!(sent(&request).0["response_format"], json!({"type": "json_object"}));
    request.tools = vec![tool("a", None)];
    request.parameters.presence_penalty = Some(-0.5);
    request.parameters.stop = (0..6).map(|n| n.to_string()).collect();
    let (body, lost) = sent(&request);
    assert!(body.get("response_format").is_none());
    assert_eq!(body["presence_penalty"], 0.0);
    assert_eq!(body["stop_sequences"].as_array().unwrap().len(), 5);
    assert_eq!(lost, ["stop", "presence_penalty", "response_format"]);
}

#[test]
fn thinking_is_on_off_or_has_a_budget() {
    let thinking = |reasoning: Reasoning| {
        let (body, lost) = sent(&ChatRequest { reasoning: Some(reasoning), ..user("go") });
        (body["thinking"].clone(), lost.len())
    };
    let effort = |word: &str| Reasoning { effort: Some(word.to_owned()), ..Reasoning::default() };
    assert_eq!(thinking(effort("none")), (json!({"type": "disabled"}), 0));
    assert_eq!(thinking(effort("high")), (json!({"type": "enabled"}), 1));
    let budget = Reasoning { budget_tokens: Some(9), ..Reasoning::default() };
    assert_eq!(thinking(budget), (json!({"type": "enabled", "token_budget": 9}), 0));
}

#[test]
fn results_follow_their_calls_and_their_images_are_the_users() {
    let png = json!({"type": "base64", "media_type": "image/png", "data": "AA=="});
    let body = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}}]},
        {"role": "user", "content": [
            {"type": "text", "text": "meanwhile"},
            {"type": "tool_result", "tool_use_id": "t", "is_error": true, "content": [
                {"type": "text", "text": "seen"}, {"type": "image", "source": png}]}]}]});
    let decoded = decode_request(Dialect::Anthropic, body.to_string().as_bytes()).unwrap();
    let (body, lost) = sent(&decoded.request);
    let messages = body["messages"].as_array().unwrap();
    assert_eq!(messages[1]["tool_plan"], "I look.");
    assert_eq!(messages[2], json!({"role": "tool", "tool_call_id": "t", "content": "seen"}));
    assert_eq!(messages[3]["content"][1]["image_url"]["url"], "data:image/png;base64,AA==");
    assert_eq!(lost, ["tool_result.is_error"]);
}

#[test]
fn thoughts_of_another_model_are_not_sent() {
    let thought = Part::Reasoning { text: "hm".to_owned(), signature: None, redacted: None };
    let mut request = user("go");
    request.messages.push(Message::new(Role::Assistant, vec![thought]));
    request.messages.push(Message::text_of(Role::User, "on"));
    let (body, lost) = sent(&request);
    assert_eq!(body["messages"].as_array().unwrap().len(), 2);
    assert!(lost.is_empty());
}

#[test]
fn a_stream_without_its_end_is_broken_and_a_failure_in_it_is_told() {
    let opening = "data: {\"type\":\"message-start\",\"id\":\"i\"}\n\n";
    assert_eq!(read(opening).unwrap_err().code(), ErrorCode::UpstreamStreamBroken);
    let whole = read(&format!("{opening}{}", end("STOP_SEQUENCE"))).unwrap();
    let native = Some("STOP_SEQUENCE".to_owned());
    let finished = ChatEvent::Finished { choice: 0, reason: FinishReason::Stop, native };
    assert_eq!(whole.last(), Some(&finished));
    let failed = read(&format!("{opening}{}", end("ERROR"))).unwrap_err();
    assert_eq!(failed.code(), ErrorCode::UpstreamError);
    let said = read(&format!("{opening}data: {{\"message\":\"it broke\"}}\n\n")).unwrap_err();
    assert!(said.message().contains("cohere failed: it broke"), "{said}");
    let message = br#"{"message":"too many tokens: total number of tokens cannot exceed 4096"}"#;
    let error = upstream_error(FORMAT, "cohere", 400, None, message);
    assert_eq!(error.code(), ErrorCode::UpstreamContextLength);
}

#[test]
fn garbage_is_an_error_and_never_a_panic() {
    for garbage in ["", "[]", "{}", "text", "{\"message\":7}", "{\"message\":{\"content\":7}}"] {
        assert!(decode_reply(FORMAT, "cohere", Bytes::from(garbage)).is_err(), "{garbage}");
        assert!(read(&format!("data: {garbage}\n\n")).is_err(), "{garbage}");
    }
    let odd = "data: {\"type\":\"tool-call-delta\",\"index\":7,\"delta\":{\"message\":\
               {\"tool_calls\":{\"function\":{\"arguments\":\"x\"}}}}}\n\n";
    assert!(
        read(&format!("{odd}{}", end("COMPLETE"))).is_ok(),
        "a fragment of no call is passed over"
    );
}
