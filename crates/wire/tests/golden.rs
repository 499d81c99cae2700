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
    EncodeOptions, Loss, StreamDecoder, StreamEncoder, StreamParser, decode_reply, decode_request,
    encode_reply, encode_request,
};
use bytes::Bytes;
use serde_json::{Map, Value, json};

const DIALECTS: [WireFormat; 2] = [WireFormat::OpenAi, WireFormat::Anthropic];

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Streams of every framing.
const STREAMS: &[&str] = &["sse", "eventstream"];

/// Files of one folder as (format, name without extension, content), sorted.
fn cases(folder: &str, extensions: &[&str]) -> Vec<(WireFormat, String, Bytes)> {
    let entries = fs::read_dir(golden().join(folder)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    let is_wanted = |path: &PathBuf| {
        path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted))
    };
    paths.retain(is_wanted);
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let format = name.split('.').next().unwrap();
        let format = WireFormat::ALL.into_iter().find(|known| known.as_str() == format).unwrap();
        (format, name, Bytes::from(fs::read(path).unwrap()))
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
        created: 1_760_000_001,
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
    for (dialect, name, body) in cases("requests", &["json"]) {
        let request = decode_request(dialect, &body).unwrap().request;
        for format in WireFormat::ALL {
            let mut loss = Loss::default();
            let sent =
                encode_request(format, &request, "upstream-model", Map::new(), &mut loss).unwrap();
            let sent: Value = serde_json::from_slice(&sent).unwrap();
            if format == dialect {
                assert!(loss.is_empty(), "{name} lost {loss:?} on its way to its own format");
            }
            let shown = json!({"dropped": loss.names(), "body": sent});
            check(&format!("{name}.to_{}.json", format.as_str()), &pretty(&shown));
        }
    }
}

#[test]
fn every_answer_reaches_every_client_dialect() {
    for (format, name, bytes) in cases("answers", STREAMS) {
        let frames = without_raw(&read_stream(format, &bytes, bytes.len()));
        let reply = collect(&frames);
        for dialect in DIALECTS {
            let (mut encoder, mut out) = (StreamEncoder::new(dialect, options()), Vec::new());
            frames.iter().for_each(|frame| encoder.frame(frame, &mut out));
            encoder.finish(None, &mut out);
            let name = format!("{name}.to_{}", dialect.as_str());
            check(&format!("{name}.sse"), &String::from_utf8(out.clone()).unwrap());
            let whole = encode_reply(dialect, &frames, &reply, &options(), None);
            check(&format!("{name}.json"), &pretty(&serde_json::from_slice(&whole).unwrap()));
            assert_same(&name, &collect(&read_stream(dialect, &out, 7)), &frames, dialect);
        }
    }
}

/// What we write as a stream, read again, is what we write whole, read again.
fn assert_same(name: &str, streamed: &ChatReply, frames: &[Frame], dialect: WireFormat) {
    let whole = encode_reply(dialect, frames, &collect(frames), &options(), None);
    let whole = collect(&[decode_reply(dialect, "provider", whole).unwrap()]);
    assert_eq!(comparable(streamed.clone()), comparable(whole), "{name}");
}

#[test]
fn a_stream_means_what_the_whole_answer_means_however_it_is_cut() {
    for (format, name, bytes) in cases("answers", STREAMS) {
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
    for (format, name, bytes) in cases("answers", STREAMS) {
        if !DIALECTS.contains(&format) {
            continue;
        }
        let (mut encoder, mut out) = (StreamEncoder::new(format, options()), Vec::new());
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
