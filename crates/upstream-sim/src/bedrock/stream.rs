//! A streamed answer: `messageStart`, blocks, `messageStop`, `metadata`, in binary messages.

use bytes::Bytes;
use serde_json::{Value, json};

use super::framing;
use super::reply::{call_id, sign, stop_reason, usage};
use crate::delivery::{Frame, FrameKind};
use crate::respond::Plan;
use crate::tokens;

pub(super) fn frames(id: u64, plan: &Plan) -> Vec<Frame> {
    let mut writer = Writer::default();
    writer.event(FrameKind::Event, "messageStart", json!({"role": "assistant"}));
    if !plan.reasoning.is_empty() {
        for piece in tokens::pieces(&plan.reasoning) {
            writer.delta(FrameKind::Token, json!({"reasoningContent": {"text": piece}}));
        }
        let signature = sign(&plan.reasoning);
        writer.delta(FrameKind::Event, json!({"reasoningContent": {"signature": signature}}));
        writer.close();
    }
    if !plan.text.is_empty() {
        for piece in tokens::pieces(&plan.text) {
            writer.delta(FrameKind::Token, json!({"text": piece}));
        }
        writer.close();
    }
    for (at, call) in plan.calls.iter().enumerate() {
        let used = json!({"toolUseId": call_id(id, at), "name": call.name});
        let start = json!({"contentBlockIndex": writer.block, "start": {"toolUse": used}});
        writer.event(FrameKind::Event, "contentBlockStart", start);
        writer.delta(FrameKind::Event, json!({"toolUse": {"input": ""}}));
        for fragment in tokens::argument_fragments(&call.arguments_text()) {
            writer.delta(FrameKind::Token, json!({"toolUse": {"input": fragment}}));
        }
        writer.close();
    }
    let reason = json!({"stopReason": stop_reason(&plan.finish)});
    writer.event(FrameKind::Terminal, "messageStop", reason);
    let mut metadata = json!({"metrics": {"latencyMs": 1}});
    if let Some(counted) = plan.usage {
        metadata["usage"] = usage(counted);
    }
    writer.event(FrameKind::Event, "metadata", metadata);
    writer.frames
}

/// A kind of event that old clients do not know.
pub(super) fn empty_frame() -> Frame {
    Frame::new(FrameKind::Event, framing::event("ping", "{}"))
}

pub(super) fn error_event() -> Bytes {
    let payload = json!({"message": "The model failed while it answered."});
    framing::exception("modelStreamErrorException", &payload.to_string())
}

#[derive(Default)]
struct Writer {
    frames: Vec<Frame>,
    block: usize,
}

impl Writer {
    fn event(&mut self, kind: FrameKind, name: &str, mut payload: Value) {
        // The provider hides the length of its messages.
        payload["p"] = json!("abcdefghijklmno");
        self.frames.push(Frame::new(kind, framing::event(name, &payload.to_string())));
    }

    fn delta(&mut self, kind: FrameKind, delta: Value) {
        let payload = json!({"contentBlockIndex": self.block, "delta": delta});
        self.event(kind, "contentBlockDelta", payload);
    }

    fn close(&mut self) {
        let payload = json!({"contentBlockIndex": self.block});
        self.event(FrameKind::Event, "contentBlockStop", payload);
        self.block += 1;
    }
}
