//! The grid: every request to every upstream format, every answer to every client dialect, and a
//! stream means what the whole answer means. `golden/README.md` explains the files.

#![expect(clippy::unwrap_used, reason = "a helper that fails has to stop the test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use backstay_core::{
    WireFormat,
    chat::{ChatReply, Collector, Frame, Part},
};
use backstay_wire::{
    Dialect, EncodeOptions, Loss, ProviderFields, SseParser, StreamDecoder, StreamEncoder,
    StreamParser, decode_reply, decode_request, encode_reply, encode_request,
};
use bytes::Bytes;
use serde_json::{Value, json};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Streams of every framing.
const STREAMS: &[&str] = &["sse", "eventstream"];

fn format_of(name: &str) -> WireFormat {
    WireFormat::ALL.into_iter().find(|known| name.starts_with(known.as_str())).unwrap()
}

fn dialect_of(name: &str) -> Dialect {
    Dialect::ALL.into_iter().find(|known| name.starts_with(known.as_str())).unwrap()
}

/// The format in which a client of the dialect reads, where providers speak it too.
fn read_as(dialect: Dialect) -> Option<WireFormat> {
    match dialect {
        Dialect::OpenAi | Dialect::OpenRouter => Some(WireFormat::OpenAi),
        Dialect::Anthropic => Some(WireFormat::Anthropic),
        Dialect::Completions | Dialect::Responses => None,
    }
}

/// Files of one folder as (name without extension, content), sorted.
fn cases(folder: &str, extensions: &[&str]) -> Vec<(String, Bytes)> {
    let entries = fs::read_dir(golden().join(folder)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    let is_wanted = |path: &PathBuf| {
        path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted))
    };
    paths.retain(is_wanted);
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, Bytes::from(fs::read(path).unwrap()))
    };
    let cases: Vec<_> = paths.into_iter().map(read).collect();
    assert!(!cases.is_empty(), "no cases in {folder}");
    cases
}

fn check(name: &str, actual: &str) {
    let path = golden().join("expected").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, actual).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{name} is not what it was; see tests/golden/README.md");
}

fn pretty(value: &Value) -> String {
    format!("{}\n", serde_json::to_string_pretty(value).unwrap())
}

fn options() -> EncodeOptions {
    EncodeOptions {
        include_usage: true,
        generation: "gen_1".to_owned(),
        model: "asked".to_owned(),
        provider: "Provider".to_owned(),
        created: 1_760_000_001,
        ..EncodeOptions::default()
    }
}

fn read_stream(format: WireFormat, bytes: &[u8], portion: usize) -> Vec<Frame> {
    let (mut parser, mut decoder) =
        (StreamParser::new(format), StreamDecoder::new(format, "provider"));
    let mut events = Vec::new();
    for portion in bytes.chunks(portion) {
        events.extend(parser.push(portion).unwrap());
    }
    events.extend(parser.finish().unwrap());
    let mut frames = Vec::new();
    for event in events {
        match decoder.decode(event).unwrap() {
            Some(frame) => frames.push(frame),
            None => return frames,
        }
    }
    frames.extend(decoder.finish().unwrap());
    frames
}

fn collect(frames: &[Frame]) -> ChatReply {
    let mut collector = Collector::default();
    frames.iter().flat_map(|frame| &frame.events).for_each(|event| collector.push(event));
    collector.finish()
}

fn without_raw(frames: &[Frame]) -> Vec<Frame> {
    frames.iter().map(|frame| Frame { events: frame.events.clone(), raw: None }).collect()
}

#[test]
fn every_request_reaches_every_upstream_format() {
    for (name, body) in cases("requests", &["json"]) {
        let dialect = dialect_of(&name);
        let request = decode_request(dialect, &body).unwrap().request;
        for format in WireFormat::ALL {
            let mut loss = Loss::default();
            let sent = encode_request(
                format,
                &request,
                "upstream-model",
                ProviderFields::default(),
                &mut loss,
            )
            .unwrap();
            let sent: Value = serde_json::from_slice(&sent).unwrap();
            if format.as_str() == dialect.as_str() {
                assert!(loss.is_empty(), "{name} lost {loss:?} on its way to its own format");
            }
            let shown = json!({"dropped": loss.names(), "body": sent});
            check(&format!("{name}.to_{}.json", format.as_str()), &pretty(&shown));
        }
    }
}

#[test]
fn every_answer_reaches_every_client_dialect() {
    for (name, bytes) in cases("answers", STREAMS) {
        let format = format_of(&name);
        let frames = without_raw(&read_stream(format, &bytes, bytes.len()));
        let reply = collect(&frames);
        for dialect in Dialect::ALL {
            let (mut encoder, mut out) = (StreamEncoder::new(dialect, options()), Vec::new());
            frames.iter().for_each(|frame| encoder.frame(frame, &mut out));
            encoder.finish(None, &mut out);
            let name = format!("{name}.to_{}", dialect.as_str());
            check(&format!("{name}.sse"), &String::from_utf8(out.clone()).unwrap());
            let whole = encode_reply(dialect, &frames, &reply, &options(), None);
            check(&format!("{name}.json"), &pretty(&serde_json::from_slice(&whole).unwrap()));
            match read_as(dialect) {
                Some(format) => {
                    let streamed = collect(&read_stream(format, &out, 7));
                    let whole = collect(&[decode_reply(format, "provider", whole).unwrap()]);
                    assert_eq!(comparable(streamed), comparable(whole), "{name}");
                }
                None => assert_eq!(told(&out), told_whole(&whole), "{name}"),
            }
        }
    }
}

