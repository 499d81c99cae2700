//! Events to the stream that a client of this format reads.
//!
//! Order: `message_start`; each block opened, filled and closed before the next; `message_delta`
//! with the reason and the usage; `message_stop`.

use backstay_core::{
    Error, Usage,
    chat::{ChatEvent, FinishReason, Settlement},
};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use super::{client_blocks::Blocks, client_reply::error_object, stop_reason, usage};
use crate::{EncodeOptions, ReplyExtension, dollars::add_cost, extension};

/// Writes one stream.
#[derive(Debug)]
pub(crate) struct StreamEncoder {
    id: String,
    model: String,
    usage: Option<Usage>,
    reason: Option<FinishReason>,
    blocks: Blocks,
    /// The client has its `message_start`.
    started: bool,
    /// The client has its `message_delta`, in bytes that were forwarded.
    ended: bool,
    show_cost: bool,
    /// The provider's `message_delta`, which waits for the cost where that is to be shown.
    held: Option<Bytes>,
    settlement: Option<Settlement>,
}

impl StreamEncoder {
    pub(crate) fn new(options: &EncodeOptions) -> Self {
        Self {
            id: options.generation.clone(),
            model: options.model.clone(),
            usage: None,
            reason: None,
            blocks: Blocks::default(),
            started: false,
            ended: false,
            show_cost: options.show_cost,
            held: None,
            settlement: None,
        }
    }

    /// Passes on what the provider wrote, and notes what that has told the client.
    pub(crate) fn forward(&mut self, events: &[ChatEvent], bytes: &Bytes, out: &mut Vec<u8>) {
        for event in events {
            self.keep(event);
            self.started |= matches!(event, ChatEvent::Started { .. });
        }
        let ends = events.iter().any(|event| matches!(event, ChatEvent::Finished { .. }));
        self.ended |= ends;
        if ends && self.show_cost {
            self.held = Some(bytes.clone());
        } else {
            out.extend_from_slice(bytes);
        }
    }

    /// An answer has one choice here: of several the first is written.
    pub(crate) fn encode(&mut self, events: &[ChatEvent], out: &mut Vec<u8>) {
        // What is counted already goes into the opening event, wherever it stands in the frame.
        events.iter().for_each(|event| self.keep(event));
        for event in events {
            match event {
                ChatEvent::Started { .. } => self.start(out),
                ChatEvent::Text { choice: 0, .. }
                | ChatEvent::Reasoning { choice: 0, .. }
                | ChatEvent::ReasoningSignature { choice: 0, .. }
                | ChatEvent::Refusal { choice: 0, .. }
                | ChatEvent::ToolCallStarted { choice: 0, .. }
                | ChatEvent::ToolCallArguments { choice: 0, .. } => {
                    self.start(out);
                    self.blocks.push(event, out);
                }
                _ => {}
            }
        }
    }

    /// Ends the stream. Reason and usage wait for this, because some providers count last.
    pub(crate) fn finish(&mut self, extension: Option<&ReplyExtension>, out: &mut Vec<u8>) {
        self.start(out);
        self.blocks.finish(out);
        self.release(out);
        if !self.ended {
            self.ended = true;
            let reason = self.reason.as_ref().unwrap_or(&FinishReason::Stop);
            let counted = self.usage.as_ref().map(usage::write).unwrap_or_default();
            let mut counted = json!(counted);
            if self.show_cost {
                add_cost(&mut counted, self.settlement.as_ref());
            }
            let delta =
                json!({"stop_reason": stop_reason::write(reason), "stop_sequence": Value::Null});
            let event = json!({"type": "message_delta", "delta": delta, "usage": counted});
            write_event("message_delta", &event, out);
        }
        let mut event = json!({"type": "message_stop"});
        if let Some(extension) = extension {
            event[extension::MEMBER] = json!(extension);
        }
        write_event("message_stop", &event, out);
    }

    /// Ends a stream that failed, without closing its block: what is here is not the whole answer.
    pub(crate) fn error(
        &mut self,
        error: &Error,
        extension: Option<&ReplyExtension>,
        out: &mut Vec<u8>,
    ) {
        self.release(out);
        let mut event = json!({"type": "error", "error": error_object(error)});
        if let Some(counted) = &self.usage {
            event["usage"] = json!(usage::write(counted));
        }
        if let Some(extension) = extension {
            event[extension::MEMBER] = json!(extension);
        }
        write_event("error", &event, out);
    }

    /// Writes the `message_delta` that waited for the cost.
    fn release(&mut self, out: &mut Vec<u8>) {
        let Some(held) = self.held.take() else { return };
        let data = std::str::from_utf8(&held)
            .ok()
            .and_then(|text| text.lines().find_map(|line| line.strip_prefix("data:")));
        match data.and_then(|data| serde_json::from_str::<Value>(data).ok()) {
            Some(mut event) => {
                add_cost(&mut event["usage"], self.settlement.as_ref());
                write_event("message_delta", &event, out);
            }
            None => out.extend_from_slice(&held),
        }
    }

    fn keep(&mut self, event: &ChatEvent) {
        if let ChatEvent::Settled(settlement) = event {
            self.settlement = Some(settlement.as_ref().clone());
        }
        match event {
            ChatEvent::Started { id, model, .. } => {
                if let Some(id) = id {
                    self.id.clone_from(id);
                }
                if let Some(model) = model {
                    self.model.clone_from(model);
                }
            }
            ChatEvent::Finished { choice: 0, reason, .. } => self.reason = Some(reason.clone()),
            ChatEvent::Usage(counted) => self.usage = Some(counted.clone()),
            ChatEvent::Settled(settlement) if self.usage.is_none() => {
                self.usage = Some(settlement.usage.clone());
            }
            _ => {}
        }
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let message = json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": self.usage.as_ref().map(usage::write).unwrap_or_default(),
        });
        write_event("message_start", &json!({"type": "message_start", "message": message}), out);
    }
}

/// One event. Values of ours always have a JSON text, and a `Vec` takes every byte.
pub(super) fn write_event(name: &str, value: &impl Serialize, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    let written = serde_json::to_writer(&mut *out, value);
    debug_assert!(written.is_ok(), "an event has a JSON text");
    out.extend_from_slice(b"\n\n");
}
