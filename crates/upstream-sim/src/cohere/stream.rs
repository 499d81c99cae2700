//! A streamed answer: `message-start`, blocks, calls, `message-end`.

use bytes::Bytes;
use serde_json::{Value, json};

use super::reply::{PLAN, call, finish_reason, usage};
use crate::delivery::{Frame, FrameKind};
use crate::respond::Plan;
use crate::tokens;
use crate::wire::named_event;

pub(super) fn frames(id: u64, plan: &Plan) -> Vec<Frame> {
    let mut writer = Writer::default();
    let message = json!({
        "role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []
    });
    let start = json!({"id": format!("sim-{id}"), "delta": {"message": message}});
    writer.event(FrameKind::Event, "message-start", start);
    if plan.calls.is_empty() {
        writer.block("thinking", &plan.reasoning);
        writer.block("text", &plan.text);
    } else {
        for piece in tokens::pieces(PLAN) {
            let delta = json!({"delta": {"message": {"tool_plan": piece}}});
            writer.event(FrameKind::Event, "tool-plan-delta", delta);
        }
    }
    for (at, one) in plan.calls.iter().enumerate() {
        let message = json!({"tool_calls": call(id, at, one, "")});
        let start = json!({"index": at, "delta": {"message": message}});
        writer.event(FrameKind::Event, "tool-call-start", start);
        for fragment in tokens::argument_fragments(&one.arguments_text()) {
            let message = json!({"tool_calls": {"function": {"arguments": fragment}}});
            let delta = json!({"index": at, "delta": {"message": message}});
            writer.event(FrameKind::Token, "tool-call-delta", delta);
        }
        writer.event(FrameKind::Event, "tool-call-end", json!({"index": at}));
    }
    let mut delta = json!({"finish_reason": finish_reason(&plan.finish)});
    if let Some(counted) = plan.usage {
        delta["usage"] = usage(counted);
    }
    writer.event(FrameKind::Terminal, "message-end", json!({"delta": delta}));
    writer.frames
}

/// A kind of event that old clients do not know.
pub(super) fn empty_frame() -> Frame {
    Frame::new(FrameKind::Event, named_event("debug", r#"{"type":"debug"}"#))
}

/// A stream that fails ends with a reason for it.
pub(super) fn error_event(_id: u64) -> Bytes {
    let delta = json!({"finish_reason": "ERROR", "error": "the model failed while it answered"});
    named_event("message-end", &json!({"type": "message-end", "delta": delta}).to_string())
}

#[derive(Default)]
struct Writer {
    frames: Vec<Frame>,
    block: usize,
}

impl Writer {
    fn event(&mut self, kind: FrameKind, name: &str, fields: Value) {
        let mut event = json!({"type": name});
        if let (Some(event), Value::Object(fields)) = (event.as_object_mut(), fields) {
            event.extend(fields);
        }
        self.frames.push(Frame::new(kind, named_event(name, &event.to_string())));
    }

    /// Content of one type, its text under the type's name; nothing where there is none.
    fn block(&mut self, kind: &str, text: &str) {
        if text.is_empty() {
            return;
        }
        let index = self.block;
        self.block += 1;
        let content = json!({"type": kind, kind: ""});
        let start = json!({"index": index, "delta": {"message": {"content": content}}});
        self.event(FrameKind::Event, "content-start", start);
        for piece in tokens::pieces(text) {
            let content = json!({kind: piece});
            let delta = json!({"index": index, "delta": {"message": {"content": content}}});
            self.event(FrameKind::Token, "content-delta", delta);
        }
        self.event(FrameKind::Event, "content-end", json!({"index": index}));
    }
}
