//! A streamed answer: `message_start`, blocks, `message_delta`, `message_stop`.

use bytes::Bytes;
use serde_json::{Value, json};

use super::reply::{call_id, start, stop, usage};
use super::signature;
use crate::delivery::{Frame, FrameKind};
use crate::prompt::Prompt;
use crate::respond::Plan;
use crate::tokens;
use crate::wire::named_event;

pub(crate) fn frames(prompt: &Prompt, id: u64, plan: &Plan) -> Vec<Frame> {
    let mut writer = Writer::default();
    let mut message = start(prompt, id);
    if let Some(counted) = plan.usage {
        message.insert("usage".to_owned(), usage(counted, 1));
    }
    writer.event(FrameKind::Event, "message_start", json!({"message": message}));
    if !plan.reasoning.is_empty() {
        writer.open(json!({"type": "thinking", "thinking": "", "signature": ""}));
        for piece in tokens::pieces(&plan.reasoning) {
            let delta = json!({"type": "thinking_delta", "thinking": piece});
            writer.delta(FrameKind::Token, delta);
        }
        let signature = signature::sign(&plan.reasoning);
        writer.delta(FrameKind::Event, json!({"type": "signature_delta", "signature": signature}));
        writer.close();
    }
    if !plan.text.is_empty() {
        writer.open(json!({"type": "text", "text": ""}));
        for piece in tokens::pieces(&plan.text) {
            writer.delta(FrameKind::Token, json!({"type": "text_delta", "text": piece}));
        }
        writer.close();
    }
    for (at, call) in plan.calls.iter().enumerate() {
        let id = call_id(id, at);
        writer.open(json!({"type": "tool_use", "id": id, "name": call.name, "input": {}}));
        writer.delta(FrameKind::Event, json!({"type": "input_json_delta", "partial_json": ""}));
        for fragment in tokens::argument_fragments(&call.arguments_text()) {
            let delta = json!({"type": "input_json_delta", "partial_json": fragment});
            writer.delta(FrameKind::Token, delta);
        }
        writer.close();
    }
    writer.end(plan);
    writer.frames
}

pub(crate) fn ping() -> Bytes {
    named_event("ping", r#"{"type":"ping"}"#)
}

#[derive(Default)]
struct Writer {
    frames: Vec<Frame>,
    /// Index of the block that is or comes next.
    block: usize,
}

impl Writer {
    fn event(&mut self, kind: FrameKind, name: &str, fields: Value) {
        let mut event = serde_json::Map::new();
        event.insert("type".to_owned(), json!(name));
        if let Value::Object(fields) = fields {
            event.extend(fields);
        }
        let json = Value::Object(event).to_string();
        self.frames.push(Frame::new(kind, named_event(name, &json)));
    }

    fn open(&mut self, block: Value) {
        let fields = json!({"index": self.block, "content_block": block});
        self.event(FrameKind::Event, "content_block_start", fields);
        if self.block == 0 {
            self.frames.push(Frame::new(FrameKind::Event, ping()));
        }
    }

    fn delta(&mut self, kind: FrameKind, delta: Value) {
        let fields = json!({"index": self.block, "delta": delta});
        self.event(kind, "content_block_delta", fields);
    }

    fn close(&mut self) {
        let fields = json!({"index": self.block});
        self.event(FrameKind::Event, "content_block_stop", fields);
        self.block += 1;
    }

    fn end(&mut self, plan: &Plan) {
        let (stop_reason, stop_sequence) = stop(&plan.finish);
        let mut fields =
            json!({"delta": {"stop_reason": stop_reason, "stop_sequence": stop_sequence}});
        if let (Some(counted), Some(fields)) = (plan.usage, fields.as_object_mut()) {
            let counted = json!({
                "input_tokens": counted.prompt - counted.cache_read - counted.cache_write,
                "cache_creation_input_tokens": counted.cache_write,
                "cache_read_input_tokens": counted.cache_read,
                "output_tokens": counted.output
            });
            fields.insert("usage".to_owned(), counted);
        }
        self.event(FrameKind::Event, "message_delta", fields);
        self.event(FrameKind::Terminal, "message_stop", json!({}));
    }
}
