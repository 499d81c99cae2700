//! What an OpenAI client reads: chunks, whole answers, Backstay's own member, errors.

#![expect(clippy::unwrap_used, reason = "a helper that fails has to stop the test")]

use backstay_core::{
    Error, ErrorCode, GenerationId, Money, Usage, WireFormat,
    chat::{ChatEvent, ChatReply, Collector, FinishReason, Frame, RawFrame},
};
use backstay_wire::{
    Dialect, EncodeOptions, ReplyExtension, StreamEncoder, decode_reply, encode_error, encode_reply,
};
use bytes::Bytes;
use serde_json::{Value, json};

fn options(include_usage: bool) -> EncodeOptions {
    EncodeOptions {
        include_usage,
        generation: "gen_1".to_owned(),
        model: "asked".to_owned(),
        created: 1_760_000_000,
        ..EncodeOptions::default()
    }
}

fn extension() -> ReplyExtension {
    ReplyExtension {
        generation: GenerationId::parse("gen_1").unwrap(),
        thread: None,
        recalled: Vec::new(),
        memory_tokens: 0,
        cost: Money::parse_dollars("0.0025"),
        dropped_parameters: vec!["top_k".to_owned()],
        router: None,
        continued_by: Vec::new(),
        cache: None,
    }
}

fn answer() -> Vec<ChatEvent> {
    vec![
        ChatEvent::Started { id: None, model: None, created: None },
        ChatEvent::Reasoning { choice: 0, text: "hm".to_owned() },
        ChatEvent::Text { choice: 0, text: "hi".to_owned() },
        ChatEvent::Finished { choice: 0, reason: FinishReason::Stop, native: None },
        ChatEvent::Usage(Usage { prompt_tokens: 3, completion_tokens: 2, ..Usage::default() }),
    ]
}

fn raw(text: &'static str, events: Vec<ChatEvent>) -> Frame {
    let bytes = Bytes::from_static(text.as_bytes());
    Frame { events, raw: Some(RawFrame { format: WireFormat::OpenAi, bytes }) }
}

fn stream(frames: &[Frame], include_usage: bool, extension: Option<&ReplyExtension>) -> String {
    let mut encoder = StreamEncoder::new(Dialect::OpenAi, options(include_usage));
    let mut out = Vec::new();
    frames.iter().for_each(|frame| encoder.frame(frame, &mut out));
    encoder.finish(extension, &mut out);
    String::from_utf8(out).unwrap()
}

fn data(stream: &str) -> Vec<Value> {
    let events = stream.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap());
    events
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

fn collect(frames: &[Frame]) -> ChatReply {
    let mut collector = Collector::default();
    frames.iter().flat_map(|frame| &frame.events).for_each(|event| collector.push(event));
    collector.finish()
}

#[test]
fn a_translated_stream_has_every_field_that_the_sdks_need() {
    let text = stream(&[Frame { events: answer(), raw: None }], true, Some(&extension()));
    assert!(text.ends_with("data: [DONE]\n\n"));
    let chunks = data(&text);
    for chunk in &chunks {
        assert_eq!(chunk["id"], "gen_1");
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!(chunk["model"], "asked");
        assert!(chunk["created"].is_i64());
    }
    assert_eq!(
        chunks[0]["choices"][0]["delta"],
        json!({"role": "assistant", "reasoning_content": "hm"})
    );
    assert_eq!(chunks[1]["choices"][0]["delta"], json!({"content": "hi"}));
    assert_eq!(chunks[1]["choices"][0]["finish_reason"], Value::Null);
    assert_eq!(chunks[2]["choices"][0]["finish_reason"], "stop");
    assert_eq!(
        (&chunks[3]["choices"], &chunks[3]["usage"]["total_tokens"]),
        (&json!([]), &json!(5))
    );
    assert_eq!(chunks[4]["choices"], json!([]));
    assert_eq!(chunks[4]["backstay"]["cost"], "0.0025");
    assert_eq!(chunks.len(), 5);
}

#[test]
fn a_client_that_asked_for_nothing_sees_no_usage_and_no_extension() {
    let text = stream(&[Frame { events: answer(), raw: None }], false, None);
    assert_eq!(data(&text).len(), 3, "{text}");
    assert!(!text.contains("usage") && !text.contains("backstay"));
}

