//! A streamed answer: server-sent events, or one JSON array without `alt=sse`.

use bytes::Bytes;
use serde_json::{Value, json};

use super::reply::{calls, envelope, finish_reason, thought};
use super::{Extra, error};
use crate::delivery::{Frame, FrameKind};
use crate::failure::Failure;
use crate::prompt::Prompt;
use crate::respond::Plan;
use crate::tokens;

pub(crate) fn frames(prompt: &Prompt, extra: &Extra, plan: &Plan) -> Vec<Frame> {
    let mut parts: Vec<Value> = Vec::new();
    if extra.include_thoughts {
        parts.extend(tokens::pieces(&plan.reasoning).map(thought));
    }
    parts.extend(tokens::pieces(&plan.text).map(|piece| json!({"text": piece})));
    parts.extend(calls(plan));
    let mut frames = Vec::with_capacity(parts.len() + 2);
    if !extra.sse {
        frames.push(Frame::new(FrameKind::Event, "["));
    }
    for (at, part) in parts.into_iter().enumerate() {
        let chunk = envelope(prompt, extra, vec![part], None, None);
        frames.push(Frame::new(FrameKind::Token, write(extra, &chunk, at > 0)));
    }
    let reason = Some(finish_reason(&plan.finish));
    let end = envelope(prompt, extra, vec![json!({"text": ""})], reason, plan.usage);
    let follows = frames.iter().any(|frame| frame.kind == FrameKind::Token);
    frames.push(Frame::new(FrameKind::Terminal, write(extra, &end, follows)));
    if !extra.sse {
        frames.push(Frame::new(FrameKind::Event, "]"));
    }
    frames
}

/// A chunk without candidates; Gemini sends one when it has only usage to tell. In an array it
/// would break the commas, so there it is white space.
pub(crate) fn empty_frame(prompt: &Prompt, extra: &Extra) -> Frame {
    if !extra.sse {
        return Frame::new(FrameKind::Event, "\n");
    }
    let count = prompt.tokens().total;
    let chunk = json!({
        "usageMetadata": {"promptTokenCount": count, "totalTokenCount": count},
        "modelVersion": prompt.model,
        "responseId": format!("resp-sim-{}", extra.id)
    });
    Frame::new(FrameKind::Event, write(extra, &chunk, false))
}

pub(crate) fn error_event(extra: &Extra) -> Bytes {
    let (_, body) = error::body(&Failure::Unavailable);
    let event = write(extra, &body, true);
    if extra.sse { event } else { Bytes::from([event.as_ref(), b"]"].concat()) }
}

fn write(extra: &Extra, chunk: &Value, follows: bool) -> Bytes {
    match (extra.sse, follows) {
        (true, _) => Bytes::from(format!("data: {chunk}\r\n\r\n")),
        (false, true) => Bytes::from(format!(",\r\n{chunk}")),
        (false, false) => Bytes::from(chunk.to_string()),
    }
}