/// What a stream of OpenAI's other interfaces says in the end: the response that its last event has,
/// or the text of its chunks.
fn told(stream: &[u8]) -> Value {
    let mut parser = SseParser::default();
    let mut events = parser.push(stream).unwrap();
    events.extend(parser.finish());
    let values = events.iter().filter_map(|event| serde_json::from_str::<Value>(&event.data).ok());
    let values: Vec<Value> = values.collect();
    if let Some(response) = values.last().unwrap().get("response") {
        let numbers = values.iter().map(|event| event["sequence_number"].as_u64().unwrap());
        assert!(numbers.eq(0..values.len() as u64), "the events are not numbered");
        return response.clone();
    }
    let choices = values.iter().flat_map(|chunk| chunk["choices"].as_array().unwrap());
    let said = choices.filter(|choice| choice["index"] == 0);
    Value::from(said.filter_map(|choice| choice["text"].as_str()).collect::<String>())
}

fn told_whole(whole: &[u8]) -> Value {
    let body: Value = serde_json::from_slice(whole).unwrap();
    if body["object"] == "response" { body } else { body["choices"][0]["text"].clone() }
}

#[test]
fn a_stream_means_what_the_whole_answer_means_however_it_is_cut() {
    for (name, bytes) in cases("answers", STREAMS) {
        let format = format_of(&name);
        let whole = fs::read(golden().join("answers").join(format!("{name}.json"))).unwrap();
        let whole = decode_reply(format, "provider", Bytes::from(whole)).unwrap();
        let whole = comparable(collect(&[whole]));
        for portion in [1, 2, 3, 7, 64, bytes.len()] {
            let streamed = collect(&read_stream(format, &bytes, portion));
            assert_eq!(comparable(streamed), whole, "{name} in portions of {portion}");
        }
    }
}

/// Arguments are compared by what they mean: Gemini indents its whole answers, and a call without
/// arguments has none in some streams.
fn comparable(mut reply: ChatReply) -> ChatReply {
    let parts = reply.choices.iter_mut().flat_map(|choice| &mut choice.message.parts);
    for part in parts {
        if let Part::ToolCall(call) = part {
            let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or(json!({}));
            call.arguments = arguments.to_string();
        }
    }
    reply
}

#[test]
fn a_client_of_the_providers_format_gets_the_providers_bytes() {
    for (name, bytes) in cases("answers", STREAMS) {
        let format = format_of(&name);
        let Some(dialect) = Dialect::ALL.into_iter().find(|one| one.as_str() == format.as_str())
        else {
            continue;
        };
        let (mut encoder, mut out) = (StreamEncoder::new(dialect, options()), Vec::new());
        let frames = read_stream(format, &bytes, 5);
        frames.iter().for_each(|frame| encoder.frame(frame, &mut out));
        let forwarded: Vec<u8> =
            frames.iter().flat_map(|frame| frame.raw.as_ref().unwrap().bytes.to_vec()).collect();
        assert_eq!(out, forwarded, "{name}");
        out.clear();
        encoder.finish(None, &mut out);
        let end = String::from_utf8(out).unwrap();
        assert_eq!(end.matches("data: ").count(), 1, "{name} ends twice: {end}");
    }
}

#[test]
fn an_openrouter_client_gets_all_that_a_provider_of_openais_format_said() {
    for (name, bytes) in cases("answers", STREAMS) {
        if format_of(&name) != WireFormat::OpenAi {
            continue;
        }
        let dialect = Dialect::OpenRouter;
        let (mut encoder, mut out) = (StreamEncoder::new(dialect, options()), Vec::new());
        let frames = read_stream(WireFormat::OpenAi, &bytes, bytes.len());
        frames.iter().for_each(|frame| encoder.frame(frame, &mut out));
        encoder.finish(None, &mut out);
        check(&format!("{name}.fitted.sse"), &String::from_utf8(out.clone()).unwrap());
        let whole = fs::read(golden().join("answers").join(format!("{name}.json"))).unwrap();
        let whole = decode_reply(WireFormat::OpenAi, "provider", Bytes::from(whole)).unwrap();
        let frames = [whole];
        let whole = encode_reply(dialect, &frames, &collect(&frames), &options(), None);
        check(&format!("{name}.fitted.json"), &pretty(&serde_json::from_slice(&whole).unwrap()));
        let streamed = collect(&read_stream(WireFormat::OpenAi, &out, 7));
        let whole = collect(&[decode_reply(WireFormat::OpenAi, "provider", whole).unwrap()]);
        assert_eq!(comparable(streamed), comparable(whole), "{name}");
    }
}
