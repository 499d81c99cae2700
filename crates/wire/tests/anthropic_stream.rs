//! The stream that an Anthropic client reads: blocks one after the other, its end, its failure.

#![expect(clippy::unwrap_used, reason = "a helper that fails has to stop the test")]

use backstay_core::{
    Error, ErrorCode, GenerationId, Usage, WireFormat,
    chat::{ChatEvent, FinishReason, Frame},
};
use backstay_wire::{
    Dialect, EncodeOptions, ReplyExtension, SseParser, StreamDecoder, StreamEncoder,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const FORMAT: WireFormat = WireFormat::Anthropic;
const DIALECT: Dialect = Dialect::Anthropic;

fn options() -> EncodeOptions {
    EncodeOptions {
        include_usage: true,
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
        cost: None,
        dropped_parameters: vec!["seed".to_owned()],
        router: None,
        continued_by: Vec::new(),
        cache: None,
    }
}

fn started() -> ChatEvent {
    ChatEvent::Started { id: None, model: None, created: None }
}

fn text(text: &str) -> ChatEvent {
    ChatEvent::Text { choice: 0, text: text.to_owned() }
}

fn call(index: u32) -> ChatEvent {
    ChatEvent::ToolCallStarted {
        choice: 0,
        index,
        id: format!("call_{index}"),
        name: format!("tool_{index}"),
        signature: None,
    }
}

fn arguments(index: u32, fragment: &str) -> ChatEvent {
    ChatEvent::ToolCallArguments { choice: 0, index, fragment: fragment.to_owned() }
}

/// Each event in a frame of its own, as a provider of another format sends them.
fn stream(events: &[ChatEvent], extension: Option<&ReplyExtension>) -> Vec<Value> {
    let mut encoder = StreamEncoder::new(DIALECT, options());
    let mut out = Vec::new();
    for event in events {
        encoder.frame(&Frame::of(event.clone()), &mut out);
    }
    encoder.finish(extension, &mut out);
    data(&out)
}

/// The data of each event, whose type must be its name.
fn data(stream: &[u8]) -> Vec<Value> {
    let events = SseParser::default().push(stream).unwrap();
    let read = |event: backstay_wire::SseEvent| {
        let value: Value = serde_json::from_str(&event.data).unwrap();
        assert_eq!(value["type"], event.event.unwrap());
        value
    };
    events.into_iter().map(read).collect()
}

/// One line per event: its type, its block's index, and what it says.
fn outline(events: &[Value]) -> Vec<String> {
    let line = |event: &Value| {
        let kind = event["type"].as_str().unwrap().trim_start_matches("content_block_");
        let block = &event["content_block"]["type"];
        let said = ["text", "thinking", "signature", "partial_json"]
            .iter()
            .find_map(|name| event["delta"][name].as_str());
        let what = said.or(block.as_str()).unwrap_or_default();
        format!("{kind} {} {what}", event["index"]).trim_end().to_owned()
    };
    events.iter().map(line).collect()
}

#[test]
fn interleaved_calls_come_out_one_block_after_the_other_with_every_fragment() {
    let events = stream(
        &[
            started(),
            text("Looking."),
            call(0),
            call(1),
            arguments(1, "{\"b\":"),
            arguments(0, "{\"a\":"),
            call(2),
            arguments(1, "2}"),
            arguments(2, "{}"),
            text(" Wait."),
            arguments(0, "1}"),
            ChatEvent::Finished { choice: 0, reason: FinishReason::ToolCalls, native: None },
        ],
        None,
    );
    assert_eq!(
        outline(&events),
        [
            "message_start null",
            "start 0 text",
            "delta 0 Looking.",
            "stop 0",
            "start 1 tool_use",
            "delta 1 {\"a\":",
            "delta 1 1}",
            "stop 1",
            "start 2 tool_use",
            "delta 2 {\"b\":2}",
            "stop 2",
            "start 3 tool_use",
            "delta 3 {}",
            "stop 3",
            "start 4 text",
            "delta 4  Wait.",
            "stop 4",
            "message_delta null",
            "message_stop null",
        ]
    );
    assert_eq!(events[events.len() - 2]["delta"]["stop_reason"], "tool_use");
}

#[test]
fn calls_that_never_complete_are_still_all_written() {
    let events = [started(), call(0), call(1), call(2), arguments(2, "{\"c\""), arguments(0, "{")];
    let lines = outline(&stream(&events, None));
    let started = lines.iter().filter(|line| line.contains("tool_use")).count();
    let stopped = lines.iter().filter(|line| line.starts_with("stop")).count();
    assert_eq!((started, stopped), (3, 3), "{lines:?}");
    assert!(lines.contains(&"delta 2 {\"c\"".to_owned()), "{lines:?}");
}

proptest! {
    /// `order` says whose fragment comes next; some calls end with unfinished arguments.
    #[test]
    fn no_interleaving_of_calls_loses_or_mixes_a_fragment(
        texts in prop::collection::vec(r#"\{"k":"[a-z}{]{0,6}"\}?"#, 1..6),
        order in prop::collection::vec((0_usize..6, 1_usize..4), 0..40),
    ) {
        let mut given = vec![started()];
        given.extend((0..).zip(&texts).map(|(index, _)| call(index)));
        let mut at = vec![0_usize; texts.len()];
        let everything_else = (0..texts.len()).map(|index| (index, usize::MAX));
        for (index, length) in order.into_iter().chain(everything_else) {
            let Some(text) = texts.get(index) else { continue };
            let end = at[index].saturating_add(length).min(text.len());
            given.push(arguments(u32::try_from(index).unwrap(), &text[at[index]..end]));
            at[index] = end;
        }
        let mut written = vec![String::new(); texts.len()];
        let mut block = None;
        for event in stream(&given, None) {
            match event["type"].as_str().unwrap() {
                "content_block_start" => {
                    prop_assert_eq!(block, None, "a block opened inside another");
                    let name = event["content_block"]["name"].as_str().unwrap();
                    block = Some(name.trim_start_matches("tool_").parse::<usize>().unwrap());
                }
                "content_block_stop" => block = None,
                "content_block_delta" => {
                    written[block.unwrap()] += event["delta"]["partial_json"].as_str().unwrap();
                }
                _ => {}
            }
        }
        prop_assert_eq!(written, texts);
    }
}

#[test]
fn a_later_call_is_written_as_soon_as_the_earlier_one_is_complete() {
    let mut encoder = StreamEncoder::new(DIALECT, options());
    let mut out = Vec::new();
    let events = vec![started(), call(0), arguments(0, "{}"), call(1), arguments(1, "{\"x\"")];
    encoder.frame(&Frame { events, raw: None }, &mut out);
    let lines = outline(&data(&out));
    assert_eq!(lines.last().unwrap(), "delta 1 {\"x\"", "{lines:?}");
}

#[test]
fn thinking_is_a_signed_block_before_the_text_and_encrypted_thinking_one_of_its_own() {
    let reasoning = |text: &str| ChatEvent::Reasoning { choice: 0, text: text.to_owned() };
    let sign = |signature: Option<&str>, redacted: Option<&str>| ChatEvent::ReasoningSignature {
        choice: 0,
        signature: signature.map(str::to_owned),
        redacted: redacted.map(str::to_owned),
    };
    let events = [
        started(),
        reasoning("hm"),
        sign(Some("sig"), None),
        sign(None, Some("secret")),
        reasoning("again"),
        text("hi"),
    ];
    let events = stream(&events, None);
    assert_eq!(
        outline(&events)[1..12],
        [
            "start 0 thinking",
            "delta 0 hm",
            "delta 0 sig",
            "stop 0",
            "start 1 redacted_thinking",
            "stop 1",
            "start 2 thinking",
            "delta 2 again",
            "stop 2",
            "start 3 text",
            "delta 3 hi",
        ]
    );
    assert_eq!(events[5]["content_block"]["data"], "secret");
}

#[test]
fn usage_that_arrives_last_and_the_extension_reach_the_end_of_the_stream() {
    let usage = Usage {
        prompt_tokens: 30,
        completion_tokens: 4,
        cached_prompt_tokens: 20,
        cache_write_tokens: 3,
        ..Usage::default()
    };
    let reason = FinishReason::Length;
    let finished = ChatEvent::Finished { choice: 0, reason, native: None };
    let other = ChatEvent::Text { choice: 1, text: "another choice".to_owned() };
    let events = [started(), text("hi"), other, finished, ChatEvent::Usage(usage)];
    let events = stream(&events, Some(&extension()));
    assert_eq!(events[0]["message"]["id"], "gen_1");
    assert_eq!(events[0]["message"]["model"], "asked");
    assert!(!events.iter().any(|event| event.to_string().contains("another")));
    let end = &events[events.len() - 2];
    assert_eq!(end["delta"], json!({"stop_reason": "max_tokens", "stop_sequence": null}));
    assert_eq!(
        end["usage"],
        json!({"input_tokens": 7, "cache_creation_input_tokens": 3,
            "cache_read_input_tokens": 20, "output_tokens": 4})
    );
    assert_eq!(events.last().unwrap()["backstay"]["dropped_parameters"], json!(["seed"]));
}

#[test]
fn a_silent_answer_is_still_a_whole_stream() {
    let lines = outline(&stream(&[], None));
    assert_eq!(lines, ["message_start null", "message_delta null", "message_stop null"]);
}

#[test]
fn forwarded_bytes_are_ended_once_and_with_the_extension() {
    let bytes = include_bytes!("golden/answers/anthropic.text.sse");
    let mut decoder = StreamDecoder::new(FORMAT, "anthropic");
    let mut encoder = StreamEncoder::new(DIALECT, options());
    let mut out = Vec::new();
    for event in SseParser::default().push(bytes).unwrap() {
        if let Some(frame) = decoder.decode(event).unwrap() {
            encoder.frame(&frame, &mut out);
        }
    }
    encoder.finish(Some(&extension()), &mut out);
    let end = String::from_utf8(out).unwrap();
    let rest = end
        .strip_prefix(str::from_utf8(bytes).unwrap().split_once("event: message_stop").unwrap().0);
    let last = data(rest.unwrap().as_bytes());
    assert_eq!(last.len(), 1, "{end}");
    assert_eq!(
        (&last[0]["type"], &last[0]["backstay"]["generation"]),
        (&json!("message_stop"), &json!("gen_1"))
    );
}

#[test]
fn a_failed_stream_ends_with_an_error_event_and_no_terminator() {
    let mut encoder = StreamEncoder::new(DIALECT, options());
    let mut out = Vec::new();
    encoder.frame(&Frame { events: vec![started(), text("hi")], raw: None }, &mut out);
    let error = Error::new(ErrorCode::UpstreamStreamBroken, "It broke");
    encoder.error(&error, Some(&extension()), &mut out);
    let events = data(&out);
    let last = events.last().unwrap();
    assert_eq!(last["error"]["type"], "api_error");
    assert_eq!(last["error"]["code"], "upstream_stream_broken");
    assert_eq!(last["backstay"]["generation"], "gen_1");
    assert!(!outline(&events).iter().any(|line| line.starts_with("message_stop")));
}
