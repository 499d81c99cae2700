//! Conversations of other dialects, and Backstay's own, as an OpenAI-compatible provider gets them.

#![expect(clippy::unwrap_used, reason = "a helper that fails has to stop the test")]

use backstay_core::{
    EpisodeId, ThreadId, Timestamp, WireFormat,
    chat::{
        ChatRequest, Media, MediaSource, Message, Origin, Part, Reasoning, RecalledBlock, Role,
        Tool, ToolCall,
    },
    memory::Recalled,
};
use backstay_wire::{Loss, ProviderFields, encode_request};
use serde_json::{Map, Value, json};

fn encode(request: &ChatRequest) -> (Value, Vec<String>) {
    let mut loss = Loss::default();
    let body =
        encode_request(WireFormat::OpenAi, request, "m", ProviderFields::default(), &mut loss)
            .unwrap();
    (serde_json::from_slice(&body).unwrap(), loss.into_names())
}

fn conversation(messages: Vec<Message>) -> ChatRequest {
    ChatRequest { messages, ..ChatRequest::default() }
}

fn text(text: &str) -> Part {
    Part::Text { text: text.to_owned() }
}

fn media(source: MediaSource) -> Media {
    Media { source, filename: None, detail: None }
}

fn base64(media_type: &str, data: &str) -> MediaSource {
    MediaSource::Base64 { media_type: media_type.to_owned(), data: data.to_owned() }
}

fn result(call_id: &str, parts: Vec<Part>, is_error: bool) -> Part {
    Part::ToolResult { call_id: call_id.to_owned(), name: None, parts, is_error }
}

#[test]
fn results_in_a_user_message_become_tool_messages_that_follow_their_calls() {
    let call = ToolCall {
        id: "c1".to_owned(),
        name: "look".to_owned(),
        arguments: String::new(),
        signature: None,
    };
    let picture = Part::Image(media(base64("image/png", "QQ==")));
    let (body, dropped) = encode(&conversation(vec![
        Message::new(Role::Assistant, vec![Part::ToolCall(call)]),
        Message::new(
            Role::User,
            vec![
                text("so?"),
                result("c1", vec![text("a"), text("b"), picture], false),
                result("c2", vec![text("gone")], true),
            ],
        ),
    ]));
    assert_eq!(
        body["messages"],
        json!([
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "a\n\nb"},
            {"role": "tool", "tool_call_id": "c2", "content": "gone"},
            {"role": "user", "content": [
                {"type": "text", "text": "so?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}}]},
        ])
    );
    assert_eq!(dropped, ["tool_result.is_error"]);
}

#[test]
fn remembered_statements_travel_as_fenced_text_of_the_user() {
    let item = Recalled {
        id: EpisodeId::parse("ep_1").unwrap().into(),
        text: "I moved to Oslo".to_owned(),
        author: "Ada".to_owned(),
        said_at: Timestamp::parse("2025-03-09T18:30:00Z").unwrap(),
        thread: ThreadId::parse("thr_1"),
        score: 1.0,
        why: String::new(),
    };
    let block = Part::Recalled(RecalledBlock { items: vec![item], numbered: false });
    let (body, _) = encode(&conversation(vec![Message::new(Role::User, vec![block])]));
    assert_eq!(body["messages"][0]["role"], "user");
    let content = body["messages"][0]["content"].as_str().unwrap();
    assert!(content.contains("9 March 2025\nAda: I moved to Oslo\n</memory>"), "{content}");
}

#[test]
fn text_files_are_read_out_and_other_files_travel_as_they_are() {
    let note = Media {
        filename: Some("note.md".to_owned()),
        ..media(base64("text/markdown", "aGVsbG8="))
    };
    let parts = vec![Part::File(note), Part::File(media(base64("application/pdf", "QQ==")))];
    let (body, _) = encode(&conversation(vec![Message::new(Role::User, parts)]));
    assert_eq!(
        body["messages"][0]["content"],
        json!([
            {"type": "text", "text": "note.md:\nhello"},
            {"type": "file", "file": {"filename": "document.pdf",
                "file_data": "data:application/pdf;base64,QQ=="}},
        ])
    );
}

#[test]
fn what_openai_has_no_place_for_is_reported_in_the_words_of_the_client() {
    let upload = MediaSource::ProviderFile { id: "file_1".to_owned() };
    let mut request =
        conversation(vec![Message::new(Role::User, vec![text("hi"), Part::Image(media(upload))])]);
    request.origin = Some(Origin {
        format: WireFormat::Anthropic,
        fields: Map::new(),
        uninterpreted: vec!["service_tier".to_owned()],
    });
    request.tools = vec![Tool::Provider { format: WireFormat::Anthropic, value: json!({}) }];
    request.parameters.top_k = Some(40);
    request.reasoning = Some(Reasoning { budget_tokens: Some(1_024), ..Reasoning::default() });
    let (body, dropped) = encode(&request);
    assert_eq!(body, json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}));
    let expected =
        ["messages.image", "service_tier", "tools[0]", "thinking.budget_tokens", "top_k"];
    assert_eq!(dropped, expected);
}

#[test]
fn a_stream_is_always_asked_for_its_usage() {
    let mut request = conversation(vec![Message::text_of(Role::User, "hi")]);
    request.stream = true;
    let (body, _) = encode(&request);
    assert_eq!(body["stream_options"], json!({"include_usage": true}));
}