#[test]
fn forwarded_bytes_are_continued_under_the_same_id() {
    let started = ChatEvent::Started {
        id: Some("theirs".to_owned()),
        model: Some("their-model".to_owned()),
        created: Some(7),
    };
    let frames = [
        raw("data: {\"any\":\"thing\"}\n\n", vec![started]),
        raw("data: {\"usage\":{}}\n\n", vec![ChatEvent::Usage(Usage::default())]),
    ];
    let text = stream(&frames, false, Some(&extension()));
    let chunks = data(&text);
    assert_eq!(chunks[0], json!({"any": "thing"}));
    assert_eq!((&chunks[1]["id"], &chunks[1]["model"]), (&json!("theirs"), &json!("their-model")));
    assert_eq!((&chunks[1]["created"], chunks.len()), (&json!(7), 2), "{text}");
    let asked = data(&stream(&frames, true, None));
    assert_eq!(asked[1], json!({"usage": {}}), "the provider's usage chunk, once");
    assert_eq!(asked.len(), 2);
}

#[test]
fn a_failed_stream_ends_with_an_error_and_what_it_used_but_no_terminator() {
    let mut encoder = StreamEncoder::new(Dialect::OpenAi, options(false));
    let mut out = Vec::new();
    encoder.frame(&Frame { events: answer(), raw: None }, &mut out);
    out.clear();
    let error = Error::new(ErrorCode::UpstreamStreamBroken, "acme broke off");
    encoder.error(&error, Some(&extension()), &mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(!text.contains("[DONE]"));
    let body = &data(&text)[0];
    assert_eq!(body["error"]["code"], "upstream_stream_broken");
    assert_eq!(body["error"]["type"], "server_error");
    assert_eq!(body["usage"]["completion_tokens"], 2);
    assert_eq!(body["backstay"]["generation"], "gen_1");
}

#[test]
fn a_providers_whole_body_is_returned_byte_by_byte_with_one_member_added() {
    let body = "{ \"id\":\"x\", \"choices\":[{\"message\":{\"content\":\"hi\"}}],\"n\":1.0 }\n";
    let frame = decode_reply(WireFormat::OpenAi, "acme", Bytes::from(body)).unwrap();
    let reply = collect(std::slice::from_ref(&frame));
    let frames = [frame, Frame::of(ChatEvent::Usage(Usage::default()))];
    let encode =
        |extension| encode_reply(Dialect::OpenAi, &frames, &reply, &options(false), extension);
    assert_eq!(encode(None), body);
    let extended = String::from_utf8(encode(Some(&extension())).to_vec()).unwrap();
    assert!(extended.starts_with(body.trim_end().trim_end_matches(" }")), "{extended}");
    let value: Value = serde_json::from_str(&extended).unwrap();
    assert_eq!(value["backstay"]["dropped_parameters"], json!(["top_k"]));
}

#[test]
fn a_streaming_client_gets_chunks_from_a_provider_that_does_not_stream() {
    let body = "{\"id\":\"x\",\"choices\":[{\"message\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}";
    let frame = decode_reply(WireFormat::OpenAi, "acme", Bytes::from(body)).unwrap();
    let chunks = data(&stream(&[frame], false, None));
    assert_eq!(chunks[0]["choices"][0]["delta"]["content"], "hi");
    assert_eq!(chunks[1]["choices"][0]["finish_reason"], "stop");
}

#[test]
fn errors_carry_openais_type_and_our_code() {
    let cases = [
        (ErrorCode::InvalidRequest, "invalid_request_error"),
        (ErrorCode::InvalidKey, "authentication_error"),
        (ErrorCode::UpstreamRateLimited, "rate_limit_error"),
        (ErrorCode::UpstreamError, "server_error"),
    ];
    for (code, kind) in cases {
        let error = Error::new(code, "what happened").with_parameter("messages[0]");
        let body = encode_error(Dialect::OpenAi, &error, "req_1");
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body,
            json!({"error": {"message": "what happened", "type": kind, "param": "messages[0]",
                "code": code.as_str(), "request_id": "req_1"}})
        );
    }
}
