//! What OpenAI-compatible providers really send, chunk by chunk.

use backstay_core::{
    ErrorCode, Result, WireFormat,
    chat::{ChatEvent, ChatReply, Collector, FinishReason, Part, ToolCall},
};
use backstay_wire::{SseParser, StreamDecoder, decode_reply};
use bytes::Bytes;
use serde_json::{Value, json};

fn read_stream(text: &str) -> Result<Vec<ChatEvent>> {
    let (mut parser, mut decoder) =
        (SseParser::default(), StreamDecoder::new(WireFormat::OpenAi, "acme"));
    let mut events = Vec::new();
    let arrived: Vec<_> =
        parser.push(text.as_bytes())?.into_iter().chain(parser.finish()).collect();
    for event in arrived {
        match decoder.decode(event)? {
            Some(frame) => events.extend(frame.events),
            None => return Ok(events),
        }
    }
    events.extend(decoder.finish()?.into_iter().flat_map(|frame| frame.events));
    Ok(events)
}

fn chunks(chunks: &[Value]) -> String {
    chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect()
}

fn delta(delta: Value) -> Value {
    json!({"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn finish(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn collect(events: &[ChatEvent]) -> ChatReply {
    let mut collector = Collector::default();
    events.iter().for_each(|event| collector.push(event));
    collector.finish()
}

fn calls(reply: &ChatReply) -> Vec<(String, String, String)> {
    let call = |part: &Part| match part {
        Part::ToolCall(ToolCall { id, name, arguments, .. }) => {
            Some((id.clone(), name.clone(), arguments.clone()))
        }
        _ => None,
    };
    reply.choices[0].message.parts.iter().filter_map(call).collect()
}

fn owned(calls: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    calls.iter().map(|(id, name, text)| ((*id).into(), (*name).into(), (*text).into())).collect()
}

#[test]
fn a_stream_may_end_without_its_terminator_but_not_without_its_end() {
    let whole = chunks(&[delta(json!({"content": "hi"})), finish("stop")]);
    assert!(read_stream(&whole).is_ok());
    for cut in [chunks(&[delta(json!({"content": "hi"}))]), String::new()] {
        let error = read_stream(&cut).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UpstreamStreamBroken);
        assert!(error.message().starts_with("acme"), "{error}");
    }
}

#[test]
fn chunks_without_choices_with_null_usage_or_with_null_content_are_harmless() {
    let text = chunks(&[
        json!({"id": "", "model": "", "choices": [], "prompt_filter_results": []}),
        delta(json!({"role": "assistant", "content": null, "tool_calls": null})),
        json!({"id": "c", "choices": [{"delta": {"content": "hi"}}], "usage": null}),
        json!({"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 1}}),
    ]) + ": comment\n\ndata: [DONE]\n\n";
    let events = read_stream(&text).unwrap();
    assert!(matches!(&events[0], ChatEvent::Started { id: Some(id), .. } if id == "c"));
    let reply = collect(&events);
    assert_eq!(reply.choices.len(), 1);
    assert_eq!(reply.choices[0].message.text(), "hi");
    assert_eq!(reply.choices[0].finish_reason, Some(FinishReason::Stop));
    assert_eq!(reply.usage.unwrap().prompt_tokens, 3);
}

#[test]
fn tool_calls_are_told_apart_however_a_server_numbers_them() {
    let call = |call: Value| delta(json!({"tool_calls": [call]}));
    let expected = owned(&[("a", "f", "{\"x\":1}"), ("b", "g", "{}")]);
    let by_index = [
        call(json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}})),
        call(json!({"index": 0, "function": {"arguments": "{\"x\""}})),
        call(json!({"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}})),
        call(json!({"index": 0, "function": {"arguments": ":1}"}})),
    ];
    let without_index = [
        call(json!({"id": "a", "function": {"name": "f", "arguments": "{\"x\""}})),
        call(json!({"function": {"arguments": ":1}"}})),
        call(json!({"id": "b", "function": {"name": "g", "arguments": {}}})),
    ];
    let index_always_zero = [
        call(json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{\"x\":1}"}})),
        call(json!({"index": 0, "id": "b", "function": {"name": "g", "arguments": "{}"}})),
    ];
    let everything_repeated = [
        call(json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{\"x\""}})),
        call(json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": ":1}"}})),
        call(json!({"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}})),
    ];
    let name_late = [
        call(json!({"index": 0, "id": "a", "function": {"arguments": "{\"x\""}})),
        call(json!({"index": 0, "id": null, "function": {"name": "f", "arguments": ":1}"}})),
        call(json!({"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}})),
    ];
    let servers: [&[Value]; 5] =
        [&by_index, &without_index, &index_always_zero, &everything_repeated, &name_late];
    for server in servers {
        let text = chunks(server) + &chunks(&[finish("stop")]);
        let reply = collect(&read_stream(&text).unwrap());
        assert_eq!(calls(&reply), expected, "{text}");
        assert_eq!(reply.choices[0].finish_reason, Some(FinishReason::ToolCalls));
    }
}

#[test]
fn thinking_is_read_under_each_name_and_only_once() {
    let spoken = [
        json!({"reasoning_content": "hm"}),
        json!({"reasoning": "hm"}),
        json!({"reasoning": "hm", "reasoning_content": "hm"}),
        json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}),
    ];
    for message in spoken {
        let text = chunks(&[delta(message), delta(json!({"content": "ok"})), finish("stop")]);
        let reply = collect(&read_stream(&text).unwrap());
        let parts = &reply.choices[0].message.parts;
        assert!(matches!(&parts[0], Part::Reasoning { text, .. } if text == "hm"), "{parts:?}");
        assert!(matches!(&parts[1], Part::Text { text } if text == "ok"), "{parts:?}");
    }
}

#[test]
fn an_error_inside_a_stream_is_an_error_wherever_it_stands() {
    let cases = [
        (
            "data: {\"error\":{\"message\":\"slow\",\"code\":429}}\n\n",
            ErrorCode::UpstreamRateLimited,
        ),
        (
            "event: error\ndata: {\"message\":\"full\",\"type\":\"overloaded\"}\n\n",
            ErrorCode::UpstreamOverloaded,
        ),
        ("event: error\ndata: it broke\n\n", ErrorCode::UpstreamError),
        (
            "data: {\"object\":\"error\",\"message\":\"m\",\"code\":500}\n\n",
            ErrorCode::UpstreamError,
        ),
        ("data: [{\"error\":{\"message\":\"m\",\"code\":503}}]\n\n", ErrorCode::UpstreamOverloaded),
        (
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"error\",\"error\":{\"message\":\"m\",\"code\":502}}]}\n\n",
            ErrorCode::UpstreamError,
        ),
        ("data: {\"choices\":[{\"del\n\n", ErrorCode::UpstreamInvalidResponse),
    ];
    for (text, code) in cases {
        let error = read_stream(text).unwrap_err();
        assert_eq!(error.code(), code, "{text}");
        assert!(error.message().starts_with("acme "), "{error}");
        assert_eq!(error.upstream().unwrap().provider, "acme");
    }
}

#[test]
fn the_last_usage_holds_and_groqs_place_is_known() {
    let text = chunks(&[
        json!({"id": "c", "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1}}),
        json!({"choices": [], "x_groq": {"usage": {"prompt_tokens": 9, "completion_tokens": 4,
            "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 2}}}}),
    ]);
    let usage = collect(&read_stream(&text).unwrap()).usage.unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (9, 4));
    assert_eq!((usage.cached_prompt_tokens, usage.cache_write_tokens), (5, 2));
}

#[test]
fn an_answer_that_is_none_is_an_error_with_the_providers_name() {
    for body in ["", "<html>", "{}", "{\"choices\":[]}", "{\"choices\":null}"] {
        let error = decode_reply(WireFormat::OpenAi, "acme", Bytes::from(body)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UpstreamInvalidResponse, "{body}");
        assert!(error.message().starts_with("acme sent"), "{error}");
    }
    let body =
        Bytes::from_static(b"{\"error\":{\"message\":\"no\",\"type\":\"invalid_request_error\"}}");
    let error = decode_reply(WireFormat::OpenAi, "acme", body).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamRejected);
}
